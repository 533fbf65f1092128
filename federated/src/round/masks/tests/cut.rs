//! Links that are lost at every frame: what comes of it is to the bit what comes of a training without a loss, and nothing is signed
//! or masked twice.

use protocols::{ring::Z32, ring::Z64, session::SessionError};

use super::*;
use crate::{
    average::WordsDigest,
    pairs::Pairs,
    round::{
        RENEWALS,
        landing::{Lost, Part},
        masks::coming::{Answer, Coming},
        message::{COMES, PIECE_WORDS, hash_words, model_bytes, pieces},
        parcel::name,
        tests::net::{Cut, Ends, Net},
    },
};

/// Updates of two pieces.
const PARAMETERS: usize = 40_000;

/// Knows what it will say, and is asked for each round once.
struct Knows(usize, Vec<u32>);

impl Trainer for Knows {
    fn train(&mut self, round: u32, model: &[f32]) -> Result<Update, TrainError> {
        assert!(!self.1.contains(&round), "an update of a round is made once");
        self.1.push(round);
        let key = [self.0.to_le_bytes()[0] ^ round.to_le_bytes()[0] << 4; 16];
        let words = Prg::new(&key).elements::<Z32>(model.len());
        let part = |(word, x): (&u32, &f32)| (word >> 8) as f32 / 1e8 - x / 4.0;
        let delta = words.iter().zip(model).map(part).collect();
        Ok(Update { delta, weight: 3 + self.0 as u64, loss: 1.0, correct: 1 })
    }
}

pub(super) fn known(number: usize) -> Box<dyn Trainer> {
    Box::new(Knows(number, Vec::new()))
}

pub(super) fn large(providers: u16, lost: u32) -> (Course, Masks) {
    let threshold = Threshold::complete(providers.into(), 0, lost).unwrap();
    let (mut course, masks) = masked(providers, 2, Rule::Average { rate: 1.0 }, threshold);
    course.parameters = PARAMETERS;
    (course, masks)
}

fn over((course, masks): (&Course, &Masks), plan: &[Cut]) -> (Arc<Net>, Ran) {
    let (net, ends) = Net::mesh(3 + u16::try_from(course.providers.len()).unwrap(), plan);
    let plays = honest((course, masks), &known);
    (net, run_over((course, masks), ends, &plays, &mut |_| {}))
}

pub(super) fn ends(guest: u16) -> Ends {
    (PartyId(0), PartyId(guest))
}

/// A training with these losses is that without one: same model, same figures, everybody in every round.
fn assert_same(with: (&Course, &Masks), plan: &[Cut], whole: &Trained) {
    let (net, ran) = over(with, plan);
    assert!(ran.party.as_ref() == Ok(whole), "{plan:?}: {:?}", ran.party.map(|it| it.reports));
    let ended = ran.providers;
    assert!(ended.iter().all(|ended| *ended == Ok(Vec::new())), "{plan:?}: {ended:?}");
    for cut in plan {
        let planned = plan.iter().filter(|other| other.link == cut.link).count();
        assert_eq!(net.times(cut.link) as usize, planned, "{plan:?}");
    }
}

#[test]
fn a_link_may_be_lost_at_every_frame() {
    let (course, masks) = large(3, 0);
    let with = (&course, &masks);
    let (net, whole) = over(with, &[]);
    let whole = whole.party.unwrap();
    let frames = net.carried(ends(4)).0;
    // The first round, and where the second begins; not the last word, after which the party waits for nobody.
    for at in 0..frames / 2 + 4 {
        assert_same(with, &[Cut { link: ends(4), at, arrives: at % 2 == 0 }], &whole);
    }
    assert_same(with, &[Cut { link: ends(4), at: frames - 2, arrives: false }], &whole);
}

#[test]
fn several_links_may_be_lost_at_once_and_again() {
    let (course, masks) = large(3, 0);
    let with = (&course, &masks);
    let whole = over(with, &[]).1.party.unwrap();
    let cut = |link, at, arrives| Cut { link, at, arrives };
    for at in [2, 5, 13] {
        let all = [3, 4, 5].map(|guest| cut(ends(guest), at, at % 2 == 0));
        assert_same(with, &all, &whole);
    }
    // In the very words that are to mend it, too.
    let again = [14, 0, 1, 2, 3].map(|at| cut(ends(5), at, at % 2 == 1));
    assert_same(with, &again, &whole);
}

#[test]
fn what_has_arrived_is_not_sent_again() {
    let (course, masks) = large(3, 0);
    let (net, _) = over((&course, &masks), &[]);
    let bytes = net.carried(ends(3)).1;
    // Asked: head, hash, model, and the answer in two; the keys, the answer in two; the shares, and an answer of three.
    let last = 5 + 4 + 2 + 2;
    let cut = Cut { link: ends(3), at: last, arrives: true };
    let (net, ran) = over((&course, &masks), &[cut]);
    assert!(ran.party.is_ok());
    let piece = 8 * pieces(course.words()).last().unwrap();
    // Two places, what the answer begins with, and the piece that was lost.
    let begins = 8 * Step::Shares.begins();
    assert_eq!(net.carried(ends(3)).1, bytes + 2 * 48 + begins + piece);
}

