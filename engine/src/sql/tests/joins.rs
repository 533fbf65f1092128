//! Joins in a circuit between two owners: what DataFusion says, for all statements where they can be; and where they cannot.

use super::{
    column,
    differential::{ORDERED, SETS},
    party, spec, terms,
    world::{World, declared, lines, ranged, unique},
};
use crate::{
    catalog::{ColumnType, DatasetConfig, DatasetDescriptor, Source},
    plan::{Op, Plan},
    sql::{by_buckets, compile, compile_meeting},
};

fn meets(plan: &Plan) -> bool {
    plan.nodes.iter().any(|op| matches!(op, Op::Intersect(_) | Op::Bucketwise(_)))
}

/// How many of these statements join in a circuit, in buckets of so many rows; each gives what DataFusion gives.
async fn agreeing<'s>(
    world: &World,
    statements: impl Iterator<Item = (&'s str, bool)>,
    bucket: usize,
) -> usize {
    let mut met = 0;
    for (sql, ordered) in statements {
        let Some(mut compiled) = compile_meeting(&spec(sql), &world.descriptors, &[]) else {
            continue;
        };
        assert!(meets(&compiled.plan), "{sql}");
        by_buckets(&mut compiled.plan, bucket);
        if bucket > 0 {
            let cut = compiled.plan.nodes.iter().any(|op| matches!(op, Op::Bucketwise(_)));
            assert!(cut, "all at once: {sql}");
        }
        let mut ours = lines(&world.result(sql, &compiled).await);
        let mut theirs = lines(&world.oracle(sql).await);
        if !ordered {
            ours.sort();
            theirs.sort();
        }
        assert_eq!(ours, theirs, "buckets of {bucket} rows: {sql}");
        met += 1;
    }
    met
}

fn all() -> impl Iterator<Item = (&'static str, bool)> {
    ORDERED.iter().map(|sql| (*sql, true)).chain(SETS.iter().map(|sql| (*sql, false)))
}

#[tokio::test]
async fn every_statement_whose_tables_can_meet_agrees_with_datafusion() {
    for (seed, rows) in [(1, 0), (2, 1), (3, 63), (4, 64), (5, 65)] {
        let world = World::new(seed, rows);
        let met = agreeing(&world, all(), 0).await;
        assert!(met >= 30, "{met} statements with {rows} rows");
    }
    // A bucket of about 20 rows, where sets may be cut.
    assert!(agreeing(&World::new(6, 64), all(), 20).await >= 30);
    let few = all().filter(|(sql, _)| sql.contains("GROUP BY"));
    assert!(agreeing(&World::new(7, 1000), few.take(12), 0).await >= 3);
}

/// Keys are equal where SQL says so: case, blanks, the way a letter is written, and texts with nothing in them count.
#[tokio::test]
async fn texts_are_compared_as_they_are_written() {
    let table = |name: &str, codes: &[&str]| {
        let line = |(i, code): (usize, &&str)| format!("\"{code}\",{i}\n");
        let csv =
            "code,number\n".to_owned() + &codes.iter().enumerate().map(line).collect::<String>();
        DatasetConfig {
            name: name.into(),
            source: Source::Bytes(format!("{name}.csv"), csv.into_bytes().into()),
            entity_key: None,
            rows_max: None,
            columns: vec![
                unique(declared("code", ColumnType::String)),
                ranged("number", ColumnType::Int32, 0, 100),
            ],
        }
    };
    let left = ["a", "B", "c ", "\u{e9}", "\u{ff41}", "same", "sa me"];
    let right = ["A", "B", "c", "e\u{301}", "a", "same", "x", "y"];
    let world = World::of(vec![
        ("census", vec![table("left", &left)]),
        ("employers", vec![table("right", &right)]),
    ]);
    let sql = "SELECT l.number, r.number FROM census.left l JOIN employers.right r ON l.code = r.code \
               ORDER BY l.number";
    let compiled = compile_meeting(&spec(sql), &world.descriptors, &[]).unwrap();
    let ours = lines(&world.result(sql, &compiled).await);
    assert_eq!(ours, ["0 | 4", "1 | 1", "5 | 5"]);
    assert_eq!(ours, lines(&world.oracle(sql).await));
}

#[tokio::test]
async fn groups_of_too_few_are_held_back_all_the_same() {
    let world = World::new(8, 100);
    let k = [terms("census.people", 4), terms("employers.jobs", 2)];
    let sql = "SELECT p.education, j.occupation, COUNT(*), SUM(j.gain) FROM census.people p \
               JOIN employers.jobs j ON p.person_id = j.person_id GROUP BY 1, 2 ORDER BY 1, 2";
    let compiled = compile_meeting(&spec(sql), &world.descriptors, &k).unwrap();
    let ours = lines(&world.result(sql, &compiled).await);
    assert_eq!(ours, lines(&world.ours(sql, &k).await));
    assert!(!ours.is_empty() && ours.len() < lines(&world.oracle(sql).await).len());
}

fn table(owner: &str, unique: bool) -> DatasetDescriptor {
    let key = column("id", ColumnType::Int64, Some((0, 1000)));
    let wide = column("wide", ColumnType::Decimal { precision: 38, scale: 0 }, None);
    DatasetDescriptor {
        party: party(owner),
        name: "rows".into(),
        rows_max: 50,
        entity_key: None,
        columns: vec![
            crate::catalog::ColumnSpec { unique, ..key },
            column("number", ColumnType::Int32, Some((0, 9))),
            wide,
        ],
    }
}

#[test]
fn what_cannot_meet_is_left_to_sorting() {
    let from = "FROM census.rows a JOIN employers.rows b ON a.id = b.id";
    let sum = format!("SELECT SUM(a.number + b.number) {from}");
    let planned = |sql: &str, owners: [&str; 2], unique: [bool; 2]| {
        let tables = [0, 1].map(|i| table(owners[i], unique[i]));
        let sorted = compile(&spec(sql), &tables, &[]).unwrap();
        assert!(!meets(&sorted.plan), "{sql}");
        compile_meeting(&spec(sql), &tables, &[])
    };
    let both = ["census", "employers"];
    let met = planned(&sum, both, [true, true]).unwrap();
    assert!(met.plan.notes.iter().any(|note| note.contains("with probability at most 2^-")));
    assert!(met.plan.inputs.iter().all(|input| input.is_at_home()));
    assert!(planned(&sum, both, [true, false]).is_none(), "a key twice");
    assert!(planned(&sum, both, [false, true]).is_none(), "a key twice");
    let wide = format!("SELECT MAX(a.wide) {from}");
    assert!(planned(&wide, both, [true, true]).is_none(), "128 bits");
    let elsewhere = sum.replace("employers", "bank");
    assert!(planned(&elsewhere, ["census", "bank"], [true, true]).is_none(), "no compute party");
    let one = "SELECT COUNT(*) FROM census.rows a JOIN census.rows b ON a.id = b.id";
    assert!(planned(one, both, [true, true]).is_none(), "two tables of one owner");
    let alone = "SELECT COUNT(*) FROM census.rows";
    assert!(planned(alone, both, [true, true]).is_none(), "no join");
}
