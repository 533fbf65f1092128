//! What arrived of one provider's update at one party, until it is known whether all three have theirs.

use std::{
    fs::File,
    io::{self, Read as _, Seek as _, SeekFrom},
};

use protocols::{
    party::{PartyId, Role},
    session::{SessionError, Wire},
};

use super::{arriving::Arriving, course::Course, message::PIECE_WORDS};
use crate::average::{Pairs, Share, WordsDigest};

/// So many words of all providers together stay in memory, or each update is on disk until it is added up: a party's memory does not grow
/// with the number of providers.
const MEMORY_WORDS: usize = 8 << 20;

/// What has arrived of one provider's update.
#[derive(Debug)]
pub(super) enum Landed {
    /// The provider declines this round.
    Declined,
    /// The share that this party adds up.
    One(Part),
    /// That share and the next party's, for rounds with a gate.
    Both(Box<Both>),
}

/// One share of an update.
#[derive(Debug)]
pub(super) enum Part {
    /// A seed, or words in memory.
    Share(Share),
    /// Words on disk, in a file without a name.
    Spooled(File),
}

/// Two shares of an update, so that the parties can compute with it.
#[derive(Debug)]
pub(super) struct Both {
    pub(super) own: Part,
    pub(super) next: Part,
    /// Of either share, for its other holder.
    pub(super) digests: [[u8; 32]; 2],
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
    /// Whether there is a gate, so that two shares are due.
    pub(super) both: bool,
    /// Whether its words are kept on disk until they are added up.
    pub(super) on_disk: bool,
}

impl Due {
    /// Of this provider, at a compute party.
    pub(super) fn new(course: &Course, provider: usize, role: Role) -> Self {
        let (words, both) = (course.words(), course.gates.is_some());
        // Those that are due here of all providers at once.
        let all = course.providers.len().div_ceil(3) * (1 + usize::from(both));
        let on_disk = words > Part::MEMORY_WORDS || words.saturating_mul(all) > MEMORY_WORDS;
        Self { provider, words, role, both, on_disk }
    }

    /// Receives one provider's answer of one round.
    pub(super) fn receive(&self, wire: &mut Wire, from: PartyId) -> Result<Landed, Lost> {
        Arriving::new(*self).receive(wire, from)
    }
}

impl Landed {
    /// What a party keeps of an update that it shared itself.
    pub(super) fn kept(course: &Course, shares: [Share; 3], role: Role) -> io::Result<Self> {
        let mut shares = shares.map(Some);
        let mut of = |role: Role| shares[role.index()].take().map(Part::Share);
        Ok(match (of(role), of(role.next())) {
            (Some(own), Some(next)) if course.gates.is_some() => {
                Self::Both(Box::new(Both::new(own, next)?))
            }
            (Some(own), _) => Self::One(own),
            (None, _) => Self::Declined,
        })
    }

    /// Whether there is a share.
    pub(super) fn comes(&self) -> bool {
        !matches!(self, Self::Declined)
    }

    /// A digest of the share that this party adds up, for itself.
    pub(super) fn digest(&self) -> io::Result<[u8; 32]> {
        match self {
            Self::Declined => Ok([0; 32]),
            Self::One(own) => own.digest(),
            Self::Both(both) => Ok(both.digests[0]),
        }
    }

    /// Adds this party's share to a sum.
    pub(super) fn add_to(&self, pairs: Pairs, sum: &mut [u64]) -> io::Result<()> {
        match self {
            Self::Declined => Ok(()),
            Self::One(own) => own.add_to(pairs, sum),
            Self::Both(both) => both.own.add_to(pairs, sum),
        }
    }
}

impl Both {
    pub(super) fn new(own: Part, next: Part) -> io::Result<Self> {
        let digests = [own.digest()?, next.digest()?];
        Ok(Self { own, next, digests })
    }
}

impl Part {
    /// Updates up to so many words may stay in memory.
    pub(super) const MEMORY_WORDS: usize = 1 << 20;

    /// How many words there are; of a seed none.
    pub(super) fn words(&self) -> io::Result<usize> {
        match self {
            Self::Share(share) => Ok(share.words().unwrap_or(0)),
            Self::Spooled(file) => {
                let words = file.metadata()?.len() / 8;
                Ok(usize::try_from(words).unwrap_or(usize::MAX))
            }
        }
    }

    /// Writes its words from `from` on.
    pub(super) fn read(&self, from: usize, out: &mut [u64]) -> io::Result<()> {
        let mut file = match self {
            Self::Share(share) => {
                share.read(from, out);
                return Ok(());
            }
            Self::Spooled(file) => file,
        };
        file.seek(SeekFrom::Start(8 * from as u64))?;
        let mut bytes = vec![0; 8 * out.len()];
        file.read_exact(&mut bytes)?;
        for (word, bytes) in out.iter_mut().zip(bytes.as_chunks().0) {
            *word = u64::from_le_bytes(*bytes);
        }
        Ok(())
    }

    /// As [`Share::digest`].
    fn digest(&self) -> io::Result<[u8; 32]> {
        let file = match self {
            Self::Share(share) => return Ok(share.digest()),
            Self::Spooled(file) => file,
        };
        let mut left = file.metadata()?.len() / 8;
        let (mut digest, mut words, mut at) = (WordsDigest::new(), vec![0; PIECE_WORDS], 0);
        while left > 0 {
            let piece = usize::try_from(left).unwrap_or(PIECE_WORDS).min(PIECE_WORDS);
            self.read(at, &mut words[..piece])?;
            digest.update(&words[..piece]);
            at += piece;
            left -= piece as u64;
        }
        Ok(digest.finish())
    }

    /// Adds its words to a sum.
    pub(super) fn add_to(&self, pairs: Pairs, sum: &mut [u64]) -> io::Result<()> {
        if let Self::Share(share) = self {
            share.add_pairs(pairs, sum);
            return Ok(());
        }
        let mut words = vec![0; PIECE_WORDS];
        for (at, tile) in sum.chunks_mut(PIECE_WORDS).enumerate() {
            let (from, words) = (at * PIECE_WORDS, &mut words[..tile.len()]);
            self.read(from, words)?;
            pairs.add(from, tile, words);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use protocols::{prg::Prg, ring::Z64};

    use super::*;

    #[test]
    fn words_on_disk_are_those_in_memory() {
        for n in [0, 1, 63, 64, 65, 1000, PIECE_WORDS - 1, PIECE_WORDS + 1, 2 * PIECE_WORDS] {
            let words = Prg::new(&[3; 16]).elements::<Z64>(n).to_vec();
            let mut file = tempfile::tempfile().unwrap();
            words.iter().for_each(|word| file.write_all(&word.to_le_bytes()).unwrap());
            let (spooled, kept) = (Part::Spooled(file), Part::Share(Share::Words(words)));
            assert_eq!(spooled.digest().unwrap(), kept.digest().unwrap(), "{n}");
            for from in [0, n / 3, n] {
                let [mut a, mut b] = [(); 2].map(|()| vec![0; n - from]);
                spooled.read(from, &mut a).unwrap();
                kept.read(from, &mut b).unwrap();
                assert_eq!(a, b, "{n} from {from}");
            }
            for pairs in [Pairs::NONE, Pairs::holding(n), Pairs::holding(2 * n)] {
                let [mut a, mut b] = [(); 2].map(|()| vec![7; n]);
                spooled.add_to(pairs, &mut a).unwrap();
                kept.add_to(pairs, &mut b).unwrap();
                assert_eq!(a, b, "{n} {pairs:?}");
            }
        }
    }
}
