//! Intersections that end with the owners of the sets: a protocol of two between them, while the compute
//! parties that own none wait.

use std::borrow::Cow;

use protocols::{
    net::at_work_here,
    party::{PartyId, Role},
    prg::Prg,
    psi::{Buckets, Ranged, Sizes},
    session::{Meter, OpeningKind, Pair, Recipient, Session, SessionError},
};
use tables::TableError;

use super::{checkpoint::Record, error::ExecError, input::party_of, keeping::Keeping, resume};
use crate::{
    identity::Hash32,
    plan::{Agreed, Between, EncodedInput, Match, OwnSet, Plan},
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

/// The two owners, compute parties or not.
pub(super) struct Owners {
    sender: PartyId,
    receiver: PartyId,
    /// Their inputs, in this order.
    inputs: [u32; 2],
    between: Between,
    /// The job that began it, if it is another, and how often the link between them is made anew.
    resumes: Option<Hash32>,
    renewals: u32,
}

impl Owners {
    pub(super) fn of(plan: &Plan, of: &Match) -> Option<Self> {
        let party = |at: u32| Some(party_of(plan, &plan.inputs.get(at as usize)?.party));
        let (sender, receiver) = (party(of.sender)?, party(of.receiver)?);
        let inputs = [of.sender, of.receiver];
        (sender != receiver).then_some(Self {
            sender,
            receiver,
            inputs,
            between: Between::of(plan, of)?,
            resumes: of.resumes,
            renewals: Between::renewals(of),
        })
    }

    /// Whether this party is one of them.
    pub(super) fn includes(&self, party: PartyId) -> bool {
        [self.sender, self.receiver].contains(&party)
    }

    /// The one that a given one is not.
    pub(super) fn peer_of(&self, owner: PartyId) -> PartyId {
        if owner == self.sender { self.receiver } else { self.sender }
    }

    /// What is opened, by whom, in the order that everybody takes it off the list.
    fn openings(&self) -> Vec<(PartyId, OpeningKind, usize, Recipient)> {
        let to = Recipient::Party;
        let Sizes { sender, receiver } = self.between.sizes;
        let mut all = vec![(self.sender, OpeningKind::Membership, receiver, to(self.receiver))];
        if self.between.both {
            all.push((self.receiver, OpeningKind::Membership, sender, to(self.sender)));
        }
        all
    }

    /// The compute parties that own neither set.
    fn waiting(&self) -> impl Iterator<Item = PartyId> {
        Role::ALL.into_iter().map(Role::id).filter(|party| !self.includes(*party))
    }

    /// Whom an owner tells that it is through: an owner that does not compute all who do, so that none of them goes on to the
    /// result before; the receiver those who wait. The sender tells the receiver by what it answers.
    fn told_by(&self, owner: PartyId) -> Vec<PartyId> {
        match owner.role() {
            None => Role::ALL.map(Role::id).to_vec(),
            Some(_) if owner == self.receiver => self.waiting().collect(),
            Some(_) => Vec::new(),
        }
    }

    /// How often those who wait hear of the receiver meanwhile: a run may take longer than anybody waits for a sign of life.
    fn signs(&self) -> usize {
        let agreed = self.between.agreed([0; 32]).filter(Agreed::goes_on);
        agreed.map_or(0, |agreed| agreed.buckets())
    }

    /// One owner's end of it; gives what it learned, if it is to learn.
    pub(super) fn play(
        &self,
        pair: &mut Pair<'_>,
        plan: &Plan,
        inputs: &[Option<EncodedInput>],
        rng: &mut Prg,
    ) -> Result<Option<Found>, ExecError> {
        let me = pair.me();
        let input = self.inputs[usize::from(me == self.receiver)];
        let set = inputs.get(input as usize).and_then(|data| data.as_ref()?.own.as_ref());
        let set = set.ok_or_else(|| ExecError::MissingInput {
            party: plan.inputs[input as usize].party.clone(),
            input,
        })?;
        // What the peer opens stands on this list as well, before or behind what this party opens.
        let all = self.openings();
        let turn = all.iter().position(|opening| opening.0 == me).unwrap_or(all.len());
        for (_, kind, count, to) in &all[..turn] {
            pair.wire().pass_gate(*kind, *count, *to)?;
        }
        let matched = self.meet(pair, set, rng)?;
        for (_, kind, count, to) in all.iter().skip(turn + 1) {
            pair.wire().pass_gate(*kind, *count, *to)?;
        }
        for party in self.told_by(me) {
            pair.wire().send(party, &[THROUGH])?;
        }
        let learns = me == self.receiver || self.between.both;
        Ok(learns.then_some(Found { input, matched }))
    }

    /// The protocol at one of the owners, bucket by bucket: its rows that the other has, if it is to learn them.
    fn meet(
        &self,
        pair: &mut Pair<'_>,
        set: &OwnSet,
        rng: &mut Prg,
    ) -> Result<Vec<u64>, ExecError> {
        let none = pair.misuse("sets of these sizes have no parameters");
        let agreed = self.between.agreed(set.context()).ok_or(none)?;
        let channel = pair.wire().channel();
        // It may be on a slow disk, and others wait.
        let rows = Ranged::new(set.rows(), |first, last, out: &mut _| {
            at_work_here(|| channel.working(), || set.visit(first, last, out))
        });
        let record = at_work_here(|| channel.working(), || self.record(set, &agreed))?;
        let listens = pair.me() == self.receiver && agreed.goes_on();
        let listeners = if listens { self.waiting().collect() } else { Vec::new() };
        let mut rows = Heard { rows: Keeping::new(rows, record), listeners, told: 0 };
        let done = self.go_on(pair, &agreed, &mut rows, rng);
        let (rows, kept) = rows.rows.end();
        // A set that cannot be read or kept explains why the run ended.
        let matched = rows.end().map_err(unread)?;
        kept?;
        done?;
        Ok(matched)
    }

    /// What this owner keeps of it, if it keeps anything.
    fn record(&self, set: &OwnSet, agreed: &Agreed) -> Result<Option<Record>, ExecError> {
        let kept = set.kept().filter(|_| agreed.goes_on());
        let record = kept.map(|kept| Record::open(kept, self.resumes.is_some())).transpose();
        record.map_err(|error| ExecError::of_disk(&error, ExecError::Intersection))
    }

    /// Behind the buckets that a run before was done with, to the end.
    fn go_on(
        &self,
        pair: &mut Pair<'_>,
        agreed: &Agreed,
        rows: &mut Heard<Keeping<impl Buckets>>,
        rng: &mut Prg,
    ) -> Result<(), SessionError> {
        let sends = pair.me() == self.sender;
        let seen = rows.rows.replay(agreed.buckets(), !sends || self.between.both)?;
        let mut progress = agreed.progress().behind(seen);
        if let Some(job) = self.resumes {
            tracing::info!(%job, "an intersection goes on after {} buckets", progress.buckets());
        }
        (0..progress.buckets()).try_for_each(|bucket| rows.tell(pair, bucket))?;
        resume::going_on(pair, (agreed, self.renewals), sends, (rows, &mut progress), rng)
    }

    /// What a compute party hears of the owners: signs of life, if it is none of them, and that they are through.
    fn hear(&self, s: &mut Session) -> Result<(), SessionError> {
        let me = s.role().id();
        let waits = self.waiting().any(|party| party == me);
        let signs = if waits { self.signs() } else { 0 };
        for owner in [self.receiver, self.sender] {
            let through = usize::from(owner != me && self.told_by(owner).contains(&me));
            let signs = if owner == self.receiver { signs } else { 0 };
            let mut pair = s.pair(owner);
            let words = (1..=signs as u64).chain(std::iter::repeat_n(THROUGH, through));
            for due in words {
                if pair.recv_words::<u64>(1)?[0] != due {
                    return Err(pair.invalid("word of a bucket out of order"));
                }
            }
        }
        Ok(())
    }
}

/// What an owner says that is through, where others are numbers of buckets.
pub(super) const THROUGH: u64 = u64::MAX;

/// A set whose owner tells others of each bucket it is through with, once, however often the bucket is repeated.
pub(super) struct Heard<B> {
    pub(super) rows: B,
    pub(super) listeners: Vec<PartyId>,
    /// Of how many buckets they have heard.
    pub(super) told: usize,
}

impl<B> Heard<B> {
    fn tell(&mut self, pair: &mut Pair<'_>, bucket: usize) -> Result<(), SessionError> {
        if bucket < self.told {
            return Ok(());
        }
        self.told = bucket + 1;
        let listeners = self.listeners.iter();
        listeners.copied().try_for_each(|to| pair.wire().send(to, &[bucket as u64 + 1]))
    }
}

impl<B: Buckets> Buckets for Heard<B> {
    fn bucket(&mut self, bucket: usize, buckets: usize) -> Result<Cow<'_, [u128]>, SessionError> {
        self.rows.bucket(bucket, buckets)
    }

    fn found(&mut self, bucket: usize, positions: &[u32]) -> Result<(), SessionError> {
        self.rows.found(bucket, positions)
    }

    fn seen(&mut self, bucket: usize, digest: &[u8; 32]) -> Result<(), SessionError> {
        self.rows.seen(bucket, digest)
    }

    fn finished(&mut self, pair: &mut Pair<'_>, bucket: usize) -> Result<(), SessionError> {
        self.rows.finished(pair, bucket)?;
        self.tell(pair, bucket)
    }
}

