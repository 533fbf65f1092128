//! Trainings of plans with noise: accounted for before anything is sent, at the quoted price, with nothing exact beside the model.

use std::sync::Mutex;

use protocols::session::OpeningKind;

use super::{
    train::{accounted, held, planned_with, words},
    *,
};
use crate::{job::PrivacySpec, plan::Spend};

const OWNERS: &[&str] = &["census", "bank", "lab"];

fn noise(unit: &str, noise: u32) -> Option<PrivacySpec> {
    let json = serde_json::json!({"unit": unit, "clip": 1, "noise": noise});
    Some(serde_json::from_value(json).unwrap())
}

#[test]
fn a_training_with_noise_costs_what_was_quoted_and_tells_no_figures() {
    for unit in ["client", "record"] {
        let (plan, price) = planned_with(OWNERS, noise(unit, 1000));
        let asked = Arc::new(Mutex::new(Vec::new()));
        let spend = |number: usize| -> Option<Spend> {
            let asked = Arc::clone(&asked);
            Some(Arc::new(move |round| {
                asked.lock().unwrap().push((number, round));
                Ok(())
            }))
        };
        let left = accounted(&plan, &price, &spend);
        let mut asked = asked.lock().unwrap().clone();
        asked.sort_unstable();
        let all: Vec<_> = (0..3).flat_map(|number| (0..3).map(move |r| (number, r))).collect();
        assert_eq!(asked, all, "{unit}: each provider has written down each round, once");
        let words = words(&left);
        let parameters = plan.training().unwrap().1.network().unwrap().parameters();
        assert!(words[parameters..].chunks(4).all(|round| round == [3, 0, 0, 0]), "{unit}");
        let largest = words[..parameters]
            .iter()
            .map(|word| f32::from_bits(u32::try_from(*word).unwrap()).abs());
        let largest = largest.fold(0.0, f32::max);
        assert!(
            if unit == "client" { largest > 100.0 } else { largest > 0.01 },
            "{unit}: {largest}"
        );
        let bytes: u64 = left.iter().map(|(_, _, bytes, _)| bytes).sum();
        let rounds = left.iter().map(|(.., depth)| *depth).max().unwrap();
        assert_eq!((bytes, rounds), (price.total.bytes, price.total.rounds), "{unit}");
        for party in &left[..3] {
            let averages = party.1.iter().filter(|o| o.kind == OpeningKind::Average);
            assert!(averages.map(|o| o.count).eq([parameters as u64; 3]), "{unit}");
        }
    }
}

#[test]
fn whose_budget_is_spent_is_left_out() {
    let (plan, price) = planned_with(OWNERS, noise("client", 1));
    let spend = |number: usize| -> Option<Spend> {
        Some(Arc::new(move |round| match (number, round) {
            (0, 1) | (1, 2) => Err("the budget is spent".to_owned()),
            _ => Ok(()),
        }))
    };
    let words = words(&accounted(&plan, &price, &spend));
    let parameters = plan.training().unwrap().1.network().unwrap().parameters();
    let providers: Vec<u64> = words[parameters..].chunks(4).map(|round| round[0]).collect();
    assert_eq!(providers, [3, 2, 2]);
}

#[test]
fn who_keeps_no_account_does_not_take_part() {
    let (plan, price) = planned_with(&["census", "employers"], noise("client", 1));
    let ends = memory::mesh(3, Duration::from_secs(5));
    let channel: Arc<dyn Channel> = Arc::new(ends.into_iter().next().unwrap());
    let gate = Gate::listing(&price.openings);
    let mut s = Session::new(Role::P0, channel, test_prss(3, Role::P0), gate);
    let own = vec![Some(held(0, None)), None];
    let around = Around { progress: &mut |_, _| (), trainings: None };
    let ended = run(&plan, own, &mut s, around, &mut Prg::new(&[1; 16])).unwrap_err();
    assert!(ended.to_string().contains("keeps no account"), "{ended}");
}
