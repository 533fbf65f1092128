//! A buyer at work: one configuration, one connection to the coordinator.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use super::{
    config::Config,
    exit::{CliError, chain},
    job_file::{JobFile, Submission},
    outcome::{Broken, Opened, Outcome, refusals_of},
    progress::Progress,
    rounds::Told,
};
use crate::{
    audit::Receipt,
    client,
    clock::{Clock, SystemClock},
    executor::{Opener, check_failed_receipt, open_result},
    identity::SealingKey,
    job::{Failure, JobId, JobSpec, JobState, Stage},
    link::Dialler,
    wire::{Explanation, JobView},
};

/// How long the coordinator may take to answer; a submission is compiled by everybody first.
const ANSWER: Duration = Duration::from_secs(120);

/// Who asks, and opens.
pub(super) struct Buyer {
    config: Config,
    sealing: SealingKey,
    client: client::Buyer,
}

impl Buyer {
    /// The buyer of a configuration.
    ///
    /// # Errors
    /// Usage: the configuration is none of a buyer.
    pub(super) fn load(path: &Path) -> Result<Self, CliError> {
        let config = Config::load(path)?;
        let place = config.buyer()?;
        let dialler = Dialler::new(config.credentials()?, config.timeouts.timeouts());
        let client = client::Buyer::new(dialler, &place.coordinator, &place.address, ANSWER)
            .map_err(|error| CliError::usage(chain(&error)))?;
        Ok(Self { sealing: place.sealing()?, config, client })
    }

    fn spec(&self, mut file: JobFile, request_id: Option<&str>) -> Result<JobSpec, CliError> {
        if let Some(id) = request_id {
            file.request_id = Some(id.to_owned());
        }
        let mut fresh = [0; 16];
        getrandom::fill(&mut fresh).map_err(CliError::failed)?;
        Ok(file.spec(Submission {
            buyer: self.config.party.clone(),
            sealing_key: self.sealing.public(),
            request_id: hex::encode(fresh),
            now_ms: SystemClock.now_ms(),
        }))
    }

    /// Submits a job.
    ///
    /// # Errors
    /// The coordinator's, by their exit codes.
    pub(super) async fn submit(
        &self,
        file: JobFile,
        request_id: Option<&str>,
    ) -> Result<JobView, Failure> {
        let spec = self.spec(file, request_id).map_err(|error| {
            Failure::new(crate::job::Reason::Internal, Stage::Submit, error.message)
        })?;
        self.client.submit(&spec).await
    }

    /// What everybody would say to a job.
    ///
    /// # Errors
    /// The coordinator's, by their exit codes.
    pub(super) async fn explain(&self, file: JobFile) -> Result<Explanation, CliError> {
        Ok(self.client.explain(&self.spec(file, None)?).await?)
    }

    /// Submits a job, follows it, and opens its result.
    ///
    /// # Errors
    /// Why the job ended, by exit code; a refusal is an outcome.
    pub(super) async fn submit_and_wait(
        &self,
        file: JobFile,
        request_id: Option<&str>,
        progress: &mut Progress,
    ) -> Result<Outcome, CliError> {
        let began = Instant::now();
        let submitted = self.submit(file, request_id).await;
        if let Ok(view) = &submitted {
            progress.name(&view.job);
        }
        let view = match submitted {
            Ok(view) => view,
            Err(failure) => match refusals_of(&failure, &[]) {
                Some(refusals) => return Ok(Outcome::Refused(refusals)),
                None => return Err(failure.into()),
            },
        };
        self.result(view.job, began, progress).await
    }

