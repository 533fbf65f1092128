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
        recipient: pins.organisation(party),
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

#[cfg(test)]
mod tests {
    use super::{
        super::{PsiRecipient, PsiRule, fixtures},
        *,
    };
    use crate::{
        job::PsiFormName,
        plan::{Keep, Keeps, Lookup},
    };

    fn policy(max_lookups: Option<u32>) -> PolicyDocument {
        let (forms, recipients) = (vec![PsiFormName::Inner], vec![PsiRecipient::Owners]);
        let rule = PsiRule {
            forms,
            recipients,
            min_intersection: 0,
            noise: None,
            max_queries: None,
            max_lookups,
            lookup_changes: None,
        };
        PolicyDocument { psi: Some(rule), ..fixtures::policy() }
    }

    /// The second input looks its 1,024 keys up in the first, or the other way round.
    fn plan(answers: u32) -> Plan {
        let mut plan = fixtures::plan();
        plan.inputs[0].datasets = vec!["adult".into()];
        plan.inputs[1].datasets = vec!["jobs".into()];
        let keeps = Keeps { input: 1 - answers, columns: Vec::new(), keep: Keep::Matched };
        let labels = Vec::new();
        plan.nodes = vec![Op::Lookup(Lookup {
            asks: 1 - answers,
            answers,
            queries: 4096,
            labels,
            keeps,
            changes: None,
        })];
        plan
    }

    #[test]
    fn who_publishes_counts_the_bound_of_the_keys_of_the_organisation_that_asks() {
        let pins = fixtures::pins();
        let budgets = lookup_budgets(&policy(Some(2000)), &plan(0), &pins);
        let want = LookupBudget {
            dataset: "census.adult".into(),
            recipient: "employers Ltd".into(),
            most: 2000,
            takes: 1024,
        };
        assert_eq!(budgets, [want]);
        assert_eq!(lookup_budgets(&policy(Some(2000)), &plan(1), &pins), []);
        // Two others may compute, and so ask.
        assert_eq!(lookups_in_all(&policy(Some(2000))), Some(4000));
        assert_eq!(lookups_in_all(&policy(Some(0))), None);
        assert_eq!(lookups_in_all(&policy(None)), None);
    }

    #[test]
    fn a_set_beyond_the_budget_and_a_policy_without_one_refuse() {
        assert_eq!(refusal(&policy(Some(1024)), &plan(0)), None);
        assert_eq!(refusal(&policy(None), &plan(1)), None, "its own keys are its own affair");
        for most in [Some(1023), None] {
            let words = refusal(&policy(most), &plan(0)).unwrap();
            assert!(words.contains("`employers` would look up 1024 keys"), "{words}");
            assert!(words.contains("set `psi.max_lookups` to 1024"), "{words}");
        }
    }
}
