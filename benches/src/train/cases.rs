//! What is measured.

use std::{cell::RefCell, time::Instant};

use federated::{
    account::{Event, pld, rdp},
    average::{
        Bounds, Encoding, Pairs, Replicated, Seeds, Share, Sum, TRAILER_WORDS, Trailer, split,
    },
    contribution::Values,
    gate::{Gates, Projection, Projections, Sketch, Terms},
    noise::Gaussian,
};
use protocols::{
    party::Role,
    prg::Prg,
    ring::{Z32, Z64},
    share::{Shared, reconstruct},
};

use super::command::Rep;
use crate::Failure;

/// A case: what it runs on a model of so many parameters.
pub(super) struct Case {
    pub(super) name: &'static str,
    pub(super) note: &'static str,
    pub(super) run: fn(usize) -> Result<Rep, Failure>,
}

pub(super) const CASES: &[Case] = &[
    Case {
        name: "encode",
        note: "a provider's update to integers, and those in three shares, in the words of a round before; on one thread",
        run: encode,
    },
    Case {
        name: "accumulate",
        note: "a party adds the words of one share to its sum, on one thread",
        run: accumulate,
    },
    Case {
        name: "expand",
        note: "a party adds the words that a seed stands for to its sum, on one thread",
        run: expand,
    },
    Case {
        name: "encode/32",
        note: "the same in words of 32 bits, rounded at random, by weights of 12 bits",
        run: encode_narrow,
    },
    Case {
        name: "accumulate/32",
        note: "a party adds the words of one share to its sum, two of 32 bits in each; on one thread",
        run: accumulate_narrow,
    },
    Case {
        name: "expand/32",
        note: "a party adds the words of 32 bits that a seed stands for to its sum, on one thread",
        run: expand_narrow,
    },
    Case {
        name: "gate",
        note: "a party's projections of one update, 128 of both shares it holds, on one thread",
        run: gate,
    },
    Case {
        name: "noise",
        note: "a party's discrete Gaussian noise on its sum, exactly drawn, σ = 2^30, on one thread",
        run: noise,
    },
    Case {
        name: "contribution",
        note: "a party's product of one share, a seed, with a direction, on one thread",
        run: contribution,
    },
    Case {
        name: "gbdt/histogram",
        note: "a provider's sums of one level of a tree: n rows of 14 features and 16 bins, on one thread",
        run: super::gbdt::histogram,
    },
    Case {
        name: "account",
        note: "ε of 10,000 sampled steps by loss distributions and by Rényi divergences; n does not matter",
        run: account,
    },
];

const BOUNDS: Bounds = Bounds { total_weight: 1 << 24, coordinate: 16.0 };
const WEIGHT: u64 = 5000;

fn update(n: usize) -> Vec<f32> {
    let word = |word: &u32| (word >> 8) as f32 / (1_u32 << 24) as f32 - 0.5;
    Prg::new(&[3; 16]).elements::<Z32>(n).iter().map(word).collect()
}

thread_local! {
    /// The words of a round before, whose pages are there.
    static BUFFER: RefCell<Vec<u64>> = const { RefCell::new(Vec::new()) };
}

fn encode(n: usize) -> Result<Rep, Failure> {
    encoded(n, &Encoding::new(BOUNDS)?, 1e-7)
}

/// Words of ten providers, whose coordinates are what these are.
fn encode_narrow(n: usize) -> Result<Rep, Failure> {
    let bounds = Bounds { total_weight: 10 * WEIGHT, coordinate: 0.5 };
    let encoding = Encoding::narrow(bounds, (WEIGHT, 10))?;
    encoded(n, &encoding, encoding.rounding())
}

fn encoded(n: usize, encoding: &Encoding, most: f64) -> Result<Rep, Failure> {
    let update = update(n);
    let mut rng = Prg::new(&[4; 16]);
    let buffer = BUFFER.take();
    let start = Instant::now();
    let trailer = Trailer { weight: WEIGHT, updates: 1, ..Trailer::default() };
    let shares = encoding.share(&update, &trailer, Seeds::draw(&mut rng), (Role::P1, buffer))?;
    let took = start.elapsed();
    let mut sums = [0, 1, 2].map(|_| Sum::of(encoding.layout(n)));
    for (sum, share) in sums.iter_mut().zip(&shares) {
        sum.add(0, share)?;
    }
    let average = Sum::open(sums, encoding, 1)?;
    let close =
        |(a, b): (&f32, &f32)| f64::from((a - b).abs()) <= most * f64::from(b.abs()).max(1.0);
    let exact = average.update.iter().zip(&update).all(close);
    for share in shares {
        if let Share::Words(words) = share {
            BUFFER.set(words);
        }
    }
    Ok(Rep { took, exact })
}

fn accumulate(n: usize) -> Result<Rep, Failure> {
    Ok(add(n, Pairs::NONE, &Share::Words(Prg::new(&[5; 16]).elements::<Z64>(n).to_vec())))
}

