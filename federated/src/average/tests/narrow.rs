//! Averages in 32 bits.

use protocols::{party::Role, prg::Prg, ring::Z64};

use super::super::{
    Average, Bounds, BoundsError, EncodeError, Encoding, LARGEST_WEIGHT, Seeds, Share, Sum,
    SumError, TRAILER_WORDS, Trailer, explicit_party,
};

const PROVIDERS: usize = 7;
const ROWS: u64 = 10_000;
const LARGEST: f32 = 2.0;

fn encoding() -> Encoding {
    let bounds = Bounds { total_weight: 7 * ROWS, coordinate: LARGEST };
    Encoding::narrow(bounds, (ROWS, PROVIDERS)).unwrap()
}

/// Values within the bound, and rows.
fn update(rng: &mut Prg, n: usize) -> (Vec<f32>, Trailer) {
    let words = rng.elements::<Z64>(n + 1);
    let value = |word: &u64| LARGEST * ((word >> 40) as f32 / (1_u32 << 23) as f32 - 1.0);
    let weight = 1 + words[0] % ROWS;
    let trailer = Trailer { weight, loss: 0.5, correct: weight / 2, updates: 1, squared_norm: 2.0 };
    (words[1..].iter().map(value).collect(), trailer)
}

fn shares(of: &Encoding, k: usize, (values, trailer): &(Vec<f32>, Trailer)) -> [Share; 3] {
    let seeds = Seeds::draw(&mut Prg::new(&[u8::try_from(k).unwrap(); 16]));
    // What lay in the buffer before does not matter.
    of.share(values, trailer, seeds, (explicit_party(k), vec![u64::MAX; 3])).unwrap()
}

fn opened(of: &Encoding, shares: &[[Share; 3]], order: &[usize], n: usize) -> Average {
    let sums = [0, 1, 2].map(|party| {
        let mut sum = Sum::of(of.layout(n));
        for k in order {
            sum.add(u32::try_from(*k).unwrap(), &shares[*k][party]).unwrap();
        }
        sum
    });
    Sum::open(sums, of, 2).unwrap()
}

/// What so many rows weigh.
fn weighs(rows: u64) -> f64 {
    (rows as f64 * LARGEST_WEIGHT as f64 / ROWS as f64).round().max(1.0)
}

#[test]
fn the_average_is_within_its_bound_for_every_set_of_providers_and_the_same_in_every_order() {
    let encoding = encoding();
    for seed in 0..20 {
        let mut rng = Prg::new(&[seed; 16]);
        let n = [0, 1, 2, 3, 5, 63, 64, 65, 1000, 4091, 4096, 5001][usize::from(seed) % 12];
        let updates: Vec<_> = (0..PROVIDERS).map(|_| update(&mut rng, n)).collect();
        let shares: Vec<_> =
            updates.iter().enumerate().map(|(k, update)| shares(&encoding, k, update)).collect();
        let mut chosen: Vec<usize> =
            (0..7).filter(|k| !rng.elements::<Z64>(1)[0].is_multiple_of(4) || *k < 2).collect();
        let first = opened(&encoding, &shares, &chosen, n);
        chosen.reverse();
        assert_eq!(first, opened(&encoding, &shares, &chosen, n), "seed {seed}: the order counts");
        let all = || chosen.iter().map(|k| &updates[*k]);
        let rows: u64 = all().map(|(_, trailer)| trailer.weight).sum();
        let right: u64 = all().map(|(_, trailer)| trailer.correct).sum();
        let of_all = Trailer {
            weight: rows,
            loss: 0.5 * chosen.len() as f64,
            correct: right,
            updates: chosen.len() as u64,
            squared_norm: 2.0 * chosen.len() as f64,
        };
        assert_eq!(first.trailer, of_all, "seed {seed}: figures are exact");
        assert_eq!(first.update.len(), n, "seed {seed}");
        let weight: f64 = all().map(|(_, trailer)| weighs(trailer.weight)).sum();
        for (i, got) in first.update.iter().enumerate() {
            let mean = |of: &dyn Fn(u64) -> f64, total: f64| {
                all().map(|(x, of_k)| f64::from(x[i]) * of(of_k.weight)).sum::<f64>() / total
            };
            let (by_weights, by_rows) =
                (mean(&weighs, weight), mean(&|rows| rows as f64, rows as f64));
            let slack = f64::from(LARGEST) * 1.2e-7;
            let off = (f64::from(*got) - by_weights).abs();
            assert!(off < encoding.rounding() + slack, "seed {seed}, {i}: {got} for {by_weights}");
            let most = encoding.rounding() + f64::from(LARGEST) * chosen.len() as f64 / weight;
            let off = (f64::from(*got) - by_rows).abs();
            assert!(off < most + slack, "seed {seed}, {i}: {got} for {by_rows}");
        }
    }
}

