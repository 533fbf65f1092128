//! What a participant takes from others, and what it signs.

use super::*;
use crate::{
    audit::tests::{body, part, signed as signed_part},
    clock::SystemClock,
    job::Compute,
    policy::{POLICY_DOMAIN, fixtures},
};

fn signed(party: &str, version: u32) -> Vec<u8> {
    let key = IdentityKey::from_seed(&[7; 32]);
    let body = serde_json::json!({ "version": version });
    wire::write(&Signed::new(POLICY_DOMAIN, body, party.try_into().unwrap(), &key))
}

#[test]
fn an_older_policy_of_ones_own_is_not_taken_from_anybody() {
    let name = PartyName::try_from("census").unwrap();
    let catalog = Catalog::open(&name, Vec::new()).unwrap();
    let key = Arc::new(IdentityKey::from_seed(&[7; 32]));
    let who = (name, key);
    let mut census = Participant::new(who, Arc::default(), catalog, &[], Arc::new(SystemClock));
    census.policies = vec![signed("census", 2)];
    let now = census.tables.now();
    let brought = |policies| Published { descriptors: Vec::new(), policies };
    let current = brought(vec![signed("census", 2), signed("employers", 1)]);
    assert_eq!(census.own_documents_are_current(&current, &now), Ok(()));
    let older = brought(vec![signed("census", 1)]);
    let refused = census.own_documents_are_current(&older, &now).unwrap_err();
    assert_eq!(refused.reason, Reason::PolicyRefused);
}

/// A receipt says how things were shared as the plan has it, and of nobody whom the plan needs that it was lost, or this party does
/// not sign it.
#[test]
fn a_receipt_that_contradicts_the_plan_is_not_signed() {
    let name = fixtures::name("census");
    let catalog = Catalog::open(&name, Vec::new()).unwrap();
    let who = (name.clone(), Arc::new(fixtures::key("census")));
    let census = Participant::new(who, Arc::default(), catalog, &[], Arc::new(SystemClock));
    let spec = fixtures::spec();
    let (replicated, plan) = (body(), fixtures::plan());
    let assessment = |plan: &Plan| Assessment {
        plan: plan.clone(),
        plan_hash: replicated.plan,
        plan_text: String::new(),
        quote: Vec::new(),
        leakage: replicated.leakage.lines.clone(),
        refusals: Vec::new(),
        budgets: Vec::new(),
        lookups: Vec::new(),
        privacy: None,
        manual: false,
    };
    let cosigned = |plan: &Plan, sharing: &str, lost: Option<&str>| {
        let spec = Signed::new("test", spec.clone(), fixtures::name("insurer"), &census.key);
        let published = Published { descriptors: Vec::new(), policies: Vec::new() };
        let id = JobId::from(replicated.job);
        let job = Job { id, spec, published, assessment: assessment(plan) };
        let mut body = replicated.clone();
        body.protocol.sharing = sharing.to_owned();
        if let Some(lost) = lost.map(fixtures::name) {
            let entry = body.parties.iter_mut().find(|entry| entry.party == lost).unwrap();
            entry.roles = vec![audit::PartyRole::Provider];
            body.absent = vec![lost];
        }
        let part = wire::write(&signed_part(part("census")));
        census.cosign(&job, 1, &part, &wire::write(&body))
    };
    assert!(cosigned(&plan, &replicated.protocol.sharing, None).is_ok());
    let alone = Plan { compute: Compute::alone(name), ..plan.clone() };
    for (plan, sharing) in [(&plan, audit::MASKED), (&alone, &*replicated.protocol.sharing)] {
        let refused = cosigned(plan, sharing, None).unwrap_err();
        assert_eq!(refused.reason, Reason::ReceiptInvalid);
        assert!(refused.message.contains("protocol.sharing"), "{refused}");
    }
    let refused = cosigned(&plan, &replicated.protocol.sharing, Some("employers")).unwrap_err();
    assert!(refused.message.contains("absent: differs"), "{refused}");
}
