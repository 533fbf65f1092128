//! A provider that is killed at every frame of a training by masks, or in a step of its own, and comes back: what comes of it is to the bit
//! what comes of one without, and of no step is another thing said.

use std::{
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
};

use protocols::party::Role;

use super::{
    cut::{ends, known, large},
    *,
};
use crate::{
    round::{
        message::{COMES, hash_words, model_bytes},
        resume::NONE,
        tests::{
            killed::opened,
            net::{Net, unless_killed},
        },
    },
    secagg::{Client, Server, Setting, Slots},
};

/// Provider 1.
const VICTIM: PartyId = PartyId(4);

/// Who trains, in each life.
type Lives<'a> = &'a (dyn Fn(&Arc<Net>, usize) -> Box<dyn Trainer> + Sync);

/// What somebody does on the way to its next life, or as it signs.
type Hook<'a> = &'a (dyn Fn(&Arc<Net>, u32) + Sync);

fn nothing(_: &Arc<Net>, _: u32) {}

fn plain(_: &Arc<Net>, own: usize) -> Box<dyn Trainer> {
    known(own)
}

/// What a provider says of each step, in all its lives: a frame of a length is the same in all of them.
#[derive(Default)]
struct Said(Mutex<BTreeMap<(u64, usize), Vec<u8>>>);

/// Its end, which holds what is said against what was said.
struct Hears {
    inner: Arc<dyn Channel>,
    said: Arc<Said>,
    /// What it has heard last.
    head: Mutex<u64>,
}

impl Hears {
    fn on(inner: Arc<dyn Channel>, said: &Arc<Said>) -> Arc<dyn Channel> {
        Arc::new(Self { inner, said: Arc::clone(said), head: Mutex::new(NONE) })
    }

    fn hears(&self, word: u64) {
        *self.head.lock().unwrap() = word;
    }

    fn holds(&self, frame: &Frame) {
        let mut head = self.head.lock().unwrap();
        if let Ok(place) = <&[u8; 48]>::try_from(&frame.body[..]) {
            *head = u64::from_le_bytes(*place.first_chunk().unwrap());
            return;
        }
        // Of a vector its name stands for it: it goes on behind what has arrived.
        let large = Head::of(*head).is_some_and(|head| head.step.is_large());
        if *head != NONE && (!large || frame.body.len() == 8 * Step::Shares.begins()) {
            let mut said = self.said.0.lock().unwrap();
            let first =
                said.entry((*head, frame.body.len())).or_insert_with(|| frame.body.to_vec());
            assert!(*first == frame.body[..], "{:?}: another thing is said", Head::of(*head));
        }
    }
}

impl Channel for Hears {
    fn me(&self) -> PartyId {
        self.inner.me()
    }

    fn send(&self, to: PartyId, frame: Frame) -> Result<(), ChannelError> {
        self.holds(&frame);
        self.inner.send(to, frame)
    }

    fn recv(&self, from: PartyId) -> Result<Frame, ChannelError> {
        let frame = self.inner.recv(from)?;
        if let Ok(word) = <[u8; 8]>::try_from(&frame.body[..]) {
            self.hears(u64::from_le_bytes(word));
        }
        Ok(frame)
    }

    fn abort(&self, abort: Abort) {
        self.inner.abort(abort);
    }

    fn lost(&self, peer: PartyId) -> bool {
        self.inner.lost(peer)
    }

    fn times(&self, peer: PartyId) -> u32 {
        self.inner.times(peer)
    }

    fn renew(&self, peer: PartyId) -> Result<(), ChannelError> {
        self.inner.renew(peer)
    }
}

/// The end of a party that says a step once more to who comes back and has heard it, and another thing in it.
struct Retells {
    inner: Arc<dyn Channel>,
    step: Step,
    retold: AtomicBool,
}

impl Channel for Retells {
    fn me(&self) -> PartyId {
        self.inner.me()
    }

    fn send(&self, to: PartyId, frame: Frame) -> Result<(), ChannelError> {
        let mut body = frame.body.to_vec();
        if to == VICTIM && self.retold.load(Ordering::SeqCst) && body.len() > 48 {
            body[0] ^= 1;
        }
        self.inner.send(to, Frame { body: body.into(), ..frame })
    }

