//! Many points of Curve25519 by their u-coordinates alone: one scalar times each, and hashes mapped to points.
//!
//! What is here is the meaning; eight lanes at a time are in [`super::ifma`].

mod chain;
mod elligator;
mod encoding;
mod field;
mod ladder;

#[cfg(target_arch = "x86_64")]
pub(super) use chain::{invert, power_250};
pub(super) use elligator::map;
#[cfg(target_arch = "x86_64")]
pub(super) use encoding::{is_canonical, swap_bits, words};
pub(super) use ladder::ladder;
