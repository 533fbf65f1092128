//! Processes of this program, with TLS between them.

use std::{
    io::{self, BufRead},
    net::SocketAddr,
    sync::Arc,
};

use protocols::{
    net::{
        Channel,
        loopback::{self, Authority, Credentials},
        tls::LinkConfig,
    },
    party::PartyId,
    psi::Sizes,
};
use serde::{Deserialize, Serialize};

use super::{
    command::named,
    line::Rep,
    seat::{Protocol, RECEIVER, Seat},
};
use crate::{
    Failure, Network,
    figure::{peak_rss, reset_peak},
    party::{hear, tell},
    processes::{Party, timed},
};

/// What a party is told first.
#[derive(Serialize, Deserialize)]
struct Order {
    role: u16,
    protocol: String,
    sizes: [usize; 2],
    reps: u32,
    credentials: String,
}

/// What a party says of a repetition.
#[derive(Serialize, Deserialize)]
struct Told {
    bytes: u64,
    rounds: u32,
    cpu_nanos: u64,
    peak_rss: u64,
    exact: bool,
}

pub(super) fn run(protocol: &Protocol, sizes: Sizes, reps: u32) -> Result<Vec<Rep>, Failure> {
    let authority = Authority::new()?;
    let mut parties = Vec::new();
    for role in 0..protocol.parties {
        let mut party = Party::start("psi-party")?;
        let credentials = authority.issue(PartyId(role))?.to_pem().into();
        let sizes = [sizes.sender, sizes.receiver];
        party.tell(&Order { role, protocol: protocol.name.into(), sizes, reps, credentials })?;
        parties.push(party);
    }
    let addresses: Vec<SocketAddr> =
        parties.iter_mut().map(Party::hear).collect::<Result<_, _>>()?;
    parties.iter_mut().try_for_each(|party| party.tell(&addresses))?;
    (0..reps).map(|_| one(&mut parties)).collect()
}

fn one(parties: &mut [Party]) -> Result<Rep, Failure> {
    let (took, told) = timed::<Told>(parties)?;
    Ok(Rep {
        took,
        bytes: told.iter().map(|party| party.bytes).sum(),
        rounds: told.iter().map(|party| party.rounds).max().unwrap_or(0),
        cpu_nanos: told.iter().map(|party| party.cpu_nanos).sum(),
        receiver_nanos: told.get(usize::from(RECEIVER)).map_or(0, |party| party.cpu_nanos),
        peak_rss: told.iter().map(|party| party.peak_rss).max().unwrap_or(0),
        exact: told.iter().all(|party| party.exact),
    })
}

/// Serves one order: its address, then for each repetition `ready`, and after a line of any kind `done` and what it saw.
pub(crate) fn serve() -> Result<bool, Failure> {
    let mut input = io::stdin().lock().lines();
    let order: Order = hear(&mut input)?;
    let protocol = *named(&order.protocol)?.first().ok_or("no protocol")?;
    let listener = loopback::bind()?;
    tell(&listener.local_addr()?)?;
    let addresses: Vec<SocketAddr> = hear(&mut input)?;
    let credentials = Credentials::from_pem(&order.credentials)?;
    let me = PartyId(order.role);
    let channel =
        loopback::connect(me, &listener, &addresses, &credentials, LinkConfig::default())?;
    let channel: Arc<dyn Channel> = Arc::new(channel);
    let mut right = true;
    // Only one place reads orders at a time.
    drop(input);
    for rep in 0..order.reps {
        let told = repetition(protocol, &order, rep, &channel)?;
        right &= told.exact;
        tell(&told)?;
    }
    Ok(right)
}

fn repetition(
    protocol: &Protocol,
    order: &Order,
    rep: u32,
    channel: &Arc<dyn Channel>,
) -> Result<Told, Failure> {
    let start = || {
        // A harness that went away shows when the next line is due.
        drop(tell(&"ready"));
        drop(hear::<String>(&mut io::stdin().lock().lines()));
        reset_peak();
    };
    let done = || drop(tell(&"done"));
    let [sender, receiver] = order.sizes;
    let place = (order.role, Sizes { sender, receiver }, rep);
    let mut seat =
        Seat::new(place, Network::Loopback.profile(), Arc::clone(channel), &start, &done);
    let exact = (protocol.party)(&mut seat)?;
    let seen = seat.seen()?;
    let (bytes, rounds, cpu_nanos) = (seen.bytes, seen.rounds, seen.cpu_nanos);
    Ok(Told { bytes, rounds, cpu_nanos, peak_rss: peak_rss(), exact })
}
