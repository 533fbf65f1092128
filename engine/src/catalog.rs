//! Datasets: what a provider publishes of them, how it reads them, and the checks that its promises about them hold.

mod cell;
mod commitment;
mod config;
mod descriptor;
mod error;
mod open;
mod promises;
mod read;
mod schema;
#[cfg(test)]
mod tests;

pub use config::{Bound, ColumnConfig, DatasetConfig, Source};
pub use descriptor::{ColumnSpec, ColumnType, DatasetDescriptor, Range};
pub use error::{Broken, CatalogError};
pub use open::Catalog;
pub use promises::{ColumnValues, column_values};
