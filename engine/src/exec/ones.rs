//! Bits as the words 0 and 1: each is injected once in a ring, however many operations multiply by it.

use std::collections::{BTreeMap, btree_map::Entry};

use protocols::{
    mpc,
    ring::{Z64, Z128},
    session::Session,
    share::Shared,
};

use super::{error::ExecError, run::Values, words::WordRing};
use crate::plan::{Op, Ref};

/// The bits injected so far, kept until the last operation that asks for them.
pub(super) struct Ones {
    last: BTreeMap<Ref, usize>,
    pub(super) narrow: BTreeMap<Ref, Shared<Z64>>,
    pub(super) wide: BTreeMap<Ref, Shared<Z128>>,
}

impl Ones {
    /// Those of operations with these numbers.
    pub(super) fn of<'o>(nodes: impl Iterator<Item = (usize, &'o Op)>) -> Self {
        let wanted = |op: &Op| match op {
            Op::Inject(by) | Op::Mask { by, .. } | Op::Select { by, .. } => Some(*by),
            _ => None,
        };
        let last = nodes.filter_map(|(at, op)| Some((wanted(op)?, at))).collect();
        Self { last, narrow: BTreeMap::new(), wide: BTreeMap::new() }
    }

    /// The bit as words: those of an earlier operation, or new ones.
    ///
    /// # Cost
    /// That of [`mpc::inject`], the first time in a ring.
    pub(super) fn injected<R: WordRing>(
        &mut self,
        s: &mut Session,
        by: Ref,
        v: &Values<'_>,
    ) -> Result<&Shared<R>, ExecError> {
        Ok(match R::kept(self).entry(by) {
            Entry::Occupied(kept) => kept.into_mut(),
            Entry::Vacant(new) => new.insert(mpc::inject::<R>(s, v.bits(by)?)?),
        })
    }

    /// Frees what no operation after this one asks for.
    pub(super) fn forget(&mut self, at: usize) {
        let later = |by: &Ref| self.last.get(by).is_some_and(|last| *last > at);
        self.narrow.retain(|by, _| later(by));
        self.wide.retain(|by, _| later(by));
    }
}
