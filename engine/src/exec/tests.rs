//! Plans of SQL statements on shares against the same plans in clear; measured = quoted; opened = listed.

mod beneath;
mod broken;
mod buckets;
mod counted;
mod exact;
mod faults;
mod held;
mod interrupted;
mod joins;
mod kept;
mod lookup;
mod many;
mod masks;
mod owners;
mod private;
mod release;
mod ring;
mod score;
mod stretch;
mod told;
mod train;
mod transcripts;
mod trees;
mod vertical;
mod wide;

use std::{sync::Arc, time::Duration};

use protocols::{
    mpc::Column,
    net::{
        Channel,
        memory::{self, MemoryChannel},
    },
    party::Role,
    prg::Prg,
    session::{Counters, Gate, Opening, Profile, Session, SessionError},
    share::reconstruct,
    testkit::{World, clear_bits, test_prss},
};
use zeroize::Zeroizing;

use super::*;
use crate::{
    plan::{EncodedColumn, EncodedInput, Encoding, LocalInput, Op, Plan, check, clear},
    sql::{
        compile,
        tests::{DEMO, jobs, people, spec, terms},
    },
};

/// Random rows for a local input: unique keys for the side that is sorted by its key.
fn random_input(world: World, label: u64, input: &LocalInput) -> EncodedInput {
    let mut random = world.random(label);
    let rows = usize::try_from(input.rows).unwrap();
    let count = usize::try_from(random()).unwrap() % (rows + 1);
    let mut keys: Vec<u64> = (0..rows as u64).collect();
    if input.sorted_by.is_empty() {
        for i in (1..rows).rev() {
            keys.swap(i, usize::try_from(random()).unwrap() % (i + 1));
        }
    }
    let live: Vec<bool> = (0..rows).map(|row| row < count).collect();
    let mut draw = |number: usize, encoding: &Encoding| {
        let mut value = |most: u128, row: usize| {
            let is_key = number == 0;
            let drawn = u128::from(random()) << 64 | u128::from(random());
            // Every fourth value is at an end of its range.
            let drawn = if random().is_multiple_of(4) { most * (drawn & 1) } else { drawn };
            let value = if is_key { keys[row].into() } else { drawn % most.saturating_add(1) };
            if live[row] { value } else { 0 }
        };
        let mut words = |min: i128, most: u128| -> Vec<u128> {
            let live = |row: &usize| live[*row];
            let mut one = |row| value(most, row).wrapping_add(min.cast_unsigned());
            (0..rows).map(|row| if live(&row) { one(row) } else { 0 }).collect()
        };
        let width = encoding.width();
        match encoding {
            Encoding::Wide { min, max } => EncodedColumn::Wide(words(*min, max.abs_diff(*min))),
            Encoding::Word { min, max } => {
                EncodedColumn::Words(low(&words(*min, max.abs_diff(*min))))
            }
            Encoding::Unit { frac, .. } => {
                EncodedColumn::Words(low(&words(-(1 << frac), 2 << frac)))
            }
            Encoding::Offset { min, max, .. } if width > 64 => {
                EncodedColumn::WideBits { width, rows: words(0, max.abs_diff(*min)) }
            }
            other => {
                let most = match other {
                    Encoding::Offset { min, max, .. } => max.abs_diff(*min),
                    Encoding::Code { domain, .. } => domain.len() as u128 - 1,
                    other => (1 << other.width()) - 1,
                };
                EncodedColumn::Bits { width, rows: low(&words(0, most)) }
            }
        }
    };
    let drawn = input.columns.iter().enumerate().map(|(i, c)| draw(i, &c.encoding));
    let mut columns: Vec<EncodedColumn> = drawn.collect();
    zero_absent(input, &mut columns);
    EncodedInput { columns, live, home: None, own: None, lookup: None, train: None }
}

fn low(words: &[u128]) -> Vec<u64> {
    words.iter().map(|word| u64::try_from(word & u128::from(u64::MAX)).unwrap()).collect()
}

/// Sets these rows to 0.
fn clear_rows(column: &mut EncodedColumn, which: impl Fn(usize) -> bool) {
    fn each<T: Default>(rows: &mut [T], which: impl Fn(usize) -> bool) {
        let rows = rows.iter_mut().enumerate().filter(|(row, _)| which(*row));
        rows.for_each(|(_, row)| *row = T::default());
    }
    match column {
        EncodedColumn::Bits { rows, .. } | EncodedColumn::Words(rows) => each(rows, which),
        EncodedColumn::WideBits { rows, .. } | EncodedColumn::Wide(rows) => each(rows, which),
    }
}

/// An absent value is encoded as 0.
fn zero_absent(input: &LocalInput, columns: &mut [EncodedColumn]) {
    for (i, of) in input.columns.iter().enumerate() {
        let EncodedColumn::Bits { rows: present, .. } = columns[i].clone() else { continue };
        if of.encoding != Encoding::Present {
            continue;
        }
        for (other, column) in input.columns.iter().zip(columns.iter_mut()) {
            if other.source == of.source && other.encoding != Encoding::Present {
                clear_rows(column, |row| present[row] == 0);
            }
        }
    }
}

