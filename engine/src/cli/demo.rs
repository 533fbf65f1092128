//! `unseen demo`: every role as a process of its own on loopback, on real tables; the buyer's answer at the end.

mod actor;
mod held_out;
mod jobs;
mod joined;
mod kept;
mod messy;
mod models;
mod regions;
mod report;
mod stage;
mod tables;
mod world;

pub(in crate::cli) use jobs::list;
pub(in crate::cli) use stage::run;
