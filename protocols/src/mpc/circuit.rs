//! Boolean circuits on lanes of bits: the AND of all of them, the carry out of a sum, and the sum itself.

use super::blocks::{Blocks, Lanes};
use crate::{
    ring::{B64, Buf, Ring},
    session::{Meter, Session, SessionError},
    share::{Bits, Shared},
};

/// A lane of one of the levels of a tree.
#[derive(Clone, Copy, Debug)]
struct At {
    level: usize,
    lane: usize,
}

/// A product of two lanes, plus a third one.
#[derive(Clone, Copy, Debug)]
struct Gate {
    plus: Option<At>,
    x: At,
    y: At,
}

/// Segments of a sum, lowest first, on their way to becoming one: whether each generates a carry, and whether it passes one on.
///
/// The associative operator of a carry-lookahead adder, `(G, P) ∘ (g, p) = (G ⊕ P·g, P·p)`, applied in a tree. (Exclusive or
/// serves for "or", since a segment never both generates and passes.) \[ABY3\] <https://eprint.iacr.org/2018/403> §5.3. A
/// level's gates write where the next level reads: `G` is added before the sum is sent.
pub(super) struct Tree {
    rows: usize,
    blocks: Blocks,
    levels: Vec<Lanes>,
    /// Empty where only passing is asked for.
    carries: Vec<At>,
    /// Nobody asks whether the lowest segment passes a carry on, unless that is all that is asked for.
    passes: Vec<Option<At>>,
}

impl Tree {
    /// A tree over digits: lanes of carries, and behind them lanes of passes of all digits but the lowest.
    pub(super) fn of_digits(rows: usize, blocks: Blocks, digits: Lanes) -> Self {
        let count = digits.len().div_ceil(2);
        let at = |lane| At { level: 0, lane };
        let carries = (0..count).map(at).collect();
        let passes = (0..count).map(|i| (i > 0).then(|| at(count + i - 1))).collect();
        Self { rows, blocks, levels: vec![digits], carries, passes }
    }

    /// A tree over lanes of which all must pass.
    pub(super) fn of_passes(rows: usize, blocks: Blocks, lanes: Lanes) -> Self {
        let passes = (0..lanes.len()).map(|lane| Some(At { level: 0, lane })).collect();
        Self { rows, blocks, levels: vec![lanes], carries: Vec::new(), passes }
    }

    /// The one lane that is left: the carry out of the sum, or whether all pass.
    ///
    /// # Cost
    /// ⌈log2 m⌉ rounds for m segments; 2(m − 1) − ⌈log2 m⌉ ANDs a row for a carry, m − 1 for passes alone.
    pub(super) fn finish(mut self, s: &mut Session) -> Result<Bits, SessionError> {
        while self.passes.len() > 1 {
            self.merge(s)?;
        }
        let passing = self.passes.first().copied().flatten();
        let Some(last) = self.carries.first().copied().or(passing) else {
            return Ok(Bits::zeros(self.rows, 1).not(s.role()));
        };
        let level = &self.levels[last.level];
        let stride = self.blocks.stride();
        let [mut own, mut next] = [Buf::<u64>::scratch(stride), Buf::scratch(stride)];
        for block in self.blocks.iter() {
            let (o, n) = level.lane(self.blocks, block, last.lane);
            own[block.range(1)].copy_from_slice(o);
            next[block.range(1)].copy_from_slice(n);
        }
        Ok(Bits::from_planes(self.rows, 1, Shared::from_parts(own, next)))
    }

