//! Ideal = real within the stated error, over seeds, sizes and boundary values; measured = quoted; refusals.

mod contract;
mod range;
mod views;

use super::*;
use crate::{
    ring::Z64,
    session::{Session, SessionError},
    share::Shared,
    testkit::{Run, World},
};

pub(super) const SIZES: [usize; 7] = [0, 1, 63, 64, 65, 1000, 20_000];

/// Runs a protocol on dealt words.
pub(super) fn on<T: Send>(
    world: World,
    words: &[u64],
    protocol: impl Fn(&mut Session, &Shared<Z64>) -> Result<T, SessionError> + Sync,
) -> Run<T> {
    let dealt = world.deal::<Z64>(1, words);
    world.run(|s| protocol(s, &dealt[s.role().index()]))
}

/// Words between two ends, the ends first.
pub(super) fn words_in(world: World, label: u64, n: usize, low: i64, high: i64) -> Vec<u64> {
    let mut random = world.random(label);
    let span = high.abs_diff(low);
    let mut word = || {
        let random = random();
        low.wrapping_add_unsigned(random.checked_rem(span + 1).unwrap_or(random)).cast_unsigned()
    };
    let mut words: Vec<u64> = (0..n).map(|_| word()).collect();
    for (word, end) in words.iter_mut().zip([low, high, 0, high - 1, low + 1]) {
        *word = end.clamp(low, high).cast_unsigned();
    }
    words
}

/// `x / 2^t` rounded down, and whether anything is lost.
fn floor(x: u64, t: u32) -> (i64, bool) {
    (x.cast_signed() >> t, x & ((1 << t) - 1) != 0)
}

#[test]
fn truncation_gives_one_of_the_two_neighbours_up_to_the_ends_of_its_range() {
    let span = 1_i64 << 62;
    for (n, drop) in SIZES.into_iter().zip([1, 13, 16, 31, 32, 33, 61].into_iter().cycle()) {
        for (low, high) in [(-span, span - 1), (-70_000, 70_000), (0, 5)] {
            let world = World::new(n as u64 + u64::from(drop));
            let x = words_in(world, 1, n, low, high);
            let from = Fixed::of_words(61, low, high).unwrap();
            let plan = Truncation::exact(from, 61 - drop).unwrap();
            let run = on(world, &x, |s, x| truncate(s, x, &plan));
            for (x, got) in x.iter().zip(run.reconstruct()) {
                let ((down, lost), got) = (floor(*x, drop), got.cast_signed());
                assert!(got == down || lost && got == down + 1, "{x} / 2^{drop} gave {got}");
            }
            run.assert_cost("truncate", |m| truncate_cost(m, n, &plan));
        }
    }
}

#[test]
fn rounding_follows_from_the_value_alone_up_to_the_ends_of_its_range() {
    for (n, drop) in SIZES.into_iter().zip([1, 13, 16, 31, 32, 33, 60].into_iter().cycle()) {
        let half = 1_i64 << (drop - 1);
        let span = (1_i64 << 62) - half;
        for (low, high) in [(-span, span - 1), (-70_000, 70_000), (0, 5)] {
            let world = World::new(n as u64 + u64::from(drop));
            let mut x = words_in(world, 1, n, low, high);
            // Next to where it goes the other way.
            let near = [half - 1, half, half + 1, -half, -half - 1, 1 - half];
            for (word, value) in x.iter_mut().skip(5).zip(near) {
                *word = value.clamp(low, high).cast_unsigned();
            }
            let plan = Rounding::new(Fixed::of_words(61, low, high).unwrap(), 61 - drop).unwrap();
            let want: Vec<u64> =
                x.iter().map(|x| ((x.cast_signed() + half) >> drop).cast_unsigned()).collect();
            for shares in 0..3 {
                let run = on(World::new(shares), &x, |s, x| round(s, x, &plan));
                assert_eq!(run.reconstruct(), want, "{n} by {drop} from {low}, shares {shares}");
                run.assert_cost("round", |m| round_cost(m, n, &plan));
            }
            assert!(x.iter().map(|x| plan.of(*x)).eq(want.iter().copied()));
            let (least, most) = plan.out().words();
            assert!(want.iter().all(|word| (least..=most).contains(&word.cast_signed())));
        }
    }
}

#[test]
fn truncation_rounds_up_as_often_as_the_fraction_says() {
    let n = 40_000;
    for (drop, part) in [(3, 1_i64), (16, 16_384), (16, 32_768), (20, 1_000_000), (40, 1 << 38)] {
        for base in [0_i64, -7, (1 << 62) - (1 << 41), -(1 << 62)] {
            let value = ((base >> drop << drop) + part).cast_unsigned();
            let from = Fixed::of_words(61, -(1 << 62), (1 << 62) - 1).unwrap();
            let plan = Truncation::exact(from, 61 - drop).unwrap();
            let run =
                on(World::new(part.cast_unsigned()), &vec![value; n], |s, x| truncate(s, x, &plan));
            let down = value.cast_signed() >> drop;
            let ups = run.reconstruct().into_iter().filter(|got| got.cast_signed() != down).count();
            let expected = part as f64 / f64::from(drop).exp2();
            let deviation = (expected * (1.0 - expected) / n as f64).sqrt();
            let got = ups as f64 / n as f64;
            assert!((got - expected).abs() < 6.0 * deviation, "{got} instead of {expected}");
        }
    }
}

