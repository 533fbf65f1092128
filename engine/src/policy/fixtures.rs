//! A small job for tests: census and employers join, neutral computes along, insurer buys.

use crate::{
    identity::{Hash32, IdentityKey, PartyName, Pin, Pins, SealingKey, Signed, canonical_hash},
    job::{JobKind, JobSpec, JoinBy, NetworkProfile, Security},
    plan::{ColumnUse, LocalInput, Output, PLAN_FORMAT, Plan, PolicyRef, Ref, UseForm},
};

use super::{CONSENT_DOMAIN, Consent, PolicyDocument, Terms, parse, policies_root};

pub(crate) const NOW: i64 = 1_800_000_000_000;

pub(crate) fn name(text: &str) -> PartyName {
    PartyName::try_from(text).unwrap()
}

pub(crate) fn key(party: &str) -> IdentityKey {
    IdentityKey::from_seed(&canonical_hash("test", &party).0)
}

pub(crate) fn buyer_key() -> SealingKey {
    SealingKey::from_bytes([77; 32])
}

pub(crate) fn pins() -> Pins {
    let mut pins = Pins::default();
    for party in ["census", "employers", "neutral", "insurer", "exchange"] {
        let sealing_key = (party == "insurer").then(|| buyer_key().public());
        let pin =
            Pin { key: key(party).public(), organisation: format!("{party} Ltd"), sealing_key };
        pins.insert(name(party), pin);
    }
    pins
}

pub(crate) fn policy_json() -> String {
    let parties = ["census", "employers", "neutral"]
        .map(|p| format!(r#"{{"party": "{p}", "key": "{}"}}"#, key(p).public()))
        .join(", ");
    format!(
        r#"{{
  "schema": "unseen.policy/v1", "id": "pol-census-adult", "version": 3,
  "assigner": {{"party": "census", "key": "{census}"}},
  "dataset": "census.adult", "entity_key": "person_id",
  "recipients": [{{"party": "insurer", "key": "{insurer}", "sealing_keys": ["{sealing}"]}}],
  "purposes": ["premium-model"],
  "validity": {{"not_before": "2026-10-01T00:00:00Z", "expires": "2027-03-31T16:00:00Z"}},
  "operators": {{"kinds": ["sql"], "compute_parties": [{parties}], "min_security": "semi_honest"}},
  "columns": {{
    "person_id": {{"release": ["join_key"], "join_with": ["employers.jobs"]}},
    "age": {{"release": ["filter", "aggregate"], "aggregates": ["AVG"]}},
    "education": {{"release": ["group_key"], "domain": ["Bachelors", "Masters"]}},
    "income": {{"release": ["aggregate"], "aggregates": ["COUNT"]}},
    "sex": {{"release": []}}
  }},
  "output": {{"min_group_entities": 20, "max_groups": 200}},
  "approval": "auto"
}}"#,
        census = key("census").public(),
        insurer = key("insurer").public(),
        sealing = buyer_key().public(),
    )
}

pub(crate) fn policy() -> PolicyDocument {
    parse(&policy_json()).unwrap()
}

pub(crate) fn spec() -> JobSpec {
    JobSpec {
        schema: "unseen.job/v1".into(),
        request_id: "r1".into(),
        buyer: name("insurer"),
        sealing_key: buyer_key().public(),
        kind: JobKind::Sql { sql: "SELECT 1".into() },
        purpose: "premium-model".into(),
        compute: ["census", "employers", "neutral"].map(name).into(),
        issued_at_ms: NOW,
        expires_at_ms: NOW + 3_600_000,
        security: Security::SemiHonest,
        network: NetworkProfile::new(500, 1_000),
        joins: JoinBy::Auto,
    }
}

pub(crate) fn used(column: &str, form: UseForm) -> ColumnUse {
    ColumnUse { party: name("census"), dataset: "adult".into(), column: column.into(), form }
}

pub(crate) fn plan() -> Plan {
    let input = |party: &str| LocalInput {
        key: None,
        trains: false,
        party: name(party),
        datasets: vec![],
        text: String::new(),
        rows: 1_024,
        sorted_by: vec![],
        columns: vec![],
    };
    let policy = policy();
    Plan {
        psi: None,
        format: PLAN_FORMAT,
        job: canonical_hash("unseen.job/v1", &spec()),
        compute: spec().compute,
        buyer: name("insurer"),
        inputs: vec![input("census"), input("employers")],
        nodes: vec![],
        output: Output { live: Ref(0, 0), columns: vec![] },
        min_group_entities: 20,
        uses: vec![
            used("person_id", UseForm::JoinKey("employers.jobs".into())),
            used("age", UseForm::Filter),
            used("age", UseForm::Aggregate("AVG".into())),
            used("education", UseForm::GroupKey),
        ],
        policies: vec![PolicyRef {
            dataset: policy.dataset.clone(),
            id: policy.id.clone(),
            version: policy.version,
            hash: policy.hash(),
        }],
        notes: vec![],
    }
}

pub(crate) fn plan_hash() -> Hash32 {
    canonical_hash("unseen.plan/v1", &plan())
}

pub(crate) fn consent(party: &str) -> Signed<Consent> {
    consent_with(party, |_| {})
}

pub(crate) fn consent_with(party: &str, change: impl FnOnce(&mut Consent)) -> Signed<Consent> {
    let mut body = Consent {
        job: plan().job,
        plan: plan_hash(),
        policies_root: policies_root(&plan().policies),
        party: name(party),
        recipient: buyer_key().public(),
        not_after_ms: NOW + 1_000,
        nonce: canonical_hash("nonce", &party),
    };
    change(&mut body);
    Signed::new(CONSENT_DOMAIN, body, name(party), &key(party))
}

pub(crate) fn consents() -> Vec<Signed<Consent>> {
    ["census", "employers", "neutral"].map(consent).into()
}

pub(crate) fn terms<'a>(plan: &'a Plan, pins: &'a Pins) -> Terms<'a> {
    Terms { plan, plan_hash: plan_hash(), recipient: buyer_key().public(), pins, now_ms: NOW }
}
