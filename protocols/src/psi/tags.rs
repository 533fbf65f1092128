//! Tags: the first bits of the outputs of the pseudo-random function, and a table to find them in.

use crate::{prg::Prg, ring::Z128};

use super::uniform_sort::sort_by_uniform_key;

/// The first `bits` bits of an output, as a number.
pub(super) const fn tag(output: u128, bits: u32) -> u128 {
    if bits == 0 { 0 } else { output >> (128 - bits) }
}

/// One side's tags of a bucket in ascending order, filled up with random ones.
pub(super) struct Sorted {
    /// Ascending.
    pub(super) tags: Vec<u128>,
    /// Where the output of each tag stood; [`FILLED`] for one that was filled in.
    pub(super) origin: Vec<u32>,
}

/// The origin of a random tag.
pub(super) const FILLED: u32 = u32::MAX;

impl Sorted {
    /// Cuts outputs to tags, fills up to `capacity` and sorts.
    ///
    /// # Security
    /// A random tag looks like that of an item the peer does not have. The order hides where an item stood.
    pub(super) fn new(outputs: &[u128], capacity: usize, bits: u32, rng: &mut Prg) -> Self {
        let fill = rng.elements::<Z128>(capacity.saturating_sub(outputs.len()));
        let own = outputs.iter().copied().zip(0_u32..);
        let filled = fill.iter().map(|output| (*output, FILLED));
        let pack = |(output, origin): (u128, u32)| Packed(output.to_ne_bytes(), origin);
        let mut packed: Vec<Packed> = own.chain(filled).map(pack).collect();
        sort_by_uniform_key(&mut packed, |packed| u128::from_ne_bytes(packed.0));
        let tags = packed.iter().map(|packed| tag(u128::from_ne_bytes(packed.0), bits));
        Self { tags: tags.collect(), origin: packed.iter().map(|packed| packed.1).collect() }
    }

    /// The tags alone, where the origins are not needed.
    pub(super) fn tags_only(
        outputs: &[u128],
        capacity: usize,
        bits: u32,
        rng: &mut Prg,
    ) -> Vec<u128> {
        let mut tags = Vec::with_capacity(capacity);
        tags.extend_from_slice(outputs);
        tags.extend_from_slice(&rng.elements::<Z128>(capacity.saturating_sub(outputs.len())));
        sort_by_uniform_key(&mut tags, |output| *output);
        tags.iter_mut().for_each(|output| *output = tag(*output, bits));
        tags
    }
}

/// An output and its origin in 20 bytes.
#[derive(Clone, Copy)]
struct Packed([u8; 16], u32);

/// Tags looked up at a time.
const BLOCK: usize = 64;

/// Ascending tags, with an index by their first bits.
pub(super) struct Table<'t> {
    tags: &'t [u128],
    /// Where the tags with given first bits begin.
    starts: Vec<u32>,
    shift: u32,
}

impl<'t> Table<'t> {
    /// The table of ascending tags of so many bits, each below 2^bits.
    pub(super) fn new(tags: &'t [u128], bits: u32) -> Self {
        let index_bits = tags.len().max(1).ilog2().min(bits);
        let shift = bits - index_bits;
        let mut starts = Vec::with_capacity((1 << index_bits) + 1);
        for (tag, at) in tags.iter().zip(0_u32..) {
            let first = first_bits(*tag, shift);
            while starts.len() <= first {
                starts.push(at);
            }
        }
        let len = u32::try_from(tags.len()).unwrap_or(u32::MAX);
        starts.resize((1 << index_bits) + 1, len);
        Self { tags, starts, shift }
    }

    /// Calls `found` with each tag that is there: its number among those looked up, and where it stands.
    ///
    /// A block at a time, so that what is not in the cache is fetched for many tags at once.
    pub(super) fn find(
        &self,
        mut wanted: impl ExactSizeIterator<Item = u128>,
        mut found: impl FnMut(usize, usize),
    ) {
        let (mut tags, mut ranges, mut at) = ([0; BLOCK], [(0, 0); BLOCK], 0);
        while wanted.len() > 0 {
            let count = wanted.len().min(BLOCK);
            for ((tag, range), own) in
                tags.iter_mut().zip(&mut ranges).zip(wanted.by_ref().take(count))
            {
                let first = first_bits(own, self.shift);
                *tag = own;
                *range = (self.starts[first] as usize, self.starts[first + 1] as usize);
            }
            // Most ranges hold one tag: their first ones are fetched before any is compared.
            let firsts = ranges.map(|(start, _)| self.tags.get(start).copied().unwrap_or_default());
            for i in 0..count {
                let (start, end) = ranges[i];
                if start < end && firsts[i] == tags[i] {
                    found(at + i, start);
                } else if end - start > 1
                    && let Some(next) = self.tags[start..end].iter().position(|own| *own == tags[i])
                {
                    found(at + i, start + next);
                }
            }
            at += count;
        }
    }
}

fn first_bits(tag: u128, shift: u32) -> usize {
    if shift == 128 { 0 } else { (tag >> shift) as usize }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testkit::Duo;

    fn find(table: &Table<'_>, tag: u128) -> Option<usize> {
        let mut at = None;
        table.find([tag].into_iter(), |_, place| at = Some(place));
        at
    }

    #[test]
    fn many_are_looked_up_as_one_is() {
        let duo = Duo::new(3);
        let sorted = Sorted::new(&duo.words(0, 1000), 1000, 70, &mut duo.prg(1));
        let table = Table::new(&sorted.tags, 70);
        for n in [0, 1, 63, 64, 65, 500] {
            let others = duo.words(4, n).into_iter().map(|word| tag(word, 70));
            let wanted: Vec<u128> =
                others.zip(&sorted.tags).flat_map(|(other, own)| [other, *own]).collect();
            let mut found = Vec::new();
            table.find(wanted.iter().copied(), |at, place| found.push((at, place)));
            assert!(found.into_iter().eq((0..n).map(|i| (2 * i + 1, i))));
        }
    }

    #[test]
    fn what_is_in_the_table_is_found_and_nothing_else() {
        for (n, bits) in
            [(0, 41), (1, 41), (2, 128), (63, 60), (64, 60), (65, 60), (5000, 80), (300, 8)]
        {
            let duo = Duo::new(n as u64);
            let sorted = Sorted::new(&duo.words(0, n), n, bits, &mut duo.prg(1));
            assert!(sorted.tags.is_sorted());
            let table = Table::new(&sorted.tags, bits);
            for (own, origin) in sorted.tags.iter().zip(&sorted.origin) {
                let at = find(&table, *own).unwrap();
                assert_eq!(sorted.tags[at], *own);
                assert!(bits < 20 || sorted.origin[at] == *origin);
            }
            let others = duo.words(2, 1000).into_iter().map(|word| tag(word, bits));
            for other in others {
                assert_eq!(find(&table, other).is_some(), sorted.tags.contains(&other));
            }
        }
    }

    #[test]
    fn a_short_set_is_filled_up() {
        let duo = Duo::new(9);
        let outputs = duo.words(0, 10);
        let sorted = Sorted::new(&outputs, 30, 60, &mut duo.prg(1));
        assert_eq!(sorted.tags.len(), 30);
        assert_eq!(sorted.origin.iter().filter(|origin| **origin == FILLED).count(), 20);
        for (tag, origin) in sorted.tags.iter().zip(&sorted.origin) {
            assert!(*origin == FILLED || super::tag(outputs[*origin as usize], 60) == *tag);
        }
        assert_eq!(Sorted::tags_only(&outputs, 30, 60, &mut duo.prg(1)), sorted.tags);
    }
}
