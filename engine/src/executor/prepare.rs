//! A provider's own part: commitments to its tables before a run, and its rows as integers when the run starts.

use tokio::runtime::Runtime;

use super::compilation::Compilation;
use crate::{
    audit::InputEntry,
    catalog::Catalog,
    identity::{Hash32, PartyName},
    job::{Failure, Reason, Stage},
    plan::EncodedInput,
    sql::run_local,
};

/// Commits to every dataset of this provider that the plan reads, each with a salt that stays here.
pub(super) fn commit(
    party: &PartyName,
    catalog: &Catalog,
    compilation: &Compilation,
) -> Result<Vec<InputEntry>, Failure> {
    let mut entries = Vec::new();
    for input in &compilation.compiled.plan.inputs {
        if input.party != *party {
            continue;
        }
        for dataset in &input.datasets {
            let mut salt = [0; 32];
            getrandom::fill(&mut salt).map_err(|_| {
                fault(party, Reason::Internal, "the operating system gave no randomness".to_owned())
            })?;
            let broken = |error| fault(party, Reason::InputInvalid, format!("{error}"));
            entries.push(InputEntry {
                party: party.clone(),
                dataset: dataset.clone(),
                rows_max: catalog.descriptor(dataset).map_err(broken)?.rows_max,
                commitment: catalog.commit(dataset, &salt).map_err(broken)?,
            });
        }
    }
    entries.sort_by(|a, b| a.dataset.cmp(&b.dataset));
    entries.dedup_by(|a, b| a.dataset == b.dataset);
    Ok(entries)
}

/// This provider's inputs, encoded; nothing where another provider owns the input.
pub(super) fn rows(
    party: &PartyName,
    catalog: &Catalog,
    compilation: &Compilation,
    run: Hash32,
) -> Result<Vec<Option<EncodedInput>>, Failure> {
    let runtime =
        Runtime::new().map_err(|error| fault(party, Reason::Internal, error.to_string()))?;
    // Every participant's nonce is in the run's name, and all gave theirs with their commitments.
    let hash_key = blake3::derive_key("unseen.keyed-hash/v1", &run.0);
    let compiled = &compilation.compiled;
    let each = compiled.plan.inputs.iter().zip(&compiled.locals).map(|(input, local)| {
        if input.party != *party {
            return Ok(None);
        }
        let encoded = runtime.block_on(run_local(catalog, local, input, &hash_key));
        encoded.map(Some).map_err(|error| fault(party, Reason::InputInvalid, error.to_string()))
    });
    each.collect()
}

fn fault(party: &PartyName, reason: Reason, words: String) -> Failure {
    Failure::new(reason, Stage::Prepare, words).at(party)
}
