//! Going on only where a bit says so: it is opened to all three compute parties, who then all end the run or none does.

use protocols::{
    mpc,
    ring::B64,
    session::{Meter, OpeningKind, Session},
    share::Bits,
};

use super::error::ExecError;

/// Opens the bit of one row.
///
/// # Cost
/// 1 round of one word from each party.
///
/// # Errors
/// [`ExecError::TooFew`] where it is 0, after which the session's gate lets nothing more be opened; [`ExecError::Session`].
///
/// # Security
/// The bit is listed, and what comes after it is listed as if it were 1. What is said of the rows rests on the order: nothing of
/// an operation runs before all that come before it have.
pub(super) fn run(s: &mut Session, bit: &Bits) -> Result<(), ExecError> {
    let mut bit = bit.clone();
    bit.clear_beyond_rows();
    let opened = mpc::reveal::<B64>(s, &bit.into_planes(), OpeningKind::Threshold)?;
    if opened[..] == [1] {
        return Ok(());
    }
    s.close_gate();
    Err(ExecError::TooFew)
}

/// Twin of [`run`].
pub(super) fn cost(m: &mut Meter) {
    mpc::reveal_cost::<B64>(m, 1, OpeningKind::Threshold);
}
