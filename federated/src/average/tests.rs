//! Averages on shares against averages in the clear.

mod narrow;

use protocols::{party::Role, prg::Prg, ring::Z64, share::reconstruct};

use super::{
    Bounds, BoundsError, EncodeError, Encoding, Replicated, Seeds, Share, Sum, SumError,
    TRAILER_WORDS, Trailer, explicit_party, holders, split,
};

const BOUNDS: Bounds = Bounds { total_weight: 1 << 24, coordinate: 16.0 };

/// An update of values between −8 and 8, and its weight.
fn update(rng: &mut Prg, n: usize) -> (Vec<f32>, u64) {
    let words = rng.elements::<Z64>(n + 1);
    let value = |word: &u64| ((word >> 40) as f32 / (1_u32 << 20) as f32) - 8.0;
    (words[1..].iter().map(value).collect(), 1 + words[0] % 10_000)
}

fn encoded(encoding: &Encoding, update: &[f32], weight: u64) -> Vec<u64> {
    let mut words = vec![0; update.len()];
    encoding.encode(update, weight, &mut words).unwrap();
    let trailer = Trailer { weight, loss: 0.5, correct: weight / 2, updates: 1, squared_norm: 2.0 };
    words.extend(trailer.words());
    words
}

/// The sums of the shares of these providers, in this order.
fn sums(shares: &[[Share; 3]], order: &[usize], n: usize) -> [Sum; 3] {
    [0, 1, 2].map(|party| {
        let mut sum = Sum::new(n);
        for k in order {
            sum.add(u32::try_from(*k).unwrap(), &shares[*k][party]).unwrap();
        }
        sum
    })
}

#[test]
fn the_average_is_exact_for_every_set_of_providers_in_every_order() {
    let encoding = Encoding::new(BOUNDS).unwrap();
    for seed in 0..20 {
        let mut rng = Prg::new(&[seed; 16]);
        let n = [0, 1, 63, 64, 65, 1000, 4096, 5001][usize::from(seed) % 8];
        let updates: Vec<_> = (0..7).map(|_| update(&mut rng, n)).collect();
        let shares: Vec<[Share; 3]> = updates
            .iter()
            .enumerate()
            .map(|(k, (values, weight))| {
                let words = encoded(&encoding, values, *weight);
                split(words, Seeds::draw(&mut rng), explicit_party(k))
            })
            .collect();
        let mut chosen: Vec<usize> =
            (0..7).filter(|k| !rng.elements::<Z64>(1)[0].is_multiple_of(4) || *k < 2).collect();
        let first = Sum::open(sums(&shares, &chosen, n), &encoding, 2).unwrap();
        chosen.reverse();
        let second = Sum::open(sums(&shares, &chosen, n), &encoding, 2).unwrap();
        assert_eq!(first, second, "seed {seed}: the order changed the average");
        let total: u64 = chosen.iter().map(|k| updates[*k].1).sum();
        assert_eq!(first.trailer.weight, total, "seed {seed}");
        assert_eq!(first.trailer.updates, chosen.len() as u64, "seed {seed}");
        for i in 0..n {
            let mean = chosen.iter().map(|k| f64::from(updates[*k].0[i]) * updates[*k].1 as f64);
            let mean = mean.sum::<f64>() / total as f64;
            let slack = (0.5_f64).powi(encoding.bits().cast_signed() + 1) + mean.abs() * 1.2e-7;
            let got = f64::from(first.update[i]);
            assert!((got - mean).abs() <= slack, "seed {seed}, {i}: {got} for {mean}");
        }
    }
}

#[test]
fn every_party_is_given_words_in_its_turn_and_two_shares_say_nothing() {
    let encoding = Encoding::new(BOUNDS).unwrap();
    for (k, role) in Role::ALL.into_iter().enumerate() {
        let zeros = encoded(&encoding, &[0.0; 64], 5);
        let shares = split(zeros, Seeds::draw(&mut Prg::new(&[9; 16])), explicit_party(k));
        let words = shares.iter().position(|share| share.words().is_some());
        assert_eq!(words, Some(role.index()));
        // Any two shares of an update of zeros add up to something that is none.
        for left_out in 0..3 {
            let mut sum = vec![0; 64 + TRAILER_WORDS];
            for (at, share) in shares.iter().enumerate() {
                if at != left_out {
                    share.add_to(&mut sum);
                }
            }
            let zeros = sum.iter().filter(|word| **word == 0).count();
            assert_eq!(zeros, 0, "without share {left_out}");
        }
    }
}

