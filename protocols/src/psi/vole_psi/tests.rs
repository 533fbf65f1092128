//! Against the plain intersection, and against peers that are at fault.

mod attempts;
mod exact;
mod faults;
