//! The curve of ε and δ that the composed losses give.

use super::{
    super::{
        event::{Event, plain_delta},
        exact,
    },
    compose::{Composed, compose},
};

/// The least ε for a δ, of all events together.
///
/// # Panics
/// If δ is not in (0, 1).
#[must_use]
pub fn epsilon(events: &[Event], delta: f64) -> f64 {
    assert!(delta > 0.0 && delta < 1.0, "δ is a probability");
    if let Some(exact) = exact::epsilon(events, delta) {
        return exact;
    }
    both(events).iter().map(|composed| composed.epsilon(delta)).fold(0.0, f64::max)
}

/// The least δ for an ε of at least 0, of all events together.
#[must_use]
pub fn delta(events: &[Event], epsilon: f64) -> f64 {
    if let Some(exact) = plain_delta(events, epsilon) {
        return exact;
    }
    both(events).iter().map(|composed| composed.delta(epsilon)).fold(0.0, f64::max)
}

/// A unit removed, and a unit added.
fn both(events: &[Event]) -> [Composed; 2] {
    let events: Vec<Event> = events.iter().copied().filter(|event| event.steps() > 0).collect();
    compose(&events)
}
