//! What has changed of what is published: found by passing over all of it once, in the order of ids, beside what stands.

use std::{
    fs::File,
    io::{self, BufReader, BufWriter, Read as _, Seek as _, SeekFrom, Write as _},
};

use tables::TableError;

use super::{
    entries::Entries,
    standing::{Digests, Standing, Writing},
};
use crate::job::Failure;

const ID_BYTES: usize = 16;

/// The entries that are new or say something else, and the ids that are gone.
pub(super) struct Difference {
    /// A bit for each entry, in the order of their rows, lowest first.
    changed: Vec<u64>,
    withdrawn: File,
    changes: u64,
    gone: u64,
}

/// What becomes of an entry: its id, its number in the order of rows, the digest of its label.
type Take<'t> = dyn FnMut(u128, u64, u128) -> io::Result<()> + 't;

/// Hands on all entries under a salt in the order of their ids.
fn in_order(
    entries: &Entries<'_>,
    (salt, digests): (&[u8; 32], &Digests),
    take: &mut Take<'_>,
) -> Result<(), Failure> {
    let (width, mut spill, mut number) = (entries.label_bytes(), entries.spill_with(2), 0);
    entries.each(salt, &mut |items, labels| {
        for (at, id) in items.iter().enumerate() {
            let digest = digests.of(*id, &labels[at * width..(at + 1) * width]).to_le_bytes();
            let words = digest.as_chunks().0.iter().map(|word| u64::from_le_bytes(*word));
            spill.push_with(*id, number, words).map_err(|error| entries.broken(&error))?;
            number += 1;
        }
        Ok(())
    })?;
    for (from, last) in entries.ranges() {
        let there = spill.lowest(from, last, 1).map_err(|error| entries.broken(&error))?;
        for ((id, number), words) in there.pairs.into_iter().zip(there.values.as_chunks::<2>().0) {
            let digest = u128::from(words[0]) | u128::from(words[1]) << 64;
            take(id, number, digest).map_err(|error| unkept(entries, error))?;
        }
    }
    Ok(())
}

/// Writes down what stands, where nothing is compared.
pub(super) fn stand(
    entries: &Entries<'_>,
    with: (&[u8; 32], &Digests),
    writing: &mut Writing,
) -> Result<(), Failure> {
    in_order(entries, with, &mut |id, _, digest| writing.push((id, digest)))
}

impl Difference {
    /// What has changed since what stands, and what stands from now on; nothing if what stands is damaged.
    pub(super) fn of(
        entries: &Entries<'_>,
        salt: &[u8; 32],
        mut before: Standing,
        writing: &mut Writing,
    ) -> Result<Option<Self>, Failure> {
        let words = usize::try_from(entries.count().div_ceil(64)).unwrap_or(usize::MAX);
        let mut withdrawn = BufWriter::new(entries.scratch()?);
        let (mut changed, mut changes, mut gone) = (vec![0_u64; words], 0, 0);
        let digests = before.digests();
        let Ok(mut there) = before.next() else { return Ok(None) };
        let mut damaged = false;
        let mut next = |there: &mut Option<(u128, u128)>| {
            *there = before.next().unwrap_or_else(|_| {
                damaged = true;
                None
            });
        };
        let mut leaves = |id: u128| {
            gone += 1;
            withdrawn.write_all(&id.to_le_bytes())
        };
        in_order(entries, (salt, &digests), &mut |id, number, digest| {
            while let Some((old, _)) = there.filter(|(old, _)| *old < id) {
                leaves(old)?;
                next(&mut there);
            }
            let same = there.filter(|(old, _)| *old == id);
            if same.is_some() {
                next(&mut there);
            }
            // A number of an entry that was read.
            if same != Some((id, digest))
                && let Some(word) =
                    usize::try_from(number / 64).ok().and_then(|at| changed.get_mut(at))
            {
                *word |= 1 << (number % 64);
                changes += 1;
            }
            writing.push((id, digest))
        })?;
        while let Some((old, _)) = there {
            leaves(old).map_err(|error| unkept(entries, error))?;
            next(&mut there);
        }
        let withdrawn =
            withdrawn.into_inner().map_err(|error| unkept(entries, error.into_error()))?;
        let whole = !damaged && before.ended_whole();
        Ok(whole.then_some(Self { changed, withdrawn, changes, gone }))
    }

    /// How many rows it has.
    pub(super) fn count(&self) -> u64 {
        self.changes + self.gone
    }

    /// Whether an entry is among those that are new or say something else.
    pub(super) fn has(&self, number: u64) -> bool {
        let word = usize::try_from(number / 64).ok().and_then(|at| self.changed.get(at));
        word.is_some_and(|word| word >> (number % 64) & 1 == 1)
    }

    /// Hands on the ids that are gone, so many at a time.
    pub(super) fn gone(
        &mut self,
        entries: &Entries<'_>,
        at_once: usize,
        mut take: impl FnMut(&[u128]) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let broken = |error| unkept(entries, error);
        self.withdrawn.seek(SeekFrom::Start(0)).map_err(broken)?;
        let (mut file, mut left) = (BufReader::new(&self.withdrawn), self.gone);
        while left > 0 {
            let count = usize::try_from(left).unwrap_or(usize::MAX).min(at_once);
            let mut bytes = vec![0; count * ID_BYTES];
            file.read_exact(&mut bytes).map_err(broken)?;
            let ids = bytes.as_chunks().0.iter().map(|id| u128::from_le_bytes(*id));
            take(&ids.collect::<Vec<_>>())?;
            left -= count as u64;
        }
        Ok(())
    }
}

fn unkept(entries: &Entries<'_>, source: io::Error) -> Failure {
    let file = "what is published, as it is compared with what was".to_owned();
    entries.broken(&TableError::Io { file, source })
}
