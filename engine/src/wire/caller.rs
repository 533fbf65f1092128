//! Who calls.

use tonic::Request;

use crate::{
    identity::PartyName,
    job::{Failure, Reason, Stage},
    link::Peer,
};

/// The party whose pinned key the caller's connection has.
///
/// # Errors
/// [`Reason::PermissionDenied`] if the request came over no such connection.
pub fn caller<T>(request: &Request<T>, stage: Stage) -> Result<PartyName, Failure> {
    let peer = request.extensions().get::<Peer>();
    peer.map(|peer| peer.0.clone()).ok_or_else(|| {
        Failure::new(Reason::PermissionDenied, stage, "the connection has no pinned party")
    })
}

/// Refuses a caller other than `allowed`.
///
/// # Errors
/// [`Reason::PermissionDenied`].
pub fn only<T>(request: &Request<T>, allowed: &PartyName, stage: Stage) -> Result<(), Failure> {
    let caller = caller(request, stage)?;
    if caller == *allowed {
        return Ok(());
    }
    let words = format!("{caller} may not call this; {allowed} may");
    Err(Failure::new(Reason::PermissionDenied, stage, words))
}
