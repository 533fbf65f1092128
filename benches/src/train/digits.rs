//! A softmax regression that tells written digits, averaged on shares by ten providers, as good as its golden values.
//!
//! The 1797 digits of 64 points that scikit-learn has: `UNSEEN_DIGITS` names the folder with `digits.csv`, unpacked from
//! `sklearn/datasets/data/digits.csv.gz` of scikit-learn 1.9.1.

use std::{env, fs, path::Path, time::Instant};

use federated::{
    model::{Fit, Network, Rows, evaluate},
    round::Native,
};
use protocols::{prg::Prg, ring::Z64};

use super::{
    averaged::{averaged, course, seed, spread},
    command::Line,
    round::{PROVIDERS, one_round},
};
use crate::{
    Failure,
    figure::{peak_rss, reset_peak},
};

/// A case: how digits are spread over providers.
pub(super) struct Digits {
    pub(super) name: &'static str,
    /// Of a Dirichlet distribution over providers for each digit; none: alike.
    spread: Option<f64>,
    golden: f64,
}

pub(super) const CASES: [Digits; 3] = [
    Digits { name: "digits", spread: None, golden: 0.9644 },
    Digits { name: "digits/0.5", spread: Some(0.5), golden: 0.9622 },
    Digits { name: "digits/0.1", spread: Some(0.1), golden: 0.9511 },
];

const POINTS: usize = 64;
const CLASSES: usize = 10;
const ROWS: usize = 1797;
/// A quarter is to test with.
const TEST: usize = 450;
/// How near is near: half a point.
const NEAR: f64 = 0.005;
const ROUNDS: u32 = 50;
/// How often rows to test with are drawn: what comes of it differs by more than half a point.
const DRAWS: u8 = 9;

/// The seconds of a line are those of all rounds, with training.
pub(super) fn run(case: &Digits) -> Result<Line, Failure> {
    reset_peak();
    let all = read()?;
    let network = Network::softmax(POINTS, CLASSES)?;
    let course = course((network.parameters(), ROWS), PROVIDERS, ROUNDS)?;
    let began = Instant::now();
    let rights = (0..DRAWS).map(|draw| {
        let (test, train) = parts(&all, draw);
        let held = spread((&train, CLASSES), usize::from(PROVIDERS), case.spread, draw);
        let setting = Fit { epochs: 5, rate: 0.5, ..Fit::default() };
        let trainer = |number: usize| {
            let rows = held[number].clone();
            Box::new(Native::new(network.clone(), rows, setting.clone(), [seed(number); 32])) as _
        };
        let model = averaged(&course, (&vec![0.0; network.parameters()], draw), &trainer)?;
        Ok(evaluate(&network, &model, &test).0.correct as f64 / test.len() as f64)
    });
    let mut rights = rights.collect::<Result<Vec<f64>, Failure>>()?;
    rights.sort_unstable_by(f64::total_cmp);
    let (right, one) = (rights[rights.len() / 2], one_round(&course));
    Ok(Line {
        case: case.name,
        n: network.parameters(),
        parties: 3 + PROVIDERS,
        network: "memory",
        seconds: began.elapsed().as_secs_f64() / f64::from(DRAWS),
        bytes_sent: one.bytes * u64::from(ROUNDS),
        rounds: one.rounds * ROUNDS,
        peak_rss_bytes: peak_rss(),
        exact: right >= case.golden - NEAR,
        note: format!(
            "{right:.4} of {TEST} told right ({:.4} to {:.4} of {DRAWS} draws), golden {:.4}; with training",
            rights[0],
            rights[rights.len() - 1],
            case.golden
        ),
    })
}

/// Rows to test with and to train on, at random.
fn parts(all: &Rows, draw: u8) -> (Rows, Rows) {
    let draws = Prg::new(&[draw; 16]).elements::<Z64>(all.len());
    let mut order: Vec<usize> = (0..all.len()).collect();
    order.sort_by_key(|row| draws[*row]);
    let (test, train) = order.split_at(TEST);
    (all.pick(test), all.pick(train))
}

fn read() -> Result<Rows, Failure> {
    let folder = env::var("UNSEEN_DIGITS").map_err(
        |_| "set UNSEEN_DIGITS to a folder with digits.csv, from the wheel of scikit-learn 1.9.1 and unpacked",
    )?;
    let path = Path::new(&folder).join("digits.csv");
    let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let (mut values, mut labels) = (Vec::new(), Vec::new());
    for line in text.lines() {
        let cells = line.split(',').map(str::parse).collect::<Result<Vec<f32>, _>>()?;
        let (label, points) = cells.split_last().ok_or("an empty line")?;
        values.extend(points.iter().map(|point| point / 16.0));
        labels.push(*label);
    }
    if labels.len() != ROWS {
        return Err(format!("{}: not the {ROWS} digits of scikit-learn", path.display()).into());
    }
    Ok(Rows::new(POINTS, values, labels)?)
}
