//! Which deviations a protocol of two withstands.

/// The adversary that a protocol of two is run against.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Model {
    /// The peer follows the protocol and learns what it can from what it sees.
    SemiHonest,
    /// The peer does what it likes: each message is checked before anything that depends on it is used.
    Malicious,
}

impl Model {
    /// Whether messages are checked.
    #[must_use]
    pub fn checks(self) -> bool {
        self == Self::Malicious
    }
}
