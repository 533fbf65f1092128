//! Who takes part in a run: the three compute parties by role, and outside providers by number.

use std::fmt;

/// A participant of one run: 0, 1, 2 are the compute parties, higher numbers providers that only share inputs.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PartyId(pub u16);

/// A compute party. Role `i` holds the summands `x_i` (own) and `x_{i+1}` (next) of every shared value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Holds `x_0`, `x_1`.
    P0,
    /// Holds `x_1`, `x_2`.
    P1,
    /// Holds `x_2`, `x_0`.
    P2,
}

impl Role {
    /// All three, in order.
    pub const ALL: [Self; 3] = [Self::P0, Self::P1, Self::P2];

    /// 0, 1 or 2.
    #[must_use]
    pub fn index(self) -> usize {
        self as usize
    }

    /// The party whose `own` is this one's `next`.
    #[must_use]
    pub fn next(self) -> Self {
        Self::ALL[(self.index() + 1) % 3]
    }

    /// The party whose `next` is this one's `own`.
    #[must_use]
    pub fn prev(self) -> Self {
        Self::ALL[(self.index() + 2) % 3]
    }

    /// This role as a participant.
    #[must_use]
    pub fn id(self) -> PartyId {
        PartyId(self as u16)
    }
}

impl PartyId {
    /// The compute role, if it is one.
    #[must_use]
    pub fn role(self) -> Option<Role> {
        Role::ALL.get(usize::from(self.0)).copied()
    }
}

impl fmt::Display for PartyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "P{}", self.0)
    }
}

impl fmt::Debug for PartyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.id(), f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn next_and_prev_are_inverse_on_the_ring_of_three() {
        for role in Role::ALL {
            assert_eq!(role.next().prev(), role);
            assert_eq!(role.next().next(), role.prev());
            assert_eq!(role.id().role(), Some(role));
        }
        assert_eq!(PartyId(3).role(), None);
    }
}
