//! The ways in which tables of two owners are joined: by sorting their shares, or in a circuit between the owners. A plan is made of
//! each, with all that is done with the rows, and the one that is estimated to be faster on the job's links is taken.

use protocols::{psi::circuit::local_nanos, session::Profile};

use super::alternatives::{estimate, seconds, totals};
use crate::{
    catalog::DatasetDescriptor,
    exec::OpCost,
    job::{Failure, JobSpec, JoinBy, Reason, Stage},
    plan::{self, Plan, PolicyTerms},
    sql::{Compiled, compile_meeting},
};

/// The plan of a job by the way that it asks for, or else the cheaper one, given that by sorting; and if there is another, a line for
/// each, for people.
///
/// The job, sizes and the profile alone decide, in integers, so that all parties choose alike.
///
/// # Errors
/// [`Reason::Unsupported`] if the way that is asked for is none here.
pub(super) fn chosen(
    sorted: Compiled,
    spec: &JobSpec,
    (descriptors, policies): (&[DatasetDescriptor], &[PolicyTerms]),
) -> Result<(Compiled, Vec<String>), Failure> {
    let profile = spec.network.links();
    let met = compile_meeting(spec, descriptors, policies);
    let prices = |met: &Compiled| {
        let by_sorting = price(&sorted.plan, profile)?;
        let (cost, nanos) = price(&met.plan, profile)?;
        let local = local_nanos(&plan::meeting(&met.plan).ok()?);
        Some([by_sorting, (cost, nanos.saturating_add(local))])
    };
    let Some((met, prices)) = met.and_then(|met| prices(&met).map(|prices| (met, prices))) else {
        return match spec.joins {
            JoinBy::Auto | JoinBy::Sorting => Ok((sorted, Vec::new())),
            JoinBy::Circuit => Err(no_circuit()),
        };
    };
    let [(_, sorting), (_, circuit)] = prices;
    let told = |(name, (cost, nanos)): (&str, (OpCost, u64))| {
        let OpCost { bytes, rounds, .. } = cost;
        format!("`{name}`: {bytes} bytes, {rounds} rounds, about {} s in all", seconds(nanos))
    };
    let lines = ["sorting", "circuit"].into_iter().zip(prices).map(told).collect();
    let meets = match spec.joins {
        JoinBy::Auto => circuit < sorting,
        JoinBy::Sorting => false,
        JoinBy::Circuit => true,
    };
    Ok((if meets { met } else { sorted }, lines))
}

fn no_circuit() -> Failure {
    let message = "joins: there is no circuit for the first join here: it takes two tables of two parties that compute, by keys that are \
                   unique on both sides; use `auto` or `sorting`";
    Failure::new(Reason::Unsupported, Stage::Validate, message.to_owned())
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
        chosen(sorted, &spec, (&all, &[])).unwrap()
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
        for joins in [JoinBy::Auto, JoinBy::Sorting] {
            job.joins = joins;
            let (compiled, lines) = chosen(sorted.clone(), &job, (&all, &[])).unwrap();
            assert_eq!((&compiled.plan, lines), (&sorted.plan, vec![]));
        }
        job.joins = JoinBy::Circuit;
        let refused = chosen(sorted, &job, (&all, &[])).unwrap_err();
        assert_eq!(refused.reason, Reason::Unsupported);
        assert!(refused.message.starts_with("joins: there is no circuit"), "{}", refused.message);
    }

    #[test]
    fn the_way_that_is_asked_for_is_taken_whatever_it_takes() {
        let all = [people(), jobs()];
        for profile in [Profile::LOOPBACK, Profile::WAN] {
            for (joins, circuit) in [(JoinBy::Sorting, false), (JoinBy::Circuit, true)] {
                let mut job = spec(DEMO);
                job.network = NetworkProfile::new(profile.rtt_us, profile.bandwidth_mbps);
                job.joins = joins;
                let sorted = compile(&job, &all, &[]).unwrap();
                let (compiled, lines) = chosen(sorted, &job, (&all, &[])).unwrap();
                assert_eq!((meets(&compiled.plan), lines.len()), (circuit, 2));
            }
        }
    }
}
