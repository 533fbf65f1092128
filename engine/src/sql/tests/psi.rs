//! Intersections against the plain meaning of their sets: messy keys, NULLs, duplicates, filters, every form, least sizes.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    spec, terms,
    world::{Dice, World, declared, lines, listed, nullable, ranged},
};
use crate::{
    catalog::{ColumnConfig, ColumnType, DatasetConfig, Source},
    job::{JobKind, JobSpec, PsiForm, PsiProtocol, PsiSet, PsiSpec, TextRule},
    plan::PolicyTerms,
    sql::{CompileError, compile},
};

/// A row: its key as typed and what it means, a number, a group.
#[derive(Clone, Debug)]
pub(crate) struct Person {
    typed: String,
    pub(crate) key: Option<u64>,
    pub(crate) number: u64,
    pub(crate) group: &'static str,
}

const GROUPS: [&str; 3] = ["a", "b", "c"];

pub(super) fn people(dice: &mut Dice, rows: u64) -> Vec<Person> {
    let person = |_| {
        let id = dice.roll(rows.max(2));
        let key = (dice.roll(9) > 0).then_some(id);
        let typed = match (key, dice.roll(4)) {
            (None, _) => String::new(),
            (_, 0) => format!("k-{id}"),
            (_, 1) => format!(" K-{id} "),
            (_, 2) => format!("Ｋ-{id}"),
            _ => format!("K-{id}"),
        };
        let group = GROUPS[usize::try_from(dice.roll(3)).unwrap()];
        Person { typed, key, number: dice.roll(100), group }
    };
    (0..rows).map(person).collect()
}

pub(super) fn table(name: &str, people: &[Person]) -> DatasetConfig {
    let line = |p: &Person| format!("{},{},{}\n", p.typed, p.number, p.group);
    let csv = "code,number,label\n".to_owned() + &people.iter().map(line).collect::<String>();
    let columns: Vec<ColumnConfig> = vec![
        nullable(declared("code", ColumnType::String)),
        ranged("number", ColumnType::Int32, 0, 100),
        listed("label", &GROUPS),
    ];
    let source = Source::Bytes(format!("{name}.csv"), csv.into_bytes().into());
    DatasetConfig { name: name.into(), source, entity_key: None, rows_max: None, columns }
}

pub(crate) struct Sets {
    pub(crate) world: World,
    pub(crate) first: Vec<Person>,
    pub(crate) second: Vec<Person>,
}

pub(crate) fn sets(seed: u64, rows: (u64, u64)) -> Sets {
    let mut dice = Dice::new(seed);
    let (first, second) = (people(&mut dice, rows.0), people(&mut dice, rows.1));
    let world = World::of(vec![
        ("census", vec![table("left", &first)]),
        ("employers", vec![table("right", &second)]),
    ]);
    Sets { world, first, second }
}

pub(crate) fn asked(form: PsiForm, columns: [&[&str]; 2]) -> JobSpec {
    let set = |dataset: &str, columns: &[&str]| PsiSet {
        dataset: dataset.into(),
        key: vec!["code".into()],
        filter: None,
        columns: columns.iter().map(|c| (*c).to_owned()).collect(),
    };
    let psi = PsiSpec {
        sets: vec![set("census.left", columns[0]), set("employers.right", columns[1])],
        form,
        to: vec![],
        protocol: PsiProtocol::Auto,
        text: TextRule { trim: true, fold_case: true, fold_width: true },
        noise: None,
        bucket_rows: None,
        resumes: None,
    };
    JobSpec { kind: JobKind::Psi(psi), ..spec("") }
}

pub(crate) fn psi(spec: &mut JobSpec) -> &mut PsiSpec {
    match &mut spec.kind {
        JobKind::Psi(psi) => psi,
        _ => unreachable!("asked for an intersection"),
    }
}

/// The first row of each key, and the rows without one.
pub(crate) fn deduplicated(people: &[Person]) -> (BTreeMap<u64, &Person>, Vec<&Person>) {
    let mut keyed = BTreeMap::new();
    let mut absent = Vec::new();
    for person in people {
        match person.key {
            Some(key) => drop(keyed.entry(key).or_insert(person)),
            None => absent.push(person),
        }
    }
    (keyed, absent)
}

/// What the joint plan and the circuit answer alike.
pub(crate) async fn answer(sets: &Sets, spec: &JobSpec, policies: &[PolicyTerms]) -> Vec<String> {
    let mut answers = Vec::new();
    for protocol in [PsiProtocol::Joint, PsiProtocol::Circuit] {
        let mut spec = spec.clone();
        psi(&mut spec).protocol = protocol;
        let mut found = lines(&sets.world.answer(&spec, policies).await);
        found.sort();
        answers.push(found);
    }
    assert_eq!(answers[0], answers[1], "joint and circuit");
    answers.swap_remove(0)
}

