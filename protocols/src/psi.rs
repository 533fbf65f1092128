//! Private set intersection: what two or more parties have in common, and nothing else.
//!
//! Elements are 16-byte ids that both sides made alike from their keys under a salt of the session; no payload column enters
//! a protocol of two.

pub mod aggregate;
mod buckets;
pub mod circuit;
mod cores;
pub mod cuckoo;
mod distinct;
pub mod ecdh;
pub mod elias_fano;
mod hello;
mod ids;
mod layout;
pub mod lookup;
mod matches;
pub mod multiparty;
pub mod opprf;
pub mod oprf;
mod parameters;
pub mod planner;
mod progress;
mod ranged;
mod tags;
#[cfg(test)]
mod tests;
mod uniform_sort;
pub mod vole_psi;

pub use buckets::{Buckets, Members, Scattered};
pub use distinct::{Distinct, bucket_of, bucket_range};
pub use hello::{Output, Setting, exchange_sizes};
pub use ids::Salt;
pub use parameters::{BATCH_SLOTS, BUCKET_ITEMS, Parameters, ParametersError, Sizes};
pub use progress::Progress;
pub use ranged::Ranged;
