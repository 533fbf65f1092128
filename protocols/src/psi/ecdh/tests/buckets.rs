//! In buckets: the plain intersection at its price, and a link that is lost costs the buckets that were open.

use std::{borrow::Cow, sync::Arc, time::Duration};

use super::{
    super::{Setting, cost_from, receive_from, send_from, setting::WORD_BYTES},
    plain, sets,
};
use crate::{
    net::{
        Channel,
        faulty::{Fault, Faulty, Planned},
        memory,
    },
    party::PartyId,
    psi::{Buckets, Output, Progress, Scattered, Sizes},
    session::{OpeningKind, Pair, PairCost, SessionError},
    testkit::{Duo, DuoRun},
};

const OUTPUTS: [Output; 2] = [Output::ToReceiver, Output::ToBoth];

fn setting_of(bucket: usize, [sender, receiver]: [usize; 2], output: Output) -> Setting {
    let sizes = Sizes { sender, receiver };
    Setting::with_buckets_of(bucket, sizes, output, [3; 32]).unwrap()
}

/// One side between attempts.
struct Side {
    set: Scattered<'static>,
    progress: Progress,
}

impl Side {
    fn new(setting: &Setting, ids: &[u128]) -> Self {
        let set = Scattered::new(ids.to_vec(), setting.buckets());
        Self { set, progress: setting.progress() }
    }

    fn found(self) -> Vec<u32> {
        let mut found = self.set.into_positions();
        found.sort_unstable();
        found
    }
}

type Outcome = DuoRun<Result<(), SessionError>, Result<(), SessionError>>;

/// An attempt in which a message of one party suffers a fault.
fn attempt(
    seed: u64,
    settings: [&Setting; 2],
    [sender, receiver]: &mut [Side; 2],
    fault: Option<(u16, Planned)>,
) -> Outcome {
    // Nobody waits long where nothing is amiss, and a machine may be busy.
    let stall = Duration::from_secs(if fault.is_some() { 5 } else { 60 });
    let ends = memory::mesh(2, stall).into_iter().zip(0_u16..);
    let channels = ends.map(|(end, id)| {
        let plan = fault.filter(|(party, _)| *party == id).map(|(_, planned)| planned);
        Arc::new(Faulty::new(end, plan.into_iter().collect())) as Arc<dyn Channel>
    });
    Duo::new(seed).run_over(
        channels.collect(),
        |pair, rng| send_from(pair, settings[0], &mut sender.set, &mut sender.progress, rng),
        |pair, rng| receive_from(pair, settings[1], &mut receiver.set, &mut receiver.progress, rng),
    )
}

/// Runs it and compares with the plain intersection and the quoted price.
fn check(seed: u64, setting: &Setting, (y, x): &(Vec<u128>, Vec<u128>)) {
    let mut sides = [Side::new(setting, y), Side::new(setting, x)];
    let run = attempt(seed, [setting; 2], &mut sides, None);
    assert_eq!((&run.sender, &run.receiver), (&Ok(()), &Ok(())), "seed {seed}: {setting}");
    let [sender, receiver] = sides;
    let told = setting.output() == Output::ToBoth;
    assert_eq!(receiver.found(), plain(x, y), "seed {seed}: {setting}");
    let senders = if told { plain(y, x) } else { Vec::new() };
    assert_eq!(sender.found(), senders, "seed {seed}: {setting}");
    let mut quoted = PairCost::new();
    cost_from(&mut quoted, setting, 0);
    run.assert_cost(&quoted);
    let opened =
        |side: usize| run.opened[side].iter().map(|it| (it.kind, it.count)).collect::<Vec<_>>();
    let Sizes { sender, receiver } = setting.sizes();
    assert_eq!(opened(0), [(OpeningKind::Membership, receiver as u64)]);
    assert_eq!(opened(1), [(OpeningKind::Membership, sender as u64)][..usize::from(told)]);
}

#[test]
fn every_size_in_one_bucket_and_in_several_is_the_plain_intersection() {
    for (seed, (sender, receiver, bucket)) in (0..).zip([
        (0, 0, 8),
        (0, 65, 8),
        (65, 0, 8),
        (1, 1, 1),
        (1, 2, 1),
        (2, 2, 1),
        (3, 3, 1),
        (63, 64, 20),
        (65, 1, 20),
        (1, 65, 20),
        (64, 1000, 300),
        (1000, 200, 250),
        (1000, 1000, 1000),
        (4097, 3, 5000),
    ]) {
        let most = if sender < 200 { 2 } else { 1 };
        for common in [0, 1, usize::MAX].into_iter().rev().take(most) {
            for output in OUTPUTS {
                let sets = sets(&Duo::new(seed), sender, receiver, common);
                check(seed, &setting_of(bucket, [sender, receiver], output), &sets);
            }
        }
    }
}

