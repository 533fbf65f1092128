//! What is told of counts of rows: that of all rows in one place, and no other model for it; nothing of few, or of some providers alone.

use super::{
    resumed::{NEVER, run_until},
    total::{adding, newton},
    *,
};
use crate::{
    model::{Ranking, Spread, Tally, evaluate},
    round::{Counting, UNTOLD},
};

const CAST: [u16; 4] = [0, 1, 3, 4];
const SEED: u64 = 6;

fn counting(bins: usize, least: u64) -> Option<Counting> {
    Some(Counting::new(Tally::Bins(bins), least, 1 << 16).unwrap())
}

fn own(k: usize) -> Rows {
    rows(SEED, k, 40 + 7 * k)
}

/// The counts of these providers' rows at this model.
fn counts(providers: impl Iterator<Item = usize>, model: &[f32], bins: usize) -> Vec<u64> {
    let network = Network::logistic(FEATURES).unwrap();
    let mut counts = vec![0; 2 * bins];
    for k in providers {
        let (_, outputs) = evaluate(&network, model, &own(k));
        let of_one = Tally::Bins(bins).of_rows(&outputs, &own(k));
        counts.iter_mut().zip(of_one).for_each(|(sum, count)| *sum += count);
    }
    counts
}

/// What is told of counts, in the clear.
fn told(providers: u64, counts: &[u64]) -> Vec<u64> {
    let (zeros, ones) = counts.split_at(counts.len() / 2);
    let (mut below, mut pairs) = (0, 0);
    for (zeros, ones) in zeros.iter().zip(ones) {
        pairs += ones * (2 * below + zeros);
        below += zeros;
    }
    let upper = |class: &[u64]| class[class.len() / 2..].iter().sum();
    vec![providers, below, ones.iter().sum(), pairs, upper(ones), upper(zeros)]
}

fn assert_priced(ran: &Ran, course: &Course, what: &str) {
    let mut m = Meter::new();
    m.enter(1);
    cost(&mut m, course);
    let quoted = m.total();
    let price = (quoted.bytes, quoted.messages, quoted.rounds);
    assert_eq!((ran.counters.bytes, ran.counters.messages, ran.counters.rounds), price, "{what}");
    assert_eq!(ran.opened[0], m.openings(), "{what}");
}

#[test]
fn what_is_told_is_exact_and_changes_no_model() {
    let narrow = {
        let bounds = Bounds { total_weight: 300, coordinate: 8.0 };
        Encoding::narrow(bounds, (80, CAST.len())).unwrap()
    };
    let wide = course(&CAST, 1, Rule::Average { rate: 1.0 }).encoding;
    let cases = [
        (Rule::Average { rate: 1.0 }, wide),
        (Rule::Average { rate: 1.0 }, narrow),
        (Rule::Yogi(Adaptive::default()), wide),
        (Rule::Scaffold { rate: 1.0 }, wide),
        (Rule::Nova { rate: 0.9, unit: 1.0 / 1024.0 }, wide),
    ];
    for (rule, encoding) in cases {
        let plain = Course { encoding, ..course(&CAST, 3, rule) };
        let counted = Course { tally: counting(20, 8), ..plain.clone() };
        let from = State::new(vec![0.1; plain.parameters], rule);
        let trainers = |k| Box::new(by_rule(&plain, SEED, k)) as Box<dyn Trainer>;
        let without = run_over(SEED, in_memory(5), &plain, &from, &trainers);
        let ran = run_over(SEED, in_memory(5), &counted, &from, &trainers);
        let Trained { state, reports, .. } = ran.trained(SEED);
        assert!(*state == without.trained(SEED).state, "{rule:?}");
        assert!(without.trained(SEED).reports.iter().all(|report| report.told.is_empty()));
        let first = counts(0..4, &from.model, 20);
        assert_eq!(reports[0].told, told(4, &first), "{rule:?}");
        let area = |report: &RoundReport| {
            let [_, zeros, ones, pairs, ..] = report.told[..] else { panic!("six words") };
            Ranking::of_totals((zeros, ones), pairs, None).area.unwrap()
        };
        assert_eq!(area(&reports[0]), Ranking::of(&first).area.unwrap());
        assert!(area(&reports[2]) > area(&reports[0]), "{rule:?}: it learns");
        assert_priced(&ran, &counted, &format!("{rule:?}"));
    }
}

