//! Two parties over the memory mesh, from one seed: the testkit's twin for protocols of two.

use std::{sync::Arc, time::Duration};

use crate::{
    net::{Channel, memory},
    party::PartyId,
    prg::Prg,
    ring::Z128,
    session::{Counters, Gate, Opening, Pair, PairCost, SessionError, Side, Wire},
};

/// A seed and a stall timeout; every run from one seed is the same run. Party 0 is the sender, party 1 the receiver.
#[derive(Clone, Copy, Debug)]
pub struct Duo {
    seed: u64,
    stall: Duration,
}

/// What came of one run of two.
#[derive(Clone, Debug)]
pub struct DuoRun<S, R> {
    /// The sender's result.
    pub sender: S,
    /// The receiver's result.
    pub receiver: R,
    /// What each side put on the link: sender, receiver.
    pub sent: [Counters; 2],
    /// The longest chain of messages.
    pub rounds: u32,
    /// What each side opened to the other.
    pub opened: [Vec<Opening>; 2],
}

impl Duo {
    /// Two parties from a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { seed, stall: Duration::from_secs(60) }
    }

    /// The same with another stall timeout.
    #[must_use]
    pub fn stalling_after(self, stall: Duration) -> Self {
        Self { stall, ..self }
    }

    /// A generator of this seed, another one for every label.
    #[must_use]
    pub fn prg(&self, label: u64) -> Prg {
        let mut key = [0; 16];
        key[..8].copy_from_slice(&self.seed.to_le_bytes());
        key[8..].copy_from_slice(&label.to_le_bytes());
        Prg::new(&key)
    }

    /// Distinct-looking random 128-bit words of this seed.
    #[must_use]
    pub fn words(&self, label: u64, n: usize) -> Vec<u128> {
        self.prg(label).elements::<Z128>(n).to_vec()
    }

    /// Runs a protocol at both ends; each gets its pair and a generator of its own.
    ///
    /// # Panics
    /// If a party fails; the message has the seed.
    pub fn run<S: Send, R: Send>(
        &self,
        sender: impl FnOnce(&mut Pair<'_>, &mut Prg) -> Result<S, SessionError> + Send,
        receiver: impl FnOnce(&mut Pair<'_>, &mut Prg) -> Result<R, SessionError> + Send,
    ) -> DuoRun<S, R> {
        let channels = memory::mesh(2, self.stall).into_iter();
        let channels: Vec<_> =
            channels.map(|channel| Arc::new(channel) as Arc<dyn Channel>).collect();
        let run = self.run_over(channels, sender, receiver);
        let seed = self.seed;
        let sender = run.sender.unwrap_or_else(|error| panic!("seed {seed}, sender: {error}"));
        let receiver =
            run.receiver.unwrap_or_else(|error| panic!("seed {seed}, receiver: {error}"));
        DuoRun { sender, receiver, sent: run.sent, rounds: run.rounds, opened: run.opened }
    }

    /// Runs a protocol over given channels (sender's, receiver's), and returns what each got or why it stopped.
    ///
    /// # Panics
    /// If a party panics, or there are not two channels.
    pub fn run_over<S: Send, R: Send>(
        &self,
        channels: Vec<Arc<dyn Channel>>,
        sender: impl FnOnce(&mut Pair<'_>, &mut Prg) -> Result<S, SessionError> + Send,
        receiver: impl FnOnce(&mut Pair<'_>, &mut Prg) -> Result<R, SessionError> + Send,
    ) -> DuoRun<Result<S, SessionError>, Result<R, SessionError>> {
        let [one, two] = <[_; 2]>::try_from(channels).ok().expect("two channels");
        let (one, two) = std::thread::scope(|scope| {
            let one = scope.spawn(move || self.end(one, PartyId(1), sender));
            let two = self.end(two, PartyId(0), receiver);
            (one.join().expect("the sender panicked"), two)
        });
        DuoRun {
            sender: one.result,
            receiver: two.result,
            sent: [one.sent, two.sent],
            rounds: one.depth.max(two.depth),
            opened: [one.opened, two.opened],
        }
    }

    fn end<T>(
        &self,
        channel: Arc<dyn Channel>,
        peer: PartyId,
        protocol: impl FnOnce(&mut Pair<'_>, &mut Prg) -> Result<T, SessionError>,
    ) -> End<T> {
        let mut wire = Wire::new(channel, Gate::recording());
        wire.enter(1);
        let mut prg = self.prg(u64::MAX - u64::from(peer.0));
        let result = protocol(&mut wire.pair(peer), &mut prg);
        if let Err(error) = &result {
            wire.abort(error);
        }
        let (sent, depth) = (wire.stats().total(), wire.depth());
        End { result, sent, depth, opened: wire.opened().to_vec() }
    }
}

struct End<T> {
    result: Result<T, SessionError>,
    sent: Counters,
    depth: u32,
    opened: Vec<Opening>,
}

impl<S, R> DuoRun<S, R> {
    /// Holds what was measured to what was quoted.
    ///
    /// # Panics
    /// If bytes of a side, messages or rounds differ.
    pub fn assert_cost(&self, quoted: &PairCost) {
        let sides = [Side::Sender, Side::Receiver];
        let measured = [self.sent[0].bytes, self.sent[1].bytes];
        assert_eq!(measured, sides.map(|side| quoted.sent_by(side)), "bytes: sender, receiver");
        assert_eq!(self.sent[0].messages + self.sent[1].messages, quoted.messages, "messages");
        assert_eq!(self.rounds, quoted.rounds(), "rounds");
    }
}
