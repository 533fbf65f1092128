//! Intersections of two owners that are interrupted: what both have on disk is gone on from, and what is touched there shows nothing wrong.

use std::{fs, io, path::Path};

use protocols::net::faulty::{Fault, Faulty, Planned};
use tempfile::TempDir;

use super::{
    owners::{Left, common, own, tried_over},
    told::small,
    *,
};
use crate::{
    exec::{
        begin_intersection,
        checkpoint::{Done, Record},
        forget_intersection, intersection_begun,
    },
    identity::{Hash32, PartyName},
    job::{PsiForm, PsiProtocol},
    plan::{Between, KeptIn, Match},
    sql::tests::{
        party,
        psi::{Sets, asked, psi},
    },
};

/// A bound of three buckets of the least size.
const BOUND: u64 = 9000;
const BUCKETS: usize = 3;
/// What stands for a digest of a set.
const SET: [u8; 32] = [9; 32];

/// Two owners, what they are asked, and their disks.
struct Owned {
    sets: Sets,
    plan: Plan,
    to: &'static [&'static str],
    disks: [TempDir; 2],
    runs: u8,
}

/// The inputs of the plan, and who owns them.
const OWNERS: [&str; 2] = ["census", "employers"];

impl Owned {
    fn new(protocol: PsiProtocol, to: &'static [&'static str], compute: [&str; 3]) -> Self {
        let mut sets = small(11, (60, 65));
        sets.world.descriptors.iter_mut().for_each(|descriptor| descriptor.rows_max = BOUND);
        let mut job = asked(PsiForm::Inner, [&[], &[]]);
        job.compute = compute.map(party).into();
        let of = psi(&mut job);
        of.protocol = protocol;
        of.bucket_rows = Some(4096.try_into().unwrap());
        of.to = to.iter().map(|name| party(name)).collect();
        let plan = compile(&job, &sets.world.descriptors, &[]).unwrap().plan;
        let disks = [0, 1].map(|_| tempfile::tempdir().unwrap());
        Self { sets, plan, to, disks, runs: 0 }
    }

    /// The plan of another job that goes on with the first.
    fn again(&self) -> Plan {
        let mut again = self.plan.clone();
        of(&mut again).resumes = Some(self.plan.job);
        again.job.0[0] ^= 1;
        again
    }

    fn disk(&self, owner: usize) -> (&Path, PartyName) {
        (self.disks[owner].path(), party(OWNERS[owner]))
    }

    /// What an owner keeps of a run of a plan, or why it does not go on.
    fn kept(&self, plan: &Plan, owner: usize) -> Result<KeptIn, String> {
        let (disk, me) = self.disk(owner);
        let begun = intersection_begun(Some(disk), (plan, &me));
        let anew = || begin_intersection(disk, (plan, &me), (Hash32([self.runs; 32]), SET));
        begun.map(|begun| begun.or_else(|| anew().unwrap()).unwrap())
    }

    /// Runs a plan; an owner's message to the other may suffer a fault.
    fn run(
        &mut self,
        plan: &Plan,
        fault: Option<(usize, usize)>,
    ) -> Result<Vec<Result<Left, ExecError>>, String> {
        self.runs += 1;
        let mut inputs = [own(&self.sets.first), own(&self.sets.second)];
        for (owner, input) in inputs.iter_mut().enumerate() {
            let set = input.own.take().unwrap();
            input.own = Some(set.kept_in(self.kept(plan, owner)?));
        }
        let price = price(plan);
        let seat = |owner: usize| plan.seat_of(&party(OWNERS[owner])).unwrap();
        let ends = memory::mesh(3 + outside_providers(plan).len(), Duration::from_secs(20));
        let ends = ends.into_iter().map(|end| {
            let fault = fault.filter(|(owner, _)| seat(*owner) == end.me());
            let planned =
                fault.map(|(owner, nth)| Planned { to: seat(1 - owner), nth, fault: Fault::Close });
            Arc::new(Faulty::new(end, planned.into_iter().collect())) as Arc<dyn Channel>
        });
        Ok(tried_over(plan, &inputs, &price, ends.collect(), self.runs << 2))
    }

    /// How many buckets an owner has on its disk.
    fn done(&self, owner: usize) -> usize {
        let (disk, me) = self.disk(owner);
        let begun = intersection_begun(Some(disk), (&self.again(), &me)).unwrap().unwrap();
        let mut record = Record::open(&begun, false).unwrap();
        std::iter::from_fn(|| record.next().unwrap()).count()
    }

    /// The only file of an owner by this name.
    fn file(&self, owner: usize, name: &str) -> std::path::PathBuf {
        let folders: Vec<_> = fs::read_dir(self.disks[owner].path()).unwrap().collect();
        let [folder] = &folders[..] else { panic!("{folders:?}") };
        folder.as_ref().unwrap().path().join(name)
    }

    /// That a run ended well: who learns has what the sets say.
    fn ended(&self, left: &[Result<Left, ExecError>], what: &str) -> u64 {
        let left: Vec<_> = left.iter().map(|left| left.as_ref().expect(what)).collect();
        let found: Vec<&Found> = left.iter().flat_map(|(found, ..)| found).collect();
        assert_eq!(found.len(), self.to.len(), "{what}");
        for Found { input, matched } in found {
            let (one, other) = match input {
                0 => (&self.sets.first, &self.sets.second),
                _ => (&self.sets.second, &self.sets.first),
            };
            assert_eq!(*matched, common(one, other), "{what}");
        }
        left.iter().map(|(_, _, bytes, _)| bytes).sum()
    }

    /// What the plan costs from a bucket on.
    fn cost_from(&self, first: usize) -> u64 {
        let mut plan = self.plan.clone();
        let between = Between::of(&self.plan, of(&mut plan)).unwrap();
        let cost = |first| between.cost_from(first).unwrap().total_bytes();
        price(&self.plan).total.bytes - cost(0) + cost(first)
    }
}

