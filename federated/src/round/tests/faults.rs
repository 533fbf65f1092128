//! Providers that decline, are late, are lost or send what is none.

use std::sync::{Mutex, mpsc};

use protocols::net::{
    loopback,
    tls::{LinkConfig, TlsChannel},
};

use super::*;
use crate::model::FitError;

/// A trainer that does something of its own in some rounds.
pub(super) struct Odd<T, F>(pub(super) T, pub(super) F);

impl<T: Trainer, F> Trainer for Odd<T, F>
where
    F: FnMut(u32, Update) -> Result<Update, TrainError> + Send,
{
    fn train(&mut self, round: u32, model: &[f32]) -> Result<Update, TrainError> {
        let update = self.0.train(round, model)?;
        (self.1)(round, update)
    }
}

pub(super) fn over_tls(parties: u16, stall: Duration) -> Vec<TlsChannel> {
    let config = LinkConfig::with_stall(stall).with_guests();
    loopback::mesh(parties, config).unwrap()
}

pub(super) fn shared(channels: Vec<TlsChannel>) -> Vec<Arc<dyn Channel>> {
    channels.into_iter().map(|end| Arc::new(end) as Arc<dyn Channel>).collect()
}

#[test]
fn who_declines_a_round_is_in_the_next() {
    let course = course(&[0, 1, 3, 4], 3, Rule::Average { rate: 1.0 });
    let trainers = |k: usize| {
        let refuses = move |round: u32, mut update: Update| match (k, round) {
            (1, 0) | (3, 1) => Err(TrainError::Fit(FitError::Empty)),
            // What is no update is none of this round either.
            (0, 1) => Ok(Update { loss: f64::NAN, ..update }),
            (2, 2) => {
                update.delta[3] = f32::INFINITY;
                Ok(update)
            }
            (3, 2) => {
                update.delta.push(0.0);
                Ok(update)
            }
            _ => Ok(update),
        };
        Box::new(Odd(native(5, k), refuses)) as Box<dyn Trainer>
    };
    let ran = run_over(5, in_memory(5), &course, &start(&course), &trainers);
    let rounds = vec![vec![0, 2, 3], vec![1, 2], vec![0, 1]];
    let trained = ran.trained(5);
    assert!(trained.state == in_one_place(5, &course, &rounds));
    assert!(trained.reports.iter().map(|report| &report.providers).eq(&rounds));
    let declined = |at: usize| ran.guests[at].as_ref().unwrap().iter().map(|(round, _)| *round);
    assert_eq!(declined(0).collect::<Vec<_>>(), [2]);
    assert_eq!(declined(1).collect::<Vec<_>>(), [1, 2]);
}

#[test]
fn nothing_is_opened_of_too_few() {
    let mut course = course(&[0, 3, 4], 3, Rule::Average { rate: 1.0 });
    course.pace.least = 3;
    let trainers = |k: usize| {
        let refuses = move |round: u32, update: Update| match (k, round) {
            (2, 1) => Err(TrainError::Fit(FitError::Empty)),
            _ => Ok(update),
        };
        Box::new(Odd(native(6, k), refuses)) as Box<dyn Trainer>
    };
    // Guests wait on after the parties have given up, so their links must tell them.
    let ran = run_over(
        6,
        shared(over_tls(5, Duration::from_secs(8))),
        &course,
        &start(&course),
        &trainers,
    );
    for party in &ran.parties {
        assert_eq!(
            *party,
            Err(RoundError::Few { round: 2, got: 2, asked: 3, least: 3, declined: 1 })
        );
    }
    assert!(ran.guests.iter().all(Result::is_err));
}

#[test]
fn who_is_lost_is_left_out_from_then_on() {
    let course = course(&[1, 3, 4, 5], 4, Rule::Average { rate: 1.0 });
    let mut channels = over_tls(6, Duration::from_secs(8));
    let (lost, aborts) = (channels.pop().unwrap(), channels.pop().unwrap());
    let lost = Arc::new(Mutex::new(Some(lost)));
    std::thread::scope(|scope| {
        // Two guests that play one round by hand: then one is gone, and the other says that the run is over.
        let course = &course;
        for (number, mut end) in [(3, lost.lock().unwrap().take()), (2, Some(aborts))] {
            scope.spawn(move || {
                let end = Arc::new(end.take().unwrap());
                let channel = Arc::clone(&end) as Arc<dyn Channel>;
                let mut wire = Wire::new(channel, Gate::listing(&[]));
                wire.enter(1);
                let mut rng = Prg::new(&[9; 16]);
                let one = Course { rounds: 1, ..course.clone() };
                let mut trainer = native(7, number);
                let ended = take_part(&mut wire, &one, number, &mut trainer, &mut rng);
                assert_eq!(ended, Err(RoundError::Again { round: 2 }));
                if number == 2 {
                    wire.abort(&SessionError::Shape { step: 1, left: 0, right: 1 });
                }
            });
        }
        let ran = run_over(7, shared(channels), course, &start(course), &natives(7));
        let trained = ran.trained(7);
        let rounds = [vec![0, 1, 2, 3], vec![0, 1], vec![0, 1], vec![0, 1]];
        assert!(trained.reports.iter().map(|report| &report.providers).eq(&rounds));
        assert!(trained.state == in_one_place(7, course, &rounds));
    });
}