#[tokio::test]
async fn every_form_means_what_sets_mean() {
    for (seed, rows) in [(1, (40, 60)), (2, (200, 9)), (3, (1, 90))] {
        let sets = sets(seed, rows);
        let ((first, absent), (second, _)) =
            (deduplicated(&sets.first), deduplicated(&sets.second));
        let both: BTreeSet<u64> =
            first.keys().filter(|k| second.contains_key(k)).copied().collect();
        let cardinality = asked(PsiForm::Cardinality, [&[], &[]]);
        assert_eq!(answer(&sets, &cardinality, &[]).await, [both.len().to_string()], "seed {seed}");

        let mut inner: Vec<String> =
            both.iter().map(|k| format!("{} | {}", first[k].number, second[k].number)).collect();
        inner.sort();
        let spec = asked(PsiForm::Inner, [&["number"], &["number"]]);
        assert_eq!(answer(&sets, &spec, &[]).await, inner, "seed {seed}");

        let of_second = |k: &u64| second.get(k).map_or("NULL", |p| p.group);
        let mut left: Vec<String> =
            first.iter().map(|(k, p)| format!("{} | {}", p.number, of_second(k))).collect();
        left.extend(absent.iter().map(|p| format!("{} | NULL", p.number)));
        left.sort();
        let spec = asked(PsiForm::Left, [&["number"], &["label"]]);
        assert_eq!(answer(&sets, &spec, &[]).await, left, "seed {seed}");

        let alone = first.iter().filter(|(k, _)| !both.contains(k)).map(|(_, p)| *p);
        let mut anti: Vec<String> = alone.chain(absent).map(|p| p.number.to_string()).collect();
        anti.sort();
        let spec = asked(PsiForm::Anti, [&["number"], &[]]);
        assert_eq!(answer(&sets, &spec, &[]).await, anti, "seed {seed}");

        let mut sums: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
        for k in &both {
            let sum = sums.entry(first[k].group).or_default();
            *sum = (sum.0 + 1, sum.1 + second[k].number);
        }
        let sums: Vec<_> = sums.iter().map(|(g, (n, sum))| format!("{g} | {n} | {sum}")).collect();
        let (column, by) = ("employers.right.number".into(), Some("census.left.label".into()));
        let spec = asked(PsiForm::Sum { column, by }, [&[], &[]]);
        assert_eq!(answer(&sets, &spec, &[]).await, sums, "seed {seed}");
    }
}

#[tokio::test]
async fn a_filter_decides_before_duplicates_are_dropped() {
    let sets = sets(7, (80, 80));
    let chosen: Vec<Person> = sets.first.iter().filter(|p| p.number >= 50).cloned().collect();
    let (first, second) = (deduplicated(&chosen).0, deduplicated(&sets.second).0);
    let both = first.keys().filter(|k| second.contains_key(k)).count();
    let mut spec = asked(PsiForm::Cardinality, [&[], &[]]);
    psi(&mut spec).sets[0].filter = Some("number >= 50 -- the larger ones".into());
    assert_eq!(answer(&sets, &spec, &[]).await, [both.to_string()]);
}

#[tokio::test]
async fn nothing_is_released_of_an_intersection_below_the_least_size() {
    let sets = sets(8, (40, 40));
    let (first, second) = (deduplicated(&sets.first).0, deduplicated(&sets.second).0);
    let both = first.keys().filter(|k| second.contains_key(k)).count();
    let least = |least: usize| {
        let least = u32::try_from(least).unwrap();
        [PolicyTerms { min_intersection: least, ..terms("employers.right", 0) }]
    };
    let sum =
        PsiForm::Sum { column: "census.left.number".into(), by: Some("census.left.label".into()) };
    for (form, columns) in [
        (PsiForm::Cardinality, &[][..]),
        (PsiForm::Inner, &["number"]),
        (PsiForm::Left, &["number"]),
        (PsiForm::Anti, &["number"]),
        (sum, &[]),
    ] {
        let spec = asked(form, [columns, &[]]);
        assert!(!answer(&sets, &spec, &least(both)).await.is_empty(), "{:?}", spec.kind);
        assert!(answer(&sets, &spec, &least(both + 1)).await.is_empty(), "{:?}", spec.kind);
    }
}

#[test]
fn what_is_not_meant_or_not_there_is_refused() {
    let sets = sets(9, (5, 5));
    let compiled = |change: &dyn Fn(&mut PsiSpec)| {
        let mut spec = asked(PsiForm::Inner, [&["number"], &[]]);
        change(psi(&mut spec));
        compile(&spec, &sets.world.descriptors, &[]).map(|_| ()).unwrap_err()
    };
    let filter =
        |filter: &'static str| move |p: &mut PsiSpec| p.sets[0].filter = Some(filter.into());
    type Change<'c> = &'c dyn Fn(&mut PsiSpec);
    let unsupported: [(Change<'_>, &str); 7] = [
        (&filter("true) LIMIT (1"), "limited subquery"),
        (&|p| p.protocol = PsiProtocol::Lookup, "protocol"),
        (&|p| p.sets[1].dataset = "census.left".into(), "two sets of one party"),
        (&|p| p.sets[1].key = vec!["number".into()], "different kinds"),
        (&|p| p.sets[1].key.push("number".into()), "different lengths"),
        (&|p| p.sets[0].columns.clear(), "without columns"),
        (&|p| p.sets[0].columns = vec!["code".into()], "public list"),
    ];
    for (change, words) in unsupported {
        let error = compiled(change);
        assert!(error.to_string().contains(words), "{words}: {error}");
    }
    let column = compiled(&|p| p.sets[0].columns = vec!["numbr".into()]);
    assert!(matches!(column, CompileError::UnknownColumn { .. }), "{column}");
    let table = compiled(&|p| p.sets[0].dataset = "census.lift".into());
    assert!(matches!(table, CompileError::UnknownTable { .. }), "{table}");
}

#[test]
fn a_job_whose_text_would_steer_a_terminal_is_none() {
    let mut good = asked(PsiForm::Cardinality, [&[], &[]]);
    let now = good.issued_at_ms;
    good.expires_at_ms = now + 1000;
    assert_eq!(good.check(now), Ok(()));
    let purpose = "research\u{1b}[8m".to_owned();
    let mut filtered = good.clone();
    psi(&mut filtered).sets[0].filter = Some("1 = 1 -- \u{202e}".to_owned());
    for spec in [JobSpec { purpose, ..good }, filtered] {
        let error = spec.check(now).unwrap_err().to_string();
        assert!(error.contains("control character in a text"), "{error}");
    }
}