fn of(plan: &mut Plan) -> &mut Match {
    let found = plan.nodes.iter_mut().find_map(|op| match op {
        Op::Match(of) => Some(of),
        _ => None,
    });
    found.unwrap()
}

fn price(plan: &Plan) -> Quote {
    quote(plan, &check(plan).unwrap(), Profile::LAN).unwrap()
}

const INSIDE: [&str; 3] = ["census", "employers", "neutral"];
const OUTSIDE: [&str; 3] = ["bank", "lab", "neutral"];

/// Interrupts it at every so many messages of each owner, and goes on; gives from which buckets.
fn interrupted_at(mut owned: Owned, every: usize) -> Vec<usize> {
    let mut firsts = Vec::new();
    for owner in [0, 1] {
        for nth in (owner..).step_by(every) {
            owned.disks = [0, 1].map(|_| tempfile::tempdir().unwrap());
            let what = format!("{:?}, message {nth} of {owner}", of(&mut owned.plan.clone()));
            let broken = owned.run(&owned.plan.clone(), Some((owner, nth))).unwrap();
            if broken.iter().all(Result::is_ok) {
                // It has no such message.
                owned.ended(&broken, &what);
                break;
            }
            let done = [0, 1].map(|owner| owned.done(owner));
            assert!(done[0].abs_diff(done[1]) <= 2, "{what}: {done:?}");
            let first = done[0].min(done[1]);
            let again = owned.run(&owned.again(), None).unwrap();
            let bytes = owned.ended(&again, &what);
            assert_eq!(bytes, owned.cost_from(first), "{what}: {done:?}");
            assert_eq!([0, 1].map(|owner| owned.done(owner)), [BUCKETS; 2], "{what}");
            firsts.push(first);
        }
    }
    firsts
}