#[test]
fn one_pass_makes_the_shares_that_two_make() {
    let encoding = Encoding::new(BOUNDS).unwrap();
    let mut rng = Prg::new(&[7; 16]);
    let mut buffer = Vec::new();
    for n in [0, 1, 63, 64, 65, 1000, 2043, 2044, 2047, 2048, 2049, 4093, 5001, 64] {
        let (values, weight) = update(&mut rng, n);
        let trailer = Trailer { weight, loss: 1.5, correct: 1, updates: 1, squared_norm: 0.25 };
        let mut words = vec![0; n];
        encoding.encode(&values, weight, &mut words).unwrap();
        words.extend(trailer.words());
        let seeds = || Seeds::draw(&mut Prg::new(&[n.to_le_bytes()[0]; 16]));
        let two = split(words, seeds(), Role::P1);
        let one = encoding.share(&values, &trailer, seeds(), (Role::P1, buffer)).unwrap();
        for (one, two) in one.iter().zip(&two) {
            assert_eq!(one.digest(), two.digest(), "{n}");
        }
        let [_, Share::Words(words), _] = one else { panic!("the words are P1's") };
        buffer = words;
        if n > 0 {
            for bad in [f32::NAN, f32::INFINITY, -16.1] {
                let mut values = values.clone();
                values[n - 1] = bad;
                let error = encoding.share(&values, &trailer, seeds(), (Role::P1, Vec::new()));
                assert_eq!(error.unwrap_err(), EncodeError::Coordinate { at: n - 1 });
            }
        }
        let none = Trailer { weight: 0, ..trailer };
        let error = encoding.share(&values, &none, seeds(), (Role::P1, Vec::new()));
        assert_eq!(error.unwrap_err(), EncodeError::Weight);
    }
}

#[test]
fn two_parties_hold_each_share_where_the_parties_compute() {
    let mut rng = Prg::new(&[5; 16]);
    for (provider, n) in (0..).zip([0, 1, 63, 64, 65, 1000]) {
        let words = rng.elements::<Z64>(n).to_vec();
        let turn = explicit_party(provider);
        let shares = split(words.clone(), Seeds::draw(&mut rng), turn);
        let mut held = [const { Vec::new() }; 3];
        for of in Role::ALL {
            for holder in holders(of) {
                held[holder.index()].push((of, shares[of.index()].copy()));
            }
        }
        let held: Vec<Replicated> = Role::ALL
            .into_iter()
            .zip(held)
            .map(|(role, mut mine)| {
                mine.sort_by_key(|(of, _)| *of != role);
                let [(_, own), (next, after)] = mine.try_into().unwrap();
                assert_eq!(next, role.next());
                Replicated::new(3, own, after, n).unwrap()
            })
            .collect();
        let shared = [0, 1, 2].map(|party: usize| held[party].shared());
        assert_eq!(reconstruct(shared.each_ref()).unwrap(), words, "{n}");
        for (role, held) in Role::ALL.into_iter().zip(&held) {
            assert_eq!(held.own().digest(), shares[role.index()].digest());
            let from = n / 3;
            let mut part = vec![0; n - from];
            held.own().read(from, &mut part);
            assert_eq!(part, shared[role.index()].own()[from..]);
        }
        if n > 0 {
            let [a, b] = [turn, turn.next()].map(|of| shares[of.index()].copy());
            let error = Replicated::new(3, a, b, n + 1).unwrap_err();
            assert_eq!(error, SumError::Length { provider: 3, got: n, want: n + 1 });
        }
    }
}

