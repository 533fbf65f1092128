//! Intersections that end with owners, whether they compute or not: what sets mean, at the quoted price, opened as listed.

use std::{collections::BTreeSet, sync::Mutex};

use protocols::session::{Opening, OpeningKind};
use tables::Spill;

use super::{told::small, *};
use crate::{
    identity::PartyName,
    job::{JobSpec, PsiForm, PsiProtocol, PsiSpec},
    plan::{OwnSet, explain, leakage},
    sql::tests::{
        party,
        psi::{Person, asked, psi},
    },
};

/// The bound on rows of sets in one bucket.
const SMALL: u64 = 65;

/// A set as its owner holds it, under an id of the key alone.
pub(super) fn own(people: &[Person]) -> EncodedInput {
    let mut ids = Spill::new(&std::env::temp_dir(), 0);
    for (person, row) in people.iter().zip(0..) {
        if let Some(key) = person.key {
            let hash = blake3::hash(&key.to_le_bytes());
            ids.push(u128::from_le_bytes(hash.as_bytes()[..16].try_into().unwrap()), row).unwrap();
        }
    }
    let own = Some(OwnSet::new(ids, people.len() as u64, [7; 32]));
    EncodedInput {
        live: Vec::new(),
        columns: Vec::new(),
        home: None,
        own,
        lookup: None,
        train: None,
    }
}

/// The rows of the one whose key the other has.
pub(super) fn common(one: &[Person], other: &[Person]) -> Vec<u64> {
    let keys: BTreeSet<u64> = other.iter().filter_map(|person| person.key).collect();
    let mut bits = vec![0; one.len().div_ceil(64)];
    for (row, person) in one.iter().enumerate() {
        bits[row / 64] |=
            u64::from(person.key.is_some_and(|key| keys.contains(&key))) << (row % 64);
    }
    bits
}

/// What one party has at the end: what it learned, what it saw opened, its bytes and its depth.
pub(super) type Left = (Vec<Found>, Vec<Opening>, u64, u32);

/// One participant's part.
fn play(
    (plan, name): (&Plan, &PartyName),
    mine: Vec<Option<EncodedInput>>,
    price: &Quote,
    channel: Arc<dyn Channel>,
    rng: &mut Prg,
) -> Result<Left, ExecError> {
    let Some(role) = channel.me().role() else {
        let ran = provide(&channel, (plan, name), &mine, &price.openings, rng)?;
        return Ok((ran.found, ran.opened, ran.bytes, ran.rounds));
    };
    let gate = Gate::listing(&price.openings);
    let mut s = Session::new(role, channel, test_prss(3, role), gate);
    let around = Around { progress: &mut |_, _| (), figures: &mut |_, _| (), trainings: None };
    let ran = run(plan, mine, &mut s, around, rng)?;
    s.finish()?;
    Ok((ran.found, s.opened().to_vec(), s.stats().total().bytes, s.depth()))
}

/// Runs a plan at every participant; bytes of outside providers are those of their channels.
fn everywhere(plan: &Plan, inputs: &[EncodedInput], price: &Quote) -> Vec<Left> {
    let ends = memory::mesh(3 + outside_providers(plan).len(), Duration::from_secs(60));
    let ends = ends.into_iter().map(|end| Arc::new(end) as Arc<dyn Channel>);
    everywhere_over(plan, inputs, price, ends.collect())
}

/// The same over these channels.
pub(super) fn everywhere_over(
    plan: &Plan,
    inputs: &[EncodedInput],
    price: &Quote,
    ends: Vec<Arc<dyn Channel>>,
) -> Vec<Left> {
    tried_over(plan, inputs, price, ends, 0).into_iter().map(Result::unwrap).collect()
}

/// The same where it may fail, with other randomness by `seed`.
pub(super) fn tried_over(
    plan: &Plan,
    inputs: &[EncodedInput],
    price: &Quote,
    ends: Vec<Arc<dyn Channel>>,
    seed: u8,
) -> Vec<Result<Left, ExecError>> {
    let outsiders = outside_providers(plan);
    let names: Vec<PartyName> = plan.compute.iter().chain(&outsiders).cloned().collect();
    let left = Mutex::new(vec![None; names.len()]);
    std::thread::scope(|scope| {
        for (channel, name) in ends.into_iter().zip(&names) {
            let mine = plan.inputs.iter().zip(inputs);
            let mine: Vec<_> =
                mine.map(|(input, data)| (input.party == *name).then(|| data.clone())).collect();
            let left = &left;
            scope.spawn(move || {
                let id = channel.me();
                let mut rng = Prg::new(&[id.0.to_le_bytes()[0] ^ seed; 16]);
                let ended = play((plan, name), mine, price, channel, &mut rng);
                left.lock().unwrap()[usize::from(id.0)] = Some(ended);
            });
        }
    });
    left.into_inner().unwrap().into_iter().map(Option::unwrap).collect()
}

