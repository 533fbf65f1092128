//! What is not supported is refused with a message that names the construct and its place.

use super::{DEMO, jobs, people, spec, terms};
use crate::{
    catalog::DatasetDescriptor,
    job::Security,
    plan::PolicyTerms,
    sql::{CompileError, compile},
};

fn refusal(sql: &str) -> String {
    let error = compile(&spec(sql), &[people(), jobs()], &[]).map(|c| c.plan);
    error.expect_err(sql).to_string()
}

const JOINED: &str = "FROM census.people p JOIN employers.jobs j ON p.person_id = j.person_id";

#[test]
fn unsupported_constructs_are_named_with_their_place() {
    let cases: &[(&str, &[&str])] = &[
        ("SELECT * FROM census.people", &["SELECT *", "line 1, column 8", "name the columns"]),
        ("SELECT p.* FROM census.people p", &["SELECT *"]),
        (
            "SELECT age FROM census.people\nUNION SELECT hours_per_week FROM employers.jobs",
            &["UNION", "one job for each"],
        ),
        (
            "SELECT COUNT(*) FROM census.people p\n  LEFT JOIN employers.jobs j ON p.person_id = j.person_id",
            &["LEFT JOIN", "line 2", "INNER JOIN"],
        ),
        (
            "SELECT COUNT(*) FROM census.people p FULL JOIN employers.jobs j ON p.person_id = j.person_id",
            &["FULL JOIN"],
        ),
        (
            "SELECT COUNT(*) FROM census.people p NATURAL JOIN employers.jobs j",
            &["NATURAL JOIN", "ON or USING"],
        ),
        (
            "SELECT COUNT(*) FROM census.people p, employers.jobs j",
            &["without an equality", "ON a.key = b.key"],
        ),
        (
            "SELECT COUNT(*) FROM census.people p JOIN employers.jobs j ON p.age = j.hours_per_week",
            &["neither side's key is unique", "declare"],
        ),
        (
            "SELECT COUNT(*) FROM census.people p JOIN employers.jobs j ON p.age > j.hours_per_week",
            &["without an equality"],
        ),
        (
            "SELECT age, ROW_NUMBER() OVER (ORDER BY age) FROM census.people",
            &["window function", "line 1, column 13"],
        ),
        (
            "SELECT COUNT(*) FROM census.people WHERE age > (SELECT 3)",
            &["subquery in an expression", "JOIN"],
        ),
        (
            "SELECT COUNT(*) FROM census.people WHERE person_id IN (SELECT person_id FROM employers.jobs)",
            &["subquery"],
        ),
        (
            "SELECT COUNT(*) FROM census.people WHERE EXISTS (SELECT 1 FROM employers.jobs)",
            &["subquery"],
        ),
        ("SELECT COUNT(DISTINCT age) FROM census.people", &["COUNT(DISTINCT …)", "GROUP BY"]),
        (
            "SELECT STDDEV(age) FROM census.people",
            &["aggregate STDDEV", "COUNT, SUM, AVG, MIN or MAX"],
        ),
        (
            "SELECT education, COUNT(*) FROM census.people GROUP BY ROLLUP(education)",
            &["ROLLUP", "suppressed groups"],
        ),
        ("SELECT DISTINCT ON (education) age FROM census.people", &["DISTINCT ON"]),
        ("SELECT age FROM census.people LIMIT 5 OFFSET 3", &["OFFSET", "LIMIT"]),
        ("SELECT age FROM census.people LIMIT 0", &["LIMIT 0", "at least one row"]),
        (
            "SELECT COUNT(*) FROM census.people WHERE random() < 0.5",
            &["function random", "differ between parties"],
        ),
        ("SELECT age FROM census.people WHERE age = $1", &["parameter", "write the value"]),
        ("SELECT 1", &["SELECT without a table", "FROM"]),
        (
            "SELECT SUM(age) / COUNT(*) FROM census.people",
            &["division", "AVG divides at the buyer"],
        ),
        (&format!("SELECT SUM(p.age / j.hours_per_week) {JOINED}"), &["division"]),
        (&format!("SELECT SUM(p.age % j.hours_per_week) {JOINED}"), &["division"]),
        (
            &format!("SELECT COUNT(*) {JOINED} WHERE p.education LIKE j.occupation"),
            &["LIKE over columns of several providers"],
        ),
        (
            &format!("SELECT SUM(greatest(p.age, j.hours_per_week)) {JOINED}"),
            &["greatest", "one provider only"],
        ),
        ("SELECT AVG(age) + 1 FROM census.people", &["AVG", "select AVG by itself"]),
        (
            "SELECT education, AVG(age) a FROM census.people GROUP BY education ORDER BY a",
            &["ORDER BY", "divided by the buyer"],
        ),
        ("SELECT SUM(CAST(age AS DOUBLE)) FROM census.people", &["DOUBLE or FLOAT", "DECIMAL"]),
        ("SELECT sqrt(age) FROM census.people", &["Float64", "DECIMAL"]),
        (
            "SELECT upper(education), COUNT(*) FROM census.people GROUP BY 1",
            &["without a public list", "domain"],
        ),
        (
            "SELECT COUNT(*) FROM (SELECT age FROM census.people LIMIT 3) t",
            &["on the result of a LIMIT"],
        ),
        (
            "SELECT COUNT(*) FROM (SELECT education, COUNT(*) c FROM census.people GROUP BY education) t",
            &["grouping the result of a grouping"],
        ),
        ("WITH RECURSIVE t AS (SELECT 1) SELECT COUNT(*) FROM t", &["WITH RECURSIVE"]),
        ("DELETE FROM census.people", &["DELETE", "a job is one SELECT"]),
        ("CREATE TABLE t (a INT)", &["CREATE", "a job is one SELECT"]),
        ("EXPLAIN SELECT age FROM census.people", &["EXPLAIN"]),
    ];
    for (sql, words) in cases {
        let message = refusal(sql);
        for word in *words {
            assert!(message.contains(word), "{sql}\n{message}\nlacks `{word}`");
        }
    }
}

