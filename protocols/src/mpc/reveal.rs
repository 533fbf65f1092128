//! Opening shares: to all, to one party, and to nobody (fresh shares for sealing). Every opening passes the session's gate.

use crate::{
    party::Role,
    ring::{Buf, Ring},
    session::{Meter, OpeningKind, Recipient, Session, SessionError},
    share::Shared,
};

/// Opens a shared vector to all three parties.
///
/// # Shape
/// Returns as many values as there are shares.
///
/// # Cost
/// 1 round; each party sends `n` words.
///
/// # Errors
/// [`SessionError::Gate`] before anything is sent, if the plan does not list it; channel errors pass through.
///
/// # Security
/// Semi-honest. Whoever calls this decides that all three may know the values. A B64 vector must have been
/// cleared beyond its rows.
pub fn reveal<R: Ring>(
    s: &mut Session,
    x: &Shared<R>,
    kind: OpeningKind,
) -> Result<Buf<R::Word>, SessionError> {
    s.pass_gate(kind, x.len(), Recipient::All)?;
    s.send(s.role().next().id(), x.own())?;
    let mut values = Buf::scratch(x.len());
    s.recv(s.role().prev().id(), &mut values)?;
    R::add_assign(&mut values, x.own());
    R::add_assign(&mut values, x.next());
    Ok(values)
}

/// Twin of [`reveal`].
pub fn reveal_cost<R: Ring>(m: &mut Meter, n: usize, kind: OpeningKind) {
    m.pass_gate(kind, n, Recipient::All);
    let bytes = n * size_of::<R::Word>();
    m.messages(&Role::ALL.map(|role| (role, role.next(), bytes)));
}

/// Opens a shared vector to one party; the others get `None`.
///
/// # Cost
/// 1 round; one party sends `n` words.
///
/// # Errors
/// As [`reveal`].
///
/// # Security
/// As [`reveal`]; the two others receive nothing.
pub fn reveal_to<R: Ring>(
    s: &mut Session,
    x: &Shared<R>,
    to: Role,
    kind: OpeningKind,
) -> Result<Option<Buf<R::Word>>, SessionError> {
    s.pass_gate(kind, x.len(), Recipient::One(to))?;
    if s.role() == to.prev() {
        s.send(to.id(), x.own())?;
    }
    if s.role() != to {
        return Ok(None);
    }
    let mut values = Buf::scratch(x.len());
    s.recv(to.prev().id(), &mut values)?;
    R::add_assign(&mut values, x.own());
    R::add_assign(&mut values, x.next());
    Ok(Some(values))
}

/// Twin of [`reveal_to`].
pub fn reveal_to_cost<R: Ring>(m: &mut Meter, n: usize, to: Role, kind: OpeningKind) {
    m.pass_gate(kind, n, Recipient::One(to));
    m.message::<R::Word>(to.prev(), to, n);
}

/// Fresh shares of the same values: what is sealed to the buyer carries nothing of how it was computed.
///
/// # Cost
/// 1 round; each party sends `n` words.
///
/// # Errors
/// Channel errors pass through.
///
/// # Security
/// Semi-honest. The one message is masked by a fresh zero share.
pub fn reshare<R: Ring>(s: &mut Session, x: &Shared<R>) -> Result<Shared<R>, SessionError> {
    let mut own = Buf::scratch(x.len());
    s.prss().zero_share::<R>(&mut own);
    R::add_assign(&mut own, x.own());
    let next = s.exchange::<R>(&own)?;
    Ok(Shared::from_parts(own, next))
}

/// Twin of [`reshare`].
pub fn reshare_cost<R: Ring>(m: &mut Meter, n: usize) {
    m.exchange::<R>(n);
}
