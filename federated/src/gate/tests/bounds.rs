//! The gate on shares against the same gate in the clear, and what is let through.

use super::{
    AcceptError, CLIP, Gates, MOST_WEIGHT, PARAMETERS, Prg, SessionError, Sketch, World, Z64,
    accept, ideal, raw, run, taken, terms, update, vector,
};

#[test]
fn it_is_the_gate_in_the_clear() {
    for seed in 0..6_u8 {
        let n = [1, 2, 63, 64, 65, 3][usize::from(seed)];
        let parameters = [1, 2, 33, 64, 31, 1000][usize::from(seed)];
        let terms = terms(parameters);
        let gates = Gates::new(terms).unwrap();
        let mut rng = Prg::new(&[seed; 16]);
        let updates: Vec<Vec<u64>> = (0..n)
            .map(|i| {
                // From far within the bound to beyond it, at the edge most of all.
                let norm = CLIP * [0.1, 1.0, 1.25, 1.3, 1.35, 1.4, 2.0][i % 7];
                let values = vector(&mut rng, parameters, norm);
                let mut words = update(&terms, &values, 1 + (i as u64 * 37) % MOST_WEIGHT);
                if i % 9 == 8 {
                    // A word of the trailer that is one too many, or too few.
                    let at = parameters + i / 9 % 5;
                    words[at] = words[at].wrapping_sub(1 + (i as u64 / 9) % 2 * 1_000_000_000_000);
                }
                words
            })
            .collect();
        let want = ideal(&gates, seed, &updates);
        let count = want.iter().filter(|taken| **taken).count();
        let got = run(&gates, seed, &updates).results[0].clone();
        if count == 0 {
            assert_eq!(got, Err(AcceptError::Few { got: 0, least: 1 }), "seed {seed}");
        } else {
            assert_eq!(got, Ok(want.clone()), "seed {seed}");
        }
        assert!(n < 60 || (count > n / 3 && count < n), "seed {seed}: {count} of {n}");
    }
}

#[test]
fn bounds_are_exact() {
    let gates = Gates::new(terms(1)).unwrap();
    let (k, weight) = (gates.sums(), 77);
    let tau = i128::from(gates.tau) * 77;
    let squares = gates.squares * 77 * 77;
    // The square root of what three projections leave for a fourth one.
    let rest = (squares - 3 * (tau * tau).cast_unsigned()).isqrt().cast_signed();
    assert!(rest < tau);
    let [low, high] = [i64::MIN, i64::MAX].map(i128::from);
    let sums = [
        (vec![], true),
        (vec![tau], true),
        (vec![-tau], true),
        (vec![tau + 1], false),
        (vec![0, -tau - 1], false),
        (vec![low], false),
        (vec![0, 0, high], false),
        (vec![tau, -tau, tau, rest], true),
        (vec![tau, -tau, tau, -rest], true),
        (vec![tau, -tau, tau, rest + 1], false),
        (vec![tau; 4], false),
    ];
    let want = sums.iter().map(|(_, taken)| *taken).collect();
    let world = World::new(5);
    let mut sketches = [const { Vec::new() }; 3];
    for (label, (sums, _)) in (1..).zip(&sums) {
        let mut words: Vec<u64> =
            sums.iter().map(|z| u64::try_from(z.rem_euclid(1 << 64)).unwrap()).collect();
        words.resize(k, 0);
        let sums = world.deal::<Z64>(2 * label, &words);
        let trailer = world.deal::<Z64>(2 * label + 1, &raw(&[], weight));
        for ((sketches, sums), trailer) in sketches.iter_mut().zip(sums).zip(trailer) {
            sketches.push(Sketch { sums, trailer });
        }
    }
    let run = world.run(|s| match accept(s, &gates, &sketches[s.role().index()]) {
        Err(AcceptError::Session(error)) => Err(error),
        other => Ok::<_, SessionError>(other),
    });
    assert_eq!(run.results[0], Ok(want));
}

#[test]
fn who_clips_is_taken_whatever_its_weight() {
    for (seed, parameters) in (10_u8..).zip([1, 7, 33, PARAMETERS]) {
        let terms = terms(parameters);
        let gates = Gates::new(terms).unwrap();
        let mut rng = Prg::new(&[seed; 16]);
        let updates: Vec<Vec<u64>> = [1, 2, 77, 4999, MOST_WEIGHT]
            .iter()
            .flat_map(|weight| [(*weight, 0.0), (*weight, CLIP * 0.99), (*weight, CLIP)])
            .map(|(weight, norm)| update(&terms, &vector(&mut rng, parameters, norm), weight))
            .collect();
        let taken = taken(&gates, seed, &updates);
        assert!(taken.iter().all(|taken| *taken), "seed {seed}: {taken:?}");
    }
}

#[test]
fn one_and_a_half_times_the_bound_is_refused() {
    let terms = terms(PARAMETERS);
    let gates = Gates::new(terms).unwrap();
    let mut rng = Prg::new(&[3; 16]);
    let mut updates: Vec<Vec<u64>> = (0..20)
        .map(|i| update(&terms, &vector(&mut rng, PARAMETERS, 1.6 * CLIP), 1 + 200 * i))
        .collect();
    updates.push(update(&terms, &vector(&mut rng, PARAMETERS, CLIP), 9));
    let taken = taken(&gates, 3, &updates);
    assert!(taken[..20].iter().all(|taken| !taken) && taken[20], "{taken:?}");
}

#[test]
fn too_few_are_no_sum() {
    let terms = super::Terms { least: 2, ..terms(33) };
    let gates = Gates::new(terms).unwrap();
    let mut rng = Prg::new(&[6; 16]);
    let good = update(&terms, &vector(&mut rng, 33, CLIP), 5);
    let bad = update(&terms, &vector(&mut rng, 33, 5.0 * CLIP), 5);
    let few = |got| Err(AcceptError::Few { got, least: 2 });
    let run = |updates: &[Vec<u64>]| run(&gates, 6, updates);
    assert_eq!(
        run(&[good.clone(), bad.clone(), good.clone()]).results[0],
        Ok(vec![true, false, true])
    );
    assert_eq!(run(&[good.clone(), bad]).results[0], few(1));
    // With fewer than that nothing is opened at all.
    for none in [run(&[good]), run(&[])] {
        assert!(matches!(none.results[0], Err(AcceptError::Few { .. })));
        assert!(none.opened.iter().all(Vec::is_empty) && none.total.bytes == 0);
    }
}