#[test]
fn unknown_names_come_with_their_neighbours() {
    let cases = [
        (
            "SELECT COUNT(*) FROM census.peeple",
            "unknown table `census.peeple`; did you mean `census.people`?",
        ),
        ("SELECT COUNT(*) FROM people", "unknown table `people`; did you mean `census.people`?"),
        ("SELECT SUM(p.agee) FROM census.people p", "unknown column `p.agee`; did you mean `age`?"),
    ];
    for (sql, message) in cases {
        assert_eq!(refusal(sql), message);
    }
    assert!(matches!(
        compile(&spec("SELECT nope(age) FROM census.people"), &[people()], &[]),
        Err(CompileError::Meaning { .. })
    ));
    for text in ["", ";", "SELEC 1", "SELECT age FROM census.people; SELECT 2", "SELECT 'a"] {
        let error = compile(&spec(text), &[people()], &[]).map(|c| c.plan);
        assert!(matches!(error, Err(CompileError::Syntax { .. })), "{text}: {error:?}");
    }
}

#[test]
fn what_could_leave_64_bits_is_refused_with_its_bounds() {
    let mut wide = people();
    wide.columns[1].range = None;
    let compile = |sql: &str| compile(&spec(sql), &[wide.clone(), jobs()], &[]).map(|c| c.plan);
    let cases = [
        format!("SELECT SUM(p.person_id * 1000000000000000) {JOINED}"),
        format!(
            "SELECT SUM(CAST(p.age AS BIGINT) * CAST(p.age AS BIGINT) * j.hours_per_week) {JOINED}"
        ),
        format!("SELECT SUM(p.age + j.hours_per_week) {JOINED}"),
        "SELECT SUM(person_id) * 100000000000 FROM census.people".to_owned(),
        "SELECT COUNT(*) FROM census.people WHERE age + age > 5".to_owned(),
        "SELECT MAX(CASE WHEN -age > 5 THEN 1 END) FROM census.people".to_owned(),
        "SELECT SUM(CAST(age AS BIGINT) * CAST(age AS BIGINT) * 3) FROM census.people".to_owned(),
    ];
    for sql in cases {
        assert!(matches!(compile(&sql), Err(CompileError::Overflow { .. })), "{sql}");
    }
    assert!(compile("SELECT SUM(age) FROM census.people").is_ok());
}

