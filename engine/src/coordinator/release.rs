//! From sealed shares to RESULT_READY: the receipt that everybody signs. Survives a restart, since all it needs is journalled.

use futures::future::join_all;

use super::{
    board::Board,
    book::{Live, broken},
    drive::ATTEMPT,
    planner::{Assembly, End},
};
use crate::{
    audit::{Event, RECEIPT_DOMAIN, ReceiptPart},
    identity::{PartyName, Signed, canonical_hash},
    job::{Failure, JobEvent, Reason, Stage},
    policy::Consent,
    wire::{self, PartyCalls, Published},
};

impl Board {
    /// Assembles the receipt, collects the signatures, and lets the buyer fetch.
    pub(super) async fn release(&self, live: &Live, spec: &[u8]) -> Result<(), Failure> {
        loop {
            let (assembly, parties) = self.assembly(live, spec).await?;
            let (planner, facts) = (self.planner.clone(), assembly.clone());
            let body = self.on_thread(move || planner.assemble(&facts)).await?;
            let (mut signatures, mut failures) = (Vec::new(), Vec::new());
            for (party, signed) in
                join_all(parties.iter().map(|p| self.signature(live, p, &body))).await
            {
                match signed {
                    Ok(signature) => signatures.push((party, signature)),
                    Err(failure) => failures.push((party, failure)),
                }
            }
            if !failures.is_empty() && self.left(live, assembly, &failures).await? {
                continue;
            }
            // A receipt that lacks signatures is kept too: it says who did not sign.
            self.complete(live, body, signatures).await?;
            return match failures.into_iter().next() {
                Some((_, failure)) => Err(failure),
                None => self.advance(live, JobEvent::Complete, |_| {}).await,
            };
        }
    }

    /// Whether nobody refused to sign, and all who could not be reached are providers without whom the run would have gone on: they
    /// were done, and are gone. Puts them away as such, with what they had committed to; all others sign once more.
    async fn left(
        &self,
        live: &Live,
        assembly: Assembly,
        failures: &[(PartyName, Failure)],
    ) -> Result<bool, Failure> {
        if failures.iter().any(|(_, failure)| failure.reason != Reason::PartyLost) {
            return Ok(false);
        }
        let parts = assembly.parts.clone();
        let planner = self.planner.clone();
        let outline = move || planner.outline(&assembly.spec, &assembly.published);
        let outline = self.on_thread(outline).await?.map_err(|refusal| refusal.failure())?;
        if !failures.iter().all(|(party, _)| outline.may_leave.contains(party)) {
            return Ok(false);
        }
        for (party, failure) in failures {
            tracing::warn!(job = %live.id, %party, %failure, "the receipt goes without a provider");
            let Some((_, part)) = parts.iter().find(|(of, _)| of == party) else {
                return Ok(false);
            };
            let part: Signed<ReceiptPart> = wire::parse("receipt part", Stage::Release, part)?;
            let committed = wire::write(&part.body.inputs);
            let kept = self.store.keep_note(live.id, "absent", party, &committed).await;
            kept.map_err(|error| broken(&error))?;
        }
        Ok(true)
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
        let absent = notes("absent").await.map_err(|error| broken(&error))?;
        let gone = |party: &PartyName| absent.iter().any(|(absent, _)| absent == party);
        let mut parts = notes("receipt_part").await.map_err(|error| broken(&error))?;
        // Of one that was done and did not sign there is an account as well.
        parts.retain(|(party, _)| !gone(party));
        let mut parties = self.calls(&record.participants)?;
        parties.retain(|party| !gone(party.peer()));
        let assembly = Assembly {
            spec: wire::parse("job", Stage::Release, spec)?,
            published: wire::parse::<Published>("published", Stage::Release, published)?,
            plan: record.plan.ok_or_else(incomplete)?,
            attempt: ATTEMPT,
            consents: consents.collect::<Result<_, _>>()?,
            parts,
            absent,
            manifests: self.store.sealed(live.id).await.map_err(|error| broken(&error))?,
            end: End::Done,
            ended_ms: self.clock.now_ms(),
        };
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
