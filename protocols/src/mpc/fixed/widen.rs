//! The same values in a ring of 128 bits, where their products have room.
//!
//! With `u = x_0 + x_1 + 2^62` at P0 and `v = x_2` at P1 and P2, both below 2^64, `x + 2^62 = u + v − 2^64·(a + b − a·b)` for the top
//! bits `a` of `u` and `b` of `v`, since that of the sum is 0: as for [`truncate`](super::truncate), and here to the last bit.

use super::known::{add_known, in_clear, products, products_cost};
use crate::{
    mpc::spread::{cut, spread, spread_cost},
    party::Role,
    ring::{Buf, Z64, Z128},
    session::{Meter, Session, SessionError},
    share::Shared,
};

/// Added to `x` so that its top bit is zero.
const OFFSET: u64 = 1 << 62;

/// Signed values with −2^62 ≤ x < 2^62 as elements of Z128.
///
/// # Shape
/// `n` values; returns `n`.
///
/// # Cost
/// 2 rounds; P0 sends two words of 128 bits a value, P1 and P2 one: 64 bytes a value in all.
///
/// # Errors
/// Channel errors pass through.
///
/// # Security
/// Semi-honest, one corrupted party: sums of products of what P0 knows and what P1 and P2 know, each message under a key that its
/// receiver lacks.
///
/// # Source
/// The wrap from the top bits: \[SiRNN\] <https://eprint.iacr.org/2021/459>, whose extension of signed values this is, with products as
/// in \[ABY3\] <https://eprint.iacr.org/2018/403> §5.4.
pub fn widen(s: &mut Session, x: &Shared<Z64>) -> Result<Shared<Z128>, SessionError> {
    spread(s, x.len(), |s, rows| part(s, &cut(x, &rows)))
}

/// Twin of [`widen`].
pub fn widen_cost(m: &mut Meter, n: usize) {
    spread_cost(m, n, |m, n| products_cost::<Z128>(m, n, 2));
}

fn part(s: &mut Session, x: &Shared<Z64>) -> Result<Shared<Z128>, SessionError> {
    let role = s.role();
    let mut known = in_clear(role, x);
    if role == Role::P0 {
        known.iter_mut().for_each(|word| *word = word.wrapping_add(OFFSET));
    }
    // P0's word times 1, and 2^64·a times b.
    let fill = |role, rows: std::ops::Range<usize>, out: &mut [u128]| {
        let (first, second) = out.split_at_mut(rows.len());
        for ((word, first), second) in known[rows].iter().zip(first).zip(second) {
            (*first, *second) = if role == Role::P0 {
                (signed(*word).wrapping_sub(u128::from(OFFSET)), u128::from(word >> 63) << 64)
            } else {
                (1, u128::from(word >> 63))
            };
        }
    };
    let sums = products::<Z128>(s, x.len(), 2, fill)?;
    let theirs: Buf<u128> = known.iter().map(|word| signed(*word)).collect();
    Ok(add_known(role, sums, &theirs))
}

/// A word less 2^64 times its top bit.
fn signed(word: u64) -> u128 {
    i128::from(word.cast_signed()).cast_unsigned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{session::Profile, testkit::World};

    #[test]
    fn values_stay_the_same() {
        for (seed, n) in (0..).zip([0, 1, 63, 64, 65, 1000, 20_000]) {
            for profile in [Profile::LOOPBACK, Profile::WAN] {
                let world = World::new(seed).on(profile);
                let mut random = world.random(1);
                let ends = [0, 1, -1, (1 << 62) - 1, -(1 << 62), 1 << 32, -(1 << 32)];
                let some = |at: usize| {
                    let drawn = random().cast_signed() >> 1 >> (at % 62);
                    ends.get(at).copied().unwrap_or(drawn)
                };
                let values: Vec<i64> = (0..n).map(some).collect();
                let words: Vec<u64> = values.iter().map(|x| x.cast_unsigned()).collect();
                let x = world.deal::<Z64>(2, &words);
                let run = world.run(|s| widen(s, &x[s.role().index()]));
                let want: Vec<u128> =
                    values.iter().map(|x| i128::from(*x).cast_unsigned()).collect();
                assert_eq!(run.reconstruct(), want, "{n} values, seed {seed}");
                run.assert_cost(&format!("{n} values"), |m| widen_cost(m, n));
            }
        }
    }
}
