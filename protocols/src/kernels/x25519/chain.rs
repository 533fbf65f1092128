//! The one addition chain of the field of 2^255 − 19, for one element and for lanes of them alike.
//!
//! The three exponents in use end alike: p − 2 = 2^255 − 21 for the inverse, (p − 1)/2 = 2^254 − 10 for the quadratic
//! character, and both begin with 2^250 − 1.

/// `(x^(2^250 − 1), x^11, x^2)` by `$mul(&a, &b)` and `$squares(&a, times)`: 249 squarings, 11 products.
macro_rules! power_250 {
    ($x:expr, $mul:path, $squares:path) => {{
        let x = $x;
        let x2 = $squares(&x, 1);
        let x9 = $mul(&$squares(&x2, 2), &x);
        let x11 = $mul(&x9, &x2);
        let to_5 = $mul(&$squares(&x11, 1), &x9);
        let to_10 = $mul(&$squares(&to_5, 5), &to_5);
        let to_20 = $mul(&$squares(&to_10, 10), &to_10);
        let to_40 = $mul(&$squares(&to_20, 20), &to_20);
        let to_50 = $mul(&$squares(&to_40, 10), &to_10);
        let to_100 = $mul(&$squares(&to_50, 50), &to_50);
        let to_200 = $mul(&$squares(&to_100, 100), &to_100);
        let to_250 = $mul(&$squares(&to_200, 50), &to_50);
        (to_250, x11, x2)
    }};
}

/// `x^(p − 2)`: the inverse, or 0 of 0.
macro_rules! invert {
    ($x:expr, $mul:path, $squares:path) => {{
        let (to_250, x11, _) = $crate::kernels::x25519::power_250!($x, $mul, $squares);
        $mul(&$squares(&to_250, 5), &x11)
    }};
}

pub(in crate::kernels) use {invert, power_250};
