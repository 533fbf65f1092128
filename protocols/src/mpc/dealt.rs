//! The sum of two numbers, one known to one party and the other to the two others, digit by digit.
//!
//! An arithmetic value `x = x_0 + x_1 + x_2` is such a sum, three times over: `u = x_i + x_{i+1}` at the dealer P_i and
//! `v = x_{i+2}` at P_{i+1} and P_{i+2}. Each block of rows has another dealer, so that all parties and links carry alike.
//!
//! Whether a digit of `u + v` carries (`G`) and whether it passes a carry on (`P`) are inner products of the products of bits of
//! `u`, which the dealer knows, with polynomials in the bits of `v`, which the two others know. The dealer shares its products
//! between those two: one message. Each of them works out its part of every `G` and `P` and sends it to the other under a mask
//! that it has in common with the dealer alone; with the two masks, the sum of both parts is a replicated sharing of the bit.
//! Cutting a comparison into digits is Garay, Schoenmakers, Villegas, PKC 2007, §4 ("Practical and secure solutions for
//! integer comparison") and \[CrypTFlow2\] <https://eprint.iacr.org/2020/1002> §3.1, whose digits go through oblivious transfer;
//! the product of a bit that one party knows with what two others know is \[ABY3\] <https://eprint.iacr.org/2018/403> §5.4.1, and
//! an inner product costs the message of one product, \[AFLNO16\] <https://eprint.iacr.org/2016/768> §2.2.

use std::ops::Range;

use super::blocks::{Block, Blocks, Lanes};
use crate::{
    kernels::Backend,
    prss::Stretch,
    ring::{Arithmetic, B64, Buf, Ring},
    session::{Meter, Session, SessionError},
    share::Shared,
};

/// The most bits of a digit: 255 products of bits.
pub(super) const MAX_BITS: usize = 8;

/// How a sum is cut into digits, and what is asked of them.
#[derive(Clone, Debug)]
pub(super) struct Digits {
    /// Bits of each digit, lowest first.
    bits: Vec<usize>,
    /// Whether the digits carry, besides passing; then the bit above the highest digit is added to the last carry.
    carries: bool,
}

impl Digits {
    /// `width` bits in `count` digits as equal as can be.
    pub(super) fn new(width: usize, count: usize, carries: bool) -> Self {
        let bits = (0..count).map(|digit| width / count + usize::from(digit < width % count));
        Self { bits: bits.collect(), carries }
    }

    /// How many.
    pub(super) fn count(&self) -> usize {
        self.bits.len()
    }

    /// Whether they carry, besides passing.
    pub(super) fn carries(&self) -> bool {
        self.carries
    }

    /// Bits of the sum that take part.
    fn width(&self) -> usize {
        self.bits.iter().sum::<usize>() + usize::from(self.carries)
    }

    /// Lanes that the dealer shares.
    fn shared(&self) -> usize {
        self.bits.iter().map(|bits| (1 << bits) - 1).sum::<usize>() + usize::from(self.carries)
    }

    /// Lanes that come out: carries, then passes of all digits but the lowest; or passes of all.
    fn lanes(&self) -> usize {
        if self.carries { 2 * self.count() - 1 } else { self.count() }
    }

    /// How `rows` rows are cut into blocks.
    pub(super) fn blocks(&self, rows: usize) -> Blocks {
        Blocks::new(rows.div_ceil(64), self.shared())
    }

    /// For each digit: its bits, its first plane and its first shared lane.
    fn places(&self) -> impl Iterator<Item = (usize, usize, usize)> {
        self.bits.iter().scan((0, 0), |(plane, lane), &bits| {
            let place = (bits, *plane, *lane);
            (*plane, *lane) = (*plane + bits, *lane + (1 << bits) - 1);
            Some(place)
        })
    }
}

/// What one party needs for a block.
struct Desk<'a> {
    digits: &'a Digits,
    blocks: Blocks,
    masks: Stretch,
    planes: Buf<u64>,
    shared: Buf<u64>,
}

