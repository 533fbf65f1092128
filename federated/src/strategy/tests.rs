//! Known steps, and what strategies promise.

use super::{Adaptive, Control, Drift, Optimizer, Rule, nova};

fn moved(rule: Rule, updates: &[f32]) -> f32 {
    let (mut optimizer, mut model) = (Optimizer::new(rule), [0.0]);
    for update in updates {
        optimizer.apply(&mut model, &[*update]);
    }
    model[0]
}

#[test]
fn rules_take_the_steps_that_their_formulas_say() {
    let close =
        |got: f32, want: f64| assert!((f64::from(got) - want).abs() < 1e-6, "{got}, {want}");
    close(moved(Rule::Average { rate: 1.0 }, &[0.5, -0.2]), 0.3);
    // v = 0.5, then 0.9·0.5 − 0.2.
    close(moved(Rule::Momentum { rate: 1.0, momentum: 0.9 }, &[0.5, -0.2]), 0.5 + 0.25);
    let with = Adaptive { rate: 0.1, ..Adaptive::default() };
    let step = |mean: f64, square: f64| 0.1 * mean / (square.sqrt() + 1e-3);
    let (m1, m2) = (0.05, 0.9 * 0.05 - 0.1 * 0.2);
    close(moved(Rule::Adam(with), &[0.5]), step(m1, 0.01 * 0.25));
    let second = 0.99 * 0.01 * 0.25 + 0.01 * 0.04;
    close(moved(Rule::Adam(with), &[0.5, -0.2]), step(m1, 0.0025) + step(m2, second));
    close(moved(Rule::Adagrad(with), &[0.5, -0.2]), step(m1, 0.25) + step(m2, 0.29));
    let yogi = 0.0025 + 0.01 * 0.04;
    close(moved(Rule::Yogi(with), &[0.5, -0.2]), step(m1, 0.0025) + step(m2, yogi));
}

#[test]
fn an_optimizer_goes_on_where_it_was() {
    for rule in [
        Rule::Momentum { rate: 1.0, momentum: 0.9 },
        Rule::Adam(Adaptive::default()),
        Rule::Yogi(Adaptive::default()),
    ] {
        let (mut whole, mut a, mut b) = (Optimizer::new(rule), [0.1, 0.2], [0.1, 0.2]);
        whole.apply(&mut a, &[0.3, -0.1]);
        let memory = whole.memory().map(<[f32]>::to_vec);
        b.copy_from_slice(&a);
        let mut resumed = Optimizer::resume(rule, memory);
        whole.apply(&mut a, &[0.2, 0.7]);
        resumed.apply(&mut b, &[0.2, 0.7]);
        assert_eq!((a, whole), (b, resumed));
    }
}

#[test]
fn corrections_cancel_where_providers_pull_apart() {
    // Two providers with losses (x − 1)²/2 and (x + 3)²/2, of equal weight: the best x for both is −1.
    let (rate, steps) = (0.1_f32, 20_u64);
    let (mut shared, mut model) = (Control::new(1), [0.0_f32]);
    let mut drifts = [Drift::new(1), Drift::new(1)];
    for _ in 0..60 {
        let mut mean = ([0.0_f32], [0.0_f32]);
        for (drift, best) in drifts.iter_mut().zip([1.0_f32, -3.0]) {
            let correction = drift.correction(&shared)[0];
            let mut x = model[0];
            for _ in 0..steps {
                x -= rate * ((x - best) + correction);
            }
            let update = [x - model[0]];
            let change = drift.change(&shared, &update, steps, rate);
            drift.renew(&change);
            mean.0[0] += update[0] / 2.0;
            mean.1[0] += change[0] / 2.0;
        }
        model[0] += mean.0[0];
        shared.apply(&mean.1, 1.0);
    }
    assert!((model[0] + 1.0).abs() < 1e-3, "{}", model[0]);
}

#[test]
fn rules_of_more_than_differences_take_their_numbers_apart() {
    let scaffold = Rule::Scaffold { rate: 2.0 };
    assert_eq!((scaffold.coordinates(3), scaffold.handed(3)), (6, 6));
    let (mut optimizer, mut model) = (Optimizer::new(scaffold), vec![1.0, 1.0]);
    assert_eq!(*optimizer.handed(&model), [1.0, 1.0, 0.0, 0.0]);
    optimizer.step(&mut model, &[0.5, -0.5, 4.0, -8.0], 0.5);
    assert_eq!(*optimizer.handed(&model), [2.0, 0.0, 2.0, -4.0]);
    let memory = optimizer.memory().map(<[f32]>::to_vec);
    assert_eq!(Optimizer::resume(scaffold, memory), optimizer);
    let nova = Rule::Nova { rate: 1.0, unit: 0.25 };
    assert_eq!((nova.coordinates(3), nova.handed(3)), (4, 3));
    let (mut optimizer, mut model) = (Optimizer::new(nova), vec![1.0, 1.0]);
    // 2.0 quarters of a step are eight steps.
    optimizer.step(&mut model, &[0.5, -0.25, 2.0], 1.0);
    assert_eq!(*optimizer.handed(&model), [5.0, -1.0]);
}

#[test]
fn normalized_updates_weigh_directions_not_steps() {
    let mut model = [1.0, 1.0];
    nova(&mut model, &[0.5, -0.25], 4.0);
    assert_eq!(model, [3.0, 0.0]);
}
