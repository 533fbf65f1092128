//! Whether two providers' tables are joined cheaper by their sets or by sorting their shares.

use super::{
    bucketed::{Bucketed, intersect_bucket_cost},
    task::Provider,
};
use crate::{
    mpc::{Shape, input_cost},
    relational::join_cost,
    ring::B64,
    session::{Meter, Profile},
};

/// How to join two providers' tables on a key that is unique in both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// [`intersect`](super::intersect): rows are the receiver's bins.
    Circuit,
    /// [`join`](crate::relational::join) of shared tables: rows are the receiver's.
    Sorted,
}

/// What the two providers work for a query and a point, and before the first, in nanoseconds.
const QUERY_NANOS: u64 = 250;
const POINT_NANOS: u64 = 60;
const SETUP_NANOS: u64 = 20_000_000;
/// Halves of a nanosecond that a byte of three-party work takes, as for comparisons.
const BYTE_HALVES: u64 = 1;

/// The cheaper way for links like these, and what each is estimated to take in nanoseconds: circuit, sorted.
///
/// Sizes and the profile alone decide, in integers, so that all parties choose alike. The constants are estimates: where both
/// ways cost about the same, the slower one may be taken.
#[must_use]
pub fn way(profile: Profile, of: &Bucketed) -> (Way, [u64; 2]) {
    let nanos = |quote: &dyn Fn(&mut Meter)| {
        let mut m = Meter::on(profile);
        quote(&mut m);
        profile.link_nanos(m.total()).saturating_add(m.total().bytes / 2 * BYTE_HALVES)
    };
    // One bucket after the other, each like the first.
    let bucket = nanos(&|m| intersect_bucket_cost(m, of));
    let circuit = bucket.saturating_mul(of.buckets() as u64).saturating_add(local_nanos(of));
    let sorted = nanos(&|m| sorted_cost(m, of));
    let way = if circuit <= sorted { Way::Circuit } else { Way::Sorted };
    (way, [circuit, sorted])
}

/// What the two providers are estimated to work by themselves, in nanoseconds, besides what goes over the links.
///
/// For who prices what is done with the rows, too: a whole plan has bytes and rounds of its own.
#[must_use]
pub fn local_nanos(of: &Bucketed) -> u64 {
    let function = of.task().function();
    let [queries, points] = [function.queries, function.points].map(|count| count as u64);
    let bucket = SETUP_NANOS + QUERY_NANOS * queries + POINT_NANOS * points;
    bucket.saturating_mul(of.buckets() as u64)
}

/// Both tables shared by their owners, the sender's in key order, and joined.
fn sorted_cost(m: &mut Meter, of: &Bucketed) {
    let (task, sizes) = (of.task(), of.sizes());
    let all = |one: &Provider, items| Provider { items, ..one.clone() };
    let receiver = all(task.receiver(), sizes.receiver);
    let sender = all(task.sender(), sizes.sender);
    let most = receiver.items.max(sender.items).max(1);
    let key = 64.max(40 + 2 * most.next_power_of_two().trailing_zeros() as usize);
    for provider in [&sender, &receiver] {
        let columns = provider.columns.iter().copied();
        let words = [Shape::Bits(key + 1)].into_iter().chain(columns);
        let words = words.map(|shape| shape.wire_words(provider.items)).sum();
        input_cost::<B64>(m, provider.role, words);
    }
    join_cost(m, (sender.items, receiver.items), key, true, &sender.columns);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::party::Role;

    fn of(items: usize, buckets: usize) -> Bucketed {
        let provider = |role| Provider { role, items, columns: vec![Shape::Z64] };
        Bucketed::new(buckets, provider(Role::P0), provider(Role::P1)).unwrap()
    }

    #[test]
    fn small_tables_are_sorted_and_large_ones_hashed() {
        assert_eq!(way(Profile::LOOPBACK, &of(16, 1)).0, Way::Sorted);
        for profile in [Profile::LOOPBACK, Profile::LAN, Profile::WAN] {
            for buckets in [1, 4] {
                let (way, [circuit, sorted]) = way(profile, &of(1 << 20, buckets));
                assert_eq!(way, Way::Circuit);
                assert!(3 * circuit < sorted, "{circuit} against {sorted}");
            }
        }
    }

    #[test]
    fn every_bucket_has_its_price_and_sorting_has_one() {
        let prices = |buckets| way(Profile::WAN, &of(1 << 18, buckets)).1;
        let ([one, sorted], [sixteen, other]) = (prices(1), prices(16));
        assert_eq!(sorted, other);
        assert!(sixteen > one && sixteen < 16 * one, "{sixteen} against {one}");
    }
}
