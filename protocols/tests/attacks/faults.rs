//! Faults on the way: every party ends with a typed error within the stall timeout, or has the right result.
//!
//! A flipped bit of a body is another matter. Semi-honest protocols do not notice a wrong share: here the result may be wrong
//! without an error. On the wire the TLS link refuses such a frame; a party that lies about its own shares is beyond this model.

use std::{sync::Arc, time::Duration};

use protocols::{
    mpc::{self, Column, Ordering},
    net::{
        AbortCode, Channel, ChannelError,
        faulty::{Fault, Faulty, Planned},
        memory,
        record::Direction,
    },
    party::{PartyId, Role},
    ring::Z64,
    session::{Session, SessionError},
    share::{Shared, reconstruct},
    testkit::{World, share_bits},
};

use super::view::record;

/// What must be noticed by silence is noticed after 300 ms; whatever is noticed otherwise must not depend on this machine's load.
fn stall(fault: Fault) -> Duration {
    if fault == Fault::Drop { Duration::from_millis(300) } else { Duration::from_secs(20) }
}

const N: usize = 70;

/// The last word of a run: nobody ends well before all three have come this far.
pub(crate) fn confirm(s: &mut Session) -> Result<(), SessionError> {
    s.enter(s.step() + 1);
    let peers = [s.role().next().id(), s.role().prev().id()];
    for peer in peers {
        s.send(peer, &[1_u64])?;
    }
    peers.into_iter().try_for_each(|peer| s.recv(peer, &mut [0_u64]))
}

type Protocol = fn(&mut Session, World) -> Result<Shared<Z64>, SessionError>;

fn multiply(s: &mut Session, world: World) -> Result<Shared<Z64>, SessionError> {
    let values: Vec<u64> = (0..N as u64).collect();
    let x = world.deal::<Z64>(1, &values)[s.role().index()].clone();
    let product = mpc::mul(s, &x, &x)?;
    confirm(s)?;
    Ok(product)
}

fn sort(s: &mut Session, world: World) -> Result<Shared<Z64>, SessionError> {
    let values: Vec<u64> = (0..N as u64).map(|row| row * 37 % 64).collect();
    let keys = share_bits(world, 1, &values, 6)[s.role().index()].clone();
    let rows = world.deal::<Z64>(2, &values)[s.role().index()].clone();
    let positions = mpc::sort_positions(s, &keys)?;
    let (_, mut moved) = Ordering::apply(s, &positions, &[Column::Z64(rows)])?;
    let Some(Column::Z64(sorted)) = moved.pop() else { panic!("one column") };
    confirm(s)?;
    Ok(sorted)
}

/// One run with one fault at `from`.
fn faulty(
    protocol: Protocol,
    from: Role,
    planned: Planned,
) -> [Result<Shared<Z64>, SessionError>; 3] {
    let world = World::new(6);
    let ends = memory::mesh(3, stall(planned.fault));
    let channels = ends.into_iter().map(|end| -> Arc<dyn Channel> {
        if end.me() == from.id() {
            Arc::new(Faulty::new(end, vec![planned]))
        } else {
            Arc::new(end)
        }
    });
    world.run_over(channels.collect(), |s| protocol(s, world)).results
}

/// First, middle and last frame of every link direction of a protocol, but for the last word: whoever heard both others ends
/// well, and no further message could tell whether its own arrived.
fn places(protocol: Protocol) -> Vec<(Role, PartyId, usize)> {
    let world = World::new(6);
    let (_, views) = record(world, |s| protocol(s, world));
    let mut places = Vec::new();
    for role in Role::ALL {
        for to in [role.next(), role.prev()] {
            let frames = views[role.index()].frames(Direction::To(to.id())).len() - 1;
            let Some(last) = frames.checked_sub(1) else { continue };
            let mut nth = vec![0, last / 2, last];
            nth.dedup();
            places.extend(nth.into_iter().map(|nth| (role, to.id(), nth)));
        }
    }
    places
}

/// The code and the party that an error lays the blame on, whoever said it first.
fn verdict(error: &SessionError, me: Role) -> (PartyId, AbortCode) {
    match error {
        SessionError::Channel { source: ChannelError::Aborted(abort), .. } => {
            (abort.party, abort.code)
        }
        other => other.blame(me.id()).unwrap(),
    }
}

