//! From a signed job to its plan.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use datafusion::{
    common::{
        Column, TableReference,
        tree_node::{Transformed, TreeNode},
    },
    logical_expr::{
        Expr, LogicalPlan, LogicalPlanBuilder, lit, logical_plan::builder::LogicalTableSource,
        utils::conjunction,
    },
};

use super::{
    bounds::check_arithmetic,
    builder::Sharing,
    compiler::Compiler,
    error::CompileError,
    flatten::Block,
    group::Groups,
    intersect::compile_psi,
    joins::Joins,
    parse::{logical_plan, plain, with_room},
    score::compile_score,
    tables::Tables,
    total::check_total,
    train::compile_train,
    vertical::compile_vertical,
};
use crate::{
    catalog::DatasetDescriptor,
    identity::canonical_hash,
    job::{JobKind, JobSpec, Security},
    plan::{LocalInput, Output, PLAN_FORMAT, Plan, PolicyTerms, UseForm},
};

/// A plan, and for each of its inputs the sub-plan that its provider runs.
#[derive(Clone, Debug)]
pub struct Compiled {
    /// The joint plan.
    pub plan: Plan,
    /// `locals[i]` belongs to `plan.inputs[i]`.
    pub locals: Vec<LogicalPlan>,
}

/// Compiles a job: the same arguments give the same plan at every party. Joins are by sorting; [`compile_meeting`](super::compile_meeting)
/// has the other way.
///
/// Reads schemas, declared ranges, row bounds and policy terms; never rows or statistics.
///
/// # Errors
/// If the statement is no SQL, names what does not exist, uses what is not supported, could leave 64 bits, or cannot keep a
/// policy; see [`CompileError`].
pub fn compile(
    spec: &JobSpec,
    descriptors: &[DatasetDescriptor],
    policies: &[PolicyTerms],
) -> Result<Compiled, CompileError> {
    compile_by(Joins::Sorted, spec, descriptors, policies)
}

/// The same with this way of joining tables.
pub(super) fn compile_by(
    joins: Joins,
    spec: &JobSpec,
    descriptors: &[DatasetDescriptor],
    policies: &[PolicyTerms],
) -> Result<Compiled, CompileError> {
    if spec.security == Security::Malicious {
        return Err(CompileError::Security { asked: "malicious" });
    }
    consistent(descriptors, policies)?;
    let sql = match &spec.kind {
        JobKind::Sql { sql } => sql,
        JobKind::Psi(psi) => return compile_psi(spec, psi, descriptors, policies),
        JobKind::Train(train) => return compile_train(spec, train, descriptors, policies),
        JobKind::Score(asked) => return compile_score(joins, (spec, asked), descriptors, policies),
        JobKind::TrainVertical(asked) => {
            return compile_vertical(spec, asked, descriptors, policies);
        }
    };
    with_room(sql, || {
        let logical = logical_plan(sql, descriptors, spec.issued_at_ms)?;
        let block = Block::of(&logical)?;
        let mut compiler =
            Compiler::new(Tables::new(&block, descriptors, policies)?).joining(joins);
        let (output, least) = compiler.block(&block)?;
        compiler.finish(spec, output, least)
    })
}

/// Descriptors and policies are other parties' words.
fn consistent(
    descriptors: &[DatasetDescriptor],
    policies: &[PolicyTerms],
) -> Result<(), CompileError> {
    let mut names = BTreeSet::new();
    for dataset in descriptors {
        let twice =
            || Some("is described twice".to_owned()).filter(|_| !names.insert(dataset.table()));
        if let Some(why) = dataset.contradiction().or_else(twice) {
            return Err(CompileError::Inconsistent {
                what: format!("dataset {}: {why}", dataset.table()),
            });
        }
    }
    for terms in policies {
        for (column, domain) in &terms.domains {
            if domain.windows(2).any(|pair| pair[0] >= pair[1]) {
                let what = format!(
                    "policy of {}: the list of `{column}` is not ascending",
                    terms.policy.dataset
                );
                return Err(CompileError::Inconsistent { what });
            }
        }
    }
    Ok(())
}

