//! Logistic regression on rows that are joined on shares.

use federated::vertical::{
    self, Curve, Descent, Features, Output, Scoring, Setting, SettingError, Table, WordRows,
    train_exactly,
};
use protocols::{
    mpc::{Column, fixed::Fixed},
    ring::Z64,
    session::{Session, SessionError},
    share::Shared,
};

use crate::case::{Case, Clear, Random, Verdict, misfit};

pub(super) const CASES: &[Case] = &[
    Case {
        name: "vertical",
        note: "an epoch of logistic regression on n joined rows of 330 features, 1024 rows a step, all shared",
        rows: |n| n.max(1),
        clear: table,
        run: train,
        quote: |m, n| setting(n).map_or((), |setting| vertical::train_cost(m, &setting)),
        judge: is_trained,
    },
    Case {
        name: "vertical/score",
        note: "scores of n rows of 330 features by shared weights, 20 fraction bits",
        rows: |n| n.max(1),
        clear: table_and_weights,
        run: score,
        quote: |m, n| scoring(n).map_or((), |scoring| vertical::score_cost(m, &scoring)),
        judge: is_scored,
    },
];

const COLUMNS: usize = 330;
const FRAC: u32 = 12;

fn joined(rows: usize) -> Result<Table, SettingError> {
    let features = Fixed::new(FRAC, -4.0, 4.0).map_err(SettingError::Room)?;
    Ok(Table { rows, columns: COLUMNS, features })
}

fn descent() -> Descent {
    Descent { epochs: 1, batch: 1024, rate: 0.5, penalty: 0.0, curve: Curve::Segments }
}

fn setting(rows: usize) -> Result<Setting, SettingError> {
    Setting::new(joined(rows)?, descent())
}

fn scoring(rows: usize) -> Result<Scoring, SettingError> {
    let weights = Fixed::new(20, -1.0, 1.0).map_err(SettingError::Scores)?;
    Scoring::new(joined(rows)?, weights, Output::Logits, 20)
}

/// Features between −2 and 2, classes by some of them, and a row in sixteen that is not live.
fn table(random: &mut Random<'_>, n: usize) -> Vec<Clear> {
    let features: Vec<u64> =
        (0..n * COLUMNS).map(|_| (random() >> 50).wrapping_sub(1 << 13)).collect();
    let class = |row: &[u64]| {
        let score = row.iter().step_by(3).fold(0_u64, |sum, x| sum.wrapping_add(*x));
        u64::from(score.cast_signed() > 0)
    };
    let classes = features.chunks(COLUMNS).map(class).collect();
    let live = (0..n).map(|_| u64::from(random() & 15 != 0)).collect();
    vec![Clear::Words(features), Clear::Words(classes), Clear::Bits(live, 1)]
}

fn table_and_weights(random: &mut Random<'_>, n: usize) -> Vec<Clear> {
    let mut columns = table(random, n);
    columns.truncate(1);
    let weights = (0..=COLUMNS).map(|_| (random() >> 43).wrapping_sub(1 << 20));
    columns.push(Clear::Words(weights.collect()));
    columns
}

fn features<'a>(s: &Session, words: &'a Shared<Z64>) -> Result<Features<'a>, SessionError> {
    let what = "no whole rows";
    Features::of_rows(words, words.len() / COLUMNS, COLUMNS)
        .ok_or_else(|| SessionError::Misuse { step: s.step(), what })
}

fn train(s: &mut Session, inputs: &[Column]) -> Result<Vec<Column>, SessionError> {
    let [Column::Z64(x), Column::Z64(y), Column::Bits(live)] = inputs else {
        return Err(misfit(s, inputs));
    };
    let setting = setting(y.len()).map_err(|_| misfit(s, inputs))?;
    Ok(vec![Column::Z64(vertical::train(s, &setting, &features(s, x)?, (y, live), &mut |_| ())?)])
}

fn score(s: &mut Session, inputs: &[Column]) -> Result<Vec<Column>, SessionError> {
    let [Column::Z64(x), Column::Z64(weights)] = inputs else { return Err(misfit(s, inputs)) };
    let scoring = scoring(x.len() / COLUMNS).map_err(|_| misfit(s, inputs))?;
    Ok(vec![Column::Z64(vertical::score(s, &scoring, &features(s, x)?, weights)?)])
}

fn real(word: u64, frac: u32) -> f64 {
    word.cast_signed() as f64 / f64::from(frac).exp2()
}

fn furthest(got: &[f64], want: &[f64]) -> f64 {
    let off = |(got, want): (&f64, &f64)| (got - want).abs();
    got.iter().zip(want).map(off).fold(0.0, f64::max)
}

/// The same steps in one place, to the bit.
fn is_trained(clear: &[Clear], opened: &[Vec<u64>]) -> Verdict {
    let [features, y, live] = [0, 1, 2].map(|at| clear[at].words());
    let [labels, live] = [y, live].map(|of| of.iter().map(|bit| *bit == 1).collect::<Vec<_>>());
    let rows = WordRows { features: &features, labels: &labels, live: &live };
    let want = setting(labels.len()).ok().and_then(|setting| train_exactly(&setting, rows));
    Verdict::Exact(want.is_some_and(|want| want == opened[0]))
}

fn is_scored(clear: &[Clear], opened: &[Vec<u64>]) -> Verdict {
    let (x, weights) = (clear[0].words(), clear[1].words());
    let weights: Vec<f64> = weights.iter().map(|w| real(*w, 20)).collect();
    let one = |row: &[u64]| {
        row.iter().zip(&weights).map(|(x, w)| real(*x, FRAC) * w).sum::<f64>() + weights[COLUMNS]
    };
    let want: Vec<f64> = x.chunks(COLUMNS).map(one).collect();
    let got: Vec<f64> = opened[0].iter().map(|word| real(*word, 20)).collect();
    Verdict::Within { error: furthest(&got, &want), bound: 2.0 * real(1, 20) }
}
