//! Noise on counts and sums: the most of what the job and the policies want, after the comparisons, before the masks.

use super::{
    psi::{answer, asked, psi, sets},
    terms,
};
use crate::{
    job::{JobSpec, PsiForm, PsiNoise},
    plan::{Blur, Op, Plan, PolicyTerms, check, leakage},
    sql::compile,
};

fn noise(epsilon_milli: u32) -> PsiNoise {
    PsiNoise { epsilon_milli }
}

fn summed() -> PsiForm {
    let by = Some("census.left.label".into());
    PsiForm::Sum { column: "employers.right.number".into(), by }
}

fn noisy(form: PsiForm, of_job: Option<u32>) -> JobSpec {
    let mut spec = asked(form, [&[], &[]]);
    psi(&mut spec).noise = of_job.map(noise);
    spec
}

/// What the policy of one owner demands.
fn demands(epsilon_milli: u32, least: u32) -> PolicyTerms {
    PolicyTerms { noise: Some(noise(epsilon_milli)), ..terms("employers.right", least) }
}

fn blurred(plan: &Plan) -> &Blur {
    let blurred = plan.nodes.iter().find_map(|op| match op {
        Op::Blur(of) => Some(of),
        _ => None,
    });
    blurred.unwrap()
}

#[test]
fn the_most_noise_that_anybody_wants_is_in_the_plan() {
    let sets = sets(41, (5, 5));
    for (of_job, demanded, want) in [(Some(700), 500, 500), (Some(200), 500, 200), (None, 500, 500)]
    {
        let plan =
            compile(&noisy(summed(), of_job), &sets.world.descriptors, &[demands(demanded, 0)]);
        let plan = plan.unwrap().plan;
        check(&plan).unwrap();
        let of = blurred(&plan);
        assert_eq!((of.epsilon_milli, &of.sensitivities[..]), (want, &[1, 100][..]));
        assert_eq!(plan.psi.as_ref().unwrap().noise, Some(noise(want)));
    }
    let exact = compile(&noisy(summed(), None), &sets.world.descriptors, &[]).unwrap().plan;
    assert!(!exact.nodes.iter().any(|op| matches!(op, Op::Blur(_))));
    assert_eq!(exact.psi.unwrap().noise, None);
}

#[test]
fn exact_numbers_are_read_by_comparisons_alone() {
    let sets = sets(42, (5, 5));
    let mut strict = demands(500, 3);
    strict.min_intersection = 4;
    let mut descriptors = sets.world.descriptors;
    for descriptor in &mut descriptors {
        descriptor.entity_key = Some("code".into());
        descriptor.columns[0].unique = true;
        descriptor.columns[0].nullable = false;
    }
    let plan = compile(&noisy(summed(), None), &descriptors, &[strict]).unwrap().plan;
    let of = blurred(&plan);
    let readers = plan.nodes.iter().filter(|op| !matches!(op, Op::Blur(_)));
    let exact: Vec<&Op> =
        readers.filter(|op| op.refs().iter().any(|r| of.columns.contains(r))).collect();
    assert!(!exact.is_empty());
    assert!(exact.iter().all(|op| matches!(op, Op::Lt { .. })), "{exact:?}");
    let sealed = plan.output.layout();
    assert!(!of.columns.iter().any(|column| sealed.contains(column)));
}

#[tokio::test]
async fn without_any_noise_drawn_the_numbers_are_the_exact_ones_and_a_sum_of_nothing_is_a_number() {
    let sets = sets(43, (60, 50));
    for form in [PsiForm::Cardinality, summed()] {
        let exact = answer(&sets, &noisy(form.clone(), None), &[]).await;
        assert_eq!(answer(&sets, &noisy(form, Some(900)), &[]).await, exact);
    }
    let mut nothing =
        noisy(PsiForm::Sum { column: "employers.right.number".into(), by: None }, None);
    psi(&mut nothing).sets[0].filter = Some("number > 1000".into());
    assert_eq!(answer(&sets, &nothing, &[]).await, ["0 | NULL"]);
    psi(&mut nothing).noise = Some(noise(1000));
    assert_eq!(answer(&sets, &nothing, &[]).await, ["0 | 0"]);
}

#[test]
fn what_noise_hides_and_what_not_is_in_the_report() {
    let sets = sets(44, (5, 5));
    let plan = compile(&noisy(summed(), Some(250)), &sets.world.descriptors, &[]).unwrap().plan;
    let shown = leakage(&plan, &|_| Vec::new()).unwrap().join("\n");
    for words in [
        "ε = 0.250 for each number and 0.500 for this job",
        "by 1 and 100 at most",
        "does not cover",
    ] {
        assert!(shown.contains(words), "{words}: {shown}");
    }
}

#[test]
fn a_sum_without_a_range_that_noise_can_hide_is_refused() {
    let mut sets = sets(45, (5, 5));
    let mut refused = |range: Option<(i64, i64)>| {
        let range =
            range.map(|(min, max)| crate::catalog::Range { min: min.into(), max: max.into() });
        sets.world.descriptors[1].columns[1].range = range;
        let compiled = compile(&noisy(summed(), Some(100)), &sets.world.descriptors, &[]);
        compiled.map(drop).unwrap_err().to_string()
    };
    let undeclared = refused(None);
    assert!(undeclared.contains("no declared range"), "{undeclared}");
    sets.world.descriptors[1].columns[1].ty = crate::catalog::ColumnType::Int64;
    let mut refused = |min, max| {
        let range = crate::catalog::Range { min, max };
        sets.world.descriptors[1].columns[1].range = Some(range);
        let compiled = compile(&noisy(summed(), Some(100)), &sets.world.descriptors, &[]);
        compiled.map(drop).unwrap_err().to_string()
    };
    let wide = refused(-(1 << 40), 5);
    assert!(wide.contains("beyond 40 bits"), "{wide}");
    let sums = refused(0, 1 << 60);
    assert!(sums.contains("beyond"), "{sums}");
    let none = noisy(summed(), Some(0));
    let error = compile(&none, &sets.world.descriptors, &[]).map(drop).unwrap_err().to_string();
    assert!(error.contains("epsilon_milli"), "{error}");
}
