//! One party's part of a lookup.

use protocols::{prg::Prg, session::Session};

use super::{answer::answer, ask::ask, labels::Labels, shape::Shape};
use crate::{
    exec::error::ExecError,
    plan::{EncodedInput, Lookup, LookupEnd, Plan},
};

/// What a party learned of its own keys.
pub struct LookedUp {
    /// Which input of the plan.
    pub input: u32,
    /// Which rows of its local sub-plan's result have a key that the table has, and its label.
    pub labels: Labels,
}

/// What a party learned is its own.
impl std::fmt::Debug for LookedUp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "LookedUp in input {}", self.input)
    }
}

/// Runs it at one party; gives what this party learned, if it asks.
///
/// # Cost
/// [`cost`](super::cost), and [`table_cost`](super::table_cost) of what the party that asks lacks of the table; more where a link was lost.
///
/// # Errors
/// [`ExecError`].
///
/// # Security
/// Of [`protocols::psi::lookup`]: the party that answers may be malicious and learns the bound of the queries, and how much of its table the other
/// holds; the party that asks learns what the table says of as many keys as it asked for. That those who run the plan are not
/// malicious is assumed of the rest of it.
pub(in crate::exec) fn run(
    s: &mut Session,
    plan: &Plan,
    of: &Lookup,
    (at, inputs): (usize, &[Option<EncodedInput>]),
    rng: &mut Prg,
) -> Result<Option<LookedUp>, ExecError> {
    let shape = Shape::new(plan, of).ok_or(ExecError::Malformed(at))?;
    let own = s.role();
    let number = if own == shape.answers { of.answers } else { of.asks };
    let end = inputs.get(number as usize).and_then(|data| data.as_ref()?.lookup.as_ref());
    if own != shape.answers {
        // Whoever does not open it takes it off its list all the same, so that all three lists end alike.
        let (kind, count, to) = shape.opening();
        s.pass_gate(kind, count, to)?;
        if own != shape.asks {
            return Ok(None);
        }
    }
    match end {
        Some(LookupEnd::Answers(end)) if own == shape.answers => {
            answer(&mut s.pair(shape.asks.id()), &shape, end, rng).map(|()| None)
        }
        Some(LookupEnd::Asks(end)) if own == shape.asks => {
            let labels = ask(&mut s.pair(shape.answers.id()), &shape, end, rng)?;
            Ok(Some(LookedUp { input: of.asks, labels }))
        }
        _ => {
            let party = plan.inputs[number as usize].party.clone();
            Err(ExecError::MissingInput { party, input: number })
        }
    }
}
