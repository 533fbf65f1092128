//! Multi-Krum on shares against multi-Krum on the updates.

use super::{
    AcceptError, CLIP, Encoding, Gates, Krum, PARAMETERS, Prg, Terms, krum, raw, run, taken, terms,
    update, vector,
};
use crate::gate::TermsError;

/// Multi-Krum on updates in the clear: the places of those that are taken.
fn plain(updates: &[Vec<f32>], krum: Krum) -> Vec<usize> {
    let n = updates.len();
    let apart = |a: &[f32], b: &[f32]| -> f64 {
        a.iter().zip(b).map(|(a, b)| f64::from(a - b) * f64::from(a - b)).sum()
    };
    let score = |i: usize| -> f64 {
        let others = (0..n).filter(|j| *j != i);
        let mut apart: Vec<f64> = others.map(|j| apart(&updates[i], &updates[j])).collect();
        apart.sort_by(f64::total_cmp);
        apart.iter().take(n - krum.byzantine - 2).sum()
    };
    let mut order: Vec<(f64, usize)> = (0..n).map(|i| (score(i), i)).collect();
    order.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut taken: Vec<usize> = order[..krum.keep].iter().map(|(_, i)| *i).collect();
    taken.sort_unstable();
    taken
}

/// Updates near a common one, and behind them as many of its negative.
fn flipped(rng: &mut Prg, honest: usize, flippers: usize) -> Vec<Vec<f32>> {
    let common = vector(rng, PARAMETERS, 0.8 * CLIP);
    let mut one = |sign: f32| -> Vec<f32> {
        let noise = vector(rng, PARAMETERS, 0.4 * CLIP);
        common.iter().zip(noise).map(|(x, noise)| sign * x + noise).collect()
    };
    let honest: Vec<_> = (0..honest).map(|_| one(1.0)).collect();
    honest.into_iter().chain((0..flippers).map(|_| one(-1.0))).collect()
}

fn places(taken: &[bool]) -> Vec<usize> {
    (0..taken.len()).filter(|i| taken[*i]).collect()
}

#[test]
fn sign_flippers_are_not_chosen_whatever_their_weight() {
    for (seed, most_weight) in [(1_u8, 5000), (2, 1), (3, 1 << 20)] {
        let base = terms(PARAMETERS);
        let terms =
            Terms { krum: krum(3, 7), most_weight, encoding: base.encoding.at_most(20), ..base };
        let gates = Gates::new(terms).unwrap();
        let values = flipped(&mut Prg::new(&[seed; 16]), 7, 3);
        let weight = |i: usize| 1 + (i as u64 * 7919) % most_weight;
        let updates: Vec<_> = values
            .iter()
            .enumerate()
            .map(|(i, values)| update(&terms, values, weight(i)))
            .collect();
        let got = places(&taken(&gates, seed, &updates));
        assert_eq!(got, plain(&values, Krum { byzantine: 3, keep: 7 }), "seed {seed}");
        assert_eq!(got, (0..7).collect::<Vec<_>>(), "seed {seed}");
    }
}

#[test]
fn one_near_to_all_is_chosen_first_and_no_refused_one_is() {
    let keep = krum(2, 2);
    let terms = Terms { krum: keep, ..terms(PARAMETERS) };
    let gates = Gates::new(terms).unwrap();
    let mut rng = Prg::new(&[9; 16]);
    let common = vector(&mut rng, PARAMETERS, 0.8 * CLIP);
    // Farther and farther from the common one; the first two are the nearest to all.
    let mut values: Vec<Vec<f32>> = [0.0, 0.05, 0.5, 0.55, 0.6]
        .iter()
        .map(|far| {
            let noise = vector(&mut rng, PARAMETERS, far * CLIP);
            common.iter().zip(noise).map(|(x, noise)| x + noise).collect()
        })
        .collect();
    let mut updates: Vec<_> = values.iter().map(|values| update(&terms, values, 3)).collect();
    // Two that are refused by their weights, though their projections lie near the others'.
    for weight in [0, u64::MAX] {
        let words = &updates[0][..PARAMETERS];
        updates.push(raw(words, weight));
        values.push(vec![100.0; PARAMETERS]);
    }
    let got = places(&taken(&gates, 9, &updates));
    assert_eq!(got, plain(&values, keep.unwrap()));
    assert_eq!(got, [0, 1]);
}

