//! Division by a power of two: fraction bits that a product has too many are dropped.
//!
//! With `u = x_0 + x_1` at P0 and `v = x_2` at P1 and P2, `x = u + v − 2^64·w`, and so
//! `x / 2^t = u / 2^t + v / 2^t − 2^(64−t)·w` up to rounding. Adding 2^62 first makes the top bit of `x` zero; the wrap is then
//! `w = msb(u) ∨ msb(v) = a + b − a·b`, and only `a·b` is a product: of a bit that P0 knows and a bit that P1 and P2 know, and
//! only modulo 2^t. Truncation of two summands with their wrap taken off, off by one unit at most, where a known top bit of the sum
//! makes the wrap one product: \[Cheetah\] Huang, Lu, Hong, Ding, "Cheetah: Lean and Fast Secure Two-Party Deep Neural Network
//! Inference", USENIX Security 2022, <https://eprint.iacr.org/2022/207>; wrap from the top bit: \[SiRNN\] Rathee et al., "SiRNN: A
//! Math Library for Secure RNN Inference", IEEE S&P 2021, <https://eprint.iacr.org/2021/459>. Both multiply by oblivious transfer;
//! here it is \[ABY3\] <https://eprint.iacr.org/2018/403> §5.4 (product of a bit at one party and one at two).
//!
//! `u` is rounded up and `v` down. `v` is uniform modulo 2^t and so is `u`; the result is one of the two multiples next to
//! `x / 2^t`, and it is the upper one with a probability equal to the fraction: unbiased, and exact where nothing is lost.
//! A sharing with a summand that is not uniform (a constant that one party added, say) is truncated to one of the same two
//! multiples, but may be rounded with a bias; where roles are turned, that party's rows are another third of the column.

use super::{
    format::{Fixed, FixedError, Tolerance, unit},
    known::{BATCH, Narrow, batches, held, in_clear},
};
use crate::{
    mpc::spread::{cut, spread, spread_cost},
    party::Role,
    ring::{Buf, Ring, Z32, Z64},
    session::{Meter, Session, SessionError},
    share::Shared,
};

/// Added to `x` so that its top bit is zero.
const OFFSET: u64 = 1 << 62;

/// A checked truncation: how many bits go, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Truncation {
    drop: u32,
    local: bool,
    out: Fixed,
}

impl Truncation {
    /// Truncation to `frac` fraction bits, exact up to one unit for every value of the range.
    ///
    /// # Errors
    /// [`FixedError::Fraction`] unless that drops some.
    pub fn exact(from: Fixed, frac: u32) -> Result<Self, FixedError> {
        Self::new(from, frac, false)
    }

    /// Truncation of `count` values in one round and with no product: each shares' half shifted where it is. A value is off by
    /// 2^(64−t) with a probability of |x| / 2^63, so it is for few and small values only.
    ///
    /// # Errors
    /// [`FixedError::Unsafe`] unless bits + 1 − 64 + log2(count) ≤ −40; [`FixedError::Fraction`] as for [`Self::exact`].
    pub fn local(from: Fixed, frac: u32, count: usize) -> Result<Self, FixedError> {
        let bits = from.bits();
        let log = count.max(1).next_power_of_two().trailing_zeros();
        if bits + 1 + log + 40 > 64 {
            return Err(FixedError::Unsafe { bits, count });
        }
        Self::new(from, frac, true)
    }

    fn new(from: Fixed, frac: u32, local: bool) -> Result<Self, FixedError> {
        let fraction = FixedError::Fraction { what: "truncation", from: from.frac(), to: frac };
        let drop = from.frac().checked_sub(frac).filter(|drop| *drop > 0).ok_or(fraction)?;
        let (low, high) = from.words();
        // Either neighbour may come out.
        let out = Fixed::of_words(frac, low >> drop, (high >> drop) + 1)?;
        Ok(Self { drop, local, out })
    }

    /// What comes out.
    #[must_use]
    pub fn out(&self) -> Fixed {
        self.out
    }

    /// How far the result may be off: less than one unit.
    #[must_use]
    pub fn error(&self) -> Tolerance {
        Tolerance { absolute: 1.0 / unit(self.out.frac()), relative: 0.0 }
    }
}

/// Drops fraction bits: `x / 2^t`, rounded to one of the two neighbours at random, so that its expectation is exact.
///
/// The randomness is that of the sharing: summand 2 must be uniform modulo 2^t, as it is of any product, dealt value or input
/// by P1 or P2; what P0 put in as it stands is always rounded up.
///
/// # Shape
/// `n` values; returns `n`.
///
/// # Cost
/// 2 rounds; P0 sends one word and one of the product's ring a value (4 bytes where t ≤ 32, else 8), P1 and P2 one of the
/// product's ring each: 20 bytes a value in all. Local: 1 round, P0 sends one word.
///
/// # Errors
/// Channel errors pass through.
///
/// # Security
/// Semi-honest, one corrupted party. P1 receives a bit of `u` under the key that P0 and P2 share, and P2's half of the product
/// under the same key further on; P2 receives P0's rounded `u`, and P1's half of the product, both under the key P0 and P1
/// share; P0 receives nothing.
///
/// # Source
/// See the module; local truncation is \[ABY3\] §5.2 (Π_trunc1) with the rounding made symmetric.
pub fn truncate(
    s: &mut Session,
    x: &Shared<Z64>,
    plan: &Truncation,
) -> Result<Shared<Z64>, SessionError> {
    spread(s, x.len(), |s, rows| {
        let known = in_clear(s.role(), &cut(x, &rows));
        shift(s, known, plan)
    })
}

