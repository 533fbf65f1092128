//! What the parties see and what may go wrong, attacked: each check also fails on a copy that was broken on purpose.
#![expect(clippy::unwrap_used, reason = "a test may stop where something is missing")]

mod attempts;
mod costs;
mod faults;
mod hostile;
mod masks;
mod openings;
mod outside;
mod ranges;
mod ranks;
mod transcripts;
mod vector_costs;
mod view;
