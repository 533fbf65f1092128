//! Trainings over links against trainings in one place.

mod adaptive;
mod corrections;
mod cut;
mod faults;
mod gate;
mod kept;
pub(super) mod killed;
mod narrow;
pub(super) mod net;
mod opened;
mod privacy;
pub(super) mod resumed;
mod tallied;
mod told;
mod total;
mod weighed;
mod worth;

use std::{sync::Arc, time::Duration};

use protocols::{
    net::{Channel, memory},
    party::{PartyId, Role},
    prg::Prg,
    ring::Z64,
    session::{Counters, Gate, Meter, Opening, OpeningKind, Session, SessionError, Wire},
    testkit::test_prss,
};

use super::{
    Course, Folder, Keeper, Native, NotKept, Pace, RoundError, RoundReport, Standing, State, Train,
    TrainError, Trained, Trainer, Update, cost, take_part, train, validate,
};
use crate::{
    average::{Bounds, Encoding},
    model::{Fit, Network, Rows},
    strategy::{Adaptive, Rule},
};

const FEATURES: usize = 7;

/// Rows of two classes that a line divides, for provider `k`.
fn rows(seed: u64, k: usize, rows: usize) -> Rows {
    let mut key = [7; 16];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    key[8] = u8::try_from(k).unwrap();
    let words = Prg::new(&key).elements::<Z64>(rows * FEATURES);
    let values: Vec<f32> = words.iter().map(|w| (w >> 40) as f32 / 8_388_608.0 - 1.0).collect();
    let label = |row: &[f32]| f32::from(row[0] + row[1] > 0.1);
    let labels = values.chunks(FEATURES).map(label).collect();
    Rows::new(FEATURES, values, labels).unwrap()
}

pub(super) fn course(providers: &[u16], rounds: u32, rule: Rule) -> Course {
    let network = Network::logistic(FEATURES).unwrap();
    Course {
        parameters: network.parameters(),
        encoding: Encoding::new(Bounds { total_weight: 1 << 16, coordinate: 8.0 }).unwrap(),
        rounds,
        providers: providers.iter().map(|id| PartyId(*id)).collect(),
        pace: Pace { least: 2, deadline: Duration::from_secs(20) },
        rule,
        gates: None,
        privacy: None,
        tally: None,
        worth: None,
        resumed: false,
    }
}

pub(super) fn native(seed: u64, k: usize) -> Native {
    let network = Network::logistic(FEATURES).unwrap();
    Native::new(network, rows(seed, k, 40 + 7 * k), Fit::default(), [u8::try_from(k).unwrap(); 32])
}

fn by_rule(course: &Course, seed: u64, k: usize) -> Native {
    native(seed, k).by(course.rule)
}

pub(super) fn start(course: &Course) -> State {
    State::new(vec![0.0; course.parameters], course.rule)
}

/// Rows that nobody trains on.
fn held_out(seed: u64) -> Rows {
    rows(seed, 99, 160)
}

/// The same in one place: the providers of each round are given.
pub(super) fn in_one_place(seed: u64, course: &Course, of_round: &[Vec<usize>]) -> State {
    let mut state = start(course);
    let mut trainers: Vec<Native> =
        (0..course.providers.len()).map(|k| by_rule(course, seed, k)).collect();
    let mut last = vec![None; trainers.len()];
    for (round, providers) in (0..).zip(of_round) {
        let (mut sum, mut total) = (vec![0_u64; course.coordinates()], 0);
        let handed = state.optimizer.handed(&state.model).into_owned();
        for k in providers {
            trainers[*k].taken(last[*k].replace(round)).unwrap();
            let update = trainers[*k].train(round, &handed).unwrap();
            let mut words = vec![0; course.coordinates()];
            course.encoding.encode(&update.delta, update.weight, &mut words).unwrap();
            sum.iter_mut().zip(words).for_each(|(sum, word)| *sum = sum.wrapping_add(word));
            total += update.weight;
        }
        let average = course.encoding.decode(&sum, total);
        let part = providers.len() as f32 / course.providers.len() as f32;
        state.optimizer.step(&mut state.model, &average, part);
        state.rounds += 1;
    }
    state
}

type Maker<'a> = &'a (dyn Fn(usize) -> Box<dyn Trainer> + Sync);

/// What a guest says at the end: the rounds that it declined.
type Ended = Result<Vec<(u32, TrainError)>, RoundError>;

