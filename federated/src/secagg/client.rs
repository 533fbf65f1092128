//! A client, step by step: each step takes the client of the step before, so that none is done twice.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::Arc,
};

use ed25519_dalek::{Signer as _, SigningKey};
use protocols::{prg::Prg, ring::Z64};
use zeroize::Zeroizing;

use super::{
    error::SecAggError,
    masks::{self, Seal},
    message::{Envelope, Keys, Sets, Unmasking, holds},
    setting::Setting,
    shamir::{self, Secret},
};
use crate::stream::Stream;

/// One client of one sum, after some step.
pub struct Client<S> {
    base: Base,
    state: S,
}

struct Base {
    setting: Arc<Setting>,
    index: u32,
    signer: SigningKey,
    /// The keys of masks and of seals, and the seed of the own mask.
    mask: Secret,
    seal: Secret,
    seed: Secret,
}

/// Has announced its keys.
#[derive(Debug)]
pub struct Advertised(());

/// Has shared its secrets.
#[derive(Debug)]
pub struct Shared {
    keys: BTreeMap<u32, Keys>,
}

/// Shares of the secrets of those with whom a client has masked; nothing of whom sealed something that does not open.
type Held = BTreeMap<u32, Option<[Secret; 2]>>;

/// Has sent its vector, and holds shares of its neighbours' secrets.
pub struct Masked {
    held: Held,
}

/// Has signed who is in the sum.
pub struct Confirmed {
    held: Held,
    sets: Sets,
}

/// Secrets do not print.
impl<S> fmt::Debug for Client<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Client {}", self.base.index)
    }
}

fn secret(rng: &mut Prg) -> Secret {
    let mut out = Zeroizing::new([0; 32]);
    for (bytes, word) in out.chunks_exact_mut(8).zip(rng.elements::<Z64>(4).iter()) {
        bytes.copy_from_slice(&word.to_le_bytes());
    }
    out
}

impl Client<Advertised> {
    /// Draws the keys of this sum and announces them.
    ///
    /// # Errors
    /// [`SecAggError::Stranger`] if the sum has no such client, or another key for it.
    pub fn new(
        setting: Arc<Setting>,
        index: u32,
        signer: SigningKey,
        rng: &mut Prg,
    ) -> Result<(Self, Keys), SecAggError> {
        let registered = setting.clients.get(index as usize);
        if registered != Some(&signer.verifying_key()) {
            return Err(SecAggError::Stranger(index));
        }
        let base = Base {
            index,
            signer,
            mask: secret(rng),
            seal: secret(rng),
            seed: secret(rng),
            setting,
        };
        let public = [masks::public(&base.mask), masks::public(&base.seal)];
        let keys = Keys::sign(&base.setting, index, public, &base.signer);
        Ok((Self { base, state: Advertised(()) }, keys))
    }

    /// Shares its secrets among the neighbours that announced keys.
    ///
    /// # Errors
    /// [`SecAggError`]: keys that are not signed, a client that is no neighbour, too few neighbours.
    pub fn share(
        self,
        keys: Vec<(u32, Keys)>,
        rng: &mut Prg,
    ) -> Result<(Client<Shared>, Vec<Envelope>), SecAggError> {
        let base = self.base;
        let setting = Arc::clone(&base.setting);
        let neighbours = setting.neighbours(base.index);
        let mut known = BTreeMap::new();
        for (client, keys) in keys {
            if !neighbours.contains(&client) {
                return Err(SecAggError::Stranger(client));
            }
            if !keys.verify(&setting, client) {
                return Err(SecAggError::KeySignature(client));
            }
            if known.insert(client, keys).is_some() {
                return Err(SecAggError::Twice(client));
            }
        }
        enough("neighbours announced keys", known.len(), setting.shares())?;
        let shares = |secret: &Secret, rng: &mut Prg| {
            let points = u16::try_from(neighbours.len()).unwrap_or(u16::MAX);
            let threshold = u16::try_from(setting.shares()).unwrap_or(u16::MAX);
            shamir::share(secret, points, threshold, rng)
        };
        let (of_key, of_seed) = (shares(&base.mask, rng), shares(&base.seed, rng));
        let mut envelopes = Vec::new();
        for ((to, key), seed) in neighbours.iter().zip(of_key).zip(of_seed) {
            let Some(theirs) = known.get(to) else { continue };
            let seal = Seal::new(&setting, (base.index, *to), &base.seal, &theirs.seal);
            let sealed = seal.ok_or(SecAggError::Forced(*to))?.seal(&[key, seed]);
            envelopes.push(Envelope { from: base.index, to: *to, sealed });
        }
        Ok((Client { base, state: Shared { keys: known } }, envelopes))
    }
}

