//! The coordinator: passes messages on, adds up, and takes the masks off.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::Arc,
};

use protocols::kernels::Backend;

use super::{
    error::SecAggError,
    masks,
    message::{Envelope, Keys, Sets, Unmasking, holds},
    setting::Setting,
    shamir::{self, Secret},
};
use crate::stream::Stream;

/// The coordinator of one sum. Memory: one vector, and a few kilobytes a client; what the caller holds of vectors that have come
/// and are not added yet is beside it.
pub struct Server {
    setting: Arc<Setting>,
    keys: BTreeMap<u32, Keys>,
    /// Envelopes by whom they are for; who has sent some.
    envelopes: BTreeMap<u32, Vec<Envelope>>,
    shared: BTreeSet<u32>,
    summed: BTreeSet<u32>,
    sum: Vec<u64>,
    /// Shares of seeds and of keys by whose they are, with who gave them.
    seeds: BTreeMap<u32, Vec<(u32, Secret)>>,
    secrets: BTreeMap<u32, Vec<(u32, Secret)>>,
    /// Who sealed something that does not open, and for whom.
    unopened: BTreeSet<(u32, u32)>,
    gave: BTreeSet<u32>,
}

/// What a coordinator holds does not print.
impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Server of {} clients, {} in the sum", self.keys.len(), self.summed.len())
    }
}

impl Server {
    /// A sum of nothing yet.
    #[must_use]
    pub fn new(setting: Arc<Setting>) -> Self {
        Self {
            sum: vec![0; setting.words],
            setting,
            keys: BTreeMap::new(),
            envelopes: BTreeMap::new(),
            shared: BTreeSet::new(),
            summed: BTreeSet::new(),
            seeds: BTreeMap::new(),
            secrets: BTreeMap::new(),
            unopened: BTreeSet::new(),
            gave: BTreeSet::new(),
        }
    }

    /// Takes a client's keys.
    ///
    /// # Errors
    /// [`SecAggError`]; the client is then not of the sum.
    pub fn keys(&mut self, client: u32, keys: Keys) -> Result<(), SecAggError> {
        if !self.setting.knows(client) {
            return Err(SecAggError::Stranger(client));
        }
        if !keys.verify(&self.setting, client) {
            return Err(SecAggError::KeySignature(client));
        }
        // No neighbour agrees on a secret with it: passed on, it would have all of them leave.
        if ![&keys.mask, &keys.seal].into_iter().all(masks::gives) {
            return Err(SecAggError::Forced(client));
        }
        let twice = self.keys.insert(client, keys).is_some();
        if twice { Err(SecAggError::Twice(client)) } else { Ok(()) }
    }

    /// The keys that a client is to get: of its neighbours.
    #[must_use]
    pub fn keys_for(&self, client: u32) -> Vec<(u32, Keys)> {
        let neighbours = self.setting.neighbours(client).into_iter();
        neighbours.filter_map(|other| Some((other, self.keys.get(&other)?.clone()))).collect()
    }

    /// Takes a client's sealed shares.
    ///
    /// # Errors
    /// [`SecAggError`]; the client is then not of the sum.
    pub fn shares(&mut self, client: u32, envelopes: Vec<Envelope>) -> Result<(), SecAggError> {
        let neighbours = self.neighbours_of(client)?;
        if envelopes.iter().any(|it| it.from != client || !neighbours.contains(&it.to)) {
            return Err(SecAggError::Stranger(client));
        }
        // One for each: whoever gets none would take this side for a cheat.
        let mut to: Vec<u32> = envelopes.iter().map(|it| it.to).collect();
        to.sort_unstable();
        if !neighbours.iter().filter(|other| self.keys.contains_key(other)).eq(&to) {
            return Err(SecAggError::Omitted(client));
        }
        if !self.shared.insert(client) {
            return Err(SecAggError::Twice(client));
        }
        for envelope in envelopes {
            self.envelopes.entry(envelope.to).or_default().push(envelope);
        }
        Ok(())
    }

    /// The sealed shares that a client is to get, once all have sent theirs or their time is over.
    pub fn shares_for(&mut self, client: u32) -> Vec<Envelope> {
        self.envelopes.remove(&client).unwrap_or_default()
    }