/// Runs a protocol with a fault at every place; `allowed` says which verdicts may come, at every party.
fn every_party_ends(protocol: Protocol, fault: Fault, allowed: &[AbortCode]) {
    for (from, to, nth) in places(protocol) {
        let at = format!("{fault:?}, frame {nth} from {from} to {to}");
        let results = faulty(protocol, from, Planned { to, nth, fault });
        for (role, result) in Role::ALL.into_iter().zip(&results) {
            let error = result.as_ref().err().unwrap_or_else(|| panic!("{at}: {role} went on"));
            let (_, code) = verdict(error, role);
            assert!(allowed.contains(&code), "{at}: {role} says {error}");
        }
    }
}

/// A wrong frame is noticed by its receiver, who names the sender; the third party adopts that.
fn the_sender_is_named(protocol: Protocol, fault: Fault) {
    for (from, to, nth) in places(protocol) {
        let at = format!("{fault:?}, frame {nth} from {from} to {to}");
        let results = faulty(protocol, from, Planned { to, nth, fault });
        for (role, result) in Role::ALL.into_iter().zip(&results) {
            let error = result.as_ref().err().unwrap_or_else(|| panic!("{at}: {role} went on"));
            let verdict = verdict(error, role);
            assert_eq!(verdict, (from.id(), AbortCode::Protocol), "{at}: {role} says {error}");
        }
    }
}

#[test]
fn lost_frames_end_the_run_at_every_party() {
    // Noticed by the silence, or by the next frame's tag.
    let allowed = [AbortCode::Stalled, AbortCode::Protocol];
    every_party_ends(multiply, Fault::Drop, &allowed);
    every_party_ends(sort, Fault::Drop, &allowed);
}

#[test]
fn wrong_tags_and_lengths_end_the_run_and_name_the_sender() {
    for protocol in [multiply, sort] {
        the_sender_is_named(protocol, Fault::WrongTag);
        the_sender_is_named(protocol, Fault::Truncate(0));
        the_sender_is_named(protocol, Fault::Truncate(7));
    }
}

#[test]
fn a_party_that_goes_away_ends_the_run_at_every_party() {
    for protocol in [multiply, sort] {
        every_party_ends(protocol, Fault::Close, &[AbortCode::PeerLost]);
    }
}

#[test]
fn late_frames_change_nothing() {
    for (from, to, nth) in places(sort) {
        let fault = Fault::Delay(Duration::from_millis(20));
        let results = faulty(sort, from, Planned { to, nth, fault });
        let shares = results.map(Result::unwrap);
        let got = reconstruct(shares.each_ref()).unwrap();
        let mut want: Vec<u64> = (0..N as u64).map(|row| row * 37 % 64).collect();
        want.sort_unstable();
        assert_eq!(got, want);
    }
}

#[test]
fn flipped_bits_never_hang_or_panic_and_shape_survives() {
    let mut noticed = 0;
    for (from, to, nth) in places(sort) {
        for bit in [0, 31, 400] {
            let fault = Fault::FlipBit(bit);
            for result in faulty(sort, from, Planned { to, nth, fault }) {
                match result {
                    // What semi-honest security allows: a result that may be wrong, of the right length.
                    Ok(share) => assert_eq!(share.len(), N),
                    Err(error) => {
                        let (_, code) = verdict(&error, Role::P0);
                        assert_eq!(code, AbortCode::Inconsistent, "{error}");
                        noticed += 1;
                    }
                }
            }
        }
    }
    assert!(noticed > 0, "positions that are no permutation are noticed");
}

#[test]
fn the_next_run_is_served_after_a_fault() {
    let planned = Planned { to: PartyId(1), nth: 0, fault: Fault::Close };
    assert!(faulty(multiply, Role::P0, planned).iter().all(Result::is_err));
    let world = World::new(6);
    let want: Vec<u64> = (0..N as u64).map(|x| x * x).collect();
    assert_eq!(world.run(|s| multiply(s, world)).reconstruct(), want);
}
