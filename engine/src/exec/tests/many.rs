//! Intersections of three owners' sets: the plain ones, at the quoted price, opened as listed, at whom the plan says.

use std::collections::BTreeSet;

use tables::Spill;

use super::*;
use crate::{
    catalog::{ColumnType, DatasetDescriptor},
    job::{JobKind, JobSpec, PsiForm, PsiProtocol, PsiSet, PsiSpec, TextRule},
    plan::{OwnSet, explain, leakage},
    sql::{
        CompileError,
        tests::{column, nullable, party},
    },
};

const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;
const OWNERS: [&str; 3] = ["census", "employers", "neutral"];

fn sets(rows: [u64; 3]) -> Vec<DatasetDescriptor> {
    let set = |(owner, rows_max)| DatasetDescriptor {
        party: party(owner),
        name: "set".into(),
        rows_max,
        entity_key: None,
        columns: vec![nullable(column("code", ColumnType::String, None))],
    };
    OWNERS.into_iter().zip(rows).map(set).collect()
}

fn asked(to: &[&str]) -> JobSpec {
    let set = |owner: &&str| PsiSet {
        dataset: format!("{owner}.set"),
        key: vec!["code".into()],
        filter: None,
        columns: vec![],
    };
    let psi = PsiSpec {
        sets: OWNERS.iter().map(set).collect(),
        form: PsiForm::Inner,
        to: to.iter().map(|name| party(name)).collect(),
        protocol: PsiProtocol::Auto,
        text: TextRule::default(),
        noise: None,
        bucket_rows: None,
    };
    // The compute parties in another order than the sets.
    let compute = [party("neutral"), party("census"), party("employers")];
    JobSpec { kind: JobKind::Psi(psi), compute: compute.into(), ..spec("") }
}

/// In buckets of 2^12 rows.
fn compiled(rows: [u64; 3], to: &[&str]) -> Plan {
    let mut spec = asked(to);
    if let JobKind::Psi(psi) = &mut spec.kind {
        psi.bucket_rows = Some(4096.try_into().unwrap());
    }
    compile(&spec, &sets(rows), &[]).unwrap().plan
}

/// Ids of rows: some that others may have, some twice, some missing, up to a number of rows below the bound.
fn columns(seed: u64, rows: [u64; 3]) -> Vec<Vec<Option<u128>>> {
    let mut random = World::new(seed).random(1);
    let column = |rows: u64| {
        let mut id = || match random() % 9 {
            0 => None,
            // Spread over all buckets.
            _ => Some(u128::from((random() % (rows + 3)).wrapping_mul(SPREAD)) << 64 | 5),
        };
        let all: Vec<_> = (0..rows).map(|_| id()).collect();
        let count = rows - random() % rows;
        all.into_iter().take(usize::try_from(count).unwrap()).collect()
    };
    rows.map(column).into()
}

fn input(ids: &[Option<u128>]) -> EncodedInput {
    let mut spill = Spill::new(&std::env::temp_dir(), 1 << 20);
    for (id, row) in ids.iter().zip(0..) {
        if let Some(id) = id {
            spill.push(*id, row).unwrap();
        }
    }
    let own = Some(OwnSet::new(spill, ids.len() as u64, [1; 32]));
    EncodedInput { live: vec![], columns: vec![], home: None, own, lookup: None, train: None }
}

/// A bit for each row of one set whose key all others have.
fn plain(columns: &[Vec<Option<u128>>], own: usize) -> Vec<u64> {
    let keys: Vec<BTreeSet<u128>> =
        columns.iter().map(|ids| ids.iter().flatten().copied().collect()).collect();
    let common = |id: &Option<u128>| id.is_some_and(|id| keys.iter().all(|set| set.contains(&id)));
    let word = |ids: &[Option<u128>]| {
        ids.iter().rev().fold(0_u64, |word, id| word << 1 | u64::from(common(id)))
    };
    columns[own].chunks(64).map(word).collect()
}

fn check_owners(seed: u64, rows: [u64; 3], to: &[&str]) {
    let plan = compiled(rows, to);
    let columns = columns(seed, rows);
    let inputs: Vec<_> = columns.iter().map(|ids| input(ids)).collect();
    let price = quote(&plan, &check(&plan).unwrap(), Profile::LAN).unwrap();
    let ends = mesh(&plan, &inputs, Duration::from_secs(20)).into_iter();
    let channels = ends.map(|end| Arc::new(end) as Arc<dyn Channel>).collect();
    let ended = run_over(seed, &plan, (&inputs, &price), channels, |_| Ok(())).map(Result::unwrap);
    let mut total = OpCost::default();
    for (name, ended) in plan.compute.iter().zip(ended) {
        let own = OWNERS.iter().position(|owner| *owner == name.as_str()).unwrap();
        let found: Vec<_> =
            ended.result.found.iter().map(|f| (f.input, f.matched.clone())).collect();
        let learns = to.contains(&OWNERS[own]);
        let want: Vec<_> = learns
            .then(|| (u32::try_from(own).unwrap(), plain(&columns, own)))
            .into_iter()
            .collect();
        assert_eq!(found, want, "seed {seed}: {name} of {rows:?}");
        assert_eq!(ended.opened, price.openings, "seed {seed}: {name}");
        total.bytes += ended.total.bytes;
        total.messages += ended.total.messages;
        total.rounds = total.rounds.max(ended.depth);
    }
    assert_eq!(total, price.total, "measured against quoted, seed {seed}: {rows:?}");
}

