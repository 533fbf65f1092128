//! A logical plan to one query block: tables, conjuncts, grouping, having, columns, order, limit — every expression
//! rewritten to name base columns (`t0.age`) or results of the grouping (`agg.2`).

use std::{collections::HashMap, sync::Arc};

use datafusion::{
    arrow::datatypes::Field,
    common::{
        Column, DFSchema, DFSchemaRef, TableReference,
        tree_node::{Transformed, TreeNode, TreeNodeRecursion},
    },
    logical_expr::{
        Aggregate, Distinct, Expr, FetchType, Join, JoinType, Limit, LogicalPlan, Operator,
        SkipType, Volatility, expr::Sort as SortExpr, utils::split_conjunction_owned,
    },
};

use super::{error::CompileError, parse::plain};

/// The qualifier of columns that a grouping yields.
pub(super) const GROUPED: &str = "agg";

/// One table of the FROM clause.
#[derive(Clone, Debug)]
pub(super) struct Scan {
    pub(super) party: String,
    pub(super) dataset: String,
    pub(super) schema: DFSchemaRef,
}

/// GROUP BY, or none of it with aggregates.
#[derive(Clone, Debug)]
pub(super) struct Grouping {
    pub(super) keys: Vec<Expr>,
    pub(super) aggregates: Vec<Expr>,
    pub(super) schema: DFSchemaRef,
}

/// A SELECT, flattened.
#[derive(Debug, Default)]
pub(super) struct Block {
    pub(super) scans: Vec<Scan>,
    /// Conditions on rows: WHERE and ON, split at AND.
    pub(super) conjuncts: Vec<Expr>,
    pub(super) grouping: Option<Grouping>,
    /// Conditions on groups.
    pub(super) having: Vec<Expr>,
    /// Result columns.
    pub(super) columns: Vec<(String, Expr)>,
    pub(super) order: Vec<SortExpr>,
    pub(super) limit: Option<u64>,
}

impl Block {
    /// Flattens a typed plan.
    pub(super) fn of(plan: &LogicalPlan) -> Result<Self, CompileError> {
        let mut block = Self::default();
        let fields = block.visit(plan)?;
        let names = plan.schema().fields().iter().map(|f| f.name().clone());
        block.columns = names.zip(fields).collect();
        Ok(block)
    }

    /// The types of all columns an expression of this block may name.
    pub(super) fn schema(&self) -> Result<DFSchema, CompileError> {
        let mut fields: Vec<(Option<TableReference>, Arc<Field>)> = Vec::new();
        for (i, scan) in self.scans.iter().enumerate() {
            for field in scan.schema.fields() {
                fields.push((Some(TableReference::bare(table(i))), Arc::clone(field)));
            }
        }
        if let Some(grouping) = &self.grouping {
            for (i, field) in grouping.schema.fields().iter().enumerate() {
                let field = field.as_ref().clone().with_name(i.to_string());
                fields.push((Some(TableReference::bare(GROUPED)), Arc::new(field)));
            }
        }
        DFSchema::new_with_metadata(fields, HashMap::new())
            .map_err(|e| CompileError::Meaning { message: plain(&e) })
    }

    fn visit(&mut self, plan: &LogicalPlan) -> Result<Vec<Expr>, CompileError> {
        match plan {
            LogicalPlan::TableScan(scan) => {
                let party = scan.table_name.schema().unwrap_or_default().to_owned();
                let dataset = scan.table_name.table().to_owned();
                let schema = Arc::clone(&scan.projected_schema);
                let table = table(self.scans.len());
                let names = schema.fields().iter().map(|f| f.name().clone());
                let fields = names.map(|n| column(&table, n)).collect();
                self.scans.push(Scan { party, dataset, schema });
                Ok(fields)
            }
            LogicalPlan::SubqueryAlias(alias) => self.visit(&alias.input),
            LogicalPlan::Projection(projection) => {
                let fields = self.visit(&projection.input)?;
                let schema = projection.input.schema();
                projection.expr.iter().map(|e| resolve(e, schema, &fields)).collect()
            }
            LogicalPlan::Filter(filter) => {
                let fields = self.visit(&filter.input)?;
                self.no_limit("a condition")?;
                let condition = resolve(&filter.predicate, filter.input.schema(), &fields)?;
                self.add_condition(condition);
                Ok(fields)
            }
            LogicalPlan::Join(join) => self.join(join),
            LogicalPlan::Aggregate(aggregate) => self.aggregate(aggregate),
            LogicalPlan::Distinct(Distinct::All(input)) => self.distinct(input),
            LogicalPlan::Sort(sort) => {
                let fields = self.visit(&sort.input)?;
                self.no_limit("another ORDER BY")?;
                self.order = (sort.expr.iter())
                    .map(|s| {
                        let expr = resolve(&s.expr, sort.input.schema(), &fields)?;
                        Ok(SortExpr { expr, asc: s.asc, nulls_first: s.nulls_first })
                    })
                    .collect::<Result<_, CompileError>>()?;
                self.limit_to(sort.fetch)?;
                Ok(fields)
            }
            LogicalPlan::Limit(limit) => self.limit(limit),
            other => Err(unsupported_node(other)),
        }
    }

