//! Intersections that end with the owners of the sets: a protocol of two between them, while the third party waits.

use std::borrow::Cow;

use protocols::{
    party::Role,
    prg::Prg,
    psi::{Buckets as _, Ranged, Sizes, ecdh, vole_psi},
    session::{Meter, OpeningKind, Recipient, Session, SessionError},
};
use tables::TableError;

use super::{error::ExecError, input::role_of};
use crate::{
    job::PsiProtocol,
    plan::{Between, EncodedInput, Match, OwnSet, Plan},
};

/// What an owner learned of its own set.
#[derive(Clone, PartialEq, Eq)]
pub struct Found {
    /// Which input of the plan.
    pub input: u32,
    /// A bit for each row of the local sub-plan's result, lowest first: whether the other set has its key.
    pub matched: Vec<u64>,
}

/// What an owner learned is its own.
impl std::fmt::Debug for Found {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Found in input {}", self.input)
    }
}

/// The two owners.
struct Owners {
    sender: Role,
    receiver: Role,
    between: Between,
}

impl Owners {
    fn of(plan: &Plan, of: &Match) -> Option<Self> {
        let role = |at: u32| role_of(plan, &plan.inputs.get(at as usize)?.party);
        let between = Between::of(plan, of)?;
        Some(Self { sender: role(of.sender)?, receiver: role(of.receiver)?, between })
    }

    /// What is opened, in the order that all parties take it off their lists.
    fn openings(&self) -> Vec<(Role, OpeningKind, usize, Recipient)> {
        let to = |role: Role| Recipient::Party(role.id());
        let Sizes { sender, receiver } = self.between.sizes;
        let mut all = vec![(self.sender, OpeningKind::Membership, receiver, to(self.receiver))];
        if self.between.both {
            all.push((self.receiver, OpeningKind::Membership, sender, to(self.sender)));
        }
        all
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
    for (by, kind, count, to) in owners.openings() {
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
    let set = inputs.get(number as usize).and_then(|data| data.as_ref()?.own.as_ref());
    let set = set.ok_or_else(|| ExecError::MissingInput {
        party: plan.inputs[number as usize].party.clone(),
        input: number,
    })?;
    let matched = if owners.between.protocol == PsiProtocol::Ecdh {
        by_points(s, &owners, set, rng)?
    } else {
        by_vectors(s, &owners, set, rng)?
    };
    for (kind, count, to) in waiting {
        s.pass_gate(kind, count, to)?;
    }
    let learns = own == owners.receiver || owners.between.both;
    Ok(learns.then_some(Found { input: number, matched }))
}

/// Diffie–Hellman at one of the owners: its rows that the other has, if it is to learn them. The whole set is in memory: this is for
/// small ones.
fn by_points(
    s: &mut Session,
    owners: &Owners,
    set: &OwnSet,
    rng: &mut Prg,
) -> Result<Vec<u64>, ExecError> {
    let (sends, Sizes { sender, receiver }) = (s.role() == owners.sender, owners.between.sizes);
    let (peer, bound) = if sends { (owners.receiver, sender) } else { (owners.sender, receiver) };
    let mut rows =
        Ranged::new(set.rows(), |first, last, out: &mut _| set.between(first, last, out));
    let ids = rows.bucket(0, 1).map(Cow::into_owned);
    let Ok(ids) = ids else { return rows.end().map_err(unread) };
    let (shape, items) = (owners.between.shape(), padded(&ids, bound, rng));
    let mut pair = s.pair(peer.id());
    let mut found = if sends {
        ecdh::send(&mut pair, &items, shape, rng)?.unwrap_or_default()
    } else {
        ecdh::receive(&mut pair, &items, shape, rng)?
    };
    // What pads a set is in no other.
    found.retain(|position| (*position as usize) < ids.len());
    rows.found(0, &found)?;
    rows.end().map_err(unread)
}

/// VOLE-PSI at one of the owners, likewise, bucket by bucket; it pads by itself.
fn by_vectors(
    s: &mut Session,
    owners: &Owners,
    set: &OwnSet,
    rng: &mut Prg,
) -> Result<Vec<u64>, ExecError> {
    let none =
        SessionError::Misuse { step: s.step(), what: "sets of these sizes have no parameters" };
    let setting = owners.between.setting(set.context()).ok_or(none)?;
    let sends = s.role() == owners.sender;
    let peer = if sends { owners.receiver } else { owners.sender };
    let mut pair = s.pair(peer.id());
    let mut rows =
        Ranged::new(set.rows(), |first, last, out: &mut _| set.between(first, last, out));
    let done = if sends {
        vole_psi::send(&mut pair, &setting, &mut rows, rng)
    } else {
        vole_psi::receive(&mut pair, &setting, &mut rows, rng)
    };
    // A set that cannot be read explains why the run ended.
    let matched = rows.end().map_err(unread)?;
    done?;
    Ok(matched)
}

/// A set that its owner could not read.
pub(super) fn unread(error: TableError) -> ExecError {
    ExecError::Set(error.to_string())
}

/// Ids up to the published bound: random ones are in no other set.
pub(super) fn padded(ids: &[u128], bound: usize, rng: &mut Prg) -> Vec<u128> {
    use protocols::ring::Z128;
    let filling = rng.elements::<Z128>(bound.saturating_sub(ids.len()));
    ids.iter().copied().chain(filling.iter().copied()).collect()
}

/// Twin of [`run`].
pub(super) fn cost(m: &mut Meter, plan: &Plan, of: &Match, at: usize) -> Result<(), ExecError> {
    let owners = Owners::of(plan, of).ok_or(ExecError::Malformed(at))?;
    for (_, kind, count, to) in owners.openings() {
        m.pass_gate(kind, count, to);
    }
    m.pair(owners.sender, owners.receiver, |c| owners.between.cost(c));
    Ok(())
}
