//! Messages as words. Their lengths follow from the setting alone: what is not there is as long as what is.

use zeroize::Zeroizing;

use super::{
    error::SecAggError,
    message::{Envelope, Keys, Sets, Unmasking},
    setting::Setting,
    shamir::Secret,
};

/// Words of a client's keys.
pub(crate) const KEYS_WORDS: usize = 16;
/// Words of an envelope: two sealed shares.
pub(crate) const ENVELOPE_WORDS: usize = 10;
/// Words of a signature.
pub(crate) const SIGNATURE_WORDS: usize = 8;
/// Words of a share of a secret.
pub(crate) const SECRET_WORDS: usize = 4;

/// What stands in a slot: something, what one gives of a neighbour that was lost, and that one has nothing to give of a neighbour.
const THERE: u64 = 1;
const LOST: u64 = 2;
const UNOPENED: u64 = 3;

/// The slots of a client: one for each of its neighbours, in their order.
#[derive(Debug)]
pub(crate) struct Slots {
    client: u32,
    neighbours: Vec<u32>,
}

fn words<const N: usize>(bytes: &[u8]) -> [u64; N] {
    let mut words = [0; N];
    for (word, bytes) in words.iter_mut().zip(bytes.as_chunks().0) {
        *word = u64::from_le_bytes(*bytes);
    }
    words
}

fn bytes<const N: usize>(words: &[u64]) -> [u8; N] {
    let mut bytes = [0; N];
    for (bytes, word) in bytes.as_chunks_mut().0.iter_mut().zip(words) {
        *bytes = word.to_le_bytes();
    }
    bytes
}

impl Keys {
    /// As they travel.
    pub(crate) fn to_words(&self) -> [u64; KEYS_WORDS] {
        words(&[&self.mask[..], &self.seal, &self.signature].concat())
    }

    /// The inverse of [`Self::to_words`].
    pub(crate) fn from_words(words: &[u64]) -> Self {
        let (mask, rest) = words.split_at(words.len().min(4));
        let (seal, signature) = rest.split_at(rest.len().min(4));
        Self { mask: bytes(mask), seal: bytes(seal), signature: bytes(signature) }
    }
}

/// A signature as it travels.
pub(crate) fn signature_words(signature: &[u8; 64]) -> [u64; SIGNATURE_WORDS] {
    words(signature)
}

/// The inverse of [`signature_words`].
pub(crate) fn signature_of(words: &[u64]) -> [u8; 64] {
    bytes(words)
}

impl Sets {
    /// Both sets, a bit a client.
    pub(crate) fn to_words(&self, setting: &Setting) -> Vec<u64> {
        let mut words = vec![0; Self::words(setting)];
        let (summed, lost) = words.split_at_mut(Self::words(setting) / 2);
        for (set, words) in [(&self.summed, summed), (&self.lost, lost)] {
            for client in set {
                words[*client as usize / 64] |= 1 << (client % 64);
            }
        }
        words
    }

    /// The inverse of [`Self::to_words`]; bits of clients that there are not are kept, for who signs to refuse.
    pub(crate) fn from_words(words: &[u64]) -> Self {
        let (summed, lost) = words.split_at(words.len() / 2);
        let set = |words: &[u64]| {
            let all = 0..u32::try_from(64 * words.len()).unwrap_or(u32::MAX);
            all.filter(|client| words[*client as usize / 64] >> (client % 64) & 1 == 1).collect()
        };
        Self { summed: set(summed), lost: set(lost) }
    }

    /// Words of both.
    pub(crate) fn words(setting: &Setting) -> usize {
        2 * (setting.clients() as usize).div_ceil(64)
    }
}

impl Slots {
    pub(crate) fn of(setting: &Setting, client: u32) -> Self {
        Self { client, neighbours: setting.neighbours(client) }
    }

    /// Words of as many slots as there are, each with room for so many.
    pub(crate) const fn words(neighbours: usize, each: usize) -> usize {
        neighbours * (1 + each)
    }

    fn write<const N: usize>(
        &self,
        get: impl Fn(u32) -> Option<(u64, [u64; N])>,
    ) -> Zeroizing<Vec<u64>> {
        let mut out = Zeroizing::new(Vec::with_capacity(Self::words(self.neighbours.len(), N)));
        for neighbour in &self.neighbours {
            let (mark, content) = get(*neighbour).unwrap_or((0, [0; N]));
            out.push(mark);
            out.extend_from_slice(&content);
        }
        out
    }

