//! Shuffling and sorting.

use protocols::{
    mpc::{self, Column, Shape, Shuffle},
    session::{Meter, Session, SessionError},
};

use crate::case::{Case, Clear, Random, Verdict, all_rows, misfit};

pub(super) const CASES: &[Case] = &[
    Case {
        name: "shuffle",
        note: "rows of 128 bits: two Z64 columns",
        rows: all_rows,
        clear: |random, n| (0..2).map(|_| words(random, n)).collect(),
        run: shuffle,
        quote: |m, n| mpc::shuffle_cost(m, n, &[Shape::Z64, Shape::Z64], false),
        judge: is_shuffled,
    },
    Case {
        name: "sort/32/100000",
        note: "positions by 32-bit keys, stable",
        rows: |_| 100_000,
        clear: keys::<32>,
        run: sort,
        quote: sort_quote::<32>,
        judge: is_sorted,
    },
    Case {
        name: "sort/32/1000000",
        note: "positions by 32-bit keys, stable",
        rows: |_| 1_000_000,
        clear: keys::<32>,
        run: sort,
        quote: sort_quote::<32>,
        judge: is_sorted,
    },
    Case {
        name: "sort/64/100000",
        note: "positions by 64-bit keys, stable",
        rows: |_| 100_000,
        clear: keys::<64>,
        run: sort,
        quote: sort_quote::<64>,
        judge: is_sorted,
    },
];

fn words(random: &mut Random<'_>, n: usize) -> Clear {
    Clear::Words((0..n).map(|_| random()).collect())
}

fn keys<const WIDTH: usize>(random: &mut Random<'_>, n: usize) -> Vec<Clear> {
    vec![Clear::Bits((0..n).map(|_| random() >> (64 - WIDTH)).collect(), WIDTH)]
}

fn shuffle(s: &mut Session, inputs: &[Column]) -> Result<Vec<Column>, SessionError> {
    let [first, ..] = inputs else { return Err(misfit(s, inputs)) };
    let order = Shuffle::draw(s, first.rows());
    order.apply(s, inputs)
}

fn sort(s: &mut Session, inputs: &[Column]) -> Result<Vec<Column>, SessionError> {
    let [Column::Bits(keys)] = inputs else { return Err(misfit(s, inputs)) };
    Ok(vec![Column::Z32(mpc::sort_positions(s, keys)?)])
}

fn sort_quote<const WIDTH: usize>(m: &mut Meter, n: usize) {
    mpc::sort_positions_cost(m, n, WIDTH);
}

/// The same rows, in another order.
fn is_shuffled(clear: &[Clear], opened: &[Vec<u64>]) -> Verdict {
    let rows = |a: &[u64], b: &[u64]| -> Vec<(u64, u64)> {
        let mut rows: Vec<_> = a.iter().copied().zip(b.iter().copied()).collect();
        rows.sort_unstable();
        rows
    };
    let (a, b) = (clear[0].words(), clear[1].words());
    let same = rows(&a, &b) == rows(&opened[0], &opened[1]);
    Verdict::Exact(same && (a.len() < 8 || a != opened[0]))
}

fn is_sorted(clear: &[Clear], opened: &[Vec<u64>]) -> Verdict {
    Verdict::Exact(opened[0] == stable_positions(&clear[0].words()))
}

/// Where each row goes.
fn stable_positions(keys: &[u64]) -> Vec<u64> {
    let mut rows: Vec<usize> = (0..keys.len()).collect();
    rows.sort_by_key(|row| keys[*row]);
    let mut positions = vec![0; keys.len()];
    for (position, row) in (0..).zip(rows) {
        positions[row] = position;
    }
    positions
}
