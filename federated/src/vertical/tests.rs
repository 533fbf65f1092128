//! Shares against the clear: the same steps in double precision.

use protocols::{
    mpc::fixed::Fixed,
    ring::Z64,
    testkit::{Run, World, share_bits},
};

use super::{clear::logistic, *};
use crate::model::{Rows, area_under_curve};

#[cfg(target_os = "linux")]
mod resume;

/// Rows in the clear: features row by row, labels, and which are live.
struct Clear {
    columns: usize,
    features: Vec<f64>,
    labels: Vec<u64>,
    live: Vec<u64>,
}

const FRAC: u32 = 12;

fn range() -> Fixed {
    Fixed::new(FRAC, -4.0, 4.0).unwrap()
}

fn descent(curve: Curve) -> Descent {
    Descent { epochs: 3, batch: 64, rate: 0.5, penalty: 0.0, curve }
}

/// Random rows with some rhyme; the rows that are not live hold what would spoil any model.
fn rows(seed: u64, (rows, columns): (usize, usize)) -> Clear {
    let mut random = World::new(seed).random(77);
    let mut unit = move || (random() >> 40) as f64 / (1_u64 << 24) as f64;
    let grid = |x: f64| (x * 4096.0).round() / 4096.0;
    let truth: Vec<f64> = (0..columns).map(|_| unit() * 2.0 - 1.0).collect();
    let (mut features, mut labels, mut live) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rows {
        let row: Vec<f64> = (0..columns).map(|_| grid(unit() * 4.0 - 2.0)).collect();
        let score: f64 = row.iter().zip(&truth).map(|(x, w)| x * w).sum();
        let alive = unit() < 0.8;
        labels.push(u64::from(score + unit() - 0.5 > 0.3));
        live.push(u64::from(alive));
        features.extend(row.iter().map(|x| if alive { *x } else { 4.0 }));
    }
    Clear { columns, features, labels, live }
}

impl Clear {
    /// What the steps come to on real numbers, and how many rows that is right of.
    fn trained(&self, setting: &Setting) -> (Vec<f64>, [u64; 2]) {
        let (labels, live) = (flags(&self.labels), flags(&self.live));
        let of = ClearRows { features: &self.features, labels: &labels, live: &live };
        let weights = train_clear(setting, of);
        let tally = tally_clear(of, &weights);
        (weights, tally)
    }
}

fn flags(bits: &[u64]) -> Vec<bool> {
    bits.iter().map(|bit| *bit == 1).collect()
}

/// The words that the steps come to.
fn exactly(clear: &Clear, setting: &Setting) -> Vec<u64> {
    let (labels, live) = (flags(&clear.labels), flags(&clear.live));
    let features = &range().encode(&clear.features).unwrap();
    train_exactly(setting, WordRows { features, labels: &labels, live: &live }).unwrap()
}

/// The same steps on real numbers.
fn clearly(clear: &Clear, setting: &Setting) -> Vec<f64> {
    clear.trained(setting).0
}

/// The same on shares, and what was planned.
fn shared(seed: u64, clear: &Clear, descent: Descent) -> (Run<Shared>, Setting) {
    let (rows, columns) = (clear.labels.len(), clear.columns);
    let setting = Setting::new(Table { rows, columns, features: range() }, descent).unwrap();
    let world = World::new(seed);
    let x = world.deal::<Z64>(1, &range().encode(&clear.features).unwrap());
    let y = world.deal::<Z64>(2, &clear.labels);
    let live = share_bits(world, 3, &clear.live, 1);
    let run = world.run(|s| {
        let i = s.role().index();
        let features = Features::of_rows(&x[i], rows, columns).unwrap();
        let mut done = Vec::new();
        let weights = train(s, &setting, &features, (&y[i], &live[i]), &mut |step| done.push(step));
        assert!(done.into_iter().eq(1..=setting.steps()), "each step is told once");
        weights
    });
    run.assert_cost(&format!("{rows} × {columns}, seed {seed}"), |m| train_cost(m, &setting));
    assert!(run.opened.iter().all(Vec::is_empty), "nothing is opened");
    (run, setting)
}