    /// Adds a client's masked vector to the sum.
    ///
    /// # Errors
    /// [`SecAggError`], and the sum is as before.
    pub fn vector(&mut self, client: u32, vector: &[u64]) -> Result<(), SecAggError> {
        Backend::active().add_u64(self.sum_with(client, vector.len())?, vector);
        Ok(())
    }

    /// Counts a client's masked vector of so many words among those of the sum, and gives the sum, to which the caller adds it: all of it.
    ///
    /// # Errors
    /// [`SecAggError`], and the sum is as before.
    pub(crate) fn sum_with(&mut self, client: u32, got: usize) -> Result<&mut [u64], SecAggError> {
        if !self.shared.contains(&client) {
            return Err(SecAggError::Stranger(client));
        }
        let want = self.sum.len();
        if got != want {
            return Err(SecAggError::Length { client, got, want });
        }
        if !self.summed.insert(client) {
            return Err(SecAggError::Twice(client));
        }
        Ok(&mut self.sum)
    }

    /// Who is in the sum, and who shared secrets and sent no vector.
    #[must_use]
    pub fn sets(&self) -> Sets {
        let lost = self.shared.difference(&self.summed).copied().collect();
        Sets { summed: self.summed.clone(), lost }
    }

    /// Whether a client in the sum has signed these sets: otherwise its neighbours would take the coordinator for a cheat.
    ///
    /// # Errors
    /// [`SecAggError::Signature`].
    pub fn signed(
        &self,
        client: u32,
        sets: &Sets,
        signature: &[u8; 64],
    ) -> Result<(), SecAggError> {
        let key =
            self.setting.clients.get(client as usize).filter(|_| sets.summed.contains(&client));
        let signs = key.is_some_and(|key| holds(key, &sets.signed(&self.setting), signature));
        if signs { Ok(()) } else { Err(SecAggError::Signature(client)) }
    }

    /// Takes what a client gives for taking masks off.
    ///
    /// # Errors
    /// [`SecAggError`]: another's, or a second time.
    pub fn unmasking(&mut self, client: u32, given: Unmasking) -> Result<(), SecAggError> {
        if !self.summed.contains(&client) {
            return Err(SecAggError::Stranger(client));
        }
        let neighbours = self.neighbours_of(client)?;
        let all = given.seeds.iter().chain(&given.keys).map(|(of, _)| of).chain(&given.unopened);
        if let Some(stranger) = all.into_iter().find(|of| !neighbours.contains(of)) {
            return Err(SecAggError::Stranger(*stranger));
        }
        if !self.gave.insert(client) {
            return Err(SecAggError::Twice(client));
        }
        self.unopened.extend(given.unopened.iter().map(|from| (*from, client)));
        for (store, given) in [(&mut self.seeds, given.seeds), (&mut self.secrets, given.keys)] {
            for (of, share) in given {
                store.entry(of).or_default().push((client, share));
            }
        }
        Ok(())
    }

    /// Puts aside what was given of a lost client's key that is no share of it, where others' shares restore the key that it has signed:
    /// the sum goes on without. What is put aside is as good as what does not open, since it may be wrong as it was sealed.
    ///
    /// # Cost
    /// Nothing where all shares fit; otherwise a multiplication on the curve for each that was given.
    pub fn set_aside(&mut self) {
        for lost in self.sets().lost {
            for by in self.wrong(lost) {
                if let Some(given) = self.secrets.get_mut(&lost) {
                    given.retain(|(other, _)| *other != by);
                }
                self.unopened.insert((lost, by));
            }
        }
    }

