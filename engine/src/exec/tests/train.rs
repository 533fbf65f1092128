//! Trainings of plans against trainings in one place: the same bits, at the quoted price, opened as listed.

use federated::{
    average::Trailer,
    model::Rows,
    round::{Native, RoundReport, State, Trainer},
};
use protocols::{
    ring::{Ring as _, Z64},
    session::OpeningKind,
};

use super::{super::train::figures, *};
use crate::{
    identity::PartyName,
    job::{JobKind, Micro, PrivacySpec, StrategySpec, TrainSpec},
    plan::{ROUND_WORDS, Spend, Training, TrainingRows},
    sql::tests::{
        party,
        train::{asked, world},
    },
};

pub(super) fn rows(number: usize) -> Rows {
    let words = Prg::new(&[u8::try_from(number).unwrap(); 16]).elements::<Z64>(2 * (30 + number));
    let values: Vec<f32> = words.iter().map(|w| (w >> 40) as f32 / 8_388_608.0 - 1.0).collect();
    let labels = values.chunks(2).map(|row| f32::from(row[0] > row[1])).collect();
    Rows::new(2, values, labels).unwrap()
}

pub(super) fn held(number: usize, spend: Option<Spend>) -> EncodedInput {
    let order = Zeroizing::new([u8::try_from(number).unwrap(); 32]);
    let train = Some(TrainingRows {
        rows: rows(number),
        order,
        program: None,
        spend,
        keeps: None,
        presence: None,
        masking: None,
    });
    EncodedInput { live: vec![], columns: vec![], home: None, own: None, lookup: None, train }
}

/// A plan of a training with these owners, and its price.
pub(super) fn planned(owners: &[&str]) -> (Plan, Quote) {
    planned_with(owners, None)
}

/// The same with noise.
pub(super) fn planned_with(owners: &[&str], privacy: Option<PrivacySpec>) -> (Plan, Quote) {
    planned_as(owners, |train| train.privacy = privacy.clone())
}

pub(super) fn planned_as(owners: &[&str], change: impl Fn(&mut TrainSpec)) -> (Plan, Quote) {
    let (descriptors, terms) = world(owners);
    let mut job = asked(owners, &["age", "pay"], "income = 'high'");
    let JobKind::Train(train) = &mut job.kind else { unreachable!() };
    change(train);
    let plan = compile(&job, &descriptors, &terms).unwrap().plan;
    let price = quote(&plan, &check(&plan).unwrap(), Profile::LAN).unwrap();
    (plan, price)
}

/// The parameters after all rounds, worked out in one place.
pub(super) fn in_one_place(plan: &Plan) -> Vec<f32> {
    let of = plan.training().unwrap().1;
    let (network, encoding) = (of.network().unwrap(), of.encoding(plan).unwrap());
    let mut seed = [0; 16];
    seed.copy_from_slice(&plan.job.0[..16]);
    let rule = of.rule(plan).unwrap();
    let mut state = State::new(network.initial(&seed), rule);
    let trainer = |number: usize| {
        let order = [u8::try_from(number).unwrap(); 32];
        Native::new(network.clone(), rows(number), of.fit(), order).by(rule)
    };
    let mut trainers: Vec<Native> = (0..of.inputs.len()).map(trainer).collect();
    let mut last = None;
    for round in 0..of.rounds {
        let coordinates = rule.coordinates(network.parameters());
        let (mut sum, mut total) = (vec![0_u64; coordinates], 0);
        let handed = state.optimizer.handed(&state.model).into_owned();
        for trainer in &mut trainers {
            trainer.taken(last).unwrap();
            let update = trainer.train(round, &handed).unwrap();
            let mut words = vec![0; sum.len()];
            encoding.encode(&update.delta, update.weight, &mut words).unwrap();
            Z64::add_assign(&mut sum, &words);
            total += update.weight;
        }
        state.optimizer.apply(&mut state.model, &encoding.decode(&sum, total));
        last = Some(round);
    }
    state.model
}

/// What a participant has at the end: its share of the words, what it opened, its bytes and depth.
pub(super) type Left = (Option<SharedResult>, Vec<Opening>, u64, u32);

pub(super) fn everywhere(plan: &Plan, price: &Quote) -> Vec<Left> {
    accounted(plan, price, &|_| None)
}

