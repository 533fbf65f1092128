//! Gradients against differences, and what a fit promises.

use protocols::{prg::Prg, ring::Z32};

use super::{
    Fit, FitError, Network, NetworkError, Rows, RowsError, Scaling, area_under_curve, evaluate,
    fit, pass::Pass,
};

fn uniform(rng: &mut Prg, n: usize) -> Vec<f32> {
    let unit = |word: &u32| (word >> 8) as f32 / (1_u32 << 23) as f32 - 1.0;
    rng.elements::<Z32>(n).iter().map(unit).collect()
}

/// Rows whose label follows from their features, but for a little noise.
fn rows(rng: &mut Prg, n: usize, features: usize, classes: usize) -> Rows {
    let values = uniform(rng, n * features);
    let label = |row: &[f32]| {
        let sum: f32 = row.iter().enumerate().map(|(i, x)| x * (i % 3) as f32).sum();
        ((sum + 2.0).clamp(0.0, 3.99) / 4.0 * classes as f32).floor()
    };
    let labels = values.chunks(features).map(label).collect();
    Rows::new(features, values, labels).unwrap()
}

fn networks() -> [Network; 4] {
    [
        Network::linear(5).unwrap(),
        Network::logistic(5).unwrap(),
        Network::softmax(5, 3).unwrap(),
        Network::layers(5, &[7, 4], 3).unwrap(),
    ]
}

#[test]
fn gradients_are_those_of_small_differences() {
    for (seed, network) in (0..).zip(networks()) {
        let mut rng = Prg::new(&[seed; 16]);
        let rows = rows(&mut rng, 6, 5, network.outputs().max(2));
        let parameters: Vec<f32> = uniform(&mut rng, network.parameters());
        let (mut pass, mut compared) = (Pass::new(&network), 0);
        for at in 0..rows.len() {
            let mut gradient = vec![0.0; parameters.len()];
            pass.forward(&parameters, rows.row(at));
            pass.slopes(&parameters, rows.label(at));
            pass.add_gradient(rows.row(at), 1.0, &mut gradient);
            let norm = gradient.iter().map(|x| x * x).sum::<f32>().sqrt();
            let closed = pass.norm(rows.row(at));
            assert!((closed - norm).abs() <= 1e-4 * norm.max(1.0), "{network:?}: {closed}, {norm}");
            for i in 0..parameters.len() {
                let mut loss = |by: f32| {
                    let mut moved = parameters.clone();
                    moved[i] += by;
                    pass.forward(&moved, rows.row(at));
                    f64::from(pass.slopes(&moved, rows.label(at)))
                };
                let here = loss(0.0);
                let (right, left) = ((loss(2e-3) - here) / 2e-3, (here - loss(-2e-3)) / 2e-3);
                // Where a unit comes to rest or wakes up, there is no derivative to compare with.
                if (right - left).abs() < 1e-2 {
                    let off = (0.5 * (left + right) - f64::from(gradient[i])).abs();
                    assert!(off < 3e-3, "{network:?}, seed {seed}, row {at}, parameter {i}: {off}");
                    compared += 1;
                }
            }
        }
        assert!(compared > 5 * parameters.len(), "{network:?}: {compared}");
    }
}

#[test]
fn a_fit_learns_and_is_the_same_every_time() {
    for (seed, network) in (0..).zip(networks()) {
        let mut rng = Prg::new(&[seed; 16]);
        let rows = rows(&mut rng, 400, 5, network.outputs().max(2));
        let setting = Fit { rate: 0.2, batch: 16, epochs: 20, ..Fit::default() };
        let start = network.initial(&[1; 16]);
        let train = || {
            let mut parameters = start.clone();
            fit(&network, &mut parameters, &rows, &setting, &mut Prg::new(&[7; 16])).unwrap();
            parameters
        };
        let (first, second) = (train(), train());
        assert!(first.iter().zip(&second).all(|(a, b)| a.to_bits() == b.to_bits()));
        let before = evaluate(&network, &start, &rows).0.loss;
        let after = evaluate(&network, &first, &rows).0.loss;
        assert!(after < 0.6 * before, "{network:?}: {before} became {after}");
    }
}

#[test]
fn a_clipped_step_is_no_longer_than_the_bound() {
    let network = Network::logistic(5).unwrap();
    let mut rng = Prg::new(&[3; 16]);
    let rows = rows(&mut rng, 64, 5, 2);
    let setting = Fit { rate: 1.0, batch: 64, epochs: 1, clip: Some(0.1), ..Fit::default() };
    let mut parameters = network.initial(&[1; 16]);
    let fitted = fit(&network, &mut parameters, &rows, &setting, &mut rng).unwrap();
    let moved = parameters.iter().map(|x| x * x).sum::<f32>().sqrt();
    assert!(moved <= 0.1 + 1e-6 && moved > 0.0, "{moved}");
    assert!(fitted.clipped > 32 && fitted.steps == 1);
}

