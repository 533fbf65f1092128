//! Bit-sliced integers become elements of an arithmetic ring, all bits of an integer at once; and so does any sum of a row's bits
//! with public weights.
//!
//! A bit is `c ⊕ v = c + v − 2·c·v`, where the dealer P_i knows `c = b_i ⊕ b_{i+1}` and the two others know `v = b_{i+2}`. The
//! dealer shares each `c` as an element between those two, as for the injection of a bit: \[ABY3\]
//! <https://eprint.iacr.org/2018/403> §5.4.1. But what they tell each other is the weighted sum of their parts, one element an
//! integer and not one a bit, since the weights are public: an inner product costs one message, \[AFLNO16\]
//! <https://eprint.iacr.org/2016/768> §2.2. Each block of rows has another dealer.

use std::borrow::Cow;

use super::{
    blocks::{Block, Blocks},
    dealt::trade,
};
use crate::{
    prss::Stretch,
    ring::{Arithmetic, B64, Buf, Ring},
    session::{Meter, Session, SessionError},
    share::{Bits, Shared},
};

/// Unsigned bit-sliced integers as elements of an arithmetic ring, modulo its 2^k.
///
/// # Shape
/// n rows of w bits, of which the lowest k count; returns `n` elements.
///
/// # Cost
/// 2 rounds; min(w, k) + 2 elements a row, all parties together (injecting the bits one by one takes 3·w).
///
/// # Errors
/// Channel errors pass through.
///
/// # Security
/// Semi-honest, one corrupted party. P_{i+1} receives the bits of the dealer P_i as elements masked by the key of P_i and P_{i+2},
/// and P_{i+2}'s sum masked by the same key further on; P_{i+2} receives P_{i+1}'s sum masked by the key of P_i and P_{i+1}; the
/// dealer receives nothing.
///
/// # Source
/// See the module.
pub fn from_bits<R: Arithmetic>(s: &mut Session, bits: &Bits) -> Result<Shared<R>, SessionError> {
    compose(s, &counting::<R>(bits), Weights::Powers { signed: false })
}

/// As [`from_bits`], of two's complement: the highest of the w bits weighs −2^(w − 1).
///
/// # Cost
/// That of [`from_bits`].
///
/// # Errors
/// As [`from_bits`].
///
/// # Security
/// That of [`from_bits`].
pub fn from_signed_bits<R: Arithmetic>(
    s: &mut Session,
    bits: &Bits,
) -> Result<Shared<R>, SessionError> {
    compose(s, &counting::<R>(bits), Weights::Powers { signed: true })
}

/// `Σ_j weights[j] · bit_j` of each row.
///
/// # Cost
/// 2 rounds; w + 2 elements a row for w bits, all parties together.
pub(super) fn weighted_bits<R: Arithmetic>(
    s: &mut Session,
    bits: &Bits,
    weights: &[R::Word],
) -> Result<Shared<R>, SessionError> {
    s.same_len(bits.width(), weights.len())?;
    compose(s, bits, Weights::Table(weights))
}

/// The bits that count: those above weigh multiples of 2^k, and so does the sign among them.
fn counting<R: Arithmetic>(bits: &Bits) -> Cow<'_, Bits> {
    if bits.width() > R::BITS {
        Cow::Owned(bits.bit_range(0, R::BITS))
    } else {
        Cow::Borrowed(bits)
    }
}

