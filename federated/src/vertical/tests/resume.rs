//! Trainings that are interrupted while a party writes down where they stand, and go on.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use protocols::{prg::Prg, session::SessionError};

use super::*;

const PASSES: usize = 6;

/// A table, and a folder for each party.
struct Place {
    clear: Clear,
    setting: Setting,
    dir: tempfile::TempDir,
    seed: u64,
}

/// A party's own randomness of a run.
fn own(number: u64, party: usize) -> Prg {
    Prg::new(&(u128::from(number) << 64 | party as u128).to_le_bytes())
}

/// At a party: the weights at the end, and how many steps were told first.
type Ended = Result<(Shared, Option<usize>), SessionError>;

impl Place {
    fn new(seed: u64) -> Self {
        let clear = rows(seed, (130, 5));
        let descent = Descent { epochs: PASSES, ..descent(Curve::Segments) };
        let table = Table { rows: 130, columns: 5, features: range() };
        let setting = Setting::new(table, descent).unwrap();
        Self { clear, setting, dir: tempfile::tempdir().unwrap(), seed }
    }

    fn folder(&self, party: usize) -> PathBuf {
        self.dir.path().join(party.to_string())
    }

    fn record(&self, party: usize, resumed: bool) -> io::Result<Record> {
        Record::open((&self.folder(party), [7; 32]), &self.setting, resumed)
    }

    /// Run `number` of the training; the disk of one party is full when it writes down where it stands after so many passes.
    fn run(&self, number: u64, fault: Option<(usize, usize)>) -> [Ended; 3] {
        let world = World::new(self.seed << 8 | number);
        let x = world.deal::<Z64>(1, &range().encode(&self.clear.features).unwrap());
        let y = world.deal::<Z64>(2, &self.clear.labels);
        let live = share_bits(world, 3, &self.clear.live, 1);
        let channels = protocols::net::memory::mesh(3, std::time::Duration::from_secs(20));
        let channels = channels.into_iter().map(|one| std::sync::Arc::new(one) as _).collect();
        let run = world.run_over(channels, |s| {
            let i = s.role().index();
            let mut record = self.record(i, number > 0).unwrap();
            let mut rng = own(number, i);
            let from = stand(s, &self.setting, Some(&mut record), &mut rng)?;
            let features = Features::of_rows(&x[i], 130, 5).unwrap();
            let (mut first, steps) = (None, self.setting.batches());
            let mut told = |done: usize| {
                first.get_or_insert(done);
                if fault == Some((i, done / steps)) && done.is_multiple_of(steps) {
                    // All that it has to say of these passes is on its way.
                    self.wait_for_others(i, done / steps);
                    full(&self.folder(i));
                }
            };
            let course = Course { from, record: Some(&mut record), told: &mut told };
            match train_from(s, &self.setting, &features, (&y[i], &live[i]), course) {
                Ok(weights) => Ok((weights, first)),
                Err(DescentError::Session(error)) => Err(error),
                Err(DescentError::Disk(disk)) => {
                    assert!(disk.is_full() && fault.is_some_and(|(at, _)| at == i), "{disk}");
                    Err(SessionError::Misuse { step: s.step(), what: "this party's disk is full" })
                }
            }
        });
        if let Some((party, _)) = fault {
            fs::remove_file(beside(&self.folder(party))).unwrap();
            assert!(run.results[party].is_err(), "seed {}", self.seed);
        }
        run.results
    }

    /// Until both others have kept where they stand after so many passes.
    fn wait_for_others(&self, party: usize, passes: usize) {
        let began = std::time::Instant::now();
        let has = |other: usize| self.kept(other).last() == Some(&(passes as u64));
        while !(0..3).filter(|other| *other != party).all(has) {
            assert!(began.elapsed().as_secs() < 10, "seed {}", self.seed);
            std::thread::yield_now();
        }
    }

    /// After how many passes a party's file has weights.
    fn kept(&self, party: usize) -> Vec<u64> {
        let bytes = fs::read(self.folder(party).join("weights")).unwrap_or_default();
        let words: Vec<u64> =
            bytes.as_chunks().0.iter().map(|word| u64::from_le_bytes(*word)).collect();
        let count = words.first().map_or(0, |count| usize::try_from(*count).unwrap());
        words
            .iter()
            .skip(1)
            .step_by(3 + 2 * (1 + self.setting.len()))
            .take(count)
            .copied()
            .collect()
    }

