//! Work of three that is cut into units, of which the one under way is repeated where a link was lost.
//!
//! ```text
//! unit after unit:    the work, then a word from each party to both others: done with this one
//! a link is lost:     its ends say so to the third party, in the place of what is due there, and make the link anew;
//!                     each party tells both others how many units it is done with, and all go on behind the fewest
//! ```
//!
//! Whoever is past the words of a unit has heard that all are done with it, so nobody ever goes back behind those. A party that is
//! done with a unit when another one is not drops what it made of it.
//!
//! Units may lie in several steps of a plan, one after the other: what is repeated goes back to the step where the unit began.
//!
//! Each attempt is told apart by the number in its tags, as the parts of a fork are. A frame of a later attempt says that its sender
//! has broken off the one that is on; what is left of an earlier one is thrown away up to that frame. [`agree`] says how all three
//! come to the same attempt.
//!
//! Only a lost link is made anew: its connections ended, and nobody said why. An abort, a frame that is none, a peer that says goodbye
//! and one that is silent for too long end the run. So does a link that is lost more often than [`RENEWALS`] times, and one that is lost
//! under the words of the last unit, for whoever has heard them has gone on.
//!
//! # Security
//! Semi-honest, as the work is. Correlated randomness of an attempt is drawn from keystream positions of its own, by its number, so
//! that nothing is ever masked twice under the same words; a party's own generator goes on where it stood. So a repeated unit is a run
//! of its own, and two runs on the same inputs that each show nothing together show nothing. That holds for work that opens
//! nothing, and for random permutations: what a sort opens is uniform whatever the rows are, under a shuffle that is drawn anew in
//! each attempt. Nothing else can be opened within units. What the parties tell each other are numbers of units that were done and of links
//! that were lost, which all of them see anyway.

mod agree;
mod attempts;
mod span;

pub(in crate::session) use agree::say;
pub use attempts::{RENEWALS, REPEATS, again_bytes};
pub(in crate::session) use span::{NUMBERS, Span};

#[cfg(test)]
mod tests;
