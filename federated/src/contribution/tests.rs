//! Values on shares against products in the clear, and against the exact Shapley value.

use protocols::{party::Role, prg::Prg, ring::Z32};

use super::{PriceError, Terms, Values, ValuesError, direction, price, uniqueness};
use crate::{
    average::{Bounds, Encoding, Seeds, TRAILER_WORDS, split},
    model::{Fit, Network, Rows, fit, gradient},
};

const FEATURES: usize = 8;

/// Rows of two classes; of each label that part is wrong.
fn rows(rng: &mut Prg, n: usize, wrong: f32) -> Rows {
    let unit = |word: &u32| (word >> 8) as f32 / (1_u32 << 23) as f32 - 1.0;
    let values: Vec<f32> = rng.elements::<Z32>(n * FEATURES).iter().map(unit).collect();
    let flips: Vec<f32> = rng.elements::<Z32>(n).iter().map(unit).collect();
    let label = |(row, flip): (&[f32], &f32)| {
        let right = row[0] + 0.5 * row[1] - row[2] > 0.1;
        f32::from(u8::from(right ^ (flip.midpoint(1.0) < wrong)))
    };
    let labels = values.chunks(FEATURES).zip(&flips).map(label).collect();
    Rows::new(FEATURES, values, labels).unwrap()
}

/// One round of providers from a model: their parts of the mean update.
fn parts(network: &Network, model: &[f32], sets: &[Rows], rng: &mut Prg) -> Vec<Vec<f32>> {
    let total: usize = sets.iter().map(Rows::len).sum();
    let part = |rows: &Rows| {
        let mut local = model.to_vec();
        let setting = Fit { rate: 0.2, epochs: 2, ..Fit::default() };
        fit(network, &mut local, rows, &setting, rng).unwrap();
        let share = rows.len() as f32 / total as f32;
        local.iter().zip(model).map(|(a, b)| (a - b) * share).collect()
    };
    sets.iter().map(part).collect()
}

fn plus(model: &[f32], parts: &[Vec<f32>], of: impl Fn(usize) -> bool) -> Vec<f32> {
    let mut moved = model.to_vec();
    for (k, part) in parts.iter().enumerate().filter(|(k, _)| of(*k)) {
        let _ = k;
        moved.iter_mut().zip(part).for_each(|(x, d)| *x += d);
    }
    moved
}

#[test]
fn values_on_shares_are_products_in_the_clear() {
    let mut rng = Prg::new(&[6; 16]);
    let (total_weight, clip) = (100_000, 2.0);
    let encoding = Encoding::new(Bounds { total_weight, coordinate: 2.0 }).unwrap().at_most(24);
    for n in [1, 64, 4097, 9000] {
        let unit = |word: &u32| (word >> 8) as f32 / (1_u32 << 23) as f32 - 1.0;
        let scale = 1.0 / (n as f32).sqrt();
        let draw = |rng: &mut Prg| -> Vec<f32> {
            rng.elements::<Z32>(n).iter().map(|word| scale * unit(word)).collect()
        };
        let (update, direction) = (draw(&mut rng), draw(&mut rng));
        let values = Values::new(&direction, &encoding, clip, 5000).unwrap();
        let mut words = vec![0; n];
        encoding.encode(&update, 5000, &mut words).unwrap();
        words.extend([7; TRAILER_WORDS]);
        let shares = split(words, Seeds::draw(&mut rng), Role::P1);
        let got = values.open(shares.each_ref().map(|share| values.of_share(share)), total_weight);
        let clear: f64 =
            update.iter().zip(&direction).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum();
        let want = clear * 5000.0 / total_weight as f64;
        // Both are rounded at 24 bits.
        let slack = 2.0_f64.powi(-24) * (n as f64).sqrt() * 5000.0 / total_weight as f64;
        assert!((got - want).abs() < slack, "{n}: {got}, not {want}");
    }
}

