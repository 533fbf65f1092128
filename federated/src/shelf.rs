//! Files that a party keeps of a training, so that it can go on after a crash.
//!
//! A file is written beside the one it replaces, brought to the disk and renamed; it ends with the hash of what it says, under the
//! name of its training.

use std::{
    fs::{self, File, TryLockError},
    io::{self, Read, Write},
    ops::Range,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use zeroize::{Zeroize as _, Zeroizing};

use crate::disk::DiskError;

/// Of rounds: what is after those that are over, and the one that was closed last.
pub(crate) const STATE: &str = "state";
pub(crate) const CLOSED: &str = "closed";
/// Of trees: what is opened of them.
pub(crate) const GROWN: &str = "grown";
/// Of joined rows: this party's shares of the weights.
pub(crate) const WEIGHTS: &str = "weights";
const LOCK: &str = "lock";
/// Most entries of a list: what a file says of lengths is not believed beyond it.
const MOST: u64 = 1 << 32;
/// How long a folder is waited for that another run has: what was killed is gone by then, and what goes on is not.
const PATIENCE: Duration = Duration::from_secs(if cfg!(test) { 1 } else { 5 });
/// How often it is looked for meanwhile.
const LOOK: Duration = Duration::from_millis(20);

/// A folder of one training. Only this user may read it.
#[derive(Debug)]
pub(crate) struct Shelf {
    path: PathBuf,
    training: [u8; 32],
    /// Held while somebody trains: of two runs of one training at a time, each would open sums of its own.
    _lock: File,
}

impl Shelf {
    /// The folder, made if it is not there. `training` is a hash of all that must be the same for a training to go on.
    ///
    /// # Errors
    /// The system's; [`io::ErrorKind::WouldBlock`] while another run has it.
    pub(crate) fn open(path: &Path, training: [u8; 32]) -> io::Result<Self> {
        let mut builder = fs::DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.recursive(true).create(path)?;
        if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            // The folder is there after the power fails, and so is what is written down in it.
            File::open(parent)?.sync_all()?;
        }
        let lock = File::create(path.join(LOCK))?;
        lock.try_lock().map_err(|error| match error {
            TryLockError::Error(error) => error,
            TryLockError::WouldBlock => {
                let words = "another run of this training is under way here";
                io::Error::new(io::ErrorKind::WouldBlock, words)
            }
        })?;
        Ok(Self { path: path.to_owned(), training, _lock: lock })
    }

    /// The same, once whoever has it lets go of it: of a process that was killed there may be something left for a while.
    ///
    /// # Errors
    /// As [`Self::open`]; [`io::ErrorKind::WouldBlock`] after [`PATIENCE`].
    pub(crate) fn open_patiently(path: &Path, training: [u8; 32]) -> io::Result<Self> {
        let since = Instant::now();
        loop {
            match Self::open(path, training) {
                Err(error)
                    if error.kind() == io::ErrorKind::WouldBlock && since.elapsed() < PATIENCE =>
                {
                    thread::park_timeout(LOOK);
                }
                done => return done,
            }
        }
    }

    /// That the folder is not of a training of another kind, which keeps these files.
    ///
    /// # Errors
    /// [`io::ErrorKind::InvalidData`] where it is; the system's.
    pub(crate) fn without(&self, others: &[&str]) -> io::Result<()> {
        for name in others {
            match fs::metadata(self.path.join(name)) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Ok(file) if file.len() == 0 => {}
                Ok(_) => return Err(broken("it is of a training of another kind")),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Replaces a file; what it says is there after the power fails. Gives the hash that it ends with.
    pub(crate) fn write(
        &self,
        name: &str,
        put: impl FnOnce(&mut Writer) -> io::Result<()>,
    ) -> io::Result<[u8; 32]> {
        let (file, hash) = self.put(name, put)?;
        file.sync_all()?;
        self.rename(name)?;
        File::open(&self.path)?.sync_all()?;
        Ok(hash)
    }

    /// Replaces a file; what it says is there if this process is killed, and may be gone if the power fails.
    pub(crate) fn leave(
        &self,
        name: &str,
        put: impl FnOnce(&mut Writer) -> io::Result<()>,
    ) -> io::Result<()> {
        self.put(name, put)?;
        self.rename(name)
    }

    /// Writes the file beside the one that it is to replace.
    fn put(
        &self,
        name: &str,
        put: impl FnOnce(&mut Writer) -> io::Result<()>,
    ) -> io::Result<(File, [u8; 32])> {
        let beside = self.path.join(format!("{name}.new"));
        let mut options = File::options();
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.write(true).create(true).truncate(true).open(&beside)?;
        let hash = blake3::Hasher::new_keyed(&self.training);
        let buffer = Zeroizing::new(Vec::with_capacity(BUFFER));
        let mut out = Writer { file, buffer, hash };
        put(&mut out)?;
        let hash = out.hash.finalize();
        out.put(hash.as_bytes())?;
        out.flush()?;
        Ok((out.file, *hash.as_bytes()))
    }

    fn rename(&self, name: &str) -> io::Result<()> {
        fs::rename(self.path.join(format!("{name}.new")), self.path.join(name))
    }

    /// A file from its beginning, if it is there.
    pub(crate) fn read(&self, name: &str) -> io::Result<Option<Reader>> {
        match File::open(self.path.join(name)) {
            Ok(file) => {
                let hash = blake3::Hasher::new_keyed(&self.training);
                Ok(Some(Reader { file: Ahead::of(file), hash }))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// What a file begins with, whoever wrote it.
    pub(crate) fn begins(&self, name: &str) -> io::Result<Option<[u8; 32]>> {
        let mut head = [0; 32];
        match File::open(self.path.join(name)) {
            Ok(mut file) => file.read_exact(&mut head).map(|()| Some(head)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// A file that grows, made if it is not there, from its beginning.
    pub(crate) fn append(&self, name: &str) -> io::Result<File> {
        let mut options = File::options();
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let path = self.path.join(name);
        let file = options.read(true).write(true).create(true).truncate(false).open(path)?;
        File::open(&self.path)?.sync_all()?;
        Ok(file)
    }

    /// Removes a file, if it is there.
    pub(crate) fn remove_file(&self, name: &str) -> io::Result<()> {
        match fs::remove_file(self.path.join(name)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            gone => gone?,
        }
        File::open(&self.path)?.sync_all()
    }

    /// Removes the folder with all that is in it.
    pub(crate) fn remove(self) -> io::Result<()> {
        fs::remove_dir_all(&self.path)
    }

    /// What the system says of a file here.
    pub(crate) fn failed(&self, error: &io::Error) -> DiskError {
        DiskError::of(self.path.display(), error)
    }
}

/// That a file is none of this training.
pub(crate) fn broken(what: &str) -> io::Error {
    let words = format!("what was kept of the training cannot be used: {what}");
    io::Error::new(io::ErrorKind::InvalidData, words)
}

/// A file as it is written.
pub(crate) struct Writer {
    file: File,
    /// What is written with the next bytes: there may be secrets in it.
    buffer: Zeroizing<Vec<u8>>,
    hash: blake3::Hasher,
}

impl Writer {
    fn bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.hash.update(bytes);
        self.put(bytes)
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.buffer.len() + bytes.len() > BUFFER {
            self.flush()?;
        }
        if bytes.len() > BUFFER {
            return self.file.write_all(bytes);
        }
        self.buffer.extend_from_slice(bytes);
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.write_all(&self.buffer)?;
        self.buffer.zeroize();
        Ok(())
    }

    pub(crate) fn word(&mut self, word: u64) -> io::Result<()> {
        self.bytes(&word.to_le_bytes())
    }

    pub(crate) fn words(&mut self, words: &[u64]) -> io::Result<()> {
        self.word(words.len() as u64)?;
        self.piece(words)
    }

    /// Words of a list whose length stands before them.
    pub(crate) fn piece(&mut self, words: &[u64]) -> io::Result<()> {
        words.chunks(PIECE).try_for_each(|piece| {
            let mut bytes = Zeroizing::new(Vec::with_capacity(8 * piece.len()));
            piece.iter().for_each(|word| bytes.extend_from_slice(&word.to_le_bytes()));
            self.bytes(&bytes)
        })
    }

    pub(crate) fn numbers(&mut self, numbers: &[usize]) -> io::Result<()> {
        self.words(&numbers.iter().map(|number| *number as u64).collect::<Vec<_>>())
    }

    pub(crate) fn floats(&mut self, floats: &[f32]) -> io::Result<()> {
        self.word(floats.len() as u64)?;
        floats.chunks(PIECE).try_for_each(|piece| {
            let mut bytes = Zeroizing::new(Vec::with_capacity(4 * piece.len()));
            piece.iter().for_each(|x| bytes.extend_from_slice(&x.to_le_bytes()));
            self.bytes(&bytes)
        })
    }
}

/// Words that are written at a time.
const PIECE: usize = 1 << 13;
/// Bytes that are written or read at a time at least.
const BUFFER: usize = 1 << 13;

/// A file that is read ahead; what is left of that in memory is overwritten.
struct Ahead {
    file: File,
    buffer: Zeroizing<Vec<u8>>,
    /// What of it is not given yet.
    rest: Range<usize>,
}

impl Ahead {
    fn of(file: File) -> Self {
        Self { file, buffer: Zeroizing::new(vec![0; BUFFER]), rest: 0..0 }
    }
}

impl Read for Ahead {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.rest.is_empty() {
            if into.len() >= BUFFER {
                return self.file.read(into);
            }
            self.rest = 0..self.file.read(&mut self.buffer)?;
        }
        let count = into.len().min(self.rest.len());
        let from = self.rest.start;
        into[..count].copy_from_slice(&self.buffer[from..from + count]);
        self.rest.start += count;
        Ok(count)
    }
}

/// A file as it is read; what it says counts only after [`Reader::end`].
pub(crate) struct Reader {
    file: Ahead,
    hash: blake3::Hasher,
}

impl Reader {
    pub(crate) fn word(&mut self) -> io::Result<u64> {
        let mut bytes = [0; 8];
        self.file.read_exact(&mut bytes)?;
        self.hash.update(&bytes);
        Ok(u64::from_le_bytes(bytes))
    }

    pub(crate) fn small(&mut self) -> io::Result<u32> {
        u32::try_from(self.word()?).map_err(|_| broken("a number is too large"))
    }

    pub(crate) fn length(&mut self) -> io::Result<u64> {
        Some(self.word()?).filter(|len| *len < MOST).ok_or_else(|| broken("a list is too long"))
    }

    pub(crate) fn words(&mut self) -> io::Result<Vec<u64>> {
        let bytes = self.piece(8)?;
        Ok(bytes.as_chunks().0.iter().map(|bytes| u64::from_le_bytes(*bytes)).collect())
    }

    /// Words of a list whose length was read before.
    pub(crate) fn fill(&mut self, words: &mut [u64]) -> io::Result<()> {
        let mut bytes = Zeroizing::new(vec![0; 8 * PIECE.min(words.len())]);
        words.chunks_mut(PIECE).try_for_each(|piece| {
            let bytes = &mut bytes[..8 * piece.len()];
            self.file.read_exact(bytes)?;
            self.hash.update(bytes);
            for (word, bytes) in piece.iter_mut().zip(bytes.as_chunks().0) {
                *word = u64::from_le_bytes(*bytes);
            }
            Ok(())
        })
    }

    pub(crate) fn numbers(&mut self) -> io::Result<Vec<usize>> {
        let numbers = self.words()?.into_iter().map(usize::try_from);
        numbers.collect::<Result<_, _>>().map_err(|_| broken("a number is too large"))
    }

    pub(crate) fn floats(&mut self) -> io::Result<Vec<f32>> {
        let bytes = self.piece(4)?;
        Ok(bytes.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect())
    }

    /// The bytes of a list; a file that ends before it does costs no more memory than it has bytes.
    fn piece(&mut self, each: u64) -> io::Result<Zeroizing<Vec<u8>>> {
        let len = each * self.length()?;
        let early = || broken("it ends too early");
        let there = self.file.file.metadata()?.len();
        let len = usize::try_from(len).ok().filter(|_| len <= there).ok_or_else(early)?;
        let mut bytes = Zeroizing::new(vec![0; len]);
        self.file.read_exact(&mut bytes).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => early(),
            _ => error,
        })?;
        self.hash.update(&bytes);
        Ok(bytes)
    }

    /// That it ends here, and was not changed; gives the hash that it ends with.
    pub(crate) fn end(mut self) -> io::Result<[u8; 32]> {
        let mut hash = [0; 32];
        self.file.read_exact(&mut hash)?;
        let whole = blake3::Hash::from_bytes(hash) == self.hash.finalize();
        if whole && self.file.read(&mut [0])? == 0 {
            return Ok(hash);
        }
        Err(broken("it is not whole, or of another training"))
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_waited_for_until_who_had_it_is_gone() {
        let dir = tempfile::tempdir().unwrap();
        let dying = Shelf::open(dir.path(), [1; 32]).unwrap();
        let kind = |shelf: io::Result<Shelf>| shelf.unwrap_err().kind();
        assert_eq!(kind(Shelf::open_patiently(dir.path(), [1; 32])), io::ErrorKind::WouldBlock);
        thread::scope(|scope| {
            let waits = scope.spawn(|| Shelf::open_patiently(dir.path(), [1; 32]));
            thread::park_timeout(3 * LOOK);
            drop(dying);
            assert!(waits.join().unwrap().is_ok());
        });
    }

    #[test]
    fn what_is_read_is_what_was_written_however_long() {
        let dir = tempfile::tempdir().unwrap();
        let shelf = Shelf::open(dir.path(), [1; 32]).unwrap();
        for count in [0, 1, 1023, 1024, 1025, PIECE - 1, PIECE, 3 * PIECE + 7] {
            let words: Vec<u64> = (0..count as u64).map(|word| word.wrapping_mul(!0 / 3)).collect();
            let floats: Vec<f32> = words.iter().map(|word| *word as f32).collect();
            let put = |out: &mut Writer| {
                out.word(7)?;
                out.words(&words)?;
                out.floats(&floats)?;
                out.piece(&words)
            };
            let hash = shelf.write(STATE, put).unwrap();
            let mut file = shelf.read(STATE).unwrap().unwrap();
            assert_eq!((file.word().unwrap(), file.words().unwrap()), (7, words.clone()));
            assert_eq!(file.floats().unwrap(), floats);
            let mut filled = vec![0; words.len()];
            file.fill(&mut filled).unwrap();
            assert_eq!(filled, words);
            assert_eq!(file.end().unwrap(), hash);
        }
        // A length that it does not have costs nothing.
        shelf.write(STATE, |out| out.word(MOST - 1)).unwrap();
        let error = shelf.read(STATE).unwrap().unwrap().words().unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    }

    #[test]
    fn a_file_without_room_says_that_the_disk_is_full_and_what_was_there_stays() {
        let dir = tempfile::tempdir().unwrap();
        let shelf = Shelf::open(dir.path(), [1; 32]).unwrap();
        shelf.write(STATE, |out| out.words(&[7])).unwrap();
        let full = dir.path().join(format!("{STATE}.new"));
        std::os::unix::fs::symlink("/dev/full", &full).unwrap();
        let error = shelf.write(STATE, |out| out.words(&[8])).unwrap_err();
        let told = shelf.failed(&error);
        assert!(told.is_full() && told.to_string().contains("No space left"), "{told}");
        fs::remove_file(full).unwrap();
        let mut file = shelf.read(STATE).unwrap().unwrap();
        assert_eq!(file.words().unwrap(), [7]);
        file.end().unwrap();
        assert!(!shelf.failed(&broken("it is none")).is_full());
    }
}