    fn recv(&self, from: PartyId) -> Result<Frame, ChannelError> {
        let frame = self.inner.recv(from)?;
        let place = <&[u8; 48]>::try_from(&frame.body[..]).ok().filter(|_| from == VICTIM);
        let heard = place.map(|place| u64::from_le_bytes(*place.first_chunk().unwrap()));
        if heard.and_then(Head::of).is_none_or(|head| head.step != self.step) {
            return Ok(frame);
        }
        self.retold.store(true, Ordering::SeqCst);
        let mut nowhere = vec![0; 48];
        nowhere[..8].copy_from_slice(&NONE.to_le_bytes());
        Ok(Frame { body: nowhere.into(), ..frame })
    }

    fn abort(&self, abort: Abort) {
        self.inner.abort(abort);
    }

    fn lost(&self, peer: PartyId) -> bool {
        self.inner.lost(peer)
    }

    fn times(&self, peer: PartyId) -> u32 {
        self.inner.times(peer)
    }

    fn renew(&self, peer: PartyId) -> Result<(), ChannelError> {
        self.inner.renew(peer)
    }
}

/// One training in which the victim is killed.
struct Killed<'a> {
    /// Frames of its link.
    kills: &'a [usize],
    trainers: Lives<'a>,
    /// As it is about to sign for a round.
    signing: Hook<'a>,
    /// Before it is back.
    rising: Hook<'a>,
    /// What a party that deviates says once more.
    retells: Option<Step>,
    /// Where providers keep what they say; of its own where there is none.
    folder: Option<&'a Path>,
}

const ONCE: Killed<'static> = Killed {
    kills: &[],
    trainers: &plain,
    signing: &nothing,
    rising: &nothing,
    retells: None,
    folder: None,
};

impl Killed<'_> {
    fn run(&self, with: (&Course, &Masks), told: &mut (dyn FnMut(&State) + Send)) -> Ran {
        let (course, masks) = with;
        let (net, channels) = Net::mesh(3 + u16::try_from(course.providers.len()).unwrap(), &[]);
        self.kills.iter().for_each(|at| net.kill_at(ends(VICTIM.0), *at));
        let (dir, said) = (tempfile::tempdir().unwrap(), Arc::new(Said::default()));
        let folder = self.folder.unwrap_or_else(|| dir.path());
        let signed = Mutex::new(BTreeMap::new());
        let plays = |wire: &mut Wire, number: usize, rng: &mut Prg| {
            let (path, mut life, mut later) = (folder.join(number.to_string()), 0, None);
            let signs = |Signing { round, sets, .. }: Signing| {
                if 3 + number == usize::from(VICTIM.0) {
                    (self.signing)(&net, round);
                }
                Ok(*signed.lock().unwrap().entry((number, round)).or_insert(sets) == sets)
            };
            loop {
                let pledges = opened(&path, life > 0);
                let (trainer, signer) = (&mut *(self.trainers)(&net, number), signer(number));
                let (once, doubts) = (&mut { signs }, &mut |_| ());
                let member = Member { number, signer, trainer, once, doubts, pledges };
                let part = || {
                    let (wire, rng) =
                        later.as_mut().map_or((&mut *wire, &mut *rng), |(a, b)| (a, b));
                    take_part_masked(wire, course, masks, member, rng)
                };
                if let Some(ended) = unless_killed(part) {
                    assert!(ended.is_err() || !path.exists(), "what was kept is gone at the end");
                    return ended;
                }
                life += 1;
                drop(later.take());
                (self.rising)(&net, u32::from(life));
                let end = Hears::on(net.back(VICTIM, &[Role::P0]), &said);
                let mut wire = Wire::new(end, Gate::listing(&[]));
                wire.enter(1);
                later = Some((wire, Prg::new(&[100 + life; 16])));
            }
        };
        let first = channels.into_iter().map(|inner| match (inner.me(), self.retells) {
            (VICTIM, _) => Hears::on(inner, &said),
            (PartyId(0), Some(step)) => {
                Arc::new(Retells { inner, step, retold: AtomicBool::new(false) })
            }
            _ => inner,
        });
        run_over(with, first.collect(), &plays, told)
    }

    fn assert_same(&self, with: (&Course, &Masks), whole: &Trained) {
        let (kills, ran) = (self.kills, self.run(with, &mut |_| {}));
        let ended = ran.providers;
        let reports = ran.party.as_ref().map(|it| &it.reports);
        assert!(ran.party.as_ref() == Ok(whole), "{kills:?}: {reports:?}, {ended:?}");
        assert!(ended.iter().all(|ended| *ended == Ok(Vec::new())), "{kills:?}: {ended:?}");
    }
}

