//! What a growth has opened so far, step by step, in memory and on disk.
//!
//! A step is what is opened at once: the edges, then of each tree its levels and its leaves. Each stands in the file behind the last
//! one, with a hash of all up to it under the name of its training; what a crash left of the last step is no step. The file begins
//! with a hash of a label under that name, which is written with the first step: a growth that is not of this name leaves it alone.

use std::{
    fs::File,
    io::{self, Read as _, Seek as _, SeekFrom, Write as _},
    path::Path,
};

use super::growth::Growth;
use crate::{
    disk::DiskError,
    shelf::{CLOSED, GROWN, STATE, Shelf, WEIGHTS, broken},
};

const LABEL: &[u8] = b"unseen grown trees of one training v1";
const HASH: usize = 32;

/// Keeps what is opened. What it says it has kept must be there after the power fails.
pub trait Keep {
    /// Called after each step, before anybody hears of it who does not compute.
    ///
    /// # Errors
    /// Why it could not: the growth ends.
    fn opened(&mut self, words: &[u64]) -> Result<(), DiskError>;
}

/// Keeps nothing: if it is interrupted, the growth begins anew.
#[derive(Clone, Copy, Debug)]
pub struct NotKept;

impl Keep for NotKept {
    fn opened(&mut self, _: &[u64]) -> Result<(), DiskError> {
        Ok(())
    }
}

/// A folder that keeps one growth.
///
/// # Security
/// What is kept is the model as far as it is opened: nothing secret to a compute party. Only this user may read it.
#[derive(Debug)]
pub struct Record {
    shelf: Shelf,
    file: File,
    /// What stands before the first step, until that is written.
    head: Vec<u8>,
    hash: blake3::Hasher,
}

impl Record {
    /// The folder, made if it is not there, and the steps that it has: none if the growth does not go on. `training` is a hash of all
    /// that must be the same for a growth to go on.
    ///
    /// # Errors
    /// The system's; [`io::ErrorKind::WouldBlock`] while another run has it; [`io::ErrorKind::InvalidData`] if what is kept there is of
    /// another training, or was touched: it stays as it is.
    pub fn open(
        (path, training): (&Path, [u8; 32]),
        of: &Growth,
    ) -> io::Result<(Self, Vec<Vec<u64>>)> {
        let shelf = Shelf::open(path, training)?;
        shelf.without(&[STATE, CLOSED, WEIGHTS])?;
        let mut file = shelf.append(GROWN)?;
        let label = *blake3::keyed_hash(&training, LABEL).as_bytes();
        let begun = begins_with(&mut file, label)?;
        let (mut hash, mut steps) = (blake3::Hasher::new_keyed(&training), vec![]);
        let mut whole = HASH as u64;
        while begun && of.resumed && steps.len() < of.steps() {
            let Some(words) = read_step(&mut file, of.step_words(steps.len()), &mut hash)? else {
                break;
            };
            whole += 8 * words.len() as u64 + HASH as u64;
            steps.push(words);
        }
        let mut head = Vec::new();
        if steps.is_empty() {
            whole = 0;
            head.extend_from_slice(&label);
        }
        file.set_len(whole)?;
        file.seek(SeekFrom::Start(whole))?;
        file.sync_all()?;
        // A step that was torn is in the hash, and is not in the file.
        let mut hash = blake3::Hasher::new_keyed(&training);
        steps.iter().for_each(|words| add(&mut hash, words));
        Ok((Self { shelf, file, head, hash }, steps))
    }
}

impl Keep for Record {
    fn opened(&mut self, words: &[u64]) -> Result<(), DiskError> {
        add(&mut self.hash, words);
        let mut bytes = std::mem::take(&mut self.head);
        bytes.extend(words.iter().flat_map(|word| word.to_le_bytes()));
        bytes.extend_from_slice(self.hash.finalize().as_bytes());
        let done = self.file.write_all(&bytes).and_then(|()| self.file.sync_data());
        done.map_err(|error| self.shelf.failed(&error))
    }
}

/// Whether it begins with this label; one that is shorter keeps nothing, and neither does one that begins with zeros: the power failed
/// when it was as long as its first step and nothing of that was there.
///
/// # Errors
/// The system's; [`io::ErrorKind::InvalidData`] if it begins with another.
fn begins_with(file: &mut File, label: [u8; HASH]) -> io::Result<bool> {
    if file.metadata()?.len() < HASH as u64 {
        return Ok(false);
    }
    let mut head = [0; HASH];
    file.read_exact(&mut head)?;
    match head {
        _ if head == label => Ok(true),
        [0, ..] if head == [0; HASH] => Ok(false),
        _ => Err(broken("it is of another training; run the job without `resumes`")),
    }
}

/// The next step of so many words, if it is there and whole.
///
/// # Errors
/// The system's; [`io::ErrorKind::InvalidData`] if it does not fit and is not the last: only the last write can be torn.
fn read_step(
    file: &mut File,
    words: usize,
    hash: &mut blake3::Hasher,
) -> io::Result<Option<Vec<u64>>> {
    let mut bytes = vec![0; 8 * words + HASH];
    match file.read_exact(&mut bytes) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        read => read?,
    }
    let (step, digest) = bytes.split_at(8 * words);
    let step: Vec<u64> = step.as_chunks().0.iter().map(|word| u64::from_le_bytes(*word)).collect();
    add(hash, &step);
    if hash.finalize().as_bytes() == digest {
        return Ok(Some(step));
    }
    if file.read(&mut [0])? == 0 { Ok(None) } else { Err(broken("it is not whole")) }
}

fn add(hash: &mut blake3::Hasher, words: &[u64]) {
    words.iter().for_each(|word| {
        hash.update(&word.to_le_bytes());
    });
}

/// A digest of steps, for parties to compare.
pub(super) fn digest(steps: &[Vec<u64>]) -> [u64; 4] {
    let mut hash = blake3::Hasher::new_derive_key("unseen grown trees v1");
    steps.iter().for_each(|words| add(&mut hash, words));
    let digest = *hash.finalize().as_bytes();
    let (words, _) = digest.as_chunks();
    std::array::from_fn(|at| u64::from_le_bytes(words[at]))
}
