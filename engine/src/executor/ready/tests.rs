//! A peer that is not ready, in every way there is: nobody seals. And a copy that seals first is seen.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use protocols::net::{Abort, AbortCode, Channel, memory, memory::MemoryChannel};

use super::*;
use crate::identity::{Pin, canonical_hash};

const NAMES: [&str; 3] = ["census", "employers", "neutral"];

fn name(at: usize) -> PartyName {
    PartyName::try_from(NAMES[at]).unwrap()
}

fn key(of: &str) -> IdentityKey {
    IdentityKey::from_seed(&canonical_hash("test", &of).0)
}

fn pins() -> Pins {
    let mut pins = Pins::default();
    for (at, of) in NAMES.into_iter().enumerate() {
        let (key, organisation) = (key(of).public(), of.to_owned());
        pins.insert(name(at), Pin { key, organisation, sealing_key: None });
    }
    pins
}

fn ready() -> Ready {
    let [job, plan, run, inputs] = [1, 2, 3, 4].map(|byte| Hash32([byte; 32]));
    Ready { job, plan, run, inputs }
}

/// A party's last steps, under test: exchange and then seal, or whatever a broken copy does.
type Release = fn(&MemoryChannel, &Seats, Speaker<'_>, &dyn Fn()) -> Result<(), Failure>;

fn honest(
    end: &MemoryChannel,
    seats: &Seats,
    me: Speaker<'_>,
    seal: &dyn Fn(),
) -> Result<(), Failure> {
    then_seal(end, seats, &ready(), me, || {
        seal();
        Ok(())
    })
}

fn seals_first(
    end: &MemoryChannel,
    seats: &Seats,
    me: Speaker<'_>,
    seal: &dyn Fn(),
) -> Result<(), Failure> {
    seal();
    exchange(end, seats, &ready(), me)
}

fn seals_after_one(
    end: &MemoryChannel,
    seats: &Seats,
    me: Speaker<'_>,
    seal: &dyn Fn(),
) -> Result<(), Failure> {
    let signed = Signed::new(READY_DOMAIN, ready(), me.0.clone(), me.1);
    let peers: Vec<PartyId> =
        Role::ALL.map(Role::id).into_iter().filter(|id| *id != end.me()).collect();
    for peer in &peers {
        let told = end.send_note(*peer, crate::wire::write(&signed));
        told.map_err(|error| seats.channel_failure(&error))?;
    }
    // Whoever comes last in its list is not waited for.
    let note = end.recv_note(peers[1]).map_err(|error| seats.channel_failure(&error))?;
    check(&note, seats.name(peers[1]), &ready(), me.2)?;
    seal();
    Ok(())
}

/// How many of P1 and P2 sealed, and what they say, when P0 does this.
fn against(
    p0: impl Fn(&MemoryChannel) + Sync,
    release: Release,
) -> (usize, Vec<Result<(), Failure>>) {
    // Silence is the only thing that is waited for.
    let mut ends = memory::mesh(3, Duration::from_secs(2));
    let first = ends.remove(0);
    p0(&first);
    let sealed = AtomicUsize::new(0);
    let said = std::thread::scope(|scope| {
        let parties: Vec<_> = (1..)
            .zip(&ends)
            .map(|(at, end)| {
                let sealed = &sealed;
                scope.spawn(move || {
                    let seats = Seats::new(&name(at), (0..3).map(name), 3);
                    let seal = || {
                        sealed.fetch_add(1, Ordering::SeqCst);
                    };
                    release(end, &seats, (&name(at), &key(NAMES[at]), &pins()), &seal)
                })
            })
            .collect();
        parties.into_iter().map(|party| party.join().unwrap()).collect()
    });
    (sealed.into_inner(), said)
}

fn tell(end: &MemoryChannel, note: &[u8]) {
    for peer in [1, 2] {
        end.send_note(PartyId(peer), note.to_vec()).unwrap();
    }
}

fn signed(domain: &str, body: Ready, party: usize, by: &str) -> Vec<u8> {
    crate::wire::write(&Signed::new(domain, body, name(party), &key(by)))
}

type Peer = (&'static str, fn(&MemoryChannel));

/// P0 is not ready, and says so, says nothing, or says something else.
const NOT_READY: &[Peer] = &[
    ("silent", |_| {}),
    ("ends the run", |end| {
        end.abort(Abort { party: PartyId(0), path: 9, code: AbortCode::Input });
    }),
    ("an empty note", |end| tell(end, &[])),
    ("no note of ours", |end| tell(end, b"{\"body\":{}}")),
    ("ready for another job", |end| {
        let body = Ready { job: Hash32([9; 32]), ..ready() };
        tell(end, &signed(READY_DOMAIN, body, 0, NAMES[0]));
    }),
    ("ready for another plan", |end| {
        let body = Ready { plan: Hash32([9; 32]), ..ready() };
        tell(end, &signed(READY_DOMAIN, body, 0, NAMES[0]));
    }),
    ("ready for other commitments", |end| {
        let body = Ready { inputs: Hash32([9; 32]), ..ready() };
        tell(end, &signed(READY_DOMAIN, body, 0, NAMES[0]));
    }),
    ("ready for an earlier attempt", |end| {
        let body = Ready { run: Hash32([9; 32]), ..ready() };
        tell(end, &signed(READY_DOMAIN, body, 0, NAMES[0]));
    }),
    ("signed by another key", |end| tell(end, &signed(READY_DOMAIN, ready(), 0, "mallory"))),
    ("signed for another purpose", |end| {
        tell(end, &signed("unseen.consent/v1", ready(), 0, NAMES[0]));
    }),
    ("the word of another party", |end| tell(end, &signed(READY_DOMAIN, ready(), 2, NAMES[2]))),
    ("a party nobody knows", |end| {
        let name = PartyName::try_from("mallory").unwrap();
        let word = Signed::new(READY_DOMAIN, ready(), name, &key("mallory"));
        tell(end, &crate::wire::write(&word));
    }),
];

#[test]
fn nobody_seals_unless_all_three_are_ready() {
    for (how, p0) in NOT_READY {
        let (sealed, said) = against(p0, honest);
        assert_eq!(sealed, 0, "{how}");
        for said in said {
            let failure = said.unwrap_err();
            assert!(!failure.message.is_empty(), "{how}");
        }
    }
}

#[test]
fn the_party_that_is_not_ready_is_named() {
    for (how, p0) in NOT_READY {
        if *how == "no note of ours" || *how == "an empty note" {
            continue;
        }
        // The first to end names P0; the other may name who ended on it.
        let (_, said) = against(p0, honest);
        let names_p0 = |said: &Result<(), Failure>| {
            said.as_ref().err().and_then(|failure| failure.party.clone()) == Some(name(0))
        };
        assert!(said.iter().any(names_p0), "{how}: {said:?}");
    }
}

#[test]
fn a_party_that_goes_away_leaves_nothing_sealed() {
    let mut ends = memory::mesh(3, Duration::from_secs(20));
    drop(ends.remove(0));
    for (at, end) in (1..).zip(&ends) {
        let seats = Seats::new(&name(at), (0..3).map(name), 3);
        let seal = || panic!("sealed without P0");
        let said = honest(end, &seats, (&name(at), &key(NAMES[at]), &pins()), &seal);
        assert_eq!(said.unwrap_err().reason, Reason::PartyLost);
    }
}

#[test]
fn three_that_are_ready_seal() {
    let word = |end: &MemoryChannel| tell(end, &signed(READY_DOMAIN, ready(), 0, NAMES[0]));
    let (sealed, said) = against(word, honest);
    assert_eq!(sealed, 2, "{said:?}");
}

#[test]
fn a_party_that_only_one_heard_stops_the_other() {
    // P0 tells P1 alone. P1 has heard all three and may seal; P2 may not.
    let word = |end: &MemoryChannel| {
        end.send_note(PartyId(1), signed(READY_DOMAIN, ready(), 0, NAMES[0])).unwrap();
    };
    let (sealed, said) = against(word, honest);
    assert!(said[0].is_ok() && said[1].is_err(), "{said:?}");
    assert_eq!(sealed, 1);
}

#[test]
fn copies_that_seal_too_early_are_seen() {
    for broken in [seals_first as Release, seals_after_one] {
        let seen = NOT_READY.iter().any(|(_, p0)| against(p0, broken).0 > 0);
        assert!(seen, "sealed before everyone was ready, and no peer showed it");
    }
}
