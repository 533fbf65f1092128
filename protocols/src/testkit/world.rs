//! Three sessions over the memory mesh, from one seed; and the dealing and opening of test values.

use std::{sync::Arc, time::Duration};

use zeroize::Zeroizing;

use crate::{
    kernels::{AesKey, Backend},
    net::{Channel, memory},
    party::Role,
    prss::Prss,
    ring::{B64, Ring},
    session::{Counters, Gate, Meter, Opening, Profile, Session, SessionError},
    share::{Bits, Shared, deal, reconstruct},
};

/// A seed and a stall timeout; every run from one seed is the same run.
#[derive(Clone, Copy, Debug)]
pub struct World {
    seed: u64,
    stall: Duration,
    profile: Profile,
}

/// What came of one run.
#[derive(Clone, Debug)]
pub struct Run<T> {
    /// Each party's result.
    pub results: [T; 3],
    profile: Profile,
    /// Bytes and messages of all parties together, rounds on the critical path.
    pub total: Counters,
    /// What each party opened.
    pub opened: [Vec<Opening>; 3],
}

impl World {
    /// A world from a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { seed, stall: Duration::from_secs(20), profile: Profile::default() }
    }

    /// The same with another stall timeout.
    #[must_use]
    pub fn stalling_after(self, stall: Duration) -> Self {
        Self { stall, ..self }
    }

    /// The same, choosing protocols for links like these.
    #[must_use]
    pub fn on(self, profile: Profile) -> Self {
        Self { profile, ..self }
    }

    /// A stream of random words of this seed.
    ///
    /// # Panics
    /// Never.
    pub fn random(&self, label: u64) -> impl FnMut() -> u64 + use<> {
        let mut key = [0; 16];
        key[..8].copy_from_slice(&self.seed.to_le_bytes());
        let (key, mut block) = (AesKey::new(&key), 0);
        move || {
            let mut word = [0_u64; 2];
            Backend::active().fill_u64(&key, label, block, &mut word);
            block += 1;
            word[0]
        }
    }

    /// Shares of Z64 (or any) values, dealt from this seed.
    pub fn deal<R: Ring>(&self, label: u64, values: &[R::Word]) -> [Shared<R>; 3] {
        let mut key = [1; 16];
        key[..8].copy_from_slice(&self.seed.to_le_bytes());
        let (key, mut path) = (AesKey::new(&key), label << 8);
        deal(values, |out| {
            R::keystream(out, &key, path, 0);
            path += 1;
        })
    }

    /// Runs a protocol at all three parties and returns what each got.
    ///
    /// # Panics
    /// If a party fails; the message has the seed.
    pub fn run<T: Send>(
        &self,
        protocol: impl Fn(&mut Session) -> Result<T, SessionError> + Sync,
    ) -> Run<T> {
        let channels = memory::mesh(3, self.stall).into_iter();
        let channels = channels.map(|channel| Arc::new(channel) as Arc<dyn Channel>).collect();
        let seed = self.seed;
        let run = self.run_over(channels, protocol);
        let results = run.results.map(|result| match result {
            Ok(value) => value,
            Err(error) => panic!("seed {seed}: {error}"),
        });
        Run { results, profile: run.profile, total: run.total, opened: run.opened }
    }

    /// Runs a protocol over given channels (of P0, P1, P2), and returns what each party got or why it stopped.
    ///
    /// # Panics
    /// If a party panics.
    pub fn run_over<T: Send>(
        &self,
        channels: Vec<Arc<dyn Channel>>,
        protocol: impl Fn(&mut Session) -> Result<T, SessionError> + Sync,
    ) -> Run<Result<T, SessionError>> {
        let protocol = &protocol;
        let parties = std::thread::scope(|scope| {
            let spawned: Vec<_> = Role::ALL
                .into_iter()
                .zip(channels)
                .map(|(role, channel)| {
                    scope.spawn(move || {
                        let mut s = Session::new(
                            role,
                            channel,
                            test_prss(self.seed, role),
                            Gate::recording(),
                        )
                        .on(self.profile);
                        s.enter(1);
                        let result = protocol(&mut s);
                        if let Err(error) = &result {
                            s.abort(error);
                        }
                        (result, s.stats().total(), s.depth(), s.opened().to_vec())
                    })
                })
                .collect();
            spawned
                .into_iter()
                .map(|party| party.join().expect("a party panicked"))
                .collect::<Vec<_>>()
        });
        let mut total = Counters::default();
        let (mut results, mut opened) = (Vec::new(), Vec::new());
        for (result, counters, depth, openings) in parties {
            total.bytes += counters.bytes;
            total.messages += counters.messages;
            total.rounds = total.rounds.max(depth);
            results.push(result);
            opened.push(openings);
        }
        let three = "three parties ran";
        let Ok(results) = <[_; 3]>::try_from(results) else { panic!("{three}") };
        let opened = <[_; 3]>::try_from(opened).expect(three);
        Run { results, profile: self.profile, total, opened }
    }
}

