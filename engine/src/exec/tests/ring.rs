//! Trainings of plans with updates in words of 32 bits.

use super::{
    train::{Left, everywhere, planned_as, rows, words},
    *,
};
use crate::job::{Micro, RingSpec};

fn planned(owners: &[&str], ring: RingSpec) -> (Plan, Quote) {
    planned_as(owners, |train| {
        (train.ring, train.largest_update) = (ring, Micro::ONE);
        // Of one, so that what is stated of an average is stated of the model.
        (train.rounds, train.batch) = (1, 8);
    })
}

/// The parameters, then the figures of the round, after a training at its quoted price.
fn trained(owners: &[&str], ring: RingSpec) -> (Vec<f32>, Vec<u64>) {
    let (plan, price) = planned(owners, ring);
    let left: Vec<Left> = everywhere(&plan, &price);
    let bytes: u64 = left.iter().map(|(_, _, bytes, _)| bytes).sum();
    let rounds = left.iter().map(|(.., depth)| *depth).max().unwrap();
    assert_eq!((bytes, rounds), (price.total.bytes, price.total.rounds), "{owners:?}, {ring}");
    let mut words = words(&left);
    let figures = words.split_off(words.len() - 4);
    let single = |word: &u64| f32::from_bits(u32::try_from(*word).unwrap());
    (words.iter().map(single).collect(), figures)
}

#[test]
fn a_training_is_within_its_bound_of_that_in_64_bits_at_the_quoted_price() {
    for owners in [&["census", "employers"][..], &["census", "bank", "lab"], &["a", "b", "c", "d"]]
    {
        let (half, exact) = (trained(owners, RingSpec::Narrow), trained(owners, RingSpec::Wide));
        assert_eq!(half.1, exact.1, "{owners:?}: figures are exact");
        let (plan, _) = planned(owners, RingSpec::Narrow);
        let encoding = plan.training().unwrap().1.encoding(&plan).unwrap();
        let weight = |number: usize| (rows(number).len() as f64 * 4095.0 / 1024.0).round();
        let total: f64 = (0..owners.len()).map(weight).sum();
        let most = encoding.rounding() + owners.len() as f64 / total + 1e-7;
        assert_eq!(half.0.len(), exact.0.len(), "{owners:?}");
        for (half, exact) in half.0.iter().zip(&exact.0) {
            assert!(f64::from((half - exact).abs()) <= most, "{owners:?}: {half} for {exact}");
        }
        assert!(half.0 != exact.0, "{owners:?}: it is another encoding");
    }
}

#[test]
fn updates_are_quoted_at_half() {
    let [half, whole] = [RingSpec::Narrow, RingSpec::Wide].map(|ring| {
        let (plan, price) = planned_as(&["a", "b", "c", "d"], |train| {
            (train.ring, train.largest_update, train.rounds) = (ring, Micro::ONE, 1);
            train.model = crate::job::ModelSpec::Network { hidden: vec![2000, 40] };
            train.label = "income".into();
        });
        (plan.training().unwrap().1.parameters().unwrap() as u64, price.total.bytes)
    });
    // Four updates and each sum at two parties, of eight bytes a parameter, half of which go; the rest stays as it
    // is, but for the headers of frames and what fills up words.
    let saved = whole.1 - half.1;
    assert!(saved.abs_diff((4 + 2) * 4 * whole.0) < 1000, "{saved} of {} parameters", whole.0);
}
