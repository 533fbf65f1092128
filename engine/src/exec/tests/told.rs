//! What owners of sets open of a result: the same as in clear, by nobody else, at the quoted price.

use protocols::session::{OpeningKind, Recipient};

use super::*;
use crate::{
    job::{PsiForm, PsiNoise, PsiProtocol},
    plan::{Opened, PolicyTerms},
    sql::tests::{
        party,
        psi::{Sets, asked, psi, sets},
        terms,
    },
};

/// What each compute party opened, at the quoted price.
async fn told(seed: u64, sets: &Sets, job: &crate::job::JobSpec) -> [Option<Opened>; 3] {
    let policies = [PolicyTerms { min_intersection: 2, ..terms("census.left", 0) }];
    let compiled = compile(job, &sets.world.descriptors, &policies).unwrap();
    let inputs = sets.world.inputs(&compiled).await;
    let plan = &compiled.plan;
    let price = quote(plan, &check(plan).unwrap(), Profile::LAN).unwrap();
    let ends = mesh(plan, &inputs, Duration::from_secs(20)).into_iter();
    let channels = ends.map(|end| Arc::new(end) as Arc<dyn Channel>).collect();
    let ended = run_over(seed, plan, (&inputs, &price), channels, |_| Ok(())).map(Result::unwrap);
    let bytes: u64 = ended.iter().map(|party| party.total.bytes).sum();
    let rounds = ended.iter().map(|party| party.depth).max();
    assert_eq!((bytes, rounds), (price.total.bytes, Some(price.total.rounds)), "seed {seed}");
    let want = clear::told(plan, &inputs).unwrap().unwrap();
    let opened = ended.map(|party| party.result.told);
    for told in opened.iter().flatten() {
        assert_eq!(told.live, want.live, "seed {seed}");
        for (column, want) in told.columns.iter().zip(&want.columns) {
            assert_eq!(column.value, want.value, "seed {seed}");
            assert_eq!(column.present, want.present, "seed {seed}");
        }
    }
    opened
}

/// Sets of few rows, whose bounds are as small.
pub(super) fn small(seed: u64, rows: (u64, u64)) -> Sets {
    let mut sets = sets(seed, rows);
    for descriptor in &mut sets.world.descriptors {
        descriptor.rows_max = 65;
    }
    sets
}

#[tokio::test]
async fn owners_open_what_they_are_told_and_others_nothing() {
    let by = Some("census.left.label".into());
    let sum = PsiForm::Sum { column: "employers.right.number".into(), by };
    for (seed, rows) in [(1, (60, 65)), (2, (1, 64)), (3, (63, 0))] {
        let sets = small(seed, rows);
        for form in [PsiForm::Cardinality, sum.clone()] {
            for (protocol, to) in [
                (PsiProtocol::Joint, &["census", "employers"][..]),
                (PsiProtocol::Circuit, &["employers"]),
            ] {
                let mut job = asked(form.clone(), [&[], &[]]);
                psi(&mut job).protocol = protocol;
                psi(&mut job).to = to.iter().map(|name| party(name)).collect();
                let opened = told(seed, &sets, &job).await.map(|told| told.is_some());
                let want = ["census", "employers", "neutral"].map(|name| to.contains(&name));
                assert_eq!(opened, want, "seed {seed}");
            }
        }
    }
}

#[test]
fn each_owner_has_its_own_entry_on_the_list_of_openings() {
    let sets = small(4, (5, 5));
    let mut job = asked(PsiForm::Cardinality, [&[], &[]]);
    psi(&mut job).to = vec![party("employers"), party("census")];
    let plan = compile(&job, &sets.world.descriptors, &[]).unwrap().plan;
    let price = quote(&plan, &check(&plan).unwrap(), Profile::LAN).unwrap();
    let told = price.openings.iter().filter(|opening| opening.kind == OpeningKind::Aggregate);
    let to: Vec<_> = told.map(|opening| (opening.to, opening.count)).collect();
    let [census, employers] = [Role::P0, Role::P1].map(Recipient::One);
    // Whether the row is there, a word of bits; the count.
    assert_eq!(to, [(employers, 1), (employers, 1), (census, 1), (census, 1)]);
}

#[tokio::test]
async fn noise_is_drawn_by_each_party_and_only_as_much_as_its_epsilon_asks_for() {
    let sets = small(5, (60, 60));
    let spread = |epsilon_milli: u32| {
        let mut job = asked(PsiForm::Cardinality, [&[], &[]]);
        psi(&mut job).to = vec![party("census")];
        psi(&mut job).noise = Some(PsiNoise { epsilon_milli });
        job
    };
    // At ε = 1000 a draw other than 0 comes once in 10^434; the price is compared as well.
    told(5, &sets, &spread(1_000_000)).await;
    // At ε = 0.001 three draws are all below 50 once in a thousand; the seed is fixed.
    let job = spread(1);
    let compiled = compile(&job, &sets.world.descriptors, &[]).unwrap();
    let inputs = sets.world.inputs(&compiled).await;
    let price = quote(&compiled.plan, &check(&compiled.plan).unwrap(), Profile::LAN).unwrap();
    let ends = mesh(&compiled.plan, &inputs, Duration::from_secs(20)).into_iter();
    let channels = ends.map(|end| Arc::new(end) as Arc<dyn Channel>).collect();
    let ended = run_over(5, &compiled.plan, (&inputs, &price), channels, |_| Ok(()));
    let opened = ended.map(|party| party.unwrap().result.told)[0].take().unwrap();
    let exact = clear::told(&compiled.plan, &inputs).unwrap().unwrap();
    let noise = opened.columns[0].value[0] - exact.columns[0].value[0];
    assert!((50..1_000_000).contains(&noise.abs()), "{noise}");
}
