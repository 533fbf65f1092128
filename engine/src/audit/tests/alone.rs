//! Receipts of trainings in which one party has added up masked updates.

use super::*;

/// What the neutral party, which computes alone, and the two providers say.
fn told() -> (JobFacts, Vec<Signed<ReceiptPart>>) {
    let mut facts = facts();
    facts.protocol.sharing = MASKED.to_owned();
    let roles = [vec![PartyRole::Provider], vec![PartyRole::Provider], vec![PartyRole::P0]];
    for (entry, roles) in facts.parties.iter_mut().zip(roles) {
        entry.roles = roles;
    }
    let told = |party: &str| {
        let mut part = part(party);
        match &mut part.output {
            Some(output) if party == "neutral" => output.role = 0,
            _ => {
                part.output = None;
                part.opened.clear();
                part.links.retain(|link| link.peer.as_str() == "neutral");
                part.meter.as_mut().unwrap().bytes_sent = 1_000;
            }
        }
        signed(part)
    };
    (facts, COMPUTE.map(told).into())
}

#[test]
fn one_party_seals_and_everybody_signs() {
    let (facts, parts) = told();
    let body = assemble(facts, &parts, &pins()).unwrap();
    assert_eq!((body.outputs.len(), body.links.len()), (1, 4));
    let report = verify(&sign_all(body), Some(&pins())).unwrap();
    assert_eq!(report.signed.len(), 3);
}

#[test]
fn three_do_not_pass_for_one_nor_one_for_three() {
    let found = agreed(|body| body.protocol.sharing = MASKED.to_owned());
    assert_eq!(found, at("parties.roles", Some("employers")));
    let (facts, parts) = told();
    let mut body = assemble(facts, &parts, &pins()).unwrap();
    body.protocol.sharing = "replicated, 2 of 3".to_owned();
    let found = of(&verify(&sign_all(body.clone()), Some(&pins())).unwrap_err());
    assert_eq!(found, at("parties", None));
    body.protocol.sharing = MASKED.to_owned();
    body.outputs.clear();
    let found = of(&verify(&sign_all(body), Some(&pins())).unwrap_err());
    assert_eq!(found, at("outputs", None));
}