#[test]
fn a_link_that_always_breaks_is_given_up_and_the_others_go_on() {
    let (course, masks) = large(4, 1);
    let plan = vec![Cut { link: ends(4), at: 3, arrives: true }; RENEWALS as usize + 1];
    let (net, ran) = over((&course, &masks), &plan);
    assert_eq!(net.times(ends(4)), RENEWALS);
    let reports = ran.party.unwrap().reports;
    assert!(reports.iter().all(|report| report.providers == [0, 2, 3]), "{reports:?}");
    assert!(ran.providers[1].is_err() && ran.providers[2] == Ok(Vec::new()));
}

/// The two ends of a link.
fn wires() -> [Wire; 2] {
    let mut ends = in_memory(4);
    [ends.remove(0), ends.remove(2)].map(|end| {
        let mut wire = Wire::new(end, Gate::listing(&[]));
        wire.enter(1);
        wire
    })
}

const HEAD: Head = Head { step: Step::Shares, round: 1 };

fn named(words: &[u64]) -> [u8; 32] {
    let mut digest = WordsDigest::new();
    digest.update(words);
    name(&[HEAD.word()], &digest)
}

/// Sends the beginning of an answer and these pieces of it.
fn sent(guest: &mut Wire, name: [u8; 32], words: &[u64], which: std::ops::Range<usize>) {
    guest.send(PartyId(0), &[&[COMES][..], &hash_words(&name)].concat()).unwrap();
    for piece in words.chunks(PIECE_WORDS).take(which.end).skip(which.start) {
        guest.send(PartyId(0), piece).unwrap();
    }
}

#[test]
fn a_part_of_a_masked_update_is_in_no_sum_and_outlasts_its_link_in_memory_and_on_disk() {
    for on_disk in [false, true] {
        let words = Prg::new(&[5; 16]).elements::<Z64>(100_000).to_vec();
        let ([mut party, mut guest], name) = (wires(), named(&words));
        let mut coming = Coming::new(HEAD, words.len(), on_disk);
        sent(&mut guest, name, &words, 0..2);
        guest.send(PartyId(0), &[7_u64]).unwrap();
        let lost = coming.receive(&mut party, PartyId(3)).err();
        assert!(matches!(lost, Some(Lost::Link(SessionError::Length { .. }))));
        let place = coming.place();
        assert_eq!((place.round, place.name, place.pieces), (HEAD.word(), name, 2));
        sent(&mut guest, name, &words, 2..4);
        let came = coming.receive(&mut party, PartyId(3)).ok();
        let Some(Answer::Vector(part)) = came else { panic!("no vector") };
        assert_eq!(matches!(part, Part::Spooled(_)), on_disk);
        let mut sum = vec![3; words.len()];
        part.add_to(Pairs::NONE, &mut sum).unwrap();
        assert!(sum.iter().zip(&words).all(|(sum, word)| *sum == word.wrapping_add(3)));
    }
}

#[test]
fn another_masked_update_than_the_one_that_had_begun_is_refused() {
    let [one, other] = [5, 6].map(|seed| Prg::new(&[seed; 16]).elements::<Z64>(100_000).to_vec());
    let refused = |first: ([u8; 32], &[u64]), then: ([u8; 32], &[u64])| {
        let [mut party, mut guest] = wires();
        let mut coming = Coming::new(HEAD, one.len(), false);
        sent(&mut guest, first.0, first.1, 0..1);
        guest.send(PartyId(0), &[7_u64]).unwrap();
        assert!(coming.receive(&mut party, PartyId(3)).is_err());
        sent(&mut guest, then.0, then.1, 1..4);
        match coming.receive(&mut party, PartyId(3)) {
            Err(Lost::Link(error)) => Some(error.to_string()),
            Err(Lost::Disk(error)) => panic!("{error}"),
            Ok(_) => None,
        }
    };
    let (a, b) = (named(&one), named(&other));
    assert_eq!(refused((a, &one), (a, &one)), None);
    let words = refused((a, &one), (b, &other)).unwrap();
    assert!(words.contains("another masked update than the one that it had begun with"), "{words}");
    // The name of one before words of the other.
    let words = refused((a, &one), (a, &other)).unwrap();
    assert!(words.contains("not the one it had named"), "{words}");
}

