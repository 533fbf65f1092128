//! Rows that come out of a circuit bucket by bucket: those that come out of one at once, at the quoted price, in memory or from disk.

use super::{
    buckets::{ranged, split},
    told::small,
    *,
};
use crate::{
    job::{PsiForm, PsiProtocol},
    plan::{Opened, PolicyTerms},
    sql::{
        Compiled, compile,
        tests::{
            psi::{Sets, asked, deduplicated, psi, sets},
            terms,
        },
    },
};

/// What is asked of a form: of both sets, but where nothing is known of the second.
fn compiled(sets: &Sets, form: PsiForm, least: u32) -> Compiled {
    let second: &[&str] = if form == PsiForm::Anti { &[] } else { &["label", "number"] };
    let mut job = asked(form, [&["number"], second]);
    psi(&mut job).protocol = PsiProtocol::Circuit;
    let policies = [PolicyTerms { min_intersection: least, ..terms("employers.right", 0) }];
    compile(&job, &sets.world.descriptors, &policies).unwrap()
}

/// The rows that exist, in an order of their own.
fn sorted(live: impl Iterator<Item = bool>, columns: &[Vec<i128>]) -> Vec<Vec<i128>> {
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

/// Runs it in buckets; gives the rows, which are those of all sets at once in clear.
async fn check_rows(
    seed: u64,
    sets: &Sets,
    (form, least): (PsiForm, u32),
    bucket: usize,
) -> Vec<Vec<i128>> {
    let what = format!("seed {seed}, {form:?}, buckets of {bucket}");
    let compiled = compiled(sets, form, least);
    let split = split(&compiled.plan, bucket);
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
async fn rows_of_all_buckets_are_those_of_the_whole() {
    let forms = [PsiForm::Inner, PsiForm::Left, PsiForm::Anti];
    for (seed, rows) in [(1, (0, 63)), (2, (1, 65)), (3, (64, 64)), (4, (60, 65))] {
        let sets = small(seed, rows);
        for form in &forms {
            for bucket in [13, 40] {
                check_rows(seed, &sets, (form.clone(), 0), bucket).await;
            }
        }
    }
    for (seed, form) in (5..).zip(forms) {
        let sets = sets(seed, (1000, 700));
        assert!(!check_rows(seed, &sets, (form, 0), 400).await.is_empty());
    }
}

#[tokio::test]
async fn no_row_comes_out_where_too_few_keys_are_common_in_all_buckets() {
    let sets = small(6, (64, 65));
    let (first, second) = (deduplicated(&sets.first).0, deduplicated(&sets.second).0);
    let both = first.keys().filter(|key| second.contains_key(key)).count();
    let least = u32::try_from(both).unwrap();
    for form in [PsiForm::Inner, PsiForm::Left, PsiForm::Anti] {
        assert!(!check_rows(6, &sets, (form.clone(), least), 9).await.is_empty());
        assert!(check_rows(6, &sets, (form, least + 1), 9).await.is_empty());
    }
}
