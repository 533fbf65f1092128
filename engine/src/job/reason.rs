//! The one table of errors: reason → job state → gRPC code → exit code → who sees the detail.

use std::{error::Error, fmt, io};

use serde::{Deserialize, Serialize};

use super::state::JobEvent;

/// Why a job, or a request about one, did not go through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[non_exhaustive]
pub enum Reason {
    /// The specification is malformed or contradicts itself.
    SpecInvalid,
    /// A signature does not hold.
    SignatureInvalid,
    /// Somebody is named who is not pinned here.
    PartyUnknown,
    /// The request id stands for another specification.
    RequestConflict,
    /// The SQL, or a security model, is not supported.
    Unsupported,
    /// A table or column does not exist.
    TableUnknown,
    /// A policy refuses: recipient, purpose, expiry, column use, group size.
    PolicyRefused,
    /// A dataset's budget of differential privacy does not reach for the job.
    BudgetSpent,
    /// A provider's people said no.
    ConsentDenied,
    /// There is no valid, unspent consent.
    ConsentMissing,
    /// Participants compiled different plans.
    PlanMismatch,
    /// Participants speak different versions.
    VersionMismatch,
    /// A provider's table breaks what was declared of it.
    InputInvalid,
    /// A participant cannot be reached, or its link closed.
    PartyLost,
    /// A participant made no progress within the stall timeout.
    Stalled,
    /// A participant sent what was not due.
    ProtocolViolation,
    /// Copies that must agree did not.
    Inconsistent,
    /// Sets have fewer keys in common than a policy allows anything to be shown of.
    TooFewInCommon,
    /// Fewer providers sent an update in time than an average may be opened of.
    TooFewProviders,
    /// What was added up of all rows determines no model.
    NoSolution,
    /// A party's disk is full, or what its daemon may take of it.
    DiskFull,
    /// Something was about to be opened that the plan does not list.
    GateViolation,
    /// The receipt does not add up.
    ReceiptInvalid,
    /// The job was cancelled.
    Cancelled,
    /// The job's time is over.
    DeadlineExceeded,
    /// The daemon went down while the job ran.
    Interrupted,
    /// There is no such job.
    JobUnknown,
    /// The caller may not do this.
    PermissionDenied,
    /// The job is not in a state for this.
    NotReady,
    /// The daemon is shutting down and takes no new work.
    Draining,
    /// A fault of this program.
    Internal,
}

/// gRPC codes, so that this table needs no gRPC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// The request is wrong whatever the state.
    InvalidArgument,
    /// There is no such thing.
    NotFound,
    /// There is one already.
    AlreadyExists,
    /// The caller may not.
    PermissionDenied,
    /// Not in this state.
    FailedPrecondition,
    /// It was ended.
    Aborted,
    /// It was cancelled.
    Cancelled,
    /// Time is over.
    DeadlineExceeded,
    /// There is no room left.
    ResourceExhausted,
    /// Try later.
    Unavailable,
    /// Not supported.
    Unimplemented,
    /// A fault of the program.
    Internal,
}

/// Who sees a failure's own words. Everybody else sees the reason, the party and the stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// The buyer and all participants.
    Everyone,
    /// Only the party it happened at (its log).
    Party,
}

/// One line of the table.
struct Row(&'static str, JobEvent, Code, u8, Audience, &'static str);

impl Reason {
    /// All of them.
    pub const ALL: [Self; 31] = [
        Self::SpecInvalid,
        Self::SignatureInvalid,
        Self::PartyUnknown,
        Self::RequestConflict,
        Self::Unsupported,
        Self::TableUnknown,
        Self::PolicyRefused,
        Self::BudgetSpent,
        Self::ConsentDenied,
        Self::ConsentMissing,
        Self::PlanMismatch,
        Self::VersionMismatch,
        Self::InputInvalid,
        Self::PartyLost,
        Self::Stalled,
        Self::ProtocolViolation,
        Self::Inconsistent,
        Self::TooFewInCommon,
        Self::TooFewProviders,
        Self::NoSolution,
        Self::DiskFull,
        Self::GateViolation,
        Self::ReceiptInvalid,
        Self::Cancelled,
        Self::DeadlineExceeded,
        Self::Interrupted,
        Self::JobUnknown,
        Self::PermissionDenied,
        Self::NotReady,
        Self::Draining,
        Self::Internal,
    ];

