//! A private set intersection as a joint plan: the sets are joined by their key ids, of which each owner shares one for each
//! of its keys, so that the key is unique on all sides; what is asked of the joined rows is compiled like any statement.

use std::collections::BTreeSet;

use datafusion::{
    common::{Column, TableReference},
    logical_expr::Expr,
};

use protocols::{
    party::Role,
    psi::circuit::{self, Provider, Task, Way},
};

use super::{
    bounds::Bounds,
    bucketwise::settle,
    compile::Compiled,
    compiler::{Compiler, Level},
    error::CompileError,
    flatten::{Block, table},
    lookup::compile_lookup,
    owners::compile_owners,
    relate::{Origin, Relation},
    release::Partial,
    sets::{Sets, refused},
    tables::Tables,
    told::owners_compute,
    value::{Meaning, Number},
};
use crate::{
    catalog::DatasetDescriptor,
    job::{JobSpec, PsiForm, PsiProtocol, PsiSpec},
    plan::{
        Intersect, Kind, Op, Output, PolicyTerms, PsiTerms, Ref, SetUse, Shape, UseForm, meeting,
    },
};

/// Compiles an intersection: rows for owners to a protocol between them, all else to operations on shared columns.
pub(super) fn compile_psi(
    spec: &JobSpec,
    psi: &PsiSpec,
    descriptors: &[DatasetDescriptor],
    policies: &[PolicyTerms],
) -> Result<Compiled, CompileError> {
    if psi.protocol == PsiProtocol::Lookup {
        return compile_lookup(spec, psi, descriptors, policies);
    }
    if !psi.to.is_empty() && !psi.form.aggregates() {
        return compile_owners(spec, psi, descriptors, policies);
    }
    let by = |enters| compile_by(enters, spec, psi, (descriptors, policies));
    match psi.protocol {
        PsiProtocol::Joint => by(SetUse::Shared),
        PsiProtocol::Circuit => {
            let compiled = by(SetUse::Circuit)?;
            match meeting(&compiled.plan) {
                Ok(_) => Ok(compiled),
                Err(what) => {
                    Err(refused("protocol", &format!("a circuit here ({what})"), "use `joint`"))
                }
            }
        }
        PsiProtocol::Auto => {
            let profile = spec.network.links();
            let compiled = by(SetUse::Circuit);
            let cheaper = |compiled: &Compiled| {
                let met = meeting(&compiled.plan);
                met.is_ok_and(|met| circuit::way(profile, &met).0 == Way::Circuit)
            };
            match compiled {
                Ok(compiled) if cheaper(&compiled) => Ok(compiled),
                _ => by(SetUse::Shared),
            }
        }
        other => {
            let result =
                if psi.to.is_empty() { "a result for the buyer" } else { "a count or a sum" };
            let construct = format!("protocol `{other}` with {result}");
            Err(refused("protocol", &construct, "use `auto`, `circuit` or `joint`"))
        }
    }
}

/// Compiles it one way or the other.
fn compile_by(
    enters: SetUse,
    spec: &JobSpec,
    psi: &PsiSpec,
    (descriptors, policies): (&[DatasetDescriptor], &[PolicyTerms]),
) -> Result<Compiled, CompileError> {
    let sets = Sets::find(psi, descriptors)?;
    owners_compute(spec, &sets)?;
    let block = sets.block(spec)?;
    let mut compiler = Compiler::new(Tables::new(&block, descriptors, policies)?);
    let (least_keys, noise) = (compiler.least_keys(), compiler.noise(psi));
    let (mut output, least) = compiler.intersect(&block, &sets, enters)?;
    if !psi.to.is_empty() {
        output = compiler.told(output, &psi.to);
    }
    let mut compiled = compiler.finish(spec, output, least)?;
    compiled.plan.psi = Some(PsiTerms {
        form: psi.form.name(),
        to: psi.to.clone(),
        protocol: match enters {
            SetUse::Circuit => PsiProtocol::Circuit,
            _ => PsiProtocol::Joint,
        },
        min_intersection: least_keys,
        noise,
    });
    Ok(settle(compiled, psi.bucket_rows.unwrap_or_default()))
}

/// The join of all sets.
pub(super) struct Joined {
    pub(super) relation: usize,
    /// Which of its rows have a counterpart in every other set.
    pub(super) matched: Ref,
    /// Which of its rows there are.
    pub(super) all: Ref,
}