/// Twin of [`truncate`].
pub fn truncate_cost(m: &mut Meter, n: usize, plan: &Truncation) {
    spread_cost(m, n, |m, n| shift_cost(m, n, plan));
}

/// Truncates what stands as `u` at P0 and as `v` at P1 and P2; each gives the word it knows.
pub(super) fn shift(
    s: &mut Session,
    known: Buf<u64>,
    plan: &Truncation,
) -> Result<Shared<Z64>, SessionError> {
    match (plan.drop, plan.local) {
        (_, true) => shift_local(s, known, plan.drop),
        (0..=32, _) => shift_exact::<Z32>(s, known, plan.drop),
        _ => shift_exact::<Z64>(s, known, plan.drop),
    }
}

pub(super) fn shift_cost(m: &mut Meter, n: usize, plan: &Truncation) {
    let narrow = if plan.drop <= 32 { 4 } else { 8 };
    for rows in batches(n) {
        if !plan.local {
            m.messages(&[(Role::P0, Role::P1, narrow * rows.len())]);
        }
    }
    if !plan.local {
        let trades = batches(n).flat_map(|rows| {
            let bytes = narrow * rows.len();
            [(Role::P1, Role::P2, bytes), (Role::P2, Role::P1, bytes)]
        });
        m.messages(&trades.collect::<Vec<_>>());
    }
    for rows in batches(n) {
        m.messages(&[(Role::P0, Role::P2, 8 * rows.len())]);
    }
}

/// One party's buffers of a result: its own and its next summand.
struct Halves(Buf<u64>, Buf<u64>);

fn shift_exact<R: Narrow>(
    s: &mut Session,
    known: Buf<u64>,
    t: u32,
) -> Result<Shared<Z64>, SessionError> {
    let mut out = Halves(Buf::scratch(known.len()), Buf::scratch(known.len()));
    match s.role() {
        Role::P0 => upper::<R>(s, &known, t, &mut out)?,
        Role::P1 => lower_first::<R>(s, &known, t, &mut out)?,
        Role::P2 => lower_second::<R>(s, &known, t, &mut out)?,
    }
    Ok(Shared::from_parts(out.0, out.1))
}

/// Keystreams of one batch, drawn alike at all parties.
struct Masks<R: Ring> {
    /// Summand 1 of the rounded `u`.
    up: Option<Buf<u64>>,
    /// P2's half of the top bit of `u`.
    bit: Option<Buf<R::Word>>,
    /// Summands 0 and 1 of the product of the top bits.
    product: [Option<Buf<R::Word>>; 2],
}

impl<R: Ring> Masks<R> {
    fn draw(s: &mut Session, n: usize) -> Self {
        Self {
            up: s.prss().summand::<Z64>(Role::P1, n),
            bit: s.prss().summand::<R>(Role::P0, n),
            product: [Role::P0, Role::P1].map(|index| s.prss().summand::<R>(index, n)),
        }
    }
}

/// P0: shares the rounded `u` and its top bit.
fn upper<R: Narrow>(
    s: &mut Session,
    known: &[u64],
    t: u32,
    out: &mut Halves,
) -> Result<(), SessionError> {
    for rows in batches(known.len()) {
        let masks = Masks::<R>::draw(s, rows.len());
        let [product_0, product_1] = masks.product.map(held);
        let (up, bit) = (held(masks.up), held(masks.bit));
        let mut rest = Buf::<R::Word>::scratch(rows.len());
        let (own, next) = (&mut out.0[rows.clone()], &mut out.1[rows.clone()]);
        for (i, u) in known[rows].iter().enumerate() {
            let u = u.wrapping_add(OFFSET);
            let wrap = u >> 63;
            let rounded = (u >> t) + u64::from(u << (64 - t) != 0);
            let rounded = rounded.wrapping_sub(wrap << (64 - t)).wrapping_sub(OFFSET >> t);
            rest[i] = R::narrow(wrap.wrapping_sub(R::wide(bit[i])));
            own[i] = rounded.wrapping_sub(up[i]);
        }
        s.send(Role::P1.id(), &rest)?;
        s.send(Role::P2.id(), own)?;
        for i in 0..own.len() {
            own[i] = own[i].wrapping_add(R::wide(product_0[i]) << (64 - t));
            next[i] = up[i].wrapping_add(R::wide(product_1[i]) << (64 - t));
        }
    }
    Ok(())
}

