//! Operators against clear tables, over sizes and seeds; measured = quoted.

use std::collections::BTreeMap;

use super::*;
use crate::{
    mpc::{Column, Shape},
    ring::Z64,
    share::{Bits, Shared, reconstruct},
    testkit::{World, clear_bits, share_bits},
};

const SIZES: [usize; 6] = [0, 1, 63, 64, 65, 1000];

fn draw(world: World, label: u64, n: usize, below: u64) -> Vec<u64> {
    let mut random = world.random(label);
    (0..n).map(|_| random() % below).collect()
}

fn bits(column: &Column) -> Bits {
    match column {
        Column::Bits(bits) => bits.clone(),
        other => panic!("{other:?}"),
    }
}

fn words(column: &Column) -> Shared<Z64> {
    match column {
        Column::Z64(words) => words.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn ordering_puts_live_rows_first_by_key() {
    for n in SIZES {
        let world = World::new(n as u64);
        let (live, keys) = (draw(world, 1, n, 2), draw(world, 2, n, 50));
        let row: Vec<u64> = (0..n as u64).collect();
        let (l, k) = (share_bits(world, 1, &live, 1), share_bits(world, 2, &keys, 6));
        let r = world.deal::<Z64>(3, &row);
        let run = world.run(|s| {
            let me = s.role().index();
            order_by(s, &l[me], &k[me], &[Column::Z64(r[me].clone())])
        });
        run.assert_cost("order_by", |m| order_by_cost(m, n, 6, &[Shape::Z64]));
        let mut want = row.clone();
        want.sort_by_key(|i| {
            let i = usize::try_from(*i).unwrap();
            (1 - live[i], keys[i])
        });
        let got = run.results.each_ref().map(|(_, columns)| words(&columns[0]));
        assert_eq!(reconstruct(got.each_ref()).unwrap(), want, "n = {n}");
        let got = clear_bits(run.results.each_ref().map(|(live, _)| live));
        let count = usize::try_from(live.iter().sum::<u64>()).unwrap();
        assert!(got.iter().enumerate().all(|(i, bit)| *bit == u64::from(i < count)));
    }
}

/// A unique side of `left` rows (keys distinct among live rows) and another of `right` rows.
fn check_join(seed: u64, left: usize, right: usize, sorted: bool) {
    let world = World::new(seed);
    let mut random = world.random(99);
    let mut keys: Vec<u64> = (0..left as u64).map(|i| i * 3 % 1021).collect();
    for i in (1..left).rev() {
        keys.swap(i, usize::try_from(random()).unwrap() % (i + 1));
    }
    let mut live: Vec<u64> = (0..left).map(|_| u64::from(!random().is_multiple_of(4))).collect();
    // Dead rows may repeat a live row's key: it must not shadow that row.
    for i in 1..left {
        if live[i] == 0 {
            keys[i] = keys[i - 1];
        }
    }
    if sorted {
        let mut both: Vec<(u64, u64)> = live.iter().copied().zip(keys.iter().copied()).collect();
        both.sort_by_key(|(live, key)| (1 - live, *key));
        (live, keys) = both.into_iter().unzip();
    }
    let (tag, pay) = (draw(world, 5, left, 1 << 40), draw(world, 6, left, 7));
    let (rkeys, rlive) = (draw(world, 7, right, 1100), draw(world, 8, right, 2));
    let (lk, ll) = (share_bits(world, 1, &keys, 11), share_bits(world, 2, &live, 1));
    let (rk, rl) = (share_bits(world, 3, &rkeys, 11), share_bits(world, 4, &rlive, 1));
    let (lt, lp) = (world.deal::<Z64>(5, &tag), share_bits(world, 6, &pay, 3));
    let run = world.run(|s| {
        let me = s.role().index();
        let columns = [Column::Z64(lt[me].clone()), Column::Bits(lp[me].clone())];
        let sides = Join {
            left_key: &lk[me],
            left_live: &ll[me],
            left_sorted: sorted,
            columns: &columns,
            right_key: &rk[me],
            right_live: &rl[me],
        };
        join(s, &sides)
    });
    run.assert_cost("join", |m| {
        join_cost(m, (left, right), 11, sorted, &[Shape::Z64, Shape::Bits(3)]);
    });
    let partner: BTreeMap<u64, usize> =
        (0..left).filter(|i| live[*i] == 1).map(|i| (keys[i], i)).collect();
    let matched = clear_bits(run.results.each_ref().map(|joined| &joined.matched));
    let tags = run.results.each_ref().map(|joined| words(&joined.columns[0]));
    let tags = reconstruct(tags.each_ref()).unwrap();
    let pays = clear_bits(run.results.each_ref().map(|joined| bits(&joined.columns[1])).each_ref());
    for i in 0..right {
        let want = partner.get(&rkeys[i]).filter(|_| rlive[i] == 1);
        assert_eq!(matched[i], u64::from(want.is_some()), "seed {seed}: row {i}");
        if let Some(&at) = want {
            assert_eq!((tags[i], pays[i]), (tag[at], pay[at]), "seed {seed}: row {i}");
        }
    }
}

#[test]
fn a_join_finds_each_rows_partner() {
    for (seed, (left, right)) in
        (0..).zip([(0, 5), (5, 0), (1, 1), (1, 64), (63, 1), (64, 65), (65, 63), (300, 1000)])
    {
        check_join(seed, left, right, true);
        check_join(seed + 100, left, right, false);
    }
}

fn check_groups(seed: u64, n: usize, key_width: usize, groups: usize, extremes: bool) {
    let world = World::new(seed);
    let keys = draw(world, 1, n, 1 << key_width);
    let live = draw(world, 2, n, 3).into_iter().map(|x| u64::from(x > 0)).collect::<Vec<_>>();
    let value = draw(world, 3, n, 1 << 6);
    let measure: Vec<u64> =
        (0..n).map(|i| live[i] * (value[i].wrapping_mul(1 << 33) ^ 5)).collect();
    let k = share_bits(world, 1, &keys, key_width.max(1));
    let (l, v) = (share_bits(world, 2, &live, 1), share_bits(world, 3, &value, 6));
    let (m, ones) = (world.deal::<Z64>(4, &measure), world.deal::<Z64>(5, &live));
    let run = world.run(|s| {
        let me = s.role().index();
        let sums = [m[me].clone(), ones[me].clone()].map(Column::Z64);
        let both = [Extreme { of: &v[me], largest: true }, Extreme { of: &v[me], largest: false }];
        let group = GroupBy {
            keys: &k[me].bit_range(0, key_width),
            live: &l[me],
            sums: &sums,
            extremes: if extremes { &both } else { &[] },
            groups,
        };
        group_by(s, &group)
    });
    let widths: &[usize] = if extremes { &[6, 6] } else { &[] };
    let shapes = [Shape::Z64; 2];
    run.assert_cost("group_by", |m| group_by_cost(m, n, key_width, &shapes, widths, groups));
    let mut want: BTreeMap<u64, (u64, u64, u64, u64)> = BTreeMap::new();
    for i in (0..n).filter(|i| live[*i] == 1) {
        let key = if key_width == 0 { 0 } else { keys[i] };
        let cell = want.entry(key).or_insert((0, 0, 0, u64::MAX));
        *cell = (
            cell.0.wrapping_add(measure[i]),
            cell.1 + 1,
            cell.2.max(value[i]),
            cell.3.min(value[i]),
        );
    }
    let sum = |i: usize| {
        let sums = run.results.each_ref().map(|g| words(&g.sums[i]));
        reconstruct(sums.each_ref()).unwrap()
    };
    let (sums, counts) = (sum(0), sum(1));
    let got_live = clear_bits(run.results.each_ref().map(|g| &g.live));
    let got_keys = match key_width {
        0 => vec![0; groups],
        _ => clear_bits(run.results.each_ref().map(|g| &g.keys)),
    };
    let mut expected = want.iter();
    for row in 0..groups {
        let (key, cell) = expected.next().map_or((0, (0, 0, 0, 0)), |(key, cell)| (*key, *cell));
        assert_eq!(got_live[row], u64::from(cell.1 > 0), "seed {seed} n {n} row {row}");
        assert_eq!(
            (got_keys[row], sums[row], counts[row]),
            (key, cell.0, cell.1),
            "seed {seed} n {n} row {row}"
        );
        if extremes {
            let value = |i: usize| clear_bits(run.results.each_ref().map(|g| &g.extremes[i]))[row];
            assert_eq!((value(0), value(1)), (cell.2, cell.3), "seed {seed} n {n} row {row}");
        }
    }
    assert_eq!(expected.next(), None, "all groups came out");
}

#[test]
fn groups_have_their_sums_and_extremes_and_nothing_else() {
    for (seed, n) in (0..).zip(SIZES) {
        // More rows than groups, more groups than rows, no key at all.
        check_groups(seed, n, 3, 8, false);
        check_groups(seed + 10, n, 3, 20, true);
        check_groups(seed + 20, n, 0, 1, false);
        check_groups(seed + 30, n, 0, 3, true);
    }
}

#[test]
fn a_filter_is_an_and() {
    let world = World::new(4);
    let (live, keep) = (draw(world, 1, 100, 2), draw(world, 2, 100, 2));
    let (l, k) = (share_bits(world, 1, &live, 1), share_bits(world, 2, &keep, 1));
    let run = world.run(|s| filter(s, &l[s.role().index()], &k[s.role().index()]));
    run.assert_cost("filter", |m| filter_cost(m, 100));
    let want: Vec<u64> = live.iter().zip(&keep).map(|(l, k)| l & k).collect();
    assert_eq!(run.reconstruct(), want);
}

#[test]
fn several_keys_sort_in_their_own_directions() {
    for n in SIZES {
        let world = World::new(n as u64 + 7);
        let keys = [draw(world, 1, n, 4), draw(world, 2, n, 8), draw(world, 3, n, 8)];
        let live = draw(world, 4, n, 4).into_iter().map(|x| u64::from(x > 0)).collect::<Vec<_>>();
        let row: Vec<u64> = (0..n as u64).collect();
        let shared = [(1, &keys[0], 2), (2, &keys[1], 3), (3, &keys[2], 3), (4, &live, 1)]
            .map(|(label, values, width)| share_bits(world, label, values, width));
        let rows = world.deal::<Z64>(5, &row);
        let run = world.run(|s| {
            let me = s.role().index();
            let key =
                |i: usize, signed, descending| SortKey { of: &shared[i][me], signed, descending };
            let keys = [key(0, false, true), key(1, true, false), key(2, true, true)];
            let keys = sort_key(s.role(), &keys);
            top_k(s, &shared[3][me], &keys, &[Column::Z64(rows[me].clone())], 17)
        });
        run.assert_cost("top_k", |m| top_k_cost(m, n, 8, &[Shape::Z64]));
        let signed = |x: u64| if x < 4 { x.cast_signed() } else { x.cast_signed() - 8 };
        let mut want = row.clone();
        want.sort_by_key(|i| {
            let i = usize::try_from(*i).unwrap();
            let [a, b, c] = keys.each_ref().map(|key| key[i]);
            (1 - live[i], std::cmp::Reverse(a), signed(b), std::cmp::Reverse(signed(c)))
        });
        want.truncate(17);
        let got = run.results.each_ref().map(|(_, columns)| words(&columns[0]));
        assert_eq!(reconstruct(got.each_ref()).unwrap(), want, "n = {n}");
    }
}

#[test]
fn of_equal_keys_the_first_live_row_is_kept() {
    for n in SIZES {
        let world = World::new(n as u64 + 70);
        let keys = draw(world, 1, n, 64);
        let live = draw(world, 2, n, 3).into_iter().map(|x| u64::from(x > 0)).collect::<Vec<_>>();
        let row: Vec<u64> = (0..n as u64).collect();
        let (k, l) = (share_bits(world, 1, &keys, 6), share_bits(world, 2, &live, 1));
        let rows = world.deal::<Z64>(3, &row);
        let run = world.run(|s| {
            let me = s.role().index();
            distinct(s, &l[me], &k[me], &[Column::Z64(rows[me].clone())])
        });
        run.assert_cost("distinct", |m| distinct_cost(m, n, 6, &[Shape::Z64]));
        let mut want = BTreeMap::new();
        for i in (0..n).filter(|i| live[*i] == 1) {
            want.entry(keys[i]).or_insert(i as u64);
        }
        let got = run.results.each_ref().map(|(_, columns)| words(&columns[0]));
        let got = reconstruct(got.each_ref()).unwrap();
        let kept = clear_bits(run.results.each_ref().map(|(live, _)| live));
        let kept: Vec<u64> =
            got.iter().zip(kept).filter(|row| row.1 == 1).map(|row| *row.0).collect();
        assert_eq!(kept, want.into_values().collect::<Vec<_>>(), "n = {n}");
    }
}

fn check_join_sum(seed: u64, left: usize, right: usize, sorted: bool) {
    let world = World::new(seed);
    let mut random = world.random(99);
    let mut unique: Vec<(u64, u64)> =
        (0..left as u64).map(|i| (u64::from(random().is_multiple_of(4)), i * 3 + 1)).collect();
    if sorted {
        unique.sort_unstable();
    } else {
        unique.reverse();
    }
    let (dead, keys): (Vec<u64>, Vec<u64>) = unique.into_iter().unzip();
    let live: Vec<u64> = dead.into_iter().map(|dead| 1 - dead).collect();
    let (rkeys, rlive) = (draw(world, 1, right, 3 * left as u64 + 5), draw(world, 2, right, 2));
    let values = draw(world, 3, right, u64::MAX);
    let (lk, ll) = (share_bits(world, 1, &keys, 11), share_bits(world, 2, &live, 1));
    let (rk, rl) = (share_bits(world, 3, &rkeys, 11), share_bits(world, 4, &rlive, 1));
    let (tag, v) = (world.deal::<Z64>(5, &keys), world.deal::<Z64>(6, &values));
    let ones = world.deal::<Z64>(7, &vec![1; right]);
    let run = world.run(|s| {
        let me = s.role().index();
        let columns = [Column::Z64(tag[me].clone())];
        let sides = Join {
            left_key: &lk[me],
            left_live: &ll[me],
            left_sorted: sorted,
            columns: &columns,
            right_key: &rk[me],
            right_live: &rl[me],
        };
        join_sum(s, &sides, &[v[me].clone(), ones[me].clone()])
    });
    run.assert_cost("join_sum", |m| {
        join_sum_cost(m, (left, right), 11, sorted, &[Shape::Z64], 2);
    });
    let open = |of: fn(&JoinedSums) -> Shared<Z64>| {
        reconstruct(run.results.each_ref().map(of).each_ref()).unwrap()
    };
    let (tags, sums) = (open(|j| words(&j.columns[0])), open(|j| j.sums[0].clone()));
    let counts = open(|j| j.sums[1].clone());
    let got_live = clear_bits(run.results.each_ref().map(|joined| &joined.live));
    let mut found = 0;
    for i in 0..left {
        let theirs = (0..right).filter(|j| rlive[*j] == 1 && rkeys[*j] == tags[i]);
        let theirs: Vec<u64> = theirs.filter(|_| got_live[i] == 1).map(|j| values[j]).collect();
        let sum = theirs.iter().fold(0_u64, |sum, value| sum.wrapping_add(*value));
        assert_eq!((sums[i], counts[i]), (sum, theirs.len() as u64), "seed {seed}: row {i}");
        found += got_live[i];
    }
    assert_eq!(found, live.iter().sum::<u64>(), "seed {seed}");
}

#[test]
fn a_join_adds_up_what_each_unique_row_matches() {
    for (seed, (left, right)) in
        (0..).zip([(0, 5), (5, 0), (1, 1), (1, 64), (63, 1), (64, 65), (65, 63), (100, 1000)])
    {
        check_join_sum(seed, left, right, true);
        check_join_sum(seed + 100, left, right, false);
    }
}
