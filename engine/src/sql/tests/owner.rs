//! What an owner evaluates has a value for every row: nothing else goes to it.

use super::{jobs, people, spec};
use crate::sql::compile;

fn filtered(condition: &str) -> Result<(), String> {
    let sql = format!(
        "SELECT COUNT(*) FROM census.people p JOIN employers.jobs j ON p.person_id = j.person_id WHERE {condition}"
    );
    compile(&spec(&sql), &[people(), jobs()], &[]).map(drop).map_err(|error| error.to_string())
}

#[test]
fn a_condition_that_fails_on_some_rows_is_refused() {
    for condition in [
        "10 / (p.age - 40) > 0",
        "10 % (p.age - 40) > 0",
        "100000 / (j.capital_gain * 3) > 0",
        "CASE WHEN p.age <> 40 THEN 1 / (p.age - 40) ELSE 1 END = 1",
        "CAST(p.education AS INT) > 0",
        "p.education > 3",
        "CAST(p.education || 'x' AS DATE) > DATE '2000-01-01'",
        "CAST(j.capital_gain AS SMALLINT) % 7 = 3",
        "CAST(p.person_id AS TINYINT) + 1 = 3",
        "CAST(p.age AS DOUBLE) / 0.0 > 3.5",
        "repeat(p.education, 100000000) = 'x'",
        "lpad(p.education, 1000000000) = 'x'",
        "substr(p.education, 1, p.age - 40) = 'x'",
        "regexp_like(p.education, j.occupation)",
        "regexp_like(p.education, p.income)",
        "p.education LIKE p.income",
        "DATE '2020-01-01' + p.age * INTERVAL '250000 years' > DATE '2020-01-01'",
        "CAST(p.age AS DATE) + INTERVAL '260000 years' > DATE '2020-01-01'",
        "power(p.age, 100) > 3",
    ] {
        assert!(filtered(condition).is_err(), "{condition}");
    }
    let told = filtered("10 / (p.age - 40) > 0").unwrap_err();
    for words in ["a provider's own part", "could fail", "NULLIF(divisor, 0)"] {
        assert!(told.contains(words), "{words}: {told}");
    }
}

#[test]
fn a_condition_that_has_a_value_on_every_row_goes_to_its_owner() {
    for condition in [
        "1000 / j.hours_per_week > 20",
        "j.capital_gain % 1000 = 0",
        "p.person_id / 10 > 5",
        "10 / NULLIF(p.age - 40, 0) > 0",
        "TRY_CAST(p.education AS INT) > 0",
        "CAST(p.age AS TINYINT) > 18",
        "CAST(p.age AS VARCHAR) LIKE '4%'",
        "CAST(p.age AS DOUBLE) / 7 > CAST(3.5 AS DOUBLE)",
        "CAST(p.age AS DECIMAL(10, 2)) * 1.5 > 60",
        "upper(p.education) = 'MASTERS' AND length(p.education) > 3",
        "substr(p.education, 1, 3) = 'Mas' OR p.education LIKE '%grad'",
        "regexp_like(p.education, '^M.*s$')",
        "p.education || p.income <> 'x'",
        "COALESCE(j.occupation, 'none') IN ('Sales', 'none')",
        "CASE WHEN p.age > 40 THEN 1 ELSE 0 END = 1",
        "sqrt(CAST(p.age AS DOUBLE)) > 5",
    ] {
        assert_eq!(filtered(condition), Ok(()), "{condition}");
    }
}

#[test]
fn nested_subqueries_cannot_grow_without_bound() {
    let nested = |levels: usize| {
        let mut sql = "SELECT p.education AS e, p.age AS a FROM census.people p".to_owned();
        for _ in 0..levels {
            sql = format!(
                "SELECT e, CASE WHEN a > 3 THEN a ELSE a END AS a FROM ({sql}) WHERE a < 90"
            );
        }
        let sql = format!("SELECT e, COUNT(*), SUM(a) FROM ({sql}) GROUP BY e");
        compile(&spec(&sql), &[people()], &[]).map(drop).map_err(|error| error.to_string())
    };
    assert_eq!(nested(4), Ok(()));
    let told = nested(16).unwrap_err();
    assert!(told.contains("more than 5000 parts"), "{told}");
}
