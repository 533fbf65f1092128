//! Hashing two sets into bins so that each bin of one has at most one element, and all that can equal it is in the same bin
//! of the other: what turns an intersection into one comparison a bin.
//!
//! ```text
//!   receiver (cuckoo)                 sender (simple)
//!   each element in one of its        each element in all three of its bins,
//!   three bins, one a bin             under three different keys (element, hash number)
//!
//!   bin 0   x₄ by hash 2              (y₁, 0) (y₇, 2)
//!   bin 1   —                         (y₃, 1)
//!   bin 2   x₁ by hash 0              (y₁, 1) (y₂, 0) (y₉, 0)
//! ```
//!
//! An element x = y that stands in a bin by its hash i meets the key (y, i) there and no other of its three.
//!
//! # Security
//! Where the receiver's elements stand is known to it alone and depends on its set; the number of bins is public and does not.
//! Nothing here talks to a peer.
//!
//! # Source
//! \[PSZ18\] Pinkas, Schneider, Zohner: *Scalable Private Set Intersection Based on OT Extension*, ACM TOPS 21(2), 2018
//! (three hash functions); \[PSTY19\] Pinkas, Schneider, Tkachenko, Yanai: *Efficient Circuit-Based PSI with Linear
//! Communication*, EUROCRYPT 2019, <https://eprint.iacr.org/2019/241> (no stash, 1.27 bins an element, found by experiment).
//! Here there are 1.3 bins an element and a few more, because for those the failure can be bounded by proof: see [`Params`].

mod hashing;
mod params;
mod table;

pub use hashing::{Hashing, Simple};
pub use params::{Params, ParamsError};
pub use table::{PlaceError, Table};
