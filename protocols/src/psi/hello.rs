//! The first message: what both sides must hold alike before anything about a set leaves.

use super::{
    parameters::{Parameters, Sizes},
    progress::Progress,
};
use crate::{
    kernels::Field,
    session::{Pair, PairCost, SessionError},
    vole::Model,
};

/// Of the protocols below; another number, other messages.
const VERSION: u32 = 1;
/// What the digest of the parameters is derived for.
const PARAMETERS: &str = "unseen psi parameters v1";
/// Bytes of a hello.
const BYTES: usize = 96;
/// Where it says how many buckets are done with.
const DONE: std::ops::Range<usize> = 24..32;

/// Who learns which of the own elements the other side has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Output {
    /// The receiver.
    ToReceiver,
    /// Both.
    ToBoth,
}

/// What both sides hold alike before a run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Setting {
    /// The sizes.
    pub parameters: Parameters,
    /// Who learns the outcome.
    pub output: Output,
    /// A digest of all else the sides agreed on: the salt's [`super::Salt::commitment`], the job, the epoch. Every hash of
    /// the run depends on it.
    pub context: [u8; 32],
}

impl Setting {
    /// Nothing is done yet of this intersection.
    #[must_use]
    pub fn progress(&self) -> Progress {
        Progress::new(&self.hello())
    }

    /// What both say before a first attempt.
    pub(super) fn hello(&self) -> Hello {
        let variant = match (self.parameters.model(), self.parameters.store().field()) {
            (Model::SemiHonest, Field::Gf128) => 0_u32,
            (Model::Malicious, _) => 2,
            (Model::SemiHonest, Field::Gf80) => 4,
        };
        let parameters = self.parameters.to_string();
        let output = (variant, self.output);
        Hello::new(output, self.parameters.sizes(), &self.context, &parameters)
    }
}

/// What one side says before anything else, the same at both but for how far it is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Hello([u8; BYTES]);

impl Hello {
    /// Of a protocol by its number, which is even, and of all that must be alike.
    pub(super) fn new(
        (protocol, output): (u32, Output),
        Sizes { sender, receiver }: Sizes,
        context: &[u8; 32],
        parameters: &str,
    ) -> Self {
        let protocol = protocol + u32::from(output == Output::ToBoth);
        let mut hello = [0; BYTES];
        hello[..4].copy_from_slice(&VERSION.to_le_bytes());
        hello[4..8].copy_from_slice(&protocol.to_le_bytes());
        hello[8..16].copy_from_slice(&(sender as u64).to_le_bytes());
        hello[16..24].copy_from_slice(&(receiver as u64).to_le_bytes());
        hello[32..64].copy_from_slice(context);
        hello[64..].copy_from_slice(&blake3::derive_key(PARAMETERS, parameters.as_bytes()));
        Self(hello)
    }

    /// What is digested of it.
    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Exchanges and compares hellos: version, protocol, sizes, context, parameters. Tells the peer how many buckets are done with
    /// from an attempt before, and gives the peer's number.
    ///
    /// # Cost
    /// 96 bytes each way; [`Hello::compare_cost`].
    ///
    /// # Errors
    /// [`SessionError::Inconsistent`] naming the first difference.
    ///
    /// # Security
    /// All of it is known to both sides beforehand, or follows from the messages that were lost; the context is a digest. Who lies here gains a run in which tags do not
    /// match.
    pub(super) fn compare(&self, pair: &mut Pair<'_>, done: u64) -> Result<u64, SessionError> {
        let mut own = self.0;
        own[DONE].copy_from_slice(&done.to_le_bytes());
        pair.send(&own)?;
        let mut peers: [u8; BYTES] = pair.recv_array()?;
        let mut peers_done = [0; 8];
        peers_done.copy_from_slice(&peers[DONE]);
        peers[DONE].copy_from_slice(&done.to_le_bytes());
        const FIELDS: [(usize, usize, &str); 6] = [
            (0, 4, "versions of the protocol"),
            (4, 8, "protocols or their security models"),
            (8, 16, "sizes of the sender's set"),
            (16, 24, "sizes of the receiver's set"),
            (32, 64, "salts, epochs or jobs"),
            (64, 96, "parameters"),
        ];
        let differs =
            |field: &&(usize, usize, &str)| own[field.0..field.1] != peers[field.0..field.1];
        match FIELDS.iter().find(differs) {
            Some((_, _, what)) => Err(pair.inconsistent(what)),
            None if own != peers => Err(pair.invalid("a hello with a field of no meaning")),
            None => Ok(u64::from_le_bytes(peers_done)),
        }
    }

    /// The price of [`Hello::compare`].
    pub(super) fn compare_cost(c: &mut PairCost) {
        c.exchange(BYTES);
    }
}

/// Tells the peer how many items this side has, and learns how many the peer has: for sides that know no sizes of each other.
///
/// # Cost
/// 8 bytes each way.
///
/// # Errors
/// If the link is down, or the peer's number is no number of items.
pub fn exchange_sizes(pair: &mut Pair<'_>, own: usize) -> Result<usize, SessionError> {
    pair.send(&(own as u64).to_le_bytes())?;
    let peers = u64::from_le_bytes(pair.recv_array()?);
    usize::try_from(peers).map_err(|_| pair.invalid("a number of items that is too large"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        net::{Channel, memory},
        party::PartyId,
        testkit::Duo,
    };
    use std::{sync::Arc, time::Duration};

    fn setting(sender: usize, receiver: usize) -> Setting {
        let parameters = Parameters::new(Sizes { sender, receiver }, Model::SemiHonest).unwrap();
        Setting { parameters, output: Output::ToReceiver, context: [7; 32] }
    }

    fn met(one: Setting, two: Setting) -> Result<u64, SessionError> {
        let channels = memory::mesh(2, Duration::from_secs(20)).into_iter();
        let channels = channels.map(|channel| Arc::new(channel) as Arc<dyn Channel>).collect();
        let run = Duo::new(1).run_over(
            channels,
            // Neither ends the run, so that both can say what they saw.
            |pair, _| Ok(one.hello().compare(pair, 3)),
            |pair, _| Ok(two.hello().compare(pair, 4)),
        );
        run.receiver?
    }

    #[test]
    fn equal_settings_meet_and_others_are_named() {
        let own = setting(10, 20);
        assert_eq!(met(own, own), Ok(3));
        let fault = |what| Err(SessionError::Inconsistent { step: 1, peer: PartyId(0), what });
        assert_eq!(met(setting(11, 20), own), fault("sizes of the sender's set"));
        assert_eq!(met(setting(10, 21), own), fault("sizes of the receiver's set"));
        let other = Setting { context: [8; 32], ..own };
        assert_eq!(met(other, own), fault("salts, epochs or jobs"));
        let other = Setting { output: Output::ToBoth, ..own };
        assert_eq!(met(other, own), fault("protocols or their security models"));
        let sizes = own.parameters.sizes();
        let parameters = Parameters::low_communication(sizes).unwrap();
        let other = Setting { parameters, ..own };
        assert_eq!(met(other, own), fault("protocols or their security models"));
        let parameters = Parameters::with_buckets_of(5, sizes, Model::SemiHonest).unwrap();
        assert_eq!(met(Setting { parameters, ..own }, own), fault("parameters"));
    }

    #[test]
    fn sizes_are_exchanged() {
        let run =
            Duo::new(1).run(|pair, _| exchange_sizes(pair, 3), |pair, _| exchange_sizes(pair, 4));
        assert_eq!((run.sender, run.receiver), (4, 3));
    }
}
