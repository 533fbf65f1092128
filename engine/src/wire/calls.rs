//! The calls one daemon, or a buyer, makes to another: domain types in, domain types or failures out.

use std::{future::Future, time::Duration};

use proto::v1::{
    self, consent_service_client::ConsentServiceClient, job_service_client::JobServiceClient,
    party_service_client::PartyServiceClient,
};
use tonic::{Response, Status, Streaming, transport::Channel};

use super::{
    run::{PrepareEvent, Prepared, Progress, RunEvent, RunOrder, SealedPiece},
    status::failure_of,
    verdict::{Datasets, PendingJob, Published, Verdict, party},
    view::{Explanation, JobView, write_failure},
};
use crate::{
    identity::PartyName,
    job::{Failure, JobId, Reason, Stage},
};

/// Whom a call goes to and how long it may take.
#[derive(Clone, Debug)]
struct Line {
    peer: PartyName,
    limit: Duration,
}

/// Calls to a participant.
#[derive(Clone, Debug)]
pub struct PartyCalls {
    line: Line,
    client: PartyServiceClient<Channel>,
}

/// Calls to the coordinator.
#[derive(Clone, Debug)]
pub struct JobCalls {
    line: Line,
    client: JobServiceClient<Channel>,
}

/// Calls to one's own provider daemon.
#[derive(Clone, Debug)]
pub struct ConsentCalls {
    line: Line,
    client: ConsentServiceClient<Channel>,
}

/// What comes back piece by piece.
#[derive(Debug)]
pub struct Replies<T> {
    line: Line,
    stage: Stage,
    stream: Streaming<T>,
}

impl Line {
    /// Awaits a call; no answer within the limit is a stall.
    async fn ask<T>(
        &self,
        stage: Stage,
        call: impl Future<Output = Result<Response<T>, Status>>,
    ) -> Result<T, Failure> {
        match tokio::time::timeout(self.limit, call).await {
            Ok(Ok(answer)) => Ok(answer.into_inner()),
            Ok(Err(status)) => Err(failure_of(&status, &self.peer, stage)),
            Err(_) => {
                let words = format!("{} did not answer in time", self.peer);
                Err(Failure::new(Reason::Stalled, stage, words).at(&self.peer))
            }
        }
    }

    /// Lays a malformed answer at the peer's door.
    fn blame<T>(&self, stage: Stage, read: Result<T, Failure>) -> Result<T, Failure> {
        read.map_err(|failure| Failure { stage, ..failure.at(&self.peer) })
    }
}

impl<T> Replies<T> {
    async fn next(&mut self) -> Result<Option<T>, Failure> {
        let next = self.stream.message().await;
        next.map_err(|status| failure_of(&status, &self.line.peer, self.stage))
    }
}

impl PartyCalls {
    /// Calls to `peer` over `channel`, each within `limit` (a run: until it answers).
    #[must_use]
    pub fn new(peer: PartyName, channel: Channel, limit: Duration) -> Self {
        Self { line: Line { peer, limit }, client: PartyServiceClient::new(channel) }
    }

    /// The same, with another limit.
    #[must_use]
    pub fn within(&self, limit: Duration) -> Self {
        let line = Line { limit, ..self.line.clone() };
        Self { line, client: self.client.clone() }
    }

    /// Whom they go to.
    #[must_use]
    pub fn peer(&self) -> &PartyName {
        &self.line.peer
    }

    /// What it publishes.
    ///
    /// # Errors
    /// Its [`Failure`], or that it cannot be reached.
    pub async fn describe(&self) -> Result<Published, Failure> {
        let mut client = self.client.clone();
        let call = client.describe(v1::DescribeRequest {});
        Ok(self.line.ask(Stage::Validate, call).await?.into())
    }