type Shared = protocols::share::Shared<Z64>;

fn furthest(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}

#[test]
fn weights_are_those_of_the_same_steps_in_the_clear() {
    let shapes = [(1, 1), (1, 7), (63, 3), (64, 1), (65, 5), (130, 33), (1000, 4)];
    for (seed, shape) in (0..).zip(shapes) {
        let clear = rows(seed, shape);
        for penalty in [0.0, 0.01] {
            let descent = Descent { penalty, ..descent(Curve::Segments) };
            let (run, setting) = shared(seed, &clear, descent);
            let words = run.reconstruct();
            assert_eq!(words, exactly(&clear, &setting), "{shape:?}, {penalty}, seed {seed}");
            let got = setting.weights().decode(&words);
            let off = furthest(&got, &clearly(&clear, &setting));
            // A unit for each step, and what steps make of it later.
            let unit = 1.0 / f64::from(setting.weights().frac()).exp2();
            let most = 4.0 * setting.steps() as f64 * unit;
            assert!(off <= most, "{shape:?}, penalty {penalty}, seed {seed}: {off} > {most}");
        }
    }
}

#[test]
fn every_curve_trains() {
    let clear = rows(5, (500, 6));
    for (curve, most) in
        [(Curve::Segments, 1e-4), (Curve::Cubic, 2e-3), (Curve::Series { logits: 16.0 }, 2e-3)]
    {
        let descent = Descent { batch: 128, ..descent(curve) };
        let (run, setting) = shared(6, &clear, descent);
        let got = setting.weights().decode(&run.reconstruct());
        let off = furthest(&got, &clearly(&clear, &setting));
        assert!(off <= most, "{curve:?}: {off}");
    }
}

#[test]
fn a_table_without_live_rows_leaves_the_weights_alone() {
    let mut clear = rows(7, (100, 3));
    clear.live.fill(0);
    let (run, _) = shared(8, &clear, descent(Curve::Segments));
    assert!(run.reconstruct().iter().all(|word| *word == 0));
}

/// Features at the ends of their range and batches that contradict each other: every gradient after the first is as long as one can
/// get, and every logit far beyond the curve's middle.
#[test]
fn extreme_tables_do_not_overflow() {
    for (rows, columns, epochs) in [(256, 40, 20), (128, 3, 200)] {
        for end in [-4.0, 4.0] {
            let clear = Clear {
                columns,
                features: vec![end; rows * columns],
                labels: (0..rows).map(|row| u64::from(row % (rows / 64) % 2 == 0)).collect(),
                live: vec![1; rows],
            };
            let descent = Descent { epochs, rate: 16.0, ..descent(Curve::Segments) };
            let (run, setting) = shared(9, &clear, descent);
            let words = run.reconstruct();
            assert_eq!(words, exactly(&clear, &setting), "{rows} × {columns}");
            let got = setting.weights().decode(&words);
            let want = clearly(&clear, &setting);
            assert!(want[0].abs() > 30.0 && want[0].abs() < setting.weights().high(), "{want:?}");
            assert!(furthest(&got, &want) <= 0.1, "{rows} × {columns}: {got:?} {want:?}");
        }
    }
}

