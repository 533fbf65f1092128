//! Input from a provider that does not compute: no single view reconstructs it, and unequal copies end the run.

use std::{sync::Arc, time::Duration};

use protocols::{
    mpc::{Column, OutsideInput, Shape, outside_input, outside_input_cost},
    net::{
        Abort, AbortCode, Channel, ChannelError, Frame, Tag,
        faulty::{Fault, Faulty, Planned},
        memory,
        record::Recorder,
    },
    party::{PartyId, Role},
    ring::Z64,
    session::{Meter, Session, SessionError},
    share::{Shared, reconstruct},
    testkit::World,
};
use zeroize::Zeroizing;

use super::{faults::confirm, view::uniform};

const ROWS: usize = 4096;
const PROVIDER: PartyId = PartyId(3);

type Provide = dyn Fn(&dyn Channel, &[u64]) + Sync;

fn honest(channel: &dyn Channel, values: &[u64]) {
    let seed = |byte: u8| Zeroizing::new([byte ^ values[0].to_le_bytes()[7]; 16]);
    let mut input = OutsideInput::new([seed(1), seed(2)]);
    input.push(Shape::Z64, values);
    input.send(channel, 1, &mut [0; 3]).unwrap();
}

/// A provider that leaves the third summand zero: x = F + (x − F) + 0, so that P0 holds all of it.
fn zero_third(channel: &dyn Channel, values: &[u64]) {
    let frame = |seq, words: &[u64]| {
        let body: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        Frame { tag: Tag { path: 1, seq, chunk: 0 }, depth: 0, body: body.into() }
    };
    // The shares it stands for: x_0 = x − F, x_1 = F, x_2 = 0, sent as they are.
    let mut random = World::new(8).random(1);
    let mask: Vec<u64> = values.iter().map(|_| random()).collect();
    let rest: Vec<u64> = values.iter().zip(&mask).map(|(x, m)| x.wrapping_sub(*m)).collect();
    let zero = vec![0; values.len()];
    for (role, own, next) in
        [(Role::P0, &rest, &mask), (Role::P1, &mask, &zero), (Role::P2, &zero, &rest)]
    {
        channel.send(role.id(), frame(0, own)).unwrap();
        channel.send(role.id(), frame(1, next)).unwrap();
    }
}

/// What the broken provider's parties do: take their two summands.
fn take(s: &mut Session) -> Result<Shared<Z64>, SessionError> {
    let [mut own, mut next] = [vec![0; ROWS], vec![0; ROWS]];
    s.recv(PROVIDER, &mut own)?;
    s.recv(PROVIDER, &mut next)?;
    Ok(Shared::from_parts(own.into_iter().collect(), next.into_iter().collect()))
}

fn receive(s: &mut Session) -> Result<Shared<Z64>, SessionError> {
    let column = outside_input(s, PROVIDER, ROWS, &[Shape::Z64])?.remove(0);
    let Column::Z64(words) = column else { panic!("words were shared") };
    Ok(words)
}

/// Whether each party's two summands look uniform, together and apart, for the inputs 0 and 2^63.
fn hidden(
    provide: &Provide,
    receive: fn(&mut Session) -> Result<Shared<Z64>, SessionError>,
) -> Result<(), String> {
    for value in [0, 1 << 63] {
        let values = vec![value; ROWS];
        let mut ends = memory::mesh(4, Duration::from_secs(20));
        let provider = ends.pop().unwrap();
        provide(&provider, &values);
        let channels = ends.into_iter().map(|end| Arc::new(end) as Arc<dyn Channel>).collect();
        let run = World::new(3).run_over(channels, receive);
        let shares = run.results.map(Result::unwrap);
        assert_eq!(reconstruct(shares.each_ref()).as_ref(), Ok(&values));
        for share in &shares {
            let both = share.own().iter().zip(share.next()).map(|(a, b)| a.wrapping_add(*b));
            for words in [share.own().to_vec(), share.next().to_vec(), both.collect()] {
                let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
                uniform(&bytes)?;
            }
        }
    }
    Ok(())
}

#[test]
fn no_single_view_reconstructs_an_outside_input() {
    assert_eq!(hidden(&honest, receive), Ok(()));
    assert!(hidden(&zero_third, take).is_err(), "a zero third summand went unseen");
}

#[test]
fn an_outside_input_costs_what_it_quotes_with_what_the_provider_sends() {
    let mut ends = memory::mesh(4, Duration::from_secs(20));
    let provider = Recorder::with_bytes(ends.pop().unwrap());
    honest(&provider, &vec![9; ROWS]);
    let channels = ends.into_iter().map(|end| Arc::new(end) as Arc<dyn Channel>).collect();
    let run = World::new(3).run_over(channels, receive);
    let mut meter = Meter::new();
    outside_input_cost(&mut meter, ROWS, &[Shape::Z64]);
    let sent: usize = provider.bytes().values().map(Vec::len).sum();
    let (total, quoted) = (run.total, meter.total());
    assert_eq!(total.bytes + sent as u64, quoted.bytes);
    assert_eq!((total.messages + 5, total.rounds), (quoted.messages, quoted.rounds));
}

#[test]
fn unequal_copies_end_the_run_at_every_party() {
    // To P0 its two seeds; to P1 and P2 a seed and then the correction.
    let places = [(0, 0, 5), (0, 0, 200), (1, 0, 5), (1, 1, 70_000), (2, 0, 5), (2, 1, 3)];
    for (to, nth, bit) in places {
        let mut ends = memory::mesh(4, Duration::from_secs(20));
        let planned = Planned { to: PartyId(to), nth, fault: Fault::FlipBit(bit) };
        let provider = Faulty::new(ends.pop().unwrap(), vec![planned]);
        honest(&provider, &vec![9; ROWS]);
        let channels = ends.into_iter().map(|end| Arc::new(end) as Arc<dyn Channel>).collect();
        let run = World::new(3).run_over(channels, |s| {
            let shares = receive(s)?;
            confirm(s)?;
            Ok(shares)
        });
        let mut noticed = 0;
        for result in run.results {
            match result {
                Err(SessionError::Inconsistent { .. }) => noticed += 1,
                Err(SessionError::Channel { source: ChannelError::Aborted(abort), .. }) => {
                    let Abort { code, .. } = abort;
                    assert_eq!(code, AbortCode::Inconsistent, "bit {bit} of message {nth} to {to}");
                }
                other => panic!("bit {bit} of message {nth} to {to}: {other:?}"),
            }
        }
        assert!(noticed > 0);
    }
}
