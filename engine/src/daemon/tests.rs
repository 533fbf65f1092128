//! Whole daemons over real TLS on loopback, with a runner that computes nothing but goes through every motion.

mod consents;
mod fake;
mod faults;
mod logs;
mod receipts;
mod travel;
mod world;
