//! Counts and sums against the plain ones, the minimum, the noise, and what passes the gate.

use super::*;
use crate::{
    party::Role,
    prg::Prg,
    ring::Z64,
    session::{OpeningKind, Recipient, Session, SessionError},
    share::{Bits, Shared},
    testkit::{Run, World, share_bits},
};

/// Rows: whether they match, their group, and two values.
#[derive(Clone)]
struct Rows {
    live: Vec<u64>,
    group: Vec<u64>,
    values: [Vec<u64>; 2],
}

impl Rows {
    fn random(world: World, n: usize, group: usize) -> Self {
        let mut draw = world.random(9);
        let mut column = |bound: u64| (0..n).map(|_| draw() % bound).collect::<Vec<_>>();
        let live = column(2);
        let group = column(1 << group);
        let values = [column(1000), column(u64::MAX)];
        Self { live, group, values }
    }

    /// As many matches in group 0 as wanted, and none else.
    fn matching(n: usize, matches: usize) -> Self {
        let live = (0..n).map(|row| u64::from(row < matches)).collect();
        Self { live, group: vec![0; n], values: [vec![7; n], vec![9; n]] }
    }

    fn plain(&self, group: usize, minimum: u32) -> Vec<Option<Cell>> {
        let cells = (0..1 << group).map(|of| {
            let rows: Vec<usize> = (0..self.live.len())
                .filter(|row| self.live[*row] == 1 && self.group[*row] == of)
                .collect();
            let sum = |values: &Vec<u64>| {
                rows.iter().fold(0_u64, |sum, row| sum.wrapping_add(values[*row])).cast_signed()
            };
            let count = i64::try_from(rows.len()).unwrap();
            (count >= i64::from(minimum))
                .then(|| Cell { count, sums: self.values.iter().map(sum).collect() })
        });
        cells.collect()
    }
}

struct Shares {
    live: [Bits; 3],
    group: [Bits; 3],
    values: [[Shared<Z64>; 3]; 2],
}

impl Shares {
    fn of(world: World, rows: &Rows, group: usize) -> Self {
        let value = |label: u64| world.deal::<Z64>(label, &rows.values[usize::from(label == 4)]);
        Self {
            live: share_bits(world, 1, &rows.live, 1),
            group: if group == 0 {
                [(); 3].map(|()| Bits::zeros(rows.group.len(), 0))
            } else {
                share_bits(world, 2, &rows.group, group)
            },
            values: [value(3), value(4)],
        }
    }

    fn aggregate(&self, s: &mut Session, rule: &Rule) -> Result<Aggregates, SessionError> {
        let role = s.role().index();
        let sums: Vec<_> = self.values.iter().map(|value| &value[role]).collect();
        let ask = Ask { live: &self.live[role], group: &self.group[role], sums: &sums };
        aggregate(s, &ask, rule, &mut rng(s.role(), 0))
    }
}

/// A party's own generator.
fn rng(role: Role, seed: u64) -> Prg {
    let mut key = [role as u8; 16];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    Prg::new(&key)
}

fn run(world: World, rows: &Rows, group: usize, rule: &Rule) -> Run<Vec<Option<Cell>>> {
    let shares = Shares::of(world, rows, group);
    let run = world.run(|s| {
        let numbers = shares.aggregate(s, rule)?;
        Ok(numbers.open(s, Recipient::All)?.unwrap_or_default())
    });
    run.assert_cost("aggregate", |m| {
        aggregate_cost(m, rows.live.len(), group, 2, rule);
        Aggregates::open_cost(m, group, 2, Recipient::All);
    });
    assert!(run.opened[0].iter().all(|opening| opening.kind == OpeningKind::Aggregate));
    run
}

#[test]
fn counts_and_sums_are_those_of_the_matching_rows() {
    for (seed, n) in [(1, 0), (2, 1), (3, 63), (4, 64), (5, 65), (6, 1000)] {
        for group in [0, 1, 3] {
            let world = World::new(seed);
            let rows = Rows::random(world, n, group);
            for minimum in [0, 1, 40] {
                let rule = Rule { minimum, noise: None };
                let got = run(world, &rows, group, &rule);
                assert_eq!(got.results[0], rows.plain(group, minimum), "seed {seed}, {n} rows");
                assert_eq!(got.results[0], got.results[2]);
            }
        }
    }
}

