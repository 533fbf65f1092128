//! Counts and sums for the owners of sets: what would be sealed to the buyer is opened to them instead.

use super::{
    compiler::Compiler,
    error::CompileError,
    sets::{Sets, refused},
};
use crate::{
    identity::PartyName,
    job::JobSpec,
    plan::{Op, Output, Tell},
};

/// Shares can be opened to those who hold some.
pub(super) fn owners_compute(spec: &JobSpec, sets: &Sets<'_>) -> Result<(), CompileError> {
    match sets.psi.to.iter().find(|party| !spec.compute.contains(party)) {
        Some(party) => {
            let construct = format!("a count or a sum for `{party}`, which does not compute");
            Err(refused("to", &construct, "name it among the compute parties"))
        }
        None => Ok(()),
    }
}

impl Compiler<'_> {
    /// Has a result opened to owners instead of the buyer.
    pub(super) fn told(&mut self, output: Output, to: &[PartyName]) -> Output {
        self.b.many(Op::Tell(Tell { to: to.to_vec(), output }), Vec::new());
        self.receipt_only(to)
    }

    /// What the buyer gets where owners learn the result: nothing is sealed but the fact that there is nothing.
    pub(super) fn receipt_only(&mut self, to: &[PartyName]) -> Output {
        let each = if to.len() > 1 { "each of " } else { "" };
        let to = to.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        self.notes.insert(format!(
            "the buyer gets a receipt and no rows; {each}{to} keeps what it learns"
        ));
        Output { live: self.b.constant_bits(0, 1, 1), columns: Vec::new() }
    }
}
