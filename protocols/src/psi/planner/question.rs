//! What is asked, by what it may be answered, and why it is not.

use std::fmt;

use crate::{psi::parameters::Sizes, session::Profile, vole::Model};

/// What is asked of two sets, or of several.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Question {
    /// How many items each side has. Among several parties the receiver leads, and each other has as many as the sender; of a
    /// lookup the sender has the table and the receiver the queries.
    pub sizes: Sizes,
    /// Who learns what.
    pub form: Form,
    /// What the peer may do.
    pub model: Model,
    /// Items in a bucket of the largest set, of protocols that go bucket by bucket: [`BUCKET_ITEMS`](crate::psi::BUCKET_ITEMS) where
    /// nothing else is agreed on.
    pub bucket: usize,
}

/// What comes out, and to whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Form {
    /// The receiver learns which of its items are common.
    ToReceiver,
    /// Both do.
    ToBoth,
    /// The receiver learns how many are common.
    Count,
    /// The receiver learns how many are common, and the sums of so many of the sender's columns over them.
    Sums(u32),
    /// Nobody learns anything: three compute parties, of whom the two are two, get shares of what is common and of so many columns of
    /// words of each side.
    IntoShares {
        /// The sender's columns.
        sender: u32,
        /// The receiver's.
        receiver: u32,
    },
    /// The receiver learns what the sender's published table says of its items.
    Lookup {
        /// Bytes of a label; 0 where only presence counts.
        label_bytes: u32,
        /// Queries that the table is made for in all: its tags are as wide as that asks for.
        budget: u64,
        /// Whether the receiver has the table already.
        fetched: bool,
    },
    /// The leader learns which of its items all of so many parties have, or all of them do.
    AmongAll {
        /// How many, the leader among them.
        parties: u16,
        /// Whether everyone learns it.
        everyone: bool,
    },
}

/// What there is to answer with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Means {
    /// The links.
    pub profile: Profile,
    /// Processors that each party has; 0 counts as 1. Diffie–Hellman computes on all of them ([`ecdh`](crate::psi::ecdh)), other protocols
    /// on one; but links have work too, which one processor does in turn with the protocol's, and others beside it.
    pub cores: u32,
}

/// Links like these, and processors enough.
impl From<Profile> for Means {
    fn from(profile: Profile) -> Self {
        Self { profile, cores: 2 }
    }
}

/// A protocol that may answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Protocol {
    /// [`vole_psi`](crate::psi::vole_psi), semi-honest.
    Vole,
    /// [`ecdh`](crate::psi::ecdh).
    Ecdh,
    /// [`vole_psi`](crate::psi::vole_psi) with stores of short values, see
    /// [`Parameters::low_communication`](crate::psi::Parameters::low_communication).
    VoleLowCommunication,
    /// [`vole_psi`](crate::psi::vole_psi) against a peer that may lie.
    VoleMalicious,
    /// [`circuit`](crate::psi::circuit), and [`aggregate`](crate::psi::aggregate) where numbers are asked for.
    Circuit,
    /// [`lookup`](crate::psi::lookup).
    Lookup,
    /// [`multiparty`](crate::psi::multiparty).
    Multi,
}

impl Protocol {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Vole,
        Self::Ecdh,
        Self::VoleLowCommunication,
        Self::VoleMalicious,
        Self::Circuit,
        Self::Lookup,
        Self::Multi,
    ];
}

/// Why a protocol does not answer a question.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unfit {
    /// It has no form for what is asked.
    #[error("does not give this form of result")]
    Form,
    /// It withstands less than is asked.
    #[error("is semi-honest, and a malicious peer was asked for")]
    Model,
    /// Its parameters do not reach so far.
    #[error("has no parameters for these sizes")]
    Sizes,
    /// It is between two.
    #[error("is between two parties, and the sets of more were asked about")]
    Parties,
    /// It is for a table that was published.
    #[error("answers queries about a table that its owner published, and no other question")]
    Unpublished,
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Vole => "vole",
            Self::Ecdh => "ecdh",
            Self::VoleLowCommunication => "vole-low",
            Self::VoleMalicious => "vole-malicious",
            Self::Circuit => "circuit",
            Self::Lookup => "lookup",
            Self::Multi => "multi",
        })
    }
}
