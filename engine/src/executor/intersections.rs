//! The folder in which a party keeps how far intersections of its sets are until they come to their end, and the sets that go on with one.

use std::{
    io,
    path::{Path, PathBuf},
};

use super::{
    prepare::{Held, at_fault, fault, hash_key},
    scratch::Spool,
    trainings::forget_long_ago,
};
use crate::{
    exec::{begin_intersection, intersection_begun},
    identity::{Hash32, PartyName},
    job::{Failure, Reason},
    plan::{OwnSet, Plan, SetKey},
};

/// Where an owner of sets keeps how far intersections with another owner's are, so that one that was interrupted can go on.
#[derive(Clone, Debug)]
pub struct Intersections(PathBuf);

impl Intersections {
    /// Takes the folder, made if it is not there, and forgets the intersections in it that have not changed for thirty days.
    ///
    /// # Errors
    /// The system's.
    pub fn open(folder: PathBuf) -> io::Result<Self> {
        forget_long_ago(&folder)?;
        Ok(Self(folder))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

/// Whether this party can go on with the intersection that a plan goes on with: it has kept how far it is, and the set is what it was.
pub(super) fn ready(
    intersections: Option<&Intersections>,
    (plan, party): (&Plan, &PartyName),
    held: &[Option<Held>],
) -> Result<(), Failure> {
    let not_ready = |words: String| fault(party, Reason::NotReady, words);
    let begun = intersection_begun(intersections.map(Intersections::path), (plan, party));
    let Some(begun) = begun.map_err(not_ready)? else { return Ok(()) };
    for (input, held) in plan.inputs.iter().zip(held) {
        let (Some(Held::Set(spool)), Some(key)) = (held, &input.key) else { continue };
        if input.is_at_home() && spool.known_set(party, key, &hash_key(begun.run))?.1 != begun.set {
            return Err(not_ready(
                "its set is not the one that the intersection began with, in its rows or their order: it cannot go on; run the job without \
                 `resumes`"
                    .into(),
            ));
        }
    }
    Ok(())
}

/// A set that stays with this party, under the key of a run, or of the run whose intersection it goes on with; from now on this party keeps
/// how far that is.
pub(super) fn own_set(
    intersections: Option<&Path>,
    (plan, party): (&Plan, &PartyName),
    (spool, key): (&Spool, &SetKey),
    run: Hash32,
) -> Result<OwnSet, Failure> {
    let begun = intersection_begun(intersections, (plan, party));
    let begun = begun.map_err(|words| fault(party, Reason::NotReady, words))?;
    let of = begun.as_ref().map_or(run, |begun| begun.run);
    let (set, digest) = spool.known_set(party, key, &hash_key(of))?;
    let kept = match (begun, intersections) {
        (None, Some(all)) => begin_intersection(all, (plan, party), (run, digest))
            .map_err(|error| at_fault(party, &error))?,
        (begun, _) => begun,
    };
    Ok(kept.into_iter().fold(set, OwnSet::kept_in))
}
