//! A receipt says what the parties say; whoever changes it is found out.

use std::collections::BTreeMap;

mod alone;
mod failed;
mod renewed;

use super::*;
use crate::{
    identity::{Hash32, PartyName, Signed, canonical_hash},
    job::Security,
    policy::{consent_hash, fixtures::*},
};

fn hash(of: &str) -> Hash32 {
    canonical_hash("test", &of)
}

fn flow(from: &PartyName, to: &PartyName) -> Flow {
    Flow { bytes: 1_000, frames: 7, hash: hash(&format!("{from}>{to}")), renewed: 0 }
}

const COMPUTE: [&str; 3] = ["census", "employers", "neutral"];

fn input(party: &str) -> InputEntry {
    let (dataset, commitment) = ("table".into(), hash(party));
    InputEntry { party: name(party), dataset, rows_max: 1_024, commitment }
}

pub(crate) fn part(party: &str) -> ReceiptPart {
    let me = name(party);
    let role = COMPUTE.iter().position(|p| *p == party).unwrap();
    let links = COMPUTE.iter().filter(|peer| **peer != party).map(|peer| {
        let peer = name(peer);
        PartLink { sent: flow(&me, &peer), received: flow(&peer, &me), peer }
    });
    ReceiptPart {
        job: plan().job,
        plan: plan_hash(),
        attempt: 1,
        run: Some(hash("run")),
        party: me.clone(),
        software: "0.1.0".into(),
        consent: consent_hash(&consent(party).body),
        inputs: if party == "neutral" { vec![] } else { vec![input(party)] },
        inputs_root: inputs_root(&[input("employers"), input("census")]),
        opened: vec![Opened { op: 4, kind: OpenedKind::Result, count: 48, to: "insurer".into() }],
        links: links.collect(),
        meter: Some(Meter { bytes_sent: 2_000, rounds: 30, milliseconds: 1_234 }),
        output: Some(OutputEntry {
            role: u8::try_from(role).unwrap(),
            party: me,
            ciphertext_sha256: hash(&format!("sealed by {party}")),
            length: 4_096,
        }),
        contribution: None,
        failure: None,
    }
}

fn parts() -> Vec<Signed<ReceiptPart>> {
    COMPUTE.map(|party| signed(part(party))).into()
}

pub(crate) fn signed(part: ReceiptPart) -> Signed<ReceiptPart> {
    let party = part.party.clone();
    let key = key(party.as_str());
    Signed::new(PART_DOMAIN, part, party, &key)
}

fn facts() -> JobFacts {
    let entry = |party: &str, roles: &[PartyRole]| PartyEntry {
        party: name(party),
        organisation: format!("{party} Ltd"),
        key: key(party).public(),
        roles: roles.to_vec(),
        software: None,
    };
    JobFacts {
        absent: BTreeMap::new(),
        job: plan().job,
        request_id: "r1".into(),
        sql: sql_hash("SELECT 1"),
        plan: plan_hash(),
        attempt: 1,
        run: Some(hash("run")),
        parties: vec![
            entry("census", &[PartyRole::P0, PartyRole::Provider]),
            entry("employers", &[PartyRole::P1, PartyRole::Provider]),
            entry("neutral", &[PartyRole::P2]),
            entry("insurer", &[PartyRole::Buyer]),
        ],
        policies: plan().policies,
        consents: consents().iter().map(|c| (c.party.clone(), consent_hash(&c.body))).collect(),
        protocol: Protocol {
            sharing: "replicated 3-party".into(),
            ring: "Z64 and bits".into(),
            security: Security::SemiHonest,
        },
        leakage: vec!["AVG seals SUM and COUNT".into()],
        times: Times { issued_ms: NOW, started_ms: NOW + 1, ended_ms: NOW + 2 },
        outcome: RunOutcome::Done,
    }
}

pub(crate) fn body() -> ReceiptBody {
    assemble(facts(), &parts(), &pins()).unwrap()
}

fn sign_all(body: ReceiptBody) -> Receipt {
    let signatures = COMPUTE.map(|party| body.sign(&name(party), &key(party)));
    Receipt::new(body, signatures.into())
}

