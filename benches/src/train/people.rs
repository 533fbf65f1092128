//! A logistic regression on the census of UCI Adult, averaged on shares, as good as its golden values: of providers alike and unlike,
//! and with differential privacy of each row.

use std::time::Instant;

use federated::{
    account::{Event, Unit, exact},
    model::{Fit, Network, Rows, area_under_curve, evaluate, fit},
    round::{Course, Native, Privacy, Terms},
};
use protocols::prg::Prg;

use super::{
    adult::adult,
    averaged::{averaged, course, seed, spread},
    command::Line,
    round::one_round,
};
use crate::{
    Failure,
    figure::{peak_rss, reset_peak},
};

/// A case: how rows are spread, and whether they are hidden.
pub(super) struct People {
    pub(super) name: &'static str,
    /// One provider has all rows.
    providers: u16,
    /// Of a Dirichlet distribution over providers for each class; none: alike.
    spread: Option<f64>,
    /// The ε of single rows at δ = 10^-5.
    epsilon: Option<f64>,
    /// Accuracy, and area under the curve.
    golden: (f64, f64),
}

/// Alike, and not private.
const PLAIN: People =
    People { name: "adult", providers: 1, spread: None, epsilon: None, golden: (0.8470, 0.8993) };

pub(super) const CASES: [People; 7] = [
    PLAIN,
    People { name: "adult/4", providers: 4, golden: (0.8481, 0.8997), ..PLAIN },
    People { name: "adult/10", providers: 10, golden: (0.8439, 0.8973), ..PLAIN },
    People {
        name: "adult/0.3",
        providers: 10,
        spread: Some(0.3),
        golden: (0.7976, 0.8945),
        ..PLAIN
    },
    hidden("adult/epsilon-0.5", 0.5, 0.8414),
    hidden("adult/epsilon-1", 1.0, 0.8414),
    hidden("adult/epsilon-3", 3.0, 0.8416),
];

const fn hidden(name: &'static str, epsilon: f64, right: f64) -> People {
    People { name, providers: 10, epsilon: Some(epsilon), golden: (right, 0.8917), ..PLAIN }
}

/// How near is near: half a point.
const NEAR: f64 = 0.005;
const ROUNDS: u32 = 10;
const CLASSES: usize = 2;
const DELTA: f64 = 1e-5;
/// Steps over all rows; the golden values are of 476 on samples of 1024.
const PRIVATE_ROUNDS: u32 = 60;
const PRIVATE_RATE: f32 = 2.0;
const CLIP: f64 = 1.0;
/// How often rows are spread anew where that is drawn, or noise: the median counts.
const DRAWS: u8 = 5;

/// The seconds of a line are those of all rounds, with training.
pub(super) fn run(case: &People) -> Result<Line, Failure> {
    reset_peak();
    super::adult::look()?;
    let [rows, test] = &adult().ok_or("the table cannot be read")?.one_hot;
    let network = Network::logistic(rows.features())?;
    let draws = if case.spread.is_some() || case.epsilon.is_some() { DRAWS } else { 1 };
    let began = Instant::now();
    let all = (0..draws).map(|draw| case.model(&network, rows, draw));
    let all = all.map(|model| Ok(quality(&network, &model?, test)));
    let mut all = all.collect::<Result<Vec<(f64, f64)>, Failure>>()?;
    let seconds = began.elapsed().as_secs_f64() / f64::from(draws);
    all.sort_by(|one, other| one.0.total_cmp(&other.0));
    let (right, area) = all[all.len() / 2];
    let course = case.course(&network, &case.held(rows, 0), 0)?;
    let (one, alone) = (one_round(&course), case.providers == 1);
    Ok(Line {
        case: case.name,
        n: network.parameters(),
        parties: if alone { 1 } else { 3 + case.providers },
        network: "memory",
        seconds,
        bytes_sent: if alone { 0 } else { one.bytes * u64::from(course.rounds) },
        rounds: if alone { 0 } else { one.rounds * course.rounds },
        peak_rss_bytes: peak_rss(),
        exact: right >= case.golden.0 - NEAR && area >= case.golden.1 - NEAR,
        note: format!(
            "{right:.4} of {} told right ({:.4} to {:.4} of {draws} draws), golden {:.4}; area {area:.4}, golden {:.4}; with training",
            test.len(),
            all[0].0,
            all[all.len() - 1].0,
            case.golden.0,
            case.golden.1
        ),
    })
}

/// Accuracy, and area under the curve.
fn quality(network: &Network, model: &[f32], test: &Rows) -> (f64, f64) {
    let (scores, outputs) = evaluate(network, model, test);
    let labels: Vec<f32> = (0..test.len()).map(|row| test.label(row)).collect();
    (scores.correct as f64 / scores.rows as f64, area_under_curve(&outputs, &labels))
}

impl People {
    fn held(&self, rows: &Rows, draw: u8) -> Vec<Rows> {
        spread((rows, CLASSES), usize::from(self.providers), self.spread, draw)
    }

    fn model(&self, network: &Network, rows: &Rows, draw: u8) -> Result<Vec<f32>, Failure> {
        let start = vec![0.0; network.parameters()];
        let setting = Fit { batch: 64, ..Fit::default() };
        if self.providers == 1 {
            let (mut model, epochs) = (start, ROUNDS as usize);
            fit(network, &mut model, rows, &Fit { epochs, ..setting }, &mut Prg::new(&[1; 16]))?;
            return Ok(model);
        }
        let held = self.held(rows, draw);
        let course = self.course(network, &held, draw)?;
        let trainer = |number: usize| {
            let rows = held[number].clone();
            Box::new(Native::new(network.clone(), rows, setting.clone(), [seed(number); 32])) as _
        };
        averaged(&course, (&start, draw), &trainer)
    }

    fn course(&self, network: &Network, held: &[Rows], draw: u8) -> Result<Course, Failure> {
        let (parameters, rows) = (network.parameters(), held.iter().map(Rows::len).sum());
        let course = course((parameters, rows), self.providers, ROUNDS)?;
        let Some(epsilon) = self.epsilon else { return Ok(course) };
        let (privacy, encoding) = Privacy::new(&Terms {
            unit: Unit::Record,
            clip: CLIP,
            adaptive: None,
            multiplier_micro: multiplier_micro(epsilon)?,
            job: [draw; 32],
            rows: held.iter().map(|rows| rows.len() as u64).collect(),
            parameters,
            least: held.len(),
            colluding: 1,
            rate: PRIVATE_RATE,
        })?;
        Ok(Course { rounds: PRIVATE_ROUNDS, privacy: Some(privacy), encoding, ..course })
    }
}

/// The least noise over the sensitivity with which all steps together have this ε, in millionths.
fn multiplier_micro(epsilon: f64) -> Result<u64, Failure> {
    let (mut low, mut high) = (100_000_u64, 1_000_000_000);
    while low + 1 < high {
        let middle = low.midpoint(high);
        let steps = [Event::new(1.0, middle as f64 / 1e6, PRIVATE_ROUNDS)?];
        let got = exact::epsilon(&steps, DELTA).ok_or("steps over all rows have an exact ε")?;
        if got > epsilon { low = middle } else { high = middle }
    }
    Ok(high)
}
