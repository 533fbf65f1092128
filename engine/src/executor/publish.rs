//! Publishing ahead of time: what a job would find missing, made before one asks for it.

use tokio::runtime::Runtime;

use super::{
    compilation::{failure_of, terms, unsound},
    participant::Participant,
    publication::Published,
    publications::Subject,
    scratch::Spool,
};
use crate::{
    catalog::DatasetDescriptor,
    identity::{Hash32, PartyName, SealingPublicKey},
    job::{
        Failure, JobKind, JobSpec, JoinBy, NetworkProfile, PsiForm, PsiProtocol, PsiSet, PsiSpec,
        Reason, SPEC_DOMAIN, Security, Stage, TextRule,
    },
    plan::{self, Op},
    policy::PolicyDocument,
    sql::{compile, local_batches},
};

impl Participant {
    /// Publishes a set for lookups, as a job that names it so would have it published; does nothing where that has been done.
    ///
    /// # Errors
    /// [`Failure`] if the set cannot be published: an unknown column, a policy without `psi.max_lookups`, a text of no declared
    /// length, or no folder to keep it in.
    pub fn publish(&self, set: &PsiSet, text: TextRule) -> Result<Published, Failure> {
        let publisher = self.publisher();
        let failed = |words: String| {
            Failure::new(Reason::InputInvalid, Stage::Prepare, words).at(publisher.name)
        };
        let lookups = self.lookups().ok_or_else(|| {
            failed("this party has no folder for published tables; give it a `state`".into())
        })?;
        let name = set.dataset.split_once('.').map_or(set.dataset.as_str(), |(_, name)| name);
        let now = self.tables();
        let dataset = now.catalog.descriptor(name).map_err(|error| failed(error.to_string()))?;
        let policies = self.policies()?;
        let policy = policies.iter().find(|policy| policy.dataset == dataset.table());
        let policy =
            policy.ok_or_else(|| failed(format!("`{}` has no policy", dataset.table())))?;
        let anybody = anybody(dataset, set);
        let spec = question(policy, &anybody, (set, text), publisher.now_ms);
        let compiled = compile(&spec, &[anybody, dataset.clone()], &[terms(policy)])
            .map_err(|error| failure_of(&error).at(publisher.name))?;
        let plan = &compiled.plan;
        plan::check(plan).map_err(|error| unsound(&error))?;
        let of = plan.nodes.iter().find_map(|op| match op {
            Op::Lookup(of) => Some(of),
            _ => None,
        });
        let of = of.ok_or_else(|| failed("nothing to look up".into()))?;
        let at = of.answers as usize;
        let runtime = Runtime::new().map_err(|error| failed(error.to_string()))?;
        let input = &plan.inputs[at];
        let batches = runtime.block_on(local_batches(&now.catalog, &compiled.locals[at], input));
        let batches = batches.map_err(|error| failed(error.to_string()))?;
        let rows = runtime.block_on(Spool::of(batches, input, self.scratch()))?;
        let subject = Subject { set, plan, of, rows: &rows };
        lookups.publish(publisher, subject).map(|(_, about)| about)
    }

    /// What this party has published for lookups.
    #[must_use]
    pub fn publications(&self) -> Vec<Published> {
        self.lookups().map(super::lookups::Lookups::list).unwrap_or_default()
    }
}

/// Somebody who asks by keys of the same types: who it is, and what else it has, a publication does not depend on.
fn anybody(dataset: &DatasetDescriptor, set: &PsiSet) -> DatasetDescriptor {
    let key = set.key.iter().filter_map(|name| dataset.column(name).cloned());
    let mut columns: Vec<_> = key.collect();
    columns.dedup_by(|a, b| a.name == b.name);
    DatasetDescriptor {
        party: another(&[&dataset.party]),
        name: "keys".to_owned(),
        rows_max: 1,
        entity_key: None,
        columns,
    }
}

/// A name that none of these has.
fn another(taken: &[&PartyName]) -> PartyName {
    let mut names = (0..).filter_map(|i| PartyName::try_from(format!("party_{i}").as_str()).ok());
    names.find(|name| !taken.contains(&name)).unwrap_or_else(|| taken[0].clone())
}

fn question(
    policy: &PolicyDocument,
    anybody: &DatasetDescriptor,
    (set, text): (&PsiSet, TextRule),
    now_ms: i64,
) -> JobSpec {
    let (provider, asks) = (policy.assigner.party.clone(), anybody.party.clone());
    let (third, buyer) = (another(&[&provider, &asks]), provider.clone());
    let keys = PsiSet {
        dataset: anybody.table(),
        key: set.key.clone(),
        filter: None,
        columns: Vec::new(),
    };
    let published = PsiSet { dataset: policy.dataset.clone(), ..set.clone() };
    let psi = PsiSpec {
        sets: vec![keys, published],
        form: PsiForm::Inner,
        to: vec![asks.clone()],
        protocol: PsiProtocol::Lookup,
        text,
        noise: None,
        bucket_rows: None,
        resumes: None,
    };
    JobSpec {
        schema: SPEC_DOMAIN.to_owned(),
        request_id: Hash32([0; 32]).to_string(),
        buyer,
        sealing_key: SealingPublicKey([0; 32]),
        kind: JobKind::Psi(psi),
        purpose: String::new(),
        compute: [asks, provider, third].into(),
        issued_at_ms: now_ms,
        expires_at_ms: now_ms.saturating_add(1),
        security: Security::SemiHonest,
        network: NetworkProfile::new(0, 1),
        joins: JoinBy::Auto,
    }
}
