//! A result that is opened to owners of sets instead of being sealed to the buyer.

use serde::{Deserialize, Serialize};

use super::{ir::Plan, output::Output};
use crate::identity::PartyName;

/// Released columns that compute parties open: what an owner learns of an intersection beyond its own rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tell {
    /// Who opens them, one after the other; compute parties, each named once.
    pub to: Vec<PartyName>,
    /// What they open: masked as what a buyer gets.
    pub output: Output,
}

impl Tell {
    /// What does not fit.
    pub(super) fn check(&self, plan: &Plan) -> Result<(), String> {
        if self.to.is_empty() {
            return Err("is opened to nobody".into());
        }
        for (at, party) in self.to.iter().enumerate() {
            if !plan.compute.contains(party) {
                return Err(format!("is opened to {party}, which does not compute"));
            }
            if self.to[..at].contains(party) {
                return Err(format!("is opened to {party} twice"));
            }
        }
        Ok(())
    }

    /// What it shows to each, in at most so many rows.
    pub(super) fn shown(&self, rows: &str) -> impl Iterator<Item = String> {
        let columns = self.output.columns.len();
        self.to.iter().map(move |party| {
            format!(
                "{party}: the {columns} result columns of the released rows, at most {rows}; what is not released is zero"
            )
        })
    }
}
