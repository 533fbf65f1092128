//! Whole plans: tables of the same sizes have the same transcript on every link direction, at every party.

use protocols::net::record::{Recorder, Shape};

use super::*;

/// The shape of each party's view.
fn views(seed: u64, plan: &Plan, price: &Quote, inputs: &[EncodedInput]) -> [Shape; 3] {
    let ends = mesh(plan, inputs, Duration::from_secs(20)).into_iter();
    let recorders: Vec<_> = ends.map(|end| Arc::new(Recorder::new(end))).collect();
    let channels = recorders.iter().map(|end| Arc::clone(end) as Arc<dyn Channel>).collect();
    let ended = run_over(seed, plan, (inputs, price), channels, |_| Ok(()));
    assert!(ended.iter().all(Result::is_ok));
    [0, 1, 2].map(|at: usize| recorders[at].shape())
}

/// Two tables of one size: random ones, and empty ones.
fn tables(seed: u64, plan: &Plan) -> [Vec<EncodedInput>; 3] {
    let random = |seed| -> Vec<EncodedInput> {
        (100..)
            .zip(&plan.inputs)
            .map(|(label, i)| random_input(World::new(seed), label, i))
            .collect()
    };
    let mut empty = random(seed);
    for input in &mut empty {
        input.live.fill(false);
        for column in &mut input.columns {
            clear_rows(column, |_| true);
        }
    }
    [random(seed), random(seed + 1), empty]
}

fn same_views(sql: &str, outside: bool) {
    let mut job = spec(sql);
    if outside {
        job.compute = ["neutral", "bank", "lab"].map(|name| name.try_into().unwrap()).into();
    }
    let policies = [terms("census.people", 3), terms("employers.jobs", 2)];
    let plan = compile(&job, &[people(), jobs()], &policies).unwrap().plan;
    let price = quote(&plan, &check(&plan).unwrap(), Profile::LAN).unwrap();
    let [one, other, empty] = tables(30, &plan);
    let first = views(1, &plan, &price, &one);
    let links = if outside { 6 } else { 4 };
    assert!(first.iter().all(|party| party.len() <= links && party.len() >= 4), "{sql}");
    assert_eq!(views(2, &plan, &price, &other), first, "{sql}");
    assert_eq!(views(3, &plan, &price, &empty), first, "{sql}");
}

#[test]
fn tables_of_one_size_have_one_transcript() {
    STATEMENTS.into_iter().for_each(|sql| same_views(sql, false));
    same_views(STATEMENTS[1], true);
}

#[test]
fn a_row_bound_that_follows_the_data_is_seen() {
    // A provider that pads to what it has and not to the public bound: another plan, other lengths.
    let view = |rows| {
        let (mut people, mut jobs) = (people(), jobs());
        (people.rows_max, jobs.rows_max) = (rows, 64);
        let policies = [terms("census.people", 3), terms("employers.jobs", 2)];
        let plan = compile(&spec(STATEMENTS[1]), &[people, jobs], &policies).unwrap().plan;
        assert!(plan.nodes.iter().any(|op| matches!(op, Op::Join { .. })));
        let price = quote(&plan, &check(&plan).unwrap(), Profile::LAN).unwrap();
        views(1, &plan, &price, &tables(5, &plan)[0])
    };
    assert_eq!(view(40), view(40));
    assert_ne!(view(40), view(41));
}

#[test]
fn an_input_of_another_length_goes_nowhere() {
    let policies = [terms("census.people", 3), terms("employers.jobs", 2)];
    let plan = compile(&spec(STATEMENTS[1]), &[people(), jobs()], &policies).unwrap().plan;
    let price = quote(&plan, &check(&plan).unwrap(), Profile::LAN).unwrap();
    let [mut short, ..] = tables(6, &plan);
    short[0].live.pop();
    let ends = mesh(&plan, &short, Duration::from_millis(300)).into_iter();
    let channels = ends.map(|end| Arc::new(end) as Arc<dyn Channel>).collect();
    let ended = run_over(1, &plan, (&short, &price), channels, |_| Ok(()));
    let wrong =
        |result: &Result<Ended, ExecError>| matches!(result, Err(ExecError::InputShape { .. }));
    assert!(ended.iter().any(wrong), "its owner refuses it");
    assert!(ended.iter().all(Result::is_err), "and nobody goes on without it");
}
