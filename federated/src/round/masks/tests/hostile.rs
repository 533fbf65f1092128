//! Parties that cheat, through real messages.

use super::*;
use crate::{
    round::message::{COMES, hash_words, model_bytes, pieces},
    secagg::{Keys, Server, Slots},
};

/// Changes what the party says to a provider: the head, and the words behind it.
type Tamper<'a> = &'a (dyn Fn(usize, &mut Head, &mut Vec<u64>) + Sync);

/// Every number of the model that the party hands to a provider.
type Hands<'a> = &'a (dyn Fn(usize) -> f32 + Sync);

/// A party that follows the steps but for what it tampers with, checks nothing, and does what it likes with what it gets; for
/// whom the links still stand; returns who gave what takes masks off.
fn cheats(
    (course, masks): (&Course, &Masks),
    channel: &Arc<dyn Channel>,
    (tamper, hands): (Tamper<'_>, Hands<'_>),
) -> Vec<usize> {
    let mut gave = Vec::new();
    let handed =
        |number| -> Arc<[u8]> { model_bytes(&vec![hands(number); course.parameters]).into() };
    let mut wires: BTreeMap<usize, (PartyId, Wire)> = BTreeMap::new();
    for (number, id) in course.guests() {
        let mut wire = Wire::new(Arc::clone(channel), Gate::listing(&[]));
        wire.enter(1);
        wires.insert(number, (id, wire));
    }
    for round in 0..course.rounds {
        let hash = |number| *blake3::hash(&handed(number)).as_bytes();
        let setting = masks.setting(course, (round, hash(0))).unwrap();
        let mut server = Server::new(Arc::clone(&setting));
        // All that came, whatever an honest party would say of it.
        let mut keys: Vec<(u32, Keys)> = Vec::new();
        let mut signatures = Vec::new();
        for step in Step::ALL {
            let Some(words) = step.answers(course, masks.threshold) else { continue };
            let there: Vec<usize> = wires.keys().copied().collect();
            for number in &there {
                let client = u32::try_from(*number).unwrap();
                let slots = Slots::of(&setting, client);
                let mut body = match step {
                    Step::Keys => slots.keys(&keys).to_vec(),
                    Step::Shares => slots.envelopes(&server.shares_for(client)).to_vec(),
                    Step::Sets => server.sets().to_words(&setting),
                    Step::Signatures => slots.signatures(&signatures).to_vec(),
                    Step::Ask => hash_words(&hash(*number)).to_vec(),
                    Step::Over => Vec::new(),
                };
                let mut head = Head { step, round };
                tamper(*number, &mut head, &mut body);
                let (id, wire) = wires.get_mut(number).unwrap();
                let _ = wire.send(*id, &[head.word()]);
                let _ = wire.send(*id, &body);
                if step == Step::Ask {
                    let model = handed(*number);
                    let _ = wire.send_common(*id, (&model, 0..model.len()));
                }
            }
            for number in there {
                let client = u32::try_from(number).unwrap();
                let (id, wire) = wires.get_mut(&number).unwrap();
                let Some(answer) = answered(wire, *id, (step, words)) else {
                    wires.remove(&number);
                    continue;
                };
                let slots = Slots::of(&setting, client);
                match step {
                    Step::Ask => {
                        let own = Keys::from_words(&answer);
                        let taken = server.keys(client, own.clone());
                        assert!(taken.is_ok() || hash(number) != hash(0));
                        keys.push((client, own));
                    }
                    Step::Keys => server.shares(client, slots.read_sent(&answer)).unwrap(),
                    Step::Shares => server.vector(client, &answer).unwrap(),
                    Step::Sets => signatures.push((client, answer.try_into().map(sign).unwrap())),
                    Step::Signatures => gave.push(number),
                    Step::Over => {}
                }
            }
        }
    }
    gave
}

fn sign(words: [u64; 8]) -> [u8; 64] {
    crate::secagg::signature_of(&words)
}

fn answered(wire: &mut Wire, id: PartyId, (step, words): (Step, usize)) -> Option<Vec<u64>> {
    let mut says = vec![0_u64; step.begins()];
    wire.recv(id, &mut says).ok()?;
    assert_eq!(says[0], COMES);
    let mut answer = Vec::new();
    for piece in pieces(words) {
        answer.extend_from_slice(&wire.recv_words::<u64>(id, piece).ok()?);
    }
    Some(answer)
}

