//! Spread functions on narrow links: ideal = real, measured = quoted, and all links alike.

use std::{sync::Arc, time::Duration};

use super::*;
use crate::{
    mpc::{
        self,
        fixed::{self, Exp, Fixed, Logistic, Product, Quotient, Sigmoid, Truncation},
    },
    net::{
        Channel, memory,
        record::{Direction, Recorder},
    },
    ring::{Z32, Z64},
    testkit::{World, share_bits},
};

/// One part, and three of which the last is odd.
const SIZES: [usize; 4] = [LEAST_ROWS - 1, LEAST_ROWS, LEAST_ROWS + 65, 10_001];

/// Products, what truncation left, and injected bits.
type Three = (Shared<Z64>, Shared<Z64>, Shared<Z32>);

fn world(n: usize) -> World {
    World::new(n as u64).on(Profile::WAN)
}

#[test]
fn parts_are_whole_words_of_all_rows() {
    for n in SIZES {
        let parts = parts(Profile::WAN, n, false);
        assert_eq!(parts.len(), if n < LEAST_ROWS { 1 } else { 3 });
        assert_eq!((parts[0].start, parts[parts.len() - 1].end), (0, n));
        assert!(parts.windows(2).all(|two| two[0].end == two[1].start));
        assert!(parts.iter().all(|part| part.start % 64 == 0 && part.len() >= LEAST_ROWS / 3 - 64));
    }
    for alone in [parts(Profile::WAN, 10_000, true), parts(Profile::LOOPBACK, 10_000, false)] {
        assert_eq!(alone.len(), 1);
    }
}

#[test]
fn functions_of_real_numbers_are_as_exact_as_in_one_piece() {
    let (from, positive) =
        (Fixed::new(16, -7.0, 7.0).unwrap(), Fixed::new(16, 0.5, 100.0).unwrap());
    let sigmoid = Sigmoid::new(from, Logistic::Series, 16).unwrap();
    let pieces = Sigmoid::new(Fixed::new(16, -9.0, 9.0).unwrap(), Logistic::Segments, 16).unwrap();
    let (exp, div) = (Exp::new(from, 16).unwrap(), Quotient::new(from, positive, 16).unwrap());
    for n in SIZES {
        let world = world(n);
        let reals = |low: f64, high: f64| -> Vec<f64> {
            (0..n).map(|i| low + (high - low) * (i as f64) / (n as f64)).collect()
        };
        let (x, y) = (reals(-7.0, 7.0), reals(0.5, 100.0));
        let shared = [
            world.deal::<Z64>(1, &from.encode(&x).unwrap()),
            world.deal::<Z64>(2, &positive.encode(&y).unwrap()),
        ];
        let run = world.run(|s| {
            let [x, y] = shared.each_ref().map(|column| &column[s.role().index()]);
            let results = [
                fixed::sigmoid(s, x, &sigmoid)?,
                fixed::sigmoid(s, x, &pieces)?,
                fixed::exp(s, x, &exp)?,
                fixed::div(s, x, y, &div)?,
            ];
            Ok(Shared::concat(&results.iter().collect::<Vec<_>>()))
        });
        run.assert_cost("four functions", |m| {
            fixed::sigmoid_cost(m, n, &sigmoid);
            fixed::sigmoid_cost(m, n, &pieces);
            fixed::exp_cost(m, n);
            fixed::div_cost(m, n, &div);
        });
        let got = run.reconstruct();
        for (i, (x, y)) in x.iter().zip(&y).enumerate() {
            let at = |function: usize| got[function * n + i].cast_signed() as f64 / 65536.0;
            let logistic = 1.0 / (1.0 + (-x).exp());
            assert!((at(0) - logistic).abs() < 1e-3, "sigmoid {x} is not {}", at(0));
            assert!((at(1) - logistic).abs() < 0.14, "sigmoid {x} is not {}", at(1));
            assert!((at(2) / x.exp() - 1.0).abs() < 0.05, "exp {x} is not {}", at(2));
            assert!((at(3) - x / y).abs() < 1e-2, "{x} / {y} is not {}", at(3));
        }
    }
}