fn compose<R: Arithmetic>(
    s: &mut Session,
    bits: &Bits,
    weights: Weights<'_, R>,
) -> Result<Shared<R>, SessionError> {
    let (role, rows, width) = (s.role(), bits.rows(), bits.width());
    if width == 0 {
        return Ok(Shared::zeros(rows));
    }
    let blocks = blocks_of::<R>(rows, width);
    let masks = s.prss().stretch::<R>(64 * blocks.stride() * width);
    let parts = s.prss().stretch::<R>(64 * blocks.stride());
    let mut desk = Desk::<R>::new(bits, weights, blocks, masks);
    let [mut own, mut next] = [Buf::<R::Word>::scratch(rows), Buf::scratch(rows)];
    for block in blocks.iter() {
        s.prss().fill::<R>(role, parts, 64 * block.from, &mut own[block.rows(rows)]);
        s.prss().fill::<R>(role.next(), parts, 64 * block.from, &mut next[block.rows(rows)]);
    }
    for block in blocks.of(role) {
        let range = block.rows(rows);
        desk.deal(s, block, &mut own[range.clone()], &mut next[range])?;
    }
    // The dealer of these has the key of the masks in common with this party.
    for block in blocks.of(role.next()) {
        let range = block.rows(rows);
        for bit in 0..width {
            let place = desk.place(block, bit);
            let lane = &mut desk.lanes[bit * range.len()..(bit + 1) * range.len()];
            s.prss().fill::<R>(role.next(), desk.masks, place, lane);
        }
        let v = bits.planes().own();
        desk.add_parts(block, (v, false), &mut next[range.clone()], &mut own[range]);
    }
    for block in blocks.of(role.prev()) {
        let range = block.rows(rows);
        s.recv(role.prev().id(), &mut desk.lanes[..width * range.len()])?;
        let v = bits.planes().next();
        desk.add_parts(block, (v, true), &mut own[range.clone()], &mut next[range]);
    }
    trade::<R>(s, blocks, (&mut own, &mut next), |block| block.rows(rows))?;
    Ok(Shared::from_parts(own, next))
}

/// Twin of [`from_bits`] and [`from_signed_bits`].
pub fn from_bits_cost<R: Arithmetic>(m: &mut Meter, rows: usize, width: usize) {
    weighted_bits_cost::<R>(m, rows, width.min(R::BITS));
}

/// Twin of [`weighted_bits`].
pub(super) fn weighted_bits_cost<R: Arithmetic>(m: &mut Meter, rows: usize, width: usize) {
    if width == 0 {
        return;
    }
    let blocks = blocks_of::<R>(rows, width);
    let bytes = |block: Block| block.rows(rows).len() * size_of::<R::Word>();
    let dealt = blocks.iter().map(|block| {
        let dealer = block.dealer();
        (dealer, dealer.next(), width * bytes(block))
    });
    m.messages(&dealt.collect::<Vec<_>>());
    let traded = blocks.iter().flat_map(|block| {
        let (one, other) = (block.dealer().next(), block.dealer().prev());
        [(one, other, bytes(block)), (other, one, bytes(block))]
    });
    m.messages(&traded.collect::<Vec<_>>());
}

fn blocks_of<R: Arithmetic>(rows: usize, width: usize) -> Blocks {
    Blocks::new(rows.div_ceil(64), width * R::BITS)
}

/// What the bits of a row weigh.
#[derive(Clone, Copy, Debug)]
enum Weights<'a, R: Arithmetic> {
    /// 1, 2, 4, …; the highest bit the negative of its power if it is a sign.
    Powers { signed: bool },
    /// Each what stands here.
    Table(&'a [R::Word]),
}

/// What one party needs for a block.
struct Desk<'a, R: Arithmetic> {
    bits: &'a Bits,
    weights: Weights<'a, R>,
    masks: Stretch,
    /// An element for each bit of each row, bit by bit.
    lanes: Buf<R::Word>,
    /// One bit of each row, and as elements.
    plane: Buf<u64>,
    element: Buf<R::Word>,
    /// Weighted sums so far, and what comes next.
    sums: [Buf<R::Word>; 4],
}

impl<'a, R: Arithmetic> Desk<'a, R> {
    fn new(bits: &'a Bits, weights: Weights<'a, R>, blocks: Blocks, masks: Stretch) -> Self {
        let words = blocks.largest();
        let rows = 64 * words;
        let (lanes, plane) = (Buf::scratch(bits.width() * rows), Buf::scratch(words));
        let sums = [(); 4].map(|()| Buf::scratch(rows));
        Self { bits, weights, masks, lanes, plane, element: Buf::scratch(rows), sums }
    }

    /// Where the masks of a bit begin.
    fn place(&self, block: Block, bit: usize) -> usize {
        64 * (block.from * self.bits.width() + bit * block.len)
    }

    /// Where the words of a plane of this block stand.
    fn words(&self, block: Block, bit: usize) -> std::ops::Range<usize> {
        let from = bit * self.bits.stride() + block.from;
        from..from + block.len
    }