#[test]
fn two_hundred_random_runs_in_buckets_are_the_plain_intersection() {
    for seed in 0..200 {
        let duo = Duo::new(seed);
        let below = |label, n| usize::try_from(duo.words(label, 1)[0] % n).unwrap();
        let (sender, receiver) = (below(5, 25), below(6, 25));
        let sets = sets(&duo, sender, receiver, below(7, 20));
        let output = OUTPUTS[below(8, 2)];
        check(seed, &setting_of(6 + below(9, 9), [sender, receiver], output), &sets);
    }
}

/// Of sets smaller than stated, and of others of that size, the transcript is the same.
#[test]
fn what_is_sent_follows_from_the_stated_sizes() {
    for output in OUTPUTS {
        let setting = setting_of(50, [200, 300], output);
        let sent = |seed, sender, receiver, common| {
            let (y, x) = sets(&Duo::new(seed), sender, receiver, common);
            let mut sides = [Side::new(&setting, &y), Side::new(&setting, &x)];
            let run = attempt(seed, [&setting; 2], &mut sides, None);
            assert_eq!((&run.sender, &run.receiver), (&Ok(()), &Ok(())), "seed {seed}");
            (run.sent, run.rounds)
        };
        let one = sent(1, 200, 300, 100);
        assert_eq!(one, sent(2, 200, 300, 0));
        assert_eq!(one, sent(3, 7, 0, 0));
    }
}

/// A set that counts the buckets that were read and are not done with.
struct Watched {
    set: Scattered<'static>,
    open: usize,
    most: usize,
}

impl Buckets for Watched {
    fn bucket(&mut self, bucket: usize, buckets: usize) -> Result<Cow<'_, [u128]>, SessionError> {
        self.open += 1;
        self.most = self.most.max(self.open);
        self.set.bucket(bucket, buckets)
    }

    fn found(&mut self, bucket: usize, positions: &[u32]) -> Result<(), SessionError> {
        self.set.found(bucket, positions)
    }

    fn finished(&mut self, _: &mut Pair<'_>, _: usize) -> Result<(), SessionError> {
        self.open -= 1;
        Ok(())
    }
}

#[test]
fn two_buckets_at_most_are_open_at_a_side() {
    for (seed, (output, sizes)) in (0..).zip([
        (Output::ToReceiver, [40, 40]),
        (Output::ToBoth, [40, 40]),
        (Output::ToBoth, [1, 40]),
        (Output::ToBoth, [40, 1]),
    ]) {
        let setting = setting_of(8, sizes, output);
        let watched = |label, n| {
            let ids = Duo::new(seed).words(label, n);
            Watched { set: Scattered::new(ids, setting.buckets()), open: 0, most: 0 }
        };
        let run = Duo::new(seed).run(
            |pair, rng| {
                let mut set = watched(1, sizes[0]);
                send_from(pair, &setting, &mut set, &mut setting.progress(), rng)?;
                Ok((set.most, set.open))
            },
            |pair, rng| {
                let mut set = watched(2, sizes[1]);
                receive_from(pair, &setting, &mut set, &mut setting.progress(), rng)?;
                Ok((set.most, set.open))
            },
        );
        assert_eq!((run.sender, run.receiver), ((2, 0), (2, 0)), "seed {seed}: {sizes:?}");
    }
}

#[test]
fn one_bucket_costs_what_a_set_in_one_piece_does_and_two_words() {
    for output in OUTPUTS {
        let of_shape = match output {
            Output::ToReceiver => super::Output::ToReceiver,
            Output::ToBoth => super::Output::ToBoth,
        };
        for (sender, receiver) in [(0, 9), (1, 1), (5000, 100), (100_000, 1 << 18)] {
            let (mut piece, mut bucket) = (PairCost::new(), PairCost::new());
            super::cost(&mut piece, super::Shape { sender, receiver, output: of_shape });
            cost_from(&mut bucket, &setting_of(1 << 18, [sender, receiver], output), 0);
            let mut words = PairCost::new();
            if sender.min(receiver) > 0 {
                words.exchange(WORD_BYTES);
            }
            assert_eq!(bucket.total_bytes(), piece.total_bytes() + words.total_bytes());
            assert_eq!(bucket.rounds(), piece.rounds());
        }
    }
}

