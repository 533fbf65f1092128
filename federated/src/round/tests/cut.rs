//! Links of providers that are lost at every frame of a training: what comes of it is to the bit what comes of one without a loss.

use protocols::ring::Z32;

use super::{
    super::{
        RENEWALS,
        arriving::Arriving,
        landing::{Due, Landed, Lost},
        message::{Ask, OVER, model_pieces, pieces},
        parcel::Parcel,
        resume::{NONE, Place},
    },
    net::{Cut, Ends, Net},
    *,
};
use crate::{
    average::{Pairs, Seeds, Share, explicit_party, split},
    gate::{Gates, Terms},
};

/// A model of several pieces; its updates have twice as many.
const PARAMETERS: usize = 70_000;

/// Knows what it will say, and counts how often it was asked.
struct Knows {
    number: usize,
    trained: Vec<u32>,
}

impl Trainer for Knows {
    fn train(&mut self, round: u32, model: &[f32]) -> Result<Update, TrainError> {
        assert!(!self.trained.contains(&round), "an update of a round is made once");
        self.trained.push(round);
        let number = self.number as u64;
        let mut key = [round.to_le_bytes()[0]; 16];
        key[..8].copy_from_slice(&number.to_le_bytes());
        let words = Prg::new(&key).elements::<Z32>(model.len());
        let part = |(word, x): (&u32, &f32)| (word >> 8) as f32 / 1e8 - x / 4.0;
        let delta = words.iter().zip(model).map(part).collect();
        Ok(Update { delta, weight: 3 + number, loss: 1.0, correct: 1 })
    }
}

pub(super) fn known(number: usize) -> Box<dyn Trainer> {
    Box::new(Knows { number, trained: Vec::new() })
}

/// Two rounds with providers 0, 3 and 4.
pub(super) fn large(least: usize) -> Course {
    let mut course = course(&[0, 3, 4], 2, Rule::Average { rate: 1.0 });
    (course.parameters, course.pace.least) = (PARAMETERS, least);
    course
}

fn over(course: &Course, plan: &[Cut]) -> (Arc<Net>, Ran) {
    let (net, ends) = Net::mesh(5, plan);
    (net, run_over(1, ends, course, &start(course), &known))
}

/// Frames that pass over a link of a training without a loss.
pub(super) fn frames(course: &Course, link: Ends) -> usize {
    over(course, &[]).0.carried(link).0
}

pub(super) fn ends(party: u16, guest: u16) -> Ends {
    (PartyId(party), PartyId(guest))
}

/// A training with these losses is that without one: same model, same figures, everybody in every round.
fn assert_same(course: &Course, plan: &[Cut], whole: &Trained) {
    let (net, ran) = over(course, plan);
    let trained = ran.trained(1);
    assert!(trained == whole, "{plan:?}");
    assert!(ran.guests.iter().all(|ended| *ended == Ok(Vec::new())), "{plan:?}: {:?}", ran.guests);
    for cut in plan {
        let planned = plan.iter().filter(|other| other.link == cut.link).count();
        assert_eq!(net.times(cut.link) as usize, planned, "{plan:?}");
    }
}

#[test]
fn a_link_may_be_lost_at_every_frame() {
    let course = large(3);
    let whole = over(&course, &[]).1;
    let whole = whole.trained(1);
    // Provider 1 of 3 sends words to the second party; the other two hand it the model in turn.
    for link in [ends(0, 3), ends(1, 3), ends(2, 3)] {
        // All but the last word, after which no party waits for anybody.
        for at in 0..frames(&course, link) - 1 {
            assert_same(&course, &[Cut { link, at, arrives: at % 2 == 0 }], whole);
        }
    }
}

#[test]
fn a_provider_may_lose_all_its_links_at_once_and_again() {
    let course = large(3);
    let whole = over(&course, &[]).1;
    let cut = |link, at, arrives| Cut { link, at, arrives };
    for at in 1..6 {
        let all = [0, 1, 2].map(|party| cut(ends(party, 4), at.min(4), at % 2 == 0));
        assert_same(&course, &all, whole.trained(1));
        // In the very words that are to mend it, too.
        let again = [9, 0, 1, 3, 2, 1].map(|at| cut(ends(2, 4), at, at % 2 == 1));
        assert_same(&course, &again[..at], whole.trained(1));
    }
}

