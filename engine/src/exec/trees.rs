//! Boosted trees: the growth among the compute parties, and at a provider that does not compute.

use std::path::Path;

use federated::{
    model::Rows,
    trees::{Around, Grown, Growth, GrowthError, grow, grow_cost, help},
};
use protocols::{
    prg::Prg,
    session::{Meter, Session, Wire},
};

use super::{error::ExecError, input::party_of, kept, run::Progress};
use crate::plan::{EncodedInput, Plan, Training};

/// What everybody knows of a growth.
///
/// Nothing if what is trained is something else.
fn growth(plan: &Plan, of: &Training, at: usize) -> Result<Option<Growth>, ExecError> {
    let Some(setting) = of.forest(plan).map_err(|_| ExecError::Malformed(at))? else {
        return Ok(None);
    };
    let providers = of.owners(plan).map(|input| party_of(plan, &input.party)).collect();
    let resumed = of.resumes.is_some();
    Ok(Some(Growth { setting, grids: of.grids(), providers, resumed }))
}

/// The rows that a provider brought, by its number.
fn rows<'i>(
    plan: &Plan,
    of: &Training,
    (number, inputs): (usize, &'i [Option<EncodedInput>]),
) -> Result<&'i Rows, ExecError> {
    let input = of.inputs.get(number).copied().unwrap_or(u32::MAX);
    let held = inputs.get(input as usize).and_then(Option::as_ref);
    let held = held.and_then(|held| held.train.as_ref());
    held.map(|held| &held.rows).ok_or_else(|| {
        let party = plan.inputs.get(input as usize).map(|input| input.party.clone());
        ExecError::MissingInput { party: party.unwrap_or_else(|| plan.buyer.clone()), input }
    })
}

/// Grows trees at a compute party, if that is what is trained: the words of the model, the same at all three. `own` is this party's number
/// among the providers.
pub(super) fn run(
    s: &mut Session,
    (plan, of, at): (&Plan, &Training, usize),
    (own, inputs): (Option<usize>, &[Option<EncodedInput>]),
    rng: &mut Prg,
    (progress, trainings): (Progress<'_>, Option<&Path>),
) -> Result<Option<Vec<u64>>, ExecError> {
    let Some(growth) = growth(plan, of, at)? else { return Ok(None) };
    let own = own.map(|number| rows(plan, of, (number, inputs))).transpose()?;
    let all = growth.setting.plan().trees;
    let (mut keep, steps) = kept::grown(trainings, (plan, of), &growth)?;
    let around = Around { steps, keep: &mut *keep, told: &mut |tree| progress(tree, all) };
    let Grown { edges, forest } = grow(s, &growth, own, rng, around)?;
    let mut words = edges;
    for tree in &forest.trees {
        // Level by level, and so each node at its place in the whole tree.
        let word = |cut| 1 + growth.setting.candidate(cut) as u64;
        words.extend(tree.cuts.iter().flatten().map(|cut| cut.map_or(0, word)));
        words.extend(tree.leaves.iter().map(|leaf| leaf.cast_unsigned()));
    }
    Ok(Some(words))
}

/// Twin of [`run`] and [`provide`]; whether that is what is trained.
pub(super) fn cost(
    m: &mut Meter,
    plan: &Plan,
    of: &Training,
    at: usize,
) -> Result<bool, ExecError> {
    let growth = growth(plan, of, at)?;
    growth.iter().for_each(|growth| grow_cost(m, growth));
    Ok(growth.is_some())
}

/// Takes part as a provider that does not compute, if trees are what is trained.
pub(super) fn provide(
    wire: &mut Wire,
    (plan, of, at): (&Plan, &Training, usize),
    (number, inputs): (usize, &[Option<EncodedInput>]),
    rng: &mut Prg,
) -> Result<bool, ExecError> {
    let Some(growth) = growth(plan, of, at)? else { return Ok(false) };
    help(wire, &growth, (number, rows(plan, of, (number, inputs))?), rng)?;
    Ok(true)
}

impl From<GrowthError> for ExecError {
    fn from(error: GrowthError) -> Self {
        match error {
            GrowthError::Session(error) => Self::Session(error),
            GrowthError::Disk(disk) => {
                let words = GrowthError::Disk(disk.clone()).to_string();
                Self::kept(words, disk.is_full(), Self::Training)
            }
            other => Self::Training(other.to_string()),
        }
    }
}
