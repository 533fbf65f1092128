//! Gates against providers that do what they like.

mod bounds;
mod chosen;
mod costs;
mod hostile;

use protocols::{
    party::Role,
    prg::Prg,
    ring::Z64,
    session::SessionError,
    share::{Shared, reconstruct},
    testkit::{Run, World},
};

use super::{AcceptError, Gates, Krum, Projection, Projections, Sketch, Terms, accept};
use crate::average::{
    Bounds, Encoding, Replicated, Seeds, TRAILER_WORDS, Trailer, explicit_party, split,
};

/// Most tests' model, bound and largest weight.
const PARAMETERS: usize = 1001;
const CLIP: f64 = 2.0;
const MOST_WEIGHT: u64 = 5000;

fn terms(parameters: usize) -> Terms {
    let bounds = Bounds { total_weight: 1 << 20, coordinate: 16.0 };
    Terms {
        encoding: Encoding::new(bounds).unwrap().at_most(24),
        parameters,
        clip: CLIP,
        most_weight: MOST_WEIGHT,
        most_loss: 100.0,
        projections: Projections::Usual,
        krum: None,
        private: false,
        least: 1,
    }
}

fn krum(byzantine: usize, keep: usize) -> Option<Krum> {
    Some(Krum { byzantine, keep })
}

/// A vector of a norm, in a random direction.
fn vector(rng: &mut Prg, n: usize, norm: f64) -> Vec<f32> {
    let words = rng.elements::<Z64>(n);
    let values: Vec<f64> =
        words.iter().map(|word| (*word >> 11) as f64 - 2.0_f64.powi(52)).collect();
    let length = values.iter().map(|x| x * x).sum::<f64>().sqrt().max(1.0);
    #[expect(clippy::cast_possible_truncation, reason = "updates are single precision")]
    values.iter().map(|x| (x / length * norm) as f32).collect()
}

/// What a provider shares that keeps to the rules, but for the norm.
fn update(terms: &Terms, values: &[f32], weight: u64) -> Vec<u64> {
    let mut words = vec![0; values.len()];
    terms.encoding.encode(values, weight, &mut words).unwrap();
    let squared: f64 = values.iter().map(|x| f64::from(*x) * f64::from(*x)).sum();
    let rows = weight as f64;
    let trailer = Trailer {
        weight,
        loss: 0.5 * rows,
        correct: weight / 2,
        updates: 1,
        squared_norm: (squared * rows).min(CLIP * CLIP * rows),
    };
    words.extend(trailer.words());
    words
}

/// An update whose words are taken as they stand, with a trailer in order.
fn raw(words: &[u64], weight: u64) -> Vec<u64> {
    let trailer = Trailer { weight, loss: 0.0, correct: 0, updates: 1, squared_norm: 0.0 };
    words.iter().copied().chain(trailer.words()).collect()
}

/// The parties' sketches of these updates under a coin.
fn sketches(gates: &Gates, coin: u8, updates: &[Vec<u64>]) -> [Vec<Sketch>; 3] {
    let projection = Projection::new(&[coin; 16], gates);
    let mut rng = Prg::new(&[coin ^ 0x55; 16]);
    let mut all = [const { Vec::new() }; 3];
    for (provider, words) in updates.iter().enumerate() {
        let shares = split(words.clone(), Seeds::draw(&mut rng), explicit_party(provider));
        for (role, sketches) in Role::ALL.iter().zip(&mut all) {
            let [own, next] = [*role, role.next()].map(|of| shares[of.index()].copy());
            let held = Replicated::new(7, own, next, words.len()).unwrap();
            sketches.push(projection.of(&held));
        }
    }
    all
}

/// A run of the gates, at all three parties.
fn run(gates: &Gates, coin: u8, updates: &[Vec<u64>]) -> Run<Result<Vec<bool>, AcceptError>> {
    let sketches = sketches(gates, coin, updates);
    let run =
        World::new(coin.into()).run(|s| match accept(s, gates, &sketches[s.role().index()]) {
            Err(AcceptError::Session(error)) => Err(error),
            other => Ok::<_, SessionError>(other),
        });
    let [a, b, c] = &run.results;
    assert!(a == b && b == c, "coin {coin}: the parties differ");
    run
}

fn taken(gates: &Gates, coin: u8, updates: &[Vec<u64>]) -> Vec<bool> {
    run(gates, coin, updates).results[0].clone().unwrap()
}

