//! Closing a round before it is opened, and going on from where an earlier run came to.
//!
//! ```text
//! updates there ─▶ closed: set and share of the sum on disk ─▶ all three have ─▶ opened ─▶ model on disk ─▶ next round
//!                  a crash before: the round is run anew       a crash after: the same sum is opened again
//! ```
//!
//! # Security
//! Of one round's updates there is one sum, ever: sums over two sets of providers would tell their difference. No party says a
//! word of a sum before all three have it on disk. So after a crash either all three have it, and open that very sum under fresh
//! masks, which shows what it would have shown before; or nothing of it was said, and the round may be run over another set.
//! Where updates are weighed, the round that was closed last is opened and weighed again even if all have opened it: shares of what
//! updates were worth must be of one run at all three ([`super::worth`]).

use protocols::{
    party::PartyId,
    session::{Meter, Opening, OpeningKind, Session, SessionError},
};

use super::{
    cost::round_cost,
    course::{Course, RoundReport, State},
    error::RoundError,
    keeper::{Closed, Keeper, Standing},
    open::{open, to_both},
    total::Opened,
    worth::Judge,
};
use crate::disk::DiskError;

/// Words in which a party says where it stands, before the set of the round that it has closed.
const STANDING_WORDS: usize = 2;

/// Puts a round's sum away, and waits until both others have.
pub(super) fn close(
    s: &mut Session,
    keep: &mut dyn Keeper,
    closed: &Closed,
) -> Result<(), RoundError> {
    keep.closed(closed).map_err(|why| kept(closed.round, why))?;
    let own = [u64::from(closed.round)];
    for theirs in told(s, &own)? {
        if theirs.1 != own {
            let what = "that it has closed another round";
            return Err(invalid(s, theirs.0, what));
        }
    }
    Ok(())
}

/// Opens a closed round: its average or total, and what is known of it; weighs its updates, if they are weighed.
pub(super) fn open_closed(
    s: &mut Session,
    course: &Course,
    closed: Closed,
    judge: Option<&mut Judge<'_>>,
) -> Result<(Opened, RoundReport), RoundError> {
    let Closed { round, providers, refused, sum, weighing } = closed;
    let providers: Vec<usize> = providers.numbers().collect();
    let (opened, trailer, told) = open(s, course, sum, (&providers, round))?;
    if let (Some(judge), Some(weighing)) = (judge, weighing) {
        judge.weigh(s, (round, weighing), (opened.average(), trailer.weight))?;
    }
    Ok((opened, RoundReport { round: round + 1, providers, refused, trailer, told }))
}

/// Brings the three to one round, where an earlier run was interrupted: opens the round that all have closed and not all have
/// opened, if there is one.
///
/// # Cost
/// A round of messages, [`cost`]; what [`open`] takes, if there is something to open.
///
/// # Errors
/// [`RoundError::Apart`] if what they have kept does not fit together.
pub(super) fn go_on(
    s: &mut Session,
    course: &Course,
    (standing, keep): (Standing, &mut dyn Keeper),
    mut judge: Option<&mut Judge<'_>>,
) -> Result<(State, Vec<RoundReport>), RoundError> {
    let Standing { mut state, mut reports, closed, .. } = standing;
    let mut own = vec![0; STANDING_WORDS + course.set_words()];
    own[0] = state.rounds.into();
    if let Some(closed) = &closed {
        own[1] = u64::from(closed.round) + 1;
        own[STANDING_WORDS..].copy_from_slice(&closed.providers.0);
    }
    let mut all = vec![own.clone()];
    all.extend(told(s, &own)?.into_iter().map(|(_, theirs)| theirs));
    let least = all.iter().map(|one| one[0]).min().unwrap_or(0);
    let together = all.iter().all(|one| one[0] == least);
    let alike = own[1] > 0 && all.iter().all(|one| one[1..] == own[1..]);
    // Who is past it has opened it, and all three may have: then it is there to be weighed again.
    let same = alike && (own[1] == least + 1 || (judge.is_some() && own[1] == least));
    let opened = if same { own[1] - 1 } else { least };
    before(s, course, (usize::try_from(opened).unwrap_or(usize::MAX), same))?;
    match closed.filter(|_| same) {
        Some(closed) => {
            // Who has opened it already plays its part, and keeps what it has.
            let done = u64::from(state.rounds) > opened;
            let (opened, mut report) = open_closed(s, course, closed, judge.as_deref_mut())?;
            if !done {
                state.advance(course, &opened, &mut report)?;
                reports.push(report);
            }
            if !done || judge.is_some() {
                let totals = judge.as_deref().map(Judge::totals);
                keep.opened(&state, &reports, totals).map_err(|why| kept(state.rounds - 1, why))?;
            }
        }
        // Not all have closed it, so nothing of it was said.
        None if together => keep.reopened().map_err(|why| kept(state.rounds, why))?,
        None => {
            let rounds = all.iter().map(|one| one[0]).collect();
            return Err(RoundError::Apart { rounds });
        }
    }
    Ok((state, reports))
}

