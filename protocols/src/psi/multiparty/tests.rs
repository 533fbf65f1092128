//! Intersections are the plain ones, cost what was quoted, and the leader's view has no relation but the one it is to see.

mod faults;
mod lost;

use super::{links::Links, outcome::Outcome, turn::Turn, *};
use crate::{
    net::{Channel, memory},
    party::PartyId,
    session::{CircleCost, SessionError},
    testkit::Circle,
};
use std::{collections::HashSet, sync::Arc, time::Duration};

/// A set for each party: `common` items that all have, some that all but one have, and some of its own.
fn sets(circle: &Circle, sizes: &[usize], common: usize) -> Vec<Vec<u128>> {
    let shared = circle.words(1, common);
    let sets = sizes.iter().enumerate().map(|(party, size)| {
        let mut set = shared.clone();
        for missing in (0..sizes.len()).filter(|missing| *missing != party) {
            set.extend(circle.words(100 + missing as u64, 5));
        }
        set.extend(circle.words(200 + party as u64, *size));
        set.truncate(*size);
        set.rotate_left(size / 2);
        set
    });
    sets.collect()
}

fn plain(sets: &[Vec<u128>], own: usize) -> Vec<u32> {
    let others: Vec<HashSet<u128>> = sets.iter().map(|set| set.iter().copied().collect()).collect();
    let items = (0..).zip(&sets[own]);
    items
        .filter(|(_, item)| others.iter().all(|set| set.contains(item)))
        .map(|(at, _)| at)
        .collect()
}

fn check(seed: u64, leader: u16, sizes: &[usize], common: usize, audience: Audience) {
    let setting = Setting::new(PartyId(leader), sizes.to_vec(), audience).unwrap();
    check_in(seed, &setting, common);
}

fn check_in(seed: u64, setting: &Setting, common: usize) {
    let (leader, audience, sizes) = (setting.leader().0, setting.audience(), setting.sizes());
    let parties = u16::try_from(sizes.len()).unwrap();
    let circle = Circle::new(seed, parties);
    let sets = sets(&circle, sizes, common);
    let run =
        circle.run(|wire, rng| intersect(wire, setting, &sets[usize::from(wire.me().0)], rng));
    for (party, got) in run.results.iter().enumerate() {
        let learns = party == usize::from(leader) || audience == Audience::Everyone;
        let want = learns.then(|| plain(&sets, party));
        assert_eq!(*got, want, "seed {seed}, party {party} of {sizes:?}");
    }
    let mut quoted = CircleCost::new(sizes.len());
    cost(&mut quoted, setting);
    run.assert_cost(&quoted);
    let reports = if audience == Audience::Everyone { sizes.len() - 1 } else { 0 };
    let opened: Vec<usize> = run.opened.iter().map(Vec::len).collect();
    let want: Vec<usize> = (0..sizes.len())
        .map(|party| if party == usize::from(leader) { reports } else { 1 })
        .collect();
    assert_eq!(opened, want, "openings");
}

#[test]
fn the_leader_learns_what_all_have() {
    check(1, 1, &[65, 1000], 40, Audience::Leader);
    check(2, 2, &[1000, 65, 63], 64, Audience::Leader);
    check(3, 0, &[1000, 1000, 1000], 0, Audience::Leader);
    check(4, 3, &[64, 64, 64, 64], 64, Audience::Leader);
    check(5, 4, &[100, 1000, 65, 200, 300], 33, Audience::Leader);
    check(6, 1, &[1, 1, 1], 1, Audience::Leader);
}

#[test]
fn random_instances_equal_the_plain_intersection() {
    for seed in 1000..1200 {
        let mut words = Circle::new(seed, 2).words(9, 8).into_iter();
        let mut below = |n: usize| usize::try_from(words.next().unwrap() % n as u128).unwrap();
        let parties = 2 + below(3);
        let sizes: Vec<usize> = (0..parties).map(|_| below(40)).collect();
        let leader = u16::try_from(below(parties)).unwrap();
        let common = below(1 + sizes.iter().min().unwrap());
        let audience = if below(2) == 0 { Audience::Leader } else { Audience::Everyone };
        check(seed, leader, &sizes, common, audience);
    }
}

#[test]
fn bucket_by_bucket_it_is_the_plain_intersection_too() {
    for (seed, (sizes, bucket)) in (61..).zip([
        (vec![65, 1000, 300], 400),
        (vec![64, 63, 1], 20),
        (vec![1000, 1000], 300),
        (vec![0, 65, 65], 30),
        (vec![5, 5, 5, 5], 3),
    ]) {
        for audience in [Audience::Leader, Audience::Everyone] {
            let leader = PartyId(u16::try_from(seed % sizes.len() as u64).unwrap());
            let setting = Setting::with_buckets_of(bucket, leader, sizes.clone(), audience);
            let setting = setting.unwrap();
            assert!(setting.buckets() > 1 && setting.failure_bits() > 37.0);
            check_in(seed, &setting, *sizes.iter().min().unwrap() / 2);
        }
    }
}

