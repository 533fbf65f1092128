//! Products of shared matrices: one round, one ring element for each element of the product, however long the inner side is.
//!
//! `Z_i = X_i·(Y_i + Y_{i+1}) + X_{i+1}·Y_i + α_i` with `α_0 + α_1 + α_2 = 0` adds up to `X·Y`: two local products a party, and
//! one message, as for [`mul`](super::mul). \[AFLNO16\] <https://eprint.iacr.org/2016/768> §2.2; that a sum of products needs one
//! message only is \[ABY3\] <https://eprint.iacr.org/2018/403>.

use crate::{
    kernels::Matrix,
    ring::{Buf, Ring},
    session::{Meter, Session, SessionError},
    share::Shared,
};

/// A borrowed matrix of shares. Transposing and cutting it copy nothing.
#[derive(Debug)]
pub struct MatrixView<'a, R: Ring> {
    own: Matrix<'a, R::Word>,
    next: Matrix<'a, R::Word>,
}

impl<R: Ring> Clone for MatrixView<'_, R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<R: Ring> Copy for MatrixView<'_, R> {}

impl<'a, R: Ring> MatrixView<'a, R> {
    /// All of a vector of `rows · columns` elements, row by row.
    ///
    /// # Panics
    /// If it has more or fewer elements.
    #[must_use]
    pub fn new(shares: &'a Shared<R>, rows: usize, columns: usize) -> Self {
        let matrix = |words| Matrix::new(words, rows, columns);
        Self { own: matrix(shares.own()), next: matrix(shares.next()) }
    }

    /// Rows and columns exchanged.
    #[must_use]
    pub fn transposed(self) -> Self {
        Self { own: self.own.transposed(), next: self.next.transposed() }
    }

    /// Rows `from..to`: a batch of a table.
    ///
    /// # Panics
    /// If there are not that many.
    #[must_use]
    pub fn row_range(self, from: usize, to: usize) -> Self {
        Self { own: self.own.row_range(from, to), next: self.next.row_range(from, to) }
    }

    /// Every `step`-th row, from row `first` on: a batch of a table that may be sorted.
    ///
    /// # Panics
    /// If `step` is 0.
    #[must_use]
    pub fn every(self, first: usize, step: usize) -> Self {
        Self { own: self.own.every(first, step), next: self.next.every(first, step) }
    }

    /// How many rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.own.rows()
    }

    /// How many columns.
    #[must_use]
    pub fn columns(&self) -> usize {
        self.own.columns()
    }
}

/// The product of two shared matrices that lie row by row.
///
/// # Shape
/// `x` is m × q, `y` is q × p; returns m × p, row by row. Any of the three may be 0.
///
/// # Cost
/// 1 round; each party sends `m · p` words and works out `2 · m · q · p` multiply-adds.
///
/// # Errors
/// [`SessionError::Shape`] if lengths and shapes do not fit; channel errors pass through.
///
/// # Security
/// Semi-honest, one corrupted party. The one message is masked by a fresh zero share.
///
/// # Source
/// \[AFLNO16\], see the module.
pub fn matmul<R: Ring>(
    s: &mut Session,
    x: &Shared<R>,
    (m, q): (usize, usize),
    y: &Shared<R>,
    (inner, p): (usize, usize),
) -> Result<Shared<R>, SessionError> {
    s.same_len(x.len(), m * q)?;
    s.same_len(y.len(), inner * p)?;
    product(s, MatrixView::new(x, m, q), MatrixView::new(y, inner, p))
}

/// Twin of [`matmul`], for a product of m × p, and of [`product`].
pub fn matmul_cost<R: Ring>(m: &mut Meter, rows: usize, columns: usize) {
    m.exchange::<R>(rows * columns);
}

/// [`matmul`] of any two views: `product(s, x.transposed(), e)` is `Xᵀ·e` without a copy of `X`.
///
/// # Cost
/// That of [`matmul`].
///
/// # Errors
/// As [`matmul`].
///
/// # Security
/// That of [`matmul`].
pub fn product<R: Ring>(
    s: &mut Session,
    x: MatrixView<'_, R>,
    y: MatrixView<'_, R>,
) -> Result<Shared<R>, SessionError> {
    s.same_len(x.columns(), y.rows())?;
    let mut own = Buf::scratch(x.rows() * y.columns());
    s.prss().zero_share::<R>(&mut own);
    cross(&mut own, x, y);
    let next = s.exchange::<R>(&own)?;
    Ok(Shared::from_parts(own, next))
}

