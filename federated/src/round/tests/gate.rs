//! Rounds whose updates pass gates first: who sends what nobody would send who keeps to the rules is not in the average.

use super::*;
use crate::{
    average::{Seeds, Share, TRAILER_WORDS, Trailer, explicit_party, split},
    gate::{Gates, Krum, Projections, Terms},
    round::{message::OVER, parcel::send},
};

const CLIP: f64 = 4.0;

pub(super) fn gated(providers: &[u16], rounds: u32, krum: Option<Krum>, bits: u32) -> Course {
    let plain = course(providers, rounds, Rule::Average { rate: 1.0 });
    let terms = Terms {
        encoding: plain.encoding.at_most(bits),
        parameters: plain.parameters,
        clip: CLIP,
        most_weight: 1 << 10,
        most_loss: 100.0,
        projections: Projections::Few,
        krum,
        private: false,
        least: plain.pace.least,
    };
    let gates = Gates::finest(terms).unwrap();
    Course { encoding: gates.terms().encoding, gates: Some(gates), ..plain }
}

fn ends(course: &Course) -> usize {
    let last = course.providers.iter().map(|id| usize::from(id.0)).max().unwrap();
    last.max(2) + 1
}

fn quoted(course: &Course) -> Counters {
    let mut m = Meter::new();
    m.enter(1);
    cost(&mut m, course);
    m.total()
}

fn assert_price(ran: &Ran, course: &Course, what: &str) {
    let (measured, quoted) = (&ran.counters, quoted(course));
    assert_eq!(measured.bytes, quoted.bytes, "{what}");
    assert_eq!(measured.messages, quoted.messages, "{what}");
    assert_eq!(measured.rounds, quoted.rounds, "{what}");
}

/// A guest that sends what it likes in each round: the shares that each party is told.
fn sends(
    wire: &mut Wire,
    course: &Course,
    number: usize,
    shares: impl Fn(Role, &[f32]) -> [Share; 3],
) -> Ended {
    loop {
        let mut ask = [0_u64; 5];
        for role in Role::ALL {
            wire.recv(role.id(), &mut ask)?;
        }
        if ask[0] == OVER {
            return Ok(Vec::new());
        }
        let round = u32::try_from(ask[0]).unwrap_or(u32::MAX);
        let server = course.server(number, round).id();
        let model = wire.recv_words::<u32>(server, course.parameters)?;
        let model: Vec<f32> = model.iter().map(|bits| f32::from_bits(*bits)).collect();
        for role in Role::ALL {
            let told = shares(role, &model);
            send(|words| wire.send(role.id(), words), course.parts(role), Some(&told))?;
        }
    }
}

/// Shares of any words, with a trailer that is in order.
fn any(number: usize, words: &[u64], weight: u64) -> [Share; 3] {
    let trailer = Trailer { weight, updates: 1, ..Trailer::default() };
    let words = words.iter().copied().chain(trailer.words()).collect();
    let seeds = Seeds::draw(&mut Prg::new(&[u8::try_from(number).unwrap(); 16]));
    split(words, seeds, explicit_party(number))
}

/// Guest `bad` sends what it likes, all others train.
fn with_one(
    seed: u64,
    course: &Course,
    bad: usize,
    shares: &(dyn Fn(Role, &[f32]) -> [Share; 3] + Sync),
) -> Ran {
    let plays = |wire: &mut Wire, own: usize, rng: &mut Prg| {
        if own == bad {
            sends(wire, course, own, shares)
        } else {
            take_part(wire, course, own, &mut native(seed, own), rng)
        }
    };
    let from = start(course);
    run_with(seed, in_memory(ends(course)), (course, &from), &natives(seed), &plays)
}

/// The training went on without provider `bad`, and says so.
fn assert_without(ran: &Ran, seed: u64, course: &Course, bad: usize) {
    let others: Vec<usize> = (0..course.providers.len()).filter(|k| *k != bad).collect();
    let trained = ran.trained(seed);
    for report in &trained.reports {
        assert_eq!((&report.providers, &report.refused), (&others, &vec![bad]), "seed {seed}");
    }
    let rounds = vec![others; course.rounds as usize];
    assert!(trained.state == in_one_place(seed, course, &rounds), "seed {seed}: bit for bit");
}

