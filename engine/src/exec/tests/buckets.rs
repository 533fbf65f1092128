//! Counts and sums of sets that meet bucket by bucket: the same as of sets that meet at once and as in clear, at the quoted price.

use tables::Spill;

use super::{told::small, *};
use crate::{
    job::{PsiForm, PsiProtocol},
    plan::{OwnSet, PolicyTerms, columns_of},
    sql::{
        Compiled, by_buckets,
        tests::{
            psi::{Sets, asked, deduplicated, psi, sets},
            terms,
        },
    },
};

pub(super) fn by_label() -> PsiForm {
    PsiForm::Sum { column: "employers.right.number".into(), by: Some("census.left.label".into()) }
}

pub(super) fn compiled(sets: &Sets, form: &PsiForm, least: u32) -> Compiled {
    let mut job = asked(form.clone(), [&[], &[]]);
    psi(&mut job).protocol = PsiProtocol::Circuit;
    let policies = [PolicyTerms { min_intersection: least, ..terms("employers.right", 0) }];
    compile(&job, &sets.world.descriptors, &policies).unwrap()
}

/// The same plan in buckets of about so many rows.
pub(super) fn split(plan: &Plan, rows: usize) -> Plan {
    let mut split = plan.clone();
    by_buckets(&mut split, rows);
    assert!(split.nodes.iter().any(|op| matches!(op, Op::Bucketwise(of) if of.buckets > 1)));
    split
}

/// The same sets as their owners keep them where they do not stand in memory.
pub(super) fn ranged(plan: &Plan, inputs: &[EncodedInput]) -> Vec<EncodedInput> {
    let meet = plan.nodes.iter().find_map(|op| match op {
        Op::Bucketwise(of) => Some(&of.meet),
        _ => None,
    });
    let one = |(number, input): (u32, &EncodedInput)| {
        let mut columns = columns_of(plan, meet.unwrap(), number);
        // That a row exists is not kept with it.
        columns.retain(|column| (*column as usize) < input.columns.len());
        let mut ids =
            Spill::with_values(std::path::Path::new("/nonexistent"), 1 << 20, columns.len());
        let home = input.home.as_ref().unwrap();
        for (row, id) in home.ids.iter().enumerate() {
            let values = columns.iter().map(|column| match &input.columns[*column as usize] {
                EncodedColumn::Bits { rows, .. } | EncodedColumn::Words(rows) => rows[row],
                other => panic!("{other:?}"),
            });
            ids.push_with(id.unwrap(), row as u64, values).unwrap();
        }
        let own = Some(OwnSet::new(ids, home.ids.len() as u64, home.context));
        EncodedInput { own, ..EncodedInput::default() }
    };
    (0..).zip(inputs).map(one).collect()
}

/// Runs a plan in buckets; what the one on all rows says in clear comes out, and costs what was quoted.
async fn check_counts(
    seed: u64,
    sets: &Sets,
    (form, least): (&PsiForm, u32),
    rows: usize,
) -> Vec<bool> {
    let compiled = compiled(sets, form, least);
    let split = split(&compiled.plan, rows);
    let inputs = sets.world.inputs(&compiled).await;
    // Sets in memory and sets that are read by ranges are the same ones.
    let held = if seed.is_multiple_of(2) { ranged(&split, &inputs) } else { inputs.clone() };
    let (got, total, price) = run_on_shares(seed, &split, &held);
    let total = OpCost { bytes: total.bytes, messages: total.messages, rounds: total.rounds };
    assert_eq!(total, price.total, "measured against quoted, seed {seed}");
    let whole = clear::open(&compiled.plan, &inputs).unwrap();
    let parts = clear::open(&split, &inputs).unwrap();
    let live: Vec<bool> = got[0].iter().map(|bit| *bit == 1).collect();
    assert_eq!((&live, &live), (&whole.live, &parts.live), "seed {seed}");
    let columns = whole.columns.iter().zip(&parts.columns);
    let mut at = 1;
    for (whole, parts) in columns {
        assert_eq!((&got[at], &got[at]), (&whole.value, &parts.value), "seed {seed}");
        at += 1 + usize::from(whole.present.is_some()) + usize::from(whole.divisor.is_some());
    }
    live
}

#[tokio::test]
async fn counts_and_sums_by_buckets_are_those_of_all_rows() {
    let forms = [PsiForm::Cardinality, by_label()];
    for (seed, rows) in [(1, (0, 63)), (2, (1, 65)), (3, (64, 64)), (4, (60, 65))] {
        let sets = small(seed, rows);
        for form in &forms {
            for bucket in [13, 40] {
                check_counts(seed, &sets, (form, 0), bucket).await;
            }
        }
    }
    let sets = sets(5, (1000, 700));
    check_counts(5, &sets, (&by_label(), 0), 400).await;
}

#[tokio::test]
async fn a_least_number_of_keys_is_of_all_buckets_together() {
    let sets = small(6, (64, 65));
    let (first, second) = (deduplicated(&sets.first).0, deduplicated(&sets.second).0);
    let both = first.keys().filter(|k| second.contains_key(k)).count();
    assert!(both > 6, "more than any bucket has");
    let both = u32::try_from(both).unwrap();
    for form in [PsiForm::Cardinality, by_label()] {
        let enough = check_counts(6, &sets, (&form, both), 9).await;
        assert!(enough.into_iter().any(|live| live));
        let few = check_counts(6, &sets, (&form, both + 1), 9).await;
        assert!(few.into_iter().all(|live| !live));
    }
}

#[tokio::test]
async fn one_bucket_leaves_a_plan_as_it_is() {
    let sets = small(7, (5, 5));
    let unchanged = |plan: &Plan, rows| {
        let mut split = plan.clone();
        by_buckets(&mut split, rows);
        split == *plan
    };
    let counted = compiled(&sets, &PsiForm::Cardinality, 0).plan;
    assert!(unchanged(&counted, 65) && !unchanged(&counted, 64));
    // Without a bucket there is none.
    assert!(unchanged(&counted, 0));
}
