//! Intersections of three and more owners' sets that end with them, whether they compute or not, while compute parties that own none
//! wait. A link of two owners that is lost they make anew, and repeat what was under way: see [`multiparty`].

use protocols::{
    net::at_work_here,
    party::{PartyId, Role},
    prg::Prg,
    psi::{
        Ranged,
        multiparty::{self, Audience, Setting},
    },
    session::{Meter, OpeningKind, Recipient, Session, SessionError, Wire},
};

use super::{
    error::ExecError,
    matching::{Found, Heard, THROUGH, WORD, unread},
};
use crate::plan::{EncodedInput, Many, Plan, many_setting};

/// One opening: by whom, what for, of how many elements, to whom.
type Opened = (PartyId, OpeningKind, usize, Recipient);

/// The owners of the sets of one operation.
pub(super) struct Circle<'p> {
    of: &'p Many,
    setting: Setting,
}

impl<'p> Circle<'p> {
    pub(super) fn of(plan: &Plan, of: &'p Many, at: usize) -> Result<Self, ExecError> {
        let setting = many_setting(plan, of).map_err(|_| ExecError::Malformed(at))?;
        Ok(Self { of, setting })
    }

    /// Whether this party owns one of them.
    pub(super) fn includes(&self, party: PartyId) -> bool {
        self.setting.parties().any(|owner| owner == party)
    }

    /// The compute parties that own no set. The leader tells them of each bucket, for a run may take longer than anybody waits for a
    /// sign of life, and that all are through, so that none of them goes on to the result before.
    fn waiting(&self) -> impl Iterator<Item = PartyId> {
        Role::ALL.into_iter().map(Role::id).filter(|party| !self.includes(*party))
    }

    /// What is opened, in the order that all parties take it off their lists.
    fn openings(&self) -> Vec<Opened> {
        let (setting, leader) = (&self.setting, self.setting.leader());
        let asked = setting.size(leader);
        let opened = |by, count, to| (by, OpeningKind::Membership, count, Recipient::Party(to));
        let mut all: Vec<_> =
            setting.others(leader).map(|other| opened(other, asked, leader)).collect();
        if setting.audience() == Audience::Everyone {
            let least = setting.sizes().iter().copied().min().unwrap_or(0);
            all.extend(setting.others(leader).map(|other| opened(leader, least, other)));
        }
        all
    }

    /// One owner's end of it; gives what it learned, if it is to learn.
    pub(super) fn play(
        &self,
        wire: &mut Wire,
        (plan, at): (&Plan, usize),
        inputs: &[Option<EncodedInput>],
        rng: &mut Prg,
    ) -> Result<Option<Found>, ExecError> {
        let me = wire.me();
        let input = self.of.input_of(plan, me).ok_or(ExecError::Malformed(at))?;
        let set = inputs.get(input as usize).and_then(|data| data.as_ref()?.own.as_ref());
        let set = set.ok_or_else(|| ExecError::MissingInput {
            party: plan.inputs[input as usize].party.clone(),
            input,
        })?;
        let (channel, setting) = (wire.channel(), self.setting.clone().about(set.context()));
        // It may be on a slow disk, and others wait.
        let rows = Ranged::new(set.rows(), |first, last, out: &mut _| {
            at_work_here(|| channel.working(), || set.visit(first, last, out))
        });
        // What others open is taken off this party's list all the same, so that all lists end alike.
        let all = self.openings();
        let first = all.iter().position(|opened| opened.0 == me).unwrap_or(all.len());
        let (before, after) = all.split_at(first);
        pass(wire, before.iter())?;
        let listeners: Vec<_> =
            if me == setting.leader() { self.waiting().collect() } else { Vec::new() };
        let mut rows = Heard { rows, listeners, told: 0 };
        let learns = multiparty::intersect_buckets(wire, &setting, &mut rows, rng);
        // A set that cannot be read explains why the run ended.
        let matched = rows.rows.end().map_err(unread)?;
        let learns = learns?;
        pass(wire, after.iter().filter(|opened| opened.0 != me))?;
        rows.listeners.iter().try_for_each(|party| wire.send(*party, &[THROUGH]))?;
        Ok(learns.then_some(Found { input, matched }))
    }

    /// What a compute party that owns no set hears of the others.
    fn hear(&self, wire: &mut Wire) -> Result<(), SessionError> {
        pass(wire, self.openings().iter())?;
        let mut pair = wire.pair(self.setting.leader());
        for due in (1..=self.setting.buckets() as u64).chain([THROUGH]) {
            if pair.recv_words::<u64>(1)?[0] != due {
                return Err(pair.invalid("word of a bucket out of order"));
            }
        }
        Ok(())
    }
}

fn pass<'a>(
    wire: &mut Wire,
    mut openings: impl Iterator<Item = &'a Opened>,
) -> Result<(), SessionError> {
    openings.try_for_each(|(_, kind, count, to)| wire.pass_gate(*kind, *count, *to))
}

/// Runs it at one compute party; gives what this party learned, if it owns a set and is to learn.
///
/// # Cost
/// That of [`multiparty::intersect_buckets`], with [`crate::plan::Many::RENEWALS`]; and 8 bytes from the leader to each compute party
/// that owns no set, for each bucket and at the end.
///
/// # Errors
/// [`ExecError`].
///
/// # Security
/// Augmented semi-honest, against any parties together. What a leader tells all others cannot be verified by them. What those who
/// wait hear are numbers of buckets, which follow from the bounds.
pub(super) fn run(
    s: &mut Session,
    plan: &Plan,
    of: &Many,
    (at, inputs): (usize, &[Option<EncodedInput>]),
    rng: &mut Prg,
) -> Result<Option<Found>, ExecError> {
    let circle = Circle::of(plan, of, at)?;
    if circle.includes(s.role().id()) {
        return circle.play(s.wire(), (plan, at), inputs, rng);
    }
    circle.hear(s.wire())?;
    Ok(None)
}

/// Twin of [`run`], and of all others' [`Circle::play`].
pub(super) fn cost(m: &mut Meter, plan: &Plan, of: &Many, at: usize) -> Result<(), ExecError> {
    let circle = Circle::of(plan, of, at)?;
    let setting = &circle.setting;
    for (_, kind, count, to) in circle.openings() {
        m.pass_gate(kind, count, to);
    }
    m.circle(setting.places(), |c| multiparty::cost(c, setting));
    for party in circle.waiting() {
        (0..=setting.buckets()).for_each(|_| m.told(setting.leader(), party, WORD));
    }
    Ok(())
}
