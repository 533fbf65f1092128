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
    /// Takes the folder, made if it is not there, and forgets what has not changed for thirty days.
    ///
    /// # Errors
    /// The system's.
    pub fn open(folder: PathBuf) -> io::Result<Self> {
        fs::create_dir_all(&folder)?;
        for entry in fs::read_dir(&folder)? {
            let entry = entry?;
            let age = entry.metadata()?.modified().map(|at| SystemTime::now().duration_since(at));
            if matches!(age, Ok(Ok(age)) if age > LONG) {
                fs::remove_dir_all(entry.path())?;
            }
        }
        Ok(Self(folder))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_interrupted_long_ago_is_forgotten() {
        let dir = tempfile::tempdir().unwrap();
        let (old, new) = (dir.path().join("old"), dir.path().join("new"));
        fs::create_dir(&old).unwrap();
        fs::create_dir(&new).unwrap();
        let then = SystemTime::now() - LONG - Duration::from_secs(60);
        fs::File::open(&old).unwrap().set_modified(then).unwrap();
        Trainings::open(dir.path().to_owned()).unwrap();
        assert!(!old.exists() && new.exists());
    }
}
