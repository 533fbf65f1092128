//! What a sort opens is a uniformly random permutation, whatever the keys; two sorts open two.

use std::collections::BTreeMap;

use protocols::{
    mpc::{self, Ordering},
    net::record::Direction,
    party::Role,
    ring::Z32,
    session::{OpeningKind, Session, SessionError},
    share::Shared,
    testkit::{World, share_bits},
};

use super::view::{View, chi_square, record};

/// What was opened at each step: the last three messages around the ring, added up.
fn opened(views: &[View; 3]) -> BTreeMap<u64, Vec<u32>> {
    let mut steps: BTreeMap<u64, Vec<u32>> = BTreeMap::new();
    for role in Role::ALL {
        let mut last = BTreeMap::new();
        for (tag, body) in views[role.index()].frames(Direction::To(role.next().id())) {
            last.insert(tag.path, body);
        }
        for (step, body) in last {
            let words =
                body.chunks_exact(4).map(|word| u32::from_le_bytes(word.try_into().unwrap()));
            let sum = steps.entry(step).or_insert_with(|| vec![0; body.len() / 4]);
            sum.iter_mut().zip(words).for_each(|(sum, word)| *sum = sum.wrapping_add(word));
        }
    }
    steps
}

type Open = fn(&mut Session, &Shared<Z32>) -> Result<(), SessionError>;

/// χ² of the permutations of 4 rows that an opening shows, over 2400 of them; 23 degrees of freedom.
fn spread(open: Open) -> f64 {
    const TIMES: u64 = 2400;
    let world = World::new(11);
    let (_, views) = record(world, |s| {
        for step in 0..TIMES {
            s.enter(2 + step);
            let sorted = Shared::<Z32>::public(s.role(), &[0, 1, 2, 3]);
            open(s, &sorted)?;
        }
        Ok(())
    });
    let mut counts: BTreeMap<Vec<u32>, u32> = BTreeMap::new();
    for positions in opened(&views).into_values() {
        let mut sorted = positions.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, [0, 1, 2, 3], "what was opened is a permutation");
        *counts.entry(positions).or_default() += 1;
    }
    let mut counts: Vec<u32> = counts.into_values().collect();
    counts.resize(24, 0);
    assert_eq!(u64::from(counts.iter().sum::<u32>()), TIMES);
    chi_square(&counts)
}

#[test]
fn opened_positions_are_uniform_permutations() {
    // 23 degrees of freedom: 70 is exceeded by chance about once in 10^6.
    let honest = spread(|s, positions| Ordering::apply(s, positions, &[]).map(drop));
    assert!(honest < 70.0, "chi-square {honest:.0}");
}

#[test]
fn positions_opened_without_a_shuffle_are_seen() {
    let open = |s: &mut Session, positions: &Shared<Z32>| {
        mpc::reveal(s, positions, OpeningKind::Permutation).map(drop)
    };
    assert!(spread(open) > 70.0);
}

#[test]
fn positions_opened_after_a_turn_only_are_seen() {
    // A shuffle from too little randomness: rows move on by 0 to 3 places.
    let open = |s: &mut Session, positions: &Shared<Z32>| {
        let by = usize::try_from(((s.step() * 2_654_435_761) >> 16) & 3).unwrap();
        let turned = Shared::concat(&[&positions.slice(by, 4), &positions.slice(0, by)]);
        mpc::reveal(s, &turned, OpeningKind::Permutation).map(drop)
    };
    assert!(spread(open) > 70.0);
}

/// Sorts twice and returns what the two last openings showed.
fn sorted_twice(seed: u64, keys: &[u64], open: Open) -> [Vec<u32>; 2] {
    let world = World::new(seed);
    let shared = share_bits(world, 1, keys, 7);
    let (_, views) = record(world, |s| {
        for again in 0..2 {
            s.enter(2 + 2 * again);
            let positions = mpc::sort_positions(s, &shared[s.role().index()])?;
            s.enter(3 + 2 * again);
            open(s, &positions)?;
        }
        Ok(())
    });
    let mut steps = opened(&views);
    [steps.remove(&3).unwrap(), steps.remove(&5).unwrap()]
}

/// Whether no two of these orders agree in more places than chance allows: one in expectation, 9 once in 10^6.
fn unrelated(orders: &[Vec<u32>]) -> bool {
    let same = |a: &[u32], b: &[u32]| a.iter().zip(b).filter(|(a, b)| a == b).count();
    (1..orders.len()).all(|i| (0..i).all(|j| same(&orders[i], &orders[j]) < 9))
}

#[test]
fn two_sorts_of_the_same_data_open_unrelated_orders() {
    let sorted: Vec<u64> = (0..100).collect();
    let equal = vec![5; 100];
    let orders = |open: Open| -> Vec<Vec<u32>> {
        let runs = [(1, &sorted), (2, &sorted), (3, &equal)];
        let opened = runs.into_iter().flat_map(|(seed, keys)| sorted_twice(seed, keys, open));
        opened.chain([(0..100).collect()]).collect()
    };
    assert!(unrelated(&orders(|s, positions| Ordering::apply(s, positions, &[]).map(drop))));
    let bare = |s: &mut Session, positions: &Shared<Z32>| {
        mpc::reveal(s, positions, OpeningKind::Permutation).map(drop)
    };
    assert!(!unrelated(&orders(bare)), "the keys' own order shows");
}
