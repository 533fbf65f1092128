//! Models that are solved for from sums, as plans: the bits of one place at the quoted price, and sums opened as listed.

use federated::{
    round::RoundError,
    sums::{Method, SumsError},
};
use protocols::{
    ring::{Ring as _, Z64},
    session::OpeningKind,
};

use super::{
    train::{everywhere, planned_as, rows, words},
    *,
};
use crate::job::{MetricsSpec, ModelSpec, TrainSpec};

const OWNERS: &[&str] = &["census", "bank", "lab"];

fn asked(train: &mut TrainSpec, method: Method) {
    let (model, strategy, rounds) = match method {
        Method::Ridge => (ModelSpec::Linear, r#"{"kind": "ridge", "penalty": "0.5"}"#, 1),
        Method::Newton => (ModelSpec::Logistic, r#"{"kind": "newton", "penalty": 1}"#, 5),
    };
    (train.model, train.rounds) = (model, rounds);
    train.strategy = serde_json::from_str(strategy).unwrap();
    train.metrics = Some(MetricsSpec { bins: 4, least_rows: 2 });
}

/// The model from sums in one place, with the same rounding of them.
fn in_one_place(plan: &Plan) -> Vec<f32> {
    let of = plan.training().unwrap().1;
    let exact = of.exact(plan).unwrap().unwrap();
    let mut model = vec![0.0; of.parameters().unwrap()];
    for _ in 0..of.rounds {
        let (mut total, mut all) = (vec![0; exact.sums(model.len())], 0);
        for number in 0..of.inputs.len() {
            let rows = rows(number);
            Z64::add_assign(&mut total, &exact.of_rows(&model, &rows).unwrap());
            all += rows.len() as u64;
        }
        exact.solve(&mut model, &total, all).unwrap();
    }
    model
}

#[test]
fn sums_give_the_model_of_one_place_at_the_quoted_price() {
    for method in [Method::Ridge, Method::Newton] {
        for owners in [&["census", "employers"][..], OWNERS, &["a", "b", "c", "d"]] {
            let (plan, price) = planned_as(owners, |train| asked(train, method));
            let left = everywhere(&plan, &price);
            let (words, central) = (words(&left), in_one_place(&plan));
            let model: Vec<u64> = central.iter().map(|x| x.to_bits().into()).collect();
            assert_eq!(words[..model.len()], model, "{owners:?}, {method:?}");
            assert!(central.iter().any(|x| x.abs() > 0.1), "{central:?}");
            let all: u64 = (0..owners.len()).map(|number| rows(number).len() as u64).sum();
            // How many counted, and two moments, or five numbers of classes.
            let told = if method == Method::Ridge { 3 } else { 6 };
            for round in words[model.len()..].chunks(4 + told + 1) {
                assert_eq!(round[..2], [owners.len() as u64, all], "{owners:?}, {method:?}");
                assert_eq!(round[4], owners.len() as u64, "{owners:?}, {method:?}");
                if method == Method::Newton {
                    assert_eq!(round[5] + round[6], all, "{owners:?}: {round:?}");
                } else {
                    // Parts from 0 to 2, in steps that each row rounds to.
                    let [sum, squares] = [round[5], round[6]];
                    assert!(sum > all && sum <= all << 29, "{owners:?}: {round:?}");
                    assert!(squares > all && squares <= 2 * sum + 3 * all, "{owners:?}: {round:?}");
                }
            }
            let bytes: u64 = left.iter().map(|(_, _, bytes, _)| bytes).sum();
            let rounds = left.iter().map(|(.., depth)| *depth).max().unwrap();
            assert_eq!((bytes, rounds), (price.total.bytes, price.total.rounds), "{method:?}");
            // Three parameters: six products, three of them with the label or what it differs by, and five figures.
            let (times, sums) = if method == Method::Ridge { (1, 10) } else { (5, 9) };
            for party in &left[..3] {
                let opened = party.1.iter().filter(|o| o.kind == OpeningKind::Average);
                let counts: Vec<u64> = opened.map(|opening| opening.count).collect();
                let of_round = match method {
                    Method::Ridge => vec![sums + 6, 2],
                    Method::Newton => vec![sums + 6, 1, 5],
                };
                assert_eq!(counts, of_round.repeat(times), "{owners:?}, {method:?}");
            }
        }
    }
}

/// What the rows do not determine is nobody's fault and no fault of the program: the buyer is told, and what to do.
#[test]
fn sums_that_determine_no_model_are_told_as_that() {
    let source = SumsError::Singular;
    let told = ExecError::from(RoundError::Solved { round: 3, source });
    let ExecError::NoSolution(words) = &told else { panic!("{told:?}") };
    assert!(words.contains("round 3") && words.contains("set a penalty"), "{words}");
}
