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
//! Where the provider publishes changes, both say it of each place that a chain of publications has, the whole table's and those of the
//! changes, of which the provider names as many as there are; all are fetched, and each key is asked of all of them by one blinded query
//! ([`protocols::psi::lookup::look_up_from`]): what goes over the link depends on how many there are, and on nothing that is asked or found.
//! A chain that is none is refused, and one that is older than what the party that asks has heard before.
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
pub use shape::{Far, lookup_cost_from, tables_left};

#[cfg(test)]
pub(super) use ask::ask;
pub(super) use run::run;
#[cfg(test)]
pub(super) use shape::Shape;
pub(super) use shape::{cost, table_cost};
