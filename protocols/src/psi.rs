//! Private set intersection: what two or more parties have in common, and nothing else.
//!
//! Elements are 16-byte ids that both sides made alike from their keys under a salt of the session; no payload column enters
//! a protocol of two.

pub mod aggregate;
pub mod cuckoo;
mod distinct;
pub mod ecdh;
pub mod elias_fano;
mod ids;
mod uniform_sort;

pub use distinct::{Distinct, bucket_of};
pub use ids::Salt;