impl<T> Run<T> {
    /// Fails unless the run cost what `quote` told the meter, and opened what it listed.
    ///
    /// # Panics
    /// If it did not.
    pub fn assert_cost(&self, what: &str, quote: impl FnOnce(&mut Meter)) {
        let mut meter = Meter::on(self.profile);
        meter.enter(1);
        quote(&mut meter);
        assert_eq!(self.total, meter.total(), "{what}: measured against quoted");
        for opened in &self.opened {
            assert_eq!(opened, meter.openings(), "{what}: opened against listed");
        }
    }
}

impl<R: Ring> Run<Shared<R>> {
    /// The shared values, after checking that replicas agree.
    ///
    /// # Panics
    /// If they do not.
    #[must_use]
    pub fn reconstruct(&self) -> Vec<R::Word> {
        reconstruct(self.results.each_ref()).expect("replicas agree")
    }
}

impl Run<Bits> {
    /// The shared integers (at most 64 bits), after checking that replicas agree.
    ///
    /// # Panics
    /// If they do not.
    #[must_use]
    pub fn reconstruct(&self) -> Vec<u64> {
        clear_bits(self.results.each_ref())
    }
}

/// Three parties' shares of a bit-sliced column.
#[must_use]
pub fn share_bits(world: World, label: u64, values: &[u64], width: usize) -> [Bits; 3] {
    let planes = crate::share::slice_bits(values, width);
    let shares = world.deal::<B64>(label, &planes);
    shares.map(|planes| Bits::from_planes(values.len(), width, planes))
}

/// The integers behind three parties' shares of a bit-sliced column of at most 64 bits.
///
/// # Panics
/// If replicas differ within the rows.
#[must_use]
pub fn clear_bits(shares: [&Bits; 3]) -> Vec<u64> {
    let cleared = shares.map(|bits| {
        let mut bits = bits.clone();
        bits.clear_beyond_rows();
        bits
    });
    let planes = reconstruct(cleared.each_ref().map(Bits::planes)).expect("replicas agree");
    let mut rows = vec![0; shares[0].rows()];
    Backend::active().from_planes(&planes, shares[0].width(), &mut rows);
    rows
}

/// The PRSS of a test run: pair secrets from a seed.
#[must_use]
pub fn test_prss(seed: u64, role: Role) -> Prss {
    let secret = |index: Role| {
        let mut secret = Zeroizing::new([0; 32]);
        secret[..8].copy_from_slice(&seed.to_le_bytes());
        secret[31] = role_byte(index);
        secret
    };
    Prss::new(role, &secret(role), &secret(role.next()))
}

fn role_byte(role: Role) -> u8 {
    match role {
        Role::P0 => 1,
        Role::P1 => 2,
        Role::P2 => 3,
    }
}
