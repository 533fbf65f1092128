//! Against the plain intersection, and against peers that are at fault.

mod exact;
mod faults;
