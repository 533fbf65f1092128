//! Ristretto255 for whole slices; the meaning is in [`crate::kernels::ristretto`].

use curve25519_dalek::{RistrettoPoint, ristretto::CompressedRistretto};

use super::{
    doubles::store_doubles,
    edwards::Point,
    field::Lanes,
    fixed_base::Table,
    ladder::Rungs,
    lanes::WIDTH,
    multiples::{Terms, sums},
    quotient::TOGETHER,
    raise::raised,
    ristretto::{Found, decode, encode, map},
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
        let [one, two] = map(halves.map(|half| Lanes::load(&half))).map(|found| found.point);
        encode(&one.plus(&two.to_addend())).store(0, out);
    }
}

#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
pub(super) fn multiply(scalars: &[[u8; 32]], points: &mut [[u8; 32]]) {
    for (scalars, points) in scalars.chunks(WIDTH).zip(points.chunks_mut(WIDTH)) {
        let [Found { point, bad, .. }] = decode([points]);
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
            let [Found { point, bad, .. }] = decode([points]);
            // Lanes without a point hold the encoding of the neutral one.
            refused |= bad != 0;
            terms.push(Terms::new(&point, scalars));
        }
        total += lanes_of(&sums(&terms));
    }
    *sum = (!refused).then(|| total.compress().to_bytes());
}

#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
pub(super) fn raise(scalar: &[u8; 32], points: &mut [[u8; 32]]) {
    let rungs = Rungs::new(scalar);
    for chunk in points.chunks_mut(TOGETHER) {
        let mut products = Vec::with_capacity(GROUPS);
        for points in chunk.chunks(2 * WIDTH) {
            let found = decode(halves(points));
            products.extend(found.map(|found| (raised(&rungs, &found), found.bad)));
        }
        store_doubles(&products, chunk);
    }
}

#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
pub(super) fn raise_map(scalar: &[u8; 32], elements: &mut [[u8; 32]]) {
    let rungs = Rungs::new(scalar);
    for chunk in elements.chunks_mut(TOGETHER) {
        let mut products = Vec::with_capacity(GROUPS);
        for elements in chunk.chunks(2 * WIDTH) {
            let found = map(halves(elements).map(|half| Lanes::load(half)));
            products.extend(found.map(|found| (raised(&rungs, &found), 0)));
        }
        store_doubles(&products, chunk);
    }
}

#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
pub(super) fn add(base: &Table, scalars: &[[u8; 32]], points: &mut [[u8; 32]]) {
    for (scalars, chunk) in scalars.chunks(TOGETHER).zip(points.chunks_mut(TOGETHER)) {
        let mut sums = Vec::with_capacity(GROUPS);
        for (scalars, points) in scalars.chunks(2 * WIDTH).zip(chunk.chunks(2 * WIDTH)) {
            let found = decode(halves(points));
            let added = base.add(found.map(|found| found.point), halves(scalars));
            sums.extend(added.into_iter().zip(found.map(|found| found.bad)));
        }
        store_doubles(&sums, chunk);
    }
}

#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
pub(super) fn add_to_map(base: &Table, scalars: &[[u8; 32]], elements: &mut [[u8; 32]]) {
    for (scalars, chunk) in scalars.chunks(TOGETHER).zip(elements.chunks_mut(TOGETHER)) {
        let mut sums = Vec::with_capacity(GROUPS);
        for (scalars, elements) in scalars.chunks(2 * WIDTH).zip(chunk.chunks(2 * WIDTH)) {
            let found = map(halves(elements).map(|half| Lanes::load(half)));
            let added = base.add(found.map(|found| found.point), halves(scalars));
            sums.extend(added.map(|sum| (sum, 0)));
        }
        store_doubles(&sums, chunk);
    }
}

/// What goes into one group of lanes, and into another: none, where the first has room for all.
fn halves(entries: &[[u8; 32]]) -> [&[[u8; 32]]; 2] {
    let (one, two) = entries.split_at(entries.len().min(WIDTH));
    [one, two]
}

/// The sum of the lanes.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
fn lanes_of(point: &Point) -> RistrettoPoint {
    let mut encodings = [[0; 32]; WIDTH];
    encode(point).store(0, &mut encodings);
    let points = encodings.iter().map(|encoding| CompressedRistretto(*encoding).decompress());
    points.map(Option::unwrap_or_default).sum()
}
