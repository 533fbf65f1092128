//! How a statement uses each column: what policies are asked about.

use std::collections::BTreeSet;

use datafusion::logical_expr::Expr;

use super::tables::{Tables, columns};
use crate::plan::{ColumnUse, UseForm};

/// The uses found so far.
#[derive(Debug, Default)]
pub(super) struct Uses(BTreeSet<ColumnUse>);

impl Uses {
    /// Every base column of the expression is used in this form.
    pub(super) fn record(&mut self, expr: &Expr, form: &UseForm, tables: &Tables<'_>) {
        for column in columns(expr) {
            if let Some((table, spec)) = tables.spec(&column) {
                self.0.insert(ColumnUse {
                    party: table.dataset.party.clone(),
                    dataset: table.dataset.name.clone(),
                    column: spec.name.clone(),
                    form: form.clone(),
                });
            }
        }
    }

    /// Sorted, without duplicates.
    pub(super) fn into_vec(self) -> Vec<ColumnUse> {
        self.0.into_iter().collect()
    }
}
