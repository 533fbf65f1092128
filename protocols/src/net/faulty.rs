//! A wrapper that breaks what passes, at planned places: for tests of everything that must notice.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::Duration,
};

use super::{
    channel::{Abort, Channel, ChannelError},
    frame::Frame,
};
use crate::party::PartyId;

/// What happens to a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// It is lost.
    Drop,
    /// It leaves this much later, and so does everything after it.
    Delay(Duration),
    /// The bit with this number, counted around the body, is flipped; an empty body grows by one byte.
    FlipBit(usize),
    /// The body is cut to this length.
    Truncate(usize),
    /// It claims another message of its step.
    WrongTag,
    /// The sender goes away instead of sending it, from every peer.
    Close,
}

/// A fault and its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Planned {
    /// The peer the frame is for.
    pub to: PartyId,
    /// Which frame to that peer, from 0.
    pub nth: usize,
    /// What happens to it.
    pub fault: Fault,
}

/// A channel whose owner, or whose network, is at fault.
pub struct Faulty<C> {
    me: PartyId,
    /// `None` once it went away.
    inner: Mutex<Option<Arc<C>>>,
    plan: Vec<Planned>,
    sent: Mutex<BTreeMap<PartyId, usize>>,
}

impl<C: Channel> Faulty<C> {
    /// `inner` with these faults. At most one a frame; the first listed counts.
    pub fn new(inner: C, plan: Vec<Planned>) -> Self {
        let me = inner.me();
        Self { me, inner: Mutex::new(Some(Arc::new(inner))), plan, sent: Mutex::default() }
    }

    fn inner(&self, peer: PartyId) -> Result<Arc<C>, ChannelError> {
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.clone().ok_or(ChannelError::Closed(peer))
    }

    /// The fault of the next frame to `to`.
    fn next_fault(&self, to: PartyId) -> Option<Fault> {
        let mut sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        let count = sent.entry(to).or_default();
        let nth = *count;
        *count += 1;
        self.plan.iter().find(|planned| planned.to == to && planned.nth == nth).map(|it| it.fault)
    }
}

#[expect(clippy::disallowed_methods, reason = "a fault that is a delay")]
fn wait(delay: Duration) {
    thread::sleep(delay);
}

impl<C: Channel> Channel for Faulty<C> {
    fn me(&self) -> PartyId {
        self.me
    }

    fn send(&self, to: PartyId, mut frame: Frame) -> Result<(), ChannelError> {
        match self.next_fault(to) {
            None => {}
            Some(Fault::Drop) => return Ok(()),
            Some(Fault::Delay(delay)) => wait(delay),
            Some(Fault::FlipBit(_)) if frame.body.is_empty() => frame.body = vec![0].into(),
            Some(Fault::FlipBit(bit)) => {
                let bit = bit % (8 * frame.body.len());
                frame.body[bit / 8] ^= 1 << (bit % 8);
            }
            Some(Fault::Truncate(len)) => frame.body.truncate(len),
            Some(Fault::WrongTag) => frame.tag.seq = frame.tag.seq.wrapping_add(1),
            Some(Fault::Close) => {
                self.inner.lock().unwrap_or_else(PoisonError::into_inner).take();
            }
        }
        self.inner(to)?.send(to, frame)
    }

    fn recv(&self, from: PartyId) -> Result<Frame, ChannelError> {
        self.inner(from)?.recv(from)
    }

    fn working(&self) {
        if let Ok(inner) = self.inner(self.me) {
            inner.working();
        }
    }

    fn abort(&self, abort: Abort) {
        if let Ok(inner) = self.inner(self.me) {
            inner.abort(abort);
        }
    }
}

impl<C> fmt::Debug for Faulty<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Faulty({}, {:?})", self.me, self.plan)
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{AbortCode, Tag, loopback, memory, tls::LinkConfig},
        *,
    };
    use crate::party::Role;

    const ROUNDS: u32 = 8;
    const SOON: Duration = Duration::from_millis(300);
    const NEVER: Duration = Duration::from_secs(60);

    /// The frame due from `from` in `round`.
    fn due(from: PartyId, round: u32) -> Frame {
        let tag = Tag { path: 1, seq: round, chunk: 0 };
        Frame { tag, depth: round, body: vec![from.0.to_le_bytes()[0]; 16].into() }
    }

    /// Each round everybody tells both others something; who misses anything ends the run.
    fn chatter(channel: &dyn Channel) -> Result<(), ChannelError> {
        let me = channel.me().role().unwrap();
        let peers = [me.prev().id(), me.next().id()];
        for round in 0..ROUNDS {
            for peer in peers {
                channel.send(peer, due(me.id(), round))?;
            }
            for peer in peers {
                if channel.recv(peer)? != due(peer, round) {
                    let what = "not the frame due".to_owned();
                    return Err(ChannelError::Malformed { peer, what });
                }
            }
        }
        Ok(())
    }

    /// Runs it at all three; a party that fails tells the others.
    fn run<C: Channel>(ends: Vec<C>, planned: Planned) -> Vec<Result<(), ChannelError>> {
        let [p0, p1, p2] = <[C; 3]>::try_from(ends).ok().unwrap();
        let ends =
            [Faulty::new(p0, vec![planned]), Faulty::new(p1, vec![]), Faulty::new(p2, vec![])];
        thread::scope(|scope| {
            let party = |end| {
                scope.spawn(move || {
                    let end: Faulty<C> = end;
                    let outcome = chatter(&end);
                    if outcome.is_err() {
                        end.abort(Abort { party: end.me(), path: 1, code: AbortCode::Protocol });
                    }
                    outcome
                })
            };
            let threads = ends.map(party);
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        })
    }

    fn over_memory(planned: Planned, stall: Duration) -> Vec<Result<(), ChannelError>> {
        run(memory::mesh(3, stall), planned)
    }

    fn over_tls(planned: Planned, stall: Duration) -> Vec<Result<(), ChannelError>> {
        let config = LinkConfig { stall, ..LinkConfig::default() };
        run(loopback::mesh(3, config).unwrap(), planned)
    }

    #[test]
    fn each_fault_ends_the_run_at_every_party() {
        for fault in [
            Fault::Drop,
            Fault::FlipBit(77),
            Fault::Truncate(15),
            Fault::Truncate(0),
            Fault::WrongTag,
            Fault::Close,
        ] {
            for peer in [Role::P1, Role::P2] {
                let planned = Planned { to: peer.id(), nth: 3, fault };
                for (party, outcome) in over_memory(planned, SOON).into_iter().enumerate() {
                    assert!(outcome.is_err(), "{planned:?} over memory went past party {party}");
                }
                for (party, outcome) in over_tls(planned, SOON).into_iter().enumerate() {
                    assert!(outcome.is_err(), "{planned:?} over TLS went past party {party}");
                }
            }
        }
    }

    #[test]
    fn a_delay_is_none_of_them() {
        let fault = Fault::Delay(Duration::from_millis(20));
        let planned = Planned { to: PartyId(1), nth: 3, fault };
        assert_eq!(over_memory(planned, NEVER), [Ok(()), Ok(()), Ok(())]);
        assert_eq!(over_tls(planned, NEVER), [Ok(()), Ok(()), Ok(())]);
    }
}
