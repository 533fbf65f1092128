//! The tables of a statement: which dataset each is, what its columns promise, and which of them an expression reads.

use std::collections::BTreeSet;

use datafusion::{
    common::{
        Column, DFSchema,
        tree_node::{Transformed, TreeNode, TreeNodeRecursion},
    },
    logical_expr::{Expr, ExprSchemable},
};

use super::{
    bounds::Bounds,
    error::CompileError,
    flatten::{Block, table},
};
use crate::{
    catalog::{ColumnSpec, DatasetDescriptor},
    plan::PolicyTerms,
};

/// One table of the statement.
#[derive(Clone, Copy, Debug)]
pub(super) struct Table<'a> {
    pub(super) dataset: &'a DatasetDescriptor,
    pub(super) terms: Option<&'a PolicyTerms>,
}

/// All tables, and the types of all columns that expressions may name.
#[derive(Debug)]
pub(super) struct Tables<'a> {
    all: Vec<Table<'a>>,
    schema: DFSchema,
}

impl<'a> Tables<'a> {
    pub(super) fn new(
        block: &Block,
        datasets: &'a [DatasetDescriptor],
        policies: &'a [PolicyTerms],
    ) -> Result<Self, CompileError> {
        let find = |party: &str, name: &str| {
            let dataset = datasets.iter().find(|d| d.party.as_str() == party && d.name == name);
            dataset.map(|dataset| {
                let terms = policies.iter().find(|p| p.policy.dataset == dataset.table());
                Table { dataset, terms }
            })
        };
        let all: Option<Vec<_>> = block.scans.iter().map(|s| find(&s.party, &s.dataset)).collect();
        let all = all.ok_or_else(|| CompileError::Inconsistent {
            what: "a table without a descriptor".into(),
        })?;
        Ok(Self { all, schema: block.schema()? })
    }

    pub(super) fn schema(&self) -> &DFSchema {
        &self.schema
    }

    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    pub(super) fn get(&self, table: usize) -> Table<'a> {
        self.all[table]
    }

    /// Which table a base column belongs to; none for columns of the grouping.
    pub(super) fn table_of(&self, column: &Column) -> Option<usize> {
        let qualifier = column.relation.as_ref()?.table();
        (0..self.all.len()).find(|i| table(*i) == qualifier)
    }

    /// The table and the promise of a base column.
    pub(super) fn spec(&self, column: &Column) -> Option<(Table<'a>, &'a ColumnSpec)> {
        let table = self.get(self.table_of(column)?);
        Some((table, table.dataset.column(&column.name)?))
    }

    /// Bounds of a base column.
    pub(super) fn bounds(&self, column: &Column) -> Option<Bounds> {
        let (min, max) = self.spec(column)?.1.bounds()?;
        Some(Bounds::new(min, max))
    }

    /// The public value list of a base column: the dataset's, else the policy's.
    pub(super) fn domain(&self, column: &Column) -> Option<&'a [String]> {
        let (table, spec) = self.spec(column)?;
        let policy = || table.terms.and_then(|t| t.domains.get(&spec.name));
        spec.domain.as_ref().or_else(policy).map(Vec::as_slice)
    }

    /// Whether a value may be NULL.
    pub(super) fn nullable(&self, expr: &Expr) -> bool {
        expr.nullable(&self.schema).unwrap_or(true)
    }

    /// The expression for a message: columns by the name of their dataset.
    pub(super) fn shown(&self, expr: &Expr) -> String {
        let renamed = expr.clone().transform_up(|e| {
            let Expr::Column(column) = &e else { return Ok(Transformed::no(e)) };
            let Some(table) = self.table_of(column) else { return Ok(Transformed::no(e)) };
            let name = format!("{}.{}", self.get(table).dataset.table(), column.name);
            Ok(Transformed::yes(Expr::Column(Column::new_unqualified(name))))
        });
        renamed.map_or_else(|_| expr.to_string(), |t| t.data.to_string())
    }

    /// What an expression reads.
    pub(super) fn reads(&self, expr: &Expr) -> Reads {
        let mut reads = Reads::default();
        for column in columns(expr) {
            match self.table_of(&column) {
                Some(table) => {
                    reads.tables.insert(table);
                }
                None => reads.grouped = true,
            }
        }
        reads
    }
}

/// Which tables an expression reads, and whether it reads results of the grouping.
#[derive(Debug, Default)]
pub(super) struct Reads {
    pub(super) tables: BTreeSet<usize>,
    pub(super) grouped: bool,
}

impl Reads {
    /// The table, if the expression reads exactly one and nothing else: it can be worked out by its owner.
    pub(super) fn single(&self) -> Option<usize> {
        let only = self.tables.first().copied();
        only.filter(|_| self.tables.len() == 1 && !self.grouped)
    }

    /// Whether it reads nothing.
    pub(super) fn nothing(&self) -> bool {
        self.tables.is_empty() && !self.grouped
    }
}

/// The columns an expression names.
pub(super) fn columns(expr: &Expr) -> BTreeSet<Column> {
    let mut found = BTreeSet::new();
    let visited = expr.apply(|e| {
        if let Expr::Column(column) = e {
            found.insert(column.clone());
        }
        Ok(TreeNodeRecursion::Continue)
    });
    debug_assert!(visited.is_ok(), "the visitor returns no error");
    found
}