impl Compiler<'_> {
    fn block(&mut self, block: &Block) -> Result<(Output, u32), CompileError> {
        let mut conjuncts = block.conjuncts.clone();
        self.join_all(&mut conjuncts)?;
        self.filter(conjuncts)?;
        let super::compiler::Level::Rows(relation) = self.level else {
            return Err(CompileError::Inconsistent { what: "rows were grouped twice".into() });
        };
        let Some(grouping) = &block.grouping else {
            self.refuse_single_rows()?;
            self.record_list(block);
            return Ok((self.output(block, false)?, 0));
        };
        let least = self.entities(relation)?;
        let groups: Groups = self.group(grouping, least)?;
        self.released(&block.having, &groups, least)?;
        Ok((self.output(block, !groups.keyed)?, least))
    }

    /// Conditions: those on one table go to its owner, the others into the joint plan.
    pub(super) fn filter(&mut self, conjuncts: Vec<Expr>) -> Result<(), CompileError> {
        self.clause = "WHERE";
        for condition in conjuncts {
            self.uses.record(&condition, &UseForm::Filter, &self.tables);
            if let Some(table) = self.tables.reads(&condition).single() {
                check_arithmetic(&condition, &self.tables)?;
                self.filters[table].push(condition);
            } else {
                let yes = self.truth(&condition)?.0;
                self.live = self.b.and(self.live, yes);
            }
        }
        Ok(())
    }

    pub(super) fn finish(
        self,
        spec: &JobSpec,
        mut output: Output,
        least: u32,
    ) -> Result<Compiled, CompileError> {
        let Self { tables, b, filters, uses, notes, .. } = self;
        let (nodes, sharings, settle) = b.finish();
        output.live = settle(output.live);
        for column in &mut output.columns {
            column.value = settle(column.value);
            column.present = column.present.map(&settle);
            column.divisor = column.divisor.map(&settle);
        }
        let mut inputs = Vec::new();
        let mut locals = Vec::new();
        for (t, (sharing, filters)) in sharings.into_iter().zip(filters).enumerate() {
            for expr in sharing.expressions.iter().chain(&filters) {
                check_total(expr, &tables)?;
            }
            let dataset = tables.get(t).dataset;
            let (input, local) = local(dataset, sharing, filters)?;
            inputs.push(input);
            locals.push(local);
        }
        let policies: BTreeMap<_, _> = (0..tables.len())
            .filter_map(|t| tables.get(t).terms)
            .map(|terms| (terms.policy.dataset.clone(), terms.policy.clone()))
            .collect();
        let plan = Plan {
            format: PLAN_FORMAT,
            job: canonical_hash("unseen.job/v1", spec),
            compute: spec.compute.clone(),
            buyer: spec.buyer.clone(),
            inputs,
            nodes,
            output,
            min_group_entities: least,
            uses: uses.into_vec(),
            policies: policies.into_values().collect(),
            notes: notes.into_iter().collect(),
            psi: None,
        };
        Ok(Compiled { plan, locals })
    }
}

/// The sub-plan of one table, and its description in the joint plan.
pub(super) fn local(
    dataset: &DatasetDescriptor,
    mut sharing: Sharing,
    filters: Vec<Expr>,
) -> Result<(LocalInput, LogicalPlan), CompileError> {
    let meaning = |e| CompileError::Meaning { message: plain(&e) };
    let name = TableReference::partial(dataset.party.as_str(), dataset.name.as_str());
    let own = |expr: &Expr| own_names(expr, &name);
    for column in &mut sharing.columns {
        column.name =
            own(&sharing.expressions[column.source as usize]).map_err(meaning)?.to_string();
    }
    let expressions = sharing.expressions.iter().map(own).collect::<Result<Vec<_>, _>>();
    let mut expressions = expressions.map_err(meaning)?;
    if expressions.is_empty() {
        // Rows are counted by their live bit; a projection needs a column all the same.
        expressions.push(lit(true));
    }
    let named = expressions.into_iter().enumerate().map(|(i, e)| e.alias(format!("c{i}")));
    let filters = filters.iter().map(own).collect::<Result<Vec<_>, _>>().map_err(meaning)?;
    let source = Arc::new(LogicalTableSource::new(dataset.arrow_schema()));
    let mut builder = LogicalPlanBuilder::scan(name.clone(), source, None).map_err(meaning)?;
    if let Some(filter) = conjunction(filters) {
        builder = builder.filter(filter).map_err(meaning)?;
    }
    let local = builder.project(named).and_then(LogicalPlanBuilder::build).map_err(meaning)?;
    let input = LocalInput {
        party: dataset.party.clone(),
        datasets: vec![dataset.name.clone()],
        text: local.display_indent().to_string(),
        rows: sharing.rows,
        sorted_by: sharing.sorted_by,
        columns: sharing.columns,
        key: sharing.key,
        trains: false,
    };
    Ok((input, local))
}

/// The expression with columns named by their dataset.
fn own_names(expr: &Expr, table: &TableReference) -> datafusion::error::Result<Expr> {
    let renamed = expr.clone().transform_up(|e| match e {
        Expr::Column(column) => {
            let own = Column::new(Some(table.clone()), column.name);
            Ok(Transformed::yes(Expr::Column(own)))
        }
        other => Ok(Transformed::no(other)),
    });
    renamed.map(|t| t.data)
}
