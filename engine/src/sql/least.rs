//! The least number of common keys, before rows go to owners: the keys are counted on shares first, and one bit tells all three
//! compute parties whether there are enough.

use super::{
    compiler::Compiler,
    error::CompileError,
    sets::{Sets, refused},
};
use crate::{identity::PartyName, job::PsiProtocol, plan::Op};

impl Compiler<'_> {
    /// Has the run end here where policies ask for more common keys than there are; gives their least number, 0 for none.
    pub(super) fn require(
        &mut self,
        sets: &Sets<'_>,
        compute: &[PartyName],
    ) -> Result<u32, CompileError> {
        let least = self.least_keys();
        if least == 0 {
            return Ok(0);
        }
        if sets.psi.protocol == PsiProtocol::VoleMalicious {
            let construct = "`vole-malicious` where a policy sets a least number of common keys";
            let hint = "they are counted among parties that follow the protocol: use `auto`, `vole` or `ecdh`";
            return Err(refused("protocol", construct, hint));
        }
        // Who does not compute would not see the bit, and show its rows whatever it says.
        if let Some((_, dataset)) = sets.all.iter().find(|(_, d)| !compute.contains(&d.party)) {
            let construct =
                format!("a least number of common keys where `{}` does not compute", dataset.party);
            return Err(refused("to", &construct, "name both owners among the compute parties"));
        }
        let receiver = usize::from(sets.rows(1) < sets.rows(0));
        let matched = self.meet(receiver, 1 - receiver)?;
        self.rows = self.b.rows(matched);
        if let Some(enough) = self.enough(matched)? {
            self.b.many(Op::Require(enough), Vec::new());
        }
        Ok(least)
    }
}
