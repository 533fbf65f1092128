//! Trainings on joined rows as plans: what is joined and shared for them, what policies are asked, and what cannot be.

use super::{jobs, people, spec, terms};
use crate::{
    job::{JobKind, JobSpec, VerticalSpec},
    plan::{Encoding, Feature, Op, Plan, PolicyTerms, UseForm, check, explain, leakage},
    sql::{CompileError, compile},
};

const BOTH: &str = "census.people p JOIN employers.jobs j ON p.person_id = j.person_id";

pub(crate) fn asked(features: &[&str], label: &str) -> JobSpec {
    let json = serde_json::json!({"from": BOTH, "features": features, "label": label});
    let train: VerticalSpec = serde_json::from_value(json).unwrap();
    JobSpec { kind: JobKind::TrainVertical(train), ..spec("") }
}

pub(crate) fn ask(job: &mut JobSpec) -> &mut VerticalSpec {
    let JobKind::TrainVertical(train) = &mut job.kind else { unreachable!() };
    train
}

fn compiled(features: &[&str], label: &str) -> Result<Plan, CompileError> {
    changed(features, label, &[], |_| ())
}

fn changed(
    features: &[&str],
    label: &str,
    terms: &[PolicyTerms],
    change: impl Fn(&mut VerticalSpec),
) -> Result<Plan, CompileError> {
    let mut job = asked(features, label);
    change(ask(&mut job));
    compile(&job, &[people(), jobs()], terms).map(|compiled| compiled.plan)
}

const RICH: &str = "p.income = '>50K'";

#[test]
fn features_of_all_tables_are_brought_over_the_join_and_uses_are_recorded() {
    let features = ["p.age", "j.occupation", "j.capital_gain > 100", "p.age > j.hours_per_week"];
    let plan = changed(&features, RICH, &[terms("census.people", 20)], |of| {
        of.filter = Some("p.education <> 'Masters'".into());
    });
    let plan = plan.unwrap();
    let of = plan.vertical().unwrap();
    assert_eq!(of.weights(), 1 + 2 + 1 + 1 + 1);
    assert_eq!(plan.min_group_entities, 60, "ten rows a weight");
    assert_eq!(
        of.features[0],
        Feature::Number { name: "p.age".into(), min: 0, max: 120, digits: 0 }
    );
    assert_eq!(of.features[1].names(), ["j.occupation = Sales", "j.occupation = Tech-support"]);
    check(&plan).unwrap();
    let encodings = |at: usize| plan.inputs[at].columns.iter().map(|column| &column.encoding);
    let age = Encoding::Unit { min: 0, max: 120, frac: 12 };
    assert_eq!(encodings(0).filter(|encoding| **encoding == age).count(), 1);
    let used = |column: &str, form: &UseForm| {
        plan.uses.iter().filter(|used| used.column == column && used.form == *form).count()
    };
    for name in ["age", "occupation", "capital_gain", "hours_per_week", "income"] {
        assert_eq!(used(name, &UseForm::Train), 1, "{name}");
    }
    assert_eq!((used("education", &UseForm::Filter), used("education", &UseForm::Train)), (1, 0));
    assert_eq!(used("person_id", &UseForm::JoinKey("employers.jobs".into())), 1);
    let told = leakage(&plan, &|_| Vec::new()).unwrap().join("\n");
    assert!(told.contains("insurer: a model of 6 weights"), "{told}");
    assert!(told.contains("no gradient and no score is opened"), "{told}");
    assert!(told.contains("no noise is added"), "{told}");
    let text = explain(&plan, &|_| None).unwrap();
    assert!(text.contains("train a logistic model of 6 weights"), "{text}");
    assert!(text.contains("only if the model rests on 60 rows at least"), "{text}");
}

