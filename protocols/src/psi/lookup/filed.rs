//! Rows of a table on their way into it: filed by the first bits of what they are found under, so that a part at a time is sorted.

use std::io::{self, SeekFrom};

use super::places::Scratch;

/// Bytes that a part collects before it hands them on, about.
const BLOCK_BYTES: usize = 16 << 10;
/// What a part is to take in memory when it is sorted; more where there are more than a thousand of them.
const PART_BYTES: u64 = 1 << 20;
const MOST_PART_BITS: u32 = 10;
/// Bytes of what a row is found under.
const PREFIX_BYTES: usize = 16;

/// What rows are found under, uniform, with their labels as they will be in the table.
pub(super) struct Filed<'s> {
    scratch: &'s mut dyn Scratch,
    slot: usize,
    block: usize,
    part_bits: u32,
    parts: Vec<Part>,
    /// Blocks in the scratch so far.
    written: u64,
    rows: u64,
}

#[derive(Default)]
struct Part {
    open: Vec<u8>,
    /// Which blocks of the scratch.
    written: Vec<u64>,
}

/// The rows of one part, ascending.
pub(super) struct Sorted {
    records: Vec<u8>,
    slot: usize,
    /// What each is found under, and which record it is.
    order: Vec<(u128, usize)>,
}

impl<'s> Filed<'s> {
    /// For so many rows, with slots of so many bytes.
    pub(super) fn new(scratch: &'s mut dyn Scratch, rows: u64, slot: usize) -> Self {
        let record = PREFIX_BYTES + slot;
        let parts = rows.saturating_mul(record as u64).div_ceil(PART_BYTES);
        let most = 1 << MOST_PART_BITS;
        let part_bits = parts.clamp(1, most).next_power_of_two().trailing_zeros();
        let block = record * (BLOCK_BYTES / record).max(1);
        let parts = (0..1 << part_bits).map(|_| Part::default()).collect();
        Self { scratch, slot, block, part_bits, parts, written: 0, rows: 0 }
    }

    /// How many rows there are.
    pub(super) fn rows(&self) -> u64 {
        self.rows
    }

    pub(super) fn push(&mut self, prefix: u128, slot: &[u8]) -> io::Result<()> {
        let at = prefix.checked_shr(u128::BITS - self.part_bits).unwrap_or(0);
        // Ten bits fit, and there are as many parts as that.
        let part = &mut self.parts[usize::try_from(at).unwrap_or(0)];
        part.open.extend_from_slice(&prefix.to_le_bytes());
        part.open.extend_from_slice(slot);
        self.rows += 1;
        if part.open.len() == self.block {
            self.scratch.seek(SeekFrom::Start(self.written * self.block as u64))?;
            self.scratch.write_all(&part.open)?;
            part.open.clear();
            part.written.push(self.written);
            self.written += 1;
        }
        Ok(())
    }

    /// The parts, in ascending order of what is in them.
    pub(super) fn into_parts(self) -> impl Iterator<Item = io::Result<Sorted>> + use<'s> {
        let Self { scratch, slot, block, parts, .. } = self;
        parts.into_iter().map(move |part| part.sorted(scratch, slot, block))
    }
}

impl Part {
    fn sorted(self, scratch: &mut dyn Scratch, slot: usize, block: usize) -> io::Result<Sorted> {
        let mut records = vec![0; self.written.len() * block];
        for (at, out) in self.written.iter().zip(records.chunks_exact_mut(block)) {
            scratch.seek(SeekFrom::Start(at * block as u64))?;
            scratch.read_exact(out)?;
        }
        records.extend_from_slice(&self.open);
        let prefix =
            |record: &[u8]| record.first_chunk().map_or(0, |prefix| u128::from_le_bytes(*prefix));
        let all = records.chunks_exact(PREFIX_BYTES + slot);
        let mut order: Vec<_> = all.map(prefix).zip(0..).collect();
        order.sort_unstable();
        Ok(Sorted { records, slot, order })
    }
}

impl Sorted {
    /// What each row is found under, and its slot.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u128, &[u8])> {
        let record = PREFIX_BYTES + self.slot;
        self.order.iter().map(move |(prefix, at)| {
            let start = at * record + PREFIX_BYTES;
            (*prefix, &self.records[start..start + self.slot])
        })
    }
}
