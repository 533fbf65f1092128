//! Trainings as plans: what rows are described by, what each party is told of it, and what cannot be.

use std::sync::Arc;

use datafusion::arrow::array::{
    ArrayRef, BooleanArray, Decimal128Array, Int32Array, RecordBatch, StringArray,
};

use super::{column, listed, nullable, party, spec, terms};
use crate::{
    catalog::{ColumnType, DatasetDescriptor},
    job::{GateSpec, JobKind, JobSpec, ModelSpec, PrivacySpec, RingSpec, TrainSpec},
    plan::{Feature, LocalInput, Plan, PolicyTerms, Training, UseForm, check, explain, leakage},
    sql::{CompileError, EncodeError, compile, training_rows},
};

fn residents(owner: &str) -> DatasetDescriptor {
    DatasetDescriptor {
        party: party(owner),
        name: "residents".into(),
        rows_max: 1024,
        entity_key: None,
        columns: vec![
            column("age", ColumnType::Int32, Some((0, 100))),
            column("free", ColumnType::Int32, None),
            column("pay", ColumnType::Decimal { precision: 9, scale: 2 }, Some((0, 1_000))),
            nullable(listed("job", &["care", "trade"])),
            column("note", ColumnType::String, None),
            listed("income", &["high", "low"]),
            column("member", ColumnType::Bool, None),
        ],
    }
}

pub(crate) fn world(owners: &[&str]) -> (Vec<DatasetDescriptor>, Vec<PolicyTerms>) {
    let all: Vec<_> = owners.iter().map(|owner| residents(owner)).collect();
    let terms = all.iter().map(|dataset| terms(&dataset.table(), 0)).collect();
    (all, terms)
}

pub(crate) fn asked(owners: &[&str], features: &[&str], label: &str) -> JobSpec {
    let datasets: Vec<_> = owners.iter().map(|owner| format!("{owner}.residents")).collect();
    let json = serde_json::json!({
        "datasets": datasets, "features": features, "label": label, "model": {"kind": "logistic"}, "rounds": 3
    });
    let train: TrainSpec = serde_json::from_value(json).unwrap();
    JobSpec { kind: JobKind::Train(train), ..spec("") }
}

const OWNERS: [&str; 3] = ["census", "employers", "bank"];
const ALL: &[&str] = &["age", "pay", "job", "member", "age > 65"];

fn compiled(features: &[&str], label: &str) -> Result<Plan, CompileError> {
    changed(features, label, |_, _| ())
}

pub(super) fn changed(
    features: &[&str],
    label: &str,
    change: impl Fn(&mut TrainSpec, &mut Vec<DatasetDescriptor>),
) -> Result<Plan, CompileError> {
    let (mut descriptors, terms) = world(&OWNERS);
    let mut job = asked(&OWNERS, features, label);
    let JobKind::Train(train) = &mut job.kind else { unreachable!() };
    change(train, &mut descriptors);
    compile(&job, &descriptors, &terms).map(|compiled| compiled.plan)
}

pub(super) fn training(plan: &Plan) -> &Training {
    plan.training().unwrap().1
}

#[test]
fn features_are_described_alike_at_all_providers_and_uses_are_recorded() {
    let plan = changed(ALL, "income = 'high'", |train, descriptors| {
        train.filter = Some("note <> 'test'".into());
        // A wider range at one provider holds for all.
        descriptors[2].columns[0] = column("age", ColumnType::Int32, Some((-10, 90)));
    });
    let plan = plan.unwrap();
    let training = training(&plan);
    assert_eq!(
        training.features[0],
        Feature::Number { name: "age".into(), min: -10, max: 100, digits: 0 }
    );
    assert_eq!(training.features[2].names(), ["job = care", "job = trade"]);
    assert_eq!(training.features[4], Feature::Flag { name: "age > 65".into() });
    assert_eq!(training.network().unwrap().parameters(), 7);
    assert!(plan.inputs.iter().all(LocalInput::is_at_home));
    let shapes = check(&plan).unwrap();
    assert_eq!(shapes[3][1].rows, 7 + 3 * 5);
    let used = |column: &str, form: &UseForm| {
        plan.uses.iter().filter(|used| used.column == column && used.form == *form).count()
    };
    for name in ["age", "pay", "job", "member", "income"] {
        assert_eq!(used(name, &UseForm::Train), 3, "{name}");
    }
    assert_eq!((used("note", &UseForm::Filter), used("note", &UseForm::Train)), (3, 0));
    let told = leakage(&plan, &|_| Vec::new()).unwrap().join("\n");
    assert!(told.contains("the model after each of 3 rounds, 7 numbers"), "{told}");
    assert!(told.contains("no noise is added"), "{told}");
    assert!(told.contains("whose updates were in it and whose were absent"), "{told}");
    assert!(told.contains("the buyer hears of each round while the training goes on"), "{told}");
}

