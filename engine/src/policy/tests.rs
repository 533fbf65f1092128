//! What policies grant and refuse, and what consents are worth.

use super::{fixtures::*, *};
use crate::{
    catalog::{ColumnSpec, ColumnType, DatasetDescriptor},
    identity::{PartyName, Pins, SealingKey, Signed},
    job::{JobSpec, Security},
    plan::{Op, Plan, Ref, UseForm},
};

fn refusals(change: impl FnOnce(&mut PolicyDocument, &mut Plan, &mut JobSpec)) -> Vec<Refusal> {
    refusals_at(NOW, &pins(), change)
}

fn refusals_at(
    now_ms: i64,
    pins: &Pins,
    change: impl FnOnce(&mut PolicyDocument, &mut Plan, &mut JobSpec),
) -> Vec<Refusal> {
    let (mut policy, mut plan, mut spec) = (policy(), plan(), spec());
    change(&mut policy, &mut plan, &mut spec);
    plan.policies[0].hash = policy.hash();
    let request = Request { plan: &plan, spec: &spec, pins, now_ms };
    evaluate(&policy, &request).err().unwrap_or_default()
}

#[track_caller]
fn only(found: Vec<Refusal>, rule: &str, column: Option<&str>, words: &[&str]) {
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!((found[0].rule.as_str(), found[0].column.as_deref()), (rule, column));
    assert_eq!(found[0].party, name("census"));
    for word in words {
        assert!(found[0].message.contains(word), "no `{word}` in: {}", found[0].message);
    }
}

#[test]
fn a_plan_within_the_policy_is_allowed() {
    assert_eq!(refusals(|_, _, _| {}), []);
}

#[test]
fn each_column_use_needs_its_own_grant() {
    let of =
        |column: &str, form: UseForm| refusals(|_, plan, _| plan.uses = vec![used(column, form)]);
    let rule = "columns.sex.release";
    let sex = Some("census.adult.sex");
    only(of("sex", UseForm::Filter), rule, sex, &["`sex`", "condition", "Add `filter`", rule]);
    only(of("sex", UseForm::GroupKey), rule, sex, &["GROUP BY", "Add `group_key`"]);
    only(of("sex", UseForm::List), rule, sex, &["row by row", "Add `list`"]);
    only(
        of("age", UseForm::Extrema("MAX".into())),
        "columns.age.release",
        Some("census.adult.age"),
        &["under MAX", "as `filter`, `aggregate` only", "Add `extrema`"],
    );
    only(
        of("unknown", UseForm::Filter),
        "columns.unknown.release",
        Some("census.adult.unknown"),
        &["for nothing"],
    );
}

#[test]
fn aggregates_and_joins_are_granted_one_by_one() {
    let of =
        |column: &str, form: UseForm| refusals(|_, plan, _| plan.uses = vec![used(column, form)]);
    for implied in ["AVG", "SUM", "COUNT"] {
        assert_eq!(of("age", UseForm::Aggregate(implied.into())), [], "AVG implies {implied}");
    }
    assert_eq!(of("income", UseForm::Aggregate("COUNT".into())), []);
    only(
        of("income", UseForm::Aggregate("SUM".into())),
        "columns.income.aggregates",
        Some("census.adult.income"),
        &["under SUM", "Add `SUM` to `columns.income.aggregates`"],
    );
    only(
        of("person_id", UseForm::JoinKey("bank.loans".into())),
        "columns.person_id.join_with",
        Some("census.adult.person_id"),
        &["join with `bank.loans`", "Add `bank.loans`"],
    );
    only(
        of("sex", UseForm::Aggregate("SUM".into())),
        "columns.sex.release",
        Some("census.adult.sex"),
        &["Add `aggregate`", "and `SUM` to `columns.sex.aggregates`"],
    );
}

#[test]
fn columns_of_other_datasets_are_not_this_policys_business() {
    let found = refusals(|_, plan, _| {
        let mut other = used("sex", UseForm::List);
        other.dataset = "other".into();
        plan.uses.push(other.clone());
        other.party = name("employers");
        other.dataset = "adult".into();
        plan.uses.push(other);
    });
    assert_eq!(found, []);
}