#[test]
fn a_count_by_itself_needs_no_sums() {
    let world = World::new(7);
    let live: Vec<u64> = (0..500).map(|row| row % 3 / 2).collect();
    let (live, none) = (share_bits(world, 1, &live, 1), Bits::zeros(500, 0));
    let rule = Rule { minimum: 10, noise: None };
    let run = world.run(|s| {
        let ask = Ask { live: &live[s.role().index()], group: &none, sums: &[] };
        let numbers = aggregate(s, &ask, &rule, &mut rng(s.role(), 0))?;
        numbers.open(s, Recipient::One(Role::P1))
    });
    let want = vec![Some(Cell { count: 166, sums: vec![] })];
    assert_eq!(run.results, [None, Some(want), None]);
    run.assert_cost("cardinality", |m| {
        aggregate_cost(m, 500, 0, 0, &rule);
        Aggregates::open_cost(m, 0, 0, Recipient::One(Role::P1));
    });
}

#[test]
fn one_match_too_few_says_no_more_than_none_at_all() {
    let rule = |noise| Rule { minimum: 20, noise };
    let blur = Noise { epsilon_milli: 100, bounds: vec![10, 10] };
    for noise in [None, Some(blur)] {
        let rule = rule(noise);
        let cells = |matches| {
            let world = World::new(8);
            let rows = Rows::matching(100, matches);
            let shares = Shares::of(world, &rows, 1);
            let run = world.run(|s| Ok(shares.aggregate(s, &rule)?.cells().clone()));
            run.reconstruct()
        };
        // The shares that are opened or sealed hold zeros: no opening can say more than it.
        assert_eq!(cells(19), [0; 8]);
        assert_eq!(cells(0), [0; 8]);
        assert_eq!(cells(20)[0], 1, "and one more is shown");
        assert_eq!(cells(20)[4..], [0; 4], "in its group alone");
    }
}

#[test]
fn noise_is_of_all_three_and_near_the_truth() {
    let rows = Rows::matching(300, 200);
    let noise = Noise { epsilon_milli: 500, bounds: vec![10, 0] };
    let rule = Rule { minimum: 5, noise: Some(noise) };
    let cells: Vec<Cell> = (0..40)
        .map(|seed| {
            let world = World::new(seed);
            let shares = Shares::of(world, &rows, 0);
            let run = world.run(|s| {
                let role = s.role().index();
                let sums: Vec<_> = shares.values.iter().map(|value| &value[role]).collect();
                let ask = Ask { live: &shares.live[role], group: &shares.group[role], sums: &sums };
                let numbers = aggregate(s, &ask, &rule, &mut rng(s.role(), seed))?;
                Ok(numbers.open(s, Recipient::All)?.unwrap_or_default())
            });
            run.results[0][0].clone().unwrap()
        })
        .collect();
    // Three draws of scale 2 and of scale 20: variances 3·2·2² and 3·2·20², of which one party's share alone would be a third.
    let variance = |of: &dyn Fn(&Cell) -> i64| {
        cells.iter().map(|cell| (of(cell) as f64).powi(2)).sum::<f64>() / 40.0
    };
    let count = variance(&|cell| cell.count - 200);
    let sum = variance(&|cell| cell.sums[0] - 1400);
    assert!((10.0..50.0).contains(&count), "{count}");
    assert!((1000.0..5000.0).contains(&sum), "{sum}");
    assert!(cells.iter().all(|cell| cell.sums[1] == 1800), "a bound of 0 needs no noise");
}

#[test]
fn bounds_for_other_sums_are_refused() {
    let rows = Rows::matching(10, 5);
    let shares = Shares::of(World::new(1), &rows, 0);
    let rule = Rule { minimum: 0, noise: Some(Noise { epsilon_milli: 1, bounds: vec![1] }) };
    let run = World::new(1).run(|s| Ok(shares.aggregate(s, &rule).unwrap_err()));
    assert!(matches!(run.results[0], SessionError::Shape { .. }));
}