fn check_owners(
    seed: u64,
    (rows, bound): ((u64, u64), u64),
    compute: [&str; 3],
    protocol: PsiProtocol,
    to: &[&str],
) {
    let mut sets = small(seed, rows);
    sets.world.descriptors.iter_mut().for_each(|descriptor| descriptor.rows_max = bound);
    let mut job = asked(PsiForm::Inner, [&[], &[]]);
    job.compute = compute.map(party).into();
    psi(&mut job).protocol = protocol;
    psi(&mut job).bucket_rows = (bound > SMALL).then(|| 4096.try_into().unwrap());
    psi(&mut job).to = to.iter().map(|name| party(name)).collect();
    let plan = compile(&job, &sets.world.descriptors, &[]).unwrap().plan;
    let price = quote(&plan, &check(&plan).unwrap(), Profile::LAN).unwrap();
    let left = everywhere(&plan, &[own(&sets.first), own(&sets.second)], &price);
    let what = format!("seed {seed}, {protocol}, {compute:?} for {to:?}");
    let found: Vec<&Found> = left.iter().flat_map(|(found, ..)| found).collect();
    assert_eq!(found.len(), to.len(), "{what}");
    for Found { input, matched } in found {
        let (one, other) = match input {
            0 => (&sets.first, &sets.second),
            _ => (&sets.second, &sets.first),
        };
        assert!(to.contains(&plan.inputs[*input as usize].party.as_str()), "{what}");
        assert_eq!(*matched, common(one, other), "{what}");
    }
    let bytes: u64 = left.iter().map(|(_, _, bytes, _)| bytes).sum();
    let rounds = left.iter().map(|(.., depth)| *depth).max();
    assert_eq!((bytes, rounds), (price.total.bytes, Some(price.total.rounds)), "{what}");
    // Whoever owns a set saw what is listed of it, as did those who compute.
    let shown = |opened: &[Opening]| {
        opened.iter().filter(|opening| opening.kind == OpeningKind::Membership).count()
    };
    for (_, opened, ..) in &left {
        assert_eq!(shown(opened), to.len(), "{what}");
    }
}

#[test]
fn owners_learn_what_sets_mean_whether_they_compute_or_not() {
    let inside = ["census", "employers", "neutral"];
    let half = ["bank", "employers", "neutral"];
    let outside = ["bank", "lab", "neutral"];
    for (seed, rows, compute) in
        [(1, (60, 65), inside), (2, (1, 64), half), (3, (63, 9), outside), (4, (0, 5), outside)]
    {
        for protocol in [PsiProtocol::Vole, PsiProtocol::VoleMalicious, PsiProtocol::Ecdh] {
            for to in [&["census"][..], &["employers"], &["census", "employers"]] {
                check_owners(seed, (rows, SMALL), compute, protocol, to);
            }
        }
    }
}

/// Few rows under a bound of three buckets, into all of which they fall.
#[test]
fn owners_learn_it_bucket_by_bucket_at_the_quoted_price() {
    let inside = ["census", "employers", "neutral"];
    let outside = ["bank", "lab", "neutral"];
    for (seed, rows, compute) in [(5, (60, 65), inside), (6, (64, 30), outside)] {
        for (protocol, to) in [
            (PsiProtocol::Ecdh, &["census"][..]),
            (PsiProtocol::Ecdh, &["census", "employers"]),
            (PsiProtocol::Vole, &["employers"]),
        ] {
            check_owners(seed, (rows, 9000), compute, protocol, to);
        }
    }
}

#[test]
fn how_many_rows_a_bucket_has_is_in_the_plan_and_in_its_text_where_sets_go_by_buckets() {
    let mut sets = small(7, (9, 9));
    sets.world.descriptors.iter_mut().for_each(|descriptor| descriptor.rows_max = 9000);
    let mut job = asked(PsiForm::Inner, [&[], &[]]);
    psi(&mut job).to = vec![party("census")];
    psi(&mut job).protocol = PsiProtocol::Ecdh;
    let told = |job: &JobSpec| {
        let plan = compile(job, &sets.world.descriptors, &[]).unwrap().plan;
        let price = quote(&plan, &check(&plan).unwrap(), Profile::LAN).unwrap().total.bytes;
        let leakage = leakage(&plan, &|_| Vec::new()).unwrap().join("\n");
        (explain(&plan, &|_| None).unwrap(), leakage, price, plan.nodes)
    };
    let (text, leakage, price, usual) = told(&job);
    assert!(text.contains("intersect by `ecdh`; the first learns"), "{text}");
    assert!(!leakage.contains("go on over another"), "{leakage}");
    // What is meant where nothing is said may be said.
    psi(&mut job).bucket_rows = Some((1 << 18).try_into().unwrap());
    assert_eq!(told(&job).3, usual);
    psi(&mut job).bucket_rows = Some(4096.try_into().unwrap());
    let (text, leakage, more, small) = told(&job);
    assert!(text.contains("by `ecdh` in 3 buckets of about 3,000 rows; the first"), "{text}");
    assert!(leakage.contains("go on over another"), "{leakage}");
    assert!(small != usual && more > price, "{more} bytes, and {price} in one bucket");

    let why = "is for rows to owners, and for two sets by `auto` or `circuit`: no other sets meet bucket by bucket";
    assert_eq!(psi(&mut job).check(), Ok(()));
    let changes: [&dyn Fn(&mut PsiSpec); 3] =
        [&|psi| psi.to.clear(), &|psi| psi.form = PsiForm::Cardinality, &|psi| {
            psi.protocol = PsiProtocol::Lookup;
        }];
    for change in changes {
        let mut spec = psi(&mut job).clone();
        change(&mut spec);
        assert_eq!(spec.check(), Err(("psi.bucket_rows", why)));
    }
}
