//! A value outside its declared range ends the run at all three parties, and one inside never does.

use std::{sync::Arc, time::Duration};

use super::*;
use crate::net::{Channel, memory};

/// What the parties find in columns of words with ranges; measured = quoted, whatever they find.
fn verdicts(world: World, columns: &[(Vec<u64>, Fixed)]) -> [Result<(), SessionError>; 3] {
    let dealt: Vec<_> =
        (1..).zip(columns).map(|(label, (words, _))| world.deal::<Z64>(label, words)).collect();
    let mesh = memory::mesh(3, Duration::from_secs(20)).into_iter();
    let channels = mesh.map(|end| Arc::new(end) as Arc<dyn Channel>).collect();
    let run = world.run_over(channels, |s| {
        let shares = dealt.iter().map(|shares| &shares[s.role().index()]);
        let columns: Vec<_> = shares.zip(columns).map(|(x, (_, range))| (x, *range)).collect();
        check_ranges(s, &columns)
    });
    let values = columns.iter().map(|(words, _)| words.len()).sum();
    run.assert_cost("range check", |m| check_ranges_cost(m, values));
    run.results
}

fn ranges() -> Vec<Fixed> {
    let span = 1_i64 << 62;
    let ends =
        [(-span, span - 1), (-70_000, 70_000), (0, 5), (7, 7), (-span, -span), (3, span - 1)];
    ends.into_iter().map(|(low, high)| Fixed::of_words(16, low, high).unwrap()).collect()
}

#[test]
fn values_up_to_the_ends_of_their_ranges_pass() {
    for n in [0, 1, 63, 64, 65, 1000, 5000] {
        let world = World::new(n as u64);
        let column = |(label, range): (u64, Fixed)| {
            let (low, high) = range.words();
            (words_in(world, label, n, low, high), range)
        };
        let columns: Vec<_> = (1..).zip(ranges()).map(column).collect();
        for column in &columns {
            assert_eq!(verdicts(world, std::slice::from_ref(column)), [const { Ok(()) }; 3]);
        }
        assert_eq!(verdicts(world, &columns), [const { Ok(()) }; 3], "n = {n}");
    }
}

#[test]
fn one_value_outside_ends_the_run_at_all_parties_alike() {
    for (seed, range) in (1..).zip(ranges()) {
        let (low, high) = range.words();
        let far = [i64::MIN, i64::MAX, low.wrapping_add(i64::MIN), high.wrapping_add(i64::MIN)];
        for (n, beyond) in [1, 63, 64, 65, 1000]
            .into_iter()
            .cycle()
            .zip([low - 1, high + 1].into_iter().chain(far))
        {
            let world = World::new(seed);
            let mut words = words_in(world, 1, n, low, high);
            let at = usize::try_from(world.random(9)()).unwrap() % n;
            words[at] = beyond.cast_unsigned();
            let other = (words_in(world, 2, 40, -3, 3), Fixed::of_words(0, -3, 3).unwrap());
            for columns in [vec![(words.clone(), range)], vec![other, (words, range)]] {
                let found = verdicts(world, &columns);
                let case = format!("{beyond} at {at} of {n} in {low} to {high}");
                assert_eq!(
                    found,
                    [const { Err(SessionError::OutOfRange { step: 1 }) }; 3],
                    "{case}"
                );
            }
        }
    }
    let outside = SessionError::OutOfRange { step: 1 };
    assert!(outside.blame(crate::party::PartyId(1)).is_none(), "peers find the same by themselves");
}