/// The same where each provider keeps an account.
pub(super) fn accounted(
    plan: &Plan,
    price: &Quote,
    spend: &(dyn Fn(usize) -> Option<Spend> + Sync),
) -> Vec<Left> {
    let outsiders = outside_providers(plan);
    let names: Vec<PartyName> = plan.compute.iter().chain(&outsiders).cloned().collect();
    let ends = memory::mesh(names.len(), Duration::from_secs(20));
    std::thread::scope(|scope| {
        let play = |(end, name): (MemoryChannel, &PartyName)| {
            let own = |input: &LocalInput| input.party == *name;
            let own = plan
                .inputs
                .iter()
                .enumerate()
                .map(|(at, input)| own(input).then(|| held(at, spend(at))));
            let own: Vec<_> = own.collect();
            scope.spawn(move || {
                let (id, mut rng) = (end.me(), Prg::new(&[end.me().0.to_le_bytes()[0]; 16]));
                let channel: Arc<dyn Channel> = Arc::new(end);
                let Some(role) = id.role() else {
                    let who = (plan, &outside_providers(plan)[usize::from(id.0) - 3]);
                    let ran = provide(&channel, who, &own, &price.openings, &mut rng).unwrap();
                    return (None, ran.opened, ran.bytes, ran.rounds);
                };
                let gate = Gate::listing(&price.openings);
                let mut s = Session::new(role, channel, test_prss(3, role), gate);
                let ran = run(
                    plan,
                    own,
                    &mut s,
                    Around { progress: &mut |_, _| (), figures: &mut |_, _| (), trainings: None },
                    &mut rng,
                )
                .unwrap();
                s.finish().unwrap();
                (Some(ran), s.opened().to_vec(), s.stats().total().bytes, s.depth())
            })
        };
        let all: Vec<_> = ends.into_iter().zip(&names).map(play).collect();
        all.into_iter().map(|party| party.join().unwrap()).collect()
    })
}

/// What each compute party knows of what updates were worth.
fn worth(left: &Left) -> &[federated::round::Value] {
    &left.0.as_ref().unwrap().worth
}

pub(super) fn words(left: &[Left]) -> Vec<u64> {
    let shares: Vec<_> = left[..3]
        .iter()
        .map(|(result, ..)| match &result.as_ref().unwrap().columns[..] {
            [_, Column::Z64(words)] => words.clone(),
            _ => panic!("a bit and a word a row"),
        })
        .collect();
    reconstruct::<Z64>([&shares[0], &shares[1], &shares[2]]).unwrap()
}

#[test]
fn a_training_gives_the_model_of_one_place_at_the_quoted_price() {
    for owners in [&["census", "employers"][..], &["census", "bank", "lab"], &["a", "b", "c", "d"]]
    {
        gives_the_model_of_one_place(owners, &StrategySpec::default());
    }
}

#[test]
fn corrections_and_steps_are_averaged_like_updates() {
    let rate = Micro::ONE;
    for strategy in [StrategySpec::Scaffold { rate }, StrategySpec::Nova { rate }] {
        gives_the_model_of_one_place(&["census", "bank", "lab"], &strategy);
    }
}

fn gives_the_model_of_one_place(owners: &[&str], strategy: &StrategySpec) {
    let (plan, price) = planned_as(owners, |train| {
        train.strategy = strategy.clone();
        train.batch = 8;
    });
    let left = everywhere(&plan, &price);
    let words = words(&left);
    let model: Vec<u64> = in_one_place(&plan).iter().map(|x| x.to_bits().into()).collect();
    assert_eq!(words[..model.len()], model, "{owners:?}, {strategy:?}");
    let rows: u64 = (0..owners.len()).map(|number| rows(number).len() as u64).sum();
    for round in words[model.len()..].chunks(5) {
        assert_eq!(round[..2], [owners.len() as u64, rows], "{owners:?}, {strategy:?}");
        assert_eq!(round[4], 0, "nobody is absent: {owners:?}, {strategy:?}");
    }
    let bytes: u64 = left.iter().map(|(_, _, bytes, _)| bytes).sum();
    let rounds = left.iter().map(|(.., depth)| *depth).max().unwrap();
    assert_eq!(
        (bytes, rounds),
        (price.total.bytes, price.total.rounds),
        "{owners:?}, {strategy:?}"
    );
    let averages =
        |left: &Left| left.1.iter().filter(|opening| opening.kind == OpeningKind::Average).count();
    assert!(left[..3].iter().all(|party| averages(party) == 3), "{owners:?}, {strategy:?}");
}

#[test]
fn updates_pass_a_gate_first_at_the_quoted_price() {
    let gates = [
        r#"{"kind": "norm", "largest_norm": 20}"#,
        r#"{"kind": "krum", "largest_norm": 20, "byzantine": 0, "projections": 64}"#,
    ];
    for (gate, owners) in gates.into_iter().zip([&["census", "bank", "lab"][..], &["a", "b", "c"]])
    {
        let (descriptors, terms) = world(owners);
        let mut job = asked(owners, &["age", "pay"], "income = 'high'");
        let JobKind::Train(train) = &mut job.kind else { unreachable!() };
        train.gate = Some(serde_json::from_str(gate).unwrap());
        let plan = compile(&job, &descriptors, &terms).unwrap().plan;
        let price = quote(&plan, &check(&plan).unwrap(), Profile::LAN).unwrap();
        let left = everywhere(&plan, &price);
        let words = words(&left);
        let model: Vec<u64> = in_one_place(&plan).iter().map(|x| x.to_bits().into()).collect();
        assert_eq!(words[..model.len()], model, "{gate}");
        for round in words[model.len()..].chunks(6) {
            assert_eq!((round[0], round[4], round[5]), (3, 0, 0), "{gate}: nobody is refused");
        }
        let bytes: u64 = left.iter().map(|(_, _, bytes, _)| bytes).sum();
        let rounds = left.iter().map(|(.., depth)| *depth).max().unwrap();
        assert_eq!((bytes, rounds), (price.total.bytes, price.total.rounds), "{gate}");
        let count = |left: &Left, kind| left.1.iter().filter(|o| o.kind == kind).count();
        for party in &left[..3] {
            assert_eq!(count(party, OpeningKind::Average), 3, "{gate}");
            assert_eq!(count(party, OpeningKind::Acceptance), 3, "{gate}: and nothing else");
            assert_eq!(party.1.len(), 6 + 1, "{gate}: the result besides");
        }
    }
}

