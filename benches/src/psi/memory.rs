//! Threads of this process.

use std::{
    sync::{Arc, Barrier},
    thread,
    time::Duration,
};

use protocols::{
    net::{
        Channel, memory,
        shaped::{self, Shaped},
    },
    psi::Sizes,
};

use super::{
    line::Rep,
    seat::{Protocol, RECEIVER, Seat, Seen},
};
use crate::{
    Failure, Network,
    figure::{peak_rss, reset_peak},
};

const STALL: Duration = Duration::from_secs(600);

pub(super) fn run(
    protocol: &Protocol,
    sizes: Sizes,
    reps: u32,
    network: Network,
) -> Result<Vec<Rep>, Failure> {
    (0..reps).map(|rep| one(protocol, sizes, rep, network)).collect()
}

fn mesh(parties: u16, network: Network) -> Vec<Arc<dyn Channel>> {
    let plain = memory::mesh(usize::from(parties), STALL).into_iter();
    let shape = match network {
        Network::Lan => shaped::Network::lan(),
        Network::Wan => shaped::Network::wan(),
        Network::Memory | Network::Loopback => {
            return plain.map(|channel| Arc::new(channel) as Arc<dyn Channel>).collect();
        }
    };
    plain.map(|channel| Arc::new(Shaped::new(channel, shape)) as Arc<dyn Channel>).collect()
}

fn one(protocol: &Protocol, sizes: Sizes, rep: u32, network: Network) -> Result<Rep, Failure> {
    let barrier = Barrier::new(usize::from(protocol.parties));
    // The inputs are there by then: what counts is what the protocol adds.
    let start = || {
        if barrier.wait().is_leader() {
            reset_peak();
        }
        barrier.wait();
    };
    let party = |role, channel| -> Result<(bool, Seen), Failure> {
        let mut seat = Seat::new((role, sizes, rep), network.profile(), channel, &start, &|| {});
        let right = (protocol.party)(&mut seat)?;
        Ok((right, seat.seen()?))
    };
    let seen: Vec<(bool, Seen)> = thread::scope(|scope| {
        let seats = (0..protocol.parties).zip(mesh(protocol.parties, network));
        let parties: Vec<_> =
            seats.map(|(role, channel)| scope.spawn(move || party(role, channel))).collect();
        let ended = parties.into_iter();
        ended
            .map(|party| party.join().map_err(|_| Failure::from("a party panicked"))?)
            .collect::<Result<_, _>>()
    })?;
    let peak_rss = peak_rss();
    let start = seen.iter().map(|(_, party)| party.began).min().ok_or("no party ran")?;
    Ok(Rep {
        took: seen.iter().map(|(_, party)| party.ended - start).max().unwrap_or_default(),
        bytes: seen.iter().map(|(_, party)| party.bytes).sum(),
        rounds: seen.iter().map(|(_, party)| party.rounds).max().unwrap_or(0),
        cpu_nanos: seen.iter().map(|(_, party)| party.cpu_nanos).sum(),
        receiver_nanos: seen.get(usize::from(RECEIVER)).map_or(0, |(_, party)| party.cpu_nanos),
        peak_rss,
        exact: seen.iter().all(|(right, _)| *right),
    })
}
