//! Whose updates are added up: of those that came, where a job has gates those that keep to its bounds.
//!
//! ```text
//! provider  ── two shares of three ─────────────────▶ each party           every share has two holders
//! party     ── digests of its shares ────────────────▶ their other holders  who sent two different ones is out
//! party     ── whose came, and are alike ────────────▶ both others
//! all three ── a coin ──▶ signs ──▶ projections, each party of its shares ──▶ bits: whose are taken
//! ```
//!
//! # Security
//! The coin is tossed when both holders of every share have it: an update cannot depend on it. That holds for a compute party that
//! provides, too: each share of its update lies at one of the others at least, and no party decides the coin. Whoever did not
//! come counts as an update of zeros of weight 0, which is refused, so that messages and openings are the same whoever comes.
//! A digest goes to a party that has the same share, or, where a provider deviates, may lack it: one of words says nothing
//! then, as they are masked by two seeds of which a holder knows one at most. See [`crate::gate`] for the rest.

use std::{collections::BTreeMap, io};

use protocols::{
    mpc::{toss, toss_cost},
    net::at_work,
    prg::Prg,
    ring::{Buf, Z64},
    session::{Meter, Session, SessionError},
    share::Shared,
};

use super::{
    course::Course,
    error::{RoundError, disk},
    landing::{Both, Landed},
    message::PIECE_WORDS,
    open::to_both,
    set::Set,
};
use crate::{
    average::{EncodeError, TRAILER_WORDS},
    gate::{AcceptError, Gates, Projection, Sketch, accept, accept_cost},
};

/// Words of a digest.
const DIGEST_WORDS: usize = 4;

/// Whose updates are added up.
pub(super) struct Taken {
    pub(super) all: Set,
    /// Whose came and are not in it.
    pub(super) refused: Vec<usize>,
}

/// Decides whose updates are added up, of those that landed here and at the other parties.
pub(super) fn taken(
    s: &mut Session,
    course: &Course,
    (round, landed): (u32, &BTreeMap<usize, Landed>),
    rng: &mut Prg,
) -> Result<Taken, RoundError> {
    let Some(gates) = &course.gates else {
        let comes = |number: usize| landed.get(&number).is_some_and(Landed::comes);
        let all = Set::of(course, comes).agree(s)?;
        enough(course, (round, landed), &all)?;
        return Ok(Taken { all, refused: Vec::new() });
    };
    let (came, alike) = committed(s, course, landed)?;
    enough(course, (round, landed), &alike)?;
    let coin = toss(s, rng)?;
    let channel = s.wire().channel();
    let sketches =
        at_work(|| channel.working(), || sketches(course, gates, (&coin, landed), &alike))
            .map_err(|error| disk(round, &error))?;
    let bits = accept(s, gates, &sketches).map_err(|error| match error {
        AcceptError::Session(error) => error.into(),
        AcceptError::Few { got, least } => {
            RoundError::Refused { round: round + 1, taken: got, got: came.count(), least }
        }
        other => RoundError::Gate(other),
    })?;
    let all = Set::of(course, |number| bits[number]);
    let refused = came.numbers().filter(|number| !all.has(*number)).collect();
    Ok(Taken { all, refused })
}

/// Twin of [`taken`] with gates.
pub(super) fn taken_cost(m: &mut Meter, course: &Course, gates: &Gates) {
    let providers = course.providers.len();
    to_both(m, |_, _| 8 * DIGEST_WORDS * providers);
    to_both(m, |_, _| 8 * course.set_words());
    toss_cost(m);
    accept_cost(m, gates, providers);
}

fn enough(
    course: &Course,
    (round, landed): (u32, &BTreeMap<usize, Landed>),
    all: &Set,
) -> Result<(), RoundError> {
    let (got, least, asked) = (all.count(), course.least(), course.providers.len());
    let declined = landed.values().filter(|landed| !landed.comes()).count();
    let few = RoundError::Few { round: round + 1, got, asked, least, declined };
    if got < least { Err(few) } else { Ok(()) }
}

