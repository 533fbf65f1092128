//! Links that are lost: whatever was under way then, all parties come to the right end, or to an error that names the link.

use std::borrow::Cow;

use super::{super::cost::LinkPrice, *};
use crate::{
    net::ChannelError,
    psi::{Buckets, Scattered, bucket_of},
    session::Pair,
    testkit::{CircleRun, Cut, Severed, Watch},
};

type Ended = CircleRun<Result<Option<Vec<u32>>, SessionError>>;

/// A run in which links are cut so.
fn cut_run(seed: u64, setting: &Setting, sets: &[Vec<u128>], cuts: &[Cut]) -> (Ended, Watch) {
    let parties = u16::try_from(setting.sizes().len()).unwrap();
    // Nobody waits so long where all goes well.
    let mesh = Severed::mesh(parties, Duration::from_secs(30), cuts);
    let watch = mesh[0].watch();
    let channels = mesh.into_iter().map(|end| Arc::new(end) as Arc<dyn Channel>).collect();
    let run = Circle::new(seed, parties).run_over(channels, |wire, rng| {
        intersect(wire, setting, &sets[usize::from(wire.me().0)], rng)
    });
    (run, watch)
}

fn holds(run: &Ended, setting: &Setting, sets: &[Vec<u128>], what: &str) {
    for (party, got) in run.results.iter().enumerate() {
        let leads = party == usize::from(setting.leader().0);
        let learns = leads || setting.audience() == Audience::Everyone;
        let want = learns.then(|| plain(sets, party));
        assert_eq!(*got, Ok(want), "{what}, party {party}");
    }
}

/// What the links carried is what the price says of some bucket on.
fn carried(watch: &Watch, setting: &Setting, what: &str) {
    let leader = setting.leader();
    for one in setting.parties() {
        for other in setting.others(one).filter(|other| *other > one) {
            let (renewed, bytes) = watch.link(one, other);
            let leads = [one, other].contains(&leader);
            let party = if one == leader { other } else { one };
            let fits = match leads {
                true => may_carry(setting, party, renewed > 0, bytes),
                false => bytes == idle_link(),
            };
            let most = if leads { most(setting, party) } else { idle_link() };
            assert!(bytes <= most, "{what}: {bytes} bytes of {most} between {one} and {other}");
            assert!(fits, "{what}: {bytes} bytes between {one} and {other}, {renewed} times anew");
        }
    }
}

fn three(audience: Audience) -> (Setting, Vec<Vec<u128>>) {
    let setting = Setting::with_buckets_of(20, PartyId(1), vec![40, 40, 40], audience).unwrap();
    assert_eq!(setting.buckets(), 2);
    let sets = sets(&Circle::new(71, 3), setting.sizes(), 17);
    (setting, sets)
}

/// The directions, and how many frames each has in a run in which nothing is lost.
fn directions(setting: &Setting, sets: &[Vec<u128>]) -> Vec<(PartyId, PartyId, usize)> {
    let (run, watch) = cut_run(70, setting, sets, &[]);
    holds(&run, setting, sets, "whole");
    carried(&watch, setting, "whole");
    let ways = setting.parties().flat_map(|from| setting.others(from).map(move |to| (from, to)));
    ways.map(|(from, to)| (from, to, watch.sent(from, to))).collect()
}

#[test]
fn whichever_message_is_lost_all_parties_come_to_the_right_end() {
    // Each turn sets correlations up anew, which takes its time: each audience loses other messages, and the last ones.
    const APART: usize = 17;
    let mut repeated = 0;
    for (audience, offset, last) in [(Audience::Leader, 0, 2), (Audience::Everyone, 5, 1)] {
        let (setting, sets) = three(audience);
        for (from, to, frames) in directions(&setting, &sets) {
            let due = (0..frames).filter(|nth| nth % APART == offset || nth + last == frames);
            for nth in due {
                let rest_arrives = (nth + usize::from(from.0)).is_multiple_of(2);
                let cut = Cut { from, to, nth, rest_arrives };
                let (run, watch) = cut_run(72, &setting, &sets, &[cut]);
                let what = format!("seed 72, {audience:?}, {cut:?} of {frames}");
                // The last word of a link, and the first one between two who do not lead, may go unheard.
                let leads = [from, to].contains(&setting.leader());
                let unheard = nth + 1 == frames || (nth == 0 && !leads);
                if unheard && run.results.iter().any(Result::is_err) {
                    for error in run.results.iter().filter_map(|got| got.as_ref().err()) {
                        assert!(matches!(error, SessionError::Channel { .. }), "{what}: {error}");
                    }
                    continue;
                }
                holds(&run, &setting, &sets, &what);
                carried(&watch, &setting, &what);
                let (renewed, bytes) = watch.link(from, to);
                assert_eq!(renewed, 1, "{what}");
                let party = if from == setting.leader() { to } else { from };
                let whole = LinkPrice::of(&setting, party).first(2, 0);
                repeated += usize::from(leads && bytes < whole);
            }
        }
    }
    assert!(repeated > 0, "{repeated} runs went on from where they were");
}

