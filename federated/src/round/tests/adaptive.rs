//! Rounds whose clip follows the updates: how much noise both sums have, where the clip comes to, and that it goes on from there.

use super::{resumed::run_until, *};
use crate::{
    account::Unit,
    noise::{AdaptiveClip, ClipTerms},
    round::{CLIP_WORDS, Privacy, Terms},
};

const TERMS: ClipTerms =
    ClipTerms { quantile: 0.5, rate: 0.5, count_noise_micro: 60_000, largest: 64.0 };

/// Gives an update of this norm every time.
struct Long(f32);

impl Trainer for Long {
    fn train(&mut self, _: u32, model: &[f32]) -> Result<Update, TrainError> {
        let each = self.0 / (model.len() as f32).sqrt();
        Ok(Update { delta: vec![each; model.len()], weight: 50, loss: 7.0, correct: 9 })
    }
}

fn long(norms: &[f32]) -> impl Fn(usize) -> Box<dyn Trainer> + Sync {
    let norms = norms.to_vec();
    move |k| Box::new(Long(norms[k])) as Box<dyn Trainer>
}

fn terms(providers: usize, parameters: usize, adaptive: ClipTerms) -> Terms {
    Terms {
        unit: Unit::Client,
        clip: 0.5,
        adaptive: Some(adaptive),
        multiplier_micro: 100_000,
        job: [6; 32],
        rows: vec![100; providers],
        parameters,
        least: 2,
        colluding: 0,
        rate: 0.5,
    }
}

fn follows(providers: &[u16], (parameters, rounds): (usize, u32), adaptive: ClipTerms) -> Course {
    let terms = terms(providers.len(), parameters, adaptive);
    let (privacy, encoding) = Privacy::new(&terms).unwrap();
    let course = course(providers, rounds, Rule::Average { rate: 1.0 });
    Course { parameters, encoding, privacy: Some(privacy), ..course }
}

fn law(course: &Course) -> &AdaptiveClip {
    course.adaptive().unwrap()
}

/// The clip and the part within it of each round.
fn told(reports: &[RoundReport]) -> Vec<[f64; CLIP_WORDS]> {
    let of = |report: &RoundReport| {
        let words: [u64; CLIP_WORDS] = report.told[..].try_into().unwrap();
        words.map(f64::from_bits)
    };
    reports.iter().map(of).collect()
}

/// What all rounds tell is what the law makes of it, from the start to where the state is.
fn by_the_law(course: &Course, trained: &Trained) {
    let mut clip = law(course).start();
    for [at, part] in told(&trained.reports) {
        assert_eq!(at, f64::from(clip));
        clip = law(course).next(clip, part);
    }
    assert_eq!(trained.state.clip, Some(clip));
}

#[test]
fn a_clip_comes_to_the_median_of_the_updates_and_all_agree() {
    for (cast, norms) in [
        (&[0, 3, 4, 5][..], &[1.0, 2.0, 4.0, 8.0][..]),
        (&[1, 0, 2], &[1.0, 3.0, 9.0]),
        (&[3, 4, 5, 6], &[1.0, 2.0, 4.0, 8.0]),
    ] {
        let course = follows(cast, (3, 40), TERMS);
        let parties = usize::from(*cast.iter().max().unwrap()).max(2) + 1;
        let ran = run_over(1, in_memory(parties), &course, &start(&course), &long(norms));
        let trained = ran.trained(1);
        assert!(ran.guests.iter().all(|ended| *ended == Ok(Vec::new())), "{cast:?}");
        by_the_law(&course, trained);
        let clips = told(&trained.reports);
        assert_eq!(clips[0][0], 0.5, "it begins there");
        let late = clips[30..].iter().map(|[clip, _]| clip).sum::<f64>() / 10.0;
        let [low, high] = if norms.len() == 4 { [1.8, 4.4] } else { [2.2, 4.0] };
        assert!((low..high).contains(&late), "{cast:?}: {late}");
        // Of three norms no half is within any clip: it swings around the middle one.
        assert!(clips.iter().any(|[_, part]| *part < 0.2), "all were beyond it at first");
    }
}

