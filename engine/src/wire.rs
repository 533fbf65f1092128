//! The one door between wire types and domain types, and between failures and gRPC statuses.
//!
//! Everything that comes in is parsed here, once; what stands behind it has checked forms and lengths only, no signatures.

mod caller;
mod calls;
mod document;
mod line;
mod run;
mod scores;
mod status;
mod trainer;
mod verdict;
mod view;

pub use caller::{caller, only};
pub use calls::{ConsentCalls, JobCalls, PartyCalls, Replies};
pub use document::{MAX_DOCUMENT_BYTES, parse, write};
/// The compiled descriptors of all services, for server reflection.
pub use proto::v1::DESCRIPTORS;
pub use run::{
    CHUNK_BYTES, Participant, PrepareEvent, Prepared, Progress, RunEvent, RunOrder, SealedPiece,
    SealedRound, SealedShare, pieces, roster, run_id,
};
pub use scores::{TrainerScores, Unscored};
pub use status::{failure_of, status_of};
pub use trainer::{TrainedModel, TrainerCalls, TrainerSession, TrainerSetting};
pub use verdict::{Datasets, Decision, PendingJob, Published, Verdict, read_cancel, read_job};
pub use view::{Explanation, JobView};

#[cfg(test)]
mod tests;
