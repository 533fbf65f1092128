//! The ways in which an intersection could be worked out: what each takes, or why it cannot be had.

use protocols::{
    psi::{circuit::way, planner::Means},
    session::{Counters, Profile},
};

use crate::{
    catalog::DatasetDescriptor,
    exec::{OpCost, quote},
    job::{JobKind, JobSpec, PsiProtocol, PsiSpec},
    plan::{self, Op, Plan, PolicyTerms, check, many_alternatives},
    sql::compile,
};

/// A line for each way, for people; none where an operation tells of its own ones, or there is no choice.
pub(super) fn alternatives(
    spec: &JobSpec,
    (descriptors, policies): (&[DatasetDescriptor], &[PolicyTerms]),
    plan: &Plan,
    means: Means,
) -> Vec<String> {
    let profile = means.profile;
    let JobKind::Psi(psi) = &spec.kind else { return Vec::new() };
    let chosen = plan.psi.as_ref().map(|terms| terms.protocol);
    if let Some(Op::Many(of)) = plan.nodes.iter().find(|op| matches!(op, Op::Many(_))) {
        return many_alternatives(plan, of, means);
    }
    let shared = [PsiProtocol::Joint, PsiProtocol::Circuit];
    if !chosen.is_some_and(|chosen| shared.contains(&chosen)) {
        return Vec::new();
    }
    let by = |protocol| {
        let kind = JobKind::Psi(PsiSpec { protocol, ..psi.clone() });
        let spec = JobSpec { kind, ..spec.clone() };
        let compiled = compile(&spec, descriptors, policies).map_err(|error| error.to_string())?;
        Ok::<_, String>((totals(&compiled.plan, profile)?, compiled.plan))
    };
    let [joint, circuit] = shared.map(by);
    // What decides is how the sets meet; what is done with the rows comes on top of either.
    let meeting = circuit.as_ref().ok().and_then(|(_, plan)| meeting(plan, profile));
    let told = |protocol: PsiProtocol, way: &Result<(OpCost, Plan), String>, nanos: Option<u64>| {
        let (cost, _) = match way {
            Ok(way) => way,
            Err(why) => return format!("`{protocol}`: {why}"),
        };
        let OpCost { bytes, rounds, .. } = *cost;
        match nanos.map(seconds) {
            Some(s) => {
                format!(
                    "`{protocol}`: {bytes} bytes, {rounds} rounds; the sets meet in about {s} s"
                )
            }
            None => {
                let s = seconds(estimate(*cost, profile));
                format!("`{protocol}`: {bytes} bytes, {rounds} rounds, about {s} s")
            }
        }
    };
    vec![
        told(shared[0], &joint, meeting.map(|[_, sorted]| sorted)),
        told(shared[1], &circuit, meeting.map(|[circuit, _]| circuit)),
    ]
}

/// What a whole plan takes.
pub(super) fn totals(plan: &Plan, profile: Profile) -> Result<OpCost, String> {
    let shapes = check(plan).map_err(|error| error.to_string())?;
    Ok(quote(plan, &shapes, profile).map_err(|error| error.to_string())?.total)
}

/// Nanoseconds in which two sets meet: in a circuit, and by sorting. `auto` chooses by these.
fn meeting(plan: &Plan, profile: Profile) -> Option<[u64; 2]> {
    Some(way(profile, &plan::meeting(plan).ok()?).1)
}

/// Time on the links, and half a nanosecond of work for each byte.
pub(super) fn estimate(cost: OpCost, profile: Profile) -> u64 {
    let OpCost { bytes, messages, rounds } = cost;
    profile.link_nanos(Counters { bytes, messages, rounds }).saturating_add(bytes / 2)
}