#[test]
fn all_compute_parties_are_told_the_same_of_what_updates_were_worth() {
    let owners = ["census", "bank", "lab"];
    // Who weighs is one of the compute parties, or stands outside as well.
    for validator in ["employers", "d"] {
        let (descriptors, terms) = world(&[&owners[..], &[validator]].concat());
        let mut job = asked(&owners, &["age", "pay"], "income = 'high'");
        let JobKind::Train(train) = &mut job.kind else { unreachable!() };
        let gate = r#"{"kind": "norm", "largest_norm": 20}"#;
        train.gate = Some(serde_json::from_str(gate).unwrap());
        let asked = format!(r#"{{"validation": "{validator}.residents"}}"#);
        train.contribution = Some(serde_json::from_str(&asked).unwrap());
        let plan = compile(&job, &descriptors, &terms).unwrap().plan;
        let price = quote(&plan, &check(&plan).unwrap(), Profile::LAN).unwrap();
        let left = everywhere(&plan, &price);
        let model: Vec<u64> = in_one_place(&plan).iter().map(|x| x.to_bits().into()).collect();
        assert_eq!(words(&left)[..model.len()], model, "{validator}");
        let bytes: u64 = left.iter().map(|(_, _, bytes, _)| bytes).sum();
        let rounds = left.iter().map(|(.., depth)| *depth).max().unwrap();
        assert_eq!((bytes, rounds), (price.total.bytes, price.total.rounds), "{validator}");
        assert!(worth(&left[0]).len() == 3 && worth(&left[0]) == worth(&left[1]), "{validator}");
        assert_eq!(worth(&left[1]), worth(&left[2]), "{validator}");
        // Rows are the same kind everywhere: all make it better.
        assert!(worth(&left[0]).iter().all(|value| value.micro() > 0), "{:?}", worth(&left[0]));
        let told = |o: &&Opening| o.kind == OpeningKind::Contribution;
        assert!(left[..3].iter().all(|party| party.1.iter().filter(told).count() == 2));
    }
}

#[test]
fn who_is_in_no_average_is_absent_or_refused_and_with_noise_untold() {
    let (plan, _) = planned(&["census", "employers"]);
    let report = RoundReport {
        round: 1,
        providers: (2..69).collect(),
        refused: vec![1],
        trailer: Trailer { weight: 9, correct: 5, ..Trailer::default() },
        told: vec![],
    };
    let inputs = (0..70).collect();
    let of = Training { inputs, ..plan.training().unwrap().1.clone() };
    assert_eq!(figures(&of, &report)[4..], [0b1, 0b10_0000]);
    let gate = serde_json::from_str(r#"{"kind": "norm", "largest_norm": 20}"#).unwrap();
    let gated = Training { gate: Some(gate), ..of.clone() };
    assert_eq!(figures(&gated, &report)[4..], [0b10, 0, 0b1, 0b10_0000]);
    let privacy = serde_json::from_str(r#"{"unit": "client", "clip": 1, "noise": 1}"#).unwrap();
    let hidden = Training { privacy: Some(privacy), ..of };
    assert_eq!(figures(&hidden, &report).len(), ROUND_WORDS);
}

#[test]
fn a_party_without_its_rows_says_so() {
    let (plan, price) = planned(&["census", "employers"]);
    let ends = memory::mesh(3, Duration::from_secs(5));
    let channel: Arc<dyn Channel> = Arc::new(ends.into_iter().next().unwrap());
    let gate = Gate::listing(&price.openings);
    let mut s = Session::new(Role::P0, channel, test_prss(3, Role::P0), gate);
    let none = vec![None; plan.inputs.len()];
    let ended = run(
        &plan,
        none,
        &mut s,
        Around { progress: &mut |_, _| (), figures: &mut |_, _| (), trainings: None },
        &mut Prg::new(&[1; 16]),
    )
    .unwrap_err();
    assert_eq!(ended, ExecError::MissingInput { party: party("census"), input: 0 });
}
