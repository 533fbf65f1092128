//! The function by itself: one instance with correlations of its own.

use super::instance::{HEADER_WORDS, Instance, OprfKey};
use crate::{
    okvs::Params,
    prg::Prg,
    ring::Buf,
    session::{Pair, PairCost, SessionError, Side},
    vole::{self, Model},
};

/// The context of a single instance: its coins alone tell it from others.
const CONTEXT: [u8; 32] = [0; 32];

/// The receiver's side: `F` of its own items.
///
/// # Shape
/// Distinct items, at most `slots_for` of them, the public size. Returns an output for each item, in their order. `instances` is how
/// many such functions a run has, in all its buckets: they share the failure probability.
///
/// # Cost
/// [`cost`]: 16 bytes a slot, about 1.3 slots an item, and a fixed price for the correlations.
///
/// # Errors
/// [`SessionError::Misuse`] for duplicates or too many items, [`SessionError::Unlucky`] with probability 2^-40 at most over all
/// instances; errors of the link pass through.
///
/// # Security
/// Semi-honest; see the module.
pub fn receive(
    pair: &mut Pair<'_>,
    items: &[u128],
    (slots_for, instances): (usize, u64),
    rng: &mut Prg,
) -> Result<Buf<u128>, SessionError> {
    let instance = instance(pair, slots_for, instances)?;
    let vole = vole::receive(pair, instance.store.slots(), Model::SemiHonest, rng)?;
    let asked = instance.ask(pair, items, vole.a(), rng)?;
    Ok(asked.restore(&asked.outputs(&[vole.c()])))
}

/// The sender's side: the key.
///
/// # Cost
/// [`cost`].
///
/// # Errors
/// Errors of the link pass through; [`SessionError::Misuse`] for a size that no store has.
///
/// # Security
/// Semi-honest; see the module.
pub fn send(
    pair: &mut Pair<'_>,
    (slots_for, instances): (usize, u64),
    rng: &mut Prg,
) -> Result<OprfKey, SessionError> {
    let instance = instance(pair, slots_for, instances)?;
    let vole = vole::send(pair, instance.store.slots(), Model::SemiHonest, rng)?;
    instance.hear(pair, &[(vole.b(), vole.delta())])
}

/// The price of [`send`] and [`receive`]. Nothing is counted for a size that no store has.
pub fn cost(c: &mut PairCost, (slots_for, instances): (usize, u64)) {
    let Ok(store) = Params::new(slots_for, instances) else { return };
    vole::cost(c, store.slots(), Model::SemiHonest);
    c.message::<u128>(Side::Receiver, HEADER_WORDS);
    c.message::<u128>(Side::Receiver, store.slots());
}

fn instance(
    pair: &Pair<'_>,
    slots_for: usize,
    instances: u64,
) -> Result<Instance<'static>, SessionError> {
    let store = Params::new(slots_for, instances);
    let store = store.map_err(|_| pair.misuse("a set too large for a store"))?;
    Ok(Instance { store, number: 0, context: &CONTEXT })
}
