//! Which tags of two lists are equal.

use crate::psi::uniform_sort::sort_by_uniform_key;

/// The places in the first list, and in the second, of tags that are in both; ascending.
///
/// # Security
/// Local: time and memory access depend on the tags, which this party may know.
pub(super) fn common(left: &[u128], right: &[u128]) -> [Vec<u32>; 2] {
    let (left, right) = (sorted(left), sorted(right));
    let (mut of_left, mut of_right) = (Vec::new(), Vec::new());
    let (mut i, mut j) = (0, 0);
    while i < left.len() && j < right.len() {
        let (a, b) = (left[i].0, right[j].0);
        if a < b {
            i += 1;
        } else if b < a {
            j += 1;
        } else {
            // Equal tags of one list are all common, or none is.
            let run = |list: &[(u128, u32)]| list.iter().take_while(|(tag, _)| *tag == a).count();
            let (lefts, rights) = (run(&left[i..]), run(&right[j..]));
            of_left.extend(left[i..i + lefts].iter().map(|(_, place)| place));
            of_right.extend(right[j..j + rights].iter().map(|(_, place)| place));
            (i, j) = (i + lefts, j + rights);
        }
    }
    of_left.sort_unstable();
    of_right.sort_unstable();
    [of_left, of_right]
}

fn sorted(tags: &[u128]) -> Vec<(u128, u32)> {
    let mut sorted: Vec<_> = tags.iter().copied().zip(0..).collect();
    sort_by_uniform_key(&mut sorted, |(tag, _)| *tag);
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