    /// Who gave what is no share of a lost client's key, as so many shares in a row say that restore it.
    fn wrong(&self, lost: u32) -> Vec<u32> {
        let (points, least) = (self.setting.points(lost), self.setting.shares());
        let given = self.secrets.get(&lost).map_or(&[][..], Vec::as_slice);
        let given: Vec<(u32, u16, &Secret)> =
            given.iter().filter_map(|(by, share)| Some((*by, *points.get(by)?, share))).collect();
        let Some(keys) = self.keys.get(&lost).filter(|_| given.len() > least) else {
            return Vec::new();
        };
        let row = |first: usize| {
            let row = given.iter().cycle().skip(first).take(least);
            row.map(|(_, point, share)| (*point, *share)).collect::<Vec<_>>()
        };
        let good =
            (0..given.len()).map(row).find(|row| masks::public(&shamir::restore(row)) == keys.mask);
        let Some(good) = good else { return Vec::new() };
        let secret = shamir::restore(&good);
        let fits = |point: u16, share: &Secret| {
            good.iter().any(|(of, _)| *of == point) || {
                let mut row = good.clone();
                row[0] = (point, share);
                shamir::restore(&row) == secret
            }
        };
        let wrong = given.iter().filter(|(_, point, share)| !fits(*point, share));
        wrong.map(|(by, _, _)| *by).collect()
    }

    /// Whose shares did not open or were none, and at whom, as those say who got them: one of the two is faulty or cheats.
    pub fn unopened(&self) -> impl Iterator<Item = (u32, u32)> {
        self.unopened.iter().copied()
    }

    /// The sum, once enough has been given, and whose vectors it is of. Memory beside the sum: a few kilobytes.
    ///
    /// # Errors
    /// [`SecAggError::Few`] if a mask cannot be restored yet, [`SecAggError::Restored`] if it is another than announced,
    /// [`SecAggError::Unopened`] if it lies at the door of who sealed it.
    pub fn finish(mut self) -> Result<(Vec<u64>, BTreeSet<u32>), SecAggError> {
        let (got, least) = (self.summed.len(), self.setting.least);
        if got < least {
            return Err(SecAggError::Few { what: "clients are in the sum", got, least });
        }
        let masks = self.left_on()?;
        let mut sum = std::mem::take(&mut self.sum);
        Stream::add_all(&masks, &mut sum);
        Ok((sum, self.summed))
    }

    /// The masks that are still on the sum, each with whether it is to be added.
    fn left_on(&self) -> Result<Vec<(Stream, bool)>, SecAggError> {
        let mut masks = Vec::new();
        for client in &self.summed {
            let seed = self.restored(*client, self.seeds.get(client))?;
            masks.push((Stream::new(&masks::own(&self.setting, *client, &seed)), false));
        }
        for lost in &self.sets().lost {
            let neighbours = self.setting.neighbours(*lost);
            let left: Vec<u32> =
                neighbours.into_iter().filter(|other| self.summed.contains(other)).collect();
            if left.is_empty() {
                continue;
            }
            let secret = self.restored(*lost, self.secrets.get(lost))?;
            if self.keys.get(lost).map(|keys| keys.mask) != Some(masks::public(&secret)) {
                return Err(SecAggError::Restored(*lost));
            }
            for other in left {
                let theirs = &self.keys[&other].mask;
                let common = masks::common(&self.setting, (*lost, &secret), (other, theirs));
                let common = common.ok_or(SecAggError::Forced(other))?;
                // As the lost client would have done.
                masks.push((Stream::new(&common), masks::adds(*lost, other)));
            }
        }
        Ok(masks)
    }

    fn neighbours_of(&self, client: u32) -> Result<Vec<u32>, SecAggError> {
        if self.keys.contains_key(&client) {
            Ok(self.setting.neighbours(client))
        } else {
            Err(SecAggError::Stranger(client))
        }
    }

    /// A secret of a client from its neighbours' shares.
    fn restored(&self, of: u32, given: Option<&Vec<(u32, Secret)>>) -> Result<Secret, SecAggError> {
        let given = given.map_or(&[][..], Vec::as_slice);
        let least = self.setting.shares();
        if given.len() < least {
            let by = self.unopened.iter().filter(|(from, _)| *from == of).count();
            if by > self.setting.threshold.in_league() {
                return Err(SecAggError::Unopened { client: of, by });
            }
            let what = "neighbours gave a share of a lost or summed client";
            return Err(SecAggError::Few { what, got: given.len(), least });
        }
        let points = self.setting.points(of);
        let point = |by: u32| points.get(&by).copied().ok_or(SecAggError::Stranger(by));
        let shares: Result<Vec<_>, SecAggError> =
            given[..least].iter().map(|(by, share)| Ok((point(*by)?, share))).collect();
        Ok(shamir::restore(&shares?))
    }
}
