//! A training whose updates are averaged by masks: at the one party that adds up, and at a provider.

use std::{path::Path, sync::Arc};

use federated::{
    round::{
        self, Aggregate, Doubt, Masks, Member, RoundError, RoundReport, Signing, State, aggregate,
        masked_cost, take_part_masked,
    },
    secagg::SecAggError,
};
use protocols::{
    net::Channel,
    prg::Prg,
    session::{Gate, Meter, Opening, OpeningKind, Recipient, Wire},
};

use super::{
    error::ExecError,
    kept,
    release::result_words,
    run::{Figures, Progress, step_of},
    train::{course, failed, figures, trainer},
};
use crate::{
    identity::{Hash32, PartyName, canonical_hash},
    plan::{EncodedInput, Plan, Shape, SignedSum, Training},
};

/// What the party that adds up brings and hears.
pub struct Adding<'a> {
    /// What its plan lists, which the gate lets through.
    pub openings: &'a [Opening],
    /// The sums.
    pub masks: &'a Masks,
    /// The shapes of the result.
    pub shapes: &'a [Shape],
    /// Told how it goes.
    pub progress: Progress<'a>,
    /// Told what came of rounds, before `progress` is.
    pub figures: Figures<'a>,
    /// Where trainings are kept while they go on; without one, a training that is interrupted begins anew.
    pub trainings: Option<&'a Path>,
}

impl std::fmt::Debug for Adding<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Adding({:?})", self.masks.threshold)
    }
}

/// What adding up leaves at the one party that does.
#[derive(Clone, Debug, PartialEq)]
pub struct Added {
    /// The result's words, all of which this party knows.
    pub words: Vec<u64>,
    /// What was opened to it, and to the buyer.
    pub opened: Vec<Opening>,
    /// Bytes that it sent.
    pub bytes: u64,
    /// The longest chain of messages it has seen.
    pub rounds: u32,
}

/// Plays the part of the one party that computes, from the first round to the result.
///
/// # Cost
/// Exactly that of [`super::quote()`], if every provider takes part in every step.
///
/// # Errors
/// [`ExecError`]; the providers are told by the caller.
///
/// # Security
/// See [`federated::secagg`]. Opens what the gate lists: one average a round, and the result to the buyer.
pub fn add_up(
    channel: &Arc<dyn Channel>,
    plan: &Plan,
    with: Adding<'_>,
) -> Result<Added, ExecError> {
    let Adding { openings, masks, shapes, progress, figures: heard, trainings } = with;
    let (at, of) = plan.training().ok_or(ExecError::Malformed(0))?;
    let course = course(plan, of, at)?;
    let mut wire = Wire::new(Arc::clone(channel), Gate::listing(openings));
    wire.enter(step_of(at));
    let mut seed = [0; 16];
    seed.copy_from_slice(&of.root(plan).0[..16]);
    let start = of.initial(&seed).map_err(|_| ExecError::Malformed(at))?;
    let start = State::new(start, course.rule);
    let told = &mut |state: &State, report: &RoundReport| {
        heard(report.round, &figures(of, report));
        progress(state.rounds as usize, course.rounds as usize);
    };
    let (from, mut keep) = kept::begin(trainings, (plan, of), (&course, start), told)?;
    let (channel, keep) = (Arc::clone(channel), &mut keep);
    let doubts = &mut |doubt| said(plan, of, doubt);
    let with = Aggregate { channel, course: &course, masks, from, keep, doubts };
    let trained = aggregate(&mut wire, with).map_err(|error| added(plan, of, error))?;
    let mut words: Vec<u64> = trained.state.model.iter().map(|x| x.to_bits().into()).collect();
    words.extend(trained.reports.iter().flat_map(|report| figures(of, report)));
    wire.enter(step_of(plan.nodes.len()));
    wire.pass_gate(OpeningKind::Result, result_words(shapes), Recipient::Buyer)?;
    wire.finish()?;
    let (opened, bytes) = (wire.opened().to_vec(), wire.stats().total().bytes);
    Ok(Added { words, opened, bytes, rounds: wire.depth() })
}