/// The compute parties' ends, with what outside providers send waiting in them.
fn mesh(plan: &Plan, inputs: &[EncodedInput], stall: Duration) -> Vec<MemoryChannel> {
    let outsiders = outside_providers(plan);
    let mut ends = memory::mesh(3 + outsiders.len(), stall);
    for (end, name) in ends.drain(3..).zip(&outsiders) {
        let mut sent = [0; 3];
        for (number, _) in (0_u32..).zip(&plan.inputs).filter(|(_, input)| input.party == *name) {
            let seeds = [Zeroizing::new([5; 16]), Zeroizing::new([number.to_le_bytes()[0]; 16])];
            send_outside(&end, plan, number, (&inputs[number as usize], &mut sent), seeds).unwrap();
        }
        // Frames wait in the queues; a dropped end delivers what it sent.
    }
    ends
}

/// What a party has at the end of a run.
struct Ended {
    result: SharedResult,
    total: Counters,
    depth: u32,
    opened: Vec<Opening>,
}

/// What comes after the plan, before anything is sealed.
type Last = fn(&mut Session) -> Result<(), SessionError>;

/// Runs a plan at three parties over these channels.
fn run_over(
    seed: u64,
    plan: &Plan,
    (inputs, price): (&[EncodedInput], &Quote),
    channels: Vec<Arc<dyn Channel>>,
    last: Last,
) -> [Result<Ended, ExecError>; 3] {
    let party = |role: Role, channel| {
        let gate = Gate::listing(&price.openings);
        let mut s = Session::new(role, channel, test_prss(seed, role), gate).on(price.profile);
        let mine =
            plan.inputs.iter().zip(inputs).map(|(input, data)| {
                (input.party == plan.compute[role.index()]).then(|| data.clone())
            });
        let result = run(
            plan,
            mine.collect(),
            &mut s,
            Around { progress: &mut |_, _| (), figures: &mut |_, _| (), trainings: None },
            &mut Prg::new(&[7; 16]),
        )
        .and_then(|result| {
            s.finish()?;
            let (total, depth, opened) = (s.stats().total(), s.depth(), s.opened().to_vec());
            last(&mut s)?;
            Ok(Ended { result, total, depth, opened })
        });
        if let Err(ExecError::Session(error)) = &result {
            s.abort(error);
        }
        result
    };
    let party = &party;
    std::thread::scope(|scope| {
        let parties = Role::ALL.into_iter().zip(channels);
        let parties: Vec<_> =
            parties.map(|(role, channel)| scope.spawn(move || party(role, channel))).collect();
        let ended: Vec<_> = parties.into_iter().map(|party| party.join().unwrap()).collect();
        ended.try_into().unwrap_or_else(|_| panic!("three parties ran"))
    })
}

/// Runs a plan at three parties (and outside providers) over memory and returns the opened columns by layout.
fn run_on_shares(
    seed: u64,
    plan: &Plan,
    inputs: &[EncodedInput],
) -> (Vec<Vec<i128>>, Counters, Quote) {
    let shapes = check(plan).unwrap();
    let price = quote(plan, &shapes, Profile::LAN).unwrap();
    let ends = mesh(plan, inputs, Duration::from_secs(20)).into_iter();
    let channels = ends.map(|end| Arc::new(end) as Arc<dyn Channel>).collect();
    let results = run_over(seed, plan, (inputs, &price), channels, |_| Ok(())).map(Result::unwrap);
    let mut total = Counters::default();
    for Ended { total: counters, depth, .. } in &results {
        total.bytes += counters.bytes;
        total.messages += counters.messages;
        total.rounds = total.rounds.max(*depth);
    }
    let columns = (0..results[0].result.columns.len()).map(|i| {
        let three = results.each_ref().map(|party| party.result.columns[i].clone());
        open(&three)
    });
    (columns.collect(), total, price)
}

/// Bits without a sign, words with theirs.
fn open(three: &[Column; 3]) -> Vec<i128> {
    match three {
        [Column::Bits(a), Column::Bits(b), Column::Bits(c)] => {
            let low = a.width().min(64);
            let part = |from, width| {
                let [a, b, c] = [a, b, c].map(|bits| bits.bit_range(from, width));
                clear_bits([&a, &b, &c])
            };
            let mut values: Vec<i128> = part(0, low).into_iter().map(i128::from).collect();
            if a.width() > 64 {
                let high = part(64, a.width() - 64).into_iter();
                values.iter_mut().zip(high).for_each(|(v, high)| *v |= i128::from(high) << 64);
            }
            values
        }
        [Column::Z64(a), Column::Z64(b), Column::Z64(c)] => {
            let words = reconstruct([a, b, c]).unwrap();
            words.into_iter().map(|word| word.cast_signed().into()).collect()
        }
        [Column::Z128(a), Column::Z128(b), Column::Z128(c)] => {
            reconstruct([a, b, c]).unwrap().into_iter().map(u128::cast_signed).collect()
        }
        other => panic!("{other:?}"),
    }
}

