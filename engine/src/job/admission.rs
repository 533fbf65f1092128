//! What everybody checks of a specification before compiling anything.

use std::collections::BTreeSet;

use super::{
    failure::{Failure, Stage},
    reason::Reason,
    spec::{JobSpec, SPEC_DOMAIN, SpecError},
};
use crate::identity::{Pins, Signed, UnknownParty};

/// Largest specification, in bytes.
const MAX_SPEC_BYTES: usize = 1 << 18;

/// Reads a specification and checks signature, form, time and parties against one's own pins.
///
/// # Errors
/// [`Failure`] with the reason a buyer can act on.
pub fn admit(
    json: &[u8],
    stage: Stage,
    pins: &Pins,
    now_ms: i64,
) -> Result<Signed<JobSpec>, Failure> {
    let fail = |reason, words: String| Failure::new(reason, stage, words);
    if json.len() > MAX_SPEC_BYTES {
        let words = format!("a job specification has at most {MAX_SPEC_BYTES} bytes");
        return Err(fail(Reason::SpecInvalid, words));
    }
    let signed: Signed<JobSpec> = serde_json::from_slice(json)
        .map_err(|error| fail(Reason::SpecInvalid, format!("job specification: {error}")))?;
    check(&signed, stage, pins, now_ms)?;
    Ok(signed)
}

fn check(signed: &Signed<JobSpec>, stage: Stage, pins: &Pins, now_ms: i64) -> Result<(), Failure> {
    let fail = |reason, words: String| Failure::new(reason, stage, words);
    let unknown = |error: UnknownParty| fail(Reason::PartyUnknown, error.to_string());
    let spec = &signed.body;
    if signed.party != spec.buyer {
        let words = format!("{} signed a job of {}", signed.party, spec.buyer);
        return Err(fail(Reason::SignatureInvalid, words));
    }
    let buyer = pins.of(&spec.buyer).map_err(unknown)?;
    signed
        .verify(SPEC_DOMAIN, &buyer.key)
        .map_err(|error| fail(Reason::SignatureInvalid, error.to_string()))?;
    spec.check(now_ms).map_err(|error| match error {
        SpecError::Expired => fail(Reason::DeadlineExceeded, error.to_string()),
        SpecError::Malicious => fail(Reason::Unsupported, error.to_string()),
        error => fail(Reason::SpecInvalid, error.to_string()),
    })?;
    if buyer.sealing_key.is_some_and(|pinned| pinned != spec.sealing_key) {
        let words = format!("sealing_key: is not the one pinned for {}", spec.buyer);
        return Err(fail(Reason::SpecInvalid, words));
    }
    let mut organisations = BTreeSet::from([buyer.organisation.as_str()]);
    for party in &spec.compute {
        let pin = pins.of(party).map_err(unknown)?;
        if !organisations.insert(&pin.organisation) {
            let words = format!(
                "compute: {party} belongs to {}, which takes part already; the buyer and the three \
                 compute parties must be of four organisations",
                pin.organisation
            );
            return Err(fail(Reason::SpecInvalid, words));
        }
    }
    Ok(())
}
