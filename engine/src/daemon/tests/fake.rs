//! A runner and a planner without tables. What they do is written in the job's SQL text.

use std::{
    collections::BTreeSet,
    io::Read,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use serde_json::json;

use crate::{
    audit,
    coordinator::{Assembly, End, Outline, Planner},
    identity::{Hash32, IdentityKey, PartyName, Signed},
    job::{Failure, JobId, JobKind, JobSpec, Reason, Stage},
    link::DataLink,
    plan::{LocalInput, Output, PLAN_FORMAT, Plan, Ref},
    policy::Refusal,
    provider::{Assessment, Ended, Job, RunOutcome, RunStart, Runner},
    wire::{Progress, Published, SealedRound, SealedShare, roster},
};

/// Rounds that every party says it has sealed.
pub(super) const ROUNDS: u32 = 5;

/// Shared with the test: a killed daemon's threads must end too.
pub(super) type Killed = Arc<AtomicBool>;

/// Shared with the test: who has all links of which job.
pub(super) type Linked = Arc<Mutex<BTreeSet<(PartyName, JobId)>>>;

#[derive(Debug)]
pub(super) struct FakeRunner {
    pub(super) name: PartyName,
    pub(super) killed: Killed,
    pub(super) linked: Linked,
}

#[derive(Debug)]
pub(super) struct FakePlanner;

pub(super) fn sql(spec: &JobSpec) -> &str {
    let JobKind::Sql { sql } = &spec.kind else { panic!("another kind of job") };
    sql
}

/// The SQL text names the providers: `from census employers bank`.
fn plan(spec: &JobSpec) -> Plan {
    let providers = ["census", "employers", "bank"].into_iter().filter(|p| sql(spec).contains(p));
    let input = |party: &str| LocalInput {
        key: None,
        trains: false,
        party: PartyName::try_from(party).unwrap(),
        datasets: Vec::new(),
        text: String::new(),
        rows: 0,
        sorted_by: Vec::new(),
        columns: Vec::new(),
    };
    Plan {
        psi: None,
        format: PLAN_FORMAT,
        job: JobId::of(spec).hash(),
        compute: spec.compute.clone(),
        buyer: spec.buyer.clone(),
        inputs: providers.map(input).collect(),
        nodes: Vec::new(),
        output: Output { live: Ref(0, 0), columns: Vec::new() },
        min_group_entities: 0,
        uses: Vec::new(),
        policies: Vec::new(),
        notes: Vec::new(),
    }
}

impl FakeRunner {
    /// Whether the SQL text tells this party to do something: `hang-run:census`.
    fn told(&self, spec: &JobSpec, what: &str) -> bool {
        sql(spec).split_whitespace().any(|word| word == format!("{what}:{}", self.name))
    }

    /// Waits until its daemon is killed, if the SQL text says so.
    fn wait_if_told(&self, spec: &JobSpec, what: &str) {
        let (never, wait) = std::sync::mpsc::channel::<()>();
        while self.told(spec, what) && !self.killed.load(Ordering::SeqCst) {
            let _ = wait.recv_timeout(Duration::from_millis(10));
        }
        drop(never);
    }

    /// Tells the test that all links of a job stand here.
    fn note_links(&self, job: JobId) {
        self.linked.lock().unwrap().insert((self.name.clone(), job));
    }

    /// Waits on the links until somebody ends the run.
    fn hang(&self, links: &mut [DataLink], start: &RunStart) -> Failure {
        for link in links.iter_mut() {
            link.tcp.set_read_timeout(Some(Duration::from_millis(10))).unwrap();
        }
        loop {
            if let Some(failure) = start.stop.failure() {
                return failure;
            }
            for link in links.iter_mut().filter(|link| !link.outgoing) {
                let killed = self.killed.load(Ordering::SeqCst);
                if killed || gone(link) {
                    // A peer that ended closes its links too: whoever knows the cause gets to say so first, as on real links.
                    if !killed && let Some(failure) = told(start) {
                        return failure;
                    }
                    let words = format!("the link to {} closed", link.peer);
                    let party = Some(link.peer.clone());
                    return Failure { party, ..Failure::new(Reason::PartyLost, Stage::Run, words) };
                }
            }
        }
    }
}

/// Why the run was stopped, if somebody says so within two seconds.
fn told(start: &RunStart) -> Option<Failure> {
    let (tell, told) = std::sync::mpsc::channel();
    start.stop.on_stop(move |failure| drop(tell.send(failure.clone())));
    told.recv_timeout(Duration::from_secs(2)).ok()
}

fn gone(link: &mut DataLink) -> bool {
    let mut byte = [0];
    match link.tcp.read(&mut byte) {
        Ok(read) => read == 0,
        Err(error) => {
            !matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut)
        }
    }
}

impl Runner for FakeRunner {
    fn published(&self) -> Result<Published, Failure> {
        Ok(Published { descriptors: vec![self.name.to_string().into_bytes()], policies: vec![] })
    }

    fn assess(&self, spec: &Signed<JobSpec>, _: &Published) -> Result<Assessment, Failure> {
        let mut plan = plan(&spec.body);
        self.wait_if_told(&spec.body, "hang-assess");
        if self.told(&spec.body, "other-plan") {
            plan.min_group_entities = 7;
        }
        let refusal = Refusal {
            party: self.name.clone(),
            rule: "purposes".into(),
            column: None,
            message: "not for this".into(),
        };
        let refuse = self.told(&spec.body, "refuse");
        Ok(Assessment {
            budgets: Vec::new(),
            lookups: Vec::new(),
            privacy: None,
            plan_hash: crate::plan::hash(&plan),
            plan,
            plan_text: "plan".into(),
            quote: b"{}".to_vec(),
            leakage: vec!["sizes".into()],
            refusals: refuse.then_some(refusal).into_iter().collect(),
            manual: self.told(&spec.body, "ask"),
        })
    }

