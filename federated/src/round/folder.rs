//! Where a training stands, on disk.
//!
//! Two files: `state`, after the rounds that are over, and `closed`, the round that was closed last. A file is written beside
//! the one it replaces, brought to the disk and renamed; it ends with the hash of what it says, under the name of its training.

use std::{
    fs::{self, File, TryLockError},
    io::{self, BufReader, BufWriter, Read, Write},
    path::{Path, PathBuf},
};

use super::{
    course::{Course, RoundReport, State},
    keeper::{Closed, Keeper, Standing},
    set::Set,
};
use crate::{average::Trailer, strategy::Optimizer};

const STATE: &str = "state";
const CLOSED: &str = "closed";
const LOCK: &str = "lock";
/// Most entries of a list: what a file says of lengths is not believed beyond it.
const MOST: u64 = 1 << 32;

/// A folder that keeps one training.
///
/// # Security
/// What is kept is the model as the compute parties know it, and this party's share of one sum. Only this user may read it.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    training: [u8; 32],
    /// Held while somebody trains: of two runs of one training at a time, each would open sums of its own.
    _lock: File,
}

impl Folder {
    /// The folder, made if it is not there. `training` is a hash of all that must be the same for a training to go on.
    ///
    /// # Errors
    /// The system's; [`io::ErrorKind::WouldBlock`] while another run has it.
    pub fn open(path: &Path, training: [u8; 32]) -> io::Result<Self> {
        let mut builder = fs::DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.recursive(true).create(path)?;
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

    /// Where the training stands here; before the first round, of this state, if nothing is kept.
    ///
    /// # Errors
    /// A file that cannot be read, is not whole, or is of another training.
    pub fn standing(&self, course: &Course, start: State) -> io::Result<Standing> {
        let mut standing = Standing::new(start);
        if let Some(mut file) = self.read(STATE)? {
            (standing.state, standing.reports) = state_from(&mut file, course)?;
            file.end()?;
        }
        if let Some(mut file) = self.read(CLOSED)? {
            let closed = closed_from(&mut file)?;
            file.end()?;
            let fits = closed.sum.len() == course.opened();
            if !fits || closed.providers.0.len() != course.set_words() {
                return Err(broken("it is of another model, or of other providers"));
            }
            standing.closed = Some(closed);
        }
        Ok(standing)
    }

    /// Forgets the training.
    ///
    /// # Errors
    /// The system's.
    pub fn remove(self) -> io::Result<()> {
        fs::remove_dir_all(&self.path)
    }

    fn write(&self, name: &str, put: impl FnOnce(&mut Writer) -> io::Result<()>) -> io::Result<()> {
        let beside = self.path.join(format!("{name}.new"));
        let mut options = File::options();
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.write(true).create(true).truncate(true).open(&beside)?;
        let hash = blake3::Hasher::new_keyed(&self.training);
        let mut out = Writer { file: BufWriter::new(file), hash };
        put(&mut out)?;
        let hash = out.hash.finalize();
        out.file.write_all(hash.as_bytes())?;
        out.file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
        fs::rename(&beside, self.path.join(name))?;
        File::open(&self.path)?.sync_all()
    }

    fn read(&self, name: &str) -> io::Result<Option<Reader>> {
        match File::open(self.path.join(name)) {
            Ok(file) => {
                let hash = blake3::Hasher::new_keyed(&self.training);
                Ok(Some(Reader { file: BufReader::new(file), hash }))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}

impl Keeper for Folder {
    fn closed(&mut self, closed: &Closed) -> Result<(), String> {
        let put = |out: &mut Writer| {
            out.word(closed.round.into())?;
            out.words(&closed.providers.0)?;
            out.numbers(&closed.refused)?;
            out.words(&closed.sum)
        };
        self.write(CLOSED, put).map_err(|error| self.failed(&error))
    }

    fn reopened(&mut self) -> Result<(), String> {
        let gone = match fs::remove_file(self.path.join(CLOSED)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            gone => gone,
        };
        let gone = gone.and_then(|()| File::open(&self.path)?.sync_all());
        gone.map_err(|error| self.failed(&error))
    }

    fn opened(&mut self, state: &State, reports: &[RoundReport]) -> Result<(), String> {
        let put = |out: &mut Writer| {
            out.word(state.rounds.into())?;
            out.floats(&state.model)?;
            state.optimizer.memory().iter().try_for_each(|part| out.floats(part))?;
            out.word(reports.len() as u64)?;
            reports.iter().try_for_each(|report| report_to(out, report))
        };
        self.write(STATE, put).map_err(|error| self.failed(&error))
    }
}

impl Folder {
    fn failed(&self, error: &io::Error) -> String {
        format!("{}: {error}", self.path.display())
    }
}

fn report_to(out: &mut Writer, report: &RoundReport) -> io::Result<()> {
    out.word(report.round.into())?;
    out.numbers(&report.providers)?;
    out.numbers(&report.refused)?;
    let Trailer { weight, loss, correct, updates, squared_norm } = report.trailer;
    [weight, loss.to_bits(), correct, updates, squared_norm.to_bits()]
        .iter()
        .try_for_each(|word| out.word(*word))
}

fn report_from(file: &mut Reader) -> io::Result<RoundReport> {
    let round = file.small()?;
    let (providers, refused) = (file.numbers()?, file.numbers()?);
    let mut words = [0; 5];
    for word in &mut words {
        *word = file.word()?;
    }
    let [weight, loss, correct, updates, squared_norm] = words;
    let (loss, squared_norm) = (f64::from_bits(loss), f64::from_bits(squared_norm));
    let trailer = Trailer { weight, loss, correct, updates, squared_norm };
    Ok(RoundReport { round, providers, refused, trailer })
}

fn state_from(file: &mut Reader, course: &Course) -> io::Result<(State, Vec<RoundReport>)> {
    let rounds = file.small()?;
    let (model, memory) = (file.floats()?, [file.floats()?, file.floats()?]);
    let reports: Vec<_> =
        (0..file.length()?).map(|_| report_from(file)).collect::<io::Result<_>>()?;
    if model.len() != course.parameters || reports.len() != rounds as usize {
        return Err(broken("it is of another model"));
    }
    let optimizer = Optimizer::resume(course.rule, memory);
    Ok((State { rounds, model, optimizer }, reports))
}

fn closed_from(file: &mut Reader) -> io::Result<Closed> {
    Ok(Closed {
        round: file.small()?,
        providers: Set(file.words()?),
        refused: file.numbers()?,
        sum: file.words()?,
    })
}

fn broken(what: &str) -> io::Error {
    let words = format!("what was kept of the training cannot be used: {what}");
    io::Error::new(io::ErrorKind::InvalidData, words)
}

/// A file as it is written.
struct Writer {
    file: BufWriter<File>,
    hash: blake3::Hasher,
}

impl Writer {
    fn bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.hash.update(bytes);
        self.file.write_all(bytes)
    }

    fn word(&mut self, word: u64) -> io::Result<()> {
        self.bytes(&word.to_le_bytes())
    }

    fn words(&mut self, words: &[u64]) -> io::Result<()> {
        self.word(words.len() as u64)?;
        words.chunks(PIECE).try_for_each(|piece| {
            let bytes: Vec<u8> = piece.iter().flat_map(|word| word.to_le_bytes()).collect();
            self.bytes(&bytes)
        })
    }

    fn numbers(&mut self, numbers: &[usize]) -> io::Result<()> {
        self.words(&numbers.iter().map(|number| *number as u64).collect::<Vec<_>>())
    }

    fn floats(&mut self, floats: &[f32]) -> io::Result<()> {
        self.word(floats.len() as u64)?;
        floats.chunks(PIECE).try_for_each(|piece| {
            let bytes: Vec<u8> = piece.iter().flat_map(|x| x.to_le_bytes()).collect();
            self.bytes(&bytes)
        })
    }
}

/// Words that are written at a time.
const PIECE: usize = 1 << 13;

/// A file as it is read; what it says counts only after [`Reader::end`].
struct Reader {
    file: BufReader<File>,
    hash: blake3::Hasher,
}

impl Reader {
    fn word(&mut self) -> io::Result<u64> {
        let mut bytes = [0; 8];
        self.file.read_exact(&mut bytes)?;
        self.hash.update(&bytes);
        Ok(u64::from_le_bytes(bytes))
    }

    fn small(&mut self) -> io::Result<u32> {
        u32::try_from(self.word()?).map_err(|_| broken("a number is too large"))
    }

    fn length(&mut self) -> io::Result<u64> {
        Some(self.word()?).filter(|len| *len < MOST).ok_or_else(|| broken("a list is too long"))
    }

    fn words(&mut self) -> io::Result<Vec<u64>> {
        let bytes = self.piece(8)?;
        Ok(bytes.as_chunks().0.iter().map(|bytes| u64::from_le_bytes(*bytes)).collect())
    }

    fn numbers(&mut self) -> io::Result<Vec<usize>> {
        let numbers = self.words()?.into_iter().map(usize::try_from);
        numbers.collect::<Result<_, _>>().map_err(|_| broken("a number is too large"))
    }

    fn floats(&mut self) -> io::Result<Vec<f32>> {
        let bytes = self.piece(4)?;
        Ok(bytes.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect())
    }

    /// The bytes of a list; a file that ends before it does costs no more memory than it has bytes.
    fn piece(&mut self, each: u64) -> io::Result<Vec<u8>> {
        let len = each * self.length()?;
        let mut bytes = Vec::new();
        if self.file.by_ref().take(len).read_to_end(&mut bytes)? as u64 != len {
            return Err(broken("it ends too early"));
        }
        self.hash.update(&bytes);
        Ok(bytes)
    }

    fn end(mut self) -> io::Result<()> {
        let mut hash = [0; 32];
        self.file.read_exact(&mut hash)?;
        let whole = blake3::Hash::from_bytes(hash) == self.hash.finalize();
        if whole && self.file.read(&mut [0])? == 0 {
            return Ok(());
        }
        Err(broken("it is not whole, or of another training"))
    }
}