    /// Its verdict on a job; a dry run is not remembered.
    ///
    /// # Errors
    /// Its [`Failure`], or that it cannot be reached.
    pub async fn validate(&self, job: Datasets, dry_run: bool) -> Result<Verdict, Failure> {
        let mut client = self.client.clone();
        let call = client.validate(job.into_request(dry_run));
        let verdict = self.line.ask(Stage::Validate, call).await?;
        self.line.blame(Stage::Validate, Verdict::read(verdict))
    }

    /// Its verdict as it stands.
    ///
    /// # Errors
    /// Its [`Failure`], or that it cannot be reached.
    pub async fn verdict(&self, job: JobId) -> Result<Verdict, Failure> {
        let mut client = self.client.clone();
        let call = client.get_verdict(v1::GetVerdictRequest { job: job.to_string() });
        let verdict = self.line.ask(Stage::Approve, call).await?;
        self.line.blame(Stage::Approve, Verdict::read(verdict))
    }

    /// What it brings to a run. Its own part may take long: the limit is for signs of life, which are `told`.
    ///
    /// # Errors
    /// Its [`Failure`], or that it cannot be reached or is silent.
    pub async fn prepare(
        &self,
        job: JobId,
        attempt: u32,
        told: impl Fn(Progress) + Send,
    ) -> Result<Prepared, Failure> {
        let (stage, line) = (Stage::Prepare, self.line.clone());
        let mut client = self.client.clone();
        let call = client.prepare(v1::PrepareRequest { job: job.to_string(), attempt });
        let mut events = Replies { stream: self.line.ask(stage, call).await?, line, stage };
        loop {
            let event = tokio::time::timeout(self.line.limit, events.next()).await;
            let silent = |_| {
                let words = format!("{} gave no sign of life while it prepared", self.line.peer);
                Failure::new(Reason::Stalled, stage, words).at(&self.line.peer)
            };
            let Some(event) = event.map_err(silent)?? else {
                let words = "it ended its preparation without a result";
                let failure = Failure::new(Reason::ProtocolViolation, stage, words);
                return Err(failure.at(&self.line.peer));
            };
            match self.line.blame(stage, PrepareEvent::read(event))? {
                PrepareEvent::Progress(progress) => told(progress),
                PrepareEvent::Prepared(prepared) => return Ok(prepared),
            }
        }
    }

    /// Starts its run.
    ///
    /// # Errors
    /// Its [`Failure`], or that it cannot be reached.
    pub async fn run(&self, order: RunOrder) -> Result<Replies<v1::RunEvent>, Failure> {
        let mut client = self.client.clone();
        let call = client.run(v1::RunRequest::from(order));
        let stream = self.line.ask(Stage::Run, call).await?;
        Ok(Replies { line: self.line.clone(), stage: Stage::Run, stream })
    }

    /// Its account of a job that ended early there (JSON).
    ///
    /// # Errors
    /// Its [`Failure`], or that it cannot be reached.
    pub async fn account(&self, job: JobId, attempt: u32) -> Result<Vec<u8>, Failure> {
        let mut client = self.client.clone();
        let call = client.account(v1::AccountRequest { job: job.to_string(), attempt });
        Ok(self.line.ask(Stage::Release, call).await?.part)
    }

    /// Its signature under a receipt (JSON).
    ///
    /// # Errors
    /// Its [`Failure`], or that it cannot be reached.
    pub async fn cosign(
        &self,
        job: JobId,
        attempt: u32,
        body: Vec<u8>,
    ) -> Result<Vec<u8>, Failure> {
        let mut client = self.client.clone();
        let call = client.cosign(v1::CosignRequest { job: job.to_string(), attempt, body });
        Ok(self.line.ask(Stage::Release, call).await?.signature)
    }

    /// Tells it that the job is over.
    ///
    /// # Errors
    /// Its [`Failure`], or that it cannot be reached.
    pub async fn cancel(&self, job: JobId, why: &Failure) -> Result<(), Failure> {
        let mut client = self.client.clone();
        let failure = Some(write_failure(why.clone().redacted()));
        let call = client.cancel(v1::CancelRequest { job: job.to_string(), failure });
        self.line.ask(why.stage, call).await.map(|_| ())
    }
}

