//! How updates are weighed, checked before it is done.

use protocols::{
    mpc::fixed::{Fixed, FixedError, Truncation},
    party::PartyId,
};

use crate::{
    gate::Gates,
    model::Network,
    round::{Course, RoundError},
    strategy::Rule,
};

/// Parts of the validation rows, each of which gives a value of its own.
pub(super) const FOLDS: usize = 8;
/// Fractional bits of a product of an update with a direction, over all weights.
pub(super) const PRODUCT_BITS: u32 = 52;
/// Fractional bits of a value.
pub(super) const VALUE_BITS: u32 = 20;
/// Products stay below 2^61.
pub(super) const MOST: f64 = (1 << (61 - PRODUCT_BITS)) as f64;
/// Fractional bits of an update at most: what it does not take is left for the direction.
pub const UPDATE_BITS: u32 = 20;

/// How values are worked out.
#[derive(Clone, Debug, PartialEq)]
pub struct Worth {
    pub(super) network: Network,
    pub(super) validator: PartyId,
    pub(super) rows: usize,
    pub(super) rounding: Truncation,
}

impl Worth {
    /// By the loss of a model on at most so many validation rows of a party that does not train itself.
    ///
    /// # Errors
    /// None that can be: the protocol's own ranges fit.
    pub fn new(network: Network, validator: PartyId, rows: usize) -> Result<Self, FixedError> {
        let product = Fixed::of_words(PRODUCT_BITS, -(1 << 61), (1 << 61) - 1)?;
        let rounding = Truncation::exact(product, VALUE_BITS)?;
        Ok(Self { network, validator, rows, rounding })
    }

    /// Whose rows they are.
    #[must_use]
    pub fn validator(&self) -> PartyId {
        self.validator
    }
}

/// Whether a course can have values, and its gates and step size.
pub(super) fn check(course: &Course) -> Result<(&Gates, f32), RoundError> {
    let no = |what| RoundError::Worth(what);
    let gates = course.gates.as_ref().ok_or(RoundError::Worth("updates are held to no gate"))?;
    if course.privacy.is_some() {
        return Err(no("averages have noise"));
    }
    let Rule::Average { rate } = course.rule else {
        return Err(no("the model moves otherwise than by averages"));
    };
    if course.encoding.bits() > UPDATE_BITS {
        return Err(no("updates are encoded too finely"));
    }
    Ok((gates, rate))
}
