//! Trainings of plans with one party that adds up against trainings in one place: the same bits, at the quoted price, opened as
//! listed.

use std::path::Path;

use ed25519_dalek::SigningKey;
use federated::{
    round::{Masks, RoundError},
    secagg::SecAggError,
};

use super::{
    kept::resuming,
    train::{held, in_one_place},
    *,
};
use crate::{
    exec::{
        Added, Adding, add_up, forget_training,
        masks::{added as at_the_party, provided as at_a_provider},
    },
    job::{AveragingSpec, Compute, JobKind},
    plan::{Masking, ROUND_WORDS, Shape, SignedSum},
    sql::tests::{
        party,
        train::{asked, world},
    },
};

const OWNERS: [&str; 4] = ["a", "b", "c", "d"];

fn planned(strategy: &str) -> (Plan, Quote, Vec<Shape>) {
    let (descriptors, terms) = world(&OWNERS);
    let mut job = asked(&OWNERS, &["age", "pay"], "income = 'high'");
    job.compute = Compute::alone(party("lab"));
    let JobKind::Train(train) = &mut job.kind else { unreachable!() };
    train.averaging = AveragingSpec::Masks { colluding: 0, lost: 1 };
    train.strategy = serde_json::from_str(strategy).unwrap();
    train.min_providers = None;
    train.check().unwrap();
    let plan = compile(&job, &descriptors, &terms).unwrap().plan;
    let shapes = check(&plan).unwrap();
    let price = quote(&plan, &shapes, Profile::LAN).unwrap();
    let shape = |at: &crate::plan::Ref| shapes[at.0 as usize][at.1 as usize];
    let sealed = plan.output.layout().iter().map(shape).collect();
    (plan, price, sealed)
}

fn signer(number: usize) -> SigningKey {
    SigningKey::from_bytes(&[u8::try_from(number + 1).unwrap(); 32])
}

fn sums(plan: &Plan) -> Masks {
    let keys = (0..OWNERS.len()).map(|number| signer(number).verifying_key()).collect();
    Masks { run: [6; 32], keys, threshold: plan.training().unwrap().1.threshold().unwrap() }
}

/// What the party that adds up has at the end, and every provider.
fn everywhere(
    (plan, price, shapes): &(Plan, Quote, Vec<Shape>),
    trainings: Option<&Path>,
    may_sign: &(dyn Fn(usize, u32) -> bool + Send + Sync),
) -> (Result<Added, ExecError>, Vec<Result<Provided, ExecError>>) {
    let ends = memory::mesh(3 + OWNERS.len(), Duration::from_secs(20)).into_iter();
    let mut ends = ends.map(|end| Arc::new(end) as Arc<dyn Channel>);
    let alone = ends.next().unwrap();
    let masks = sums(plan);
    std::thread::scope(|scope| {
        let play = |(number, channel): (usize, Arc<dyn Channel>)| {
            let rounds = 0..plan.training().unwrap().1.rounds;
            let allowed: Vec<bool> = rounds.map(|round| may_sign(number, round)).collect();
            let once = Arc::new(move |sum: SignedSum| Ok(allowed[sum.round as usize]));
            let masking = Masking { masks: sums(plan), signer: signer(number), once };
            let mut own = held(number, None);
            own.train.as_mut().unwrap().masking = Some(masking);
            let mut inputs: Vec<_> = OWNERS.iter().map(|_| None).collect();
            inputs[number] = Some(own);
            let me = party(OWNERS[number]);
            scope.spawn(move || {
                let mut rng = Prg::new(&[u8::try_from(number).unwrap() ^ 0x3c; 16]);
                provide(&channel, (plan, &me), &inputs, &price.openings, &mut rng)
            })
        };
        let providers: Vec<_> = ends.skip(2).enumerate().map(play).collect();
        let (openings, progress) = (&price.openings[..], &mut |_, _| ());
        let masks = &masks;
        let figures = &mut |_: u32, _: &[u64]| ();
        let adding = Adding { openings, masks, shapes, progress, figures, trainings };
        let added = add_up(&alone, plan, adding);
        drop(alone);
        (added, providers.into_iter().map(|provider| provider.join().unwrap()).collect())
    })
}

