//! Putting the parts of a daemon together, and taking it down.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::{sync::watch, task::JoinHandle};
use tonic::transport::Server;

use crate::{
    audit::{Ledger, LogError},
    clock::Clock,
    coordinator::{Board, JobServer, Patience, Planner},
    identity::PartyName,
    job::{Failure, Reason, Stage},
    link::{Acceptor, Credentials, Dialler, LinkError, Rendezvous, Timeouts},
    provider::{ConsentMode, Desk, PartyServer, Runner},
    store::{Database, HeadStore, JobStore, PartyStore, StoreError},
    wire::DESCRIPTORS,
};

/// A daemon that cannot start or go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DaemonError {
    /// Its port or its credentials.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// Its journal.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Its log of what it did: broken, or not to be written.
    #[error(transparent)]
    Log(#[from] LogError),
    /// What it was to do first.
    #[error(transparent)]
    Start(#[from] Failure),
    /// Its services.
    #[error("gRPC: {0}")]
    Serve(String),
}

/// What a daemon is made of.
#[derive(Debug)]
pub struct Setup {
    /// Who it is.
    pub credentials: Credentials,
    /// Where it listens.
    pub listen: SocketAddr,
    /// The directory of its journal (`journal.db`) and its log (`audit.jsonl`).
    pub state: PathBuf,
    /// Whether a log that is lost is to be replaced by a new one.
    pub new_log: bool,
    /// How long connections may take.
    pub timeouts: Timeouts,
    /// Its clock.
    pub clock: Arc<dyn Clock>,
    /// Its part as a coordinator.
    pub coordinating: Option<Coordinating>,
    /// Its part as a participant.
    pub participating: Option<Participating>,
}

/// What makes a daemon a coordinator.
#[derive(Debug)]
pub struct Coordinating {
    /// Plans and receipts.
    pub planner: Arc<dyn Planner>,
    /// The participants and where they listen (host:port).
    pub parties: BTreeMap<PartyName, String>,
    /// How long it waits.
    pub patience: Patience,
}

/// What makes a daemon a participant.
#[derive(Debug)]
pub struct Participating {
    /// Tables, plans, protocols.
    pub runner: Arc<dyn Runner>,
    /// Who may ask it for work.
    pub coordinator: PartyName,
    /// Who answers when policies allow a job.
    pub consent: ConsentMode,
}

/// A running daemon. Dropping it does not end it; [`Daemon::drain`] does.
#[derive(Debug)]
pub struct Daemon {
    address: SocketAddr,
    draining: Arc<AtomicBool>,
    close: watch::Sender<bool>,
    board: Option<Arc<Board>>,
    desk: Option<Arc<Desk>>,
    serving: JoinHandle<Result<(), tonic::transport::Error>>,
    health: tonic_health::server::HealthReporter,
}

impl Daemon {
    /// Starts a daemon: opens the journal, checks the whole log, takes up or ends what they hold, listens.
    ///
    /// # Errors
    /// [`DaemonError`].
    pub async fn start(setup: Setup) -> Result<Self, DaemonError> {
        let name = setup.credentials.name().clone();
        let database = Database::open(&setup.state.join("journal.db")).await?;
        let (log, head) = (setup.state.join("audit.jsonl"), HeadStore::new(database.clone()));
        let ledger = match setup.new_log {
            true => Ledger::begin(&log, head, setup.clock.clone()).await?,
            false => Ledger::open(&log, head, setup.clock.clone()).await?,
        };
        let rendezvous = Arc::new(Rendezvous::default());
        let dialler = Dialler::new(setup.credentials.clone(), setup.timeouts);
        let (credentials, timeouts) = (setup.credentials, setup.timeouts);
        let acceptor =
            Acceptor::bind(setup.listen, credentials, rendezvous.clone(), timeouts).await?;
        let address = acceptor.local_addr()?;
        let draining = Arc::new(AtomicBool::new(false));
        let board = setup
            .coordinating
            .map(|part| {
                let store = (JobStore::new(database.clone()), ledger.clone());
                let (clock, parties) = (setup.clock.clone(), part.parties);
                let board =
                    Board::new(store, part.planner, dialler.clone(), clock, part.patience, parties);
                board.map(Arc::new)
            })
            .transpose()?;
        let party = setup.participating.map(|part| {
            let (store, clock) = ((PartyStore::new(database), ledger), setup.clock);
            let desk = Desk::new(part.runner, store, dialler, rendezvous, clock, part.consent);
            let (coordinator, draining) = (part.coordinator, draining.clone());
            PartyServer { desk: Arc::new(desk), coordinator, draining }
        });
        let desk = party.as_ref().map(|party| party.desk.clone());
        if let Some(desk) = &desk {
            desk.recover().await?;
            desk.announce().await?;
        }
        let (close, closed) = watch::channel(false);
        let (health, health_service) = tonic_health::server::health_reporter();
        serving(&health, board.is_some(), desk.is_some(), true).await;
        let mut routes = tonic::service::Routes::builder();
        routes.add_service(health_service).add_service(reflection()?);
        if let Some(board) = &board {
            JobServer(board.clone()).add_to(&mut routes);
        }
        if let Some(party) = party {
            party.add_to(&mut routes);
        }
        let serving = tokio::spawn(serve(acceptor, routes.routes(), closed));
        if let Some(board) = &board {
            board.recover().await?;
        }
        if let Some(desk) = &desk {
            tokio::spawn(sweep(Arc::downgrade(desk)));
        }
        tracing::info!(%name, %address, "listening");
        Ok(Self { address, draining, close, board, desk, serving, health })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Takes no new work, lets what runs end within `limit`, then closes.
    ///
    /// # Errors
    /// [`DaemonError::Serve`] if the services had failed.
    pub async fn drain(self, limit: Duration) -> Result<(), DaemonError> {
        self.draining.store(true, Ordering::SeqCst);
        serving(&self.health, self.board.is_some(), self.desk.is_some(), false).await;
        if let Some(board) = &self.board {
            board.drain();
        }
        let idle = async || {
            while self.busy() {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        if tokio::time::timeout(limit, idle()).await.is_err()
            && let Some(desk) = &self.desk
        {
            let words = "the daemon was shut down while the job ran";
            let why = Failure::new(Reason::Interrupted, Stage::Run, words).at(desk.name());
            desk.stop_all(&why);
            // The stopped runs still have to say so.
            let _ = tokio::time::timeout(CLOSING, idle()).await;
        }
        if self.desk.as_ref().is_some_and(|desk| desk.leave()) {
            // Whoever is told goodbye does not call again.
            return Ok(());
        }
        self.close.send_replace(true);
        // Streams that clients keep open (watching a job) do not hold up the end.
        match tokio::time::timeout(CLOSING, self.serving).await {
            Ok(Ok(Ok(()))) | Err(_) => Ok(()),
            Ok(Ok(Err(error))) => Err(DaemonError::Serve(error.to_string())),
            Ok(Err(error)) => Err(DaemonError::Serve(error.to_string())),
        }
    }

    fn busy(&self) -> bool {
        let running = self.desk.as_ref().is_some_and(|desk| desk.busy());
        running || self.board.as_ref().is_some_and(|board| board.busy())
    }
}

/// How often expired jobs are looked for.
const SWEEP_EVERY: Duration = Duration::from_secs(10);

/// How long open connections get to finish once nothing runs any more.
const CLOSING: Duration = Duration::from_secs(3);

async fn serve(
    acceptor: Acceptor,
    routes: tonic::service::Routes,
    mut closed: watch::Receiver<bool>,
) -> Result<(), tonic::transport::Error> {
    Server::builder()
        .http2_keepalive_interval(Some(Duration::from_secs(5)))
        .http2_keepalive_timeout(Some(Duration::from_secs(10)))
        .add_routes(routes)
        .serve_with_incoming_shutdown(acceptor.serve(), async move {
            // An error means that the daemon's handle is gone without draining: serve on.
            if closed.wait_for(|closed| *closed).await.is_err() {
                std::future::pending::<()>().await;
            }
        })
        .await
}

/// Looks for expired jobs now and then, as long as the desk is there.
async fn sweep(desk: std::sync::Weak<Desk>) {
    loop {
        tokio::time::sleep(SWEEP_EVERY).await;
        let Some(desk) = desk.upgrade() else { return };
        if let Err(error) = desk.sweep().await {
            tracing::error!(%error, "expired jobs were not ended");
        }
    }
}

fn reflection() -> Result<
    tonic_reflection::server::v1::ServerReflectionServer<
        impl tonic_reflection::server::v1::ServerReflection,
    >,
    DaemonError,
> {
    tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(DESCRIPTORS)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        .build_v1()
        .map_err(|error| DaemonError::Serve(error.to_string()))
}

async fn serving(
    health: &tonic_health::server::HealthReporter,
    coordinating: bool,
    participating: bool,
    up: bool,
) {
    let status = match up {
        true => tonic_health::ServingStatus::Serving,
        false => tonic_health::ServingStatus::NotServing,
    };
    health.set_service_status("", status).await;
    if coordinating {
        health.set_service_status("unseen.v1.JobService", status).await;
    }
    if participating {
        health.set_service_status("unseen.v1.PartyService", status).await;
        health.set_service_status("unseen.v1.ConsentService", status).await;
    }
}
