//! SQL to a joint plan: DataFusion parses and types the statement; whatever reads one provider's table only is cut off and run
//! by that provider; the rest becomes operations on shared columns.
//!
//! Everything here is a function of the job, the descriptors and the policies, so that every party compiles the same plan.

mod beneath;
mod bounds;
mod bucketwise;
mod builder;
mod chain;
mod compare;
mod compile;
mod compiler;
mod encode;
mod error;
mod flatten;
mod group;
mod intersect;
mod joins;
mod keys;
mod labels;
mod least;
mod local;
mod lookup;
mod lower;
mod many;
mod noise;
mod owners;
mod parse;
mod portions;
mod relate;
mod release;
mod rows;
mod score;
mod sets;
mod streamed;
mod surface;
mod tables;
#[cfg(test)]
pub(crate) mod tests;
mod text;
mod told;
mod total;
mod train;
mod uses;
mod value;
mod vertical;

#[cfg(test)]
pub(crate) use bucketwise::by_buckets;
pub use compile::{Compiled, compile};
pub use encode::{EncodeError, absent_id, encode, key_ids_of};
pub use error::CompileError;
pub use joins::compile_meeting;
pub use keys::normal;
pub use labels::{label_columns, label_rows};
pub use local::{LocalBatches, LocalError, encode_rows, local_batches, local_rows, run_local};
pub use portions::{PortionRows, portion_rows};
pub use rows::{numbers_of, training_rows};
