//! Every message of a run is cut once, and links are cut again and again: what comes out is right, all parties agree on it, and no
//! keystream position is used twice.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError, mpsc},
    time::Duration,
};

use super::*;
use crate::{
    mpc::{and, and_cost},
    net::{Abort, AbortCode, Channel, ChannelError},
    party::{PartyId, Role},
    ring::{B64, Z128},
    session::{Meter, Opening, OpeningKind, Recipient, Session, SessionError, fork::STEP_BITS},
    share::Bits,
    testkit::{Cut, Run, Severed, Watch, World, clear_bits, share_bits},
};

const UNITS: u64 = 3;
const ROWS: usize = 100;

/// Of each party: what was kept of each unit, and the keystream blocks that each attempt began with.
type Ended = (Vec<Bits>, Vec<u128>);

fn itself(error: &SessionError) -> Option<&SessionError> {
    Some(error)
}

fn inputs(label: u64) -> Vec<u64> {
    let mut random = World::new(3).random(label);
    (0..ROWS).map(|_| random() & 0xff).collect()
}

/// Three products in turn, with a message of two parties alone in between, an opening so far as the list has it, and parts side by side
/// of which each has as many products as its number.
fn unit(
    s: &mut Session,
    x: &Bits,
    y: &Bits,
    seen: &Mutex<Vec<u128>>,
) -> Result<Bits, SessionError> {
    let block = s.prss().random::<Z128>(1);
    seen.lock().unwrap_or_else(PoisonError::into_inner).push(block.own()[0]);
    let once = and(s, x, y)?;
    s.pass_gate(OpeningKind::Permutation, ROWS, Recipient::All)?;
    match s.role() {
        Role::P0 => s.pair(Role::P1.id()).send(&[7_u64; 3])?,
        Role::P1 => drop(s.pair(Role::P0.id()).recv_words::<u64>(3)?),
        Role::P2 => {}
    }
    let parts = s.fork(3, |s, part| {
        s.turned(part, |s| (0..=part).try_fold(once.clone(), |of, _| and(s, &of, x)))
    })?;
    and(s, &parts[1], &parts[2])
}

fn unit_cost(m: &mut Meter) {
    and_cost(m, ROWS, 8);
    m.message::<u64>(Role::P0, Role::P1, 3);
    m.fork(3, |m, part| m.turned(part, |m| (0..=part).for_each(|_| and_cost(m, ROWS, 8))));
    and_cost(m, ROWS, 8);
}

fn run_over(channels: Vec<Arc<dyn Channel>>) -> Run<Result<Ended, SessionError>> {
    let [x, y] = [1, 2].map(|label| share_bits(World::new(3), label, &inputs(label), 8));
    World::new(3).run_over(channels, |s| {
        let at = s.role().index();
        let (seen, mut kept) = (Mutex::new(Vec::new()), Vec::new());
        let work = |s: &mut Session, number| {
            // The last unit begins in another step than the others, and ends in a third one.
            if number + 1 < UNITS {
                s.enter(1);
                return unit(s, &x[at], &y[at], &seen);
            }
            s.enter(2);
            let once = unit(s, &x[at], &y[at], &seen)?;
            s.enter(3);
            let block = s.prss().random::<Z128>(1);
            seen.lock().unwrap_or_else(PoisonError::into_inner).push(block.own()[0]);
            and(s, &once, &y[at])
        };
        s.in_units_until(3, UNITS, itself, work, |of| kept.push(of))?;
        // The run goes on as it would have without units.
        s.enter(4);
        kept.push(and(s, &x[at], &y[at])?);
        Ok((kept, seen.into_inner().unwrap()))
    })
}

fn cut(cuts: &[Cut]) -> (Run<Result<Ended, SessionError>>, Watch) {
    let mesh = Severed::mesh(3, Duration::from_secs(10), cuts);
    let watch = mesh[0].watch();
    (run_over(mesh.into_iter().map(|end| Arc::new(end) as Arc<dyn Channel>).collect()), watch)
}

fn links() -> impl Iterator<Item = (PartyId, PartyId)> {
    Role::ALL.into_iter().flat_map(|from| [from.next(), from.prev()].map(|to| (from.id(), to.id())))
}

fn renewed(watch: &Watch) -> u32 {
    links().filter(|(from, to)| from < to).map(|(one, other)| watch.link(one, other).0).sum()
}

