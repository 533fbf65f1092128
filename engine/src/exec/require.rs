//! Going on only where a bit says so: it is opened to all three compute parties, who tell owners that do not compute; then all end
//! the run or none does.

use protocols::{
    mpc,
    party::{PartyId, Role},
    ring::B64,
    session::{Meter, OpeningKind, Recipient, Session, SessionError, Wire},
    share::Bits,
};

use super::{error::ExecError, matching::WORD};
use crate::plan::Plan;

/// Opens the bit of one row, and tells [`Plan::hearers`].
///
/// # Cost
/// 1 round of one word from each party; one more, of 8 bytes from each to each owner who hears.
///
/// # Errors
/// [`ExecError::TooFew`] where it is 0, after which the session's gate lets nothing more be opened; [`ExecError::Session`].
///
/// # Security
/// The bit is listed, to each who learns it, and what comes after it is listed as if it were 1. What is said of the rows rests on the
/// order: nothing of an operation runs before all that come before it have. All parties are taken to follow the protocol.
pub(super) fn run(
    s: &mut Session,
    (plan, at): (&Plan, usize),
    bit: &Bits,
) -> Result<(), ExecError> {
    let mut bit = bit.clone();
    bit.clear_beyond_rows();
    let opened = mpc::reveal::<B64>(s, &bit.into_planes(), OpeningKind::Threshold)?;
    let enough = opened[..] == [1];
    for owner in plan.hearers(at) {
        s.pass_gate(OpeningKind::Threshold, 1, Recipient::Party(owner))?;
        s.wire().send(owner, &[u64::from(enough)])?;
    }
    if enough {
        return Ok(());
    }
    s.close_gate();
    Err(ExecError::TooFew)
}

/// What an owner that does not compute hears of it; that of others it takes off its list as well.
///
/// # Errors
/// As [`run`]; [`SessionError::Inconsistent`] where the three do not say the same.
pub(super) fn hear(wire: &mut Wire, (plan, at): (&Plan, usize)) -> Result<(), ExecError> {
    wire.pass_gate(OpeningKind::Threshold, 1, Recipient::All)?;
    for owner in plan.hearers(at) {
        wire.pass_gate(OpeningKind::Threshold, 1, Recipient::Party(owner))?;
    }
    let mut said = None;
    for party in Role::ALL.map(Role::id) {
        let enough = heard(wire, party)?;
        if *said.get_or_insert(enough) != enough {
            let what = "says otherwise than another whether enough keys are common";
            return Err(wire.pair(party).inconsistent(what).into());
        }
    }
    if said == Some(true) {
        return Ok(());
    }
    wire.close_gate();
    Err(ExecError::TooFew)
}

fn heard(wire: &mut Wire, from: PartyId) -> Result<bool, SessionError> {
    let mut pair = wire.pair(from);
    match pair.recv_words::<u64>(1)?[0] {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(pair.invalid("word of whether enough keys are common")),
    }
}

/// Twin of [`run`].
pub(super) fn cost(m: &mut Meter, plan: &Plan, at: usize) {
    mpc::reveal_cost::<B64>(m, 1, OpeningKind::Threshold);
    for owner in plan.hearers(at) {
        m.pass_gate(OpeningKind::Threshold, 1, Recipient::Party(owner));
        Role::ALL.into_iter().for_each(|role| m.told(role.id(), owner, WORD));
    }
}
