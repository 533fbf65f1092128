//! Logistic regression of the census on shares, as good as its golden value.

use federated::{
    model::{Rows, area_under_curve},
    vertical::{self, Curve, Descent, Features, Setting, Table},
};
use protocols::{
    mpc::{Column, fixed::Fixed},
    session::{Session, SessionError},
};

use super::adult::{REACH, TRAIN, adult};
use crate::case::{Case, Clear, Verdict, misfit};

pub(super) const CASES: &[Case] = &[
    Case {
        name: "vertical/adult",
        note: "5 epochs of UCI Adult, 1024 rows a step, segments; the error is how far the area under the curve is below 0.8991",
        rows: |_| TRAIN,
        clear: |_, _| table().unwrap_or_default(),
        run: |s, inputs| train(s, inputs, Curve::Segments),
        quote: |m, n| quoted(n, Curve::Segments).map_or((), |plan| vertical::train_cost(m, &plan)),
        judge: |_, opened| {
            area(&opened[0], Curve::Segments, 0.8991).unwrap_or(Verdict::Exact(false))
        },
    },
    Case {
        name: "vertical/adult-cubic",
        note: "the same with a cubic; the error is how far the area under the curve is below 0.8956",
        rows: |_| TRAIN,
        clear: |_, _| table().unwrap_or_default(),
        run: |s, inputs| train(s, inputs, Curve::Cubic),
        quote: |m, n| quoted(n, Curve::Cubic).map_or((), |plan| vertical::train_cost(m, &plan)),
        judge: |_, opened| area(&opened[0], Curve::Cubic, 0.8956).unwrap_or(Verdict::Exact(false)),
    },
];

/// How near is near: half a point.
const NEAR: f64 = 0.005;

fn format() -> Option<Fixed> {
    Fixed::new(12, f64::from(-REACH), f64::from(REACH)).ok()
}

fn halves() -> Option<&'static [Rows; 2]> {
    Some(&adult()?.one_hot)
}

fn setting(rows: usize, columns: usize, curve: Curve) -> Option<Setting> {
    let table = Table { rows, columns, features: format()? };
    let descent = Descent { epochs: 5, batch: 1024, rate: 0.5, penalty: 0.0, curve };
    Setting::new(table, descent).ok()
}

fn quoted(rows: usize, curve: Curve) -> Option<Setting> {
    setting(rows, halves()?[0].features(), curve)
}

fn table() -> Option<Vec<Clear>> {
    let [train, _] = halves()?;
    let real: Vec<f64> =
        (0..train.len()).flat_map(|at| train.row(at)).map(|x| f64::from(*x)).collect();
    let words = format()?.encode(&real).ok()?;
    let labels = (0..train.len()).map(|at| u64::from(train.label(at) > 0.5)).collect();
    let live = vec![1; train.len()];
    Some(vec![Clear::Words(words), Clear::Words(labels), Clear::Bits(live, 1)])
}

fn train(s: &mut Session, inputs: &[Column], curve: Curve) -> Result<Vec<Column>, SessionError> {
    let [Column::Z64(x), Column::Z64(y), Column::Bits(live)] = inputs else {
        return Err(misfit(s, inputs));
    };
    let (rows, columns) = (y.len(), x.len() / y.len().max(1));
    let features = Features::of_rows(x, rows, columns);
    let (Some(setting), Some(features)) = (setting(rows, columns, curve), features) else {
        return Err(misfit(s, inputs));
    };
    Ok(vec![Column::Z64(vertical::train(s, &setting, &features, (y, live), &mut |_| ())?)])
}

/// How far the area under the curve of the test's rows is below the golden one.
fn area(words: &[u64], curve: Curve, golden: f64) -> Option<Verdict> {
    let [train, test] = halves()?;
    let weights = setting(train.len(), train.features(), curve)?.weights().decode(words);
    #[expect(clippy::cast_possible_truncation, reason = "scores are compared only")]
    let score = |at: usize| -> f32 {
        let row = test.row(at).iter().map(|x| f64::from(*x));
        row.zip(&weights).map(|(x, w)| x * w).sum::<f64>() as f32
    };
    let scores: Vec<f32> = (0..test.len()).map(score).collect();
    let labels: Vec<f32> = (0..test.len()).map(|at| test.label(at)).collect();
    let error = (golden - area_under_curve(&scores, &labels)).max(0.0);
    Some(Verdict::Within { error, bound: NEAR })
}
