//! A role of the demo as a child process, ended when its handle is dropped.

use std::{
    fs::File,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use tokio::process::{Child, ChildStdin, Command};

use super::super::exit::CliError;

/// How long a daemon may take until it listens.
const PATIENCE: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// A running daemon. Dropping it kills the process; if this process dies first, the daemon sees its standard input end.
#[derive(Debug)]
pub(super) struct Actor {
    name: String,
    child: Child,
    ready_file: PathBuf,
    log: PathBuf,
    _lifeline: Option<ChildStdin>,
}

impl Actor {
    /// Starts `unseen up` on the configuration in `folder`; its log goes beside it.
    ///
    /// # Errors
    /// Failed: the process cannot be started.
    pub(super) fn start(name: &str, folder: &Path) -> Result<Self, CliError> {
        let failed = |error: std::io::Error| {
            CliError::failed(format!("demo: the process of {name} cannot be started: {error}"))
        };
        let (log, ready_file) = (folder.join("daemon.log"), folder.join("ready"));
        let mut child = Command::new(std::env::current_exe().map_err(failed)?)
            .arg("up")
            .arg("--config")
            .arg(folder.join("unseen.toml"))
            .arg("--ready-file")
            .arg(&ready_file)
            .arg("--tied")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(File::create(&log).map_err(failed)?)
            .kill_on_drop(true)
            .spawn()
            .map_err(failed)?;
        let lifeline = child.stdin.take();
        Ok(Self { name: name.to_owned(), child, ready_file, log, _lifeline: lifeline })
    }

    /// Waits until the daemon listens; the address it listens on.
    ///
    /// # Errors
    /// Failed: it ended or is not ready in time; the end of its log is in the message.
    pub(super) async fn address(&mut self) -> Result<String, CliError> {
        let waiting = async {
            loop {
                if let Ok(address) = std::fs::read_to_string(&self.ready_file) {
                    return Ok(address.trim().to_owned());
                }
                if let Ok(Some(status)) = self.child.try_wait() {
                    return Err(self.complaint(&format!("ended early ({status})")));
                }
                tokio::time::sleep(LOOK_EVERY).await;
            }
        };
        match tokio::time::timeout(PATIENCE, waiting).await {
            Ok(answer) => answer,
            Err(_) => Err(self.complaint("is not ready in time")),
        }
    }

    /// An error that says what became of this daemon, with the end of its log.
    pub(super) fn complaint(&self, what: &str) -> CliError {
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<_> = log.lines().rev().take(5).collect();
        let last: Vec<_> = lines.into_iter().rev().collect();
        let (name, path) = (&self.name, self.log.display());
        CliError::failed(format!("demo: {name} {what}; its log ends:\n{}", last.join("\n")))
            .next(format_args!("read {path} (with --keep DIR it stays)"))
    }
}