#[test]
fn one_party_has_the_model_of_one_place_at_the_quoted_price() {
    for strategy in ["average", "momentum", "adagrad", "adam", "yogi"] {
        let planned = planned(&format!(r#"{{"kind": "{strategy}"}}"#));
        let (plan, price, shapes) = &planned;
        let (added, provided) = everywhere(&planned, None, &|_, _| true);
        let Added { words, opened, rounds, bytes } = added.unwrap();
        let of = plan.training().unwrap().1;
        let parameters = of.parameters().unwrap();
        let model: Vec<u64> = in_one_place(plan).iter().map(|x| x.to_bits().into()).collect();
        assert_eq!(words[..parameters], model, "{strategy}");
        assert!(words[parameters..].chunks(ROUND_WORDS + 1).all(|round| round[0] == 4));
        assert_eq!(words.len() as u64, shapes[1].rows);
        assert_eq!(opened, price.openings);
        let (mut bytes, mut rounds) = (bytes, rounds);
        for provided in provided.into_iter().map(Result::unwrap) {
            bytes += provided.bytes;
            rounds = rounds.max(provided.rounds);
            assert!(provided.opened.is_empty());
        }
        assert_eq!((bytes, rounds), (price.total.bytes, price.total.rounds), "{strategy}");
    }
}

#[test]
fn who_has_signed_for_a_round_signs_no_more_and_says_at_whose_door_it_lies() {
    let planned = planned(r#"{"kind": "average"}"#);
    let (added, provided) = everywhere(&planned, None, &|number, _| number != 2);
    // The others are enough.
    assert!(added.is_ok());
    let refused = provided[2].as_ref().unwrap_err();
    let ExecError::Cheated { party: at, what } = refused else { panic!("{refused}") };
    assert_eq!(at, &party("lab"));
    assert!(what.contains("round 1") && what.contains("signed for this round before"), "{what}");
    let (added, _) = everywhere(&planned, None, &|number, _| number < 2);
    assert!(matches!(added, Err(ExecError::TooFewProviders(_))), "{added:?}");
}

#[test]
fn a_training_that_was_interrupted_goes_on_to_the_same_words_and_opens_what_is_listed() {
    let dir = tempfile::tempdir().unwrap();
    let trainings = Some(dir.path());
    let (plan, price, shapes) = planned(r#"{"kind": "adam"}"#);
    let mut again = (resuming(&plan), price.clone(), shapes.clone());
    let begun = (plan, price, shapes);
    let whole = everywhere(&begun, None, &|_, _| true).0.unwrap();
    // Too few sign in the second round.
    let (added, _) = everywhere(&begun, trainings, &|number, round| round < 1 || number < 2);
    assert!(matches!(added, Err(ExecError::TooFewProviders(_))), "{added:?}");
    let buyer = std::mem::replace(&mut again.0.buyer, party("somebody"));
    let (theirs, _) = everywhere(&again, trainings, &|_, _| true);
    assert!(matches!(theirs, Err(ExecError::Training(_))), "{theirs:?}");
    again.0.buyer = buyer;
    let (added, provided) = everywhere(&again, trainings, &|_, round| round > 0);
    let added = added.unwrap();
    assert_eq!((added.words, added.opened), (whole.words, whole.opened));
    assert!(provided.iter().all(Result::is_ok), "the first round was not run again");
    forget_training(dir.path(), &again.0).unwrap();
    let (gone, _) = everywhere(&again, trainings, &|_, _| true);
    assert!(matches!(gone, Err(ExecError::Training(_))), "{gone:?}");
}

#[test]
fn what_nobody_can_tell_the_sender_of_is_at_nobodys_door() {
    let (plan, ..) = planned(r#"{"kind": "average"}"#);
    let of = plan.training().unwrap().1;
    let door = |error: ExecError| match error {
        ExecError::Cheated { party, .. } => Some(party.to_string()),
        _ => None,
    };
    let round = |source| RoundError::Masks { round: 1, source };
    let heard = |source| door(at_the_party(&plan, of, round(source)));
    assert_eq!(heard(SecAggError::Mark(2)).as_deref(), Some("c"));
    assert_eq!(heard(SecAggError::Omitted(1)).as_deref(), Some("b"));
    assert_eq!(heard(SecAggError::Forced(0)).as_deref(), Some("a"));
    assert_eq!(heard(SecAggError::Unopened { client: 1, by: 2 }).as_deref(), Some("b"));
    // Who was lost has not lied about its key.
    assert_eq!(heard(SecAggError::Restored(3)), None);
    let said = |source| door(at_a_provider(&plan, of, round(source)));
    assert_eq!(said(SecAggError::Forced(2)).as_deref(), Some("c"));
    for source in [SecAggError::Passed, SecAggError::Stories(1), SecAggError::Both(1)] {
        assert_eq!(said(source).as_deref(), Some("lab"));
    }
}
