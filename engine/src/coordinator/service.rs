//! The coordinator's gRPC service. A buyer sees its own jobs, and nobody else's.

use std::{pin::Pin, sync::Arc};

use futures::{Stream, StreamExt};
use proto::v1::{
    self,
    job_service_server::{JobService, JobServiceServer},
};
use tokio::sync::mpsc;
use tokio_stream::wrappers::{ReceiverStream, WatchStream};
use tonic::{Request, Response, Status, service::RoutesBuilder};

use super::board::Board;
use crate::{
    job::{Failure, JobId, Reason, Stage},
    wire::{caller, read_job, status_of},
};

/// Longest page of a list.
const MAX_PAGE: u32 = 200;

/// The service over one board.
#[derive(Clone, Debug)]
pub struct JobServer(pub Arc<Board>);

impl JobServer {
    /// Adds the service to a daemon's routes.
    pub fn add_to(self, routes: &mut RoutesBuilder) {
        routes.add_service(JobServiceServer::new(self));
    }
}

type Reply<T> = Result<Response<T>, Status>;
type Many<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

#[tonic::async_trait]
impl JobService for JobServer {
    async fn submit(&self, request: Request<v1::SubmitRequest>) -> Reply<v1::JobView> {
        let caller = caller(&request, Stage::Submit).map_err(status_of)?;
        let view = self.0.submit(&caller, &request.get_ref().spec).await;
        view.map(|view| Response::new(view.into())).map_err(status_of)
    }

    async fn explain(&self, request: Request<v1::ExplainRequest>) -> Reply<v1::Explanation> {
        let caller = caller(&request, Stage::Validate).map_err(status_of)?;
        let told = self.0.explain(&caller, &request.get_ref().spec).await;
        told.map(|told| Response::new(told.into())).map_err(status_of)
    }

    async fn get(&self, request: Request<v1::GetJobRequest>) -> Reply<v1::JobView> {
        let caller = caller(&request, Stage::Submit).map_err(status_of)?;
        let job = read_job(&request.get_ref().job, Stage::Submit).map_err(status_of)?;
        let view = self.0.view(&caller, job).await;
        view.map(|view| Response::new(view.into())).map_err(status_of)
    }

    async fn list(&self, request: Request<v1::ListJobsRequest>) -> Reply<v1::ListJobsResponse> {
        let caller = caller(&request, Stage::Submit).map_err(status_of)?;
        let v1::ListJobsRequest { page_size, page_token } = request.into_inner();
        let after = (!page_token.is_empty()).then(|| {
            read_job(&page_token, Stage::Submit).map_err(|_| {
                let words = "page_token: is none that a page before gave";
                status_of(Failure::new(Reason::SpecInvalid, Stage::Submit, words))
            })
        });
        let after = after.transpose()?;
        let limit = if page_size == 0 { 50 } else { page_size.min(MAX_PAGE) };
        let jobs = self.0.list(&caller, after, limit).await.map_err(status_of)?;
        let full = jobs.len() == limit as usize;
        let last = jobs.last().filter(|_| full).map(|view| view.job.to_string());
        let next_page_token = last.unwrap_or_default();
        let jobs = jobs.into_iter().map(Into::into).collect();
        Ok(Response::new(v1::ListJobsResponse { jobs, next_page_token }))
    }

    type WatchStream = Many<v1::JobView>;

    async fn watch(&self, request: Request<v1::WatchJobRequest>) -> Reply<Self::WatchStream> {
        let caller = caller(&request, Stage::Submit).map_err(status_of)?;
        let job = read_job(&request.get_ref().job, Stage::Submit).map_err(status_of)?;
        let views = self.0.watch(&caller, job).await.map_err(status_of)?;
        // Ends with the job: the sender is gone once nothing more happens to it.
        let mut told = 0;
        let views = WatchStream::new(views).map(move |mut view| {
            view.rounds.retain(|round| round.round > told);
            told = view.rounds.last().map_or(told, |last| last.round);
            Ok(view.into())
        });
        Ok(Response::new(Box::pin(views)))
    }

    async fn cancel(&self, request: Request<v1::CancelJobRequest>) -> Reply<v1::JobView> {
        let caller = caller(&request, Stage::Submit).map_err(status_of)?;
        let job = read_job(&request.get_ref().job, Stage::Submit).map_err(status_of)?;
        let view = self.0.cancel(&caller, job).await;
        view.map(|view| Response::new(view.into())).map_err(status_of)
    }

    type FetchResultStream = Many<v1::ResultChunk>;

    async fn fetch_result(
        &self,
        request: Request<v1::FetchResultRequest>,
    ) -> Reply<Self::FetchResultStream> {
        let caller = caller(&request, Stage::Deliver).map_err(status_of)?;
        let job = read_job(&request.get_ref().job, Stage::Deliver).map_err(status_of)?;
        self.0.ready(&caller, job).await.map_err(status_of)?;
        let (chunks, stream) = mpsc::channel(2);
        let board = self.0.clone();
        tokio::spawn(async move {
            if let Err(failure) = send(&board, job, &chunks).await {
                let _ = chunks.send(Err(status_of(failure))).await;
            }
        });
        Ok(Response::new(Box::pin(ReceiverStream::new(stream))))
    }

    async fn get_receipt(&self, request: Request<v1::GetReceiptRequest>) -> Reply<v1::Receipt> {
        let caller = caller(&request, Stage::Deliver).map_err(status_of)?;
        let job = read_job(&request.get_ref().job, Stage::Deliver).map_err(status_of)?;
        let receipt = self.0.receipt(&caller, job).await;
        receipt.map(|json| Response::new(v1::Receipt { json })).map_err(status_of)
    }

    async fn get_documents(
        &self,
        request: Request<v1::GetDocumentsRequest>,
    ) -> Reply<v1::Documents> {
        let caller = caller(&request, Stage::Deliver).map_err(status_of)?;
        let job = read_job(&request.get_ref().job, Stage::Deliver).map_err(status_of)?;
        let documents = self.0.documents(&caller, job).await;
        documents.map(|documents| Response::new(documents.into())).map_err(status_of)
    }
}

/// Sends all sealed shares of a job, then notes that they were delivered.
async fn send(
    board: &Board,
    job: JobId,
    chunks: &mpsc::Sender<Result<v1::ResultChunk, Status>>,
) -> Result<(), Failure> {
    for (party, manifest) in board.manifests(job).await? {
        let (mut piece, mut offset, mut manifest) = (0, 0, manifest);
        let mut data = board.piece(job, &party, piece).await?.unwrap_or_default();
        loop {
            piece += 1;
            let next = board.piece(job, &party, piece).await?;
            let (len, last) = (data.len() as u64, next.is_none());
            let chunk = v1::ResultChunk {
                party: party.to_string(),
                manifest: std::mem::take(&mut manifest),
                offset,
                data,
                last,
            };
            if chunks.send(Ok(chunk)).await.is_err() {
                let words = "the buyer went away while fetching";
                return Err(Failure::new(Reason::PartyLost, Stage::Deliver, words));
            }
            offset += len;
            match next {
                Some(next) => data = next,
                None => break,
            }
        }
    }
    board.delivered(job).await
}