/// Noise goes by the clip of the round, and its multiplier by both releases.
#[test]
fn both_sums_have_the_noise_that_they_are_to_have() {
    let (n, rounds) = (2000, 60);
    // Slow enough to stay where it is, or it would not be said which clip the noise is of.
    let slow = ClipTerms { rate: 1e-6, count_noise_micro: 1_000_000, ..TERMS };
    for clip in [0.5, 8.0] {
        let mut terms = terms(3, n, slow);
        (terms.clip, terms.multiplier_micro) = (clip, 1_500_000);
        let (privacy, encoding) = Privacy::new(&terms).unwrap();
        let plain = course(&[0, 3, 4], rounds, Rule::Average { rate: 1.0 });
        let course = Course { parameters: n, encoding, privacy: Some(privacy), ..plain };
        let norms = [0.1, 20.0, 0.1];
        let ran = run_over(1, in_memory(5), &course, &start(&course), &long(&norms));
        let trained = ran.trained(1);
        // σ_Δ = (1.5^-2 − 2^-2)^-1/2 by each of three, in rounds whose sums are divided by three.
        let sigma = (1.5_f64.powi(-2) - 0.25).powf(-0.5) * clip;
        let expected = f64::from(rounds) * 3.0 * sigma.powi(2) / 9.0;
        let mean = f64::from(rounds) * (0.2 + clip) / 3.0 / (n as f64).sqrt();
        let off = trained.state.model.iter().map(|x| f64::from(*x) - mean);
        let variance = off.map(|x| x * x).sum::<f64>() / n as f64;
        assert!((variance / expected - 1.0).abs() < 5.0 * (2.0 / n as f64).sqrt(), "{variance}");
        // Two of three are within; noise of 2 by each of three on twice the count, over twice three.
        let parts: Vec<f64> = told(&trained.reports).iter().map(|[_, part]| *part).collect();
        let m = parts.len() as f64;
        let expected = 3.0 * 4.0 / 36.0;
        let mean = parts.iter().sum::<f64>() / m;
        let variance = parts.iter().map(|x| (x - 2.0 / 3.0).powi(2)).sum::<f64>() / m;
        assert!((mean - 2.0 / 3.0).abs() < 5.0 * (expected / m).sqrt(), "{mean}");
        assert!((variance / expected - 1.0).abs() < 5.0 * (2.0 / m).sqrt(), "{variance}");
    }
}

#[test]
fn one_number_more_is_opened_at_the_quoted_price() {
    for cast in [&[0, 1, 2][..], &[0, 3, 4], &[3, 4, 5]] {
        let course = follows(cast, (31, 3), TERMS);
        let parties = usize::from(*cast.iter().max().unwrap()).max(2) + 1;
        let ran = run_over(2, in_memory(parties), &course, &start(&course), &long(&[1.0; 3]));
        ran.trained(2);
        for opened in &ran.opened {
            assert!(opened.iter().map(|opening| opening.count).eq([32; 3]), "{opened:?}");
        }
        let mut m = Meter::new();
        m.enter(1);
        cost(&mut m, &course);
        let (counted, quoted) = (ran.counters, m.total());
        assert_eq!((counted.bytes, counted.messages), (quoted.bytes, quoted.messages), "{cast:?}");
        assert_eq!(counted.rounds, quoted.rounds, "{cast:?}");
    }
}

/// Who has nothing to give counts as neither within nor beyond.
#[test]
fn who_cannot_train_does_not_move_the_clip() {
    let n = 5;
    let course = follows(&[0, 3, 4], (n, 1), TERMS);
    let trainers = |k: usize| {
        let long = match k {
            0 => f32::NAN,
            1 => 0.1,
            _ => 100.0,
        };
        Box::new(Long(long)) as Box<dyn Trainer>
    };
    let ran = run_over(8, in_memory(5), &course, &start(&course), &trainers);
    let trained = ran.trained(8);
    assert_eq!(trained.reports[0].providers, [0, 1, 2], "zeros came in its place");
    let [_, part] = told(&trained.reports)[0];
    assert!((part - 0.5).abs() < 0.1, "{part}");
}

