//! A provider that does not compute: it shares its inputs, hears whether enough keys are common, and takes part in what ends with owners
//! of sets.

use std::sync::Arc;

use protocols::{
    net::Channel,
    party::PartyId,
    prg::Prg,
    session::{Gate, Opening, Wire},
};
use zeroize::Zeroizing;

use super::{
    error::ExecError,
    input::send_outside,
    many::Circle,
    matching::{Found, Owners},
    require,
    run::step_of,
    train,
};
use crate::{
    identity::PartyName,
    plan::{EncodedInput, Op, Plan},
};

/// What its part leaves at an outside provider.
#[derive(Debug, Default)]
pub struct Provided {
    /// What it learned of its own sets.
    pub found: Vec<Found>,
    /// What it saw opened.
    pub opened: Vec<Opening>,
    /// Bytes that it sent beyond its inputs.
    pub bytes: u64,
    /// The longest chain of messages it has seen.
    pub rounds: u32,
}

/// Plays an outside provider's whole part in a plan, from its first input to its last.
///
/// # Shape
/// `inputs[i]` is there if this provider owns input `i`. `openings` is what the plan lists.
///
/// # Errors
/// [`ExecError`]; the peers are told by the caller.
///
/// # Security
/// Inputs leave as shares under seeds from `rng`, which must be fresh for each attempt. What is opened passes a gate that lists what
/// the plan lists of the operations that this provider takes part in.
pub fn provide(
    channel: &Arc<dyn Channel>,
    (plan, me): (&Plan, &PartyName),
    inputs: &[Option<EncodedInput>],
    openings: &[Opening],
    rng: &mut Prg,
) -> Result<Provided, ExecError> {
    let shared = |input: &u32| !plan.inputs[*input as usize].is_at_home();
    let own = (0_u32..).zip(inputs).filter_map(|(number, data)| Some((number, data.as_ref()?)));
    let mut sent = [0; 3];
    for (number, data) in own.filter(|(number, _)| shared(number)) {
        let seeds = [fresh(rng), fresh(rng)];
        send_outside(&**channel, plan, number, (data, &mut sent), seeds)?;
    }
    let mut provided = Provided::default();
    let id = super::input::party_of(plan, me);
    let parts = Part::all(plan, id)?;
    let listed = |opening: &&Opening| parts.iter().any(|(at, _)| step_of(*at) == opening.step);
    let listed: Vec<Opening> = openings.iter().filter(listed).copied().collect();
    let mut wire = Wire::new(Arc::clone(channel), Gate::listing(&listed)).behind(sent);
    if let Some((at, number)) = train::part_of(plan, me) {
        wire.enter(step_of(at));
        train::provide(&mut wire, plan, (at, number), inputs, rng)?;
    }
    train::weigh(&mut wire, (plan, me), inputs)?;
    for (at, part) in &parts {
        wire.enter(step_of(*at));
        provided.found.extend(part.play(&mut wire, (plan, *at), inputs, rng)?);
    }
    wire.finish()?;
    let (opened, bytes) = (wire.opened().to_vec(), wire.stats().total().bytes);
    Ok(Provided { opened, bytes, rounds: wire.depth(), ..provided })
}

/// An operation that a provider takes part in besides sharing.
enum Part<'p> {
    /// It hears whether enough keys are common.
    Required,
    /// It is one of two owners.
    Matched(Owners),
    /// It is one of several.
    Circled(Circle<'p>),
}

impl<'p> Part<'p> {
    /// Those of one provider, in the order of the plan, in which the compute parties come to them.
    fn all(plan: &'p Plan, party: PartyId) -> Result<Vec<(usize, Self)>, ExecError> {
        let mut all = Vec::new();
        for (at, op) in plan.nodes.iter().enumerate() {
            let part = match op {
                Op::Require(_) => plan.hearers(at).contains(&party).then_some(Self::Required),
                Op::Match(of) => {
                    let owners = Owners::of(plan, of).ok_or(ExecError::Malformed(at))?;
                    owners.includes(party).then_some(Self::Matched(owners))
                }
                Op::Many(of) => {
                    let circle = Circle::of(plan, of, at)?;
                    circle.includes(party).then_some(Self::Circled(circle))
                }
                _ => None,
            };
            all.extend(part.map(|part| (at, part)));
        }
        Ok(all)
    }

    /// Gives what it learned of its own set, if it is to learn.
    fn play(
        &self,
        wire: &mut Wire,
        (plan, at): (&Plan, usize),
        inputs: &[Option<EncodedInput>],
        rng: &mut Prg,
    ) -> Result<Option<Found>, ExecError> {
        match self {
            Self::Required => require::hear(wire, (plan, at)).map(|()| None),
            Self::Matched(owners) => {
                let mut pair = wire.pair(owners.peer_of(wire.me()));
                owners.play(&mut pair, plan, inputs, rng)
            }
            Self::Circled(circle) => circle.play(wire, (plan, at), inputs, rng),
        }
    }
}

fn fresh(rng: &mut Prg) -> Zeroizing<[u8; 16]> {
    let word = rng.elements::<protocols::ring::Z128>(1)[0];
    Zeroizing::new(word.to_le_bytes())
}
