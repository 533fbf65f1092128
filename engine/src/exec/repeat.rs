//! A stretch of a plan unit by unit, of which the one under way is repeated where a link was lost.

use std::ops::Range;

use protocols::{mpc::Column, prg::Prg, session::Session};

use super::{
    bucketwise::{Buckets, beneath},
    error::ExecError,
    ones::Ones,
    release::pass,
    run::step_of,
    walk::{Local, Walk},
};
use crate::plan::{EncodedInput, Part, Plan, Stretch};

/// Runs it at one party: the walk goes on behind it. See [`Session::in_units`].
///
/// # Cost
/// That of its operations, and that of its units.
///
/// # Errors
/// [`ExecError`].
///
/// # Security
/// Semi-honest; opens what its operations list, which within units is nothing but random permutations. A unit that is repeated has
/// correlated randomness, hash functions, tags, masks and noise of its own, and works on values that all three were done with, or on the
/// owners' sets: it shows nothing new.
pub(super) fn run(
    s: &mut Session,
    walk: &mut Walk<'_, '_>,
    (of, inputs): (&Stretch, &[Option<EncodedInput>]),
    rng: &mut Prg,
) -> Result<(), ExecError> {
    let plan = walk.plan;
    let mut going = Going { of, plan, inputs, buckets: None, part: None, kept: Vec::new() };
    s.enter(step_of(of.nodes.start));
    let last = step_of(of.nodes.end - 1);
    let work = |s: &mut Session, unit| going.unit(s, walk, unit, rng);
    s.in_units_until(last, of.units(), ExecError::of_session, work, drop)?;
    going.settle(walk)?;
    if of.nodes.contains(&plan.nodes.len()) {
        // It leaves only now.
        pass(s, &walk.result.columns.iter().collect::<Vec<_>>())?;
    }
    Ok(())
}

/// How far it is.
struct Going<'a> {
    of: &'a Stretch,
    plan: &'a Plan,
    inputs: &'a [Option<EncodedInput>],
    /// The circuit that is on, if it goes by buckets.
    buckets: Option<Buckets<'a>>,
    /// What this party made of a bucket, and which unit that was; others may not be done with it.
    part: Option<(u64, Vec<Column>)>,
    /// What is kept of the buckets before it, of which all are done.
    kept: Vec<Vec<Column>>,
}

impl Going<'_> {
    /// Does a unit, for the first time or again: all three are done with those before it.
    fn unit(
        &mut self,
        s: &mut Session,
        walk: &mut Walk<'_, '_>,
        unit: u64,
        rng: &mut Prg,
    ) -> Result<(), ExecError> {
        // What not all are done with is made again.
        self.part.take_if(|(made, _)| *made == unit);
        self.settle(walk)?;
        match self.of.unit(unit) {
            Some((Part::Buckets { at, .. }, bucket)) => {
                walk.enter(s, *at);
                let buckets = match self.buckets.take() {
                    Some(buckets) => buckets,
                    None => Buckets::of(s, self.plan, (*at, self.inputs))?,
                };
                let part = self.buckets.insert(buckets).run(s, bucket, rng)?;
                self.part = Some((unit, part));
                Ok(())
            }
            Some((Part::Whole(nodes), _)) => whole(s, walk, nodes, (self.inputs, rng)),
            None => Err(ExecError::Malformed(self.of.nodes.start)),
        }
    }

    /// Keeps what was made of a bucket; of the last one, all together.
    fn settle(&mut self, walk: &mut Walk<'_, '_>) -> Result<(), ExecError> {
        let Some((unit, part)) = self.part.take() else { return Ok(()) };
        self.kept.resize_with(part.len(), Vec::new);
        self.kept.iter_mut().zip(part).for_each(|(kept, part)| kept.push(part));
        match self.of.unit(unit) {
            Some((Part::Buckets { at, buckets }, bucket)) if bucket + 1 == u64::from(*buckets) => {
                self.buckets = None;
                let kept = std::mem::take(&mut self.kept).into_iter();
                let all = kept.map(|parts| beneath(parts).ok_or(ExecError::Malformed(*at)));
                let all = all.collect::<Result<_, _>>()?;
                walk.values.push(all);
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

/// Nodes that are one unit, from what came before them: that is kept until all are done with it.
fn whole(
    s: &mut Session,
    walk: &mut Walk<'_, '_>,
    nodes: &Range<usize>,
    (inputs, rng): Local<'_>,
) -> Result<(), ExecError> {
    walk.values.truncate(nodes.start);
    walk.ones = Ones::of(walk.plan.nodes.iter().enumerate());
    let operations = nodes.start..nodes.end.min(walk.plan.nodes.len());
    for at in operations.clone() {
        walk.go(s, at, nodes.start, (inputs, &mut *rng))?;
    }
    if operations.end < nodes.end {
        walk.enter(s, operations.end);
        walk.reshare(s)?;
    }
    Ok(())
}
