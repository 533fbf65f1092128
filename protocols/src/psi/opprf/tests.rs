//! Programmed points are found, others are not, and nothing but sizes shows.

use super::*;
use crate::testkit::Duo;

/// A run in which the first `common` of the queries are points; returns what was programmed and what was got.
fn run(seed: u64, size: Size, points: usize, queries: usize, common: usize) -> [Vec<Vec<u128>>; 2] {
    let duo = Duo::new(seed);
    let keys = duo.words(0, points);
    let asked = [&keys[..common], &duo.words(1, queries - common)].concat();
    let values: Vec<Vec<u128>> =
        (0..size.columns as u64).map(|column| duo.words(2 + column, points)).collect();
    let run = duo.run(
        |pair, rng| {
            let columns: Vec<&[u128]> = values.iter().map(|column| &column[..]).collect();
            send(pair, &size, &keys, &columns, rng)
        },
        |pair, rng| receive(pair, &size, &asked, rng),
    );
    let mut quoted = PairCost::new();
    cost(&mut quoted, &size);
    run.assert_cost(&quoted);
    assert!(run.opened.iter().all(Vec::is_empty), "nothing is opened");
    let got = run.receiver.iter().map(|column| column.to_vec()).collect();
    [values, got]
}

#[test]
fn a_point_gives_its_value_and_any_other_key_does_not() {
    for (points, queries) in [(1, 1), (63, 65), (1000, 64), (64, 1000)] {
        let size = Size { queries, points, columns: 2, instances: 1 };
        let common = points.min(queries) / 2 + 1;
        let [programmed, got] = run(points as u64, size, points, queries, common);
        for (programmed, got) in programmed.iter().zip(&got) {
            assert_eq!(got[..common], programmed[..common]);
            assert!(got[common..].iter().all(|value| !programmed.contains(value)));
        }
        assert_ne!(got[0], got[1], "blocks differ elsewhere too");
    }
}

#[test]
fn fewer_points_and_keys_than_agreed_cost_the_same() {
    let size = Size { queries: 100, points: 300, columns: 1, instances: 1 };
    for (points, queries, common) in [(300, 100, 100), (0, 0, 0), (1, 100, 0), (300, 1, 1)] {
        let [programmed, got] = run(3, size, points, queries, common);
        assert_eq!(got[0][..common], programmed[0][..common]);
    }
}

#[test]
fn without_points_or_keys_nothing_is_sent() {
    let none = Size { queries: 5, points: 0, columns: 2, instances: 1 };
    let [_, got] = run(4, none, 0, 5, 0);
    assert!(got.iter().all(|column| column.len() == 5));
    let none = Size { queries: 0, points: 5, columns: 2, instances: 1 };
    run(5, none, 5, 0, 0);
}

#[test]
fn points_that_do_not_fit_are_refused() {
    let words = Duo::new(6).words(0, 10);
    let twice = [&words[..], &words[..1]].concat();
    let misuse = |error| assert!(matches!(error, Err(SessionError::Misuse { .. })), "{error:?}");
    let size = |points| Size { queries: 5, points, columns: 1, instances: 1 };
    let run = Duo::new(7).run(
        |pair, rng| Ok(send(pair, &size(9), &words, &[&words], rng)),
        |pair, rng| Ok(receive(pair, &size(9), &words[..6], rng).map(drop)),
    );
    misuse(run.sender);
    misuse(run.receiver);
    let run = Duo::new(8).run(
        |pair, rng| {
            let error = send(pair, &size(11), &twice, &[&twice], rng);
            // What the receiver still waits for.
            pair.send(&[0_u128])?;
            pair.send(&vec![0_u128; Params::new(11, 1).unwrap().slots()])?;
            Ok(error)
        },
        |pair, rng| receive(pair, &size(11), &words[..5], rng),
    );
    misuse(run.sender);
}
