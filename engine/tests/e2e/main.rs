//! The program as its operators run it: real daemons as child processes, real files, kills, wrong input, consents, and what
//! is left behind afterwards.

#![expect(clippy::unwrap_used, reason = "what helps a test panics like one")]

mod cast;
mod needles;
mod world;

mod canary;
mod consent;
mod faults;
mod input;
mod shape;
