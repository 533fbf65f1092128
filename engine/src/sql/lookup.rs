//! A private lookup: the owner of the first set learns what the second, which its owner has published, says of its keys.

use datafusion::{
    common::{Column, TableReference},
    logical_expr::Expr,
};

use super::{
    compile::Compiled,
    compiler::Compiler,
    error::CompileError,
    flatten::{Block, table},
    sets::{Sets, refused},
    tables::Tables,
};
use crate::{
    catalog::{ColumnSpec, ColumnType, DatasetDescriptor},
    identity::PartyName,
    job::{JobSpec, PsiForm, PsiProtocol, PsiSpec},
    plan::{
        Keep, Keeps, Label, Lookup, MOST_CHANGES, Op, Output, PolicyTerms, PsiTerms, SetUse,
        UseForm,
    },
};

/// Columns that the result has of its own.
const OWN_COLUMNS: [&str; 2] = ["row", "matched"];

/// Compiles a lookup.
pub(super) fn compile_lookup(
    spec: &JobSpec,
    psi: &PsiSpec,
    descriptors: &[DatasetDescriptor],
    policies: &[PolicyTerms],
) -> Result<Compiled, CompileError> {
    let sets = Sets::find(psi, descriptors)?;
    possible(spec, &sets)?;
    let block = sets.block(spec)?;
    let mut compiler = Compiler::new(Tables::new(&block, descriptors, policies)?);
    let output = compiler.look_up(&block, &sets)?;
    let mut compiled = compiler.finish(spec, output, 0)?;
    compiled.plan.psi = Some(PsiTerms {
        form: psi.form.name(),
        to: psi.to.clone(),
        protocol: PsiProtocol::Lookup,
        min_intersection: 0,
        noise: None,
    });
    Ok(compiled)
}

/// What a lookup cannot be is refused, not replaced by something else.
fn possible(spec: &JobSpec, sets: &Sets<'_>) -> Result<(), CompileError> {
    let [(_, first), (_, second)] = sets.all[..] else {
        let hint = "name the set of keys and the published one";
        return Err(refused("sets", "a lookup in more than one set", hint));
    };
    if let Some(dataset) = [first, second].into_iter().find(|d| !spec.compute.contains(&d.party)) {
        let construct = format!("a lookup where `{}` does not compute", dataset.party);
        return Err(refused("sets", &construct, "name both owners among the compute parties"));
    }
    if sets.psi.to != [first.party.clone()] {
        let hint = format!(
            "its answers go to who asks, the owner of the first set: write `to = [\"{}\"]`",
            first.party
        );
        return Err(refused("to", "protocol `lookup` for anybody else", &hint));
    }
    match sets.psi.form {
        PsiForm::Inner | PsiForm::Left => Ok(()),
        _ => {
            let construct = format!("a lookup of form `{}`", sets.psi.form.name());
            let hint = "ask for `inner` or `left`; `auto` finds a protocol for the other forms";
            Err(refused("form", &construct, hint))
        }
    }
}