    /// Merges neighbouring segments; the highest one stays as it is if their number is odd.
    fn merge(&mut self, s: &mut Session) -> Result<(), SessionError> {
        let pairs = self.passes.len() / 2;
        let level = self.levels.len();
        let mut gates = Vec::with_capacity(2 * pairs);
        let mut carries = Vec::with_capacity(pairs + 1);
        for (low, high) in self.carries.chunks_exact(2).map(|pair| (pair[0], pair[1])).zip(0..) {
            if let Some(x) = self.passes[2 * high + 1] {
                carries.push(At { level, lane: gates.len() });
                gates.push(Gate { plus: Some(low.1), x, y: low.0 });
            }
        }
        let mut passes = Vec::with_capacity(pairs + 1);
        for pair in self.passes.chunks_exact(2) {
            passes.push(match (pair[0], pair[1]) {
                (Some(y), Some(x)) => {
                    gates.push(Gate { plus: None, x, y });
                    Some(At { level, lane: gates.len() - 1 })
                }
                _ => None,
            });
        }
        if self.passes.len() % 2 == 1 {
            carries.extend(self.carries.last());
            passes.extend(self.passes.last());
        }
        let merged = evaluate(s, self.blocks, &self.levels, &gates)?;
        self.levels.push(merged);
        (self.carries, self.passes) = (carries, passes);
        Ok(())
    }
}

/// Twin of [`Tree::finish`], for `segments` segments.
pub(super) fn tree_cost(m: &mut Meter, blocks: Blocks, mut segments: usize, carries: bool) {
    while segments > 1 {
        let pairs = segments / 2;
        blocks.exchange_cost(m, if carries { 2 * pairs - 1 } else { pairs });
        segments -= pairs;
    }
}

/// The sums of products that the gates say, a lane for each, block by block in one round.
///
/// \[AFLNO16\], as [`super::mul`].
fn evaluate(
    s: &mut Session,
    blocks: Blocks,
    levels: &[Lanes],
    gates: &[Gate],
) -> Result<Lanes, SessionError> {
    let mut out = Lanes::scratch(blocks, gates.len());
    let lanes = gates.len();
    let (to, from) = (s.role().prev().id(), s.role().next().id());
    for run in blocks.messages(lanes) {
        let message = &mut out.own[run.start * lanes..run.end * lanes];
        s.prss().zero_share::<B64>(message);
        let mut rest = &mut *message;
        for block in blocks.iter().filter(|block| run.contains(&block.from)) {
            for gate in gates {
                let (target, behind) = rest.split_at_mut(block.len);
                let lane = |at: At| levels[at.level].lane(blocks, block, at.lane);
                B64::cross(target, lane(gate.x), lane(gate.y));
                if let Some(plus) = gate.plus {
                    B64::add_assign(target, lane(plus).0);
                }
                rest = behind;
            }
        }
        s.send(to, message)?;
    }
    for run in blocks.messages(lanes) {
        s.recv(from, &mut out.next[run.start * lanes..run.end * lanes])?;
    }
    Ok(out)
}

/// The AND of all bits of each row.
///
/// # Cost
/// ⌈log2 w⌉ rounds; w − 1 ANDs a row.
pub(super) fn all_ones(s: &mut Session, bits: Bits) -> Result<Bits, SessionError> {
    let (rows, width) = (bits.rows(), bits.width());
    let blocks = Blocks::new(bits.stride(), width);
    Tree::of_passes(rows, blocks, Lanes::planes(bits.into_planes(), width)).finish(s)
}

pub(super) fn all_ones_cost(m: &mut Meter, rows: usize, width: usize) {
    tree_cost(m, Blocks::new(rows.div_ceil(64), width), width, false);
}

/// The borrow out of `a − b`, from `not_a` and `b`: the carry out of positions that generate where both are 1 and pass a
/// carry on where one is.
///
/// # Cost
/// 1 + ⌈log2 w⌉ rounds; 3w − 2 − ⌈log2 w⌉ ANDs a row.
pub(super) fn carry_out(s: &mut Session, not_a: Bits, b: &Bits) -> Result<Bits, SessionError> {
    let (rows, width) = (b.rows(), b.width());
    let blocks = Blocks::new(b.stride(), width);
    let passes = not_a.xor(b);
    let mut levels = vec![
        Lanes::planes(not_a.into_planes(), width),
        Lanes::planes(b.planes().clone(), width),
        Lanes::planes(passes.into_planes(), width),
    ];
    let at = |level| move |lane| At { level, lane };
    let lanes = |level| (0..width).map(at(level));
    let gates: Vec<Gate> = lanes(0).zip(lanes(1)).map(|(x, y)| Gate { plus: None, x, y }).collect();
    levels.push(evaluate(s, blocks, &levels, &gates)?);
    let (carries, passes) = (lanes(3).collect(), lanes(2).map(|at| (at.lane > 0).then_some(at)));
    Tree { rows, blocks, levels, carries, passes: passes.collect() }.finish(s)
}