fn fault(change: impl FnOnce(&mut Receipt)) -> (String, Option<String>) {
    let mut receipt = sign_all(body());
    change(&mut receipt);
    of(&verify(&receipt, Some(&pins())).unwrap_err())
}

/// As above, but everyone signs the change: what a receipt says about itself must hold all the same.
fn agreed(change: impl FnOnce(&mut ReceiptBody)) -> (String, Option<String>) {
    let mut body = body();
    change(&mut body);
    of(&verify(&sign_all(body), Some(&pins())).unwrap_err())
}

fn of(fault: &Fault) -> (String, Option<String>) {
    (fault.field.clone(), fault.party.as_ref().map(ToString::to_string))
}

fn at(field: &str, party: Option<&str>) -> (String, Option<String>) {
    (field.into(), party.map(Into::into))
}

#[test]
fn a_receipt_of_all_parties_holds_offline_and_against_pins() {
    let receipt = sign_all(body());
    let json = serde_json::to_string_pretty(&receipt).unwrap();
    let read_back = read(&json).unwrap();
    assert_eq!(read_back, receipt);
    let report = verify(&read_back, None).unwrap();
    assert_eq!((report.outcome, report.pinned, report.signed.len()), (RunOutcome::Done, false, 3));
    assert!(verify(&read_back, Some(&pins())).unwrap().pinned);
    assert_eq!(
        receipt.file_name(),
        format!("receipt-{}.json", &receipt.body.hash().to_string()[..16])
    );
}

#[test]
fn a_changed_body_breaks_every_signature() {
    let changed = fault(|r| {
        r.body.request_id = "r2".into();
        r.id = receipt::receipt_id(&r.body);
    });
    assert_eq!(changed, at("body", None));
    assert_eq!(fault(|r| r.body.request_id = "r2".into()), at("id", None));
}

#[test]
fn every_single_changed_value_in_the_json_is_noticed() {
    let json = serde_json::to_value(sign_all(body())).unwrap();
    let mut paths = Vec::new();
    leaves(&json, String::new(), &mut paths);
    assert!(paths.len() > 100, "{}", paths.len());
    for path in paths {
        let mut changed = json.clone();
        let leaf = changed.pointer_mut(&path).unwrap();
        *leaf = match leaf.take() {
            serde_json::Value::String(text) => flip(&text).into(),
            serde_json::Value::Number(n) => (n.as_u64().unwrap() ^ 1).into(),
            other => panic!("{other}"),
        };
        let found = read(&changed.to_string()).and_then(|receipt| verify(&receipt, Some(&pins())));
        assert!(found.is_err(), "{path} can be changed unnoticed");
    }
}

/// Another text of the same kind: the last letter or digit becomes its neighbour.
fn flip(text: &str) -> String {
    let (head, last) = text.split_at(text.len() - 1);
    let other = match last.as_bytes()[0] {
        b'0' => '1',
        byte if byte.is_ascii_digit() => '0',
        b'a' => 'b',
        _ => 'a',
    };
    format!("{head}{other}")
}

fn leaves(value: &serde_json::Value, path: String, found: &mut Vec<String>) {
    match value {
        serde_json::Value::Object(map) => {
            map.iter().for_each(|(key, value)| leaves(value, format!("{path}/{key}"), found));
        }
        serde_json::Value::Array(list) => {
            list.iter().enumerate().for_each(|(at, v)| leaves(v, format!("{path}/{at}"), found));
        }
        serde_json::Value::Null => {}
        _ => found.push(path),
    }
}

#[test]
fn a_signature_that_is_missing_foreign_or_false_is_named() {
    assert_eq!(fault(|r| drop(r.signatures.pop())), at("signatures", Some("neutral")));
    assert_eq!(
        fault(|r| r.signatures[1].signature = r.signatures[0].signature),
        at("signatures", Some("employers"))
    );
    assert_eq!(
        fault(|r| r.signatures.push(r.body.sign(&name("insurer"), &key("insurer")))),
        at("signatures", Some("insurer"))
    );
    assert_eq!(
        fault(|r| r.signatures.push(r.signatures[0].clone())),
        at("signatures", Some("census"))
    );
}

