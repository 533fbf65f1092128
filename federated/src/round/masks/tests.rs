//! Rounds by masks against rounds in one place, and providers that are lost at every step.

mod cut;
mod hostile;
mod kept;
mod killed;
mod pledged;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    time::Duration,
};

use ed25519_dalek::SigningKey;
use protocols::{
    net::{Abort, Channel, ChannelError, Frame},
    party::PartyId,
    prg::Prg,
    session::{Counters, Gate, Meter, Opening, OpeningKind, Recipient, Wire},
};

use super::{
    step::{Head, Step},
    *,
};
use crate::{
    disk::DiskError,
    model::FitError,
    round::{
        Closed, Course, Keeper, Pledges, RoundError, RoundReport, Standing, State, Totals,
        TrainError, Trained, Trainer, Update,
        tests::{course, in_memory, in_one_place, native, start},
    },
    secagg::{SecAggError, Threshold},
    strategy::{Adaptive, Rule},
};

/// Five providers, of whom one may be lost and one conspire.
fn setting(rounds: u32, rule: Rule) -> (Course, Masks) {
    masked(5, rounds, rule, Threshold::complete(5, 1, 1).unwrap())
}

fn masked(providers: u16, rounds: u32, rule: Rule, threshold: Threshold) -> (Course, Masks) {
    let ids: Vec<u16> = (3..3 + providers).collect();
    let keys = (0..usize::from(providers)).map(|k| signer(k).verifying_key()).collect();
    (course(&ids, rounds, rule), Masks { run: [4; 32], keys, threshold })
}

fn signer(number: usize) -> SigningKey {
    SigningKey::from_bytes(&[u8::try_from(number + 1).unwrap(); 32])
}

/// What a provider says at the end.
type Ended = Result<Vec<(u32, TrainError)>, RoundError>;

struct Ran {
    party: Result<Trained, RoundError>,
    providers: Vec<Ended>,
    counters: Counters,
    opened: Vec<Opening>,
    doubts: Vec<Doubt>,
}

/// What a provider does, on its wire.
type Part<'a> = &'a (dyn Fn(&mut Wire, usize, &mut Prg) -> Ended + Sync);

fn honest<'a>(
    (course, masks): (&'a Course, &'a Masks),
    trainers: &'a (dyn Fn(usize) -> Box<dyn Trainer> + Sync),
) -> impl Fn(&mut Wire, usize, &mut Prg) -> Ended + Sync + 'a {
    move |wire, number, rng| {
        let mut signed = Vec::new();
        let once = &mut |Signing { round, .. }: Signing| {
            let new = !signed.contains(&round);
            signed.push(round);
            Ok(new)
        };
        let trainer = &mut *trainers(number);
        let doubts = &mut |_| ();
        let member = Member {
            number,
            signer: signer(number),
            trainer,
            once,
            doubts,
            pledges: Pledges::none(),
        };
        take_part_masked(wire, course, masks, member, rng)
    }
}

/// Everybody a thread, over these links.
fn run_over(
    (course, masks): (&Course, &Masks),
    channels: Vec<Arc<dyn Channel>>,
    plays: Part<'_>,
    told: &mut (dyn FnMut(&State) + Send),
) -> Ran {
    let from = Standing::new(start(course));
    run_from((course, masks), channels, plays, (from, &mut Heard(told)))
}

/// Keeps nothing, and tells after each round.
struct Heard<'a>(&'a mut (dyn FnMut(&State) + Send));

impl Keeper for Heard<'_> {
    fn closed(&mut self, _: &Closed) -> Result<(), DiskError> {
        Ok(())
    }

    fn reopened(&mut self) -> Result<(), DiskError> {
        Ok(())
    }

    fn opened(
        &mut self,
        state: &State,
        _: &[RoundReport],
        _: Option<&Totals>,
    ) -> Result<(), DiskError> {
        (self.0)(state);
        Ok(())
    }
}

/// The same from where the party stands, which it keeps.
fn run_from(
    (course, masks): (&Course, &Masks),
    channels: Vec<Arc<dyn Channel>>,
    plays: Part<'_>,
    (from, keep): (Standing, &mut (dyn Keeper + Send)),
) -> Ran {
    let mut channels = channels.into_iter();
    let channel = channels.next().unwrap();
    std::thread::scope(|scope| {
        let party = scope.spawn(move || {
            let mut wire = Wire::new(Arc::clone(&channel), Gate::recording());
            wire.enter(1);
            let mut doubts = Vec::new();
            let noted = &mut |doubt| doubts.push(doubt);
            let with = Aggregate { channel, course, masks, from, keep, doubts: noted };
            let ended = aggregate(&mut wire, with);
            (ended, wire.stats().total(), wire.depth(), wire.opened().to_vec(), doubts)
        });
        let guests = channels.skip(2).enumerate();
        let guests: Vec<_> = guests
            .map(|(number, channel)| {
                scope.spawn(move || {
                    let mut wire = Wire::new(channel, Gate::listing(&[]));
                    wire.enter(1);
                    let mut rng = Prg::new(&[u8::try_from(number).unwrap() ^ 0x77; 16]);
                    let ended = plays(&mut wire, number, &mut rng);
                    (ended, wire.stats().total(), wire.depth())
                })
            })
            .collect();
        let (party, mut counters, depth, opened, doubts) = party.join().unwrap();
        counters.rounds = depth;
        let mut providers = Vec::new();
        for guest in guests {
            let (ended, total, depth) = guest.join().unwrap();
            counters.bytes += total.bytes;
            counters.messages += total.messages;
            counters.rounds = counters.rounds.max(depth);
            providers.push(ended);
        }
        Ran { party, providers, counters, opened, doubts }
    })
}

