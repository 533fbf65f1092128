//! The last word before sealing: every compute party says, signed, that its run ended as the plan says.
//!
//! Two sealed shares are enough to reconstruct; so nobody seals before all three have said so.

#[cfg(test)]
mod tests;

use protocols::{
    net::Notes,
    party::{PartyId, Role},
};
use serde::{Deserialize, Serialize};

use super::links::Seats;
use crate::{
    identity::{Hash32, IdentityKey, PartyName, Pins, Signed},
    job::{Failure, Reason, Stage},
};

/// The domain tag under which readiness is signed.
const READY_DOMAIN: &str = "unseen.ready/v1";

/// What is signed: this run, this plan, and that everything listed was opened and nothing else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Ready {
    pub(super) job: Hash32,
    pub(super) plan: Hash32,
    pub(super) run: Hash32,
    /// What everybody committed to: whoever was told otherwise goes no further.
    pub(super) inputs: Hash32,
}

/// Who says so: name, key, and what it knows of the others.
pub(super) type Speaker<'a> = (&'a PartyName, &'a IdentityKey, &'a Pins);

/// Seals as soon as both peers are heard to be ready, and not before.
///
/// # Errors
/// Those of the exchange, with nothing sealed; those of `seal`.
pub(super) fn then_seal<T>(
    notes: &dyn Notes,
    seats: &Seats,
    ready: &Ready,
    me: Speaker<'_>,
    seal: impl FnOnce() -> Result<T, Failure>,
) -> Result<T, Failure> {
    exchange(notes, seats, ready, me)?;
    seal()
}

/// Tells both peers and waits for both.
///
/// # Errors
/// A peer that does not answer, signs something else, or whose signature does not hold.
fn exchange(
    notes: &dyn Notes,
    seats: &Seats,
    ready: &Ready,
    (me, key, pins): Speaker<'_>,
) -> Result<(), Failure> {
    let signed = Signed::new(READY_DOMAIN, ready.clone(), me.clone(), key);
    let note = crate::wire::write(&signed);
    let peers: Vec<PartyId> =
        Role::ALL.map(Role::id).into_iter().filter(|id| *id != notes.me()).collect();
    for peer in &peers {
        notes.send_note(*peer, note.clone()).map_err(|error| seats.channel_failure(&error))?;
    }
    for peer in &peers {
        let note = notes.recv_note(*peer).map_err(|error| seats.channel_failure(&error))?;
        check(&note, seats.name(*peer), ready, pins)?;
    }
    Ok(())
}

fn check(note: &[u8], peer: Option<&PartyName>, ready: &Ready, pins: &Pins) -> Result<(), Failure> {
    let wrong = |words: &str| {
        let failure = Failure::new(Reason::ProtocolViolation, Stage::Release, words);
        peer.map_or_else(|| failure.clone(), |peer| failure.clone().at(peer))
    };
    let signed: Signed<Ready> = crate::wire::parse("readiness", Stage::Release, note)?;
    if Some(&signed.party) != peer {
        return Err(wrong("another party signed its readiness"));
    }
    let key = pins.of(&signed.party).map_err(|_| wrong("is not pinned here"))?.key;
    match signed.verify(READY_DOMAIN, &key) {
        Ok(body) if body == ready => Ok(()),
        Ok(_) => Err(wrong("is ready for another run")),
        Err(_) => Err(wrong("its readiness is not signed by its key")),
    }
}
