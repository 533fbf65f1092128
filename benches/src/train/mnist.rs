//! A network that tells written digits, trained by ten providers and averaged on shares, as good as its golden value.

use std::time::Instant;

use federated::{
    model::{Fit, Network, evaluate, fit},
    round::Native,
};
use protocols::prg::Prg;

use super::{
    averaged::{averaged, course, seed, spread},
    command::Line,
    pictures::{CLASSES, POINTS, pictures},
    round::{PROVIDERS, one_round},
};
use crate::{
    Failure,
    figure::{peak_rss, reset_peak},
};

/// A case: how pictures are spread over providers.
pub(super) struct Mnist {
    pub(super) name: &'static str,
    /// Of a Dirichlet distribution over providers for each digit; none: alike. The fewer, the more digits keep to few of them.
    spread: Option<f64>,
    /// One provider, in as many passes, in place of ten.
    alone: bool,
    golden: f64,
}

pub(super) const CENTRAL: Mnist =
    Mnist { name: "mnist/central", spread: None, alone: true, golden: 0.9180 };
pub(super) const ALIKE: Mnist = Mnist { name: "mnist", spread: None, alone: false, golden: 0.9020 };
pub(super) const SKEWED: Mnist =
    Mnist { name: "mnist/0.5", spread: Some(0.5), alone: false, golden: 0.8920 };
pub(super) const APART: Mnist =
    Mnist { name: "mnist/0.1", spread: Some(0.1), alone: false, golden: 0.8900 };

/// How near is near: half a point.
const NEAR: f64 = 0.005;
const HIDDEN: usize = 64;
const ROUNDS: u32 = 30;
const RATE: f32 = 0.2;
const SEED: [u8; 16] = [7; 16];

/// How often pictures are spread anew where that is drawn: what comes of it differs by more than half a point.
const DRAWS: u8 = 7;

/// The seconds of a line are those of all rounds, with training.
pub(super) fn run(case: &Mnist) -> Result<Line, Failure> {
    reset_peak();
    let [rows, test] = pictures()?;
    let network = Network::layers(POINTS, &[HIDDEN], CLASSES)?;
    let (course, began) =
        (course((network.parameters(), rows.len()), PROVIDERS, ROUNDS)?, Instant::now());
    let draws = if case.spread.is_some() { DRAWS } else { 1 };
    let model = |draw: u8| {
        let mut start = network.initial(&SEED);
        if case.alone {
            let setting = Fit { epochs: 20, rate: RATE, ..Fit::default() };
            fit(&network, &mut start, rows, &setting, &mut Prg::new(&SEED))?;
            return Ok(start);
        }
        let held = spread((rows, CLASSES), usize::from(PROVIDERS), case.spread, draw);
        let setting = Fit { epochs: 2, rate: RATE, ..Fit::default() };
        let trainer = |number: usize| {
            let rows = held[number].clone();
            Box::new(Native::new(network.clone(), rows, setting.clone(), [seed(number); 32])) as _
        };
        averaged(&course, (&start, draw), &trainer)
    };
    let right =
        |model: Vec<f32>| evaluate(&network, &model, test).0.correct as f64 / test.len() as f64;
    let all = (0..draws).map(|draw| model(draw).map(right));
    let mut all = all.collect::<Result<Vec<f64>, Failure>>()?;
    all.sort_unstable_by(f64::total_cmp);
    let right = all[all.len() / 2];
    let one = one_round(&course);
    let (bytes, rounds) = if case.alone { (0, 0) } else { (one.bytes, one.rounds) };
    Ok(Line {
        case: case.name,
        n: network.parameters(),
        parties: if case.alone { 1 } else { 3 + PROVIDERS },
        network: "memory",
        seconds: began.elapsed().as_secs_f64() / f64::from(draws),
        bytes_sent: bytes * u64::from(ROUNDS),
        rounds: rounds * ROUNDS,
        peak_rss_bytes: peak_rss(),
        exact: right >= case.golden - NEAR,
        note: format!(
            "{right:.4} of {} test pictures are told right ({:.4} to {:.4} of {draws} draws), golden {:.4}; with training",
            test.len(),
            all[0],
            all[all.len() - 1],
            case.golden
        ),
    })
}
