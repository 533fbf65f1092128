//! Where each row goes by one digit alone: a stable counting sort, its result in three additive parts.
//!
//! A digit `d = c ⊕ e` with `c = d_0 ⊕ d_1`, which P0 knows, and `e = d_2`, which P1 and P2 know:
//!
//! 1. P0 shares the unit vector of `c` between P1 and P2: `U = u_0 + u_1`, with `u_0` the keystream of P0 and P2 and `u_1` sent to P1.
//! 2. P1 and P2 each permute their part by `⊕ e`, which makes it a part of the unit vector of `d`; add up the rows so far, and
//!    the rows of smaller digits; that is a part of `t`, the place of the row if its digit were `j`. Permuted back by `⊕ e`, the
//!    row's own place stands at `c`: it is `⟨U, t'⟩ = t'_0 + Σ_{j≥1} U_j·Δ_j` with `Δ_j = t'_j − t'_0`. All of this is local.
//! 3. P1 and P2 exchange their parts of `Δ` under masks that only P0 shares with the sender. That leaves `Δ` replicated:
//!    `−r_2` at P0 and P2, `−r_1` at P0 and P1, the rest at P1 and P2; and `U` is replicated as `u_0`, `u_1` and 0. Each party adds
//!    up its share of the products.
//!
//! A counting sort by shared unit vectors is \[AHI+22\] <https://eprint.iacr.org/2022/1595> §4; a permutation that two parties
//! know, applied by both to their parts, is the step of Chida et al. <https://eprint.iacr.org/2019/695> that shuffles are made of
//! (here it permutes 2^b places within a row); the resharing by the two holders of a value is that of
//! [`inject`](super::inject), the product is \[AFLNO16\]'s. What is saved are the unit vectors' own multiplications, and the
//! resharing of the result: whoever uses it masks it.

use super::{digits::Digits, low_bytes::Narrow};
use crate::{
    kernels::Backend,
    party::Role,
    prss::{Prss, Stretch},
    ring::{Buf, Ring, Z32},
    session::{Meter, Session, SessionError},
};

/// Rows worked on at a time: their lanes fit the first-level cache.
const BLOCK: usize = 512;
/// Rows of a message: the next one is made while this one travels.
const PART: usize = 128 * BLOCK;

type Lane = [u32; BLOCK];

/// This party's part of the places.
///
/// # Cost
/// With `l` lanes (the values of a digit but 0) and words of b bytes, P0 sends P1, and then P1 and P2 send each other, `l·b` bytes a
/// row, a message for each 2^16 rows. P0 waits for nothing, P1 for one message, P2 for two, one after the other.
///
/// # Security
/// Semi-honest, one corrupted party. P0 receives nothing. P1 receives `u_1`, masked by the keystream `u_0`, and P2's `Δ`, masked by
/// `r_2`, another stretch of the same key, which P1 does not have. P2 receives P1's `Δ`, masked by `r_1` of the key of P0 and P1.
pub(super) fn places(
    s: &mut Session,
    digits: &Digits,
    narrow: Narrow,
) -> Result<Buf<u32>, SessionError> {
    let (rows, lanes) = (digits.rows(), lanes(digits.bits()));
    let mut stretch = || s.prss().stretch::<Z32>(rows.div_ceil(BLOCK) * lanes * BLOCK);
    let [unit, from_1, from_2] = [(); 3].map(|()| stretch());
    let streams = Streams { lanes, unit, from_1, from_2 };
    match s.role() {
        Role::P0 => share_units(s, digits, narrow, streams),
        Role::P1 => count(s, digits, narrow, streams, Units::Received(Vec::new())),
        Role::P2 => count(s, digits, narrow, streams, Units::Keystream),
    }
}

/// Twin of [`places`], with messages that are sent before and received after it.
pub(super) fn places_cost(
    m: &mut Meter,
    rows: usize,
    (bits, narrow): (usize, Narrow),
    around: &[(Role, Role, usize)],
) {
    let of = |from, to| {
        let bytes = move |n| narrow.wire_bytes(n * lanes(bits));
        ranges(rows).map(|(_, n)| (from, to, bytes(n))).collect::<Vec<_>>()
    };
    let before = m.depths();
    m.messages_as_of(before, &of(Role::P0, Role::P1));
    // P1 goes on with what P0 sent, before it takes what P2 sends meanwhile.
    let then = m.depths();
    m.messages_as_of(before, &of(Role::P2, Role::P1));
    m.messages_as_of(before, around);
    m.messages_as_of(then, &of(Role::P1, Role::P2));
}