#[test]
fn owners_of_three_sets_learn_what_all_have_at_the_quoted_price() {
    for (seed, rows) in
        (0..).zip([[1, 1, 1], [63, 64, 65], [1000, 65, 64], [64, 1000, 65], [5000, 300, 9000]])
    {
        check_owners(seed, rows, &OWNERS);
        check_owners(seed + 100, rows, &OWNERS[1..2]);
        check_owners(seed + 200, rows, &OWNERS[2..]);
    }
}

#[test]
fn the_smallest_set_leads_where_all_learn_and_the_report_is_said_to_be_unverified() {
    let plan = compiled([100, 30, 50], &OWNERS);
    let text = explain(&plan, &|_| None).unwrap();
    let words = "census, employers, neutral intersect by `multi`; employers learns and tells all";
    assert!(text.contains(words), "{text}");
    let leakage = leakage(&plan, &|_| Vec::new()).unwrap().join("\n");
    for words in [
        "employers: which of its at most 30 keys of employers.set are in each of census.set, neutral.set",
        "neutral: which of its at most 50 keys",
        "none of them can verify",
        "at most 2^-38",
        "the buyer gets a receipt and no rows; each of census, employers, neutral keeps what it learns",
    ] {
        assert!(leakage.contains(words), "{words}\n{leakage}");
    }
    let one = compiled([100, 30, 50], &["census"]);
    assert!(explain(&one, &|_| None).unwrap().contains("; census learns"));
}

#[test]
fn a_set_of_any_size_goes_bucket_by_bucket() {
    let text = |plan: &Plan| explain(plan, &|_| None).unwrap();
    let plan = compiled([9000, 30, 50], &["census"]);
    let words = "by `multi` in 3 buckets of about 3,000 rows; census learns";
    assert!(text(&plan).contains(words), "{}", text(&plan));
    let plan = compile(&asked(&["census"]), &sets([1 << 32, 9, 9]), &[]).unwrap().plan;
    assert!(text(&plan).contains("in 16,384 buckets of about 262,144 rows"), "{}", text(&plan));
}

#[test]
fn a_plan_that_would_show_more_than_it_says_is_none() {
    let good = compiled([10, 10, 10], &["census"]);
    let broken = |change: &dyn Fn(&mut crate::plan::Many)| {
        let mut plan = good.clone();
        plan.nodes.iter_mut().for_each(|op| {
            if let Op::Many(of) = op {
                change(of);
            }
        });
        check(&plan).unwrap_err().to_string()
    };
    assert!(broken(&|of| of.leader = 1).contains("whose owner learns nothing"));
    assert!(broken(&|of| of.leader = 7).contains("led by input 7"));
    assert!(broken(&|of| of.inputs = vec![0, 1]).contains("2 sets"));
    assert!(broken(&|of| of.inputs = vec![0, 1, 1]).contains("no set of neutral"));
    let mut shared = good.clone();
    let key = shared.inputs[2].key.as_mut().unwrap();
    key.enters = crate::plan::SetUse::Shared;
    assert!(check(&shared).unwrap_err().to_string().contains("shared"));
}

#[test]
fn what_owners_of_several_sets_cannot_have_is_refused_by_name() {
    let told = |change: &dyn Fn(&mut PsiSpec)| {
        let mut spec = asked(&["census"]);
        if let JobKind::Psi(psi) = &mut spec.kind {
            change(psi);
        }
        let error = compile(&spec, &sets([9, 9, 9]), &[]).map(drop).unwrap_err();
        assert!(matches!(error, CompileError::Unsupported { .. }), "{error}");
        error.to_string()
    };
    let two = told(&|psi| psi.to.push(party("neutral")));
    assert!(two.contains("2 of 3 owners") && two.contains("or all"), "{two}");
    let vole = told(&|psi| psi.protocol = PsiProtocol::Vole);
    assert!(vole.contains("`vole` with 3 sets") && vole.contains("`multi`"), "{vole}");
    let left = told(&|psi| psi.form = PsiForm::Left);
    assert!(left.contains("`left` of 3 sets"), "{left}");
    let mut outside = asked(&["census"]);
    outside.compute = ["neutral", "census", "bank"].map(party).into();
    let error = compile(&outside, &sets([9, 9, 9]), &[]).map(drop).unwrap_err().to_string();
    assert!(error.contains("`employers` does not compute"), "{error}");
}
