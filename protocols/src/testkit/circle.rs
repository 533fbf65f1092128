//! Several parties over the memory mesh, from one seed: the testkit's twin for protocols of any number.

use std::{sync::Arc, time::Duration};

use crate::{
    net::{Channel, memory},
    party::PartyId,
    prg::Prg,
    ring::Z128,
    session::{CircleCost, Counters, Gate, Opening, SessionError, Wire},
};

/// A seed, a number of parties and a stall timeout; every run from one seed is the same run.
#[derive(Clone, Copy, Debug)]
pub struct Circle {
    seed: u64,
    parties: u16,
    stall: Duration,
}

/// What came of one run, by party.
#[derive(Clone, Debug)]
pub struct CircleRun<T> {
    /// Each party's result.
    pub results: Vec<T>,
    /// What each party put on its links.
    pub sent: Vec<Counters>,
    /// The longest chain of messages.
    pub rounds: u32,
    /// What each party opened to others.
    pub opened: Vec<Vec<Opening>>,
}

impl Circle {
    /// So many parties from a seed.
    #[must_use]
    pub fn new(seed: u64, parties: u16) -> Self {
        Self { seed, parties, stall: Duration::from_secs(60) }
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

    /// Runs a protocol at all parties; each gets its wire and a generator of its own.
    ///
    /// # Panics
    /// If a party fails; the message has the seed.
    pub fn run<T: Send>(
        &self,
        protocol: impl Fn(&mut Wire, &mut Prg) -> Result<T, SessionError> + Sync,
    ) -> CircleRun<T> {
        let channels = memory::mesh(usize::from(self.parties), self.stall).into_iter();
        let channels = channels.map(|channel| Arc::new(channel) as Arc<dyn Channel>).collect();
        let run = self.run_over(channels, protocol);
        let seed = self.seed;
        let value = |(party, result): (u16, Result<T, SessionError>)| match result {
            Ok(value) => value,
            Err(error) => panic!("seed {seed}, {}: {error}", PartyId(party)),
        };
        let results = (0..).zip(run.results).map(value).collect();
        CircleRun { results, sent: run.sent, rounds: run.rounds, opened: run.opened }
    }

    /// Runs a protocol over given channels, in the order of the parties, and returns what each got or why it stopped.
    ///
    /// # Panics
    /// If a party panics.
    pub fn run_over<T: Send>(
        &self,
        channels: Vec<Arc<dyn Channel>>,
        protocol: impl Fn(&mut Wire, &mut Prg) -> Result<T, SessionError> + Sync,
    ) -> CircleRun<Result<T, SessionError>> {
        let end = |channel: Arc<dyn Channel>| {
            let mut prg = self.prg(u64::MAX - u64::from(channel.me().0));
            let mut wire = Wire::new(channel, Gate::recording());
            wire.enter(1);
            let result = protocol(&mut wire, &mut prg);
            if let Err(error) = &result {
                wire.abort(error);
            }
            (result, wire.stats().total(), wire.depth(), wire.opened().to_vec())
        };
        let ends: Vec<_> = std::thread::scope(|scope| {
            let parties: Vec<_> =
                channels.into_iter().map(|channel| scope.spawn(|| end(channel))).collect();
            parties.into_iter().map(|party| party.join().expect("a party panicked")).collect()
        });
        let mut run =
            CircleRun { results: Vec::new(), sent: Vec::new(), rounds: 0, opened: Vec::new() };
        for (result, sent, depth, opened) in ends {
            run.results.push(result);
            run.sent.push(sent);
            run.rounds = run.rounds.max(depth);
            run.opened.push(opened);
        }
        run
    }
}

impl<T> CircleRun<T> {
    /// Holds what was measured to what was quoted.
    ///
    /// # Panics
    /// If bytes of a party, messages or rounds differ.
    pub fn assert_cost(&self, quoted: &CircleCost) {
        let bytes: Vec<u64> = self.sent.iter().map(|sent| sent.bytes).collect();
        assert_eq!(bytes, quoted.bytes, "bytes of each party");
        assert_eq!(self.sent.iter().map(|sent| sent.messages).sum::<u64>(), quoted.messages);
        assert_eq!(self.rounds, quoted.rounds(), "rounds");
    }
}
