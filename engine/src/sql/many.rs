//! An intersection of three and more sets that ends with their owners.

use protocols::{
    party::PartyId,
    psi::multiparty::{Audience, Setting},
};

use super::{
    compiler::Compiler,
    error::CompileError,
    flatten::Block,
    least::Count,
    sets::{Sets, refused},
};
use crate::{
    job::PsiProtocol,
    plan::{Many, Op, Output},
};

/// What there is no protocol for is refused, not replaced by another.
pub(super) fn possible(sets: &Sets<'_>) -> Result<(), CompileError> {
    let psi = sets.psi;
    let all = sets.len();
    if psi.to.len() != 1 && psi.to.len() != all {
        let construct = format!("a result for {} of {all} owners", psi.to.len());
        return Err(refused("to", &construct, "name one owner, or all"));
    }
    if !matches!(psi.protocol, PsiProtocol::Auto | PsiProtocol::Multi) {
        let construct = format!("protocol `{}` with {all} sets", psi.protocol);
        return Err(refused("protocol", &construct, "use `auto` or `multi`"));
    }
    Ok(())
}

impl Compiler<'_> {
    /// The owners' sets meet at one of them, the leader.
    pub(super) fn match_all(
        &mut self,
        block: &Block,
        sets: &Sets<'_>,
        count: Count,
    ) -> Result<((Output, PsiProtocol), u32), CompileError> {
        let sizes = (0..sets.len()).map(|t| usize::try_from(sets.rows(t)).unwrap_or(usize::MAX));
        let bucket_rows = sets.psi.bucket_rows.unwrap_or_default();
        let (bucket, sizes) = (bucket_rows.rows(), sizes.collect());
        let setting = Setting::with_buckets_of(bucket, PartyId(0), sizes, Audience::Leader);
        let setting = setting.map_err(|error| {
            refused("protocol", &format!("`multi` on these sets ({error})"), "split the sets")
        })?;
        self.clause = "psi.sets";
        self.filter(block.conjuncts.clone())?;
        let to = &sets.psi.to;
        let everyone = to.len() == sets.len();
        // Where all learn alike, the one with the fewest rows leads: each of its keys is asked of every other.
        let leader = match &to[..] {
            [one] => (0..sets.len()).find(|t| sets.all[*t].1.party == *one),
            _ => (0..sets.len()).min_by_key(|t| sets.rows(*t)),
        };
        let leader = leader.unwrap_or(0);
        for t in 0..sets.len() {
            self.own_key(t, sets);
        }
        let learning = (0..sets.len()).filter(|t| everyone || *t == leader);
        let results = learning.map(|t| self.keeps(t, sets)).collect();
        let number = |t: usize| u32::try_from(t).unwrap_or(u32::MAX);
        let inputs = (0..sets.len()).map(number).collect();
        let many = Many { inputs, leader: number(leader), everyone, bucket_rows, results };
        let least = self.require(sets, count)?;
        self.b.many(Op::Many(many), Vec::new());
        self.notes.insert(format!(
            "keys are compared by ids hashed under a salt of this run; the run ends without a result by chance with probability \
             at most 2^-{:.0}, and shows a key that not all sets have with less than 2^-60",
            setting.failure_bits().floor()
        ));
        Ok(((self.receipt_only(to), PsiProtocol::Multi), least))
    }
}
