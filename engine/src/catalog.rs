//! Datasets: what a provider publishes of them, and how it reads them.

mod descriptor;
mod schema;

pub use descriptor::{ColumnSpec, ColumnType, DatasetDescriptor, Range};
