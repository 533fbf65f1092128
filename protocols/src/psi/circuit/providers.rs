//! What the two providers do with each other: the sender programs, the receiver evaluates.

use super::{intersect::Set, split::Split, task::Task};
use crate::{
    prg::Prg,
    psi::{
        cuckoo::{Hashing, Simple, Table},
        opprf::{self, Points},
    },
    ring::{Buf, Z64, Z128},
    session::{Session, SessionError},
};

/// The sender's part: at the key of each of its elements in each of its bins, the bin's tags, and the element's columns without
/// the bin's masks.
///
/// # Security
/// The receiver evaluates one key a bin, and finds at most one point there: the tags and masks of a bin, which are
/// uniform and unknown to it, hide that they are no random value. What a block has beside its fields is fresh randomness.
pub(super) fn program(
    s: &mut Session,
    task: &Task,
    set: &Set<'_>,
    (hashing, splits): (&Hashing, &[Split]),
    rng: &mut Prg,
) -> Result<(), SessionError> {
    let Simple { bins, keys } = hashing.simple(set.items);
    let mut columns: Vec<Buf<u128>> =
        (0..task.function().columns).map(|_| rng.elements::<Z128>(keys.len())).collect();
    for ((number, field), split) in task.fields().iter().enumerate().zip(splits) {
        let masks = split.masks(task.bins());
        let block = &mut columns[field.block];
        let entries = block.iter_mut().zip(&bins);
        match number.checked_sub(task.tags()) {
            None => entries.for_each(|(block, bin)| field.put(masks[*bin as usize], block)),
            Some(column) => {
                let values = set.columns[column].iter().flat_map(|value| [*value; 3]);
                for ((block, bin), value) in entries.zip(values) {
                    field.put(field.hide(value, masks[*bin as usize]), block);
                }
            }
        }
    }
    // Keys and columns are freed inside, as soon as they are encoded.
    drop(bins);
    let pair = &mut s.pair(task.receiver().role.id());
    opprf::send(pair, task.function(), Points { keys, columns }, rng)
}

/// The receiver's part: for each field a value in every bin, a random one where no element stands.
pub(super) fn evaluate(
    s: &mut Session,
    task: &Task,
    table: &Table,
    rng: &mut Prg,
) -> Result<Vec<Buf<u64>>, SessionError> {
    let pair = &mut s.pair(task.sender().role.id());
    let blocks = opprf::receive(pair, task.function(), table.keys(), rng)?;
    let rows = task.fields().iter().map(|field| {
        let mut rows = rng.elements::<Z64>(task.bins());
        table.spread(blocks[field.block].iter().map(|block| field.take(*block)), &mut rows);
        rows
    });
    Ok(rows.collect())
}
