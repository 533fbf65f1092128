//! What the opened word of a range check tells: that some value is outside. Not which, not how many, not by how much.

use std::collections::BTreeMap;

use protocols::{
    mpc::fixed::{Fixed, check_ranges},
    net::record::Direction,
    party::Role,
    ring::Z64,
    session::SessionError,
    testkit::World,
};

use super::view::{record, uniform};

/// What was opened when the same words are checked again and again: the last messages around the ring, added up.
fn opened(world: World, words: &[u64], times: u64) -> Vec<Vec<u8>> {
    let range = Fixed::of_words(0, -10, 10).unwrap();
    let dealt = world.deal::<Z64>(1, words);
    let (_, views) = record(world, |s| {
        for step in 2..2 + times {
            s.enter(step);
            match check_ranges(s, &[(&dealt[s.role().index()], range)]) {
                Ok(()) | Err(SessionError::OutOfRange { .. }) => {}
                Err(other) => return Err(other),
            }
        }
        Ok(())
    });
    let mut steps: BTreeMap<u64, Vec<u8>> = BTreeMap::new();
    for role in Role::ALL {
        let frames = views[role.index()].frames(Direction::To(role.next().id()));
        let last: BTreeMap<u64, Vec<u8>> =
            frames.into_iter().map(|(tag, body)| (tag.path, body)).collect();
        for (step, body) in last {
            let sum = steps.entry(step).or_insert_with(|| vec![0; 8]);
            sum.iter_mut().zip(body).for_each(|(sum, byte)| *sum ^= byte);
        }
    }
    steps.into_values().collect()
}

#[test]
fn nothing_is_told_of_values_inside_and_one_bit_of_values_outside() {
    let inside: Vec<u64> = (0..70).map(|row| row % 11).collect();
    assert!(opened(World::new(1), &inside, 300).iter().all(|word| word == &[0; 8]));
    let mut one = inside.clone();
    one[69] = 11;
    let mut two = inside;
    (two[0], two[1]) = (1 << 63, u64::MAX << 8);
    for (seed, words) in [(2, one), (3, two), (4, vec![11; 70])] {
        let words = opened(World::new(seed), &words, 300).concat();
        uniform(&words).unwrap_or_else(|why| panic!("seed {seed}: {why}"));
    }
}
