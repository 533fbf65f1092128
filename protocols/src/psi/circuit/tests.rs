//! Shares against the plain intersection, the price, and that nothing but sizes shows.

mod buckets;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use super::*;
use crate::{
    mpc::{Column, Shape},
    net::{
        Channel, memory,
        record::{Direction, Recorder},
    },
    party::Role,
    prg::Prg,
    ring::Z64,
    session::{Session, SessionError},
    share::Shared,
    testkit::{Duo, World, clear_bits},
};

/// Shapes of both sides' columns: an id number, and something of few bits.
const SHAPES: [Shape; 2] = [Shape::Z64, Shape::Bits(5)];

/// Two sets with a known intersection, each with two columns.
pub(in crate::psi) struct Instance {
    pub(in crate::psi) seed: u64,
    pub(in crate::psi) task: Task,
    pub(in crate::psi) items: [Vec<u128>; 2],
    columns: [[Vec<u64>; 2]; 2],
    common: usize,
}

impl Instance {
    /// The receiver's and the sender's sizes, and how many elements are common.
    pub(in crate::psi) fn new(
        seed: u64,
        roles: [Role; 2],
        sizes: [usize; 2],
        common: usize,
    ) -> Self {
        Self::within(seed, roles, sizes, sizes, common)
    }

    /// Sets of other sizes than the public bounds.
    fn within(
        seed: u64,
        roles: [Role; 2],
        bounds: [usize; 2],
        sizes: [usize; 2],
        common: usize,
    ) -> Self {
        let duo = Duo::new(seed);
        let shared = duo.words(0, common);
        let items = [0_usize, 1].map(|side| {
            let own = duo.words(side as u64 + 1, sizes[side] - common);
            // The common ones at the end of one and the beginning of the other.
            if side == 0 { [&own[..], &shared].concat() } else { [&shared[..], &own].concat() }
        });
        let columns = [(1_u64, &items[0]), (2, &items[1])].map(|(side, items)| {
            let n = items.len() as u64;
            [(0..n).map(|row| side << 40 | row).collect(), (0..n).map(|row| row * 7 % 32).collect()]
        });
        let provider = |side: usize| Provider {
            role: roles[side],
            items: bounds[side],
            columns: SHAPES.to_vec(),
        };
        let task = Task::new(provider(0), provider(1), 1).unwrap();
        Self { seed, task, items, columns, common }
    }

    pub(in crate::psi) fn intersect(&self, s: &mut Session) -> Result<Matches, SessionError> {
        let mut rng = rng(self.seed, s.role());
        let side = [self.task.receiver(), self.task.sender()]
            .iter()
            .position(|provider| provider.role == s.role());
        let Some(side) = side else { return intersect(s, &self.task, None, &mut rng) };
        let columns = self.columns[side].each_ref().map(|column| &column[..]);
        let set = Set { items: &self.items[side], columns: &columns };
        intersect(s, &self.task, Some(&set), &mut rng)
    }

    /// Runs, and compares everything with the plain intersection.
    fn check(&self) {
        let run = World::new(self.seed).run(|s| {
            let matches = self.intersect(s)?;
            matches.zeroed(s)
        });
        run.assert_cost("intersect", |m| {
            intersect_cost(m, &self.task);
            zeroed_cost(m, &self.task);
        });
        assert!(run.opened.iter().all(Vec::is_empty), "nothing is opened");
        let live = clear_bits(run.results.each_ref().map(|of| &of.live));
        let columns = |of: fn(&Matches) -> &[Column]| {
            [0, 1].map(|number| clear(run.results.each_ref().map(|party| &of(party)[number])))
        };
        let receiver = columns(|of| &of.receiver);
        let sender = columns(|of| &of.sender);
        assert_eq!(live.len(), self.task.bins());
        let place: BTreeMap<u64, usize> =
            (0..).zip(&self.columns[0][0]).map(|(i, id)| (*id, i)).collect();
        let mut placed = 0;
        for bin in 0..live.len() {
            let row = [receiver[0][bin], receiver[1][bin], sender[0][bin], sender[1][bin]];
            let Some(item) = place.get(&row[0]) else {
                assert_eq!((live[bin], row), (0, [0; 4]), "seed {}: an empty bin", self.seed);
                continue;
            };
            placed += 1;
            assert_eq!(row[1], self.columns[0][1][*item]);
            let partner = item.checked_sub(self.items[0].len() - self.common);
            let want =
                partner.map_or([0; 3], |at| [1, self.columns[1][0][at], self.columns[1][1][at]]);
            assert_eq!([live[bin], row[2], row[3]], want, "seed {}: bin {bin}", self.seed);
        }
        assert_eq!(placed, self.items[0].len(), "every element of the receiver stands once");
    }
}

