//! Rounds of ten providers that do not compute, over TLS on loopback, beyond training itself: from one average to the next.

use std::{
    sync::{Arc, mpsc},
    thread,
    time::{Duration, Instant},
};

use federated::{
    average::{Bounds, Encoding},
    disk::DiskError,
    round::{
        Closed, Course, Keeper, Pace, RoundReport, Standing, State, Totals, Train, TrainError,
        Trainer, Update, cost, take_part, train,
    },
    strategy::Rule,
};
use protocols::{
    net::{Channel, loopback, tls::LinkConfig},
    party::PartyId,
    prg::Prg,
    ring::Z32,
    session::{Counters, Gate, Meter, Session, Wire},
    testkit::test_prss,
};

use super::command::Line;
use crate::{
    Failure,
    figure::{peak_rss, reset_peak, rss},
};

pub(super) const NAME: &str = "round";
/// The same with updates in words of 32 bits.
pub(super) const NARROW: &str = "round/32";
const NOTE: &str = "one round of 10 providers over TLS, from average to average, all of them threads of one process; no training";
pub(super) const PROVIDERS: u16 = 10;
pub(super) const STALL: Duration = Duration::from_secs(120);

/// Has an update ready.
pub(super) struct Ready(Vec<f32>, u64);

impl Trainer for Ready {
    fn train(&mut self, _: u32, _: &[f32]) -> Result<Update, TrainError> {
        Ok(Update { delta: self.0.clone(), weight: self.1, loss: 0.0, correct: 0 })
    }
}

pub(super) fn trainer(number: usize, n: usize) -> Ready {
    let seed = u8::try_from(number).unwrap_or(u8::MAX);
    let value = |word: &u32| (word >> 8) as f32 / (1_u32 << 24) as f32 - 0.5;
    let words = Prg::new(&[seed; 16]).elements::<Z32>(n);
    Ready(words.iter().map(value).collect(), 1000 + number as u64)
}

/// No provider has more rows.
const ROWS: u64 = 1000 + PROVIDERS as u64;

/// The same with updates in words of 32 bits.
pub(super) fn narrow(n: usize, rounds: u32) -> Result<Course, Failure> {
    let all = usize::from(PROVIDERS);
    let bounds = Bounds { total_weight: ROWS * u64::from(PROVIDERS), coordinate: 0.5 };
    let encoding = Encoding::narrow(bounds, (ROWS, all))?;
    Ok(Course { encoding, ..course(n, rounds)? })
}

pub(super) fn course(n: usize, rounds: u32) -> Result<Course, Failure> {
    course_of(PROVIDERS, (n, rounds))
}

/// The same of so many providers.
pub(super) fn course_of(providers: u16, (n, rounds): (usize, u32)) -> Result<Course, Failure> {
    Ok(Course {
        parameters: n,
        encoding: Encoding::new(Bounds { total_weight: 1 << 24, coordinate: 16.0 })?,
        rounds,
        providers: (3..3 + providers).map(PartyId).collect(),
        pace: Pace { least: usize::from(providers), deadline: STALL },
        rule: Rule::Average { rate: 1.0 },
        gates: None,
        tally: None,
        worth: None,
        privacy: None,
        resumed: false,
    })
}

/// What rounds showed: when each was over at the first party and what memory the process had then, and every party's model.
pub(super) struct Ran {
    pub(super) ends: Vec<(Instant, u64)>,
    pub(super) exact: bool,
}

/// So many rounds after a first one that finds nothing warm.
pub(super) fn run(n: usize, reps: u32) -> Result<Line, Failure> {
    measured(NAME, &course(n, reps + 1)?)
}

pub(super) fn run_narrow(n: usize, reps: u32) -> Result<Line, Failure> {
    measured(NARROW, &narrow(n, reps + 1)?)
}

fn measured(case: &'static str, course: &Course) -> Result<Line, Failure> {
    reset_peak();
    let Ran { ends, exact } = rounds(course)?;
    let mut took: Vec<Duration> = ends.windows(2).map(|pair| pair[1].0 - pair[0].0).collect();
    took.sort_unstable();
    let one = one_round(course);
    Ok(Line {
        case,
        n: course.parameters,
        parties: 3 + PROVIDERS,
        network: "loopback",
        seconds: took.get(took.len() / 2).map_or(0.0, Duration::as_secs_f64),
        bytes_sent: one.bytes,
        rounds: one.rounds,
        peak_rss_bytes: peak_rss(),
        exact,
        note: NOTE.to_owned(),
    })
}

/// What one round more costs.
pub(super) fn one_round(course: &Course) -> Counters {
    one_round_of(course, cost)
}