    fn add_condition(&mut self, condition: Expr) {
        let parts = split_conjunction_owned(condition);
        if self.grouping.is_some() {
            self.having.extend(parts);
        } else {
            self.conjuncts.extend(parts);
        }
    }

    fn join(&mut self, join: &Join) -> Result<Vec<Expr>, CompileError> {
        if join.join_type != JoinType::Inner {
            let hint = "only INNER JOIN … ON equality runs jointly";
            return Err(CompileError::unsupported(
                format!("{} JOIN", join.join_type.to_string().to_uppercase()),
                "FROM",
                hint,
            ));
        }
        let left = self.visit(&join.left)?;
        let right = self.visit(&join.right)?;
        if self.grouping.is_some() || self.limit.is_some() {
            return Err(CompileError::unsupported(
                "a join of a grouped or limited subquery",
                "FROM",
                "join first, group afterwards",
            ));
        }
        for (l, r) in &join.on {
            let l = resolve(l, join.left.schema(), &left)?;
            let r = resolve(r, join.right.schema(), &right)?;
            self.conjuncts.push(l.eq(r));
        }
        let fields: Vec<Expr> = left.into_iter().chain(right).collect();
        if let Some(filter) = &join.filter {
            let condition = resolve(filter, &join.schema, &fields)?;
            self.add_condition(condition);
        }
        Ok(fields)
    }

    fn aggregate(&mut self, aggregate: &Aggregate) -> Result<Vec<Expr>, CompileError> {
        let fields = self.visit(&aggregate.input)?;
        self.no_limit("grouping")?;
        if self.grouping.is_some() {
            return Err(CompileError::unsupported(
                "grouping the result of a grouping",
                "GROUP BY",
                "use one level of GROUP BY or DISTINCT",
            ));
        }
        let schema = aggregate.input.schema();
        let keys = aggregate.group_expr.iter().map(|e| resolve(e, schema, &fields));
        let keys = keys.collect::<Result<Vec<_>, _>>()?;
        if keys.iter().any(|k| matches!(k, Expr::GroupingSet(_))) {
            return Err(CompileError::unsupported(
                "ROLLUP, CUBE or GROUPING SETS",
                "GROUP BY",
                "differences of its totals would show suppressed groups; ask for one grouping",
            ));
        }
        let aggregates = aggregate.aggr_expr.iter().map(|e| resolve(e, schema, &fields));
        let aggregates = aggregates.collect::<Result<Vec<_>, _>>()?;
        Ok(self.group(keys, aggregates, &aggregate.schema))
    }

    fn distinct(&mut self, input: &LogicalPlan) -> Result<Vec<Expr>, CompileError> {
        let keys = self.visit(input)?;
        self.no_limit("DISTINCT")?;
        if self.grouping.is_some() {
            return Err(CompileError::unsupported(
                "DISTINCT over aggregates",
                "SELECT",
                "rows of a GROUP BY are distinct when all its keys are selected",
            ));
        }
        Ok(self.group(keys, Vec::new(), input.schema()))
    }

    fn group(&mut self, keys: Vec<Expr>, aggregates: Vec<Expr>, schema: &DFSchemaRef) -> Vec<Expr> {
        self.order.clear();
        let count = keys.len() + aggregates.len();
        self.grouping = Some(Grouping { keys, aggregates, schema: Arc::clone(schema) });
        (0..count).map(|i| column(GROUPED, i.to_string())).collect()
    }

    fn limit(&mut self, limit: &Limit) -> Result<Vec<Expr>, CompileError> {
        let fields = self.visit(&limit.input)?;
        let meaning = |e| CompileError::Meaning { message: plain(&e) };
        if !matches!(limit.get_skip_type().map_err(meaning)?, SkipType::Literal(0)) {
            return Err(CompileError::unsupported("OFFSET", "LIMIT", "use LIMIT alone"));
        }
        match limit.get_fetch_type().map_err(meaning)? {
            FetchType::Literal(rows) => self.limit_to(rows)?,
            FetchType::UnsupportedExpr => {
                return Err(CompileError::unsupported(
                    "a LIMIT that is no number",
                    "LIMIT",
                    "write a number",
                ));
            }
        }
        Ok(fields)
    }

