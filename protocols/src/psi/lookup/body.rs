//! The body of a table, written from its start to its end at three places at once: low bits of tags, marks, labels.

use std::io::{self, SeekFrom};

use super::{
    filed::Filed,
    header::Header,
    places::{READ_BYTES, Scratch},
    publish::PublishError,
};
use crate::psi::elias_fano::{Shape, Writer, high_part};

/// What is collected before it is written.
const BUFFER_BYTES: usize = 64 << 10;

/// A stretch of the body. What is put beyond its end is dropped.
struct Stretch {
    at: u64,
    end: u64,
    buffer: Vec<u8>,
}

impl Stretch {
    fn new(at: u64, end: u64) -> Self {
        Self { at, end, buffer: Vec::with_capacity(BUFFER_BYTES) }
    }

    fn put(&mut self, bytes: &[u8], out: &mut dyn Scratch) -> io::Result<()> {
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() >= BUFFER_BYTES { self.flush(out) } else { Ok(()) }
    }

    fn flush(&mut self, out: &mut dyn Scratch) -> io::Result<()> {
        let left = usize::try_from(self.end - self.at).unwrap_or(usize::MAX);
        self.buffer.truncate(left);
        if self.buffer.is_empty() {
            // Seeking beyond the end of what is to be written would say that there is more.
            return Ok(());
        }
        out.seek(SeekFrom::Start(self.at))?;
        out.write_all(&self.buffer)?;
        self.at += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }
}

/// The marks of an Elias–Fano code, word by word.
struct Marks {
    stretch: Stretch,
    word: u64,
    at: usize,
}

impl Marks {
    fn put(&mut self, place: usize, out: &mut dyn Scratch) -> io::Result<()> {
        self.up_to(place / 64, out)?;
        self.word |= 1 << (place % 64);
        Ok(())
    }

    fn up_to(&mut self, at: usize, out: &mut dyn Scratch) -> io::Result<()> {
        while self.at < at {
            let word = std::mem::take(&mut self.word);
            self.stretch.put(&word.to_le_bytes(), out)?;
            self.at += 1;
        }
        Ok(())
    }
}

/// Writes what was filed behind where `out` stands, and gives its digest. What is found under equal bits is one item twice or,
/// where only the tag's are equal, bad luck.
pub(super) fn write(
    header: &Header,
    filed: Filed<'_>,
    out: &mut dyn Scratch,
) -> Result<[u8; 32], PublishError> {
    let [tags, slots] = header.body_parts().ok_or(PublishError::TooLarge)?;
    let rows = usize::try_from(header.rows).map_err(|_| PublishError::TooLarge)?;
    let start = out.stream_position()?;
    let (shape, behind) = (Shape::new(rows, header.tag_bits()), start + tags as u64);
    let mut low = Stretch::new(start, start + if rows == 0 { 0 } else { shape.low_bytes as u64 });
    let mut marks = Marks { stretch: Stretch::new(low.end, behind), word: 0, at: 0 };
    let mut labels = Stretch::new(behind, behind + slots as u64);
    let (mut bits, mut last, mut place) = (Writer::default(), None::<u128>, 0);
    for part in filed.into_parts() {
        for (prefix, slot) in part?.iter() {
            let tag = prefix >> (u128::BITS - header.tag_bits());
            if let Some(last) = last.replace(prefix)
                && last >> (u128::BITS - header.tag_bits()) == tag
            {
                let twice = last == prefix;
                return Err(if twice { PublishError::Duplicate } else { PublishError::Unlucky });
            }
            bits.put(tag, shape.low_bits);
            if bits.out.len() >= BUFFER_BYTES {
                low.put(&bits.out, out)?;
                bits.out.clear();
            }
            marks.put(place + high_part(tag, shape.low_bits), out)?;
            labels.put(slot, out)?;
            place += 1;
        }
    }
    low.put(&bits.end(), out)?;
    marks.up_to(shape.high_places.div_ceil(64), out)?;
    for stretch in [&mut low, &mut marks.stretch, &mut labels] {
        stretch.flush(out)?;
    }
    Ok(digest(out, start, (tags + slots) as u64)?)
}

/// BLAKE3 of so many bytes from a place on; stands behind them then.
fn digest(out: &mut dyn Scratch, start: u64, bytes: u64) -> io::Result<[u8; 32]> {
    out.seek(SeekFrom::Start(start))?;
    let (mut hasher, mut buffer, mut left) = (blake3::Hasher::new(), vec![0; READ_BYTES], bytes);
    while left > 0 {
        let part = usize::try_from(left).unwrap_or(READ_BYTES).min(READ_BYTES);
        out.read_exact(&mut buffer[..part])?;
        hasher.update(&buffer[..part]);
        left -= part as u64;
    }
    Ok(*hasher.finalize().as_bytes())
}
