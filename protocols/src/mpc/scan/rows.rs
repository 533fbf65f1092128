//! What a scan moves about: rows that can be taken apart into every other one, and put together again.

use crate::{
    ring::{Arithmetic, Buf},
    share::{Bits, Shared},
};

/// Shares of rows, whatever a row is.
pub trait Rows: Sized {
    /// How many rows.
    fn count(&self) -> usize;
    /// Rows `from..to`.
    fn part(&self, from: usize, to: usize) -> Self;
    /// These rows, and below them the others.
    fn on_top(&self, below: &Self) -> Self;
    /// Rows 0, 2, 4, … and rows 1, 3, 5, ….
    fn apart(&self) -> (Self, Self);
    /// The inverse of [`apart`](Self::apart).
    fn together(even: &Self, odd: &Self) -> Self;
}

impl<R: Arithmetic> Rows for Shared<R> {
    fn count(&self) -> usize {
        self.len()
    }

    fn part(&self, from: usize, to: usize) -> Self {
        self.slice(from, to)
    }

    fn on_top(&self, below: &Self) -> Self {
        Self::concat(&[self, below])
    }

    fn apart(&self) -> (Self, Self) {
        let every_other = |words: &[R::Word], from: usize| {
            let mut out = Buf::scratch((words.len() + 1 - from) / 2);
            let source = words[from.min(words.len())..].iter().step_by(2);
            out.iter_mut().zip(source).for_each(|(out, word)| *out = *word);
            out
        };
        (self.map(|words| every_other(words, 0)), self.map(|words| every_other(words, 1)))
    }

    fn together(even: &Self, odd: &Self) -> Self {
        let weave = |even: &[R::Word], odd: &[R::Word]| {
            let mut out = Buf::scratch(even.len() + odd.len());
            out.iter_mut().step_by(2).zip(even).for_each(|(out, word)| *out = *word);
            out.iter_mut().skip(1).step_by(2).zip(odd).for_each(|(out, word)| *out = *word);
            out
        };
        Self::from_parts(weave(even.own(), odd.own()), weave(even.next(), odd.next()))
    }
}

impl Rows for Bits {
    fn count(&self) -> usize {
        self.rows()
    }

    fn part(&self, from: usize, to: usize) -> Self {
        self.row_range(from, to)
    }

    fn on_top(&self, below: &Self) -> Self {
        self.above(below)
    }

    fn apart(&self) -> (Self, Self) {
        let (width, stride) = (self.width(), self.stride());
        let take = |shift: usize| {
            let rows = (self.rows() + 1 - shift) / 2;
            let to = rows.div_ceil(64);
            let planes = self.planes().map(|words| {
                let mut out = Buf::scratch(width * to);
                let planes = words.chunks(stride.max(1)).zip(out.chunks_mut(to.max(1)));
                planes.for_each(|(plane, out)| every_other_bit(plane, shift, out));
                out
            });
            Self::from_planes(rows, width, planes)
        };
        (take(0), take(1))
    }

    fn together(even: &Self, odd: &Self) -> Self {
        let (rows, width) = (even.rows() + odd.rows(), even.width());
        let stride = rows.div_ceil(64);
        let weave = |a: &[u64], b: &[u64]| {
            let mut out = Buf::scratch(width * stride);
            for (bit, out) in out.chunks_mut(stride.max(1)).enumerate() {
                let a = &a[bit * even.stride()..(bit + 1) * even.stride()];
                let b = &b[bit * odd.stride()..(bit + 1) * odd.stride()];
                weave_bits(a, b, out);
            }
            out
        };
        let (even, odd) = (even.planes(), odd.planes());
        let planes =
            Shared::from_parts(weave(even.own(), odd.own()), weave(even.next(), odd.next()));
        Self::from_planes(rows, width, planes)
    }
}

impl<A: Rows, B: Rows> Rows for (A, B) {
    fn count(&self) -> usize {
        self.0.count()
    }