/// Whose updates are within bounds, by the words of their sketches in the clear.
fn ideal(gates: &Gates, coin: u8, updates: &[Vec<u64>]) -> Vec<bool> {
    let all = sketches(gates, coin, updates);
    let within = |at: usize| {
        let open = |of: fn(&Sketch) -> &Shared<Z64>| {
            reconstruct([0, 1, 2].map(|party| of(&all[party][at]))).unwrap()
        };
        let trailer: Vec<i128> =
            open(|sketch| &sketch.trailer).iter().map(|word| word.cast_signed().into()).collect();
        let n = trailer[0];
        let [weight, loss, norm] =
            [gates.terms().most_weight, gates.loss, gates.norm].map(i128::from);
        if !(1..=weight).contains(&n) {
            return false;
        }
        let bounds = [(n, weight), (trailer[1], loss * n), (trailer[2], n), (trailer[4], norm * n)];
        let trailer = trailer[3] == 1 && bounds.iter().all(|(x, most)| (0..=*most).contains(x));
        let sums = open(|sketch| &sketch.sums);
        let sums: Vec<i128> = sums.iter().map(|word| word.cast_signed().into()).collect();
        let small = sums.iter().all(|z| z.abs() <= i128::from(gates.tau) * n);
        let most = gates.squares * (n * n).cast_unsigned();
        small && trailer && sums.iter().map(|z| (z * z).cast_unsigned()).sum::<u128>() <= most
    };
    (0..updates.len()).map(within).collect()
}

/// Words with a few at the front and zeros behind.
fn front(words: &[u64]) -> Vec<u64> {
    let mut all = vec![0; PARAMETERS];
    all[..words.len()].copy_from_slice(words);
    all
}

#[test]
fn pieces_of_any_size_project_alike_and_as_the_signs_say() {
    for n in [0, 1, 31, 32, 33, 511, 512, 513, 1000, 1537] {
        let gates = Gates::new(terms(n)).unwrap();
        let projection = Projection::new(&[3; 16], &gates);
        let mut rng = Prg::new(&[4; 16]);
        let words = rng.elements::<Z64>(n);
        let trailer = || Shared::<Z64>::zeros(TRAILER_WORDS);
        let mut whole = projection.start();
        whole.push(&words, &words);
        let whole = whole.finish(trailer());
        for step in [1, 7, 32, 45, 512, 600] {
            let mut pieces = projection.start();
            words.chunks(step).for_each(|piece| pieces.push(piece, piece));
            assert_eq!(pieces.finish(trailer()).sums.own(), whole.sums.own(), "{n} by {step}");
        }
        assert_eq!(whole.sums.own(), whole.sums.next());
        // A coordinate's signs are what a vector of one 1 projects to.
        let signs = |i: usize| {
            let mut unit = vec![0; n];
            unit[i] = 1;
            let mut projector = projection.start();
            projector.push(&unit, &unit);
            projector.finish(trailer()).sums.own().to_vec()
        };
        let mut want = vec![0_u64; gates.sums()];
        for (i, word) in words.iter().enumerate().take(40) {
            let signs = signs(i);
            assert!(signs.iter().all(|sign| [0, 1, u64::MAX].contains(sign)), "{n} {i}");
            want.iter_mut().zip(signs).for_each(|(sum, sign)| {
                *sum = sum.wrapping_add(sign.wrapping_mul(*word));
            });
        }
        if n <= 40 {
            assert_eq!(whole.sums.own(), want, "{n}");
        }
    }
}

#[test]
fn half_of_the_signs_are_zero_and_a_quarter_each_one_and_minus_one() {
    let gates = Gates::new(terms(64)).unwrap();
    let projection = Projection::new(&[5; 16], &gates);
    let mut counts = [0_u32; 3];
    for i in 0..64 {
        let mut unit = [0; 64];
        unit[i] = 1;
        let mut projector = projection.start();
        projector.push(&unit, &unit);
        for sign in projector.finish(Shared::zeros(TRAILER_WORDS)).sums.own() {
            counts[usize::try_from(sign.wrapping_add(1)).unwrap()] += 1;
        }
    }
    // 8192 draws: five standard deviations are 226 and 196.
    let [minus, none, plus] = counts;
    assert!(none.abs_diff(4096) < 226 && minus.abs_diff(2048) < 196 && plus.abs_diff(2048) < 196);
}
