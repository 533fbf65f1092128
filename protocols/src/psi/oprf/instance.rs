//! One instance on given correlations: what the receiver asks and what the sender makes of it.

use std::fmt;

use zeroize::Zeroizing;

use super::hashes::Hashes;
use crate::{
    kernels::{Backend, Field},
    okvs::{EncodeError, Okvs, Params, Placed},
    prg::Prg,
    ring::{Buf, Z128},
    session::{Pair, SessionError},
};

/// Words of the message before the masked store: two coins and the number of the instance.
pub(in crate::psi) const HEADER_WORDS: usize = 3;
/// Items at a time, so that what is worked out on them stays in the first-level cache.
const BLOCK: usize = 512;

/// What both sides know of an instance.
#[derive(Clone, Copy, Debug)]
pub(in crate::psi) struct Instance<'c> {
    /// The sizes of the receiver's store.
    pub(in crate::psi) store: Params,
    /// Which of the run's instances it is.
    pub(in crate::psi) number: u64,
    /// What the run is.
    pub(in crate::psi) context: &'c [u8; 32],
}

/// What the receiver keeps of an instance it asked.
pub(in crate::psi) struct Asked {
    okvs: Okvs,
    placed: Placed,
    hashes: Hashes,
}

/// The sender's key of one instance: evaluates the function on any item.
///
/// # Security
/// Secret: whoever has it can test items against the receiver's outputs. Prints nothing, wiped in part when dropped.
pub struct OprfKey {
    okvs: Okvs,
    hashes: Hashes,
    coordinates: Vec<Coordinate>,
}

/// One of the coordinates of a key; there are two where the store's values are of 80 bits.
struct Coordinate {
    /// K = B + Δ·A'.
    encoded: Buf<u128>,
    delta: Zeroizing<u128>,
}

impl Instance<'_> {
    /// The receiver's message: coins drawn now, and the store of its items under the mask `a`.
    pub(in crate::psi) fn ask(
        &self,
        pair: &mut Pair<'_>,
        items: &[u128],
        a: &[u128],
        rng: &mut Prg,
    ) -> Result<Asked, SessionError> {
        let drawn = rng.elements::<Z128>(2);
        let coins = [drawn[0], drawn[1]];
        let hashes = Hashes::new(self.context, self.number, coins);
        let okvs = Okvs::new(self.store, coins[0]);
        let placed = okvs.place(items);
        let mut values = Buf::copy_of(placed.hashes());
        Backend::active().hash_blocks(&hashes.inner, &mut values);
        self.store.field().truncate(&mut values);
        let encoded = okvs.encode_placed(&placed, &[&values], rng);
        let mut masked = encoded.map_err(|error| encode_error(pair, error))?;
        drop(values);
        pair.send(&[coins[0], coins[1], u128::from(self.number)])?;
        self.send_masked(pair, &mut masked, a)?;
        Ok(Asked { okvs, placed, hashes })
    }

    /// Masks a store with `a` and sends it.
    fn send_masked(
        &self,
        pair: &mut Pair<'_>,
        store: &mut [u128],
        a: &[u128],
    ) -> Result<(), SessionError> {
        let field = self.store.field();
        if field == Field::Gf128 {
            let peer = pair.peer();
            return pair.wire().send_made(peer, store, |at, block| xor(block, &a[at..]));
        }
        xor(store, a);
        let mut bytes = Buf::<u8>::scratch(store.len() * field.bytes());
        field.pack(store, &mut bytes);
        pair.send(&bytes)
    }

    /// The masked store of the peer.
    fn recv_masked(&self, pair: &mut Pair<'_>) -> Result<Buf<u128>, SessionError> {
        let (field, slots) = (self.store.field(), self.store.slots());
        if field == Field::Gf128 {
            return pair.recv_words(slots);
        }
        let bytes = pair.recv_words::<u8>(slots * field.bytes())?;
        let mut words = Buf::scratch(slots);
        field.unpack(&bytes, &mut words);
        Ok(words)
    }

    /// The sender's end of it: its key, from the correlations `B` and `Δ` of each coordinate.
    pub(in crate::psi) fn hear(
        &self,
        pair: &mut Pair<'_>,
        correlations: &[(&[u128], u128)],
    ) -> Result<OprfKey, SessionError> {
        let header = pair.recv_words::<u128>(HEADER_WORDS)?;
        if header[2] != u128::from(self.number) {
            return Err(pair.invalid("another bucket than the one due"));
        }
        let hashes = Hashes::new(self.context, self.number, [header[0], header[1]]);
        let masked = self.recv_masked(pair)?;
        let coordinate = |(b, delta): &(&[u128], u128)| {
            let mut encoded = Buf::copy_of(b);
            self.store.field().scale_add(&mut encoded, &masked, *delta);
            Coordinate { encoded, delta: Zeroizing::new(*delta) }
        };
        let coordinates = correlations.iter().map(coordinate).collect();
        Ok(OprfKey { okvs: Okvs::new(self.store, header[0]), hashes, coordinates })
    }
}

