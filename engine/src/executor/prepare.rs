//! A provider's own part: commitments to its tables and its local sub-plans before a run, its rows as integers when the run
//! starts.

use std::{
    error::Error,
    path::{Path, PathBuf},
};

use datafusion::arrow::array::RecordBatch;
use tokio::runtime::Runtime;
use zeroize::Zeroizing;

use super::{
    compilation::Compilation,
    entering::{entering, entering_set},
    intersections::own_set,
    lookups::is_published,
    scratch::{Scratch, Spool},
};
use crate::{
    audit::InputEntry,
    catalog::Catalog,
    identity::{Hash32, IdentityKey, PartyName},
    job::{Failure, Reason, Stage},
    plan::{EncodedInput, Masking, Presence, Program, SetUse, Spend, TrainingRows},
    sql::{LocalError, encode_rows, local_batches, local_rows, training_rows},
};

/// Commits to every dataset of this provider that the plan reads, each with a salt that only its key gives: its owner can open
/// the commitment later, nobody else can test a guess against it.
pub(super) fn commit(
    (party, key): (&PartyName, &IdentityKey),
    job: Hash32,
    catalog: &Catalog,
    compilation: &Compilation,
) -> Result<Vec<InputEntry>, Failure> {
    let mut entries = Vec::new();
    for input in &compilation.compiled.plan.inputs {
        if input.party != *party {
            continue;
        }
        for dataset in &input.datasets {
            let salt = salt(key, job, dataset);
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

/// The salt of one dataset's commitment in one job.
fn salt(key: &IdentityKey, job: Hash32, dataset: &str) -> Zeroizing<[u8; 32]> {
    let mut hasher = blake3::Hasher::new_derive_key("unseen.input-salt/v1");
    hasher.update(key.seed().as_ref()).update(&job.0).update(dataset.as_bytes());
    Zeroizing::new(*hasher.finalize().as_bytes())
}

/// What the order follows from in which a provider's rows are seen in a job's training: the same whenever it is run again, and
/// nobody else's to know.
pub(super) fn order(key: &IdentityKey, job: Hash32) -> Zeroizing<[u8; 32]> {
    let mut hasher = blake3::Hasher::new_derive_key("unseen.training-order/v1");
    hasher.update(key.seed().as_ref()).update(&job.0);
    Zeroizing::new(*hasher.finalize().as_bytes())
}

/// What a provider holds of one input between its preparation and the run.
#[derive(Debug)]
pub(super) enum Held {
    /// Rows to be shared.
    Rows(RecordBatch),
    /// A set that stays.
    Set(Spool),
    /// Rows that are published for lookups.
    Published(Spool),
    /// Rows whose keys are looked up.
    Asked(Spool),
}

/// The local parts of this provider's inputs, run: the long work, done before any peer waits for it.
///
/// Nothing where another provider owns the input.
pub(super) fn rows(
    party: &PartyName,
    catalog: &Catalog,
    compilation: &Compilation,
    scratch: &Scratch,
) -> Result<Vec<Option<Held>>, Failure> {
    let runtime =
        Runtime::new().map_err(|error| fault(party, Reason::Internal, error.to_string()))?;
    let compiled = &compilation.compiled;
    let inputs = compiled.plan.inputs.iter().zip(&compiled.locals).enumerate();
    let each = inputs.map(|(at, (input, local))| {
        if input.party != *party {
            return Ok(None);
        }
        let invalid = |error: LocalError| match at_fault(party, &error) {
            full @ Failure { reason: Reason::DiskFull, .. } => full,
            other => Failure { reason: Reason::InputInvalid, ..other },
        };
        let held = match input.key.as_ref().map(|key| key.enters) {
            Some(SetUse::Owner) => Some(Held::Set as fn(Spool) -> Held),
            Some(SetUse::Lookup) if is_published(&compiled.plan, at) => {
                Some(Held::Published as fn(Spool) -> Held)
            }
            Some(SetUse::Lookup) => Some(Held::Asked as fn(Spool) -> Held),
            _ if entering(&compiled.plan, at).is_some() => Some(Held::Set as fn(Spool) -> Held),
            _ => None,
        };
        if let Some(held) = held {
            let batches = runtime.block_on(local_batches(catalog, local, input));
            let spool = runtime.block_on(Spool::of(batches.map_err(invalid)?, input, scratch))?;
            return Ok(Some(held(spool)));
        }
        let ran = runtime.block_on(local_rows(catalog, local, input));
        ran.map(|rows| Some(Held::Rows(rows))).map_err(invalid)
    });
    each.collect()
}

/// What training takes besides rows: a secret for their order, the program that trains, if it is another, where rounds with
/// noise are written down, and where trainings are kept.
#[derive(Clone)]
pub(super) struct Training {
    pub(super) order: Zeroizing<[u8; 32]>,
    pub(super) program: Option<Program>,
    pub(super) spend: Spend,
    pub(super) keeps: Option<PathBuf>,
    pub(super) presence: Presence,
    /// What updates are masked with, where they are.
    pub(super) masking: Option<Masking>,
}

/// What keys are hashed with in a run: every participant's nonce is in its name, and all gave theirs with their commitments.
pub(super) fn hash_key(run: Hash32) -> [u8; 32] {
    blake3::derive_key("unseen.keyed-hash/v1", &run.0)
}

/// Those rows, encoded for this run. How far intersections are is kept in that folder.
pub(super) fn encode(
    (party, with): (&PartyName, &Training),
    compilation: &Compilation,
    held: &[Option<Held>],
    (run, intersections): (Hash32, Option<&Path>),
) -> Result<Vec<Option<EncodedInput>>, Failure> {
    let hash_key = hash_key(run);
    let plan = &compilation.compiled.plan;
    let inputs = plan.inputs.iter().zip(held).enumerate();
    let each = inputs.map(|(at, (input, held))| match (held, &input.key) {
        (None, _) => Ok(None),
        (Some(Held::Published(_) | Held::Asked(_)), _) => {
            // Queries are answered with a key, and asked by ids under a salt that the run tells.
            Ok(Some(EncodedInput::default()))
        }
        (Some(Held::Set(spool)), Some(key)) => {
            let own = match (&key.enters, entering(plan, at)) {
                (SetUse::Circuit, Some(columns)) => {
                    entering_set(spool, party, input, &columns, &hash_key)?
                }
                _ => own_set(intersections, (plan, party), (spool, key), run)?,
            };
            Ok(Some(EncodedInput { own: Some(own), ..EncodedInput::default() }))
        }
        (Some(Held::Set(_)), None) => {
            Err(fault(party, Reason::Internal, "a set without a key".into()))
        }
        (Some(Held::Rows(rows)), _) if input.trains => {
            let (_, training) = plan.training().ok_or_else(|| {
                fault(party, Reason::Internal, "rows to train on without a training".into())
            })?;
            let rows = training_rows(input, training, rows);
            let rows =
                rows.map_err(|error| fault(party, Reason::InputInvalid, error.to_string()))?;
            let Training { order, program, spend, keeps, presence, masking } = with.clone();
            let (spend, presence) = (Some(spend), Some(presence));
            let train =
                Some(TrainingRows { rows, order, program, spend, keeps, presence, masking });
            let (live, columns) = (Vec::new(), Vec::new());
            Ok(Some(EncodedInput { live, columns, home: None, own: None, lookup: None, train }))
        }
        (Some(Held::Rows(rows)), _) => {
            let encoded = encode_rows(input, rows, &hash_key);
            encoded.map(Some).map_err(|error| fault(party, Reason::InputInvalid, error.to_string()))
        }
    });
    each.collect()
}

/// A fault of what is at this party: of its disk, most likely.
pub(super) fn at_fault(party: &PartyName, error: &(dyn Error + 'static)) -> Failure {
    fault(party, Reason::of_fault(error), error.to_string())
}

pub(super) fn fault(party: &PartyName, reason: Reason, words: String) -> Failure {
    Failure::new(reason, Stage::Prepare, words).at(party)
}
