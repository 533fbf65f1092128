//! Known answers, and what must hold of every accountant.

use super::{Event, exact, pld, rdp};

/// q, σ, steps, δ, and ε by Rényi divergences and by loss distributions: Google's dp-accounting 0.6.0.
const GOLDEN: [(f64, f64, u32, f64, f64, f64); 8] = [
    (0.01, 1.1, 10_000, 1e-5, 5.632_011, 5.192_620),
    (256.0 / 60_000.0, 1.1, 14_100, 1e-5, 2.600_343, 2.385_211),
    (0.1, 1.0, 100, 1e-5, 7.903_850, 7.046_603),
    (0.5, 2.0, 50, 1e-5, 10.287_808, 9.473_594),
    (1.0, 4.0, 50, 1e-5, 9.234_959, 8.595_865_790),
    (1.0, 8.0, 100, 1e-6, 6.734_625, 6.312_060_186),
    (0.05, 0.8, 500, 1e-6, 14.919_412, 13.556_224),
    (1.0, 1.0, 1, 1e-5, 4.728_507, 4.377_178_096),
];

fn event(q: f64, sigma: f64, steps: u32) -> Event {
    Event::new(q, sigma, steps).unwrap()
}

#[test]
fn renyi_divergences_give_the_known_epsilons() {
    for (q, sigma, steps, delta, want, _) in GOLDEN {
        let got = rdp::epsilon(&[event(q, sigma, steps)], delta);
        assert!((got - want).abs() < 1e-5, "q {q} σ {sigma} T {steps}: {got}, not {want}");
    }
}

#[test]
fn loss_distributions_give_the_known_epsilons() {
    for (q, sigma, steps, delta, _, want) in GOLDEN {
        let events = [event(q, sigma, steps)];
        let got = pld::epsilon(&events, delta);
        let within = if q < 1.0 { 1e-4 } else { 1e-8 };
        assert!((got - want).abs() < within, "q {q} σ {sigma} T {steps}: {got}, not {want}");
        let back = pld::delta(&events, got);
        assert!((back / delta - 1.0).abs() < 1e-6, "q {q} σ {sigma}: δ {back} at that ε");
    }
}

/// A logistic model of UCI Adult: batches of 1024 of 32,561 rows, 476 of them.
#[test]
fn the_noise_of_a_known_training_gives_the_epsilon_that_it_was_chosen_for() {
    for (want, sigma) in [(0.5, 5.394), (1.0, 2.949), (3.0, 1.308)] {
        let events = [event(1024.0 / 32_561.0, sigma, 476)];
        let (rdp, pld) = (rdp::epsilon(&events, 1e-5), pld::epsilon(&events, 1e-5));
        assert!((rdp - want).abs() < 1e-3 && pld < rdp, "σ {sigma}: {rdp} {pld}, not {want}");
    }
}

#[test]
fn single_divergences_are_the_known_ones() {
    let known = [
        (0.01, 1.1, 2.0, 1.285_100_816e-4),
        (0.01, 1.1, 8.0, 5.840_703_355e-4),
        (0.01, 1.1, 16.0, 1.699_826_728),
        (0.01, 1.1, 32.0, 8.469_416_434),
        (0.1, 1.0, 2.0, 0.017_036_863_24),
        (0.1, 1.0, 3.0, 0.031_712_300_3),
        (0.1, 1.0, 8.0, 1.378_361_411),
        (0.1, 1.0, 64.0, 29.660_865_94),
        (1.0, 4.0, 64.0, 2.0),
    ];
    for (q, sigma, order, want) in known {
        let got = rdp::divergence(&event(q, sigma, 1), order);
        assert!((got / want - 1.0).abs() < 1e-8, "q {q} σ {sigma} α {order}: {got}, not {want}");
    }
}

#[test]
fn fractional_orders_lie_between_whole_ones() {
    for (q, sigma) in [(0.01, 1.1), (0.3, 0.7), (0.05, 3.0)] {
        let at = |order| rdp::divergence(&event(q, sigma, 1), order);
        for order in [2.0, 3.0, 5.0, 10.0] {
            let close = at(order + 1e-7);
            assert!((close / at(order) - 1.0).abs() < 1e-5, "q {q} σ {sigma} α {order}: {close}");
            let between = at(order + 0.5);
            assert!(between.is_finite() && at(order) < between, "q {q} σ {sigma} α {order}");
        }
    }
}

#[test]
fn the_transform_agrees_with_the_closed_form() {
    // A sampling probability of almost 1 takes the long way round.
    for (sigma, steps) in [(4.0, 50), (1.0, 1), (8.0, 100)] {
        let almost = [event(1.0 - 1e-9, sigma, steps)];
        let plain = [event(1.0, sigma, steps)];
        let (long, closed) = (pld::epsilon(&almost, 1e-5), exact::epsilon(&plain, 1e-5).unwrap());
        assert!((long - closed).abs() < 1e-4, "σ {sigma} T {steps}: {long}, not {closed}");
        assert!(long > closed - 1e-6, "never below what is true");
    }
}

#[test]
fn events_compose() {
    let (a, b) = (event(0.02, 1.3, 300), event(0.1, 2.5, 40));
    let halves = [event(0.02, 1.3, 100), event(0.02, 1.3, 200), b];
    for delta in [1e-5, 1e-6] {
        let (whole, split) = (pld::epsilon(&[a, b], delta), pld::epsilon(&halves, delta));
        assert!((whole - split).abs() < 1e-4, "{whole} and {split}");
        let alone = pld::epsilon(&[a], delta).max(pld::epsilon(&[b], delta));
        let apart = pld::epsilon(&[a], delta / 2.0) + pld::epsilon(&[b], delta / 2.0);
        assert!(alone < whole && whole < apart);
        assert!(whole < rdp::epsilon(&[a, b], delta), "the tight one is below the loose one");
    }
}

#[test]
fn more_noise_fewer_steps_and_rarer_sampling_cost_less() {
    let at = |q, sigma, steps| pld::epsilon(&[event(q, sigma, steps)], 1e-5);
    let base = at(0.05, 1.0, 100);
    for less in [at(0.04, 1.0, 100), at(0.05, 1.2, 100), at(0.05, 1.0, 80)] {
        assert!(less < base, "{less} is not below {base}");
    }
    assert_eq!(at(0.05, 1.0, 0), 0.0);
    assert_eq!(pld::epsilon(&[], 1e-5), 0.0);
}

#[test]
fn what_is_no_event_is_refused() {
    for (q, sigma) in [(0.0, 1.0), (1.1, 1.0), (f64::NAN, 1.0), (0.5, 0.0), (0.5, f64::NAN)] {
        assert!(Event::new(q, sigma, 1).is_err(), "q {q} σ {sigma}");
    }
}