#[test]
fn what_cannot_be_trained_is_refused_before_it_starts() {
    let table = Table { rows: 100, columns: 3, features: range() };
    let well = descent(Curve::Segments);
    assert!(Setting::new(table, well).is_ok());
    let refused = |table, descent| Setting::new(table, descent).unwrap_err();
    assert_eq!(refused(Table { rows: 0, ..table }, well), SettingError::Empty);
    assert_eq!(refused(table, Descent { epochs: 0, ..well }), SettingError::Empty);
    let odd = refused(table, Descent { batch: 100, ..well });
    assert!(matches!(odd, SettingError::Power { near: 64.0, .. }), "{odd}");
    for (rate, near) in [(0.3, 0.25), (0.0, 2_f64.powi(-20)), (100.0, 16.0)] {
        let odd = refused(table, Descent { rate, ..well });
        assert!(matches!(odd, SettingError::Power { near: n, .. } if n == near), "{odd}");
    }
    for rate in [f64::NAN, -0.5, f64::INFINITY] {
        assert!(matches!(refused(table, Descent { rate, ..well }), SettingError::Power { .. }));
    }
    for penalty in [-0.1, 2.1, f64::NAN] {
        let bad = refused(table, Descent { penalty, ..well });
        assert!(matches!(bad, SettingError::Penalty { .. }), "{bad}");
    }
    // Too many steps for any precision, and features with too many fraction bits.
    let long = refused(table, Descent { epochs: 1 << 28, rate: 16.0, ..well });
    assert!(matches!(long, SettingError::Room(_)), "{long}");
    let fine = Table { features: Fixed::new(30, -4.0, 4.0).unwrap(), ..table };
    assert!(matches!(refused(fine, well), SettingError::Room(_)));
    let count = Descent { epochs: usize::MAX, ..well };
    assert!(matches!(refused(table, count), SettingError::Many { .. }));
}

#[test]
fn another_table_than_the_planned_one_is_refused() {
    let clear = rows(1, (10, 2));
    let table = Table { rows: 10, columns: 2, features: range() };
    let setting = Setting::new(table, descent(Curve::Segments)).unwrap();
    let world = World::new(1);
    let x = world.deal::<Z64>(1, &range().encode(&clear.features).unwrap());
    let y = world.deal::<Z64>(2, &clear.labels);
    let live = share_bits(world, 3, &clear.live, 1);
    let run = world.run(|s| {
        let i = s.role().index();
        let turned = Features::of_rows(&x[i], 2, 10).unwrap();
        assert!(train(s, &setting, &turned, (&y[i], &live[i]), &mut |_| ()).is_err());
        let right = Features::of_rows(&x[i], 10, 2).unwrap();
        assert!(train(s, &setting, &right, (&y[i].slice(0, 9), &live[i]), &mut |_| ()).is_err());
        Ok(s.stats().total().bytes)
    });
    assert_eq!(run.results, [0; 3]);
}

#[test]
fn scores_are_those_of_the_clear() {
    for (seed, shape) in (0..).zip([(1, 1), (63, 2), (65, 31), (1000, 7)]) {
        let clear = rows(seed, shape);
        let (count, columns) = shape;
        let weights = Fixed::new(20, -3.0, 3.0).unwrap();
        let mut random = World::new(seed).random(5);
        let model: Vec<f64> =
            (0..=columns).map(|_| (random() % 4096) as f64 / 2048.0 - 1.0).collect();
        let z =
            |row: &[f64]| row.iter().zip(&model).map(|(x, w)| x * w).sum::<f64>() + model[columns];
        let z: Vec<f64> = clear.features.chunks(columns).map(z).collect();
        let table = Table { rows: count, columns, features: range() };
        let world = World::new(seed);
        let x = world.deal::<Z64>(1, &range().encode(&clear.features).unwrap());
        let w = world.deal::<Z64>(2, &weights.encode(&model).unwrap());
        let way = |curve| move |z: &f64| logistic(curve, *z);
        let series = way(Curve::Series { logits: 32.0 });
        let near: Vec<f64> = z.iter().map(|z| z.clamp(-30.0, 30.0)).collect();
        assert_eq!(near, z);
        let cases: [(Output, Vec<f64>, f64); 4] = [
            (Output::Sums, z.clone(), 1e-9),
            (Output::Logits, z.clone(), 1e-5),
            (Output::Segments, z.iter().map(way(Curve::Segments)).collect(), 1e-5),
            (Output::Probabilities { logits: 32.0 }, z.iter().map(series).collect(), 1e-3),
        ];
        for (output, want, most) in cases {
            let scoring = Scoring::new(table, weights, output, 20).unwrap();
            let run = world.run(|s| {
                let i = s.role().index();
                let features = Features::of_rows(&x[i], count, columns).unwrap();
                score(s, &scoring, &features, &w[i])
            });
            run.assert_cost(&format!("{output:?} of {shape:?}"), |m| score_cost(m, &scoring));
            let off = furthest(&scoring.out().decode(&run.reconstruct()), &want);
            assert!(off <= most, "{output:?} of {shape:?}, seed {seed}: {off}");
        }
    }
}

