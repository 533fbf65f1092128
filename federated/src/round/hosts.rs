//! The three compute parties as a provider sees them that does not compute. Links that nobody waits for are looked after beside the
//! trainer, so that none stays lost while another one is talked to.

use std::{
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, TryLockError,
        mpsc::{self, Receiver, RecvTimeoutError, Sender},
    },
    thread,
};

use protocols::{net::Channel, party::Role, session::Wire};

use super::{
    course::Course,
    error::RoundError,
    host::{Failed, Given, Host},
    message::Ask,
    pledge::Pledge,
    resume::{LOOK, Mends},
};
use crate::average::Share;

/// All three, and whoever looks after them as long as this is there.
pub(super) struct Hosts {
    all: Arc<[Mutex<Host>; 3]>,
    channel: Arc<dyn Channel>,
    failed: Failed,
    _watch: Sender<()>,
}

impl Hosts {
    /// At the step of this provider's wire, which must not be used meanwhile.
    pub(super) fn new(wire: &Wire, course: &Course) -> Result<Self, RoundError> {
        let failed = Failed::default();
        let all = Role::ALL.map(|role| Host::new(wire, course, role, &failed));
        Self::watched(wire, all, failed)
    }

    /// The same at a provider that was killed and is back, with what it had said.
    pub(super) fn back(
        wire: &Wire,
        course: &Course,
        pledge: Option<Pledge>,
    ) -> Result<Self, RoundError> {
        let failed = Failed::default();
        let pledge = pledge.map(|mut pledge| {
            let given: Given = Arc::new(pledge.shares.take());
            (pledge, given)
        });
        let host = |role| Host::new(wire, course, role, &failed).back(pledge.as_ref());
        let [p0, p1, p2] = Role::ALL;
        let all = [host(p0)?, host(p1)?, host(p2)?];
        Self::watched(wire, all, failed)
    }

    fn watched(wire: &Wire, all: [Host; 3], failed: Failed) -> Result<Self, RoundError> {
        let all = Arc::new(all.map(Mutex::new));
        let (watch, watched) = mpsc::channel();
        let held = Arc::clone(&all);
        // Not joined: a link that does not come about must not keep this party from ending the run.
        let looking = thread::Builder::new().name("looks after links".to_owned());
        looking.spawn(move || look_after(&held, &watched)).map_err(|error| RoundError::Disk {
            round: 1,
            what: "starting a thread",
            why: (&error).into(),
        })?;
        Ok(Self { all, channel: wire.channel(), failed, _watch: watch })
    }

    /// What the compute parties ask; all three ask the same.
    pub(super) fn asked(&self) -> Result<Ask, RoundError> {
        let [p0, p1, p2] = Role::ALL;
        let first = self.of(p0).asked()?;
        let (second, third) = (self.of(p1).asked()?, self.of(p2).asked()?);
        if first != second || first != third {
            let round = u32::try_from(first.round).unwrap_or(u32::MAX).saturating_add(1);
            return Err(RoundError::Model { round });
        }
        Ok(first)
    }

    /// The model that one of them hands out.
    pub(super) fn model(&self, server: Role, numbers: usize) -> Result<Vec<f32>, RoundError> {
        self.of(server).model(numbers)
    }

    /// Tells all three that this provider gets on with work of its own.
    pub(super) fn working(&self) {
        self.channel.working();
    }

    /// Gives each its part of an update, or says that there is none.
    pub(super) fn give(&self, shares: Option<[Share; 3]>) -> Result<(), RoundError> {
        let given: Given = Arc::new(shares);
        let depth = Role::ALL.map(|role| self.of(role).wire().depth()).into_iter().max();
        let depth = depth.unwrap_or_default();
        Role::ALL.into_iter().try_for_each(|role| self.of(role).give(&given, depth))
    }

    /// Why a link does not come about again, if there is one.
    pub(super) fn failed(&self) -> Option<RoundError> {
        self.failed.get().cloned()
    }

    /// Counts on the provider's wire what passed.
    pub(super) fn counted(&self, wire: &mut Wire) {
        // Those whose links are not being made anew.
        self.all.iter().filter_map(free).for_each(|mut host| wire.absorb(host.wire()));
    }

    fn of(&self, role: Role) -> MutexGuard<'_, Host> {
        self.all[role.index()].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Looks for lost links until nobody holds the other end.
fn look_after(all: &[Mutex<Host>; 3], watched: &Receiver<()>) {
    while watched.recv_timeout(LOOK) == Err(RecvTimeoutError::Timeout) {
        all.iter().filter_map(free).for_each(|mut host| host.look());
    }
}

/// Who is talked to finds out by itself.
fn free(host: &Mutex<Host>) -> Option<MutexGuard<'_, Host>> {
    match host.try_lock() {
        Ok(host) => Some(host),
        Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
        Err(TryLockError::WouldBlock) => None,
    }
}

impl fmt::Debug for Hosts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hosts")
    }
}
