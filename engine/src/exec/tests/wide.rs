//! Plans with words of 128 bits on shares: what they give in clear, at the quoted price, from inside and outside.

use super::*;
use crate::{
    catalog::{ColumnSpec, ColumnType, DatasetDescriptor},
    plan::Kind,
    sql::tests::{column, nullable},
};

const MONEY: ColumnType = ColumnType::Decimal { precision: 38, scale: 10 };
const WHOLE: ColumnType = ColumnType::Decimal { precision: 38, scale: 0 };

fn ranged(name: &str, max: i128) -> ColumnSpec {
    let range = Some(crate::catalog::Range { min: -max, max });
    ColumnSpec { range, ..column(name, MONEY, None) }
}

fn tables() -> [DatasetDescriptor; 2] {
    let (mut people, mut jobs) = (people(), jobs());
    (people.rows_max, jobs.rows_max) = (65, 97);
    let balance = nullable(ranged("balance", 10_i128.pow(33)));
    people.columns.extend([balance, column("ends", WHOLE, None)]);
    people.columns.push(nullable(column("word", ColumnType::Int64, None)));
    let code = ColumnSpec { unique: true, ..column("code", WHOLE, None) };
    jobs.columns.extend([ranged("worth", 10_i128.pow(33)), column("ends", WHOLE, None), code]);
    jobs.columns.push(column("word", ColumnType::Int64, None));
    [people, jobs]
}

const JOINED: &str = "FROM census.people p JOIN employers.jobs j ON p.person_id = j.person_id";

const STATEMENTS: [&str; 9] = [
    "SELECT p.education, SUM(p.balance) AS s, AVG(j.worth) AS a, MAX(p.balance) AS hi, MIN(p.ends) AS lo JOINED \
     GROUP BY p.education HAVING AVG(p.balance) < AVG(j.worth)",
    "SELECT SUM((p.balance - j.worth) * 3) AS d, SUM(p.balance + j.worth) AS s, SUM(j.word) AS w, COUNT(p.word) AS n, MAX(p.ends) AS e JOINED",
    "SELECT COUNT(*) AS n, SUM(p.age) AS a JOINED WHERE p.word >= j.word AND p.ends < j.ends",
    "SELECT COUNT(*) AS n JOINED WHERE p.balance - j.worth > 0.5 AND p.ends <> j.word",
    "SELECT CASE WHEN p.word > j.word THEN p.ends ELSE j.ends END AS k, COUNT(*) AS n, SUM(j.worth) AS s JOINED GROUP BY 1",
    "SELECT SUM(CASE WHEN p.balance > j.worth THEN p.balance ELSE j.word END) AS s JOINED",
    "SELECT j.occupation, SUM(CAST(p.word AS DECIMAL(19, 0)) * j.capital_gain) AS s JOINED GROUP BY j.occupation ORDER BY s DESC",
    "SELECT p.education, COUNT(*) AS n, SUM(p.balance) AS s FROM employers.jobs j JOIN census.people p ON j.code = p.ends \
     GROUP BY p.education",
    "SELECT j.ends, p.education, COUNT(*) AS n, SUM(j.worth) AS s JOINED GROUP BY 1, 2 ORDER BY j.ends DESC, s LIMIT 5",
];

fn plan(sql: &str, compute: Option<[&str; 3]>) -> Plan {
    let mut job = spec(&sql.replace("JOINED", JOINED));
    if let Some(names) = compute {
        job.compute = names.map(|name| name.try_into().unwrap()).into();
    }
    compile(&job, &tables(), &[]).unwrap_or_else(|e| panic!("{sql}: {e}")).plan
}

#[test]
fn wide_plans_give_what_they_give_in_clear_at_the_quoted_price() {
    for (seed, sql) in (40..).zip(STATEMENTS) {
        for round in 0..2 {
            check_plan(100 * round + seed, &plan(sql, None), false);
        }
    }
    let outside = Some(["neutral", "bank", "lab"]);
    check_plan(50, &plan(STATEMENTS[0], outside), true);
    check_plan(51, &plan(STATEMENTS[6], outside), true);
}

/// The statements above reach every operation on words of 128 bits, so that each is compared and priced.
#[test]
fn every_wide_operation_is_tried() {
    let mut seen = std::collections::BTreeSet::new();
    for sql in STATEMENTS {
        let plan = plan(sql, None);
        let shapes = check(&plan).unwrap();
        let wide = |r: crate::plan::Ref| shapes[r.0 as usize][r.1 as usize].kind == Kind::Z128;
        for (op, outputs) in plan.nodes.iter().zip(&shapes) {
            if op.refs().into_iter().any(wide) || outputs.iter().any(|s| s.kind == Kind::Z128) {
                let name = format!("{op:?}");
                seen.insert(name.split([' ', '(', '{']).next().unwrap_or_default().to_owned());
            }
        }
        assert!(
            !plan.nodes.iter().any(|op| matches!(op, Op::Head { .. })) || sql.contains("LIMIT")
        );
    }
    let want = [
        "Add", "Affine", "Constant", "GroupBy", "Head", "Input", "Join", "Lt", "Mask", "Mul",
        "Select", "Sort", "Sub", "ToBits", "ToWide",
    ];
    assert_eq!(seen.iter().map(String::as_str).collect::<Vec<_>>(), want);
}
