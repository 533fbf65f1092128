//! Models that are solved for from totals, over links against all rows in one place.

use super::*;
use crate::sums::{Exact, Method, Newton, Ridge, SumsError};

const PROVIDERS: u32 = 5;

/// Rows whose labels follow a line, or a chance that does.
fn noisy(seed: u64, k: usize, n: usize, method: Method) -> Rows {
    let clear = rows(seed, k, n);
    let mut rng = Prg::new(&[40 + u8::try_from(k).unwrap(); 16]);
    let unit = |word: &u64| (word >> 40) as f32 / 8_388_608.0 - 1.0;
    let noise: Vec<f32> = rng.elements::<Z64>(n).iter().map(unit).collect();
    let label = |at: usize| {
        let row = clear.row(at);
        let y = 0.3 + row[0] - 0.5 * row[3] + 2.0 * noise[at];
        if method == Method::Newton { f32::from(y > 0.0) } else { 1000.0 * y }
    };
    let values = (0..n).flat_map(|at| clear.row(at).to_vec()).collect();
    Rows::new(FEATURES, values, (0..n).map(label).collect()).unwrap()
}

fn network(method: Method) -> Network {
    match method {
        Method::Ridge => Network::linear(FEATURES).unwrap(),
        Method::Newton => Network::logistic(FEATURES).unwrap(),
    }
}

fn exact(method: Method) -> Exact {
    Exact::new(method, 0.25, (PROVIDERS, 100)).unwrap().with_unit(4000.0)
}

fn solved(cast: &[u16], rounds: u32, method: Method) -> Course {
    course(cast, rounds, Rule::Exact(exact(method)))
}

fn of(seed: u64, method: Method) -> impl Fn(usize) -> Box<dyn Trainer> + Sync {
    move |k| {
        let rows = noisy(seed, k, 60 + 7 * k, method);
        Box::new(Native::new(network(method), rows, Fit::default(), [1; 32]))
    }
}

/// A training by Newton's method, for tests of what interrupts one.
pub(super) fn newton(cast: &[u16], rounds: u32) -> Course {
    solved(cast, rounds, Method::Newton)
}

/// Its trainers.
pub(super) fn adding(seed: u64) -> impl Fn(usize) -> Box<dyn Trainer> + Sync {
    of(seed, Method::Newton)
}

fn all_rows(seed: u64, providers: usize, method: Method) -> Rows {
    let each: Vec<Rows> = (0..providers).map(|k| noisy(seed, k, 60 + 7 * k, method)).collect();
    let rows = || each.iter().flat_map(|rows| (0..rows.len()).map(move |at| (rows, at)));
    let values = rows().flat_map(|(rows, at)| rows.row(at).to_vec()).collect();
    Rows::new(FEATURES, values, rows().map(|(rows, at)| rows.label(at)).collect()).unwrap()
}

/// The same sums added up in one place.
fn centrally(seed: u64, providers: usize, rounds: u32, method: Method) -> Vec<f32> {
    let (exact, mut model) = (exact(method), vec![0.0; FEATURES + 1]);
    for _ in 0..rounds {
        let (mut total, mut rows) = (vec![0_u64; exact.sums(model.len())], 0);
        for k in 0..providers {
            let own = noisy(seed, k, 60 + 7 * k, method);
            let words = exact.of_rows(&model, &own).unwrap();
            total.iter_mut().zip(words).for_each(|(sum, word)| *sum = sum.wrapping_add(word));
            rows += own.len() as u64;
        }
        exact.solve(&mut model, &total, rows).unwrap();
    }
    model
}

#[test]
fn totals_over_links_give_the_model_of_one_place_at_the_quoted_price() {
    for (seed, cast) in (0..).zip(CASTS) {
        for (method, rounds) in [(Method::Ridge, 1), (Method::Newton, 6)] {
            let course = solved(cast, rounds, method);
            let parties = usize::from(*cast.iter().max().unwrap()).max(2) + 1;
            let ran =
                run_over(seed, in_memory(parties), &course, &start(&course), &of(seed, method));
            let trained = ran.trained(seed);
            let central = centrally(seed, cast.len(), rounds, method);
            assert!(trained.state.model == central, "seed {seed}, {cast:?}, {method:?}");
            let mut m = Meter::new();
            m.enter(1);
            cost(&mut m, &course);
            let quoted = m.total();
            let took = (ran.counters.bytes, ran.counters.messages, ran.counters.rounds);
            assert_eq!(took, (quoted.bytes, quoted.messages, quoted.rounds), "{cast:?} {method:?}");
            assert_eq!(ran.opened[0], m.openings(), "seed {seed}, {cast:?}, {method:?}");
        }
    }
}

