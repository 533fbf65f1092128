//! The joint plan: operations on shared columns, with their hash, price and leakage report.

mod ir;
mod terms;

pub use ir::{
    ColumnUse, Decode, Encoding, Extreme, InputColumn, Kind, LocalInput, Op, Output, OutputColumn,
    PLAN_FORMAT, Plan, PolicyRef, Ref, Shape, SortKey, UseForm,
};
pub use terms::PolicyTerms;
