use super::*;
use crate::{kernels::gf80_mul, testkit::Duo};

fn run(seed: u64, n: usize) -> crate::testkit::DuoRun<SubfieldSender, SubfieldReceiver> {
    Duo::new(seed).run(|pair, rng| send(pair, n, rng), |pair, rng| receive(pair, n, rng))
}

#[test]
fn c_is_a_delta_plus_b_in_both_coordinates_and_costs_what_was_quoted() {
    for n in [0, 1, 63, 64, 65, 127, 128, 129, 1000, 5000, 70_000, 600_000] {
        let run = run(n as u64, n);
        assert_eq!((run.sender.b().map(<[u128]>::len), run.receiver.a().len()), ([n; 2], n));
        let coordinates = run.receiver.c().into_iter().zip(run.sender.b());
        for ((c, b), delta) in coordinates.zip(*run.sender.delta()) {
            for (i, ((c, b), a)) in c.iter().zip(b).zip(run.receiver.a()).enumerate() {
                assert_eq!(*c, gf80_mul(*a, delta) ^ b, "output {i} of {n}");
                assert_eq!((a | b | c) >> 80, 0, "output {i} of {n}");
            }
        }
        let mut quoted = PairCost::new();
        cost(&mut quoted, n);
        run.assert_cost(&quoted);
    }
}

#[test]
fn the_offset_has_128_bits_and_differs_from_run_to_run() {
    let [mut any, mut all] = [[0; 2], [u128::MAX; 2]];
    for seed in 0..40 {
        for ((any, all), delta) in any.iter_mut().zip(&mut all).zip(*run(seed, 1).sender.delta()) {
            *any |= delta;
            *all &= delta;
        }
    }
    assert_eq!((any, all), ([(1 << 80) - 1, (1 << 48) - 1], [0; 2]));
}

#[test]
fn outputs_look_random() {
    let run = run(1, 3000);
    let [b, other_b] = run.sender.b();
    let [c, other_c] = run.receiver.c();
    for words in [run.receiver.a(), b, other_b, c, other_c] {
        let ones: u32 = words.iter().map(|word| word.count_ones()).sum();
        // Ten standard deviations of a binomial variable.
        assert!(ones.abs_diff(3000 * 40) < 2500, "{ones} ones");
        let distinct: std::collections::HashSet<_> = words.iter().collect();
        assert_eq!(distinct.len(), words.len());
    }
}

#[test]
fn nothing_secret_prints() {
    let run = run(2, 3);
    let line = format!("{:?} {:?}", run.sender, run.receiver);
    assert_eq!(line, "SubfieldSender(3) SubfieldReceiver(3)");
}