#[test]
fn a_feature_or_filter_that_cannot_be_read_is_named() {
    let words = compiled(&["age", "pay >"], "member").unwrap_err().to_string();
    assert!(words.contains("`pay >`") && !words.contains("Line"), "{words}");
    let filtered = changed(&["age"], "member", |train, _| train.filter = Some("age >".into()));
    let words = filtered.unwrap_err().to_string();
    assert!(words.contains("train.filter, `age >`"), "{words}");
}

#[test]
fn metrics_are_of_two_classes_or_a_linear_model() {
    let with = |label: &str, model: &str, ring: u8| {
        changed(&["age"], label, |train, _| {
            train.model = serde_json::from_str(model).unwrap();
            train.metrics = Some(serde_json::from_str(r#"{"bins": 10}"#).unwrap());
            train.ring = serde_json::from_str(&ring.to_string()).unwrap();
        })
    };
    let told = |plan: &Plan| leakage(plan, &|_| Vec::new()).unwrap().join("\n");
    for (label, model) in [
        ("member", r#"{"kind": "logistic"}"#),
        ("income", r#"{"kind": "softmax"}"#),
        ("income", r#"{"kind": "network", "hidden": [3]}"#),
    ] {
        let plan = with(label, model, 64).unwrap();
        assert!(
            told(&plan)
                .contains("the area under the curve of 10 steps, if 20 rows and more are of each"),
            "{model}"
        );
        assert_eq!(training(&plan).round_words(), 4 + 6 + 1);
    }
    let plan = with("pay", r#"{"kind": "linear"}"#, 64).unwrap();
    assert!(told(&plan).contains("the mean of the label and of its square"));
    let three = |train: &mut TrainSpec, descriptors: &mut Vec<DatasetDescriptor>| {
        train.model = serde_json::from_str(r#"{"kind": "softmax"}"#).unwrap();
        train.metrics = Some(serde_json::from_str("{}").unwrap());
        let jobs = listed("job", &["care", "court", "trade"]);
        descriptors.iter_mut().for_each(|dataset| dataset.columns[3] = jobs.clone());
    };
    let words = changed(&["age"], "job", three).unwrap_err().to_string();
    assert!(words.contains("of two classes or of a linear model"), "{words}");
    assert!(with("member", r#"{"kind": "logistic"}"#, 32).is_ok());
    let many = |train: &mut TrainSpec, _: &mut Vec<DatasetDescriptor>| {
        train.metrics = Some(serde_json::from_str(r#"{"least_rows": 4000000000}"#).unwrap());
    };
    let words = changed(&["age"], "member", many).unwrap_err().to_string();
    assert!(words.contains("metrics that cannot be"), "{words}");
}

#[test]
fn sums_that_a_model_is_solved_for_from_are_told_as_what_they_are() {
    let solved = |strategy: &'static str, model: ModelSpec, rounds| {
        move |train: &mut TrainSpec, _: &mut Vec<DatasetDescriptor>| {
            (train.model, train.rounds) = (model.clone(), rounds);
            train.strategy = serde_json::from_str(strategy).unwrap();
        }
    };
    let newton = solved(r#"{"kind": "newton", "penalty": "0.01"}"#, ModelSpec::Logistic, 6);
    let plan = changed(&["age", "job"], "member", newton).unwrap();
    let told = leakage(&plan, &|_| Vec::new()).unwrap().join("\n");
    for words in [
        "in each of 6 rounds 14 exact sums over all rows of at least 3 providers",
        "in how many rows both hold",
        "fewer than 40 rows",
        "the model after each round but the last",
    ] {
        assert!(told.contains(words), "{words}: {told}");
    }
    assert!(!told.contains("average of the updates"), "{told}");
    let text = explain(&plan, &|_| None).unwrap();
    assert!(text.contains("Newton's method, penalty 0.01, from 6 opened totals"), "{text}");

    let ridge = || solved(r#"{"kind": "ridge"}"#, ModelSpec::Linear, 1);
    let plan = changed(&["age", "job"], "pay", ridge()).unwrap();
    let told = leakage(&plan, &|_| Vec::new()).unwrap().join("\n");
    assert!(told.contains("15 exact sums"), "{told}");
    assert!(told.contains("mean squared error"), "{told}");

    // Half a million sums are too many.
    let wide = |train: &mut TrainSpec, descriptors: &mut Vec<DatasetDescriptor>| {
        ridge()(train, descriptors);
        let jobs: Vec<String> = (1000..2000).map(|job| job.to_string()).collect();
        let jobs: Vec<&str> = jobs.iter().map(String::as_str).collect();
        descriptors.iter_mut().for_each(|dataset| dataset.columns[3] = listed("job", &jobs));
    };
    let words = changed(&["job"], "pay", wide).unwrap_err().to_string();
    assert!(words.contains("1000 are the most"), "{words}");
}

pub(super) fn private(privacy: &str) -> impl Fn(&mut TrainSpec, &mut Vec<DatasetDescriptor>) {
    let privacy: PrivacySpec = serde_json::from_str(privacy).unwrap();
    move |train, _| {
        train.rounds = 50;
        train.privacy = Some(privacy.clone());
    }
}

#[test]
fn noise_is_told_with_what_it_promises_and_what_not() {
    let asked = private(r#"{"unit": "client", "clip": 0.5, "noise": 4}"#);
    let plan = changed(&["age"], "member", asked).unwrap();
    let told = leakage(&plan, &|_| Vec::new()).unwrap().join("\n");
    for words in [
        "ε = 8.596 and δ = 0.00001 for each client",
        "noise of 4 times that norm",
        "two compute parties in league",
        "no rows are counted",
    ] {
        assert!(told.contains(words), "{words}: {told}");
    }
    assert!(!told.contains("no noise is added"), "{told}");
    let text = explain(&plan, &|_| None).unwrap();
    assert!(text.contains("ε = 8.596 and δ = 0.00001 for each client"), "{text}");
    let asked = private(r#"{"unit": "record", "clip": 1, "noise": 4, "colluding": 1}"#);
    let plan = changed(&["age"], "member", asked).unwrap();
    let told = leakage(&plan, &|_| Vec::new()).unwrap().join("\n");
    assert!(told.contains("no more than 1 of those in it put together"), "{told}");
    assert!(told.contains("for each record"), "{told}");
    assert!(!told.contains("hears of each round") && !told.contains("absent"), "{told}");
}

#[test]
fn noise_that_cannot_be_is_refused() {
    let refused =
        |privacy: &str| changed(&["age"], "member", private(privacy)).unwrap_err().to_string();
    let much = refused(r#"{"unit": "client", "clip": 1, "noise": 4, "max_epsilon": 8.5}"#);
    assert!(much.contains("ε = 8.596") && much.contains("8.5 is the most"), "{much}");
    let noise = private(r#"{"unit": "record", "clip": 1000000, "noise": 1}"#);
    let wide = changed(&["age"], "member", |train, descriptors| {
        descriptors[0].rows_max = 1 << 32;
        noise(train, descriptors);
    });
    assert!(wide.unwrap_err().to_string().contains("fractional bits"), "no sum may overflow");
}

#[test]
fn what_cannot_be_trained_is_refused_by_name() {
    let words = |refused: Result<Plan, CompileError>| refused.unwrap_err().to_string();
    for (feature, label, what) in [
        ("note", "income = 'high'", "`note` without a public list"),
        ("free", "income = 'high'", "`free` of no declared range"),
        ("10 / age", "income = 'high'", "age"),
        ("age) FROM census.residents --", "income = 'high'", ""),
        ("SUM(age)", "income = 'high'", ""),
        ("nothing", "income = 'high'", "nothing"),
        ("age", "age", "logistic"),
        ("age", "pay", "logistic"),
    ] {
        let told = words(compiled(&[feature], label));
        assert!(told.contains(what), "{feature}, {label}: {told}");
    }
    let linear = |train: &mut TrainSpec, _: &mut Vec<DatasetDescriptor>| {
        train.model = ModelSpec::Linear;
    };
    assert!(changed(&["age"], "pay", linear).is_ok());
    assert!(words(changed(&["age"], "income", linear)).contains("linear"));
    let other = words(changed(ALL, "member", |_, descriptors| {
        descriptors[1].columns[3] = nullable(listed("job", &["care", "none"]));
    }));
    assert!(other.contains("something else in `employers.residents`"), "{other}");
    let wide = words(changed(ALL, "member", |train, descriptors| {
        train.largest_update = serde_json::from_str("1000000").unwrap();
        descriptors[0].rows_max = 1 << 32;
    }));
    assert!(wide.contains("fractional bits"), "an overflow is refused beforehand: {wide}");
    let unknown = words(changed(ALL, "member", |train, _| train.datasets[0] = "lab.people".into()));
    assert!(unknown.contains("lab"), "{unknown}");
}

#[test]
fn words_of_32_bits_are_told_and_an_overflow_is_refused() {
    let half = |largest: &'static str| {
        changed(&["age"], "member", move |train, _| {
            (train.ring, train.largest_update) =
                (RingSpec::Narrow, serde_json::from_str(largest).unwrap());
        })
    };
    let plan = half("1").unwrap();
    let encoding = training(&plan).encoding(&plan).unwrap();
    assert!(encoding.is_narrow());
    assert_eq!((encoding.bits(), encoding.weight_step()), (17, 1));
    let told = leakage(&plan, &|_| Vec::new()).unwrap().join("\n");
    assert!(
        told.contains("rows count in steps of 1") && told.contains("less than 7.6e-6"),
        "{told}"
    );
    let lines = explain(&plan, &|_| None).unwrap();
    assert!(lines.contains("in 3 rounds, in words of 32 bits"), "{lines}");
    let large = half("1000").unwrap_err().to_string();
    assert!(large.contains("words of 64 bits"), "{large}");
    // Whatever a plan says, too.
    let mut plan = plan;
    let Some(crate::plan::Op::Train(of)) = plan.nodes.last_mut() else { unreachable!() };
    of.gate = Some(serde_json::from_str(r#"{"kind": "norm", "largest_norm": 2}"#).unwrap());
    assert!(check(&plan).unwrap_err().to_string().contains("32 bits"));
}

#[test]
fn a_gate_is_told_and_what_it_cannot_be_is_refused() {
    let with = |gate: &str, least: u32| {
        let gate: GateSpec = serde_json::from_str(gate).unwrap();
        changed(ALL, "member", move |train, _| {
            (train.gate, train.min_providers) = (Some(gate.clone()), Some(least));
        })
    };
    let norm = with(r#"{"kind": "norm", "largest_norm": 2}"#, 2).unwrap();
    let told = leakage(&norm, &|_| Vec::new()).unwrap().join("\n");
    assert!(told.contains("a bit a provider; taken are updates of norm 2 at most"), "{told}");
    let wide = with(r#"{"kind": "norm", "largest_norm": 40000}"#, 2).unwrap();
    let [bits, fewer] = [&norm, &wide].map(|plan| training(plan).encoding(plan).unwrap().bits());
    assert!(fewer < bits && fewer >= 24, "squares fit: {bits}, {fewer}");
    assert_eq!(check(&norm).unwrap()[3][1].rows, 7 + 3 * 6);
    assert!(with(r#"{"kind": "krum", "largest_norm": 2, "byzantine": 0}"#, 3).is_ok());
    for (gate, least, what) in [
        (r#"{"kind": "krum", "largest_norm": 2, "byzantine": 1}"#, 2, "withstands 1 of at least 5"),
        (r#"{"kind": "krum", "largest_norm": 2, "byzantine": 0, "keep": 2}"#, 3, "takes 2 updates"),
        (r#"{"kind": "norm", "largest_norm": 10000000000}"#, 2, "fewer fractional bits"),
        (
            r#"{"kind": "norm", "largest_norm": 2, "largest_loss": 1000000000000}"#,
            2,
            "loss of a row",
        ),
    ] {
        let told = with(gate, least).unwrap_err().to_string();
        assert!(told.contains(what), "{gate}: {told}");
    }
}

#[test]
fn what_updates_were_worth_is_told_by_rows_of_a_party_that_does_not_train() {
    let with = |change: &dyn Fn(&mut TrainSpec)| {
        let (descriptors, terms) = world(&["census", "employers", "bank", "d"]);
        let mut job = asked(&OWNERS, &["age", "pay"], "income = 'high'");
        let JobKind::Train(train) = &mut job.kind else { unreachable!() };
        train.gate = serde_json::from_str(r#"{"kind": "norm", "largest_norm": 2}"#).unwrap();
        let common = r#"[{"datasets": ["bank.residents", "census.residents"], "rows": 512}]"#;
        let asked = format!(r#"{{"validation": "d.residents", "price": 900, "common": {common}}}"#);
        train.contribution = serde_json::from_str(&asked).unwrap();
        change(train);
        compile(&job, &descriptors, &terms).map(|compiled| compiled.plan)
    };
    let plan = with(&|_| ()).unwrap();
    let of = training(&plan);
    let valuation = of.valuation.as_ref().unwrap();
    assert_eq!((of.inputs.len(), valuation.validation), (3, 3));
    assert_eq!(valuation.input(&plan).unwrap().party, party("d"));
    let unique = [0, 1, 2].map(|k| valuation.unique(k, 1024).to_string());
    assert_eq!(unique, ["0.75", "1", "0.75"]);
    assert_eq!(of.encoding(&plan).unwrap().bits(), 20);
    let used = |form: &UseForm| plan.uses.iter().filter(|used| used.form == *form).count();
    assert_eq!((used(&UseForm::Train), used(&UseForm::Validate)), (9, 3));
    let told = leakage(&plan, &|_| Vec::new()).unwrap().join("\n");
    assert!(told.contains("the rows of d.residents that updates are weighed by"), "{told}");
    assert!(told.contains("two numbers a provider"), "{told}");
    let refused = |change: &dyn Fn(&mut TrainSpec)| with(change).unwrap_err().to_string();
    assert!(refused(&|train| train.gate = None).contains("has no `gate`"));
    let adam = refused(&|train| {
        train.strategy = serde_json::from_str(r#"{"kind": "adam"}"#).unwrap();
    });
    assert!(adam.contains("no plain average"), "{adam}");
    let itself = refused(&|train| {
        train.datasets.push("d.residents".into());
    });
    assert!(itself.contains("weigh itself"), "{itself}");
}

#[test]
fn rows_become_numbers_by_public_bounds() {
    let plan = compiled(ALL, "income = 'high'").unwrap();
    let batch = |ages: Vec<Option<i32>>, jobs: Vec<Option<&str>>| {
        let rows = ages.len();
        let pay = Decimal128Array::from(vec![500; rows]).with_precision_and_scale(9, 2).unwrap();
        let columns: Vec<(&str, ArrayRef)> = vec![
            ("age", Arc::new(Int32Array::from(ages))),
            ("pay", Arc::new(pay)),
            ("job", Arc::new(StringArray::from(jobs))),
            ("member", Arc::new(BooleanArray::from(vec![true; rows]))),
            ("old", Arc::new(BooleanArray::from(vec![false; rows]))),
            ("label", Arc::new(BooleanArray::from(vec![true; rows]))),
        ];
        let all = columns.into_iter().map(|(name, column)| (name, column, true));
        RecordBatch::try_from_iter_with_nullable(all).unwrap()
    };
    let read = |batch: &RecordBatch| training_rows(&plan.inputs[0], training(&plan), batch);
    let rows = read(&batch(
        vec![Some(0), Some(100), None, Some(50)],
        vec![Some("care"), Some("trade"), Some("care"), None],
    ));
    let rows = rows.unwrap();
    // The row without an age is left out; a text that is not there is none of the values.
    assert_eq!(rows.len(), 3);
    assert_eq!(rows.row(0), [-1.0, 0.0, 1.0, 0.0, 1.0, 0.0]);
    assert_eq!(rows.row(1), [1.0, 0.0, 0.0, 1.0, 1.0, 0.0]);
    assert_eq!(rows.row(2), [0.0, 0.0, 0.0, 0.0, 1.0, 0.0]);
    assert_eq!(read(&batch(vec![], vec![])).unwrap().len(), 0);
    for (bad, promise) in [
        (batch(vec![Some(101)], vec![None]), "range"),
        (batch(vec![Some(1)], vec![Some("theft")]), "domain"),
    ] {
        let error = read(&bad).unwrap_err();
        assert!(matches!(error, EncodeError::Outside { promise: found, .. } if found == promise));
        assert!(!error.to_string().contains("101") && !error.to_string().contains("theft"));
    }
    let many = read(&batch(vec![Some(1); 1025], vec![None; 1025]));
    assert!(matches!(many, Err(EncodeError::Rows { bound: 1024, .. })));
}

#[test]
fn trees_are_planned_with_what_they_show() {
    let trees = |json: &str| {
        let model = serde_json::from_str::<ModelSpec>(json).unwrap();
        move |train: &mut TrainSpec, _: &mut Vec<DatasetDescriptor>| train.model = model.clone()
    };
    let four = trees(r#"{"kind": "trees"}"#);
    let plan = changed(ALL, "income = 'high'", four).unwrap();
    let shapes = check(&plan).unwrap();
    // Fifteen edges of each of six numbers; of each of three trees fifteen nodes and sixteen leaves; nothing of rounds.
    assert_eq!(shapes[3][1].rows, 6 * 15 + 3 * (15 + 16));
    assert_eq!(training(&plan).least, 3);
    let told = leakage(&plan, &|_| Vec::new()).unwrap().join("\n");
    assert!(
        told.contains("3 trees as they grow") && told.contains("no sum and no count"),
        "{told}"
    );
    assert!(!told.contains("hears of each round"), "{told}");
    assert!(!told.contains("the model after each"), "{told}");
    let words = |refused: Result<Plan, CompileError>| refused.unwrap_err().to_string();
    let one = trees(r#"{"kind": "trees"}"#);
    assert!(words(changed(&["age"], "pay", one)).contains("a trees model can"));
    let deep = trees(r#"{"kind": "trees", "depth": 9}"#);
    assert!(words(changed(&["age"], "income", deep)).contains("levels"));
    let large = words(changed(&["age"], "income", |train, descriptors| {
        trees(r#"{"kind": "trees"}"#)(train, descriptors);
        descriptors[0].rows_max = 1 << 31;
    }));
    assert!(large.contains("fraction bits"), "{large}");
}

#[test]
fn a_plan_that_trains_on_what_is_shared_is_none() {
    let plan = compiled(&["age"], "member").unwrap();
    let broken = |change: &dyn Fn(&mut Plan)| {
        let mut plan = plan.clone();
        change(&mut plan);
        check(&plan).unwrap_err().to_string()
    };
    let of = |plan: &mut Plan, change: &dyn Fn(&mut Training)| {
        let Some(crate::plan::Op::Train(of)) = plan.nodes.last_mut() else { unreachable!() };
        change(of);
    };
    assert!(broken(&|plan| plan.inputs[0].trains = false).contains("shared"));
    assert!(broken(&|plan| of(plan, &|of| of.least = 1)).contains("averages of 1"));
    assert!(broken(&|plan| of(plan, &|of| of.inputs[1] = 0)).contains("two inputs"));
    assert!(broken(&|plan| of(plan, &|of| of.rounds = 0)).contains("no rounds"));
    assert!(broken(&|plan| plan.output.live = crate::plan::Ref(0, 0)).contains("stay at home"));
}
