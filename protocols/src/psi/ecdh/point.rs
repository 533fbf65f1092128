//! For the count: items to points of Curve25519 by their u-coordinates, and points to the power of an exponent.

use std::fmt;

use zeroize::Zeroizing;

use crate::psi::cores::{PART, on_all_cores};
use crate::{
    kernels::Backend,
    prg::Prg,
    ring::Z128,
    session::{Pair, SessionError},
};

/// An element as it travels: the u-coordinate of a point, or the encoding of an element of ristretto255.
pub(super) type Point = [u8; 32];

/// What item hashes are derived for.
const TO_FIELD: &str = "unseen ecdh psi item to field element v2";

/// A secret exponent: 251 random bits, times 8, plus 2^254.
pub(super) struct Exponent(Zeroizing<[u8; 32]>);

impl Exponent {
    /// A fresh one.
    pub(super) fn random(rng: &mut Prg) -> Self {
        let mut bytes = Zeroizing::new([0; 32]);
        bytes.copy_from_slice(bytemuck::cast_slice(&rng.elements::<Z128>(2)));
        bytes[0] &= 0b1111_1000;
        bytes[31] = bytes[31] & 0b0111_1111 | 0b0100_0000;
        Self(bytes)
    }

    /// Raises points that this side made itself.
    pub(super) fn raise_own(&self, points: &mut [Point]) {
        on_all_cores(points.chunks_mut(PART), |part| {
            Backend::active().montgomery_ladder(&self.0, part);
        });
    }

    /// Raises points that came from the peer.
    ///
    /// # Errors
    /// If one of them is no canonical encoding, or of low order.
    pub(super) fn raise(&self, pair: &Pair<'_>, points: &mut [Point]) -> Result<(), SessionError> {
        self.raise_own(points);
        if points.contains(&[0; 32]) {
            return Err(pair.invalid("a point that is not canonical, or of low order"));
        }
        Ok(())
    }
}

/// Exponents do not print.
impl fmt::Debug for Exponent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Exponent(..)")
    }
}

/// The points of items: a hash to the field, 2^−250 from uniform, and Elligator 2 from there.
pub(super) fn points(items: impl Iterator<Item = u128>) -> Vec<Point> {
    let mut points = hashed(TO_FIELD, items);
    on_all_cores(points.chunks_mut(PART), |part| Backend::active().elligator2(part));
    points
}

/// The hashes of items for a purpose: 256 bits.
pub(super) fn hashed(purpose: &str, items: impl Iterator<Item = u128>) -> Vec<Point> {
    let key = blake3::derive_key(purpose, &[]);
    let blocks: Vec<[u8; 64]> = items.map(block).collect();
    let mut hashes = vec![[0; 32]; blocks.len()];
    let lengths = vec![16; blocks.len()];
    Backend::active().keyed_hash(&key, &blocks, &lengths, &mut hashes);
    hashes
}

/// An item where its hash is taken from.
fn block(item: u128) -> [u8; 64] {
    let mut block = [0; 64];
    block[..16].copy_from_slice(&item.to_le_bytes());
    block
}

/// A message of so many points.
pub(super) fn receive_points(pair: &mut Pair<'_>, n: usize) -> Result<Vec<Point>, SessionError> {
    let mut points = vec![[0; 32]; n];
    pair.recv(points.as_flattened_mut())?;
    Ok(points)
}

/// So many bytes of a point, all of whose bits are random: those behind the first, for encodings of ristretto255 are even.
fn compared(point: &Point, width: usize) -> &[u8] {
    &point[1..=width]
}

/// What is compared of a point, as a number whose highest bits are random.
pub(super) fn tag(point: &Point, width: usize) -> u128 {
    number(compared(point, width))
}

/// What is compared of points.
pub(super) fn tags(points: &[Point], width: usize) -> Vec<u8> {
    points.iter().flat_map(|point| compared(point, width)).copied().collect()
}

fn number(bytes: &[u8]) -> u128 {
    let mut number = [0; 16];
    number[16 - bytes.len()..].copy_from_slice(bytes);
    u128::from_le_bytes(number)
}

/// Receives as many tags.
pub(super) fn receive_tags(
    pair: &mut Pair<'_>,
    n: usize,
    width: usize,
    tags: &mut Vec<u128>,
) -> Result<(), SessionError> {
    let bytes = pair.recv_words::<u8>(n * width)?;
    tags.extend(bytes.chunks(width).map(number));
    Ok(())
}