#[test]
fn links_that_are_lost_in_turn_and_together_are_all_made_anew() {
    for (seed, audience) in [(81, Audience::Leader), (82, Audience::Everyone)] {
        let sizes = vec![30, 25, 40, 35];
        let setting = Setting::with_buckets_of(14, PartyId(2), sizes, audience).unwrap();
        let sets = sets(&Circle::new(seed, 4), setting.sizes(), 12);
        let ways = directions(&setting, &sets);
        let mut words = Circle::new(seed, 2).words(9, 40).into_iter();
        let mut below = |n: usize| usize::try_from(words.next().unwrap() % n as u128).unwrap();
        for _ in 0..2 {
            // One on each of the leader's links, and one between others.
            let cuts = ways
                .iter()
                .filter(|(from, to, _)| *to == setting.leader() || (from.0, to.0) == (0, 3));
            let cuts: Vec<_> = cuts
                .map(|(from, to, frames)| {
                    let last = if *to == setting.leader() { frames - 1 } else { 2 };
                    let nth = 1 + below(last - 1);
                    Cut { from: *from, to: *to, nth, rest_arrives: below(2) == 0 }
                })
                .collect();
            let (run, watch) = cut_run(seed, &setting, &sets, &cuts);
            let what = format!("seed {seed}, {cuts:?}");
            // The last word of the two who do not lead may go unheard.
            if run.results.iter().all(Result::is_ok) {
                holds(&run, &setting, &sets, &what);
                carried(&watch, &setting, &what);
            } else {
                assert!(cuts.iter().any(|cut| cut.to != setting.leader()), "{what}");
            }
        }
    }
}

/// A set whose first bucket cuts a link when it is done with.
struct Quiet<'s> {
    set: Scattered<'s>,
    cuts: Option<(&'s Watch, [PartyId; 2])>,
}

impl Buckets for Quiet<'_> {
    fn bucket(&mut self, bucket: usize, buckets: usize) -> Result<Cow<'_, [u128]>, SessionError> {
        self.set.bucket(bucket, buckets)
    }

    fn found(&mut self, bucket: usize, positions: &[u32]) -> Result<(), SessionError> {
        self.set.found(bucket, positions)
    }

    fn finished(&mut self, _: &mut Pair<'_>, _: usize) -> Result<(), SessionError> {
        if let Some((watch, [one, other])) = self.cuts.take() {
            watch.cut(one, other);
        }
        Ok(())
    }
}

#[test]
fn a_link_that_nobody_uses_is_looked_after_at_the_end() {
    let (setting, sets) = three(Audience::Everyone);
    let ends = [PartyId(0), PartyId(2)];
    let mesh = Severed::mesh(3, Duration::from_secs(30), &[]);
    let watch = mesh[0].watch();
    let channels = mesh.into_iter().map(|end| Arc::new(end) as Arc<dyn Channel>).collect();
    let run = Circle::new(83, 3).run_over(channels, |wire, rng| {
        let set = Scattered::new(&sets[usize::from(wire.me().0)][..], setting.buckets());
        let cuts = (wire.me() == ends[0]).then_some((&watch, ends));
        let mut set = Quiet { set, cuts };
        intersect_buckets(wire, &setting, &mut set, rng)?;
        let mut found = set.set.into_positions();
        found.sort_unstable();
        Ok(Some(found))
    });
    holds(&run, &setting, &sets, "seed 83");
    assert_eq!(watch.link(ends[0], ends[1]).0, 1);
    carried(&watch, &setting, "seed 83");
}