/// `v / 2^t`, rounded down, less its top bit's share of the wrap.
fn lower(v: u64, t: u32) -> u64 {
    (v >> t).wrapping_sub((v >> 63) << (64 - t))
}

/// P1: its half of the product of the top bits needs what P0 sends.
fn lower_first<R: Narrow>(
    s: &mut Session,
    known: &[u64],
    t: u32,
    out: &mut Halves,
) -> Result<(), SessionError> {
    for rows in batches(known.len()) {
        let masks = Masks::<R>::draw(s, rows.len());
        let up = held(masks.up);
        let [_, product] = masks.product;
        let product = held(product);
        let mut half = Buf::<R::Word>::scratch(rows.len());
        s.recv(Role::P0.id(), &mut half)?;
        let (own, next) = (&mut out.0[rows.clone()], &mut out.1[rows.clone()]);
        for (i, v) in known[rows].iter().enumerate() {
            let mine = R::wide(half[i]) & (v >> 63).wrapping_neg();
            half[i] = R::narrow(mine.wrapping_sub(R::wide(product[i])));
            own[i] = up[i].wrapping_add(R::wide(product[i]) << (64 - t));
            next[i] = lower(*v, t).wrapping_add(R::wide(half[i]) << (64 - t));
        }
        s.send(Role::P2.id(), &half)?;
    }
    add_halves::<R>(s, Role::P2, t, &mut out.1)
}

/// P2: its half of the product needs nothing.
fn lower_second<R: Narrow>(
    s: &mut Session,
    known: &[u64],
    t: u32,
    out: &mut Halves,
) -> Result<(), SessionError> {
    for rows in batches(known.len()) {
        let masks = Masks::<R>::draw(s, rows.len());
        let [product, _] = masks.product;
        let (bit, product) = (held(masks.bit), held(product));
        let mut half = Buf::<R::Word>::scratch(rows.len());
        let (own, next) = (&mut out.0[rows.clone()], &mut out.1[rows.clone()]);
        for (i, v) in known[rows].iter().enumerate() {
            let mine = R::wide(bit[i]) & (v >> 63).wrapping_neg();
            half[i] = R::narrow(mine.wrapping_sub(R::wide(product[i])));
            own[i] = lower(*v, t).wrapping_add(R::wide(half[i]) << (64 - t));
            next[i] = R::wide(product[i]) << (64 - t);
        }
        s.send(Role::P1.id(), &half)?;
    }
    add_halves::<R>(s, Role::P1, t, &mut out.0)?;
    let mut rounded = Buf::scratch(BATCH.min(known.len()));
    for rows in batches(known.len()) {
        s.recv(Role::P0.id(), &mut rounded[..rows.len()])?;
        Z64::add_assign(&mut out.1[rows.clone()], &rounded[..rows.len()]);
    }
    Ok(())
}

/// Adds the peer's half of the product of the top bits.
fn add_halves<R: Narrow>(
    s: &mut Session,
    peer: Role,
    t: u32,
    summand: &mut [u64],
) -> Result<(), SessionError> {
    let mut theirs = Buf::<R::Word>::scratch(BATCH.min(summand.len()));
    for rows in batches(summand.len()) {
        let theirs = &mut theirs[..rows.len()];
        s.recv(peer.id(), theirs)?;
        for (word, half) in summand[rows].iter_mut().zip(theirs) {
            *word = word.wrapping_add(R::wide(*half) << (64 - t));
        }
    }
    Ok(())
}

/// Each side's word as a signed number, shifted.
fn shift_local(s: &mut Session, mut known: Buf<u64>, t: u32) -> Result<Shared<Z64>, SessionError> {
    let n = known.len();
    let mut other = Buf::scratch(n);
    for rows in batches(n) {
        let up = s.prss().summand::<Z64>(Role::P1, rows.len());
        let known = &mut known[rows.clone()];
        match (s.role(), up) {
            (Role::P0, Some(up)) => {
                for (word, up) in known.iter_mut().zip(up.iter()) {
                    let rounded = (word.cast_signed() >> t).cast_unsigned();
                    let lost = u64::from(*word << (64 - t) != 0);
                    *word = rounded.wrapping_add(lost).wrapping_sub(*up);
                }
                s.send(Role::P2.id(), known)?;
                other[rows].copy_from_slice(&up);
            }
            (role, up) => {
                known.iter_mut().for_each(|v| *v = (v.cast_signed() >> t).cast_unsigned());
                match up {
                    Some(up) => other[rows].copy_from_slice(&up),
                    None => debug_assert_eq!(role, Role::P2),
                }
            }
        }
    }
    Ok(match s.role() {
        Role::P0 => Shared::from_parts(known, other),
        Role::P1 => Shared::from_parts(other, known),
        Role::P2 => {
            for rows in batches(n) {
                s.recv(Role::P0.id(), &mut other[rows])?;
            }
            Shared::from_parts(known, other)
        }
    })
}
