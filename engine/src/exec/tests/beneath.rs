//! Rows of a circuit that come out, or are grouped into many groups: the same as of sets that meet at once, at the quoted price.

use std::collections::BTreeSet;

use super::{
    buckets::{compiled, ranged, split},
    told::small,
    *,
};
use crate::{
    job::{PsiForm, PsiProtocol},
    plan::Opened,
    sql::{
        by_buckets, compile,
        tests::psi::{Sets, asked, psi, sets},
    },
};

const FORMS: [PsiForm; 3] = [PsiForm::Inner, PsiForm::Left, PsiForm::Anti];

/// The rows that exist, in an order of their own.
pub(super) fn sorted(live: impl Iterator<Item = bool>, columns: &[Vec<i128>]) -> Vec<Vec<i128>> {
    let rows = live.enumerate().filter(|(_, live)| *live);
    let mut rows: Vec<Vec<i128>> =
        rows.map(|(row, _)| columns.iter().map(|column| column[row]).collect()).collect();
    rows.sort_unstable();
    rows
}

fn of_clear(opened: &Opened) -> Vec<Vec<i128>> {
    let mut columns = Vec::new();
    for of in &opened.columns {
        columns.push(of.value.clone());
        columns
            .extend(of.present.iter().map(|there| there.iter().map(|x| i128::from(*x)).collect()));
    }
    sorted(opened.live.iter().copied(), &columns)
}

/// Runs it in so many buckets that their groups are more than a bucket's rows; gives the groups, which are those of all sets at once in
/// clear.
async fn check_groups(seed: u64, sets: &Sets, bucket: usize) -> Vec<Vec<i128>> {
    let what = format!("seed {seed}, buckets of {bucket}");
    let by = Some("census.left.number".into());
    let form = PsiForm::Sum { column: "employers.right.number".into(), by };
    let compiled = compiled(sets, &form, 0);
    let split = split(&compiled.plan, bucket);
    let beneath = |op: &Op| matches!(op, Op::Bucketwise(of) if of.body.is_empty());
    assert!(split.nodes.iter().any(beneath), "{what}");
    let inputs = sets.world.inputs(&compiled).await;
    let held = if seed.is_multiple_of(2) { ranged(&split, &inputs) } else { inputs.clone() };
    let (got, total, price) = run_on_shares(seed, &split, &held);
    let total = OpCost { bytes: total.bytes, messages: total.messages, rounds: total.rounds };
    assert_eq!(total, price.total, "measured against quoted, {what}");
    let got = sorted(got[0].iter().map(|bit| *bit == 1), &got[1..]);
    assert_eq!(got, of_clear(&clear::open(&compiled.plan, &inputs).unwrap()), "{what}");
    assert_eq!(got, of_clear(&clear::open(&split, &inputs).unwrap()), "{what}");
    got
}

#[tokio::test]
async fn many_groups_of_all_buckets_are_those_of_the_whole() {
    for (seed, rows) in [(1, (0, 63)), (2, (1, 65)), (3, (64, 64)), (4, (60, 65))] {
        check_groups(seed, &small(seed, rows), 13).await;
    }
    assert!(!check_groups(5, &sets(5, (1000, 700)), 50).await.is_empty());
}

/// Numbers of keys, by a circuit; runs it in buckets of so many rows, and gives the rows as they stand.
async fn check_rows(seed: u64, sets: &Sets, bucket: usize, form: &PsiForm) -> Vec<Vec<i128>> {
    let what = format!("seed {seed}, buckets of {bucket}, {form:?}");
    let of_second: &[&str] = if *form == PsiForm::Anti { &[] } else { &["number"] };
    let mut job = asked(form.clone(), [&["number"], of_second]);
    psi(&mut job).protocol = PsiProtocol::Circuit;
    let compiled = compile(&job, &sets.world.descriptors, &[]).unwrap();
    let split = split(&compiled.plan, bucket);
    let inputs = sets.world.inputs(&compiled).await;
    let held = if seed.is_multiple_of(2) { ranged(&split, &inputs) } else { inputs.clone() };
    let (got, total, price) = run_on_shares(seed, &split, &held);
    let total = OpCost { bytes: total.bytes, messages: total.messages, rounds: total.rounds };
    assert_eq!(total, price.total, "measured against quoted, {what}");
    let live = || got[0].iter().map(|bit| *bit == 1);
    let rows = sorted(live(), &got[1..]);
    assert_eq!(rows, of_clear(&clear::open(&compiled.plan, &inputs).unwrap()), "{what}");
    assert_eq!(rows, of_clear(&clear::open(&split, &inputs).unwrap()), "{what}");
    assert!(live().is_sorted_by(|above, below| above >= below), "released rows are first, {what}");
    let there = live().filter(|live| *live).count();
    (0..there).map(|row| got[1..].iter().map(|column| column[row]).collect()).collect()
}

#[tokio::test]
async fn rows_of_all_buckets_are_those_of_the_whole() {
    for form in FORMS {
        for (seed, rows) in [(1, (0, 63)), (2, (1, 65)), (3, (64, 64)), (4, (60, 65))] {
            check_rows(seed, &small(seed, rows), 13, &form).await;
        }
        assert!(!check_rows(5, &sets(5, (1000, 700)), 50, &form).await.is_empty());
    }
}

/// Over many runs on the same sets, with other randomness, any row stands anywhere.
#[tokio::test]
async fn rows_stand_anywhere() {
    let sets = small(6, (60, 65));
    let (mut first, mut all) = (BTreeSet::new(), BTreeSet::new());
    for seed in 0..300 {
        let rows = check_rows(seed, &sets, 13, &PsiForm::Inner).await;
        first.extend(rows.first().cloned());
        all.extend(rows);
    }
    assert!(all.len() > 5, "{} rows", all.len());
    assert_eq!(first, all);
}

/// What is not shuffled before it comes out meets at once, and the plan says so.
#[tokio::test]
async fn rows_that_come_out_as_they_stand_leave_a_plan_as_it_is() {
    let sets = small(7, (5, 5));
    let mut job = asked(PsiForm::Inner, [&["number"], &[]]);
    psi(&mut job).protocol = PsiProtocol::Circuit;
    let mut plan = compile(&job, &sets.world.descriptors, &[]).unwrap().plan;
    split(&plan, 9);
    let at = plan.nodes.iter().position(|op| matches!(op, Op::Shuffle { .. })).unwrap();
    let Op::Shuffle { columns } = plan.nodes[at].clone() else { unreachable!() };
    // What follows reads what would have been shuffled.
    for op in &mut plan.nodes[at + 1..] {
        for r in op.refs_mut().into_iter().filter(|r| r.0 as usize == at) {
            *r = columns[r.1 as usize];
        }
    }
    let mut unshuffled = plan.clone();
    by_buckets(&mut unshuffled, 9);
    let note = unshuffled.notes.pop();
    assert!(note.is_some_and(|note| note.contains("meet all at once")));
    assert!(unshuffled == plan);
}
