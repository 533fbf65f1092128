//! Three threads of this process.

use std::{
    sync::{Arc, Barrier},
    thread,
    time::Duration,
};

use protocols::{
    mpc::Column,
    net::{
        Channel, memory,
        shaped::{self, Shaped},
    },
    party::Role,
    testkit::World,
};

use crate::{
    Failure, Network,
    case::{Case, Verdict},
    figure::{Rep, peak_rss, reset_peak},
    run::{Seen, repetition, seed},
};

const STALL: Duration = Duration::from_secs(600);

pub(crate) fn run(case: &Case, n: usize, reps: u32, network: Network) -> Result<Vec<Rep>, Failure> {
    reset_peak();
    (0..reps).map(|rep| one(case, n, rep, network)).collect()
}

fn mesh(network: Network) -> Vec<Arc<dyn Channel>> {
    let plain = memory::mesh(3, STALL).into_iter();
    let shape = match network {
        Network::Lan => shaped::Network::lan(),
        Network::Wan => shaped::Network::wan(),
        Network::Memory | Network::Loopback => {
            return plain.map(|channel| Arc::new(channel) as Arc<dyn Channel>).collect();
        }
    };
    plain.map(|channel| Arc::new(Shaped::new(channel, shape)) as Arc<dyn Channel>).collect()
}

fn one(case: &Case, n: usize, rep: u32, network: Network) -> Result<Rep, Failure> {
    let world = World::new(seed(rep));
    let clear = case.inputs(&world, n);
    let mut inputs: [Vec<Column>; 3] = Default::default();
    for (label, column) in (0..).zip(&clear) {
        for (party, share) in inputs.iter_mut().zip(column.deal(&world, label)) {
            party.push(share);
        }
    }
    let barrier = Barrier::new(3);
    let seen: Vec<Seen> = thread::scope(|scope| {
        let parties: Vec<_> = Role::ALL
            .into_iter()
            .zip(mesh(network))
            .zip(&inputs)
            .map(|((role, channel), inputs)| {
                let (barrier, clear) = (&barrier, &clear);
                scope.spawn(move || {
                    let wait = (|| _ = barrier.wait(), || {});
                    repetition((case, rep, network.profile()), role, channel, clear, inputs, wait)
                })
            })
            .collect();
        let ended = parties.into_iter();
        ended
            .map(|party| Ok::<_, Failure>(party.join().map_err(|_| "a party panicked")??))
            .collect::<Result<_, _>>()
    })?;
    let start = seen.iter().map(|party| party.began).min().ok_or("no party ran")?;
    Ok(Rep {
        took: seen.iter().map(|party| party.ended - start).max().unwrap_or_default(),
        bytes: seen.iter().map(|party| party.bytes).sum(),
        rounds: seen.iter().map(|party| party.rounds).max().unwrap_or(0),
        peak_rss: peak_rss(),
        verdict: Verdict::all(seen.iter().map(|party| party.verdict)),
    })
}