/// A statement on random inputs: shares against clear, cost against quote.
fn check_statement(seed: u64, sql: &str, outside: bool) {
    let mut job = spec(sql);
    if outside {
        // Both providers stand outside; three others compute.
        job.compute = ["neutral", "bank", "lab"].map(|name| name.try_into().unwrap()).into();
    }
    let policies = [terms("census.people", 3), terms("employers.jobs", 2)];
    let compiled = compile(&job, &[people(), jobs()], &policies).unwrap();
    check_plan(seed, &compiled.plan, outside);
}

/// The same for a plan.
fn check_plan(seed: u64, plan: &Plan, outside: bool) {
    let world = World::new(seed);
    let inputs: Vec<EncodedInput> =
        (100..).zip(&plan.inputs).map(|(label, input)| random_input(world, label, input)).collect();
    let (got, total, price) = run_on_shares(seed, plan, &inputs);
    let want = clear::open(plan, &inputs).unwrap();
    let live: Vec<bool> = got[0].iter().map(|bit| *bit == 1).collect();
    assert_eq!(live, want.live, "seed {seed}");
    let mut at = 1;
    for (column, spec) in want.columns.iter().zip(&plan.output.columns) {
        assert_eq!(got[at], column.value, "seed {seed}: {}", spec.name);
        at += 1;
        if let Some(present) = &column.present {
            assert_eq!(got[at].iter().map(|bit| *bit == 1).collect::<Vec<_>>(), *present);
            at += 1;
        }
        if let Some(divisor) = &column.divisor {
            assert_eq!(got[at], *divisor, "seed {seed}: divisor of {}", spec.name);
            at += 1;
        }
    }
    let total = OpCost { bytes: total.bytes, messages: total.messages, rounds: total.rounds };
    if outside {
        assert_eq!(total.rounds, price.total.rounds, "seed {seed}");
    } else {
        assert_eq!(total, price.total, "measured against quoted, seed {seed}");
    }
}

const STATEMENTS: [&str; 5] = [
    DEMO,
    "SELECT COUNT(*) AS n, SUM(j.capital_gain) AS gain FROM census.people p \
     JOIN employers.jobs j ON p.person_id = j.person_id WHERE p.age > j.hours_per_week",
    "SELECT p.education, MAX(j.hours_per_week) AS most, MIN(p.age) AS youngest FROM census.people p \
     JOIN employers.jobs j ON p.person_id = j.person_id GROUP BY p.education ORDER BY most DESC LIMIT 2",
    "SELECT j.occupation, SUM(j.capital_gain - p.age) AS rest FROM census.people p \
     JOIN employers.jobs j ON p.person_id = j.person_id GROUP BY j.occupation HAVING COUNT(*) > 5",
    "SELECT p.education, SUM(CASE WHEN p.age > j.hours_per_week THEN 1 ELSE 0 END) AS older \
     FROM census.people p JOIN employers.jobs j ON p.person_id = j.person_id GROUP BY p.education",
];

#[test]
fn statements_on_shares_give_what_they_give_in_clear_at_the_quoted_price() {
    for (seed, sql) in (0..).zip(STATEMENTS) {
        check_statement(seed, sql, false);
    }
}

/// Sums of one group, and cells of one row, are masked by the same bit: the second mask multiplies only.
#[test]
fn a_bit_that_masks_several_columns_is_injected_once() {
    let price = |sums: &str| {
        let sql = format!(
            "SELECT {sums} FROM census.people p JOIN employers.jobs j ON p.person_id = j.person_id"
        );
        let plan = compile(&spec(&sql), &[people(), jobs()], &[]).unwrap().plan;
        let price = quote(&plan, &check(&plan).unwrap(), Profile::LAN).unwrap();
        let masks = plan.nodes.iter().zip(price.ops);
        masks.filter(|(op, _)| matches!(op, Op::Mask { .. })).map(|(_, cost)| cost).collect()
    };
    let one: Vec<OpCost> = price("SUM(j.capital_gain)");
    let two: Vec<OpCost> = price("SUM(j.capital_gain), SUM(p.age)");
    assert_eq!(one[0], two[0]);
    assert!(two[1].bytes < two[0].bytes && two[1].rounds == 1, "{two:?}");
}

#[test]
fn providers_need_not_compute() {
    check_statement(9, STATEMENTS[0], true);
    // One of them shares two inputs, which go through one numbering.
    let twice = "SELECT j.occupation, COUNT(*) AS n, SUM(q.age) AS years FROM census.people p \
         JOIN employers.jobs j ON p.person_id = j.person_id JOIN census.people q ON q.person_id = j.person_id \
         GROUP BY j.occupation";
    check_statement(10, twice, true);
}
