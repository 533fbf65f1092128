//! Ridge and Newton's method over TLS: models that are solved for from sums over all providers' rows.

use std::{sync::Arc, thread, time::Instant};

use federated::{
    model::{Fit, Network, Rows},
    round::{Course, Native, take_part},
    strategy::Rule,
    sums::{Exact, Method, Newton, Ridge},
};
use protocols::{
    net::{Channel, loopback, tls::LinkConfig},
    prg::Prg,
    ring::Z64,
    session::{Gate, Meter, Wire},
};

use super::{
    command::Line,
    round::{PROVIDERS, STALL, course, party},
};
use crate::{
    Failure,
    figure::{peak_rss, reset_peak},
};

pub(super) const RIDGE: &str = "ridge";
pub(super) const NEWTON: &str = "newton";
const FEATURES: usize = 30;
const PENALTY: f64 = 1e-6;
/// Rounds of Newton's method.
const STEPS: u32 = 6;
/// How far coefficients may be from those of all rows in one place.
const BOUND: f64 = 1e-6;

/// A provider's rows: labels follow a line, or a chance that does.
fn rows(number: usize, n: usize, method: Method) -> Result<Rows, Failure> {
    let mut rng = Prg::new(&[u8::try_from(number)?; 16]);
    let unit = |word: &u64| (word >> 40) as f32 / 8_388_608.0 - 1.0;
    let draw = |rng: &mut Prg, n| rng.elements::<Z64>(n).iter().map(unit).collect::<Vec<_>>();
    let (values, noise) = (draw(&mut rng, n * FEATURES), draw(&mut rng, n));
    let label = |(row, noise): (&[f32], &f32)| {
        let sum: f32 = row.iter().zip(0_u8..).map(|(x, i)| x * (f32::from(i % 5) - 2.0)).sum();
        let y = 0.2 * sum + 0.1 + 2.0 * noise;
        if method == Method::Newton { f32::from(y > 0.0) } else { y }
    };
    let labels = values.chunks_exact(FEATURES).zip(&noise).map(label).collect();
    Ok(Rows::new(FEATURES, values, labels)?)
}

fn planned(method: Method, each: usize) -> Result<Course, Failure> {
    let rounds = if method == Method::Ridge { 1 } else { STEPS };
    let exact = Exact::new(method, PENALTY, (PROVIDERS.into(), each as u64))?.with_unit(32.0);
    Ok(Course { rule: Rule::Exact(exact), ..course(FEATURES + 1, rounds)? })
}

/// All rounds of a model of 30 features on n rows of 10 providers, their sums included.
pub(super) fn run(method: Method, n: usize) -> Result<Line, Failure> {
    reset_peak();
    let each = n.div_ceil(PROVIDERS.into()).max(40);
    let parts: Vec<Rows> = (0..usize::from(PROVIDERS))
        .map(|number| rows(number, each, method))
        .collect::<Result<_, _>>()?;
    let course = planned(method, each)?;
    let (seconds, models) = train(&course, &parts, method)?;
    let best = centrally(&parts, method)?;
    let near = |model: &Vec<f32>| {
        model.iter().zip(&best).all(|(x, best)| (f64::from(*x) - best).abs() < BOUND)
    };
    let mut m = Meter::new();
    m.enter(1);
    federated::round::cost(&mut m, &course);
    let name = if method == Method::Ridge { RIDGE } else { NEWTON };
    Ok(Line {
        case: name,
        n,
        parties: 3 + PROVIDERS,
        network: "loopback",
        seconds,
        bytes_sent: m.total().bytes,
        rounds: m.total().rounds,
        peak_rss_bytes: peak_rss(),
        exact: models.iter().all(near),
        note: format!(
            "{} round(s) of 10 providers over TLS, n rows in all of {FEATURES} features, sums included; within 10^-6 of all rows in one place",
            course.rounds
        ),
    })
}

/// How long the training took, and every party's model.
fn train(course: &Course, parts: &[Rows], method: Method) -> Result<(f64, Vec<Vec<f32>>), Failure> {
    let network = match method {
        Method::Ridge => Network::linear(FEATURES)?,
        Method::Newton => Network::logistic(FEATURES)?,
    };
    let mut channels = loopback::mesh(3 + PROVIDERS, LinkConfig::with_stall(STALL).with_guests())?
        .into_iter()
        .map(|channel| Arc::new(channel) as Arc<dyn Channel>);
    let start = Instant::now();
    let models = thread::scope(|scope| {
        let parties: Vec<_> = channels
            .by_ref()
            .take(3)
            .map(|channel| scope.spawn(move || party(channel, course, &mut || Ok(()))))
            .collect();
        for ((number, channel), rows) in channels.enumerate().zip(parts) {
            let mut trainer = Native::new(network.clone(), rows.clone(), Fit::default(), [1; 32]);
            scope.spawn(move || {
                let mut wire = Wire::new(channel, Gate::listing(&[]));
                wire.enter(1);
                let mut rng = Prg::new(&[u8::try_from(number).unwrap_or(u8::MAX); 16]);
                // A guest that fails shows in the parties' results.
                let _ = take_part(&mut wire, course, number, &mut trainer, &mut rng);
            });
        }
        parties.into_iter().map(thread::ScopedJoinHandle::join).collect::<Vec<_>>()
    });
    let models = models
        .into_iter()
        .map(|model| model.map_err(|_| "a party panicked")?)
        .collect::<Result<Vec<_>, String>>()?;
    Ok((start.elapsed().as_secs_f64(), models))
}

/// The coefficients by all rows in one place, in double precision.
fn centrally(parts: &[Rows], method: Method) -> Result<Vec<f64>, Failure> {
    let total = |of: &dyn Fn(&Rows) -> Vec<f64>| {
        let each = parts.iter().map(of);
        each.reduce(|mut sum, own| {
            sum.iter_mut().zip(own).for_each(|(sum, own)| *sum += own);
            sum
        })
        .unwrap_or_default()
    };
    if method == Method::Ridge {
        let ridge = Ridge::new(FEATURES, PENALTY);
        return Ok(ridge.solve(&total(&|rows| ridge.of_rows(rows)))?.0);
    }
    let mut newton = Newton::new(FEATURES, PENALTY);
    loop {
        let own = newton.clone();
        if newton.step(&total(&|rows| own.of_rows(rows)))? < 1e-10 {
            return Ok(newton.coefficients().to_vec());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_are_those_of_all_rows() {
        for method in [Method::Ridge, Method::Newton] {
            assert!(run(method, 2000).is_ok_and(|line| line.exact), "{method:?}");
        }
    }
}