/// Carries and passes of the digits of `x` (of `x − 1` if the digits only pass: then all pass where `x` is 0).
///
/// # Cost
/// 2 rounds. In each block the dealer sends its lanes (2^b − 1 for a digit of b bits, and one for the bit above carries), and
/// then the two others send each other the lanes that come out.
///
/// # Errors
/// Channel errors pass through.
///
/// # Security
/// Semi-honest, one corrupted party. P_{i+1} receives lanes masked by the key of the dealer P_i and P_{i+2}, and P_{i+2}'s parts
/// masked by the same key further on; P_{i+2} receives P_{i+1}'s parts masked by the key of P_i and P_{i+1}; the dealer receives
/// nothing.
pub(super) fn digit_lanes<R: Arithmetic>(
    s: &mut Session,
    x: &Shared<R>,
    digits: &Digits,
) -> Result<Lanes, SessionError> {
    let (role, blocks) = (s.role(), digits.blocks(x.len()));
    let (shared, lanes) = (digits.shared(), digits.lanes());
    let masks = s.prss().stretch::<B64>(blocks.stride() * shared);
    let parts = s.prss().stretch::<B64>(blocks.stride() * lanes);
    let mut desk = Desk::new(digits, blocks, masks);
    desk.deal(s, x, |_, _| ())?;
    let mut out = Lanes::scratch(blocks, lanes);
    for block in blocks.iter() {
        let range = block.range(lanes);
        s.prss().fill::<B64>(role, parts, range.start, &mut out.own[range.clone()]);
        s.prss().fill::<B64>(role.next(), parts, range.start, &mut out.next[range]);
    }
    // The dealer of these has the key of the masks in common with this party.
    for block in blocks.of(role.next()) {
        let range = block.range(lanes);
        out.own[range.clone()].copy_from_slice(&out.next[range.clone()]);
        let held = block.range(shared);
        s.prss().fill::<B64>(role.next(), desk.masks, held.start, &mut desk.shared[..held.len()]);
        desk.add_parts::<R>(block, &x.own()[block.rows(x.len())], false, &mut out.own[range]);
    }
    for block in blocks.of(role.prev()) {
        let range = block.range(lanes);
        out.next[range.clone()].copy_from_slice(&out.own[range.clone()]);
        s.recv(role.prev().id(), &mut desk.shared[..block.len * shared])?;
        desk.add_parts::<R>(block, &x.next()[block.rows(x.len())], true, &mut out.next[range]);
    }
    trade::<B64>(s, blocks, (&mut out.own, &mut out.next), |block| block.range(lanes))?;
    Ok(out)
}

/// Twin of [`digit_lanes`].
pub(super) fn digit_lanes_cost(m: &mut Meter, rows: usize, digits: &Digits) {
    let blocks = digits.blocks(rows);
    let dealt = blocks
        .iter()
        .map(|block| (block.dealer(), block.dealer().next(), block.len * digits.shared() * 8));
    m.messages(&dealt.collect::<Vec<_>>());
    let traded = blocks.iter().flat_map(|block| {
        let (one, other) = (block.dealer().next(), block.dealer().prev());
        let bytes = block.len * digits.lanes() * 8;
        [(one, other, bytes), (other, one, bytes)]
    });
    m.messages(&traded.collect::<Vec<_>>());
}