impl Replies<v1::RunEvent> {
    /// The next event of a run; `None` when there are no more.
    ///
    /// # Errors
    /// The participant's [`Failure`], or that it was lost.
    pub async fn event(&mut self) -> Result<Option<RunEvent>, Failure> {
        let Some(event) = self.next().await? else { return Ok(None) };
        self.line.blame(self.stage, RunEvent::read(event)).map(Some)
    }
}

impl JobCalls {
    /// Calls to the coordinator `peer` over `channel`.
    #[must_use]
    pub fn new(peer: PartyName, channel: Channel, limit: Duration) -> Self {
        Self { line: Line { peer, limit }, client: JobServiceClient::new(channel) }
    }

    /// Submits a signed specification (JSON).
    ///
    /// # Errors
    /// The coordinator's [`Failure`], or that it cannot be reached.
    pub async fn submit(&self, spec: Vec<u8>) -> Result<JobView, Failure> {
        let mut client = self.client.clone();
        let view = self.line.ask(Stage::Submit, client.submit(v1::SubmitRequest { spec })).await?;
        self.line.blame(Stage::Submit, JobView::read(view))
    }

    /// What would happen if it were submitted.
    ///
    /// # Errors
    /// The coordinator's [`Failure`], or that it cannot be reached.
    pub async fn explain(&self, spec: Vec<u8>) -> Result<Explanation, Failure> {
        let mut client = self.client.clone();
        let call = client.explain(v1::ExplainRequest { spec });
        let told = self.line.ask(Stage::Validate, call).await?;
        self.line.blame(Stage::Validate, Explanation::read(told))
    }

    /// A job.
    ///
    /// # Errors
    /// The coordinator's [`Failure`], or that it cannot be reached.
    pub async fn get(&self, job: JobId) -> Result<JobView, Failure> {
        let mut client = self.client.clone();
        let call = client.get(v1::GetJobRequest { job: job.to_string() });
        let view = self.line.ask(Stage::Submit, call).await?;
        self.line.blame(Stage::Submit, JobView::read(view))
    }

    /// One page of the caller's jobs, newest first, and the token of the next page (empty after the last).
    ///
    /// # Errors
    /// The coordinator's [`Failure`], or that it cannot be reached.
    pub async fn list(
        &self,
        page_size: u32,
        page_token: String,
    ) -> Result<(Vec<JobView>, String), Failure> {
        let mut client = self.client.clone();
        let call = client.list(v1::ListJobsRequest { page_size, page_token });
        let page = self.line.ask(Stage::Submit, call).await?;
        let jobs = page.jobs.into_iter().map(JobView::read).collect();
        Ok((self.line.blame(Stage::Submit, jobs)?, page.next_page_token))
    }

    /// A job's views from now on.
    ///
    /// # Errors
    /// The coordinator's [`Failure`], or that it cannot be reached.
    pub async fn watch(&self, job: JobId) -> Result<Replies<v1::JobView>, Failure> {
        let mut client = self.client.clone();
        let call = client.watch(v1::WatchJobRequest { job: job.to_string() });
        let stream = self.line.ask(Stage::Submit, call).await?;
        Ok(Replies { line: self.line.clone(), stage: Stage::Run, stream })
    }

    /// Ends a job.
    ///
    /// # Errors
    /// The coordinator's [`Failure`], or that it cannot be reached.
    pub async fn cancel(&self, job: JobId) -> Result<JobView, Failure> {
        let mut client = self.client.clone();
        let call = client.cancel(v1::CancelJobRequest { job: job.to_string() });
        let view = self.line.ask(Stage::Submit, call).await?;
        self.line.blame(Stage::Submit, JobView::read(view))
    }

    /// The sealed shares of a job that is ready.
    ///
    /// # Errors
    /// The coordinator's [`Failure`], or that it cannot be reached.
    pub async fn fetch(&self, job: JobId) -> Result<Replies<v1::ResultChunk>, Failure> {
        let mut client = self.client.clone();
        let call = client.fetch_result(v1::FetchResultRequest { job: job.to_string() });
        let stream = self.line.ask(Stage::Deliver, call).await?;
        Ok(Replies { line: self.line.clone(), stage: Stage::Deliver, stream })
    }

