//! Rounds with noise: how much there is, that it is another one over other updates, and that nothing else is opened.

use super::{resumed::run_until, *};
use crate::{
    account::Unit,
    average::Trailer,
    model::{FitError, clipped_sum},
    round::{Privacy, Terms},
};

/// Gives the same every time.
struct Fixed(Result<Vec<f32>, TrainError>);

impl Trainer for Fixed {
    fn train(&mut self, _: u32, _: &[f32]) -> Result<Update, TrainError> {
        let delta = self.0.clone()?;
        Ok(Update { delta, weight: 50, loss: 7.0, correct: 9 })
    }
}

fn fixed(values: &[f32], n: usize) -> impl Fn(usize) -> Box<dyn Trainer> + Sync {
    let values = values.to_vec();
    move |k| Box::new(Fixed(Ok(vec![values[k]; n]))) as Box<dyn Trainer>
}

fn terms(unit: Unit, parameters: usize, rows: &[u64]) -> Terms {
    Terms {
        unit,
        clip: 2.0,
        adaptive: None,
        multiplier_micro: 1_500_000,
        job: [6; 32],
        rows: rows.to_vec(),
        parameters,
        least: 2,
        colluding: 1,
        rate: 0.5,
    }
}

/// A training of a model of this many parameters.
fn private(providers: &[u16], (unit, parameters): (Unit, usize)) -> Course {
    let rows = vec![100; providers.len()];
    let (privacy, encoding) = Privacy::new(&terms(unit, parameters, &rows)).unwrap();
    let course = course(providers, 1, Rule::Average { rate: 1.0 });
    Course { parameters, encoding, privacy: Some(privacy), ..course }
}

/// Mean and variance.
fn moments(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    (mean, values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n)
}

#[test]
fn updates_are_clipped_and_all_three_parties_add_their_noise() {
    let n = 10_000;
    let course = private(&[0, 3, 4, 5], (Unit::Client, n));
    // The first and the last are longer than 2 and are brought to 0.02 in each coordinate.
    let trainers = fixed(&[3.0, 0.01, -0.01, 1e9], n);
    let ran = run_over(1, in_memory(6), &course, &start(&course), &trainers);
    let trained = ran.trained(1);
    let model: Vec<f64> = trained.state.model.iter().map(|x| f64::from(*x)).collect();
    let (mean, variance) = moments(&model);
    // Each party's noise is 1.5 · 2, in a sum that is divided by four.
    let expected = 3.0 * 3.0_f64.powi(2) / 16.0;
    assert!((variance / expected - 1.0).abs() < 5.0 * (2.0 / n as f64).sqrt(), "{variance}");
    assert!((mean - 0.01).abs() < 5.0 * (expected / n as f64).sqrt(), "{mean}");
}

#[test]
fn rows_are_clipped_and_every_provider_adds_its_part() {
    let parameters = FEATURES + 1;
    let course = private(&[3, 4, 5], (Unit::Record, parameters));
    let Course { privacy: Some(privacy), encoding, .. } = &course else { panic!("with noise") };
    let network = Network::logistic(FEATURES).unwrap();
    let scale = f64::from(encoding.bits()).exp2();
    // All of them but one may be in league: each adds all of the noise.
    assert!((privacy.noise().sigma() as f64 / scale - 3.0).abs() < 1e-3);
    let mut exact = vec![0_u64; parameters];
    for k in 0..3 {
        let rows = rows(0, k, 40 + 7 * k);
        let sum = clipped_sum(&network, &vec![0.0; parameters], &rows, 2.0, scale);
        exact.iter_mut().zip(sum).for_each(|(a, b)| *a = a.wrapping_add(b));
    }
    let mut off = Vec::new();
    for seed in 0..60 {
        // Rows are the same each time, what providers draw is not.
        let plays = |wire: &mut Wire, own: usize, _: &mut Prg| {
            let key = [u8::try_from(seed).unwrap(), u8::try_from(own).unwrap()].repeat(8);
            let mut rng = Prg::new(key.first_chunk().unwrap());
            take_part(wire, &course, own, &mut native(0, own), &mut rng)
        };
        let from = start(&course);
        let ran = run_with(seed, in_memory(6), (&course, &from), &natives(0), &plays);
        for (x, exact) in ran.trained(seed).state.model.iter().zip(&exact) {
            // Minus the rate, over the bounds of all three.
            let sum = f64::from(*x) * 300.0 / -0.5;
            off.push(sum - exact.cast_signed() as f64 / scale);
        }
    }
    let (mean, variance) = moments(&off);
    let (n, expected) = (off.len() as f64, 3.0 * 3.0_f64.powi(2));
    assert!((variance / expected - 1.0).abs() < 5.0 * (2.0 / n).sqrt(), "{variance}");
    assert!(mean.abs() < 5.0 * (expected / n).sqrt(), "{mean}");
}

#[test]
fn the_same_parties_add_other_noise_to_a_sum_of_others() {
    // Updates of zeros, so that the models are the noise, divided by how many there were.
    let n = 200;
    let course = private(&[0, 3, 4], (Unit::Client, n));
    let noise = |spent: Option<usize>| {
        let trainers = |k: usize| {
            let why = || TrainError::Spent("the budget is spent".to_owned());
            Box::new(Fixed(if spent == Some(k) { Err(why()) } else { Ok(vec![0.0; n]) }))
                as Box<dyn Trainer>
        };
        let ran = run_over(4, in_memory(5), &course, &start(&course), &trainers);
        let trained = ran.trained(4);
        let in_it = &trained.reports[0].providers;
        assert_eq!(in_it.len(), if spent.is_some() { 2 } else { 3 });
        let whole: Vec<f32> = trained.state.model.iter().map(|x| x * in_it.len() as f32).collect();
        whole
    };
    let all = noise(None);
    assert!(all == noise(None), "what is drawn follows from secrets, which are the same here");
    for left_out in [1, 2] {
        let fewer = noise(Some(left_out));
        let alike = all.iter().zip(&fewer).filter(|(a, b)| (*a - *b).abs() < 1e-3).count();
        assert!(alike < 5, "{alike} of {n} stayed without provider {left_out}");
    }
}

