//! What is found is the intersection, at the price that was quoted.

use std::collections::HashSet;

use super::super::{cost, receive, send};
use crate::{
    kernels::Field,
    psi::{Distinct, Members, Output, Parameters, Scattered, Setting, Sizes},
    session::{OpeningKind, PairCost},
    testkit::Duo,
    vole::Model,
};

/// Two sets of given sizes with so many common ids.
pub(super) fn sets(duo: Duo, sender: usize, receiver: usize, common: usize) -> [Vec<u128>; 2] {
    let words = duo.words(77, sender + receiver - common);
    let mut receivers = words[..receiver].to_vec();
    receivers.reverse();
    [words[receiver - common..].to_vec(), receivers]
}

pub(super) fn plain(own: &[u128], others: &[u128]) -> Vec<u32> {
    let others: HashSet<u128> = others.iter().copied().collect();
    let found = own.iter().zip(0..).filter(|(id, _)| others.contains(id));
    found.map(|(_, at)| at).collect()
}

/// Runs it and compares with the plain intersection and the quoted price.
fn check(seed: u64, setting: &Setting, [senders, receivers]: &[Vec<u128>; 2]) {
    let buckets = setting.parameters.buckets();
    let run = Duo::new(seed).run(
        |pair, rng| {
            let mut set = Scattered::new(senders, buckets);
            send(pair, setting, &mut set, rng)?;
            Ok(set.into_positions())
        },
        |pair, rng| {
            let mut set = Scattered::new(receivers, buckets);
            receive(pair, setting, &mut set, rng)?;
            Ok(set.into_positions())
        },
    );
    let sorted = |positions: &[u32]| {
        let mut positions = positions.to_vec();
        positions.sort_unstable();
        positions
    };
    let told = setting.output == Output::ToBoth;
    let senders_share = if told { plain(senders, receivers) } else { Vec::new() };
    assert_eq!(sorted(&run.sender), senders_share, "seed {seed}: {}", setting.parameters);
    assert_eq!(sorted(&run.receiver), plain(receivers, senders), "seed {seed}");
    let mut quoted = PairCost::new();
    cost(&mut quoted, setting);
    run.assert_cost(&quoted);
    let opened =
        |side: usize| run.opened[side].iter().map(|it| (it.kind, it.count)).collect::<Vec<_>>();
    let sizes = setting.parameters.sizes();
    assert_eq!(opened(0), [(OpeningKind::Membership, sizes.receiver as u64)]);
    let back = [(OpeningKind::Membership, sizes.sender as u64)];
    assert_eq!(opened(1), back[..usize::from(told)]);
}

fn settings(sizes: Sizes, bucket: usize) -> impl Iterator<Item = Setting> {
    let full = [Model::SemiHonest, Model::Malicious]
        .map(|model| Parameters::with_buckets_of(bucket, sizes, model));
    let low = Parameters::low_communication_with_buckets_of(bucket, sizes);
    full.into_iter().chain([low]).flat_map(|parameters| {
        let parameters = parameters.unwrap();
        [Output::ToReceiver, Output::ToBoth].map(|output| Setting {
            parameters,
            output,
            context: [5; 32],
        })
    })
}

#[test]
fn every_small_size_gives_the_plain_intersection_in_every_form() {
    for (sender, receiver, common, bucket) in [
        (0, 0, 0, 8),
        (0, 5, 0, 8),
        (5, 0, 0, 8),
        (1, 1, 0, 8),
        (1, 1, 1, 8),
        (63, 64, 20, 1000),
        (65, 1, 1, 20),
        (1000, 1000, 1000, 300),
        (1000, 10, 3, 250),
        (10, 1000, 10, 250),
        (700, 1000, 0, 100),
    ] {
        let sets = sets(Duo::new(1), sender, receiver, common);
        for setting in settings(Sizes { sender, receiver }, bucket) {
            check(2, &setting, &sets);
        }
    }
}

#[test]
fn two_hundred_random_instances_of_either_model_give_the_plain_intersection() {
    for seed in 0..400 {
        let duo = Duo::new(seed);
        let draw = duo.words(0, 4);
        let upto = |i: usize, most: usize| usize::try_from(draw[i] % (most as u128 + 1)).unwrap();
        let (sender, receiver) = (upto(0, 400), upto(1, 400));
        let common = upto(2, sender.min(receiver));
        let bucket = 1 + upto(3, 400).max(20);
        let sets = sets(duo, sender, receiver, common);
        let which = usize::try_from(seed % 4).unwrap();
        let setting = settings(Sizes { sender, receiver }, bucket).nth(which).unwrap();
        check(seed, &setting, &sets);
    }
}

