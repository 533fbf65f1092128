//! A digit of a sort key on its own: a byte a row, and the shuffle of such bytes.
//!
//! The shuffle is that of [`Shuffle::apply`], in two halves, so that a party can do other work between them; a row takes as few
//! bits on the wire as its digit has, rounded up to a power of two.

use super::shuffle::Shuffle;
use crate::{
    kernels::Backend,
    party::Role,
    ring::{B64, Buf, Ring},
    session::{Session, SessionError},
    share::Bits,
};

/// Shares of one digit of up to four bits of every row: the own summand in the low half of a byte, the next in the high half.
pub(super) struct Digits {
    rows: usize,
    bits: usize,
    /// A byte a row, filled up to a multiple of 64 rows.
    bytes: Buf<u64>,
}

/// A digit on its way between the two halves of a shuffle.
pub(super) struct Moving {
    rows: usize,
    bits: usize,
    /// Of the keys of summands 1, 2, 0 and 0; `None` where this party does not hold that key.
    masks: [Option<Buf<u64>>; 4],
}

/// Bits a row takes on the wire.
pub(super) fn wire_bits(bits: usize) -> usize {
    bits.next_power_of_two()
}

/// 64-bit words of a message of `rows` digits.
pub(super) fn wire_words(rows: usize, bits: usize) -> usize {
    rows.div_ceil(64) * wire_bits(bits)
}

impl Digits {
    /// Bits `from..from + bits` of the keys.
    pub(super) fn of(keys: &Bits, from: usize, bits: usize) -> Self {
        let rows = keys.rows();
        let mut out = Self { rows, bits, bytes: Buf::zeroed(8 * rows.div_ceil(64)) };
        let kernels = Backend::active();
        for (bit, at) in (from..from + bits).zip(0..) {
            let (own, next) = keys.plane(bit);
            let bytes = &mut bytemuck::cast_slice_mut(&mut out.bytes)[..rows];
            kernels.put_bit(bytes, own, at);
            kernels.put_bit(bytes, next, at + 4);
        }
        out
    }

    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    pub(super) fn bits(&self) -> usize {
        self.bits
    }

    /// Both summands of each row, in a byte.
    pub(super) fn bytes(&self) -> &[u8] {
        &bytemuck::cast_slice(&self.bytes)[..self.rows]
    }

    /// Row `i` moved to `positions[i]`.
    pub(super) fn sorted(&self, positions: &[u32]) -> Self {
        let mut bytes = Buf::<u64>::zeroed(self.bytes.len());
        let out: &mut [u8] = bytemuck::cast_slice_mut(&mut bytes);
        for (to, byte) in positions.iter().zip(self.bytes()) {
            out[*to as usize] = *byte;
        }
        Self { bytes, ..*self }
    }

    /// One summand, or (of A) the sum of both, in the low half of each byte.
    fn part(&self, of: impl Fn(u64) -> u64) -> Buf<u64> {
        let mut out = Buf::<u64>::scratch(self.bytes.len());
        out.iter_mut().zip(&*self.bytes).for_each(|(out, word)| *out = of(*word));
        out
    }

    /// The first half of a shuffle: A's part goes to C, B's to A.
    pub(super) fn start(&self, s: &mut Session, shuffle: &Shuffle) -> Result<Moving, SessionError> {
        const LOW: u64 = 0x0f0f_0f0f_0f0f_0f0f;
        let words = wire_words(self.rows, self.bits);
        let keys = [Role::P1, Role::P2, Role::P0, Role::P0];
        let masks = keys.map(|key| s.prss().summand::<B64>(key, words));
        let moving = Moving { rows: self.rows, bits: self.bits, masks };
        match s.role() {
            Role::P0 => {
                let part = self.part(|word| (word ^ word >> 4) & LOW);
                let mut wire = moving.packed(&gathered(&part, shuffle.order(Role::P1)));
                moving.mask(&mut wire, 0);
                s.send(Role::P2.id(), &wire)?;
            }
            Role::P1 => {
                let part = self.part(|word| word >> 4 & LOW);
                let mut part = gathered(&part, shuffle.order(Role::P1));
                B64::add_assign(&mut part, &moving.unpacked_mask(0));
                let mut wire = moving.packed(&gathered(&part, shuffle.order(Role::P2)));
                moving.mask(&mut wire, 1);
                s.send(Role::P0.id(), &wire)?;
            }
            Role::P2 => {}
        }
        Ok(moving)
    }
}

