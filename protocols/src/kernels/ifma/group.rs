//! Ristretto255 for whole slices; the meaning is in [`crate::kernels::ristretto`].

use curve25519_dalek::{RistrettoPoint, ristretto::CompressedRistretto};

use super::{
    edwards::Point,
    field::Lanes,
    lanes::WIDTH,
    multiples::{Terms, sums},
    ristretto::{decode, encode, map},
};

/// Groups of eight points whose doublings are shared: their tables fit the second-level cache.
const GROUPS: usize = 32;

#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
pub(super) fn from_uniform(uniform: &[[u8; 64]], out: &mut [[u8; 32]]) {
    for (uniform, out) in uniform.chunks(WIDTH).zip(out.chunks_mut(WIDTH)) {
        let mut halves = [[[0; 32]; WIDTH]; 2];
        for (lane, bytes) in uniform.iter().enumerate() {
            halves[0][lane].copy_from_slice(&bytes[..32]);
            halves[1][lane].copy_from_slice(&bytes[32..]);
        }
        let [one, two] = halves.map(|half| map(&Lanes::load(&half)));
        encode(&one.plus(&two.to_addend())).store(0, out);
    }
}

#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
pub(super) fn multiply(scalars: &[[u8; 32]], points: &mut [[u8; 32]]) {
    for (scalars, points) in scalars.chunks(WIDTH).zip(points.chunks_mut(WIDTH)) {
        let (point, bad) = decode(points);
        let product = sums(&[Terms::new(&point, scalars)]);
        encode(&product).store(bad, points);
    }
}

#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
pub(super) fn weigh(scalars: &[[u8; 32]], points: &[[u8; 32]], sum: &mut Option<[u8; 32]>) {
    let mut total = RistrettoPoint::default();
    let mut refused = false;
    for (scalars, points) in scalars.chunks(GROUPS * WIDTH).zip(points.chunks(GROUPS * WIDTH)) {
        let mut terms = Vec::with_capacity(GROUPS);
        for (scalars, points) in scalars.chunks(WIDTH).zip(points.chunks(WIDTH)) {
            let (point, bad) = decode(points);
            // Lanes without a point hold the encoding of the neutral one.
            refused |= bad != 0;
            terms.push(Terms::new(&point, scalars));
        }
        total += lanes_of(&sums(&terms));
    }
    *sum = (!refused).then(|| total.compress().to_bytes());
}

/// The sum of the lanes.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
fn lanes_of(point: &Point) -> RistrettoPoint {
    let mut encodings = [[0; 32]; WIDTH];
    encode(point).store(0, &mut encodings);
    let points = encodings.iter().map(|encoding| CompressedRistretto(*encoding).decompress());
    points.map(Option::unwrap_or_default).sum()
}
