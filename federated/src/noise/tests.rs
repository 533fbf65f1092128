//! Noise on sums of shares.

use protocols::{prg::Prg, sample::MOST_SIGMA};
use zeroize::Zeroizing;

use super::{Gaussian, NoiseError, NoisedSum, Round, Secret, Sensitivity};
use crate::average::{
    Bounds, Encoding, Seeds, Sum, SumError, TRAILER_WORDS, Trailer, explicit_party,
};

fn encoding() -> Encoding {
    Encoding::new(Bounds { total_weight: 1 << 20, coordinate: 16.0 }).unwrap().at_most(24)
}

fn secret(party: u8) -> Secret {
    Secret::new(Zeroizing::new([party + 1; 32]))
}

fn round(attempt: u32, updates: &[(u32, &[u8; 32])]) -> Round {
    Round::new([7; 32], (3, attempt), updates.iter().copied())
}

/// The parties' sums of updates of one value each.
fn sums(n: usize, values: &[f32]) -> [Sum; 3] {
    let mut sums = [0, 1, 2].map(|_| Sum::new(n));
    for (k, value) in (0..).zip(values) {
        let trailer = Trailer { weight: 1, updates: 1, ..Trailer::default() };
        let seeds = Seeds::draw(&mut Prg::new(&[k; 16]));
        let turn = (explicit_party(k.into()), Vec::new());
        let shares = encoding().share(&vec![*value; n], &trailer, seeds, turn).unwrap();
        for (sum, share) in sums.iter_mut().zip(&shares) {
            sum.add(k.into(), share).unwrap();
        }
    }
    sums
}

#[test]
fn sums_come_with_the_noise_of_all_three_and_without_a_trailer() {
    let (n, values) = (20_000, [0.5, -0.25, 1.0]);
    let noise = Gaussian::new(1 << 24).unwrap();
    let this = round(0, &[(0, &[1; 32])]);
    let noised = |sums: [Sum; 3]| {
        let mut party = 0..;
        sums.map(|sum| {
            let noised = NoisedSum::new(sum, noise, &this, &secret(party.next().unwrap()));
            assert_eq!(noised.words().len(), n, "no trailer of {TRAILER_WORDS} words");
            noised
        })
    };
    let opened = NoisedSum::open(noised(sums(n, &values)), &encoding(), 3, 2).unwrap();
    let mean = f64::from(values.iter().sum::<f32>()) / 3.0;
    let off: Vec<f64> = opened.iter().map(|x| f64::from(*x) - mean).collect();
    // Each party's is 1 in units of the values, over three providers: a variance of 3/9 in all.
    let variance = off.iter().map(|x| x * x).sum::<f64>() / n as f64;
    assert!((variance - 1.0 / 3.0).abs() < 5.0 / 3.0 * (2.0 / n as f64).sqrt(), "{variance}");
    let bias = off.iter().sum::<f64>() / n as f64;
    assert!(bias.abs() < 5.0 * (1.0 / 3.0 / n as f64).sqrt(), "{bias}");
    let few = NoisedSum::open(noised(sums(n, &values)), &encoding(), 3, 4);
    assert_eq!(few.unwrap_err(), SumError::Few { got: 3, least: 4 });
    let [a, b, _] = noised(sums(n, &values));
    let [_, _, c] = noised(sums(n, &values[..2]));
    let differ = NoisedSum::open([a, b, c], &encoding(), 3, 2);
    assert_eq!(differ.unwrap_err(), SumError::Providers);
}

#[test]
fn a_sum_made_again_has_its_noise_and_any_other_sum_has_another() {
    let noise = Gaussian::new(1 << 30).unwrap();
    let drawn = |round: &Round, party| {
        let mut words = vec![0; 100];
        noise.add_to(&mut words, &mut round.generator(&secret(party)));
        words
    };
    let (a, b, c) = ([1; 32], [2; 32], [3; 32]);
    let both = [(4, &a), (9, &b)];
    let first = drawn(&round(0, &both), 0);
    assert_eq!(first, drawn(&round(0, &[(9, &b), (4, &a)]), 0), "in any order");
    let others = [
        drawn(&round(1, &both), 0),
        drawn(&round(0, &both), 1),
        // Resumed with one provider fewer, with another one, or with another update of one.
        drawn(&round(0, &both[..1]), 0),
        drawn(&round(0, &[(4, &a), (8, &b)]), 0),
        drawn(&round(0, &[(4, &a), (9, &c)]), 0),
        drawn(&Round { round: 4, ..round(0, &both) }, 0),
        drawn(&Round { job: [8; 32], ..round(0, &both) }, 0),
    ];
    for (at, other) in others.iter().enumerate() {
        assert!(first.iter().zip(other).filter(|(a, b)| a == b).count() < 3, "{at}");
    }
}

#[test]
fn sensitivities_are_integers_that_count_rounding() {
    let of = |clip, weight, n| Sensitivity::of_update(&encoding(), clip, weight, n);
    let units = of(1.0, 1, 0).unwrap().units();
    // Single precision adds 16 of 2^24.
    assert_eq!(units, (1 << 24) + 16);
    assert_eq!(of(1.0, 1, 10_000).unwrap().units(), units + 50);
    assert_eq!(of(1.0, 1000, 10_000).unwrap().units(), 1000 * (units + 50));
    let record = Sensitivity::of_record(&encoding(), 1.0, 10_000).unwrap();
    assert_eq!(record.units(), units + 100, "both neighbours are rounded");
    for (clip, weight) in [(0.0, 1), (f64::NAN, 1), (f64::INFINITY, 1), (1.0, 0), (1e4, 1 << 20)] {
        assert_eq!(of(clip, weight, 1), Err(NoiseError::Sensitivity), "{clip} {weight}");
    }
    let sensitivity = of(1.0, 1, 0).unwrap();
    assert_eq!(sensitivity.noise(2_949_000).unwrap().sigma(), (units * 2949).div_ceil(1000));
    assert_eq!(sensitivity.noise(0), Err(NoiseError::Sigma));
    assert_eq!(Sensitivity::event(2_949_000, 7).unwrap().noise(), 2.949);
    assert!(Sensitivity::event(10_000, 1).is_err());
}

#[test]
fn parts_of_noise_add_up_to_what_was_asked_for() {
    let whole = Gaussian::new(1_000_003).unwrap();
    for (least, tolerated) in [(1, 0), (2, 0), (10, 3), (50, 49), (7, 2)] {
        let part = whole.split(least, tolerated).unwrap().sigma();
        let sum = u128::from(part) * u128::from(part) * (least - tolerated) as u128;
        assert!(sum >= 1_000_003_u128.pow(2), "{least} {tolerated}");
        let less = u128::from(part - 1).pow(2) * (least - tolerated) as u128;
        assert!(less < 1_000_003_u128.pow(2), "{least} {tolerated}: no more than needed");
    }
    for (least, tolerated) in [(0, 0), (3, 3), (3, 4)] {
        assert_eq!(whole.split(least, tolerated), Err(NoiseError::Nobody { least, tolerated }));
    }
    assert_eq!(Gaussian::new(5).unwrap().split(100, 0), Err(NoiseError::Sigma));
    for sigma in [0, 3, MOST_SIGMA + 1] {
        assert_eq!(Gaussian::new(sigma), Err(NoiseError::Sigma));
    }
}