/// All is right that came out, and every attempt had randomness of its own.
fn check(run: &Run<Result<Ended, SessionError>>, what: &str) {
    let opened = |of: &Vec<Opening>| {
        of.len() as u64 == UNITS && of.iter().all(|one| one.kind == OpeningKind::Permutation)
    };
    assert!(run.opened.iter().all(opened), "{what}: {:?}", run.opened);
    let of = run
        .results
        .each_ref()
        .map(|ended| ended.as_ref().unwrap_or_else(|e| panic!("{what}: {e}")));
    assert!(of.iter().all(|ended| ended.0.len() as u64 == UNITS + 1), "{what}");
    let want: Vec<u64> = inputs(1).iter().zip(&inputs(2)).map(|(x, y)| x & y).collect();
    for at in 0..of[0].0.len() {
        assert_eq!(clear_bits(of.map(|ended| &ended.0[at])), want, "{what}, unit {at}");
    }
    for (_, seen) in of {
        let each: HashSet<&u128> = seen.iter().collect();
        assert_eq!(each.len(), seen.len(), "{what}: a keystream position came twice");
    }
}

fn quoted() -> Meter {
    let mut m = Meter::new();
    m.enter(1);
    let units = |m: &mut Meter, units, then: fn(&mut Meter)| {
        m.in_units(units, |m| {
            unit_cost(m);
            then(m);
            Ok::<_, SessionError>(())
        })
        .unwrap();
    };
    units(&mut m, UNITS - 1, |_| ());
    m.enter(2);
    units(&mut m, 1, |m| {
        m.enter(3);
        and_cost(m, ROWS, 8);
    });
    m.enter(4);
    and_cost(&mut m, ROWS, 8);
    m
}

#[test]
fn units_cost_what_they_are_quoted_at_and_a_word_each() {
    let (run, watch) = cut(&[]);
    check(&run, "uncut");
    assert_eq!((run.total, renewed(&watch)), (quoted().total(), 0));
    assert!(run.results.iter().all(|of| of.as_ref().unwrap().1.len() as u64 == UNITS + 1));
}

#[test]
fn a_link_may_be_cut_at_every_message_and_all_three_repeat_the_unit() {
    let (_, watch) = cut(&[]);
    for (from, to) in links() {
        let sent = watch.sent(from, to);
        for (nth, rest_arrives) in (0..sent).flat_map(|nth| [(nth, false), (nth, true)]) {
            let what = format!("{from} to {to}, frame {nth} of {sent}, {rest_arrives}");
            let (run, watch) = cut(&[Cut { from, to, nth, rest_arrives }]);
            // From the words of the last unit on somebody may be through.
            if sent - nth <= 2 && run.results.iter().any(Result::is_err) {
                continue;
            }
            check(&run, &what);
            assert_eq!(renewed(&watch), 1, "{what}");
            let took = run.results.each_ref().map(|of| of.as_ref().unwrap().1.len() as u64);
            // The third party may have begun an attempt of which the other end of the link knew nothing.
            // The last unit takes two, which the others do not.
            let drawn = UNITS + 1..UNITS + 1 + 2 * 2 + 1;
            assert!(took.iter().all(|took| drawn.contains(took)), "{what}: {took:?}");
            let quoted = quoted().total().bytes;
            let most = quoted + again_bytes(quoted.div_ceil(UNITS - 1));
            assert!(run.total.bytes <= most, "{what}: {} bytes", run.total.bytes);
        }
    }
}

#[test]
fn links_may_be_cut_together_and_again_but_not_too_often() {
    let mut random = World::new(9).random(1);
    let mut below = |most: usize| usize::try_from(random() % most as u64).unwrap();
    // Not the words of the last unit, and not what comes after it: those end the run.
    let (_, whole) = cut(&[]);
    let all: Vec<_> = links().map(|(from, to)| (from, to, whole.sent(from, to) - 2)).collect();
    for round in 0..200 {
        // No link more often than it may be.
        let mut left = [RENEWALS; 3];
        let cuts = (0..1 + below(6)).filter_map(|_| {
            let (from, to, frames) = all[below(all.len())];
            let link = usize::from(from.0 + to.0) - 1;
            let (nth, rest_arrives) = (below(frames), below(2) == 0);
            (left[link] > 0).then(|| {
                left[link] -= 1;
                Cut { from, to, nth, rest_arrives }
            })
        });
        let cuts: Vec<_> = cuts.collect();
        let (run, _) = cut(&cuts);
        check(&run, &format!("round {round}: {cuts:?}"));
    }
    let again = |nth| Cut { from: PartyId(2), to: PartyId(0), nth, rest_arrives: false };
    let (run, _) = cut(&[0, 1, 2].map(again));
    for result in &run.results {
        let error = result.as_ref().unwrap_err();
        assert!(matches!(error, SessionError::Channel { .. }), "{error}");
    }
}

