//! A whole run.

use std::fmt;

use zeroize::Zeroizing;

use super::{
    super::params::{LARGE_DEPTHS, Shape, TREES, made, shapes},
    instance::{self, Chosen, Given, SubfieldInstances},
    offset::{BITS, chosen, combine, split},
};
use crate::{
    ot::{self, CorrelatedReceiver, CorrelatedSender, Model},
    prg::Prg,
    ring::{Buf, Z128},
    session::{Pair, PairCost, SessionError, Side},
};

/// What the sender has: Δ and `B`, both in two coordinates.
pub struct SubfieldSender {
    delta: Zeroizing<[u128; 2]>,
    b: [Buf<u128>; 2],
    n: usize,
}

impl SubfieldSender {
    /// The offset, of this run only: uniform of 128 bits, 80 of the first coordinate and 48 of the second. It is secret.
    #[must_use]
    pub fn delta(&self) -> &[u128; 2] {
        &self.delta
    }

    /// The vectors `B`. They are secret.
    #[must_use]
    pub fn b(&self) -> [&[u128]; 2] {
        self.b.each_ref().map(|b| &b[..self.n])
    }
}

impl fmt::Debug for SubfieldSender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SubfieldSender({})", self.n)
    }
}

/// What the receiver has: `A`, and `C = A·Δ + B` in two coordinates.
pub struct SubfieldReceiver {
    a: Buf<u128>,
    c: [Buf<u128>; 2],
    n: usize,
}

impl SubfieldReceiver {
    /// The vector `A`, uniform in GF(2^80). It is secret.
    #[must_use]
    pub fn a(&self) -> &[u128] {
        &self.a[..self.n]
    }

    /// The vectors `C`. They are secret.
    #[must_use]
    pub fn c(&self) -> [&[u128]; 2] {
        self.c.each_ref().map(|c| &c[..self.n])
    }
}

impl fmt::Debug for SubfieldReceiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SubfieldReceiver({})", self.n)
    }
}

/// The sender's end: a fresh Δ and `B`.
///
/// # Shape
/// `n` outputs, any number; zero outputs take no message.
///
/// # Cost
/// See [`cost`]: 50 KB once a run, and about an eighth of a byte an output for many.
///
/// # Errors
/// If the receiver sent bad points; channel errors pass through.
///
/// # Security
/// Semi-honest; see the module.
pub fn send(pair: &mut Pair<'_>, n: usize, rng: &mut Prg) -> Result<SubfieldSender, SessionError> {
    if n == 0 {
        return Ok(SubfieldSender { delta: Zeroizing::new([0; 2]), b: empty(), n });
    }
    let plan = Plan::new(n);
    let mut transfers = CorrelatedSender::setup(pair, Model::SemiHonest, rng)?;
    let rows = transfers.extend(pair, plan.transfers(), rng)?;
    let delta = Zeroizing::new(transfers.delta());
    let (first, mut rows) = rows.split_at(TREES * BITS);
    let mut base = combine(first);
    let mut b = if plan.0.is_empty() { base.clone() } else { plan.room() };
    let mut instances = SubfieldInstances::new();
    let mut at = 0;
    for shape in plan.0 {
        let (own, rest) = rows.split_at(shape.transfers());
        rows = rest;
        let end = at + shape.outputs();
        let given = Given { transfers: (*delta, own), base: base.each_ref().map(|base| &**base) };
        let out = b.each_mut().map(|b| &mut b[at..end]);
        instances.send(pair, shape, &given, out, rng)?;
        at = end - TREES;
        base = b.each_ref().map(|b| Buf::copy_of(&b[at..end]));
    }
    Ok(SubfieldSender { delta: Zeroizing::new(split(*delta)), b, n })
}

/// The receiver's end: `A` and `C`.
///
/// # Shape
/// As of [`send`].
///
/// # Cost
/// As of [`send`].
///
/// # Errors
/// If the sender sent bad points; channel errors pass through.
///
/// # Security
/// As of [`send`].
pub fn receive(
    pair: &mut Pair<'_>,
    n: usize,
    rng: &mut Prg,
) -> Result<SubfieldReceiver, SessionError> {
    if n == 0 {
        return Ok(SubfieldReceiver { a: Buf::zeroed(0), c: empty(), n });
    }
    let plan = Plan::new(n);
    let mut transfers = CorrelatedReceiver::setup(pair, Model::SemiHonest, rng)?;
    let bits = Zeroizing::new(rng.elements::<Z128>(plan.transfers() / TREES).to_vec());
    let rows = transfers.extend(pair, bytemuck::cast_slice(&bits), plan.transfers(), rng)?;
    let (first, mut rows) = rows.split_at(TREES * BITS);
    let (first_bits, mut bits) = bits.split_at(BITS);
    let (mut beta, mut base) = (chosen(first_bits), combine(first));
    if plan.0.is_empty() {
        return Ok(SubfieldReceiver { a: beta, c: base, n });
    }
    let ([mut a, _], mut c) = (plan.room(), plan.room());
    let mut instances = SubfieldInstances::new();
    let mut at = 0;
    for shape in plan.0 {
        let (own, rest) = rows.split_at(shape.transfers());
        let (own_bits, rest_bits) = bits.split_at(shape.depth);
        (rows, bits) = (rest, rest_bits);
        let base_parts = base.each_ref().map(|base| &**base);
        let chosen = Chosen { transfers: (own, own_bits), beta: &beta, base: base_parts };
        let end = at + shape.outputs();
        let out = c.each_mut().map(|c| &mut c[at..end]);
        instances.receive(pair, shape, &chosen, &mut a[at..end], out)?;
        at = end - TREES;
        beta = Buf::copy_of(&a[at..end]);
        base = c.each_ref().map(|c| Buf::copy_of(&c[at..end]));
    }
    Ok(SubfieldReceiver { a, c, n })
}

/// The price of a run.
pub fn cost(cost: &mut PairCost, n: usize) {
    if n == 0 {
        return;
    }
    let plan = Plan::new(n);
    ot::setup_cost(cost, Side::Sender, Model::SemiHonest);
    ot::extend_cost(cost, Side::Sender, plan.transfers(), Model::SemiHonest);
    plan.0.iter().for_each(|shape| instance::cost(cost, *shape));
}

/// The instances that follow the first [`TREES`] outputs, which come from transfers alone.
struct Plan(Vec<Shape>);

impl Plan {
    fn new(n: usize) -> Self {
        Self(if n <= TREES { Vec::new() } else { shapes(n, LARGE_DEPTHS) })
    }

    fn transfers(&self) -> usize {
        TREES * BITS + self.0.iter().map(|shape| shape.transfers()).sum::<usize>()
    }

    fn room(&self) -> [Buf<u128>; 2] {
        [(); 2].map(|()| Buf::scratch(made(&self.0)))
    }
}

fn empty() -> [Buf<u128>; 2] {
    [(); 2].map(|()| Buf::zeroed(0))
}

#[cfg(test)]
mod tests;
