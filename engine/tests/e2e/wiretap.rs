//! A relay in front of every daemon. It holds everybody's keys, which only a test can, so it poses as each party to each
//! other, and writes down in the clear all that passes: calls and their messages, and the frames of the data plane.

mod control;
mod ends;
mod links;
mod strikes;

use std::{
    net::TcpListener,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::{net::TcpStream, runtime::Runtime};

use crate::world::World;

pub(crate) use control::Call;
pub(crate) use ends::Ends;
pub(crate) use links::{Link, Sent};
pub(crate) use strikes::Strike;
use strikes::{Garbled, Strikes};

/// The relay; it ends when it is dropped.
pub(crate) struct Wiretap {
    kept: Arc<Kept>,
    _runtime: Runtime,
}

/// What has passed so far.
#[derive(Default)]
struct Kept {
    calls: Mutex<Vec<Call>>,
    links: Mutex<Vec<Link>>,
    strikes: Strikes,
}

impl Kept {
    fn calls(&self) -> MutexGuard<'_, Vec<Call>> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn links(&self) -> MutexGuard<'_, Vec<Link>> {
        self.links.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wiretap {
    /// Listens where the world's parties look for each other.
    pub(crate) fn of(world: &World) -> Self {
        let kept = Arc::new(Kept::default());
        let ends = Arc::new(Ends::of(world));
        let runtime = Runtime::new().unwrap();
        for called in world.daemons() {
            let listener = TcpListener::bind(world.reached(called)).unwrap();
            listener.set_nonblocking(true).unwrap();
            let (kept, ends, real) = (kept.clone(), ends.clone(), world.listen(called));
            runtime.spawn(async move {
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                while let Ok((tcp, _)) = listener.accept().await {
                    tokio::spawn(relay(ends.clone(), kept.clone(), called, real.clone(), tcp));
                }
            });
        }
        Self { kept, _runtime: runtime }
    }

    /// All calls so far, in the order in which they began.
    pub(crate) fn calls(&self) -> Vec<Call> {
        self.kept.calls().clone()
    }

    /// Strikes the data connections between two parties, once each time that so many bytes more have passed over them.
    pub(crate) fn strike(&self, between: [&'static str; 2], strikes: &[(usize, Strike)]) {
        self.kept.strikes.plan(between, strikes);
    }

    /// Whether the connections are held.
    pub(crate) fn holds(&self) -> bool {
        self.kept.strikes.holds()
    }

    /// Cuts the connections that are held.
    pub(crate) fn cut_held(&self) {
        self.kept.strikes.cut();
    }

    /// All connections of the data plane so far.
    pub(crate) fn links(&self) -> Vec<Link> {
        self.kept.links().clone()
    }
}

/// Relays one connection. What does not come about just closes, as it would without a relay.
async fn relay(
    ends: Arc<Ends>,
    kept: Arc<Kept>,
    called: &'static str,
    real: String,
    tcp: TcpStream,
) -> Option<()> {
    tcp.set_nodelay(true).ok()?;
    let near = ends.acceptor(called).accept(tcp).await.ok()?;
    let connection = near.get_ref().1;
    let caller = ends.name_of(connection.peer_certificates()?.first()?)?;
    let protocol = connection.alpn_protocol()?.to_vec();
    let tcp = TcpStream::connect(real).await.ok()?;
    tcp.set_nodelay(true).ok()?;
    let (tcp, garbling) = Garbled::of(tcp);
    let name = called.try_into().ok()?;
    let far = ends.connector(caller, &protocol).connect(name, tcp).await.ok()?;
    match protocol.as_slice() {
        b"h2" => control::relay(&kept, (caller, called), near, far).await.ok(),
        _ => links::relay(&kept, (caller, called), near, (far, garbling)).await,
    }
}