fn lanes(bits: usize) -> usize {
    (1 << bits) - 1
}

/// Where the masks of one digit come from.
#[derive(Clone, Copy)]
struct Streams {
    lanes: usize,
    /// `u_0`, of P0 and P2.
    unit: Stretch,
    /// `r_1`, of P0 and P1.
    from_1: Stretch,
    /// `r_2`, of P0 and P2.
    from_2: Stretch,
}

impl Streams {
    /// A lane (from 1) of the block of rows that begins at `row`.
    fn fill(
        &self,
        prss: &Prss,
        (key, stretch): (Role, Stretch),
        row: usize,
        lane: usize,
        out: &mut [u32],
    ) {
        prss.fill::<Z32>(key, stretch, row * self.lanes + (lane - 1) * BLOCK, out);
    }

    fn units(&self) -> (Role, Stretch) {
        (Role::P0, self.unit)
    }
    fn mask_1(&self) -> (Role, Stretch) {
        (Role::P1, self.from_1)
    }
    fn mask_2(&self) -> (Role, Stretch) {
        (Role::P0, self.from_2)
    }
}

/// The blocks of a part: (first row, rows).
fn blocks(from: usize, rows: usize) -> impl Iterator<Item = (usize, usize)> {
    (from..from + rows).step_by(BLOCK).map(move |row| (row, (from + rows - row).min(BLOCK)))
}

/// The parts: (first row, rows).
fn ranges(rows: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..rows).step_by(PART).map(move |from| (from, (rows - from).min(PART)))
}

/// The place of a block's lane in its part's message, in bytes.
fn place(
    narrow: Narrow,
    lanes: usize,
    (part, row, n): (usize, usize, usize),
    lane: usize,
) -> std::ops::Range<usize> {
    let from = narrow.bytes() * ((row - part) * lanes + (lane - 1) * n);
    from..from + narrow.bytes() * n
}

/// P0's side: shares the unit vectors, and adds up what of the products it can from masks alone.
fn share_units(
    s: &mut Session,
    digits: &Digits,
    narrow: Narrow,
    streams: Streams,
) -> Result<Buf<u32>, SessionError> {
    let (kernels, rows, lanes) = (Backend::active(), digits.rows(), streams.lanes);
    let cut = low_bits(digits.bits());
    let mut out = Buf::<u32>::zeroed(rows);
    let [mut u_0, mut u_1, mut mask]: [Lane; 3] = [[0; BLOCK]; 3];
    let mut known = [0_u8; BLOCK];
    for (part, count) in ranges(rows) {
        let mut wire = narrow.message(count * lanes);
        let bytes: &mut [u8] = bytemuck::cast_slice_mut(&mut wire);
        for (row, n) in blocks(part, count) {
            let both = &digits.bytes()[row..row + n];
            known.iter_mut().zip(both).for_each(|(c, both)| *c = (both ^ both >> 4) & cut);
            let [u_0, u_1, mask] = [&mut u_0[..n], &mut u_1[..n], &mut mask[..n]];
            let out = &mut out[row..row + n];
            for (lane, value) in (1..=lanes).zip(1_u8..) {
                streams.fill(s.prss(), streams.units(), row, lane, u_0);
                u_1.copy_from_slice(u_0);
                kernels.unit_minus_u32(u_1, &known[..n], value);
                let at = place(narrow, lanes, (part, row, n), lane);
                kernels.pack_u32(&mut bytes[at], u_1, narrow.bytes());
                // u_0·Δ_1 + u_1·Δ_0 with Δ_0 = −r_2 and Δ_1 = −r_1; the other products are P1's and P2's.
                streams.fill(s.prss(), streams.mask_1(), row, lane, mask);
                kernels.mul_add_u32(out, u_0, mask);
                streams.fill(s.prss(), streams.mask_2(), row, lane, mask);
                kernels.mul_add_u32(out, u_1, mask);
            }
        }
        s.send(Role::P1.id(), &wire)?;
    }
    Z32::neg_assign(&mut out);
    Ok(out)
}

/// Where P1's or P2's part of the unit vectors comes from.
enum Units {
    /// P1: from P0's messages, kept as they came.
    Received(Vec<Buf<u32>>),
    /// P2: from a key.
    Keystream,
}