/// What a guest does.
type Part<'a> = &'a (dyn Fn(&mut Wire, usize, &mut Prg) -> Ended + Sync);

/// What came of a training at the compute parties, what each guest said at the end, and what it took.
#[derive(Default)]
struct Ran {
    parties: Vec<Result<Trained, RoundError>>,
    guests: Vec<Ended>,
    counters: Counters,
    /// What each compute party opened.
    opened: Vec<Vec<Opening>>,
}

/// What a compute party keeps, and where it begins.
type Kept<'a> = &'a (dyn Fn(Role) -> (Standing, Box<dyn Keeper>) + Sync);

/// Runs a training over these links: three compute parties, then guests, who draw the same every time.
fn run_over(
    seed: u64,
    channels: Vec<Arc<dyn Channel>>,
    course: &Course,
    from: &State,
    trainers: Maker<'_>,
) -> Ran {
    let plays = |wire: &mut Wire, own: usize, rng: &mut Prg| match &course.worth {
        Some(worth) if own == course.providers.len() => {
            validate(wire, worth, &held_out(seed)).map(|()| Vec::new())
        }
        _ => take_part(wire, course, own, &mut *trainers(own), rng),
    };
    run_with(seed, channels, (course, from), trainers, &plays)
}

/// The same with guests that do what they like.
fn run_with(
    seed: u64,
    channels: Vec<Arc<dyn Channel>>,
    (course, from): (&Course, &State),
    trainers: Maker<'_>,
    plays: Part<'_>,
) -> Ran {
    let kept = |_| (Standing::new(from.clone()), Box::new(NotKept) as Box<dyn Keeper>);
    run_kept(seed, channels, (course, &kept), trainers, plays)
}

