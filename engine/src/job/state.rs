//! The states of a job, and the one function that moves it.
//!
//! ```text
//! Submitted → Validating → AwaitingApproval → Approved → Preparing → Running → Releasing → ResultReady → Delivered
//!      ends:   Rejected      Denied, Expired     Cancelled      Failed, AbortedSecurity
//! ```

use std::fmt;

use serde::{Deserialize, Serialize};

/// Where a job is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum JobState {
    /// Taken in.
    Submitted,
    /// Participants compile it and evaluate their policies.
    Validating,
    /// Policies allow it; somebody's people have not answered yet.
    AwaitingApproval,
    /// All consents are on one plan hash.
    Approved,
    /// Participants run their local sub-plans and commit to their rows.
    Preparing,
    /// The joint plan runs.
    Running,
    /// Sealed shares arrive; the receipt is signed.
    Releasing,
    /// The buyer can fetch.
    ResultReady,
    /// The buyer has fetched all of it.
    Delivered,
    /// A policy or a provider's people said no.
    Denied,
    /// It cannot run: bad specification, unsupported, unknown table.
    Rejected,
    /// The buyer or an operator ended it.
    Cancelled,
    /// Its time was over before it ran.
    Expired,
    /// A party, a link or this program failed.
    Failed,
    /// Somebody deviated from the protocol.
    AbortedSecurity,
}

/// What moves a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobEvent {
    /// The participants are asked.
    Validate,
    /// All verdicts agree on the plan; consents may be missing.
    Agreed,
    /// All consents are there.
    Approve,
    /// The participants are told to prepare.
    Prepare,
    /// The participants are told to run.
    Start,
    /// All sealed shares are there.
    Release,
    /// The receipt is complete.
    Complete,
    /// The buyer has everything.
    Deliver,
    /// It cannot run.
    Reject,
    /// A policy or a person said no.
    Deny,
    /// The buyer or an operator ends it.
    Cancel,
    /// Its time is over.
    Expire,
    /// Something failed.
    Fail,
    /// Somebody deviated.
    Deviate,
}

/// An event that does not fit the state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a job that is {state} cannot take the event {event:?}")]
pub struct Illegal {
    /// Where the job is.
    pub state: JobState,
    /// What came.
    pub event: JobEvent,
}

impl JobState {
    /// All states, in order.
    pub const ALL: [Self; 15] = [
        Self::Submitted,
        Self::Validating,
        Self::AwaitingApproval,
        Self::Approved,
        Self::Preparing,
        Self::Running,
        Self::Releasing,
        Self::ResultReady,
        Self::Delivered,
        Self::Denied,
        Self::Rejected,
        Self::Cancelled,
        Self::Expired,
        Self::Failed,
        Self::AbortedSecurity,
    ];

    /// The state after an event.
    ///
    /// # Errors
    /// [`Illegal`] if the event does not fit; the state stays.
    pub fn on(self, event: JobEvent) -> Result<Self, Illegal> {
        use JobEvent as E;
        let next = match (self, event) {
            (Self::Submitted, E::Validate) => Self::Validating,
            (Self::Validating, E::Agreed) => Self::AwaitingApproval,
            (Self::AwaitingApproval, E::Approve) => Self::Approved,
            (Self::Approved, E::Prepare) => Self::Preparing,
            (Self::Preparing, E::Start) => Self::Running,
            (Self::Running, E::Release) => Self::Releasing,
            (Self::Releasing, E::Complete) => Self::ResultReady,
            (Self::ResultReady, E::Deliver) => Self::Delivered,
            (Self::Submitted | Self::Validating, E::Reject) => Self::Rejected,
            (Self::Validating | Self::AwaitingApproval | Self::Approved, E::Deny) => Self::Denied,
            (state, E::Cancel) if state < Self::Releasing => Self::Cancelled,
            (state, E::Expire) if state < Self::Running => Self::Expired,
            (state, E::Fail) if state < Self::ResultReady => Self::Failed,
            (state, E::Deviate) if state < Self::ResultReady => Self::AbortedSecurity,
            (state, event) => return Err(Illegal { state, event }),
        };
        Ok(next)
    }

    /// Whether nothing more happens to it.
    #[must_use]
    pub fn is_final(self) -> bool {
        self >= Self::Delivered
    }

    /// Whether it ended without a result.
    #[must_use]
    pub fn is_failure(self) -> bool {
        self > Self::Delivered
    }

    /// Its name as the wire and the journal write it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Submitted => "SUBMITTED",
            Self::Validating => "VALIDATING",
            Self::AwaitingApproval => "AWAITING_APPROVAL",
            Self::Approved => "APPROVED",
            Self::Preparing => "PREPARING",
            Self::Running => "RUNNING",
            Self::Releasing => "RELEASING",
            Self::ResultReady => "RESULT_READY",
            Self::Delivered => "DELIVERED",
            Self::Denied => "DENIED",
            Self::Rejected => "REJECTED",
            Self::Cancelled => "CANCELLED",
            Self::Expired => "EXPIRED",
            Self::Failed => "FAILED",
            Self::AbortedSecurity => "ABORTED_SECURITY",
        }
    }

    /// The state of a name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == name)
    }
}

impl fmt::Display for JobState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const EVENTS: [JobEvent; 14] = [
        JobEvent::Validate,
        JobEvent::Agreed,
        JobEvent::Approve,
        JobEvent::Prepare,
        JobEvent::Start,
        JobEvent::Release,
        JobEvent::Complete,
        JobEvent::Deliver,
        JobEvent::Reject,
        JobEvent::Deny,
        JobEvent::Cancel,
        JobEvent::Expire,
        JobEvent::Fail,
        JobEvent::Deviate,
    ];

    #[test]
    fn the_straight_way_leads_from_submitted_to_delivered() {
        let mut state = JobState::Submitted;
        for (event, want) in EVENTS[..8].iter().zip(&JobState::ALL[1..]) {
            state = state.on(*event).unwrap();
            assert_eq!(state, *want);
        }
        assert_eq!(state, JobState::Delivered);
    }

    #[test]
    fn nothing_is_cancelled_once_shares_are_released() {
        for state in [JobState::Releasing, JobState::ResultReady, JobState::Delivered] {
            assert!(state.on(JobEvent::Cancel).is_err());
        }
    }

    #[test]
    fn names_are_read_back() {
        for state in JobState::ALL {
            assert_eq!(JobState::from_name(state.as_str()), Some(state));
            assert_eq!(serde_json::to_value(state).unwrap(), state.as_str());
        }
    }

    proptest! {
        /// Ends absorb; a step leads to the next state of the straight way or to an end; running needs every station before it.
        #[test]
        fn random_events_never_skip_a_station(events in prop::collection::vec(0..EVENTS.len(), 0..60)) {
            let mut state = JobState::Submitted;
            let mut passed = vec![state];
            for event in events {
                let before = state;
                match state.on(EVENTS[event]) {
                    Ok(next) => {
                        prop_assert!(!before.is_final(), "{before} is an end but took {:?}", EVENTS[event]);
                        state = next;
                        passed.push(state);
                    }
                    Err(illegal) => prop_assert_eq!(illegal.state, before),
                }
            }
            let straight: Vec<_> = passed.iter().filter(|state| !state.is_failure()).collect();
            let stations: Vec<_> = JobState::ALL[..straight.len()].iter().collect();
            prop_assert_eq!(straight, stations);
            prop_assert!(passed.iter().filter(|state| state.is_failure()).count() <= 1);
        }
    }
}