fn undisturbed(with: (&Course, &Masks)) -> Trained {
    ONCE.run(with, &mut |_| {}).party.unwrap()
}

/// Frames of a link in a round: the parts of the first step, keys, envelopes, a vector of two pieces, sets, signatures.
const A_ROUND: usize = 5 + 4 + 5 + 4 + 4;

/// Where the second round begins, too. Before and behind every word of either end, within the model, and within the vector.
#[test]
fn a_provider_may_be_killed_at_every_frame() {
    let (course, masks) = large(3, 0);
    let whole = undisturbed((&course, &masks));
    std::thread::scope(|scope| {
        for at in 0..A_ROUND + 6 {
            let (with, whole) = ((&course, &masks), &whole);
            scope.spawn(move || Killed { kills: &[at], ..ONCE }.assert_same(with, whole));
        }
    });
}

#[test]
fn a_provider_may_be_killed_again_and_again() {
    let (course, masks) = large(3, 0);
    let whole = undisturbed((&course, &masks));
    // Frames are counted anew on each link: in the words that say where both are, too.
    for kills in [[6, 0, 1, 2, 3], [12, 1, 3, 0, 4], [13, 2, 2, 5, 6]] {
        Killed { kills: &kills, ..ONCE }.assert_same((&course, &masks), &whole);
    }
}

/// Is killed the first time that it trains.
struct Dies(Box<dyn Trainer>, Arc<Net>);

impl Trainer for Dies {
    fn train(&mut self, round: u32, model: &[f32]) -> Result<Update, TrainError> {
        if round == 1 && self.1.lives(VICTIM) == 0 {
            self.1.kill(VICTIM);
        }
        self.0.train(round, model)
    }
}

#[test]
fn a_provider_may_be_killed_while_it_trains_and_before_what_it_signs_is_written_down() {
    let (course, masks) = large(3, 0);
    let whole = undisturbed((&course, &masks));
    let dies = |net: &Arc<Net>, own| -> Box<dyn Trainer> {
        if own == 1 { Box::new(Dies(known(own), Arc::clone(net))) } else { known(own) }
    };
    Killed { trainers: &dies, ..ONCE }.assert_same((&course, &masks), &whole);
    let signing = |net: &Arc<Net>, round| {
        if round == 1 && net.lives(VICTIM) == 0 {
            net.kill(VICTIM);
        }
    };
    Killed { signing: &signing, ..ONCE }.assert_same((&course, &masks), &whole);
}

/// Longer than who is away is waited for where others are enough: without it there are too few.
#[test]
fn who_is_needed_is_waited_for_to_the_end_of_the_step() {
    let (mut course, masks) = large(3, 0);
    let whole = undisturbed((&course, &masks));
    course.pace.deadline = Duration::from_secs(6);
    let rising = |_: &Arc<Net>, _| {
        let (_nobody, nothing) = mpsc::channel::<()>();
        let _ = nothing.recv_timeout(Duration::from_millis(1800));
    };
    Killed { kills: &[12], rising: &rising, ..ONCE }.assert_same((&course, &masks), &whole);
}

#[test]
fn who_comes_back_when_the_round_is_over_is_in_a_later_one_under_fresh_keys() {
    let (mut course, masks) = setting(60, Rule::Average { rate: 1.0 });
    course.pace.deadline = Duration::from_secs(1);
    let (over, wait) = mpsc::channel();
    let wait = Mutex::new(wait);
    let rising = |_: &Arc<Net>, _| wait.lock().unwrap().recv().unwrap();
    let natives = |_: &Arc<Net>, own| Box::new(native(6, own)) as Box<dyn Trainer>;
    let told = &mut |state: &State| {
        if state.rounds == 1 {
            over.send(()).unwrap();
        }
    };
    // Behind its envelopes.
    let killed = Killed { kills: &[9], trainers: &natives, rising: &rising, ..ONCE };
    let ran = killed.run((&course, &masks), told);
    let trained = ran.party.unwrap();
    let rounds: Vec<_> = trained.reports.iter().map(|report| report.providers.clone()).collect();
    assert_eq!(rounds[0], [0, 2, 3, 4]);
    assert!(rounds.iter().any(|providers| providers.contains(&1)), "{rounds:?}");
    assert!(trained.state == in_one_place(6, &course, &rounds));
    assert_eq!(ran.providers[1], Ok(Vec::new()));
}

