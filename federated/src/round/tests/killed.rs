//! A provider that is killed at every frame of a training and comes back: what comes of it is to the bit what comes of one without.

use super::{
    super::{Pledges, message::Ask, take_part_keeping},
    cut::{self, ends, known, large},
    net::{Net, unless_killed},
    *,
};
use crate::average::{Bounds, Encoding};

/// Provider 1 of 3, which sends words to the second party.
const VICTIM: PartyId = PartyId(3);

/// Who trains, in each life.
type Lives<'a> = &'a (dyn Fn(&Arc<Net>, usize) -> Box<dyn Trainer> + Sync);

/// What it keeps in a run: of another life where it is back, else marked for it.
pub(crate) fn opened(path: &std::path::Path, again: bool) -> Pledges {
    if !again {
        Pledges::mark(path, ([5; 32], [50; 32])).unwrap();
    }
    Pledges::open(path, [5; 32], again).unwrap()
}

/// A training with these kills; each life of the victim draws other randomness, and what it keeps is in a folder.
fn killed(course: &Course, kills: &[(u16, usize)], trainers: Lives<'_>) -> Ran {
    let (net, channels) = Net::mesh(5, &[]);
    kills.iter().for_each(|(party, at)| net.kill_at(ends(*party, VICTIM.0), *at));
    let dir = tempfile::tempdir().unwrap();
    let plays = |wire: &mut Wire, own: usize, rng: &mut Prg| {
        let (guest, path) = (wire.me(), dir.path().join(own.to_string()));
        let (mut life, mut later) = (0, None);
        loop {
            let mut pledges = opened(&path, life > 0);
            let mut trainer = trainers(&net, own);
            let part = || {
                let (wire, rng) = later.as_mut().map_or((&mut *wire, &mut *rng), |(a, b)| (a, b));
                take_part_keeping(wire, course, (own, &mut *trainer), &mut pledges, rng)
            };
            if let Some(ended) = unless_killed(part) {
                assert!(ended.is_err() || !path.exists(), "what was kept is gone at the end");
                return ended;
            }
            life += 1;
            drop((later.take(), pledges));
            let mut wire = Wire::new(net.back(guest, &Role::ALL), Gate::listing(&[]));
            wire.enter(1);
            later = Some((wire, Prg::new(&[100 + life; 16])));
        }
    };
    run_with(1, channels, (course, &start(course)), &|own| trainers(&net, own), &plays)
}

fn plain(_: &Arc<Net>, own: usize) -> Box<dyn Trainer> {
    known(own)
}

fn assert_same(course: &Course, kills: &[(u16, usize)], whole: &Trained) {
    let ran = killed(course, kills, &plain);
    assert!(ran.trained(1) == whole, "{kills:?}");
    assert!(ran.guests.iter().all(|ended| *ended == Ok(Vec::new())), "{kills:?}: {:?}", ran.guests);
}

/// All frames but the last word, after which nobody waits for it.
#[test]
fn a_provider_may_be_killed_at_every_frame() {
    let course = large(3);
    let whole = killed(&course, &[], &plain);
    let whole = whole.trained(1);
    let last = |link| cut::frames(&course, link) - 1;
    let all = [0, 1, 2].map(|party| (party, last(ends(party, VICTIM.0))));
    std::thread::scope(|scope| {
        for (party, frames) in all {
            for at in 0..frames {
                let course = &course;
                scope.spawn(move || assert_same(course, &[(party, at)], whole));
            }
        }
    });
}

#[test]
fn a_provider_may_be_killed_again_and_again() {
    let course = large(3);
    let whole = killed(&course, &[], &plain);
    // Frames are counted anew on each link: in the words that say where both are, too.
    assert_same(&course, &[(1, 4), (1, 1), (0, 1), (1, 3), (2, 0)], whole.trained(1));
}

/// Killed before a word was said, and back on links that the parties begin with: there is nothing to tell each other.
#[test]
fn a_provider_may_be_back_before_its_links_stood() {
    let course = large(3);
    let whole = killed(&course, &[], &plain);
    let (_net, channels) = Net::mesh(5, &[]);
    let dir = tempfile::tempdir().unwrap();
    let plays = |wire: &mut Wire, own: usize, rng: &mut Prg| {
        let path = dir.path().join(own.to_string());
        drop(opened(&path, false));
        take_part_keeping(wire, &course, (own, &mut *known(own)), &mut opened(&path, true), rng)
    };
    let ran = run_with(1, channels, (&course, &start(&course)), &|own| known(own), &plays);
    assert!(ran.trained(1) == whole.trained(1));
}

/// Is killed the first time that it trains.
struct Dies(Box<dyn Trainer>, Arc<Net>);

impl Trainer for Dies {
    fn train(&mut self, round: u32, model: &[f32]) -> Result<Update, TrainError> {
        if round == 1 && self.1.lives(VICTIM) == 0 {
            self.1.kill(VICTIM);
        }
        self.0.train(round, model)
    }
}

#[test]
fn a_provider_that_is_killed_while_it_trains_trains_that_round_again() {
    let course = large(3);
    let whole = killed(&course, &[], &plain);
    let dies = |net: &Arc<Net>, own| -> Box<dyn Trainer> {
        if own == 1 { Box::new(Dies(known(own), Arc::clone(net))) } else { known(own) }
    };
    let ran = killed(&course, &[], &dies);
    assert!(ran.trained(1) == whole.trained(1));
}

