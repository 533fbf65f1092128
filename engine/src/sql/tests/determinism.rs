//! One job, one plan, whoever compiles it and whatever the rows are.

use super::{DEMO, column, jobs, people, spec, terms, world::World};
use crate::{
    catalog::ColumnType,
    plan::{ColumnUse, Encoding, Op, Plan, UseForm, check, explain, hash, leakage},
    sql::compile,
};

fn demo() -> Plan {
    let policies = [terms("census.people", 10), terms("employers.jobs", 5)];
    compile(&spec(DEMO), &[people(), jobs()], &policies).unwrap().plan
}

#[test]
fn compiling_twice_gives_the_same_hash() {
    let first = demo();
    assert_eq!(hash(&first), hash(&demo()));
    let text = serde_json::to_string(&first).unwrap();
    assert_eq!(serde_json::from_str::<Plan>(&text).unwrap(), first);
    // Neither the order nor the company of the descriptors matters.
    let policies = [terms("employers.jobs", 5), terms("census.people", 10)];
    let other = crate::catalog::DatasetDescriptor { name: "other".into(), ..people() };
    let again = compile(&spec(DEMO), &[other, jobs(), people()], &policies).unwrap().plan;
    assert_eq!(hash(&first), hash(&again));
    let more = [terms("employers.jobs", 5), terms("census.people", 11)];
    let stricter = compile(&spec(DEMO), &[jobs(), people()], &more).unwrap().plan;
    assert_ne!(hash(&first), hash(&stricter));
}

#[test]
fn rows_do_not_matter() {
    let sql = "SELECT p.education, COUNT(*), MAX(p.city) IS NULL FROM census.people p \
               JOIN employers.jobs j ON p.person_id = j.person_id WHERE p.age > 3 GROUP BY p.education";
    let sql = sql.replace(", MAX(p.city) IS NULL", "");
    let plan = |seed, rows| {
        let world = World::new(seed, rows);
        hash(&compile(&spec(&sql), &world.descriptors, &[]).unwrap().plan)
    };
    assert_eq!(plan(1, 0), plan(2, 500));
}

#[test]
fn now_is_the_time_of_issue() {
    let mut dated = people();
    dated.columns.push(column("born", ColumnType::Date, Some((-36_500, 36_500))));
    let sql = "SELECT COUNT(*) FROM census.people WHERE born < current_date AND born < now()";
    let plan = |ms| {
        let mut job = spec(sql);
        job.issued_at_ms = ms;
        compile(&job, &[dated.clone()], &[]).unwrap().plan
    };
    let text = plan(1_800_000_000_000).inputs[0].text.clone();
    assert!(text.contains("2027-01-15"), "{text}");
    assert!(!text.contains("now()") && !text.contains("current_date"), "{text}");
    assert_eq!(text, plan(1_800_000_000_000).inputs[0].text);
}

#[test]
fn only_what_is_needed_is_shared() {
    let plan = demo();
    let names =
        |i: usize| plan.inputs[i].columns.iter().map(|c| c.name.as_str()).collect::<Vec<_>>();
    let case = "CASE WHEN census.people.income = Utf8(\">50K\") THEN Decimal128(1.0,2,1) \
                ELSE Decimal128(0.0,2,1) END";
    assert_eq!(names(0), ["census.people.person_id", "census.people.education", case]);
    let jobs = ["person_id", "occupation", "occupation", "hours_per_week"];
    assert_eq!(names(1), jobs.map(|c| format!("employers.jobs.{c}")));
    assert!(plan.inputs[0].text.contains("age >= Int32(25)"));
    assert!(plan.inputs[1].text.contains("hours_per_week >= Int32(20)"));
    // The larger side is the right one unless only it is unique; the left is sorted by its key at home.
    let sorted: Vec<_> = plan.inputs.iter().map(|i| i.sorted_by.clone()).collect();
    assert_eq!(sorted, [vec![], vec![0]]);
    let Encoding::Offset { min, max, width } = plan.inputs[0].columns[0].encoding else { panic!() };
    assert_eq!((min, max, width), (1, 1_000_000, 20));
    // Three values and NULL by three values.
    let groups = plan.nodes.iter().find_map(|op| match op {
        Op::GroupBy { groups, .. } => Some(*groups),
        _ => None,
    });
    assert_eq!(groups, Some(9));
    check(&plan).unwrap();
}

#[test]
fn every_use_of_a_column_is_listed() {
    let uses: Vec<String> = demo()
        .uses
        .into_iter()
        .map(|u: ColumnUse| {
            let form = match u.form {
                UseForm::JoinKey(other) => format!("join {other}"),
                other => format!("{other:?}"),
            };
            format!("{}.{} {form}", u.dataset, u.column)
        })
        .collect();
    let want = [
        "people.age Filter",
        "people.education GroupKey",
        "people.income Filter",
        "people.income Aggregate(\"AVG\")",
        "people.person_id join employers.jobs",
        "jobs.hours_per_week Filter",
        "jobs.hours_per_week Aggregate(\"AVG\")",
        "jobs.occupation GroupKey",
        "jobs.person_id join census.people",
    ];
    assert_eq!(uses, want);
}

#[test]
fn a_plan_reads_as_text_with_its_costs_and_leakage() {
    let plan = demo();
    let text = explain(&plan, &|i| (i == 2).then(|| "7 rounds".to_owned())).unwrap();
    for line in [
        "input 0: census runs this",
        "n2 = join n0.0 to n1.0 (sorted by its owner)",
        "7 rounds",
        "sealed to insurer",
        "at least 10 entities",
    ] {
        assert!(text.contains(line), "{text}\nlacks {line}");
    }
    let sentences = leakage(&plan, &|i| if i == 2 { vec![(3072, 4)] } else { Vec::new() }).unwrap();
    for word in [
        "3,072 rows, 4 times, in the join n2",
        "1,024 rows (its published bound)",
        "insurer: the 5 result columns",
        "sealed as its SUM and its COUNT",
    ] {
        assert!(sentences.iter().any(|s| s.contains(word)), "{sentences:#?}\nlacks {word}");
    }
}
