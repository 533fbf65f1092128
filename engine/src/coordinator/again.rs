//! Providers that were lost while a training runs: called again and again, so that one whose daemon was killed comes back into the run.

use std::{
    collections::BTreeSet,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use super::{board::Board, book::Live};
use crate::{
    identity::PartyName,
    job::Failure,
    wire::{PartyCalls, RunOrder, SealedShare},
};

/// The longest pause between two calls, in shortest ones: a round waits longer than that for who may be back.
const LONGEST: u32 = 8;

/// Participants without whom a run goes on.
#[derive(Debug)]
pub(super) struct Guests<'a> {
    all: &'a [PartyName],
    /// Those that cannot be reached just now.
    away: Mutex<BTreeSet<PartyName>>,
}

impl<'a> Guests<'a> {
    pub(super) fn new(all: &'a [PartyName]) -> Self {
        Self { all, away: Mutex::default() }
    }

    pub(super) fn includes(&self, party: &PartyName) -> bool {
        self.all.contains(party)
    }

    /// Whether one that is there has brought nothing yet.
    pub(super) fn is_expected<T>(&self, brought: &[(PartyName, T)]) -> bool {
        let away = self.away.lock().unwrap_or_else(PoisonError::into_inner);
        let has = |party: &PartyName| brought.iter().any(|(there, _)| there == party);
        self.all.iter().any(|party| !has(party) && !away.contains(party))
    }

    /// One is there.
    pub(super) fn here(&self, party: &PartyName) {
        self.away.lock().unwrap_or_else(PoisonError::into_inner).remove(party);
    }

    /// One cannot be reached; whether that is new.
    fn lose(&self, party: &PartyName) -> bool {
        self.away.lock().unwrap_or_else(PoisonError::into_inner).insert(party.clone())
    }
}

impl Board {
    /// A participant's run; of one that may leave and comes back, over as many calls as it takes until it answers.
    pub(super) async fn run_on(
        &self,
        live: &Live,
        (party, guests): (&PartyCalls, &Guests<'_>),
        order: &RunOrder,
    ) -> Result<(Option<SealedShare>, Vec<u8>), Failure> {
        let name = party.peer();
        let mut pause = self.patience.poll;
        loop {
            let done = self.run_at(live, (party, guests), order.clone()).await;
            let Err(failure) = &done else { return done };
            if !(guests.includes(name) && failure.unanswered) {
                return done;
            }
            if guests.lose(name) {
                pause = self.patience.poll;
                tracing::warn!(job = %live.id, party = %name, %failure, "a provider is lost; it is called until it is back");
            }
            tokio::time::sleep(pause).await;
            pause = longer(pause, self.patience.poll);
        }
    }
}

/// The pause after this one, where the shortest is `floor`.
fn longer(pause: Duration, floor: Duration) -> Duration {
    pause.saturating_mul(2).min(floor.saturating_mul(LONGEST))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_stays_away_is_called_less_often_and_never_less_than_a_round_waits() {
        let floor = Duration::from_millis(250);
        let next = |pause: &Duration| Some(longer(*pause, floor));
        let pauses = std::iter::successors(Some(floor), next).take(6);
        let pauses: Vec<_> = pauses.map(|pause| pause.as_millis()).collect();
        assert_eq!(pauses, [250, 500, 1000, 2000, 2000, 2000]);
    }
}