#[test]
fn products_truncation_and_bits_are_exact() {
    let whole = Fixed::new(10, -1000.0, 1000.0).unwrap();
    let (product, truncation) =
        (Product::new(whole, whole, 10).unwrap(), Truncation::exact(whole, 3).unwrap());
    for n in SIZES {
        let world = world(n);
        let words: Vec<u64> =
            (0..n as i64).map(|i| (i * 7919 % 1_000_000 - 500_000).cast_unsigned()).collect();
        let bits: Vec<u64> = words.iter().map(|word| word % 32).collect();
        let (x, b) = (world.deal::<Z64>(1, &words), share_bits(world, 2, &bits, 5));
        let run = world.run(|s| {
            let (x, b) = (&x[s.role().index()], &b[s.role().index()]);
            Ok((
                fixed::mul(s, x, x, &product)?,
                fixed::truncate(s, x, &truncation)?,
                mpc::inject::<Z32>(s, b)?,
            ))
        });
        run.assert_cost("three functions", |m| {
            fixed::mul_cost(m, n, &product);
            fixed::truncate_cost(m, n, &truncation);
            mpc::inject_cost::<Z32>(m, n, 5);
        });
        let open = |of: fn(&Three) -> &Shared<Z64>| {
            crate::share::reconstruct(run.results.each_ref().map(of)).unwrap()
        };
        for (i, (square, shifted)) in open(|r| &r.0).into_iter().zip(open(|r| &r.1)).enumerate() {
            let word = words[i].cast_signed();
            let off = square.cast_signed() - ((word * word) >> 10);
            assert!((0..=1).contains(&off), "square of {word}");
            assert!((0..=1).contains(&(shifted.cast_signed() - (word >> 7))), "{word}");
        }
        let injected = run.results.each_ref().map(|result| &result.2);
        let injected = crate::share::reconstruct(injected).unwrap();
        for (at, bit) in injected.into_iter().enumerate() {
            assert_eq!(
                u64::from(bit),
                bits[at % n] >> (at / n) & 1,
                "plane {} of {n} rows",
                at / n
            );
        }
    }
}

#[test]
fn every_party_and_every_link_carries_the_same() {
    let n = 12_288;
    let from = Fixed::new(16, -7.0, 7.0).unwrap();
    let plan = Sigmoid::new(from, Logistic::Series, 16).unwrap();
    let sent = |profile: Profile| {
        let world = World::new(1).on(profile);
        let x = world.deal::<Z64>(1, &vec![0; n]);
        let recorders: Vec<_> = memory::mesh(3, Duration::from_secs(60))
            .into_iter()
            .map(|end| Arc::new(Recorder::new(end)))
            .collect();
        let channels = recorders.iter().map(|end| Arc::clone(end) as Arc<dyn Channel>).collect();
        let run = world.run_over(channels, |s| fixed::sigmoid(s, &x[s.role().index()], &plan));
        assert!(run.results.iter().all(Result::is_ok));
        let shapes = recorders.iter().flat_map(|recorder| recorder.shape());
        let sent = shapes.filter(|(direction, _)| matches!(direction, Direction::To(_)));
        sent.map(|(_, frames)| frames.iter().map(|frame| frame.len).sum()).collect::<Vec<usize>>()
    };
    let narrow = sent(Profile::WAN);
    // P0 to P1 and P2, P1 to P0 and P2, P2 to P0 and P1: round the ring one way, and the other.
    assert_eq!([narrow[0], narrow[0]], [narrow[3], narrow[4]]);
    assert_eq!([narrow[1], narrow[1]], [narrow[2], narrow[5]]);
    let wide = sent(Profile::LAN);
    assert_eq!(wide.iter().sum::<usize>(), narrow.iter().sum());
    assert!(wide.iter().max() > Some(&(2 * narrow[0])), "{wide:?}");
}
