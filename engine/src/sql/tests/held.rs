//! A least number of common keys before rows go to owners: what the plan says, and what is none.

use super::{
    party,
    psi::{asked, psi, sets},
    terms,
};
use crate::{
    job::{PsiForm, PsiProtocol},
    plan::{Encoding, InputColumn, Op, Plan, PolicyTerms, check, explain, leakage},
    sql::{CompileError, compile},
};

fn planned(least: u32, form: PsiForm, protocol: PsiProtocol) -> Result<Plan, CompileError> {
    let sets = sets(31, (5, 5));
    let mut spec = asked(form, [&["number"], &[]]);
    psi(&mut spec).protocol = protocol;
    psi(&mut spec).to = vec![party("census")];
    let policies = [
        PolicyTerms { min_intersection: least, ..terms("employers.right", 0) },
        PolicyTerms { min_intersection: least.min(1), ..terms("census.left", 0) },
    ];
    compile(&spec, &sets.world.descriptors, &policies).map(|compiled| compiled.plan)
}

#[test]
fn keys_are_counted_before_rows_are_shown() {
    for form in [PsiForm::Inner, PsiForm::Left, PsiForm::Anti] {
        let plan = planned(9, form, PsiProtocol::Auto).unwrap();
        check(&plan).unwrap();
        let at = |is: &dyn Fn(&Op) -> bool| plan.nodes.iter().position(is).unwrap();
        let order = [
            at(&|op| matches!(op, Op::Intersect(of) if of.columns.is_empty())),
            at(&|op| matches!(op, Op::Require(_))),
            at(&|op| matches!(op, Op::Match(_))),
        ];
        assert!(order.is_sorted(), "{order:?}");
        assert_eq!(plan.psi.as_ref().unwrap().min_intersection, 9);
        let shown = leakage(&plan, &|_| Vec::new()).unwrap();
        assert!(shown.iter().any(|line| line.contains("at least 9 keys are common")), "{shown:?}");
        assert!(!shown.iter().any(|line| line.contains("ids of all sets")), "{shown:?}");
        let text = explain(&plan, &|_| None).unwrap();
        assert!(text.contains("and go on where it is 1"), "{text}");
    }
    let plan = planned(0, PsiForm::Inner, PsiProtocol::Auto).unwrap();
    assert!(!plan.nodes.iter().any(|op| matches!(op, Op::Require(_) | Op::Intersect(_))));
}

#[test]
fn a_plan_that_shows_rows_before_it_asks_is_none() {
    let mut plan = planned(9, PsiForm::Inner, PsiProtocol::Ecdh).unwrap();
    let at = plan.nodes.iter().position(|op| matches!(op, Op::Require(_))).unwrap();
    plan.nodes.swap(at, at + 1);
    let error = check(&plan).unwrap_err().to_string();
    assert!(error.contains("before it is known that enough keys are common"), "{error}");
}

#[test]
fn keys_are_not_counted_against_parties_that_deviate() {
    let error = planned(9, PsiForm::Inner, PsiProtocol::VoleMalicious).unwrap_err().to_string();
    assert!(error.contains("`vole-malicious`") && error.contains("use `auto`"), "{error}");
    assert!(planned(0, PsiForm::Inner, PsiProtocol::VoleMalicious).is_ok());
}

/// The keys enter a second time, as shares that the three count, and the same policies speak of the same uses.
#[test]
fn keys_of_owners_who_do_not_compute_are_counted_on_shares() {
    let sets = sets(32, (5, 5));
    for form in [PsiForm::Inner, PsiForm::Left, PsiForm::Anti] {
        let mut spec = asked(form, [&["number"], &[]]);
        psi(&mut spec).to = vec![party("census")];
        psi(&mut spec).sets[0].filter = Some("number > 3".into());
        spec.compute[1] = party("bank");
        let compiled = |least: u32| {
            let least = PolicyTerms { min_intersection: least, ..terms("employers.right", 0) };
            compile(&spec, &sets.world.descriptors, &[least]).unwrap()
        };
        let (none, counted) = (compiled(0), compiled(3));
        let plan = &counted.plan;
        check(plan).unwrap();
        assert_eq!((none.plan.inputs.len(), plan.inputs.len()), (2, 4));
        for (own, twin) in [(0, 2), (1, 3)] {
            let [own, twin] = [own, twin].map(|at| &plan.inputs[at]);
            assert_eq!(
                (&own.party, &own.datasets, own.rows),
                (&twin.party, &twin.datasets, twin.rows)
            );
            assert!(own.is_at_home() && own.columns.is_empty() && !twin.is_at_home());
            let ids = |c: &InputColumn| matches!(c.encoding, Encoding::KeyId { .. });
            assert!(twin.columns.iter().all(ids), "nothing but keys: {:?}", twin.columns);
        }
        assert_eq!(none.plan.uses, plan.uses);
        let required = plan.nodes.iter().position(|op| matches!(op, Op::Require(_))).unwrap();
        let outside = plan.seat_of(&party("employers")).unwrap();
        assert_eq!(plan.hearers(required), [outside]);
        let shown = leakage(plan, &|_| Vec::new()).unwrap();
        let line = "compute parties, employers who owns a set, and by how the job ends";
        assert!(shown.iter().any(|shown| shown.contains(line)), "{shown:?}");
        // More than a protocol between the owners alone shows to parties in league.
        let league =
            "any two of these together, owners or not, can put together the ids of all sets";
        assert!(shown.iter().any(|shown| shown.contains(league)), "{shown:?}");
        let none = leakage(&none.plan, &|_| Vec::new()).unwrap();
        assert!(!none.iter().any(|shown| shown.contains(league)), "{none:?}");
    }
}
