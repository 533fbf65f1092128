//! The sums of a training by masks, from the names of its plan and the keys that are pinned here.

use ed25519_dalek::VerifyingKey;
use federated::round::Masks;

use crate::{
    identity::{Hash32, Pins},
    job::{Failure, Reason, Stage},
    plan::Plan,
};

/// Whose sums they are: the providers' keys are those that this party has pinned, whoever relays them.
pub(super) fn masks(plan: &Plan, pins: &Pins, run: Hash32) -> Result<Masks, Failure> {
    let internal = |words: &str| Failure::new(Reason::Internal, Stage::Connect, words);
    let (_, of) = plan.training().ok_or_else(|| internal("there is no training"))?;
    let threshold = of.threshold().ok_or_else(|| internal("updates are not masked"))?;
    let key = |party| {
        let unknown =
            |words: String| Failure::new(Reason::PartyUnknown, Stage::Connect, words).at(party);
        let pin = pins.of(party).map_err(|error| unknown(error.to_string()))?;
        VerifyingKey::from_bytes(pin.key.as_bytes())
            .map_err(|_| unknown("the key that is pinned of it is none".to_owned()))
    };
    let keys = of.owners(plan).map(|input| key(&input.party)).collect::<Result<_, _>>()?;
    Ok(Masks { run: run.0, keys, threshold })
}
