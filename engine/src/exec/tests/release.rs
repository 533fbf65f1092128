//! What is sealed holds nothing of a row that is not released: a suppressed group and a deleted one give equal plaintext.

use std::collections::BTreeMap;

use super::*;
use crate::plan::{Kind, Ref, Shape};

const ROWS: u64 = 24;

/// A person: id, age, education (0..3), hours, gain, occupation (0: NULL, else code + 1).
type Person = [u64; 6];

fn compiled(sql: &str, k: u32) -> Plan {
    let (mut people, mut jobs) = (people(), jobs());
    (people.rows_max, jobs.rows_max) = (ROWS, ROWS);
    let policies = [terms("census.people", k), terms("employers.jobs", 1)];
    compile(&spec(sql), &[people, jobs], &policies).unwrap().plan
}

/// What the owner of an input shares for these people.
fn encode(input: &LocalInput, people: &[Person]) -> EncodedInput {
    let rows = usize::try_from(input.rows).unwrap();
    let padded = |value: &dyn Fn(&Person) -> u64| -> Vec<u64> {
        people.iter().map(value).chain(std::iter::repeat(0)).take(rows).collect()
    };
    let columns = input.columns.iter().map(|column| {
        let of = |person: &Person| match column.name.rsplit('.').next().unwrap_or_default() {
            "person_id" => person[0],
            "age" => person[1],
            "education" => person[2],
            "hours_per_week" => person[3],
            "capital_gain" => person[4],
            "occupation" => person[5],
            other => panic!("{other}: {column:?}"),
        };
        match &column.encoding {
            Encoding::Offset { min, width, .. } => {
                let min = u64::try_from(*min).unwrap();
                EncodedColumn::Bits { width: *width, rows: padded(&|p| of(p).wrapping_sub(min)) }
            }
            Encoding::Present => {
                EncodedColumn::Bits { width: 1, rows: padded(&|p| u64::from(of(p) > 0)) }
            }
            Encoding::Code { width, .. } => {
                let nullable = column.name.ends_with("occupation");
                let code = |p: &Person| of(p).saturating_sub(u64::from(nullable));
                EncodedColumn::Bits { width: *width, rows: padded(&code) }
            }
            Encoding::Word { .. } => EncodedColumn::Words(padded(&of)),
            other => panic!("{other:?}"),
        }
    });
    EncodedInput {
        home: None,
        own: None,
        lookup: None,
        train: None,
        live: (0..rows).map(|row| row < people.len()).collect(),
        columns: columns.collect(),
    }
}

/// All of the sealed plaintext: every word of every column, padding included.
fn plaintext(seed: u64, plan: &Plan, shapes: &[Vec<Shape>], people: &[Person]) -> Vec<Vec<u64>> {
    let inputs: Vec<_> = plan.inputs.iter().map(|input| encode(input, people)).collect();
    let price = quote(plan, shapes, Profile::LAN).unwrap();
    let ends = mesh(plan, &inputs, Duration::from_secs(20)).into_iter();
    let channels = ends.map(|end| Arc::new(end) as Arc<dyn Channel>).collect();
    let ended = run_over(seed, plan, (&inputs, &price), channels, |_| Ok(())).map(Result::unwrap);
    let columns = 0..ended[0].result.columns.len();
    columns
        .map(|i| match ended.each_ref().map(|party| &party.result.columns[i]) {
            [Column::Bits(a), Column::Bits(b), Column::Bits(c)] => {
                reconstruct([a.planes(), b.planes(), c.planes()]).unwrap()
            }
            [Column::Z64(a), Column::Z64(b), Column::Z64(c)] => reconstruct([a, b, c]).unwrap(),
            other => panic!("{other:?}"),
        })
        .collect()
}

/// Five with education 0, `few` with education 1.
fn town(few: &[Person]) -> Vec<Person> {
    let five = (0..5).map(|i| [10 + i, 30 + i, 0, 40, 1000 * i, 1 + i % 2]);
    let mut people: Vec<Person> = five.chain(few.iter().copied()).collect();
    people.sort_unstable();
    people
}

const NOBODY: &[Person] = &[];
const TWO: &[Person] = &[[3, 61, 1, 77, 12_345, 1], [99, 62, 1, 78, 54_321, 1]];
const OTHER_TWO: &[Person] = &[[1, 119, 1, 3, 9, 1], [2, 18, 1, 99, 99_999, 1]];
const THREE: &[Person] =
    &[[3, 61, 1, 77, 12_345, 1], [98, 61, 1, 77, 1, 1], [99, 62, 1, 78, 54_321, 1]];