    fn prepare(&self, job: &Job, _: u32) -> Result<Vec<u8>, Failure> {
        if self.told(&job.spec.body, "bad-input") {
            return Err(Failure::new(Reason::InputInvalid, Stage::Prepare, "line 4711"));
        }
        self.wait_if_told(&job.spec.body, "hang-prepare");
        Ok(b"[]".to_vec())
    }

    fn run(&self, mut start: RunStart) -> Result<RunOutcome, Failure> {
        for round in 1..=ROUNDS {
            let manifest = self.name.to_string().into_bytes();
            let round = Some(SealedRound { round, manifest, ciphertext: vec![1] });
            (start.progress)(Progress { percent: 50, step: "n1".into(), round });
        }
        self.note_links(start.job.id);
        let mut links = std::mem::take(&mut start.links);
        if sql(&start.job.spec.body).contains("hang-run") {
            return Err(self.hang(&mut links, &start));
        }
        let compute = start.job.spec.body.compute.contains(&self.name);
        // More than one piece, so that chunking is on the way.
        let share = || SealedShare {
            manifest: start.run.to_string().into_bytes(),
            ciphertext: vec![self.name.as_str().as_bytes()[0]; (1 << 20) + 5],
        };
        let peers: Vec<_> = links.iter().map(|link| link.peer.to_string()).collect();
        Ok(RunOutcome {
            sealed: compute.then(share),
            receipt_part: json!({"party": self.name, "peers": peers}).to_string().into_bytes(),
        })
    }

    fn account(&self, _: &Job, ended: &Ended) -> Result<Vec<u8>, Failure> {
        Ok(json!({"party": self.name, "ended": ended.failure.reason}).to_string().into_bytes())
    }

    #[expect(clippy::unwrap_in_result, reason = "bytes that cannot be read fail the test")]
    fn cosign(&self, job: &Job, _: u32, part: &[u8], body: &[u8]) -> Result<Vec<u8>, Failure> {
        self.wait_if_told(&job.spec.body, "hang-sign");
        let body: serde_json::Value = serde_json::from_slice(body).unwrap();
        let part: serde_json::Value = serde_json::from_slice(part).unwrap();
        let mine = body["parts"].as_array().unwrap().contains(&part);
        if !mine || self.told(&job.spec.body, "no-signature") {
            return Err(Failure::new(Reason::ReceiptInvalid, Stage::Release, "not what happened"));
        }
        Ok(self.name.to_string().into_bytes())
    }

    fn forget(&self, _: JobId) {}

    fn begins(&self, _: &Job, _: Hash32) -> Result<(), Failure> {
        Ok(())
    }

    fn ended(&self, _: &Job) {}

    fn ended_but(&self, _: &[JobId]) {}
}

impl Planner for FakePlanner {
    fn outline(
        &self,
        spec: &Signed<JobSpec>,
        published: &Published,
    ) -> Result<Result<Outline, Refusal>, Failure> {
        if sql(&spec.body).contains("nonsense") {
            return Err(Failure::new(Reason::Unsupported, Stage::Validate, "nonsense at 1:1"));
        }
        let plan = plan(&spec.body);
        Ok(Ok(Outline {
            computing: 3,
            may_leave: Vec::new(),
            plan: crate::plan::hash(&plan),
            plan_text: "plan".into(),
            participants: roster(&plan),
            published: published.clone(),
            quote: b"{}".to_vec(),
            leakage: vec!["sizes".into()],
        }))
    }

    fn assemble(&self, assembly: &Assembly) -> Result<Vec<u8>, Failure> {
        let parts: Vec<serde_json::Value> =
            assembly.parts.iter().map(|(_, part)| serde_json::from_slice(part).unwrap()).collect();
        let sealed: Vec<_> = assembly.manifests.iter().map(|(party, _)| party).collect();
        let outcome = match &assembly.end {
            End::Done => audit::RunOutcome::Done,
            End::Failed { failure, missing, .. } => failed(failure, missing),
        };
        let body = json!({
            "parts": parts, "sealed": sealed, "plan": assembly.plan, "outcome": outcome,
        });
        Ok(body.to_string().into())
    }

    #[expect(clippy::unwrap_in_result, reason = "bytes that cannot be read fail the test")]
    fn complete(
        &self,
        body: &[u8],
        signatures: &[(PartyName, Vec<u8>)],
    ) -> Result<Vec<u8>, Failure> {
        let body: serde_json::Value = serde_json::from_slice(body).unwrap();
        let signed: Vec<_> = signatures.iter().map(|(party, _)| party).collect();
        Ok(json!({"body": body, "signed": signed}).to_string().into())
    }
}

/// How a receipt says that a job failed.
pub(super) fn failed(failure: &Failure, missing: &[PartyName]) -> audit::RunOutcome {
    let audit::Failure { code, party, stage } = failure.into();
    audit::RunOutcome::Failed { code, party, stage, missing: missing.to_vec() }
}

/// The key of a party in these tests.
pub(super) fn key(party: &str) -> IdentityKey {
    let mut seed = [7; 32];
    seed[..party.len()].copy_from_slice(party.as_bytes());
    IdentityKey::from_seed(&seed)
}
