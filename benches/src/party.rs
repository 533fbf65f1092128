//! One party as a process: takes its orders as JSON lines on standard input, answers on standard output.

use std::{
    io::{self, BufRead, Lines, StdinLock, Write},
    net::SocketAddr,
    sync::Arc,
};

use protocols::{
    mpc::Column,
    net::{
        Channel,
        loopback::{self, Credentials},
        tls::LinkConfig,
    },
    party::Role,
    session::Profile,
    testkit::World,
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{
    Failure,
    case::{Case, Verdict},
    figure::{peak_rss, reset_peak},
    run::{Seen, repetition, seed},
};

/// What a party is told first.
#[derive(Serialize, Deserialize)]
pub(crate) struct Order {
    pub(crate) role: usize,
    pub(crate) case: String,
    pub(crate) n: usize,
    pub(crate) reps: u32,
    pub(crate) credentials: String,
}

/// What a party says of a repetition.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Told {
    pub(crate) bytes: u64,
    pub(crate) rounds: u32,
    pub(crate) peak_rss: u64,
    pub(crate) verdict: Verdict,
}

/// Serves one order: its address, then for each repetition `ready`, and after a line of any kind `done` and what it saw.
pub(crate) fn serve() -> Result<bool, Failure> {
    let mut input = io::stdin().lock().lines();
    let order: Order = hear(&mut input)?;
    let role = *Role::ALL.get(order.role).ok_or("a role is 0, 1 or 2")?;
    let case = *Case::named(&order.case)?.first().ok_or("no case")?;
    let listener = loopback::bind()?;
    tell(&listener.local_addr()?)?;
    let addresses: Vec<SocketAddr> = hear(&mut input)?;
    let credentials = Credentials::from_pem(&order.credentials)?;
    let config = LinkConfig::default();
    let channel = loopback::connect(role.id(), &listener, &addresses, &credentials, config)?;
    let channel: Arc<dyn Channel> = Arc::new(channel);
    let mut right = true;
    for rep in 0..order.reps {
        let told = one(case, &order, rep, (role, &channel), &mut input)?;
        right &= told.verdict.is_right();
        tell(&told)?;
    }
    Ok(right)
}

fn one(
    case: &Case,
    order: &Order,
    rep: u32,
    (role, channel): (Role, &Arc<dyn Channel>),
    input: &mut Lines<StdinLock<'_>>,
) -> Result<Told, Failure> {
    let world = World::new(seed(rep));
    let clear = case.inputs(&world, order.n);
    let mut inputs: Vec<Column> = Vec::new();
    for (label, column) in (0..).zip(&clear) {
        let mut dealt = column.deal(&world, label).into_iter();
        inputs.extend(dealt.nth(role.index()));
    }
    tell(&"ready")?;
    hear::<String>(input)?;
    let done = || drop(tell(&"done"));
    let case = (case, rep, Profile::LOOPBACK);
    let seen = repetition(case, role, Arc::clone(channel), &clear, &inputs, (reset_peak, done))?;
    let Seen { bytes, rounds, verdict, .. } = seen;
    Ok(Told { bytes, rounds, peak_rss: peak_rss(), verdict })
}

pub(crate) fn tell<T: Serialize>(what: &T) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    serde_json::to_writer(&mut out, what)?;
    out.write_all(b"\n")?;
    Ok(out.flush()?)
}

pub(crate) fn hear<T: DeserializeOwned>(input: &mut Lines<StdinLock<'_>>) -> Result<T, Failure> {
    let line = input.next().ok_or("the harness went away")??;
    Ok(serde_json::from_str(&line)?)
}
