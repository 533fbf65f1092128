//! How many keys of a dataset one recipient may look up, over all publications there will ever be.

use super::document::PolicyDocument;
use crate::{
    identity::{PartyName, Pins},
    plan::{Op, Plan},
};

/// What a job takes of the keys that one recipient may look up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LookupBudget {
    /// `party.name`.
    pub dataset: String,
    /// The organisation that learns: two parties of one have one budget.
    pub recipient: String,
    /// How many in all.
    pub most: u32,
    /// How many this job asks for: the bound of its set, whatever is in it.
    pub takes: u64,
}

/// The parties that look keys up in a dataset, and how many each.
fn askers<'p>(dataset: &str, plan: &'p Plan) -> impl Iterator<Item = (&'p PartyName, u64)> {
    let dataset = dataset.to_owned();
    let in_it = move |at: u32| {
        let input = &plan.inputs[at as usize];
        input.datasets.iter().any(|name| format!("{}.{name}", input.party) == dataset)
    };
    plan.nodes.iter().filter_map(move |op| match op {
        Op::Lookup(of) if in_it(of.answers) => {
            let asks = &plan.inputs[of.asks as usize];
            Some((&asks.party, asks.rows))
        }
        _ => None,
    })
}

/// The budgets of a policy that a plan takes from.
#[must_use]
pub fn lookup_budgets(policy: &PolicyDocument, plan: &Plan, pins: &Pins) -> Vec<LookupBudget> {
    let most = policy.psi.as_ref().and_then(|rule| rule.max_lookups).unwrap_or(0);
    let budget = |(party, takes): (&PartyName, u64)| LookupBudget {
        dataset: policy.dataset.clone(),
        recipient: pins
            .of(party)
            .map_or_else(|_| party.to_string(), |pin| pin.organisation.clone()),
        most,
        takes,
    };
    askers(&policy.dataset, plan).map(budget).collect()
}

/// How many queries a publication under this policy answers in all: those of everybody who may compute on the dataset, and so
/// ask for it.
#[must_use]
pub fn lookups_in_all(policy: &PolicyDocument) -> Option<u64> {
    let most = policy.psi.as_ref()?.max_lookups?;
    let all = policy.operators.compute_parties.iter();
    let others = all.filter(|named| named.party != policy.assigner.party).count() as u64;
    Some(u64::from(most).saturating_mul(others.max(1))).filter(|most| *most > 0)
}

/// What stands in the way of a lookup in the dataset of a policy, if the plan has one.
pub(super) fn refusal(policy: &PolicyDocument, plan: &Plan) -> Option<String> {
    let asked: Vec<_> = askers(&policy.dataset, plan).collect();
    let most = policy.psi.as_ref().and_then(|rule| rule.max_lookups).unwrap_or(0);
    let (party, rows) = asked.into_iter().find(|(_, rows)| *rows > u64::from(most))?;
    Some(format!(
        "`{party}` would look up {rows} keys, the bound of its set; one recipient may look up {most} in all; ask with a \
         smaller set, or set `psi.max_lookups` to {rows} to allow this"
    ))
}
