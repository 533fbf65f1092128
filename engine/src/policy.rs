//! Policies: what a provider allows of a dataset, whether a plan keeps to it, and the consents that let a run start.
//!
//! A policy is a signed JSON document. Every provider evaluates its own, when it consents, when it prepares and before it
//! releases. [`verify`] checks that all participants consented to one plan; it is the only maker of [`Release`], and what
//! opens a shared value asks for one.

mod consent;
mod document;
mod evaluate;
mod finding;
mod lint;
mod lint_psi;
mod lookups;
mod parse;
mod privacy;
mod psi;
mod train;
mod utc;
mod vertical;

#[cfg(test)]
pub(crate) mod fixtures;
#[cfg(test)]
mod tests;

pub use consent::{
    CONSENT_DOMAIN, Consent, ConsentError, Release, Terms, consent_hash, consents_root,
    participants, policies_root, verify,
};
pub use document::{
    Aggregate, Approval, Assigner, ColumnRule, ComputeParty, JobKindName, Operators, OutputRule,
    POLICY_DOMAIN, POLICY_SCHEMA, PolicyDocument, Recipient, ReleaseForm, Validity,
};
pub use evaluate::{Refusal, Request, evaluate};
pub use finding::{Finding, Level};
pub use lint::lint;
pub use lookups::{LookupBudget, lookup_budgets, lookups_in_all};
pub use parse::{PolicyError, parse, parse_signed};
pub use privacy::{BUDGET_RULE, PrivacyBudget, PrivacyRule, privacy_budget};
pub use psi::{PsiRecipient, PsiRule, QueryBudget, query_budgets};
pub use train::TrainRule;
pub use utc::{BadTime, UtcTime};
pub use vertical::VerticalRule;
