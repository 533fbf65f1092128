//! The joint plan: operations on shared columns, with their hash, types, text and leakage report, and how the buyer reads the
//! opened result.

mod check;
mod encoded;
mod hash;
mod ir;
mod layout;
mod terms;
mod typing;

pub use check::{PlanError, check};
pub use encoded::{EncodedColumn, EncodedInput};
pub use hash::hash;
pub use ir::{
    ColumnUse, Decode, Encoding, Extreme, InputColumn, Kind, LocalInput, Op, Output, OutputColumn,
    PLAN_FORMAT, Plan, PolicyRef, Ref, Shape, SortKey, UseForm,
};
pub use terms::PolicyTerms;
