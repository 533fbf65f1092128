//! Models from sums of parts against models of all rows.

use protocols::{party::Role, prg::Prg, ring::Z32};

use super::{Fixed, FixedError, Newton, Ridge, SumsError};
use crate::{
    average::{Seeds, split},
    model::Rows,
};

/// Rows with a linear relation to their labels, or to the log-odds of them.
fn rows(seed: u8, n: usize, features: usize, classes: bool) -> Rows {
    let mut rng = Prg::new(&[seed; 16]);
    let unit = |word: &u32| (word >> 8) as f32 / (1_u32 << 23) as f32 - 1.0;
    let values: Vec<f32> = rng.elements::<Z32>(n * features).iter().map(unit).collect();
    let noise: Vec<f32> = rng.elements::<Z32>(n).iter().map(unit).collect();
    let label = |(row, noise): (&[f32], &f32)| {
        let sum: f32 = row.iter().enumerate().map(|(i, x)| x * (i as f32 - 1.5)).sum();
        let y = sum + 0.7 + noise * if classes { 4.0 } else { 1.0 };
        if classes { f32::from(u8::from(y > 0.0)) } else { y }
    };
    let labels = values.chunks(features.max(1)).zip(&noise).map(label).collect();
    Rows::new(features, values, labels).unwrap()
}

/// The total of all providers' sums, added up on shares.
fn total(fixed: &Fixed, sums: &[Vec<f64>]) -> Vec<f64> {
    let mut rng = Prg::new(&[99; 16]);
    let mut all = vec![0; sums[0].len()];
    for sum in sums {
        let shares = split(fixed.encode(sum).unwrap(), Seeds::draw(&mut rng), Role::P1);
        shares.iter().for_each(|share| share.add_to(&mut all));
    }
    fixed.decode(&all)
}

fn parts(all: &Rows, providers: usize) -> Vec<Rows> {
    let own = |k: usize| all.pick(&(k..all.len()).step_by(providers).collect::<Vec<_>>());
    (0..providers).map(own).collect()
}

#[test]
fn ridge_of_sums_is_ridge_of_all_rows() {
    let all = rows(1, 500, 6, false);
    let ridge = Ridge::new(6, 0.5);
    let (central, error) = ridge.solve(&ridge.of_rows(&all)).unwrap();
    for providers in [1_u32, 2, 7] {
        let fixed = Fixed::new(5000.0, providers).unwrap();
        let sums: Vec<_> =
            parts(&all, providers as usize).iter().map(|p| ridge.of_rows(p)).collect();
        let (ours, own_error) = ridge.solve(&total(&fixed, &sums)).unwrap();
        for (a, b) in ours.iter().zip(&central) {
            assert!((a - b).abs() < 1e-9, "{providers} providers: {a}, {b}");
        }
        assert!((own_error - error).abs() < 1e-9);
    }
    // Uniform noise of ±1 has a variance of 1/3.
    assert!((0.28..0.40).contains(&error), "{error}");
    assert!((central[6] - 0.7).abs() < 0.1, "{central:?}");
}

#[test]
fn newton_of_sums_reaches_the_optimum_in_a_few_rounds() {
    let all = rows(2, 900, 5, true);
    let mut central = Newton::new(5, 1e-6);
    while central.step(&central.of_rows(&all)).unwrap() > 1e-9 {}
    for providers in [2_u32, 5] {
        let fixed = Fixed::new(1e4, providers).unwrap();
        let own = parts(&all, providers as usize);
        let (mut ours, mut rounds) = (Newton::new(5, 1e-6), 0);
        loop {
            let sums: Vec<_> = own.iter().map(|rows| ours.of_rows(rows)).collect();
            rounds += 1;
            if ours.step(&total(&fixed, &sums)).unwrap() < 1e-6 {
                break;
            }
        }
        assert!(rounds <= 7, "{rounds} rounds");
        for (a, b) in ours.coefficients().iter().zip(central.coefficients()) {
            assert!((a - b).abs() < 1e-8, "{providers} providers: {a}, {b}");
        }
    }
    assert!(central.loss() < 0.6, "{}", central.loss());
}

#[test]
fn the_spread_of_rows_over_providers_changes_no_bit() {
    // The same parts, at other providers and in another order.
    let all = rows(3, 640, 4, true);
    let (newton, own) = (Newton::new(4, 1e-6), parts(&all, 8));
    let fixed = Fixed::new(1e4, 8).unwrap();
    let mut sums: Vec<_> = own.iter().map(|rows| newton.of_rows(rows)).collect();
    let first = total(&fixed, &sums);
    sums.rotate_left(3);
    sums.swap(0, 5);
    assert_eq!(first, total(&fixed, &sums));
}

#[test]
fn what_says_too_much_or_nothing_is_refused() {
    let few = rows(4, 49, 4, false);
    let ridge = Ridge::new(4, 0.0);
    let refused = ridge.solve(&ridge.of_rows(&few));
    assert_eq!(refused.unwrap_err(), SumsError::Few { rows: 49, least: 50 });
    assert!(matches!(ridge.solve(&[0.0; 3]), Err(SumsError::Length { got: 3, .. })));
    let same = Rows::new(2, [1.0, 1.0, 2.0, 2.0].repeat(20), [1.0, 2.0].repeat(20)).unwrap();
    let flat = Ridge::new(2, 0.0);
    assert_eq!(flat.solve(&flat.of_rows(&same)).unwrap_err(), SumsError::Singular);
    assert!(Ridge::new(2, 0.1).solve(&flat.of_rows(&same)).is_ok());
    let mut newton = Newton::new(4, 1e-6);
    let sums = newton.of_rows(&few);
    assert!(matches!(newton.step(&sums), Err(SumsError::Few { .. })));
}

#[test]
fn sums_beyond_the_bound_are_refused() {
    let fixed = Fixed::new(100.0, 3).unwrap();
    assert_eq!(fixed.bits(), 52);
    assert_eq!(fixed.encode(&[1.0, 100.5]), Err(FixedError::Bound { at: 1 }));
    assert_eq!(fixed.encode(&[f64::NAN]), Err(FixedError::Bound { at: 0 }));
    assert_eq!(fixed.decode(&fixed.encode(&[-100.0, 0.25]).unwrap()), [-100.0, 0.25]);
    assert!(matches!(Fixed::new(1e18, 10), Err(FixedError::Bits(_))));
}
