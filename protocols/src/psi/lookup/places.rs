//! Where the bytes of a published table are kept: on disk, and few of them in memory at a time.

use std::{
    fs::File,
    io::{self, Read, Seek, Write},
    os::unix::fs::FileExt as _,
};

/// What is read of a table at a time, where it is read from its start to its end.
pub(super) const READ_BYTES: usize = 256 << 10;

/// The body of a published table, read from any place.
pub trait Places: Send + Sync {
    /// How many bytes there are.
    fn bytes(&self) -> u64;

    /// Fills `out` with what stands at `at`.
    ///
    /// # Errors
    /// If it cannot be read, or there is not so much.
    fn read_at(&self, at: u64, out: &mut [u8]) -> io::Result<()>;
}

/// In memory.
impl Places for Vec<u8> {
    fn bytes(&self) -> u64 {
        self.len() as u64
    }

    fn read_at(&self, at: u64, out: &mut [u8]) -> io::Result<()> {
        let there = usize::try_from(at).ok().and_then(|at| self.get(at..)?.get(..out.len()));
        out.copy_from_slice(there.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }
}

/// The end of a file.
#[derive(Debug)]
pub struct Stored {
    file: File,
    from: u64,
    bytes: u64,
}

impl Stored {
    /// What stands in a file from a place on.
    ///
    /// # Errors
    /// If the file ends before, or says nothing of its length.
    pub fn behind(file: File, from: u64) -> io::Result<Self> {
        let bytes = file.metadata()?.len().checked_sub(from);
        Ok(Self { file, from, bytes: bytes.ok_or(io::ErrorKind::UnexpectedEof)? })
    }
}

impl Places for Stored {
    fn bytes(&self) -> u64 {
        self.bytes
    }

    fn read_at(&self, at: u64, out: &mut [u8]) -> io::Result<()> {
        self.file.read_exact_at(out, self.from.saturating_add(at))
    }
}

/// A file, or memory, that is written and read again.
pub trait Scratch: Read + Write + Seek {}

impl<T: Read + Write + Seek> Scratch for T {}

/// BLAKE3 of all of it.
pub(super) fn digest(places: &dyn Places) -> io::Result<[u8; 32]> {
    let (mut hasher, mut buffer) = (blake3::Hasher::new(), vec![0; READ_BYTES]);
    let mut at = 0;
    while at < places.bytes() {
        let left = usize::try_from(places.bytes() - at).unwrap_or(READ_BYTES);
        let part = &mut buffer[..left.min(READ_BYTES)];
        places.read_at(at, part)?;
        hasher.update(part);
        at += part.len() as u64;
    }
    Ok(*hasher.finalize().as_bytes())
}

/// A stretch of it as words, the last one filled up with zeros. Ends early where it cannot be read.
pub(super) struct Words<'p> {
    places: &'p dyn Places,
    at: u64,
    end: u64,
    buffer: Vec<u8>,
    used: usize,
    failed: Option<io::ErrorKind>,
}

impl<'p> Words<'p> {
    pub(super) fn new(places: &'p dyn Places, at: u64, end: u64) -> Self {
        Self { places, at, end, buffer: Vec::new(), used: 0, failed: None }
    }

    /// Why it ended early, if it did.
    pub(super) fn failed(&self) -> Option<io::ErrorKind> {
        self.failed
    }

    fn refill(&mut self) {
        let left = usize::try_from(self.end.saturating_sub(self.at)).unwrap_or(READ_BYTES);
        self.buffer.resize(left.min(READ_BYTES), 0);
        self.used = 0;
        if let Err(error) = self.places.read_at(self.at, &mut self.buffer) {
            self.failed = Some(error.kind());
            self.buffer.clear();
        }
        self.at += self.buffer.len() as u64;
        // Zeros behind the end; what is read at a time is whole words.
        self.buffer.resize(self.buffer.len().next_multiple_of(8), 0);
    }
}

impl Iterator for Words<'_> {
    type Item = u64;

    fn next(&mut self) -> Option<u64> {
        if self.used == self.buffer.len() && self.failed.is_none() {
            self.refill();
        }
        let word = self.buffer.get(self.used..)?.first_chunk()?;
        self.used += size_of::<u64>();
        Some(u64::from_le_bytes(*word))
    }
}
