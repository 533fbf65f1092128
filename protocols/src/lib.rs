//! What three parties compute with each other on secret shares. Knows vectors, not tables; peers, not jobs.

pub mod kernels;
pub mod net;
pub mod party;