/// In 32 bits coordinates are rounded at random: what was begun goes on as it was drawn, not as another life would draw it.
#[test]
fn what_was_drawn_before_the_first_byte_left_stays() {
    let mut course = large(3);
    let bounds = Bounds { total_weight: 30, coordinate: 8.0 };
    course.encoding = Encoding::narrow(bounds, (10, 3)).unwrap();
    course.rounds = 1;
    let whole = killed(&course, &[], &plain);
    // Behind the answer, some of its words, or all that one of the three gets.
    for (party, at) in [(1, 1), (1, 2), (0, 1), (2, 3)] {
        assert_same(&course, &[(party, at)], whole.trained(1));
    }
}

/// A spoiled file is nothing without noise; with it, what was drawn is not drawn again.
#[test]
fn what_was_given_with_noise_and_cannot_be_read_ends_the_providers_part() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("given");
    let open = |again| opened(&path, again);
    let ask = Ask { round: 1, taken: None, hash: [7; 32] };
    open(false).keep((&ask, 1), None, true).unwrap();
    let (_, said) = open(true).back((1, 4), true).unwrap();
    assert_eq!(said.unwrap().next(), 2);
    let file = path.join("pledge");
    let mut bytes = std::fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&file, bytes).unwrap();
    assert!(matches!(open(true).back((1, 4), false), Ok((true, None))));
    assert!(matches!(open(true).back((1, 4), true), Err(RoundError::Said(_))));
    std::fs::remove_file(&file).unwrap();
    assert!(matches!(open(true).back((1, 4), false), Ok((true, None))));
    assert!(matches!(open(true).back((1, 4), true), Err(RoundError::Said(_))));
    // Killed before the first round: that nothing was said is written down.
    drop(open(false));
    assert!(matches!(open(true).back((1, 4), true), Ok((true, None))));
}

#[test]
fn what_was_kept_of_a_run_is_forgotten_with_it_and_with_no_other() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("given");
    let forgotten = |job| {
        Pledges::forget(&path, [job; 32]).unwrap();
        !path.exists()
    };
    assert!(forgotten(50), "there is nothing");
    let ask = Ask { round: 1, taken: None, hash: [7; 32] };
    for said in [false, true] {
        let pledges = opened(&path, false);
        if said {
            pledges.keep((&ask, 1), None, true).unwrap();
        }
        assert!(!forgotten(50), "it is under way");
        drop(pledges);
        assert!(!forgotten(60) && forgotten(50));
    }
    // What was spoiled goes too: there are secrets in it.
    let pledges = opened(&path, false);
    pledges.keep((&ask, 1), None, true).unwrap();
    drop(pledges);
    std::fs::write(path.join("pledge"), [1, 2, 3]).unwrap();
    assert!(!forgotten(60) && forgotten(50));
}

#[test]
fn a_provider_that_is_not_back_speaks_where_it_is_marked_that_it_has_not() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("given");
    let run = |again| Pledges::open(&path, [5; 32], again);
    assert!(run(false).is_err(), "nothing is there");
    Pledges::mark(&path, ([6; 32], [60; 32])).unwrap();
    assert!(run(false).is_err(), "it is of another run");
    assert!(matches!(run(true).unwrap().back((1, 4), true), Err(RoundError::Said(_))));
    // Killed between the mark and the consent, it is asked to begin again.
    let ask = Ask { round: 1, taken: None, hash: [7; 32] };
    for _ in 0..2 {
        drop(opened(&path, false));
    }
    assert!(matches!(run(true).unwrap().back((1, 4), true), Ok((true, None))));
    run(true).unwrap().keep((&ask, 1), None, true).unwrap();
    assert!(run(false).is_err(), "something was said");
}

#[test]
fn what_is_left_of_jobs_that_are_over_goes() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("given");
    let left = |jobs: &[u8]| {
        let jobs: Vec<_> = jobs.iter().map(|job| [*job; 32]).collect();
        Pledges::forget_others(&path, &jobs).unwrap();
        path.exists()
    };
    assert!(!left(&[]), "there is nothing");
    let under_way = opened(&path, false);
    assert!(left(&[]), "somebody has it");
    drop(under_way);
    assert!(left(&[4, 50]) && !left(&[4]));
    drop(opened(&path, false));
    std::fs::write(path.join("job"), [1, 2, 3]).unwrap();
    assert!(left(&[]), "it may be of any");
}

/// Later than it is waited for where others are enough: without it there are too few, so the round waits as long as it may.
#[test]
fn who_is_needed_is_waited_for_to_the_end_of_the_round() {
    let mut course = large(3);
    let whole = killed(&course, &[], &plain);
    course.pace.deadline = Duration::from_secs(6);
    let late = |net: &Arc<Net>, own| -> Box<dyn Trainer> {
        if own == 1 && net.lives(VICTIM) == 1 {
            // What a daemon takes until it is up, and more than a quarter of the round.
            let (_nobody, nothing) = std::sync::mpsc::channel::<()>();
            let _ = nothing.recv_timeout(Duration::from_millis(1800));
        }
        known(own)
    };
    let ran = killed(&course, &[(1, 1)], &late);
    assert!(ran.trained(1) == whole.trained(1));
}

/// Killed for good: the round that can do without it goes on, and so do all others.
#[test]
fn who_does_not_come_back_is_not_waited_for_longer_than_a_while() {
    let mut course = large(2);
    course.pace.deadline = Duration::from_secs(8);
    let (net, channels) = Net::mesh(5, &[]);
    net.kill_at(ends(1, VICTIM.0), 2);
    let plays = |wire: &mut Wire, own: usize, rng: &mut Prg| {
        let part = || take_part(wire, &course, own, &mut *known(own), rng);
        unless_killed(part).unwrap_or_else(|| Ok(Vec::new()))
    };
    let ran = run_with(1, channels, (&course, &start(&course)), &known, &plays);
    assert!(ran.trained(1).reports.iter().all(|report| report.providers == [0, 2]));
}
