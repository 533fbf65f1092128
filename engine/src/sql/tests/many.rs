//! Intersections of three and more sets against the plain meaning of their sets.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    psi::{Person, deduplicated, people, psi, table},
    spec, terms,
    world::{Dice, World, lines},
};
use crate::{
    job::{JobKind, JobSpec, PsiForm, PsiProtocol, PsiSet, PsiSpec, TextRule},
    plan::{Encoding, Op, UseForm},
    sql::compile,
};

/// Who has a set, and what it is called.
const TABLES: [(&str, &str); 4] =
    [("census", "left"), ("employers", "right"), ("neutral", "third"), ("shops", "fourth")];

struct Sets {
    world: World,
    people: Vec<Vec<Person>>,
}

impl Sets {
    /// One set for each number of rows. Keys are few enough to meet.
    fn of(seed: u64, rows: &[u64]) -> Self {
        let mut dice = Dice::new(seed);
        let people: Vec<_> = rows.iter().map(|rows| people(&mut dice, *rows)).collect();
        let sets = TABLES.iter().zip(&people);
        let config = |((party, name), rows): (&(&'static str, &str), &Vec<Person>)| {
            (*party, vec![table(name, rows)])
        };
        let world = World::of(sets.map(config).collect());
        Self { world, people }
    }

    /// The first row of each common key: of every set.
    fn common(&self) -> BTreeMap<u64, Vec<&Person>> {
        let sets: Vec<_> = self.people.iter().map(|people| deduplicated(people).0).collect();
        let keys: BTreeSet<u64> = sets[0].keys().copied().collect();
        let common = keys.into_iter().filter(|key| sets.iter().all(|set| set.contains_key(key)));
        common.map(|key| (key, sets.iter().map(|set| set[&key]).collect())).collect()
    }

    /// What the buyer gets, in any order.
    async fn answer(&self, spec: &JobSpec, least: u32) -> Vec<String> {
        let policies =
            crate::plan::PolicyTerms { min_intersection: least, ..terms("neutral.third", 0) };
        let mut found = lines(&self.world.answer(spec, &[policies]).await);
        found.sort();
        found
    }
}

fn asked(sets: usize, form: PsiForm, columns: &[&str]) -> JobSpec {
    let set = |(party, name): &(&str, &str)| PsiSet {
        dataset: format!("{party}.{name}"),
        key: vec!["code".into()],
        filter: None,
        columns: columns.iter().map(|c| (*c).to_owned()).collect(),
    };
    let psi = PsiSpec {
        sets: TABLES[..sets].iter().map(set).collect(),
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

#[tokio::test]
async fn every_form_of_several_sets_means_what_sets_mean() {
    for (seed, rows) in
        [(1, &[40, 60, 50][..]), (2, &[70, 30, 90]), (3, &[80, 80, 20]), (4, &[60, 50, 50, 40])]
    {
        let sets = Sets::of(seed, rows);
        let common = sets.common();
        assert!(common.len() > 2, "seed {seed}: {} in common", common.len());
        let counted = asked(rows.len(), PsiForm::Cardinality, &[]);
        assert_eq!(sets.answer(&counted, 0).await, [common.len().to_string()], "seed {seed}");

        let row = |all: &Vec<&Person>| {
            all.iter().map(|p| p.number.to_string()).collect::<Vec<_>>().join(" | ")
        };
        let mut inner: Vec<String> = common.values().map(row).collect();
        inner.sort();
        let spec = asked(rows.len(), PsiForm::Inner, &["number"]);
        assert_eq!(sets.answer(&spec, 0).await, inner, "seed {seed}");

        // Of one set by another one's groups, in all orders.
        for (summed, by) in [(0, 1), (1, 2), (2, 0)] {
            let mut sums: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
            for all in common.values() {
                let sum = sums.entry(all[by].group).or_default();
                *sum = (sum.0 + 1, sum.1 + all[summed].number);
            }
            let sums: Vec<_> =
                sums.iter().map(|(group, (n, sum))| format!("{group} | {n} | {sum}")).collect();
            let column = |at: usize, name| format!("{}.{}.{name}", TABLES[at].0, TABLES[at].1);
            let form =
                PsiForm::Sum { column: column(summed, "number"), by: Some(column(by, "label")) };
            let spec = asked(rows.len(), form, &[]);
            assert_eq!(sets.answer(&spec, 0).await, sums, "seed {seed}");
        }
    }
}

#[tokio::test]
async fn a_filter_of_the_last_set_and_the_least_size_hold_for_several_sets() {
    let mut sets = Sets::of(7, &[60, 60, 60]);
    let mut spec = asked(3, PsiForm::Inner, &["number"]);
    psi(&mut spec).sets[2].filter = Some("number >= 30".into());
    sets.people[2].retain(|person| person.number >= 30);
    let both = u32::try_from(sets.common().len()).unwrap();
    assert!(both > 2);
    assert_eq!(sets.answer(&spec, both).await.len(), sets.common().len());
    assert!(sets.answer(&spec, both + 1).await.is_empty());
}

#[test]
fn a_key_may_be_joined_with_each_other_set_and_ids_are_wide_enough_for_all() {
    let sets = Sets::of(8, &[10, 20, 30]);
    let mut descriptors = sets.world.descriptors;
    // 2^19 keys or 3 · 2^19: ids of 78 bits would do for two sets.
    descriptors.iter_mut().for_each(|dataset| dataset.rows_max = 1 << 18);
    let plan = |sets| {
        let mut spec = asked(sets, PsiForm::Cardinality, &[]);
        psi(&mut spec).protocol = PsiProtocol::Joint;
        compile(&spec, &descriptors, &[]).unwrap().plan
    };
    let bits = |sets| -> u32 {
        let columns = plan(sets).inputs[0].columns.clone();
        let ids = columns.iter().filter(|c| matches!(c.encoding, Encoding::KeyId { .. }));
        ids.map(|c| u32::from(c.encoding.width())).sum()
    };
    assert_eq!([bits(2), bits(3)], [40 + 2 * 19, 40 + 2 * 20]);
    let three = plan(3);
    assert_eq!(three.nodes.iter().filter(|op| matches!(op, Op::Join { .. })).count(), 2);
    for (at, (party, name)) in TABLES[..3].iter().enumerate() {
        let with: BTreeSet<String> = (three.uses.iter())
            .filter(|used| (used.party.as_str(), &*used.dataset) == (*party, *name))
            .filter_map(|used| match &used.form {
                UseForm::JoinKey(with) => Some(with.clone()),
                _ => None,
            })
            .collect();
        let others = (0..3).filter(|other| *other != at);
        let others = others.map(|other| format!("{}.{}", TABLES[other].0, TABLES[other].1));
        assert_eq!(with, others.collect(), "{party}");
    }
}

#[test]
fn what_several_sets_cannot_have_is_refused_by_name() {
    let sets = Sets::of(9, &[5, 5, 5]);
    let told = |form: PsiForm, change: &dyn Fn(&mut PsiSpec)| {
        let mut spec = asked(3, form, &[]);
        change(psi(&mut spec));
        compile(&spec, &sets.world.descriptors, &[]).map(drop).unwrap_err().to_string()
    };
    let left = told(PsiForm::Left, &|_| ());
    assert!(left.contains("form `left` of 3 sets") && left.contains("name two sets"), "{left}");
    let circuit = told(PsiForm::Cardinality, &|psi| psi.protocol = PsiProtocol::Circuit);
    assert!(circuit.contains("circuit of 3 sets") && circuit.contains("`joint`"), "{circuit}");
    let twice = told(PsiForm::Cardinality, &|psi| psi.sets[2].dataset = "census.left".into());
    assert!(twice.contains("two sets of one party"), "{twice}");
    let kinds = told(PsiForm::Cardinality, &|psi| psi.sets[2].key = vec!["number".into()]);
    assert!(kinds.contains("different kinds"), "{kinds}");
}