/// What each provider says to a party that cheats so, and who gives what takes masks off all the same.
fn caught(tamper: Tamper<'_>) -> (Vec<Option<SecAggError>>, Vec<usize>) {
    caught_handing((tamper, &|_| 0.0))
}

fn caught_handing(cheat: (Tamper<'_>, Hands<'_>)) -> (Vec<Option<SecAggError>>, Vec<usize>) {
    let (course, masks) = setting(1, Rule::Average { rate: 1.0 });
    let trainers = natives(8);
    let mut channels = in_memory(8).into_iter();
    let channel = channels.next().unwrap();
    let (providers, gave) = std::thread::scope(|scope| {
        let (course, masks, trainers) = (&course, &masks, &trainers);
        let party = scope.spawn(move || cheats((course, masks), &channel, cheat));
        let guests = channels.skip(2).enumerate();
        let guests: Vec<_> = guests
            .map(|(number, channel)| {
                scope.spawn(move || {
                    let mut wire = Wire::new(channel, Gate::listing(&[]));
                    wire.enter(1);
                    let plays = honest((course, masks), trainers);
                    let mut rng = Prg::new(&[u8::try_from(number).unwrap() ^ 0x11; 16]);
                    plays(&mut wire, number, &mut rng)
                })
            })
            .collect();
        let ended: Vec<Ended> = guests.into_iter().map(|guest| guest.join().unwrap()).collect();
        (ended, party.join().unwrap())
    });
    let refused = providers.into_iter().map(|ended| match ended {
        Err(RoundError::Masks { round: 1, source }) => Some(source),
        _ => None,
    });
    (refused.collect(), gave)
}

#[test]
fn nobody_is_in_the_sum_and_lost_at_once() {
    let found = caught(&|_, head, body| {
        if head.step == Step::Sets {
            body[1] |= 1 << 3;
        }
    });
    assert_eq!(found, (vec![Some(SecAggError::Both(3)); 5], Vec::new()));
}

#[test]
fn a_key_that_its_owner_did_not_sign_is_refused() {
    let found = caught(&|number, head, body| {
        if head.step == Step::Keys && number == 0 {
            // The first word of the public key of the first of the others.
            body[1] ^= 1;
        }
    });
    // The others go on without the one who was lied to.
    assert_eq!(found.0, [Some(SecAggError::KeySignature(1)), None, None, None, None]);
    assert_eq!(found.1, [1, 2, 3, 4]);
}

/// Of a model that makes the others' updates known, the sum with them would be one provider's update.
#[test]
fn who_is_handed_another_model_is_in_no_sum_with_the_others() {
    let hands = |number: usize| if number == 2 { 0.0 } else { 1e9 };
    let (said, gave) = caught_handing((&|_, _, _| (), &hands));
    assert!(gave.is_empty(), "{said:?}");
    let keys = |of: u32| Some(SecAggError::KeySignature(of));
    assert_eq!(said, [keys(2), keys(2), keys(0), keys(2), keys(2)]);
}

#[test]
fn two_stories_get_no_shares() {
    // To two of them client 4 is in the sum, to the others it was lost.
    let found = caught(&|number, head, body| {
        if head.step == Step::Sets && number < 2 {
            (body[0], body[1]) = (0b01111, 0b10000);
        }
    });
    let two = |error: &Option<SecAggError>| {
        matches!(error, Some(SecAggError::Stories(_) | SecAggError::Stranger(4)))
    };
    // The one whom two were told to be lost hears that it is in, and refuses with the rest.
    assert!(found.0.iter().all(two) && found.1.is_empty(), "{found:?}");
}

#[test]
fn who_is_left_out_and_sums_of_few_are_refused() {
    let found = caught(&|_, head, body| {
        if head.step == Step::Sets {
            (body[0], body[1]) = (0b00111, 0b11000);
        }
    });
    let few = Some(SecAggError::Few { what: "clients are in the sum", got: 3, least: 4 });
    let out = Some(SecAggError::LeftOut);
    assert_eq!(found.0, [few.clone(), few.clone(), few, out.clone(), out]);
    assert!(found.1.is_empty());
}

