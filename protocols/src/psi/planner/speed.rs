//! Processor time, measured.
//!
//! On two cores of a Zen 5 server with AVX-512, IFMA and VAES, by
//!
//! ```text
//! cargo run --release -p benches -- psi --protocol vole,vole-low,vole-malicious,ecdh,circuit,multi --n 1048576 --json
//! … --protocol vole,vole-malicious,circuit,multi --sender 1000000 --receiver 1 --json
//! … --protocol vole,vole-malicious,circuit,multi --sender 1 --receiver 1000000 --json
//! … --protocol ecdh,ecdh-repeat --n 65536 --json
//! … --protocol lookup,lookup-queries --n 4096 --json
//! ```
//!
//! which say the processor time of all parties' threads, and of the receiver's by itself: one against a million gives the parts of
//! the larger set, equal sets the sum they are scaled to, and 65,536 what does not depend on sizes. Diffie–Hellman is measured on one
//! core: on several the party's own thread does a part of the work only. Other processors choose by the same figures.

use super::question::{Form, Protocol, Question};
use crate::psi::{
    cores::{MOST, PART},
    parameters::Sizes,
};

/// Nanoseconds of processor time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Speed {
    /// Of both sides together, whatever the sizes.
    fixed: u64,
    /// Of the sender, for each of its own items and for each of the receiver's.
    sender: [u64; 2],
    /// Of the receiver, in the same order.
    receiver: [u64; 2],
    /// Whether both sides work at the same time; else by turns, more or less.
    together: bool,
}

/// Nanoseconds that a link spends on a byte at each end: digest of the transcript, sealing, copies. A TLS link of the harness took
/// 36 ms for 48 MB at both ends.
const LINK_PICOS: u64 = 375;

const VOLE: Speed =
    Speed { fixed: 4_000_000, sender: [50, 45], receiver: [13, 115], together: false };
/// Equal sets measured, parts as of [`VOLE`].
const VOLE_LOW: Speed =
    Speed { fixed: 6_000_000, sender: [60, 120], receiver: [15, 405], together: false };
const VOLE_MALICIOUS: Speed =
    Speed { fixed: 13_000_000, sender: [130, 48], receiver: [18, 228], together: false };
/// The sender: a hash, a map and a ladder for an item of its own, a ladder for one of the other's; the receiver: a hash, a map and two
/// additions from tables, and a tag. From [`ECDH_COUNT`], by the ratio of the kernels' times on Zen 4.
const ECDH: Speed =
    Speed { fixed: 100_000, sender: [3100, 2800], receiver: [100, 2300], together: true };
/// A hash, a map and a ladder for an item of one's own, a ladder for one of the other's.
const ECDH_COUNT: Speed =
    Speed { fixed: 100_000, sender: [2850, 2500], receiver: [2500, 2900], together: true };
/// The third party's with the sender's.
const CIRCUIT: Speed =
    Speed { fixed: 8_000_000, sender: [205, 90], receiver: [12, 570], together: false };
/// Of a query; the table was published before.
const LOOKUP: Speed =
    Speed { fixed: 500_000, sender: [0, 6500], receiver: [0, 14_000], together: true };
/// Opening and checking a table that is fetched, a row.
const FETCHED: u64 = 20;
/// For each party but the leader.
const MULTI: Speed =
    Speed { fixed: 4_000_000, sender: [72, 37], receiver: [6, 143], together: false };

/// Processor time of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Work {
    /// Of all parties together.
    pub(super) all: u64,
    /// From the first to the last step of computing.
    pub(super) path: u64,
}

impl Work {
    pub(super) fn of(protocol: Protocol, question: &Question, cores: u32) -> Self {
        let Self { all, path } = Self::on_one(protocol, question);
        match protocol {
            Protocol::Ecdh => {
                let items = question.sizes.sender.max(question.sizes.receiver);
                let cores = (cores as usize).min(items.div_ceil(PART)).clamp(1, MOST);
                Self { all, path: path / cores as u64 }
            }
            _ => Self { all, path },
        }
    }

    /// Where each party computes on one processor.
    fn on_one(protocol: Protocol, question: &Question) -> Self {
        let Question { sizes, form, .. } = *question;
        match (protocol, form) {
            (Protocol::Vole, _) => VOLE.work(sizes),
            (Protocol::VoleLowCommunication, _) => VOLE_LOW.work(sizes),
            (Protocol::VoleMalicious, _) => VOLE_MALICIOUS.work(sizes),
            (Protocol::Ecdh, Form::Count) => ECDH_COUNT.work(sizes),
            (Protocol::Ecdh, _) => ECDH.work(sizes),
            (Protocol::Circuit, _) => CIRCUIT.work(sizes),
            (Protocol::Lookup, form) => {
                let mut speed = LOOKUP;
                if matches!(form, Form::Lookup { fetched: false, .. }) {
                    speed.receiver[0] = FETCHED;
                }
                speed.work(sizes)
            }
            (Protocol::Multi, Form::AmongAll { parties, .. }) => {
                let times = u64::from(parties).saturating_sub(1);
                let Self { all, path } = MULTI.work(sizes);
                Self { all: all.saturating_mul(times), path: path.saturating_mul(times) }
            }
            (Protocol::Multi, _) => MULTI.work(sizes),
        }
    }
}

impl Speed {
    fn work(&self, sizes: Sizes) -> Work {
        let items = [sizes.sender as u64, sizes.receiver as u64];
        let side = |each: [u64; 2]| {
            let parts = each.into_iter().zip(items).map(|(each, n)| each.saturating_mul(n));
            parts.fold(0, u64::saturating_add)
        };
        let (sender, receiver) = (side(self.sender), side(self.receiver));
        let all = self.fixed.saturating_add(sender).saturating_add(receiver);
        let path =
            if self.together { self.fixed.saturating_add(sender.max(receiver)) } else { all };
        Work { all, path }
    }
}

/// What the link itself computes at one end, for so many bytes.
pub(super) fn of_link(bytes: u64) -> u64 {
    let nanos = u128::from(bytes) * u128::from(LINK_PICOS) / 1000;
    u64::try_from(nanos).unwrap_or(u64::MAX)
}