impl Moving {
    /// The second half: A and C send B its two summands, and share the third by a key.
    pub(super) fn finish(self, s: &mut Session, shuffle: &Shuffle) -> Result<Digits, SessionError> {
        let words = wire_words(self.rows, self.bits);
        let (own, next) = match s.role() {
            Role::P0 => {
                let mut wire = Buf::<u64>::scratch(words);
                s.recv(Role::P1.id(), &mut wire)?;
                let part = gathered(&self.unpacked(&wire), shuffle.order(Role::P0));
                let mut wire = self.packed(&part);
                self.mask(&mut wire, 2);
                self.mask(&mut wire, 3);
                s.send(Role::P1.id(), &wire)?;
                (self.unpacked_mask(3), self.unpacked(&wire))
            }
            Role::P1 => {
                let (mut own, mut next) = (Buf::<u64>::scratch(words), Buf::<u64>::scratch(words));
                s.recv(Role::P0.id(), &mut own)?;
                s.recv(Role::P2.id(), &mut next)?;
                (self.unpacked(&own), self.unpacked(&next))
            }
            Role::P2 => {
                let mut wire = Buf::<u64>::scratch(words);
                s.recv(Role::P0.id(), &mut wire)?;
                let mut part = gathered(&self.unpacked(&wire), shuffle.order(Role::P2));
                B64::add_assign(&mut part, &self.unpacked_mask(1));
                let mut wire = self.packed(&gathered(&part, shuffle.order(Role::P0)));
                self.mask(&mut wire, 2);
                s.send(Role::P1.id(), &wire)?;
                (self.unpacked(&wire), self.unpacked_mask(3))
            }
        };
        let mut bytes = own;
        bytes.iter_mut().zip(&*next).for_each(|(own, next)| *own |= next << 4);
        Ok(Digits { rows: self.rows, bits: self.bits, bytes })
    }

    fn packed(&self, bytes: &[u64]) -> Buf<u64> {
        let mut out = Buf::<u64>::zeroed(wire_words(self.rows, self.bits));
        Crumbs::of(wire_bits(self.bits)).pack(&mut out, bytes);
        out
    }

    fn unpacked(&self, wire: &[u64]) -> Buf<u64> {
        let mut out = Buf::<u64>::scratch(8 * self.rows.div_ceil(64));
        Crumbs::of(wire_bits(self.bits)).unpack(&mut out, wire);
        out
    }

    fn mask(&self, wire: &mut [u64], mask: usize) {
        if let Some(mask) = &self.masks[mask] {
            B64::add_assign(wire, mask);
        }
    }

    fn unpacked_mask(&self, mask: usize) -> Buf<u64> {
        self.masks[mask]
            .as_ref()
            .map_or_else(|| unreachable!("its key is held"), |m| self.unpacked(m))
    }
}

/// Byte `i` of the result is byte `order[i]`.
fn gathered(bytes: &[u64], order: &[u32]) -> Buf<u64> {
    let mut out = Buf::<u64>::zeroed(bytes.len());
    let source: &[u8] = bytemuck::cast_slice(bytes);
    let target: &mut [u8] = bytemuck::cast_slice_mut(&mut out);
    for (out, from) in target.iter_mut().zip(order) {
        *out = source[*from as usize];
    }
    out
}

/// Eight values of 1, 2 or 4 bits between the bytes of a word and its lowest bits, by three foldings.
struct Crumbs {
    bits: usize,
    /// What each folding keeps, and how far it shifts.
    steps: [(u64, usize); 3],
    /// The bits of a value in each byte.
    spread: u64,
}

impl Crumbs {
    fn of(bits: usize) -> Self {
        let lanes = |width: usize, every: usize| {
            (0..64).step_by(every).fold(0_u64, |mask, at| mask | (u64::MAX >> (64 - width)) << at)
        };
        let steps = [
            (lanes(2 * bits, 16), 8 - bits),
            (lanes(4 * bits, 32), 16 - 2 * bits),
            (lanes(8 * bits, 64), 32 - 4 * bits),
        ];
        Self { bits, steps, spread: lanes(bits, 8) }
    }

    fn pack(&self, out: &mut [u64], bytes: &[u64]) {
        for (out, words) in out.iter_mut().zip(bytes.chunks(8 / self.bits)) {
            for (at, word) in words.iter().enumerate() {
                let folded =
                    self.steps.iter().fold(*word, |word, (mask, by)| (word | word >> by) & mask);
                *out |= folded << (8 * self.bits * at);
            }
        }
    }

    fn unpack(&self, bytes: &mut [u64], wire: &[u64]) {
        let [(_, first), (four, second), (_, third)] = self.steps;
        let (two, all) = (self.steps[0].0, self.steps[2].0);
        for (words, wire) in bytes.chunks_mut(8 / self.bits).zip(wire) {
            for (at, word) in words.iter_mut().enumerate() {
                let folded = wire >> (8 * self.bits * at) & all;
                let folded = (folded | folded << third) & four;
                let folded = (folded | folded << second) & two;
                *word = (folded | folded << first) & self.spread;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crumbs_come_back() {
        for bits in [1, 2, 4] {
            let crumbs = Crumbs::of(bits);
            let mut word = 0x9e37_79b9_7f4a_7c15_u64;
            let bytes: Vec<u64> = (0..16)
                .map(|_| {
                    word = word.wrapping_mul(0xbf58_476d_1ce4_e5b9) ^ word >> 31;
                    word & crumbs.spread
                })
                .collect();
            let mut wire = vec![0; 2 * bits];
            crumbs.pack(&mut wire, &bytes);
            for row in 0..128 {
                let want = bytes[row / 8] >> (8 * (row % 8)) & 0xff;
                let at = row * bits;
                assert_eq!(wire[at / 64] >> (at % 64) & ((1 << bits) - 1), want, "{bits} bits");
            }
            let mut back = vec![0; 16];
            crumbs.unpack(&mut back, &wire);
            assert_eq!(back, bytes, "{bits} bits");
        }
    }
}
