//! One scalar times many points of ristretto255: up the ladder by u-coordinates alone, and the point itself from what stands at its
//! top.
//!
//! K. Okeya, K. Sakurai, "Efficient elliptic curve cryptosystems from a scalar multiplication algorithm with recovery of the
//! y-coordinate on a Montgomery-form elliptic curve", CHES 2001. Between the curves go the maps of RFC 7748 §4.1,
//! (u, v) = ((1 + y) / (1 − y), r·u / x) with r² = −(A + 2): whichever root is meant, it is the same in both directions.

use super::{edwards::Point, field::Lanes, ladder::Rungs, ristretto::Found};

/// 2A of the curve v² = u³ + A·u² + u.
const TWO_A: i64 = 2 * 486_662;
/// −2r².
const TWICE_A_PLUS_TWO: i64 = 2 * 486_664;
/// Scalars are below the group's order.
const BITS: usize = 253;

/// Where a ladder starts.
///
/// It is the point that was found, plus the one of order two, for that one's u-coordinate is s² without a division: the same
/// element of the group, and so is every multiple.
struct Start {
    u: Lanes,
    /// 2r·v as a fraction.
    numerator: Lanes,
    denominator: Lanes,
}

impl Start {
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    fn at(found: &Found) -> Self {
        // The point of order two is (0, −1): x and y change their signs.
        let u = found.s_squared;
        let numerator = u.product(&Lanes::small(TWICE_A_PLUS_TWO)).product(&found.point.z);
        Self { u, numerator, denominator: found.point.x }
    }

    /// The multiple whose u-coordinate is the first, if that of the next multiple is the second.
    ///
    /// Where the first is the neutral element or of order two all coordinates are 0, which is encoded as the neutral element is.
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    fn multiple(&self, [[x, z], [x_next, z_next]]: &[[Lanes; 2]; 2]) -> Point {
        let Self { u, numerator, denominator } = self;
        let (ux, uz, az) = (u.product(x), u.product(z), z.product(&Lanes::small(TWO_A)));
        let sum = ux.plus(z).times(&uz.plus(x).plus(&az));
        let square = uz.minus(x).squared().carried();
        // 2v · z² · z_next times the v-coordinate.
        let v = sum.minus(&az.times(z)).times(z_next).minus(&square.times(x_next));
        let (x_top, x_bottom) =
            (numerator.product(x).product(&z.product(z_next)), denominator.product(&v));
        let (y_top, y_bottom) = (x.minus(z), x.plus(z));
        Point {
            x: x_top.product(&y_bottom),
            y: y_top.product(&x_bottom),
            z: x_bottom.product(&y_bottom),
            t: x_top.product(&y_top),
        }
    }
}

/// The multiple of each lane's point, as an element of the group.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
pub(super) fn raised(rungs: &Rungs, found: &Found) -> Point {
    let start = Start::at(found);
    start.multiple(&rungs.climb(BITS, &start.u))
}