#[test]
fn who_keeps_to_the_bound_is_in_whatever_its_seat() {
    for (seed, cast) in (0..).zip(CASTS) {
        let course = gated(cast, 2, None, 40);
        let ran =
            run_over(seed, in_memory(ends(&course)), &course, &start(&course), &natives(seed));
        let all: Vec<usize> = (0..cast.len()).collect();
        let trained = ran.trained(seed);
        assert!(trained.state == in_one_place(seed, &course, &vec![all.clone(); 2]), "{cast:?}");
        for report in &trained.reports {
            assert!(report.providers == all && report.refused.is_empty(), "{cast:?}");
        }
        assert_price(&ran, &course, &format!("seed {seed}, providers {cast:?}"));
    }
}

#[test]
fn an_update_a_thousand_times_too_large_is_not_in_the_average() {
    for (seed, cast) in (20..).zip([&[0, 1, 3, 4][..], &[3, 4, 5, 6]]) {
        let course = gated(cast, 2, None, 40);
        let bad = cast.len() - 1;
        let huge = |_: Role, model: &[f32]| {
            let update = native(seed, bad).train(0, model).unwrap();
            let mut words = vec![0; course.parameters];
            let delta: Vec<f32> =
                update.delta.iter().map(|x| (x * 1000.0).clamp(-8.0, 8.0)).collect();
            course.encoding.encode(&delta, update.weight, &mut words).unwrap();
            any(bad, &words, update.weight)
        };
        let ran = with_one(seed, &course, bad, &huge);
        assert_without(&ran, seed, &course, bad);
        // What is refused looks from outside like what is taken.
        assert_price(&ran, &course, &format!("seed {seed}"));
    }
}

#[test]
fn words_that_wrap_and_trailers_that_lie_are_not_in_the_average() {
    let course = gated(&[3, 0, 4], 1, None, 40);
    let (n, half) = (course.parameters, 1_u64 << 63);
    let front = |words: &[u64]| {
        let mut all = vec![0; n];
        all[..words.len()].copy_from_slice(words);
        all
    };
    let corpus = [
        (front(&[half, half]), 1),
        (front(&[half]), 7),
        (vec![half; n], 1),
        (front(&[1 << 62; 4]), 7),
        (vec![1 << 62; n], 1),
        (vec![u64::MAX / 3; n], 1000),
        (front(&[half - 1, half + 1]), 1),
        (front(&[]), 0),
        (front(&[]), 1_u64.wrapping_sub(40)),
        (front(&[]), half),
        (front(&[]), 1 << 11),
    ];
    for (seed, (words, weight)) in (40..).zip(&corpus) {
        let ran = with_one(seed, &course, 2, &|_, _| any(2, words, *weight));
        assert_without(&ran, seed, &course, 2);
    }
}

#[test]
fn who_tells_the_holders_of_a_share_different_things_is_not_in_the_average() {
    let course = gated(&[3, 0, 4], 1, None, 40);
    for (seed, liar) in (60..).zip(Role::ALL.repeat(2)) {
        // One party is told another update, or another trailer; from all shares of either both would be in order.
        let last = course.parameters + if seed < 63 { 0 } else { TRAILER_WORDS - 1 };
        let told = |role: Role, _: &[f32]| {
            let mut shares = any(2, &vec![5; course.parameters], 3);
            if role == liar {
                for share in &mut shares {
                    match share {
                        Share::Plus(seed) => seed[0] ^= 1,
                        Share::Words(words) => words[last] ^= 1,
                        Share::Minus(_) => {}
                    }
                }
            }
            shares
        };
        let ran = with_one(seed, &course, 2, &told);
        assert_without(&ran, seed, &course, 2);
    }
}