const GROUPED: &[&str] = &[
    "SELECT p.education, COUNT(*) AS n, SUM(j.capital_gain) AS gain FROM census.people p \
     JOIN employers.jobs j ON p.person_id = j.person_id GROUP BY p.education",
    "SELECT p.education, MAX(j.hours_per_week) AS most, MIN(p.age) AS youngest, \
     AVG(j.capital_gain) AS gain FROM census.people p \
     JOIN employers.jobs j ON p.person_id = j.person_id GROUP BY p.education ORDER BY most DESC LIMIT 2",
    "SELECT p.education, j.occupation, SUM(j.capital_gain - p.age) AS rest FROM census.people p \
     JOIN employers.jobs j ON p.person_id = j.person_id GROUP BY p.education, j.occupation \
     HAVING COUNT(*) > 1 ORDER BY rest",
    "SELECT COUNT(*) AS n, SUM(j.capital_gain) AS gain FROM census.people p \
     JOIN employers.jobs j ON p.person_id = j.person_id WHERE p.age - j.hours_per_week < 0 \
     GROUP BY p.education HAVING SUM(j.capital_gain) > 5",
];

/// Whether these people all give the plaintext that nobody beside the five gives.
fn same(plan: &Plan, shapes: &[Vec<Shape>], towns: &[Vec<Person>]) -> bool {
    let first = plaintext(1, plan, shapes, &towns[0]);
    (2..).zip(&towns[1..]).all(|(seed, town)| plaintext(seed, plan, shapes, town) == first)
}

#[test]
fn a_suppressed_group_and_a_deleted_group_give_equal_plaintext() {
    for sql in GROUPED {
        let plan = compiled(sql, 3);
        let shapes = check(&plan).unwrap();
        assert!(same(&plan, &shapes, &[town(NOBODY), town(TWO), town(OTHER_TWO)]), "{sql}");
        let [few, enough] = [NOBODY, THREE].map(|few| plaintext(7, &plan, &shapes, &town(few)));
        assert_ne!(few, enough, "a group of three is released: {sql}");
    }
}

#[test]
fn scalars_over_too_few_entities_look_like_scalars_over_none() {
    for sql in [
        "SELECT COUNT(*) AS n, SUM(j.capital_gain) AS gain FROM census.people p \
         JOIN employers.jobs j ON p.person_id = j.person_id",
        "SELECT MAX(j.hours_per_week) AS most, AVG(p.age) AS age FROM census.people p \
         JOIN employers.jobs j ON p.person_id = j.person_id",
    ] {
        let plan = compiled(sql, 3);
        let shapes = check(&plan).unwrap();
        let towns = [NOBODY, &TWO[..1], TWO, OTHER_TWO].map(<[Person]>::to_vec);
        assert!(same(&plan, &shapes, &towns), "{sql}");
        let nothing = plaintext(3, &plan, &shapes, &[]);
        assert!(nothing.iter().flatten().all(|word| *word == 0), "nothing but zeros: {sql}");
        assert_ne!(plaintext(4, &plan, &shapes, THREE), nothing, "three are released: {sql}");
    }
}

/// Whether every cell of every row that is not live is zero, in an opened result.
fn padding_is_zero(opened: &[Vec<i128>]) -> bool {
    let dead = |row: &usize| opened[0][*row] == 0;
    let rows: Vec<usize> = (0..opened[0].len()).filter(dead).collect();
    opened.iter().all(|column| rows.iter().all(|row| column[*row] == 0))
}

#[test]
fn no_cell_of_a_dead_row_holds_anything() {
    for (seed, sql) in (20..).zip(STATEMENTS) {
        let policies = [terms("census.people", 3), terms("employers.jobs", 2)];
        let plan = compile(&spec(sql), &[people(), jobs()], &policies).unwrap().plan;
        let inputs: Vec<_> = (100..)
            .zip(&plan.inputs)
            .map(|(label, input)| random_input(World::new(seed), label, input))
            .collect();
        assert!(padding_is_zero(&run_on_shares(seed, &plan, &inputs).0), "seed {seed}: {sql}");
    }
}

/// A copy whose masks by the release bit let everything through.
fn unmasked(plan: &Plan, shapes: &[Vec<Shape>]) -> Plan {
    let mut broken = plan.clone();
    let mut last: BTreeMap<Ref, usize> = BTreeMap::new();
    for (at, op) in plan.nodes.iter().enumerate() {
        if let Op::Mask { by, .. } = op {
            *last.entry(*by).or_default() = at;
        }
    }
    // The release bit is what the last mask masks by.
    let release = last.into_iter().max_by_key(|(_, at)| *at).map(|(by, _)| by);
    for (op, shapes) in broken.nodes.iter_mut().zip(shapes) {
        let Op::Mask { of, by } = op else { continue };
        if Some(*by) != release {
            continue;
        }
        *op = match shapes[0].kind {
            Kind::Z64 | Kind::Z128 => Op::Affine { of: *of, by: 1, plus: 0 },
            Kind::Bits(width) => Op::Slice { of: *of, from: 0, width },
        };
    }
    broken
}

#[test]
fn an_unmasked_result_is_refused_and_would_be_seen() {
    for sql in &GROUPED[..2] {
        let plan = compiled(sql, 3);
        let shapes = check(&plan).unwrap();
        let broken = unmasked(&plan, &shapes);
        assert_ne!(broken, plan);
        assert!(check(&broken).is_err(), "no party runs it");
        // Run all the same, on the shapes of the honest plan.
        assert!(!same(&broken, &shapes, &[town(NOBODY), town(TWO), town(OTHER_TWO)]), "{sql}");
    }
}