    /// Whose slots hold something: the neighbour, the mark, the content.
    fn read<'w>(&self, each: usize, words: &'w [u64]) -> Vec<(u32, u64, &'w [u64])> {
        let slots = self.neighbours.iter().zip(words.chunks(1 + each));
        let held = slots.filter(|(_, slot)| slot[0] != 0);
        held.map(|(neighbour, slot)| (*neighbour, slot[0], &slot[1..])).collect()
    }

    pub(crate) fn keys(&self, all: &[(u32, Keys)]) -> Zeroizing<Vec<u64>> {
        let find = |of: u32| all.iter().find(|(client, _)| *client == of);
        self.write(|of| find(of).map(|(_, keys)| (THERE, keys.to_words())))
    }

    pub(crate) fn read_keys(&self, words: &[u64]) -> Vec<(u32, Keys)> {
        let slots = self.read(KEYS_WORDS, words).into_iter();
        slots.map(|(client, _, words)| (client, Keys::from_words(words))).collect()
    }

    /// Envelopes from this client, or for it: the neighbour is at the other end.
    pub(crate) fn envelopes(&self, all: &[Envelope]) -> Zeroizing<Vec<u64>> {
        let ends = |it: &Envelope| if it.from == self.client { it.to } else { it.from };
        self.write(|of| {
            let envelope = all.iter().find(|it| ends(it) == of)?;
            Some((THERE, words::<ENVELOPE_WORDS>(&envelope.sealed)))
        })
    }

    /// Envelopes from this client.
    pub(crate) fn read_sent(&self, words: &[u64]) -> Vec<Envelope> {
        let slots = self.read(ENVELOPE_WORDS, words).into_iter();
        slots.map(|(to, _, words)| envelope((self.client, to), words)).collect()
    }

    /// Envelopes for this client.
    pub(crate) fn read_received(&self, words: &[u64]) -> Vec<Envelope> {
        let slots = self.read(ENVELOPE_WORDS, words).into_iter();
        slots.map(|(from, _, words)| envelope((from, self.client), words)).collect()
    }

    pub(crate) fn signatures(&self, all: &[(u32, [u8; 64])]) -> Zeroizing<Vec<u64>> {
        let find = |of: u32| all.iter().find(|(client, _)| *client == of);
        self.write(|of| find(of).map(|(_, signature)| (THERE, signature_words(signature))))
    }

    pub(crate) fn read_signatures(&self, words: &[u64]) -> Vec<(u32, [u8; 64])> {
        let slots = self.read(SIGNATURE_WORDS, words).into_iter();
        slots.map(|(client, _, words)| (client, signature_of(words))).collect()
    }

    /// What this client gives.
    pub(crate) fn unmasking(&self, given: &Unmasking) -> Zeroizing<Vec<u64>> {
        let find = |all: &[(u32, Secret)], of: u32| -> Option<[u64; SECRET_WORDS]> {
            all.iter().find(|(client, _)| *client == of).map(|(_, share)| words(share.as_ref()))
        };
        self.write(|of| {
            let seed = find(&given.seeds, of).map(|share| (THERE, share));
            let key = || find(&given.keys, of).map(|share| (LOST, share));
            let none = || given.unopened.contains(&of).then_some((UNOPENED, [0; SECRET_WORDS]));
            seed.or_else(key).or_else(none)
        })
    }

    /// The inverse of [`Self::unmasking`].
    ///
    /// # Errors
    /// [`SecAggError::Mark`], of this client, for a slot that is none.
    pub(crate) fn read_unmasking(&self, words: &[u64]) -> Result<Unmasking, SecAggError> {
        let mut given = Unmasking::default();
        for (neighbour, mark, words) in self.read(SECRET_WORDS, words) {
            let share = Zeroizing::new(bytes(words));
            match mark {
                THERE => given.seeds.push((neighbour, share)),
                LOST => given.keys.push((neighbour, share)),
                UNOPENED => given.unopened.push(neighbour),
                _ => return Err(SecAggError::Mark(self.client)),
            }
        }
        Ok(given)
    }
}

fn envelope((from, to): (u32, u32), words: &[u64]) -> Envelope {
    Envelope { from, to, sealed: bytes::<{ 8 * ENVELOPE_WORDS }>(words).to_vec() }
}