/// The same by this price.
pub(super) fn one_round_of(course: &Course, price: impl Fn(&mut Meter, &Course)) -> Counters {
    let quote = |rounds| {
        let mut m = Meter::new();
        m.enter(1);
        price(&mut m, &Course { rounds, ..course.clone() });
        m.total()
    };
    let (one, two) = (quote(1), quote(2));
    Counters {
        bytes: two.bytes - one.bytes,
        messages: two.messages - one.messages,
        rounds: two.rounds - one.rounds,
    }
}

/// All rounds, everybody a thread of this process.
pub(super) fn rounds(course: &Course) -> Result<Ran, Failure> {
    let mut channels = loopback::mesh(3 + PROVIDERS, LinkConfig::with_stall(STALL).with_guests())?
        .into_iter()
        .map(|channel| Arc::new(channel) as Arc<dyn Channel>);
    let (ends, models) = thread::scope(|scope| {
        let (told, ends) = mpsc::channel();
        let parties: Vec<_> = channels
            .by_ref()
            .take(3)
            .map(|channel| {
                let told = told.clone();
                scope.spawn(move || {
                    let first = channel.me() == PartyId(0);
                    party(channel, course, &mut || {
                        let sent = if first { told.send((Instant::now(), rss())) } else { Ok(()) };
                        sent.map_err(|error| error.to_string().into())
                    })
                })
            })
            .collect();
        for (number, channel) in channels.enumerate() {
            scope.spawn(move || guest(channel, course, number));
        }
        drop(told);
        let ends = ends.into_iter().collect();
        let models =
            parties.into_iter().map(|party| party.join().map_err(|_| "a party panicked")?);
        (ends, models.collect::<Result<Vec<_>, String>>())
    });
    let models = models?;
    Ok(Ran { ends, exact: models.iter().all(|model| is_right(model, course)) })
}

/// A compute party's part, who says when a round is over.
pub(super) fn party(
    channel: Arc<dyn Channel>,
    course: &Course,
    over: &mut dyn FnMut() -> Result<(), DiskError>,
) -> Result<Vec<f32>, String> {
    let role = channel.me().role().ok_or("no party")?;
    let gate = Gate::recording();
    let mut s = Session::new(role, Arc::clone(&channel), test_prss(1, role), gate);
    s.enter(1);
    let mut keep = Clock(over);
    let from = Standing::new(State::new(vec![0.0; course.parameters], course.rule));
    let with = Train { channel, course, from, trainer: None, validation: None, keep: &mut keep };
    let trained = train(&mut s, with, &mut Prg::new(&[2; 16]));
    trained.map(|trained| trained.state.model).map_err(|error| error.to_string())
}

/// Keeps nothing, and tells when each round is over.
pub(super) struct Clock<F>(pub(super) F);

impl<F: FnMut() -> Result<(), DiskError>> Keeper for Clock<F> {
    fn closed(&mut self, _: &Closed) -> Result<(), DiskError> {
        Ok(())
    }

    fn reopened(&mut self) -> Result<(), DiskError> {
        Ok(())
    }

    fn opened(
        &mut self,
        _: &State,
        _: &[RoundReport],
        _: Option<&Totals>,
    ) -> Result<(), DiskError> {
        (self.0)()
    }
}

/// A guest that fails shows in the parties' results.
pub(super) fn guest(channel: Arc<dyn Channel>, course: &Course, number: usize) {
    let mut rng = Prg::new(&[channel.me().0.to_le_bytes()[0]; 16]);
    let mut wire = Wire::new(channel, Gate::listing(&[]));
    wire.enter(1);
    let mut trainer = trainer(number, course.parameters);
    let _ = take_part(&mut wire, course, number, &mut trainer, &mut rng);
}

/// Whether the model is as many averages as there were rounds.
pub(super) fn is_right(model: &[f32], course: &Course) -> bool {
    let all: Vec<Ready> =
        (0..course.providers.len()).map(|number| trainer(number, course.parameters)).collect();
    let total: u64 = all.iter().map(|ready| ready.1).sum();
    let mean = |at: usize| {
        let sum: f64 = all.iter().map(|ready| f64::from(ready.0[at]) * ready.1 as f64).sum();
        sum / total as f64
    };
    let rounds = f64::from(course.rounds);
    // By rounding; in 32 bits by weights of 12 bits too, all of which are nearly the largest.
    let weights = if course.encoding.is_narrow() { 0.5 / 4000.0 } else { 0.0 };
    let most = (course.encoding.rounding() + weights + 1e-5) * rounds;
    (0..model.len()).all(|at| (f64::from(model[at]) - rounds * mean(at)).abs() < most)
}