#[test]
fn products_are_within_one_unit_and_cost_what_they_say() {
    for (n, frac) in SIZES.into_iter().zip([16, 20, 13, 2, 30, 16, 16]) {
        let world = World::new(n as u64);
        let range = Fixed::new(frac, -1.0, 1.0).unwrap();
        let range = if frac < 20 { Fixed::new(frac, -1000.0, 1000.0).unwrap() } else { range };
        let (low, high) = range.words();
        let (x, y) = (words_in(world, 1, n, low, high), words_in(world, 2, n, low, high));
        let plan = Product::new(range, range, frac).unwrap();
        let (a, b) = (world.deal::<Z64>(1, &x), world.deal::<Z64>(2, &y));
        let run = world.run(|s| mul(s, &a[s.role().index()], &b[s.role().index()], &plan));
        for ((x, y), got) in x.iter().zip(&y).zip(run.reconstruct()) {
            let ((down, lost), got) = (floor(x.wrapping_mul(*y), frac), got.cast_signed());
            assert!(got == down || lost && got == down + 1, "{x} · {y} / 2^{frac} gave {got}");
        }
        run.assert_cost("fixed mul", |m| mul_cost(m, n, &plan));
    }
}

#[test]
fn local_truncation_works_where_it_is_allowed_and_is_refused_elsewhere() {
    let small = Fixed::of_words(10, -1000, 1000).unwrap();
    assert_eq!(
        Truncation::local(small, 4, 1 << 14),
        Err(FixedError::Unsafe { bits: 10, count: 1 << 14 })
    );
    let wide = Fixed::of_words(10, -(1 << 23), 1).unwrap();
    assert_eq!(Truncation::local(wide, 4, 1), Err(FixedError::Unsafe { bits: 24, count: 1 }));
    let plan = Truncation::local(small, 4, 1 << 13).unwrap();
    for n in SIZES {
        let world = World::new(n as u64);
        let x = words_in(world, 1, n, -1000, 1000);
        let run = on(world, &x, |s, x| truncate(s, x, &plan));
        for (x, got) in x.iter().zip(run.reconstruct()) {
            let ((down, lost), got) = (floor(*x, 6), got.cast_signed());
            assert!(got == down || lost && got == down + 1, "{x} / 2^6 gave {got}");
        }
        run.assert_cost("local truncation", |m| truncate_cost(m, n, &plan));
        assert!(run.total.rounds <= 1);
    }
    let value = vec![(-37_i64).cast_unsigned(); 40_000];
    let run = on(World::new(9), &value, |s, x| truncate(s, x, &plan));
    let sum: i64 = run.reconstruct().into_iter().map(u64::cast_signed).sum();
    let mean = sum as f64 / 40_000.0;
    assert!((mean + 37.0 / 64.0).abs() < 0.015, "mean {mean}");
}

#[test]
fn what_does_not_fit_is_refused() {
    assert!(matches!(Fixed::new(16, 1.0, 0.0), Err(FixedError::Range { .. })));
    assert!(matches!(Fixed::new(62, 0.0, 0.1), Err(FixedError::Range { .. })));
    assert!(matches!(Fixed::new(16, f64::NAN, 1.0), Err(FixedError::Range { .. })));
    assert!(matches!(Fixed::new(16, 0.0, 1e15), Err(FixedError::Range { .. })));
    let wide = Fixed::new(16, -1e6, 1e6).unwrap();
    assert!(matches!(Product::new(wide, wide, 16), Err(FixedError::TooWide { bits: 72, .. })));
    assert!(matches!(Truncation::exact(wide, 16), Err(FixedError::Fraction { .. })));
    assert!(matches!(Rounding::new(wide, 16), Err(FixedError::Fraction { .. })));
    let whole = Fixed::of_words(16, 0, (1 << 62) - 1).unwrap();
    assert!(Rounding::new(whole, 8).is_err() && Truncation::exact(whole, 8).is_ok());
    assert_eq!(wide.encode(&[1.0, 2e6]), Err(FixedError::Outside { at: 1 }));
    assert_eq!(wide.encode(&[f64::NAN]), Err(FixedError::Outside { at: 0 }));
    assert_eq!(wide.decode(&wide.encode(&[-1.5, 0.25]).unwrap()), [-1.5, 0.25]);
}