#[test]
fn totals_are_opened_with_counts_beside_them() {
    let plain = newton(&CAST, 3);
    let counted = Course { tally: counting(2, 10), ..plain.clone() };
    let without = run_over(SEED, in_memory(5), &plain, &start(&plain), &adding(SEED));
    let ran = run_over(SEED, in_memory(5), &counted, &start(&counted), &adding(SEED));
    assert!(ran.trained(SEED).state == without.trained(SEED).state);
    for report in &ran.trained(SEED).reports[1..] {
        let [4, zeros, ones, _, hits, alarms] = report.told[..] else { panic!("{report:?}") };
        assert_eq!(zeros + ones, report.trailer.weight);
        assert_eq!(hits + zeros - alarms, report.trailer.correct);
    }
    assert_priced(&ran, &counted, "newton");
}

#[test]
fn nothing_is_told_of_few_rows() {
    let first = counts(0..4, &[0.1; FEATURES + 1], 20);
    let [_, zeros, ones, _, hits, alarms] = told(4, &first)[..] else { unreachable!() };
    let called = [hits, ones - hits, alarms, zeros - alarms].into_iter().min().unwrap();
    assert!(called != zeros.min(ones), "the cases below are apart");
    let mut edges = vec![1, called, called + 1, zeros.min(ones), zeros.min(ones) + 1];
    edges.push(zeros + ones);
    for least in edges {
        let course =
            Course { tally: counting(20, least), ..course(&CAST, 1, Rule::Average { rate: 1.0 }) };
        let from = State::new(vec![0.1; FEATURES + 1], course.rule);
        let ran = run_over(SEED, in_memory(5), &course, &from, &natives(SEED));
        let mut expected = told(4, &first);
        if zeros.min(ones) < least {
            expected[1..].fill(UNTOLD);
        } else if called < least {
            expected[4..].fill(UNTOLD);
        }
        assert_eq!(ran.trained(SEED).reports[0].told, expected, "{least}");
        // Whatever is told, as much is opened.
        assert_priced(&ran, &course, &format!("{least}"));
    }
}

/// A trainer that cannot count in some rounds, or says garbage, or is not there.
struct Silent {
    own: Native,
    uncounted: Vec<u32>,
}

impl Trainer for Silent {
    fn train(&mut self, round: u32, model: &[f32]) -> Result<Update, TrainError> {
        if round == 3 {
            return Err(TrainError::Outside("away".into()));
        }
        self.own.train(round, model)
    }

    fn tally(&mut self, round: u32, model: &[f32], tally: &Tally) -> Result<Vec<u64>, TrainError> {
        let mut counts = self.own.tally(round, model, tally)?;
        match round {
            1 => return Err(TrainError::Outside("it cannot".into())),
            2 => counts.push(1),
            4 => counts[0] = 1 << 60,
            _ => {}
        }
        Ok(counts)
    }

    fn uncounted(&mut self, round: u32, _: &TrainError) {
        self.uncounted.push(round);
    }
}

impl Drop for Silent {
    fn drop(&mut self) {
        assert!(std::thread::panicking() || self.uncounted == [1, 2, 4], "it hears why");
    }
}

#[test]
fn what_not_all_providers_have_counted_is_not_told() {
    for one in [0, 2] {
        let plain = course(&CAST, 6, Rule::Average { rate: 1.0 });
        let course = Course { tally: counting(20, 10), ..plain.clone() };
        let trainers = |k: usize| -> Box<dyn Trainer> {
            let own = native(SEED, k);
            if k == one { Box::new(Silent { own, uncounted: Vec::new() }) } else { Box::new(own) }
        };
        let from = State::new(vec![0.1; FEATURES + 1], course.rule);
        let ran = run_over(SEED, in_memory(5), &course, &from, &trainers);
        let reports = &ran.trained(SEED).reports;
        let counted: Vec<u64> = reports.iter().map(|report| report.told[0]).collect();
        assert_eq!(counted, [4, 3, 3, 3, 3, 4], "provider {one}");
        for report in reports {
            let untold = report.told[1..].iter().all(|word| *word == UNTOLD);
            assert_eq!(untold, report.told[0] < 4, "provider {one}: {report:?}");
        }
        assert_eq!(reports[3].providers.len(), 3);
        assert_eq!(reports[4].providers.len(), 4, "its update counts all the same");
    }
}

/// A trainer that holds rows back: they are counted, and not trained on.
struct HoldsBack(Native);

impl Trainer for HoldsBack {
    fn train(&mut self, round: u32, model: &[f32]) -> Result<Update, TrainError> {
        let update = self.0.train(round, model)?;
        let weight = update.weight / 4;
        Ok(Update { weight, correct: update.correct.min(weight), ..update })
    }

