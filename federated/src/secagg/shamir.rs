//! Secrets of 32 bytes in shares, any t of which restore them.
//!
//! # Source
//! Shamir, *How to Share a Secret*, CACM 1979; over GF(2^16), so that more than 255 neighbours have a share each.

use protocols::{prg::Prg, ring::Z64};
use zeroize::Zeroizing;

/// GF(2)[x] / (x^16 + x^5 + x^3 + x + 1).
const MODULUS: u32 = 0x1_002b;
/// Field elements of a secret.
const ELEMENTS: usize = 16;

/// A secret, or a share of one.
pub(super) type Secret = Zeroizing<[u8; 32]>;

/// The product of two field elements; no branch and no index depends on them.
fn mul(a: u16, b: u16) -> u16 {
    let (a, mut product) = (u32::from(a), 0_u32);
    for bit in 0..16 {
        product ^= (a << bit) & 0_u32.wrapping_sub(u32::from(b >> bit) & 1);
    }
    for bit in (16..31).rev() {
        product ^= (MODULUS << (bit - 16)) & 0_u32.wrapping_sub(product >> bit & 1);
    }
    #[expect(clippy::cast_possible_truncation, reason = "reduced to 16 bits")]
    let reduced = product as u16;
    reduced
}

/// The inverse of an element: its power of 2^16 − 2.
fn inverse(a: u16) -> u16 {
    let (mut power, mut product) = (a, 1);
    for _ in 1..16 {
        power = mul(power, power);
        product = mul(product, power);
    }
    product
}

fn elements(secret: &[u8; 32]) -> [u16; ELEMENTS] {
    std::array::from_fn(|i| u16::from_le_bytes([secret[2 * i], secret[2 * i + 1]]))
}

fn bytes(elements: &[u16; ELEMENTS]) -> Secret {
    let mut out = Zeroizing::new([0; 32]);
    for (pair, element) in out.chunks_exact_mut(2).zip(elements) {
        pair.copy_from_slice(&element.to_le_bytes());
    }
    out
}

/// Shares for the points 1 to `parties`, any `threshold` of which restore the secret and fewer say nothing.
pub(super) fn share(secret: &Secret, parties: u16, threshold: u16, rng: &mut Prg) -> Vec<Secret> {
    // One polynomial for each element, with the secret for x = 0.
    let terms = usize::from(threshold).saturating_sub(1);
    let drawn = Zeroizing::new(rng.elements::<Z64>(terms * ELEMENTS / 4).to_vec());
    let coefficient = |term: usize, at: usize| {
        let word = drawn[(term * ELEMENTS + at) / 4];
        #[expect(clippy::cast_possible_truncation, reason = "a part of the word")]
        let part = (word >> (16 * (at % 4))) as u16;
        part
    };
    let secret = elements(secret);
    let at_point = |x: u16| {
        let mut values = [0; ELEMENTS];
        for term in (0..terms).rev() {
            for (at, value) in values.iter_mut().enumerate() {
                *value = mul(*value, x) ^ coefficient(term, at);
            }
        }
        bytes(&std::array::from_fn(|at| mul(values[at], x) ^ secret[at]))
    };
    (1..=parties).map(at_point).collect()
}

/// The secret from shares at distinct points, as many as the threshold.
pub(super) fn restore(shares: &[(u16, &Secret)]) -> Secret {
    let mut sum = [0; ELEMENTS];
    for (i, (x, share)) in shares.iter().enumerate() {
        let (mut above, mut below) = (1, 1);
        for (_, (other, _)) in shares.iter().enumerate().filter(|(j, _)| *j != i) {
            above = mul(above, *other);
            below = mul(below, *other ^ x);
        }
        let weight = mul(above, inverse(below));
        for (sum, value) in sum.iter_mut().zip(elements(share)) {
            *sum ^= mul(weight, value);
        }
    }
    bytes(&sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_a_field() {
        for a in [1_u16, 2, 3, 0x8000, 0xffff, 12345] {
            assert_eq!(mul(a, inverse(a)), 1, "{a}");
            assert_eq!(mul(a, 1), a);
            for b in [7_u16, 0xabcd] {
                assert_eq!(mul(a, b), mul(b, a));
                assert_eq!(mul(a, b ^ 0x1111), mul(a, b) ^ mul(a, 0x1111));
            }
        }
        // Degrees of factors that divide 16 but not 8 are 16: the modulus is irreducible if x^(2^16) = x and x^(2^8) ≠ x.
        let mut power = 2;
        for step in 1..=16 {
            power = mul(power, power);
            assert_eq!(power == 2, step == 16, "{step}");
        }
    }

    #[test]
    fn any_so_many_shares_restore_and_fewer_do_not() {
        for seed in 0..20_u8 {
            let mut rng = Prg::new(&[seed; 16]);
            let secret = Zeroizing::new([seed.wrapping_mul(37) ^ 5; 32]);
            for (parties, threshold) in [(1, 1), (3, 2), (9, 6), (300, 7)] {
                let shares = share(&secret, parties, threshold, &mut rng);
                let chosen = |first: u16, n: u16| -> Vec<(u16, &Secret)> {
                    let at = |i: u16| (first + i) % parties;
                    (0..n).map(|i| (at(i) + 1, &shares[usize::from(at(i))])).collect()
                };
                let first = u16::from(seed) * 13 % parties;
                assert_eq!(*restore(&chosen(first, threshold)), *secret, "seed {seed}");
                if threshold > 1 {
                    assert_ne!(*restore(&chosen(first, threshold - 1)), *secret, "seed {seed}");
                }
            }
        }
    }
}