#[test]
fn columns_of_several_owners_train_like_one_matrix() {
    let clear = rows(3, (200, 5));
    let descent = descent(Curve::Segments);
    let setting =
        Setting::new(Table { rows: 200, columns: 5, features: range() }, descent).unwrap();
    let world = World::new(4);
    let words = range().encode(&clear.features).unwrap();
    let column = |j: usize| words.iter().skip(j).step_by(5).copied().collect::<Vec<u64>>();
    let columns: Vec<_> = (0..5).map(|j| world.deal::<Z64>(10 + j as u64, &column(j))).collect();
    let y = world.deal::<Z64>(2, &clear.labels);
    let live = share_bits(world, 3, &clear.live, 1);
    let run = world.run(|s| {
        let i = s.role().index();
        let own: Vec<&Shared> = columns.iter().map(|column| &column[i]).collect();
        train(s, &setting, &Features::of_columns(&own).unwrap(), (&y[i], &live[i]), &mut |_| ())
    });
    let got = setting.weights().decode(&run.reconstruct());
    assert!(furthest(&got, &clearly(&clear, &setting)) < 1e-4);
}

#[test]
fn a_real_table_is_told_apart_as_well_as_in_the_clear() {
    let clear = breast_cancer();
    let descent = Descent { epochs: 10, ..descent(Curve::Segments) };
    let (run, setting) = shared(11, &clear, descent);
    #[expect(clippy::cast_possible_truncation, reason = "scores are compared only")]
    let area = |weights: &[f64]| {
        let z = |row: &[f64]| row.iter().zip(weights).map(|(x, w)| x * w).sum::<f64>();
        let scores: Vec<f32> =
            clear.features.chunks(clear.columns).map(|row| z(row) as f32).collect();
        let labels: Vec<f32> = clear.labels.iter().map(|y| *y as f32).collect();
        area_under_curve(&scores, &labels)
    };
    let ours = area(&setting.weights().decode(&run.reconstruct()));
    let theirs = area(&clearly(&clear, &setting));
    assert!((ours - theirs).abs() < 1e-3 && ours > 0.99, "{ours} and {theirs}");
}

/// Diagnoses, standardised and cut at ±4.
fn breast_cancer() -> Clear {
    let text = include_str!("../../../testdata/breast_cancer/breast_cancer.csv");
    let table: Vec<Vec<f64>> = text
        .lines()
        .skip(1)
        .map(|line| line.split(',').map(|cell| cell.parse().unwrap()).collect())
        .collect();
    let (rows, columns) = (table.len(), table[0].len() - 1);
    let scales: Vec<(f64, f64)> = (0..columns)
        .map(|j| {
            let mean = table.iter().map(|row| row[j]).sum::<f64>() / rows as f64;
            let square = table.iter().map(|row| (row[j] - mean).powi(2)).sum::<f64>();
            (mean, (square / rows as f64).sqrt())
        })
        .collect();
    let standard = |(x, (mean, deviation)): (&f64, &(f64, f64))| {
        (((x - mean) / deviation).clamp(-4.0, 4.0) * 4096.0).round() / 4096.0
    };
    Clear {
        columns,
        features: table.iter().flat_map(|row| row.iter().zip(&scales).map(standard)).collect(),
        labels: table.iter().map(|row| u64::from(row[columns] > 0.5)).collect(),
        live: vec![1; rows],
    }
}

