//! Trainings by masks that are interrupted and go on: the party crashes at every word to its disk, and what the next run makes of it.

use std::{fs, io, path::Path};

use super::*;
use crate::round::{Folder, tests::resumed::Crashing};

const ROUNDS: u32 = 3;

/// What providers have signed, in all runs: of which run and round the sets, of which round the sum.
#[derive(Default)]
struct Journal {
    sets: BTreeMap<([u8; 32], usize, u32), [u8; 32]>,
    sums: BTreeMap<(usize, u32), [u8; 32]>,
}

impl Journal {
    fn signs(&mut self, run: [u8; 32], number: usize, of: Signing) -> bool {
        let sum = *self.sums.entry((number, of.round)).or_insert(of.summed);
        sum == of.summed && self.sets.insert((run, number, of.round), of.sets).is_none()
    }
}

fn folder(path: &Path) -> Folder {
    Folder::open(path, [3; 32]).unwrap()
}

/// One training over several runs: where it is kept, and what its providers have signed.
struct Training {
    dir: tempfile::TempDir,
    journal: Mutex<Journal>,
    course: Course,
    masks: Masks,
}

impl Training {
    fn new() -> Self {
        let (course, masks) = setting(ROUNDS, Rule::Yogi(Adaptive::default()));
        let dir = tempfile::tempdir().unwrap();
        Self { dir, journal: Mutex::default(), course, masks }
    }

    /// A run until the `call`-th word to the disk, without the providers that are gone.
    fn run(&mut self, (call, after): (usize, bool), gone: &[(usize, Head)]) -> Ran {
        self.masks.run[0] += 1;
        let (course, masks, journal) = (&self.course, &self.masks, &self.journal);
        let plays = |wire: &mut Wire, number: usize, rng: &mut Prg| {
            let signs = |of| Ok(journal.lock().unwrap().signs(masks.run, number, of));
            let (once, doubts) = (&mut { signs }, &mut |_| ());
            let trainer = &mut native(9, number);
            let member = Member {
                number,
                signer: signer(number),
                trainer,
                once,
                doubts,
                pledges: Pledges::none(),
            };
            take_part_masked(wire, course, masks, member, rng)
        };
        let mut channels = in_memory(8);
        for (provider, at) in gone {
            let inner = Arc::clone(&channels[3 + provider]);
            channels[3 + provider] =
                Arc::new(Dies { inner, at: *at, dead: AtomicBool::new(false) });
        }
        let folder = folder(self.dir.path());
        let from = folder.standing_masked(course, start(course)).unwrap();
        let keep = &mut Crashing { folder, left: call, after };
        run_from((course, masks), channels, &plays, (from, keep))
    }
}

const NEVER: (usize, bool) = (usize::MAX, false);

fn asked(round: u32) -> Head {
    Head { step: Step::Ask, round }
}

#[test]
fn a_crash_at_any_word_to_the_disk_leads_to_the_same_model_and_one_sum_a_round() {
    let all = vec![vec![0, 1, 2, 3, 4]; ROUNDS as usize];
    // Each round is two words to the disk: it is closed, then over.
    for call in 1..=2 * ROUNDS as usize {
        for after in [false, true] {
            let mut training = Training::new();
            let broken = training.run((call, after), &[]);
            assert!(matches!(broken.party, Err(RoundError::Disk { .. })), "{call} {after}");
            // Crashes again, a word later, before it comes to its end.
            let again = training.run((1, after), &[]);
            assert!(again.party.is_err() || (call, after) == (2 * ROUNDS as usize, true));
            let ended = training.run(NEVER, &[]);
            let trained = ended.party.unwrap_or_else(|error| panic!("{call} {after}: {error}"));
            assert!(trained.state == in_one_place(9, &training.course, &all), "{call} {after}");
            assert!(trained.reports.iter().map(|report| &report.providers).eq(&all));
            assert_eq!(ended.opened.len(), ROUNDS as usize, "as the plan lists");
            assert!(ended.providers.iter().all(Result::is_ok), "{:?}", ended.providers);
        }
    }
}

#[test]
fn a_round_that_was_under_way_is_over_the_same_providers_or_there_is_none() {
    let mut training = Training::new();
    // The second round is closed without one of them.
    let broken = training.run((3, true), &[(1, asked(1))]);
    assert!(broken.party.is_err());
    // Another one is missing now.
    let short = training.run(NEVER, &[(2, asked(1))]);
    assert_eq!(short.party, Err(RoundError::Closed { round: 2, got: 3, asked: 4 }));
    // All are there: the one that was lost is in the next round again.
    let ended = training.run(NEVER, &[]).party.unwrap();
    let rounds = [vec![0, 1, 2, 3, 4], vec![0, 2, 3, 4], vec![0, 1, 2, 3, 4]];
    assert!(ended.reports.iter().map(|report| &report.providers).eq(&rounds));
    assert!(ended.state == in_one_place(9, &training.course, &rounds));
}

/// Two sums of one round have no difference to take, though the party forgets that there was one.
#[test]
fn providers_hold_a_party_that_forgets_to_the_sum_that_they_signed_for() {
    let mut training = Training::new();
    let broken = training.run((4, false), &[]);
    assert!(broken.party.is_err(), "the second sum is there, and is not kept");
    folder(training.dir.path()).reopened().unwrap();
    let ran = training.run(NEVER, &[(4, asked(1))]);
    assert!(matches!(ran.party, Err(RoundError::Few { round: 2, .. })), "{:?}", ran.party);
    let refused = RoundError::Masks { round: 2, source: SecAggError::Once };
    assert!(ran.providers[..4].iter().all(|ended| *ended == Err(refused.clone())));
    // Over those it was over, there is that very sum again.
    folder(training.dir.path()).reopened().unwrap();
    assert!(training.run(NEVER, &[]).party.is_ok());
}

#[test]
fn what_is_kept_is_whole_and_of_this_training_or_refused() {
    let mut training = Training::new();
    training.run((4, false), &[]);
    let (path, course) = (training.dir.path(), &training.course);
    let standing = || Folder::open(path, [3; 32])?.standing_masked(course, start(course));
    assert_eq!(standing().unwrap().closed.unwrap().round, 1);
    let other = Folder::open(path, [4; 32]).unwrap();
    assert_eq!(
        other.standing_masked(course, start(course)).unwrap_err().kind(),
        io::ErrorKind::InvalidData
    );
    drop(other);
    // Of parties that keep shares of a sum.
    let shares = folder(path).standing(course, start(course));
    assert_eq!(shares.unwrap_err().kind(), io::ErrorKind::InvalidData);
    for file in ["state", "closed"] {
        let whole = fs::read(path.join(file)).unwrap();
        let mut flipped = whole.clone();
        flipped[whole.len() / 2] ^= 1;
        for bytes in [&[][..], &whole[..whole.len() - 1], &flipped, &[0xa5; 4096]] {
            fs::write(path.join(file), bytes).unwrap();
            let kind = standing().unwrap_err().kind();
            let kinds = [io::ErrorKind::InvalidData, io::ErrorKind::UnexpectedEof];
            assert!(kinds.contains(&kind), "{file}: {kind:?}");
        }
        fs::write(path.join(file), whole).unwrap();
    }
    // A round that is closed before those in front of it are over.
    folder(path).closed(&Closed::masked(course, 2, &BTreeSet::from([0, 1, 2, 3]))).unwrap();
    assert_eq!(standing().unwrap_err().kind(), io::ErrorKind::InvalidData);
}
