//! The joint plan: operations on shared columns, with their hash, types, text and leakage report, and how the buyer reads the
//! opened result.

mod agreed;
mod averaging;
mod between;
mod blur;
mod bucketwise;
mod check;
mod circuit;
#[cfg(any(test, feature = "testkit"))]
pub mod clear;
#[cfg(any(test, feature = "testkit"))]
mod clear_buckets;
#[cfg(any(test, feature = "testkit"))]
mod clear_tables;
#[cfg(any(test, feature = "testkit"))]
mod clear_vertical;
mod decode;
mod encoded;
mod ends;
mod exact;
mod explain;
mod gate;
mod hash;
mod ir;
mod layout;
mod lookup;
mod many;
mod metrics;
mod model;
mod output;
mod own_set;
mod presence;
mod privacy;
mod program;
mod psi;
mod reads;
mod refs;
mod released;
mod ring;
mod score;
mod seats;
mod statement;
mod strategy;
mod stretch;
mod tell;
mod terms;
#[cfg(test)]
mod tests;
mod train;
mod trees;
mod typing;
mod unpack;
mod uses;
mod valuation;
mod vertical;

pub use agreed::Agreed;
pub use between::Between;
pub use blur::{Blur, MAX_SENSITIVITY};
pub use bucketwise::Bucketwise;
pub(crate) use bucketwise::MAX_BUCKETS;
pub use check::{PlanError, check};
pub(crate) use circuit::bucketed;
pub use circuit::{circuit_task, columns_of, input_of, meeting};
pub use decode::{DecodeError, Opened, OpenedColumn, decode, json_rows};
pub use encoded::{
    EncodedColumn, EncodedInput, HomeSet, Masking, SignOnce, SignedSum, Spend, TrainingRows,
};
pub use ends::{Answers, Asks, KeyIds, Layer, LookupEnd, Passing, Shelf, TableCopy};
pub use explain::{explain, leakage};
pub use hash::hash;
pub use ir::{
    Encoding, Extreme, InputColumn, Kind, LocalInput, Op, PLAN_FORMAT, Plan, Shape, SortKey,
};
pub use lookup::{LEAST_CHANGE, Label, Lookup, MOST_CHANGES, is_change};
pub use many::{Many, many_alternatives, many_setting};
pub use model::Tensor;
pub use output::{Decode, Output, OutputColumn};
pub use own_set::{KeptIn, OwnSet, Portion};
pub use presence::Presence;
pub use privacy::Guarantee;
pub use program::{Place, Program};
pub use psi::{Intersect, Keep, Keeps, Learns, Match, PsiTerms, SetKey, SetUse};
pub use refs::Ref;
pub use score::Score;
pub use statement::{STATEMENT_BYTES, Statement, StatementError};
pub(crate) use stretch::{Part, Stretch};
pub use tell::Tell;
pub use terms::PolicyTerms;
pub use train::{Feature, ROUND_WORDS, Training};
pub use trees::BUCKETS;
pub use unpack::unpack;
pub use uses::{ColumnUse, PolicyRef, UseForm};
pub use valuation::{Overlap, Valuation};
pub use vertical::{TALLY_WORDS, UNIT_BITS, Vertical};
