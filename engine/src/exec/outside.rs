//! A provider that does not compute: it shares its inputs, and takes part in what ends with owners of sets.

use std::sync::Arc;

use protocols::{
    net::Channel,
    prg::Prg,
    session::{Gate, Opening, Wire},
};
use zeroize::Zeroizing;

use super::{
    error::ExecError,
    input::send_outside,
    many::Circle,
    matching::{Found, Owners},
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
    let matches = plan.nodes.iter().enumerate().filter_map(|(at, op)| match op {
        Op::Match(of) => Some((at, of)),
        _ => None,
    });
    let mut parts = Vec::new();
    for (at, of) in matches {
        let owners = Owners::of(plan, of).ok_or(ExecError::Malformed(at))?;
        if owners.includes(id) {
            parts.push((at, owners));
        }
    }
    let circles = Circle::all(plan, id)?;
    let taken = parts.iter().map(|(at, _)| *at).chain(circles.iter().map(|(at, _)| *at));
    // Messages of an input are numbered from the start, and so are those below.
    if let (Some(at), true) = (taken.clone().next(), sent != [0; 3]) {
        return Err(ExecError::Malformed(at));
    }
    let listed = |opening: &&Opening| taken.clone().any(|at| step_of(at) == opening.step);
    let listed: Vec<Opening> = openings.iter().filter(listed).copied().collect();
    let mut wire = Wire::new(Arc::clone(channel), Gate::listing(&listed));
    if let Some((at, number)) = train::part_of(plan, me) {
        wire.enter(step_of(at));
        train::provide(&mut wire, plan, (at, number), inputs, rng)?;
    }
    train::weigh(&mut wire, (plan, me), inputs)?;
    for (at, owners) in &parts {
        wire.enter(step_of(*at));
        let mut pair = wire.pair(owners.peer_of(id));
        provided.found.extend(owners.play(&mut pair, plan, inputs, rng)?);
    }
    for (at, circle) in &circles {
        wire.enter(step_of(*at));
        provided.found.extend(circle.play(&mut wire, (plan, *at), inputs, rng)?);
    }
    wire.finish()?;
    let (opened, bytes) = (wire.opened().to_vec(), wire.stats().total().bytes);
    Ok(Provided { opened, bytes, rounds: wire.depth(), ..provided })
}

fn fresh(rng: &mut Prg) -> Zeroizing<[u8; 16]> {
    let word = rng.elements::<protocols::ring::Z128>(1)[0];
    Zeroizing::new(word.to_le_bytes())
}
