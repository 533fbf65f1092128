//! Lookups: what is published does not depend on who asks, labels come back as they were, and what cannot be is refused.

use std::sync::Arc;

use datafusion::arrow::{
    array::{
        ArrayRef, BooleanArray, Date32Array, Decimal128Array, Int8Array, Int64Array, RecordBatch,
        StringArray, TimestampMicrosecondArray,
    },
    compute::take_record_batch,
};

use super::{column, jobs, nullable, party, people, spec, terms};
use crate::{
    catalog::{ColumnSpec, ColumnType, DatasetDescriptor},
    job::{JobKind, JobSpec, PsiForm, PsiProtocol, PsiSet, PsiSpec, TextRule},
    plan::{Keep, Label, Lookup, Op, Plan, PolicyTerms, UseForm, check, explain, leakage},
    sql::{CompileError, EncodeError, compile, label_columns, label_rows},
};

fn asked() -> PsiSpec {
    let set = |dataset: &str, columns: &[&str]| PsiSet {
        dataset: dataset.into(),
        key: vec!["person_id".into()],
        filter: None,
        columns: columns.iter().map(|name| (*name).to_owned()).collect(),
    };
    PsiSpec {
        sets: vec![
            set("census.people", &["age"]),
            set("employers.jobs", &["hours_per_week", "occupation"]),
        ],
        form: PsiForm::Left,
        to: vec![party("census")],
        protocol: PsiProtocol::Lookup,
        text: TextRule::default(),
        noise: None,
        bucket_rows: None,
        resumes: None,
    }
}

fn job(psi: PsiSpec) -> JobSpec {
    JobSpec { kind: JobKind::Psi(psi), ..spec("") }
}

fn policies(lookups: Option<u64>, k: u32) -> [PolicyTerms; 2] {
    let published = PolicyTerms { lookups, ..terms("employers.jobs", k) };
    [terms("census.people", 0), published]
}

fn compiled(psi: PsiSpec, tables: [DatasetDescriptor; 2]) -> Result<Plan, CompileError> {
    compile(&job(psi), &tables, &policies(Some(5000), 0)).map(|compiled| compiled.plan)
}

fn lookup(plan: &Plan) -> &Lookup {
    let of = plan.nodes.iter().find_map(|op| match op {
        Op::Lookup(of) => Some(of),
        _ => None,
    });
    of.unwrap()
}

#[test]
fn a_plan_says_what_is_looked_up_and_what_each_side_learns() {
    let plan = compiled(asked(), [people(), jobs()]).unwrap();
    check(&plan).unwrap();
    let of = lookup(&plan);
    assert_eq!((of.asks, of.answers, of.queries, of.keeps.keep), (0, 1, 5000, Keep::All));
    // A number of 32 bits; the longest of two words, its length; and whether each is there.
    assert_eq!(of.label_bytes(), (1 + 4) + (1 + 2 + 12));
    let listed =
        |name: &str| plan.uses.iter().any(|used| used.column == name && used.form == UseForm::List);
    assert!(listed("hours_per_week") && listed("occupation") && !listed("age"));
    let told =
        explain(&plan, &|_| None).unwrap() + &leakage(&plan, &|_| Vec::new()).unwrap().join("\n");
    for words in [
        "census looks 1,024 keys up at employers",
        "census: which of its at most 1,024 keys of census.people are in employers.jobs, and hours_per_week, occupation",
        "employers: that 1,024 keys are asked for",
        "a table of 2,048 random numbers and unreadable labels of 20 bytes",
        "keys that can be guessed can be looked up one by one",
        "the buyer gets a receipt and no rows; census keeps what it learns",
    ] {
        assert!(told.contains(words), "{words}: {told}");
    }
}

#[test]
fn what_is_published_is_the_same_whoever_asks() {
    let terms = |psi: PsiSpec, tables| {
        let plan = compiled(psi, tables).unwrap();
        lookup(&plan).terms(&plan)
    };
    let first = terms(asked(), [people(), jobs()]);
    let mut other = asked();
    other.form = PsiForm::Inner;
    // Both sets have such a column now: labels are called otherwise.
    let mut larger = people();
    larger.rows_max = 4096;
    larger.columns.push(column("hours_per_week", ColumnType::Int8, None));
    other.sets[0].columns.push("hours_per_week".into());
    other.sets[0].filter = Some("age > 30".into());
    assert_eq!(terms(other.clone(), [larger.clone(), jobs()]), first);
    let plan = compiled(other, [larger, jobs()]).unwrap();
    assert_eq!(lookup(&plan).labels[0].name, "employers_hours_per_week");
    let changes: [&dyn Fn(&mut PsiSpec); 4] = [
        &|psi| psi.sets[1].filter = Some("capital_gain > 0".into()),
        &|psi| drop(psi.sets[1].columns.pop()),
        &|psi| psi.text.fold_case = true,
        &|psi| psi.sets.iter_mut().for_each(|set| set.key = vec!["person_id".into(); 2]),
    ];
    for change in changes {
        let mut psi = asked();
        change(&mut psi);
        assert_ne!(terms(psi, [people(), jobs()]), first);
    }
}

