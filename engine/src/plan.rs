//! The joint plan: operations on shared columns, with their hash, price and leakage report.

mod encoded;
mod ir;
mod layout;

pub use encoded::{EncodedColumn, EncodedInput};
pub use ir::{
    ColumnUse, Decode, Encoding, Extreme, InputColumn, Kind, LocalInput, Op, Output, OutputColumn,
    PLAN_FORMAT, Plan, PolicyRef, Ref, Shape, SortKey, UseForm,
};