    #[rustfmt::skip]
    fn row(self) -> Row {
        use Audience::{Everyone, Party};
        use JobEvent::{Cancel, Deny, Deviate, Expire, Fail, Reject};
        match self {
            Self::SpecInvalid       => Row("SPEC_INVALID",       Reject,  Code::InvalidArgument,    2, Everyone, "correct the job file"),
            Self::SignatureInvalid  => Row("SIGNATURE_INVALID",  Reject,  Code::PermissionDenied,   2, Everyone, "sign with the key that is pinned for this party"),
            Self::PartyUnknown      => Row("PARTY_UNKNOWN",      Reject,  Code::InvalidArgument,    2, Everyone, "have the party pinned in every participant's configuration"),
            Self::RequestConflict   => Row("REQUEST_CONFLICT",   Reject,  Code::AlreadyExists,      2, Everyone, "choose another request id"),
            Self::Unsupported       => Row("UNSUPPORTED",        Reject,  Code::Unimplemented,      2, Everyone, "change what is named, as the message says; the rest of the job can stay"),
            Self::TableUnknown      => Row("TABLE_UNKNOWN",      Reject,  Code::InvalidArgument,    2, Everyone, "tables are named party.dataset; check the spelling"),
            Self::PolicyRefused     => Row("POLICY_REFUSED",     Deny,    Code::FailedPrecondition, 3, Everyone, "ask the provider, or change the query"),
            Self::BudgetSpent       => Row("BUDGET_SPENT",       Deny,    Code::FailedPrecondition, 3, Everyone, "ask with more noise or fewer rounds, or ask the provider"),
            Self::ConsentDenied     => Row("CONSENT_DENIED",     Deny,    Code::FailedPrecondition, 3, Everyone, "ask the provider"),
            Self::ConsentMissing    => Row("CONSENT_MISSING",    Fail,    Code::FailedPrecondition, 1, Everyone, "a consent serves once; submit the job anew"),
            Self::PlanMismatch      => Row("PLAN_MISMATCH",      Fail,    Code::FailedPrecondition, 1, Everyone, "run equal builds at every participant"),
            Self::VersionMismatch   => Row("VERSION_MISMATCH",   Fail,    Code::FailedPrecondition, 1, Everyone, "run equal builds at every participant"),
            Self::InputInvalid      => Row("INPUT_INVALID",      Fail,    Code::FailedPrecondition, 1, Party,    "its provider's log says which table and row; submit the job again once that is mended"),
            Self::PartyLost         => Row("PARTY_LOST",         Fail,    Code::Unavailable,        1, Everyone, "check that the party's daemon is up, then submit anew"),
            Self::Stalled           => Row("STALLED",            Fail,    Code::Unavailable,        1, Everyone, "check the party's load and its network, then submit anew"),
            Self::ProtocolViolation => Row("PROTOCOL_VIOLATION", Deviate, Code::Aborted,            1, Everyone, "keep the logs and ask the party's operator"),
            Self::Inconsistent      => Row("INCONSISTENT",       Deviate, Code::Aborted,            1, Everyone, "keep the logs and ask the operators"),
            Self::TooFewInCommon    => Row("TOO_FEW_IN_COMMON",  Fail,    Code::FailedPrecondition, 1, Everyone, "no rows were shown; the query has been used, so ask of other sets, or ask the provider"),
            Self::TooFewProviders   => Row("TOO_FEW_PROVIDERS",  Fail,    Code::Unavailable,        1, Everyone, "the providers' logs say who declined and why; see whose daemons are up, or allow more time, and submit anew"),
            Self::NoSolution        => Row("NO_SOLUTION",        Fail,    Code::FailedPrecondition, 1, Everyone, "leave out a feature that follows from others, ask over more rows, or set a larger penalty"),
            Self::DiskFull          => Row("DISK_FULL",          Fail,    Code::ResourceExhausted,  1, Party,    "free space on that party's disk (the coordinator's, where none is named), or give its daemon a `state` and a `scratch` folder on a larger one; then run the job again, or a training or an intersection that had begun with `resumes`"),
            Self::GateViolation     => Row("GATE_VIOLATION",     Deviate, Code::Aborted,            1, Everyone, "keep the logs; nothing was opened"),
            Self::ReceiptInvalid    => Row("RECEIPT_INVALID",    Deviate, Code::Aborted,            1, Everyone, "keep the logs and ask the operators"),
            Self::Cancelled         => Row("CANCELLED",          Cancel,  Code::Cancelled,          1, Everyone, "nothing was released"),
            Self::DeadlineExceeded  => Row("DEADLINE_EXCEEDED",  Expire,  Code::DeadlineExceeded,   1, Everyone, "submit anew with a later expiry"),
            Self::Interrupted       => Row("INTERRUPTED",        Fail,    Code::Aborted,            1, Everyone, "submit anew"),
            Self::JobUnknown        => Row("JOB_UNKNOWN",        Fail,    Code::NotFound,           2, Everyone, "check the job's name"),
            Self::PermissionDenied  => Row("PERMISSION_DENIED",  Fail,    Code::PermissionDenied,   2, Everyone, "call with the key that may do this"),
            Self::NotReady          => Row("NOT_READY",          Fail,    Code::FailedPrecondition, 1, Everyone, "watch the job"),
            Self::Draining          => Row("DRAINING",           Fail,    Code::Unavailable,        1, Everyone, "try again when the daemon is back"),
            Self::Internal          => Row("INTERNAL",           Fail,    Code::Internal,           1, Party,    "the party's log says more"),
        }
    }

