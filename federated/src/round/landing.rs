//! What arrived of one provider's update at one party, until it is known whether all three have theirs.

use std::{
    fs::File,
    io::{self, Read as _, Seek as _, SeekFrom, Write as _},
};

use protocols::{
    kernels::Backend,
    party::{PartyId, Role},
    session::{SessionError, Wire},
};

use super::message::{ANSWER_WORDS, COMES, PIECE_WORDS, pieces, seed_of};
use crate::average::{Share, explicit_party};

/// Updates up to so many words stay in memory; longer ones on disk, so that a party's memory does not grow with the number of
/// providers.
const MEMORY_WORDS: usize = 1 << 20;

/// A share that has arrived.
#[derive(Debug)]
pub(super) enum Landed {
    /// The provider declines this round.
    Declined,
    /// A seed, or words in memory.
    Share(Share),
    /// Words on disk, in a file without a name.
    Spooled(File),
}

/// Why a share did not arrive.
#[derive(Debug)]
pub(super) enum Lost {
    /// The link, or what came over it.
    Link(SessionError),
    /// This party's disk.
    Disk(io::Error),
}

impl From<SessionError> for Lost {
    fn from(error: SessionError) -> Self {
        Self::Link(error)
    }
}

impl From<io::Error> for Lost {
    fn from(error: io::Error) -> Self {
        Self::Disk(error)
    }
}

/// Whose turn a share is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Due {
    /// The provider's number.
    pub(super) provider: usize,
    /// Words of an update.
    pub(super) words: usize,
    /// This party.
    pub(super) role: Role,
}

impl Due {
    /// Receives one provider's answer of one round.
    pub(super) fn receive(&self, wire: &mut Wire, from: PartyId) -> Result<Landed, Lost> {
        let mut answer = [0_u64; ANSWER_WORDS];
        wire.recv(from, &mut answer)?;
        let [comes, low, high] = answer;
        if comes != COMES {
            return Ok(Landed::Declined);
        }
        let words = explicit_party(self.provider);
        Ok(match (self.role.index() + 3 - words.index()) % 3 {
            0 if self.words <= MEMORY_WORDS => {
                let mut words = Vec::with_capacity(self.words);
                for piece in pieces(self.words) {
                    words.extend_from_slice(&wire.recv_words::<u64>(from, piece)?);
                }
                Landed::Share(Share::Words(words))
            }
            0 => Landed::Spooled(self.spool(wire, from)?),
            1 => Landed::Share(Share::Plus(seed_of([low, high]))),
            _ => Landed::Share(Share::Minus(seed_of([low, high]))),
        })
    }

    fn spool(&self, wire: &mut Wire, from: PartyId) -> Result<File, Lost> {
        let mut file = tempfile::tempfile()?;
        for piece in pieces(self.words) {
            let words = wire.recv_words::<u64>(from, piece)?;
            for word in words.chunks(8192) {
                let bytes: Vec<u8> = word.iter().flat_map(|word| word.to_le_bytes()).collect();
                file.write_all(&bytes)?;
            }
        }
        Ok(file)
    }
}

impl Landed {
    /// Whether there is a share.
    pub(super) fn comes(&self) -> bool {
        !matches!(self, Self::Declined)
    }

    /// Adds the share to a sum.
    pub(super) fn add_to(self, sum: &mut [u64]) -> io::Result<()> {
        match self {
            Self::Declined => Ok(()),
            Self::Share(share) => {
                share.add_to(sum);
                Ok(())
            }
            Self::Spooled(mut file) => {
                file.seek(SeekFrom::Start(0))?;
                let mut bytes = vec![0; 8 * PIECE_WORDS];
                let mut words = vec![0; PIECE_WORDS];
                for tile in sum.chunks_mut(PIECE_WORDS) {
                    let bytes = &mut bytes[..8 * tile.len()];
                    file.read_exact(bytes)?;
                    let words = &mut words[..tile.len()];
                    for (word, bytes) in words.iter_mut().zip(bytes.as_chunks().0) {
                        *word = u64::from_le_bytes(*bytes);
                    }
                    Backend::active().add_u64(tile, words);
                }
                Ok(())
            }
        }
    }
}
