//! From signed documents to a plan with its price and its leakage report: the same at every party.

use std::collections::BTreeMap;

use protocols::{
    psi::planner::Means,
    session::{Counters, Profile},
};
use serde::Serialize;

use super::{alternatives::alternatives, joining::chosen};
use crate::{
    catalog::DatasetDescriptor,
    exec::{ExecError, OpCost, Quote, quote},
    identity::{Hash32, PartyName, Pins, Signed, int_string},
    job::{Failure, JobSpec, Reason, Stage},
    plan::{self, Between, Kind, MOST_CHANGES, Op, PlanError, PolicyRef, PolicyTerms, Shape},
    policy::{PolicyDocument, Refusal, lookups_in_all, parse_signed},
    sql::{CompileError, Compiled, compile},
    wire::Published,
};

/// The domain tag under which dataset descriptors are signed.
pub const DATASET_DOMAIN: &str = "unseen.dataset/v1";

/// A compiled job.
#[derive(Clone, Debug)]
pub struct Compilation {
    /// The plan, and the sub-plan of each input.
    pub compiled: Compiled,
    /// The plan's hash.
    pub hash: Hash32,
    /// The shapes of all outputs of all operations.
    pub shapes: Vec<Vec<Shape>>,
    /// What it costs and opens.
    pub quote: Quote,
    /// What a choice between protocols rests on.
    pub means: Means,
    /// Of an intersection, or of a join of two owners' tables: the ways in which it could be worked out, with their figures, for
    /// people.
    pub alternatives: Vec<String>,
    /// The policies of the datasets it reads.
    pub policies: Vec<PolicyDocument>,
    /// The documents of the datasets it reads, as they were signed.
    pub published: Published,
}

/// What a quote says on the wire (JSON).
#[derive(Serialize)]
struct QuoteText {
    #[serde(with = "int_string")]
    bytes: u64,
    #[serde(with = "int_string")]
    messages: u64,
    rounds: u32,
    seconds: f64,
    /// On top of `bytes` where a party does not hold a table that it looks keys up in.
    #[serde(with = "int_string", skip_serializing_if = "is_nothing")]
    table_bytes: u64,
    ops: Vec<OpCost>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's way")]
fn is_nothing(bytes: &u64) -> bool {
    *bytes == 0
}

/// One dataset with its policy, both signed by the provider that is pinned.
struct Document {
    descriptor: DatasetDescriptor,
    policy: PolicyDocument,
    signed: (Vec<u8>, Vec<u8>),
}

/// Compiles a job from what was published, checking every signature against one's own pins.
///
/// # Errors
/// [`Failure`] naming the document, the construct or the rule; a refusal where no plan can keep a policy.
pub fn compile_published(
    spec: &JobSpec,
    published: &Published,
    pins: &Pins,
) -> Result<Result<Compilation, Refusal>, Failure> {
    let documents = documents(published, pins)?;
    let descriptors: Vec<_> = documents.values().map(|d| d.descriptor.clone()).collect();
    let terms: Vec<_> = documents.values().map(|d| terms(&d.policy)).collect();
    let compiled = match compile(spec, &descriptors, &terms) {
        Ok(compiled) => compiled,
        Err(CompileError::Refused { party, dataset, rule, message }) => {
            let dataset = Some(format!("{party}.{dataset}"));
            return Ok(Err(Refusal { party, rule, column: dataset, message }));
        }
        Err(error) => return Err(failure_of(&error)),
    };
    let (compiled, ways) = chosen(compiled, spec, (&descriptors, &terms))?;
    let plan = &compiled.plan;
    let shapes = plan::check(plan).map_err(|error| unsound(&error))?;
    let quote = quote(plan, &shapes, spec.network.links()).map_err(|error| unpriced(&error))?;
    let mut alternatives = alternatives(spec, (&descriptors, &terms), plan, spec.network.means());
    alternatives.extend(ways);
    let used = |document: &Document| {
        let table = document.descriptor.table();
        plan.policies.iter().any(|policy| policy.dataset == table)
    };
    let used: Vec<_> = documents.into_values().filter(used).collect();
    let hash = plan::hash(plan);
    let policies = used.iter().map(|document| document.policy.clone()).collect();
    let (descriptors, signed) = used.into_iter().map(|document| document.signed).unzip();
    let published = Published { descriptors, policies: signed };
    let means = spec.network.means();
    Ok(Ok(Compilation { compiled, hash, shapes, quote, means, alternatives, policies, published }))
}

impl Compilation {
    /// The shapes of the columns that are sealed, in their order.
    #[must_use]
    pub fn sealed_shapes(&self) -> Vec<Shape> {
        let shape = |at: &plan::Ref| self.shapes[at.0 as usize][at.1 as usize];
        self.compiled.plan.output.layout().iter().map(shape).collect()
    }

