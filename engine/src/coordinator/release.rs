//! From sealed shares to RESULT_READY: the receipt that everybody signs. Survives a restart, since all it needs is journalled.

use futures::future::join_all;

use super::{
    board::Board,
    book::{Live, broken},
    drive::ATTEMPT,
    planner::{Assembly, End},
};
use crate::{
    audit::{Event, RECEIPT_DOMAIN},
    identity::{PartyName, Signed, canonical_hash},
    job::{Failure, JobEvent, Reason, Stage},
    policy::Consent,
    wire::{self, PartyCalls, Published},
};

impl Board {
    /// Assembles the receipt, collects the signatures, and lets the buyer fetch.
    pub(super) async fn release(&self, live: &Live, spec: &[u8]) -> Result<(), Failure> {
        let (assembly, parties) = self.assembly(live, spec).await?;
        let planner = self.planner.clone();
        let body = self.on_thread(move || planner.assemble(&assembly)).await?;
        let (mut signatures, mut failures) = (Vec::new(), Vec::new());
        for (party, signed) in
            join_all(parties.iter().map(|p| self.signature(live, p, &body))).await
        {
            match signed {
                Ok(signature) => signatures.push((party, signature)),
                Err(failure) => failures.push(failure),
            }
        }
        // A receipt that lacks signatures is kept too: it says who did not sign.
        self.complete(live, body, signatures).await?;
        match failures.into_iter().next() {
            Some(failure) => Err(failure),
            None => self.advance(live, JobEvent::Complete, |_| {}).await,
        }
    }

    /// Puts a receipt away: in the journal itself, in the log its hash.
    pub(super) async fn complete(
        &self,
        live: &Live,
        body: Vec<u8>,
        signatures: Vec<(PartyName, Vec<u8>)>,
    ) -> Result<(), Failure> {
        let hashed: serde_json::Value = wire::parse("receipt", Stage::Release, &body)?;
        let signed = signatures.iter().map(|(party, _)| party.clone()).collect();
        let receipt = canonical_hash(RECEIPT_DOMAIN, &hashed);
        let planner = self.planner.clone();
        let json = self.on_thread(move || planner.complete(&body, &signatures)).await?;
        self.store.keep_receipt(live.id, &json).await.map_err(|error| broken(&error))?;
        self.note(Stage::Release, Event::ReceiptKept { job: live.id.hash(), receipt, signed }).await
    }

    /// One participant's signature; asked again while it cannot be reached, until patience ends.
    async fn signature(
        &self,
        live: &Live,
        party: &PartyCalls,
        body: &[u8],
    ) -> (PartyName, Result<Vec<u8>, Failure>) {
        let asking = async {
            loop {
                match party.cosign(live.id, ATTEMPT, body.to_vec()).await {
                    Err(failure) if failure.reason == Reason::PartyLost => {
                        tracing::warn!(party = %party.peer(), %failure, "no signature yet");
                        tokio::time::sleep(self.patience.poll).await;
                    }
                    done => return done,
                }
            }
        };
        let asked = tokio::time::timeout(self.patience.release, asking).await;
        let signed = asked.unwrap_or_else(|_| {
            let words = format!("{} did not sign the receipt in time", party.peer());
            Err(Failure::new(Reason::PartyLost, Stage::Release, words).at(party.peer()))
        });
        (party.peer().clone(), signed)
    }

    /// What the journal holds for the receipt of a job that is done.
    pub(super) async fn assembly(
        &self,
        live: &Live,
        spec: &[u8],
    ) -> Result<(Assembly, Vec<PartyCalls>), Failure> {
        let record = live.record().await;
        let incomplete = || {
            let words = "the journal lacks what the receipt needs";
            Failure::new(Reason::Internal, Stage::Release, words)
        };
        let notes = |name| self.store.notes(live.id, name);
        let published = notes("published").await.map_err(|error| broken(&error))?;
        let (_, published) = published.first().ok_or_else(incomplete)?;
        let consents = notes("consent").await.map_err(|error| broken(&error))?;
        let consents = consents
            .iter()
            .map(|(_, json)| wire::parse::<Signed<Consent>>("consent", Stage::Release, json));
        let assembly = Assembly {
            spec: wire::parse("job", Stage::Release, spec)?,
            published: wire::parse::<Published>("published", Stage::Release, published)?,
            plan: record.plan.ok_or_else(incomplete)?,
            attempt: ATTEMPT,
            consents: consents.collect::<Result<_, _>>()?,
            parts: notes("receipt_part").await.map_err(|error| broken(&error))?,
            absent: notes("absent").await.map_err(|error| broken(&error))?,
            manifests: self.store.sealed(live.id).await.map_err(|error| broken(&error))?,
            end: End::Done,
            ended_ms: self.clock.now_ms(),
        };
        let mut parties = self.calls(&record.participants)?;
        parties.retain(|party| assembly.absent.iter().all(|(absent, _)| absent != party.peer()));
        Ok((assembly, parties))
    }

    pub(super) async fn on_thread<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        let done = tokio::task::spawn_blocking(work).await;
        done.unwrap_or_else(|error| {
            Err(Failure::new(Reason::Internal, Stage::Release, error.to_string()))
        })
    }
}
