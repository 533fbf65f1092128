//! How far an intersection of two owners is, on the disk of one of them: what another run goes on from.
//!
//! ```text
//! begun   the run (32 bytes) ‖ a digest of the set (32) ‖ how many jobs went on with it (4) ‖ a hash (32)
//! done    for each bucket that is done with, in order:
//!           how long its bits are (4) ‖ a digest of what both owners saw so far (32)
//!           ‖ a bit for each key of it, whether it was found ‖ a hash (32)
//! ```
//!
//! The hashes are keyed by what must be the same for a job to go on. They tell what is whole and of this intersection; the disk is its
//! owner's own, who is not kept from writing there. What does not hold at the end of `done` was not done.
//!
//! # Security
//! What is kept are this owner's own matches, which it may know, and the name of a run. Only its user may read it. How many jobs went on is
//! written before anything is said in one: two buckets may be repeated each time, see [`resume`](super::resume).

use std::{
    fs::{self, File, TryLockError},
    io::{self, ErrorKind, Read as _, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use zeroize::Zeroizing;

use crate::{
    identity::{Hash32, PartyName, canonical_hash},
    plan::{Between, KeptIn, Match, Op, Plan},
};

const BEGUN: &str = "begun";
const DONE: &str = "done";
const LOCK: &str = "lock";
/// Bytes of a digest or a hash.
const HASH: usize = 32;
/// Bytes before the bits of a bucket.
const HEAD: usize = 4 + HASH;
/// How long a folder is waited for that another run has: what was killed is gone by then.
const PATIENCE: Duration = Duration::from_secs(if cfg!(test) { 1 } else { 5 });
/// How often it is looked for meanwhile.
const LOOK: Duration = Duration::from_millis(20);

/// What `begun` says.
struct Begun {
    run: Hash32,
    set: [u8; HASH],
    again: u32,
}

impl Begun {
    fn bytes(&self) -> Vec<u8> {
        [&self.run.0[..], &self.set, &self.again.to_le_bytes()].concat()
    }

    /// Replaces the file; it is there after the power fails.
    fn write(&self, folder: &Path, question: &[u8; HASH]) -> io::Result<()> {
        let mut bytes = self.bytes();
        let hash = blake3::keyed_hash(question, &bytes);
        bytes.extend_from_slice(hash.as_bytes());
        let beside = folder.join(format!("{BEGUN}.new"));
        let mut file = own(true).open(&beside)?;
        file.write_all(&bytes)?;
        file.sync_all()?;
        fs::rename(&beside, folder.join(BEGUN))?;
        File::open(folder)?.sync_all()
    }

    fn read(folder: &Path, question: &[u8; HASH]) -> io::Result<Self> {
        const LEN: usize = 2 * HASH + 4;
        let bytes = fs::read(folder.join(BEGUN))?;
        let (said, hash) = bytes.split_at_checked(LEN).ok_or_else(|| broken("it is cut off"))?;
        if *blake3::keyed_hash(question, said).as_bytes() != *hash {
            return Err(broken("it is not whole, or of another intersection"));
        }
        let (mut run, mut set, mut again) = ([0; HASH], [0; HASH], [0; 4]);
        run.copy_from_slice(&said[..HASH]);
        set.copy_from_slice(&said[HASH..2 * HASH]);
        again.copy_from_slice(&said[2 * HASH..]);
        Ok(Self { run: Hash32(run), set, again: u32::from_le_bytes(again) })
    }
}

/// A bucket that is done with.
pub(super) struct Done {
    /// What both owners saw so far.
    pub(super) digest: [u8; HASH],
    /// A bit for each of its keys, ascending; none beyond the last that was found.
    pub(super) found: Zeroizing<Vec<u8>>,
}

/// One intersection's folder, while a run has it.
#[derive(Debug)]
pub(super) struct Record {
    run: Hash32,
    question: [u8; HASH],
    done: File,
    /// Where each bucket ends that is done with.
    ends: Vec<u64>,
    /// Held meanwhile: two runs at a time would each write down their own.
    _lock: File,
}

impl Record {
    /// What an owner has of an intersection; a job that goes on with it is counted, before it is said to anybody.
    ///
    /// # Errors
    /// The system's; [`ErrorKind::WouldBlock`] while another run has it; [`ErrorKind::InvalidData`] if it is not what `kept` says, or as
    /// many jobs went on with it as may.
    pub(super) fn open(kept: &KeptIn, again: bool) -> io::Result<Self> {
        let (folder, question) = (&kept.folder, &kept.question);
        let lock = locked(folder)?;
        let begun = Begun::read(folder, question)?;
        if (begun.run, begun.set) != (kept.run, kept.set) {
            return Err(broken("another run has begun it anew"));
        }
        if again {
            if begun.again >= Between::RESUMPTIONS {
                return Err(broken("as many jobs went on with it as may"));
            }
            Begun { again: begun.again + 1, ..begun }.write(folder, question)?;
        }
        let done = own(false).read(true).open(folder.join(DONE))?;
        File::open(folder)?.sync_all()?;
        Ok(Self { run: kept.run, question: *question, done, ends: Vec::new(), _lock: lock })
    }

    /// The next bucket of those that are done with; nothing behind the last one that is whole.
    ///
    /// # Errors
    /// The system's.
    pub(super) fn next(&mut self) -> io::Result<Option<Done>> {
        match self.read() {
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(None),
            done => done,
        }
    }

    fn read(&mut self) -> io::Result<Option<Done>> {
        let from = self.end();
        self.done.seek(SeekFrom::Start(from))?;
        let mut head = [0; HEAD];
        self.done.read_exact(&mut head)?;
        let (mut len, mut digest) = ([0; 4], [0; HASH]);
        len.copy_from_slice(&head[..4]);
        digest.copy_from_slice(&head[4..]);
        // What it says of itself takes no more memory than the file has.
        let (len, rest) = (u64::from(u32::from_le_bytes(len)), (HEAD + HASH) as u64);
        if len > self.done.metadata()?.len().saturating_sub(from + rest) {
            return Ok(None);
        }
        let mut found = Zeroizing::new(vec![0; usize::try_from(len).unwrap_or(usize::MAX)]);
        let mut hash = [0; HASH];
        self.done.read_exact(&mut found)?;
        self.done.read_exact(&mut hash)?;
        if self.hash(&head, &found) != hash {
            return Ok(None);
        }
        self.ends.push(from + rest + len);
        Ok(Some(Done { digest, found }))
    }

    /// Forgets the bucket that was read last, and those behind it.
    pub(super) fn unread(&mut self) {
        self.ends.pop();
    }

    /// A bucket is done with; those behind it are not any more. It is there after the power fails.
    ///
    /// # Errors
    /// The system's.
    pub(super) fn add(
        &mut self,
        bucket: usize,
        digest: &[u8; HASH],
        found: &[u8],
    ) -> io::Result<()> {
        if bucket > self.ends.len() {
            return Err(broken("a bucket before this one is missing"));
        }
        self.ends.truncate(bucket);
        let from = self.end();
        let len = u32::try_from(found.len()).map_err(|_| broken("a bucket is too large"))?;
        let mut head = [0; HEAD];
        head[..4].copy_from_slice(&len.to_le_bytes());
        head[4..].copy_from_slice(digest);
        let hash = self.hash(&head, found);
        self.done.set_len(from)?;
        self.done.seek(SeekFrom::Start(from))?;
        let entry = Zeroizing::new([&head[..], found, &hash].concat());
        self.done.write_all(&entry)?;
        self.done.sync_data()?;
        self.ends.push(from + entry.len() as u64);
        Ok(())
    }

    fn end(&self) -> u64 {
        self.ends.last().copied().unwrap_or(0)
    }

    /// Of the next bucket.
    fn hash(&self, head: &[u8; HEAD], found: &[u8]) -> [u8; HASH] {
        let mut hasher = blake3::Hasher::new_keyed(&self.question);
        hasher.update(&self.run.0).update(&(self.ends.len() as u64).to_le_bytes());
        hasher.update(head).update(found);
        *hasher.finalize().as_bytes()
    }
}

/// The intersection between two owners that this party is one of, if it goes bucket by bucket: others have nothing to go on from.
fn of<'p>(plan: &'p Plan, me: &PartyName) -> Option<&'p Match> {
    let owns = |at: u32| plan.inputs.get(at as usize).is_some_and(|input| input.party == *me);
    plan.nodes.iter().find_map(|op| match op {
        Op::Match(of) if owns(of.sender) || owns(of.receiver) => {
            Between::of(plan, of).filter(|between| between.goes_on()).map(|_| of)
        }
        _ => None,
    })
}

