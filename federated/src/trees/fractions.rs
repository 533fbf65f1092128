//! Fractions that meet in a knock-out, compared by cross products.

use protocols::{
    mpc::{
        Contest, View, inject, inject_cost, lt_zero, lt_zero_cost, products, products_cost,
        select_bits, select_bits_cost, sum_of_products, sum_of_products_cost,
    },
    ring::Z128,
    session::{Meter, Session, SessionError},
    share::{Bits, Shared},
};

/// Shared fractions with an upper side of 0 or more and a lower side above 0.
///
/// Invariant: both sides are equally long, and the product of one's upper and another's lower side is below 2^126.
#[derive(Clone, Debug)]
pub(super) struct Fractions {
    pub(super) upper: Shared<Z128>,
    pub(super) lower: Shared<Z128>,
}

impl Fractions {
    fn map(&self, f: impl Fn(&Shared<Z128>) -> Shared<Z128>) -> Self {
        Self { upper: f(&self.upper), lower: f(&self.lower) }
    }
}

/// `a/b < c/d`, which is `a·d − c·b < 0`.
///
/// # Errors
/// Channel errors pass through.
pub(super) fn is_less(
    s: &mut Session,
    [a, b]: [&Shared<Z128>; 2],
    [c, d]: [&Shared<Z128>; 2],
    width: usize,
) -> Result<Bits, SessionError> {
    let mut minus = c.clone();
    minus.negate();
    let all = View::<Z128>::all;
    let difference = sum_of_products(s, a.len(), &[(all(a), all(d)), (all(&minus), all(b))])?;
    lt_zero(s, &difference, width)
}

/// Twin of [`is_less`].
pub(super) fn is_less_cost(m: &mut Meter, n: usize, width: usize) {
    sum_of_products_cost::<Z128>(m, n);
    lt_zero_cost(m, n, width);
}

impl Contest for Fractions {
    fn values(&self) -> usize {
        self.upper.len()
    }

    fn part(&self, from: usize, to: usize) -> Self {
        self.map(|side| side.slice(from, to))
    }

    fn before(&self, others: &Self) -> Self {
        Self { upper: self.upper.before(&others.upper), lower: self.lower.before(&others.lower) }
    }

    fn every_other(&self, rows: usize) -> [Self; 2] {
        let [[even, odd], [even_lower, odd_lower]] =
            [self.upper.every_other(rows), self.lower.every_other(rows)];
        [Self { upper: even, lower: even_lower }, Self { upper: odd, lower: odd_lower }]
    }

    fn less(s: &mut Session, a: &Self, b: &Self, width: usize) -> Result<Bits, SessionError> {
        is_less(s, [&a.upper, &a.lower], [&b.upper, &b.lower], width)
    }

    fn pick(
        s: &mut Session,
        by: &Bits,
        first: (&Self, &Bits),
        second: (&Self, &Bits),
    ) -> Result<(Self, Bits), SessionError> {
        let n = by.rows();
        let places = select_bits(s, by, second.1, first.1)?;
        let by = inject::<Z128>(s, by)?;
        let ways = [second.0.upper.minus(&first.0.upper), second.0.lower.minus(&first.0.lower)];
        let all = View::<Z128>::all;
        let moved = products(s, &[(all(&by), all(&ways[0])), (all(&by), all(&ways[1]))])?;
        let upper = moved.slice(0, n).plus(&first.0.upper);
        let lower = moved.slice(n, 2 * n).plus(&first.0.lower);
        Ok((Self { upper, lower }, places))
    }

    fn duel_cost(m: &mut Meter, n: usize, width: usize, places: usize) {
        is_less_cost(m, n, width);
        select_bits_cost(m, n, places);
        inject_cost::<Z128>(m, n, 1);
        products_cost::<Z128>(m, 2 * n);
    }
}
