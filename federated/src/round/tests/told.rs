//! What is told of sums that no honest providers shared, or of few rows: asked of the parties alone.

use super::*;
use crate::{
    average::Trailer,
    model::Tally,
    round::{Counting, UNTOLD, open::open},
    trees::replicate,
};

const LEAST: u64 = 10;
const ROWS: u64 = 1000;
const UNTOLD_ALL: [u64; 5] = [UNTOLD; 5];

/// What each of the parties has of what all three do.
fn all_three<T: Send>(play: impl Fn(&mut Session) -> T + Sync) -> Vec<T> {
    std::thread::scope(|scope| {
        let play = &play;
        let party = |(role, end): (Role, memory::MemoryChannel)| {
            scope.spawn(move || {
                let prss = test_prss(9, role);
                let mut s = Session::new(role, Arc::new(end), prss, Gate::recording());
                s.enter(1);
                play(&mut s)
            })
        };
        let ends = memory::mesh(3, Duration::from_secs(5));
        let parties: Vec<_> = Role::ALL.into_iter().zip(ends).map(party).collect();
        parties.into_iter().map(|party| party.join().unwrap()).collect()
    })
}

/// What is opened of a sum in these bins, whatever is told of it, and how many of these words are told.
fn opened(bins: [u64; 4]) -> (Vec<u64>, usize) {
    let counting = Counting::new(Tally::Bins(2), LEAST, ROWS).unwrap();
    let opened = all_three(|s| {
        let own = if s.role() == Role::P0 { bins } else { [0; 4] };
        let counts = replicate(s, &own).unwrap();
        let (words, told) = counting.rank(s, &counts, 2).unwrap();
        (words.to_vec(), told)
    });
    assert!(opened.iter().all(|words| *words == opened[0]), "parties do not agree: {opened:?}");
    opened[0].clone()
}

/// What is told where two providers are to be in a round and these are: of a sum that says that so many
/// are counted, in the bins of class 0 below and above a half, and in those of class 1.
fn told(present: &[usize], counted: u64, bins: [u64; 4]) -> Vec<u64> {
    let counting = Counting::new(Tally::Bins(2), LEAST, ROWS).unwrap();
    let course =
        Course { tally: Some(counting), ..course(&[3, 4], 1, Rule::Average { rate: 1.0 }) };
    let said = all_three(|s| {
        let mut sum = vec![0; course.words()];
        if s.role() == Role::P0 {
            let trailer =
                Trailer { weight: 80, updates: present.len() as u64, ..Trailer::default() };
            let figures: Vec<u64> =
                trailer.words().into_iter().chain([counted]).chain(bins).collect();
            sum[course.layout().body()..].copy_from_slice(&figures);
        }
        open(s, &course, sum, (present, 0)).unwrap().2
    });
    assert!(said.iter().all(|told| *told == said[0]), "parties do not agree: {said:?}");
    assert_eq!(said[0][0], counted);
    said[0][1..].to_vec()
}

#[test]
fn a_provider_does_not_count_for_one_that_is_missing() {
    let bins = [20, 20, 20, 20];
    assert_eq!(told(&[0, 1], 2, bins), [40, 40, 40 * 40, 20, 20]);
    for (present, counted) in [(&[0][..], 2), (&[0], 1), (&[0, 1], 1), (&[0, 1], 3), (&[0, 1], 0)] {
        assert_eq!(told(present, counted, bins), UNTOLD_ALL, "{present:?} {counted}");
    }
}

#[test]
fn neither_call_is_told_if_either_is_of_few_rows() {
    let without = |bins: [u64; 4]| {
        let found = told(&[0, 1], 2, bins);
        assert_eq!(found[..2], [bins[0] + bins[1], bins[2] + bins[3]], "{bins:?}");
        found[3..] == [UNTOLD; 2]
    };
    // Of either class called 0, called 1: enough, and one row less.
    assert!(!without([10, 10, 10, 10]) && !without([20, 10, 10, 20]));
    for few in 0..4 {
        for rows in [0, 1, 9] {
            let mut bins = [20; 4];
            bins[few] = rows;
            assert!(without(bins), "{bins:?}");
        }
    }
    // Of a class nothing at all.
    for bins in [[9, 0, 20, 20], [20, 20, 0, 9], [9, 0, 0, 9], [0; 4]] {
        assert_eq!(told(&[0, 1], 2, bins), UNTOLD_ALL, "{bins:?}");
    }
}

#[test]
fn sums_that_wrap_are_of_few_rows_or_of_too_many() {
    let (half, top) = (1_u64 << 63, 1_u64 << 32);
    for bins in [
        // Few rows of class 0, and so many more that 32 or 63 bits do not see them.
        [2 + top, 0, 20, 20],
        [2_u64.wrapping_sub(top), 0, 20, 20],
        [2 + half, 0, 20, 20],
        [20, 20, half, 0],
        [half, 0, half, 0],
        [half, 0, 0, half],
        [half, 10, half, 10],
        [half, half, half, half],
        [ROWS, 0, 0, 10],
        [500, 0, 0, 501],
        [10, 0, 0, ROWS + 1],
        [u64::MAX; 4],
    ] {
        assert_eq!(told(&[0, 1], 2, bins), UNTOLD_ALL, "{bins:?}");
    }
    assert_ne!(told(&[0, 1], 2, [500, 0, 0, 500]), UNTOLD_ALL, "all rows");
}

#[test]
fn of_few_rows_and_of_too_many_nothing_is_opened() {
    assert_eq!(opened([20; 4]), (vec![40, 40, 40 * 40, 20, 20], 5));
    // Of a class few are called so, or few are not; or so many more or less than none that sums hide them.
    let half = 1_u64 << 63;
    let hidden = [half - 1 + LEAST, half - 1 + LEAST];
    let below = [9_u64.wrapping_sub(20), 20 + 20 - 9];
    for bins in [
        [9, 20, 20, 20],
        [20, 9, 20, 20],
        [20, 20, 9, 20],
        [20, 20, 20, 9],
        [20, 20, hidden[0], hidden[1]],
        [hidden[0], hidden[1], 20, 20],
        [20, 20, below[0], below[1]],
        [below[1], below[0], 20, 20],
    ] {
        let (words, told) = opened(bins);
        assert_eq!((&words[3..], told), (&[0, 0][..], 3), "{bins:?}");
        let [zeros, ones] = [bins[0].wrapping_add(bins[1]), bins[2].wrapping_add(bins[3])];
        assert_eq!(words[..2], [zeros, ones], "{bins:?}");
    }
    for bins in [
        [9, 0, 20, 20],
        [20, 20, 0, 9],
        [ROWS, 0, 0, 10],
        [500, 0, 0, 501],
        [10, 0, 0, ROWS + 1],
        [half, 0, half, 0],
        [half, 10, half, 10],
        [u64::MAX; 4],
    ] {
        assert_eq!(opened(bins), (vec![0; 5], 0), "{bins:?}");
    }
}