#[test]
fn who_is_late_is_left_out_until_it_has_caught_up() {
    let mut course = course(&[0, 1, 3], 3, Rule::Average { rate: 1.0 });
    course.pace.deadline = Duration::from_millis(400);
    let (release, released) = mpsc::channel::<()>();
    let (released, release) = (Mutex::new(Some(released)), Mutex::new(Some(release)));
    let trainers = |k: usize| {
        let (mut waits, mut frees) = (None, None);
        match k {
            2 => waits = released.lock().unwrap().take(),
            0 => frees = release.lock().unwrap().take(),
            _ => {}
        }
        let odd = move |round: u32, update: Update| {
            // The guest's first update comes when the third round has begun.
            if let (0, Some(waits)) = (round, waits.take()) {
                let _ = waits.recv();
            }
            if round == 2 {
                frees.take();
            }
            Ok(update)
        };
        Box::new(Odd(native(8, k), odd)) as Box<dyn Trainer>
    };
    let ran = run_over(
        8,
        shared(over_tls(4, Duration::from_secs(8))),
        &course,
        &start(&course),
        &trainers,
    );
    let rounds = [vec![0, 1], vec![0, 1], vec![0, 1]];
    let trained = ran.trained(8);
    assert!(trained.reports.iter().map(|report| &report.providers).eq(&rounds));
    assert!(trained.state == in_one_place(8, &course, &rounds));
    assert_eq!(ran.guests, [Ok(Vec::new())], "and it is told that all is over");
}

/// A trainer that takes so many milliseconds more.
fn takes(ms: u64) {
    let (_never, event) = mpsc::channel::<()>();
    let _ = event.recv_timeout(Duration::from_millis(ms));
}

/// Where there are enough without it nobody waits for it, and it is asked again all the same once it is back.
#[test]
fn who_was_late_is_in_again_where_nobody_waits_for_it() {
    let mut course = course(&[0, 1, 3], 12, Rule::Average { rate: 1.0 });
    course.pace = Pace { deadline: Duration::from_millis(300), least: 2 };
    let trainers = |k: usize| {
        let late = move |round: u32, update: Update| {
            let pause = match (k, round) {
                (2, 0) => 700,
                // Rounds are not over at once.
                (0, 1..) => 100,
                _ => 0,
            };
            takes(pause);
            Ok(update)
        };
        Box::new(Odd(native(8, k), late)) as Box<dyn Trainer>
    };
    let channels = shared(over_tls(4, Duration::from_secs(8)));
    let ran = run_over(8, channels, &course, &start(&course), &trainers);
    let there = |report: &RoundReport| report.providers.len();
    let there: Vec<_> = ran.trained(8).reports.iter().map(there).collect();
    assert!(there[0] == 2 && there.contains(&3), "{there:?}");
}

/// A provider that computes takes longer than a round; the others' updates came in time.
#[test]
fn what_came_in_time_is_taken_however_long_this_party_trains() {
    let mut course = course(&[0, 1, 3, 4], 1, Rule::Average { rate: 1.0 });
    course.pace.deadline = Duration::from_millis(400);
    let trainers = |k: usize| {
        let slow = move |_: u32, update: Update| {
            takes(if k == 0 { 1200 } else { 0 });
            Ok(update)
        };
        Box::new(Odd(native(8, k), slow)) as Box<dyn Trainer>
    };
    let channels = shared(over_tls(5, Duration::from_secs(8)));
    let ran = run_over(8, channels, &course, &start(&course), &trainers);
    assert_eq!(ran.trained(8).reports[0].providers, [0, 1, 2, 3]);
}

/// A guest's end and the three parties' ends, to be played by hand.
fn by_hand() -> (Wire, Vec<Wire>) {
    let mut wires = in_memory(4).into_iter().map(|channel| {
        let mut wire = Wire::new(channel, Gate::listing(&[]));
        wire.enter(1);
        wire
    });
    let parties = wires.by_ref().take(3).collect();
    (wires.next().unwrap(), parties)
}

