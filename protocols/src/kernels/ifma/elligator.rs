//! Elligator 2 on sixteen elements at a time: two groups of lanes, because a chain of squarings alone waits for itself.

use super::{
    field::{Lanes, products, squares},
    lanes::WIDTH,
    quotient::{Fraction, GROUPS, TOGETHER, store_quotients},
};
use crate::kernels::x25519::power_250;

/// The coefficient A of the curve v² = u³ + A·u² + u.
const A: i64 = 486_662;

/// Two groups side by side.
type Both = [Lanes; 2];

/// As [`crate::kernels::x25519::map`].
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
pub(super) fn map(elements: &mut [[u8; 32]]) {
    let one = Lanes::small(1);
    for chunk in elements.chunks_mut(TOGETHER) {
        let mut fractions = [Fraction { numerator: one, denominator: one, zero: 0 }; GROUPS];
        let groups = chunk.len().div_ceil(WIDTH);
        for (pair, two) in chunk.chunks(2 * WIDTH).zip(fractions.as_chunks_mut::<2>().0) {
            let (first, second) = pair.split_at(pair.len().min(WIDTH));
            *two = fractions_of(&[Lanes::load(first), Lanes::load(second)]);
        }
        store_quotients(&mut fractions[..groups], chunk);
    }
}

/// As the portable twin's, for both groups; here too no denominator is 0.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
fn fractions_of(r: &Both) -> [Fraction; 2] {
    let first = Lanes::small(0).wide().minus(&Lanes::small(A).wide());
    let [one, two] = r.map(|r| {
        let square = r.squared();
        let two_squares = square.plus(&square);
        let denominator = two_squares.wide().plus(&Lanes::small(1).wide());
        let sum = denominator.wide().plus(&first.times(&Lanes::small(A)));
        let inner = first.squared().plus(&denominator.times(&sum));
        (two_squares, denominator, first.product(&denominator).product(&inner))
    });
    let on_curve = squares_mask(&[one.2, two.2]);
    let fraction = |(two_squares, denominator, _): (Lanes, Lanes, Lanes), on_curve| {
        let numerator = first.product(&two_squares).or_where(&first, on_curve);
        Fraction { numerator, denominator, zero: 0 }
    };
    [fraction(one, on_curve[0]), fraction(two, on_curve[1])]
}

/// The lanes that hold a square other than 0; nothing is said of lanes that hold 0.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
fn squares_mask(x: &Both) -> [u8; 2] {
    let (to_250, _, x2) = power_250!(*x, products, squares);
    let x6 = products(&products(&x2, &products(x, x)), &x2);
    products(&squares(&to_250, 4), &x6).map(|character| character.odd())
}
