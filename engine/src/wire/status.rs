//! Failures as gRPC statuses and back. The only place that builds a status.

use std::collections::HashMap;

use tonic::Status;
use tonic_types::{ErrorDetails, StatusExt};

use crate::{
    identity::PartyName,
    job::{Code, Failure, Reason, Stage},
    link::in_words,
};

/// Whose reasons these are, in `ErrorInfo`.
const DOMAIN: &str = "unseen.v1";

/// The status that tells a caller of a failure: in the failure's own words only where the table allows.
#[must_use]
pub fn status_of(failure: Failure) -> Status {
    let failure = failure.redacted();
    let party = failure.party.as_ref().map_or("", PartyName::as_str);
    let metadata = HashMap::from([
        ("party".to_owned(), party.to_owned()),
        ("stage".to_owned(), failure.stage.as_str().to_owned()),
        ("hint".to_owned(), failure.reason.hint().to_owned()),
    ]);
    let details = ErrorDetails::with_error_info(failure.reason.as_str(), DOMAIN, metadata);
    Status::with_error_details(code(failure.reason.code()), failure.message, details)
}

/// The failure that a status tells of. What is no answer of ours (a lost connection, a deadline) is laid at `peer`'s door.
#[must_use]
pub fn failure_of(status: &Status, peer: &PartyName, stage: Stage) -> Failure {
    if let Some(info) = status.get_details_error_info()
        && info.domain == DOMAIN
        && let Some(reason) = Reason::from_name(&info.reason)
    {
        let field = |name: &str| info.metadata.get(name).map_or("", String::as_str);
        let party = PartyName::try_from(field("party")).ok();
        let stage = Stage::from_name(field("stage")).unwrap_or(stage);
        let message: String = status.message().chars().take(1000).collect();
        return Failure::new(reason, stage, message).at(&party.unwrap_or_else(|| peer.clone()));
    }
    let reason = match status.code() {
        tonic::Code::DeadlineExceeded => Reason::Stalled,
        tonic::Code::Unimplemented => Reason::VersionMismatch,
        tonic::Code::InvalidArgument | tonic::Code::OutOfRange => Reason::ProtocolViolation,
        _ => Reason::PartyLost,
    };
    let message = match reason {
        Reason::Stalled => format!("{peer} did not answer in time"),
        Reason::VersionMismatch => format!("{peer} does not offer this call"),
        Reason::ProtocolViolation => format!("{peer} refused the call as malformed"),
        _ => format!("{peer} cannot be reached: {}", cause(status)),
    };
    let unanswered = reason == Reason::PartyLost;
    Failure { unanswered, ..Failure::new(reason, stage, message).at(peer) }
}

/// The innermost words of a transport error, which alone say what happened (`connection refused`, `another certificate`).
fn cause(status: &Status) -> String {
    let mut inner = std::error::Error::source(status);
    while let Some(source) = inner.and_then(std::error::Error::source) {
        inner = Some(source);
    }
    let text = inner.map_or_else(|| status.message().to_owned(), ToString::to_string);
    in_words(&text).chars().take(300).collect()
}

fn code(code: Code) -> tonic::Code {
    match code {
        Code::InvalidArgument => tonic::Code::InvalidArgument,
        Code::NotFound => tonic::Code::NotFound,
        Code::AlreadyExists => tonic::Code::AlreadyExists,
        Code::PermissionDenied => tonic::Code::PermissionDenied,
        Code::FailedPrecondition => tonic::Code::FailedPrecondition,
        Code::Aborted => tonic::Code::Aborted,
        Code::Cancelled => tonic::Code::Cancelled,
        Code::DeadlineExceeded => tonic::Code::DeadlineExceeded,
        Code::ResourceExhausted => tonic::Code::ResourceExhausted,
        Code::Unavailable => tonic::Code::Unavailable,
        Code::Unimplemented => tonic::Code::Unimplemented,
        Code::Internal => tonic::Code::Internal,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn party(name: &str) -> PartyName {
        PartyName::try_from(name).unwrap()
    }

    #[test]
    fn every_reason_comes_back_with_party_and_stage() {
        for reason in Reason::ALL {
            let failure = Failure::new(reason, Stage::Run, "words").at(&party("census"));
            let told = failure_of(&status_of(failure.clone()), &party("exchange"), Stage::Submit);
            assert_eq!(told, failure.redacted());
        }
    }

    #[test]
    fn words_meant_for_the_party_alone_do_not_travel() {
        let failure = Failure::new(Reason::InputInvalid, Stage::Prepare, "line 12345");
        let status = status_of(failure);
        assert!(!format!("{status:?}").contains("12345"));
        assert_eq!(status.code(), tonic::Code::FailedPrecondition);
    }

    #[test]
    fn a_lost_connection_is_laid_at_the_peers_door() {
        let told = failure_of(&Status::unavailable("refused"), &party("census"), Stage::Prepare);
        assert_eq!(told.reason, Reason::PartyLost);
        assert_eq!(told.party, Some(party("census")));
        assert!(told.unanswered);
        // Whatever words it uses, and whoever it calls unreachable.
        let passed_on = failure_of(&status_of(told), &party("census"), Stage::Run);
        assert!(!passed_on.unanswered, "it says so itself");
        let slow = failure_of(&Status::deadline_exceeded(""), &party("census"), Stage::Run);
        assert!(!slow.unanswered, "it is there, and slow");
    }
}
