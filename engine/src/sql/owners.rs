//! A private set intersection that ends with the owners of the sets: each learns which of its own rows the other has, and keeps
//! what was asked of them; the buyer gets the receipt.

use datafusion::{
    common::{Column, TableReference},
    logical_expr::Expr,
};

use protocols::psi::{Sizes, planner::Means};

use super::{
    bucketwise::settle,
    compile::Compiled,
    compiler::Compiler,
    error::CompileError,
    flatten::{Block, table},
    least::Count,
    many,
    sets::{Sets, refused},
    tables::Tables,
};
use crate::{
    catalog::DatasetDescriptor,
    job::{JobId, JobSpec, PsiForm, PsiProtocol, PsiSpec},
    plan::{
        Between, Keep, Keeps, Learns, Match, Op, Output, PolicyTerms, PsiTerms, SetUse, UseForm,
    },
};

/// Compiles an intersection for owners.
pub(super) fn compile_owners(
    spec: &JobSpec,
    psi: &PsiSpec,
    descriptors: &[DatasetDescriptor],
    policies: &[PolicyTerms],
) -> Result<Compiled, CompileError> {
    let sets = Sets::find(psi, descriptors)?;
    let two = sets.len() == 2;
    if two {
        possible(&sets)?;
    } else {
        many::possible(&sets)?;
    }
    let mut block = sets.block(spec)?;
    let mut compiler = Compiler::new(Tables::new(&block, descriptors, policies)?);
    let count = compiler.way_to_count(&sets, &spec.compute)?;
    if count == Count::OnShares {
        block = sets.twice().block(spec)?;
        compiler = Compiler::new(Tables::new(&block, descriptors, policies)?);
    }
    let ((output, protocol), min_intersection) = match two {
        true => compiler.match_owners(&block, &sets, (count, spec.network.means()))?,
        false => compiler.match_all(&block, &sets, count)?,
    };
    let mut compiled = compiler.finish(spec, output, 0)?;
    compiled.plan.psi = Some(PsiTerms {
        form: psi.form.name(),
        to: psi.to.clone(),
        protocol,
        min_intersection,
        noise: None,
    });
    Ok(settle(compiled, psi.bucket_rows.unwrap_or_default()))
}

/// What there is no protocol for is refused, not replaced by another.
fn possible(sets: &Sets<'_>) -> Result<(), CompileError> {
    let psi = sets.psi;
    let first = psi.to.len() == 1 && psi.to[0] == sets.all[0].1.party;
    match psi.form {
        PsiForm::Inner => {}
        PsiForm::Left | PsiForm::Anti if first => {}
        PsiForm::Left | PsiForm::Anti => {
            let hint = "its rows are those of the first set: name that one's owner alone";
            return Err(refused("to", "this form for the owner of the second set", hint));
        }
        PsiForm::Cardinality | PsiForm::Sum { .. } => {
            debug_assert!(false, "is worked out on shares");
        }
    }
    if psi.protocol != PsiProtocol::Auto && !Between::PROTOCOLS.contains(&psi.protocol) {
        let construct = format!("protocol `{}` with a result for owners", psi.protocol);
        let hint = "use `auto`, `ecdh`, `vole`, `vole-low` or `vole-malicious`";
        return Err(refused("protocol", &construct, hint));
    }
    Ok(())
}

impl Compiler<'_> {
    fn match_owners(
        &mut self,
        block: &Block,
        sets: &Sets<'_>,
        (count, means): (Count, Means),
    ) -> Result<((Output, PsiProtocol), u32), CompileError> {
        self.clause = "psi.sets";
        self.filter(block.conjuncts.clone())?;
        let [a, b] = [0, 1].map(|t| &sets.all[t].1.party);
        let to = &sets.psi.to;
        let both = to.len() == 2;
        let rows = |t: usize| sets.rows(t);
        // Of two who learn alike, the one with fewer rows asks: the other's answers are shorter than its questions.
        let receiver = match both {
            true => usize::from(rows(1) < rows(0)),
            false => usize::from(to[0] == *b),
        };
        debug_assert!(both || to[0] == *a || to[0] == *b, "checked with the specification");
        for t in [0, 1] {
            self.own_key(t, sets);
        }
        let learning = (0..2).filter(|t| both || *t == receiver);
        let results = learning.map(|t| self.keeps(t, sets)).collect();
        let number = |t: usize| u32::try_from(t).unwrap_or(u32::MAX);
        let bound = |t: usize| usize::try_from(rows(t)).unwrap_or(usize::MAX);
        let sizes = Sizes { sender: bound(1 - receiver), receiver: bound(receiver) };
        let bucket_rows = sets.psi.bucket_rows.unwrap_or_default();
        let between = Between { protocol: sets.psi.protocol, both, sizes, bucket: bucket_rows };
        let between = match sets.psi.protocol {
            PsiProtocol::Auto => between.by(between.cheapest(means)),
            _ => between,
        };
        let protocol = between.protocol;
        let bits = between.failure_bits().ok_or_else(|| {
            let hint = "split the sets, or use `ecdh`";
            refused("protocol", &format!("`{protocol}` on sets of this size"), hint)
        })?;
        let resumes = sets.psi.resumes.map(JobId::hash);
        let salt = resumes.map_or("this run", |_| "the run that it goes on with");
        self.notes.insert(format!(
            "keys are compared by ids hashed under a salt of {salt}; the intersection fails by chance, or shows a key that the \
             sets do not share, with probability at most 2^-{bits:.0}"
        ));
        let least = self.require(sets, count)?;
        let learns = if both { Learns::Both } else { Learns::Receiver };
        let (sender, receiver) = (number(1 - receiver), number(receiver));
        self.b.many(
            Op::Match(Match { sender, receiver, protocol, bucket_rows, learns, results, resumes }),
            Vec::new(),
        );
        Ok(((self.receipt_only(to), protocol), least))
    }

    pub(super) fn own_key(&mut self, t: usize, sets: &Sets<'_>) {
        let key: Vec<Expr> = sets.all[t].0.key.iter().map(|name| own(t, name)).collect();
        for other in sets.others(t) {
            let form = UseForm::JoinKey(other);
            key.iter().for_each(|column| self.uses.record(column, &form, &self.tables));
        }
        self.b.key(t, &key, (sets.psi.text, false, SetUse::Owner));
    }

    /// What an owner keeps of its own rows.
    pub(super) fn keeps(&mut self, t: usize, sets: &Sets<'_>) -> Keeps {
        let names = &sets.all[t].0.columns;
        let columns = names.iter().map(|name| (self.b.source(t, &own(t, name)), name.clone()));
        let keep = match sets.psi.form {
            PsiForm::Anti => Keep::Unmatched,
            PsiForm::Left => Keep::All,
            _ => Keep::Matched,
        };
        Keeps { input: u32::try_from(t).unwrap_or(u32::MAX), columns: columns.collect(), keep }
    }
}

fn own(t: usize, name: &str) -> Expr {
    Expr::Column(Column::new(Some(TableReference::bare(table(t))), name))
}
