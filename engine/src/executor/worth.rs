//! What updates were worth, as a receipt has it.

use federated::round::Value;

use crate::{
    audit::{Contribution, ContributionCertificate},
    job::{Failure, Reason, Stage},
    plan::Plan,
};

/// The certificate of a training's values; nothing where none were asked for.
pub(super) fn certificate(
    plan: &Plan,
    values: &[Value],
) -> Result<Option<ContributionCertificate>, Failure> {
    let asked = plan.training().and_then(|(_, of)| Some((of, of.valuation.as_ref()?)));
    let Some((training, valuation)) = asked else { return Ok(None) };
    let wrong = |words: String| Failure::new(Reason::Internal, Stage::Release, words);
    let owners: Vec<_> = training.owners(plan).collect();
    let validation = valuation.input(plan).filter(|_| values.len() == owners.len());
    let validation = validation.ok_or_else(|| wrong("values of other providers".into()))?;
    let one = |(number, value): (usize, &Value)| {
        let [low, high] = value.interval_micro();
        let rows = owners[number].rows;
        Contribution {
            party: owners[number].party.clone(),
            rows,
            value: value.micro(),
            low,
            high,
            unique: valuation.unique(number, rows),
            pay: 0,
        }
    };
    let name = format!("{}.{}", validation.party, validation.datasets.join(", "));
    let terms = (valuation.price, valuation.for_rows);
    let providers = values.iter().enumerate().map(one).collect();
    let certificate = ContributionCertificate::new(name, terms, providers);
    certificate.map(Some).map_err(|error| wrong(error.to_string()))
}