/// The same, with what is kept on the way.
fn run_kept(
    seed: u64,
    channels: Vec<Arc<dyn Channel>>,
    (course, kept): (&Course, Kept<'_>),
    trainers: Maker<'_>,
    plays: Part<'_>,
) -> Ran {
    let number = |id: PartyId| course.providers.iter().position(|provider| *provider == id);
    std::thread::scope(|scope| {
        let (mut parties, mut guests) = (Vec::new(), Vec::new());
        for (id, channel) in (0_u16..).map(PartyId).zip(channels) {
            let mut rng = Prg::new(&[u8::try_from(id.0).unwrap(); 16]);
            let own = number(id);
            if let Some(role) = id.role() {
                parties.push(scope.spawn(move || {
                    let prss = test_prss(seed, role);
                    let mut s = Session::new(role, Arc::clone(&channel), prss, Gate::recording());
                    s.enter(1);
                    let mut trainer = own.map(trainers);
                    let trainer = trainer.as_deref_mut().map(|it| it as &mut dyn Trainer);
                    let held_out = held_out(seed);
                    let validates = course.worth.as_ref().is_some_and(|w| w.validator() == id);
                    let validation = validates.then_some(&held_out);
                    let (from, mut keep) = kept(role);
                    let keep = &mut *keep;
                    let with = Train { channel, course, from, trainer, validation, keep };
                    let trained = train(&mut s, with, &mut rng);
                    if let Err(RoundError::Session(error)) = &trained {
                        s.abort(error);
                    }
                    (trained, s.stats().total(), s.depth(), s.opened().to_vec())
                }));
            } else {
                guests.push(scope.spawn(move || {
                    let mut wire = Wire::new(channel, Gate::listing(&[]));
                    wire.enter(1);
                    // Who trains nothing brings the rows that updates are weighed by.
                    let number = own.unwrap_or(course.providers.len());
                    let ended = plays(&mut wire, number, &mut rng);
                    (ended, wire.stats().total(), wire.depth())
                }));
            }
        }
        let mut ran = Ran::default();
        for party in parties {
            let (trained, total, depth, opened) = party.join().unwrap();
            ran.count(total, depth);
            ran.parties.push(trained);
            ran.opened.push(opened);
        }
        for guest in guests {
            let (ended, total, depth) = guest.join().unwrap();
            ran.count(total, depth);
            ran.guests.push(ended);
        }
        ran
    })
}

impl Ran {
    fn count(&mut self, total: Counters, depth: u32) {
        self.counters.bytes += total.bytes;
        self.counters.messages += total.messages;
        self.counters.rounds = self.counters.rounds.max(depth);
    }

    /// What all three parties say alike.
    fn trained(&self, seed: u64) -> &Trained {
        let [a, b, c] = &self.parties[..] else { panic!("seed {seed}: three parties") };
        let a = a.as_ref().unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        for other in [b, c] {
            let other = other.as_ref().unwrap_or_else(|error| panic!("seed {seed}: {error}"));
            assert!(other == a, "seed {seed}: parties do not agree");
        }
        a
    }
}

pub(super) fn in_memory(parties: usize) -> Vec<Arc<dyn Channel>> {
    let ends = memory::mesh(parties, Duration::from_secs(20)).into_iter();
    ends.map(|end| Arc::new(end) as Arc<dyn Channel>).collect()
}

fn natives(seed: u64) -> impl Fn(usize) -> Box<dyn Trainer> + Sync {
    move |k| Box::new(native(seed, k)) as Box<dyn Trainer>
}

/// Who provides: all kinds of seats.
const CASTS: [&[u16]; 5] = [&[0, 1], &[0, 1, 2], &[3, 4, 5, 6], &[1, 3, 4], &[5, 0, 4, 3, 2]];

#[test]
fn a_training_over_links_is_bit_for_bit_that_in_one_place() {
    let rules = [
        Rule::Average { rate: 1.0 },
        Rule::Momentum { rate: 0.7, momentum: 0.9 },
        Rule::Adam(Adaptive::default()),
    ];
    for (seed, cast) in (0..).zip(CASTS) {
        for rule in rules {
            let course = course(cast, 4, rule);
            let parties = usize::from(*cast.iter().max().unwrap()).max(2) + 1;
            let all: Vec<usize> = (0..cast.len()).collect();
            let ran = run_over(seed, in_memory(parties), &course, &start(&course), &natives(seed));
            let expected = in_one_place(seed, &course, &vec![all.clone(); 4]);
            let trained = ran.trained(seed);
            assert!(trained.state == expected, "seed {seed}, providers {cast:?}, {rule:?}");
            assert!(trained.reports.iter().all(|report| report.providers == all), "seed {seed}");
            assert!(ran.guests.iter().all(|ended| *ended == Ok(Vec::new())), "seed {seed}");
        }
    }
}

#[test]
fn a_training_costs_what_was_quoted() {
    for (seed, cast) in (0..).zip(CASTS) {
        let course = course(cast, 3, Rule::Average { rate: 1.0 });
        let parties = usize::from(*cast.iter().max().unwrap()).max(2) + 1;
        let ran = run_over(seed, in_memory(parties), &course, &start(&course), &natives(seed));
        let mut m = Meter::new();
        m.enter(1);
        cost(&mut m, &course);
        ran.trained(seed);
        let quoted = m.total();
        assert_eq!(ran.counters.bytes, quoted.bytes, "seed {seed}, providers {cast:?}");
        assert_eq!(ran.counters.messages, quoted.messages, "seed {seed}, providers {cast:?}");
        assert_eq!(ran.counters.rounds, quoted.rounds, "seed {seed}, providers {cast:?}");
    }
}

#[test]
fn figures_of_a_round_are_those_of_all_in_it() {
    let course = course(&[0, 3, 4], 2, Rule::Average { rate: 1.0 });
    let ran = run_over(3, in_memory(5), &course, &start(&course), &natives(3));
    let RoundReport { round, trailer, .. } = &ran.trained(3).reports[0];
    assert_eq!((*round, trailer.updates), (1, 3));
    let all: Vec<Rows> = (0..3).map(|k| rows(3, k, 40 + 7 * k)).collect();
    assert_eq!(trailer.weight, all.iter().map(|rows| rows.len() as u64).sum::<u64>());
    // The model begins with zeros: every row has the loss ln 2.
    assert!((trailer.loss / trailer.weight as f64 - std::f64::consts::LN_2).abs() < 1e-4);
    assert!(ran.trained(3).reports[1].trailer.loss < trailer.loss);
}

#[test]
fn parties_take_turns_in_serving() {
    let course = course(&[3, 4, 5, 6, 7, 8], 1, Rule::Average { rate: 1.0 });
    for number in 0..6 {
        let servers = [0, 1].map(|round| course.server(number, round));
        assert_ne!(servers[0], servers[1]);
        assert!(!servers.contains(&crate::average::explicit_party(number)));
    }
    for role in Role::ALL {
        assert_eq!((0..6).filter(|number| course.server(*number, 0) == role).count(), 2);
    }
}