    fn part(&self, from: usize, to: usize) -> Self {
        (self.0.part(from, to), self.1.part(from, to))
    }

    fn on_top(&self, below: &Self) -> Self {
        (self.0.on_top(&below.0), self.1.on_top(&below.1))
    }

    fn apart(&self) -> (Self, Self) {
        let ((a, b), (c, d)) = (self.0.apart(), self.1.apart());
        ((a, c), (b, d))
    }

    fn together(even: &Self, odd: &Self) -> Self {
        (A::together(&even.0, &odd.0), B::together(&even.1, &odd.1))
    }
}

/// Bits `shift`, `shift + 2`, … of a plane.
fn every_other_bit(plane: &[u64], shift: usize, out: &mut [u64]) {
    for (out, words) in out.iter_mut().zip(plane.chunks(2)) {
        let high = words.get(1).map_or(0, |word| squeeze(word >> shift));
        *out = squeeze(words[0] >> shift) | high << 32;
    }
}

/// The inverse: bits of `even` and `odd` in turn.
fn weave_bits(even: &[u64], odd: &[u64], out: &mut [u64]) {
    for (i, out) in out.iter_mut().enumerate() {
        let half = |words: &[u64]| words.get(i / 2).map_or(0, |word| word >> (32 * (i % 2)));
        *out = spread(half(even)) | spread(half(odd)) << 1;
    }
}

/// The bits at even places, side by side in the low half.
fn squeeze(x: u64) -> u64 {
    let x = x & 0x5555_5555_5555_5555;
    let x = (x | x >> 1) & 0x3333_3333_3333_3333;
    let x = (x | x >> 2) & 0x0f0f_0f0f_0f0f_0f0f;
    let x = (x | x >> 4) & 0x00ff_00ff_00ff_00ff;
    let x = (x | x >> 8) & 0x0000_ffff_0000_ffff;
    (x | x >> 16) & 0x0000_0000_ffff_ffff
}

/// The low half's bits, at even places.
fn spread(x: u64) -> u64 {
    let x = x & 0x0000_0000_ffff_ffff;
    let x = (x | x << 16) & 0x0000_ffff_0000_ffff;
    let x = (x | x << 8) & 0x00ff_00ff_00ff_00ff;
    let x = (x | x << 4) & 0x0f0f_0f0f_0f0f_0f0f;
    let x = (x | x << 2) & 0x3333_3333_3333_3333;
    (x | x << 1) & 0x5555_5555_5555_5555
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ring::Z64,
        testkit::{World, clear_bits, share_bits},
    };

    #[test]
    fn rows_come_apart_and_together() {
        for n in [0_usize, 1, 2, 3, 63, 64, 65, 127, 128, 129, 130, 191, 193, 1000] {
            let world = World::new(n as u64);
            let mut random = world.random(1);
            let clear: Vec<u64> = (0..n).map(|_| random() & 7).collect();
            let (words, bits) = (world.deal::<Z64>(2, &clear), share_bits(world, 3, &clear, 3));
            let pairs = [0, 1, 2].map(|i| (words[i].clone(), bits[i].clone()));
            let halves = pairs.each_ref().map(Rows::apart);
            for (side, start) in [0, 1].into_iter().enumerate() {
                let want: Vec<u64> = clear.iter().copied().skip(start).step_by(2).collect();
                let got = halves.each_ref().map(|(even, odd)| if side == 0 { even } else { odd });
                assert_eq!(clear_bits(got.map(|rows| &rows.1)), want, "{n} rows from {start}");
                let words = crate::share::reconstruct(got.map(|rows| &rows.0)).unwrap();
                assert_eq!(words, want, "{n} words from {start}");
            }
            let back = halves.map(|(even, odd)| Rows::together(&even, &odd));
            assert_eq!(clear_bits(back.each_ref().map(|rows: &(_, Bits)| &rows.1)), clear, "{n}");
            let words = crate::share::reconstruct(back.each_ref().map(|rows| &rows.0)).unwrap();
            assert_eq!(words, clear, "{n}");
        }
    }
}