#[test]
fn values_are_the_shapley_values_of_a_round() {
    let network = Network::layers(FEATURES, &[6], 2).unwrap();
    let mut rng = Prg::new(&[11; 16]);
    let validation = rows(&mut rng, 600, 0.0);
    let first = rows(&mut rng, 300, 0.0);
    let sets = [
        first.clone(),
        rows(&mut rng, 150, 0.0),
        rows(&mut rng, 250, 0.3),
        rows(&mut rng, 250, 0.9),
        first,
    ];
    let mut model = network.initial(&[3; 16]);
    let (mut exact, mut ours) = ([0.0; 5], [0.0; 5]);
    let (mut gained, mut last) = (0.0, f64::NAN);
    for _ in 0..6 {
        let parts = parts(&network, &model, &sets, &mut rng);
        let update: Vec<f32> = plus(&vec![0.0; model.len()], &parts, |_| true);
        let (v, [before, after]) = direction(&network, &model, &update, &validation);
        for (value, part) in ours.iter_mut().zip(&parts) {
            *value += part.iter().zip(&v).map(|(a, b)| f64::from(a * b)).sum::<f64>();
        }
        let worth: Vec<f64> = (0..32)
            .map(|set: usize| {
                let moved = plus(&model, &parts, |k| set >> k & 1 == 1);
                -gradient(&network, &moved, &validation).0
            })
            .collect();
        for (k, value) in exact.iter_mut().enumerate() {
            for set in (0..32_usize).filter(|set| set >> k & 1 == 0) {
                // 1 / (5 · C(4, size of the set)).
                let weight = [0.2, 0.05, 1.0 / 30.0, 0.05, 0.2][set.count_ones() as usize];
                *value += weight * (worth[set | 1 << k] - worth[set]);
            }
        }
        gained += before - after;
        last = after;
        model = plus(&model, &parts, |_| true);
    }
    assert!(last.is_finite() && gained > 0.05, "the model learns: {gained}");
    let sum: f64 = ours.iter().sum();
    assert!((sum / gained - 1.0).abs() < 0.01, "{sum} of {gained}");
    assert!(correlation(&exact, &ours) > 0.99, "{exact:?} {ours:?}");
    assert!(ours[3] < 0.0, "wrong labels are worth less than nothing: {ours:?}");
}

fn correlation(a: &[f64], b: &[f64]) -> f64 {
    let mean = |x: &[f64]| x.iter().sum::<f64>() / x.len() as f64;
    let (ma, mb) = (mean(a), mean(b));
    let dot = |x: &[f64], mx: f64, y: &[f64], my: f64| -> f64 {
        x.iter().zip(y).map(|(x, y)| (x - mx) * (y - my)).sum()
    };
    dot(a, ma, b, mb) / (dot(a, ma, a, ma) * dot(b, mb, b, mb)).sqrt()
}

#[test]
fn directions_that_leave_no_precision_are_refused() {
    let encoding = Encoding::new(Bounds { total_weight: 1 << 24, coordinate: 1.0 }).unwrap();
    assert!(Values::new(&[1.0; 100], &encoding, 1.0, 1 << 10).is_ok());
    let wide = Values::new(&[1.0; 100], &encoding, 1e6, 1 << 24);
    assert!(matches!(wide, Err(ValuesError::Bits { .. })));
    assert_eq!(Values::new(&[f32::NAN], &encoding, 1.0, 1), Err(ValuesError::NotFinite));
}

#[test]
fn a_price_is_shared_out_to_the_last_unit() {
    let terms = Terms { total: 1_000_003, for_rows: 0.2 };
    let paid = price(&terms, &[100, 300, 600], &[2.0, 1.0, -5.0], &[1.0, 0.5, 1.0]).unwrap();
    assert_eq!(paid.iter().sum::<u64>(), terms.total);
    // Rows: 2 %, 6 %, 12 %. Worth: 2 to 0.5 of 80 %.
    assert!(paid[0].abs_diff(20_000 + 640_002) < 3, "{paid:?}");
    assert!(paid[1].abs_diff(60_000 + 160_000) < 3, "{paid:?}");
    assert!(paid[2].abs_diff(120_000) < 3, "nobody pays: {paid:?}");
    let nothing = price(&terms, &[1, 1], &[-1.0, 0.0], &[1.0, 1.0]).unwrap();
    assert_eq!(nothing, [500_002, 500_001]);
    assert_eq!(price(&terms, &[0, 0], &[1.0, 1.0], &[1.0, 1.0]), Err(PriceError::Terms));
    assert!(matches!(price(&terms, &[1], &[1.0; 2], &[1.0]), Err(PriceError::Lengths { .. })));
    assert!(price(&Terms { total: 1, for_rows: 1.5 }, &[1], &[1.0], &[1.0]).is_err());
}

#[test]
fn rows_that_two_have_count_half_for_each() {
    assert!((uniqueness(100, &[0, 0]) - 1.0).abs() < 1e-12);
    assert!((uniqueness(100, &[100]) - 0.5).abs() < 1e-12);
    assert!((uniqueness(200, &[100, 50]) - 0.625).abs() < 1e-12);
    assert_eq!(uniqueness(0, &[]), 0.0);
    assert_eq!(uniqueness(10, &[10, 10, 10]), 0.0);
}