/// A provider that has answered the second step, over a link that is lost then, and a party that says this place.
fn asked_for(place: [u64; 6]) -> (String, [u64; 6]) {
    let (course, masks) = setting(1, Rule::Average { rate: 1.0 });
    let link = ends(3);
    // What it announces is lost with the link.
    let (_net, mut ends) = Net::mesh(8, &[Cut { link, at: 4, arrives: true }]);
    let guest = ends.remove(3);
    let model: Arc<[u8]> = model_bytes(&vec![0.0; course.parameters]).into();
    let hash = *blake3::hash(&model).as_bytes();
    std::thread::scope(|scope| {
        let party = Arc::clone(&ends[0]);
        let party = scope.spawn(move || {
            let mut wire = Wire::new(party, Gate::listing(&[]));
            wire.enter(1);
            let id = PartyId(3);
            wire.send(id, &[Head { step: Step::Ask, round: 0 }.word()]).unwrap();
            wire.send(id, &hash_words(&hash)).unwrap();
            wire.send_common(id, (&model, 0..model.len())).unwrap();
            assert!(wire.recv_words::<u64>(id, 1).is_ok(), "an answer comes");
            assert!(wire.recv_words::<u64>(id, 1).is_err(), "the link is lost");
            wire.renew(id).unwrap();
            wire.send(id, &place).unwrap();
            let mut theirs = [0_u64; 6];
            wire.recv(id, &mut theirs).unwrap();
            theirs
        });
        let mut wire = Wire::new(guest, Gate::listing(&[]));
        wire.enter(1);
        let ended = honest((&course, &masks), &natives(8))(&mut wire, 0, &mut Prg::new(&[1; 16]));
        drop(wire);
        (ended.unwrap_err().to_string(), party.join().unwrap())
    })
}

#[test]
fn a_place_that_cannot_be_is_refused() {
    let ask = Head { step: Step::Ask, round: 0 };
    let (words, theirs) = asked_for([ask.word(), 5, 5, 5, 5, 1]);
    assert!(words.contains("that another update is due"), "{words}");
    assert_eq!(
        (theirs[0], theirs[5]),
        (ask.word(), 1),
        "it has heard the first step, and all of the model"
    );
    let (words, _) = asked_for([9 << 32, 0, 0, 0, 0, 0]);
    assert!(words.contains("a step that is none"), "{words}");
    assert!(Head { step: Step::Ask, round: 1 }.is_after(Head { step: Step::Signatures, round: 0 }));
    assert!(Head { step: Step::Sets, round: 1 }.is_after(Head { step: Step::Shares, round: 1 }));
    assert!(!ask.is_after(ask));
}

/// A provider's end that keeps a masked update back, but for the words before it, until it hears that the round is over.
struct Late {
    inner: Arc<dyn Channel>,
    over: Mutex<mpsc::Receiver<()>>,
    due: AtomicBool,
}

impl Late {
    fn waits(&self) {
        self.over.lock().unwrap().recv().unwrap();
    }
}

impl Channel for Late {
    fn me(&self) -> PartyId {
        self.inner.me()
    }

    fn send(&self, to: PartyId, frame: Frame) -> Result<(), ChannelError> {
        // Not what the answer begins with.
        if frame.body.len() > 8 * Step::Shares.begins() && self.due.swap(false, Ordering::Relaxed) {
            self.waits();
        }
        self.inner.send(to, frame)
    }

    fn recv(&self, from: PartyId) -> Result<Frame, ChannelError> {
        let frame = self.inner.recv(from)?;
        let head = Head { step: Step::Shares, round: 0 };
        if frame.body[..] == head.word().to_le_bytes() {
            self.due.store(true, Ordering::Relaxed);
        }
        Ok(frame)
    }

    fn abort(&self, abort: Abort) {
        self.inner.abort(abort);
    }
}

#[test]
fn a_masked_update_that_comes_too_late_is_in_no_sum_and_its_provider_comes_back() {
    let (mut course, masks) = setting(60, Rule::Average { rate: 1.0 });
    course.pace.deadline = Duration::from_secs(1);
    let (over, wait) = mpsc::channel();
    let mut channels = in_memory(8);
    let (inner, over_there) = (Arc::clone(&channels[7]), Mutex::new(wait));
    channels[7] = Arc::new(Late { inner, over: over_there, due: AtomicBool::new(false) });
    let trainers = natives(4);
    let told = &mut |state: &State| {
        if state.rounds == 1 {
            over.send(()).unwrap();
        }
    };
    let plays = honest((&course, &masks), &trainers);
    let ran = run_over((&course, &masks), channels, &plays, told);
    let trained = ran.party.unwrap();
    let rounds: Vec<_> = trained.reports.iter().map(|report| report.providers.clone()).collect();
    assert_eq!(rounds[0], [0, 1, 2, 3]);
    assert!(rounds.iter().any(|providers| providers.contains(&4)), "{rounds:?}");
    // It has trained in the round that it is not in; its batches are those of a round.
    assert!(trained.state == in_one_place(4, &course, &rounds));
    assert_eq!(ran.providers[4], Ok(Vec::new()));
}
