//! Receipts of failures: who is missing, whose account is whose, and that one attempt has one end.

use super::*;

#[test]
fn a_failed_job_has_a_receipt_without_the_party_that_is_gone() {
    let failed = || RunOutcome::Failed {
        code: "peer_lost".into(),
        party: Some(name("neutral")),
        stage: "running".into(),
        missing: vec![name("neutral")],
    };
    let stopped = |party: &str| {
        let failure = Failure {
            code: "peer_lost".into(),
            party: Some(name("neutral")),
            stage: "running".into(),
        };
        signed(ReceiptPart { output: None, failure: Some(failure), ..part(party) })
    };
    let parts = [stopped("census"), stopped("employers")];
    let all = COMPUTE.map(stopped);
    let claim = assemble(facts(), &all, &pins()).unwrap_err();
    assert_eq!(of(&claim), at("outcome", Some("census")), "a failed run is not done");
    let body = assemble(JobFacts { outcome: failed(), ..facts() }, &parts, &pins()).unwrap();
    let signatures = ["census", "employers"].map(|party| body.sign(&name(party), &key(party)));
    let receipt = Receipt::new(body.clone(), signatures.to_vec());
    let report = verify(&receipt, Some(&pins())).unwrap();
    assert_eq!((report.outcome, report.missing), (failed(), vec![name("neutral")]));
    let alone = Receipt::new(body, signatures[..1].to_vec());
    let error = verify(&alone, Some(&pins())).unwrap_err();
    assert_eq!(of(&error), at("signatures", Some("employers")));
}

/// A job that failed without `neutral`, and the other two's signatures under what became of the body.
fn broken(change: impl FnOnce(&mut ReceiptBody)) -> Receipt {
    let why =
        Failure { code: "PARTY_LOST".into(), party: Some(name("neutral")), stage: "run".into() };
    let stopped = |party: &str| {
        let failure = Some(why.clone());
        signed(ReceiptPart { output: None, meter: None, failure, ..part(party) })
    };
    let Failure { code, party, stage } = why.clone();
    let outcome = RunOutcome::Failed { code, party, stage, missing: vec![name("neutral")] };
    let parts = ["census", "employers"].map(stopped);
    let mut body = assemble(JobFacts { outcome, ..facts() }, &parts, &pins()).unwrap();
    change(&mut body);
    let signatures = ["census", "employers"].map(|party| body.sign(&name(party), &key(party)));
    Receipt::new(body, signatures.to_vec())
}

#[test]
fn the_receipt_of_a_failure_cannot_be_changed_either() {
    let json = serde_json::to_value(broken(|_| {})).unwrap();
    assert_eq!(json["body"]["ends"]["census"]["code"], "PARTY_LOST");
    let mut paths = Vec::new();
    leaves(&json, String::new(), &mut paths);
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

#[test]
fn the_receipt_of_a_failure_that_contradicts_itself_is_refused_even_if_all_signed() {
    let found =
        |change: fn(&mut ReceiptBody)| of(&verify(&broken(change), Some(&pins())).unwrap_err());
    let missing = |body: &mut ReceiptBody, parties: &[&str]| {
        let RunOutcome::Failed { missing, .. } = &mut body.outcome else { panic!() };
        *missing = parties.iter().map(|party| name(party)).collect();
    };
    assert_eq!(found(|b| _ = b.ends.remove(&name("census"))), at("ends", Some("census")));
    let ends = broken(|_| {}).body.ends;
    assert_eq!(agreed(|b| b.ends = ends), at("ends", Some("census")), "done, and yet not");
    let output = |b: &mut ReceiptBody| b.outputs = vec![part("census").output.unwrap()];
    assert_eq!(of(&verify(&broken(output), None).unwrap_err()), at("outputs", Some("census")));
    let nobody = broken(|b| missing(b, &[]));
    assert_eq!(of(&verify(&nobody, None).unwrap_err()), at("ends", Some("neutral")));
    let stranger = broken(|b| missing(b, &["neutral", "insurer"]));
    assert_eq!(of(&verify(&stranger, None).unwrap_err()), at("outcome", Some("insurer")));
    let both = broken(|b| {
        missing(b, &["neutral", "census"]);
        b.ends.remove(&name("census"));
    });
    assert_eq!(of(&verify(&both, None).unwrap_err()), at("signatures", Some("census")));
}

#[test]
fn a_party_signs_one_end_only_and_its_own_account_of_it() {
    let failed = broken(|_| {}).body;
    let finished = part("census");
    let why = failed.ends[&name("census")].clone();
    let stopped =
        ReceiptPart { output: None, meter: None, failure: Some(why.clone()), ..part("census") };
    assert_eq!(check_own_part(&failed, &stopped), Ok(()));
    let refused =
        |body: &ReceiptBody, part: &ReceiptPart| of(&check_own_part(body, part).unwrap_err());
    let shown = ReceiptPart { output: None, meter: None, ..finished.clone() };
    assert_eq!(refused(&failed, &shown), at("outcome", Some("census")), "done is not failed");
    let done = body();
    let claimed = ReceiptPart { failure: Some(why.clone()), ..finished };
    assert_eq!(refused(&done, &claimed), at("outcome", Some("census")), "failed is not done");
    let other = Failure { party: Some(name("employers")), ..why };
    let own = ReceiptPart { failure: Some(other), ..stopped.clone() };
    assert_eq!(refused(&failed, &own), at("ends", Some("census")), "not in its words");
    let run = ReceiptPart { run: Some(hash("another run")), ..stopped };
    assert_eq!(refused(&failed, &run), at("run", Some("census")));
}

#[test]
fn a_receipt_that_nobody_signed_proves_nothing() {
    let parties = || COMPUTE.map(name).to_vec();
    let (code, stage) = ("peer_lost".to_owned(), "running".to_owned());
    let outcome = RunOutcome::Failed { code, party: None, stage, missing: parties() };
    let body = assemble(JobFacts { outcome, ..facts() }, &[], &pins()).unwrap();
    let error = verify(&Receipt::new(body, Vec::new()), Some(&pins())).unwrap_err();
    assert_eq!(error.field, "signatures");
}
