//! Inputs: from a compute party by one message, from another provider by seeds and a correction.

use protocols::{
    mpc,
    mpc::{Column, OutsideInput, Shape},
    net::{Channel, ChannelError},
    party::{PartyId, Role},
    ring::{Arithmetic, Z64, Z128},
    session::{Meter, Session},
};
use zeroize::Zeroizing;

use super::error::ExecError;
use crate::{
    identity::PartyName,
    plan::{EncodedColumn, EncodedInput, Encoding, LocalInput, Plan},
};

/// Providers of inputs that are no compute party, in name order; in a run they are parties 3, 4, ….
#[must_use]
pub fn outside_providers(plan: &Plan) -> Vec<PartyName> {
    plan.outside()
}

/// Those of them without whom a run goes on if they are lost, in the same order.
#[must_use]
pub fn may_leave(plan: &Plan) -> Vec<PartyName> {
    if plan.goes_on_without() { outside_providers(plan) } else { Vec::new() }
}

/// Where an input comes from.
enum Owner {
    Compute(Role),
    Outside(PartyId),
}

fn owner(plan: &Plan, party: &PartyName) -> Owner {
    let id = party_of(plan, party);
    id.role().map_or(Owner::Outside(id), Owner::Compute)
}

/// Which party of a run somebody is that provides an input.
pub(super) fn party_of(plan: &Plan, party: &PartyName) -> PartyId {
    plan.seat_of(party).unwrap_or(PartyId(3))
}

/// Which compute party this is, if it is one.
pub(super) fn role_of(plan: &Plan, party: &PartyName) -> Option<Role> {
    Role::ALL.into_iter().find(|role| plan.compute.get(role.index()) == Some(party))
}

/// The shapes of an input's columns, `live` last.
fn shapes(input: &LocalInput) -> Vec<Shape> {
    let width = |encoding: &Encoding| match encoding {
        Encoding::Offset { width, .. }
        | Encoding::Code { width, .. }
        | Encoding::KeyedHash { width, .. }
        | Encoding::KeyId { width, .. } => Shape::Bits(usize::from(*width)),
        Encoding::Word { .. } | Encoding::Unit { .. } => Shape::Z64,
        Encoding::Wide { .. } => Shape::Z128,
        Encoding::KeyPresent | Encoding::Flag | Encoding::Present => Shape::Bits(1),
    };
    let columns = input.columns.iter().map(|column| width(&column.encoding));
    columns.chain([Shape::Bits(1)]).collect()
}

/// An input's columns as words for the wire, after checking them against the plan.
fn encode(
    input: &LocalInput,
    number: u32,
    data: &EncodedInput,
) -> Result<Vec<(Shape, Vec<u64>)>, ExecError> {
    let wrong = || ExecError::InputShape { party: input.party.clone(), input: number };
    let rows = usize::try_from(input.rows).map_err(|_| wrong())?;
    let live = data.live.iter().copied().map(u64::from).collect();
    let live = EncodedColumn::Bits { width: 1, rows: live };
    let columns: Vec<&EncodedColumn> = data.columns.iter().chain([&live]).collect();
    let shapes = shapes(input);
    if columns.len() != shapes.len() {
        return Err(wrong());
    }
    let words = |(shape, column): (Shape, &EncodedColumn)| match (shape, column) {
        (Shape::Bits(want), EncodedColumn::Bits { width, rows: data })
            if usize::from(*width) == want && data.len() == rows =>
        {
            let mut planes = vec![0; shape.wire_words(rows)];
            if want > 0 {
                Z64::to_planes(data, want, &mut planes);
            }
            Ok((shape, planes))
        }
        (Shape::Bits(want), EncodedColumn::WideBits { width, rows: data })
            if usize::from(*width) == want && want > 0 && data.len() == rows =>
        {
            let mut planes = vec![0; shape.wire_words(rows)];
            Z128::to_planes(data, want, &mut planes);
            Ok((shape, planes))
        }
        (Shape::Z128, EncodedColumn::Wide(data)) if data.len() == rows => Ok((shape, halves(data))),
        (Shape::Z64, EncodedColumn::Words(data)) if data.len() == rows => Ok((shape, data.clone())),
        _ => Err(wrong()),
    };
    shapes.into_iter().zip(columns).map(words).collect()
}

