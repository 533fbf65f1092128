//! Encodings of strings: a code in a public list, or a keyed hash.

use crate::plan::Encoding;

/// Both ascending lists as one.
pub(super) fn merged(a: &[String], b: &[String]) -> Vec<String> {
    let mut all: Vec<String> = a.iter().chain(b).cloned().collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// The encoding as an index in this list.
pub(super) fn code(domain: Vec<String>) -> Encoding {
    let width = width(domain.len());
    Encoding::Code { domain, width }
}

/// Bits of an index in a list of this length.
pub(super) fn width(length: usize) -> u16 {
    let last = length.saturating_sub(1);
    u16::try_from(usize::BITS - last.leading_zeros()).unwrap_or(64).max(1)
}

/// A keyed hash of max(64, 40 + 2·⌈log2 rows⌉) bits in columns of at most 64, most significant first.
pub(super) fn hash_lanes(rows: u64) -> Vec<Encoding> {
    let log = u64::BITS - rows.max(1).saturating_sub(1).leading_zeros();
    let total = u16::try_from(40 + 2 * log).unwrap_or(168).max(64);
    let lanes = total.div_ceil(64);
    let lane = |i: u16| {
        let from = i * 64;
        Encoding::KeyedHash { from, width: (total - from).min(64) }
    };
    (0..lanes).rev().map(lane).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hash_width_grows_with_the_rows() {
        let widths = |rows| {
            let lane = |e: &Encoding| match e {
                Encoding::KeyedHash { from, width } => (*from, *width),
                other => panic!("{other:?}"),
            };
            hash_lanes(rows).iter().map(lane).collect::<Vec<_>>()
        };
        assert_eq!(widths(1), [(0, 64)]);
        assert_eq!(widths(4096), [(0, 64)]);
        assert_eq!(widths(4097), [(64, 2), (0, 64)]);
        assert_eq!(widths(1 << 20), [(64, 16), (0, 64)]);
        assert_eq!(
            [width(0), width(1), width(2), width(3), width(16), width(17)],
            [1, 1, 1, 2, 4, 5]
        );
    }
}
