//! What a provider allows of private set intersections with its dataset, and whether a plan keeps to it.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::document::PolicyDocument;
use crate::{
    identity::{PartyName, Pins},
    job::{PsiFormName, PsiNoise},
    plan::{Plan, PsiTerms},
};

/// What may be asked of intersections with a dataset. The columns' own rules hold besides: the key must be a `join_key` with the
/// other set, what is listed a `list`, what is summed an `aggregate`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PsiRule {
    /// What may be asked.
    pub forms: Vec<PsiFormName>,
    /// Who may learn it.
    pub recipients: Vec<PsiRecipient>,
    /// Nothing may be released of an intersection with fewer keys; 0 asks for nothing.
    #[serde(default)]
    pub min_intersection: u32,
    /// Noise that counts and sums have at least; exact ones may be released where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub noise: Option<PsiNoise>,
    /// How many intersections with this dataset one recipient may have in all; no bound where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_queries: Option<u32>,
    /// How many keys one recipient may look up in this dataset in all, by `protocol = "lookup"`, over all that is ever published of
    /// it; none where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_lookups: Option<u32>,
    /// Rows of a change that is published, where no more than so many did change, instead of the whole table: a power of two of at least
    /// [`LEAST_CHANGE`](crate::plan::LEAST_CHANGE). Tables are always whole where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lookup_changes: Option<u32>,
}

/// Who may learn an intersection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PsiRecipient {
    /// The buyer, who has no set.
    Buyer,
    /// The owners of the sets, each about its own rows.
    Owners,
}

impl fmt::Display for PsiRecipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Buyer => "buyer",
            Self::Owners => "owners",
        })
    }
}

/// What of an intersection a policy does not allow: the field that stands in the way, and why, with what would help.
pub(super) fn refusals(rule: Option<&PsiRule>, asked: &PsiTerms) -> Vec<(&'static str, String)> {
    let Some(rule) = rule else {
        let message = "the policy says nothing of intersections; add `psi` with `forms` and `recipients` to allow this";
        return vec![("psi", message.to_owned())];
    };
    let mut found = Vec::new();
    let mut refuse = |field, message| found.push((field, message));
    let form = asked.form;
    if !rule.forms.contains(&form) {
        let message = format!(
            "an intersection of form `{form}` is not allowed; add it to `psi.forms` to allow this"
        );
        refuse("psi.forms", message);
    }
    let recipient = if asked.to.is_empty() { PsiRecipient::Buyer } else { PsiRecipient::Owners };
    if !rule.recipients.contains(&recipient) {
        let message = format!(
            "an intersection may not be shown to `{recipient}`; add it to `psi.recipients` to allow this"
        );
        refuse("psi.recipients", message);
    }
    if asked.min_intersection < rule.min_intersection {
        let message = format!(
            "protocol `{}` shows intersections of {} keys and more, {} are asked for; set `psi.min_intersection` to {} to allow this",
            asked.protocol, asked.min_intersection, rule.min_intersection, asked.min_intersection
        );
        refuse("psi.min_intersection", message);
    }
    if let Some(least) = rule.noise.filter(|_| form.aggregates())
        && !asked.noise.is_some_and(|noise| noise.covers(least))
    {
        let found = asked.noise.map_or_else(|| "no noise".to_owned(), |noise| noise.to_string());
        let message = format!(
            "counts and sums would have {found}, at least the noise of {least} is asked for; raise `psi.noise.epsilon_milli` to allow this"
        );
        refuse("psi.noise", message);
    }
    found
}

/// How often one recipient may have intersections with one dataset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueryBudget {
    /// `party.name`.
    pub dataset: String,
    /// Who learns them: the organisation, whatever its parties are called.
    pub recipient: String,
    /// Its party in this job, by whose name older journals count.
    pub party: PartyName,
    /// How many in all.
    pub most: u32,
    /// Whether a run that fails before the release has shown nothing, so that it does not count.
    pub returns: bool,
}

/// The budgets of a policy that a plan takes from: one for each who learns something of the dataset.
#[must_use]
pub fn query_budgets(policy: &PolicyDocument, plan: &Plan, pins: &Pins) -> Vec<QueryBudget> {
    let most = policy.psi.as_ref().and_then(|rule| rule.max_queries);
    let (Some(most), Some(asked)) = (most, &plan.psi) else { return Vec::new() };
    let returns = asked.to.is_empty();
    let recipients = if returns { std::slice::from_ref(&plan.buyer) } else { &asked.to[..] };
    let others = recipients.iter().filter(|party| **party != policy.assigner.party);
    let budget = |party: &PartyName| QueryBudget {
        dataset: policy.dataset.clone(),
        recipient: pins.organisation(party),
        party: party.clone(),
        most,
        returns,
    };
    others.map(budget).collect()
}

#[cfg(test)]
mod tests {
    use super::{super::fixtures, *};
    use crate::job::PsiProtocol;

    fn asked(form: PsiFormName, min_intersection: u32, noise: Option<u32>) -> PsiTerms {
        let noise = noise.map(|epsilon_milli| PsiNoise { epsilon_milli });
        let protocol = PsiProtocol::Joint;
        PsiTerms { form, to: Vec::new(), protocol, min_intersection, noise }
    }

    #[test]
    fn the_organisation_that_learns_something_has_the_budget() {
        let (mut plan, mut policy) = (fixtures::plan(), fixtures::policy());
        plan.psi = Some(asked(PsiFormName::Cardinality, 0, None));
        policy.psi = Some(PsiRule {
            forms: vec![PsiFormName::Cardinality],
            recipients: vec![PsiRecipient::Buyer],
            min_intersection: 0,
            noise: None,
            max_queries: Some(3),
            max_lookups: None,
            lookup_changes: None,
        });
        let budgets = query_budgets(&policy, &plan, &fixtures::pins());
        let named = |of: &QueryBudget| (of.recipient.clone(), of.party.to_string(), of.most);
        let organisation = fixtures::pins().of(&plan.buyer).unwrap().organisation.clone();
        assert_ne!(organisation, plan.buyer.as_str());
        let want = [(organisation, plan.buyer.to_string(), 3)];
        assert_eq!(budgets.iter().map(named).collect::<Vec<_>>(), want);
    }

    fn fields(rule: &PsiRule, asked: &PsiTerms) -> Vec<&'static str> {
        refusals(Some(rule), asked).into_iter().map(|(field, _)| field).collect()
    }

    #[test]
    fn a_plan_keeps_to_the_minimum_and_has_at_least_the_noise_of_the_policy() {
        use PsiFormName::{Cardinality, Inner};
        let rule = PsiRule {
            forms: vec![Cardinality, Inner],
            recipients: vec![PsiRecipient::Buyer],
            min_intersection: 5,
            noise: Some(PsiNoise { epsilon_milli: 300 }),
            max_queries: None,
            max_lookups: None,
            lookup_changes: None,
        };
        for noise in [Some(300), Some(1)] {
            assert!(fields(&rule, &asked(Cardinality, 5, noise)).is_empty(), "{noise:?}");
        }
        for noise in [Some(301), None] {
            assert_eq!(fields(&rule, &asked(Cardinality, 5, noise)), ["psi.noise"], "{noise:?}");
        }
        assert!(fields(&rule, &asked(Inner, 9, None)).is_empty(), "rows have no noise");
        assert_eq!(fields(&rule, &asked(Inner, 4, None)), ["psi.min_intersection"]);
    }
}