fn natives(seed: u64) -> impl Fn(usize) -> Box<dyn Trainer> + Sync {
    move |k| Box::new(native(seed, k)) as Box<dyn Trainer>
}

#[test]
fn the_model_is_that_of_training_in_one_place_bit_for_bit_and_costs_what_is_quoted() {
    let adaptive = Adaptive::default();
    let rules = [
        Rule::Average { rate: 1.0 },
        Rule::Momentum { rate: 0.5, momentum: 0.9 },
        Rule::Adagrad(adaptive),
        Rule::Adam(adaptive),
        Rule::Yogi(adaptive),
    ];
    for (seed, rule) in (0..).zip(rules) {
        let providers = [3_u16, 4, 5, 16, 7][seed];
        let threshold = Threshold::complete(providers.into(), 0, 0).unwrap();
        let (course, masks) = masked(providers, 3, rule, threshold);
        let seed = seed as u64;
        let trainers = natives(seed);
        let channels = in_memory(3 + usize::from(providers));
        let ran = run_over(
            (&course, &masks),
            channels,
            &honest((&course, &masks), &trainers),
            &mut |_| {},
        );
        let all: Vec<usize> = (0..usize::from(providers)).collect();
        let trained = ran.party.unwrap();
        assert!(
            trained.state == in_one_place(seed, &course, &vec![all.clone(); 3]),
            "seed {seed}: another model"
        );
        assert!(trained.reports.iter().all(|report| report.providers == all));
        assert!(ran.providers.iter().all(|ended| ended.as_ref().is_ok_and(Vec::is_empty)));
        let mut m = Meter::new();
        m.enter(1);
        masked_cost(&mut m, &course, threshold);
        assert_eq!(m.total(), ran.counters, "seed {seed}");
        assert_eq!(m.openings(), ran.opened);
        let one = Opening {
            step: 1,
            kind: OpeningKind::Average,
            count: course.opened() as u64,
            to: Recipient::One(protocols::party::Role::P0),
        };
        assert_eq!(ran.opened, [one; 3]);
    }
}

/// A provider's end that is gone as soon as a step of a round reaches it.
struct Dies {
    inner: Arc<dyn Channel>,
    at: Head,
    dead: AtomicBool,
}

impl Channel for Dies {
    fn me(&self) -> PartyId {
        self.inner.me()
    }

    fn send(&self, to: PartyId, frame: Frame) -> Result<(), ChannelError> {
        self.inner.send(to, frame)
    }

    fn recv(&self, from: PartyId) -> Result<Frame, ChannelError> {
        let frame = self.inner.recv(from)?;
        if frame.body[..] == self.at.word().to_le_bytes() {
            self.dead.store(true, Ordering::Relaxed);
        }
        match self.dead.load(Ordering::Relaxed) {
            true => Err(ChannelError::Closed(from)),
            false => Ok(frame),
        }
    }

    fn abort(&self, abort: Abort) {
        self.inner.abort(abort);
    }
}

/// A training in which these providers die in round 1, each at its step.
fn dying(at: &[(usize, Step)]) -> (Course, Ran) {
    let (course, masks) = setting(3, Rule::Average { rate: 1.0 });
    let trainers = natives(9);
    let mut channels = in_memory(8);
    for (provider, step) in at {
        let inner = Arc::clone(&channels[3 + provider]);
        let at = Head { step: *step, round: 1 };
        channels[3 + provider] = Arc::new(Dies { inner, at, dead: AtomicBool::new(false) });
    }
    let ran =
        run_over((&course, &masks), channels, &honest((&course, &masks), &trainers), &mut |_| {});
    (course, ran)
}