    /// That a run came to its end, and trained what was left behind so many passes.
    fn check(&self, ended: [Ended; 3], passes: usize) {
        let (shares, first): (Vec<_>, Vec<_>) = ended.into_iter().map(Result::unwrap).unzip();
        let due = (passes < PASSES).then_some(passes * self.setting.batches() + 1);
        assert_eq!(first, [due; 3], "seed {}", self.seed);
        let words = protocols::share::reconstruct([&shares[0], &shares[1], &shares[2]]).unwrap();
        assert_eq!(words, exactly(&self.clear, &self.setting), "seed {}", self.seed);
    }
}

fn beside(folder: &Path) -> PathBuf {
    folder.join("weights.new")
}

fn full(folder: &Path) {
    std::os::unix::fs::symlink("/dev/full", beside(folder)).unwrap();
}

#[test]
fn a_training_that_is_interrupted_goes_on_from_what_all_three_have() {
    for passes in 1..=PASSES {
        for party in 0..3 {
            let place = Place::new(40 + passes as u64);
            drop(place.run(0, Some((party, passes))));
            place.check(place.run(1, None), passes - 1);
            // Whoever goes on with what came to its end trains nothing.
            place.check(place.run(2, None), PASSES);
        }
    }
}

/// Two parties have the third pass of the first run, then two others that of the second: three shares that are of no one sharing.
#[test]
fn shares_of_two_runs_do_not_meet() {
    for (first, second) in [(1, 0), (2, 1), (0, 2)] {
        let place = Place::new(90 + first as u64);
        drop(place.run(0, Some((first, 3))));
        drop(place.run(1, Some((second, 3))));
        let all = [0, 1, 2].map(|party| place.kept(party));
        // The second run did not come so far as to write at the one whose disk was full then.
        assert_eq!(all, [[2, 3]; 3], "the file of party {second} is the first run's");
        place.check(place.run(2, None), 2);
    }
}

#[test]
fn what_is_agreed_costs_a_round_and_is_the_beginning_where_nothing_is_kept() {
    let place = Place::new(5);
    let world = World::new(5);
    let run = world.run(|s| {
        let mut rng = own(0, s.role().index());
        let mut record = place.record(s.role().index(), false).unwrap();
        let kept = (s.role().index() != 1).then_some(&mut record);
        stand(s, &place.setting, kept, &mut rng)
    });
    run.assert_cost("where it stands", stand_cost);
    let [a, b, c] = run.results.map(|standing| (standing.passes, standing.mark));
    assert!(a.0 == 0 && a == b && b == c && a.1 != [0; 2]);
}

#[test]
fn files_that_are_not_of_the_training_are_refused_and_stay() {
    let place = Place::new(6);
    place.check(place.run(0, None), 0);
    let file = place.folder(0).join("weights");
    let whole = fs::read(&file).unwrap();
    let opened = |training: u8, setting: &Setting| {
        Record::open((&place.folder(0), [training; 32]), setting, true).map(drop)
    };
    opened(7, &place.setting).unwrap();
    let refused = |training, setting: &Setting| opened(training, setting).unwrap_err().kind();
    assert_eq!(refused(8, &place.setting), io::ErrorKind::InvalidData);
    let (table, descent) = (*place.setting.table(), *place.setting.descent());
    let wider = Setting::new(Table { columns: 6, ..table }, descent).unwrap();
    let shorter = Setting::new(table, Descent { epochs: PASSES - 1, ..descent }).unwrap();
    assert_eq!(refused(7, &wider), io::ErrorKind::InvalidData);
    assert_eq!(refused(7, &shorter), io::ErrorKind::InvalidData);
    for at in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        fs::write(&file, bytes).unwrap();
        assert!(opened(7, &place.setting).is_err(), "byte {at}");
    }
    fs::write(&file, &whole[..whole.len() - 9]).unwrap();
    assert!(opened(7, &place.setting).is_err());
    // A training that begins anew does not ask.
    drop(place.record(0, false).unwrap());
    assert!(!file.exists());
}