#[test]
fn the_recipient_its_key_and_the_purpose_must_be_named() {
    let stranger = SealingKey::from_bytes([5; 32]).public();
    only(
        refusals(|_, _, spec| spec.sealing_key = stranger),
        "recipients.sealing_keys",
        None,
        &[&stranger.to_string(), "`insurer`"],
    );
    only(
        refusals(|p, _, _| p.recipients.clear()),
        "recipients",
        None,
        &["`insurer` is no recipient"],
    );
    only(
        refusals(|p, _, _| p.recipients[0].key = key("exchange").public()),
        "recipients.key",
        None,
        &["another key of `insurer`"],
    );
    only(
        refusals(|_, _, spec| spec.purpose = "curiosity".into()),
        "purposes",
        None,
        &["`curiosity`", "`premium-model`"],
    );
}

#[test]
fn the_policy_holds_from_not_before_until_just_before_expires() {
    let validity = policy().validity;
    let (from, until) = (validity.not_before.as_ms(), validity.expires.as_ms());
    let at = |now| refusals_at(now, &pins(), |_, _, _| {});
    assert_eq!(at(from), []);
    assert_eq!(at(until - 1), []);
    only(at(from - 1), "validity.not_before", None, &["2026-10-01T00:00:00Z"]);
    only(at(until), "validity.expires", None, &["2027-03-31T16:00:00Z"]);
}

#[test]
fn a_plan_compiled_under_another_version_is_refused() {
    let (newer, plan, spec, pins) =
        (PolicyDocument { version: 4, ..policy() }, plan(), spec(), pins());
    let request = Request { plan: &plan, spec: &spec, pins: &pins, now_ms: NOW };
    only(evaluate(&newer, &request).unwrap_err(), "version", None, &["version 3", "version 4"]);
}

#[test]
fn compute_parties_are_named_pinned_and_of_three_organisations() {
    const RULE: &str = "operators.compute_parties";
    only(
        refusals(|p, _, _| p.operators.compute_parties.retain(|c| c.party != name("neutral"))),
        RULE,
        None,
        &["`neutral` may not compute"],
    );
    only(
        refusals(|p, _, _| p.operators.compute_parties[2].key = key("exchange").public()),
        RULE,
        None,
        &["another key of `neutral`"],
    );
    let mut cousins = pins();
    let mut pin = cousins.of(&name("neutral")).unwrap().clone();
    pin.organisation = "census Ltd".into();
    cousins.insert(name("neutral"), pin);
    only(refusals_at(NOW, &cousins, |_, _, _| {}), RULE, None, &["same organisation"]);
    let found = refusals(|_, plan, spec| {
        spec.compute[2] = name("insurer");
        plan.compute[2] = name("insurer");
    });
    assert!(found.iter().any(|r| r.message.contains("the buyer `insurer` would compute")));
}

#[test]
fn security_kind_group_size_and_group_count_are_held() {
    only(
        refusals(|p, _, _| p.operators.min_security = Security::Malicious),
        "operators.min_security",
        None,
        &["`malicious`"],
    );
    only(refusals(|p, _, _| p.operators.kinds.clear()), "operators.kinds", None, &["`sql`"]);
    only(
        refusals(|_, plan, _| plan.min_group_entities = 19),
        "output.min_group_entities",
        None,
        &["19", "20"],
    );
    let group = |keys: Vec<Ref>, groups| Op::GroupBy {
        keys,
        live: Ref(0, 0),
        sums: vec![],
        extremes: vec![],
        groups,
    };
    assert_eq!(refusals(|_, plan, _| plan.nodes.push(group(vec![Ref(0, 0)], 200))), []);
    only(
        refusals(|_, plan, _| plan.nodes.push(group(vec![Ref(0, 0)], 201))),
        "output.max_groups",
        None,
        &["201", "200"],
    );
}

