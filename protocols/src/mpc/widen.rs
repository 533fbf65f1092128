//! Into a larger ring: values modulo 2^64 whose top bit is known to be zero become the same values modulo 2^128.
//!
//! With `u = x_0 + x_1` at P0 and `v = x_2` at P1 and P2, `x = u + v − 2^64·w`, and as the top bit of `x` is zero the wrap is
//! `w = a ∨ b = a + b − a·b`, of the top bits `a` of `u` and `b` of `v`. So `x` is `u` and `v` read as signed numbers, and `2^64·a·b`
//! added. Of the product only what it is modulo 2^64 counts, so it is one of words, between a bit that P0 knows and one that P1 and P2
//! know.
//!
//! # Source
//! Extension of a value whose top bit is known: \[SiRNN\] Rathee et al., "SiRNN: A Math Library for Secure RNN Inference", IEEE S&P
//! 2021, <https://eprint.iacr.org/2021/459>; there between two, with oblivious transfer. Here the product is one of \[AFLNO16\].

use super::{
    input::{input, input_cost},
    multiply::{mul, mul_cost},
};
use crate::{
    party::Role,
    ring::{Arithmetic, Buf, Ring, Z64, Z128},
    session::{Meter, Session, SessionError},
    share::Shared,
};

/// The same values modulo 2^128, of values `0 ≤ x < 2^63`. What is beyond comes out as another value.
///
/// # Shape
/// `n` values; returns `n`.
///
/// # Cost
/// 2 rounds; P0 sends 24 bytes a value, and each party 8.
///
/// # Errors
/// Channel errors pass through.
///
/// # Security
/// Semi-honest, one corrupted party: two inputs by P0 of what it knows, and a multiplication.
///
/// # Source
/// See the module.
pub fn widen(s: &mut Session, x: &Shared<Z64>) -> Result<Shared<Z128>, SessionError> {
    let (n, role) = (x.len(), s.role());
    let sum = (role == Role::P0).then(|| {
        let mut sum = Buf::copy_of(x.own());
        Z64::add_assign(&mut sum, x.next());
        sum
    });
    let first = input::<Z128>(s, Role::P0, sum.as_ref().map(|sum| signed(sum)).as_deref(), n)?;
    let a = input::<Z64>(s, Role::P0, sum.as_ref().map(|sum| top_bits(sum)).as_deref(), n)?;
    let third = |words: &[u64]| (signed(words), top_bits(words));
    let (second, b) = match role {
        Role::P0 => (Shared::zeros(n), Shared::zeros(n)),
        Role::P1 => {
            let (value, bit) = third(x.next());
            let zeros = (Buf::zeroed(n), Buf::zeroed(n));
            (Shared::from_parts(zeros.0, value), Shared::from_parts(zeros.1, bit))
        }
        Role::P2 => {
            let (value, bit) = third(x.own());
            let zeros = (Buf::zeroed(n), Buf::zeroed(n));
            (Shared::from_parts(value, zeros.0), Shared::from_parts(bit, zeros.1))
        }
    };
    let both = mul(s, &a, &b)?;
    let mut wide: Shared<Z128> = first.plus(&second);
    wide.add_assign(&both.map(|words| words.iter().map(|word| u128::from(*word) << 64).collect()));
    Ok(wide)
}

/// Twin of [`widen`].
pub fn widen_cost(m: &mut Meter, n: usize) {
    input_cost::<Z128>(m, Role::P0, n);
    input_cost::<Z64>(m, Role::P0, n);
    mul_cost::<Z64>(m, n);
}

fn signed(words: &[u64]) -> Buf<u128> {
    words.iter().map(|word| Z128::from_i128(word.cast_signed().into())).collect()
}

fn top_bits(words: &[u64]) -> Buf<u64> {
    words.iter().map(|word| word >> 63).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testkit::World;

    #[test]
    fn values_below_the_top_bit_stay_what_they_are() {
        for seed in 0..12 {
            let world = World::new(seed);
            let n = [0, 1, 63, 64, 65, 1000][usize::try_from(seed % 6).unwrap()];
            let mut random = world.random(1);
            let values: Vec<u64> = (0..n)
                .map(|i| match i % 5 {
                    0 => 0,
                    1 => u64::MAX >> 1,
                    2 => random() >> 40,
                    _ => random() >> 1,
                })
                .collect();
            let shares = world.deal::<Z64>(2, &values);
            let run = world.run(|s| widen(s, &shares[s.role().index()]));
            run.assert_cost("widen", |m| widen_cost(m, n));
            let want: Vec<u128> = values.iter().map(|value| u128::from(*value)).collect();
            assert_eq!(run.reconstruct(), want, "seed {seed}");
        }
    }

    #[test]
    fn whatever_the_summands_are() {
        let edges = [0, 1, u64::MAX, 1 << 63, (1 << 63) - 1, (1 << 63) + 1];
        for (a, b) in edges.iter().flat_map(|a| edges.map(|b| (*a, b))) {
            for value in [0, 1, u64::MAX >> 1] {
                let mut drawn = [a, b].into_iter();
                let shares =
                    crate::share::deal::<Z64>(&[value], |out| out.fill(drawn.next().unwrap()));
                let run = World::new(7).run(|s| widen(s, &shares[s.role().index()]));
                assert_eq!(run.reconstruct(), [u128::from(value)], "{a} {b}");
            }
        }
    }
}