#[test]
fn nothing_but_the_sum_is_opened_at_the_quoted_price() {
    for (unit, parameters) in [(Unit::Client, 31), (Unit::Record, FEATURES + 1)] {
        let mut course = private(&[1, 3, 4], (unit, parameters));
        course.rounds = 2;
        let values = fixed(&[1.0, 2.0, 3.0], parameters);
        let natives = natives(2);
        let trainers: Maker<'_> = if unit == Unit::Client { &values } else { &natives };
        let ran = run_over(2, in_memory(5), &course, &start(&course), trainers);
        assert!(ran.trained(2).reports.iter().all(|r| r.trailer == Trailer::default()));
        for opened in &ran.opened {
            assert!(
                opened.iter().map(|opening| opening.count).eq([parameters as u64; 2]),
                "{opened:?}"
            );
        }
        let mut m = Meter::new();
        m.enter(1);
        cost(&mut m, &course);
        let (counted, quoted) = (ran.counters, m.total());
        assert_eq!((counted.bytes, counted.messages), (quoted.bytes, quoted.messages), "{unit:?}");
        assert_eq!(counted.rounds, quoted.rounds, "{unit:?}");
    }
}

#[test]
fn who_cannot_train_does_not_show_it() {
    let n = 5;
    let course = private(&[0, 3, 4, 5], (Unit::Client, n));
    let trainers = |k: usize| {
        Box::new(Fixed(match k {
            0 => Err(TrainError::Fit(FitError::Empty)),
            1 => Ok(vec![f32::NAN; n]),
            2 => Ok(vec![0.0; n + 1]),
            _ => Ok(vec![0.0; n]),
        })) as Box<dyn Trainer>
    };
    let ran = run_over(8, in_memory(6), &course, &start(&course), &trainers);
    assert_eq!(ran.trained(8).reports[0].providers, [0, 1, 2, 3], "zeros came in their place");
    let told = |at: usize| ran.guests[at].as_ref().unwrap().len();
    assert_eq!([told(0), told(1), told(2)], [1, 1, 0], "and their own operators are told");
    // Who has only updates has no gradients of rows.
    let course = private(&[0, 3, 4, 5], (Unit::Record, n));
    let ran = run_over(8, in_memory(6), &course, &start(&course), &fixed(&[0.0; 4], n));
    assert_eq!(ran.trained(8).reports[0].providers.len(), 4);
    assert!(ran.guests.iter().all(|told| told.as_ref().unwrap().len() == 1));
}

#[test]
fn what_would_overflow_is_refused_beforehand() {
    let privacy = |change: &dyn Fn(&mut Terms)| {
        let mut terms = terms(Unit::Record, 10, &[1000, 1000, 1000]);
        change(&mut terms);
        Privacy::new(&terms)
    };
    let (_, encoding) = privacy(&|_| ()).unwrap();
    let fits = (encoding.bounds().total_weight as f64) * 2.0 * f64::from(encoding.bits()).exp2();
    assert!(fits < 2.0_f64.powi(63) && encoding.bounds().total_weight > 3000 + 12);
    assert!(privacy(&|terms| terms.clip = 1e10).is_err());
    assert!(privacy(&|terms| terms.rows = vec![1 << 39; 3]).is_err());
    assert!(privacy(&|terms| terms.rows[1] = u64::MAX).is_err());
    assert!(privacy(&|terms| terms.multiplier_micro = u64::MAX).is_err());
    assert!(privacy(&|terms| terms.colluding = 2).is_err(), "nobody would be left");
    assert!(privacy(&|terms| terms.clip = 0.0).is_err());
}

/// A round that all have closed has its noise: whoever opens it again, under whatever secrets and masks, opens the same.
#[test]
fn a_round_that_was_closed_is_opened_under_the_noise_that_it_had() {
    let n = 30;
    for (unit, parameters) in [(Unit::Client, n), (Unit::Record, FEATURES + 1)] {
        let course = private(&[0, 3, 4], (unit, parameters));
        let values = fixed(&[0.1, 0.2, 0.3], parameters);
        let natives = natives(2);
        let trainers: Maker<'_> = if unit == Unit::Client { &values } else { &natives };
        let dir = tempfile::tempdir().unwrap();
        // One party is killed before it keeps the model that the two others have by then.
        drop(run_until(dir.path(), &course, (Role::P1, 2, false), trainers));
        let resumed = Course { resumed: true, ..course };
        let standing = |role: Role| {
            let path = dir.path().join(role.index().to_string());
            let folder = Folder::open(&path, [3; 32]).unwrap();
            let standing = folder.standing(&resumed, start(&resumed)).unwrap();
            (standing, Box::new(folder) as Box<dyn Keeper>)
        };
        let [first, second, third] = Role::ALL.map(|role| standing(role).0.state);
        assert_eq!([first.rounds, second.rounds, third.rounds], [1, 0, 1], "{unit:?}");
        // Other keys among the parties than before.
        let plays = |wire: &mut Wire, own: usize, rng: &mut Prg| {
            take_part(wire, &resumed, own, &mut *trainers(own), rng)
        };
        let ran = run_kept(77, in_memory(5), (&resumed, &standing), trainers, &plays);
        assert!(ran.trained(77).state == first && first == third, "{unit:?}");
        assert!(first.model.iter().all(|x| *x != 0.0), "{unit:?}: it has noise");
    }
}
