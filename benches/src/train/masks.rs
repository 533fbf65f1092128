//! The same rounds with one party that adds up masked updates: every provider draws keys, shares its secrets and masks its update,
//! and the party takes the masks off.

use std::{
    sync::{Arc, mpsc},
    thread,
    time::{Duration, Instant},
};

use federated::{
    round::{
        Aggregate, Course, Masks, Member, Pledges, RoundError, Standing, State, aggregate,
        masked_cost, take_part_masked,
    },
    secagg::{SigningKey, Threshold},
};
use protocols::{
    net::{Channel, loopback, tls::LinkConfig},
    party::PartyId,
    prg::Prg,
    session::{Counters, Gate, Meter, Wire},
};

use super::{
    command::Line,
    round::{Clock, PROVIDERS, STALL, course, is_right, one_round_of, trainer},
};
use crate::{
    Failure,
    figure::{peak_rss, reset_peak},
};

pub(super) const NAME: &str = "round/masks";
const NOTE: &str = "one round of 10 providers and one party that adds up masked updates over TLS, from average to average, all of them \
                    threads of one process; one provider may conspire, two may be lost; no training";

/// One that conspires, two that may be lost.
fn masks(course: &Course) -> Result<Masks, Failure> {
    let providers = course.providers.len();
    let threshold = Threshold::complete(u32::try_from(providers)?, 1, 2)?;
    let keys = (0..providers).map(|number| signer(number).verifying_key()).collect();
    Ok(Masks { run: [7; 32], keys, threshold })
}

fn signer(number: usize) -> SigningKey {
    SigningKey::from_bytes(&[u8::try_from(number + 1).unwrap_or(u8::MAX); 32])
}

/// Rounds of so many providers.
pub(super) fn course_of(providers: u16, (n, rounds): (usize, u32)) -> Result<Course, Failure> {
    let mut course = course(n, rounds)?;
    course.providers = (3..3 + providers).map(PartyId).collect();
    course.pace.least = course.providers.len();
    Ok(course)
}

/// What one round more costs.
pub(super) fn one_round(course: &Course) -> Result<Counters, Failure> {
    let threshold = masks(course)?.threshold;
    Ok(one_round_of(course, |m: &mut Meter, course: &Course| masked_cost(m, course, threshold)))
}

/// So many rounds after a first one that finds nothing warm.
pub(super) fn run(n: usize, reps: u32) -> Result<Line, Failure> {
    reset_peak();
    let course = course(n, reps + 1)?;
    let masks = masks(&course)?;
    let (ends, exact) = rounds(&course, &masks)?;
    let mut took: Vec<Duration> = ends.windows(2).map(|pair| pair[1] - pair[0]).collect();
    took.sort_unstable();
    let one = one_round(&course)?;
    Ok(Line {
        case: NAME,
        n,
        parties: 1 + PROVIDERS,
        network: "loopback",
        seconds: took.get(took.len() / 2).map_or(0.0, Duration::as_secs_f64),
        bytes_sent: one.bytes,
        rounds: one.rounds,
        peak_rss_bytes: peak_rss(),
        exact,
        note: NOTE.to_owned(),
    })
}

/// All rounds, everybody a thread of this process: when each was over, and whether the model is right.
fn rounds(course: &Course, masks: &Masks) -> Result<(Vec<Instant>, bool), Failure> {
    let ends = loopback::mesh(3 + PROVIDERS, LinkConfig::with_stall(STALL).with_guests())?;
    let mut channels: Vec<_> =
        ends.into_iter().map(|channel| Arc::new(channel) as Arc<dyn Channel>).collect();
    let providers = channels.split_off(3);
    let (told, over) = mpsc::channel();
    let trained = thread::scope(|scope| {
        for (number, channel) in providers.into_iter().enumerate() {
            scope.spawn(move || provider(channel, (course, masks), number));
        }
        let told = &mut || {
            // Whoever listens is there until all rounds are over.
            let _ = told.send(Instant::now());
        };
        added(Arc::clone(&channels[0]), (course, masks), told)
    })?;
    Ok((over.try_iter().collect(), is_right(&trained, course)))
}

/// The party's part; the model.
pub(super) fn party(channel: Arc<dyn Channel>, course: &Course) -> Result<Vec<f32>, Failure> {
    Ok(added(channel, (course, &masks(course)?), &mut || ())?)
}

/// A provider's part; one that fails shows in the party's result.
pub(super) fn guest(
    channel: Arc<dyn Channel>,
    course: &Course,
    number: usize,
) -> Result<(), Failure> {
    provider(channel, (course, &masks(course)?), number);
    Ok(())
}

fn added(
    channel: Arc<dyn Channel>,
    (course, masks): (&Course, &Masks),
    over: &mut dyn FnMut(),
) -> Result<Vec<f32>, RoundError> {
    let mut wire = Wire::new(Arc::clone(&channel), Gate::recording());
    wire.enter(1);
    let from = Standing::new(State::new(vec![0.0; course.parameters], course.rule));
    let told = || {
        over();
        Ok(())
    };
    let (keep, doubts) = (&mut Clock(told), &mut |_| ());
    let with = Aggregate { channel, course, masks, from, keep, doubts };
    aggregate(&mut wire, with).map(|trained| trained.state.model)
}

fn provider(channel: Arc<dyn Channel>, (course, masks): (&Course, &Masks), number: usize) {
    let mut rng = Prg::new(&[channel.me().0.to_le_bytes()[0]; 16]);
    let mut wire = Wire::new(channel, Gate::listing(&[]));
    wire.enter(1);
    let trainer = &mut trainer(number, course.parameters);
    let (once, doubts) = (&mut |_| Ok(true), &mut |_| ());
    let (signer, pledges) = (signer(number), Pledges::none());
    let member = Member { number, signer, trainer, once, doubts, pledges };
    let _ = take_part_masked(&mut wire, course, masks, member, &mut rng);
}