#[test]
fn random_instances_in_buckets_equal_the_plain_intersection() {
    for seed in 2000..2012 {
        let mut words = Circle::new(seed, 2).words(9, 5).into_iter();
        let mut below = |n: usize| usize::try_from(words.next().unwrap() % n as u128).unwrap();
        let sizes: Vec<usize> = (0..3).map(|_| below(40)).collect();
        let (bucket, leader) = (8 + below(20), PartyId(u16::try_from(seed % 3).unwrap()));
        let audience = if seed % 2 == 0 { Audience::Leader } else { Audience::Everyone };
        let common = sizes.iter().min().unwrap() / 2;
        let setting = Setting::with_buckets_of(bucket, leader, sizes, audience).unwrap();
        check_in(seed, &setting, common);
    }
}

#[test]
fn everyone_learns_it_where_that_was_agreed_on() {
    check(11, 0, &[65, 1000], 64, Audience::Everyone);
    check(12, 1, &[1000, 65, 130], 30, Audience::Everyone);
    check(13, 2, &[1, 1, 1], 0, Audience::Everyone);
}

/// Parties of a larger run, some of whom own nothing: they hear nothing, and nothing is priced of them.
#[test]
fn some_of_a_run_intersect_and_the_others_take_no_part() {
    let seats: Vec<_> = [0, 2, 3, 5].map(PartyId).into();
    for (seed, audience) in [(91, Audience::Leader), (92, Audience::Everyone)] {
        let whole = Setting::with_buckets_of(20, PartyId(2), vec![40, 30, 65, 50], audience);
        let setting = whole.unwrap().seated(seats.clone()).unwrap();
        assert_eq!((setting.leader(), setting.places()), (PartyId(3), 6));
        assert_eq!((setting.size(PartyId(3)), setting.size(PartyId(1))), (65, 0));
        let circle = Circle::new(seed, 6);
        let sets = sets(&circle, setting.sizes(), 21);
        let run = circle.run(|wire, rng| match seats.iter().position(|seat| *seat == wire.me()) {
            Some(at) => intersect(wire, &setting, &sets[at], rng),
            None => Ok(None),
        });
        for (party, got) in (0..).map(PartyId).zip(run.results.iter()) {
            let at = seats.iter().position(|seat| *seat == party);
            let learns = party == PartyId(3) || audience == Audience::Everyone;
            let want = at.filter(|_| learns).map(|at| plain(&sets, at));
            assert_eq!(*got, want, "seed {seed}, {party}");
        }
        let mut quoted = CircleCost::new(setting.places());
        cost(&mut quoted, &setting);
        run.assert_cost(&quoted);
        assert_eq!((run.sent[1].bytes, run.sent[4].bytes), (0, 0));
    }
    let setting = || Setting::new(PartyId(0), vec![5, 5], Audience::Leader).unwrap();
    for wrong in [&[0_u16, 0][..], &[1, 0], &[0], &[0, 1, 2]] {
        let seats = wrong.iter().copied().map(PartyId).collect();
        assert!(matches!(setting().seated(seats), Err(SettingError::Seats { .. })), "{wrong:?}");
    }
}

#[test]
fn empty_sets_have_nothing_in_common() {
    check(21, 1, &[0, 65], 0, Audience::Everyone);
    check(22, 0, &[0, 65, 65], 0, Audience::Leader);
    check(23, 2, &[65, 0, 65], 0, Audience::Everyone);
    check(24, 1, &[0, 0, 0], 0, Audience::Leader);
}

#[test]
fn another_salt_is_named_before_anything_is_sent() {
    let circle = Circle::new(32, 3);
    let sets = sets(&circle, &[40, 40, 40], 20);
    let run = circle.run(|wire, rng| {
        let context = [u8::from(wire.me().0 == 1); 32];
        let setting = Setting::new(PartyId(2), vec![40; 3], Audience::Everyone).unwrap();
        let set = &sets[usize::from(wire.me().0)];
        Ok(intersect(wire, &setting.about(context), set, rng).unwrap_err())
    });
    let named = |error: &SessionError| match error {
        SessionError::Inconsistent { what, .. } => what.contains("salts"),
        _ => false,
    };
    assert!(run.results.iter().any(named), "{:?}", run.results);
}