#[test]
fn what_a_lookup_cannot_be_is_refused() {
    let refused = |change: &dyn Fn(&mut PsiSpec), words: &str| {
        let mut psi = asked();
        change(&mut psi);
        let error = compiled(psi, [people(), jobs()]).unwrap_err().to_string();
        assert!(error.contains(words), "{words}: {error}");
    };
    refused(&|psi| psi.to.clear(), "write `to = [\"census\"]`");
    refused(&|psi| psi.to = vec![party("employers")], "write `to = [\"census\"]`");
    refused(&|psi| psi.to.push(party("employers")), "write `to = [\"census\"]`");
    refused(&|psi| psi.form = PsiForm::Anti, "a lookup of form `anti`");
    refused(&|psi| psi.form = PsiForm::Cardinality, "a lookup of form `cardinality`");
    refused(&|psi| psi.sets[1].columns.push("nothing".into()), "unknown column");
    let with = |lookups, k, jobs| {
        let compiled = compile(&job(asked()), &[people(), jobs], &policies(lookups, k));
        compiled.map(drop).unwrap_err()
    };
    let error = with(None, 0, jobs());
    assert!(
        matches!(&error, CompileError::Refused { rule, .. } if rule == "psi.max_lookups"),
        "{error}"
    );
    let error = with(Some(1), 5, jobs());
    assert!(error.to_string().contains("would show one entity"), "{error}");
    let mut unlisted = jobs();
    unlisted.columns[1].domain = None;
    let error = with(Some(1), 0, unlisted.clone()).to_string();
    assert!(error.contains("declares `max_bytes` or a `domain`"), "{error}");
    unlisted.columns[1].max_bytes = Some(40);
    let plan = compiled(asked(), [people(), unlisted]).unwrap();
    assert_eq!(lookup(&plan).labels[1].bytes, 40);
    let mut elsewhere = job(asked());
    elsewhere.compute = ["census", "neutral", "lab"].map(party).into();
    let error = compile(&elsewhere, &[people(), jobs()], &policies(Some(9), 0)).unwrap_err();
    assert!(error.to_string().contains("`employers` does not compute"), "{error}");
}

/// One column of each type, each with a NULL.
fn every_type() -> (Vec<ColumnSpec>, RecordBatch) {
    let decimal = ColumnType::Decimal { precision: 38, scale: 3 };
    let most = 10_i128.pow(38) - 1;
    let decimals = Decimal128Array::from(vec![Some(-most), Some(most), None]);
    let times = vec![Some(i64::MIN), None, Some(1)];
    let columns: Vec<(ColumnType, ArrayRef)> = vec![
        (ColumnType::Bool, Arc::new(BooleanArray::from(vec![Some(true), None, Some(false)]))),
        (ColumnType::Int8, Arc::new(Int8Array::from(vec![Some(-128), Some(127), None]))),
        (ColumnType::Int64, Arc::new(Int64Array::from(vec![Some(i64::MIN), None, Some(-1)]))),
        (decimal, Arc::new(decimals.with_precision_and_scale(38, 3).unwrap())),
        (ColumnType::Date, Arc::new(Date32Array::from(vec![Some(-1), None, Some(20_000)]))),
        (ColumnType::Timestamp, Arc::new(TimestampMicrosecondArray::from(times))),
        (ColumnType::String, Arc::new(StringArray::from(vec![Some(""), Some("Köln"), None]))),
    ];
    let names: Vec<String> = (0..columns.len()).map(|i| format!("c{i}")).collect();
    let specs = names.iter().zip(&columns).map(|(name, (ty, _))| ColumnSpec {
        max_bytes: (*ty == ColumnType::String).then_some(5),
        ..nullable(column(name, *ty, None))
    });
    let arrays = names.iter().zip(&columns).map(|(name, (_, array))| (name, array.clone(), true));
    (specs.collect(), RecordBatch::try_from_iter_with_nullable(arrays).unwrap())
}

#[test]
fn labels_come_back_as_they_were() {
    let (specs, rows) = every_type();
    let mut tables = [people(), jobs()];
    tables[1].columns.extend(specs.iter().cloned());
    let mut psi = asked();
    psi.sets[1].columns = specs.iter().map(|spec| spec.name.clone()).collect();
    let plan = compiled(psi, tables).unwrap();
    let mut of = lookup(&plan).clone();
    for (label, source) in of.labels.iter_mut().zip(0..) {
        label.source = source;
    }
    let input = &plan.inputs[1];
    let bytes = label_rows(input, &of, &rows, &[2, 0, 1]).unwrap();
    let width = of.label_bytes() as usize;
    assert_eq!(bytes.len(), 3 * width);
    let mut parts: Vec<Option<&[u8]>> = bytes.chunks(width).map(Some).collect();
    parts.insert(1, None);
    let order = datafusion::arrow::array::UInt32Array::from(vec![Some(2), None, Some(0), Some(1)]);
    let want = take_record_batch(&rows, &order).unwrap();
    for (found, want) in label_columns(&of, &parts).unwrap().iter().zip(want.columns()) {
        assert_eq!(found, want);
    }
    // A label that its provider cut short, and one that is no text.
    assert!(label_columns(&of, &[Some(&bytes[..width - 1])]).is_none());
    let garbled = [1, 2, 0, 0xff, 0xff, 0, 0, 0];
    let text = Label { source: 0, name: "c".into(), ty: ColumnType::String, bytes: 5 };
    assert!(
        label_columns(&Lookup { labels: vec![text.clone()], ..of.clone() }, &[Some(&garbled)])
            .is_none()
    );
    let shorter = Lookup { labels: vec![Label { source: 6, bytes: 4, ..text }], ..of };
    let error = label_rows(input, &shorter, &rows, &[1]).unwrap_err();
    assert!(matches!(error, EncodeError::Outside { promise: "length", .. }), "{error}");
}