#[test]
fn that_there_is_no_update_is_said_again() {
    let (course, masks) = setting(2, Rule::Average { rate: 1.0 });
    let trainers = |net: &Arc<Net>, own: usize| {
        let killed = net.lives(VICTIM) > 0;
        let first = move |round: u32| match (own, round) {
            (1, 0) if killed => panic!("it is not asked for the round again"),
            (1, 0) => Err(TrainError::Fit(FitError::Empty)),
            _ => Ok(()),
        };
        Box::new(First(native(3, own), first)) as Box<dyn Trainer>
    };
    // Head, hash, model, and the answer, in the words to which it is killed.
    let killed = Killed { kills: &[3], trainers: &trainers, ..ONCE };
    let trained = killed.run((&course, &masks), &mut |_| {}).party.unwrap();
    let rounds = [vec![0, 2, 3, 4], vec![0, 1, 2, 3, 4]];
    assert!(trained.reports.iter().map(|report| &report.providers).eq(&rounds));
}

/// What a party that deviates says to a provider that is back, behind what it had answered already; gives why its part ends then.
fn says_after(then: &(dyn Fn(&mut Wire, &Arc<Setting>) + Sync)) -> RoundError {
    let (course, masks) = setting(1, Rule::Average { rate: 1.0 });
    let model: Arc<[u8]> = model_bytes(&vec![0.0; course.parameters]).into();
    let hash = *blake3::hash(&model).as_bytes();
    let setting = masks.setting(&course, (0, hash)).unwrap();
    let (net, mut channels) = Net::mesh(8, &[]);
    // With the words of the third step.
    net.kill_at(ends(VICTIM.0), 9);
    let dir = tempfile::tempdir().unwrap();
    let part = |wire: &mut Wire, life: u8| {
        let pledges = opened(dir.path(), life > 0);
        let trainer = &mut native(8, 1);
        let (signer, doubts) = (signer(1), &mut |_| ());
        let once = &mut |_| panic!("it is not asked to sign");
        let member = Member { number: 1, signer, trainer, once, doubts, pledges };
        take_part_masked(wire, &course, &masks, member, &mut Prg::new(&[life; 16]))
    };
    std::thread::scope(|scope| {
        let (party, guest) = (channels.remove(0), channels.remove(usize::from(VICTIM.0) - 1));
        let party = scope.spawn(|| {
            let mut wire = Wire::new(party, Gate::listing(&[]));
            wire.enter(1);
            says(&mut wire, (&course, &masks, &setting), (&model, hash), then);
        });
        let mut wire = Wire::new(guest, Gate::listing(&[]));
        wire.enter(1);
        assert!(unless_killed(|| part(&mut wire, 0)).is_none(), "it is killed");
        let mut wire = Wire::new(net.back(VICTIM, &[Role::P0]), Gate::listing(&[]));
        wire.enter(1);
        let ended = part(&mut wire, 1);
        drop(wire);
        party.join().unwrap();
        ended.unwrap_err()
    })
}