    /// Its name on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.row().0
    }

    /// What a fault at this party is: that a disk is full where the system says so of any of its causes, and one of this program
    /// otherwise.
    #[must_use]
    pub fn of_fault(error: &(dyn Error + 'static)) -> Self {
        if says_full(error) { Self::DiskFull } else { Self::Internal }
    }

    /// The reason of a name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == name)
    }

    /// What it does to a job.
    #[must_use]
    pub fn event(self) -> JobEvent {
        self.row().1
    }

    /// Its gRPC code.
    #[must_use]
    pub fn code(self) -> Code {
        self.row().2
    }

    /// The exit code of a command that met it.
    #[must_use]
    pub fn exit_code(self) -> u8 {
        self.row().3
    }

    /// Who sees the failure's own words.
    #[must_use]
    pub fn audience(self) -> Audience {
        self.row().4
    }

    /// What to do next.
    #[must_use]
    pub fn hint(self) -> &'static str {
        self.row().5
    }
}

/// Whether the system says so of a file: there is no room left, or none that this user may take.
#[must_use]
pub fn is_full(kind: io::ErrorKind) -> bool {
    matches!(kind, io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

fn says_full(error: &(dyn Error + 'static)) -> bool {
    // An error of the system's that holds another one does not name it among its causes.
    let (full, held) = match error.downcast_ref::<io::Error>() {
        Some(io) => (is_full(io.kind()), io.get_ref().map(|held| held as &(dyn Error + 'static))),
        None => (false, None),
    };
    full || held.is_some_and(says_full) || error.source().is_some_and(says_full)
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_is_read_back_by_its_name() {
        for reason in Reason::ALL {
            assert_eq!(Reason::from_name(reason.as_str()), Some(reason));
            assert_eq!(serde_json::to_value(reason).unwrap(), reason.as_str());
        }
    }

    #[test]
    fn a_full_disk_is_told_from_other_faults_however_deep_it_lies() {
        #[derive(Debug, thiserror::Error)]
        #[error("the table cannot be written")]
        struct Above(#[source] io::Error);

        let of = |kind: io::ErrorKind| {
            let held = Above(io::Error::other(Above(kind.into())));
            assert_eq!(Reason::of_fault(&io::Error::from(kind)), Reason::of_fault(&held));
            Reason::of_fault(&held)
        };
        assert_eq!(of(io::ErrorKind::StorageFull), Reason::DiskFull);
        assert_eq!(of(io::ErrorKind::QuotaExceeded), Reason::DiskFull);
        for other in [
            io::ErrorKind::FileTooLarge,
            io::ErrorKind::PermissionDenied,
            io::ErrorKind::OutOfMemory,
            io::ErrorKind::NotFound,
        ] {
            assert_eq!(of(other), Reason::Internal, "{other}");
        }
    }

    #[test]
    fn only_refusals_by_policy_or_people_exit_with_three() {
        for reason in Reason::ALL {
            assert_eq!(reason.exit_code() == 3, reason.event() == JobEvent::Deny, "{reason}");
        }
    }
}