#[test]
fn numbers_that_need_no_rounding_are_exact() {
    let encoding = encoding();
    let step = 0.5_f32.powi(encoding.bits().cast_signed());
    let updates: Vec<_> = (0..PROVIDERS)
        .map(|k| {
            let trailer = Trailer { weight: ROWS, updates: 1, ..Trailer::default() };
            (vec![step * (k as f32 - 2.0); 65], trailer)
        })
        .collect();
    let shares: Vec<_> =
        updates.iter().enumerate().map(|(k, update)| shares(&encoding, k, update)).collect();
    let average = opened(&encoding, &shares, &[0, 1, 2, 3, 4, 5, 6], 65);
    assert_eq!(average.update, vec![step; 65]);
}

#[test]
fn the_largest_sum_there_can_be_does_not_wrap() {
    for (providers, coordinate) in [(2, 8.0), (7, LARGEST), (256, 8.0), (100, 0.3), (3, 1e-6)] {
        let bounds = Bounds { total_weight: providers as u64 * 40, coordinate };
        let encoding = Encoding::narrow(bounds, (40, providers)).unwrap();
        let trailer = Trailer { weight: 40, updates: 1, ..Trailer::default() };
        let shares: Vec<_> = (0..providers)
            .map(|k| {
                let seeds = Seeds::draw(&mut Prg::new(&[u8::try_from(k % 256).unwrap(); 16]));
                let values = [coordinate, -coordinate, 0.0];
                encoding.share(&values, &trailer, seeds, (explicit_party(k), Vec::new())).unwrap()
            })
            .collect();
        let all: Vec<usize> = (0..providers).collect();
        let [most, least, zero] = opened(&encoding, &shares, &all, 3).update[..] else { panic!() };
        let close = |a: f32, b: f32| f64::from((a - b).abs()) <= encoding.rounding() * 1.01;
        assert!(
            close(most, coordinate) && close(least, -coordinate),
            "{providers}: {most} {least}"
        );
        assert_eq!(zero.to_bits(), 0, "{providers}");
    }
}

/// The mean over many roundings comes closer than one.
#[test]
fn rounding_has_no_bias() {
    let encoding = encoding();
    let unit = encoding.rounding();
    let parts = [0.0, 0.1, 0.25, 0.5, 0.75, 0.9];
    let unit_single = 0.5_f32.powi(encoding.bits().cast_signed());
    let values = parts.map(|part: f32| (10.0 + part) * unit_single);
    let values: Vec<f32> = values.iter().flat_map(|x| [*x, -x]).cycle().take(12 * 500).collect();
    let trailer = Trailer { weight: 5, updates: 1, ..Trailer::default() };
    let mut rng = Prg::new(&[11; 16]);
    let mut sum = [0.0; 12];
    for _ in 0..20 {
        let seeds = [(); 2].map(|()| Seeds::draw(&mut rng)).into_iter();
        let shares: Vec<_> = seeds
            .map(|seeds| encoding.share(&values, &trailer, seeds, (Role::P0, Vec::new())).unwrap())
            .collect();
        let average = opened(&encoding, &shares, &[0, 1], values.len());
        for (i, x) in average.update.iter().enumerate() {
            sum[i % 12] += f64::from(*x);
        }
    }
    // Six standard deviations of a mean of 20,000, each of half a unit at most.
    let most = 6.0 * 0.5 * unit / 20_000_f64.sqrt();
    for (sum, x) in sum.iter().zip(&values) {
        let mean = sum / 10_000.0;
        assert!((mean - f64::from(*x)).abs() <= most, "{mean} for {x}");
    }
}