/// A party that ends the run in the middle, that is silent, and that says what cannot be: no attempt follows.
#[test]
fn what_is_no_lost_link_ends_the_run() {
    let [x, y] = [1, 2].map(|label| share_bits(World::new(3), label, &inputs(label), 8));
    let seen = Mutex::new(Vec::new());
    let ending = |how: &(dyn Fn(&mut Session) -> Result<(), SessionError> + Sync)| {
        let mesh = Severed::mesh(3, Duration::from_millis(300), &[]);
        let watch = mesh[0].watch();
        let channels = mesh.into_iter().map(|end| Arc::new(end) as Arc<dyn Channel>).collect();
        let run = World::new(3).run_over(channels, |s| {
            let at = s.role().index();
            let work = |s: &mut Session, number| {
                let of = unit(s, &x[at], &y[at], &seen)?;
                if (number, s.role()) == (1, Role::P2) { how(s).map(|()| of) } else { Ok(of) }
            };
            s.in_units(UNITS, itself, work, drop)
        });
        assert_eq!(renewed(&watch), 0);
        run.results.map(Result::unwrap_err)
    };
    let abort = Abort { party: PartyId(2), path: 1, code: AbortCode::Cancelled };
    let said = abort.clone();
    for error in ending(&|s| {
        s.wire.channel().abort(said.clone());
        Ok(())
    }) {
        let wanted =
            SessionError::Channel { step: 1, source: ChannelError::Aborted(abort.clone()) };
        assert_eq!(error, wanted);
    }
    let errors = ending(&|s| s.send(PartyId(0), &[5_u64]));
    assert!(errors.iter().any(|e| matches!(e, SessionError::Invalid { .. })), "{errors:?}");
    let errors = ending(&|_| {
        let (_kept, never) = mpsc::channel::<()>();
        let _ = never.recv_timeout(Duration::from_secs(1));
        Err(SessionError::Misuse { step: 1, what: "asleep" })
    });
    let stalled = |e: &SessionError| {
        matches!(e, SessionError::Channel { source: ChannelError::Stalled { .. }, .. })
    };
    assert!(errors.iter().any(stalled), "{errors:?}");
    // And nothing but permutations is opened within.
    let errors = ending(&|s| s.pass_gate(OpeningKind::Result, 1, Recipient::All));
    assert!(matches!(errors[2], SessionError::Gate(_)), "{errors:?}");
    // One that says of a later attempt that it is done with more units than there can be.
    let errors = ending(&|s| {
        s.wire.branch += NUMBERS << STEP_BITS;
        for peer in s.others() {
            s.wire.restart(peer);
            s.send(peer, &[77_u64])?;
        }
        while s.wire.channel().recv(PartyId(1)).is_ok() {}
        Err(SessionError::Misuse { step: 1, what: "done" })
    });
    assert!(errors.iter().any(|e| matches!(e, SessionError::Invalid { .. })), "{errors:?}");
}

#[test]
fn keystreams_of_attempts_are_those_of_no_other_step() {
    let run = World::new(4).run(|s| {
        let mut first = vec![s.prss().random::<B64>(2).own()[0]];
        s.in_units(
            2,
            itself,
            |s, _| Ok(s.prss().random::<B64>(2).own()[0]),
            |word| first.push(word),
        )?;
        first.push(s.prss().random::<B64>(2).own()[0]);
        s.in_units(
            1,
            itself,
            |s, _| Ok(s.prss().random::<B64>(2).own()[0]),
            |word| first.push(word),
        )?;
        Ok::<_, SessionError>(first)
    });
    for words in run.results {
        assert_eq!(words.iter().collect::<HashSet<_>>().len(), 5);
    }
}
