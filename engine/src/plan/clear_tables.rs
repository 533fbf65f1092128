//! Join, grouping and sort on clear columns, row by row.

use std::{cmp::Ordering, collections::BTreeMap};

use super::{
    clear::{Column, Limbs},
    encoded::EncodedInput,
    ir::Shape,
    psi::Intersect,
};

/// What a join leaves where it found nothing.
const NOTHING: u64 = 0xa5a5_a5a5_a5a5_a5a5;

pub(super) fn join(
    (left_key, left_live, sorted): (&Column, &Column, bool),
    columns: &[&Column],
    (right_key, right_live): (&Column, &Column),
) -> Vec<Column> {
    let left: Vec<(Limbs, bool)> = left_key.limbs().into_iter().zip(left_live.to_flags()).collect();
    if sorted {
        let ascending = left.windows(2).all(|pair| match (pair[0].1, pair[1].1) {
            (true, true) => ordered(&pair[0].0, &pair[1].0) == Ordering::Less,
            (alive, after) => alive || !after,
        });
        assert!(ascending, "the left side of a join is not sorted as promised");
    }
    let mut places = BTreeMap::new();
    for (i, (key, live)) in left.into_iter().enumerate() {
        if live {
            assert!(places.insert(key, i).is_none(), "a key of the left side is not unique");
        }
    }
    let right = right_key.limbs().into_iter().zip(right_live.to_flags());
    let found: Vec<Option<usize>> =
        right.map(|(key, live)| places.get(&key).copied().filter(|_| live)).collect();
    let matched = Column::flags(found.iter().map(Option::is_some));
    let brought = columns.iter().map(|c| c.take(&found, NOTHING));
    [matched].into_iter().chain(brought).collect()
}

/// The receiver's elements in their order, one a row; rows beyond them are empty.
pub(super) fn intersect(
    of: &Intersect,
    shapes: &[Shape],
    done: &[Vec<Column>],
    inputs: &[EncodedInput],
) -> Vec<Column> {
    intersect_of(of, usize::try_from(shapes[0].rows).unwrap_or(usize::MAX), (done, inputs), &|_| {
        true
    })
}

/// The same of those elements that are chosen, one in each of the first rows.
pub(super) fn intersect_of(
    of: &Intersect,
    rows: usize,
    (done, inputs): (&[Vec<Column>], &[EncodedInput]),
    chosen: &dyn Fn(u128) -> bool,
) -> Vec<Column> {
    let ids = |at: u32| -> Vec<u128> {
        let input = &inputs[at as usize];
        match (&input.home, &input.own) {
            (Some(home), _) => home.ids.iter().flatten().copied().collect(),
            (None, own) => own.as_ref().and_then(|own| own.keys().ok()).unwrap_or_default(),
        }
    };
    let (asked, other) = (ids(of.receiver), ids(of.sender));
    let elements = (0..asked.len()).filter(|at| chosen(asked[*at])).map(Some);
    let own: Vec<Option<usize>> = elements.chain(std::iter::repeat(None)).take(rows).collect();
    let found: Vec<Option<usize>> = own
        .iter()
        .map(|row| row.and_then(|row| other.iter().position(|id| *id == asked[row])))
        .collect();
    let brought = of.columns.iter().map(|r| {
        let column = &done[r.0 as usize][r.1 as usize];
        // The inputs are the first nodes, in their order.
        if r.0 == of.receiver { column.take(&own, 0) } else { column.take(&found, NOTHING) }
    });
    [Column::flags(found.iter().map(Option::is_some))].into_iter().chain(brought).collect()
}

pub(super) fn group(
    keys: &[&Column],
    live: &Column,
    sums: &[&Column],
    extremes: &[(&Column, bool)],
    groups: usize,
) -> Vec<Column> {
    // Groups come in the order of their keys: highest limb first.
    let highest_first = |mut limbs: Limbs| {
        limbs.reverse();
        limbs
    };
    let key_rows = keys.iter().map(|k| k.limbs().into_iter().map(highest_first).collect());
    let key_rows: Vec<Vec<Limbs>> = key_rows.collect();
    let mut members: BTreeMap<Vec<Limbs>, Vec<usize>> = BTreeMap::new();
    for (i, live) in live.to_flags().into_iter().enumerate() {
        if live {
            members.entry(key_rows.iter().map(|k| k[i]).collect()).or_default().push(i);
        }
    }
    assert!(members.len() <= groups, "{} groups, at most {groups} were promised", members.len());
    let members: Vec<Vec<usize>> = members.into_values().collect();
    let exists = |g: usize| g < members.len();
    let of = |g: usize| members.get(g).map_or(&[][..], Vec::as_slice);
    let mut outputs = vec![Column::flags((0..groups).map(exists))];
    let first: Vec<Option<usize>> = (0..groups).map(|g| of(g).first().copied()).collect();
    outputs.extend(keys.iter().map(|k| k.take(&first, 0)));
    for sum in sums {
        let words = sum.to_words();
        let total = |g| of(g).iter().fold(0_u128, |t, i| t.wrapping_add(words[*i]));
        outputs.push(Column::words(sum.kind(), (0..groups).map(total)));
    }
    for (column, largest) in extremes {
        let rows = column.limbs();
        let best = |g| {
            let by = |a: &&usize, b: &&usize| ordered(&rows[**a], &rows[**b]);
            let members = of(g).iter();
            if *largest { members.max_by(by) } else { members.min_by(by) }.copied()
        };
        outputs.push(column.take(&(0..groups).map(best).collect::<Vec<_>>(), 0));
    }
    outputs
}

pub(super) fn sort(live: &Column, keys: &[(&Column, bool)], columns: &[&Column]) -> Vec<Column> {
    let alive = live.to_flags();
    let keys: Vec<(Vec<Limbs>, bool)> = keys.iter().map(|(k, d)| (k.limbs(), *d)).collect();
    let mut order: Vec<usize> = (0..alive.len()).collect();
    order.sort_by(|a, b| {
        let by_key = |(rows, descending): &(Vec<Limbs>, bool)| {
            let order = ordered(&rows[*a], &rows[*b]);
            if *descending { order.reverse() } else { order }
        };
        let keys = keys.iter().map(by_key).fold(Ordering::Equal, Ordering::then);
        alive[*b].cmp(&alive[*a]).then(if alive[*a] { keys } else { Ordering::Equal })
    });
    let order: Vec<Option<usize>> = order.into_iter().map(Some).collect();
    [live].into_iter().chain(columns.iter().copied()).map(|c| c.take(&order, 0)).collect()
}

fn ordered(a: &Limbs, b: &Limbs) -> Ordering {
    a.iter().rev().cmp(b.iter().rev())
}