#[test]
fn a_guest_trains_no_model_that_the_parties_do_not_agree_on() {
    let course = course(&[3, 0], 3, Rule::Average { rate: 1.0 });
    let guest = PartyId(3);
    let model = vec![0.5_f32; course.parameters];
    let (bytes, hash) = super::super::message::packed(&model);
    let ask = |round: u64, hash| super::super::message::Ask { round, taken: None, hash }.words();
    let play = |asks: [[u64; 5]; 3], model: Option<Arc<[u8]>>| {
        let (mut own, mut parties) = by_hand();
        for (party, ask) in parties.iter_mut().zip(&asks) {
            party.send(guest, ask).unwrap();
        }
        if let Some(model) = model {
            let server = course.server(0, 0).index();
            parties[server].send_common(guest, (&model, 0..model.len())).unwrap();
        }
        let mut trainer = native(1, 0);
        take_part(&mut own, &course, 0, &mut trainer, &mut Prg::new(&[1; 16])).unwrap_err()
    };
    let good = ask(0, hash);
    // One party says another round, or another model.
    let differ = Err::<(), _>(RoundError::Model { round: 1 });
    assert_eq!(Err(play([good, good, ask(1, hash)], None)), differ);
    assert_eq!(Err(play([good, ask(0, [1; 32]), good], None)), differ);
    // A round that there is not.
    assert_eq!(play([ask(3, hash); 3], None), RoundError::Again { round: 4 });
    // A round that was.
    let (mut own, mut parties) = by_hand();
    for (at, party) in parties.iter_mut().enumerate() {
        party.send(guest, &good).unwrap();
        if at == course.server(0, 0).index() {
            party.send_common(guest, (&bytes, 0..bytes.len())).unwrap();
        }
        party.send(guest, &good).unwrap();
    }
    let mut trainer = native(1, 0);
    let ended = take_part(&mut own, &course, 0, &mut trainer, &mut Prg::new(&[1; 16]));
    assert_eq!(ended, Err(RoundError::Again { round: 1 }));
    // The model is another one than all three said.
    let mut other = bytes.to_vec();
    other[5] ^= 1;
    let invalid = play([good; 3], Some(other.into()));
    assert!(matches!(invalid, RoundError::Session(SessionError::Invalid { .. })), "{invalid}");
    let short = play([good; 3], Some(Arc::from(&bytes[4..])));
    assert!(matches!(short, RoundError::Session(SessionError::Length { .. })), "{short}");
}

#[test]
fn a_loss_that_could_wrap_in_the_sum_is_never_sent() {
    let course = course(&[0, 1, 3], 1, Rule::Average { rate: 1.0 });
    let trainers = |k: usize| {
        let large = move |_: u32, mut update: Update| {
            if k == 1 {
                update.loss = crate::average::Trailer::MOST / 3.0;
            }
            Ok(update)
        };
        Box::new(Odd(native(9, k), large)) as Box<dyn Trainer>
    };
    let ran = run_over(9, in_memory(4), &course, &start(&course), &trainers);
    assert_eq!(ran.trained(9).reports[0].providers, [0, 2]);
}

/// Nobody reads the norms of a round without a gate: they are no reason to end it.
#[test]
fn norms_that_could_wrap_in_the_sum_do_not_end_the_training() {
    let mut course = course(&[0, 1, 3, 4], 1, Rule::Average { rate: 1.0 });
    course.encoding = Encoding::new(Bounds { total_weight: 1 << 20, coordinate: 8192.0 }).unwrap();
    let trainers = |k: usize| {
        let large = move |_: u32, mut update: Update| {
            update.delta.fill(8000.0);
            update.weight = 200_000;
            Ok(update)
        };
        Box::new(Odd(native(9, k), large)) as Box<dyn Trainer>
    };
    let ran = run_over(9, in_memory(5), &course, &start(&course), &trainers);
    let report = &ran.trained(9).reports[0];
    assert_eq!((report.providers.len(), report.trailer.weight), (4, 800_000));
}

#[test]
fn an_update_beyond_the_bound_is_never_sent() {
    let course = course(&[0, 1, 3], 1, Rule::Average { rate: 1.0 });
    let trainers = |k: usize| {
        let spoils = move |_: u32, mut update: Update| {
            match k {
                0 => update.delta[2] = 1e9,
                2 => update.weight = 0,
                _ => {}
            }
            Ok(update)
        };
        Box::new(Odd(native(9, k), spoils)) as Box<dyn Trainer>
    };
    let ran = run_over(9, in_memory(4), &course, &start(&course), &trainers);
    for party in &ran.parties {
        assert_eq!(
            *party,
            Err(RoundError::Few { round: 1, got: 1, asked: 3, least: 2, declined: 2 })
        );
    }
}