#[test]
fn sums_of_joined_rows_are_exact_and_give_their_regression() {
    for (seed, (count, columns)) in (0..).zip([(1, 1), (65, 3), (400, 6), (4097, 2)]) {
        let clear = rows(seed, (count, columns));
        let x = range().encode(&clear.features).unwrap();
        let y: Vec<u64> = clear.labels.iter().map(|label| label << FRAC).collect();
        let table = Table { rows: count, columns, features: range() };
        let plan = Squares::new(table, Fixed::new(FRAC, 0.0, 1.0).unwrap()).unwrap();
        let world = World::new(seed);
        let (a, b) = (world.deal::<Z64>(1, &x), world.deal::<Z64>(2, &y));
        let live = share_bits(world, 3, &clear.live, 1);
        let run = world.run(|s| {
            let i = s.role().index();
            squares(s, &plan, &Features::of_rows(&a[i], count, columns).unwrap(), &b[i], &live[i])
        });
        run.assert_cost(&format!("{count} × {columns}"), |m| squares_cost(m, &plan));
        assert!(run.opened.iter().all(Vec::is_empty), "nothing is opened");
        // The same sums in real numbers, which are exact too: few enough bits.
        let alive = (0..count).filter(|row| clear.live[*row] == 1);
        #[expect(clippy::cast_possible_truncation, reason = "16 bits of features")]
        let values = alive.clone().flat_map(|row| {
            clear.features[row * columns..(row + 1) * columns].iter().map(|x| *x as f32)
        });
        let labels = alive.clone().map(|row| clear.labels[row] as f32);
        let joined = Rows::new(columns, values.collect(), labels.collect()).unwrap();
        let ridge = plan.ridge(0.5);
        let (got, want) = (plan.decode(&run.reconstruct()), ridge.of_rows(&joined));
        assert_eq!(got, want, "{count} × {columns}, seed {seed}");
        assert_eq!(ridge.solve(&got), ridge.solve(&want));
        assert_eq!(ridge.solve(&got).is_ok(), count > 1);
    }
}

#[test]
fn sums_that_do_not_fit_are_refused() {
    let table = Table { rows: 100, columns: 3, features: range() };
    let label = |frac| Fixed::new(frac, 0.0, 1.0).unwrap();
    assert!(Squares::new(table, label(FRAC)).is_ok());
    assert!(matches!(Squares::new(table, label(20)), Err(SettingError::Room(_))));
    let fine = Fixed::new(28, -4.0, 4.0).unwrap();
    let wide = Table { features: fine, ..table };
    assert!(matches!(Squares::new(wide, label(28)), Err(SettingError::Room(_))));
    assert!(matches!(
        Squares::new(Table { rows: 0, ..table }, label(FRAC)),
        Err(SettingError::Empty)
    ));
}

#[test]
fn rows_are_counted_and_those_that_are_right() {
    for (seed, shape) in (0..).zip([(1, 1), (63, 3), (64, 2), (65, 5), (1000, 4)]) {
        let clear = rows(seed, shape);
        let (count, columns) = shape;
        let table = Table { rows: count, columns, features: range() };
        let setting = Setting::new(table, descent(Curve::Segments)).unwrap();
        let (weights, want) = clear.trained(&setting);
        let world = World::new(seed);
        let x = world.deal::<Z64>(1, &range().encode(&clear.features).unwrap());
        let w = world.deal::<Z64>(2, &setting.weights().encode(&weights).unwrap());
        let labels = share_bits(world, 3, &clear.labels, 1);
        let live = share_bits(world, 4, &clear.live, 1);
        let run = world.run(|s| {
            let i = s.role().index();
            let features = Features::of_rows(&x[i], count, columns).unwrap();
            let short = w[i].slice(0, columns);
            assert!(tally(s, &setting, &features, [&labels[i], &live[i]], &short).is_err());
            tally(s, &setting, &features, [&labels[i], &live[i]], &w[i])
        });
        run.assert_cost(&format!("{shape:?}"), |m| tally_cost(m, &setting));
        assert!(run.opened.iter().all(Vec::is_empty), "nothing is opened");
        assert_eq!(run.reconstruct(), want, "{shape:?}, seed {seed}");
    }
}
