//! A whole run: transfers, instances, and in the malicious model the check of what came out.

use std::fmt;

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::{
    direct,
    instance::{self, Chosen, Instances},
    params::{self, Plan, TREES},
};
use crate::{
    kernels::{Backend, Field, gf128_mul},
    ot::{self, CorrelatedReceiver, CorrelatedSender, Model, PLANES},
    prg::Prg,
    ring::{Buf, Z128},
    session::{Pair, PairCost, SessionError, Side},
};

/// Outputs whose check coefficients are drawn at a time.
const PIECE: usize = 4096;

/// What the sender has: Δ and `B`.
pub struct VoleSender {
    delta: Zeroizing<u128>,
    b: Buf<u128>,
    n: usize,
}

impl VoleSender {
    /// The offset, uniform and nonzero, of this run only. It is secret.
    #[must_use]
    pub fn delta(&self) -> u128 {
        *self.delta
    }

    /// The vector `B`. It is secret.
    #[must_use]
    pub fn b(&self) -> &[u128] {
        &self.b[..self.n]
    }
}

impl fmt::Debug for VoleSender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VoleSender({})", self.n)
    }
}

/// What the receiver has: `A` and `C = A·Δ + B`.
pub struct VoleReceiver {
    a: Buf<u128>,
    c: Buf<u128>,
    n: usize,
}

impl VoleReceiver {
    /// The vector `A`, uniform. It is secret.
    #[must_use]
    pub fn a(&self) -> &[u128] {
        &self.a[..self.n]
    }

    /// The vector `C`. It is secret.
    #[must_use]
    pub fn c(&self) -> &[u128] {
        &self.c[..self.n]
    }
}

impl fmt::Debug for VoleReceiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VoleReceiver({})", self.n)
    }
}

