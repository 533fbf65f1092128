//! How far a run is: what is worked out so far, and the next operation.

use std::path::Path;

use protocols::{mpc::Column, prg::Prg, session::Session};

use super::{
    circuit,
    error::ExecError,
    input, lookup, many, matching, noise,
    ones::Ones,
    release::{SharedResult, pass, reshared},
    require,
    run::{Around, Figures, Progress, Values, apply, last_uses, step_of},
    score, tell, train, vertical,
};
use crate::plan::{EncodedInput, Op, Plan, Ref};

/// What this party has of its own: its inputs, and its generator.
pub(super) type Local<'a> = (&'a [Option<EncodedInput>], &'a mut Prg);

pub(super) struct Walk<'p, 'a> {
    pub(super) plan: &'p Plan,
    progress: Progress<'a>,
    figures: Figures<'a>,
    trainings: Option<&'a Path>,
    /// For each node, the last one that reads it.
    last_use: Vec<usize>,
    /// Of each node so far, its columns; none where nothing reads them any more.
    pub(super) values: Vec<Vec<Column>>,
    pub(super) ones: Ones,
    /// What came of it so far.
    pub(super) result: SharedResult,
}

impl<'p, 'a> Walk<'p, 'a> {
    pub(super) fn new(plan: &'p Plan, around: Around<'a>) -> Self {
        let nodes = || plan.nodes.iter().enumerate();
        let Around { progress, figures, trainings } = around;
        Self {
            plan,
            progress,
            figures,
            trainings,
            last_use: last_uses(plan.nodes.len(), nodes(), plan.output.layout()),
            values: Vec::with_capacity(plan.nodes.len()),
            ones: Ones::of(nodes()),
            result: SharedResult::default(),
        }
    }

    /// Comes to a node.
    pub(super) fn enter(&mut self, s: &mut Session, at: usize) {
        (self.progress)(at, self.plan.nodes.len());
        // Owners who do not compute may wait for what comes behind many operations.
        s.wire().working();
        s.enter(step_of(at));
    }

    /// Runs the next node, or the release behind the last one. What nodes before `from` gave is kept even where nothing reads it any
    /// more.
    pub(super) fn go(
        &mut self,
        s: &mut Session,
        at: usize,
        from: usize,
        (inputs, rng): Local<'_>,
    ) -> Result<(), ExecError> {
        self.enter(s, at);
        match self.plan.nodes.get(at) {
            None => {
                pass(s, &self.columns()?)?;
                self.reshare(s)
            }
            Some(op) => {
                let outputs = self.outputs(s, (at, op), (inputs, rng))?;
                self.keep(at, from, outputs);
                Ok(())
            }
        }
    }

    /// Shares an input.
    pub(super) fn share(
        &mut self,
        s: &mut Session,
        (at, input): (usize, u32),
        data: Option<&EncodedInput>,
    ) -> Result<(), ExecError> {
        self.enter(s, at);
        let outputs = input::share(s, self.plan, input, data)?;
        self.keep(at, 0, outputs);
        Ok(())
    }

    fn outputs(
        &mut self,
        s: &mut Session,
        (at, op): (usize, &Op),
        (inputs, rng): Local<'_>,
    ) -> Result<Vec<Column>, ExecError> {
        let plan = self.plan;
        let values = Values { at, values: &self.values };
        match op {
            Op::Intersect(of) => return circuit::run(s, plan, of, (at, inputs), rng),
            Op::Match(of) => {
                self.result.found.extend(matching::run(s, plan, of, (at, inputs), rng)?);
            }
            Op::Tell(of) => self.result.told = tell::run(s, plan, of, &values)?,
            Op::Lookup(of) => {
                self.result.looked_up.extend(lookup::run(s, plan, of, (at, inputs), rng)?);
            }
            Op::Many(of) => {
                self.result.found.extend(many::run(s, plan, of, (at, inputs), rng)?);
            }
            Op::Require(of) => require::run(s, (plan, at), values.bits(*of)?)?,
            Op::Train(of) => {
                let (progress, figures) = (&mut *self.progress, &mut *self.figures);
                let around = Around { progress, figures, trainings: self.trainings };
                let (columns, worth) = train::run(s, plan, of, (at, inputs), rng, around)?;
                self.result.worth = worth;
                return Ok(columns);
            }
            Op::TrainVertical(of) => {
                return vertical::run(
                    s,
                    (plan, of),
                    &values,
                    rng,
                    (&mut *self.progress, self.trainings),
                );
            }
            Op::Score(of) => return score::run(s, of, &values),
            Op::Blur(of) => return noise::run(s, of, &values, rng),
            // It stays at home; all others are shared.
            Op::Input { .. } => {}
            op => return apply(s, op, &values, &mut self.ones),
        }
        Ok(Vec::new())
    }

    /// What nothing reads any more is freed at once.
    fn keep(&mut self, at: usize, from: usize, outputs: Vec<Column>) {
        self.values.push(outputs);
        self.ones.forget(at);
        let values = self.values.iter_mut().zip(&self.last_use).skip(from);
        values.filter(|(_, last)| **last <= at).for_each(|(outputs, _)| outputs.clear());
    }

    /// Fresh shares of the result.
    pub(super) fn reshare(&mut self, s: &mut Session) -> Result<(), ExecError> {
        self.result.columns = reshared(s, &self.columns()?)?;
        Ok(())
    }

    fn columns(&self) -> Result<Vec<&Column>, ExecError> {
        let at = self.plan.nodes.len();
        let of = |Ref(node, output): Ref| self.values.get(node as usize)?.get(output as usize);
        let layout = self.plan.output.layout().into_iter();
        layout.map(|r| of(r).ok_or(ExecError::Malformed(at))).collect()
    }
}