/// Takes part as a provider.
pub(super) fn provide(
    wire: &mut Wire,
    plan: &Plan,
    (of, at, number): (&Training, usize, usize),
    inputs: &[Option<EncodedInput>],
    rng: &mut Prg,
) -> Result<(), ExecError> {
    let course = course(plan, of, at)?;
    let input = of.inputs.get(number).copied().unwrap_or(u32::MAX);
    let held = inputs.get(input as usize).and_then(|held| held.as_ref()?.train.as_ref());
    let pledges = kept::pledges((plan, of), held)?;
    let mut own = trainer(plan, of, (number, inputs))?;
    let masking = held.and_then(|held| held.masking.as_ref());
    let masking = masking.ok_or_else(|| {
        let words =
            "this party keeps no account of the sums that it signs for; nothing was trained";
        ExecError::Training(words.to_owned())
    })?;
    let once = &mut |Signing { round, sets, summed }: Signing| {
        tracing::debug!(round = round + 1, "signs whose updates are in the sum");
        let same = (kept::fingerprint(plan, of), summed);
        let summed = canonical_hash("unseen.summed/v1", &same);
        (masking.once)(SignedSum { training: of.root(plan), round, sets: Hash32(sets), summed })
    };
    let signer = masking.signer.clone();
    let doubts = &mut |doubt| said(plan, of, doubt);
    let trainer = &mut own;
    let member = Member { number, signer, trainer, once, doubts, pledges };
    take_part_masked(wire, &course, &masking.masks, member, rng)
        .map_err(|error| provided(plan, of, error))?;
    Ok(())
}

/// Twin of [`add_up`] and [`provide`]; whether updates of this training are masked at all.
pub(super) fn cost(m: &mut Meter, course: &round::Course, of: &Training) -> bool {
    let Some(threshold) = of.threshold() else { return false };
    masked_cost(m, course, threshold);
    true
}

/// Why adding up ended: what a provider sent that cannot be is at its door.
pub(super) fn added(plan: &Plan, of: &Training, error: RoundError) -> ExecError {
    let RoundError::Masks { source, .. } = &error else { return failed(plan, of, error) };
    match (source, owner(plan, of, source)) {
        (SecAggError::Few { .. }, _) => ExecError::TooFewProviders(error.to_string()),
        (_, Some(party)) => {
            ExecError::Cheated { party: party.clone(), what: named(plan, of, &error) }
        }
        // It lies at somebody's door, and nobody can tell whose.
        (_, None) => error.into(),
    }
}

/// Says in the log whose shares do not open: the training goes on, and nobody can tell which of those named it lies at.
fn said(plan: &Plan, of: &Training, doubt: Doubt) {
    let name = |at| of.owners(plan).nth(at).map(|input| input.party.to_string());
    let (from, to) = (name(doubt.from).unwrap_or_default(), name(doubt.to).unwrap_or_default());
    let alone = plan.adds_up().map(ToString::to_string).unwrap_or_default();
    tracing::warn!(
        round = doubt.round,
        from,
        to,
        passed_on_by = alone,
        "what one provider sealed for another does not open, or is no share: one of these is faulty or cheats; masks come off without it"
    );
}

/// Why a provider takes no further part: what it was passed that cannot be is at the door of who passed it, but for what another
/// provider has signed.
pub(super) fn provided(plan: &Plan, of: &Training, error: RoundError) -> ExecError {
    let (RoundError::Masks { source, .. }, Some(alone)) = (&error, plan.adds_up()) else {
        return error.into();
    };
    let at = match (source, owner(plan, of, source)) {
        // It has signed the key itself.
        (SecAggError::Forced(_), Some(party)) => party,
        _ => alone,
    };
    ExecError::Cheated { party: at.clone(), what: named(plan, of, &error) }
}

/// The client that an error is about, by name.
fn owner<'p>(plan: &'p Plan, of: &Training, source: &SecAggError) -> Option<&'p PartyName> {
    let client = source.client()?;
    of.owners(plan).nth(client as usize).map(|input| &input.party)
}

/// The words, with the name of the client that they are about.
fn named(plan: &Plan, of: &Training, error: &RoundError) -> String {
    let RoundError::Masks { source, .. } = error else { return error.to_string() };
    match (source.client(), owner(plan, of, source)) {
        (Some(client), Some(party)) => format!("{error}; client {client} is {party}"),
        _ => error.to_string(),
    }
}
