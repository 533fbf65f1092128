//! Ids of a table that is larger than memory, put where they are found again by range.

use std::{
    fs::File,
    io::{Read as _, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
};

use super::broken::TableError;

/// Ids are put into so many parts by their first bits.
const PARTS: usize = 1 << PART_BITS;
const PART_BITS: u32 = 10;
/// An id and its row, little-endian; values come behind them, 8 bytes each.
const RECORD: usize = 24;
const VALUE: usize = 8;
/// Bytes that a part collects before it hands them on, about.
const BLOCK: usize = 680 * RECORD;

/// Pairs of id and row of one table, with a few words of each row if wanted, in memory up to a budget and beyond it in a file that has no name and is gone with this.
///
/// Ids are uniform (they are hashes), so the parts are about equally full. Besides the budget, each part holds one block of
/// 16 kB that is being filled.
pub struct Spill {
    folder: PathBuf,
    budget: usize,
    /// Words beside each pair.
    values: usize,
    parts: Vec<Part>,
    /// Full blocks in memory, and how many blocks the file has.
    kept: usize,
    file: Option<File>,
    written: u64,
    len: u64,
}

#[derive(Default)]
struct Part {
    open: Vec<u8>,
    kept: Vec<Box<[u8]>>,
    /// Which blocks of the file.
    written: Vec<u64>,
}

impl Spill {
    /// An empty one that keeps `budget` bytes in memory and the rest in `folder`.
    #[must_use]
    pub fn new(folder: &Path, budget: usize) -> Self {
        Self::with_values(folder, budget, 0)
    }

    /// The same with so many words beside each pair.
    #[must_use]
    pub fn with_values(folder: &Path, budget: usize, values: usize) -> Self {
        let parts = (0..PARTS).map(|_| Part::default()).collect();
        let folder = folder.to_owned();
        Self { folder, budget, values, parts, kept: 0, file: None, written: 0, len: 0 }
    }

    /// How many words stand beside each pair.
    #[must_use]
    pub fn values(&self) -> usize {
        self.values
    }

    /// How many pairs.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Whether the budget was not enough.
    #[must_use]
    pub fn is_on_disk(&self) -> bool {
        self.written > 0
    }

    /// Adds a pair.
    ///
    /// # Errors
    /// If the file cannot be made or written.
    pub fn push(&mut self, id: u128, row: u64) -> Result<(), TableError> {
        self.push_with(id, row, std::iter::empty())
    }

    /// Adds a pair and what stands beside it: as many words as there is room for, 0 for those that are missing.
    ///
    /// # Errors
    /// As [`Spill::push`].
    pub fn push_with(
        &mut self,
        id: u128,
        row: u64,
        values: impl Iterator<Item = u64>,
    ) -> Result<(), TableError> {
        let (width, block) = (self.values, self.block());
        let open = &mut self.parts[part_of(id)].open;
        open.extend_from_slice(&id.to_le_bytes());
        open.extend_from_slice(&row.to_le_bytes());
        for value in values.chain(std::iter::repeat(0)).take(width) {
            open.extend_from_slice(&value.to_le_bytes());
        }
        self.len += 1;
        if open.len() == block { self.hand_on(part_of(id)) } else { Ok(()) }
    }

    /// Appends the pairs whose id lies in `first..=last`, in no order.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn between(
        &mut self,
        first: u128,
        last: u128,
        out: &mut Vec<(u128, u64)>,
    ) -> Result<(), TableError> {
        self.each(first, last, |id, row, _| out.push((id, row)))
    }

    /// The same, with what stands beside each pair, in the order of the pairs.
    ///
    /// # Errors
    /// As [`Spill::between`].
    pub fn between_with(
        &mut self,
        first: u128,
        last: u128,
        out: &mut Vec<(u128, u64)>,
        values: &mut Vec<u64>,
    ) -> Result<(), TableError> {
        self.each(first, last, |id, row, beside| {
            out.push((id, row));
            values.extend(beside.as_chunks().0.iter().map(|value| u64::from_le_bytes(*value)));
        })
    }

    /// Hands on the pairs whose id lies in `first..=last`, in no order. None of them is kept.
    ///
    /// # Errors
    /// As [`Spill::between`].
    pub fn visit(
        &mut self,
        first: u128,
        last: u128,
        take: &mut dyn FnMut(u128, u64),
    ) -> Result<(), TableError> {
        self.each(first, last, |id, row, _| take(id, row))
    }

    pub(super) fn each(
        &mut self,
        first: u128,
        last: u128,
        mut take: impl FnMut(u128, u64, &[u8]),
    ) -> Result<(), TableError> {
        let record = self.record();
        let mut within = |bytes: &[u8]| {
            for record in bytes.chunks_exact(record) {
                let (mut id, mut row) = ([0; 16], [0; 8]);
                id.copy_from_slice(&record[..16]);
                row.copy_from_slice(&record[16..RECORD]);
                let id = u128::from_le_bytes(id);
                if (first..=last).contains(&id) {
                    take(id, u64::from_le_bytes(row), &record[RECORD..]);
                }
            }
        };
        let mut block = vec![0; self.block()];
        for part in part_of(first)..=part_of(last) {
            for at in 0..self.parts[part].written.len() {
                let offset = self.parts[part].written[at] * block.len() as u64;
                self.read(offset, &mut block)?;
                within(&block);
            }
            let part = &self.parts[part];
            for bytes in part.kept.iter().map(|block| &**block).chain([&*part.open]) {
                within(bytes);
            }
        }
        Ok(())
    }

    fn record(&self) -> usize {
        RECORD + VALUE * self.values
    }

    /// Whole records, as many as fit.
    fn block(&self) -> usize {
        BLOCK / self.record() * self.record()
    }

    fn hand_on(&mut self, part: usize) -> Result<(), TableError> {
        let block = self.block();
        let part = &mut self.parts[part];
        if self.kept + block <= self.budget {
            self.kept += block;
            part.kept.push(std::mem::take(&mut part.open).into_boxed_slice());
            return Ok(());
        }
        part.written.push(self.written);
        self.written += 1;
        let file = match &mut self.file {
            Some(file) => file,
            none => {
                none.insert(tempfile::tempfile_in(&self.folder).map_err(|e| io(&self.folder, e))?)
            }
        };
        file.write_all(&part.open).map_err(|e| io(&self.folder, e))?;
        part.open.clear();
        Ok(())
    }

    fn read(&mut self, offset: u64, block: &mut [u8]) -> Result<(), TableError> {
        let Some(file) = &mut self.file else { return Ok(()) };
        let read = file.seek(SeekFrom::Start(offset)).and_then(|_| file.read_exact(block));
        // What is pushed after a read goes behind what was written before.
        let back = read.and_then(|()| file.seek(SeekFrom::End(0)));
        back.map(drop).map_err(|e| io(&self.folder, e))
    }
}