/// All rounds are over, and no more of the last one is needed: from here on it is not weighed again, and so totals stay what they are.
///
/// # Cost
/// Two rounds of messages, [`done_cost`].
pub(super) fn done(
    s: &mut Session,
    course: &Course,
    keep: &mut dyn Keeper,
) -> Result<(), RoundError> {
    let own = [u64::from(course.rounds)];
    // The others' totals are kept, then nothing is there to work them out anew.
    told(s, &own)?;
    keep.reopened().map_err(|why| kept(course.rounds.saturating_sub(1), why))?;
    told(s, &own)?;
    Ok(())
}

/// Passes through the gate what an earlier run has opened: this training has opened it. Of a round that is only closed that is all
/// but its average.
fn before(
    s: &mut Session,
    course: &Course,
    (opened, closed): (usize, bool),
) -> Result<(), SessionError> {
    let mut m = Meter::new();
    m.enter(s.step());
    round_cost(&mut m, course, 0);
    let of_round = m.openings().to_vec();
    let averages = |opening: &&Opening| opening.kind != OpeningKind::Average;
    let rounds = of_round.iter().cycle().take(opened * of_round.len());
    for opening in rounds.chain(of_round.iter().filter(averages).filter(|_| closed)) {
        s.pass_gate(
            opening.kind,
            usize::try_from(opening.count).unwrap_or(usize::MAX),
            opening.to,
        )?;
    }
    Ok(())
}

/// Twin of [`go_on`] where nothing is left to open.
pub(super) fn cost(m: &mut Meter, course: &Course) {
    to_both(m, |_, _| 8 * (STANDING_WORDS + course.set_words()));
}

/// Twin of [`done`].
pub(super) fn done_cost(m: &mut Meter) {
    to_both(m, |_, _| 8);
    to_both(m, |_, _| 8);
}

/// Twin of [`close`].
pub(super) fn close_cost(m: &mut Meter) {
    to_both(m, |_, _| 8);
}

/// Says these words to both others, and hears as many of each.
fn told(s: &mut Session, own: &[u64]) -> Result<[(PartyId, Vec<u64>); 2], SessionError> {
    let others = [s.role().next().id(), s.role().prev().id()];
    for to in others {
        s.send(to, own)?;
    }
    let mut theirs = others.map(|from| (from, vec![0; own.len()]));
    for (from, words) in &mut theirs {
        s.recv(*from, words)?;
    }
    Ok(theirs)
}

fn invalid(s: &Session, peer: PartyId, what: &'static str) -> RoundError {
    SessionError::Invalid { step: s.step(), peer, what }.into()
}

/// What the disk said.
pub(super) fn kept(round: u32, why: DiskError) -> RoundError {
    RoundError::Disk {
        round: round.saturating_add(1),
        what: "keeping where the training stands",
        why,
    }
}