/// A party's own generator.
pub(in crate::psi) fn rng(seed: u64, role: Role) -> Prg {
    let mut key = [7; 16];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    key[8] = u8::try_from(role.index()).unwrap();
    Prg::new(&key)
}

fn clear(shares: [&Column; 3]) -> Vec<u64> {
    fn words(column: &Column) -> &Shared<Z64> {
        let Column::Z64(words) = column else { panic!("a column of words") };
        words
    }
    match shares[0] {
        Column::Bits(_) => clear_bits(shares.map(|column| {
            let Column::Bits(bits) = column else { panic!("a column of bits") };
            bits
        })),
        _ => crate::share::reconstruct(shares.map(words)).expect("replicas agree"),
    }
}

const PLACES: [[Role; 2]; 6] = [
    [Role::P0, Role::P1],
    [Role::P1, Role::P0],
    [Role::P1, Role::P2],
    [Role::P2, Role::P1],
    [Role::P2, Role::P0],
    [Role::P0, Role::P2],
];

#[test]
fn every_pair_of_providers_gets_the_plain_intersection() {
    for (seed, roles) in (0..).zip(PLACES) {
        Instance::new(seed, roles, [100, 120], 40).check();
    }
}

#[test]
fn sizes_from_none_to_a_thousand_with_nothing_and_everything_in_common() {
    let sizes = [[0, 0], [0, 5], [5, 0], [1, 1], [63, 65], [64, 64], [1, 1000], [1000, 1]];
    for (seed, sizes) in (10..).zip(sizes) {
        let all = sizes[0].min(sizes[1]);
        Instance::new(seed, PLACES[0], sizes, 0).check();
        if all > 0 {
            Instance::new(seed, PLACES[3], sizes, all).check();
        }
    }
    Instance::new(20, PLACES[4], [1000, 1000], 500).check();
}

#[test]
fn random_instances_equal_the_plain_intersection() {
    for seed in 100..300 {
        let mut draw = World::new(seed).random(1);
        let mut below = |n: u64| usize::try_from(draw() % n).unwrap();
        let sizes = [below(80), below(80)];
        let common = below(1 + sizes[0].min(sizes[1]) as u64);
        Instance::new(seed, PLACES[below(6)], sizes, common).check();
    }
}

#[test]
fn a_set_smaller_than_its_bound_is_padded() {
    Instance::within(30, PLACES[1], [200, 100], [50, 60], 20).check();
    Instance::within(31, PLACES[1], [200, 100], [0, 0], 0).check();
}

#[test]
fn sets_of_one_bound_have_one_transcript() {
    let shape = |instance: &Instance| {
        let recorders: Vec<Arc<Recorder<_>>> = memory::mesh(3, Duration::from_secs(60))
            .into_iter()
            .map(|channel| Arc::new(Recorder::new(channel)))
            .collect();
        let channels =
            recorders.iter().map(|channel| Arc::clone(channel) as Arc<dyn Channel>).collect();
        let run = World::new(1).run_over(channels, |s| instance.intersect(s)?.zeroed(s));
        assert!(run.results.iter().all(Result::is_ok));
        recorders.iter().map(|recorder| recorder.shape()).collect::<Vec<_>>()
    };
    let of = |sizes, common| Instance::within(40, PLACES[2], [90, 70], sizes, common);
    let want = shape(&of([90, 70], 0));
    assert_eq!(want, shape(&of([90, 70], 70)));
    assert_eq!(want, shape(&of([10, 0], 0)));
}

#[test]
fn what_does_not_fit_the_task_is_refused_before_its_owner_sends_anything() {
    let refused = |change: &dyn Fn(&mut Instance), what: &str| {
        let mut instance = Instance::new(50, PLACES[0], [10, 10], 5);
        change(&mut instance);
        let [zero, one, two] =
            <[_; 3]>::try_from(memory::mesh(3, Duration::from_secs(60))).ok().unwrap();
        let zero = Arc::new(Recorder::new(zero));
        let channels: Vec<Arc<dyn Channel>> =
            vec![Arc::clone(&zero) as Arc<dyn Channel>, Arc::new(one), Arc::new(two)];
        let run = World::new(50).run_over(channels, |s| instance.intersect(s).map(drop));
        assert!(matches!(run.results[0], Err(SessionError::Misuse { .. })), "{what}");
        assert!(run.results[1..].iter().all(Result::is_err), "{what}: the others end too");
        let sent = |direction: &Direction| matches!(direction, Direction::To(_));
        assert!(!zero.shape().keys().any(sent), "{what}: something was sent");
    };
    refused(&|of| of.items[0][3] = of.items[0][7], "an element twice");
    refused(&|of| of.items[0].push(1), "too many elements");
    refused(&|of| of.columns[0][1].truncate(9), "a short column");
}