/// Ids are a provider's data: they do not print.
impl std::fmt::Debug for Spill {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Spill({} pairs, {} blocks on disk)", self.len, self.written)
    }
}

fn part_of(id: u128) -> usize {
    // Ten bits fit.
    usize::try_from(id >> (u128::BITS - PART_BITS)).unwrap_or(PARTS - 1)
}

fn io(folder: &Path, source: std::io::Error) -> TableError {
    TableError::Io { file: format!("a scratch file in {}", folder.display()), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Spread over all parts.
    fn id(row: u64) -> u128 {
        u128::from(row.wrapping_mul(0x9e37_79b9_7f4a_7c15)) << 64 | u128::from(row)
    }

    #[test]
    fn pairs_are_found_by_range_wherever_they_stand() {
        let dir = tempfile::tempdir().unwrap();
        for (budget, rows) in
            [(usize::MAX, 5_000), (0, 5_000), (0, 2_000_000), (10 * BLOCK, 2_000_000)]
        {
            let mut spill = Spill::new(dir.path(), budget);
            (0..rows).for_each(|row| spill.push(id(row), row).unwrap());
            assert_eq!((spill.len(), spill.is_empty()), (rows, false));
            assert_eq!(spill.is_on_disk(), budget < usize::MAX && rows > 1_000_000);
            let (third, mut seen) = (u128::MAX / 3, Vec::new());
            for (first, last) in [(0, third), (third + 1, 2 * third), (2 * third + 1, u128::MAX)] {
                let mut found = Vec::new();
                spill.between(first, last, &mut found).unwrap();
                assert!(
                    found.iter().all(|(at, row)| (first..=last).contains(at) && *at == id(*row))
                );
                seen.extend(found.into_iter().map(|(_, row)| row));
            }
            seen.sort_unstable();
            assert!(seen.into_iter().eq(0..rows), "budget {budget}, {rows} rows");
        }
    }

    #[test]
    fn words_stay_beside_their_pair() {
        let dir = tempfile::tempdir().unwrap();
        for (width, budget, rows) in [(1, usize::MAX, 5_000), (3, 0, 900_000), (2, 0, 0)] {
            let mut spill = Spill::with_values(dir.path(), budget, width);
            let word = |row: u64, of: u64| row.wrapping_mul(0xbf58_476d_1ce4_e5b9) ^ of;
            for row in 0..rows {
                spill.push_with(id(row), row, (0..width as u64).map(|of| word(row, of))).unwrap();
            }
            assert_eq!((spill.values(), spill.is_on_disk()), (width, rows > 5_000));
            let (mut pairs, mut words, mut again) = (Vec::new(), Vec::new(), Vec::new());
            spill.between_with(0, u128::MAX / 2, &mut pairs, &mut words).unwrap();
            spill.between(0, u128::MAX / 2, &mut again).unwrap();
            assert_eq!(pairs, again);
            assert_eq!(words.len(), width * pairs.len());
            for ((_, row), words) in pairs.iter().zip(words.chunks_exact(width)) {
                assert!((0..).zip(words).all(|(of, found)| *found == word(*row, of)));
            }
        }
    }

    #[test]
    fn a_folder_that_is_not_there_is_told() {
        let mut spill = Spill::new(Path::new("/nonexistent"), 0);
        let error = (0..1_000_000).find_map(|row| spill.push(id(row), row).err()).unwrap();
        assert!(error.to_string().contains("/nonexistent"), "{error}");
        assert_eq!(format!("{spill:?}").split('(').next(), Some("Spill"));
    }
}
