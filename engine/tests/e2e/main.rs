//! The program as its operators run it: real daemons as child processes, real files, kills, wrong input, consents, and what
//! is left behind afterwards.

#![expect(clippy::unwrap_used, reason = "what cannot be unwrapped fails the test")]

mod allocation;
mod cast;
mod mutant;
mod needles;
mod opened;
mod wiretap;
mod words;
mod world;

mod again;
mod buckets;
mod canary;
mod consent;
mod documents;
mod doors;
mod exact;
mod faults;
mod files;
mod full;
mod heard;
mod input;
mod interrupted;
mod joins;
mod killed;
mod killed_again;
mod killed_between;
mod large;
mod lookup;
mod lost;
mod many;
mod masks;
mod mended;
mod plugin;
mod psi;
mod released;
mod ring;
mod roles;
mod score;
mod shape;
mod shares;
mod train;
mod trees;
mod vertical;
mod view;
mod wide;