#[test]
fn keys_are_held_against_pins() {
    let mut body = body();
    body.parties[2].key = key("exchange").public();
    let mut receipt = sign_all(body);
    receipt.signatures[2] = receipt.body.sign(&name("neutral"), &key("exchange"));
    assert!(verify(&receipt, None).is_ok(), "only pins can tell");
    let error = verify(&receipt, Some(&pins())).unwrap_err();
    assert_eq!(of(&error), at("parties.key", Some("neutral")));
}

#[test]
fn what_contradicts_itself_is_named_even_if_all_signed() {
    assert_eq!(agreed(|b| b.consents_root = b.plan), at("consents_root", None));
    assert_eq!(agreed(|b| b.leakage.lines.clear()), at("leakage.hash", None));
    assert_eq!(agreed(|b| drop(b.outputs.pop())), at("outputs", None));
    assert_eq!(agreed(|b| b.outputs[2].role = 1), at("outputs", Some("neutral")));
    assert_eq!(agreed(|b| b.run = None), at("run", None));
    assert_eq!(agreed(|b| _ = b.meter.remove(&name("neutral"))), at("meter", Some("neutral")));
    assert_eq!(agreed(|b| drop(b.inputs.remove(0))), at("inputs", Some("census")));
    assert_eq!(
        agreed(|b| b.links[0].received.as_mut().unwrap().bytes += 1),
        at("links.census->employers", Some("census"))
    );
    assert_eq!(agreed(|b| drop(b.links.remove(0))), at("links.census->employers", Some("census")));
    assert_eq!(agreed(|b| b.parties[0].roles.push(PartyRole::Buyer)), at("parties", None));
    let dropped = agreed(|b| {
        b.consents.remove(&name("employers"));
        b.consents_root = crate::policy::consents_root(&b.consents);
    });
    assert_eq!(dropped, at("consents", Some("employers")));
}

#[test]
fn parts_that_contradict_each_other_make_no_receipt() {
    let with = |change: fn(&mut ReceiptPart)| {
        let mut parts = parts();
        let mut body = part("employers");
        change(&mut body);
        parts[1] = signed(body);
        of(&assemble(facts(), &parts, &pins()).unwrap_err())
    };
    assert_eq!(
        with(|p| p.links[0].sent.hash = p.job),
        at("links.employers->census", Some("employers"))
    );
    assert_eq!(with(|p| p.links.clear()), at("links.census->employers", Some("employers")));
    assert_eq!(with(|p| p.plan = p.job), at("plan", Some("employers")));
    assert_eq!(with(|p| p.consent = p.job), at("consents", Some("employers")));
    assert_eq!(with(|p| p.opened.clear()), at("opened", Some("employers")));
    assert_eq!(with(|p| p.party = name("census")), at("part", Some("census")), "came twice");
    let mut posing = parts();
    posing[1] = Signed::new(PART_DOMAIN, part("census"), name("employers"), &key("employers"));
    let error = assemble(facts(), &posing, &pins()).unwrap_err();
    assert_eq!(of(&error), at("part.party", Some("employers")));
    let mut forged = parts();
    forged[2].body.meter = None;
    let error = assemble(facts(), &forged, &pins()).unwrap_err();
    assert_eq!(of(&error), at("part.signature", Some("neutral")));
    let error = assemble(facts(), &parts()[..2], &pins()).unwrap_err();
    assert_eq!(of(&error), at("part", Some("neutral")));
}

#[test]
fn a_party_does_not_sign_what_it_did_not_see() {
    let mine = part("census");
    assert_eq!(check_own_part(&body(), &mine), Ok(()));
    let refused = |change: fn(&mut ReceiptBody)| {
        let mut body = body();
        change(&mut body);
        of(&check_own_part(&body, &mine).unwrap_err())
    };
    assert_eq!(refused(|b| b.inputs[0].commitment = b.plan), at("inputs", Some("census")));
    assert_eq!(refused(|b| b.outputs[0].length += 1), at("outputs", Some("census")));
    assert_eq!(refused(|b| b.opened[0].count += 1), at("opened", Some("census")));
    assert_eq!(refused(|b| b.meter.clear()), at("meter", Some("census")));
    assert_eq!(refused(|b| b.attempt += 1), at("attempt", Some("census")));
    assert_eq!(
        refused(|b| b.links[0].received = None),
        at("links.census->employers", Some("employers"))
    );
    let more = refused(|b| {
        let extra = LinkEntry { to: name("exchange"), ..b.links[0].clone() };
        b.links.push(extra);
    });
    assert_eq!(more, at("links", Some("census")));
}

