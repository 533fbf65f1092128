//! How long a daemon, or a buyer, waits for what: `[timeouts]` and `[coordinator.patience]`, each key with a default.

use std::{fmt, time::Duration};

use serde::{Deserialize, Deserializer, de::Error as _};

use crate::{coordinator::Patience, link::Timeouts};

/// Longest time that may be configured, in seconds: a day.
const LONGEST: u64 = 24 * 60 * 60;

/// A time in whole seconds, from 1 to [`LONGEST`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seconds(u64);

/// `[timeouts]`: of connections.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct TimeoutsConfig {
    /// TCP connect, TLS handshake and hello, each.
    pub(super) handshake_seconds: Seconds,
    /// From the first link of a run until all of them stand.
    pub(super) rendezvous_seconds: Seconds,
}

/// `[coordinator.patience]`: with participants.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct PatienceConfig {
    /// For an answer to a short question (validating, consents, cancelling).
    pub(super) answer_seconds: Seconds,
    /// For a sign of life from a participant that runs its local part, while the job prepares.
    pub(super) prepare_seconds: Seconds,
    /// For a participant that cannot be reached, before the job runs.
    pub(super) lost_seconds: Seconds,
    /// For all signatures under a receipt, while the job releases.
    pub(super) release_seconds: Seconds,
    /// For each answer about a job that failed.
    pub(super) account_seconds: Seconds,
}

impl Seconds {
    /// Whole seconds of a default, which is within the limits.
    pub(super) fn of(duration: Duration) -> Self {
        Self(duration.as_secs())
    }

    pub(super) fn duration(self) -> Duration {
        Duration::from_secs(self.0)
    }
}

impl TimeoutsConfig {
    pub(super) fn timeouts(self) -> Timeouts {
        Timeouts {
            handshake: self.handshake_seconds.duration(),
            rendezvous: self.rendezvous_seconds.duration(),
        }
    }

    /// What contradicts itself, by key.
    pub(super) fn contradiction(self) -> Option<String> {
        let Self { handshake_seconds: Seconds(one), rendezvous_seconds: Seconds(all) } = self;
        (all < one).then(|| {
            format!(
                "timeouts.rendezvous_seconds: {all} is shorter than handshake_seconds, {one}: all links of a run cannot \
                 stand before one of them may"
            )
        })
    }
}

impl PatienceConfig {
    pub(super) fn patience(self) -> Patience {
        Patience {
            answer: self.answer_seconds.duration(),
            prepare: self.prepare_seconds.duration(),
            lost: self.lost_seconds.duration(),
            release: self.release_seconds.duration(),
            account: self.account_seconds.duration(),
            ..Patience::default()
        }
    }
}

impl Default for TimeoutsConfig {
    fn default() -> Self {
        let Timeouts { handshake, rendezvous } = Timeouts::default();
        Self {
            handshake_seconds: Seconds::of(handshake),
            rendezvous_seconds: Seconds::of(rendezvous),
        }
    }
}

impl Default for PatienceConfig {
    fn default() -> Self {
        let Patience { answer, prepare, lost, release, account, .. } = Patience::default();
        Self {
            answer_seconds: Seconds::of(answer),
            prepare_seconds: Seconds::of(prepare),
            lost_seconds: Seconds::of(lost),
            release_seconds: Seconds::of(release),
            account_seconds: Seconds::of(account),
        }
    }
}

impl<'de> Deserialize<'de> for Seconds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let seconds = i64::deserialize(deserializer)?;
        match u64::try_from(seconds) {
            Ok(seconds @ 1..=LONGEST) => Ok(Self(seconds)),
            _ => Err(D::Error::custom(format!("{seconds} is not from 1 to {LONGEST} seconds"))),
        }
    }
}

impl fmt::Display for TimeoutsConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { handshake_seconds: one, rendezvous_seconds: all } = self;
        write!(f, "handshake {one}, rendezvous {all}")
    }
}

impl fmt::Display for PatienceConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { answer_seconds, prepare_seconds, .. } = self;
        write!(f, "answer {answer_seconds}, prepare {prepare_seconds}, ")?;
        let Self { lost_seconds, release_seconds, account_seconds, .. } = self;
        write!(f, "lost {lost_seconds}, release {release_seconds}, account {account_seconds}")
    }
}

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} s", self.0)
    }
}
