//! Lanes of bits in blocks of rows, so that what a circuit reads and writes for one block stays in the caches.
//!
//! ```text
//! plane by plane   [ lane 0: all rows | lane 1: all rows | … ]
//! block by block   [ block 0: lane 0, lane 1, … | block 1: lane 0, lane 1, … | … ]
//! ```

use std::ops::Range;

use crate::{
    net::CHUNK_BYTES,
    party::Role,
    ring::{B64, Buf},
    session::Meter,
    share::Shared,
};

/// Words of a lane in a block, at most: 8192 rows.
const BLOCK: usize = 128;
/// Words of a message, at most, if it is of several blocks: one frame.
const MESSAGE: usize = CHUNK_BYTES / 8;

/// How the words of a lane are cut into blocks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Blocks {
    stride: usize,
    block: usize,
}

/// One block: its words of a lane.
#[derive(Clone, Copy, Debug)]
pub(super) struct Block {
    pub(super) number: usize,
    pub(super) from: usize,
    pub(super) len: usize,
}

impl Blocks {
    /// Blocks of lanes of `stride` words, of which a message takes at most `lanes` of one block: a frame, unless they are many.
    pub(super) fn new(stride: usize, lanes: usize) -> Self {
        // Three blocks at least, so that each party has a third of the work; whole cache lines.
        let fair = stride.div_ceil(3).next_multiple_of(8);
        let most = (MESSAGE / lanes.max(1) / 8 * 8).clamp(8, BLOCK);
        Self { stride, block: fair.clamp(8, most) }
    }

    /// Words of a lane.
    pub(super) fn stride(&self) -> usize {
        self.stride
    }

    /// Words of a lane in the largest block.
    pub(super) fn largest(&self) -> usize {
        self.block.min(self.stride)
    }

    /// All blocks, in order.
    pub(super) fn iter(self) -> impl Iterator<Item = Block> {
        (0..self.stride).step_by(self.block).enumerate().map(move |(number, from)| Block {
            number,
            from,
            len: self.block.min(self.stride - from),
        })
    }

    /// Words of a lane in the blocks that `dealer` works on.
    pub(super) fn of(self, dealer: Role) -> impl Iterator<Item = Block> {
        self.iter().filter(move |block| block.dealer() == dealer)
    }

    /// The runs of blocks, as words of a lane, in which messages of so many lanes travel.
    pub(super) fn messages(self, lanes: usize) -> impl Iterator<Item = Range<usize>> {
        let blocks = (MESSAGE / lanes.max(1) / self.block).max(1);
        let run = blocks * self.block;
        (0..self.stride).step_by(run).map(move |from| from..(from + run).min(self.stride))
    }

    /// Tells the meter what one round of messages of so many lanes to the previous party takes.
    pub(super) fn exchange_cost(self, m: &mut Meter, lanes: usize) {
        let runs = self.messages(lanes).map(|run| run.len() * lanes * 8);
        let batch = runs.flat_map(|bytes| Role::ALL.map(|role| (role, role.prev(), bytes)));
        m.messages(&batch.collect::<Vec<_>>());
    }
}

impl Block {
    /// Who deals with this block: each party in turn.
    pub(super) fn dealer(&self) -> Role {
        Role::ALL[self.number % 3]
    }

    /// Where its lanes stand among `lanes` lanes, block by block.
    pub(super) fn range(&self, lanes: usize) -> Range<usize> {
        self.from * lanes..(self.from + self.len) * lanes
    }

    /// Its rows, of `rows` in all.
    pub(super) fn rows(&self, rows: usize) -> Range<usize> {
        (self.from * 64).min(rows)..((self.from + self.len) * 64).min(rows)
    }
}

/// Both summands of some lanes.
pub(super) struct Lanes {
    pub(super) own: Buf<u64>,
    pub(super) next: Buf<u64>,
    lanes: usize,
    /// Plane by plane, else block by block.
    planes: bool,
}

impl Lanes {
    /// Lanes of arbitrary content, block by block.
    pub(super) fn scratch(blocks: Blocks, lanes: usize) -> Self {
        let words = blocks.stride * lanes;
        Self { own: Buf::scratch(words), next: Buf::scratch(words), lanes, planes: false }
    }

    /// The planes of a bit-sliced column.
    pub(super) fn planes(planes: Shared<B64>, lanes: usize) -> Self {
        let (own, next) = planes.into_parts();
        Self { own, next, lanes, planes: true }
    }

    /// How many.
    pub(super) fn len(&self) -> usize {
        self.lanes
    }

    /// One lane of one block: own and next summands.
    pub(super) fn lane(&self, blocks: Blocks, block: Block, lane: usize) -> (&[u64], &[u64]) {
        let from = if self.planes {
            lane * blocks.stride + block.from
        } else {
            block.from * self.lanes + lane * block.len
        };
        (&self.own[from..from + block.len], &self.next[from..from + block.len])
    }
}