impl Asked {
    /// The outputs of the receiver's items from the coordinates of `C`, in the order of [`Asked::rows`].
    pub(in crate::psi) fn outputs(&self, c: &[&[u128]]) -> Buf<u128> {
        self.hashes.finish(c.iter().map(|c| self.values(c)).collect())
    }

    /// The same of the malicious variant; `items` are those asked for.
    pub(in crate::psi) fn outputs_by_oracle(
        &self,
        c: &[u128],
        coin: u128,
        items: &[u128],
    ) -> Buf<u128> {
        let mut values = self.values(c);
        let items = self.placed.rows().iter().map(|row| items[*row as usize]);
        self.hashes.finish_by_oracle(&mut values, coin, items);
        values
    }

    /// One coordinate of the decoded values.
    fn values(&self, c: &[u128]) -> Buf<u128> {
        let mut values = Buf::scratch(self.placed.len());
        self.okvs.decode_placed(c, &self.placed, &mut values);
        values
    }

    /// Where the item of each value stood among those asked for.
    pub(in crate::psi) fn rows(&self) -> &[u32] {
        self.placed.rows()
    }

    /// Brings outputs into the order of the items.
    pub(super) fn restore(&self, outputs: &[u128]) -> Buf<u128> {
        let mut restored = Buf::scratch(outputs.len());
        self.placed.restore(outputs, &mut restored);
        restored
    }
}

impl OprfKey {
    /// `F` of any items.
    ///
    /// # Shape
    /// `out` has a word for each item.
    ///
    /// # Cost
    /// Local.
    ///
    /// # Panics
    /// If the lengths differ.
    ///
    /// # Security
    /// Time does not depend on the key; memory accesses follow the items, which are this party's own.
    pub fn eval(&self, items: &[u128], out: &mut [u128]) {
        assert_eq!(items.len(), out.len(), "an output for every item");
        let (placed, outputs) = self.outputs(items);
        placed.restore(&outputs, out);
    }

    /// Outputs of items, in an order that [`Placed::rows`] tells.
    pub(in crate::psi) fn outputs(&self, items: &[u128]) -> (Placed, Buf<u128>) {
        let (placed, values) = self.values(items);
        (placed, self.hashes.finish(values))
    }

    /// Outputs of the malicious variant; the coin is known once the sender has done its part.
    pub(in crate::psi) fn outputs_by_oracle(
        &self,
        items: &[u128],
        coin: impl FnOnce() -> Result<u128, SessionError>,
    ) -> Result<(Placed, Buf<u128>), SessionError> {
        let (placed, mut values) = self.values(items);
        let mut value = values.swap_remove(0);
        let placed_items = placed.rows().iter().map(|row| items[*row as usize]);
        self.hashes.finish_by_oracle(&mut value, coin()?, placed_items);
        Ok((placed, value))
    }

    /// Decoded values of items, by coordinates.
    fn values(&self, items: &[u128]) -> (Placed, Vec<Buf<u128>>) {
        let placed = self.okvs.place(items);
        let field = self.okvs.params().field();
        let decoded = self.coordinates.iter().map(|coordinate| {
            let mut values = Buf::scratch(items.len());
            self.okvs.decode_placed(&coordinate.encoded, &placed, &mut values);
            values
        });
        let mut values: Vec<Buf<u128>> = decoded.collect();
        let (backend, mut block) = (Backend::active(), [0; BLOCK]);
        for (at, hashes) in (0..).step_by(BLOCK).zip(placed.hashes().chunks(BLOCK)) {
            let block = &mut block[..hashes.len()];
            block.copy_from_slice(hashes);
            backend.hash_blocks(&self.hashes.inner, block);
            for (values, coordinate) in values.iter_mut().zip(&self.coordinates) {
                let values = &mut values[at..at + hashes.len()];
                field.scale_add(values, block, *coordinate.delta);
            }
        }
        (placed, values)
    }
}

/// Addition in a field of characteristic two.
fn xor(acc: &mut [u128], x: &[u128]) {
    for (acc, x) in acc.iter_mut().zip(x) {
        *acc ^= x;
    }
}

/// What a store that was not encoded means for the run.
fn encode_error(pair: &Pair<'_>, error: EncodeError) -> SessionError {
    match error {
        EncodeError::Unlucky => pair.unlucky("the set does not fit the drawn hash functions"),
        EncodeError::Duplicate => pair.misuse("a set with an item twice"),
        _ => pair.misuse("more items than the sizes both sides agreed on"),
    }
}

impl fmt::Debug for OprfKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OprfKey({} slots)", self.okvs.params().slots())
    }
}
