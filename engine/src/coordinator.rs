//! The coordinator: takes jobs in, asks the participants, keeps ciphertexts and receipts. It holds metadata only.
//!
//! # Invariants
//! * Nothing here names a share, a protocol or a secret key of a result.
//! * It can start nothing alone: every participant checks consents itself.

mod again;
mod board;
mod book;
mod drive;
mod failed;
mod planner;
mod release;
mod results;
mod service;

pub use board::{Board, Patience};
pub use planner::{Assembly, End, Outline, Planner};
pub use service::JobServer;