#[test]
fn what_has_arrived_is_not_sent_again() {
    let course = large(3);
    let whole = over(&course, &[]).0;
    // The link of the words, where the last piece of the first round is lost.
    let link = ends(1, 3);
    let bytes = whole.carried(link).1;
    let piece = 8 * pieces(course.words()).last().unwrap();
    let due = 1 + 1 + pieces(course.words()).count();
    let (net, ran) = over(&course, &[Cut { link, at: due - 1, arrives: true }]);
    ran.trained(1);
    let answer = 8 * super::super::message::answer_words(1);
    // Two places, the answer, and the piece that was lost.
    assert_eq!(net.carried(link).1, bytes + 2 * 48 + answer + piece);
    // And the model: its last piece, behind the word that asks.
    let link = ends(course.server(1, 0).index().try_into().unwrap(), 3);
    let bytes = whole.carried(link).1;
    let piece = 4 * model_pieces(PARAMETERS).last().unwrap();
    let (net, ran) =
        over(&course, &[Cut { link, at: model_pieces(PARAMETERS).count(), arrives: true }]);
    ran.trained(1);
    assert_eq!(net.carried(link).1, bytes + 2 * 48 + piece);
}

#[test]
fn a_link_that_always_breaks_is_given_up_and_the_others_go_on() {
    let course = large(2);
    let link = ends(1, 3);
    let plan = vec![Cut { link, at: 2, arrives: true }; RENEWALS as usize + 1];
    let (net, ran) = over(&course, &plan);
    assert_eq!(net.times(link), RENEWALS);
    assert!(ran.trained(1).reports.iter().all(|report| report.providers == [0, 2]));
    assert!(ran.guests[0].is_err() && ran.guests[1] == Ok(Vec::new()), "{:?}", ran.guests);
}

#[test]
fn the_last_word_may_be_lost_and_the_training_is_over() {
    let course = large(3);
    let whole = over(&course, &[]).1;
    let link = ends(0, 4);
    let at = frames(&course, link) - 1;
    let (_, ran) = over(&course, &[Cut { link, at, arrives: true }]);
    assert!(ran.trained(1) == whole.trained(1));
    assert!(matches!(&ran.guests[..], [Ok(_), Err(_)]), "{:?}", ran.guests);
}

/// With gates every share goes to two holders, words among them.
#[test]
fn gates_see_the_same_however_updates_came() {
    let mut course = gate::gated(&[0, 3, 4], 2, None, 40);
    (course.parameters, course.pace.least) = (40_000, 3);
    let terms = Terms { parameters: course.parameters, ..*course.gates.unwrap().terms() };
    course.gates = Some(Gates::finest(terms).unwrap());
    course.encoding = course.gates.as_ref().unwrap().terms().encoding;
    let whole = over(&course, &[]).1;
    for (party, at) in [(0, 2), (0, 4), (1, 3), (1, 7), (2, 2)] {
        let cut = Cut { link: ends(party, 3), at, arrives: at % 2 == 0 };
        assert_same(&course, &[cut], whole.trained(1));
    }
}

/// One guest's link to the second party, both ends played by hand; what a party has of an update.
fn landing(words: usize) -> (Due, [Wire; 2]) {
    let due = Due { provider: 1, words, role: Role::P1, both: false, on_disk: false };
    let mut ends = in_memory(4);
    let wire = |end| {
        let mut wire = Wire::new(end, Gate::listing(&[]));
        wire.enter(1);
        wire
    };
    let (guest, party) = (ends.pop().unwrap(), ends.remove(1));
    (due, [wire(party), wire(guest)])
}

fn shares(words: usize, seed: u8) -> [Share; 3] {
    let encoded = Prg::new(&[seed; 16]).elements::<Z64>(words).to_vec();
    split(encoded, Seeds::draw(&mut Prg::new(&[seed + 1; 16])), Role::P1)
}

/// Receives until what is sent ends: so many pieces, behind the answer.
fn some(arriving: &mut Arriving, wires: &mut [Wire; 2], shares: &[Share; 3], until: usize) {
    let parcel = Parcel::of(&[Role::P1], Some(shares));
    let [party, guest] = wires;
    let (mut left, from) = (1 + until, arriving.place(0).there());
    let sent = parcel.send(from, |words| {
        left = left.checked_sub(1).ok_or(SessionError::Shape { step: 1, left: 0, right: 0 })?;
        guest.send(PartyId(1), words)
    });
    assert!(sent.is_err(), "some are left");
    // What takes the place of the next piece is none.
    guest.send(PartyId(1), &[7_u64]).unwrap();
    let lost = arriving.receive(party, PartyId(3)).unwrap_err();
    assert!(matches!(lost, Lost::Link(SessionError::Length { .. })), "{lost:?}");
}

