//! A network that tells written digits, trained by ten providers and averaged on shares, as good as its golden value.

use std::{sync::Arc, thread, time::Instant};

use federated::{
    average::{Bounds, Encoding},
    model::{Fit, Network, Rows, evaluate, fit},
    round::{Course, Native, NotKept, Pace, Standing, State, Train, Trainer, take_part, train},
    strategy::Rule,
};
use protocols::{
    net::{Channel, memory},
    party::PartyId,
    prg::Prg,
    ring::Z64,
    session::{Gate, Session, Wire},
    testkit::test_prss,
};

use super::{
    command::Line,
    pictures::{CLASSES, POINTS, pictures},
    round::{PROVIDERS, STALL, one_round},
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
    let (course, began) = (course(&network, rows.len())?, Instant::now());
    let draws = if case.spread.is_some() { DRAWS } else { 1 };
    let model = |draw: u8| {
        let mut start = network.initial(&SEED);
        if case.alone {
            let setting = Fit { epochs: 20, rate: RATE, ..Fit::default() };
            fit(&network, &mut start, rows, &setting, &mut Prg::new(&SEED))?;
            return Ok(start);
        }
        averaged(&course, (&network, start), &spread(rows, case.spread, draw))
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

fn course(network: &Network, rows: usize) -> Result<Course, Failure> {
    Ok(Course {
        parameters: network.parameters(),
        encoding: Encoding::new(Bounds { total_weight: rows as u64, coordinate: 8.0 })?,
        rounds: ROUNDS,
        providers: (3..3 + PROVIDERS).map(PartyId).collect(),
        pace: Pace { least: 2, deadline: STALL },
        rule: Rule::Average { rate: 1.0 },
        gates: None,
        worth: None,
        privacy: None,
        resumed: false,
    })
}

/// The model after all rounds; a provider without pictures declines.
fn averaged(
    course: &Course,
    (network, start): (&Network, Vec<f32>),
    held: &[Rows],
) -> Result<Vec<f32>, Failure> {
    let ends = memory::mesh(usize::from(3 + PROVIDERS), STALL).into_iter();
    let models = thread::scope(|scope| {
        let mut parties = Vec::new();
        for end in ends {
            let (id, start) = (end.me(), &start);
            let channel: Arc<dyn Channel> = Arc::new(end);
            if let Some(role) = id.role() {
                parties.push(scope.spawn(move || {
                    let gate = Gate::recording();
                    let mut s = Session::new(role, Arc::clone(&channel), test_prss(1, role), gate);
                    s.enter(1);
                    let from = Standing::new(State::new(start.clone(), course.rule));
                    let (trainer, validation, keep) = (None, None, &mut NotKept);
                    let with = Train { channel, course, from, trainer, validation, keep };
                    let trained = train(&mut s, with, &mut Prg::new(&[2; 16]));
                    trained.map(|trained| trained.state.model).map_err(|error| error.to_string())
                }));
                continue;
            }
            scope.spawn(move || {
                let number = usize::from(id.0 - 3);
                let setting = Fit { epochs: 2, rate: RATE, ..Fit::default() };
                let seed = [u8::try_from(number).unwrap_or(u8::MAX); 32];
                let rows = held[number].clone();
                let mut own: Box<dyn Trainer> =
                    Box::new(Native::new(network.clone(), rows, setting, seed));
                let mut wire = Wire::new(channel, Gate::listing(&[]));
                wire.enter(1);
                let mut rng = Prg::new(&[seed[0]; 16]);
                // One that fails shows in the parties' results.
                drop(take_part(&mut wire, course, number, &mut *own, &mut rng));
            });
        }
        let models = parties.into_iter().map(|it| it.join().map_err(|_| "a party panicked")?);
        models.collect::<Result<Vec<_>, String>>()
    })?;
    let mut models = models.into_iter();
    let first = models.next().ok_or("no party")?;
    match models.all(|model| model == first) {
        true => Ok(first),
        false => Err("the parties do not agree on the model".into()),
    }
}

/// Each provider's pictures, of one draw.
fn spread(rows: &Rows, concentration: Option<f64>, draw: u8) -> Vec<Rows> {
    let mut rng = Uniform(Prg::new(&[draw; 16]));
    let mut held = vec![Vec::new(); usize::from(PROVIDERS)];
    for class in 0..CLASSES {
        let mut parts = vec![1.0; held.len()];
        if let Some(concentration) = concentration {
            parts.iter_mut().for_each(|part| *part = rng.gamma(concentration));
        }
        let (all, mut sum) = (parts.iter().sum::<f64>(), 0.0);
        let ends: Vec<f64> = parts
            .iter()
            .map(|part| {
                sum += part / all;
                sum
            })
            .collect();
        let places = (0..rows.len()).filter(|place| rows.label(*place) == class as f32);
        let places: Vec<usize> = places.collect();
        for (at, place) in places.iter().enumerate() {
            let share = (at as f64 + 0.5) / places.len() as f64;
            let of = ends.iter().position(|end| share < *end).unwrap_or(held.len() - 1);
            held[of].push(*place);
        }
    }
    held.iter().map(|places| rows.pick(places)).collect()
}

/// Numbers of distributions.
struct Uniform(Prg);

impl Uniform {
    /// Between 0 and 1, neither of them.
    fn unit(&mut self) -> f64 {
        let word = self.0.elements::<Z64>(1)[0];
        ((word >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    }

    fn normal(&mut self) -> f64 {
        let (radius, angle) = (self.unit(), self.unit());
        (-2.0 * radius.ln()).sqrt() * (std::f64::consts::TAU * angle).cos()
    }

    /// Marsaglia and Tsang, *A Simple Method for Generating Gamma Variables*, 2000; below 1 by a power of a uniform number.
    fn gamma(&mut self, shape: f64) -> f64 {
        if shape < 1.0 {
            return self.gamma(shape + 1.0) * self.unit().powf(1.0 / shape);
        }
        let d = shape - 1.0 / 3.0;
        loop {
            let x = self.normal();
            let v = (1.0 + x / (9.0 * d).sqrt()).powi(3);
            if v > 0.0 && self.unit().ln() < 0.5 * x * x + d - d * v + d * v.ln() {
                return d * v;
            }
        }
    }
}
