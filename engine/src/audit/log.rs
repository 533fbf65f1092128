//! A party's own log: one JSON object a line, each holding the hash of the one before it.
//!
//! # Security
//! A changed, removed or inserted line breaks the chain. Lines cut off at the end do not, and neither does a log that was
//! written anew from its first line: both are noticed by the end that is kept elsewhere ([`AuditLog::open`]).

use std::{
    collections::BTreeMap,
    fs::{File, OpenOptions},
    io::{BufRead, BufReader, ErrorKind, Write},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::part::Failure;
use crate::{
    identity::{Hash32, PartyName, canonical_hash, int_string},
    job::JobState,
    policy::Refusal,
    store::StoreError,
};

const LOG_DOMAIN: &str = "unseen.log/v1";

/// What a party records. Names and hashes only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Event {
    /// A new log was begun in the place of one that was lost or broken.
    Begun {
        /// How many lines the other one had when it was last written to.
        #[serde(with = "int_string")]
        entries: u64,
        /// Its last line's hash.
        hash: Hash32,
    },
    /// A policy is in force from now on.
    PolicyPublished {
        /// `party.dataset`.
        dataset: String,
        /// The document's id.
        id: String,
        /// Its version.
        version: u32,
        /// Its hash.
        policy: Hash32,
    },
    /// A job was compiled and the policies evaluated.
    Verdict {
        /// Hash of the job specification.
        job: Hash32,
        /// Hash of the plan; none where it could not be compiled.
        plan: Option<Hash32>,
        /// What was refused; empty where it was allowed.
        refusals: Vec<Refusal>,
    },
    /// A consent was signed.
    Consent {
        /// Hash of the job specification.
        job: Hash32,
        /// Hash of the plan.
        plan: Hash32,
        /// Hash of the consent.
        consent: Hash32,
    },
    /// Its people refused their consent.
    Denied {
        /// Hash of the job specification.
        job: Hash32,
        /// Hash of the plan.
        plan: Hash32,
    },
    /// A snapshot was taken and committed to.
    Prepare {
        /// Hash of the job specification.
        job: Hash32,
        /// Which attempt.
        attempt: u32,
        /// The commitments.
        commitments: Vec<Hash32>,
    },
    /// The consent was spent and the run begins.
    Start {
        /// Hash of the job specification.
        job: Hash32,
        /// Which attempt.
        attempt: u32,
        /// The run.
        run: Hash32,
        /// Hash of everybody's consents, as receipts have it.
        consents_root: Hash32,
    },
    /// A result share was sealed.
    Release {
        /// Hash of the job specification.
        job: Hash32,
        /// Which attempt.
        attempt: u32,
        /// The run.
        run: Hash32,
        /// The ciphertext.
        ciphertext_sha256: Hash32,
    },
    /// A receipt was checked and signed.
    Receipt {
        /// Hash of the job specification.
        job: Hash32,
        /// Hash of the receipt's body.
        receipt: Hash32,
    },
    /// A job ended early here.
    Failed {
        /// Hash of the job specification.
        job: Hash32,
        /// Why.
        failure: Failure,
    },
    /// The coordinator took a job in.
    Submitted {
        /// Hash of the job specification.
        job: Hash32,
        /// Who asked.
        buyer: PartyName,
    },
    /// The coordinator moved a job.
    Moved {
        /// Hash of the job specification.
        job: Hash32,
        /// To which state.
        state: JobState,
    },
    /// The coordinator put a receipt away.
    ReceiptKept {
        /// Hash of the job specification.
        job: Hash32,
        /// Hash of the receipt's body.
        receipt: Hash32,
        /// Whose signatures it carries.
        signed: Vec<PartyName>,
    },
}

/// The end of a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogHead {
    /// How many lines there are.
    pub entries: u64,
    /// The last line's hash; zeros for an empty log.
    pub hash: Hash32,
}

/// An open log. Only one process can have it open.
#[derive(Debug)]
pub struct AuditLog {
    path: PathBuf,
    file: File,
    head: LogHead,
    /// The policy in force of each dataset.
    policies: BTreeMap<String, Hash32>,
}

/// A log that cannot be read, written or believed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LogError {
    /// The file system said no.
    #[error("audit log {path}: {source}")]
    Io {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Another process has it open.
    #[error("audit log {0} is open in another process; one daemon keeps one log")]
    Busy(PathBuf),
    /// The chain is broken.
    #[error(
        "audit log {path}, line {line}: {what}; this log is no longer the one that was written. Move the file away, keep it \
         as evidence, find out who changed it, and start once with `--new-log`: a new log is begun"
    )]
    Broken {
        /// Which file.
        path: PathBuf,
        /// The first line that is wrong, from 1.
        line: u64,
        /// What is wrong with it.
        what: String,
    },
    /// A new log was to be begun where one is.
    #[error(
        "audit log {0}: a new log was asked for, but one is there; move it away first, or start without `--new-log`"
    )]
    Kept(PathBuf),
    /// It holds together, but is not the one that the journal knows the end of.
    #[error(
        "audit log {path}: line {due}, its last when this daemon last wrote to it, is not the one in this file of {found} lines: \
         some were cut off or replaced. Put back the whole log; if it is lost, move what is there away, keep it as evidence, \
         find out who did it, and start once with `--new-log`: a new log is begun, and says so"
    )]
    Cut {
        /// Which file.
        path: PathBuf,
        /// How many lines there are.
        found: u64,
        /// How many there were.
        due: u64,
    },
    /// The journal, which keeps the log's end, said no.
    #[error(transparent)]
    Head(#[from] StoreError),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    #[serde(flatten)]
    entry: Entry,
    hash: Hash32,
}

