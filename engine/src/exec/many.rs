//! Intersections of the sets of all compute parties that end with them. A link of two that is lost they make anew, and repeat what
//! was under way: see [`multiparty`].

use protocols::{
    net::at_work_here,
    party::{PartyId, Role},
    prg::Prg,
    psi::{
        Ranged,
        multiparty::{self, Audience, Setting},
    },
    session::{Meter, OpeningKind, Recipient, Session},
};

use super::{
    error::ExecError,
    matching::{Found, unread},
};
use crate::plan::{EncodedInput, Many, Plan, many_setting};

/// One opening: by whom, what for, of how many elements, to whom.
type Opened = (PartyId, OpeningKind, usize, Recipient);

/// What is opened, in the order that all parties take it off their lists.
fn openings(setting: &Setting) -> Vec<Opened> {
    let leader = setting.leader();
    let others = Role::ALL.map(Role::id).into_iter().filter(|party| *party != leader);
    let asked = setting.sizes()[usize::from(leader.0)];
    let opened = |by, count, to| (by, OpeningKind::Membership, count, Recipient::Party(to));
    let mut all: Vec<_> = others.clone().map(|other| opened(other, asked, leader)).collect();
    if setting.audience() == Audience::Everyone {
        let least = setting.sizes().iter().copied().min().unwrap_or(0);
        all.extend(others.map(|other| opened(leader, least, other)));
    }
    all
}

/// Runs it at one party; gives what this party learned, if it is to learn.
///
/// # Cost
/// That of [`multiparty::intersect_buckets`], with [`crate::plan::Many::RENEWALS`].
///
/// # Errors
/// [`ExecError`].
///
/// # Security
/// Augmented semi-honest, against any parties together. What a leader tells all others cannot be verified by them.
pub(super) fn run(
    s: &mut Session,
    plan: &Plan,
    of: &Many,
    (at, inputs): (usize, &[Option<EncodedInput>]),
    rng: &mut Prg,
) -> Result<Option<Found>, ExecError> {
    let setting = many_setting(plan, of).map_err(|_| ExecError::Malformed(at))?;
    let party = &plan.compute[s.role().index()];
    let own = |number: &u32| plan.inputs[*number as usize].party == *party;
    let number = of.inputs.iter().copied().find(own).ok_or(ExecError::Malformed(at))?;
    let set = inputs.get(number as usize).and_then(|data| data.as_ref()?.own.as_ref());
    let set = set.ok_or_else(|| ExecError::MissingInput { party: party.clone(), input: number })?;
    let (channel, setting) = (s.wire().channel(), setting.about(set.context()));
    // It may be on a slow disk, and others wait.
    let mut rows = Ranged::new(set.rows(), |first, last, out: &mut _| {
        at_work_here(|| channel.working(), || set.visit(first, last, out))
    });
    // What others open is taken off this party's list all the same, so that all three lists end alike.
    let (all, me) = (openings(&setting), s.role().id());
    let first = all.iter().position(|opened| opened.0 == me).unwrap_or(all.len());
    let (before, after) = all.split_at(first);
    for (_, kind, count, to) in before {
        s.pass_gate(*kind, *count, *to)?;
    }
    let learns = multiparty::intersect_buckets(s.wire(), &setting, &mut rows, rng);
    // A set that cannot be read explains why the run ended.
    let matched = rows.end().map_err(unread)?;
    let learns = learns?;
    for (_, kind, count, to) in after.iter().filter(|opened| opened.0 != me) {
        s.pass_gate(*kind, *count, *to)?;
    }
    Ok(learns.then_some(Found { input: number, matched }))
}

/// Twin of [`run`].
pub(super) fn cost(m: &mut Meter, plan: &Plan, of: &Many, at: usize) -> Result<(), ExecError> {
    let setting = many_setting(plan, of).map_err(|_| ExecError::Malformed(at))?;
    for (_, kind, count, to) in openings(&setting) {
        m.pass_gate(kind, count, to);
    }
    m.circle(|c| multiparty::cost(c, &setting));
    Ok(())
}
