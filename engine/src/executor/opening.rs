//! The buyer's last step: believe nothing that was fetched, then open it.

use std::{collections::BTreeMap, fmt};

use datafusion::arrow::array::RecordBatch;
use protocols::party::Role;

use super::{
    compilation::{Compilation, compile_published},
    model::of_joined_rows,
    quoted,
    trained::{Model, trained},
};
use crate::{
    audit::{self, Receipt},
    client::Fetched,
    exec::may_leave,
    identity::{PartyName, Pins, SealingKey, Signed},
    job::{Failure, JobId, JobSpec, Reason, SPEC_DOMAIN, Stage},
    plan::{self, Plan},
    seal::{self, Expected, Sealed},
    wire::{self, Datasets, SealedShare},
};

/// An opened result with its evidence.
pub struct Delivery {
    /// The rows; of a training, one for each round.
    pub rows: RecordBatch,
    /// Of a training: the model.
    pub model: Option<Model>,
    /// The receipt, which holds against the buyer's pins.
    pub receipt: Receipt,
}

/// The result is the buyer's alone: it prints its size and receipt only.
impl fmt::Debug for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Delivery({} rows, receipt {})", self.rows.num_rows(), self.receipt.id)
    }
}

/// Who opens.
#[derive(Clone, Copy, Debug)]
pub struct Opener<'a> {
    /// The buyer.
    pub name: &'a PartyName,
    /// Whom it trusts to be who.
    pub pins: &'a Pins,
    /// The key that the result is sealed to.
    pub key: &'a SealingKey,
}

/// Checks the receipt, compiles the plan again, holds what the links carried against its price, opens the three shares, compares
/// their copies and decodes the result.
///
/// # Errors
/// [`Reason::ReceiptInvalid`], [`Reason::PlanMismatch`] or [`Reason::Inconsistent`], naming the party where one is at fault.
pub fn open_result(opener: Opener<'_>, job: JobId, fetched: &Fetched) -> Result<Delivery, Failure> {
    let receipt = receipt(opener.pins, job, &fetched.receipt)?;
    let compilation = compilation(opener, job, &fetched.documents)?;
    if compilation.hash != receipt.body.plan {
        let words = "the receipt is about another plan than this job and these documents give";
        return Err(fail(Reason::PlanMismatch, words));
    }
    quoted::check(&compilation, &receipt.body)?;
    without(&receipt.body.absent, &may_leave(&compilation.compiled.plan))?;
    let shapes = compilation.sealed_shapes();
    let plan = &compilation.compiled.plan;
    let expected = Expected {
        job: job.hash(),
        plan: compilation.hash,
        attempt: receipt.body.attempt,
        compute: &plan.compute,
        consents_root: receipt.body.consents_root,
        shapes: &shapes,
        pins: opener.pins,
    };
    let mut shares = Vec::with_capacity(3);
    for (role, party) in Role::ALL.into_iter().zip(&plan.compute) {
        let sealed = sealed(party, &fetched.sealed, &receipt)?;
        let share = seal::open(&sealed, role, opener.key, &expected)
            .map_err(|error| fail(Reason::Inconsistent, error.to_string()).at(party))?;
        shares.push(share);
    }
    let columns = match &shares[..] {
        [whole] => seal::alone(whole),
        _ => {
            let shares = shares.try_into().map_err(|_| fail(Reason::Internal, "three shares"))?;
            seal::reconstruct(&shares)
        }
    };
    let columns = columns.map_err(|error| fail(Reason::Inconsistent, error.to_string()))?;
    let opened = plan::unpack(&plan.output, columns.into_iter().zip(shapes));
    let opened = opened.ok_or_else(|| fail(Reason::Internal, "the result has too few columns"))?;
    let rows = plan::decode(&plan.output, &opened)
        .map_err(|error| fail(Reason::Inconsistent, error.to_string()))?;
    let (model, rows) = modelled(plan, rows)?;
    Ok(Delivery { rows, model, receipt })
}

/// Whether a job can be done without those who were lost.
fn without(absent: &[PartyName], may_leave: &[PartyName]) -> Result<(), Failure> {
    absent.iter().find(|party| !may_leave.contains(party)).map_or(Ok(()), |party| {
        let words =
            format!("the receipt says that {party} was lost, without whom this job cannot be done");
        Err(fail(Reason::ReceiptInvalid, words))
    })
}

/// The model, if the job trained one, and the rows that say how it came about.
fn modelled(plan: &Plan, rows: RecordBatch) -> Result<(Option<Model>, RecordBatch), Failure> {
    let read = match (plan.training(), plan.vertical()) {
        (Some((_, training)), _) => {
            let owners: Vec<_> = training.owners(plan).map(|input| &input.party).collect();
            trained(training, &owners, &rows)
        }
        (None, Some(_)) if rows.num_rows() == 0 => {
            let words = format!(
                "fewer than {} rows were there to train on: no model was released",
                plan.min_group_entities
            );
            return Err(fail(Reason::TooFewInCommon, words));
        }
        (None, Some(of)) => of_joined_rows(of, &rows),
        (None, None) => return Ok((None, rows)),
    };
    let (model, rows) =
        read.ok_or_else(|| fail(Reason::Inconsistent, "the result is no model of this job"))?;
    Ok((Some(model), rows))
}

