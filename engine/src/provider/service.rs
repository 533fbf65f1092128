//! The participant's gRPC services. Only the coordinator may ask for work; only the party's own key decides on consent.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use futures::Stream;
use proto::v1::{
    self,
    consent_service_server::{ConsentService, ConsentServiceServer},
    party_service_server::{PartyService, PartyServiceServer},
};
use tokio_stream::{StreamExt, wrappers::ReceiverStream};
use tonic::{Request, Response, Status, service::RoutesBuilder};

use super::desk::Desk;
use crate::{
    identity::PartyName,
    job::{Failure, JobId, Reason, Stage},
    wire::{Datasets, RunOrder, only, read_cancel, read_job, status_of},
};

/// Both services of one desk.
#[derive(Clone, Debug)]
pub struct PartyServer {
    /// The desk behind them.
    pub desk: Arc<Desk>,
    /// Who may ask for work.
    pub coordinator: PartyName,
    /// Set while the daemon shuts down.
    pub draining: Arc<AtomicBool>,
}

impl PartyServer {
    /// Adds both services to a daemon's routes.
    pub fn add_to(self, routes: &mut RoutesBuilder) {
        routes.add_service(PartyServiceServer::new(self.clone()));
        routes.add_service(ConsentServiceServer::new(self));
    }

    fn coordinator<T>(&self, request: &Request<T>, stage: Stage) -> Result<(), Status> {
        only(request, &self.coordinator, stage)
            .map_err(|failure| status_of(failure.at(self.desk.name())))
    }

    fn owner<T>(&self, request: &Request<T>) -> Result<(), Status> {
        only(request, self.desk.name(), Stage::Approve)
            .map_err(|failure| status_of(failure.at(self.desk.name())))
    }

    /// New work is refused while the daemon drains.
    fn open(&self, stage: Stage) -> Result<(), Status> {
        if !self.draining.load(Ordering::SeqCst) {
            return Ok(());
        }
        let failure = Failure::new(Reason::Draining, stage, "the daemon is shutting down");
        Err(status_of(failure.at(self.desk.name())))
    }

    fn job(&self, text: &str, stage: Stage) -> Result<JobId, Status> {
        read_job(text, stage).map_err(|failure| status_of(failure.at(self.desk.name())))
    }
}

#[tonic::async_trait]
impl PartyService for PartyServer {
    async fn describe(
        &self,
        request: Request<v1::DescribeRequest>,
    ) -> Result<Response<v1::DescribeResponse>, Status> {
        self.coordinator(&request, Stage::Validate)?;
        self.desk.describe().await.map(|told| Response::new(told.into())).map_err(status_of)
    }

    async fn validate(
        &self,
        request: Request<v1::ValidateRequest>,
    ) -> Result<Response<v1::Verdict>, Status> {
        self.coordinator(&request, Stage::Validate)?;
        self.open(Stage::Validate)?;
        let request = request.into_inner();
        let dry_run = request.dry_run;
        let verdict = self.desk.validate(Datasets::from(request), dry_run).await;
        verdict.map(|verdict| Response::new(verdict.into())).map_err(status_of)
    }

    async fn get_verdict(
        &self,
        request: Request<v1::GetVerdictRequest>,
    ) -> Result<Response<v1::Verdict>, Status> {
        self.coordinator(&request, Stage::Approve)?;
        let job = self.job(&request.get_ref().job, Stage::Approve)?;
        let verdict = self.desk.verdict(job).await;
        verdict.map(|verdict| Response::new(verdict.into())).map_err(status_of)
    }

    type PrepareStream =
        std::pin::Pin<Box<dyn Stream<Item = Result<v1::PrepareEvent, Status>> + Send>>;

    async fn prepare(
        &self,
        request: Request<v1::PrepareRequest>,
    ) -> Result<Response<Self::PrepareStream>, Status> {
        self.coordinator(&request, Stage::Prepare)?;
        self.open(Stage::Prepare)?;
        let job = self.job(&request.get_ref().job, Stage::Prepare)?;
        let events = self.desk.clone().prepare_aloud(job, request.get_ref().attempt);
        let events = ReceiverStream::new(events)
            .map(|event| event.map(v1::PrepareEvent::from).map_err(status_of));
        Ok(Response::new(Box::pin(events)))
    }

    type RunStream = std::pin::Pin<Box<dyn Stream<Item = Result<v1::RunEvent, Status>> + Send>>;

    async fn run(
        &self,
        request: Request<v1::RunRequest>,
    ) -> Result<Response<Self::RunStream>, Status> {
        self.coordinator(&request, Stage::Connect)?;
        self.open(Stage::Connect)?;
        let order = RunOrder::read(request.into_inner()).map_err(status_of)?;
        let events = self.desk.run(&self.coordinator, order).await.map_err(status_of)?;
        let events = ReceiverStream::new(events)
            .map(|event| event.map(v1::RunEvent::from).map_err(status_of));
        Ok(Response::new(Box::pin(events)))
    }

    async fn account(
        &self,
        request: Request<v1::AccountRequest>,
    ) -> Result<Response<v1::AccountResponse>, Status> {
        self.coordinator(&request, Stage::Release)?;
        let job = self.job(&request.get_ref().job, Stage::Release)?;
        let part = self.desk.account(job, request.get_ref().attempt).await.map_err(status_of)?;
        Ok(Response::new(v1::AccountResponse { part }))
    }

    async fn cosign(
        &self,
        request: Request<v1::CosignRequest>,
    ) -> Result<Response<v1::CosignResponse>, Status> {
        self.coordinator(&request, Stage::Release)?;
        let job = self.job(&request.get_ref().job, Stage::Release)?;
        let v1::CosignRequest { attempt, body, .. } = request.into_inner();
        let signature = self.desk.cosign(job, attempt, body).await.map_err(status_of)?;
        Ok(Response::new(v1::CosignResponse { signature }))
    }

    async fn cancel(
        &self,
        request: Request<v1::CancelRequest>,
    ) -> Result<Response<v1::CancelResponse>, Status> {
        self.coordinator(&request, Stage::Run)?;
        let (job, why) = read_cancel(request.into_inner()).map_err(status_of)?;
        self.desk.cancel(job, why).await.map_err(status_of)?;
        Ok(Response::new(v1::CancelResponse {}))
    }
}

#[tonic::async_trait]
impl ConsentService for PartyServer {
    async fn list(
        &self,
        request: Request<v1::ListConsentsRequest>,
    ) -> Result<Response<v1::ListConsentsResponse>, Status> {
        self.owner(&request)?;
        let answered = request.get_ref().answered;
        let jobs = self.desk.list(answered).await.map_err(status_of)?;
        let jobs = jobs.into_iter().map(Into::into).collect();
        Ok(Response::new(v1::ListConsentsResponse { jobs }))
    }

    async fn approve(
        &self,
        request: Request<v1::ApproveRequest>,
    ) -> Result<Response<v1::Verdict>, Status> {
        self.owner(&request)?;
        let job = self.job(&request.get_ref().job, Stage::Approve)?;
        let verdict = self.desk.approve(job).await;
        verdict.map(|verdict| Response::new(verdict.into())).map_err(status_of)
    }

    async fn deny(
        &self,
        request: Request<v1::DenyRequest>,
    ) -> Result<Response<v1::Verdict>, Status> {
        self.owner(&request)?;
        let job = self.job(&request.get_ref().job, Stage::Approve)?;
        let verdict = self.desk.deny(job, request.into_inner().message).await;
        verdict.map(|verdict| Response::new(verdict.into())).map_err(status_of)
    }
}
