//! What ends a sum, and at whose door it lies.

/// Why a client or the coordinator goes no further.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SecAggError {
    /// A client that is none of this sum, or is none of one's neighbours.
    #[error("client {0} has no part in this here; the coordinator mixes up sums, or cheats")]
    Stranger(u32),
    /// Keys that the registered client did not sign for this sum.
    #[error(
        "the keys of client {0} are not signed by its registered key for this sum; somebody came between"
    )]
    KeySignature(u32),
    /// The same message a second time.
    #[error("client {0} has sent this before; a sum takes each message once")]
    Twice(u32),
    /// Shares that do not open, for so many that the others do not restore what they are of.
    #[error(
        "the shares that client {client} sealed for {by} of its neighbours do not open, and those of the others are too few; as not so \
         many are in league, it is faulty or cheats"
    )]
    Unopened {
        /// Whose.
        client: u32,
        /// How many of its neighbours say so.
        by: usize,
    },
    /// A vector of another length.
    #[error("client {client} sent {got} words and the sum has {want}")]
    Length {
        /// Whose.
        client: u32,
        /// How many.
        got: usize,
        /// How many there should be.
        want: usize,
    },
    /// Too few who take part to go on.
    #[error("{got} clients {what} and {least} are the least")]
    Few {
        /// What they do.
        what: &'static str,
        /// How many.
        got: usize,
        /// How many must.
        least: usize,
    },
    /// A client both in the sum and dropped out: both kinds of share would unmask it.
    #[error("client {0} is said to be in the sum and to have dropped out; the coordinator cheats")]
    Both(u32),
    /// Sets that leave this client out.
    #[error("this client sent its vector and is not in the sum; it gives no shares")]
    LeftOut,
    /// A signature under other sets.
    #[error(
        "client {0} signed other sets than this client was told; the coordinator tells two stories"
    )]
    Stories(u32),
    /// Shares that restore something else than what was announced, by one of the neighbours who gave them.
    #[error(
        "the shares of the lost client {0} restore another key than it announced; too few others of its neighbours' shares \
         are right to tell which of them lied, or whether it sealed them so"
    )]
    Restored(u32),
    /// A signature that does not hold.
    #[error("client {0} signed something else than the sets that it was told")]
    Signature(u32),
    /// A step that is not the one due.
    #[error(
        "a step of a round that is over, or out of turn, was asked for; the coordinator repeats itself, or cheats"
    )]
    Turn,
    /// A second pair of sets in a round.
    #[error(
        "this client has signed for this round before, in this job or in one of the same training, and signs for one sum of it; the coordinator has \
         lost what it kept, repeats itself, or cheats"
    )]
    Once,
    /// A client that did not share its secrets with every neighbour that announced keys.
    #[error("client {0} did not share its secrets with all of its neighbours")]
    Omitted(u32),
    /// Shares of others than those who are said to have shared: vectors of few could have masks in common with nobody else.
    #[error(
        "this client was not passed the shares of just those who are said to have shared; the coordinator cheats"
    )]
    Passed,
    /// A slot of a client's that says of itself what none can.
    #[error("client {0} gave a share of no kind that there is; it is faulty or cheats")]
    Mark(u32),
    /// A public key that gives no secret.
    #[error("client {0} announced a key that gives no secret; it is faulty or cheats")]
    Forced(u32),
}

impl SecAggError {
    /// The client at whose door it may lie, if it is one's.
    #[must_use]
    pub const fn client(&self) -> Option<u32> {
        match self {
            Self::Stranger(client)
            | Self::KeySignature(client)
            | Self::Twice(client)
            | Self::Unopened { client, .. }
            | Self::Length { client, .. }
            | Self::Both(client)
            | Self::Stories(client)
            | Self::Signature(client)
            | Self::Omitted(client)
            | Self::Mark(client)
            | Self::Forced(client) => Some(*client),
            // Whom shares that restore something else are of has sent none of them.
            Self::Restored(_)
            | Self::Few { .. }
            | Self::LeftOut
            | Self::Passed
            | Self::Turn
            | Self::Once => None,
        }
    }
}