/// Whether each bit of the sum generates a carry (all but the highest), and whether it passes one on: lowest first.
///
/// # Cost
/// 2 rounds; in each block the dealer sends `width` lanes and the two others `width` − 1 each.
///
/// # Errors
/// Channel errors pass through.
///
/// # Security
/// As [`digit_lanes`]. Whether a bit passes a carry on is `u ⊕ v`, which is shared as soon as `u` is.
pub(super) fn bit_lanes<R: Arithmetic>(
    s: &mut Session,
    x: &Shared<R>,
    width: usize,
) -> Result<(Lanes, Lanes), SessionError> {
    let digits = Digits::new(width, width, false);
    let (role, blocks, lanes) = (s.role(), digits.blocks(x.len()), width - 1);
    let masks = s.prss().stretch::<B64>(blocks.stride() * width);
    let parts = s.prss().stretch::<B64>(blocks.stride() * lanes);
    let mut passes = Lanes::scratch(blocks, width);
    let mut desk = Desk::new(&digits, blocks, masks);
    desk.deal(s, x, |block, sent| passes.next[block.range(width)].copy_from_slice(sent))?;
    let mut carries = Lanes::scratch(blocks, lanes);
    for block in blocks.iter() {
        let range = block.range(lanes);
        s.prss().fill::<B64>(role, parts, range.start, &mut carries.own[range.clone()]);
        s.prss().fill::<B64>(role.next(), parts, range.start, &mut carries.next[range]);
    }
    for block in blocks.of(role) {
        let range = block.range(width);
        s.prss().fill::<B64>(role, desk.masks, range.start, &mut passes.own[range]);
    }
    for block in blocks.of(role.next()) {
        let range = block.range(width);
        s.prss().fill::<B64>(role.next(), desk.masks, range.start, &mut passes.next[range.clone()]);
        R::to_planes(&x.own()[block.rows(x.len())], width, &mut passes.own[range.clone()]);
        let factors = [&passes.next[range.clone()], &passes.own[range]];
        let words = block.range(lanes);
        masked_products(&mut carries.own[words.clone()], &carries.next[words], factors);
    }
    for block in blocks.of(role.prev()) {
        let range = block.range(width);
        s.recv(role.prev().id(), &mut passes.own[range.clone()])?;
        R::to_planes(&x.next()[block.rows(x.len())], width, &mut passes.next[range.clone()]);
        let factors = [&passes.own[range.clone()], &passes.next[range]];
        let words = block.range(lanes);
        masked_products(&mut carries.next[words.clone()], &carries.own[words], factors);
    }
    trade::<B64>(s, blocks, (&mut carries.own, &mut carries.next), |block| block.range(lanes))?;
    Ok((carries, passes))
}

/// `part = mask ⊕ x·y`, as far as `part` goes.
fn masked_products(part: &mut [u64], mask: &[u64], [x, y]: [&[u64]; 2]) {
    let words = part.len();
    part.copy_from_slice(mask);
    B64::mul_add(part, &x[..words], &y[..words]);
}

/// Twin of [`bit_lanes`].
pub(super) fn bit_lanes_cost(m: &mut Meter, blocks: Blocks, width: usize) {
    let dealt = blocks
        .iter()
        .map(|block| (block.dealer(), block.dealer().next(), block.range(width).len() * 8));
    m.messages(&dealt.collect::<Vec<_>>());
    let traded = blocks.iter().flat_map(|block| {
        let (one, other) = (block.dealer().next(), block.dealer().prev());
        let bytes = block.range(width - 1).len() * 8;
        [(one, other, bytes), (other, one, bytes)]
    });
    m.messages(&traded.collect::<Vec<_>>());
}

/// The blocks of [`bit_lanes`].
pub(super) fn bit_blocks(rows: usize, width: usize) -> Blocks {
    Digits::new(width, width, false).blocks(rows)
}

/// Sends this party's part of the blocks of two others to the one that holds the other part, and adds that.
///
/// A block's part stands in `own` if the next party deals with it, and in `next` if the previous one does; `range` says where.
pub(super) fn trade<R: Ring>(
    s: &mut Session,
    blocks: Blocks,
    (own, next): (&mut [R::Word], &mut [R::Word]),
    range: impl Fn(Block) -> Range<usize>,
) -> Result<(), SessionError> {
    let role = s.role();
    for block in blocks.of(role.next()) {
        s.send(role.prev().id(), &own[range(block)])?;
    }
    for block in blocks.of(role.prev()) {
        s.send(role.next().id(), &next[range(block)])?;
    }
    let longest = blocks.iter().map(|block| range(block).len()).max().unwrap_or(0);
    let mut theirs = Buf::<R::Word>::scratch(longest);
    for block in blocks.of(role.next()) {
        let theirs = &mut theirs[..range(block).len()];
        s.recv(role.prev().id(), theirs)?;
        R::add_assign(&mut own[range(block)], theirs);
    }
    for block in blocks.of(role.prev()) {
        let theirs = &mut theirs[..range(block).len()];
        s.recv(role.next().id(), theirs)?;
        R::add_assign(&mut next[range(block)], theirs);
    }
    Ok(())
}

