//! Numbers over sets that meet bucket by bucket.

use super::*;
use crate::{
    psi::{
        Buckets, Scattered,
        aggregate::{Aggregates, Ask, Cell, Rule, Tally},
    },
    session::{Meter, Recipient},
    share::Bits,
};

/// Two sets with a value of each of the sender's elements, and what is asked.
struct Summed {
    seed: u64,
    of: Bucketed,
    items: [Vec<u128>; 2],
    common: usize,
    minimum: u32,
}

/// A value that belongs to an element.
fn value(item: u128) -> u64 {
    (item >> 90) as u64
}

impl Summed {
    /// As many elements on both sides as said, within these bounds.
    fn new(seed: u64, (bound, buckets): (usize, usize), sizes: [usize; 2], common: usize) -> Self {
        let duo = Duo::new(seed);
        let shared = duo.words(0, common);
        let items = [0_usize, 1].map(|side| {
            let own = duo.words(side as u64 + 1, sizes[side] - common);
            if side == 0 { [&own[..], &shared].concat() } else { [&shared[..], &own].concat() }
        });
        let provider = |role, columns| Provider { role, items: bound, columns };
        let [receiver, sender] =
            [provider(Role::P2, Vec::new()), provider(Role::P0, vec![Shape::Z64])];
        let of = Bucketed::new(buckets, receiver, sender).unwrap();
        Self { seed, of, items, common, minimum: 0 }
    }

    fn at_least(self, minimum: usize) -> Self {
        Self { minimum: u32::try_from(minimum).unwrap(), ..self }
    }

    fn rule(&self) -> Rule {
        Rule { minimum: self.minimum, noise: None }
    }

    fn sum(&self, s: &mut Session) -> Result<Option<Vec<Option<Cell>>>, SessionError> {
        let mut rng = rng(self.seed, s.role());
        let side = match s.role() {
            Role::P2 => Some(0),
            Role::P0 => Some(1),
            Role::P1 => None,
        };
        let buckets = self.of.buckets();
        let mut own = Scattered::new(side.map_or(&[][..], |side| &self.items[side]), buckets);
        let mut total = None::<Tally>;
        for bucket in 0..buckets {
            let items = own.bucket(bucket, buckets)?;
            let values: Vec<u64> = items.iter().copied().map(value).collect();
            let columns = [&values[..]];
            let set = Set { items: &items, columns: if side == Some(1) { &columns } else { &[] } };
            let matches = intersect_bucket(s, &self.of, side.map(|_| &set), &mut rng)?;
            let Column::Z64(values) = &matches.sender[0] else { panic!("a column of words") };
            let group = Bits::zeros(matches.live.rows(), 0);
            let part = Tally::of(s, &Ask { live: &matches.live, group: &group, sums: &[values] })?;
            match &mut total {
                Some(total) => total.add(&part),
                none => *none = Some(part),
            }
        }
        total.expect("a bucket").release(s, &self.rule(), &mut rng)?.open(s, Recipient::All)
    }

    fn cost(&self, m: &mut Meter) {
        for _ in 0..self.of.buckets() {
            intersect_bucket_cost(m, &self.of);
            Tally::of_cost(m, self.of.task().bins(), 0, 1);
        }
        Tally::release_cost(m, 0, 1, &self.rule());
        Aggregates::open_cost(m, 0, 1, Recipient::All);
    }

    /// Runs, and compares what is said with the plain numbers, and the price with the quoted one.
    fn check(&self) {
        let run = World::new(self.seed).run(|s| self.sum(s));
        run.assert_cost("counts in buckets", |m| self.cost(m));
        let common = &self.items[1][..self.common];
        let sum = common.iter().fold(0_u64, |sum, item| sum.wrapping_add(value(*item)));
        let count = i64::try_from(self.common).unwrap();
        let cell = Cell { count, sums: vec![sum.cast_signed()] };
        let want = vec![(count >= i64::from(self.minimum)).then_some(cell)];
        assert!(run.results.iter().all(|got| *got == Some(want.clone())), "seed {}", self.seed);
    }
}

#[test]
fn sums_over_buckets_are_those_of_the_plain_intersection() {
    for (seed, n) in [(60, 0), (61, 1), (62, 63), (63, 64), (64, 65), (65, 1000)] {
        for buckets in [1, 2, 5] {
            for common in [0, n / 3, n] {
                Summed::new(seed, (n, buckets), [n, n], common).check();
            }
        }
    }
}

#[test]
fn a_minimum_is_of_all_buckets_together() {
    // No bucket by itself has as many.
    for (minimum, seed) in [(29, 70), (30, 71), (31, 72)] {
        Summed::new(seed, (200, 4), [200, 150], 30).at_least(minimum).check();
    }
}

#[test]
fn how_many_fall_into_a_bucket_does_not_show() {
    let shape = |summed: &Summed| {
        let recorders: Vec<Arc<Recorder<_>>> = memory::mesh(3, Duration::from_secs(60))
            .into_iter()
            .map(|channel| Arc::new(Recorder::new(channel)))
            .collect();
        let channels =
            recorders.iter().map(|channel| Arc::clone(channel) as Arc<dyn Channel>).collect();
        let run = World::new(1).run_over(channels, |s| summed.sum(s));
        assert!(run.results.iter().all(Result::is_ok));
        recorders.iter().map(|recorder| recorder.shape()).collect::<Vec<_>>()
    };
    let of = |seed, sizes, common| Summed::new(seed, (100, 3), sizes, common).at_least(20);
    let want = shape(&of(80, [100, 100], 100));
    assert_eq!(want, shape(&of(81, [100, 100], 0)));
    assert_eq!(want, shape(&of(82, [40, 0], 0)));
}

#[test]
fn a_bucket_that_overflows_ends_the_run() {
    let mut summed = Summed::new(90, (400, 8), [400, 10], 0);
    // All in the first bucket, as no hash would have it.
    summed.items[0].iter_mut().for_each(|item| *item >>= 3);
    let channels = memory::mesh(3, Duration::from_secs(20)).into_iter();
    let channels = channels.map(|channel| Arc::new(channel) as Arc<dyn Channel>).collect();
    let run = World::new(90).run_over(channels, |s| summed.sum(s));
    assert!(matches!(run.results[2], Err(SessionError::Unlucky { .. })));
    assert!(run.results[..2].iter().all(Result::is_err));
}