#[test]
fn two_shares_say_nothing_and_half_of_the_bytes_go() {
    let encoding = encoding();
    for n in [1_usize, 63, 64, 65, 1000] {
        let trailer = Trailer { weight: 5, updates: 1, ..Trailer::default() };
        let shares = shares(&encoding, 1, &(vec![0.0; n], trailer));
        let layout = encoding.layout(n);
        assert_eq!(shares[1].words(), Some(layout.words()));
        assert!(8 * layout.words() <= 4 * n + 12 + 8 * TRAILER_WORDS, "{n}");
        for left_out in 0..3 {
            let mut sum = vec![0; layout.words()];
            for (at, share) in shares.iter().enumerate() {
                if at != left_out {
                    share.add_pairs(layout.pairs(), &mut sum);
                }
            }
            assert!(sum.iter().all(|word| *word != 0), "{n} without {left_out}");
        }
    }
}

#[test]
fn what_cannot_be_averaged_is_refused() {
    let encoding = encoding();
    let trailer = Trailer { weight: 5, updates: 1, ..Trailer::default() };
    let share = |values: &[f32], trailer: &Trailer| {
        let seeds = Seeds::draw(&mut Prg::new(&[1; 16]));
        encoding.share(values, trailer, seeds, (Role::P0, Vec::new())).map(drop)
    };
    for bad in [f32::NAN, f32::INFINITY, 2.1, -2.1] {
        for n in [1, 2, 64, 5000] {
            let mut values = vec![1.0; n];
            values[n - 1] = bad;
            assert_eq!(share(&values, &trailer), Err(EncodeError::Coordinate { at: n - 1 }));
        }
    }
    for weight in [0, ROWS + 1] {
        let error = share(&[1.0], &Trailer { weight, ..trailer });
        assert_eq!(error, Err(EncodeError::Weight), "more rows than anybody has");
    }
    assert_eq!(encoding.encode(&[1.0], 1, &mut [0]), Err(EncodeError::Narrow));
    let wide = Bounds { total_weight: 70, coordinate: 1000.0 };
    let error = Encoding::narrow(wide, (10, 7)).unwrap_err();
    assert!(matches!(error, BoundsError::Narrow { providers: 7, .. }), "{error}");
}

#[test]
fn weights_that_cannot_be_true_are_no_average() {
    let encoding = encoding();
    let trailer = |weight| Trailer { weight, updates: 1, ..Trailer::default() };
    let honest = [0, 1].map(|k| shares(&encoding, k, &(vec![1.0; 4], trailer(50))));
    for more in [u64::MAX << 42, 1 << 62] {
        let sums = [0, 1, 2].map(|party| {
            let mut sum = Sum::of(encoding.layout(4));
            for (k, shares) in (0..).zip(&honest) {
                sum.add(k, &shares[party]).unwrap();
            }
            let mut lie = vec![0; encoding.layout(4).words()];
            lie[encoding.layout(4).body()] = if party == 0 { more } else { 0 };
            sum.add(7, &Share::Words(lie)).unwrap();
            sum
        });
        let opened = Sum::open(sums, &encoding, 2);
        assert!(matches!(opened, Err(SumError::Trailer(_))), "{opened:?}");
    }
}