    /// As the dealer: sends the bits that it knows under the masks, and adds the sharing of their weighted sum to its summands.
    fn deal(
        &mut self,
        s: &mut Session,
        block: Block,
        own: &mut [R::Word],
        next: &mut [R::Word],
    ) -> Result<(), SessionError> {
        let (rows, planes) = (own.len(), self.bits.planes());
        for bit in (0..self.bits.width()).rev() {
            let (words, place, step) =
                (self.words(block, bit), self.place(block, bit), self.step(bit));
            let plane = &mut self.plane[..block.len];
            plane.copy_from_slice(&planes.own()[words.clone()]);
            B64::add_assign(plane, &planes.next()[words]);
            let lane = &mut self.lanes[bit * rows..(bit + 1) * rows];
            R::expand(plane, lane);
            let mask = &mut self.element[..rows];
            let role = s.role();
            s.prss().fill::<R>(role, self.masks, place, mask);
            R::sub_assign(lane, mask);
            let [masks, rests, ..] = &mut self.sums;
            weigh::<R>(&mut masks[..rows], mask, step);
            weigh::<R>(&mut rests[..rows], lane, step);
        }
        R::add_assign(own, &self.sums[0][..rows]);
        R::add_assign(next, &self.sums[1][..rows]);
        s.send(s.role().next().id(), &self.lanes[..self.bits.width() * rows])
    }

    /// As one of the two others, with the summand `v` that both know: adds the weighted sum of the dealer's bits to the summand
    /// it has in common with the dealer, and takes that summand from its part of the third one; `first` adds the sum of `v` too.
    fn add_parts(
        &mut self,
        block: Block,
        (v, first): (&[u64], bool),
        common: &mut [R::Word],
        part: &mut [R::Word],
    ) {
        let rows = common.len();
        part.copy_from_slice(common);
        R::neg_assign(part);
        for bit in (0..self.bits.width()).rev() {
            let step = self.step(bit);
            R::expand(&v[self.words(block, bit)], &mut self.element[..rows]);
            let lane = &self.lanes[bit * rows..(bit + 1) * rows];
            let element = &mut self.element[..rows];
            let [lanes, elements, products, product] = &mut self.sums;
            weigh::<R>(&mut lanes[..rows], lane, step);
            weigh::<R>(&mut elements[..rows], element, step);
            let product = &mut product[..rows];
            product.fill(R::ZERO);
            R::mul_add(product, element, lane);
            weigh::<R>(&mut products[..rows], product, step);
        }
        R::add_assign(common, &self.sums[0][..rows]);
        if first {
            R::add_assign(part, &self.sums[1][..rows]);
        }
        R::sub_assign(part, &self.sums[2][..rows]);
        R::sub_assign(part, &self.sums[2][..rows]);
    }

    fn step(&self, bit: usize) -> Step<R> {
        let first = bit + 1 == self.bits.width();
        match (self.weights, first) {
            (Weights::Table(weights), true) => Step::Times(weights[bit]),
            (Weights::Table(weights), false) => Step::PlusTimes(weights[bit]),
            (Weights::Powers { signed: true }, true) => Step::Negative,
            (Weights::Powers { signed: false }, true) => Step::Positive,
            (Weights::Powers { .. }, false) => Step::Below,
        }
    }
}

/// How a bit goes into a sum that the highest bit begins.
#[derive(Clone, Copy, Debug)]
enum Step<R: Arithmetic> {
    /// Horner's rule: the highest bit begins the sum, with its sign, and each one below it doubles the sum and is added.
    Positive,
    Negative,
    Below,
    /// The highest bit of any weights, and the others.
    Times(R::Word),
    PlusTimes(R::Word),
}

fn weigh<R: Arithmetic>(sum: &mut [R::Word], x: &[R::Word], step: Step<R>) {
    match step {
        Step::Positive => sum.copy_from_slice(x),
        Step::Negative => {
            sum.copy_from_slice(x);
            R::neg_assign(sum);
        }
        Step::Below => {
            R::scale_assign(sum, R::power_of_two(1));
            R::add_assign(sum, x);
        }
        Step::Times(weight) => {
            sum.copy_from_slice(x);
            R::scale_assign(sum, weight);
        }
        Step::PlusTimes(weight) => {
            let weights = [weight; 64];
            for (sum, x) in sum.chunks_mut(64).zip(x.chunks(64)) {
                R::mul_add(sum, x, &weights[..x.len()]);
            }
        }
    }
}