/// Runs it at one compute party; gives what this party learned, if it owns a set and is to learn.
///
/// # Cost
/// That of the protocol of two, and 8 bytes: from the receiver to each compute party that waits, for each bucket and at the end;
/// from an owner that does not compute to each that does, at the end; from the receiver to the sender at the end, if the receiver
/// alone learns. Nothing of a bucket, and no last word, where Diffie–Hellman has one bucket alone. More where a link was lost: see [`resume`].
/// Where another job began it, [`Agreed::cost_from`] the first bucket that is not on both disks, in the place of all of it.
///
/// # Errors
/// [`ExecError`].
///
/// # Security
/// That of the protocol that the plan names. Both sets are padded to their published bounds. What others hear of it are numbers of
/// buckets, which follow from those bounds.
pub(super) fn run(
    s: &mut Session,
    plan: &Plan,
    of: &Match,
    (at, inputs): (usize, &[Option<EncodedInput>]),
    rng: &mut Prg,
) -> Result<Option<Found>, ExecError> {
    let owners = Owners::of(plan, of).ok_or(ExecError::Malformed(at))?;
    let me = s.role().id();
    let found = if owners.includes(me) {
        owners.play(&mut s.pair(owners.peer_of(me)), plan, inputs, rng)?
    } else {
        // Whoever does not open it takes it off its list all the same, so that all lists end alike.
        for (_, kind, count, to) in owners.openings() {
            s.pass_gate(kind, count, to)?;
        }
        None
    };
    owners.hear(s)?;
    Ok(found)
}

/// A set that its owner could not read.
pub(super) fn unread(error: TableError) -> ExecError {
    ExecError::of_disk(&error, ExecError::Set)
}

/// Twin of [`run`].
pub(super) fn cost(m: &mut Meter, plan: &Plan, of: &Match, at: usize) -> Result<(), ExecError> {
    let owners = Owners::of(plan, of).ok_or(ExecError::Malformed(at))?;
    for (_, kind, count, to) in owners.openings() {
        m.pass_gate(kind, count, to);
    }
    m.pair_of(owners.sender, owners.receiver, |c| {
        owners.between.cost(c);
        if let Some(agreed) = owners.between.agreed([0; 32]) {
            resume::cost(c, &agreed);
        }
    });
    for party in owners.waiting() {
        (0..owners.signs()).for_each(|_| m.told(owners.receiver, party, WORD));
    }
    for owner in [owners.receiver, owners.sender] {
        owners.told_by(owner).into_iter().for_each(|party| m.told(owner, party, WORD));
    }
    Ok(())
}

/// Bytes of what an owner tells.
pub(super) const WORD: usize = 8;