fn says(
    wire: &mut Wire,
    (course, masks, setting): (&Course, &Masks, &Arc<Setting>),
    (model, hash): (&Arc<[u8]>, [u8; 32]),
    then: &(dyn Fn(&mut Wire, &Arc<Setting>) + Sync),
) {
    let head = |step| Head { step, round: 0 }.word();
    wire.send(VICTIM, &[head(Step::Ask)]).unwrap();
    wire.send(VICTIM, &hash_words(&hash)).unwrap();
    wire.send_common(VICTIM, (model, 0..model.len())).unwrap();
    let answer = |wire: &mut Wire, step: Step| {
        assert_eq!(wire.recv_words::<u64>(VICTIM, 1).unwrap()[..], [COMES]);
        let words = step.answers(course, masks.threshold).unwrap();
        wire.recv_words::<u64>(VICTIM, words).unwrap().to_vec()
    };
    answer(wire, Step::Ask);
    wire.send(VICTIM, &[head(Step::Keys)]).unwrap();
    wire.send(VICTIM, &keys(setting, 1)).unwrap();
    let envelopes = answer(wire, Step::Keys);
    wire.send(VICTIM, &[head(Step::Shares)]).unwrap();
    wire.renew(VICTIM).unwrap();
    // As if nothing had come.
    wire.send(VICTIM, &[head(Step::Keys), 0, 0, 0, 0, 0]).unwrap();
    assert_eq!(wire.recv_words::<u64>(VICTIM, 6).unwrap()[0], head(Step::Keys));
    assert_eq!(answer(wire, Step::Keys), envelopes, "the same envelopes, to the bit");
    then(wire, setting);
}

/// Keys of all others, drawn from this seed.
fn keys(setting: &Arc<Setting>, seed: u8) -> Vec<u64> {
    let mut server = Server::new(Arc::clone(setting));
    for client in [0, 2, 3, 4] {
        let rng = &mut Prg::new(&[seed + 16 * client; 16]);
        let signer = signer(client.into());
        let drawn = Client::new(Arc::clone(setting), client.into(), signer, rng);
        server.keys(client.into(), drawn.unwrap().1).unwrap();
    }
    Slots::of(setting, 1).keys(&server.keys_for(1)).to_vec()
}

#[test]
fn a_party_that_kills_a_provider_gets_nothing_else_out_of_it() {
    let turn = RoundError::Masks { round: 1, source: SecAggError::Turn };
    let head = |step| Head { step, round: 0 }.word();
    // Other keys of the same others; the round anew.
    let other = says_after(&|wire, setting| {
        wire.send(VICTIM, &[head(Step::Keys)]).unwrap();
        // It may have left by now.
        let _ = wire.send(VICTIM, &keys(setting, 2));
    });
    assert_eq!(other, turn);
    let anew = says_after(&|wire, _| wire.send(VICTIM, &[head(Step::Ask)]).unwrap());
    assert_eq!(anew, turn);
}

/// Killed behind each step that it keeps: another model, other keys, other shares, other sets for a step that it has answered.
#[test]
fn a_provider_that_is_back_says_nothing_to_a_step_that_it_has_heard_otherwise() {
    let (course, masks) = large(3, 0);
    for (step, at) in [(Step::Ask, 3), (Step::Keys, 7), (Step::Shares, 11), (Step::Sets, 16)] {
        let ran = Killed { kills: &[at], retells: Some(step), ..ONCE }
            .run((&course, &masks), &mut |_| {});
        let turn = RoundError::Masks { round: 1, source: SecAggError::Turn };
        assert_eq!(ran.providers[1], Err(turn), "{step:?}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_provider_without_room_for_a_round_declines_it_and_is_in_a_later_one() {
    let (course, masks) = setting(3, Rule::Average { rate: 1.0 });
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("1/pledge.new");
    // In the second round there is none, not even for what is left of the first.
    let signing = |_: &Arc<Net>, round| {
        if round == 0 {
            std::os::unix::fs::symlink("/dev/full", &file).unwrap();
        }
    };
    let told = &mut |state: &State| {
        if state.rounds == 2 {
            std::fs::remove_file(&file).unwrap();
        }
    };
    let natives = |_: &Arc<Net>, own| Box::new(native(6, own)) as Box<dyn Trainer>;
    let with = Killed { signing: &signing, folder: Some(dir.path()), trainers: &natives, ..ONCE };
    let ran = with.run((&course, &masks), told);
    let all = || vec![0, 1, 2, 3, 4];
    let reports = ran.party.unwrap().reports;
    let rounds: Vec<_> = reports.into_iter().map(|report| report.providers).collect();
    assert_eq!(rounds, [all(), vec![0, 2, 3, 4], all()]);
    let declined = ran.providers[1].as_ref().unwrap();
    assert!(matches!(&declined[..], [(1, why)] if why.is_disk_full()), "{declined:?}");
}