/// Checks the receipt of a job that the coordinator says has failed: it must hold against the buyer's pins, and say the same.
///
/// # Errors
/// [`Reason::ReceiptInvalid`] with the first thing that is wrong.
pub fn check_failed_receipt(
    pins: &Pins,
    job: JobId,
    told: &Failure,
    json: &[u8],
) -> Result<Receipt, Failure> {
    let receipt = verified(pins, job, json)?;
    let audit::Failure { code, party, stage } = told.into();
    let end = audit::RunOutcome::Failed { code, party, stage, missing: Vec::new() };
    if !receipt.body.outcome.is_same_end(&end) {
        let words = format!("it says that the job ended {}", receipt.body.outcome);
        return Err(fail(Reason::ReceiptInvalid, words));
    }
    Ok(receipt)
}

fn receipt(pins: &Pins, job: JobId, json: &[u8]) -> Result<Receipt, Failure> {
    let receipt = verified(pins, job, json)?;
    if receipt.body.outcome != audit::RunOutcome::Done {
        return Err(fail(Reason::ReceiptInvalid, "it is not the receipt of this job's success"));
    }
    Ok(receipt)
}

/// A receipt of this job that holds against these pins.
fn verified(pins: &Pins, job: JobId, json: &[u8]) -> Result<Receipt, Failure> {
    let bad = |words: String| fail(Reason::ReceiptInvalid, words);
    let text = std::str::from_utf8(json).map_err(|_| bad("the receipt is no text".to_owned()))?;
    let receipt = audit::read(text).map_err(|fault| bad(fault.to_string()))?;
    audit::verify(&receipt, Some(pins)).map_err(|fault| bad(fault.to_string()))?;
    if receipt.body.job != job.hash() {
        return Err(bad("it is the receipt of another job".to_owned()));
    }
    Ok(receipt)
}

/// The plan, from documents whose signatures hold and a specification that this buyer signed.
pub(super) fn compilation(
    opener: Opener<'_>,
    job: JobId,
    documents: &Datasets,
) -> Result<Compilation, Failure> {
    let spec: Signed<JobSpec> = wire::parse("job", Stage::Deliver, &documents.spec)?;
    let own = opener.pins.of(opener.name).map_err(|e| fail(Reason::PartyUnknown, e.to_string()))?;
    let signed = spec.verify(SPEC_DOMAIN, &own.key).is_ok();
    if !signed || JobId::of(&spec.body) != job {
        return Err(fail(Reason::SignatureInvalid, "the specification is not the one of this job"));
    }
    let compiled = compile_published(&spec.body, &documents.published, opener.pins)?;
    compiled
        .map_err(|refusal| fail(Reason::PolicyRefused, refusal.message.as_str()).at(&refusal.party))
}

/// A party's sealed share, which must be the one that the receipt lists.
fn sealed(
    party: &PartyName,
    shares: &BTreeMap<PartyName, SealedShare>,
    receipt: &Receipt,
) -> Result<Sealed, Failure> {
    let missing = || fail(Reason::Inconsistent, "its sealed share is missing").at(party);
    let share = shares.get(party).ok_or_else(missing)?;
    let manifest: Signed<seal::SealedManifest> =
        wire::parse("sealed manifest", Stage::Deliver, &share.manifest)?;
    let listed = receipt.body.outputs.iter().find(|output| output.party == *party);
    if listed.map(|output| output.ciphertext_sha256) != Some(manifest.body.ciphertext_sha256) {
        let words = "its sealed share is not the one that the receipt lists";
        return Err(fail(Reason::Inconsistent, words).at(party));
    }
    Ok(Sealed { manifest, ciphertext: share.ciphertext.clone() })
}

fn fail(reason: Reason, words: impl Into<String>) -> Failure {
    Failure::new(reason, Stage::Deliver, words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_receipt_without_a_party_that_cannot_be_done_without_is_none() {
        let party = |name: &str| PartyName::try_from(name.to_owned()).unwrap();
        let [a, b, c] = ["census", "employers", "clinic"].map(party);
        let may = [c.clone()];
        assert!(without(&[], &may).is_ok() && without(&may, &may).is_ok());
        for (absent, named) in [(vec![a.clone()], &a), (vec![c.clone(), b.clone()], &b)] {
            let failure = without(&absent, &may).unwrap_err();
            assert_eq!(failure.reason, Reason::ReceiptInvalid);
            assert!(failure.to_string().contains(named.as_str()), "{failure}");
        }
        assert!(without(&[c], &[]).is_err());
    }
}
