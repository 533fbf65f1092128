//! A trainer as a child process.

use std::{
    path::Path,
    process::{self, Command, Stdio},
};

use tempfile::TempDir;

/// Where a child is to serve, in its environment.
const VARIABLE: &str = "UNSEEN_TRAINER";

/// A running trainer; killed when dropped.
#[derive(Debug)]
pub(super) struct Child {
    process: process::Child,
    /// Only this user may enter it.
    folder: TempDir,
}

impl Child {
    /// Starts it.
    ///
    /// # Errors
    /// Why it does not start.
    pub(super) fn start(command: &[String], folder: &Path) -> Result<Self, String> {
        let [program, arguments @ ..] = command else { return Err("its command is empty".into()) };
        let failed = |error: std::io::Error| format!("`{program}` does not start: {error}");
        let own = private().map_err(failed)?;
        let address = address(&own);
        let process = Command::new(program)
            .args(arguments)
            .current_dir(folder)
            .env(VARIABLE, &address)
            // Held open as long as this process lives: a child whose daemon was killed sees it end.
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .map_err(failed)?;
        Ok(Self { process, folder: own })
    }

    /// Where it serves.
    pub(super) fn address(&self) -> String {
        address(&self.folder)
    }

    /// How it ended, if it has.
    pub(super) fn ended(&mut self) -> Option<String> {
        match self.process.try_wait() {
            Ok(None) => None,
            Ok(Some(status)) => Some(format!("it ended by itself ({status})")),
            Err(error) => Some(format!("it cannot be watched: {error}")),
        }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn private() -> std::io::Result<TempDir> {
    let mut folder = tempfile::Builder::new();
    folder.prefix("unseen-trainer-");
    // Else the umask decides who may enter, and so who may call the trainer.
    #[cfg(unix)]
    folder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
    folder.tempdir()
}

fn address(folder: &TempDir) -> String {
    format!("unix:{}", folder.path().join("trainer").display())
}