impl Compiler<'_> {
    fn intersect(
        &mut self,
        block: &Block,
        sets: &Sets<'_>,
        enters: SetUse,
    ) -> Result<(Output, u32), CompileError> {
        self.clause = "psi.sets";
        self.relations = (0..self.tables.len()).map(|t| self.table_relation(t)).collect();
        self.filter(block.conjuncts.clone())?;
        let joined = match enters {
            SetUse::Circuit => self.circuit(sets)?,
            _ => self.join_sets(sets),
        };
        self.level = Level::Rows(joined.relation);
        self.rows = self.relations[joined.relation].rows;
        let enough = self.enough(joined.matched)?;
        self.live = match sets.psi.form {
            PsiForm::Left => joined.all,
            PsiForm::Anti => {
                let unmatched = self.b.not(joined.matched);
                self.b.and(joined.all, unmatched)
            }
            _ => joined.matched,
        };
        if let Some(grouping) = &block.grouping {
            let least = self.entities(joined.relation)?;
            let groups = self.group(grouping, least)?;
            self.released(&[], &groups, least)?;
            self.only(enough);
            self.blur(grouping, sets)?;
            return Ok((self.output(block, !groups.keyed)?, least));
        }
        self.refuse_single_rows()?;
        self.record_list(block);
        self.only(enough);
        let of_second = |expr: &Expr| super::tables::columns(expr).iter().any(second);
        let left = sets.psi.form == PsiForm::Left;
        let partial = left.then_some(Partial { there: joined.matched, of: &of_second });
        Ok((self.output_where(block, false, partial)?, 0))
    }

    /// The smallest intersection of which anything may be released, by the strictest policy.
    pub(super) fn least_keys(&self) -> u32 {
        let terms = (0..self.tables.len()).filter_map(|t| self.tables.get(t).terms);
        terms.map(|terms| terms.min_intersection).max().unwrap_or(0)
    }

    /// One row: whether enough keys are in all sets; none where every number of them will do.
    pub(super) fn enough(&mut self, matched: Ref) -> Result<Option<Ref>, CompileError> {
        let least = self.least_keys();
        if least == 0 {
            return Ok(None);
        }
        let rows = self.rows;
        let ones = self.b.inject(matched);
        let op = Op::GroupBy {
            keys: Vec::new(),
            live: matched,
            sums: vec![ones],
            extremes: Vec::new(),
            groups: 1,
        };
        let shape = |kind| Shape { kind, rows: 1 };
        let total = self.b.many(op, vec![shape(Kind::Bits(1)), shape(Kind::Z64)]);
        let total = Number::word(Ref(total.0, 1), Bounds::new(0, rows.into()), 0, Meaning::Integer);
        self.rows = 1;
        let enough = self.at_least(&total, least);
        self.rows = rows;
        enough.map(Some)
    }

    /// Releases no row unless enough keys are in all sets.
    fn only(&mut self, enough: Option<Ref>) {
        let Some(enough) = enough else { return };
        let rows = self.rows;
        let each = match rows {
            1 => enough,
            rows => self.b.one(Op::Spread { of: enough, rows }, Kind::Bits(1), rows),
        };
        self.live = self.b.and(self.live, each);
    }

    /// The sets meet in a circuit between their owners.
    fn circuit(&mut self, sets: &Sets<'_>) -> Result<Joined, CompileError> {
        if sets.len() != 2 {
            let construct = format!("a circuit of {} sets", sets.len());
            return Err(refused("protocol", &construct, "use `joint`"));
        }
        let keeps_first = matches!(sets.psi.form, PsiForm::Left | PsiForm::Anti);
        let rows = |t: usize| sets.rows(t);
        // The result has a row for each bin of the one that asks.
        let receiver = usize::from(!keeps_first && rows(1) < rows(0));
        for t in [0, 1] {
            let keep_absent = keeps_first && t == receiver;
            self.key_of(t, sets, (keep_absent, SetUse::Circuit));
        }
        let matched = self.meet(receiver, 1 - receiver)?;
        let all = match keeps_first {
            true => {
                let live = self.b.input_live(receiver);
                self.b.bring(matched.0, live)
            }
            false => matched,
        };
        self.met(matched, [0, 1]);
        Ok(Joined { relation: self.relations.len() - 1, matched, all })
    }

    /// Whether each bin of the one that asks holds a key of the other.
    pub(super) fn meet(&mut self, receiver: usize, sender: usize) -> Result<Ref, CompileError> {
        let provider = |role, t: usize| {
            let rows = self.tables.get(t).dataset.rows_max;
            let items = usize::try_from(rows).unwrap_or(usize::MAX);
            Provider { role, items, columns: Vec::new() }
        };
        let [asks, answers] = [provider(Role::P0, receiver), provider(Role::P1, sender)];
        let task = Task::new(asks, answers, 1).map_err(|error| {
            refused("protocol", &format!("a circuit here ({error})"), "use `joint`")
        })?;
        let number = |t: usize| u32::try_from(t).unwrap_or(u32::MAX);
        let (asks, answers) = (number(receiver), number(sender));
        let op = Intersect { receiver: asks, sender: answers, columns: Vec::new() };
        let shape = Shape { kind: Kind::Bits(1), rows: task.bins() as u64 };
        Ok(self.b.many(Op::Intersect(op), vec![shape]))
    }

    /// The rows where two tables have met: one for each bin.
    pub(super) fn met(&mut self, matched: Ref, [one, other]: [usize; 2]) {
        let relation = Relation {
            tables: BTreeSet::from([one, other]),
            live: matched,
            rows: self.b.rows(matched),
            unique: &self.relations[one].unique | &self.relations[other].unique,
            origin: Origin::Sets { node: matched.0 },
        };
        self.relations.push(relation);
    }

    /// Makes a table a set, and records the use of its key.
    pub(super) fn key_of(
        &mut self,
        t: usize,
        sets: &Sets<'_>,
        (keep_absent, enters): (bool, SetUse),
    ) {
        let qualifier = TableReference::bare(table(t));
        let key = |name: &String| Expr::Column(Column::new(Some(qualifier.clone()), name.clone()));
        let columns: Vec<Expr> = sets.all[t].0.key.iter().map(key).collect();
        for other in sets.others(t) {
            let form = UseForm::JoinKey(other);
            columns.iter().for_each(|column| self.uses.record(column, &form, &self.tables));
        }
        self.b.key(t, &columns, (sets.psi.text, keep_absent, enters));
    }
}

fn second(column: &Column) -> bool {
    column.relation.as_ref().is_some_and(|name| name.table() == table(1))
}
