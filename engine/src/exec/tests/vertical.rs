//! Trainings on joined rows: what is on shares against the same steps in the clear, at the quoted price, with nothing opened but
//! what joins open; and what is held back.

use super::*;
use crate::{
    plan::{PolicyTerms, Vertical},
    sql::tests::vertical::{ask, asked},
};

fn vertical(plan: &Plan) -> &Vertical {
    plan.vertical().unwrap()
}

/// Both tables with keys in common, as many as asked for.
fn inputs(seed: u64, plan: &Plan, common: usize) -> Vec<EncodedInput> {
    let world = World::new(seed);
    let mut all: Vec<_> =
        (100..).zip(&plan.inputs).map(|(label, input)| random_input(world, label, input)).collect();
    for input in &mut all {
        let rows = input.live.len();
        input.live = (0..rows).map(|row| row < common).collect();
        let EncodedColumn::Bits { rows: keys, .. } = &mut input.columns[0] else { panic!() };
        // The key is the first column of both; other values are what they were drawn.
        keys.iter_mut().enumerate().for_each(|(row, key)| *key = row as u64);
    }
    all
}

/// The opened words on shares and in the clear; the price is what was quoted.
fn both(seed: u64, plan: &Plan, common: usize) -> (Vec<bool>, Vec<i128>, Vec<i128>) {
    let inputs = inputs(seed, plan, common);
    let (got, total, price) = run_on_shares(seed, plan, &inputs);
    let total = OpCost { bytes: total.bytes, messages: total.messages, rounds: total.rounds };
    assert_eq!(total, price.total, "measured against quoted, seed {seed}");
    let want = clear::open(plan, &inputs).unwrap();
    let live: Vec<bool> = got[0].iter().map(|bit| *bit == 1).collect();
    assert_eq!(live, want.live, "seed {seed}");
    (live, got[1].clone(), want.columns[0].value.clone())
}

const FEATURES: &[&str] =
    &["p.age", "j.hours_per_week", "p.education", "j.occupation", "p.age > j.hours_per_week"];

#[test]
fn a_model_of_joined_rows_is_that_of_the_same_steps_in_the_clear() {
    for (seed, change) in (0..).zip([(5, "segments", "0"), (3, "cubic", "0.25")]) {
        let (epochs, curve, penalty) = change;
        let mut job = asked(FEATURES, "p.income = '>50K'");
        let of = ask(&mut job);
        (of.epochs, of.batch) = (epochs, 256);
        of.curve = serde_json::from_value(curve.into()).unwrap();
        of.penalty = serde_json::from_value(penalty.into()).unwrap();
        let plan = compile(&job, &[people(), jobs()], &[]).unwrap().plan;
        let (live, got, want) = both(seed, &plan, 900);
        assert!(live.iter().all(|live| *live));
        let setting = vertical(&plan).setting().unwrap();
        let weights = setting.len();
        if curve == "segments" {
            assert_eq!(got, want, "seed {seed}");
        }
        let unit = f64::from(setting.weights().frac()).exp2().recip();
        #[expect(clippy::cast_precision_loss, reason = "differences of a few units")]
        let off = |at: usize| (got[at] - want[at]) as f64 * unit;
        let furthest = (0..weights).map(|at| off(at).abs()).fold(0.0, f64::max);
        assert!(furthest <= 2e-3, "{furthest}, {curve}, seed {seed}");
        assert!(want[..weights].iter().any(|word| *word != 0), "it learned something");
        assert_eq!(got[weights], 900);
        // A row whose sum is next to nothing may be told either way.
        assert!((got[weights + 1] - want[weights + 1]).abs() <= 2, "{got:?} {want:?}");
    }
}

#[test]
fn too_few_joined_rows_give_no_model() {
    let job = asked(&["p.age", "j.hours_per_week"], "p.income = '>50K'");
    let terms = [PolicyTerms { min_rows: 300, ..terms("employers.jobs", 0) }];
    let plan = compile(&job, &[people(), jobs()], &terms).unwrap().plan;
    assert_eq!(plan.min_group_entities, 300);
    for (common, released) in [(0, false), (1, false), (299, false), (300, true)] {
        let (live, got, _) = both(7, &plan, common);
        assert!(live.iter().all(|live| *live == released), "{common} rows");
        if !released {
            assert!(got.iter().all(|word| *word == 0), "and nothing beneath, not even how many");
        }
    }
}

#[test]
fn what_a_training_opens_is_what_its_joins_open_and_the_result() {
    let job = asked(FEATURES, "p.income = '>50K'");
    let plan = compile(&job, &[people(), jobs()], &[]).unwrap().plan;
    let price = quote(&plan, &check(&plan).unwrap(), Profile::LAN).unwrap();
    let training = plan.nodes.iter().position(|op| matches!(op, Op::TrainVertical(_))).unwrap();
    let steps: Vec<u64> = price.openings.iter().map(|opening| opening.step).collect();
    assert!(!steps.contains(&step_of(training)), "{steps:?}");
    assert!(price.ops[training].rounds > 20);
}
