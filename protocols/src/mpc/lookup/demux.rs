//! One-hot bits of a secret index.

use crate::{
    mpc::multiply::{View, products, products_cost},
    ring::{B64, Buf, Ring},
    session::{Meter, Session, SessionError},
    share::{Bits, Shared},
};

/// The longest index: a million planes.
const LONGEST: usize = 20;

/// One bit for each value that an index of k bits can have: bit `j` is 1 where the index is `j`.
///
/// # Shape
/// n rows × k, k at most 20; returns n rows × 2^k.
///
/// # Cost
/// ⌈log2 k⌉ rounds; each party sends 2^k − k − 1 planes.
///
/// # Errors
/// Channel errors pass through.
///
/// # Panics
/// If the index has more than 20 bits.
///
/// # Security
/// Semi-honest: multiplications only.
///
/// # Source
/// \[LDDA12\], see the module.
pub fn one_hot(s: &mut Session, index: &Bits) -> Result<Bits, SessionError> {
    let mut hot = one_hots(s, std::slice::from_ref(index))?;
    Ok(hot.remove(0))
}

/// Twin of [`one_hot`].
pub fn one_hot_cost(m: &mut Meter, rows: usize, width: usize) {
    one_hots_cost(m, rows, &[width]);
}

/// [`one_hot`] of several indices of the same rows at once.
pub(super) fn one_hots(s: &mut Session, indices: &[Bits]) -> Result<Vec<Bits>, SessionError> {
    let role = s.role();
    let mut parts: Vec<Vec<Bits>> = indices
        .iter()
        .map(|index| {
            assert!(index.width() <= LONGEST, "an index of at most {LONGEST} bits");
            let bits = (0..index.width()).map(|bit| index.bit_range(bit, 1));
            let hot: Vec<_> = bits.map(|bit| Bits::beside(&[&bit.not(role), &bit])).collect();
            if hot.is_empty() { vec![Bits::zeros(index.rows(), 1).not(role)] } else { hot }
        })
        .collect();
    while parts.iter().any(|parts| parts.len() > 1) {
        let pairs: Vec<_> = parts.iter().flat_map(|parts| parts.as_chunks::<2>().0).collect();
        let todo: Vec<_> = pairs.iter().flat_map(|pair| inner(pair)).collect();
        let made = products::<B64>(s, &todo)?;
        let mut made = Cursor { of: &made, at: 0 };
        parts = parts
            .iter()
            .map(|parts| {
                let (pairs, rest) = parts.as_chunks::<2>();
                pairs
                    .iter()
                    .map(|pair| outer(pair, &mut made))
                    .chain(rest.iter().cloned())
                    .collect()
            })
            .collect();
    }
    Ok(parts.into_iter().map(|mut parts| parts.remove(0)).collect())
}

pub(super) fn one_hots_cost(m: &mut Meter, rows: usize, widths: &[usize]) {
    let mut parts: Vec<Vec<usize>> = widths.iter().map(|width| vec![2; *width]).collect();
    while parts.iter().any(|parts| parts.len() > 1) {
        let pairs = parts.iter().flat_map(|parts| parts.as_chunks::<2>().0);
        let planes: usize = pairs.map(|[low, high]| (low - 1) * (high - 1)).sum();
        products_cost::<B64>(m, planes * rows.div_ceil(64));
        parts = parts
            .iter()
            .map(|parts| parts.chunks(2).map(|pair| pair.iter().product()).collect())
            .collect();
    }
}

/// Products of all but the first bit of either side.
fn inner(pair: &[Bits; 2]) -> Vec<(View<'_, B64>, View<'_, B64>)> {
    let [low, high] = pair;
    (1..high.width())
        .flat_map(|i| (1..low.width()).map(move |j| (i, j)))
        .map(|(i, j)| (View::planes(high, i, i + 1), View::planes(low, j, j + 1)))
        .collect()
}

/// Products that were made, in order.
struct Cursor<'a> {
    of: &'a Shared<B64>,
    at: usize,
}

/// All products of two one-hot vectors: those that were made, and those that follow because either vector adds up to 1.
fn outer(pair: &[Bits; 2], made: &mut Cursor<'_>) -> Bits {
    let [low, high] = pair;
    let (rows, stride) = (low.rows(), low.stride());
    let (across, down) = (low.width(), high.width());
    let inner = (across - 1) * (down - 1) * stride;
    let (from, to) = (made.at, made.at + inner);
    made.at = to;
    let fill = |low: &[u64], high: &[u64], made: &[u64]| {
        let mut out = Buf::<u64>::scratch(across * down * stride);
        let plane = |i: usize, j: usize| (i * across + j) * stride..(i * across + j + 1) * stride;
        for (at, product) in made.chunks(stride.max(1)).enumerate() {
            out[plane(at / (across - 1) + 1, at % (across - 1) + 1)].copy_from_slice(product);
        }
        let missing = |out: &mut [u64], whole: &[u64], rest: Vec<std::ops::Range<usize>>| {
            let mut left = Buf::copy_of(whole);
            rest.into_iter().for_each(|range| B64::sub_assign(&mut left, &out[range]));
            left
        };
        for i in 1..down {
            let whole = &high[i * stride..(i + 1) * stride];
            let left = missing(&mut out, whole, (1..across).map(|j| plane(i, j)).collect());
            out[plane(i, 0)].copy_from_slice(&left);
        }
        for j in 0..across {
            let whole = &low[j * stride..(j + 1) * stride];
            let left = missing(&mut out, whole, (1..down).map(|i| plane(i, j)).collect());
            out[plane(0, j)].copy_from_slice(&left);
        }
        out
    };
    let (l, h, m) = (low.planes(), high.planes(), made.of);
    let own = fill(l.own(), h.own(), &m.own()[from..to]);
    let next = fill(l.next(), h.next(), &m.next()[from..to]);
    Bits::from_planes(rows, across * down, Shared::from_parts(own, next))
}
