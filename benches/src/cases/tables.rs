//! Operators on whole tables.

use std::collections::HashMap;

use protocols::{
    mpc::{Column, Ordering, Shape, order_cost, sort_positions, sort_positions_cost},
    relational::{
        GroupBy, Join, group_by, group_by_cost, join, join_cost, join_sum, join_sum_cost,
    },
    session::{Session, SessionError},
    share::Bits,
};

use crate::case::{Case, Clear, Random, Verdict, misfit};

pub(super) const CASES: &[Case] = &[
    Case {
        name: "sort/table",
        note: "2^17 rows of four 32-bit columns by one of them",
        rows: |_| 1 << 17,
        clear: |random, n| (0..4).map(|_| narrow(random, n, 32)).collect(),
        run: sort_table,
        quote: |m, n| {
            sort_positions_cost(m, n, 32);
            order_cost(m, n, &[Shape::Bits(32); 4]);
        },
        judge: is_sorted_table,
    },
    Case {
        name: "join",
        note: "n unique 32-bit keys, sorted by their owner, with one of 64 groups; n rows to match; sum by group",
        rows: |n| n.div_ceil(10),
        clear: join_inputs,
        run: join_and_sum,
        quote: |m, n| {
            join_cost(m, (n, n), 32, true, &[Shape::Bits(GROUP_BITS)]);
            group_by_cost(m, n, GROUP_BITS, &[Shape::Z64], &[], GROUPS);
        },
        judge: is_join_sum,
    },
    Case {
        name: "join_sum",
        note: "n unique 32-bit keys, sorted by their owner; n rows to match; their sum for each unique row, in the join's own sort",
        rows: |n| n.div_ceil(10),
        clear: |random, n| {
            let mut sides = join_inputs(random, n);
            sides.remove(1);
            sides
        },
        run: join_with_sums,
        quote: |m, n| join_sum_cost(m, (n, n), 32, true, &[], 1),
        judge: is_sum_by_key,
    },
    Case {
        name: "group",
        note: "n rows, 64 groups by an 8-bit key, two sums",
        rows: |n| n.div_ceil(10),
        clear: |random, n| {
            let keys = Clear::Bits((0..n).map(|_| random() % GROUPS as u64).collect(), 8);
            let mut sums = || Clear::Words((0..n).map(|_| random()).collect());
            vec![keys, sums(), sums()]
        },
        run: |s, inputs| match inputs {
            [Column::Bits(keys), a, b] => {
                let live = all_live(s, keys.rows());
                sum_by(s, keys, &live, &[a.clone(), b.clone()])
            }
            _ => Err(misfit(s, inputs)),
        },
        quote: |m, n| group_by_cost(m, n, 8, &[Shape::Z64; 2], &[], GROUPS),
        judge: |clear, opened| {
            let (keys, a, b) = (clear[0].words(), clear[1].words(), clear[2].words());
            let rows =
                keys.into_iter().zip(a.into_iter().zip(b)).map(|(key, (a, b))| (key, [a, b]));
            Verdict::Exact(are_sums(rows, opened))
        },
    },
];

const GROUPS: usize = 64;
const GROUP_BITS: usize = 6;

fn narrow(random: &mut Random<'_>, n: usize, bits: usize) -> Clear {
    Clear::Bits((0..n).map(|_| random() >> (64 - bits)).collect(), bits)
}

fn all_live(s: &Session, rows: usize) -> Bits {
    Bits::public(s.role(), &vec![1; rows], 1)
}

fn sort_table(s: &mut Session, inputs: &[Column]) -> Result<Vec<Column>, SessionError> {
    let [Column::Bits(keys), ..] = inputs else { return Err(misfit(s, inputs)) };
    let positions = sort_positions(s, keys)?;
    Ok(Ordering::apply(s, &positions, inputs)?.1)
}

fn is_sorted_table(clear: &[Clear], opened: &[Vec<u64>]) -> Verdict {
    let columns: Vec<Vec<u64>> = clear.iter().map(Clear::words).collect();
    let mut rows: Vec<usize> = (0..columns[0].len()).collect();
    rows.sort_by_key(|row| columns[0][*row]);
    let moved = |column: &Vec<u64>| -> Vec<u64> { rows.iter().map(|row| column[*row]).collect() };
    Verdict::Exact(columns.iter().map(moved).eq(opened.iter().cloned()))
}

