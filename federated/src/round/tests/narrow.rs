//! Trainings whose updates have 32 bits.

use protocols::{party::Role, session::Meter};

use super::{
    CASTS, course,
    faults::Odd,
    gate::gated,
    in_memory, native,
    resumed::{NEVER, run_until},
    rows, run_over, start,
};
use crate::{
    average::{Bounds, Encoding, LARGEST_WEIGHT},
    round::{Course, Native, RoundError, State, TrainError, Trainer, Update, cost},
    strategy::Rule,
};

/// The most rows of a provider.
const ROWS: u64 = 90;

fn narrow(cast: &[u16], rounds: u32) -> Course {
    let bounds = Bounds { total_weight: ROWS * cast.len() as u64, coordinate: 2.0 };
    let encoding = Encoding::narrow(bounds, (ROWS, cast.len())).unwrap();
    Course { encoding, ..course(cast, rounds, Rule::Average { rate: 1.0 }) }
}

/// What so many rows weigh.
fn weighs(rows: u64) -> u64 {
    (rows * LARGEST_WEIGHT + ROWS / 2) / ROWS
}

/// Gives numbers that need no rounding: what comes of them is one thing.
struct Coarse(Native, f32);

impl Trainer for Coarse {
    fn train(&mut self, round: u32, model: &[f32]) -> Result<Update, TrainError> {
        let mut update = self.0.train(round, model)?;
        update.delta.iter_mut().for_each(|x| *x = (*x * self.1).round() / self.1);
        Ok(update)
    }
}

fn coarse(course: &Course, seed: u64) -> impl Fn(usize) -> Coarse + Sync {
    let scale = (1_u64 << course.encoding.bits()) as f32;
    move |k| Coarse(native(seed, k), scale)
}

fn trainers(course: &Course, seed: u64) -> impl Fn(usize) -> Box<dyn Trainer> + Sync {
    let coarse = coarse(course, seed);
    move |k| Box::new(coarse(k)) as Box<dyn Trainer>
}

/// The same in one place: the providers of each round are given.
fn in_one_place(seed: u64, course: &Course, of_round: &[&[usize]]) -> State {
    let mut state = start(course);
    let mut all: Vec<_> = (0..course.providers.len()).map(trainers(course, seed)).collect();
    let scale = f64::from(course.encoding.bits()).exp2();
    for (round, providers) in (0..).zip(of_round) {
        let mut sum = vec![0_i64; course.parameters];
        let mut total = 0;
        for number in *providers {
            let update = all[*number].train(round, &state.model).unwrap();
            let weight = weighs(update.weight);
            #[expect(clippy::cast_possible_truncation, reason = "an integer")]
            let encoded = |x: &f32| (f64::from(*x) * scale) as i64 * weight.cast_signed();
            sum.iter_mut().zip(&update.delta).for_each(|(sum, x)| *sum += encoded(x));
            total += weight;
        }
        let words: Vec<u32> =
            sum.iter().map(|sum| i32::try_from(*sum).unwrap().cast_unsigned()).collect();
        let average = course.encoding.decode_narrow(&words, total);
        let part = providers.len() as f32 / all.len() as f32;
        state.optimizer.step(&mut state.model, &average, part);
        state.rounds += 1;
    }
    state
}

#[test]
fn a_training_is_that_in_one_place_at_the_quoted_price() {
    for (seed, cast) in (0..).zip(CASTS) {
        let course = narrow(cast, 3);
        let parties = usize::from(*cast.iter().max().unwrap()).max(2) + 1;
        let trainers = trainers(&course, seed);
        let ran = run_over(seed, in_memory(parties), &course, &start(&course), &trainers);
        let trained = ran.trained(seed);
        let all: Vec<usize> = (0..cast.len()).collect();
        let expected = in_one_place(seed, &course, &[&all[..]; 3]);
        assert!(trained.state == expected, "seed {seed}, providers {cast:?}");
        let of_all: u64 = (0..cast.len()).map(|k| rows(seed, k, 40 + 7 * k).len() as u64).sum();
        for report in &trained.reports {
            assert_eq!((report.trailer.weight, report.providers.len()), (of_all, cast.len()));
        }
        let mut m = Meter::new();
        m.enter(1);
        cost(&mut m, &course);
        let (ran, quoted) = (ran.counters, m.total());
        assert_eq!(
            (ran.bytes, ran.messages, ran.rounds),
            (quoted.bytes, quoted.messages, quoted.rounds),
            "seed {seed}, providers {cast:?}"
        );
    }
}