#[test]
fn rows_that_lack_something_are_left_out_by_their_owner() {
    let plan = compiled(&["p.age", "j.occupation = 'Sales'"], RICH).unwrap();
    assert!(plan.inputs[1].text.contains("IS NOT NULL"), "{}", plan.inputs[1].text);
    let plan = compiled(&["p.age", "j.occupation"], RICH).unwrap();
    assert!(!plan.inputs[1].text.contains("IS NOT NULL"), "none of a list's values is one");
    // Of a condition on both, the parties leave out what is neither true nor false.
    let both = ["p.age", "CASE WHEN p.age > 3 THEN j.occupation = 'Sales' ELSE true END"];
    let plan = compiled(&both, RICH).unwrap();
    let matched = Op::Join {
        left_key: crate::plan::Ref(0, 0),
        left_live: crate::plan::Ref(0, 0),
        left_sorted: true,
        columns: vec![],
        right_key: crate::plan::Ref(0, 0),
        right_live: crate::plan::Ref(0, 0),
    };
    let live = &plan.nodes[plan.vertical().unwrap().live.0 as usize];
    assert_ne!(std::mem::discriminant(live), std::mem::discriminant(&matched), "{live:?}");
}

#[test]
fn the_fewest_rows_are_the_most_that_anybody_wants() {
    let least = |k: u32, min_rows: u32| {
        let terms = [PolicyTerms { min_rows, ..terms("census.people", k) }];
        changed(&["p.age"], RICH, &terms, |_| ()).unwrap().min_group_entities
    };
    assert_eq!(least(0, 0), 20, "two weights");
    assert_eq!((least(5, 0), least(50, 0), least(50, 70)), (20, 50, 70));
}

#[test]
fn what_cannot_be_trained_on_joined_rows_is_refused_by_name() {
    let words = |refused: Result<Plan, CompileError>| refused.unwrap_err().to_string();
    for (feature, label, what) in [
        ("p.age + j.hours_per_week", RICH, "several providers' columns"),
        ("p.person_id = 3 OR nothing", RICH, "nothing"),
        ("SUM(p.age)", RICH, "aggregate"),
        ("p.age), (p.education", RICH, "expressions on joined rows"),
        ("p.age", "p.age", "more than two values"),
        ("p.age", "p.education", "more than two values"),
        ("3", RICH, ""),
    ] {
        let told = words(compiled(&[feature], label));
        assert!(told.contains(what), "{feature}, {label}: {told}");
    }
    let from = |from: &str| words(changed(&["p.age"], RICH, &[], |of| of.from = from.into()));
    let one = from("census.people p JOIN census.people q ON p.person_id = q.person_id");
    assert!(one.contains("rows of one provider"), "{one}");
    assert!(
        from("census.people p JOIN employers.jobs j ON p.age = j.hours_per_week")
            .contains("unique")
    );
    assert!(
        from("census.people p LEFT JOIN employers.jobs j ON p.person_id = j.person_id")
            .contains("LEFT")
    );
    let many = words(changed(&["p.age"; 300], RICH, &[], |_| ()));
    assert!(many.contains("at most 2048 joined rows") || many.contains("at most 1024"), "{many}");
    let few = [PolicyTerms { min_rows: 5000, ..terms("employers.jobs", 0) }];
    assert!(words(changed(&["p.age"], RICH, &few, |_| ())).contains("joined rows"));
    let steep =
        words(changed(&["p.age"], RICH, &[], |of| of.penalty = crate::job::Micro(9_000_000)));
    assert!(steep.contains("penalty"), "{steep}");
}

#[test]
fn a_plan_whose_columns_are_not_those_of_its_features_is_none() {
    let plan = compiled(&["p.age", "j.occupation"], RICH).unwrap();
    let broken = |change: &dyn Fn(&mut crate::plan::Vertical)| {
        let mut plan = plan.clone();
        let of = plan.nodes.iter_mut().find_map(|op| match op {
            Op::TrainVertical(of) => Some(of),
            _ => None,
        });
        change(of.unwrap());
        check(&plan).unwrap_err().to_string()
    };
    assert!(broken(&|of| of.columns.truncate(2)).contains("2 columns for 3 numbers"));
    assert!(broken(&|of| of.columns.swap(0, 1)).contains("is due"));
    assert!(broken(&|of| of.class = of.columns[0]).contains("is due"));
    assert!(broken(&|of| of.rows = 5).contains("is due"));
    assert!(broken(&|of| of.batch = 100).contains("power of two"));
}