    /// A job's receipt (JSON).
    ///
    /// # Errors
    /// The coordinator's [`Failure`], or that it cannot be reached.
    pub async fn receipt(&self, job: JobId) -> Result<Vec<u8>, Failure> {
        let mut client = self.client.clone();
        let call = client.get_receipt(v1::GetReceiptRequest { job: job.to_string() });
        Ok(self.line.ask(Stage::Deliver, call).await?.json)
    }

    /// What a job's plan was compiled from.
    ///
    /// # Errors
    /// The coordinator's [`Failure`], or that it cannot be reached.
    pub async fn documents(&self, job: JobId) -> Result<Datasets, Failure> {
        let mut client = self.client.clone();
        let call = client.get_documents(v1::GetDocumentsRequest { job: job.to_string() });
        Ok(self.line.ask(Stage::Deliver, call).await?.into())
    }
}

impl Replies<v1::JobView> {
    /// The next view; `None` after the end of the job.
    ///
    /// # Errors
    /// The coordinator's [`Failure`], or that it was lost.
    pub async fn view(&mut self) -> Result<Option<JobView>, Failure> {
        let Some(view) = self.next().await? else { return Ok(None) };
        self.line.blame(self.stage, JobView::read(view)).map(Some)
    }
}

impl Replies<v1::ResultChunk> {
    /// The next piece and whose share it belongs to; `None` after the last.
    ///
    /// # Errors
    /// The coordinator's [`Failure`], or that it was lost.
    pub async fn piece(&mut self) -> Result<Option<(PartyName, SealedPiece)>, Failure> {
        let Some(chunk) = self.next().await? else { return Ok(None) };
        let owner = self.line.blame(self.stage, party(&chunk.party))?;
        let v1::ResultChunk { manifest, offset, data, last, .. } = chunk;
        Ok(Some((owner, SealedPiece { manifest, offset, data, last })))
    }
}

impl ConsentCalls {
    /// Calls to one's own daemon.
    #[must_use]
    pub fn new(peer: PartyName, channel: Channel, limit: Duration) -> Self {
        Self { line: Line { peer, limit }, client: ConsentServiceClient::new(channel) }
    }

    /// The jobs that wait for an answer, newest first; with `answered`, those that had one and are not over, too.
    ///
    /// # Errors
    /// The daemon's [`Failure`], or that it cannot be reached.
    pub async fn list(&self, answered: bool) -> Result<Vec<PendingJob>, Failure> {
        let mut client = self.client.clone();
        let call = client.list(v1::ListConsentsRequest { answered });
        let jobs = self.line.ask(Stage::Approve, call).await?.jobs;
        let jobs = jobs.into_iter().map(PendingJob::read).collect();
        self.line.blame(Stage::Approve, jobs)
    }

    /// Consents to a job.
    ///
    /// # Errors
    /// The daemon's [`Failure`], or that it cannot be reached.
    pub async fn approve(&self, job: JobId) -> Result<Verdict, Failure> {
        let mut client = self.client.clone();
        let call = client.approve(v1::ApproveRequest { job: job.to_string() });
        let verdict = self.line.ask(Stage::Approve, call).await?;
        self.line.blame(Stage::Approve, Verdict::read(verdict))
    }

    /// Refuses a job.
    ///
    /// # Errors
    /// The daemon's [`Failure`], or that it cannot be reached.
    pub async fn deny(&self, job: JobId, message: String) -> Result<Verdict, Failure> {
        let mut client = self.client.clone();
        let call = client.deny(v1::DenyRequest { job: job.to_string(), message });
        let verdict = self.line.ask(Stage::Approve, call).await?;
        self.line.blame(Stage::Approve, Verdict::read(verdict))
    }
}
