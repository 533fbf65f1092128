//! What updates were worth, on shares, against the same in the clear; and what cannot be told.

use super::*;
use crate::{
    contribution::direction,
    model::evaluate,
    round::{UPDATE_BITS, Value, Worth, tests::gate::gated},
};

/// A training whose updates are weighed by the rows of this party, at most so many.
pub(super) fn weighed(providers: &[u16], rounds: u32, validator: u16, rows: usize) -> Course {
    let network = Network::logistic(FEATURES).unwrap();
    let worth = Worth::new(network, PartyId(validator), rows).unwrap();
    Course { worth: Some(worth), ..gated(providers, rounds, None, UPDATE_BITS) }
}

fn weigh(seed: u64, course: &Course, trainers: Maker<'_>) -> Ran {
    let validator = course.worth.as_ref().unwrap().validator();
    let last = course.providers.iter().chain([&validator]).map(|id| usize::from(id.0)).max();
    run_over(seed, in_memory(last.unwrap().max(2) + 1), course, &start(course), trainers)
}

/// Values in the clear, from the updates that the trainers of a round give.
fn in_the_clear(seed: u64, course: &Course, turned: usize) -> Vec<f64> {
    let network = Network::logistic(FEATURES).unwrap();
    let (validation, mut state) = (held_out(seed), start(course));
    let mut values = vec![0.0; course.providers.len()];
    for round in 0..course.rounds {
        let one =
            |k: usize| Turned(native(seed, k), k == turned).train(round, &state.model).unwrap();
        let updates: Vec<Update> = (0..values.len()).map(one).collect();
        let total: u64 = updates.iter().map(|update| update.weight).sum();
        let mut average = vec![0.0_f32; course.parameters];
        for update in &updates {
            let part = update.weight as f32 / total as f32;
            average.iter_mut().zip(&update.delta).for_each(|(x, d)| *x += part * d);
        }
        let (along, _) = direction(&network, &state.model, &average, &validation);
        for (value, update) in values.iter_mut().zip(&updates) {
            let product: f64 =
                update.delta.iter().zip(&along).map(|(d, v)| f64::from(*d) * f64::from(*v)).sum();
            *value += product * update.weight as f64 / total as f64;
        }
        state.optimizer.apply(&mut state.model, &average);
    }
    values
}

/// A trainer that may turn its updates around.
struct Turned(Native, bool);

impl Trainer for Turned {
    fn train(&mut self, round: u32, model: &[f32]) -> Result<Update, TrainError> {
        let mut update = self.0.train(round, model)?;
        if self.1 {
            update.delta.iter_mut().for_each(|x| *x = -*x);
        }
        Ok(update)
    }
}

fn micro(value: f64) -> i64 {
    #[expect(clippy::cast_possible_truncation, reason = "a loss")]
    let micro = (value * 1e6).round() as i64;
    micro
}

#[test]
fn values_on_shares_are_those_in_the_clear_and_add_up_to_what_the_loss_fell() {
    // The validator only brings its rows, or computes; one provider works against the others.
    let casts = [(100_u64, &[0_u16, 1, 2, 3, 4][..], 5), (101, &[3, 0, 4, 5], 1)];
    for (seed, providers, validator) in casts {
        let course = weighed(providers, 5, validator, 200);
        let bad = providers.len() - 2;
        let ran = weigh(seed, &course, &|k| Box::new(Turned(native(seed, k), k == bad)));
        let trained = ran.trained(seed);
        let want = in_the_clear(seed, &course, bad);
        assert_eq!(trained.values.len(), providers.len(), "seed {seed}");
        for (k, (value, want)) in trained.values.iter().zip(&want).enumerate() {
            let [low, high] = value.interval_micro();
            assert!((value.micro() - micro(*want)).abs() < 60, "{seed} {k}: {value:?}, {want}");
            assert!(low < value.micro() && value.micro() < high, "{seed} {k}: {value:?}");
            assert_eq!(value.micro() < 0, k == bad, "{seed} {k}");
        }
        let network = Network::logistic(FEATURES).unwrap();
        let rows = held_out(seed);
        let loss = |model: &[f32]| evaluate(&network, model, &rows).0.loss / rows.len() as f64;
        let fell = micro(loss(&start(&course).model) - loss(&trained.state.model));
        let all: i64 = trained.values.iter().map(Value::micro).sum();
        assert!((all - fell).abs() < fell / 50, "seed {seed}: {all}, {fell}");
        assert_weighed(seed, &course, &ran);
    }
}

