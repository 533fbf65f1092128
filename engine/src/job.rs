//! Jobs: what is asked for, and the states it goes through.

mod spec;

pub use spec::{JobKind, JobSpec, NetworkProfile, Security};