#[test]
fn what_pulls_back_keeps_a_model_near_and_a_correction_moves_it() {
    let network = Network::logistic(5).unwrap();
    let mut rng = Prg::new(&[3; 16]);
    let rows = rows(&mut rng, 200, 5, 2);
    let moved = |setting: &Fit| {
        let mut parameters = network.initial(&[1; 16]);
        fit(&network, &mut parameters, &rows, setting, &mut Prg::new(&[8; 16])).unwrap();
        parameters.iter().map(|x| x * x).sum::<f32>().sqrt()
    };
    let plain = Fit { rate: 0.3, epochs: 5, ..Fit::default() };
    let pulled = Fit { proximal: 1.0, rate: 0.3, epochs: 5, ..Fit::default() };
    let drift = vec![-1.0; network.parameters()];
    let pushed = Fit { drift, rate: 0.3, epochs: 5, ..Fit::default() };
    assert!(moved(&pulled) < 0.8 * moved(&plain));
    assert!(moved(&pushed) > 2.0 * moved(&plain));
}

#[test]
fn what_cannot_be_trained_is_refused() {
    let network = Network::logistic(2).unwrap();
    let good = Rows::new(2, vec![1.0; 4], vec![0.0, 1.0]).unwrap();
    let train = |rows: &Rows, setting: Fit, parameters: usize| {
        let mut parameters = vec![0.0; parameters];
        fit(&network, &mut parameters, rows, &setting, &mut Prg::new(&[0; 16])).map(drop)
    };
    assert_eq!(train(&good, Fit::default(), 3), Ok(()));
    let none = Rows::new(2, Vec::new(), Vec::new()).unwrap();
    assert_eq!(train(&none, Fit::default(), 3), Err(FitError::Empty));
    let wide = Rows::new(3, vec![1.0; 6], vec![0.0, 1.0]).unwrap();
    assert!(matches!(
        train(&wide, Fit::default(), 3),
        Err(FitError::Shape { got: 3, want: 2, .. })
    ));
    assert!(matches!(
        train(&good, Fit::default(), 4),
        Err(FitError::Shape { got: 4, want: 3, .. })
    ));
    for bad in [0.0, -1.0, f32::NAN, f32::INFINITY] {
        let setting = Fit { rate: bad, ..Fit::default() };
        assert_eq!(train(&good, setting, 3), Err(FitError::Setting("the rate")));
    }
    let linear = Network::linear(2).unwrap();
    let far = Rows::new(2, vec![1e18, 1e18], vec![1e18]).unwrap();
    let setting = Fit { rate: 10.0, epochs: 10, ..Fit::default() };
    let diverged = fit(&linear, &mut [0.0; 3], &far, &setting, &mut Prg::new(&[0; 16]));
    assert_eq!(diverged, Err(FitError::Diverged { steps: 10 }));
    let bad = Rows::new(1, vec![1.0, f32::NAN], vec![0.0, 1.0]);
    assert_eq!(bad.unwrap_err(), RowsError::NotFinite { row: 1 });
    assert!(Rows::new(3, vec![0.0; 5], vec![0.0; 2]).is_err());
    assert_eq!(Network::softmax(3, 1), Err(NetworkError::Classes(1)));
    assert_eq!(Network::layers(3, &[0], 2), Err(NetworkError::Layers));
    assert_eq!(Network::layers(1 << 40, &[1 << 40], 2), Err(NetworkError::Size));
}

#[test]
fn scaling_by_sums_is_scaling_by_rows() {
    let mut rng = Prg::new(&[5; 16]);
    let mut rows = rows(&mut rng, 300, 4, 2);
    let scaling = Scaling::of(&rows);
    rows.scale(&scaling);
    for feature in 0..4 {
        let column: Vec<f64> = (0..300).map(|row| f64::from(rows.row(row)[feature])).collect();
        let mean = column.iter().sum::<f64>() / 300.0;
        let variance = column.iter().map(|x| x * x).sum::<f64>() / 300.0 - mean * mean;
        assert!(mean.abs() < 1e-5 && (variance - 1.0).abs() < 1e-4, "{mean} {variance}");
    }
}

#[test]
fn the_area_counts_pairs() {
    assert!((area_under_curve(&[0.1, 0.4, 0.35, 0.8], &[0.0, 0.0, 1.0, 1.0]) - 0.75).abs() < 1e-12);
    assert!((area_under_curve(&[1.0, 1.0, 1.0], &[0.0, 1.0, 0.0]) - 0.5).abs() < 1e-12);
}
