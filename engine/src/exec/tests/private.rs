//! Trainings of plans with noise: accounted for before anything is sent, at the quoted price, with nothing exact beside the model.

use std::sync::Mutex;

use federated::disk::DiskError;
use protocols::session::OpeningKind;

use super::{
    train::{accounted, held, planned_as, planned_with, words},
    *,
};
use crate::{
    job::PrivacySpec,
    plan::{ROUND_WORDS, Spend},
};

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
                Ok(Ok(()))
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

/// Updates of this model are far longer than the first clip: it grows, and nothing else becomes known of them.
#[test]
fn a_clip_follows_the_updates_at_the_quoted_price() {
    let privacy = serde_json::json!({
        "unit": "client", "clip": 0.001, "noise": 0.2,
        "adaptive": {"rate": 0.5, "count_noise": 0.15, "largest": 4},
    });
    let privacy: PrivacySpec = serde_json::from_value(privacy).unwrap();
    let (plan, price) = planned_as(OWNERS, |train| {
        train.rounds = 20;
        train.privacy = Some(privacy.clone());
    });
    let left = accounted(&plan, &price, &|_| Some(Arc::new(|_| Ok(Ok(())))));
    let words = words(&left);
    let (_, of) = plan.training().unwrap();
    let parameters = of.network().unwrap().parameters();
    assert_eq!(of.round_words(), ROUND_WORDS + 2);
    let rounds: Vec<_> = words[parameters..].chunks(of.round_words()).collect();
    assert!(rounds.len() == 20 && rounds.iter().all(|round| round[..4] == [3, 0, 0, 0]));
    let law = of.adaptive().unwrap();
    let mut clip = law.start();
    for round in &rounds {
        let [at, part] = [round[4], round[5]].map(f64::from_bits);
        assert_eq!(at, f64::from(clip), "each round's follows from the one before");
        clip = law.next(clip, part);
    }
    let first: f64 = rounds[..4].iter().map(|round| f64::from_bits(round[5])).sum::<f64>() / 4.0;
    assert!(first < 0.3, "hardly any update is as short as the first clips: {first}");
    assert!(clip > 0.005, "{clip}");
    let late: f64 = rounds[14..].iter().map(|round| f64::from_bits(round[5])).sum::<f64>() / 6.0;
    assert!((0.25..0.75).contains(&late), "about half of them are within the last: {late}");
    let bytes: u64 = left.iter().map(|(_, _, bytes, _)| bytes).sum();
    let depth = left.iter().map(|(.., depth)| *depth).max().unwrap();
    assert_eq!((bytes, depth), (price.total.bytes, price.total.rounds));
    for party in &left[..3] {
        let averages = party.1.iter().filter(|o| o.kind == OpeningKind::Average);
        assert!(averages.map(|o| o.count).eq([parameters as u64 + 1; 20]), "one number more");
    }
}

#[test]
fn whose_budget_is_spent_is_left_out() {
    let (plan, price) = planned_as(OWNERS, |train| {
        (train.privacy, train.min_providers) = (noise("client", 1), Some(2));
    });
    let spend = |number: usize| -> Option<Spend> {
        Some(Arc::new(move |round| match (number, round) {
            (0, 1) => Ok(Err("the budget is spent".to_owned())),
            (1, 2) => Err(DiskError::new("no room", true)),
            _ => Ok(Ok(())),
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
    let around = Around { progress: &mut |_, _| (), figures: &mut |_, _| (), trainings: None };
    let ended = run(&plan, own, &mut s, around, &mut Prg::new(&[1; 16])).unwrap_err();
    assert!(ended.to_string().contains("keeps no account"), "{ended}");
}