/// A clip beyond the job's is no clip: whoever is handed one sends zeros.
#[test]
fn a_clip_that_the_job_does_not_allow_is_not_clipped_to() {
    let course = follows(&[0, 3, 4], (2, 1), TERMS);
    for clip in [f32::NAN, f32::INFINITY, 65.0, 0.0] {
        let privacy = course.privacy.as_ref().unwrap();
        let own = (0, &mut Long(1.0) as &mut dyn Trainer);
        let mut rng = Prg::new(&[4; 16]);
        let (shares, why) = privacy.give(&course, own, (0, &[0.0, 0.0, clip]), &mut rng);
        assert!(matches!(why, Some(TrainError::Unfit(_))) && shares.is_some(), "{clip}");
    }
}

#[test]
fn noise_follows_the_clip_and_room_is_for_the_largest() {
    let course = follows(&[0, 3, 4], (100, 1), TERMS);
    let privacy = course.privacy.as_ref().unwrap();
    let scale = f64::from(course.encoding.bits()).exp2();
    let each = law(&course).multiplier_micro() as f64 / 1e6;
    let [smallest, largest] = law(&course).ends();
    for clip in [smallest, 0.5, 3.0, largest] {
        let units = f64::from(clip) * (1.0 + (-20.0_f64).exp2()) * scale + 5.0;
        let sigma = privacy.noise_at(clip).sigma() as f64;
        assert!((sigma - each * units).abs() < 2.0 + 1e-6 * sigma, "{clip}: {sigma}");
    }
    assert!(course.encoding.bounds().coordinate >= largest);
    let refused = |change: &dyn Fn(&mut Terms)| {
        let mut terms = terms(3, 10, TERMS);
        change(&mut terms);
        Privacy::new(&terms).is_err()
    };
    let largest = |largest| {
        move |of: &mut Terms| {
            of.clip = 1e5;
            of.adaptive = Some(ClipTerms { largest, ..TERMS });
        }
    };
    assert!(!refused(&largest(1e6)));
    assert!(refused(&largest(4e9)), "a clip could come to where sums overflow");
    assert!(refused(&|of| of.unit = Unit::Record), "rows are not counted");
    assert!(refused(&|of| of.multiplier_micro = 120_000), "nothing is left for the update");
    assert!(refused(&|of| of.adaptive = Some(ClipTerms { quantile: 1.0, ..TERMS })));
}

/// Wherever a party is killed: the clip goes on from where it was, and a round that all have closed gives the same to the bit.
#[test]
fn a_killed_party_goes_on_with_the_clip_that_it_had() {
    let rounds = 4;
    let course = follows(&[0, 3, 4], (6, rounds), TERMS);
    let resumed = Course { resumed: true, ..course.clone() };
    let trainers = long(&[1.0, 2.0, 4.0]);
    for who in Role::ALL {
        for call in 1..=2 * rounds as usize {
            let dir = tempfile::tempdir().unwrap();
            drop(run_until(dir.path(), &course, (who, call, call % 2 == 0), &trainers));
            let standing = |role: Role| {
                let path = dir.path().join(role.index().to_string());
                let folder = Folder::open(&path, [3; 32]).unwrap();
                let standing = folder.standing(&resumed, start(&resumed)).unwrap();
                (standing, Box::new(folder) as Box<dyn Keeper>)
            };
            // Who got furthest has opened what the others open again.
            let all = Role::ALL.map(|role| standing(role).0);
            let furthest = all.iter().max_by_key(|standing| standing.state.rounds).unwrap();
            let plays = |wire: &mut Wire, own: usize, rng: &mut Prg| {
                take_part(wire, &resumed, own, &mut *trainers(own), rng)
            };
            let ran = run_kept(77, in_memory(5), (&resumed, &standing), &trainers, &plays);
            let trained = ran.trained(77);
            by_the_law(&resumed, trained);
            let done = furthest.reports.len();
            assert_eq!(trained.reports[..done], furthest.reports[..], "{who:?} {call}");
            assert_eq!(furthest.state.clip.is_some(), done > 0, "{who:?} {call}");
            if done == rounds as usize {
                assert!(trained.state == furthest.state, "{who:?} {call}: to the bit");
            }
        }
    }
}
