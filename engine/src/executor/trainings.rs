//! The folder in which trainings are kept until they come to their end.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

/// What was interrupted so long ago does not go on.
const LONG: Duration = Duration::from_secs(30 * 24 * 3600);

/// Where a party that computes keeps how far trainings have come, so that one that was interrupted can go on.
#[derive(Clone, Debug)]
pub struct Trainings(PathBuf);

impl Trainings {
    /// Takes the folder, made if it is not there, and forgets the trainings in it that have not changed for thirty days.
    ///
    /// # Errors
    /// The system's.
    pub fn open(folder: PathBuf) -> io::Result<Self> {
        forget_long_ago(&folder)?;
        Ok(Self(folder))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

/// Makes a folder of what is interrupted, if it is not there, and forgets in it what has not changed for thirty days.
pub(super) fn forget_long_ago(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if !entry.file_type()?.is_dir() {
            continue;
        }
        let age = changed(&entry.path()).map(|at| SystemTime::now().duration_since(at));
        if matches!(age, Ok(Ok(age)) if age > LONG) {
            fs::remove_dir_all(entry.path())?;
        }
    }
    Ok(())
}

/// When one last wrote: a file that grows leaves its folder as old as it was.
fn changed(kept: &Path) -> io::Result<SystemTime> {
    let own = fs::metadata(kept)?.modified()?;
    fs::read_dir(kept)?
        .try_fold(own, |newest, entry| Ok(newest.max(entry?.metadata()?.modified()?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_interrupted_long_ago_is_forgotten() {
        let dir = tempfile::tempdir().unwrap();
        let [old, new, growing, file] =
            ["old", "new", "growing", "file"].map(|name| dir.path().join(name));
        for folder in [&old, &new, &growing] {
            fs::create_dir(folder).unwrap();
        }
        fs::write(growing.join("grown"), [1]).unwrap();
        fs::write(old.join("grown"), [1]).unwrap();
        fs::write(&file, [1]).unwrap();
        let then = SystemTime::now() - LONG - Duration::from_secs(60);
        for path in [&old.join("grown"), &old, &growing, &file] {
            fs::File::open(path).unwrap().set_modified(then).unwrap();
        }
        Trainings::open(dir.path().to_owned()).unwrap();
        assert!(!old.exists() && new.exists());
        assert!(growing.exists(), "a file in it is new");
        assert!(file.exists(), "it is no training");
    }
}