#[test]
fn long_and_deep_statements_end_with_an_answer() {
    let condition = |n: usize| {
        let parts: Vec<String> = (0..n).map(|i| format!("age<>{i}")).collect();
        format!("SELECT COUNT(*) FROM census.people WHERE {}", parts.join(" AND "))
    };
    let compile = |sql: &str| compile(&spec(sql), &[people(), jobs()], &[]).map(|c| c.plan);
    assert!(compile(&condition(400)).is_ok());
    assert!(matches!(compile(&condition(5000)), Err(CompileError::Syntax { .. })));
    let sum = vec!["p.age"; 400].join("+");
    assert!(compile(&format!("SELECT SUM({sum}) {JOINED}")).is_ok());
    let parentheses =
        format!("SELECT {}1{} FROM census.people", "(".repeat(3000), ")".repeat(3000));
    assert!(compile(&parentheses).is_err());
}

#[test]
fn descriptors_that_contradict_themselves_are_refused() {
    let bad = |change: &dyn Fn(&mut DatasetDescriptor)| {
        let mut table = people();
        change(&mut table);
        match compile(&spec("SELECT COUNT(*) FROM census.people"), &[table], &[]).map(|c| c.plan) {
            Err(CompileError::Inconsistent { what }) => what,
            other => panic!("{other:?}"),
        }
    };
    assert!(bad(&|t| t.rows_max = 0).contains("0 rows"));
    assert!(bad(&|t| t.entity_key = Some("x".into())).contains("entity key"));
    assert!(
        bad(&|t| t.columns[2].domain = Some(vec!["b".into(), "a".into()]))
            .contains("not ascending")
    );
    assert!(bad(&|t| t.columns[1].name = "person_id".into()).contains("twice"));
    assert!(bad(&|t| t.name = "People!".into()).contains("lower case"));
}

#[test]
fn a_policy_that_no_plan_keeps_refuses_the_job() {
    let refused = |sql: &str, tables: &[DatasetDescriptor], policies: &[PolicyTerms]| match compile(
        &spec(sql),
        tables,
        policies,
    )
    .map(|c| c.plan)
    {
        Err(CompileError::Refused { party, rule, message, .. }) => {
            assert_eq!(rule, "output.min_group_entities");
            (party.to_string(), message)
        }
        other => panic!("{sql}: {other:?}"),
    };
    let k = [terms("census.people", 10)];
    let (party, message) = refused("SELECT age FROM census.people", &[people()], &k);
    assert!(party == "census" && message.contains("at least 10"), "{message}");
    // Many jobs of one person: ten rows need not be ten people.
    let mut many = jobs();
    many.entity_key = None;
    let sql = format!("SELECT COUNT(*) {JOINED}");
    let (party, message) = refused(&sql, &[people(), many.clone()], &k);
    assert!(party == "census" && message.contains("several times"), "{message}");
    let (party, message) = refused(&sql, &[people(), many.clone()], &[terms("employers.jobs", 2)]);
    assert!(party == "employers" && message.contains("names no entity key"), "{message}");
    assert!(compile(&spec(&sql), &[people(), many], &[]).is_ok());
}

#[test]
fn malicious_security_is_refused_in_clear_words() {
    let mut job = spec(DEMO);
    job.security = Security::Malicious;
    let error = compile(&job, &[people(), jobs()], &[]).map(|c| c.plan).unwrap_err();
    assert_eq!(error, CompileError::Security { asked: "malicious" });
    assert!(error.to_string().contains("not implemented"));
}