#[test]
fn who_declines_a_round_is_not_in_its_average() {
    let course = narrow(&[0, 1, 3, 4], 3);
    let coarse = coarse(&course, 5);
    let trainers = |k: usize| {
        let declines = move |round: u32, update: Update| match (k, round) {
            (1, 0) | (3, 1) => Err(TrainError::Unfit("none".into())),
            // More rows than any provider has.
            (2, 2) => Ok(Update { weight: ROWS + 1, ..update }),
            _ => Ok(update),
        };
        Box::new(Odd(coarse(k), declines)) as Box<dyn Trainer>
    };
    let ran = run_over(5, in_memory(5), &course, &start(&course), &trainers);
    let expected = in_one_place(5, &course, &[&[0, 2, 3], &[0, 1, 2], &[0, 1, 3]]);
    assert!(ran.trained(5).state == expected);
}

/// Updates that do need rounding, by their bound.
#[test]
fn rounded_updates_are_within_the_bound_of_a_training_in_64_bits() {
    let (cast, seed) = (&[0, 3, 4][..], 5);
    let narrow = narrow(cast, 1);
    let wide = course(cast, 1, Rule::Average { rate: 1.0 });
    let natives = |k| Box::new(native(seed, k)) as Box<dyn Trainer>;
    let [a, b] = [&narrow, &wide].map(|course| {
        let ran = run_over(seed, in_memory(5), course, &start(course), &natives);
        ran.trained(seed).clone()
    });
    let weight: u64 = (0..3).map(|k| weighs(40 + 7 * k)).sum();
    let most = narrow.encoding.rounding() + 2.0 * 3.0 / weight as f64 + 1e-6;
    for (a, b) in a.state.model.iter().zip(&b.state.model) {
        assert!(f64::from((a - b).abs()) <= most, "{a} for {b}, {most} at most");
    }
    assert_eq!(a.reports[0].trailer, b.reports[0].trailer, "figures are exact");
}

#[test]
fn updates_and_their_sums_are_half_as_long() {
    let bytes = |encoding: Encoding, parameters| {
        let mut m = Meter::new();
        m.enter(1);
        cost(&mut m, &Course { encoding, parameters, ..narrow(&[3, 4, 5, 6], 1) });
        m.total().bytes
    };
    let [wide, narrow] =
        [course(&[3, 4, 5, 6], 1, Rule::Average { rate: 1.0 }), narrow(&[3, 4, 5, 6], 1)]
            .map(|course| bytes(course.encoding, 1_000_000) - bytes(course.encoding, 0));
    // Four updates, the sum of each third at two of three parties; and in either case four models, two of three thirds of an average.
    let [models, updates] = [(4 + 2) * 4, 4 + 2].map(|each| 1_000_000 * each);
    // But for what stands before each frame.
    let near = |bytes: u64, want: u64| bytes >= want && bytes < want + want / 1000;
    assert!(near(wide, models + 8 * updates), "{wide}");
    assert!(near(narrow, models + 4 * updates), "{narrow}");
}

#[test]
fn a_crash_in_any_phase_leads_to_the_same_model() {
    let course = narrow(&[0, 3, 4], 2);
    let resumed = Course { resumed: true, ..course.clone() };
    let trainers = trainers(&course, 1);
    let whole = run_over(1, in_memory(5), &course, &start(&course), &trainers);
    for who in [Role::P0, Role::P2] {
        for call in 1..=4 {
            let dir = tempfile::tempdir().unwrap();
            let broken = run_until(dir.path(), &course, (who, call, call % 2 == 0), &trainers);
            assert!(broken.parties.iter().any(Result::is_err), "{who:?} {call}");
            let ended = run_until(dir.path(), &resumed, NEVER, &trainers);
            assert!(ended.trained(1) == whole.trained(1), "{who:?} {call}");
        }
    }
}

#[test]
fn gates_compute_with_64_bits() {
    let gates = gated(&[0, 3, 4], 1, None, 40).gates;
    assert!(gates.is_some());
    let course = Course { gates, ..narrow(&[0, 3, 4], 1) };
    let ran = run_over(1, in_memory(5), &course, &start(&course), &trainers(&course, 1));
    assert!(ran.parties.iter().all(|ended| *ended == Err(RoundError::Narrow)));
    assert!(ran.guests.iter().all(|ended| *ended == Err(RoundError::Narrow)));
}