/// P1's and P2's side.
struct Counter {
    narrow: Narrow,
    streams: Streams,
    units: Units,
    /// The lanes of a block: first the unit vectors' part.
    u: Vec<Lane>,
    /// The same permuted by `e`, then added up, then permuted back.
    t: Vec<Lane>,
}

fn count(
    s: &mut Session,
    digits: &Digits,
    narrow: Narrow,
    streams: Streams,
    units: Units,
) -> Result<Buf<u32>, SessionError> {
    let [u, t] = [(); 2].map(|()| vec![[0; BLOCK]; streams.lanes + 1]);
    let mut counter = Counter { narrow, streams, units, u, t };
    let before = counter.totals(s, digits)?;
    let mut out = counter.differences(s, digits, before)?;
    counter.products(s, &mut out)?;
    Ok(out)
}

/// The bits of a digit that P1 and P2 know: summand 2.
fn known_to_both(role: Role, digits: &[u8], cut: u8) -> Vec<u8> {
    let shift = if role == Role::P1 { 4 } else { 0 };
    digits.iter().map(|both| both >> shift & cut).collect()
}

fn low_bits(bits: usize) -> u8 {
    u8::MAX >> (8 - bits)
}

/// Permutes the lanes of each row by `⊕ digit`.
fn permute(lanes: &mut [Lane], known: &[u8]) {
    let (kernels, n) = (Backend::active(), known.len());
    for bit in 0..lanes.len().trailing_zeros() {
        let span = 1 << bit;
        for square in lanes.chunks_exact_mut(2 * span) {
            let (low, high) = square.split_at_mut(span);
            for (low, high) in low.iter_mut().zip(high) {
                kernels.swap_where_u32(&mut low[..n], &mut high[..n], known, bit);
            }
        }
    }
}

impl Counter {
    /// A block's part of the unit vectors; the whole vector's sum is 1.
    fn load(&mut self, s: &mut Session, part: usize, row: usize, n: usize) {
        let (kernels, lanes) = (Backend::active(), self.streams.lanes);
        let [zero, rest @ ..] = &mut self.u[..] else { return };
        zero[..n].fill(u32::from(s.role() == Role::P1));
        for (lane, u) in (1..).zip(rest) {
            let u = &mut u[..n];
            match &self.units {
                Units::Received(wires) => {
                    let bytes: &[u8] = bytemuck::cast_slice(&wires[part / PART]);
                    let at = place(self.narrow, lanes, (part, row, n), lane);
                    kernels.unpack_u32(u, &bytes[at], self.narrow.bytes());
                }
                Units::Keystream => {
                    self.streams.fill(s.prss(), self.streams.units(), row, lane, u);
                }
            }
            kernels.sub_u32(&mut zero[..n], u);
        }
    }

    /// How many rows each digit value has, in this party's part; turned into how many rows stand before each, minus 1.
    fn totals(&mut self, s: &mut Session, digits: &Digits) -> Result<Vec<u32>, SessionError> {
        let cut = low_bits(digits.bits());
        let mut totals = vec![0_u32; self.u.len()];
        for (part, count) in ranges(digits.rows()) {
            if let Units::Received(wires) = &mut self.units {
                let mut wire = self.narrow.message(count * self.streams.lanes);
                s.recv(Role::P0.id(), &mut wire)?;
                wires.push(wire);
            }
            for (row, n) in blocks(part, count) {
                self.load(s, part, row, n);
                permute(&mut self.u, &known_to_both(s.role(), &digits.bytes()[row..row + n], cut));
                for (total, lane) in totals.iter_mut().zip(&self.u) {
                    *total = lane[..n].iter().fold(*total, |sum, word| sum.wrapping_add(*word));
                }
            }
        }
        let mut before = 0_u32.wrapping_sub(u32::from(s.role() == Role::P1));
        for total in &mut totals {
            let next = before.wrapping_add(*total);
            *total = std::mem::replace(&mut before, next);
        }
        Ok(totals)
    }