#[test]
fn nothing_is_opened_where_too_few_are_taken() {
    let mut course = gated(&[3, 0, 4], 2, None, 40);
    course.pace.least = 3;
    let terms = Terms { least: 3, ..*course.gates.as_ref().unwrap().terms() };
    course.gates = Some(Gates::new(terms).unwrap());
    let channels = faults::shared(faults::over_tls(5, Duration::from_secs(8)));
    let from = start(&course);
    let plays = |wire: &mut Wire, own: usize, rng: &mut Prg| match own {
        2 => sends(wire, &course, own, |_, _| any(2, &vec![1 << 62; course.parameters], 3)),
        _ => take_part(wire, &course, own, &mut native(70, own), rng),
    };
    let ran = run_with(70, channels, (&course, &from), &natives(70), &plays);
    for party in &ran.parties {
        let refused = RoundError::Refused { round: 1, taken: 2, got: 3, least: 3 };
        assert_eq!(*party, Err(refused));
    }
    let averages = ran.opened.iter().flatten().filter(|o| o.kind == OpeningKind::Average).count();
    assert_eq!(averages, 0, "the bits were opened, and nothing else");
    assert!(ran.guests.iter().all(Result::is_err));
}

/// A trainer that turns its updates around: within every bound on norms.
struct Flips(Native, f32);

impl Trainer for Flips {
    fn train(&mut self, round: u32, model: &[f32]) -> Result<Update, TrainError> {
        let mut update = self.0.train(round, model)?;
        update.delta.iter_mut().for_each(|x| *x *= self.1);
        Ok(update)
    }
}

#[test]
fn sign_flippers_are_not_in_the_average_of_multi_krum() {
    // One of them computes, and its own update is none of those taken either.
    let krum = Krum { byzantine: 2, keep: 4 };
    let course = gated(&[3, 0, 4, 5, 1, 6, 7], 2, Some(krum), 40);
    for seed in [80_u64, 81] {
        let trainers = |k: usize| -> Box<dyn Trainer> {
            let scale = if [1, 5].contains(&k) { -5.0 } else { 1.0 };
            Box::new(Flips(native(seed, k), scale))
        };
        let ran = run_over(seed, in_memory(8), &course, &start(&course), &trainers);
        let trained = ran.trained(seed);
        let taken: Vec<Vec<usize>> =
            trained.reports.iter().map(|report| report.providers.clone()).collect();
        for (taken, report) in taken.iter().zip(&trained.reports) {
            assert_eq!((taken.len(), report.refused.len()), (4, 3), "seed {seed}: {taken:?}");
            assert!(!taken.contains(&1) && !taken.contains(&5), "seed {seed}: {taken:?}");
        }
        assert!(trained.state == in_one_place(seed, &course, &taken), "seed {seed}");
        assert_price(&ran, &course, &format!("seed {seed}"));
    }
}

#[test]
fn who_stays_away_is_one_of_those_who_may_deviate() {
    let course = gated(&[3, 0, 4, 5, 1], 1, Some(Krum { byzantine: 1, keep: 4 }), 40);
    let away = |who: &'static [usize]| {
        move |k: usize| -> Box<dyn Trainer> {
            struct Away(Native, bool);
            impl Trainer for Away {
                fn train(&mut self, round: u32, model: &[f32]) -> Result<Update, TrainError> {
                    let update = self.0.train(round, model)?;
                    if self.1 { Err(TrainError::Outside("away".into())) } else { Ok(update) }
                }
            }
            Box::new(Away(native(90, k), who.contains(&k)))
        }
    };
    let one = run_over(90, in_memory(6), &course, &start(&course), &away(&[2]));
    assert_eq!(one.trained(90).reports[0].providers, [0, 1, 3, 4]);
    assert!(one.trained(90).reports[0].refused.is_empty(), "it declined");
    let channels = faults::shared(faults::over_tls(6, Duration::from_secs(8)));
    let two = run_over(90, channels, &course, &start(&course), &away(&[2, 4]));
    let few = RoundError::Few { round: 1, got: 3, asked: 5, least: 4, declined: 2 };
    assert!(two.parties.iter().all(|party| *party == Err(few.clone())));
}

#[test]
fn who_keeps_to_the_rules_clips() {
    let course = gated(&[3, 4, 5], 1, None, 40);
    let trainers = |k: usize| -> Box<dyn Trainer> { Box::new(Flips(native(95, k), 500.0)) };
    let ran = run_over(95, in_memory(6), &course, &start(&course), &trainers);
    let report = &ran.trained(95).reports[0];
    assert_eq!((report.providers.len(), report.refused.len()), (3, 0));
    let weight = report.trailer.weight as f64;
    let norm = (report.trailer.squared_norm / weight).sqrt();
    assert!((norm - CLIP).abs() < 1e-3, "all are at the bound: {norm}");
}
