//! Hostile bytes: whatever comes in, reading it ends in a value or a failure.

use proptest::prelude::*;
use prost::Message;
use proto::v1;

use super::{Explanation, JobView, PendingJob, Prepared, RunEvent, RunOrder, Verdict, read_cancel};
use crate::{
    identity::Pins,
    job::{Stage, admit},
};

/// Bytes that decode as a message, and then whatever fields they have.
fn read_all(bytes: &[u8]) {
    let _ = v1::Verdict::decode(bytes).map(Verdict::read);
    let _ = v1::JobView::decode(bytes).map(JobView::read);
    let _ = v1::Explanation::decode(bytes).map(Explanation::read);
    let _ = v1::PendingJob::decode(bytes).map(PendingJob::read);
    let _ = v1::PrepareResponse::decode(bytes).map(Prepared::read);
    let _ = v1::RunRequest::decode(bytes).map(RunOrder::read);
    let _ = v1::RunEvent::decode(bytes).map(RunEvent::read);
    let _ = v1::CancelRequest::decode(bytes).map(read_cancel);
    let _ = admit(bytes, Stage::Submit, &Pins::default(), 0);
}

proptest! {
    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        read_all(&bytes);
    }

    #[test]
    fn random_fields_never_panic(
        texts in prop::collection::vec("\\PC{0,70}", 4),
        bytes in prop::collection::vec(any::<u8>(), 0..80),
        number in any::<i32>(),
    ) {
        let verdict = v1::Verdict {
            job: texts[0].clone(),
            decision: number,
            plan_hash: texts[1].clone(),
            consent: bytes.clone(),
            refusals: vec![v1::Refusal { party: texts[2].clone(), ..Default::default() }],
            ..Default::default()
        };
        read_all(&verdict.encode_to_vec());
        let participant = v1::Participant {
            party: texts[2].clone(),
            consent: bytes.clone(),
            nonce: bytes,
            ..Default::default()
        };
        let job = texts[0].clone();
        let order = v1::RunRequest { job, attempt: 1, participants: vec![participant] };
        read_all(&order.encode_to_vec());
    }
}
