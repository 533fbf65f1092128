//! Datasets: what a provider publishes of them, how it reads them, and the checks that its promises about them hold.
//!
//! A file is read batch by batch when the catalog is opened, and again by each job unless it is small. What it said the first
//! time is what jobs are committed to: a later reading that differs is an error, until the catalog is renewed.

mod cell;
mod check;
mod commitment;
mod config;
mod descriptor;
mod distinct;
mod error;
mod found;
mod open;
mod promises;
mod renewed;
mod schema;
mod source;
mod specs;
mod table;
#[cfg(test)]
mod tests;
mod typed;

pub use check::Limits;
pub use config::{Bound, ColumnConfig, DatasetConfig, Source};
pub use descriptor::{ColumnSpec, ColumnType, DatasetDescriptor, Range};
pub use error::{Broken, CatalogError};
pub use open::Catalog;
pub use promises::{ColumnValues, column_values};
pub use table::{Reading, Table};