impl Client<Shared> {
    /// Masks its vector, with the neighbours whose shares it was passed. Shares that do not open are none: the mask in common with
    /// who sealed them follows from signed keys alone, and others can take it off.
    ///
    /// # Errors
    /// [`SecAggError`]: shares of no neighbour, too few of them, a vector of another length.
    pub fn mask(
        self,
        envelopes: Vec<Envelope>,
        mut vector: Vec<u64>,
    ) -> Result<(Client<Masked>, Vec<u64>), SecAggError> {
        let Self { base, state } = self;
        let (setting, own) = (&base.setting, base.index);
        if vector.len() != setting.words {
            let (client, got, want) = (own, vector.len(), setting.words);
            return Err(SecAggError::Length { client, got, want });
        }
        let (mut held, mut masks) = (Held::new(), Vec::new());
        for Envelope { from, to, sealed } in envelopes {
            let keys = state.keys.get(&from).filter(|_| to == own);
            let keys = keys.ok_or(SecAggError::Stranger(from))?;
            let seal = Seal::new(setting, (from, own), &base.seal, &keys.seal);
            let shares = seal.ok_or(SecAggError::Forced(from))?.open(&sealed);
            if held.insert(from, shares).is_some() {
                return Err(SecAggError::Twice(from));
            }
            let common = masks::common(setting, (own, &base.mask), (from, &keys.mask));
            let common = common.ok_or(SecAggError::Forced(from))?;
            masks.push((Stream::new(&common), masks::adds(own, from)));
        }
        enough("neighbours shared their secrets", held.len(), setting.shares())?;
        masks.push((Stream::new(&masks::own(setting, own, &base.seed)), true));
        Stream::add_all(&masks, &mut vector);
        Ok((Client { base, state: Masked { held } }, vector))
    }
}

impl Client<Masked> {
    /// Neighbours whose shares for this client do not open: they sealed something else, or the coordinator changed it.
    pub fn unopened(&self) -> impl Iterator<Item = u32> {
        self.state.held.iter().filter(|(_, shares)| shares.is_none()).map(|(client, _)| *client)
    }

    /// Signs who is in the sum and who was lost, if that can be.
    ///
    /// # Errors
    /// [`SecAggError::Both`] for a client in both sets, [`SecAggError::LeftOut`], [`SecAggError::Stranger`],
    /// [`SecAggError::Passed`] if it has masked with others than these, and [`SecAggError::Few`] if the sum would be of fewer clients than it may.
    pub fn confirm(self, sets: Sets) -> Result<(Client<Confirmed>, [u8; 64]), SecAggError> {
        let Self { base, state } = self;
        if let Some(both) = sets.summed.intersection(&sets.lost).next() {
            return Err(SecAggError::Both(*both));
        }
        let stranger = sets.summed.union(&sets.lost).find(|client| !base.setting.knows(**client));
        if let Some(stranger) = stranger {
            return Err(SecAggError::Stranger(*stranger));
        }
        if !sets.summed.contains(&base.index) {
            return Err(SecAggError::LeftOut);
        }
        // Masked with the neighbours of this client who are in the sets, and no others: a sum that is announced of many must not be
        // several of few, each with masks of its own.
        let neighbours = base.setting.neighbours(base.index);
        let masked = |client: &u32| sets.summed.contains(client) || sets.lost.contains(client);
        if !neighbours.into_iter().filter(masked).eq(state.held.keys().copied()) {
            return Err(SecAggError::Passed);
        }
        enough("clients are in the sum", sets.summed.len(), base.setting.least)?;
        let signature = base.signer.sign(&sets.signed(&base.setting)).to_bytes();
        Ok((Client { base, state: Confirmed { held: state.held, sets } }, signature))
    }
}

impl Client<Confirmed> {
    /// Gives one share of each neighbour, once enough neighbours have signed the same sets. The client ends with it.
    ///
    /// # Errors
    /// [`SecAggError::Stories`] for a signature under other sets, [`SecAggError::Few`] if fewer than the threshold signed.
    pub fn unmask(self, signatures: &[(u32, [u8; 64])]) -> Result<Unmasking, SecAggError> {
        let Self { base, state: Confirmed { held, sets } } = self;
        let (setting, neighbours) = (&base.setting, base.setting.neighbours(base.index));
        let bytes = sets.signed(setting);
        let mut signed = BTreeSet::new();
        for (client, signature) in signatures {
            if !neighbours.contains(client) || !sets.summed.contains(client) {
                return Err(SecAggError::Stranger(*client));
            }
            if !holds(&setting.clients[*client as usize], &bytes, signature) {
                return Err(SecAggError::Stories(*client));
            }
            signed.insert(*client);
        }
        enough("neighbours signed the same sets", signed.len(), setting.shares())?;
        let mut given = Unmasking::default();
        for (client, shares) in held {
            match shares {
                None => given.unopened.push(client),
                Some([_, seed]) if sets.summed.contains(&client) => {
                    given.seeds.push((client, seed));
                }
                Some([key, _]) if sets.lost.contains(&client) => given.keys.push((client, key)),
                Some(_) => {}
            }
        }
        Ok(given)
    }
}

fn enough(what: &'static str, got: usize, least: usize) -> Result<(), SecAggError> {
    if got < least { Err(SecAggError::Few { what, got, least }) } else { Ok(()) }
}

/// Secrets do not print.
impl fmt::Debug for Masked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Masked({} shares)", self.held.len())
    }
}

/// Secrets do not print.
impl fmt::Debug for Confirmed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Confirmed({} shares)", self.held.len())
    }
}