/// Several products of matrices in one round, in their order.
///
/// # Cost
/// 1 round; each party sends as many words as the products have elements.
///
/// # Errors
/// As [`matmul`].
///
/// # Security
/// That of [`matmul`].
pub fn matrix_products<R: Ring>(
    s: &mut Session,
    pairs: &[(MatrixView<'_, R>, MatrixView<'_, R>)],
) -> Result<Vec<Shared<R>>, SessionError> {
    let mut sizes = Vec::with_capacity(pairs.len());
    for (x, y) in pairs {
        s.same_len(x.columns(), y.rows())?;
        sizes.push(x.rows() * y.columns());
    }
    let mut own = Buf::scratch(sizes.iter().sum());
    s.prss().zero_share::<R>(&mut own);
    let mut rest = &mut own[..];
    for ((x, y), size) in pairs.iter().zip(&sizes) {
        let (part, behind) = rest.split_at_mut(*size);
        cross(part, *x, *y);
        rest = behind;
    }
    let next = s.exchange::<R>(&own)?;
    let all = Shared::<R>::from_parts(own, next);
    let mut start = 0;
    let mut products = Vec::with_capacity(sizes.len());
    for size in sizes {
        products.push(all.slice(start, start + size));
        start += size;
    }
    Ok(products)
}

/// Twin of [`matrix_products`], for `elements` in all products together.
pub fn matrix_products_cost<R: Ring>(m: &mut Meter, elements: usize) {
    m.exchange::<R>(elements);
}

/// `acc += X_i·(Y_i + Y_{i+1}) + X_{i+1}·Y_i`, or the same with the sum on the other side, whichever is less to add up.
fn cross<R: Ring>(acc: &mut [R::Word], x: MatrixView<'_, R>, y: MatrixView<'_, R>) {
    if y.own.words().len() <= x.own.words().len() {
        let sum = sum::<R>(y);
        R::gemm(acc, x.own, y.own.with_words(&sum));
        R::gemm(acc, x.next, y.own);
    } else {
        let sum = sum::<R>(x);
        R::gemm(acc, x.own.with_words(&sum), y.own);
        R::gemm(acc, x.own, y.next);
    }
}