#[test]
fn whichever_message_is_the_last_another_run_goes_on_behind_the_buckets_that_both_have() {
    for (protocol, to, compute, every) in [
        (PsiProtocol::Vole, &["employers"][..], INSIDE, 2),
        (PsiProtocol::Vole, &OWNERS, OUTSIDE, 2),
        (PsiProtocol::VoleMalicious, &["census"], OUTSIDE, 3),
        (PsiProtocol::VoleLow, &OWNERS, INSIDE, 3),
        (PsiProtocol::Ecdh, &["census"], INSIDE, 3),
        (PsiProtocol::Ecdh, &OWNERS, OUTSIDE, 3),
    ] {
        let firsts = interrupted_at(Owned::new(protocol, to, compute), every);
        assert!(firsts.contains(&0) && firsts.iter().any(|first| *first > 0), "{firsts:?}");
    }
}

/// Interrupts it when an owner is about through; gives how many buckets each has then.
fn nearly_done(owned: &mut Owned) -> [usize; 2] {
    for nth in (0..200).rev() {
        owned.disks = [0, 1].map(|_| tempfile::tempdir().unwrap());
        let broken = owned.run(&owned.plan.clone(), Some((1, nth))).unwrap();
        if broken.iter().any(Result::is_err) {
            return [0, 1].map(|owner| owned.done(owner));
        }
    }
    panic!("it has no messages");
}

#[test]
fn two_jobs_may_go_on_with_one_and_no_third() {
    let mut owned = Owned::new(PsiProtocol::Vole, &["census"], INSIDE);
    owned.run(&owned.plan.clone(), Some((0, 20))).unwrap();
    for _ in 0..Between::RESUMPTIONS {
        let broken = owned.run(&owned.again(), Some((1, 1))).unwrap();
        assert!(broken.iter().any(Result::is_err));
    }
    for owner in [0, 1] {
        let refused = owned.kept(&owned.again(), owner).unwrap_err();
        assert!(refused.contains("no more may; run the job without `resumes`"), "{refused}");
    }
    // Begun anew, it is counted anew.
    let anew = owned.run(&owned.plan.clone(), None).unwrap();
    owned.ended(&anew, "anew");
    assert!(owned.kept(&owned.again(), 0).is_ok());
}

#[test]
fn a_job_that_goes_on_makes_its_link_anew_once_less_and_says_so() {
    let owned = Owned::new(PsiProtocol::Vole, &["census"], INSIDE);
    let (mut plan, mut again) = (owned.plan.clone(), owned.again());
    assert_eq!((Between::renewals(of(&mut plan)), Between::renewals(of(&mut again))), (2, 1));
    let told = |plan: &Plan| {
        let leakage = crate::plan::leakage(plan, &|_| Vec::new()).unwrap().join("\n");
        (crate::plan::explain(plan, &|_| None).unwrap(), leakage)
    };
    let ((text, leakage), (text_again, leakage_again)) = (told(&plan), told(&again));
    let job = plan.job.to_string();
    assert!(!text.contains(&job) && text_again.contains(&format!(", going on with {job}; ")));
    assert!(leakage.contains("2 jobs at most may go on with this one"), "{leakage}");
    assert!(leakage.contains("over another, 2 times at most"), "{leakage}");
    assert!(leakage_again.contains(&format!("it goes on with {job}: ")), "{leakage_again}");
    assert!(leakage_again.contains("over another, 1 times at most"), "{leakage_again}");
}

