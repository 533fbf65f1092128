//! From a field element to the u-coordinate of a point on the curve, one after another.

use super::field::Element;

/// Elements whose denominators are inverted together.
const TOGETHER: usize = 64;

/// The coefficient A of the curve v² = u³ + A·u² + u.
const A: u64 = 486_662;

/// Elligator 2 with Z = 2: x = −A / (1 + 2r²) if that is on the curve, else −x − A = x·2r².
pub(in crate::kernels) fn map(elements: &mut [[u8; 32]]) {
    for chunk in elements.chunks_mut(TOGETHER) {
        let mut fractions = [(Element::ONE, Element::ONE, Element::ONE); TOGETHER];
        let mut product = Element::ONE;
        for (bytes, fraction) in chunk.iter().zip(&mut fractions) {
            let (numerator, denominator) = fraction_of(&Element::from_bytes(bytes));
            *fraction = (numerator, denominator, product);
            product = product.times(&denominator);
        }
        let mut inverse = product.inverse();
        for (bytes, (numerator, denominator, before)) in chunk.iter_mut().zip(&fractions).rev() {
            *bytes = numerator.times(&inverse.times(before)).to_bytes();
            inverse = inverse.times(denominator);
        }
    }
}

/// Numerator and denominator of the u-coordinate. The denominator is never 0, since −1/2 is no square.
fn fraction_of(r: &Element) -> (Element, Element) {
    let two_squares = r.times(r).plus(&r.times(r));
    let a = Element::small(A);
    let denominator = two_squares.plus(&Element::ONE);
    let first = Element::small(0).minus(&a);
    // (x³ + A·x² + x) · denominator⁴ is a square exactly if x is on the curve.
    let inner = first.times(&first).plus(&denominator.times(&denominator.plus(&first.times(&a))));
    let on_curve = first.times(&denominator).times(&inner).square_mask();
    (first.times(&two_squares).or_where(&first, on_curve), denominator)
}