#[test]
fn all_refusals_come_at_once_and_survive_json() {
    let found = refusals(|_, plan, spec| {
        spec.purpose = "x".into();
        plan.uses.push(used("sex", UseForm::List));
    });
    assert_eq!(found.len(), 2);
    let json = serde_json::to_string(&found).unwrap();
    assert_eq!(serde_json::from_str::<Vec<Refusal>>(&json).unwrap(), found);
}

#[track_caller]
fn field_error(from: &str, to: &str, field: &str, words: &str) {
    let json = policy_json();
    assert!(json.contains(from), "{from}");
    let error = parse(&json.replacen(from, to, 1)).unwrap_err();
    let PolicyError::Field { field: found, message } = &error else { panic!("{error}") };
    assert_eq!(found, field, "{error}");
    assert!(message.contains(words), "{error}");
}

#[test]
fn a_document_that_is_none_is_refused_by_field() {
    field_error(r#""version": 3"#, r#""version": "3""#, "version", "invalid type");
    field_error(r#""filter", "#, r#""filtre", "#, "columns.age.release[0]", "filtre");
    field_error(
        r#""approval": "auto""#,
        r#""approval": "auto", "also": 1"#,
        "also",
        "unknown field",
    );
    field_error("2026-10-01T00:00:00Z", "2026-10-01", "validity.not_before", "2026-10-01");
    field_error("ed25519:", "rsa:", "assigner.key", "ed25519:");
    field_error(r#""sex":"#, r#""age":"#, "columns", "twice");
    field_error(r#""purposes": ["premium-model"],"#, "", ".", "purposes");
    assert!(matches!(parse(&format!("{} x", policy_json())), Err(PolicyError::Field { .. })));
    let other = policy_json().replace("policy/v1", "policy/v2");
    assert_eq!(parse(&other).unwrap_err(), PolicyError::Schema("unseen.policy/v2".into()));
    let foreign = policy_json().replace("census.adult", "employers.jobs");
    assert!(matches!(parse(&foreign), Err(PolicyError::Owner { field: "dataset", .. })));
}

#[test]
fn a_signed_policy_is_the_assigners_own() {
    let json = |signed: &Signed<PolicyDocument>| serde_json::to_string(signed).unwrap();
    let mut signed = Signed::new(POLICY_DOMAIN, policy(), name("census"), &key("census"));
    let pinned = key("census").public();
    assert_eq!(parse_signed(&json(&signed), &pinned).unwrap(), signed);
    let other = key("neutral").public();
    assert!(matches!(parse_signed(&json(&signed), &other), Err(PolicyError::Key { .. })));
    signed.body.output.min_group_entities = 1;
    let error = parse_signed(&json(&signed), &pinned).unwrap_err();
    assert_eq!(error, PolicyError::Signature("census".into()));
    signed.party = name("neutral");
    let error = parse_signed(&json(&signed), &pinned).unwrap_err();
    assert!(matches!(error, PolicyError::Owner { field: "party", .. }));
}

fn findings(
    dataset: Option<&DatasetDescriptor>,
    change: impl FnOnce(&mut PolicyDocument),
) -> Vec<(Level, String)> {
    let mut policy = policy();
    change(&mut policy);
    lint(&policy, dataset).into_iter().map(|found| (found.level, found.field)).collect()
}

fn descriptor() -> DatasetDescriptor {
    let column = |name: &str, ty| ColumnSpec {
        name: name.into(),
        ty,
        nullable: false,
        unique: false,
        range: None,
        domain: None,
        max_bytes: None,
    };
    DatasetDescriptor {
        party: name("census"),
        name: "adult".into(),
        rows_max: 1_024,
        entity_key: Some("person_id".into()),
        columns: vec![
            column("person_id", ColumnType::Int64),
            column("age", ColumnType::Int8),
            column("education", ColumnType::String),
            column("income", ColumnType::Bool),
            column("sex", ColumnType::String),
        ],
    }
}

#[test]
fn lint_finds_what_cannot_work_and_what_may_not_be_meant() {
    use Level::{Error, Warning};
    let dataset = descriptor();
    assert_eq!(findings(Some(&dataset), |_| {}), []);
    let found = findings(Some(&dataset), |p| {
        p.columns.get_mut("person_id").unwrap().join_with.clear();
        p.columns.get_mut("sex").unwrap().release.push(ReleaseForm::List);
        p.columns.get_mut("education").unwrap().domain.clear();
        p.columns.insert("height".into(), ColumnRule::default());
        p.validity.expires = p.validity.not_before;
        p.entity_key = None;
    });
    for due in [
        (Error, "validity"),
        (Error, "columns.person_id.join_with"),
        (Error, "entity_key"),
        (Error, "columns.education.domain"),
        (Error, "columns.height"),
        (Warning, "columns.sex.release"),
    ] {
        assert!(found.contains(&(due.0, due.1.into())), "{due:?} not in {found:#?}");
    }
    assert_eq!(found.len(), 6, "{found:#?}");
}

fn run(consents: &[Signed<Consent>]) -> Result<Release, ConsentError> {
    verify(consents, &terms(&plan(), &pins()))
}

#[test]
fn all_consents_make_a_release_for_this_plan_and_recipient() {
    let release = run(&consents()).unwrap();
    assert_eq!((release.plan(), release.job()), (plan_hash(), plan().job));
    assert_eq!(release.recipient(), buyer_key().public());
    let mut reversed = consents();
    reversed.reverse();
    assert_eq!(run(&reversed).unwrap().consents_root(), release.consents_root());
}

#[test]
fn no_release_without_each_participant_exactly_once() {
    let all = consents();
    for at in 0..3 {
        let mut some = all.clone();
        let missing = some.remove(at).party;
        assert_eq!(run(&some).unwrap_err(), ConsentError::Missing(missing));
    }
    let mut twice = all.clone();
    twice.push(consent_with("neutral", |body| body.nonce = plan_hash()));
    assert_eq!(run(&twice).unwrap_err(), ConsentError::Twice(name("neutral")));
    let mut more = all;
    more.push(consent("exchange"));
    assert_eq!(run(&more).unwrap_err(), ConsentError::Stranger(name("exchange")));
    assert_eq!(run(&[]).unwrap_err(), ConsentError::Missing(name("census")));
}

#[test]
fn an_outside_provider_has_to_consent_too() {
    let mut plan = plan();
    plan.inputs[0].party = name("exchange");
    let error = verify(&consents(), &terms(&plan, &pins())).unwrap_err();
    assert_eq!(error, ConsentError::Missing(name("exchange")));
}

#[test]
fn a_consent_to_something_else_is_none() {
    let with = |change: fn(&mut Consent)| {
        let mut all = consents();
        all[1] = consent_with("employers", change);
        run(&all).unwrap_err()
    };
    let differs = |field| ConsentError::Differs { party: name("employers"), field };
    assert_eq!(with(|c| c.plan = c.job), differs("plan"));
    assert_eq!(with(|c| c.job = c.plan), differs("job"));
    assert_eq!(with(|c| c.policies_root = c.plan), differs("policies_root"));
    assert_eq!(
        with(|c| c.recipient = SealingKey::from_bytes([1; 32]).public()),
        differs("recipient")
    );
    assert_eq!(with(|c| c.not_after_ms = NOW - 1), ConsentError::Expired(name("employers")));
    assert_eq!(
        with(|c| c.party = PartyName::try_from("census").unwrap()),
        ConsentError::Impersonated { signer: name("employers"), party: name("census") }
    );
}

#[test]
fn a_forged_consent_is_refused() {
    let mut all = consents();
    all[2] = Signed::new(CONSENT_DOMAIN, all[2].body.clone(), name("neutral"), &key("exchange"));
    assert_eq!(run(&all).unwrap_err(), ConsentError::Signature(name("neutral")));
    let mut altered = consents();
    altered[0].body.not_after_ms += 1;
    assert_eq!(run(&altered).unwrap_err(), ConsentError::Signature(name("census")));
}