#[test]
fn commitments_cannot_be_swapped_once_the_run_has_begun() {
    // Employers signs another commitment afterwards than everybody was told before.
    let mut swapped = part("employers");
    swapped.inputs[0].commitment = hash("other rows");
    swapped.inputs_root = inputs_root(&[input("census"), swapped.inputs[0].clone()]);
    let parts = [part("census"), swapped.clone(), part("neutral")].map(signed);
    let error = assemble(facts(), &parts, &pins()).unwrap_err();
    assert_eq!(of(&error), at("inputs", Some("census")), "the coordinator notices");
    let mut body = body();
    body.inputs[1].commitment = hash("other rows");
    for party in ["census", "neutral"] {
        let error = check_own_part(&body, &part(party)).unwrap_err();
        assert_eq!(of(&error), at("inputs", Some(party)), "and nobody signs it");
    }
}

#[test]
fn text_that_is_no_receipt_is_refused_by_field() {
    let json = serde_json::to_string(&sign_all(body())).unwrap();
    let error = read(&json.replacen(r#""attempt":1"#, r#""attempt":"1""#, 1)).unwrap_err();
    assert_eq!(error.field, "body.attempt");
    assert!(read(&json[..json.len() / 2]).is_err());
    assert!(read("").is_err());
}

fn events() -> Vec<Event> {
    let (job, plan) = (hash("job"), hash("plan"));
    vec![
        Event::Verdict { job, plan: Some(plan), refusals: vec![] },
        Event::Consent { job, plan, consent: hash("consent") },
        Event::Receipt { job, receipt: hash("receipt") },
    ]
}

fn written(path: &std::path::Path) -> LogHead {
    let mut log = AuditLog::open(path, None).unwrap();
    for (at, event) in (0_i64..).zip(events()) {
        log.append(NOW + at, event).unwrap();
    }
    log.head()
}

#[test]
fn a_log_goes_on_where_it_ended() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("audit.log");
    let head = written(&path);
    assert_eq!(verify_log(&path).unwrap(), head);
    let mut again = AuditLog::open(&path, Some(head)).unwrap();
    assert_eq!(again.head(), head);
    assert!(matches!(AuditLog::open(&path, None), Err(LogError::Busy(_))));
    again.append(NOW, events().remove(0)).unwrap();
    assert_eq!(verify_log(&path).unwrap().entries, 4);
}

#[test]
fn the_first_bad_line_of_a_log_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("audit.log");
    written(&path);
    let text = std::fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let time = format!("{}", NOW + 1);
    let cases: BTreeMap<&str, (u64, String)> = BTreeMap::from([
        ("was changed", (2, text.replace(&time, &format!("{}", NOW + 9)))),
        ("has number", (2, format!("{}\n{}\n", lines[0], lines[2]))),
        ("does not follow", (1, text.replacen(&"0".repeat(64), &"1".repeat(64), 1))),
        ("was cut off", (3, text[..text.len() - 1].into())),
        ("key must be", (2, format!("{}\n{{]\n", lines[0]))),
        ("unknown field", (1, text.replacen("\"seq\"", "\"more\":1,\"seq\"", 1))),
    ]);
    for (what, (line, text)) in cases {
        std::fs::write(&path, text).unwrap();
        let LogError::Broken { line: found, what: said, .. } = verify_log(&path).unwrap_err()
        else {
            panic!("{what}")
        };
        assert_eq!(found, line, "{said}");
        assert!(said.contains(what), "{said} / {what}");
        assert!(matches!(AuditLog::open(&path, None), Err(LogError::Broken { .. })));
    }
}
