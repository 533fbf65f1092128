//! Joins in a circuit between two owners: on shares as in clear, at the quoted price, and one transcript for tables of one size.

use net::record::{Recorder, Shape as View};
use protocols::net;

use super::*;
use crate::{
    plan::HomeSet,
    sql::{
        Compiled, by_buckets, compile_meeting,
        tests::{
            score::{FEATURES, asked, weights},
            world::World as Tables,
        },
    },
};

const FROM: &str = "FROM census.people p JOIN employers.jobs j ON p.person_id = j.person_id";

fn statements() -> Vec<String> {
    vec![
        format!("SELECT COUNT(*), SUM(j.gain - p.age), MAX(j.hours) {FROM} WHERE p.age > j.hours"),
        format!(
            "SELECT p.education, COUNT(*), SUM(j.bonus), MIN(j.hours) {FROM} WHERE j.hours > 20 GROUP BY p.education \
             ORDER BY 2 DESC, 1 LIMIT 3"
        ),
        format!(
            "SELECT p.person_id, p.age, j.occupation {FROM} WHERE p.age < 50 ORDER BY p.person_id LIMIT 20"
        ),
        format!(
            "SELECT p.education, COUNT(*), SUM(v.amount) {FROM} JOIN employers.visits v ON v.person_id = p.person_id \
             GROUP BY p.education"
        ),
    ]
}

fn compiled(tables: &Tables, sql: &str) -> Compiled {
    compile_meeting(&spec(sql), &tables.descriptors, &[]).unwrap()
}

/// The rows of a result that are there, in any order.
fn rows(columns: &[Vec<i128>]) -> Vec<Vec<i128>> {
    let row = |at: usize| columns.iter().map(|column| column[at]).collect::<Vec<_>>();
    let mut rows: Vec<_> = (0..columns[0].len()).map(row).filter(|row| row[0] == 1).collect();
    rows.sort();
    rows
}

fn opened(plan: &Plan, inputs: &[EncodedInput]) -> Vec<Vec<i128>> {
    let opened = clear::open(plan, inputs).unwrap();
    let bits = |bits: &[bool]| bits.iter().map(|bit| i128::from(*bit)).collect::<Vec<_>>();
    let mut columns = vec![bits(&opened.live)];
    for column in &opened.columns {
        columns.push(column.value.clone());
        columns.extend(column.present.as_deref().map(bits));
        columns.extend(column.divisor.clone());
    }
    columns
}

async fn check_join(seed: u64, (size, sql): (u64, &str), bucket: usize) {
    let tables = Tables::new(seed, size);
    let mut compiled = compiled(&tables, sql);
    by_buckets(&mut compiled.plan, bucket);
    let inputs = tables.inputs(&compiled).await;
    let (got, total, price) = run_on_shares(seed, &compiled.plan, &inputs);
    let total = OpCost { bytes: total.bytes, messages: total.messages, rounds: total.rounds };
    assert_eq!(total, price.total, "measured against quoted, {size} rows: {sql}");
    let met = rows(&got);
    assert_eq!(met, rows(&opened(&compiled.plan, &inputs)), "{size} rows: {sql}");
    // By sorting, the same rows come out.
    let sorted = compile(&spec(sql), &tables.descriptors, &[]).unwrap();
    let inputs = tables.inputs(&sorted).await;
    assert_eq!(met, rows(&opened(&sorted.plan, &inputs)), "sorted, {size} rows: {sql}");
}

#[tokio::test]
async fn joins_in_a_circuit_give_what_joins_by_sorting_give_at_the_quoted_price() {
    for (seed, size) in (10..).zip([0, 1, 63, 64, 65]) {
        for sql in statements() {
            check_join(seed, (size, &sql), 0).await;
        }
    }
    for sql in &statements()[..3] {
        check_join(20, (64, sql), 20).await;
    }
    check_join(21, (1000, &statements()[1]), 0).await;
}

/// The shape of each party's view.
fn views(seed: u64, plan: &Plan, inputs: &[EncodedInput]) -> [View; 3] {
    let price = quote(plan, &check(plan).unwrap(), Profile::LAN).unwrap();
    let ends = mesh(plan, inputs, Duration::from_secs(20)).into_iter();
    let recorders: Vec<_> = ends.map(|end| Arc::new(Recorder::new(end))).collect();
    let channels = recorders.iter().map(|end| Arc::clone(end) as Arc<dyn Channel>).collect();
    let ended = run_over(seed, plan, (inputs, &price), channels, |_| Ok(()));
    assert!(ended.iter().all(Result::is_ok));
    [0, 1, 2].map(|at: usize| recorders[at].shape())
}

#[tokio::test]
async fn how_many_rows_pass_their_owners_conditions_is_seen_by_nobody() {
    let tables = Tables::new(30, 65);
    let view = |age: u64| {
        let tables = &tables;
        async move {
            let sql = format!("SELECT COUNT(*), SUM(j.hours) {FROM} WHERE p.age > {age}");
            let compiled = compiled(tables, &sql);
            let inputs = tables.inputs(&compiled).await;
            let home = inputs[0].home.as_ref().unwrap().ids.len();
            (home, views(age, &compiled.plan, &inputs))
        }
    };
    let ((many, one), (none, other)) = (view(0).await, view(110).await);
    assert!(many > 40 && none == 0, "{many} and {none}");
    assert_eq!(one, other);
}

/// Two joins, the first in a circuit by buckets of so many rows, and what their owners bring.
pub(super) async fn joined_twice(rows: usize) -> (Plan, Vec<EncodedInput>) {
    let tables = Tables::new(50, 40);
    let mut compiled = compiled(&tables, &statements()[3]);
    by_buckets(&mut compiled.plan, rows);
    let inputs = tables.inputs(&compiled).await;
    (compiled.plan, inputs)
}

/// A scoring of rows that met in a circuit, and what its parties bring.
pub(super) fn scored() -> (Plan, Vec<EncodedInput>) {
    let job = asked(FEATURES);
    let plan = compile_meeting(&job, &[people(), jobs(), weights(5)], &[]).unwrap().plan;
    assert!(plan.nodes.iter().any(|op| matches!(op, Op::Score(_))));
    let world = World::new(40);
    let mut inputs: Vec<EncodedInput> =
        (100..).zip(&plan.inputs).map(|(label, input)| random_input(world, label, input)).collect();
    let id = |row: u64| {
        let hash = blake3::hash(&row.to_le_bytes());
        u128::from_le_bytes(hash.as_bytes()[..16].try_into().unwrap())
    };
    for (input, (from, count)) in inputs.iter_mut().zip([(0, 500), (300, 600), (0, 5)]) {
        input.live = (0..input.live.len()).map(|row| row < count).collect();
        let ids = (from..).take(count).map(|row| Some(id(row))).collect();
        input.home = (count > 5).then_some(HomeSet { ids, context: [1; 32] });
    }
    (plan, inputs)
}

/// A model scores rows that met in a circuit as it scores joined ones: nothing but the scores of rows in both tables comes out.
#[test]
fn rows_that_met_are_scored() {
    let (plan, inputs) = scored();
    let (got, total, price) = run_on_shares(40, &plan, &inputs);
    let total = OpCost { bytes: total.bytes, messages: total.messages, rounds: total.rounds };
    assert_eq!(total, price.total);
    let rows = rows(&got);
    assert_eq!(rows.len(), 200, "of 500 and 600 rows");
    assert_eq!(rows, self::rows(&opened(&plan, &inputs)));
}