/// Writes down that an intersection of this party's begins, where it has one that goes bucket by bucket: in which run, and of which set.
/// What was kept for the same question is gone, but what another run has.
///
/// # Errors
/// The system's; [`ErrorKind::WouldBlock`] while another run has it.
pub fn begin_intersection(
    intersections: &Path,
    (plan, me): (&Plan, &PartyName),
    (run, set): (Hash32, [u8; 32]),
) -> io::Result<Option<KeptIn>> {
    let Some(of) = of(plan, me) else { return Ok(None) };
    let (folder, question) = place(intersections, plan, of);
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(&folder)?;
    File::open(intersections)?.sync_all()?;
    let _lock = locked(&folder)?;
    forget_others(intersections, &folder)?;
    own(true).open(folder.join(DONE))?.sync_all()?;
    Begun { run, set, again: 0 }.write(&folder, &question)?;
    Ok(Some(KeptIn { folder, question, run, set }))
}

/// What this party has of an intersection that a plan goes on with; nothing where it does not go on with one, is no matter of this
/// party's, or has no buckets, so that it begins anew.
///
/// # Errors
/// Why it cannot go on, and what to do.
pub fn intersection_begun(
    intersections: Option<&Path>,
    (plan, me): (&Plan, &PartyName),
) -> Result<Option<KeptIn>, String> {
    let Some(of) = of(plan, me).filter(|of| of.resumes.is_some()) else { return Ok(None) };
    let intersections = intersections.ok_or(
        "this party keeps no intersections; give its daemon a `state` folder, and run the job without `resumes`",
    )?;
    let (folder, question) = place(intersections, plan, of);
    match Begun::read(&folder, &question) {
        Ok(Begun { again, .. }) if again >= Between::RESUMPTIONS => Err(format!(
            "{again} jobs went on with this intersection, and no more may; run the job without `resumes`"
        )),
        Ok(Begun { run, set, .. }) => Ok(Some(KeptIn { folder, question, run, set })),
        Err(error) if error.kind() == ErrorKind::NotFound => Err(
            "this party keeps nothing of the intersection to go on with: it came to its end, never began, began otherwise, or is long ago; \
             run the job without `resumes`"
                .into(),
        ),
        Err(error) => Err(format!("{error}; run the job without `resumes`")),
    }
}

