//! One instance on given correlations: what the receiver asks and what the sender makes of it.

use std::fmt;

use zeroize::Zeroizing;

use super::hashes::Hashes;
use crate::{
    kernels::Backend,
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
        let encoded = okvs.encode_placed(&placed, &[&values], rng);
        let mut masked = encoded.map_err(|error| encode_error(pair, error))?;
        drop(values);
        pair.send(&[coins[0], coins[1], u128::from(self.number)])?;
        let peer = pair.peer();
        pair.wire().send_made(peer, &mut masked, |at, block| xor(block, &a[at..]))?;
        Ok(Asked { okvs, placed, hashes })
    }

    /// The sender's end of it: its key, from `Δ` and the correlations `b`.
    pub(in crate::psi) fn hear(
        &self,
        pair: &mut Pair<'_>,
        b: &[u128],
        delta: u128,
    ) -> Result<OprfKey, SessionError> {
        let header = pair.recv_words::<u128>(HEADER_WORDS)?;
        if header[2] != u128::from(self.number) {
            return Err(pair.invalid("another bucket than the one due"));
        }
        let hashes = Hashes::new(self.context, self.number, [header[0], header[1]]);
        let masked = pair.recv_words::<u128>(self.store.slots())?;
        let mut encoded = Buf::copy_of(b);
        Backend::active().gf128_scale_add(&mut encoded, &masked, delta);
        let okvs = Okvs::new(self.store, header[0]);
        Ok(OprfKey { okvs, hashes, encoded, delta: Zeroizing::new(delta) })
    }
}

impl Asked {
    /// The decoded values of the receiver's items, in the order of [`Asked::rows`].
    pub(in crate::psi) fn values(&self, c: &[u128]) -> Buf<u128> {
        let mut values = Buf::scratch(self.placed.len());
        self.okvs.decode_placed(c, &self.placed, &mut values);
        values
    }

    /// Turns values into outputs.
    pub(in crate::psi) fn finish(&self, values: &mut [u128]) {
        self.hashes.finish(values);
    }

    /// Turns values into outputs of the malicious variant; `items` are those asked for.
    pub(in crate::psi) fn finish_by_oracle(&self, values: &mut [u128], coin: u128, items: &[u128]) {
        let items = self.placed.rows().iter().map(|row| items[*row as usize]);
        self.hashes.finish_by_oracle(values, coin, items);
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
        let (placed, mut values) = self.values(items);
        self.hashes.finish(&mut values);
        placed.restore(&values, out);
    }

    /// Decoded values of items, in an order that [`Placed::rows`] tells.
    pub(in crate::psi) fn values(&self, items: &[u128]) -> (Placed, Buf<u128>) {
        let placed = self.okvs.place(items);
        let mut values = Buf::scratch(items.len());
        self.okvs.decode_placed(&self.encoded, &placed, &mut values);
        let (backend, mut block) = (Backend::active(), [0; BLOCK]);
        for (values, hashes) in values.chunks_mut(BLOCK).zip(placed.hashes().chunks(BLOCK)) {
            let block = &mut block[..hashes.len()];
            block.copy_from_slice(hashes);
            backend.hash_blocks(&self.hashes.inner, block);
            backend.gf128_scale_add(values, block, *self.delta);
        }
        (placed, values)
    }

    /// Turns values into outputs.
    pub(in crate::psi) fn finish(&self, values: &mut [u128]) {
        self.hashes.finish(values);
    }

    /// Turns values into outputs of the malicious variant; `items` are those evaluated.
    pub(in crate::psi) fn finish_by_oracle(
        &self,
        values: &mut [u128],
        coin: u128,
        (placed, items): (&Placed, &[u128]),
    ) {
        let items = placed.rows().iter().map(|row| items[*row as usize]);
        self.hashes.finish_by_oracle(values, coin, items);
    }
}

/// Addition in GF(2^128).
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
        write!(f, "OprfKey({} slots)", self.encoded.len())
    }
}