    /// The rings that the plan computes in.
    #[must_use]
    pub fn rings(&self) -> &'static str {
        let wide = self.shapes.iter().flatten().any(|shape| shape.kind == Kind::Z128);
        if wide { "Z64, Z128, Z2" } else { "Z64, Z2" }
    }

    /// The plan as text, with the price of every operation.
    ///
    /// # Errors
    /// [`Failure`] if the plan is none.
    pub fn text(&self) -> Result<String, Failure> {
        let price = |at: usize| {
            let cost = self.quote.ops.get(at).filter(|cost| cost.messages > 0)?;
            let mut text = format!("{} bytes, {} rounds", cost.bytes, cost.rounds);
            // Operation `at` is step `at + 1`.
            if let Some(Op::Match(of)) = self.compiled.plan.nodes.get(at)
                && let Some(between) = Between::of(&self.compiled.plan, of)
            {
                text.push_str("; of ");
                text.push_str(&between.alternatives(self.means).join(", "));
            }
            if let Some(Op::Lookup(of)) = self.compiled.plan.nodes.get(at) {
                let table = self.quote.tables.bytes;
                text.push_str(&match of.changes {
                    None => format!("; {table} bytes more where the table is not held yet"),
                    Some(_) => format!(
                        "; {table} bytes more at most, where neither the table nor {MOST_CHANGES} changes of it are held yet"
                    ),
                });
            }
            for choice in self.quote.choices.iter().filter(|choice| choice.step == at as u64 + 1) {
                text.push_str(&format!("; {}", choice.what));
            }
            Some(text)
        };
        let mut text =
            plan::explain(&self.compiled.plan, &price).map_err(|error| unsound(&error))?;
        if !self.alternatives.is_empty() {
            let intersects = self.compiled.plan.psi.is_some();
            let what = if intersects { "intersect the sets" } else { "join two owners' tables" };
            text.push_str(&format!("ways to {what}:\n"));
        }
        for line in &self.alternatives {
            text.push_str(&format!("    {line}\n"));
        }
        Ok(text)
    }

    /// The leakage report.
    ///
    /// # Errors
    /// [`Failure`] if the plan is none.
    pub fn leakage(&self) -> Result<Vec<String>, Failure> {
        use protocols::session::OpeningKind;
        let permutations = |at: usize| {
            let mut times = BTreeMap::new();
            // Step 0 is none; operation `at` is step `at + 1`.
            let step = at as u64 + 1;
            let openings = self.quote.openings.iter();
            for opening in openings.filter(|o| o.step == step && o.kind == OpeningKind::Permutation)
            {
                *times.entry(opening.count).or_insert(0) += 1;
            }
            times.into_iter().collect()
        };
        plan::leakage(&self.compiled.plan, &permutations).map_err(|error| unsound(&error))
    }

    /// The quote (JSON), with the seconds that the job's network profile makes of it.
    #[must_use]
    pub fn quote_json(&self) -> Vec<u8> {
        let OpCost { bytes, messages, rounds } = self.quote.total;
        let text = QuoteText {
            bytes,
            messages,
            rounds,
            seconds: seconds(self.quote.total, self.quote.profile),
            table_bytes: self.quote.tables.bytes,
            ops: self.quote.ops.clone(),
        };
        crate::wire::write(&text)
    }
}

/// Time on the links alone.
#[expect(clippy::cast_precision_loss, reason = "an estimate")]
fn seconds(cost: OpCost, profile: Profile) -> f64 {
    let OpCost { bytes, messages, rounds } = cost;
    profile.link_nanos(Counters { bytes, messages, rounds }) as f64 / 1e9
}