impl<'a> Desk<'a> {
    fn new(digits: &'a Digits, blocks: Blocks, masks: Stretch) -> Self {
        let largest = blocks.largest();
        let planes = Buf::scratch(digits.width() * largest);
        Self { digits, blocks, masks, planes, shared: Buf::scratch(digits.shared() * largest) }
    }

    /// As the dealer: sends the products of bits of `u` under the masks, and shows `keep` what is sent.
    fn deal<R: Arithmetic>(
        &mut self,
        s: &mut Session,
        x: &Shared<R>,
        mut keep: impl FnMut(Block, &[u64]),
    ) -> Result<(), SessionError> {
        let role = s.role();
        let mut u = Buf::<R::Word>::scratch((64 * self.blocks.largest()).min(x.len()));
        for block in self.blocks.of(role) {
            let rows = block.rows(x.len());
            let u = &mut u[..rows.len()];
            u.copy_from_slice(&x.own()[rows.clone()]);
            R::add_assign(u, &x.next()[rows]);
            self.cut::<R>(u, block.len);
            let range = block.range(self.digits.shared());
            let shared = &mut self.shared[..range.len()];
            s.prss().fill::<B64>(role, self.masks, range.start, shared);
            for (bits, plane, lane) in self.digits.places() {
                let planes = &self.planes[plane * block.len..][..bits * block.len];
                let lanes = &mut shared[lane * block.len..][..((1 << bits) - 1) * block.len];
                Backend::active().digit_lanes(planes, bits, lanes);
            }
            if self.digits.carries {
                let top = &self.planes[(self.digits.width() - 1) * block.len..][..block.len];
                let from = shared.len() - block.len;
                B64::add_assign(&mut shared[from..], top);
            }
            keep(block, shared);
            s.send(role.next().id(), shared)?;
        }
        Ok(())
    }

    /// As one of the two others: adds what `v` makes of the shared lanes; one of the two adds what depends on `v` alone.
    fn add_parts<R: Arithmetic>(
        &mut self,
        block: Block,
        v: &[R::Word],
        first: bool,
        out: &mut [u64],
    ) {
        let (count, len) = (self.digits.count(), block.len);
        if self.digits.carries {
            self.cut::<R>(v, len);
        } else {
            let mut below = Buf::copy_of(v);
            let minus_one = R::neg(R::ONE);
            below.iter_mut().for_each(|word| *word = R::add(*word, minus_one));
            self.cut::<R>(&below, len);
        }
        let (carries, passes) = out.split_at_mut(if self.digits.carries { count * len } else { 0 });
        for (digit, (bits, plane, lane)) in self.digits.places().enumerate() {
            let planes = &self.planes[plane * len..][..bits * len];
            let lanes = &self.shared[lane * len..][..((1 << bits) - 1) * len];
            let (carry, pass): (&mut [u64], &mut [u64]) = match (self.digits.carries, digit) {
                (true, 0) => (&mut carries[..len], &mut []),
                (true, _) => {
                    (&mut carries[digit * len..][..len], &mut passes[(digit - 1) * len..][..len])
                }
                (false, _) => (&mut [], &mut passes[digit * len..][..len]),
            };
            Backend::active().digit_sums(planes, bits, lanes, first, [carry, pass]);
        }
        if self.digits.carries {
            let top = (self.digits.shared() - 1) * len;
            let last = &mut carries[(count - 1) * len..];
            B64::add_assign(last, &self.shared[top..top + len]);
            if first {
                B64::add_assign(last, &self.planes[(self.digits.width() - 1) * len..][..len]);
            }
        }
    }

    /// The planes of these rows, `len` words each.
    fn cut<R: Arithmetic>(&mut self, rows: &[R::Word], len: usize) {
        debug_assert_eq!(rows.len().div_ceil(64), len);
        let width = self.digits.width();
        R::to_planes(rows, width, &mut self.planes[..width * len]);
    }
}