#[test]
fn refused_ones_are_near_to_nobody() {
    let keep = Krum { byzantine: 3, keep: 1 };
    let terms = Terms { krum: Some(keep), ..terms(PARAMETERS) };
    let gates = Gates::new(terms).unwrap();
    let mut rng = Prg::new(&[8; 16]);
    let common = vector(&mut rng, PARAMETERS, 0.6 * CLIP);
    let mut values: Vec<Vec<f32>> = [0.35, 0.35, 0.35, 0.35, 0.35, 0.7]
        .iter()
        .map(|far| {
            let noise = vector(&mut rng, PARAMETERS, far * CLIP);
            common.iter().zip(noise).map(|(x, noise)| x + noise).collect()
        })
        .collect();
    let mut updates: Vec<_> = values.iter().map(|values| update(&terms, values, 3)).collect();
    // Three that say what the last one says, so that it has company, and claim more rows right than they have.
    for far in [100.0, 200.0, 300.0] {
        let mut words = updates[5].clone();
        words[PARAMETERS + 2] = 4;
        updates.push(words);
        values.push(vec![far; PARAMETERS]);
    }
    let alone = plain(&values, keep);
    let last = values[5].clone();
    values[6..].fill(last);
    assert_eq!(plain(&values, keep), [5], "with them it would be taken");
    let got = places(&taken(&gates, 8, &updates));
    assert_eq!(got, alone);
    assert!(got[0] < 5, "{got:?}");
}

#[test]
fn what_multi_krum_cannot_do_is_refused() {
    let with = |krum, private| Gates::new(Terms { krum, private, ..terms(33) });
    assert!(matches!(with(krum(3, 7), true), Err(TermsError::KrumWithPrivacy)));
    assert!(matches!(with(krum(3, 0), false), Err(TermsError::Krum { .. })));
    assert!(with(None, true).is_ok());
    let gates = with(krum(3, 7), false).unwrap();
    let updates = vec![raw(&[0; 33], 1); 8];
    let error = run(&gates, 1, &updates).results[0].clone().unwrap_err();
    assert!(matches!(error, AcceptError::Krum { providers: 8, byzantine: 3, keep: 7 }), "{error}");
    assert!(error.to_string().contains("at least 9 providers"), "{error}");
    let many = vec![raw(&[0; 33], 1); 129];
    assert_eq!(run(&gates, 1, &many).results[0], Err(AcceptError::Many(129)));
}

#[test]
fn terms_that_do_not_fit_are_refused() {
    let base = terms(33);
    let fails = |terms: Terms| Gates::new(terms).unwrap_err();
    for clip in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert!(matches!(fails(Terms { clip, ..base }), TermsError::Clip(_)));
    }
    for most_weight in [0, (1 << 20) + 1] {
        assert!(matches!(fails(Terms { most_weight, ..base }), TermsError::Weight { .. }));
    }
    for most_loss in [-1.0, f64::NAN, 1e30] {
        assert!(matches!(fails(Terms { most_loss, ..base }), TermsError::Loss(..)));
    }
    let fine = base.encoding;
    let bounds = fine.bounds();
    let base = Terms { encoding: Encoding::new(bounds).unwrap().at_most(30), ..base };
    let (clip, most_weight) = (128.0, 1 << 20);
    let wide = fails(Terms { clip, most_weight, ..base });
    assert!(matches!(wide, TermsError::Norm { bits: 58, .. }), "{wide}");
    assert!(Gates::new(Terms { clip: clip / 2.1, most_weight, ..base }).is_ok());
    let clip = 1e5;
    let square = fails(Terms { clip, most_weight, encoding: fine.at_most(16), ..base });
    assert!(matches!(square, TermsError::Square { .. }), "{square}");
}
