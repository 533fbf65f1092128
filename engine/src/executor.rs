//! The part of a daemon that knows tables, plans and protocols: behind a participant's desk it compiles, prepares, runs,
//! seals and signs; behind the coordinator's it compiles and puts receipts together.
//!
//! ```text
//!   documents ─ compilation ─▶ Plan, quote, leakage report ─ policy ─▶ verdict
//!   tables    ─ prepare ─────▶ rows at home, commitments
//!   links     ─ joint ───────▶ session ─ exec ─▶ fresh shares ─ seal ─▶ ciphertext
//!   counters  ─ evidence ────▶ this party's part of the receipt
//! ```

mod aloud;
mod alternatives;
mod compilation;
mod difference;
mod entering;
mod entries;
mod evidence;
mod fetched;
mod forest;
mod intersections;
mod joining;
mod joint;
mod labelled;
mod links;
mod lookups;
mod making;
mod masking;
mod metrics;
mod model;
mod opening;
mod participant;
mod planner;
mod prepare;
mod publication;
mod publications;
mod publish;
mod quoted;
mod ready;
mod relink;
mod results;
mod rounds;
mod scratch;
mod standing;
mod tables;
mod trained;
mod trainers;
mod trainings;
mod worth;

pub use compilation::{Compilation, DATASET_DOMAIN, compile_published};
pub use intersections::Intersections;
pub use opening::{Delivery, Opener, check_failed_receipt, open_result};
pub use participant::Participant;
pub use planner::ReceiptPlanner;
pub use publication::Published as Publication;
pub use rounds::Rounds;
pub use scratch::Scratch;
pub use trained::Model;
pub use trainings::Trainings;