/// The sender's end: a fresh Δ and `B`.
///
/// # Shape
/// `n` outputs, any number; zero outputs take no message.
///
/// # Cost
/// See [`cost`]: 3 rounds (7 in the malicious model); 160 KB for 65,000 outputs, of which 75 KB once a run, and 0.8 B an
/// output for many. About 5 ms (15 ms) for both ends to set up, then 60 ns an output for both together with 512-bit registers.
///
/// # Errors
/// If the receiver sent bad points or, in the malicious model, was found to deviate; channel errors pass through.
///
/// # Security
/// Semi-honest, or malicious as `model` says: then Δ is uniform but for bits that a cheating receiver guessed, where a wrong
/// guess ends the run, and the receiver learns nothing from the check but a hash it can compute.
///
/// # Source
/// See the modules; the check as in Weng, Yang, Katz and Wang, *Wolverine*, S&P 2021, <https://eprint.iacr.org/2020/925>,
/// over the outputs instead of the noise.
pub fn send(
    pair: &mut Pair<'_>,
    n: usize,
    model: Model,
    rng: &mut Prg,
) -> Result<VoleSender, SessionError> {
    if n == 0 {
        return Ok(VoleSender { delta: Zeroizing::new(1), b: Buf::zeroed(0), n });
    }
    let plan = plan(n, model);
    let mut transfers = CorrelatedSender::setup(pair, model, rng)?;
    let rows = transfers.extend(pair, plan.transfers(), rng)?;
    let delta = Zeroizing::new(transfers.delta());
    let b = match &plan {
        Plan::Direct(_) => direct::combine(&rows),
        Plan::Silent(shapes) => {
            let (first, mut rows) = rows.split_at(TREES * PLANES);
            let mut base = direct::combine(first);
            let mut b = Buf::scratch(made(&plan));
            let mut instances = Instances::new(Field::Gf128);
            let mut at = 0;
            for shape in shapes {
                let (own, rest) = rows.split_at(shape.transfers());
                rows = rest;
                let out = &mut b[at..at + shape.outputs()];
                instances.send(pair, *shape, (*delta, own, &base), out, rng)?;
                at += shape.outputs() - TREES;
                base.copy_from_slice(&b[at..at + TREES]);
            }
            b
        }
    };
    if model.checks() {
        let [low, high] = pair.recv_array::<32>().map(|bytes| halves(&bytes))?;
        let [sum] = weighted_sums(&low.to_le_bytes(), [&b[..n]]);
        pair.send(&shown(sum ^ b[n] ^ gf128_mul(high, *delta)))?;
    }
    Ok(VoleSender { delta, b, n })
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
/// If the sender sent bad points or, in the malicious model, was found to deviate; channel errors pass through.
///
/// # Security
/// As of [`send`]: a cheating sender that passes the check has guessed positions of the noise, and a wrong guess ends the run.
pub fn receive(
    pair: &mut Pair<'_>,
    n: usize,
    model: Model,
    rng: &mut Prg,
) -> Result<VoleReceiver, SessionError> {
    if n == 0 {
        return Ok(VoleReceiver { a: Buf::zeroed(0), c: Buf::zeroed(0), n });
    }
    let plan = plan(n, model);
    let mut transfers = CorrelatedReceiver::setup(pair, model, rng)?;
    let bits = Zeroizing::new(rng.elements::<Z128>(plan.transfers() / PLANES).to_vec());
    let rows = transfers.extend(pair, bytemuck::cast_slice(&bits), plan.transfers(), rng)?;
    let [a, c] = match &plan {
        Plan::Direct(_) => [Buf::copy_of(&bits), direct::combine(&rows)],
        Plan::Silent(shapes) => {
            let (first, mut rows) = rows.split_at(TREES * PLANES);
            let (beta, mut bits) = bits.split_at(TREES);
            let mut base = [Buf::copy_of(beta), direct::combine(first)];
            let [mut a, mut c] = [Buf::scratch(made(&plan)), Buf::scratch(made(&plan))];
            let mut instances = Instances::new(Field::Gf128);
            let mut at = 0;
            for shape in shapes {
                let (own, rest) = rows.split_at(shape.transfers());
                let (own_bits, rest_bits) = bits.split_at(shape.depth);
                (rows, bits) = (rest, rest_bits);
                let chosen = Chosen { rows: own, bits: own_bits, base: [&base[0], &base[1]] };
                let end = at + shape.outputs();
                instances.receive(pair, *shape, &chosen, [&mut a[at..end], &mut c[at..end]])?;
                at = end - TREES;
                base[0].copy_from_slice(&a[at..end]);
                base[1].copy_from_slice(&c[at..end]);
            }
            [a, c]
        }
    };
    if model.checks() {
        check(pair, [&a, &c], n, rng)?;
    }
    Ok(VoleReceiver { a, c, n })
}

/// The price of a run.
pub fn cost(cost: &mut PairCost, n: usize, model: Model) {
    if n == 0 {
        return;
    }
    let plan = plan(n, model);
    ot::setup_cost(cost, Side::Sender, model);
    ot::extend_cost(cost, Side::Sender, plan.transfers(), model);
    if let Plan::Silent(shapes) = &plan {
        shapes.iter().for_each(|shape| instance::cost(cost, *shape));
    }
    if model.checks() {
        cost.message::<u8>(Side::Receiver, 32);
        cost.message::<u8>(Side::Sender, 32);
    }
}

/// How the outputs are made, and the one that hides the check.
fn plan(n: usize, model: Model) -> Plan {
    Plan::new(n + usize::from(model.checks()))
}

/// Outputs of all instances, of which each but the last loses those it starts the next with.
fn made(plan: &Plan) -> usize {
    match plan {
        Plan::Direct(n) => *n,
        Plan::Silent(shapes) => params::made(shapes),
    }
}

/// The receiver's check of all outputs at once: a random sum of `A`, hidden by one more output, against that of `B`.
fn check(
    pair: &mut Pair<'_>,
    [a, c]: [&[u128]; 2],
    n: usize,
    rng: &mut Prg,
) -> Result<(), SessionError> {
    let mut seed = [0];
    rng.fill::<Z128>(&mut seed);
    let [sum_a, sum_c] = weighted_sums(&seed[0].to_le_bytes(), [&a[..n], &c[..n]]);
    pair.send(&[seed[0], sum_a ^ a[n]])?;
    let theirs = pair.recv_array::<32>()?;
    if bool::from(shown(sum_c ^ c[n]).ct_eq(&theirs)) {
        return Ok(());
    }
    Err(pair.inconsistent("the outputs of a vector evaluation"))
}

/// `Σ χ_i·v_i` of each vector `v`, for coefficients from a seed.
fn weighted_sums<const V: usize>(seed: &[u8; 16], vectors: [&[u128]; V]) -> [u128; V] {
    let mut coefficients = Prg::new(seed);
    let mut drawn = Buf::scratch(PIECE);
    let mut sums = [0; V];
    let n = vectors.first().map_or(0, |vector| vector.len());
    for at in (0..n).step_by(PIECE) {
        let end = n.min(at + PIECE);
        let drawn = &mut drawn[..end - at];
        coefficients.fill::<Z128>(drawn);
        for (sum, vector) in sums.iter_mut().zip(vectors) {
            Backend::active().gf128_inner(sum, &vector[at..end], drawn);
        }
    }
    sums
}

/// What the sender shows of its sum.
fn shown(sum: u128) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new_derive_key("unseen 2026-11 vector evaluation: check");
    hasher.update(&sum.to_le_bytes());
    hasher.finalize().into()
}

fn halves(bytes: &[u8; 32]) -> [u128; 2] {
    bytemuck::cast(*bytes)
}

#[cfg(test)]
mod tests;