/// Whose updates have come to all three parties, and of those the ones whose shares are alike at their two holders.
fn committed(
    s: &mut Session,
    course: &Course,
    landed: &BTreeMap<usize, Landed>,
) -> Result<(Set, Set), SessionError> {
    let (prev, next) = (s.role().prev().id(), s.role().next().id());
    let [own, after] = [0, 1].map(|which| digests(course, landed, which));
    s.send(prev, &own)?;
    s.send(next, &after)?;
    let [mut of_prev, mut of_next] = [(); 2].map(|()| vec![0_u64; own.len()]);
    s.recv(prev, &mut of_prev)?;
    s.recv(next, &mut of_next)?;
    let all = [&own, &after, &of_prev, &of_next];
    let digest = |of: &[u64], number: usize| -> [u64; DIGEST_WORDS] {
        std::array::from_fn(|at| of[number * DIGEST_WORDS + at])
    };
    let came =
        Set::of(course, |number| all.iter().all(|of| digest(of, number) != [0; DIGEST_WORDS]));
    let alike = Set::of(course, |number| {
        came.has(number)
            && digest(&own, number) == digest(&of_prev, number)
            && digest(&after, number) == digest(&of_next, number)
    });
    Ok((came, alike.agree(s)?))
}

/// The digests of one of this party's two shares of each update; zeros for those that did not come.
fn digests(course: &Course, landed: &BTreeMap<usize, Landed>, which: usize) -> Vec<u64> {
    let one = |number: usize| match landed.get(&number) {
        Some(Landed::Both(both)) => both.digests[which],
        _ => [0; 32],
    };
    let words = |digest: [u8; 32]| {
        let (words, _) = digest.as_chunks();
        std::array::from_fn::<_, DIGEST_WORDS, _>(|at| u64::from_le_bytes(words[at]))
    };
    (0..course.providers.len()).flat_map(|number| words(one(number))).collect()
}

/// A sketch of every provider's update.
fn sketches(
    course: &Course,
    gates: &Gates,
    (coin, landed): (&[u8; 16], &BTreeMap<usize, Landed>),
    alike: &Set,
) -> io::Result<Vec<Sketch>> {
    let projection = Projection::new(coin, gates);
    let one = |number: usize| match landed.get(&number) {
        Some(Landed::Both(both)) if alike.has(number) => sketch(&projection, course, both),
        _ => Ok(Sketch::new(Shared::<Z64>::zeros(gates.sums()), Shared::zeros(TRAILER_WORDS))),
    };
    (0..course.providers.len()).map(one).collect()
}

fn sketch(projection: &Projection, course: &Course, both: &Both) -> io::Result<Sketch> {
    let mut projector = projection.start();
    let [mut own, mut next] = [(); 2].map(|()| vec![0; PIECE_WORDS.min(course.parameters)]);
    for from in (0..course.parameters).step_by(PIECE_WORDS) {
        let n = PIECE_WORDS.min(course.parameters - from);
        both.own.read(from, &mut own[..n])?;
        both.next.read(from, &mut next[..n])?;
        projector.push(&own[..n], &next[..n]);
    }
    let [mut own, mut next] = [(); 2].map(|()| Buf::zeroed(TRAILER_WORDS));
    both.own.read(course.parameters, &mut own)?;
    both.next.read(course.parameters, &mut next)?;
    Ok(projector.finish(Shared::from_parts(own, next)))
}

/// What a provider does that keeps to the rules: it clips its update, and says no larger loss than the job has room for. Returns
/// the loss that it says.
pub(super) fn within(
    gates: &Gates,
    delta: &mut [f32],
    weight: u64,
    loss: f64,
) -> Result<f64, EncodeError> {
    let terms = gates.terms();
    if weight > terms.most_weight {
        return Err(EncodeError::Weight);
    }
    let norm = delta.iter().map(|x| f64::from(*x) * f64::from(*x)).sum::<f64>().sqrt();
    if norm > terms.clip {
        let scale = terms.clip / norm;
        #[expect(clippy::cast_possible_truncation, reason = "updates are single precision")]
        delta.iter_mut().for_each(|x| *x = (f64::from(*x) * scale) as f32);
    }
    Ok(loss.clamp(0.0, terms.most_loss * weight as f64))
}