/// Reads all documents; `party.dataset` → descriptor and policy.
fn documents(published: &Published, pins: &Pins) -> Result<BTreeMap<String, Document>, Failure> {
    let mut policies = BTreeMap::new();
    for json in &published.policies {
        let policy = policy(json, pins)?;
        policies.insert(policy.dataset.clone(), (policy, json.clone()));
    }
    let mut documents = BTreeMap::new();
    for json in &published.descriptors {
        let descriptor = descriptor(json, pins)?;
        let table = descriptor.table();
        // A dataset without a policy may not be used: it is as if it were not there.
        if let Some((policy, signed)) = policies.remove(&table) {
            let document = Document { descriptor, policy, signed: (json.clone(), signed) };
            documents.insert(table, document);
        }
    }
    Ok(documents)
}

fn descriptor(json: &[u8], pins: &Pins) -> Result<DatasetDescriptor, Failure> {
    let signed: Signed<DatasetDescriptor> =
        crate::wire::parse("dataset descriptor", Stage::Validate, json)?;
    let key = pinned(&signed.party, pins)?;
    signed.verify(DATASET_DOMAIN, &key).map_err(|error| {
        unsigned(&signed.party, format!("descriptor of {}: {error}", signed.body.table()))
    })?;
    if signed.body.party != signed.party {
        let words = format!("descriptor of {}: signed by {}", signed.body.table(), signed.party);
        return Err(unsigned(&signed.party, words));
    }
    Ok(signed.body)
}

fn policy(json: &[u8], pins: &Pins) -> Result<PolicyDocument, Failure> {
    let text = std::str::from_utf8(json)
        .map_err(|_| Failure::new(Reason::SpecInvalid, Stage::Validate, "a policy is no text"))?;
    let signed: Signed<PolicyDocument> = crate::wire::parse("policy", Stage::Validate, json)?;
    let key = pinned(&signed.party, pins)?;
    let party = signed.party;
    parse_signed(text, &key)
        .map(|signed| signed.body)
        .map_err(|error| unsigned(&party, format!("policy of {}: {error}", signed.body.dataset)))
}

fn pinned(party: &PartyName, pins: &Pins) -> Result<crate::identity::PublicKey, Failure> {
    pins.of(party)
        .map(|pin| pin.key)
        .map_err(|error| Failure::new(Reason::PartyUnknown, Stage::Validate, error.to_string()))
}

pub(super) fn terms(policy: &PolicyDocument) -> PolicyTerms {
    let domains = policy.columns.iter().filter(|(_, rule)| !rule.domain.is_empty());
    PolicyTerms {
        policy: PolicyRef {
            dataset: policy.dataset.clone(),
            id: policy.id.clone(),
            version: policy.version,
            hash: policy.hash(),
        },
        min_group_entities: policy.output.min_group_entities,
        noise: policy.psi.as_ref().and_then(|psi| psi.noise),
        min_intersection: policy.psi.as_ref().map_or(0, |psi| psi.min_intersection),
        min_rows: policy.train_vertical.as_ref().map_or(0, |rule| rule.min_rows),
        lookups: lookups_in_all(policy),
        lookup_changes: policy.psi.as_ref().and_then(|psi| psi.lookup_changes).map(u64::from),
        max_groups: Some(u64::from(policy.output.max_groups)),
        domains: domains.map(|(name, rule)| (name.clone(), rule.domain.clone())).collect(),
    }
}

pub(super) fn failure_of(error: &CompileError) -> Failure {
    let reason = match error {
        CompileError::UnknownTable { .. } | CompileError::UnknownColumn { .. } => {
            Reason::TableUnknown
        }
        CompileError::Unsupported { .. }
        | CompileError::Overflow { .. }
        | CompileError::Security { .. } => Reason::Unsupported,
        _ => Reason::SpecInvalid,
    };
    Failure::new(reason, Stage::Validate, error.to_string())
}

fn unsigned(party: &PartyName, words: String) -> Failure {
    Failure::new(Reason::SignatureInvalid, Stage::Validate, words).at(party)
}

/// Our own compiler made no plan: a fault of this program.
pub(super) fn unsound(error: &PlanError) -> Failure {
    Failure::new(
        Reason::Internal,
        Stage::Validate,
        format!("the compiled plan is unsound: {error}"),
    )
}

fn unpriced(error: &ExecError) -> Failure {
    Failure::new(
        Reason::Internal,
        Stage::Validate,
        format!("the compiled plan has no price: {error}"),
    )
}