#[test]
fn what_cannot_be_averaged_is_refused() {
    let encoding = Encoding::new(BOUNDS).unwrap();
    let mut out = [0; 3];
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 16.1, -1e9] {
        let error = encoding.encode(&[1.0, 2.0, bad], 1, &mut out).unwrap_err();
        assert_eq!(error, EncodeError::Coordinate { at: 2 });
        assert!(!error.to_string().contains("16.1"), "no value in an error");
    }
    assert_eq!(
        encoding.encode(&[1.0; 2], 1, &mut out),
        Err(EncodeError::Length { got: 2, want: 3 })
    );
    for weight in [0, (1 << 24) + 1] {
        assert_eq!(encoding.encode(&[1.0; 3], weight, &mut out), Err(EncodeError::Weight));
    }
    encoding.encode(&[16.0, -16.0, 0.0], 1 << 24, &mut out).unwrap();
}

#[test]
fn bounds_that_would_overflow_are_refused_beforehand() {
    let bits = |total_weight, coordinate| {
        Encoding::new(Bounds { total_weight, coordinate }).map(|encoding| encoding.bits())
    };
    assert_eq!(bits(1 << 24, 16.0), Ok(34));
    assert_eq!(bits(1, 1.0), Ok(40));
    assert_eq!(bits(1 << 24, 1_048_576.0), Ok(18));
    assert!(matches!(bits(1 << 40, 1024.0), Err(BoundsError::Bits { bits: 12, .. })));
    assert!(matches!(bits(0, 1.0), Err(BoundsError::Weight(0))));
    for bad in [0.0, -1.0, f32::NAN, f32::INFINITY] {
        assert!(matches!(bits(10, bad), Err(BoundsError::Coordinate(_))));
    }
    // The largest sum there can be stays below 2^63.
    for (total, coordinate) in [(1 << 24, 16.0), (1_u64 << 30, 3.0), (12_345_678, 0.01)] {
        let f = bits(total, coordinate).unwrap();
        let most = total as f64 * f64::from(coordinate) * f64::from(f).exp2();
        assert!(most < 2.0_f64.powi(63), "{total} {coordinate}: {most}");
    }
}

#[test]
fn sums_that_do_not_fit_together_say_nothing() {
    let encoding = Encoding::new(BOUNDS).unwrap();
    let mut rng = Prg::new(&[4; 16]);
    let mut shares = || split(encoded(&encoding, &[1.0; 8], 3), Seeds::draw(&mut rng), Role::P0);
    let all = [shares(), shares(), shares()];
    let open = |orders: [&[usize]; 3], least| {
        let mut parts = orders.map(|order| Some(sums(&all, order, 8)));
        let parts = [0, 1, 2].map(|party| {
            let [a, b, c] = parts[party].take().unwrap();
            [a, b, c].into_iter().nth(party).unwrap()
        });
        Sum::open(parts, &encoding, least)
    };
    assert!(open([&[0, 1], &[0, 1], &[0, 1]], 2).is_ok());
    assert_eq!(open([&[0, 1], &[0, 1], &[0, 2]], 2), Err(SumError::Providers));
    assert_eq!(open([&[0, 1], &[0, 1], &[0, 1]], 3), Err(SumError::Few { got: 2, least: 3 }));
    assert_eq!(open([&[], &[], &[]], 0), Err(SumError::Few { got: 0, least: 1 }));
    let mut sum = Sum::new(8);
    sum.add(1, &all[1][0]).unwrap();
    assert_eq!(sum.add(1, &all[1][0]), Err(SumError::Twice(1)));
    let short = Share::Words(vec![0; 8]);
    assert_eq!(sum.add(2, &short), Err(SumError::Length { provider: 2, got: 8, want: 13 }));
}

#[test]
fn a_trailer_that_cannot_be_true_is_no_average() {
    let encoding = Encoding::new(BOUNDS).unwrap();
    // A weight that makes the total 1: the division that would turn a sum of many into the update of one.
    for (weight, updates) in [(0_u64.wrapping_sub(9), 1), (3, 2), (1 << 25, 1)] {
        let mut words = encoded(&encoding, &[1.0; 4], 3);
        words[4] = weight;
        words[7] = updates;
        let mut rng = Prg::new(&[4; 16]);
        let hostile = split(words, Seeds::draw(&mut rng), Role::P1);
        let honest = split(encoded(&encoding, &[1.0; 4], 3), Seeds::draw(&mut rng), Role::P2);
        let opened = Sum::open(sums(&[hostile, honest], &[0, 1], 4), &encoding, 2);
        assert!(matches!(opened, Err(SumError::Trailer(_))), "{weight} {updates}: {opened:?}");
    }
}
