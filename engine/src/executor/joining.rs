//! The ways in which tables of two owners are joined: by sorting their shares, or in a circuit between the owners. A plan is made of
//! each, with all that is done with the rows, and the one that is estimated to be faster on the job's links is taken.

use protocols::{psi::circuit::local_nanos, session::Profile};

use super::alternatives::{estimate, seconds, totals};
use crate::{
    catalog::DatasetDescriptor,
    exec::OpCost,
    job::JobSpec,
    plan::{self, Plan, PolicyTerms},
    sql::{Compiled, compile_meeting},
};

/// The cheaper plan of a job, given that by sorting; and if there is another, a line for each, for people.
///
/// Sizes and the profile alone decide, in integers, so that all parties choose alike.
pub(super) fn cheaper(
    sorted: Compiled,
    spec: &JobSpec,
    (descriptors, policies): (&[DatasetDescriptor], &[PolicyTerms]),
) -> (Compiled, Vec<String>) {
    let profile = spec.network.links();
    let met = compile_meeting(spec, descriptors, policies);
    let prices = |met: &Compiled| {
        let by_sorting = price(&sorted.plan, profile)?;
        let (cost, nanos) = price(&met.plan, profile)?;
        let local = local_nanos(&plan::meeting(&met.plan).ok()?);
        Some([by_sorting, (cost, nanos.saturating_add(local))])
    };
    let Some((met, prices)) = met.and_then(|met| prices(&met).map(|prices| (met, prices))) else {
        return (sorted, Vec::new());
    };
    let [(_, sorting), (_, circuit)] = prices;
    let told = |(name, (cost, nanos)): (&str, (OpCost, u64))| {
        let OpCost { bytes, rounds, .. } = cost;
        format!("`{name}`: {bytes} bytes, {rounds} rounds, about {} s in all", seconds(nanos))
    };
    let lines = ["sorting", "circuit"].into_iter().zip(prices).map(told).collect();
    (if circuit < sorting { met } else { sorted }, lines)
}

/// What a whole plan takes, and about how many nanoseconds that is.
fn price(plan: &Plan, profile: Profile) -> Option<(OpCost, u64)> {
    let cost = totals(plan, profile).ok()?;
    Some((cost, estimate(cost, profile)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        job::NetworkProfile,
        plan::Op,
        sql::{
            compile,
            tests::{DEMO, jobs, people, spec},
        },
    };

    /// Of the demo's statement over tables of so many rows: both lines, and whether the sets meet in a circuit.
    fn asked(rows: u64, profile: Profile) -> (Compiled, Vec<String>) {
        let (mut people, mut jobs) = (people(), jobs());
        (people.rows_max, jobs.rows_max) = (rows, rows);
        let (mut spec, all) = (spec(DEMO), [people, jobs]);
        spec.network = NetworkProfile::new(profile.rtt_us, profile.bandwidth_mbps);
        let sorted = compile(&spec, &all, &[]).unwrap();
        cheaper(sorted, &spec, (&all, &[]))
    }

    fn meets(plan: &Plan) -> bool {
        plan.nodes.iter().any(|op| matches!(op, Op::Intersect(_) | Op::Bucketwise(_)))
    }

    #[test]
    fn the_faster_way_is_taken_and_both_are_told_with_their_exact_bytes() {
        let mut taken = [0, 0];
        for profile in [Profile::LOOPBACK, Profile::LAN, Profile::WAN] {
            for rows in [16, 1 << 12, 1 << 16, 1 << 20] {
                let (compiled, lines) = asked(rows, profile);
                let OpCost { bytes, rounds, .. } = totals(&compiled.plan, profile).unwrap();
                let by = usize::from(meets(&compiled.plan));
                let of_plan = format!(": {bytes} bytes, {rounds} rounds, about ");
                assert!(lines[by].contains(&of_plan), "{rows}: {lines:?}");
                let seconds = lines.iter().map(|line| {
                    let (_, rest) = line.split_once("about ").unwrap();
                    rest.split(' ').next().unwrap().parse::<f64>().unwrap()
                });
                let seconds: Vec<f64> = seconds.collect();
                assert!(seconds[by] <= seconds[1 - by], "{rows}: {lines:?}");
                taken[by] += 1;
            }
        }
        assert!(taken.iter().all(|times| *times > 0), "{taken:?}");
    }

    #[test]
    fn there_is_no_other_way_where_an_owner_does_not_compute() {
        let mut job = spec(DEMO);
        job.compute = ["neutral", "bank", "lab"].map(|name| name.try_into().unwrap()).into();
        let all = [people(), jobs()];
        let sorted = compile(&job, &all, &[]).unwrap();
        let (plan, lines) = (sorted.plan.clone(), cheaper(sorted, &job, (&all, &[])));
        assert_eq!((lines.0.plan, lines.1), (plan, vec![]));
    }
}
