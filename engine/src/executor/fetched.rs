//! The published tables that a party has fetched to look keys up in: kept, so that a later job need not fetch them again.
//!
//! Where the provider publishes changes, what it said last stands in several tables: a whole one, and behind it those that change it, each
//! in a file of its own. They are read in their order, up to the first that is not there, or not of what the one before it is; when a table
//! is kept, those behind it, which changed the one before, go.
//!
//! What is being fetched stands beside its place, in a file that outlasts the job and the daemon, one for each provider, terms and place: where
//! the fetch breaks off, the next job goes on behind the last whole piece. It is no longer than the table and a thousandth; it goes when
//! the provider publishes another table, when what came turns out to be another one than was signed, and when nobody went on with it
//! for two days.

use std::{
    collections::BTreeSet,
    fs::{self, File},
    io::{self, Read as _, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use protocols::psi::lookup::{Landing, Stored, Table, TableError};
use tempfile::NamedTempFile;

use crate::{
    identity::{Hash32, PartyName, PublicKey},
    plan::{self, MOST_CHANGES, STATEMENT_BYTES, Statement, TableCopy},
};

/// What files are called that are being written.
const PREFIX: &str = ".unfinished-";
/// What the names of tables end in, and of those that have come in part.
const WHOLE: &str = "table";
const PART: &str = "part";
/// Whoever writes one has ended by now, one way or the other.
const OLD: Duration = Duration::from_secs(2 * 24 * 3600);

/// All that a party has fetched.
#[derive(Debug)]
pub(super) struct Fetched {
    folder: PathBuf,
    /// The parts that a run is writing.
    busy: Arc<Mutex<BTreeSet<PathBuf>>>,
}

/// Whose table on which terms: of these there is one whole at most in each place, and one in part.
#[derive(Clone, Debug)]
pub(super) struct Of {
    pub(super) provider: PartyName,
    pub(super) key: PublicKey,
    pub(super) terms: Hash32,
}

/// Where a run keeps the table that it fetches.
pub(super) struct Shelf {
    folder: PathBuf,
    of: Of,
    busy: Arc<Mutex<BTreeSet<PathBuf>>>,
    /// Whether the part is this run's to write: another run that fetches the same has it otherwise, and this one writes a file
    /// that goes with it.
    mine: bool,
    passing: Mutex<Option<NamedTempFile>>,
}

impl Fetched {
    /// In this folder. What a crash left there goes, and parts that nobody went on with.
    pub(super) fn new(folder: PathBuf) -> Self {
        clear(&folder, &BTreeSet::new());
        Self { folder, busy: Arc::default() }
    }

    /// What there is of a table and what changes it, in their order: all of it, but for the last, of which some may have come; of a newer
    /// table what has come.
    pub(super) fn copies(&self, of: Of) -> (Vec<TableCopy>, Shelf) {
        let (folder, busy) = (self.folder.clone(), Arc::clone(&self.busy));
        let mine = {
            let mut busy = lock(&busy);
            // Whoever has the first has all.
            let mine = !busy.contains(&place(&folder, &of, (0, PART)));
            busy.extend(parts(&folder, &of));
            // Of those that nobody writes.
            clear(&folder, &busy);
            mine
        };
        let shelf = Shelf { folder, of, busy, mine, passing: Mutex::default() };
        let mut copies = Vec::<TableCopy>::new();
        for place in 0..=MOST_CHANGES {
            let before = copies.last().and_then(TableCopy::statement);
            let follows = |of: &Statement| match before {
                None => of.header.epoch.base.is_none(),
                Some(before) => of.changes(before),
            };
            let Some(copy) = shelf.copy(place, &follows) else { break };
            let whole = matches!(copy, TableCopy::Whole(..));
            copies.push(copy);
            if !whole {
                break;
            }
        }
        (copies, shelf)
    }
}

fn lock(busy: &Mutex<BTreeSet<PathBuf>>) -> MutexGuard<'_, BTreeSet<PathBuf>> {
    busy.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Where the table of one provider on these terms is kept, whole or in part: the newest one alone, and behind it what changes it.
fn place(folder: &Path, of: &Of, (place, ending): (usize, &str)) -> PathBuf {
    let (provider, terms) = (&of.provider, &of.terms);
    folder.join(match place {
        0 => format!("{provider}-{terms}.{ending}"),
        place => format!("{provider}-{terms}-{place}.{ending}"),
    })
}

/// The parts that there may be of what one provider publishes on these terms.
fn parts(folder: &Path, of: &Of) -> impl Iterator<Item = PathBuf> {
    (0..=MOST_CHANGES).map(move |at| place(folder, of, (at, PART)))
}

/// The table that is kept, if its provider signed it and it is whole. It is read once, a little at a time.
fn held(path: &Path, of: &Of) -> Option<(Statement, Table)> {
    let file = File::open(path).ok()?;
    let opened = signed(file, of).and_then(|(statement, file)| {
        let body = Stored::behind(file, STATEMENT_BYTES as u64).ok()?;
        Some((statement.header.open_stored(Box::new(body)).ok()?, statement))
    });
    if opened.is_none() {
        tracing::warn!(provider = %of.provider, "a fetched table is damaged; it will be fetched again");
    }
    opened.map(|(table, statement)| (statement, table))
}

/// What has come of a table, if its provider signed it. It is read once, a little at a time.
fn begun(part: &Path, of: &Of) -> Option<(Statement, Landing)> {
    let file = File::options().read(true).write(true).open(part).ok()?;
    let opened = signed(file, of).and_then(|(statement, file)| {
        let landing = Landing::again(file, STATEMENT_BYTES as u64, &statement.header).ok()?;
        Some((statement, landing))
    });
    match &opened {
        Some((_, landing)) => {
            tracing::info!(provider = %of.provider, ?landing, "a fetch of a table goes on");
        }
        None => {
            tracing::warn!(provider = %of.provider, "what had come of a table is damaged; it is fetched anew");
        }
    }
    opened
}

/// The statement in front of a file, if it is the provider's.
fn signed(mut file: File, of: &Of) -> Option<(Statement, File)> {
    let mut statement = [0; STATEMENT_BYTES];
    file.read_exact(&mut statement).ok()?;
    Some((Statement::check(&statement, of.terms, &of.key).ok()?, file))
}

impl Shelf {
    /// What there is in a place, if it is of what it should be: all of a table, or what has come of a newer one.
    fn copy(&self, at: usize, follows: &dyn Fn(&Statement) -> bool) -> Option<TableCopy> {
        let path = |ending| place(&self.folder, &self.of, (at, ending));
        let whole = held(&path(WHOLE), &self.of).filter(|(of, _)| follows(of));
        let begun = if self.mine { begun(&path(PART), &self.of) } else { None };
        let epoch = |statement: &Statement| statement.header.epoch.number;
        let newer = |(part, _): &(Statement, Landing)| {
            follows(part) && whole.as_ref().is_none_or(|(whole, _)| epoch(part) > epoch(whole))
        };
        match (begun.filter(newer), whole) {
            (Some((statement, landing)), _) => Some(TableCopy::Part(statement, landing)),
            (None, Some((statement, table))) => Some(TableCopy::Whole(statement, table)),
            (None, None) => None,
        }
    }

    /// An empty file for what comes.
    fn empty(&self, at: usize) -> io::Result<File> {
        fs::create_dir_all(&self.folder)?;
        if !self.mine {
            let file = unfinished(&self.folder)?;
            let place = file.as_file().try_clone();
            *self.passing.lock().unwrap_or_else(PoisonError::into_inner) = Some(file);
            return place;
        }
        let mut options = File::options();
        options.read(true).write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(place(&self.folder, &self.of, (at, PART)))
    }
}

impl plan::Shelf for Shelf {
    fn begin(&self, at: usize, of: &Statement) -> Result<Landing, TableError> {
        let mut file = self.empty(at)?;
        file.write_all(&of.to_bytes())?;
        file.seek(SeekFrom::Start(0))?;
        Landing::begin(file, STATEMENT_BYTES as u64, &of.header)
    }

    fn keep(&self, at: usize, _: &Statement) {
        let whole = place(&self.folder, &self.of, (at, WHOLE));
        let passing = self.passing.lock().unwrap_or_else(PoisonError::into_inner).take();
        let kept = match passing {
            Some(file) => file.persist(whole).map(drop).map_err(|error| error.error),
            None => fs::rename(place(&self.folder, &self.of, (at, PART)), whole),
        };
        for (behind, ending) in
            (at + 1..=MOST_CHANGES).flat_map(|behind| [WHOLE, PART].map(|ending| (behind, ending)))
        {
            // They changed another table, and are found to if they stay.
            let _ = fs::remove_file(place(&self.folder, &self.of, (behind, ending)));
        }
        if let Err(error) = kept {
            tracing::warn!(%error, "a fetched table is not kept; the next job fetches it again");
        }
    }

    fn discard(&self, at: usize) {
        let passing = self.passing.lock().unwrap_or_else(PoisonError::into_inner).take();
        if self.mine && passing.is_none() {
            // What cannot be removed is overwritten by the next fetch, or found to be wrong by it.
            let _ = fs::remove_file(place(&self.folder, &self.of, (at, PART)));
        }
    }
}

impl Drop for Shelf {
    fn drop(&mut self) {
        if self.mine {
            let mut busy = lock(&self.busy);
            for part in parts(&self.folder, &self.of) {
                busy.remove(&part);
            }
        }
    }
}

/// A file beside those that are kept, which nobody else may read and that goes with this unless it is moved to a place.
pub(super) fn unfinished(folder: &Path) -> io::Result<NamedTempFile> {
    tempfile::Builder::new().prefix(PREFIX).tempfile_in(folder)
}

/// Removes what a crash left of files that were being written, and parts that nobody went on with: all that are old but these.
pub(super) fn clear(folder: &Path, busy: &BTreeSet<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let changed = entry.metadata().and_then(|file| file.modified());
        let old = changed.ok().and_then(|at| at.elapsed().ok()).is_some_and(|age| age > OLD);
        let part = entry.path().extension().is_some_and(|ending| ending == PART);
        if old
            && !busy.contains(&entry.path())
            && (part || entry.file_name().to_string_lossy().starts_with(PREFIX))
        {
            // What cannot be removed takes room and does no harm.
            let _ = fs::remove_file(entry.path());
        }
    }
}

#[cfg(test)]
mod tests;
