//! The correlations that instances take, over whichever field the stores' values are of: one coordinate or two.

use std::ops::Range;

use crate::{
    kernels::Field,
    prg::Prg,
    session::{Pair, PairCost, SessionError},
    vole::{
        self, Model, VoleReceiver, VoleSender,
        subfield::{self, SubfieldReceiver, SubfieldSender},
    },
};

/// What the sender has for a group of instances.
pub(in crate::psi) enum SenderCorrelations {
    Full(VoleSender),
    Short(SubfieldSender),
}

/// What the receiver has.
pub(in crate::psi) enum ReceiverCorrelations {
    Full(VoleReceiver),
    Short(SubfieldReceiver),
}

impl SenderCorrelations {
    /// Makes `n` of them. The model is for values of 128 bits: with shorter ones there is only the semi-honest.
    pub(in crate::psi) fn make(
        pair: &mut Pair<'_>,
        field: Field,
        n: usize,
        model: Model,
        rng: &mut Prg,
    ) -> Result<Self, SessionError> {
        match field {
            Field::Gf128 => vole::send(pair, n, model, rng).map(Self::Full),
            Field::Gf80 => subfield::send(pair, n, rng).map(Self::Short),
        }
    }

    /// A part of `B` and `Δ`, by coordinates.
    pub(in crate::psi) fn part(&self, slots: Range<usize>) -> Vec<(&[u128], u128)> {
        match self {
            Self::Full(vole) => vec![(&vole.b()[slots], vole.delta())],
            Self::Short(vole) => {
                let parts = vole.b().map(|b| &b[slots.clone()]);
                parts.into_iter().zip(*vole.delta()).collect()
            }
        }
    }
}

impl ReceiverCorrelations {
    /// As of [`SenderCorrelations::make`].
    pub(in crate::psi) fn make(
        pair: &mut Pair<'_>,
        field: Field,
        n: usize,
        model: Model,
        rng: &mut Prg,
    ) -> Result<Self, SessionError> {
        match field {
            Field::Gf128 => vole::receive(pair, n, model, rng).map(Self::Full),
            Field::Gf80 => subfield::receive(pair, n, rng).map(Self::Short),
        }
    }

    /// A part of `A`.
    pub(in crate::psi) fn a(&self, slots: Range<usize>) -> &[u128] {
        match self {
            Self::Full(vole) => &vole.a()[slots],
            Self::Short(vole) => &vole.a()[slots],
        }
    }

    /// A part of `C`, by coordinates.
    pub(in crate::psi) fn c(&self, slots: Range<usize>) -> Vec<&[u128]> {
        match self {
            Self::Full(vole) => vec![&vole.c()[slots]],
            Self::Short(vole) => vole.c().into_iter().map(|c| &c[slots.clone()]).collect(),
        }
    }
}

/// The price of `n` correlations.
pub(in crate::psi) fn correlations_cost(c: &mut PairCost, field: Field, n: usize, model: Model) {
    match field {
        Field::Gf128 => vole::cost(c, n, model),
        Field::Gf80 => subfield::cost(c, n),
    }
}
