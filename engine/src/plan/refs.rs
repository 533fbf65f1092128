//! Columns of a plan: how one is named.

use serde::{Deserialize, Serialize};

/// An earlier node's output column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Ref(
    /// Node.
    pub u32,
    /// Output of that node.
    pub u32,
);