#[test]
fn two_hundred_random_instances_with_short_values_give_the_plain_intersection() {
    for seed in 400..600 {
        let duo = Duo::new(seed);
        let draw = duo.words(0, 4);
        let upto = |i: usize, most: usize| usize::try_from(draw[i] % (most as u128 + 1)).unwrap();
        let (sender, receiver) = (upto(0, 400), upto(1, 400));
        let common = upto(2, sender.min(receiver));
        let bucket = 1 + upto(3, 400).max(20);
        let sets = sets(duo, sender, receiver, common);
        let which = 4 + usize::try_from(seed % 2).unwrap();
        let setting = settings(Sizes { sender, receiver }, bucket).nth(which).unwrap();
        assert_eq!(setting.parameters.store().field(), Field::Gf80);
        check(seed, &setting, &sets);
    }
}

/// What low communication is for: at most 21 bytes an element for 2^20 elements of each side, and less than the other at
/// every size that has two buckets or more.
#[test]
fn short_values_take_21_bytes_an_element_at_most() {
    for n in [1 << 20, 1_500_000, 1 << 22, 10_000_000, 1 << 24] {
        let sizes = Sizes { sender: n, receiver: n };
        let low = Parameters::low_communication(sizes).unwrap();
        let full = Parameters::new(sizes, Model::SemiHonest).unwrap();
        let [low, full] = [low, full].map(|parameters| {
            let mut c = PairCost::new();
            cost(&mut c, &Setting { parameters, output: Output::ToReceiver, context: [0; 32] });
            c.total_bytes()
        });
        assert!(n != 1 << 20 || low <= 21 * n as u64, "{low} bytes for {n} elements");
        assert!(10 * low < 9 * full, "{low} and {full} bytes for {n} elements");
    }
}

/// Sizes around 2^16, and sets smaller than the sizes say.
#[test]
fn padded_sets_of_several_buckets_give_the_plain_intersection() {
    for (n, room) in [((1 << 16) - 1, 1 << 16), ((1 << 16) + 1, (1 << 16) + 1)] {
        let sets = sets(Duo::new(3), n, n, n / 3);
        let sizes = Sizes { sender: room, receiver: room };
        for parameters in [
            Parameters::with_buckets_of(1 << 15, sizes, Model::SemiHonest).unwrap(),
            Parameters::low_communication_with_buckets_of(1 << 15, sizes).unwrap(),
            // One store, whose places are numbers of 32 bits.
            Parameters::low_communication(sizes).unwrap(),
        ] {
            check(4, &Setting { parameters, output: Output::ToBoth, context: [6; 32] }, &sets);
        }
    }
}

#[test]
fn a_column_with_duplicates_gives_the_rows_that_have_a_partner() {
    let words = Duo::new(8).words(0, 300);
    let column = |from: usize, to: usize| {
        let ids = (0..1000).map(|row| (row % 7 > 0).then(|| words[from + row % (to - from)]));
        Distinct::new(ids)
    };
    let (one, two) = (column(0, 200), column(100, 300));
    let sizes = Sizes { sender: 1000, receiver: 1000 };
    let parameters = Parameters::with_buckets_of(300, sizes, Model::SemiHonest).unwrap();
    let setting = Setting { parameters, output: Output::ToBoth, context: [1; 32] };
    let run = Duo::new(9).run(
        |pair, rng| {
            let mut set = Members::of(&one);
            send(pair, &setting, &mut set, rng)?;
            Ok(one.rows_of_all(&set.into_positions()))
        },
        |pair, rng| {
            let mut set = Members::of(&two);
            receive(pair, &setting, &mut set, rng)?;
            Ok(two.rows_of_all(&set.into_positions()))
        },
    );
    let rows =
        |keep: fn(u32) -> bool| (0..1000_u32).filter(move |row| row % 7 > 0 && keep(row % 200));
    assert!(run.sender.into_iter().eq(rows(|at| at >= 100)));
    assert!(run.receiver.into_iter().eq(rows(|at| at < 100)));
}
