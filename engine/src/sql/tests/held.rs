//! A least number of common keys before rows go to owners: what the plan says, and what is none.

use super::{
    party,
    psi::{asked, psi, sets},
    terms,
};
use crate::{
    job::{PsiForm, PsiProtocol},
    plan::{Op, Plan, PolicyTerms, check, explain, leakage},
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

#[test]
fn an_owner_who_does_not_compute_and_would_not_see_the_bit_is_refused() {
    let sets = sets(32, (5, 5));
    let mut spec = asked(PsiForm::Inner, [&["number"], &[]]);
    psi(&mut spec).to = vec![party("census")];
    spec.compute[1] = party("bank");
    let least = PolicyTerms { min_intersection: 3, ..terms("employers.right", 0) };
    let error = compile(&spec, &sets.world.descriptors, &[least]).map(drop).unwrap_err();
    assert!(error.to_string().contains("where `employers` does not compute"), "{error}");
    assert!(compile(&spec, &sets.world.descriptors, &[]).is_ok());
}