/// Both summands together.
fn sum<R: Ring>(of: MatrixView<'_, R>) -> Buf<R::Word> {
    let mut sum = Buf::copy_of(of.own.words());
    R::add_assign(&mut sum, of.next.words());
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ring::{B64, Z32, Z64, Z128},
        testkit::World,
    };

    const SHAPES: [(usize, usize, usize); 12] = [
        (0, 3, 2),
        (3, 0, 2),
        (2, 3, 0),
        (1, 1, 1),
        (3, 5, 7),
        (17, 31, 9),
        (1, 1000, 1),
        (63, 2, 1),
        (64, 64, 64),
        (65, 30, 1),
        (1, 65, 64),
        (20, 1000, 20),
    ];

    fn clear<R: Ring>(
        x: &[R::Word],
        y: &[R::Word],
        (m, q, p): (usize, usize, usize),
    ) -> Vec<R::Word> {
        let mut out = vec![R::ZERO; m * p];
        for (at, sum) in out.iter_mut().enumerate() {
            for k in 0..q {
                R::mul_add(
                    std::slice::from_mut(sum),
                    &x[at / p * q + k..][..1],
                    &y[k * p + at % p..][..1],
                );
            }
        }
        out
    }

    fn transpose<W: Copy>(x: &[W], rows: usize, columns: usize) -> Vec<W> {
        (0..rows * columns).map(|at| x[at % rows * columns + at / rows]).collect()
    }

    fn multiplies<R: Ring>(make: impl Fn(u64) -> R::Word) {
        for (m, q, p) in SHAPES {
            let world = World::new((m * 10_000 + q * 100 + p) as u64);
            let words = |label, n| -> Vec<R::Word> {
                let mut random = world.random(label);
                (0..n).map(|_| make(random())).collect()
            };
            let (x, y) = (words(1, m * q), words(2, q * p));
            let (a, b) = (world.deal::<R>(1, &x), world.deal::<R>(2, &y));
            let want = clear::<R>(&x, &y, (m, q, p));
            let what = format!("{} {m} × {q} × {p}", R::NAME);
            let run = world.run(|s| {
                let i = s.role().index();
                matmul(s, &a[i], (m, q), &b[i], (q, p))
            });
            assert_eq!(run.reconstruct(), want, "{what}");
            run.assert_cost(&what, |meter| matmul_cost::<R>(meter, m, p));
            // The same product of the transposes, read back across, and its own transpose beside it.
            let (xt, yt) = (transpose(&x, m, q), transpose(&y, q, p));
            let (c, d) = (world.deal::<R>(3, &xt), world.deal::<R>(4, &yt));
            let run = world.run(|s| {
                let i = s.role().index();
                let x = MatrixView::new(&c[i], q, m).transposed();
                let y = MatrixView::new(&d[i], p, q).transposed();
                let both = matrix_products(s, &[(x, y), (y.transposed(), x.transposed())])?;
                Ok(Shared::concat(&[&both[0], &both[1]]))
            });
            let both = [want.clone(), transpose(&want, m, p)].concat();
            assert_eq!(run.reconstruct(), both, "{what} transposed");
            run.assert_cost(&what, |meter| matrix_products_cost::<R>(meter, 2 * m * p));
        }
    }

    #[test]
    fn products_of_matrices_in_every_ring() {
        #[expect(clippy::cast_possible_truncation, reason = "any 32 bits do")]
        multiplies::<Z32>(|i| i as u32);
        multiplies::<Z64>(|i| i);
        multiplies::<Z128>(|i| u128::from(i) << 64 | u128::from(!i));
        multiplies::<B64>(|i| i);
    }

    /// The two products of a step of a linear model on a batch of rows.
    #[test]
    fn a_batch_of_rows_is_read_in_place_both_ways() {
        let (rows, d) = (13, 5);
        let world = World::new(3);
        let (mut x, mut w, mut e) = (world.random(1), world.random(2), world.random(3));
        let x: Vec<u64> = (0..rows * d).map(|_| x()).collect();
        let w: Vec<u64> = (0..d).map(|_| w()).collect();
        for (from, to) in [(0, 13), (4, 9), (12, 13), (5, 5), (13, 13)] {
            let e: Vec<u64> = (from..to).map(|_| e()).collect();
            let (a, b) = (world.deal::<Z64>(1, &x), world.deal::<Z64>(2, &w));
            let c = world.deal::<Z64>(3, &e);
            let run = world.run(|s| {
                let i = s.role().index();
                let batch = MatrixView::new(&a[i], rows, d).row_range(from, to);
                let forward = product(s, batch, MatrixView::new(&b[i], d, 1))?;
                let back = product(s, batch.transposed(), MatrixView::new(&c[i], to - from, 1))?;
                Ok(Shared::concat(&[&forward, &back]))
            });
            let part = &x[from * d..to * d];
            let mut want = clear::<Z64>(part, &w, (to - from, d, 1));
            want.extend(clear::<Z64>(&transpose(part, to - from, d), &e, (d, to - from, 1)));
            assert_eq!(run.reconstruct(), want, "{from}..{to}");
        }
    }

    #[test]
    fn every_third_row_is_read_in_place_both_ways() {
        let (rows, d) = (13, 5);
        let world = World::new(4);
        let (mut x, mut w, mut e) = (world.random(1), world.random(2), world.random(3));
        let x: Vec<u64> = (0..rows * d).map(|_| x()).collect();
        let w: Vec<u64> = (0..d).map(|_| w()).collect();
        for (first, step) in [(0, 1), (0, 3), (1, 3), (2, 3), (12, 4), (13, 2), (20, 2), (0, 99)] {
            let part: Vec<u64> = x.chunks(d).skip(first).step_by(step).flatten().copied().collect();
            let some = part.len() / d;
            let e: Vec<u64> = (0..some).map(|_| e()).collect();
            let (a, b) = (world.deal::<Z64>(1, &x), world.deal::<Z64>(2, &w));
            let c = world.deal::<Z64>(3, &e);
            let run = world.run(|s| {
                let i = s.role().index();
                let batch = MatrixView::new(&a[i], rows, d).every(first, step);
                let forward = product(s, batch, MatrixView::new(&b[i], d, 1))?;
                let back = product(s, batch.transposed(), MatrixView::new(&c[i], some, 1))?;
                Ok(Shared::concat(&[&forward, &back]))
            });
            let mut want = clear::<Z64>(&part, &w, (some, d, 1));
            want.extend(clear::<Z64>(&transpose(&part, some, d), &e, (d, some, 1)));
            assert_eq!(run.reconstruct(), want, "every {step} from {first}");
        }
    }

    #[test]
    fn factors_that_do_not_fit_are_refused() {
        let world = World::new(1);
        let x = world.deal::<Z64>(1, &[1, 2, 3, 4, 5, 6]);
        for (left, right) in [((2, 3), (2, 3)), ((2, 2), (2, 3)), ((2, 3), (3, 3))] {
            let run = world.run(|s| {
                let x = &x[s.role().index()];
                Ok(matches!(matmul(s, x, left, x, right), Err(SessionError::Shape { .. })))
            });
            assert_eq!(run.results, [true; 3]);
        }
    }
}