/// Forgets what this party has of a plan's intersection, which came to its end.
///
/// # Errors
/// The system's.
pub fn forget_intersection(
    intersections: &Path,
    (plan, me): (&Plan, &PartyName),
) -> io::Result<()> {
    let Some(of) = of(plan, me) else { return Ok(()) };
    match fs::remove_dir_all(place(intersections, plan, of).0) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        done => done,
    }
}

/// The folder of an intersection, by its question and the job that began it, and a hash of all that must be the same for it to go on:
/// whose it is, who computes, on whose tables, and all that is asked. No other buyer's job, or one over other tables, that names the same
/// beginning finds it.
fn place(intersections: &Path, plan: &Plan, of: &Match) -> (PathBuf, [u8; HASH]) {
    let begun = Match { resumes: None, ..of.clone() };
    let asked = (&plan.buyer, &plan.compute, &plan.inputs, &begun);
    let question = canonical_hash("unseen.intersection/v1", &asked);
    let root = of.root(plan);
    let name = format!("{}-{root}", &question.to_string()[..16]);
    let all = canonical_hash("unseen.intersection-begun/v1", &(question, root));
    (intersections.join(name), all.0)
}

/// What is kept of the same question, but this and what another run has: its owner asks anew.
fn forget_others(intersections: &Path, own: &Path) -> io::Result<()> {
    let name = own.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let question = name.split('-').next().unwrap_or_default();
    for other in fs::read_dir(intersections)? {
        let other = other?;
        let same = other.file_name().to_string_lossy().split('-').next() == Some(question);
        if !same || other.path() == own {
            continue;
        }
        let free = File::open(other.path().join(LOCK)).is_ok_and(|lock| lock.try_lock().is_ok());
        if free {
            fs::remove_dir_all(other.path())?;
        }
    }
    Ok(())
}

/// The folder's lock, once whoever has it lets go of it.
fn locked(folder: &Path) -> io::Result<File> {
    let (lock, since) = (own(false).open(folder.join(LOCK))?, Instant::now());
    loop {
        match lock.try_lock() {
            Ok(()) => return Ok(lock),
            Err(TryLockError::Error(error)) => return Err(error),
            Err(TryLockError::WouldBlock) if since.elapsed() < PATIENCE => {
                thread::park_timeout(LOOK);
            }
            Err(TryLockError::WouldBlock) => {
                let words = "another run of this intersection is under way here";
                return Err(io::Error::new(ErrorKind::WouldBlock, words));
            }
        }
    }
}

/// How files of this user alone are written.
fn own(anew: bool) -> fs::OpenOptions {
    let mut options = File::options();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.write(true).create(true).truncate(anew);
    options
}

fn broken(what: &str) -> io::Error {
    let words = format!("what was kept of the intersection cannot be used: {what}");
    io::Error::new(ErrorKind::InvalidData, words)
}
