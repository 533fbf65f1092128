//! The least number of common keys, before rows go to owners: the keys are counted on shares first, and one bit tells all three
//! compute parties, and owners who do not compute, whether there are enough.

use super::{
    compiler::{Compiler, Level},
    error::CompileError,
    sets::{Sets, refused},
};
use crate::{identity::PartyName, job::PsiProtocol, plan::Op};

/// How common keys are counted before rows are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Count {
    /// They need not be: every number of them will do.
    Not,
    /// In a circuit between two owners who compute.
    InCircuit,
    /// By joining shares of the keys, of owners who compute or not: each set enters once more, as the second half of
    /// [`Sets::twice`]. One compute party learns nothing of them; two together have the ids of all keys.
    OnShares,
}

impl Compiler<'_> {
    /// How the common keys of these sets have to be counted.
    pub(super) fn way_to_count(
        &self,
        sets: &Sets<'_>,
        compute: &[PartyName],
    ) -> Result<Count, CompileError> {
        if self.least_keys() == 0 {
            return Ok(Count::Not);
        }
        if sets.psi.protocol == PsiProtocol::VoleMalicious {
            let construct = "`vole-malicious` where a policy sets a least number of common keys";
            let hint = "they are counted among parties that follow the protocol: use `auto`, `vole` or `ecdh`";
            return Err(refused("protocol", construct, hint));
        }
        let all_compute = sets.all.iter().all(|(_, dataset)| compute.contains(&dataset.party));
        let circuit = sets.len() == 2 && all_compute;
        Ok(if circuit { Count::InCircuit } else { Count::OnShares })
    }

    /// Has the run end here where policies ask for more common keys than there are; gives their least number, 0 for none.
    pub(super) fn require(&mut self, sets: &Sets<'_>, count: Count) -> Result<u32, CompileError> {
        let matched = match count {
            Count::Not => return Ok(0),
            Count::InCircuit => {
                let receiver = usize::from(sets.rows(1) < sets.rows(0));
                self.meet(receiver, 1 - receiver)?
            }
            Count::OnShares => {
                self.relations = (0..self.tables.len()).map(|t| self.table_relation(t)).collect();
                let joined = self.join_some(&sets.twice(), sets.len()..2 * sets.len(), false);
                self.level = Level::Rows(joined.relation);
                joined.matched
            }
        };
        self.rows = self.b.rows(matched);
        if let Some(enough) = self.enough(matched)? {
            self.b.many(Op::Require(enough), Vec::new());
        }
        Ok(self.least_keys())
    }
}
