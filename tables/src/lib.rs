//! What a table is before it meets a protocol: key columns of a file in canonical form, and the rows that are kept of it.
//!
//! Two providers write the same key in different ways: another case, a stray blank, full-width digits, a decimal with a
//! trailing zero. [`KeyEncoder`] brings both to the same bytes, by rules that are declared and never guessed. Files are read
//! and written as streams: what is in memory is a batch of rows, however long the file.
//!
//! Knows files and columns; no job, no share, no peer.

mod broken;
mod canonical;
mod file;
mod ids;
mod keep;
mod keys;
mod lowest;
mod normal;
mod quotes;
mod spill;
mod write;

pub use broken::{TableError, complaint};
pub use file::{Batches, TableFile};
pub use ids::spill_ids;
pub use keep::{Keep, Kept, keep_rows};
pub use keys::{KeyColumn, KeyEncoder, KeyKind, Keys};
pub use lowest::Lowest;
pub use normal::Normal;
pub use quotes::Quotes;
pub use spill::Spill;
pub use write::TableWriter;
