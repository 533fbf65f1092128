//! Which tags of two lists are equal.

use std::{panic::resume_unwind, thread};

use crate::psi::uniform_sort::sort_by_uniform_key;

/// Lists shorter than this are sorted sooner than a thread starts.
const LONG: usize = 1 << 14;

/// The places in the first list, and in the second, of tags that are in both; ascending.
///
/// # Security
/// Local: time and memory access depend on the tags, which this party may know.
pub(super) fn common(left: &[u128], right: &[u128]) -> [Vec<u32>; 2] {
    let (left, right) = both_sorted(left, right);
    let (mut of_left, mut of_right) = (Vec::new(), Vec::new());
    let (mut i, mut j) = (0, 0);
    while i < left.len() && j < right.len() {
        let (a, b) = (left[i].tag(), right[j].tag());
        if a < b {
            i += 1;
        } else if b < a {
            j += 1;
        } else {
            // Equal tags of one list are all common, or none is.
            let run = |list: &[Placed]| list.iter().take_while(|placed| placed.tag() == a).count();
            let (lefts, rights) = (run(&left[i..]), run(&right[j..]));
            of_left.extend(left[i..i + lefts].iter().map(|placed| placed.place));
            of_right.extend(right[j..j + rights].iter().map(|placed| placed.place));
            (i, j) = (i + lefts, j + rights);
        }
    }
    of_left.sort_unstable();
    of_right.sort_unstable();
    [of_left, of_right]
}

/// A tag and where it stood, in 20 bytes.
#[derive(Clone, Copy)]
struct Placed {
    tag: [u8; 16],
    place: u32,
}

impl Placed {
    fn tag(&self) -> u128 {
        u128::from_ne_bytes(self.tag)
    }
}

/// Both lists in order, side by side where that pays: by now the peer is done, and its processor may be free.
fn both_sorted(left: &[u128], right: &[u128]) -> (Vec<Placed>, Vec<Placed>) {
    if left.len().min(right.len()) < LONG {
        return (sorted(left), sorted(right));
    }
    thread::scope(|scope| {
        let left = scope.spawn(|| sorted(left));
        let right = sorted(right);
        (left.join().unwrap_or_else(|panic| resume_unwind(panic)), right)
    })
}

fn sorted(tags: &[u128]) -> Vec<Placed> {
    let placed = tags.iter().zip(0..).map(|(tag, place)| Placed { tag: tag.to_ne_bytes(), place });
    let mut sorted: Vec<_> = placed.collect();
    sort_by_uniform_key(&mut sorted, Placed::tag);
    sorted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_tags_are_found_with_their_places() {
        let [left, right] = common(&[5, 1, 9, 5], &[9, 2, 5]);
        assert_eq!((left, right), (vec![0, 2, 3], vec![0, 2]));
        assert_eq!(common(&[], &[1]), [vec![], vec![]]);
        assert_eq!(common(&[2], &[1, 3]), [vec![], vec![]]);
    }
}