#[test]
fn whichever_message_is_lost_two_buckets_at_most_are_done_again() {
    const N: usize = 60;
    for (seed, output) in (1..).zip(OUTPUTS) {
        let (y, x) = sets(&Duo::new(seed), N, N, 40);
        let setting = setting_of(N / 5, [N, N], output);
        assert_eq!(setting.buckets(), 5);
        let fresh = || [Side::new(&setting, &y), Side::new(&setting, &x)];
        let clean = attempt(seed, [&setting; 2], &mut fresh(), None);
        let mut spared = 0;
        for party in [0, 1_u16] {
            let messages = usize::try_from(clean.sent[usize::from(party)].messages).unwrap();
            // Nobody misses the last message of one who is through with it.
            for nth in (0..messages - 1).rev().step_by(3) {
                let mut sides = fresh();
                let planned = Planned { to: PartyId(1 - party), nth, fault: Fault::Close };
                let broken = attempt(seed, [&setting; 2], &mut sides, Some((party, planned)));
                let what = format!("seed {seed}, {output:?}, message {nth} of {party}");
                assert!(broken.sender.is_err() || broken.receiver.is_err(), "{what}");
                let done = sides.each_ref().map(|side| side.progress.buckets());
                assert!(done[0].abs_diff(done[1]) <= 2, "{what}: {done:?}");
                let first = done[0].min(done[1]);
                spared += first;
                let again = attempt(seed + 100, [&setting; 2], &mut sides, None);
                assert_eq!((&again.sender, &again.receiver), (&Ok(()), &Ok(())), "{what}");
                let mut quoted = PairCost::new();
                cost_from(&mut quoted, &setting, first);
                again.assert_cost(&quoted);
                let [sender, receiver] = sides;
                assert_eq!(receiver.found(), plain(&x, &y), "{what}");
                if output == Output::ToBoth {
                    assert_eq!(sender.found(), plain(&y, &x), "{what}");
                }
            }
        }
        assert!(spared > 0, "seed {seed}: no attempt had anything to go on from");
    }
}

#[test]
fn a_bucket_that_is_cut_or_out_of_order_ends_the_run() {
    let (y, x) = sets(&Duo::new(6), 40, 40, 20);
    let setting = setting_of(10, [40, 40], Output::ToBoth);
    let fresh = || [Side::new(&setting, &y), Side::new(&setting, &x)];
    let clean = attempt(6, [&setting; 2], &mut fresh(), None);
    for party in [0, 1_u16] {
        let messages = usize::try_from(clean.sent[usize::from(party)].messages).unwrap();
        for nth in 0..messages {
            for fault in [Fault::Truncate(3), Fault::WrongTag] {
                let planned = Planned { to: PartyId(1 - party), nth, fault };
                let run = attempt(6, [&setting; 2], &mut fresh(), Some((party, planned)));
                assert!(run.receiver.is_err() || run.sender.is_err(), "{party} {planned:?}");
            }
        }
    }
}

/// A set whose first bucket comes in the place of all.
struct Replayed(Scattered<'static>);

impl Buckets for Replayed {
    fn bucket(&mut self, _: usize, buckets: usize) -> Result<Cow<'_, [u128]>, SessionError> {
        self.0.bucket(0, buckets)
    }

    fn found(&mut self, _: usize, _: &[u32]) -> Result<(), SessionError> {
        Ok(())
    }
}

#[test]
fn a_bucket_that_comes_in_the_place_of_others_gives_no_false_member() {
    let (y, x) = sets(&Duo::new(12), 60, 60, 40);
    let setting = setting_of(12, [60, 60], Output::ToReceiver);
    let scattered = |ids: &[u128]| Scattered::new(ids.to_vec(), setting.buckets());
    let first = scattered(&y).bucket(0, 5).unwrap().into_owned();
    let truth = plain(&x, &first);
    assert!(!truth.is_empty() && truth.len() < plain(&x, &y).len());
    let run = Duo::new(12).run(
        |pair, rng| {
            let mut set = Replayed(scattered(&y));
            send_from(pair, &setting, &mut set, &mut setting.progress(), rng)
        },
        |pair, rng| {
            let mut set = scattered(&x);
            receive_from(pair, &setting, &mut set, &mut setting.progress(), rng)?;
            Ok(set.into_positions())
        },
    );
    let mut found = run.receiver;
    found.sort_unstable();
    assert_eq!(found, truth);
}

