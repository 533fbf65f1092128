//! Sorting of what is uniformly distributed: the place of an element follows from its first bits.

/// Elements that one part of the first pass should have: a part and its second pass fit the first-level cache.
const PART: usize = 2048;
/// At most so many parts, so that the places written to in turn stay in the cache.
const MAX_PART_BITS: u32 = 11;
/// A bin of the second pass that has more than this is no accident, and its part is sorted by comparison.
const CROWD: u32 = 48;

/// Sorts by a key whose first bits are uniform: two passes of scattering, then a few comparisons.
///
/// Any keys are sorted rightly; uniform ones in linear time, others in `n log n`.
///
/// # Security
/// Time and memory access depend on the elements: for local data of one party only.
pub(super) fn sort_by_uniform_key<T: Copy>(items: &mut [T], key: impl Fn(&T) -> u128) {
    let bits = (items.len() / PART).next_power_of_two().trailing_zeros().min(MAX_PART_BITS);
    if bits == 0 {
        sort_part(items, 0, &mut Vec::new(), &mut Vec::new(), &key);
        return;
    }
    let part_of = |item: &T| first_bits(key(item), bits);
    let mut starts = vec![0_usize; (1 << bits) + 1];
    for item in items.iter() {
        starts[part_of(item) + 1] += 1;
    }
    for part in 1..starts.len() {
        starts[part] += starts[part - 1];
    }
    let (mut at, source) = (starts.clone(), items.to_vec());
    for item in &source {
        let at = &mut at[part_of(item)];
        items[*at] = *item;
        *at += 1;
    }
    drop(source);
    let (mut scratch, mut counts) = (Vec::new(), Vec::new());
    for range in starts.windows(2) {
        sort_part(&mut items[range[0]..range[1]], bits, &mut scratch, &mut counts, &key);
    }
}

/// Sorts a part whose keys agree in their first `skip` bits.
fn sort_part<T: Copy>(
    items: &mut [T],
    skip: u32,
    scratch: &mut Vec<T>,
    counts: &mut Vec<u32>,
    key: &impl Fn(&T) -> u128,
) {
    let bits = (items.len() / 2).next_power_of_two().trailing_zeros();
    if bits > 2 {
        let bin_of = |item: &T| first_bits(key(item) << skip, bits);
        counts.clear();
        counts.resize((1 << bits) + 1, 0);
        for item in items.iter() {
            counts[bin_of(item) + 1] += 1;
        }
        if counts.iter().any(|count| *count > CROWD) {
            items.sort_unstable_by_key(key);
            return;
        }
        for bin in 1..counts.len() {
            counts[bin] += counts[bin - 1];
        }
        scratch.clear();
        scratch.extend_from_slice(items);
        for item in scratch.iter() {
            let at = &mut counts[bin_of(item)];
            items[*at as usize] = *item;
            *at += 1;
        }
    }
    insertion_sort(items, key);
}

/// Linear where no element is far from its place.
fn insertion_sort<T: Copy>(items: &mut [T], key: &impl Fn(&T) -> u128) {
    for i in 1..items.len() {
        let (item, mut at) = (items[i], i);
        let own = key(&item);
        while at > 0 && key(&items[at - 1]) > own {
            items[at] = items[at - 1];
            at -= 1;
        }
        items[at] = item;
    }
}

/// The first `bits` bits of a word, at most 63.
fn first_bits(word: u128, bits: u32) -> usize {
    if bits == 0 { 0 } else { (word >> (128 - bits)) as usize }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testkit::Duo;

    #[test]
    fn sorts_as_the_standard_library_does() {
        for n in [0, 1, 2, 3, 17, 63, 64, 65, 1000, 2047, 4096, 4097, 30_000] {
            let uniform = Duo::new(n as u64).words(0, n);
            let few: Vec<u128> = uniform.iter().map(|word| (word % 3) << 120).collect();
            let low: Vec<u128> = uniform.iter().map(|word| word >> 90).collect();
            for words in [uniform, few, low] {
                let mut got = words.clone();
                sort_by_uniform_key(&mut got, |word| *word);
                let mut want = words;
                want.sort_unstable();
                assert_eq!(got, want, "{n} elements");
            }
        }
    }

    #[test]
    fn what_hangs_on_a_key_goes_with_it() {
        let words = Duo::new(5).words(0, 10_000);
        let mut pairs: Vec<(u128, usize)> = words.iter().copied().zip(0..).collect();
        sort_by_uniform_key(&mut pairs, |pair| pair.0);
        assert!(pairs.iter().all(|(word, at)| words[*at] == *word));
        assert!(pairs.is_sorted_by_key(|pair| pair.0));
    }
}
