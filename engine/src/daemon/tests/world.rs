//! A coordinator, four participants and two buyers on loopback, each daemon with threads of its own, so that it can be killed.

use std::{
    collections::BTreeMap,
    net::{SocketAddr, TcpListener},
    path::PathBuf,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use tokio::runtime::Runtime;

use super::{
    super::{Coordinating, Daemon, DaemonError, Participating, Setup},
    fake::{FakePlanner, FakeRunner, Killed, Linked, key},
};
use crate::{
    client::Buyer,
    clock::{Clock, SystemClock},
    coordinator::Patience,
    identity::{PartyName, Pin, Pins, SealingKey},
    job::{
        Failure, JobId, JobKind, JobSpec, JobState, JoinBy, NetworkProfile, SPEC_DOMAIN, Security,
    },
    link::{Authority, Credentials, Dialler, Timeouts},
    provider::ConsentMode,
    store::{Database, JobStore, PartyRecord, PartyStore},
    wire::{ConsentCalls, JobView, PartyCalls},
};

pub(super) const PARTIES: [&str; 4] = ["census", "employers", "neutral", "bank"];
const ALL: [&str; 7] = ["census", "employers", "neutral", "bank", "exchange", "insurer", "rival"];

const TIMEOUTS: Timeouts =
    Timeouts { handshake: Duration::from_secs(5), rendezvous: Duration::from_secs(10) };

/// Long enough for a loaded machine; nothing is judged by it.
pub(super) const LIMIT: Duration = Duration::from_secs(30);

pub(super) struct World {
    directory: tempfile::TempDir,
    addresses: BTreeMap<&'static str, SocketAddr>,
    consent: ConsentMode,
    /// Whether whoever starts begins a new log.
    pub(super) new_log: bool,
    running: BTreeMap<&'static str, Running>,
    linked: Linked,
}

struct Running {
    runtime: Runtime,
    daemon: Daemon,
    killed: Killed,
}

pub(super) fn name(text: &str) -> PartyName {
    PartyName::try_from(text).unwrap()
}

/// A job whose SQL text is a script for the fake runners.
pub(super) fn spec(request_id: &str, sql: &str) -> JobSpec {
    let now = SystemClock.now_ms();
    JobSpec {
        schema: SPEC_DOMAIN.into(),
        request_id: request_id.into(),
        buyer: name("insurer"),
        sealing_key: SealingKey::from_bytes([9; 32]).public(),
        kind: JobKind::Sql { sql: sql.into() },
        purpose: "test".into(),
        compute: ["census", "employers", "neutral"].map(name).into(),
        issued_at_ms: now,
        expires_at_ms: now + 600_000,
        security: Security::SemiHonest,
        network: NetworkProfile::new(100, 1000),
        joins: JoinBy::Auto,
    }
}

impl World {
    /// Everybody up.
    pub(super) async fn new(consent: ConsentMode) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut addresses = BTreeMap::new();
        // Ports are drawn together, so that none is drawn twice, and kept over restarts.
        let drawn: Vec<_> = (0..5).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
        for (party, port) in PARTIES.into_iter().chain(["exchange"]).zip(&drawn) {
            addresses.insert(party, port.local_addr().unwrap());
        }
        drop(drawn);
        let (running, linked) = (BTreeMap::new(), Linked::default());
        let mut world = Self { directory, addresses, consent, new_log: false, running, linked };
        for party in PARTIES.into_iter().chain(["exchange"]) {
            world.start(party).await;
        }
        world
    }

    /// Starts one daemon on its journal.
    pub(super) async fn start(&mut self, party: &'static str) {
        self.try_start(party).await.unwrap();
    }

    /// Starts one daemon that may refuse.
    pub(super) async fn try_start(&mut self, party: &'static str) -> Result<(), DaemonError> {
        let killed = Killed::default();
        let setup = self.setup(party, &killed);
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        match runtime.spawn(Daemon::start(setup)).await.unwrap() {
            Ok(daemon) => {
                self.running.insert(party, Running { runtime, daemon, killed });
                Ok(())
            }
            Err(error) => {
                runtime.shutdown_background();
                Err(error)
            }
        }
    }

    /// Waits until all links of a job stand, at every participant.
    pub(super) async fn all_linked(&self, job: JobId) {
        let linked = |party| self.linked.lock().unwrap().contains(&(name(party), job));
        let waiting = async {
            while !PARTIES.into_iter().all(linked) {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(LIMIT, waiting).await.expect("the links never stood");
    }

    /// Ends one daemon without a word, as `kill -9` does.
    pub(super) fn kill(&mut self, party: &str) {
        let running = self.running.remove(party).unwrap();
        running.killed.store(true, Ordering::SeqCst);
        running.runtime.shutdown_background();
    }

    /// Takes one daemon down in order.
    pub(super) async fn drain(&mut self, party: &str, limit: Duration) {
        let Running { runtime, daemon, .. } = self.running.remove(party).unwrap();
        runtime.spawn(daemon.drain(limit)).await.unwrap().unwrap();
        runtime.shutdown_background();
    }

    fn setup(&self, party: &'static str, killed: &Killed) -> Setup {
        let coordinating = (party == "exchange").then(|| Coordinating {
            planner: Arc::new(FakePlanner),
            parties: PARTIES.map(|p| (name(p), self.addresses[p].to_string())).into(),
            patience: Patience {
                poll: Duration::from_millis(20),
                prepare: Duration::from_secs(3),
                lost: Duration::from_secs(2),
                release: Duration::from_secs(20),
                ..Patience::default()
            },
        });
        let participating = (party != "exchange").then(|| Participating {
            runner: Arc::new(FakeRunner {
                name: name(party),
                killed: killed.clone(),
                linked: self.linked.clone(),
            }),
            coordinator: name("exchange"),
            consent: self.consent,
        });
        Setup {
            credentials: credentials(party),
            listen: self.addresses[party],
            state: self.state(party),
            new_log: self.new_log,
            timeouts: TIMEOUTS,
            clock: Arc::new(SystemClock),
            coordinating,
            participating,
        }
    }

    fn state(&self, party: &str) -> PathBuf {
        self.directory.path().join(party)
    }

    /// Where a daemon's log is.
    pub(super) fn log(&self, party: &str) -> PathBuf {
        self.state(party).join("audit.jsonl")
    }

    /// A buyer's connection.
    pub(super) fn buyer(&self, who: &str) -> Buyer {
        let dialler = Dialler::new(credentials(who), TIMEOUTS);
        let address = self.addresses["exchange"].to_string();
        Buyer::new(dialler, &name("exchange"), &address, LIMIT).unwrap()
    }

    /// Calls to a participant with somebody's key.
    pub(super) fn calls(&self, who: &str, to: &str) -> PartyCalls {
        let dialler = Dialler::new(credentials(who), TIMEOUTS);
        let channel = dialler.control(&name(to), &self.addresses[to].to_string()).unwrap();
        PartyCalls::new(name(to), channel, LIMIT)
    }

    /// Consent calls to a participant with somebody's key.
    pub(super) fn people(&self, who: &str, to: &str) -> ConsentCalls {
        let dialler = Dialler::new(credentials(who), TIMEOUTS);
        let channel = dialler.control(&name(to), &self.addresses[to].to_string()).unwrap();
        ConsentCalls::new(name(to), channel, LIMIT)
    }

    /// Where a participant listens.
    pub(super) fn address(&self, party: &str) -> String {
        self.addresses[party].to_string()
    }

    /// The states a job went through.
    pub(super) async fn history(&self, job: JobId) -> Vec<JobState> {
        let database = Database::open(&self.state("exchange").join("journal.db")).await.unwrap();
        JobStore::new(database).history(job).await.unwrap()
    }

    /// Has a coordinator that is down lose its receipts.
    pub(super) async fn forget_receipts(&self) {
        let database = Database::open(&self.state("exchange").join("journal.db")).await.unwrap();
        JobStore::new(database).forget_receipts().await.unwrap();
    }

    /// A job in a participant's journal.
    pub(super) async fn record(&self, party: &str, job: JobId) -> PartyRecord {
        let database = Database::open(&self.state(party).join("journal.db")).await.unwrap();
        PartyStore::new(database).get(job).await.unwrap().unwrap()
    }

    /// Runs a plain job through, to see that everybody is free.
    pub(super) async fn serves_the_next_job(&self) {
        let buyer = self.buyer("insurer");
        let job = buyer.submit(&spec("next", "from census employers")).await.unwrap().job;
        let view = until(&buyer, job, JobState::ResultReady).await;
        assert_eq!(view.state, JobState::ResultReady, "{:?}", view.failure);
    }
}

impl Drop for World {
    fn drop(&mut self) {
        for (_, running) in std::mem::take(&mut self.running) {
            running.killed.store(true, Ordering::SeqCst);
            running.runtime.shutdown_background();
        }
    }
}

/// Waits until a job is in this state, or has ended.
pub(super) async fn until(buyer: &Buyer, job: JobId, state: JobState) -> JobView {
    let waiting = async {
        loop {
            let view = buyer.get(job).await.unwrap();
            if view.state == state || view.state.is_final() {
                return view;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(LIMIT, waiting).await.expect("the job stands still")
}

/// Submits and waits for a job's end; returns its failure.
pub(super) async fn failure(world: &World, sql: &str) -> (JobView, Failure) {
    let buyer = world.buyer("insurer");
    let job = buyer.submit(&spec(sql, sql)).await.unwrap().job;
    let view = until(&buyer, job, JobState::ResultReady).await;
    let failure = view.failure.clone().expect("the job was to fail");
    (view, failure)
}

fn credentials(party: &str) -> Credentials {
    let mut pins = Pins::default();
    for other in ALL {
        let pin = Pin { key: key(other).public(), organisation: other.into(), sealing_key: None };
        pins.insert(name(other), pin);
    }
    let authority = Authority::new(key("authority"));
    let chain = authority.certify(&name(party), &key(party).public()).unwrap();
    let root = authority.certificate_pem().unwrap();
    Credentials::from_pem(name(party), Arc::new(key(party)), &chain, &root, Arc::new(pins)).unwrap()
}
