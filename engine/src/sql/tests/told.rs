//! Counts and sums for the owners of sets: what the buyer would get, opened to them.

use super::{
    party,
    psi::{answer, asked, psi, sets},
    terms,
    world::told_output,
};
use crate::{
    job::{PsiForm, PsiProtocol},
    plan::{PolicyTerms, check, explain, leakage},
    sql::compile,
};

fn by_label() -> PsiForm {
    PsiForm::Sum { column: "employers.right.number".into(), by: Some("census.left.label".into()) }
}

#[tokio::test]
async fn owners_get_what_the_buyer_would_get() {
    let sets = sets(11, (60, 50));
    let least = PolicyTerms { min_intersection: 3, ..terms("census.left", 0) };
    for form in [PsiForm::Cardinality, by_label()] {
        for policies in [&[][..], std::slice::from_ref(&least)] {
            let mut spec = asked(form.clone(), [&[], &[]]);
            let buyer = answer(&sets, &spec, policies).await;
            assert!(!buyer.is_empty());
            for to in [&["census"][..], &["employers", "census"]] {
                psi(&mut spec).to = to.iter().map(|name| party(name)).collect();
                assert_eq!(answer(&sets, &spec, policies).await, buyer, "{form:?} to {to:?}");
            }
        }
    }
}

#[test]
fn the_plan_says_who_opens_what_and_seals_nothing() {
    let sets = sets(12, (5, 5));
    let mut spec = asked(by_label(), [&[], &[]]);
    psi(&mut spec).to = vec![party("employers")];
    let plan = compile(&spec, &sets.world.descriptors, &[]).unwrap().plan;
    check(&plan).unwrap();
    let names: Vec<_> = told_output(&plan).columns.iter().map(|c| c.name.as_str()).collect();
    assert_eq!(names, ["label", "matched", "sum_number"]);
    assert!(plan.output.columns.is_empty());
    let terms = plan.psi.as_ref().unwrap();
    assert_eq!(terms.to, [party("employers")]);
    let text = explain(&plan, &|_| None).unwrap();
    assert!(text.contains("opened to employers: rows where"), "{text}");
    let shown = leakage(&plan, &|_| Vec::new()).unwrap();
    let told = "employers: the 3 result columns of the released rows, at most 3; what is not released is zero";
    assert!(shown.iter().any(|line| line == told), "{shown:?}");
    assert!(shown.iter().any(|line| line.contains("the buyer gets a receipt and no rows")));
}

#[test]
fn an_owner_opens_only_what_it_can_and_by_a_protocol_on_shares() {
    let sets = sets(13, (5, 5));
    let refused = |change: &dyn Fn(&mut crate::job::JobSpec)| {
        let mut spec = asked(PsiForm::Cardinality, [&[], &[]]);
        psi(&mut spec).to = vec![party("census")];
        change(&mut spec);
        compile(&spec, &sets.world.descriptors, &[]).map(drop).unwrap_err().to_string()
    };
    let outside = refused(&|spec| spec.compute[0] = party("bank"));
    assert!(outside.contains("`census`, which does not compute"), "{outside}");
    let vole = refused(&|spec| psi(spec).protocol = PsiProtocol::Vole);
    assert!(vole.contains("`vole` with a count or a sum"), "{vole}");
}

#[test]
fn a_plan_that_opens_what_is_not_masked_is_none() {
    let sets = sets(14, (5, 5));
    let mut spec = asked(by_label(), [&[], &[]]);
    psi(&mut spec).to = vec![party("employers")];
    let sound = compile(&spec, &sets.world.descriptors, &[]).unwrap().plan;
    let broken = |change: &dyn Fn(&mut crate::plan::Tell)| {
        let mut plan = sound.clone();
        let told = plan.nodes.iter_mut().find_map(|op| match op {
            crate::plan::Op::Tell(of) => Some(of),
            _ => None,
        });
        change(told.unwrap());
        check(&plan).map(drop).unwrap_err().to_string()
    };
    let unmasked = broken(&|of| {
        let grouped =
            sound.nodes.iter().position(|op| matches!(op, crate::plan::Op::GroupBy { .. }));
        // The first sum of the grouping, before it was masked and sorted.
        of.output.columns[1].value = crate::plan::Ref(u32::try_from(grouped.unwrap()).unwrap(), 2);
    });
    assert!(unmasked.contains("is not masked"), "{unmasked}");
    let later = broken(&|of| of.output.live = crate::plan::Ref(u32::MAX, 0));
    assert!(later.contains("does not come before"), "{later}");
    let nobody = broken(&|of| of.to.clear());
    assert!(nobody.contains("nobody"), "{nobody}");
    let stranger = broken(&|of| of.to[0] = party("insurer"));
    assert!(stranger.contains("does not compute"), "{stranger}");
}
