//! Rules under which updates are more than differences, and trainers keep something from round to round.

use super::*;

const RULES: [Rule; 2] =
    [Rule::Scaffold { rate: 1.0 }, Rule::Nova { rate: 0.9, unit: 1.0 / 1024.0 }];

/// A trainer whose update of some rounds is spoiled after it was made, so that it is in no average.
pub(super) struct Spoiled {
    pub(super) own: Native,
    pub(super) rounds: &'static [u32],
}

impl Trainer for Spoiled {
    fn train(&mut self, round: u32, handed: &[f32]) -> Result<Update, TrainError> {
        let mut update = self.own.train(round, handed)?;
        if self.rounds.contains(&round) {
            update.delta[0] = f32::NAN;
        }
        Ok(update)
    }

    fn taken(&mut self, last: Option<u32>) -> Result<(), TrainError> {
        self.own.taken(last)
    }
}

#[test]
fn corrections_and_steps_are_averaged_bit_for_bit_as_in_one_place() {
    for (seed, cast) in (0..).zip(CASTS) {
        for rule in RULES {
            let course = course(cast, 4, rule);
            let parties = usize::from(*cast.iter().max().unwrap()).max(2) + 1;
            let trainers = |k| Box::new(by_rule(&course, seed, k)) as Box<dyn Trainer>;
            let ran = run_over(seed, in_memory(parties), &course, &start(&course), &trainers);
            let all: Vec<usize> = (0..cast.len()).collect();
            let expected = in_one_place(seed, &course, &vec![all; 4]);
            assert!(ran.trained(seed).state == expected, "seed {seed}, {cast:?}, {rule:?}");
            let mut m = Meter::new();
            m.enter(1);
            cost(&mut m, &course);
            let quoted = m.total();
            let took = (ran.counters.bytes, ran.counters.messages, ran.counters.rounds);
            assert_eq!(took, (quoted.bytes, quoted.messages, quoted.rounds), "{cast:?}, {rule:?}");
        }
    }
}

#[test]
fn a_correction_whose_change_is_in_no_average_stays_as_it_was() {
    for rule in RULES {
        let course = course(&[0, 1, 3, 4], 5, rule);
        let spoiled: [&[u32]; 4] = [&[1], &[], &[1, 2], &[0, 3]];
        let trainers = |k: usize| {
            let own = by_rule(&course, 4, k);
            Box::new(Spoiled { own, rounds: spoiled[k] }) as Box<dyn Trainer>
        };
        let ran = run_over(4, in_memory(5), &course, &start(&course), &trainers);
        let rounds =
            vec![vec![0, 1, 2], vec![1, 3], vec![0, 1, 3], vec![0, 1, 2], vec![0, 1, 2, 3]];
        let trained = ran.trained(4);
        assert!(trained.reports.iter().map(|report| &report.providers).eq(&rounds));
        assert!(trained.state == in_one_place(4, &course, &rounds), "{rule:?}");
    }
}

#[test]
fn steps_that_differ_do_not_pull_the_model() {
    // Of one provider a fifth of the rows: it takes a fifth of the steps.
    let rule = Rule::Nova { rate: 1.0, unit: 1.0 / 64.0 };
    let mut trainer = by_rule(&course(&[0, 1], 1, rule), 1, 9);
    let model = vec![0.0; Network::logistic(FEATURES).unwrap().parameters()];
    let plain = native(1, 9).train(0, &model).unwrap();
    let normal = trainer.train(0, &model).unwrap();
    let (steps, directions) = normal.delta.split_last().unwrap();
    // 103 rows in steps of 32: four.
    assert!((steps - 4.0 / 64.0).abs() < 1e-9);
    let same = directions.iter().zip(&plain.delta).all(|(a, b)| (4.0 * a - b).abs() < 1e-6);
    assert!(same, "{directions:?}, {:?}", plain.delta);
}