    fn tally(&mut self, round: u32, model: &[f32], tally: &Tally) -> Result<Vec<u64>, TrainError> {
        self.0.tally(round, model, tally)
    }
}

#[test]
fn rows_that_are_not_trained_on_are_counted() {
    let course = Course { tally: counting(20, 8), ..course(&CAST, 1, Rule::Average { rate: 1.0 }) };
    let trainers = |k: usize| Box::new(HoldsBack(native(SEED, k))) as Box<dyn Trainer>;
    let from = State::new(vec![0.1; FEATURES + 1], course.rule);
    let ran = run_over(SEED, in_memory(5), &course, &from, &trainers);
    let report = &ran.trained(SEED).reports[0];
    assert_eq!(report.told, told(4, &counts(0..4, &from.model, 20)));
    assert!(report.told[1] + report.told[2] > report.trailer.weight);
}

/// A provider that shares counts that cannot be.
struct Boaster(Native);

impl Trainer for Boaster {
    fn train(&mut self, round: u32, model: &[f32]) -> Result<Update, TrainError> {
        self.0.train(round, model)
    }

    fn tally(&mut self, _: u32, _: &[f32], tally: &Tally) -> Result<Vec<u64>, TrainError> {
        // More rows than it has, and no more than all may have.
        Ok(vec![1638; tally.len()])
    }
}

#[test]
fn counts_of_more_rows_than_there_are_are_not_told() {
    let course =
        Course { tally: counting(20, 10), ..course(&CAST, 2, Rule::Average { rate: 1.0 }) };
    let trainers = |k: usize| -> Box<dyn Trainer> {
        let own = native(SEED, k);
        if k == 1 { Box::new(Boaster(own)) } else { Box::new(own) }
    };
    let ran = run_over(SEED, in_memory(5), &course, &start(&course), &trainers);
    for report in &ran.trained(SEED).reports {
        assert_eq!(report.told, [4, UNTOLD, UNTOLD, UNTOLD, UNTOLD, UNTOLD]);
    }
}

#[test]
fn how_labels_vary_is_told_of_all_of_them() {
    let tally = Tally::Moments(Spread::between(-2.0, 2.0));
    for (least, enough) in [(10, true), (1 << 16, false)] {
        let plain = course(&CAST, 2, Rule::Average { rate: 1.0 });
        let counting = Some(Counting::new(tally, least, 1 << 16).unwrap());
        let course = Course { tally: counting, ..plain };
        let ran = run_over(SEED, in_memory(5), &course, &start(&course), &natives(SEED));
        let mut sums = [0; 2];
        for k in 0..4 {
            let of_one = tally.of_rows(&vec![0.0; own(k).len()], &own(k));
            sums.iter_mut().zip(of_one).for_each(|(sum, x)| *sum += x);
        }
        let expected = if enough { [4, sums[0], sums[1]] } else { [4, UNTOLD, UNTOLD] };
        assert!(ran.trained(SEED).reports.iter().all(|report| report.told == expected));
        assert_priced(&ran, &course, "moments");
    }
}

#[test]
fn what_cannot_be_counted_is_refused() {
    for (bins, least, rows) in [(0, 1, 9), (3, 1, 9), (2, 0, 9), (2, 10, 9), (2, 1, (1 << 31) + 1)]
    {
        assert!(Counting::new(Tally::Bins(bins), least, rows).is_err(), "{bins} {least} {rows}");
    }
    assert!(Counting::new(Tally::Bins(2), 1, 1 << 31).is_ok());
}

#[test]
fn after_a_crash_in_any_phase_the_same_is_told_and_no_more() {
    let course =
        Course { tally: counting(20, 10), ..course(&[0, 3, 4], 3, Rule::Average { rate: 1.0 }) };
    let resumed = Course { resumed: true, ..course.clone() };
    let whole = run_over(1, in_memory(5), &course, &start(&course), &natives(1));
    assert!(whole.trained(1).reports.iter().any(|report| report.told[1] != UNTOLD));
    for (who, call) in [(Role::P0, 1), (Role::P1, 2), (Role::P2, 3), (Role::P0, 4), (Role::P1, 6)] {
        for after in [false, true] {
            let dir = tempfile::tempdir().unwrap();
            let broken = run_until(dir.path(), &course, (who, call, after), &natives(1));
            assert!(broken.parties.iter().any(Result::is_err), "{who:?} {call} {after}");
            let ended = run_until(dir.path(), &resumed, NEVER, &natives(1));
            assert!(ended.trained(1) == whole.trained(1), "{who:?} {call} {after}");
            assert_eq!(ended.opened, whole.opened, "{who:?} {call} {after}");
        }
    }
}
