//! The joint plan: operations on shared columns, with their hash, types, text and leakage report, and how the buyer reads the
//! opened result.

mod check;
#[cfg(any(test, feature = "testkit"))]
pub mod clear;
#[cfg(any(test, feature = "testkit"))]
mod clear_tables;
mod decode;
mod encoded;
mod explain;
mod hash;
mod ir;
mod layout;
mod psi;
mod refs;
mod terms;
#[cfg(test)]
mod tests;
mod typing;
mod uses;

pub use check::{PlanError, check};
pub use decode::{DecodeError, Opened, OpenedColumn, decode, json_rows};
pub use encoded::{EncodedColumn, EncodedInput};
pub use explain::{explain, leakage};
pub use hash::hash;
pub use ir::{
    Decode, Encoding, Extreme, InputColumn, Kind, LocalInput, Op, Output, OutputColumn,
    PLAN_FORMAT, Plan, Ref, Shape, SortKey,
};
pub use psi::{PsiTerms, SetKey};
pub use terms::PolicyTerms;
pub use uses::{ColumnUse, PolicyRef, UseForm};
