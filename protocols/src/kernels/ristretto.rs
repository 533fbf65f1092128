//! The group ristretto255 on whole slices of encodings, one after another. Eight at a time are in [`super::ifma`].

use std::{fmt, sync::OnceLock};

use curve25519_dalek::{
    RistrettoPoint, Scalar,
    ristretto::{CompressedRistretto, RistrettoBasepointTable},
    traits::{IsIdentity, VartimeMultiscalarMul},
};

#[cfg(target_arch = "x86_64")]
use super::ifma::Table;

/// Points that are encoded together.
const TOGETHER: usize = 256;

/// Each 64 uniform bytes become the encoding of a point.
pub(super) fn from_uniform(uniform: &[[u8; 64]], out: &mut [[u8; 32]]) {
    for (uniform, out) in uniform.iter().zip(out) {
        *out = RistrettoPoint::from_uniform_bytes(uniform).compress().to_bytes();
    }
}

/// Each point becomes its multiple; what is no point becomes 0.
pub(super) fn multiply(scalars: &[[u8; 32]], points: &mut [[u8; 32]]) {
    for (scalars, points) in scalars.chunks(TOGETHER).zip(points.chunks_mut(TOGETHER)) {
        let half = |(scalar, point): (&[u8; 32], &[u8; 32])| {
            // The neutral element, whose encoding is 0, stands for what is no point.
            let point = CompressedRistretto(*point).decompress().unwrap_or_default();
            point * Scalar::from_bytes_mod_order(*scalar).div_by_2()
        };
        let halves: Vec<_> = scalars.iter().zip(&*points).map(half).collect();
        let products = RistrettoPoint::double_and_compress_batch(&halves);
        for (point, product) in points.iter_mut().zip(products) {
            *point = product.to_bytes();
        }
    }
}

/// The sum of all points times their scalars; nothing if one of them is no point.
pub(super) fn weigh(scalars: &[[u8; 32]], points: &[[u8; 32]], sum: &mut Option<[u8; 32]>) {
    let scalars = scalars.iter().map(|scalar| Scalar::from_bytes_mod_order(*scalar));
    let points = points.iter().map(|point| CompressedRistretto(*point).decompress());
    let total = RistrettoPoint::optional_multiscalar_mul(scalars, points);
    *sum = total.map(|point| point.compress().to_bytes());
}

/// A public point of which many multiples are wanted: tables of its multiples are laid out when first asked for.
pub struct FixedBase {
    point: RistrettoPoint,
    portable: OnceLock<Box<RistrettoBasepointTable>>,
    #[cfg(target_arch = "x86_64")]
    lanes: OnceLock<Table>,
}

impl FixedBase {
    /// Of the point with this encoding, if there is one other than the neutral element.
    #[must_use]
    pub fn new(encoding: &[u8; 32]) -> Option<Self> {
        let point = CompressedRistretto(*encoding).decompress()?;
        (!point.is_identity()).then(|| Self::of(point))
    }

    /// The generator's; one for the process.
    pub fn generator() -> &'static Self {
        static GENERATOR: OnceLock<FixedBase> = OnceLock::new();
        GENERATOR.get_or_init(|| Self::of(curve25519_dalek::constants::RISTRETTO_BASEPOINT_POINT))
    }

    fn of(point: RistrettoPoint) -> Self {
        Self {
            point,
            portable: OnceLock::new(),
            #[cfg(target_arch = "x86_64")]
            lanes: OnceLock::new(),
        }
    }

    fn portable(&self) -> &RistrettoBasepointTable {
        self.portable.get_or_init(|| Box::new(RistrettoBasepointTable::create(&self.point)))
    }

    #[cfg(target_arch = "x86_64")]
    pub(super) fn lanes(&self, build: impl FnOnce(&[u8; 32]) -> Table) -> &Table {
        self.lanes.get_or_init(|| build(&self.point.compress().to_bytes()))
    }
}

impl fmt::Debug for FixedBase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FixedBase")
    }
}

/// Each point becomes twice its multiple by the one scalar; what is no point becomes 0.
pub(super) fn raise(scalar: &[u8; 32], points: &mut [[u8; 32]]) {
    let scalar = Scalar::from_bytes_mod_order(*scalar);
    doubles(points, |_, point| decoded(point) * scalar);
}

/// [`raise`] of the points that field elements are mapped to.
pub(super) fn raise_map(scalar: &[u8; 32], elements: &mut [[u8; 32]]) {
    let scalar = Scalar::from_bytes_mod_order(*scalar);
    doubles(elements, |_, element| mapped(element) * scalar);
}

/// Each point becomes twice its sum with a multiple of the base; what is no point, twice nothing.
pub(super) fn add(base: &FixedBase, scalars: &[[u8; 32]], points: &mut [[u8; 32]]) {
    let table = base.portable();
    doubles(points, |i, point| {
        let point = CompressedRistretto(*point).decompress();
        let multiple = &Scalar::from_bytes_mod_order(scalars[i]) * table;
        point.map_or_else(RistrettoPoint::default, |point| point + multiple)
    });
}

/// [`add`] to the points that field elements are mapped to.
pub(super) fn add_to_map(base: &FixedBase, scalars: &[[u8; 32]], elements: &mut [[u8; 32]]) {
    let table = base.portable();
    doubles(elements, |i, element| {
        mapped(element) + &Scalar::from_bytes_mod_order(scalars[i]) * table
    });
}

/// The neutral element, whose encoding is 0, stands for what is no point.
fn decoded(point: &[u8; 32]) -> RistrettoPoint {
    CompressedRistretto(*point).decompress().unwrap_or_default()
}

/// `MAP` of RFC 9496 §4.3.4, once: of the two halves that are mapped and added, 0 maps to the neutral element.
fn mapped(element: &[u8; 32]) -> RistrettoPoint {
    let mut halves = [0; 64];
    halves[..32].copy_from_slice(element);
    RistrettoPoint::from_uniform_bytes(&halves)
}

/// Writes the doubles of what `of` makes of each place.
fn doubles(points: &mut [[u8; 32]], of: impl Fn(usize, &[u8; 32]) -> RistrettoPoint) {
    for (chunk, points) in points.chunks_mut(TOGETHER).enumerate() {
        let made: Vec<_> = (TOGETHER * chunk..).zip(&*points).map(|(i, p)| of(i, p)).collect();
        let doubles = RistrettoPoint::double_and_compress_batch(&made);
        for (point, double) in points.iter_mut().zip(doubles) {
            *point = double.to_bytes();
        }
    }
}