fn accumulate_narrow(n: usize) -> Result<Rep, Failure> {
    let pairs = Pairs::holding(n);
    let words = Prg::new(&[5; 16]).elements::<Z64>(pairs.words()).to_vec();
    Ok(add(pairs.words(), pairs, &Share::Words(words)))
}

fn expand(n: usize) -> Result<Rep, Failure> {
    Ok(add(n, Pairs::NONE, &seed()))
}

fn expand_narrow(n: usize) -> Result<Rep, Failure> {
    let pairs = Pairs::holding(n);
    Ok(add(pairs.words(), pairs, &seed()))
}

/// A share that is a seed.
fn seed() -> Share {
    let [_, plus, _] = split(Vec::new(), Seeds::draw(&mut Prg::new(&[6; 16])), Role::P0);
    plus
}

/// Adds one share of so many words to a sum that has it already.
fn add(words: usize, pairs: Pairs, share: &Share) -> Rep {
    let mut sum = vec![0; words];
    share.add_pairs(pairs, &mut sum);
    let once = sum.clone();
    let start = Instant::now();
    share.add_pairs(pairs, &mut sum);
    let took = start.elapsed();
    let mut twice = once.clone();
    pairs.add(0, &mut twice, &once);
    Rep { took, exact: sum == twice }
}

fn gate(n: usize) -> Result<Rep, Failure> {
    let encoding = Encoding::new(BOUNDS)?.at_most(24);
    let terms = Terms {
        encoding,
        parameters: n,
        clip: 1.0,
        most_weight: WEIGHT,
        most_loss: 100.0,
        projections: Projections::Usual,
        krum: None,
        private: false,
        least: 1,
    };
    let projection = Projection::new(&[9; 16], &Gates::new(terms)?);
    let trailer = Trailer { weight: WEIGHT, updates: 1, ..Trailer::default() };
    let seeds = Seeds::draw(&mut Prg::new(&[7; 16]));
    let shares = encoding.share(&update(n), &trailer, seeds, (Role::P1, Vec::new()))?;
    let held = |role: Role| {
        let [own, next] = [role, role.next()].map(|of| shares[of.index()].copy());
        Replicated::new(0, own, next, n + TRAILER_WORDS)
    };
    let mine = held(Role::P0)?;
    let start = Instant::now();
    let first = projection.of(&mine);
    let took = start.elapsed();
    let others = [projection.of(&held(Role::P1)?), projection.of(&held(Role::P2)?)];
    let sums = reconstruct([&first, &others[0], &others[1]].map(Sketch::sums))?;
    // Of the update in the clear, which has nothing for its second share.
    let mut words = vec![0; n];
    encoding.encode(&update(n), WEIGHT, &mut words)?;
    let mut plain = projection.start();
    plain.push(&words, &vec![0; n]);
    let plain = plain.finish(Shared::zeros(TRAILER_WORDS));
    Ok(Rep { took, exact: sums == plain.sums().own() })
}

fn noise(n: usize) -> Result<Rep, Failure> {
    let gaussian = Gaussian::new(1 << 30)?;
    let mut words = vec![0; n];
    let start = Instant::now();
    gaussian.add_to(&mut words, &mut Prg::new(&[8; 16]));
    let took = start.elapsed();
    let unit = |word: &u64| word.cast_signed() as f64 / (1 << 30) as f64;
    let variance = words.iter().map(|word| unit(word).powi(2)).sum::<f64>() / n.max(1) as f64;
    // Six standard deviations of a mean of squares.
    Ok(Rep { took, exact: (variance - 1.0).abs() <= 6.0 * (2.0 / n.max(1) as f64).sqrt() })
}

fn contribution(n: usize) -> Result<Rep, Failure> {
    let encoding = Encoding::new(BOUNDS)?.at_most(24);
    let (update, direction) = (update(n), update(n));
    let scale = 1.0 / (n.max(1) as f32);
    let small: Vec<f32> = update.iter().map(|x| x * scale).collect();
    let values = Values::new(&direction, &encoding, 1.0, WEIGHT)?;
    let mut words = vec![0; n + TRAILER_WORDS];
    encoding.encode(&small, WEIGHT, &mut words[..n])?;
    let shares = split(words, Seeds::draw(&mut Prg::new(&[7; 16])), Role::P0);
    let start = Instant::now();
    let last = values.of_share(&shares[2]);
    let took = start.elapsed();
    let summands = [values.of_share(&shares[0]), values.of_share(&shares[1]), last];
    let got = values.open(summands, WEIGHT);
    let want: f64 = small.iter().zip(&direction).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum();
    Ok(Rep { took, exact: (got - want).abs() <= 1e-7 * n as f64 })
}

fn account(_: usize) -> Result<Rep, Failure> {
    let events = [Event::new(0.01, 1.1, 10_000)?];
    let start = Instant::now();
    let tight = pld::epsilon(&events, 1e-5);
    let loose = rdp::epsilon(&events, 1e-5);
    let took = start.elapsed();
    Ok(Rep { took, exact: (tight - 5.192_62).abs() < 1e-4 && (loose - 5.632_011).abs() < 1e-5 })
}
