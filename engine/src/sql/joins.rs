//! Two tables of a join as two sets: their owners intersect them into shares, and the statement goes on from those.
//!
//! Where a statement is about rows of two owners that have one key each, unique on both sides, a circuit between them gives what a
//! join by sorting gives: whether a row has a counterpart, and the columns of both. Which of the two is cheaper is not known here: who
//! prices plans compiles both and takes one.

use datafusion::logical_expr::Expr;

use super::{
    bucketwise::settle,
    compile::{Compiled, compile_by},
    compiler::Compiler,
    error::CompileError,
    relate::{Oriented, Origin},
};
use crate::{
    catalog::DatasetDescriptor,
    job::{BucketRows, JobKind, JobSpec},
    plan::{PolicyTerms, check, meeting},
};

/// Most columns of a key.
const MAX_KEY: usize = 16;

/// How tables are joined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Joins {
    /// All by sorting their shares.
    Sorted,
    /// The first in a circuit between the owners, where it can be; the others by sorting.
    Circuit,
}

/// Compiles a job with its first join in a circuit between the two owners. Nothing where that cannot be, or where it joins nothing:
/// a key that is not unique on both sides, an owner who does not compute, two tables of one owner, columns of more than 64 bits.
///
/// A training on joined rows stays with sorting: its batches are rows in the order of a table, and each row that a circuit has
/// more is paid for in every pass.
#[must_use]
pub fn compile_meeting(
    spec: &JobSpec,
    descriptors: &[DatasetDescriptor],
    policies: &[PolicyTerms],
) -> Option<Compiled> {
    if !matches!(spec.kind, JobKind::Sql { .. } | JobKind::Score(_)) {
        return None;
    }
    let compiled = compile_by(Joins::Circuit, spec, descriptors, policies).ok()?;
    // Who provides and does not compute, or brings what is too wide, is noticed here; so is a column that is read where it stays.
    meeting(&compiled.plan).ok()?;
    check(&compiled.plan).ok()?;
    Some(settle(compiled, BucketRows::default()))
}

impl Compiler<'_> {
    /// Has two tables meet in a circuit, if that is wanted and gives what a join gives; `parts` name the first as near, the second as
    /// far, and both keys are unique.
    pub(super) fn meet_tables(
        &mut self,
        near: usize,
        far: usize,
        parts: &[Oriented],
    ) -> Result<bool, CompileError> {
        let table = |at: usize| matches!(self.relations[at].origin, Origin::Table);
        let fits =
            self.joins == Joins::Circuit && table(near) && table(far) && parts.len() <= MAX_KEY;
        if !fits {
            return Ok(false);
        }
        parts.iter().for_each(|part| self.note_join(part));
        let key = |of: fn(&Oriented) -> &Expr| parts.iter().map(of).cloned().collect::<Vec<_>>();
        let keys = [key(|part| &part.near.1), key(|part| &part.far.1)];
        self.b.written_key(near, &keys[0]);
        self.b.written_key(far, &keys[1]);
        // The result has a row for each bin of the one that asks.
        let swap = self.relations[far].rows < self.relations[near].rows;
        let (receiver, sender) = if swap { (far, near) } else { (near, far) };
        let matched = self.meet(receiver, sender)?;
        self.met(matched, [near, far]);
        Ok(true)
    }
}