    /// Follows a job to its end and opens its result.
    ///
    /// # Errors
    /// What went wrong on this side, by exit code; however the job itself ended is an outcome.
    pub(super) async fn result(
        &self,
        job: JobId,
        began: Instant,
        progress: &mut Progress,
    ) -> Result<Outcome, CliError> {
        let view = self.watch(job, progress).await?;
        if let Some(failure) = view.failure {
            if let Some(refusals) = refusals_of(&failure, &view.refusals) {
                return Ok(Outcome::Refused(refusals));
            }
            // What ended before any party prepared left no traces to sign for.
            if failure.stage < Stage::Prepare {
                return Ok(Outcome::Failed(Box::new(Broken { failure, receipt: None })));
            }
            progress.at(100, "the job failed; its parties sign the receipt");
            let receipt = Some(self.failed_receipt(job, &failure).await);
            return Ok(Outcome::Failed(Box::new(Broken { failure, receipt })));
        }
        if !matches!(view.state, JobState::ResultReady | JobState::Delivered) {
            return Err(CliError::failed(format!("the job ended {}", view.state)));
        }
        progress.at(100, "fetching and opening the result");
        let fetched = self.client.fetch(job).await?;
        let delivery = open_result(self.opener(), job, &fetched)?;
        let seconds = began.elapsed().as_secs_f64();
        Ok(Outcome::Done(Box::new(Opened { delivery, receipt: fetched.receipt, seconds })))
    }

    fn opener(&self) -> Opener<'_> {
        Opener { name: &self.config.party, pins: &self.config.pins, key: &self.sealing }
    }

    /// The receipt of a job that failed, as it holds against this buyer's pins.
    async fn failed_receipt(
        &self,
        job: JobId,
        told: &Failure,
    ) -> Result<(Receipt, Vec<u8>), Failure> {
        let json = self.client.receipt(job).await?;
        let receipt = check_failed_receipt(&self.config.pins, job, told, &json)?;
        Ok((receipt, json))
    }

    /// Follows a job until it ends or its result is ready; of a training, with what its rounds came to.
    ///
    /// # Errors
    /// The coordinator's, by their exit codes.
    pub(super) async fn watch(
        &self,
        job: JobId,
        progress: &mut Progress,
    ) -> Result<JobView, CliError> {
        let mut told = Told::new(self.opener(), &self.client, job);
        let show = async |view: &JobView| {
            told.tell(view, progress).await;
            progress.at(percent(view), &words(view));
        };
        Ok(self.client.follow(job, show).await?)
    }

    /// Ends a job.
    ///
    /// # Errors
    /// The coordinator's, by their exit codes.
    pub(super) async fn cancel(&self, job: JobId) -> Result<JobView, CliError> {
        Ok(self.client.cancel(job).await?)
    }

    /// This buyer's jobs, newest first.
    ///
    /// # Errors
    /// The coordinator's, by their exit codes.
    pub(super) async fn list(&self) -> Result<Vec<JobView>, CliError> {
        Ok(self.client.list().await?)
    }
}

/// How far a job is: the joint plan takes most of the time.
fn percent(view: &JobView) -> u32 {
    match view.state {
        JobState::Submitted => 3,
        JobState::Validating => 5,
        JobState::AwaitingApproval => 8,
        JobState::Approved => 10,
        JobState::Preparing => 12,
        JobState::Running => 15 + view.progress.percent.min(100) * 8 / 10,
        _ => 97,
    }
}

/// Where a job is, in words.
pub(super) fn words(view: &JobView) -> String {
    let names = |parties: &[crate::identity::PartyName]| {
        let names: Vec<_> = parties.iter().map(ToString::to_string).collect();
        names.join(", ")
    };
    match view.state {
        JobState::Submitted | JobState::Validating => {
            "every party compiles the job and asks its policies".to_owned()
        }
        JobState::AwaitingApproval if view.awaiting.is_empty() => {
            "every party has consented".to_owned()
        }
        JobState::AwaitingApproval => {
            format!("waiting for the consent of {}", names(&view.awaiting))
        }
        JobState::Approved => "all consents are on one plan".to_owned(),
        JobState::Preparing if !view.progress.step.is_empty() => {
            format!("providers run their own parts ({})", view.progress.step)
        }
        JobState::Preparing => "providers run their own parts and commit to their rows".to_owned(),
        JobState::Running if !view.progress.step.is_empty() => {
            format!("the parties compute on shares ({})", view.progress.step)
        }
        JobState::Running => "the parties compute on shares".to_owned(),
        JobState::Releasing => "sealed shares and signatures come in".to_owned(),
        state => format!("the job is {state}"),
    }
}