/// It cost what was quoted, and one number a provider was opened, with its error.
fn assert_weighed(seed: u64, course: &Course, ran: &Ran) {
    let mut m = Meter::new();
    m.enter(1);
    cost(&mut m, course);
    let quoted = m.total();
    assert_eq!(ran.counters.bytes, quoted.bytes, "seed {seed}");
    assert_eq!(ran.counters.messages, quoted.messages, "seed {seed}");
    assert_eq!(ran.counters.rounds, quoted.rounds, "seed {seed}");
    for opened in &ran.opened {
        let of = |opening: &&Opening| opening.kind == OpeningKind::Contribution;
        let counts: Vec<u64> = opened.iter().filter(of).map(|opening| opening.count).collect();
        assert_eq!(counts, [course.providers.len() as u64; 2], "once, and of the whole job");
        let last: Vec<_> = opened[opened.len() - 2..].iter().map(|o| o.kind).collect();
        assert_eq!(last, [OpeningKind::Contribution; 2]);
    }
}

#[test]
fn who_is_in_no_average_is_worth_nothing() {
    struct Away(Native, bool);
    impl Trainer for Away {
        fn train(&mut self, round: u32, model: &[f32]) -> Result<Update, TrainError> {
            let update = self.0.train(round, model)?;
            if self.1 { Err(TrainError::Outside("away".into())) } else { Ok(update) }
        }
    }
    let course = weighed(&[3, 4, 5, 6], 2, 7, 160);
    let ran = weigh(110, &course, &|k| Box::new(Away(native(110, k), k == 2)));
    let values = &ran.trained(110).values;
    assert_eq!((values[2].micro(), values[2].error_micro()), (0, 0));
    assert!(values[0].micro() > 1000, "{values:?}");
}

#[test]
fn who_brings_the_parties_different_rows_is_found_out() {
    let course = weighed(&[0, 1], 1, 3, 20);
    for odd in Role::ALL {
        let plays = |wire: &mut Wire, _: usize, _: &mut Prg| {
            let mut words = vec![0_u32; 1 + 20 * (1 + FEATURES)];
            words[0] = 10;
            for role in Role::ALL {
                words[11] = if role == odd { 0.5_f32.to_bits() } else { 0 };
                wire.send(role.id(), &words)?;
            }
            Ok(Vec::new())
        };
        let from = start(&course);
        let ran = run_with(130, in_memory(4), (&course, &from), &natives(130), &plays);
        let caught = |party: &Result<Trained, RoundError>| {
            matches!(party, Err(RoundError::Session(SessionError::Inconsistent { .. })))
        };
        assert!(ran.parties.iter().any(caught), "{odd}: {:?}", ran.parties);
        assert!(ran.parties.iter().all(Result::is_err), "{odd}: nobody trains");
        assert!(ran.opened.iter().all(Vec::is_empty), "{odd}");
    }
}

#[test]
fn what_cannot_be_weighed_is_refused_before_a_round() {
    let good = weighed(&[0, 1], 1, 2, 160);
    let why = |course: &Course, from: &State| {
        let ran = run_over(120, in_memory(3), course, from, &natives(120));
        match &ran.parties[2] {
            Err(RoundError::Worth(why)) => *why,
            other => panic!("{other:?}"),
        }
    };
    let fresh = start(&good);
    assert!(why(&weighed(&[0, 1], 1, 2, 100), &fresh).contains("more validation rows"));
    assert!(why(&Course { gates: None, ..good.clone() }, &fresh).contains("no gate"));
    let fine = gated(&[0, 1], 1, None, 40).encoding;
    assert!(why(&Course { encoding: fine, ..good.clone() }, &fresh).contains("too finely"));
    let rule = Rule::Adam(Adaptive::default());
    assert!(why(&Course { rule, ..good.clone() }, &fresh).contains("otherwise than by averages"));
    let begun = State { rounds: 1, ..fresh };
    assert!(why(&Course { rounds: 2, ..good }, &begun).contains("goes on"));
}
