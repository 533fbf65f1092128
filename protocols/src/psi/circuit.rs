//! Circuit PSI: which elements two providers have in common, and the columns that come with them, as shares that nobody can
//! read: a table on which joint queries and training go on.
//!
//! ```text
//!     receiver: cuckoo table, one element a bin        sender: each element in its three bins
//!          │                                                   │ in each bin a random tag r, a random mask m a column
//!          │◀── programmed function: (y, i) ↦ (r, v − m) ──────│
//!          │ in each bin t = r and u = v − m if its element    │
//!          │ is the sender's too, else random                  │
//!          ╰──────── t ⊕ r and u + m, shared among three ──────╯   split
//!                    live = [t ⊕ r = 0] in each bin                equality on shares
//! ```
//!
//! [`Task`] is what is public about it, [`intersect`] does it, [`Matches`] is what comes out. [`Bucketed`] does it bucket by bucket,
//! for sets that are larger than memory. [`way`] says whether it is cheaper than a join of shared tables.
//!
//! # Security
//! Semi-honest, one corrupted of the three compute parties, of which the two providers are two. The programmed function is a
//! protocol of two and semi-honest between the providers, whatever the third does. That [`intersect`] opens nothing, not
//! even the number of matches, holds under an honest majority only: two parties of the three together can read all shares.
//! Not for a session that promises security against malicious parties: a sender can program what it likes.
//!
//! # Source
//! \[PSTY19\] <https://eprint.iacr.org/2019/241> (cuckoo hashing without a stash, and one programmed value a bin) with the
//! function from VOLE, \[RS21\] Rindal and Schoppmann, *VOLE-PSI: Fast OPRF and Circuit-PSI from Vector-OLE*, EUROCRYPT 2021,
//! <https://eprint.iacr.org/2021/266>, section 5. There the two providers compare by a protocol of two; here, since there are
//! three parties anyway, the comparison goes on in their sharing, at a fraction of its price.

mod bucketed;
mod fields;
mod intersect;
mod matches;
mod providers;
mod split;
mod task;
#[cfg(test)]
mod tests;
mod way;

pub use bucketed::{Bucketed, intersect_bucket, intersect_bucket_cost};
pub use intersect::{Set, intersect, intersect_cost};
pub use matches::{Matches, zeroed_cost};
pub use task::{Provider, Task, TaskError};
pub use way::{Way, local_nanos, way};