    fn limit_to(&mut self, rows: Option<usize>) -> Result<(), CompileError> {
        let Some(rows) = rows else { return Ok(()) };
        if rows == 0 {
            return Err(CompileError::unsupported("LIMIT 0", "LIMIT", "ask for at least one row"));
        }
        let rows = u64::try_from(rows).unwrap_or(u64::MAX);
        self.limit = Some(self.limit.map_or(rows, |l| l.min(rows)));
        Ok(())
    }

    fn no_limit(&self, what: &str) -> Result<(), CompileError> {
        if self.limit.is_none() {
            return Ok(());
        }
        Err(CompileError::unsupported(
            format!("{what} on the result of a LIMIT"),
            "FROM (subquery)",
            "apply LIMIT to the whole query",
        ))
    }
}

/// The qualifier of the `i`-th table.
pub(super) fn table(i: usize) -> String {
    format!("t{i}")
}

fn column(table: &str, name: String) -> Expr {
    Expr::Column(Column::new(Some(TableReference::bare(table)), name))
}

/// Most parts of subqueries' expressions that are written into one expression: nesting could double them at every level.
const MAX_PARTS: usize = 5_000;

/// How many parts an expression has, those of what its columns stand for included.
fn parts(expr: &Expr, below: &dyn Fn(&Column) -> usize) -> usize {
    let mut all = 0_usize;
    let visited = expr.apply(|e| {
        all = all.saturating_add(if let Expr::Column(column) = e { below(column) } else { 1 });
        Ok(if all > MAX_PARTS { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    });
    debug_assert!(visited.is_ok(), "the visitor returns no error");
    all
}

/// Refuses an expression that would be too large with its columns replaced, before it is made.
fn fits(expr: &Expr, schema: &DFSchema, fields: &[Expr]) -> Result<(), CompileError> {
    let below = |column: &Column| {
        let field = schema.index_of_column(column).ok().and_then(|index| fields.get(index));
        field.map_or(1, |field| parts(field, &|_| 1))
    };
    let plain = fields.iter().all(|field| matches!(field, Expr::Column(_)));
    if plain || parts(expr, &below) <= MAX_PARTS {
        return Ok(());
    }
    let construct = format!("an expression of more than {MAX_PARTS} parts");
    let hint = "what subqueries compute is written out wherever it is named; name it less often";
    Err(CompileError::unsupported(construct, "a subquery", hint))
}

/// Replaces each column by what it stands for below, and drops aliases.
fn resolve(expr: &Expr, schema: &DFSchema, fields: &[Expr]) -> Result<Expr, CompileError> {
    fits(expr, schema, fields)?;
    let mut volatile = None;
    let replaced = expr.clone().transform_up(|e| match e {
        Expr::Column(column) => {
            let index = schema.index_of_column(&column)?;
            Ok(Transformed::yes(fields[index].clone()))
        }
        Expr::Alias(alias) => Ok(Transformed::yes(*alias.expr)),
        Expr::ScalarFunction(f) if f.func.signature().volatility == Volatility::Volatile => {
            volatile = Some(f.name().to_owned());
            Ok(Transformed::no(Expr::ScalarFunction(f)))
        }
        other => Ok(Transformed::no(other)),
    });
    if let Some(name) = volatile {
        return Err(CompileError::unsupported(
            format!("function {name}"),
            "an expression",
            "its value would differ between parties and attempts",
        ));
    }
    replaced.map(|t| t.data).map_err(|e| CompileError::Meaning { message: plain(&e) })
}

fn unsupported_node(node: &LogicalPlan) -> CompileError {
    let (construct, place, hint) = match node {
        LogicalPlan::Window(_) => ("a window function", "SELECT", "use GROUP BY"),
        LogicalPlan::Union(_) => ("UNION", "the query", "submit two jobs"),
        LogicalPlan::Distinct(_) => ("DISTINCT ON", "SELECT", "use DISTINCT or GROUP BY"),
        LogicalPlan::EmptyRelation(_) | LogicalPlan::Values(_) => {
            ("a SELECT without a table", "FROM", "name a table as party.dataset")
        }
        LogicalPlan::RecursiveQuery(_) => ("a recursive query", "WITH", "use plain subqueries"),
        LogicalPlan::Unnest(_) => ("UNNEST", "SELECT", "columns are scalars here"),
        _ => ("this kind of query", "the query", "a job is one SELECT"),
    };
    CompileError::unsupported(construct, place, hint)
}

/// Both sides of `a = b`.
pub(super) fn equality(expr: &Expr) -> Option<(&Expr, &Expr)> {
    match expr {
        Expr::BinaryExpr(b) if b.op == Operator::Eq => Some((&b.left, &b.right)),
        _ => None,
    }
}