impl Compiler<'_> {
    fn look_up(&mut self, block: &Block, sets: &Sets<'_>) -> Result<Output, CompileError> {
        self.clause = "psi.sets";
        self.filter(block.conjuncts.clone())?;
        let rows = [0, 1].map(|t: usize| sets.all[t].1.rows_max);
        let queries = self.tables.get(1).terms.and_then(|terms| terms.lookups).ok_or_else(|| {
            let message = "the policy does not say how many keys may be looked up; set `psi.max_lookups` to allow this";
            self.refused_by(1, "psi.max_lookups", message)
        })?;
        for t in [0, 1] {
            self.key_of(t, sets, (false, SetUse::Lookup));
        }
        let labels = self.labels(sets)?;
        let keeps = self.kept(sets);
        let [asks, answers] = [&sets.all[0].1.party, &sets.all[1].1.party];
        self.notes.insert(format!(
            "keys are looked up by ids hashed under a salt of the publication; over all {queries} queries that one \
             publication answers, a key that is not in the table passes for one that is with probability at most 2^-40"
        ));
        self.notes.insert(format!(
            "keys that can be guessed can be looked up one by one: {asks} can learn of as many keys as its budget at \
             {answers} has left, and each job takes {} from it, however many keys it has",
            rows[0]
        ));
        self.notes
            .insert(format!("the buyer gets a receipt and no rows; {asks} keeps what it learns"));
        let changes = self.changes(rows[1], asks);
        let lookup = Lookup { asks: 0, answers: 1, queries, labels, keeps, changes };
        self.b.many(Op::Lookup(lookup), Vec::new());
        Ok(Output { live: self.b.constant_bits(0, 1, 1), columns: Vec::new() })
    }

    /// Rows of a change that is published in the place of a whole table of so many, where its policy has them.
    fn changes(&mut self, rows: u64, asks: &PartyName) -> Option<u64> {
        let change = self.tables.get(1).terms.and_then(|terms| terms.lookup_changes)?;
        if !Lookup::pays(change, rows) {
            self.notes.insert(format!(
                "the table is published whole whenever it changes: {rows} rows are fewer than four changes of {change}"
            ));
            return None;
        }
        self.notes.insert(format!(
            "where no more than {change} rows have changed, a change of so many is published, {MOST_CHANGES} times at most before the \
             table is whole again: {asks} learns whether the row of a key it asks for was changed since, and by which change; each \
             change is a publication of its own, in which a key that it does not have passes for one that it has with probability \
             at most 2^-40"
        ));
        Some(change)
    }

    /// What the published table says of a key.
    fn labels(&mut self, sets: &Sets<'_>) -> Result<Vec<Label>, CompileError> {
        let (set, dataset) = sets.all[1];
        if !set.columns.is_empty() {
            self.refuse_single_rows()?;
        }
        let mut labels = Vec::new();
        for name in &set.columns {
            let expr = column(1, name);
            self.uses.record(&expr, &UseForm::List, &self.tables);
            let unknown = || refused("sets.columns", &format!("column `{name}`"), "name one");
            let spec = dataset.column(name).ok_or_else(unknown)?;
            let bytes = bytes_of(spec).ok_or_else(|| {
                let hint = "its owner declares `max_bytes` or a `domain` of the column";
                refused("sets.columns", &format!("text `{name}` of no declared length"), hint)
            })?;
            let source = self.b.source(1, &expr);
            labels.push(Label {
                source,
                name: shown(name, &dataset.party, sets),
                ty: spec.ty,
                bytes,
            });
        }
        Ok(labels)
    }

    /// What the party that asks keeps of its own rows.
    fn kept(&mut self, sets: &Sets<'_>) -> Keeps {
        let (set, dataset) = sets.all[0];
        let column = |name: &String| {
            let source = self.b.source(0, &column(0, name));
            (source, shown(name, &dataset.party, sets))
        };
        let columns = set.columns.iter().map(column).collect();
        let keep = if sets.psi.form == PsiForm::Left { Keep::All } else { Keep::Matched };
        Keeps { input: 0, columns, keep }
    }
}

/// Bytes of a column's values; nothing for a text that may have any length.
fn bytes_of(spec: &ColumnSpec) -> Option<u32> {
    Some(match spec.ty {
        ColumnType::Bool | ColumnType::Int8 => 1,
        ColumnType::Int16 => 2,
        ColumnType::Int32 | ColumnType::Date => 4,
        ColumnType::Int64 | ColumnType::Timestamp => 8,
        ColumnType::Decimal { .. } => 16,
        ColumnType::String => {
            let longest = |domain: &Vec<String>| domain.iter().map(String::len).max().unwrap_or(0);
            let listed =
                spec.domain.as_ref().and_then(|domain| u32::try_from(longest(domain)).ok());
            listed.or(spec.max_bytes)?
        }
    })
}

/// What a column is called in the result: with its party's name where another one is called the same.
fn shown(name: &str, party: &PartyName, sets: &Sets<'_>) -> String {
    let all = sets.all.iter().flat_map(|(set, _)| &set.columns);
    let alone = all.filter(|other| *other == name).count() == 1;
    if alone && !OWN_COLUMNS.contains(&name) { name.to_owned() } else { format!("{party}_{name}") }
}

fn column(t: usize, name: &str) -> Expr {
    Expr::Column(Column::new(Some(TableReference::bare(table(t))), name))
}
