//! What holding back and blurring shows, in words.

use super::{
    blur::{Blur, epsilon},
    ir::{Op, Plan},
};

/// The sentences of the leakage report about an operation that holds back or blurs.
pub(super) fn released(plan: &Plan, op: &Op) -> Vec<String> {
    let least = plan.psi.as_ref().map_or(0, |psi| psi.min_intersection);
    let owners: String =
        plan.outside().iter().map(|owner| format!(", {owner} who owns a set")).collect();
    match op {
        Op::Require(_) => {
            let bit = format!(
                "compute parties{owners}, and by how the job ends whoever follows it: whether at least {least} keys are common; where fewer are, \
                 the job ends there, before a byte of the exchange that shows rows is sent, and has used up its query all the same"
            );
            let shared = plan.inputs.iter().any(|input| !input.is_at_home());
            let ids = "the ids of all keys are shared among the compute parties, who count them: any two of these together, owners or not, \
                       can put together the ids of all sets and try guesses of keys against them, whoever the protocol that shows the rows \
                       is secure against";
            std::iter::once(bit).chain(shared.then(|| ids.to_owned())).collect()
        }
        Op::Blur(of) => blurred(of, plan),
        _ => Vec::new(),
    }
}

fn blurred(of: &Blur, plan: &Plan) -> Vec<String> {
    let numbers = of.columns.len() as u64;
    let each = u64::from(of.epsilon_milli);
    let changes: Vec<_> = of.sensitivities.iter().map(ToString::to_string).collect();
    let noise = format!(
        "each released count and sum has discrete Laplace noise of all three compute parties, ε = {} for each number and {} for this \
         job in all, groups being disjoint: it hides one key more or less, with all its rows, which changes a value by {} at most; a \
         budget of q queries allows q times as much, and each recipient has a budget of its own",
        epsilon(each),
        epsilon(each * numbers),
        changes.join(" and ")
    );
    let least = plan.min_group_entities.max(1);
    let exact = format!(
        "noise does not cover which groups are shown, nor whether anything is: that tells exactly whether a group has at least {least} \
         keys, and where a least number of common keys is set whether there are as many"
    );
    vec![noise, exact]
}
