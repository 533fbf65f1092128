//! Intersections of three and more owners' sets, who compute or not: the plain ones, at the quoted price, opened as listed, at whom
//! the plan says.

use std::collections::BTreeSet;

use protocols::{
    net::record::{Recorder, Shape},
    session::OpeningKind,
};
use tables::Spill;

use super::{
    owners::{Left, everywhere_over},
    *,
};
use crate::{
    catalog::{ColumnType, DatasetDescriptor},
    job::{JobKind, JobSpec, PsiForm, PsiProtocol, PsiSet, PsiSpec, TextRule},
    plan::{OwnSet, explain, leakage},
    sql::{
        CompileError,
        tests::{column, nullable, party},
    },
};

pub(super) const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;
pub(super) const OWNERS: [&str; 5] = ["census", "employers", "neutral", "clinic", "lab"];
/// The compute parties in another order than the sets.
const INSIDE: [&str; 3] = ["neutral", "census", "employers"];

pub(super) fn sets(rows: &[u64]) -> Vec<DatasetDescriptor> {
    let set = |(owner, rows_max): (&str, &u64)| DatasetDescriptor {
        party: party(owner),
        name: "set".into(),
        rows_max: *rows_max,
        entity_key: None,
        columns: vec![nullable(column("code", ColumnType::String, None))],
    };
    OWNERS.into_iter().zip(rows).map(set).collect()
}

pub(super) fn asked(sets: usize, to: &[&str]) -> JobSpec {
    let set = |owner: &&str| PsiSet {
        dataset: format!("{owner}.set"),
        key: vec!["code".into()],
        filter: None,
        columns: vec![],
    };
    let psi = PsiSpec {
        sets: OWNERS[..sets].iter().map(set).collect(),
        form: PsiForm::Inner,
        to: to.iter().map(|name| party(name)).collect(),
        protocol: PsiProtocol::Auto,
        text: TextRule::default(),
        noise: None,
        bucket_rows: None,
        resumes: None,
    };
    JobSpec { kind: JobKind::Psi(psi), compute: INSIDE.map(party).into(), ..spec("") }
}

/// In buckets of 2^12 rows.
fn compiled_among(compute: [&str; 3], rows: &[u64], to: &[&str]) -> Plan {
    let mut spec = asked(rows.len(), to);
    spec.compute = compute.map(party).into();
    if let JobKind::Psi(psi) = &mut spec.kind {
        psi.bucket_rows = Some(4096.try_into().unwrap());
    }
    compile(&spec, &sets(rows), &[]).unwrap().plan
}

fn compiled(rows: [u64; 3], to: &[&str]) -> Plan {
    compiled_among(INSIDE, &rows, to)
}

/// Ids of rows: some that others may have, some twice, some missing, up to a number of rows below the bound.
fn columns(seed: u64, rows: &[u64]) -> Vec<Vec<Option<u128>>> {
    let mut random = World::new(seed).random(1);
    let least = rows.iter().min().unwrap();
    let column = |rows: &u64| {
        // Spread over all buckets.
        let spread = |key: u64| Some(u128::from(key.wrapping_mul(SPREAD)) << 64 | 5);
        let mut id = || match random() % 9 {
            0 => None,
            1..=4 => spread(random() % (least / 3 + 1)),
            _ => spread(random() % (rows + 3)),
        };
        let all: Vec<_> = (0..*rows).map(|_| id()).collect();
        let count = rows - random() % rows.div_ceil(2);
        all.into_iter().take(usize::try_from(count).unwrap()).collect()
    };
    rows.iter().map(column).collect()
}

