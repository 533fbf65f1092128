//! What goes wrong with the connections between two parties, by plan.

use std::{
    collections::VecDeque,
    io,
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    sync::watch,
};

/// What happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Strike {
    /// All connections between the two end without a goodbye.
    Cut,
    /// The same at the party that dialled; the other one hears nothing any more, and not of that.
    Half,
    /// Nothing passes any more, until they are cut.
    Hold,
    /// A bit of the next encrypted bytes on one of them is another.
    Garble,
}

/// The plan, and how far it is.
#[derive(Default)]
pub(super) struct Strikes {
    state: Mutex<State>,
    /// How many times the connections were cut.
    cuts: watch::Sender<u32>,
}

#[derive(Default)]
struct State {
    between: [&'static str; 2],
    plan: VecDeque<(usize, Strike)>,
    passed: usize,
    held: bool,
    half: bool,
}

impl Strikes {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn plan(&self, between: [&'static str; 2], strikes: &[(usize, Strike)]) {
        let plan = strikes.iter().copied().collect();
        *self.lock() = State { between, plan, ..State::default() };
    }

    pub(super) fn holds(&self) -> bool {
        self.lock().held
    }

    /// Whether those who were called do not hear that their connections are cut.
    pub(super) fn halves(&self) -> bool {
        self.lock().half
    }

    pub(super) fn cut(&self) {
        (self.lock().held, self.lock().passed) = (false, 0);
        self.cuts.send_modify(|cuts| *cuts += 1);
    }

    /// A new connection between these.
    pub(super) fn on(&self, [one, other]: [&'static str; 2], garbling: Garbling) -> Struck<'_> {
        let before = *self.cuts.borrow();
        Struck { strikes: self, ends: [[one, other], [other, one]], before, garbling }
    }
}

/// A connection that may be struck.
pub(super) struct Struck<'s> {
    strikes: &'s Strikes,
    ends: [[&'static str; 2]; 2],
    before: u32,
    garbling: Garbling,
}

impl Struck<'_> {
    /// Ends when the connection is cut.
    pub(super) async fn cut(&self) {
        let mut cuts = self.strikes.cuts.subscribe();
        loop {
            let cut = *cuts.borrow_and_update() > self.before;
            if (cut && self.ends.contains(&self.strikes.lock().between))
                || cuts.changed().await.is_err()
            {
                return;
            }
        }
    }

    fn is_cut(&self) -> bool {
        *self.strikes.cuts.borrow() > self.before
    }

    /// So many bytes are about to pass, to the party that was called or from it; waits where nothing passes.
    pub(super) async fn passed(&self, bytes: usize, there: bool) {
        let strike = {
            let mut state = self.strikes.lock();
            if !self.ends.contains(&state.between) {
                return;
            }
            // What was on its way when the connection was cut does not count for the next one.
            state.passed += if self.is_cut() { 0 } else { bytes };
            // Only what goes there can be garbled.
            let can = |strike| there || strike != Strike::Garble;
            let due = state.plan.front();
            let due = due.is_some_and(|(after, strike)| state.passed >= *after && can(*strike));
            let strike = if due { state.plan.pop_front() } else { None };
            state.held |= strike.is_some_and(|(_, strike)| strike == Strike::Hold);
            strike.map(|(_, strike)| strike)
        };
        match strike {
            Some(Strike::Cut) => self.strikes.cut(),
            Some(Strike::Half) => {
                self.strikes.lock().half = true;
                self.strikes.cut();
            }
            Some(Strike::Garble) => self.garbling.store(true, Ordering::Relaxed),
            Some(Strike::Hold) | None => {}
        }
        if self.strikes.holds() || self.is_cut() {
            std::future::pending::<()>().await;
        }
    }
}

/// Set once: what is written next is not what was meant.
pub(super) type Garbling = Arc<AtomicBool>;

/// A connection that can be told to change a bit.
pub(super) struct Garbled {
    tcp: TcpStream,
    garbling: Garbling,
}

impl Garbled {
    pub(super) fn of(tcp: TcpStream) -> (Self, Garbling) {
        let garbling = Garbling::default();
        (Self { tcp, garbling: garbling.clone() }, garbling)
    }
}

impl AsyncRead for Garbled {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Garbled {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let mut bytes = bytes.to_vec();
        // Behind the five bytes that say how long a record is.
        if bytes.len() > 6 && self.garbling.swap(false, Ordering::Relaxed) {
            bytes[6] ^= 1;
        }
        Pin::new(&mut self.tcp).poll_write(cx, &bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_shutdown(cx)
    }
}