#[test]
fn whole_pieces_outlast_their_link_in_memory_and_on_disk() {
    for words in [100_000, (1 << 20) + 40_000] {
        let (due, mut wires) = landing(words);
        let (mut arriving, shares) = (Arriving::new(due), shares(words, 3));
        let name = Parcel::of(&[Role::P1], Some(&shares)).name();
        assert_eq!(arriving.place(5), Place { round: 5, name: [0; 32], pieces: 0 });
        for (more, all) in [(1, 1), (0, 1), (2, 3)] {
            some(&mut arriving, &mut wires, &shares, more);
            assert_eq!(arriving.place(5), Place { round: 5, name, pieces: all });
        }
        let parcel = Parcel::of(&[Role::P1], Some(&shares));
        let [party, guest] = &mut wires;
        parcel.send(3, |words| guest.send(PartyId(1), words)).unwrap();
        let landed = arriving.receive(party, PartyId(3)).unwrap();
        assert!(matches!(&landed, Landed::One(_)));
        let (mut sum, mut due) = (vec![1; words], vec![1; words]);
        landed.add_to(Pairs::NONE, &mut sum).unwrap();
        shares[1].add_to(&mut due);
        assert!(sum == due, "{words}");
        assert_eq!(landed.digest().unwrap(), shares[1].digest());
    }
}

#[test]
fn another_update_than_the_one_that_had_begun_is_refused() {
    let words = 100_000;
    let refused = |before: &[Share; 3], after: &[Share; 3], spoil: bool| {
        let (due, mut wires) = landing(words);
        let mut arriving = Arriving::new(due);
        some(&mut arriving, &mut wires, before, 1);
        let [party, guest] = &mut wires;
        let mut sent = 0;
        let send = |words: &[u64]| {
            let mut words = words.to_vec();
            if sent == 2 && spoil {
                words[70] ^= 1;
            }
            sent += 1;
            guest.send(PartyId(1), &words)
        };
        Parcel::of(&[Role::P1], Some(after)).send(1, send).unwrap();
        arriving.receive(party, PartyId(3)).err().map(|lost| format!("{lost:?}"))
    };
    let (one, other) = (shares(words, 3), shares(words, 9));
    assert_eq!(refused(&one, &one, false), None);
    let words = refused(&one, &other, false).unwrap();
    assert!(words.contains("another update than the one that it had begun with"), "{words}");
    // The name of the one before the words of the other.
    let words = refused(&one, &one, true).unwrap();
    assert!(words.contains("not the one it had named"), "{words}");
}

/// A guest that is asked for an answer with a place that cannot be, over a link that is lost when it has heard the round.
#[test]
fn a_place_that_cannot_be_is_refused() {
    let course = course(&[3, 0], 3, Rule::Average { rate: 1.0 });
    let link = ends(0, 3);
    let play = |place: [u64; 6]| {
        // The ask passes; what is behind it is lost.
        let (_net, mut channels) = Net::mesh(4, &[Cut { link, at: 1, arrives: true }]);
        let guest = channels.pop().unwrap();
        let mut wire = Wire::new(guest, Gate::listing(&[]));
        wire.enter(1);
        std::thread::scope(|scope| {
            let party = scope.spawn(|| {
                let mut party = Wire::new(Arc::clone(&channels[0]), Gate::listing(&[]));
                party.enter(1);
                let ask = Ask { round: 1, taken: None, hash: [7; 32] };
                party.send(PartyId(3), &ask.words()).unwrap();
                party.send(PartyId(3), &ask.words()).unwrap();
                party.renew(PartyId(3)).unwrap();
                party.send(PartyId(3), &place).unwrap();
                let mut theirs = [0_u64; 6];
                party.recv(PartyId(3), &mut theirs).unwrap();
                theirs
            });
            let mut trainer = native(1, 0);
            let ended = take_part(&mut wire, &course, 0, &mut trainer, &mut Prg::new(&[1; 16]));
            (ended.unwrap_err().to_string(), party.join().unwrap())
        })
    };
    let hash = u64::from_le_bytes([7; 8]);
    let (words, theirs) = play([0, 0, 0, 0, 0, 0]);
    assert!(words.contains("that an earlier round is due"), "{words}");
    assert_eq!(theirs, [1, hash, hash, hash, hash, 0], "it has heard of the second round");
    let (words, _) = play([1, 5, 5, 5, 5, 1]);
    assert!(words.contains("that another update is due"), "{words}");
    assert!(NONE > u64::from(u32::MAX) && NONE < OVER);
    assert_eq!(explicit_party(0), Role::P0);
}