#[test]
fn envelopes_that_the_party_spoils_get_it_fewer_shares_and_cost_nobody_a_place() {
    let (said, gave) = caught(&|number, head, body| {
        if head.step == Step::Shares && number == 0 {
            // The first word of what the first of the others sealed.
            body[1] ^= 1;
        }
    });
    assert_eq!((said, gave), (vec![None; 5], vec![0, 1, 2, 3, 4]));
}

#[test]
fn steps_and_rounds_come_once_and_in_turn() {
    let found = caught(&|_, head, _| {
        if head.step == Step::Sets {
            head.step = Step::Shares;
        }
    });
    assert_eq!(found, (vec![Some(SecAggError::Turn); 5], Vec::new()));
    // A round that has been.
    let found = caught(&|number, head, _| {
        if head.step == Step::Keys && number == 2 {
            *head = Head { step: Step::Ask, round: 0 };
        }
    });
    assert_eq!(found.0, [None, None, Some(SecAggError::Turn), None, None]);
}

/// A provider's end that says of its first share that it is of no kind there is.
struct Marks {
    inner: Arc<dyn Channel>,
    due: AtomicBool,
}

impl Channel for Marks {
    fn me(&self) -> PartyId {
        self.inner.me()
    }

    fn send(&self, to: PartyId, mut frame: Frame) -> Result<(), ChannelError> {
        // Not the word before the answer.
        if self.due.load(Ordering::Relaxed) && frame.body.len() > 8 {
            frame.body[0] = 4;
        }
        self.inner.send(to, frame)
    }

    fn recv(&self, from: PartyId) -> Result<Frame, ChannelError> {
        let frame = self.inner.recv(from)?;
        let head = Head { step: Step::Signatures, round: 0 };
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
fn a_share_of_no_kind_is_at_the_door_of_the_provider_that_gave_it() {
    let (course, masks) = setting(1, Rule::Average { rate: 1.0 });
    let trainers = natives(8);
    let mut channels = in_memory(8);
    let inner = Arc::clone(&channels[5]);
    channels[5] = Arc::new(Marks { inner, due: AtomicBool::new(false) });
    let plays = honest((&course, &masks), &trainers);
    let ran = run_over((&course, &masks), channels, &plays, &mut |_| {});
    let source = SecAggError::Mark(2);
    assert_eq!(ran.party, Err(RoundError::Masks { round: 1, source }));
}

/// A provider's end that spoils the envelope that it sealed for the first of the others.
struct Garbage {
    inner: Arc<dyn Channel>,
    due: AtomicBool,
}

impl Channel for Garbage {
    fn me(&self) -> PartyId {
        self.inner.me()
    }

    fn send(&self, to: PartyId, mut frame: Frame) -> Result<(), ChannelError> {
        // Not the word before the answer.
        if frame.body.len() > 8 && self.due.swap(false, Ordering::Relaxed) {
            frame.body[8] ^= 1;
        }
        self.inner.send(to, frame)
    }

    fn recv(&self, from: PartyId) -> Result<Frame, ChannelError> {
        let frame = self.inner.recv(from)?;
        let head = Head { step: Step::Keys, round: 0 };
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
fn an_envelope_of_garbage_costs_nobody_a_place_and_both_ends_say_whose_it_was() {
    let (course, masks) = setting(2, Rule::Average { rate: 1.0 });
    let trainers = natives(8);
    let mut channels = in_memory(8);
    let inner = Arc::clone(&channels[6]);
    channels[6] = Arc::new(Garbage { inner, due: AtomicBool::new(false) });
    let heard = Mutex::new(Vec::new());
    let plays = |wire: &mut Wire, number: usize, rng: &mut Prg| {
        let (once, doubts) = (&mut |_| Ok(true), &mut |it| heard.lock().unwrap().push(it));
        let trainer = &mut *trainers(number);
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
    let ran = run_over((&course, &masks), channels, &plays, &mut |_| {});
    let all = vec![vec![0, 1, 2, 3, 4]; 2];
    assert!(ran.party.unwrap().state == in_one_place(8, &course, &all));
    assert!(ran.providers.iter().all(|ended| *ended == Ok(Vec::new())));
    let found = Doubt { round: 1, from: 3, to: 0 };
    assert_eq!((ran.doubts, heard.into_inner().unwrap()), (vec![found], vec![found]));
}