/// Sets smaller than stated: the transcript is that of the stated sizes, the result that of the sets.
#[test]
fn smaller_sets_do_not_show() {
    let (circle, sizes) = (Circle::new(31, 3), vec![300, 300, 300]);
    let setting = Setting::new(PartyId(2), sizes, Audience::Leader).unwrap();
    let sets = sets(&circle, &[40, 120, 80], 35);
    let run =
        circle.run(|wire, rng| intersect(wire, &setting, &sets[usize::from(wire.me().0)], rng));
    assert_eq!(run.results, [None, None, Some(plain(&sets, 2))]);
    let mut quoted = CircleCost::new(3);
    cost(&mut quoted, &setting);
    run.assert_cost(&quoted);
}

/// What the leader can tell of an item: what it knows itself of the shares, and what it gets from each party. Of a common
/// item their sum is zero, and no other sum is; of an item that some party lacks, no sum at all.
#[test]
fn the_leaders_view_has_no_relation_but_the_intersection() {
    let (circle, sizes, common) = (Circle::new(41, 4), [60, 60, 60, 60], 20);
    let setting = Setting::new(PartyId(3), sizes.to_vec(), Audience::Leader).unwrap();
    let sets = sets(&circle, &sizes, common);
    let run = circle.run(|wire, rng| {
        let items = &sets[usize::from(wire.me().0)];
        if wire.me() != setting.leader() {
            return intersect(wire, &setting, items, rng).map(|_| Vec::new());
        }
        let links = Links::meet(wire, &setting, rng)?.0;
        let first = Turn::default();
        // A leader that calls the same bucket twice: what it has of both turns.
        let mut view = Vec::new();
        for turn in [first, first.repeated(), first.repeated().next()] {
            for other in setting.others(setting.leader()).filter(|_| turn != first) {
                wire.send(other, &turn.words())?;
            }
            if turn.bucket > 0 {
                break;
            }
            view.extend(links.each(turn, items));
            for other in setting.others(setting.leader()) {
                view.push(leader::evaluate(wire, &setting, other, items, rng)?.to_vec());
            }
        }
        let others = || setting.others(setting.leader());
        let none = Outcome::new();
        others().try_for_each(|other| Links::say_done(wire, other, &none))?;
        others().try_for_each(|other| Links::hear_done(wire, other, &none))?;
        Ok(view)
    });
    let view = &run.results[3];
    let all: HashSet<u128> = view.iter().flatten().copied().collect();
    assert_eq!(all.len(), view.len() * 60, "a word came twice");
    let expected = plain(&sets, 3);
    assert_eq!(expected.len(), common);
    for at in 0..60_u32 {
        let words: Vec<u128> = view.iter().map(|column| column[at as usize]).collect();
        let zero_sums = (1..1_u32 << words.len()).filter(|subset| {
            let chosen = words.iter().enumerate().filter(|(i, _)| subset >> i & 1 == 1);
            chosen.fold(0, |sum, (_, word)| sum ^ word) == 0
        });
        // Of a common item those of each turn, and so of both; of any other none.
        let both = [0b11_1111, 0b11_1111 << 6, 0b1111_1111_1111];
        let want = if expected.contains(&at) { &both[..] } else { &[] };
        assert_eq!(zero_sums.collect::<Vec<_>>(), want, "item {at}");
    }
}

#[test]
fn what_does_not_fit_is_refused_by_who_has_it() {
    let parties = |sizes: &[usize]| Setting::new(PartyId(0), sizes.to_vec(), Audience::Leader);
    assert_eq!(parties(&[5]), Err(SettingError::Parties { parties: 1 }));
    assert_eq!(parties(&[]), Err(SettingError::Parties { parties: 0 }));
    assert!(matches!(parties(&[5, usize::MAX]), Err(SettingError::Size(_))));
    let none = Setting::with_buckets_of(0, PartyId(0), vec![5, 5], Audience::Leader);
    assert!(matches!(none, Err(SettingError::Buckets(_))));
    let stranger = Setting::new(PartyId(2), vec![5, 5], Audience::Leader);
    assert_eq!(stranger, Err(SettingError::Leader { leader: PartyId(2) }));

    let setting = parties(&[5, 5]).unwrap();
    let circle = Circle::new(51, 2).stalling_after(Duration::from_secs(10));
    let channels = memory::mesh(2, Duration::from_secs(10)).into_iter();
    let channels = channels.map(|channel| Arc::new(channel) as Arc<dyn Channel>).collect();
    let run = circle.run_over(channels, |wire, rng| {
        let items = circle.words(1, if wire.me() == PartyId(1) { 6 } else { 5 });
        intersect(wire, &setting, &items, rng)
    });
    assert!(matches!(run.results[1], Err(SessionError::Misuse { .. })), "{:?}", run.results[1]);
    assert!(matches!(run.results[0], Err(SessionError::Channel { .. })), "{:?}", run.results[0]);
}