/// With three digits behind the point.
pub(super) fn seconds(nanos: u64) -> String {
    format!("{}.{:03}", nanos / 1_000_000_000, nanos / 1_000_000 % 1_000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        catalog::ColumnType,
        job::{PsiForm, PsiSet, TextRule},
        sql::tests::{column, party, spec},
    };

    const OWNERS: [&str; 3] = ["census", "employers", "neutral"];

    /// The lines about a question over so many sets of so many rows, and what its plan takes in all.
    fn asked(sets: usize, rows_max: u64, to: &[&str]) -> (Vec<String>, OpCost, PsiProtocol) {
        let descriptor = |owner: &&str| DatasetDescriptor {
            party: party(owner),
            name: "set".into(),
            rows_max,
            entity_key: None,
            columns: vec![column("code", ColumnType::String, None)],
        };
        let descriptors: Vec<_> = OWNERS.iter().map(descriptor).collect();
        let set = |owner: &&str| PsiSet {
            dataset: format!("{owner}.set"),
            key: vec!["code".into()],
            filter: None,
            columns: vec![],
        };
        let psi = PsiSpec {
            sets: OWNERS[..sets].iter().map(set).collect(),
            form: if to.is_empty() { PsiForm::Cardinality } else { PsiForm::Inner },
            to: to.iter().map(|name| party(name)).collect(),
            protocol: PsiProtocol::Auto,
            text: TextRule::default(),
            noise: None,
            bucket_rows: None,
            resumes: None,
        };
        let spec = JobSpec { kind: JobKind::Psi(psi), ..spec("") };
        let plan = compile(&spec, &descriptors, &[]).unwrap().plan;
        let lines = alternatives(&spec, (&descriptors, &[]), &plan, Profile::LAN.into());
        let chosen = plan.psi.as_ref().unwrap().protocol;
        (lines, totals(&plan, Profile::LAN).unwrap(), chosen)
    }

    /// The line about a protocol.
    fn about(lines: &[String], protocol: PsiProtocol) -> &str {
        let start = format!("`{protocol}`: ");
        lines.iter().find_map(|line| line.strip_prefix(&start)).unwrap()
    }

    #[test]
    fn both_ways_to_the_buyer_have_their_exact_bytes_and_what_is_chosen_is_the_faster() {
        let seconds = |line: &str| -> f64 {
            let (_, rest) = line.split_once("about ").unwrap();
            rest.split(' ').next().unwrap().parse().unwrap()
        };
        for rows in [16, 1 << 16] {
            let (lines, OpCost { bytes, rounds, .. }, chosen) = asked(2, rows, &[]);
            let (joint, circuit) =
                (about(&lines, PsiProtocol::Joint), about(&lines, PsiProtocol::Circuit));
            let of_plan = format!("{bytes} bytes, {rounds} rounds; the sets meet in about ");
            assert!(about(&lines, chosen).starts_with(&of_plan), "{rows}: {lines:?}");
            let faster = chosen == PsiProtocol::Joint;
            assert_eq!(seconds(joint) < seconds(circuit), faster, "{rows}: {lines:?}");
        }
    }

    #[test]
    fn why_a_way_cannot_be_had_is_said_in_words() {
        let (lines, OpCost { bytes, .. }, _) = asked(3, 100, &[]);
        assert!(about(&lines, PsiProtocol::Joint).starts_with(&format!("{bytes} bytes")));
        let circuit = about(&lines, PsiProtocol::Circuit);
        assert!(circuit.contains("a circuit of 3 sets"), "{circuit}");
        let (lines, OpCost { bytes, .. }, chosen) = asked(3, 100, &["census"]);
        assert_eq!(chosen, PsiProtocol::Multi);
        let multi = about(&lines, chosen);
        let told: u64 = multi.split(' ').next().unwrap().parse().unwrap();
        // All but what seals that there is nothing.
        assert!(told > 10_000 && bytes - told < 1_000, "{told} of {bytes}");
        assert!(lines.iter().any(|line| line.contains("`ecdh`") && line.contains("between two")));
        assert!(asked(2, 100, &["census"]).0.is_empty(), "said at the operation");
    }
}