#[test]
fn who_is_lost_at_any_step_costs_the_sum_nothing() {
    for step in [Step::Ask, Step::Keys, Step::Shares, Step::Sets, Step::Signatures] {
        let (course, ran) = dying(&[(2, step)]);
        let all = vec![0, 1, 2, 3, 4];
        let left = vec![0, 1, 3, 4];
        // Who has sent its masked update is in the sum, wherever it is now.
        let second = if step >= Step::Sets { all.clone() } else { left.clone() };
        let rounds = [all, second, left];
        let trained = ran.party.unwrap_or_else(|error| panic!("{step:?}: {error}"));
        assert!(trained.reports.iter().map(|report| &report.providers).eq(&rounds), "{step:?}");
        assert!(trained.state == in_one_place(9, &course, &rounds), "{step:?}: another model");
        assert!(ran.providers[2].is_err());
    }
}

#[test]
fn too_few_at_any_step_are_the_end() {
    for step in [Step::Ask, Step::Keys, Step::Shares, Step::Sets, Step::Signatures] {
        let (_, ran) = dying(&[(1, Step::Keys), (2, step)]);
        let few = RoundError::Few { round: 2, got: 3, asked: 5, least: 4, declined: 0 };
        assert_eq!(ran.party, Err(few), "{step:?}");
    }
}

/// A trainer that does something of its own first.
struct First<F>(crate::round::Native, F);

impl<F: FnMut(u32) -> Result<(), TrainError> + Send> Trainer for First<F> {
    fn train(&mut self, round: u32, model: &[f32]) -> Result<Update, TrainError> {
        (self.1)(round)?;
        self.0.train(round, model)
    }
}

#[test]
fn who_declines_a_round_is_in_the_next() {
    let (course, masks) = setting(3, Rule::Average { rate: 1.0 });
    let trainers = |k: usize| {
        let first = move |round: u32| match (k, round) {
            (0, 1) => Err(TrainError::Fit(FitError::Empty)),
            _ => Ok(()),
        };
        Box::new(First(native(3, k), first)) as Box<dyn Trainer>
    };
    let plays = honest((&course, &masks), &trainers);
    let ran = run_over((&course, &masks), in_memory(8), &plays, &mut |_| {});
    let rounds = [vec![0, 1, 2, 3, 4], vec![1, 2, 3, 4], vec![0, 1, 2, 3, 4]];
    assert!(ran.party.unwrap().state == in_one_place(3, &course, &rounds));
    assert_eq!(ran.providers[0].as_ref().unwrap().len(), 1);
}

#[test]
fn who_is_late_is_left_out_and_comes_back() {
    let (mut course, masks) = setting(60, Rule::Average { rate: 1.0 });
    course.pace.deadline = Duration::from_secs(1);
    let (over, wait) = mpsc::channel();
    let wait = Arc::new(Mutex::new(wait));
    let trainers = |k: usize| {
        let wait = Arc::clone(&wait);
        let first = move |round: u32| {
            if (k, round) == (4, 0) {
                // Until the round is over.
                wait.lock().unwrap().recv().unwrap();
            }
            Ok(())
        };
        Box::new(First(native(3, k), first)) as Box<dyn Trainer>
    };
    let plays = honest((&course, &masks), &trainers);
    let told = &mut |state: &State| {
        if state.rounds == 1 {
            over.send(()).unwrap();
        }
    };
    let ran = run_over((&course, &masks), in_memory(8), &plays, told);
    let trained = ran.party.unwrap();
    let rounds: Vec<_> = trained.reports.iter().map(|report| report.providers.clone()).collect();
    assert_eq!(rounds[0], [0, 1, 2, 3]);
    assert!(rounds.iter().any(|providers| providers.contains(&4)), "{rounds:?}");
    assert!(trained.state == in_one_place(3, &course, &rounds));
    assert_eq!(ran.providers[4], Ok(Vec::new()));
}

#[test]
fn a_provider_that_signed_before_it_was_restarted_signs_no_other_sets() {
    let (course, masks) = setting(1, Rule::Average { rate: 1.0 });
    let signed = Mutex::new(BTreeMap::new());
    let plays = |wire: &mut Wire, number: usize, rng: &mut Prg| {
        let once = &mut |Signing { round, sets, .. }: Signing| {
            let before = signed.lock().unwrap().insert((number, round), sets);
            Ok(before.is_none())
        };
        let trainer = &mut native(2, number);
        let doubts = &mut |_| ();
        let member = Member {
            number,
            signer: signer(number),
            trainer,
            once,
            doubts,
            pledges: Pledges::none(),
        };
        take_part_masked(wire, &course, &masks, member, rng)
    };
    let ran = run_over((&course, &masks), in_memory(8), &plays, &mut |_| {});
    assert!(ran.party.is_ok());
    let again = run_over((&course, &masks), in_memory(8), &plays, &mut |_| {});
    assert!(matches!(again.party, Err(RoundError::Few { .. })), "{:?}", again.party);
    for ended in again.providers {
        assert_eq!(ended, Err(RoundError::Masks { round: 1, source: SecAggError::Once }));
    }
}
