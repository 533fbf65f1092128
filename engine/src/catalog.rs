//! Datasets: what a provider publishes of them, how it reads them, and the checks that its promises about them hold.

mod cell;
mod commitment;
mod config;
mod descriptor;
mod error;
mod keys;
mod open;
mod promises;
mod read;
mod schema;
#[cfg(test)]
mod tests;

pub use config::{Bound, ColumnConfig, DatasetConfig, Source};
pub use descriptor::{ColumnSpec, ColumnType, DatasetDescriptor, Range};
pub use error::{Broken, CatalogError};
pub use keys::key_ids;
pub use open::Catalog;
pub use promises::{ColumnValues, column_values};