#[derive(Serialize, Deserialize)]
struct Entry {
    #[serde(with = "int_string")]
    seq: u64,
    #[serde(with = "int_string")]
    time_ms: i64,
    prev: Hash32,
    event: Event,
}

impl AuditLog {
    /// Opens a log, makes it where there is none, and checks the whole chain first. Where its end was `kept` elsewhere, the chain
    /// must lead through it: a line more may be there, none less.
    ///
    /// # Errors
    /// [`LogError`]; a log that is broken or cut is never appended to.
    pub fn open(path: &Path, kept: Option<LogHead>) -> Result<Self, LogError> {
        let io = |source| LogError::Io { path: path.to_owned(), source };
        let file =
            OpenOptions::new().create(true).read(true).append(true).open(path).map_err(io)?;
        file.try_lock().map_err(|error| match error {
            std::fs::TryLockError::WouldBlock => LogError::Busy(path.to_owned()),
            std::fs::TryLockError::Error(source) => io(source),
        })?;
        let mut policies = BTreeMap::new();
        let mut passed = kept.is_none_or(|kept| kept.entries == 0);
        let head = each_line(path, |at, event| {
            passed |= Some(at) == kept;
            in_force(&mut policies, event);
        })?;
        match kept {
            Some(LogHead { entries: due, .. }) if !passed => {
                Err(LogError::Cut { path: path.to_owned(), found: head.entries, due })
            }
            _ => Ok(Self { path: path.to_owned(), file, head, policies }),
        }
    }

    /// Appends an event and waits until it is on disk.
    ///
    /// # Errors
    /// [`LogError::Io`].
    pub fn append(&mut self, time_ms: i64, event: Event) -> Result<Hash32, LogError> {
        let announced = event.clone();
        let entry = Entry { seq: self.head.entries, time_ms, prev: self.head.hash, event };
        let hash = canonical_hash(LOG_DOMAIN, &entry);
        let io = |source| LogError::Io { path: self.path.clone(), source };
        let mut line =
            serde_json::to_vec(&Line { entry, hash }).map_err(|error| io(error.into()))?;
        line.push(b'\n');
        let before = self.file.metadata().map_err(io)?.len();
        if let Err(error) = self.file.write_all(&line).and_then(|()| self.file.sync_data()) {
            // Half a line would break the chain for good.
            self.file.set_len(before).map_err(io)?;
            return Err(io(error));
        }
        self.head = LogHead { entries: self.head.entries + 1, hash };
        in_force(&mut self.policies, &announced);
        Ok(hash)
    }

    /// Whether this policy of a dataset is the one that the log says is in force.
    pub(super) fn has_policy(&self, dataset: &str, policy: Hash32) -> bool {
        self.policies.get(dataset) == Some(&policy)
    }

    /// The end of the chain.
    #[must_use]
    pub fn head(&self) -> LogHead {
        self.head
    }
}

/// Checks a log file from its first line to its last.
///
/// # Errors
/// [`LogError::Broken`] naming the first line that is wrong.
pub fn verify_log(path: &Path) -> Result<LogHead, LogError> {
    each_line(path, |_, _| {})
}

fn in_force(policies: &mut BTreeMap<String, Hash32>, event: &Event) {
    if let Event::PolicyPublished { dataset, policy, .. } = event {
        policies.insert(dataset.clone(), *policy);
    }
}

/// Checks a log and shows every event with the end of the chain at it.
fn each_line(path: &Path, mut show: impl FnMut(LogHead, &Event)) -> Result<LogHead, LogError> {
    let io = |source| LogError::Io { path: path.to_owned(), source };
    let mut reader = BufReader::new(File::open(path).map_err(io)?);
    let mut head = LogHead { entries: 0, hash: Hash32([0; 32]) };
    let mut text = String::new();
    loop {
        text.clear();
        let broken =
            |what: String| LogError::Broken { path: path.to_owned(), line: head.entries + 1, what };
        match reader.read_line(&mut text) {
            Ok(0) => return Ok(head),
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::InvalidData => {
                return Err(broken("is no text".into()));
            }
            Err(error) => return Err(io(error)),
        }
        let line = text.strip_suffix('\n').ok_or_else(|| broken("was cut off".into()))?;
        let Line { entry, hash } =
            serde_json::from_str(line).map_err(|error| broken(error.to_string()))?;
        if entry.seq != head.entries {
            return Err(broken(format!("has number {}, {} is due", entry.seq, head.entries)));
        }
        if entry.prev != head.hash {
            return Err(broken("does not follow the line before it".into()));
        }
        if canonical_hash(LOG_DOMAIN, &entry) != hash {
            return Err(broken("was changed: its hash does not hold".into()));
        }
        head = LogHead { entries: head.entries + 1, hash };
        show(head, &entry.event);
    }
}
