//! Behind a participant's desk.

use std::{
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use protocols::net::tls::LinkConfig;

use super::{
    compilation::{Compilation, compile_published},
    evidence,
    intersections::{self, Intersections},
    joint::{self, Me},
    lookups::{self, Lookups},
    masking::masks,
    prepare,
    publications::Publisher,
    results,
    scratch::Scratch,
    tables::{Described, Tables},
    trainers::Trainers,
    trainings::Trainings,
};
use crate::{
    audit::{self, InputEntry, ReceiptBody, ReceiptPart, check_own_part, leakage_hash},
    catalog::Catalog,
    clock::Clock,
    exec,
    identity::{Hash32, IdentityKey, PartyName, Pins, Signed},
    job::{Failure, JobId, JobSpec, Reason, Stage},
    plan::{Answers, Keeps, Masking, Op, Place, Plan, Presence},
    policy::{
        Approval, PolicyDocument, Request, evaluate, lookup_budgets, privacy_budget, query_budgets,
    },
    provider::{Assessment, Ended, Job, RunOutcome, RunStart, Runner},
    wire::{self, Published, SealedShare},
};

/// A participant with its tables (none, for a neutral compute party).
pub struct Participant {
    name: PartyName,
    key: Arc<IdentityKey>,
    pins: Arc<Pins>,
    tables: Tables,
    /// Signed (JSON).
    policies: Vec<Vec<u8>>,
    clock: Arc<dyn Clock>,
    patience: LinkConfig,
    results: Option<PathBuf>,
    scratch: Scratch,
    trainings: Option<Trainings>,
    intersections: Option<Intersections>,
    lookups: Option<Lookups>,
    trainers: Trainers,
    prepared: Mutex<BTreeMap<JobId, Prepared>>,
}

/// What is held of a job between its preparation and its end.
#[derive(Clone)]
struct Prepared {
    compilation: Arc<Compilation>,
    inputs: Vec<InputEntry>,
    held: Arc<Vec<Option<prepare::Held>>>,
    published: Option<Arc<Answers>>,
}

impl Participant {
    /// A participant that publishes the datasets of its catalog under these signed policies.
    #[must_use]
    pub fn new(
        (name, key): (PartyName, Arc<IdentityKey>),
        pins: Arc<Pins>,
        catalog: Catalog,
        policies: &[Signed<PolicyDocument>],
        clock: Arc<dyn Clock>,
    ) -> Self {
        let tables = Tables::new((name.clone(), Arc::clone(&key)), catalog);
        let policies = policies.iter().map(wire::write).collect();
        let (patience, prepared) = (LinkConfig::default(), Mutex::default());
        let (results, lookups, scratch) = (None, None, Scratch::default());
        Self {
            name,
            key,
            pins,
            tables,
            policies,
            clock,
            patience,
            results,
            scratch,
            trainings: None,
            intersections: None,
            lookups,
            trainers: Trainers::default(),
            prepared,
        }
    }

    /// Gives up on a peer that makes no progress for this long, instead of the default.
    #[must_use]
    pub fn with_stall(mut self, stall: Duration) -> Self {
        self.patience = LinkConfig::with_stall(stall);
        self
    }

    /// Keeps what it learns of its own sets in this folder, made when there is something; without one such jobs are refused.
    #[must_use]
    pub fn with_results(mut self, folder: PathBuf) -> Self {
        self.results = Some(folder);
        self
    }

    /// Keeps sets there while a job runs, instead of in the system's folder for what is passing.
    #[must_use]
    pub fn with_scratch(self, scratch: Scratch) -> Self {
        Self { scratch, ..self }
    }

    /// Keeps there how far trainings have come that it computes; without a folder, one that is interrupted begins anew.
    #[must_use]
    pub fn with_trainings(self, trainings: Trainings) -> Self {
        Self { trainings: Some(trainings), ..self }
    }

    /// Keeps there how far intersections of its sets are; without a folder, one that is interrupted begins anew.
    #[must_use]
    pub fn with_intersections(self, intersections: Intersections) -> Self {
        Self { intersections: Some(intersections), ..self }
    }

    /// Keeps what it publishes for lookups, and what it fetches for them, in this folder; without one such jobs are refused.
    #[must_use]
    pub fn with_lookups(mut self, folder: &Path) -> Self {
        self.lookups = Some(Lookups::new(folder));
        self
    }

    /// Has these programs train where a job names one; without it such jobs are refused.
    #[must_use]
    pub fn with_trainers(mut self, trainers: BTreeMap<String, Place>) -> Self {
        self.trainers = Trainers(trainers);
        self
    }

    /// The folder of what this party is to learn in a plan, if it is to learn anything.
    fn results_of(&self, plan: &Plan) -> Result<Option<&Path>, Failure> {
        let own = |keeps: &Keeps| plan.inputs[keeps.input as usize].party == self.name;
        let learns = |op: &Op| match op {
            Op::Tell(of) => of.to.contains(&self.name),
            Op::Lookup(of) => own(&of.keeps),
            other => other.results().iter().any(own),
        };
        if !plan.nodes.iter().any(learns) {
            return Ok(None);
        }
        let failed = |words: String| {
            Failure::new(Reason::InputInvalid, Stage::Prepare, words).at(&self.name)
        };
        let folder = self.results.as_deref().ok_or_else(|| {
            failed("this party has no folder for results; give it one in its configuration".into())
        })?;
        std::fs::create_dir_all(folder).map_err(|error| {
            let full = Reason::of_fault(&error) == Reason::DiskFull;
            let failure = failed(format!("{}: {error}", folder.display()));
            if full { Failure { reason: Reason::DiskFull, ..failure } } else { failure }
        })?;
        Ok(Some(folder))
    }

    /// What this party masks its updates with in a plan, if it does.
    fn masking(&self, plan: &Plan, start: &RunStart) -> Result<Option<Masking>, Failure> {
        if plan.adds_up().is_none() {
            return Ok(None);
        }
        let masks = masks(plan, &self.pins, start.run)?;
        Ok(Some(Masking { masks, signer: self.key.signer(), once: start.sign_once.clone() }))
    }

    /// Whether this party has kept what a training rests on that a plan goes on with.
    fn training_of(&self, plan: &Plan) -> Result<(), Failure> {
        let trainings = self.trainings.as_ref().map(Trainings::path);
        let kept = exec::resumable(trainings, (plan, &self.name));
        kept.map_err(|why| Failure::new(Reason::NotReady, Stage::Prepare, why).at(&self.name))
    }

    /// The datasets as their files are now.
    pub(super) fn tables(&self) -> Arc<Described> {
        self.tables.renewed()
    }

    pub(super) fn scratch(&self) -> &Scratch {
        &self.scratch
    }

    pub(super) fn lookups(&self) -> Option<&Lookups> {
        self.lookups.as_ref()
    }

    /// The policies in force here.
    pub(super) fn policies(&self) -> Result<Vec<PolicyDocument>, Failure> {
        let read = |json: &Vec<u8>| -> Result<PolicyDocument, Failure> {
            let signed: Signed<PolicyDocument> = wire::parse("policy", Stage::Validate, json)?;
            Ok(signed.body)
        };
        self.policies.iter().map(read).collect()
    }

    pub(super) fn publisher(&self) -> Publisher<'_> {
        Publisher { name: &self.name, key: &self.key, now_ms: self.clock.now_ms() }
    }

    fn me(&self) -> Me<'_> {
        Me {
            name: &self.name,
            key: &self.key,
            pins: &self.pins,
            patience: self.patience,
            trainings: self.trainings.as_ref().map(Trainings::path),
        }
    }

    /// What was kept for another job to go on with is of no use any more.
    fn came_to_its_end(&self, job: &Job) {
        let plan = &job.assessment.plan;
        let of_training =
            self.trainings.as_ref().map(|all| exec::forget_training(all.path(), plan));
        let of_sets = self.intersections.as_ref();
        let of_sets = of_sets.map(|all| exec::forget_intersection(all.path(), (plan, &self.name)));
        for (what, gone) in [("training", of_training), ("intersection", of_sets)] {
            if let Some(Err(error)) = gone {
                tracing::warn!(job = %job.id, %error, "what was kept of the {what} was not removed");
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<JobId, Prepared>> {
        self.prepared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn compile(
        &self,
        spec: &JobSpec,
        published: &Published,
        now: &Described,
    ) -> Result<Compilation, Failure> {
        self.own_documents_are_current(published, now)?;
        match compile_published(spec, published, &self.pins)? {
            Ok(compilation) => Ok(compilation),
            Err(refusal) => Err(refusal.failure()),
        }
    }

    /// Whoever relays documents could bring an older policy of this party's that it has signed but no longer stands by.
    fn own_documents_are_current(
        &self,
        published: &Published,
        now: &Described,
    ) -> Result<(), Failure> {
        #[derive(serde::Deserialize)]
        struct Signer {
            party: PartyName,
        }
        for (what, brought, current) in [
            ("policy", &published.policies, &self.policies),
            ("dataset description", &published.descriptors, &now.descriptors),
        ] {
            for json in brought {
                let signer: Signer = wire::parse(what, Stage::Validate, json)?;
                if signer.party == self.name && !current.contains(json) {
                    if let Some(stale) = self.tables.stale(json) {
                        return Err(stale);
                    }
                    let words =
                        format!("a {what} that is not this party's current one was brought");
                    let failure = Failure::new(Reason::PolicyRefused, Stage::Validate, words);
                    return Err(failure.at(&self.name));
                }
            }
        }
        Ok(())
    }

    /// This participant's own policies on a plan, as of now.
    fn review(&self, plan: &Plan, spec: &JobSpec, policies: &[PolicyDocument]) -> Review {
        let request = Request { plan, spec, pins: &self.pins, now_ms: self.clock.now_ms() };
        let own = || policies.iter().filter(|policy| policy.assigner.party == self.name);
        let refusals = own().filter_map(|policy| evaluate(policy, &request).err()).flatten();
        let unknown = self.trainers.refusal(&self.name, plan);
        Review {
            refusals: refusals.chain(unknown).collect(),
            manual: own().any(|policy| policy.approval == Approval::Manual),
        }
    }
}

/// The job that began the training of a plan: an update is the same whenever its round is run again.
fn root_of(plan: &Plan, job: JobId) -> Hash32 {
    plan.training().map_or_else(|| job.hash(), |(_, of)| of.root(plan))
}

struct Review {
    refusals: Vec<crate::policy::Refusal>,
    manual: bool,
}

impl Runner for Participant {
    fn published(&self) -> Result<Published, Failure> {
        let descriptors = self.tables().descriptors.clone();
        Ok(Published { descriptors, policies: self.policies.clone() })
    }

    fn assess(&self, spec: &Signed<JobSpec>, published: &Published) -> Result<Assessment, Failure> {
        let spec = &spec.body;
        let compilation = self.compile(spec, published, &self.tables.now())?;
        let plan = compilation.compiled.plan.clone();
        let own = compilation.policies.iter().filter(|p| p.assigner.party == self.name);
        let budgets =
            own.clone().flat_map(|policy| query_budgets(policy, &plan, &self.pins)).collect();
        let privacy = own.clone().find_map(|policy| privacy_budget(policy, &plan));
        let lookups = own.flat_map(|policy| lookup_budgets(policy, &plan, &self.pins)).collect();
        let Review { refusals, manual } = self.review(&plan, spec, &compilation.policies);
        Ok(Assessment {
            plan_hash: compilation.hash,
            plan_text: compilation.text()?,
            quote: compilation.quote_json(),
            leakage: compilation.leakage()?,
            plan,
            refusals,
            budgets,
            lookups,
            privacy,
            manual,
        })
    }

    fn prepare(&self, job: &Job, _attempt: u32) -> Result<Vec<u8>, Failure> {
        let spec = &job.spec.body;
        // Rows that a file no longer has are not computed with, however small the table.
        let now = self.tables.renewed();
        let compilation = self.compile(spec, &job.published, &now)?;
        let review = self.review(&compilation.compiled.plan, spec, &compilation.policies);
        if let Some(refusal) = review.refusals.first() {
            let words = format!("the policy no longer allows it: {refusal}");
            return Err(Failure::new(Reason::PolicyRefused, Stage::Prepare, words).at(&self.name));
        }
        self.results_of(&compilation.compiled.plan)?;
        self.training_of(&compilation.compiled.plan)?;
        let inputs =
            prepare::commit((&self.name, &self.key), job.id.hash(), &now.catalog, &compilation)?;
        let held = prepare::rows(&self.name, &now.catalog, &compilation, &self.scratch)?;
        let plan = &compilation.compiled.plan;
        intersections::ready(self.intersections.as_ref(), (plan, &self.name), &held)?;
        let held = Arc::new(held);
        let commitments = wire::write(&inputs);
        let published =
            lookups::prepare(self.lookups.as_ref(), self.publisher(), (spec, plan), &held)?;
        let prepared = Prepared { compilation: Arc::new(compilation), inputs, held, published };
        self.lock().insert(job.id, prepared);
        Ok(commitments)
    }

    fn run(&self, start: RunStart) -> Result<RunOutcome, Failure> {
        let prepared = self.lock().get(&start.job.id).cloned();
        let Prepared { compilation, inputs, held, published } = prepared.ok_or_else(|| {
            let words = "the run was not prepared here";
            Failure::new(Reason::NotReady, Stage::Connect, words).at(&self.name)
        })?;
        let (job, order, run) = (start.job.clone(), start.order.clone(), start.run);
        let (plan, lookups) = (&compilation.compiled.plan, self.lookups.as_ref());
        let training = prepare::Training {
            order: prepare::order(&self.key, root_of(plan, job.id)),
            program: self.trainers.program(plan, job.id, &start.stop),
            spend: start.spend.clone(),
            keeps: self.trainings.as_ref().map(|trainings| trainings.path().to_owned()),
            presence: Presence { run, again: start.again },
            masking: self.masking(plan, &start)?,
        };
        let bring = || {
            let me = (&self.name, &training);
            let kept = self.intersections.as_ref().map(Intersections::path);
            let mut encoded = prepare::encode(me, &compilation, &held, (run, kept))?;
            let brought = (&held, published.as_ref());
            lookups::attach(lookups, self.me(), plan, brought, &mut encoded)?;
            Ok(encoded)
        };
        let finished = joint::run(self.me(), start, &compilation, bring)?;
        if let Some(folder) = self.results_of(plan)? {
            results::write(folder, job.id, plan, &held, &finished.found)?;
            if let Some(told) = &finished.told {
                results::write_told(folder, job.id, plan, told)?;
            }
            lookups::write(folder, (job.id, plan), &held, &finished.looked_up)?;
        }
        let sealed = finished.sealed.as_ref();
        let about = (&order, run);
        let receipt_part =
            evidence::part(self.me(), &job, about, inputs, (finished.account, sealed))?;
        let sealed = finished.sealed.map(|sealed| SealedShare {
            manifest: wire::write(&sealed.manifest),
            ciphertext: sealed.ciphertext,
        });
        Ok(RunOutcome { sealed, receipt_part })
    }

    fn account(&self, job: &Job, ended: &Ended) -> Result<Vec<u8>, Failure> {
        evidence::broken_off(self.me(), job, ended)
    }

    fn cosign(
        &self,
        job: &Job,
        attempt: u32,
        own_part: &[u8],
        body: &[u8],
    ) -> Result<Vec<u8>, Failure> {
        let wrong = |words: String| {
            Failure::new(Reason::ReceiptInvalid, Stage::Release, words).at(&self.name)
        };
        let part: Signed<ReceiptPart> = wire::parse("receipt part", Stage::Release, own_part)?;
        let body: ReceiptBody = wire::parse("receipt", Stage::Release, body)?;
        check_own_part(&body, &part.body).map_err(|fault| wrong(fault.to_string()))?;
        let assessment = &job.assessment;
        let may_leave = exec::may_leave(&assessment.plan);
        let facts = [
            ("job", body.job == job.id.hash()),
            ("plan", body.plan == assessment.plan_hash),
            ("attempt", body.attempt == attempt),
            ("request_id", body.request_id == job.spec.body.request_id),
            ("policies", body.policies == assessment.plan.policies),
            (
                "protocol.sharing",
                (body.protocol.sharing == audit::MASKED) == assessment.plan.adds_up().is_some(),
            ),
            ("leakage", body.leakage.hash == leakage_hash(&assessment.leakage)),
            ("absent", body.absent.iter().all(|party| may_leave.contains(party))),
        ];
        if let Some((field, _)) = facts.iter().find(|(_, same)| !same) {
            return Err(wrong(format!("{field}: differs from what this party consented to")));
        }
        // Until here it could end without a result, and go on once more.
        if body.outcome == audit::RunOutcome::Done {
            self.came_to_its_end(job);
        }
        Ok(wire::write(&body.sign(&self.name, &self.key)))
    }

    fn forget(&self, job: JobId) {
        self.lock().remove(&job);
    }

    fn begins(&self, job: &Job, run: Hash32) -> Result<(), Failure> {
        let (plan, Some(trainings)) = (&job.assessment.plan, &self.trainings) else {
            return Ok(());
        };
        let marked = exec::mark_given(trainings.path(), (plan, &self.name), (run, job.id.hash()));
        marked.map_err(|error| {
            let words = format!(
                "the training cannot begin here: writing down that nothing was said yet in it, in {}: {error}; see to that folder and \
                 submit the job again",
                trainings.path().display()
            );
            Failure::new(Reason::of_fault(&error), Stage::Connect, words).at(&self.name)
        })
    }

    fn ended(&self, job: &Job) {
        let Some(trainings) = &self.trainings else { return };
        let (plan, id) = (&job.assessment.plan, job.id);
        if let Err(error) = exec::forget_given(trainings.path(), plan, id.hash()) {
            tracing::warn!(job = %id, %error, "what was given in the training was not removed");
        }
    }

    fn ended_but(&self, jobs: &[JobId]) {
        let Some(trainings) = &self.trainings else { return };
        let jobs: Vec<_> = jobs.iter().map(|job| job.hash()).collect();
        if let Err(error) = exec::forget_given_but(trainings.path(), &jobs) {
            tracing::warn!(%error, "what was given in trainings that are over was not removed");
        }
    }
}

impl fmt::Debug for Participant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Participant({}, {:?})", self.name, self.tables)
    }
}

#[cfg(test)]
mod tests;