#[test]
fn the_model_is_that_of_all_rows() {
    let cast = CASTS[4];
    let all = all_rows(1, cast.len(), Method::Newton);
    let mut newton = Newton::new(FEATURES, 0.25);
    while newton.step(&newton.of_rows(&all)).unwrap() > 1e-12 {}
    let course = solved(cast, 6, Method::Newton);
    let ran = run_over(1, in_memory(7), &course, &start(&course), &of(1, Method::Newton));
    let Trained { state, reports, .. } = ran.trained(1);
    for (got, want) in state.model.iter().zip(newton.coefficients()) {
        assert!((f64::from(*got) - want).abs() < 1e-6, "{got} {want}");
    }
    let trailer = &reports[5].trailer;
    let mean = trailer.loss / trailer.weight as f64;
    assert!((mean - newton.loss()).abs() < 1e-6, "{mean} {}", newton.loss());
    assert!(trailer.correct * 2 > trailer.weight);

    let all = all_rows(1, cast.len(), Method::Ridge);
    let ridge = Ridge::new(FEATURES, 0.25);
    let (coefficients, error) = ridge.solve(&ridge.of_rows(&all)).unwrap();
    let course = solved(cast, 1, Method::Ridge);
    let ran = run_over(1, in_memory(7), &course, &start(&course), &of(1, Method::Ridge));
    let Trained { state, reports, .. } = ran.trained(1);
    for (got, want) in state.model.iter().zip(&coefficients) {
        // Coefficients are about a thousand, and single precision.
        assert!((f64::from(*got) - want).abs() < 1e-6 * 1000.0, "{got} {want}");
    }
    let trailer = &reports[0].trailer;
    assert!((2.0 * trailer.loss / trailer.weight as f64 / error - 1.0).abs() < 1e-9);
}

/// Sends sums of rows that are beyond what was promised, which its own side refuses.
struct Beyond(Native);

impl Trainer for Beyond {
    fn train(&mut self, round: u32, model: &[f32]) -> Result<Update, TrainError> {
        self.0.train(round, model)
    }

    fn sums(
        &mut self,
        round: u32,
        model: &[f32],
        exact: &Exact,
    ) -> Result<crate::round::Sums, TrainError> {
        let mut sums = self.0.sums(round, model, exact)?;
        sums.words.pop();
        Ok(sums)
    }
}

#[test]
fn who_has_no_fitting_sums_is_left_out() {
    let course = solved(&[3, 4, 5], 5, Method::Newton);
    let trainers = |k: usize| -> Box<dyn Trainer> {
        let own = |rows| Native::new(network(Method::Newton), rows, Fit::default(), [1; 32]);
        match k {
            2 => Box::new(Beyond(own(noisy(2, 2, 60, Method::Newton)))),
            k => Box::new(own(noisy(2, k, 60 + 7 * k, Method::Newton))),
        }
    };
    let ran = run_over(2, in_memory(6), &course, &start(&course), &trainers);
    assert_eq!(ran.trained(2).state.model, centrally(2, 2, 5, Method::Newton));
    assert_eq!(ran.guests[2].as_ref().unwrap().len(), 5);
    // A trainer of updates alone has none to send.
    struct Updates(Native);
    impl Trainer for Updates {
        fn train(&mut self, round: u32, model: &[f32]) -> Result<Update, TrainError> {
            self.0.train(round, model)
        }
    }
    let course = solved(&[3, 4], 1, Method::Newton);
    let trainers = |k| Box::new(Updates(native(2, k))) as Box<dyn Trainer>;
    let ran = run_over(2, in_memory(5), &course, &start(&course), &trainers);
    assert!(matches!(ran.parties[0], Err(RoundError::Few { got: 0, .. })));
}

#[test]
fn sums_of_few_rows_are_not_opened() {
    let course = solved(&[3, 4], 1, Method::Ridge);
    let trainers = |k: usize| {
        let rows = noisy(3, k, 39, Method::Ridge);
        let own = Native::new(network(Method::Ridge), rows, Fit::default(), [1; 32]);
        Box::new(own) as Box<dyn Trainer>
    };
    let ran = run_over(3, in_memory(5), &course, &start(&course), &trainers);
    let few = SumsError::Few { rows: 78, least: 80 };
    for party in &ran.parties {
        assert_eq!(*party, Err(RoundError::Solved { round: 1, source: few }));
    }
    // Each word of a total passes four times: two others' sums of it, and then the total to two others.
    let mut m = Meter::new();
    m.enter(1);
    cost(&mut m, &course);
    let total = 4 * 8 * course.coordinates() as u64;
    assert!(ran.counters.bytes <= m.total().bytes - total, "nothing of the total is said");
}
