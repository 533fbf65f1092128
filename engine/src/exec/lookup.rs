//! Private lookups: the party that asks fetches the published table where it does not hold it, then learns what it says of its
//! keys, while the third party waits.
//!
//! ```text
//! asks                                      answers
//!   digest of the statement it holds,
//!   pieces it has of its table        ───▶
//!                                     ◀───  statement; the pieces it lacks, all if that is another one
//!   blinded queries, to its bound     ───▶
//!                                     ◀───  evaluated, with proofs
//!   that all have come                ───▶
//! ```
//!
//! Where the link of the two is lost they make it anew, and begin like this again: what has come of the table stays, in a later run too,
//! and so do the batches that were answered, in this run ([`protocols::psi::lookup::look_up_from`]). The queries are counted once. As in
//! an intersection of two ([`super::resume`]), who says the last word cannot know that it arrives: a link that is lost under it ends the
//! job.

mod answer;
mod ask;
mod attempts;
mod keys;
mod labels;
mod run;
mod shape;

pub use labels::Labels;
pub use run::LookedUp;
pub use shape::{Far, lookup_cost_from, table_left};

pub(super) use run::run;
pub(super) use shape::{cost, table_cost};
