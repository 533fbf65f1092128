//! Digits of a sum `u + v` whose summands two sides know: products of bits of `u`, and what the other side's bits make of them.
//!
//! Whether a digit of b bits carries, and whether it passes a carry on, are polynomials over GF(2) in the bits of `u` with
//! coefficients in those of `v`. Lane `s − 1`, for `s` from 1 to 2^b − 1, is the product of the bits of `u` that `s` names.

/// Eight words at a time: registers of any width are filled, and eight lines are on their way at once.
type Line = [u64; 8];

/// See [`Backend::digit_lanes`](super::backend::Backend::digit_lanes).
#[inline(always)]
pub(super) fn lanes(planes: &[u64], bits: usize, lanes: &mut [u64]) {
    match bits {
        1 => lanes_of::<1, 2>(planes, lanes),
        2 => lanes_of::<2, 4>(planes, lanes),
        3 => lanes_of::<3, 8>(planes, lanes),
        4 => lanes_of::<4, 16>(planes, lanes),
        5 => lanes_of::<5, 32>(planes, lanes),
        6 => lanes_of::<6, 64>(planes, lanes),
        7 => lanes_of::<7, 128>(planes, lanes),
        _ => lanes_of::<8, 256>(planes, lanes),
    }
}

/// See [`Backend::digit_sums`](super::backend::Backend::digit_sums).
#[inline(always)]
pub(super) fn sums(
    planes: &[u64],
    bits: usize,
    lanes: &[u64],
    constant: bool,
    out: [&mut [u64]; 2],
) {
    match bits {
        1 => sums_of::<1, 2>(planes, lanes, constant, out),
        2 => sums_of::<2, 4>(planes, lanes, constant, out),
        3 => sums_of::<3, 8>(planes, lanes, constant, out),
        4 => sums_of::<4, 16>(planes, lanes, constant, out),
        5 => sums_of::<5, 32>(planes, lanes, constant, out),
        6 => sums_of::<6, 64>(planes, lanes, constant, out),
        7 => sums_of::<7, 128>(planes, lanes, constant, out),
        _ => sums_of::<8, 256>(planes, lanes, constant, out),
    }
}

/// For digits of `BITS` bits; `SETS` is 2^`BITS`.
#[inline(always)]
fn lanes_of<const BITS: usize, const SETS: usize>(planes: &[u64], lanes: &mut [u64]) {
    let len = planes.len() / BITS;
    debug_assert!(planes.len() == BITS * len && lanes.len() == (SETS - 1) * len);
    for at in (0..len).step_by(8) {
        let mut product = [[u64::MAX; 8]; SETS];
        for bit in 0..BITS {
            let u = load(&planes[bit * len..][..len], at);
            for set in 0..1 << bit {
                product[set | 1 << bit] = and(product[set], u);
            }
        }
        for (set, product) in product.iter().enumerate().skip(1) {
            add(&mut lanes[(set - 1) * len..][..len], at, product);
        }
    }
}

/// For digits of `BITS` bits; `SETS` is 2^`BITS`.
///
/// With `G_j` the carry out of bits `0..=j` and `P_j` whether they pass one on: `G_j = u_j·v_j ⊕ (u_j ⊕ v_j)·G_{j−1}` and
/// `P_j = (u_j ⊕ v_j)·P_{j−1}`. The coefficients of all products of bits of `u` are worked out bit by bit.
#[inline(always)]
fn sums_of<const BITS: usize, const SETS: usize>(
    planes: &[u64],
    lanes: &[u64],
    constant: bool,
    [carry, pass]: [&mut [u64]; 2],
) {
    let len = planes.len() / BITS;
    debug_assert!(planes.len() == BITS * len && lanes.len() == (SETS - 1) * len);
    debug_assert!([0, len].contains(&carry.len()) && [0, len].contains(&pass.len()));
    for at in (0..len).step_by(8) {
        let (mut g, mut p): ([Line; SETS], [Line; SETS]) = ([[0; 8]; SETS], [[u64::MAX; 8]; SETS]);
        for bit in 0..BITS {
            let v = load(&planes[bit * len..][..len], at);
            for set in 0..1 << bit {
                let with = set | 1 << bit;
                g[with] = if set == 0 { v } else { g[set] };
                p[with] = p[set];
                g[set] = and(g[set], v);
                p[set] = and(p[set], v);
            }
        }
        let (mut carries, mut passes) = ([0; 8], if constant { p[0] } else { [0; 8] });
        for set in 1..SETS {
            let u = load(&lanes[(set - 1) * len..][..len], at);
            carries = add_product(carries, g[set], u);
            passes = add_product(passes, p[set], u);
        }
        if !carry.is_empty() {
            add(carry, at, &carries);
        }
        if !pass.is_empty() {
            add(pass, at, &passes);
        }
    }
}

/// Words `at..at + 8`; those that are not there are zero.
#[inline(always)]
fn load(words: &[u64], at: usize) -> Line {
    match words[at..].first_chunk() {
        Some(line) => *line,
        None => {
            let mut line = [0; 8];
            line[..words.len() - at].copy_from_slice(&words[at..]);
            line
        }
    }
}

/// `words[at..at + 8] ^= line`, as far as there are words.
#[inline(always)]
fn add(words: &mut [u64], at: usize, line: &Line) {
    match words[at..].first_chunk_mut::<8>() {
        Some(words) => words.iter_mut().zip(line).for_each(|(word, x)| *word ^= x),
        None => words[at..].iter_mut().zip(line).for_each(|(word, x)| *word ^= x),
    }
}

#[inline(always)]
fn and(x: Line, y: Line) -> Line {
    std::array::from_fn(|i| x[i] & y[i])
}

#[inline(always)]
fn add_product(sum: Line, x: Line, y: Line) -> Line {
    std::array::from_fn(|i| sum[i] ^ x[i] & y[i])
}