/// 128-bit values as their lower words and upper words by turns, as they travel.
fn halves(values: &[u128]) -> Vec<u64> {
    values.iter().flat_map(|value| [Z64::from_u128(*value), Z64::from_u128(*value >> 64)]).collect()
}

/// The inverse of [`halves`].
fn joined(words: &[u64]) -> Vec<u128> {
    let join = |[low, high]: &[u64; 2]| u128::from(*high) << 64 | u128::from(*low);
    words.as_chunks().0.iter().map(join).collect()
}

/// Shares one input among the compute parties; `data` is there at its owner if that is one of them.
pub(super) fn share(
    s: &mut Session,
    plan: &Plan,
    number: u32,
    data: Option<&EncodedInput>,
) -> Result<Vec<Column>, ExecError> {
    let input = &plan.inputs[number as usize];
    let rows = usize::try_from(input.rows).unwrap_or(usize::MAX);
    let shapes = shapes(input);
    match owner(plan, &input.party) {
        Owner::Outside(id) => Ok(mpc::outside_input(s, id, rows, &shapes)?),
        Owner::Compute(role) => {
            let mine = if s.role() == role {
                let missing =
                    || ExecError::MissingInput { party: input.party.clone(), input: number };
                Some(encode(input, number, data.ok_or_else(missing)?)?)
            } else {
                None
            };
            let mut columns = Vec::with_capacity(shapes.len());
            for (i, shape) in shapes.iter().enumerate() {
                let words = mine.as_ref().map(|mine| mine[i].1.as_slice());
                columns.push(match shape {
                    Shape::Bits(width) => {
                        Column::Bits(mpc::input_bits(s, role, words, rows, *width)?)
                    }
                    Shape::Z128 => {
                        let words = words.map(joined);
                        Column::Z128(mpc::input::<Z128>(s, role, words.as_deref(), rows)?)
                    }
                    _ => Column::Z64(mpc::input::<Z64>(s, role, words, rows)?),
                });
            }
            Ok(columns)
        }
    }
}

/// Twin of [`share`].
pub(super) fn share_cost(m: &mut Meter, plan: &Plan, number: u32) {
    let input = &plan.inputs[number as usize];
    let rows = usize::try_from(input.rows).unwrap_or(usize::MAX);
    let shapes = shapes(input);
    match owner(plan, &input.party) {
        Owner::Outside(_) => mpc::outside_input_cost(m, rows, &shapes),
        Owner::Compute(role) => {
            for shape in shapes {
                match shape {
                    Shape::Bits(width) => mpc::input_bits_cost(m, role, rows, width),
                    Shape::Z128 => mpc::input_cost::<Z128>(m, role, rows),
                    _ => mpc::input_cost::<Z64>(m, role, rows),
                }
            }
        }
    }
}

/// Sends an outside provider's input to the three compute parties; `sent` counts its messages to each of them, over all its inputs.
///
/// # Errors
/// [`ExecError::InputShape`] if the data is not what the plan asks for; link errors pass through.
///
/// # Security
/// `seeds` must be fresh for each input and attempt.
pub fn send_outside(
    channel: &dyn Channel,
    plan: &Plan,
    number: u32,
    (data, sent): (&EncodedInput, &mut [u32; 3]),
    seeds: [Zeroizing<[u8; 16]>; 2],
) -> Result<(), ExecError> {
    let input = &plan.inputs[number as usize];
    let mut outside = OutsideInput::new(seeds);
    for (shape, words) in encode(input, number, data)? {
        outside.push(shape, &words);
    }
    let step = super::run::step_of_input(plan, number);
    outside.send(channel, step, sent).map_err(|source: ChannelError| {
        ExecError::Session(protocols::session::SessionError::Channel { step, source })
    })
}