pub(super) fn carry_out_cost(m: &mut Meter, rows: usize, width: usize) {
    let blocks = Blocks::new(rows.div_ceil(64), width);
    blocks.exchange_cost(m, width);
    tree_cost(m, blocks, width, true);
}

/// The sum of two numbers, from whether each bit generates a carry (all but the highest) and whether it passes one on.
/// Sklansky's parallel prefix.
///
/// # Cost
/// ⌈log2 m⌉ rounds for m bits that may carry; at each level two ANDs for each position that has segments below it still to
/// merge, one if they reach down to the lowest.
pub(super) fn sum(
    s: &mut Session,
    rows: usize,
    blocks: Blocks,
    (generate, propagate): (Lanes, Lanes),
) -> Result<Bits, SessionError> {
    let (carrying, width) = (generate.len(), propagate.len());
    let at = |level| move |lane| At { level, lane };
    let mut carries: Vec<At> = (0..carrying).map(at(0)).collect();
    let mut passes: Vec<At> = (0..carrying).map(at(1)).collect();
    let mut levels = vec![generate, propagate];
    for span in spans(carrying) {
        let mut gates = Vec::new();
        let mut written = Vec::new();
        for (bit, below) in sklansky_level(carrying, span) {
            let x = passes[bit];
            written.push((bit, true));
            gates.push(Gate { plus: Some(carries[bit]), x, y: carries[below] });
            if reaches_on(bit, span) {
                written.push((bit, false));
                gates.push(Gate { plus: None, x, y: passes[below] });
            }
        }
        for (lane, (bit, carry)) in written.into_iter().enumerate() {
            let of = if carry { &mut carries } else { &mut passes };
            of[bit] = At { level: levels.len(), lane };
        }
        let merged = evaluate(s, blocks, &levels, &gates)?;
        levels.push(merged);
    }
    Ok(with_carries(rows, blocks, &levels, &carries, width))
}

/// Twin of [`sum`].
pub(super) fn sum_cost(m: &mut Meter, blocks: Blocks, width: usize) {
    for span in spans(width - 1) {
        let level = sklansky_level(width - 1, span);
        let gates = level.map(|(bit, _)| 1 + usize::from(reaches_on(bit, span))).sum();
        blocks.exchange_cost(m, gates);
    }
}

/// Each bit of level 1 plus the carry out of the bits below it, plane by plane.
fn with_carries(
    rows: usize,
    blocks: Blocks,
    levels: &[Lanes],
    carries: &[At],
    width: usize,
) -> Bits {
    let stride = blocks.stride();
    let [mut own, mut next] = [Buf::<u64>::scratch(width * stride), Buf::scratch(width * stride)];
    for block in blocks.iter() {
        for bit in 0..width {
            let range = bit * stride + block.from..bit * stride + block.from + block.len;
            let (o, n) = levels[1].lane(blocks, block, bit);
            own[range.clone()].copy_from_slice(o);
            next[range.clone()].copy_from_slice(n);
            if let Some(carry) = bit.checked_sub(1).map(|below| carries[below]) {
                let (o, n) = levels[carry.level].lane(blocks, block, carry.lane);
                B64::add_assign(&mut own[range.clone()], o);
                B64::add_assign(&mut next[range], n);
            }
        }
    }
    Bits::from_planes(rows, width, Shared::from_parts(own, next))
}

/// 1, 2, 4, … below `width`.
fn spans(width: usize) -> impl Iterator<Item = usize> {
    std::iter::successors(Some(1), |span| Some(span * 2)).take_while(move |span| *span < width)
}

/// Positions whose segment reaches down to a multiple of `span` that has a segment below, with that segment's top.
fn sklansky_level(width: usize, span: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..width).filter(move |bit| bit & span != 0).map(move |bit| (bit, (bit & !(span - 1)) - 1))
}

/// Whether the segment that `bit` ends after this level has segments below it.
fn reaches_on(bit: usize, span: usize) -> bool {
    bit >= 2 * span
}
