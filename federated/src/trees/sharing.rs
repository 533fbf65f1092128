//! From sums at three parties to shares that can be computed with.

use protocols::{
    ring::{Buf, Ring, Z64},
    session::{Meter, Session, SessionError},
    share::Shared,
};

/// Each party's sum of what providers [`split`](crate::average::split) among them, as replicated shares of the total.
///
/// # Shape
/// `n` words at each party; returns `n`.
///
/// # Cost
/// 1 round; each party sends `n` words.
///
/// # Errors
/// Channel errors pass through.
///
/// # Security
/// Semi-honest, one corrupted party: the one message is masked by a fresh zero share.
///
/// # Source
/// Resharing of \[AFLNO16\] <https://eprint.iacr.org/2016/768> §2.2.
pub fn replicate(s: &mut Session, sum: &[u64]) -> Result<Shared<Z64>, SessionError> {
    let mut own = Buf::scratch(sum.len());
    s.prss().zero_share::<Z64>(&mut own);
    Z64::add_assign(&mut own, sum);
    let next = s.exchange::<Z64>(&own)?;
    Ok(Shared::from_parts(own, next))
}

/// Twin of [`replicate`].
pub fn replicate_cost(m: &mut Meter, n: usize) {
    m.exchange::<Z64>(n);
}
