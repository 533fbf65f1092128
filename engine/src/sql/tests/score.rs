//! Scorings as plans: rows and weights that are joined with nothing, what policies are asked, and what cannot be.

use super::{column, jobs, nullable, party, people, spec, terms};
use crate::{
    catalog::{ColumnSpec, ColumnType, DatasetDescriptor},
    job::{JobKind, JobSpec, ScoreSpec},
    plan::{Decode, Plan, PolicyTerms, UseForm, check, explain, leakage},
    sql::{CompileError, compile},
};

const MONEY: ColumnType = ColumnType::Decimal { precision: 9, scale: 3 };

/// A model of so many weights, from −50 to 50 in thousandths.
pub(crate) fn weights(count: u64) -> DatasetDescriptor {
    let position = column("position", ColumnType::Int32, Some((0, 1000)));
    DatasetDescriptor {
        party: party("neutral"),
        name: "model".into(),
        rows_max: count,
        entity_key: None,
        columns: vec![
            ColumnSpec { unique: true, ..position },
            column("weight", MONEY, Some((-50_000, 50_000))),
            column("free", MONEY, None),
            nullable(column("maybe", MONEY, Some((-50_000, 50_000)))),
        ],
    }
}

pub(crate) fn asked(features: &[&str]) -> JobSpec {
    let json = serde_json::json!({
        "from": "census.people p JOIN employers.jobs j ON p.person_id = j.person_id",
        "columns": ["p.person_id"], "features": features, "filter": "p.age > 20",
        "model": {"dataset": "neutral.model", "weight": "weight", "position": "position"},
    });
    let score: ScoreSpec = serde_json::from_value(json).unwrap();
    JobSpec { kind: JobKind::Score(score), ..spec("") }
}

pub(crate) const FEATURES: &[&str] = &["p.age", "j.occupation", "p.age > j.hours_per_week"];

fn changed(
    features: &[&str],
    terms: &[PolicyTerms],
    change: impl Fn(&mut ScoreSpec, &mut DatasetDescriptor),
) -> Result<Plan, CompileError> {
    let (mut job, mut model) = (asked(features), weights(5));
    let JobKind::Score(score) = &mut job.kind else { unreachable!() };
    change(score, &mut model);
    compile(&job, &[people(), jobs(), model], terms).map(|compiled| compiled.plan)
}

#[test]
fn rows_and_weights_meet_in_one_operation_and_uses_are_recorded() {
    let plan = changed(FEATURES, &[], |_, _| ()).unwrap();
    check(&plan).unwrap();
    let used = |column: &str, form: &UseForm| {
        plan.uses.iter().filter(|used| used.column == column && used.form == *form).count()
    };
    for name in ["age", "occupation", "hours_per_week", "weight", "position"] {
        assert_eq!(used(name, &UseForm::Score), 1, "{name}");
    }
    assert_eq!((used("person_id", &UseForm::List), used("age", &UseForm::Filter)), (1, 1));
    assert!(plan.uses.iter().all(|used| used.form != UseForm::Train));
    let model = &plan.inputs[2];
    assert_eq!((model.rows, &model.sorted_by[..]), (5, &[0][..]), "{model:?}");
    let names: Vec<_> = plan.output.columns.iter().map(|column| &column.name).collect();
    assert_eq!(names, ["p.person_id", "score"]);
    assert_eq!(plan.output.columns[1].decode, Decode::Quotient { scale: 3 });
    let told = leakage(&plan, &|_| Vec::new()).unwrap().join("\n");
    assert!(told.contains("whoever knows the numbers of 5 rows and gets their scores"), "{told}");
    assert!(told.contains("so that a score spells out every number"), "{told}");
    assert!(explain(&plan, &|_| None).unwrap().contains("score by the 5 weights n2"));
}

#[test]
fn what_cannot_be_scored_is_refused_by_name() {
    let words = |change: &dyn Fn(&mut ScoreSpec, &mut DatasetDescriptor)| {
        changed(FEATURES, &[], change).unwrap_err().to_string()
    };
    assert!(words(&|_, model| model.rows_max = 6).contains("5 weights of a table of 6"));
    assert!(words(&|of, _| of.model.weight = "free".into()).contains("no declared range"));
    assert!(words(&|of, _| of.model.weight = "maybe".into()).contains("nullable"));
    assert!(words(&|of, _| of.model.position = "weight".into()).contains("order of their own"));
    assert!(words(&|of, _| of.model.weight = "nothing".into()).contains("nothing"));
    assert!(words(&|of, _| of.model.dataset = "neutral.models".into()).contains("models"));
    assert!(
        words(&|of, _| of.filter = Some("unseen_weights.weight > 0".into())).contains("weights")
    );
    assert!(words(&|of, _| of.features[0] = "unseen_weights.weight".into()).contains("weights"));
    let shown = words(&|of, _| of.columns = vec!["unseen_weights.weight".into()]);
    assert!(shown.contains("a shown column of the weights"), "{shown}");
    assert!(
        words(&|of, _| of.features[0] = "p.age), (p.age".into()).contains("expressions on rows")
    );
    assert!(words(&|of, _| of.features[0] = "p.age + j.capital_gain".into()).contains("several"));
    let wide = words(&|_, model| {
        let ty = ColumnType::Decimal { precision: 18, scale: 0 };
        model.columns[1] = column("weight", ty, Some((0, 999_999_999_999_999_999)));
    });
    assert!(wide.contains("does not fit"), "{wide}");
    let few = changed(FEATURES, &[terms("census.people", 3)], |_, _| ()).unwrap_err();
    assert!(few.to_string().contains("min_group_entities"), "a score is of one row: {few}");
}
