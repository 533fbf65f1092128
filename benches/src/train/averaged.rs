//! Trainings of real providers by real parties, all of them threads of one process, for the models that come of them.

use std::{sync::Arc, thread};

use federated::{
    average::{Bounds, Encoding},
    model::Rows,
    round::{Course, NotKept, Pace, Standing, State, Train, Trainer, take_part, train},
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

use super::round::STALL;
use crate::Failure;

/// FedAvg among so many providers, none of whom computes.
pub(super) fn course(
    (parameters, rows): (usize, usize),
    providers: u16,
    rounds: u32,
) -> Result<Course, Failure> {
    Ok(Course {
        parameters,
        encoding: Encoding::new(Bounds { total_weight: rows as u64, coordinate: 8.0 })?,
        rounds,
        providers: (3..3 + providers).map(PartyId).collect(),
        pace: Pace { least: 2, deadline: STALL },
        rule: Rule::Average { rate: 1.0 },
        gates: None,
        tally: None,
        worth: None,
        privacy: None,
        resumed: false,
    })
}

/// The model after all rounds from this start, of one draw of what providers and parties draw; a provider whose trainer has no rows
/// declines.
pub(super) fn averaged(
    course: &Course,
    (start, draw): (&[f32], u8),
    trainer: &(dyn Fn(usize) -> Box<dyn Trainer> + Sync),
) -> Result<Vec<f32>, Failure> {
    let all = 3 + u16::try_from(course.providers.len())?;
    let ends = memory::mesh(usize::from(all), STALL).into_iter();
    let models = thread::scope(|scope| {
        let mut parties = Vec::new();
        for end in ends {
            let id = end.me();
            let channel: Arc<dyn Channel> = Arc::new(end);
            if let Some(role) = id.role() {
                parties.push(scope.spawn(move || {
                    let gate = Gate::recording();
                    let mut s = Session::new(role, Arc::clone(&channel), test_prss(1, role), gate);
                    s.enter(1);
                    let from = Standing::new(State::new(start.to_vec(), course.rule));
                    let (trainer, validation, keep) = (None, None, &mut NotKept);
                    let with = Train { channel, course, from, trainer, validation, keep };
                    let trained = train(&mut s, with, &mut Prg::new(&[draw; 16]));
                    trained.map(|trained| trained.state.model).map_err(|error| error.to_string())
                }));
                continue;
            }
            scope.spawn(move || {
                let number = usize::from(id.0 - 3);
                let mut wire = Wire::new(channel, Gate::listing(&[]));
                wire.enter(1);
                let mut rng =
                    Prg::new(&[[seed(number), draw]; 8].concat().try_into().unwrap_or_default());
                // One that fails shows in the parties' results.
                drop(take_part(&mut wire, course, number, &mut *trainer(number), &mut rng));
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

/// A provider's own, by its number.
pub(super) fn seed(number: usize) -> u8 {
    u8::try_from(number).unwrap_or(u8::MAX)
}

/// Each provider's rows, of one draw: each class in parts that are alike, or of a Dirichlet distribution with this concentration. The
/// smaller it is, the more rows of a class keep to few providers.
pub(super) fn spread(
    (rows, classes): (&Rows, usize),
    providers: usize,
    concentration: Option<f64>,
    draw: u8,
) -> Vec<Rows> {
    let mut rng = Uniform(Prg::new(&[draw; 16]));
    let mut held = vec![Vec::new(); providers];
    for class in 0..classes {
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