    /// Sends this party's part of the differences, and returns what it can already add up.
    fn differences(
        &mut self,
        s: &mut Session,
        digits: &Digits,
        mut running: Vec<u32>,
    ) -> Result<Buf<u32>, SessionError> {
        let kernels = Backend::active();
        let (me, cut) = (s.role(), low_bits(digits.bits()));
        let mut out = Buf::<u32>::scratch(digits.rows());
        for (part, count) in ranges(digits.rows()) {
            let mut wire = self.narrow.message(count * self.streams.lanes);
            for (row, n) in blocks(part, count) {
                self.load(s, part, row, n);
                self.t.copy_from_slice(&self.u);
                let known = known_to_both(me, &digits.bytes()[row..row + n], cut);
                permute(&mut self.t, &known);
                for (running, lane) in running.iter_mut().zip(&mut self.t) {
                    lane[0] = lane[0].wrapping_add(*running);
                    kernels.prefix_sum_u32(&mut lane[..n]);
                    *running = lane[n - 1];
                }
                permute(&mut self.t, &known);
                self.send_block(s.prss(), (part, row, n), &mut wire, &mut out[row..row + n]);
            }
            s.send(other(me).id(), &wire)?;
        }
        Ok(out)
    }

    /// A block of the message, and of the sum `t'_0 + Σ u_j·Δ_j` over this party's own parts.
    fn send_block(
        &mut self,
        prss: &Prss,
        at: (usize, usize, usize),
        wire: &mut Buf<u32>,
        out: &mut [u32],
    ) {
        let kernels = Backend::active();
        let (_, row, n) = at;
        let bytes: &mut [u8] = bytemuck::cast_slice_mut(wire);
        let mask_key = if matches!(self.units, Units::Keystream) {
            self.streams.mask_2()
        } else {
            self.streams.mask_1()
        };
        let mut mask: Lane = [0; BLOCK];
        let [zero, rest @ ..] = &mut self.t[..] else { return };
        out.copy_from_slice(&zero[..n]);
        for ((lane, difference), u) in (1..).zip(rest).zip(&self.u[1..]) {
            let (difference, mask) = (&mut difference[..n], &mut mask[..n]);
            kernels.sub_u32(difference, &zero[..n]);
            kernels.mul_add_u32(out, &u[..n], difference);
            self.streams.fill(prss, mask_key, row, lane, mask);
            kernels.add_u32(difference, mask);
            let at = place(self.narrow, self.streams.lanes, at, lane);
            kernels.pack_u32(&mut bytes[at], difference, self.narrow.bytes());
        }
    }

    /// Adds this party's products with the other's differences.
    fn products(&mut self, s: &mut Session, out: &mut [u32]) -> Result<(), SessionError> {
        let (kernels, lanes) = (Backend::active(), self.streams.lanes);
        let mut difference: Lane = [0; BLOCK];
        for (part, count) in ranges(out.len()) {
            let mut wire = self.narrow.message(count * lanes);
            s.recv(other(s.role()).id(), &mut wire)?;
            let bytes: &[u8] = bytemuck::cast_slice(&wire);
            for (row, n) in blocks(part, count) {
                self.load(s, part, row, n);
                for (lane, u) in (1..=lanes).zip(&self.u[1..]) {
                    let at = place(self.narrow, lanes, (part, row, n), lane);
                    kernels.unpack_u32(&mut difference[..n], &bytes[at], self.narrow.bytes());
                    kernels.mul_add_u32(&mut out[row..row + n], &u[..n], &difference[..n]);
                }
            }
        }
        Ok(())
    }
}

/// P1 for P2, P2 for P1.
fn other(role: Role) -> Role {
    if role == Role::P1 { Role::P2 } else { Role::P1 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testkit::{World, share_bits};

    #[test]
    fn parts_add_up_to_the_places_of_a_counting_sort() {
        for bits in 1..=4 {
            for n in [1, 3, 63, 64, 65, 511, 513, 1000, 70_000] {
                let world = World::new((n * 10 + bits) as u64);
                let mut random = world.random(1);
                let digits: Vec<u64> = (0..n).map(|_| random() % (1 << bits)).collect();
                let shared = share_bits(world, 2, &digits, bits);
                let narrow = Narrow::for_rows(n);
                let run = world.run(|s| {
                    let digits = Digits::of(&shared[s.role().index()], 0, bits);
                    places(s, &digits, narrow)
                });
                let mut rows: Vec<usize> = (0..n).collect();
                rows.sort_by_key(|row| digits[*row]);
                for (place, row) in (0_u32..).zip(rows) {
                    let sum =
                        run.results.iter().fold(0, |sum: u32, part| sum.wrapping_add(part[row]));
                    assert_eq!(sum & narrow.mask(), place, "{bits} bits, row {row} of {n}");
                }
                run.assert_cost("places", |m| places_cost(m, n, (bits, narrow), &[]));
            }
        }
    }
}