/// Even keys below 2n with a group; keys below 2n to match, with a measure.
fn join_inputs(random: &mut Random<'_>, n: usize) -> Vec<Clear> {
    let rows = n as u64;
    vec![
        Clear::Bits((0..rows).map(|row| 2 * row).collect(), 32),
        narrow(random, n, GROUP_BITS),
        Clear::Bits((0..n).map(|_| random() % (2 * rows.max(1))).collect(), 32),
        Clear::Words((0..n).map(|_| random()).collect()),
    ]
}

fn join_and_sum(s: &mut Session, inputs: &[Column]) -> Result<Vec<Column>, SessionError> {
    let [Column::Bits(keys), group, Column::Bits(wanted), measure] = inputs else {
        return Err(misfit(s, inputs));
    };
    let (left_live, right_live) = (all_live(s, keys.rows()), all_live(s, wanted.rows()));
    let sides = Join {
        left_key: keys,
        left_live: &left_live,
        left_sorted: true,
        columns: std::slice::from_ref(group),
        right_key: wanted,
        right_live: &right_live,
    };
    let joined = join(s, &sides)?;
    let [Column::Bits(group)] = joined.columns.as_slice() else { return Err(misfit(s, inputs)) };
    sum_by(s, group, &joined.matched, std::slice::from_ref(measure))
}

fn join_with_sums(s: &mut Session, inputs: &[Column]) -> Result<Vec<Column>, SessionError> {
    let [Column::Bits(keys), Column::Bits(wanted), Column::Z64(measure)] = inputs else {
        return Err(misfit(s, inputs));
    };
    let (left_live, right_live) = (all_live(s, keys.rows()), all_live(s, wanted.rows()));
    let sides = Join {
        left_key: keys,
        left_live: &left_live,
        left_sorted: true,
        columns: &[],
        right_key: wanted,
        right_live: &right_live,
    };
    let joined = join_sum(s, &sides, std::slice::from_ref(measure))?;
    let mut columns = vec![Column::Bits(joined.live), Column::Bits(joined.key)];
    columns.extend(joined.sums.into_iter().map(Column::Z64));
    Ok(columns)
}

/// Whether every unique row stands there, in order, with the sum of what has its key.
fn is_sum_by_key(clear: &[Clear], opened: &[Vec<u64>]) -> Verdict {
    let mut sums: HashMap<u64, u64> = HashMap::new();
    for (key, measure) in clear[1].words().into_iter().zip(clear[2].words()) {
        let sum = sums.entry(key).or_default();
        *sum = sum.wrapping_add(measure);
    }
    let keys = clear[0].words();
    let want = keys.iter().map(|key| sums.get(key).copied().unwrap_or(0));
    let live = opened[0].iter().all(|live| *live == 1);
    Verdict::Exact(live && opened[1] == keys && opened[2].iter().copied().eq(want))
}

/// Live, key and sums of each group.
fn sum_by(
    s: &mut Session,
    keys: &Bits,
    live: &Bits,
    sums: &[Column],
) -> Result<Vec<Column>, SessionError> {
    let group = GroupBy { keys, live, sums, extremes: &[], groups: GROUPS };
    let grouped = group_by(s, &group)?;
    let mut columns = vec![Column::Bits(grouped.live), Column::Bits(grouped.keys)];
    columns.extend(grouped.sums);
    Ok(columns)
}

fn is_join_sum(clear: &[Clear], opened: &[Vec<u64>]) -> Verdict {
    let (groups, wanted, measures) = (clear[1].words(), clear[2].words(), clear[3].words());
    let partner = |key: u64| usize::try_from(key / 2).ok().and_then(|row| groups.get(row));
    let matched = wanted.iter().zip(measures).filter(|(key, _)| **key % 2 == 0);
    let rows = matched.filter_map(|(key, measure)| Some((*partner(*key)?, [measure])));
    Verdict::Exact(are_sums(rows, opened))
}

/// Whether live, key and sums are those of the rows.
fn are_sums<const N: usize>(
    rows: impl Iterator<Item = (u64, [u64; N])>,
    opened: &[Vec<u64>],
) -> bool {
    let mut sums: HashMap<u64, [u64; N]> = HashMap::new();
    for (key, measures) in rows {
        let sum = sums.entry(key).or_insert([0; N]);
        sum.iter_mut().zip(measures).for_each(|(sum, x)| *sum = sum.wrapping_add(x));
    }
    let live = opened[0].iter().filter(|live| **live == 1).count();
    let row = |at: usize| opened[2..].iter().map(move |column| column[at]);
    live == sums.len()
        && (0..live)
            .all(|at| sums.get(&opened[1][at]).is_some_and(|sum| row(at).eq(sum.iter().copied())))
}