/// Whatever becomes of what is kept at one owner: it is gone on with rightly, or the run ends.
#[test]
fn what_is_cut_or_touched_is_not_gone_on_from() {
    let mut owned = Owned::new(PsiProtocol::Vole, &["employers"], INSIDE);
    let done = nearly_done(&mut owned);
    assert!(done.iter().all(|done| *done >= 2), "{done:?}");
    let path = owned.file(1, "done");
    let (whole, begun) = (fs::read(&path).unwrap(), owned.file(1, "begun"));
    let counted = fs::read(&begun).unwrap();
    let ends: Vec<_> = (1..=3).map(|parts| whole.len() * parts / 4).collect();
    for (number, at) in ends.into_iter().chain([0, 5, whole.len() - 1]).enumerate() {
        for cut in [true, false] {
            let mut touched = whole.clone();
            if cut {
                touched.truncate(at);
            } else {
                touched[at] ^= 4;
            }
            let [done_there, begun_there] = ["done", "begun"]
                .map(|name| (owned.file(0, name), fs::read(owned.file(0, name)).unwrap()));
            fs::write(&path, &touched).unwrap();
            let left = owned.done(1);
            assert!(left < done[1], "{number}: {left} of {done:?}");
            let ran = owned.run(&owned.again(), None).unwrap();
            // Another run finds out whose claim no lost link explains.
            match done[0] - left {
                0..=2 => drop(owned.ended(&ran, &format!("{number}, {cut}"))),
                _ => assert!(ran.iter().all(|ran| ran.is_err()), "{number}, {cut}"),
            }
            for (path, before) in [done_there, begun_there] {
                fs::write(path, before).unwrap();
            }
            fs::write(&begun, &counted).unwrap();
        }
    }
    for at in [0, 40, 66, 99] {
        let mut touched = counted.clone();
        touched[at] ^= 1;
        fs::write(&begun, &touched).unwrap();
        let refused = owned.kept(&owned.again(), 1).unwrap_err();
        assert!(refused.contains("cannot be used") && refused.contains("without `resumes`"));
    }
    fs::write(&begun, &counted[..50]).unwrap();
    assert!(owned.kept(&owned.again(), 1).is_err());
    fs::remove_file(&begun).unwrap();
    let refused = owned.kept(&owned.again(), 1).unwrap_err();
    assert!(refused.contains("keeps nothing of the intersection"), "{refused}");
}

#[test]
fn owners_that_kept_different_runs_go_nowhere() {
    let mut owned = Owned::new(PsiProtocol::Ecdh, &["census"], INSIDE);
    owned.run(&owned.plan.clone(), Some((1, 30))).unwrap();
    let [one, _] = [0, 1].map(|owner| owned.done(owner));
    assert!(one > 0);
    let first = fs::read(owned.file(0, "done")).unwrap();
    let begun = fs::read(owned.file(0, "begun")).unwrap();
    // The same job, run once more: one of the owners has what it kept of the first run.
    owned.run(&owned.plan.clone(), Some((1, 30))).unwrap();
    fs::write(owned.file(0, "done"), &first).unwrap();
    assert_eq!(owned.done(0), 0, "it is of another run");
    fs::write(owned.file(0, "begun"), &begun).unwrap();
    assert_eq!(owned.done(0), one);
    let ran = owned.run(&owned.again(), None).unwrap();
    assert!(ran[0].is_err() && ran[1].is_err(), "{ran:?}");
}

