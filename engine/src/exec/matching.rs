//! Intersections that end with the owners of the sets: a protocol of two between them, while the third party waits.

use protocols::{
    party::Role,
    prg::Prg,
    psi::{Distinct, ecdh},
    session::{Meter, OpeningKind, Recipient, Session, SessionError},
};

use super::{error::ExecError, input::role_of};
use crate::plan::{EncodedInput, Learns, Match, Plan};

/// What an owner learned of its own set.
#[derive(Clone, PartialEq, Eq)]
pub struct Found {
    /// Which input of the plan.
    pub input: u32,
    /// The rows of the local sub-plan's result whose key the other set has, ascending.
    pub rows: Vec<u32>,
}

/// What an owner learned is its own.
impl std::fmt::Debug for Found {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Found in input {}", self.input)
    }
}

/// Bounds of both sets.
#[derive(Clone, Copy)]
struct Sizes {
    sender: usize,
    receiver: usize,
}

/// The two owners, and the public bounds of their sets.
struct Owners {
    sender: Role,
    receiver: Role,
    sizes: Sizes,
}

impl Owners {
    fn of(plan: &Plan, of: &Match) -> Option<Self> {
        let input = |at: u32| plan.inputs.get(at as usize);
        let (sender, receiver) = (input(of.sender)?, input(of.receiver)?);
        let rows = |rows: u64| usize::try_from(rows).ok();
        let sizes = Sizes { sender: rows(sender.rows)?, receiver: rows(receiver.rows)? };
        let role = |party| role_of(plan, party);
        Some(Self { sender: role(&sender.party)?, receiver: role(&receiver.party)?, sizes })
    }

    /// What is opened, in the order that all parties take it off their lists.
    fn openings(&self, of: &Match) -> Vec<(Role, OpeningKind, usize, Recipient)> {
        let to = |role: Role| Recipient::Party(role.id());
        let asked = self.sizes.receiver;
        let first = (self.sender, OpeningKind::Membership, asked, to(self.receiver));
        let second = (self.receiver, OpeningKind::Membership, self.sizes.sender, to(self.sender));
        match of.learns {
            Learns::Receiver => vec![first],
            Learns::Both => vec![first, second],
        }
    }
}

/// Runs it at one party; gives what this party learned, if it owns a set and is to learn.
///
/// # Cost
/// That of the protocol of two; nothing at the third party.
///
/// # Errors
/// [`ExecError`].
///
/// # Security
/// That of the protocol that the plan names. Both sets are padded to their published bounds.
pub(super) fn run(
    s: &mut Session,
    plan: &Plan,
    of: &Match,
    (at, inputs): (usize, &[Option<EncodedInput>]),
    rng: &mut Prg,
) -> Result<Option<Found>, ExecError> {
    let owners = Owners::of(plan, of).ok_or(ExecError::Malformed(at))?;
    let own = s.role();
    // Whoever does not open it takes it off its list all the same, so that all three lists end alike.
    let mut reached = false;
    let mut waiting = Vec::new();
    for (by, kind, count, to) in owners.openings(of) {
        reached |= by == own;
        match (by == own, reached) {
            (true, _) => {}
            (false, false) => s.pass_gate(kind, count, to)?,
            (false, true) => waiting.push((kind, count, to)),
        }
    }
    let number = match own {
        role if role == owners.sender => of.sender,
        role if role == owners.receiver => of.receiver,
        _ => return Ok(None),
    };
    let data = inputs.get(number as usize).and_then(Option::as_ref).map(|data| &data.ids);
    let ids = data.ok_or_else(|| ExecError::MissingInput {
        party: plan.inputs[number as usize].party.clone(),
        input: number,
    })?;
    let set = Distinct::new(ids.iter().copied());
    let positions = talk(s, of, &owners, &set, rng)?;
    for (kind, count, to) in waiting {
        s.pass_gate(kind, count, to)?;
    }
    let learns = own == owners.receiver || of.learns == Learns::Both;
    Ok(learns.then(|| Found { input: number, rows: set.rows_of_all(&positions) }))
}

/// The protocol, at one of the owners: the positions in its set that the other has, if it is to learn them.
fn talk(
    s: &mut Session,
    of: &Match,
    owners: &Owners,
    set: &Distinct,
    rng: &mut Prg,
) -> Result<Vec<u32>, SessionError> {
    let sends = s.role() == owners.sender;
    let (peer, bound) = match sends {
        true => (owners.receiver, owners.sizes.sender),
        false => (owners.sender, owners.sizes.receiver),
    };
    let mut pair = s.pair(peer.id());
    let (shape, items) = (shape(of, owners), padded(set.ids(), bound, rng));
    let mut found = if sends {
        ecdh::send(&mut pair, &items, shape, rng)?.unwrap_or_default()
    } else {
        ecdh::receive(&mut pair, &items, shape, rng)?
    };
    // What pads a set is in no other.
    found.retain(|position| (*position as usize) < set.len());
    Ok(found)
}

/// Ids up to the published bound: random ones are in no other set.
fn padded(ids: &[u128], bound: usize, rng: &mut Prg) -> Vec<u128> {
    use protocols::ring::Z128;
    let filling = rng.elements::<Z128>(bound.saturating_sub(ids.len()));
    ids.iter().copied().chain(filling.iter().copied()).collect()
}

fn shape(of: &Match, owners: &Owners) -> ecdh::Shape {
    let output = match of.learns {
        Learns::Receiver => ecdh::Output::ToReceiver,
        Learns::Both => ecdh::Output::ToBoth,
    };
    let Sizes { sender, receiver } = owners.sizes;
    ecdh::Shape { sender, receiver, output }
}

/// Twin of [`run`].
pub(super) fn cost(m: &mut Meter, plan: &Plan, of: &Match, at: usize) -> Result<(), ExecError> {
    let owners = Owners::of(plan, of).ok_or(ExecError::Malformed(at))?;
    for (_, kind, count, to) in owners.openings(of) {
        m.pass_gate(kind, count, to);
    }
    m.pair(owners.sender, owners.receiver, |c| ecdh::cost(c, shape(of, &owners)));
    Ok(())
}