pub(super) fn input(ids: &[Option<u128>]) -> EncodedInput {
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
pub(super) fn plain(columns: &[Vec<Option<u128>>], own: usize) -> Vec<u64> {
    let keys: Vec<BTreeSet<u128>> =
        columns.iter().map(|ids| ids.iter().flatten().copied().collect()).collect();
    let common = |id: &Option<u128>| id.is_some_and(|id| keys.iter().all(|set| set.contains(&id)));
    let word = |ids: &[Option<u128>]| {
        ids.iter().rev().fold(0_u64, |word, id| word << 1 | u64::from(common(id)))
    };
    columns[own].chunks(64).map(word).collect()
}

/// A mesh between all who take part, of whom some only provide.
pub(super) fn ends(plan: &Plan) -> Vec<MemoryChannel> {
    memory::mesh(3 + outside_providers(plan).len(), Duration::from_secs(60))
}

fn check_owners(seed: u64, compute: [&str; 3], rows: &[u64], to: &[&str]) -> u32 {
    let plan = compiled_among(compute, rows, to);
    let columns = columns(seed, rows);
    let inputs: Vec<_> = columns.iter().map(|ids| input(ids)).collect();
    let price = quote(&plan, &check(&plan).unwrap(), Profile::LAN).unwrap();
    let ends = ends(&plan).into_iter().map(|end| Arc::new(end) as Arc<dyn Channel>).collect();
    let what = format!("seed {seed}: {compute:?} compute, {rows:?} rows for {to:?}");
    let (mut bytes, mut rounds, mut common) = (0, 0, 0);
    let names: Vec<_> = plan.compute.iter().cloned().chain(outside_providers(&plan)).collect();
    let left = everywhere_over(&plan, &inputs, &price, ends);
    for (name, (found, opened, sent, depth)) in names.iter().zip(left) {
        let own = OWNERS[..rows.len()].iter().position(|owner| *owner == name.as_str());
        let found: Vec<_> = found.into_iter().map(|f| (f.input, f.matched)).collect();
        let own = own.filter(|own| to.contains(&OWNERS[*own]));
        let want = own.map(|own| (u32::try_from(own).unwrap(), plain(&columns, own)));
        assert_eq!(found, want.into_iter().collect::<Vec<_>>(), "{what}: {name}");
        common +=
            found.iter().flat_map(|(_, bits)| bits).map(|word| word.count_ones()).sum::<u32>();
        // Who only provides, and owns a set, lists what is opened of that; all others list everything.
        let mine =
            |at: &&Opening| plan.compute.contains(name) || at.kind == OpeningKind::Membership;
        let listed: Vec<_> = price.openings.iter().filter(mine).copied().collect();
        assert_eq!(opened, listed, "{what}: {name}");
        (bytes, rounds) = (bytes + sent, rounds.max(depth));
    }
    let measured = (bytes, rounds);
    assert_eq!(measured, (price.total.bytes, price.total.rounds), "{what}: against quoted");
    common
}

#[test]
fn owners_of_three_sets_learn_what_all_have_at_the_quoted_price() {
    for (seed, rows) in
        (0..).zip([[1, 1, 1], [63, 64, 65], [1000, 65, 64], [64, 1000, 65], [5000, 300, 9000]])
    {
        check_owners(seed, INSIDE, &rows, &OWNERS[..3]);
        check_owners(seed + 100, INSIDE, &rows, &OWNERS[1..2]);
        check_owners(seed + 200, INSIDE, &rows, &OWNERS[2..3]);
    }
}

#[test]
fn owners_of_more_sets_learn_it_whether_they_compute_or_not() {
    let one = ["bank", "census", "employers"];
    let none = ["bank", "court", "broker"];
    let mut common = 0;
    for (seed, compute, rows) in [
        (300, ["bank", "employers", "neutral"], &[63, 64, 65][..]),
        (301, none, &[64, 9, 5]),
        (302, INSIDE, &[65, 64, 63, 70]),
        (303, one, &[5000, 300, 9000, 200]),
        (304, ["lab", "bank", "clinic"], &[64, 65, 1000, 66, 90]),
        (305, none, &[1, 1, 1, 1, 1]),
        (306, one, &[300, 200, 400, 5000, 220]),
    ] {
        let owners = &OWNERS[..rows.len()];
        common += check_owners(seed, compute, rows, owners);
        common += check_owners(seed + 100, compute, rows, &owners[..1]);
        common += check_owners(seed + 200, compute, rows, &owners[rows.len() - 1..]);
    }
    assert!(common > 100, "{common} rows were found in all");
}

/// The shape of every participant's view: each message's place, length and order.
fn views(plan: &Plan, columns: &[Vec<Option<u128>>]) -> (Vec<Shape>, Vec<Left>) {
    let price = quote(plan, &check(plan).unwrap(), Profile::LAN).unwrap();
    let recorders: Vec<_> =
        ends(plan).into_iter().map(|end| Arc::new(Recorder::new(end))).collect();
    let channels = recorders.iter().map(|end| Arc::clone(end) as Arc<dyn Channel>).collect();
    let inputs: Vec<_> = columns.iter().map(|ids| input(ids)).collect();
    let left = everywhere_over(plan, &inputs, &price, channels);
    (recorders.iter().map(|end| end.shape()).collect(), left)
}

#[test]
fn whatever_the_sets_are_all_who_take_part_see_the_same_messages() {
    let rows = [200, 64, 5000, 90, 65];
    for to in [&OWNERS[..], &OWNERS[3..4]] {
        let plan = compiled_among(["bank", "neutral", "employers"], &rows, to);
        let (first, left) = views(&plan, &columns(1, &rows));
        assert!(
            left.iter().flat_map(|(found, ..)| found).any(|f| f.matched.iter().any(|w| *w > 0))
        );
        let apart = rows.iter().enumerate().map(|(own, rows)| {
            (0..*rows)
                .map(|row| Some(u128::from((row * 8 + own as u64).wrapping_mul(SPREAD)) << 64))
                .collect()
        });
        let all = rows.map(|rows| vec![Some(7); usize::try_from(rows).unwrap()]);
        let alone = rows.map(|_| vec![Some(7)]);
        for other in [columns(2, &rows), apart.collect(), all.into(), alone.into()] {
            assert!(views(&plan, &other).0 == first, "{to:?}");
        }
        let mut more = rows;
        more[0] += 300;
        let plan = compiled_among(["bank", "neutral", "employers"], &more, to);
        assert!(views(&plan, &columns(1, &rows)).0 != first, "another bound is another view");
    }
}

#[test]
fn the_smallest_set_leads_where_all_learn_and_the_report_is_said_to_be_unverified() {
    let plan = compiled([100, 30, 50], &OWNERS[..3]);
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
    let plan = compile(&asked(3, &["census"]), &sets(&[1 << 32, 9, 9]), &[]).unwrap().plan;
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
    assert!(broken(&|of| of.inputs = vec![0, 1, 1]).contains("more than one set of employers"));
    assert!(broken(&|of| of.inputs = vec![0, 1, 9]).contains("no set 9"));
    let mut shared = good.clone();
    let key = shared.inputs[2].key.as_mut().unwrap();
    key.enters = crate::plan::SetUse::Shared;
    assert!(check(&shared).unwrap_err().to_string().contains("shared"));
}

#[test]
fn what_owners_of_several_sets_cannot_have_is_refused_by_name() {
    let told = |change: &dyn Fn(&mut PsiSpec)| {
        let mut spec = asked(3, &["census"]);
        if let JobKind::Psi(psi) = &mut spec.kind {
            change(psi);
        }
        let error = compile(&spec, &sets(&[9, 9, 9]), &[]).map(drop).unwrap_err();
        assert!(matches!(error, CompileError::Unsupported { .. }), "{error}");
        error.to_string()
    };
    let two = told(&|psi| psi.to.push(party("neutral")));
    assert!(two.contains("2 of 3 owners") && two.contains("or all"), "{two}");
    let vole = told(&|psi| psi.protocol = PsiProtocol::Vole);
    assert!(vole.contains("`vole` with 3 sets") && vole.contains("`multi`"), "{vole}");
    let left = told(&|psi| psi.form = PsiForm::Left);
    assert!(left.contains("`left` of 3 sets"), "{left}");
    let few = {
        let mut spec = asked(5, &["census"]);
        if let JobKind::Psi(psi) = &mut spec.kind {
            psi.to.push(party("lab"));
        }
        compile(&spec, &sets(&[9; 5]), &[]).map(drop).unwrap_err().to_string()
    };
    assert!(few.contains("2 of 5 owners"), "{few}");
}
