//! Rows for owners only where enough keys are common: below the least number not a byte of their exchange is sent.

use std::collections::BTreeSet;

use protocols::session::{OpeningKind, Recipient};
use tables::Spill;

use super::{told::small, *};
use crate::{
    job::{PsiForm, PsiProtocol},
    plan::{OwnSet, PolicyTerms},
    sql::{
        Compiled, by_buckets,
        tests::{
            party,
            psi::{Person, Sets, asked, deduplicated, psi},
            terms,
        },
    },
};

/// What a party has at the end, whether it came to one or not.
type Left = (Result<Vec<Found>, ExecError>, Counters, Vec<OpeningKind>);

pub(super) fn compiled(sets: &Sets, protocol: PsiProtocol, to: &[&str], least: u32) -> Compiled {
    let mut job = asked(PsiForm::Inner, [&["number"], &[]]);
    psi(&mut job).protocol = protocol;
    psi(&mut job).to = to.iter().map(|name| party(name)).collect();
    let policies = [PolicyTerms { min_intersection: least, ..terms("employers.right", 0) }];
    compile(&job, &sets.world.descriptors, &policies).unwrap()
}

/// A set as its owner keeps it.
pub(super) fn own(people: &[Person]) -> EncodedInput {
    let mut ids = Spill::new(std::path::Path::new("/nonexistent"), 1 << 20);
    for (row, person) in (0..).zip(people) {
        if let Some(key) = person.key {
            let id = u128::from(key + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
            ids.push(id, row).unwrap();
        }
    }
    let own = Some(OwnSet::new(ids, people.len() as u64, [9; 32]));
    EncodedInput {
        live: vec![false; 65],
        columns: Vec::new(),
        home: None,
        own,
        lookup: None,
        train: None,
    }
}

fn ended(seed: u64, sets: &Sets, compiled: &Compiled) -> (Vec<Left>, Quote, bool) {
    let inputs = [own(&sets.first), own(&sets.second)];
    let plan = &compiled.plan;
    let price = quote(plan, &check(plan).unwrap(), Profile::LAN).unwrap();
    let channels = mesh(plan, &inputs, Duration::from_secs(20));
    let party = |role: Role, channel: MemoryChannel| {
        let gate = Gate::listing(&price.openings);
        let mut s =
            Session::new(role, Arc::new(channel), test_prss(seed, role), gate).on(price.profile);
        let mine =
            plan.inputs.iter().zip(&inputs).map(|(input, data)| {
                (input.party == plan.compute[role.index()]).then(|| data.clone())
            });
        let ran = run(
            plan,
            mine.collect(),
            &mut s,
            Around { progress: &mut |_, _| (), figures: &mut |_, _| (), trainings: None },
            &mut Prg::new(&[7; 16]),
        );
        if ran.is_err() {
            // What was listed for later is not opened by whoever goes on all the same.
            let next = price.openings[s.opened().len()];
            s.enter(next.step);
            let count = usize::try_from(next.count).unwrap();
            assert!(s.pass_gate(next.kind, count, next.to).is_err(), "seed {seed}: {next:?}");
        }
        let found = ran.and_then(|result| {
            s.finish()?;
            Ok(result.found)
        });
        (found, s.stats().total(), s.opened().iter().map(|opening| opening.kind).collect())
    };
    let party = &party;
    let left = std::thread::scope(|scope| {
        let parties = Role::ALL.into_iter().zip(channels);
        let parties: Vec<_> =
            parties.map(|(role, channel)| scope.spawn(move || party(role, channel))).collect();
        parties.into_iter().map(|party| party.join().unwrap()).collect()
    });
    let goes_on = clear::goes_on(plan, &inputs).unwrap();
    (left, price, goes_on)
}

fn sent(left: &[Left]) -> (u64, u64) {
    let all = left.iter().map(|(_, total, _)| (total.bytes, total.messages));
    all.fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1))
}

#[test]
fn rows_are_shown_from_the_least_number_of_common_keys_on_and_no_byte_of_them_below() {
    let cases = [
        (21, PsiProtocol::Vole, &["census"][..], 65),
        (22, PsiProtocol::Ecdh, &["employers", "census"], 65),
        (24, PsiProtocol::Ecdh, &["census"], 17),
    ];
    for (seed, protocol, to, bucket) in cases {
        let compiled = |sets: &Sets, least: u32| {
            let mut compiled = compiled(sets, protocol, to, least);
            by_buckets(&mut compiled.plan, bucket);
            compiled
        };
        let sets = small(seed, (60, 64));
        let (first, second) = (deduplicated(&sets.first).0, deduplicated(&sets.second).0);
        let both: BTreeSet<u64> =
            first.keys().filter(|k| second.contains_key(k)).copied().collect();
        let common = u32::try_from(both.len()).unwrap();
        assert!(common > 1, "seed {seed}");

        let enough = compiled(&sets, common);
        let (left, price, goes_on) = ended(seed, &sets, &enough);
        assert!(goes_on, "seed {seed}");
        assert_eq!(sent(&left), (price.total.bytes, price.total.messages), "seed {seed}");
        let rows: Vec<usize> = (0..sets.first.len())
            .filter(|row| sets.first[*row].key.is_some_and(|key| both.contains(&key)))
            .collect();
        let found = &left[0].0.as_ref().unwrap()[0].matched;
        let bits = (0..64 * found.len()).filter(|row| found[row / 64] >> (row % 64) & 1 == 1);
        assert_eq!(bits.collect::<Vec<_>>(), rows, "seed {seed}");

        let few = compiled(&sets, common + 1);
        let (left, price, goes_on) = ended(seed, &sets, &few);
        assert!(!goes_on, "seed {seed}");
        let required = few.plan.nodes.iter().position(|op| matches!(op, Op::Require(_))).unwrap();
        let shown = few.plan.nodes.iter().position(|op| matches!(op, Op::Match(_))).unwrap();
        assert!(required < shown && price.ops[shown].bytes > 0);
        let until = price.ops[..=required].iter();
        let until = until.fold((0, 0), |sum, op| (sum.0 + op.bytes, sum.1 + op.messages));
        assert_eq!(sent(&left), until, "no byte after the bit, seed {seed}");
        for (found, _, opened) in &left {
            assert_eq!(found, &Err(ExecError::TooFew), "seed {seed}");
            assert_eq!(opened.last(), Some(&OpeningKind::Threshold), "seed {seed}");
            assert!(!opened.contains(&OpeningKind::Membership), "seed {seed}");
        }
    }
}

#[test]
fn the_bit_is_listed_before_what_depends_on_it() {
    let sets = small(23, (5, 5));
    let plan = compiled(&sets, PsiProtocol::Auto, &["census"], 2).plan;
    let price = quote(&plan, &check(&plan).unwrap(), Profile::LAN).unwrap();
    let kinds: Vec<_> = price.openings.iter().map(|o| (o.kind, o.count)).collect();
    let at = |kind| price.openings.iter().position(|o| o.kind == kind).unwrap();
    let bit = &price.openings[at(OpeningKind::Threshold)];
    assert_eq!((bit.count, bit.to), (1, Recipient::All));
    assert!(at(OpeningKind::Threshold) < at(OpeningKind::Membership), "{kinds:?}");
}