#[test]
fn a_link_that_is_lost_too_often_ends_the_run_by_name() {
    let (setting, sets) = three(Audience::Leader);
    let cut = |nth| Cut { from: PartyId(0), to: PartyId(1), nth, rest_arrives: false };
    let (run, watch) = cut_run(84, &setting, &sets, &[cut(3), cut(8), cut(13)]);
    assert_eq!(watch.link(PartyId(0), PartyId(1)).0, Setting::RENEWALS);
    let lost = |peer| {
        move |error: &SessionError| {
            error.is_lost(PartyId(peer))
                || matches!(error, SessionError::Channel { source: ChannelError::Aborted(_), .. })
        }
    };
    assert!(run.results[0].as_ref().is_err_and(lost(1)), "{:?}", run.results[0]);
    assert!(run.results[1].as_ref().is_err_and(lost(0)), "{:?}", run.results[1]);
    assert!(run.results[2].is_err(), "{:?}", run.results[2]);
}

/// What a follower makes of a leader that calls this after the first turn.
fn called(turn: [u64; 2]) -> Option<SessionError> {
    let setting = Setting::with_buckets_of(20, PartyId(0), vec![60, 60], Audience::Leader).unwrap();
    assert_eq!((setting.buckets(), setting.repeats()), (3, 2));
    let channels = memory::mesh(2, Duration::from_secs(20)).into_iter();
    let channels = channels.map(|channel| Arc::new(channel) as Arc<dyn Channel>).collect();
    let circle = Circle::new(91, 2);
    let run = circle.run_over(channels, |wire, rng| {
        let items = circle.words(u64::from(wire.me().0), 60);
        if wire.me() == PartyId(1) {
            // Whatever it says, the leader here has gone.
            return intersect(wire, &setting, &items, rng).map(drop);
        }
        Links::meet(wire, &setting, rng)?;
        let items: Vec<u128> = items.into_iter().filter(|item| bucket_of(*item, 3) == 0).collect();
        leader::evaluate(wire, &setting, PartyId(1), &items, rng)?;
        wire.send(PartyId(1), &turn)
    });
    run.results.into_iter().next_back()?.err()
}

#[test]
fn a_leader_that_goes_back_or_repeats_more_than_was_agreed_on_is_refused() {
    let invalid =
        |turn| matches!(called(turn), Some(SessionError::Invalid { peer: PartyId(0), .. }));
    for turn in [[0, 0], [0, 3], [1, 3], [2, 0], [u64::MAX, 1], [3, 0]] {
        assert!(invalid(turn), "{turn:?}");
    }
    for turn in [[0, 1], [0, 2], [1, 0], [1, 2]] {
        let went_on = called(turn);
        assert!(went_on.as_ref().is_some_and(|error| error.is_lost(PartyId(0))), "{went_on:?}");
    }
    let (setting, first) = (three(Audience::Leader).0, Turn { bucket: 1, again: 2 });
    assert!(!Turn { bucket: 0, again: 3 }.may_follow(first, &setting), "a bucket before");
    assert!(!Turn { bucket: 2, again: 1 }.may_follow(first, &setting), "keys of before");
    assert!(!Turn { bucket: 3, again: 2 }.may_follow(first.next(), &setting), "behind the end");
}

#[test]
fn a_party_that_claims_to_have_been_elsewhere_is_refused() {
    let setting = Setting::with_buckets_of(20, PartyId(0), vec![60, 60], Audience::Leader).unwrap();
    for claimed in [[1, 0], [0, 1], [7, 7]] {
        let cut = Cut { from: PartyId(1), to: PartyId(0), nth: 1, rest_arrives: true };
        let mesh = Severed::mesh(2, Duration::from_secs(30), &[cut]).into_iter();
        let channels = mesh.map(|end| Arc::new(end) as Arc<dyn Channel>).collect();
        let circle = Circle::new(92, 2);
        let run = circle.run_over(channels, |wire, rng| {
            if wire.me() == PartyId(0) {
                return intersect(wire, &setting, &circle.words(0, 60), rng).map(drop);
            }
            let (mut links, _) = Links::meet(wire, &setting, rng)?;
            wire.send(PartyId(0), &[0_u64])?;
            let error = wire.send(PartyId(0), &[0_u64]).unwrap_err();
            links.renew(wire, PartyId(0), error, (Turn::of(claimed), rng)).map(drop)
        });
        let refused = matches!(run.results[0], Err(SessionError::Invalid { peer: PartyId(1), .. }));
        assert!(refused, "{:?}", run.results[0]);
    }
}