#[test]
fn an_intersection_is_gone_on_with_for_whom_it_was_begun_and_until_it_ends() {
    let owned = Owned::new(PsiProtocol::Vole, &["census"], INSIDE);
    let (plan, again, (disk, me)) = (owned.plan.clone(), owned.again(), owned.disk(0));
    let begun = |plan: &Plan| intersection_begun(Some(disk), (plan, &me));
    assert!(begun(&again).unwrap_err().contains("keeps nothing"));
    assert!(intersection_begun(None, (&again, &me)).unwrap_err().contains("`state` folder"));
    assert!(matches!(intersection_begun(None, (&plan, &me)), Ok(None)));
    assert!(matches!(intersection_begun(None, (&again, &party("neutral"))), Ok(None)));
    let kept = owned.kept(&plan, 0).unwrap();
    let found = begun(&again).unwrap().unwrap();
    assert_eq!((&found.folder, found.run, found.set), (&kept.folder, kept.run, kept.set));
    assert!(!format!("{found:?}").contains("set"), "a digest tells who guesses");
    let theirs = Plan { buyer: party("somebody"), ..again.clone() };
    let mut other = again.clone();
    of(&mut other).protocol = PsiProtocol::VoleLow;
    let mut others = again.clone();
    others.inputs[1].rows += 1;
    for other in [&theirs, &other, &others] {
        assert!(begun(other).unwrap_err().contains("keeps nothing"));
        forget_intersection(disk, (other, &me)).unwrap();
    }
    // One that has no buckets begins anew.
    let mut whole = again.clone();
    (of(&mut whole).protocol, of(&mut whole).bucket_rows) = (PsiProtocol::Ecdh, Default::default());
    assert!(matches!(begun(&whole), Ok(None)));
    // The same question of another job: what was kept is gone, but what a run has.
    let mut anew = plan;
    anew.job.0[1] ^= 1;
    let held = Record::open(&kept, false).unwrap();
    let theirs = begin_intersection(disk, (&theirs, &me), (kept.run, SET)).unwrap().unwrap();
    owned.kept(&anew, 0).unwrap();
    assert!(begun(&again).is_ok());
    let two = Record::open(&kept, false).unwrap_err();
    assert_eq!(two.kind(), io::ErrorKind::WouldBlock);
    drop(held);
    let newer = owned.kept(&anew, 0).unwrap();
    assert!(begun(&again).is_err() && theirs.folder.exists(), "another buyer's stays");
    forget_intersection(disk, (&anew, &me)).unwrap();
    assert!(!newer.folder.exists());
    forget_intersection(disk, (&anew, &me)).unwrap();
}

#[cfg(unix)]
#[test]
fn what_is_kept_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt;

    let owned = Owned::new(PsiProtocol::Vole, &["census"], INSIDE);
    let kept = owned.kept(&owned.plan, 0).unwrap();
    let mut record = Record::open(&kept, false).unwrap();
    record.add(0, &[1; 32], &[5]).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&kept.folder), 0o700);
    for file in ["begun", "done", "lock"] {
        assert_eq!(mode(&kept.folder.join(file)), 0o600, "{file}");
    }
}

#[test]
fn a_bucket_that_is_done_again_replaces_itself_and_those_behind_it() {
    let owned = Owned::new(PsiProtocol::Vole, &["census"], INSIDE);
    let kept = owned.kept(&owned.plan, 0).unwrap();
    let mut record = Record::open(&kept, false).unwrap();
    for (bucket, bits) in [(0, 1), (1, 2), (2, 3), (1, 4)] {
        record.add(bucket, &[bits; 32], &vec![bits; usize::from(bits)]).unwrap();
    }
    assert_eq!(record.add(3, &[0; 32], &[]).unwrap_err().kind(), io::ErrorKind::InvalidData);
    drop(record);
    let mut record = Record::open(&kept, true).unwrap();
    let all = std::iter::from_fn(|| record.next().unwrap());
    let all: Vec<_> = all.map(|Done { digest, found }| (digest[0], found.to_vec())).collect();
    assert_eq!(all, [(1, vec![1]), (4, vec![4; 4])]);
}

#[cfg(target_os = "linux")]
#[test]
fn what_cannot_be_kept_ends_the_run_and_says_where() {
    let mut owned = Owned::new(PsiProtocol::Vole, &["census"], INSIDE);
    owned.run(&owned.plan.clone(), Some((1, 1))).unwrap();
    let done = owned.file(0, "done");
    fs::remove_file(&done).unwrap();
    std::os::unix::fs::symlink("/dev/full", &done).unwrap();
    let ran = owned.run(&owned.again(), None).unwrap();
    let error = ran[0].as_ref().unwrap_err();
    assert!(matches!(error, ExecError::Intersection(_) | ExecError::DiskFull(_)), "{error:?}");
    assert!(error.to_string().contains("`state` folder"), "{error}");
    assert!(ran[1].is_err());
}