#[test]
fn a_side_that_claims_to_be_elsewhere_is_refused() {
    let (y, x) = sets(&Duo::new(3), 60, 60, 20);
    let setting = setting_of(12, [60, 60], Output::ToReceiver);
    let done = |seed| {
        let mut sides = [Side::new(&setting, &y), Side::new(&setting, &x)];
        attempt(seed, [&setting; 2], &mut sides, None);
        assert_eq!(sides[1].progress.buckets(), 5);
        sides
    };
    // All over again: that would be another set's worth of questions.
    let [sender, _] = done(1);
    let run = attempt(2, [&setting; 2], &mut [sender, Side::new(&setting, &x)], None);
    assert!(matches!(run.sender, Err(SessionError::Invalid { .. })), "{:?}", run.sender);
    // As far, but of another attempt: its answers are others.
    let ([sender, _], [_, receiver]) = (done(1), done(2));
    let run = attempt(3, [&setting; 2], &mut [sender, receiver], None);
    let errors = [run.sender.unwrap_err(), run.receiver.unwrap_err()];
    let told = |error: &SessionError| matches!(error, SessionError::Inconsistent { what, .. } if *what == "buckets that were finished before");
    assert!(errors.iter().any(told), "{errors:?}");
    // One bucket has nothing to go on from.
    let one = setting_of(60, [60, 60], Output::ToReceiver);
    let mut sides = [Side::new(&one, &y), Side::new(&one, &x)];
    attempt(4, [&one; 2], &mut sides, None);
    let run = attempt(5, [&one; 2], &mut sides, None);
    assert!(matches!(run.sender, Err(SessionError::Misuse { .. })), "{:?}", run.sender);
}

#[test]
fn another_salt_size_or_bucket_is_named_before_anything_is_sent() {
    let (y, x) = sets(&Duo::new(7), 40, 40, 20);
    let own = setting_of(10, [40, 40], Output::ToReceiver);
    let sizes = own.sizes();
    let salted = Setting::with_buckets_of(10, sizes, own.output(), [4; 32]).unwrap();
    for (other, what) in [
        (salted, "salts, epochs or jobs"),
        (setting_of(10, [40, 41], own.output()), "sizes of the receiver's set"),
        (setting_of(20, [40, 40], own.output()), "parameters"),
        (setting_of(10, [40, 40], Output::ToBoth), "protocols or their security models"),
    ] {
        let mut sides = [Side::new(&own, &y), Side::new(&other, &x)];
        let run = attempt(7, [&own, &other], &mut sides, None);
        // The one who sees it first ends the run of the other.
        let seen = [run.sender.unwrap_err(), run.receiver.unwrap_err()];
        let named = |peer| SessionError::Inconsistent { step: 1, peer: PartyId(peer), what };
        assert!(seen[0] == named(1) || seen[1] == named(0), "{seen:?}");
        assert_eq!(run.opened, [vec![], vec![]]);
    }
}

/// Where no round is spent on a hello each side holds what the other says first against its own, before it answers or takes anything.
#[test]
fn another_salt_or_size_is_named_where_there_is_one_bucket() {
    let (y, x) = sets(&Duo::new(7), 40, 40, 20);
    for output in OUTPUTS {
        let own = setting_of(60, [40, 40], output);
        assert!(!own.goes_on());
        let salted = Setting::with_buckets_of(60, own.sizes(), output, [4; 32]).unwrap();
        for other in [salted, setting_of(60, [41, 40], output)] {
            let mut sides = [Side::new(&own, &y), Side::new(&other, &x)];
            let run = attempt(7, [&own, &other], &mut sides, None);
            let what = "salts, epochs, jobs, sizes or outputs";
            // The one who sees it first may end the run of the other.
            let seen = [run.sender.unwrap_err(), run.receiver.unwrap_err()];
            let named = |peer| SessionError::Inconsistent { step: 1, peer: PartyId(peer), what };
            assert!(seen[0] == named(1) || seen[1] == named(0), "{seen:?}");
        }
    }
}

#[test]
fn a_set_larger_than_the_sizes_say_is_refused() {
    let (y, x) = sets(&Duo::new(9), 200, 40, 20);
    let setting = setting_of(10, [40, 40], Output::ToReceiver);
    let mut sides = [Side::new(&setting, &y), Side::new(&setting, &x)];
    let run = attempt(9, [&setting; 2], &mut sides, None);
    assert!(matches!(run.sender, Err(SessionError::Unlucky { .. })), "{:?}", run.sender);
    assert!(run.receiver.is_err());
}
