//! Whether the links of a run carried what its plan costs.

use std::ops::RangeInclusive;

use protocols::{
    psi::multiparty,
    session::{CircleCost, again_bytes},
};

use super::compilation::Compilation;
use crate::{
    audit::{LinkEntry, ReceiptBody},
    exec::{Far, lookup_cost_from, tables_left},
    identity::PartyName,
    job::{Failure, Reason, Stage},
    plan::{
        Between, LocalInput, Lookup, MOST_CHANGES, Many, Match, Op, Plan, Stretch, many_setting,
    },
};

/// Holds the links of a receipt against the quote: they carried exactly what the plan costs. Where a link is stated to have been
/// made anew, its last connections carried what an intersection costs from one of its buckets on, or a lookup from a piece of its tables or
/// a batch of its queries on, in the place of all of it. Of a circuit and what follows of it all links together carried no more than
/// the plan costs and the largest unit again, each time. Of a training nothing is compared, but of trees: providers may leave it, and the
/// links of those that do not compute may be made anew.
/// An intersection of two owners that goes on from an earlier job costs what it does from one of its buckets on. Trees, and passes over
/// joined rows, that go on from an earlier run cost no more than all of them: how far that run came is known to those alone who compute.
///
/// # Errors
/// [`Reason::ReceiptInvalid`].
pub(super) fn check(compilation: &Compilation, body: &ReceiptBody) -> Result<(), Failure> {
    // Who leaves a training is missing in what it costs; nobody leaves trees.
    let plan = &compilation.compiled.plan;
    if plan.goes_on_without() {
        let anew = |link: &LinkEntry| link.sent.is_some_and(|flow| flow.renewed > 0);
        let within =
            |link: &LinkEntry| [&link.from, &link.to].iter().all(|end| plan.compute.contains(end));
        if body.links.iter().any(|link| anew(link) && within(link)) {
            let words = "a link between compute parties was made anew, which no training does";
            return Err(Failure::new(Reason::ReceiptInvalid, Stage::Deliver, words));
        }
        return Ok(());
    }
    let carried: u64 = body.links.iter().filter_map(|link| link.sent).map(|flow| flow.bytes).sum();
    let quoted = compilation.quote.total.bytes;
    let again = body.links.iter().any(|link| link.sent.is_some_and(|flow| flow.renewed > 0));
    let fits = if again {
        resumed(compilation, body, carried)
    } else if let Some((_, _, setting)) = matched(plan).filter(|(_, of, _)| of.resumes.is_some()) {
        carried == quoted || begins(from_bucket(compilation, &setting), carried)
    } else if plan.resumes().is_some() {
        carried <= quoted
    } else {
        carried == quoted || looks_up(plan).is_some_and(|(_, of)| more(plan, of, (quoted, carried)))
    };
    if fits {
        return Ok(());
    }
    let words = format!("the links carried {carried} bytes, where the plan costs {quoted}");
    Err(Failure::new(Reason::ReceiptInvalid, Stage::Deliver, words))
}

/// The same where a link was made anew: between the owners of an intersection that goes on, or of a lookup, and no other; or, of
/// three and more sets, between any two of their owners; or, of a circuit, between any two of those who compute.
fn resumed(compilation: &Compilation, body: &ReceiptBody, carried: u64) -> bool {
    let plan = &compilation.compiled.plan;
    let many = plan.nodes.iter().find_map(|op| match op {
        Op::Many(of) => Some(of),
        _ => None,
    });
    if let Some(of) = many {
        return among_many(compilation, body, of);
    }
    let stretches = Stretch::all(plan);
    if let Some(last) = stretches.last() {
        return repeated(compilation, body, (&stretches, last), carried);
    }
    if let Some((at, of)) = looks_up(plan) {
        let rest = compilation.quote.total.bytes - compilation.quote.ops[at].bytes;
        return between(plan, [of.asks, of.answers], body) && asked(plan, of, (rest, carried));
    }
    let Some((at, of, setting)) = matched(plan) else { return false };
    let flows = body.links.iter().filter_map(|link| link.sent);
    let seldom = flows.map(|flow| flow.renewed).all(|times| times <= Between::renewals(of));
    let theirs = seldom && between(plan, [of.sender, of.receiver], body);
    let from = from_bucket(compilation, &setting);
    let Some(whole) = from(0) else { return false };
    // What these two had sent each other before is gone with the connections that carried it.
    let alone = compilation.quote.ops[..at].iter().all(|cost| cost.messages == 0);
    theirs && ((!alone && carried < whole) || begins(from, carried))
}

/// The intersection between two owners of a plan, if it has one, and where.
fn matched(plan: &Plan) -> Option<(usize, &Match, Between)> {
    plan.nodes.iter().enumerate().find_map(|(at, op)| match op {
        Op::Match(of) => Some((at, of, Between::of(plan, of)?)),
        _ => None,
    })
}

/// What a plan costs whose intersection between two owners goes on from a bucket; nothing if it has no such bucket.
fn from_bucket(compilation: &Compilation, of: &Between) -> impl Fn(usize) -> Option<u64> {
    let whole = of.cost_from(0).map_or(0, |cost| cost.total_bytes());
    let (rest, of) = (compilation.quote.total.bytes.saturating_sub(whole), *of);
    move |first| Some(rest + of.cost_from(first)?.total_bytes())
}

/// The same of an intersection of three and more owners' sets: each link carried what it does with some buckets repeated, or what was
/// left of it where it was made anew.
fn among_many(compilation: &Compilation, body: &ReceiptBody, of: &Many) -> bool {
    let plan = &compilation.compiled.plan;
    let Ok(setting) = many_setting(plan, of) else { return false };
    let mut cost = CircleCost::new(setting.places());
    multiparty::cost(&mut cost, &setting);
    // What is computed before or behind it is on top, or is gone with the connections that carried it.
    let rest = compilation.quote.total.bytes.saturating_sub(cost.total_bytes());
    let owner = |name: &PartyName| {
        plan.seat_of(name).filter(|seat| setting.parties().any(|party| party == *seat))
    };
    let fits = |from: &LinkEntry| {
        let back = body.links.iter().find(|to| (&to.from, &to.to) == (&from.to, &from.from));
        let (Some(there), Some(back)) = (from.sent, back.and_then(|link| link.sent)) else {
            return false;
        };
        let Some((one, other)) = owner(&from.from).zip(owner(&from.to)) else {
            // Who owns no set has no link that is made anew.
            return there.renewed == 0;
        };
        let (bytes, renewed) = (there.bytes + back.bytes, there.renewed > 0);
        let leader = setting.leader();
        let party = if one == leader { other } else { one };
        let (exact, most) = match [one, other].contains(&leader) {
            true => {
                let exact = multiparty::may_carry(&setting, party, renewed, bytes);
                (exact, multiparty::most(&setting, party))
            }
            false => (bytes == multiparty::idle_link(), multiparty::idle_link()),
        };
        exact || (rest > 0 && bytes <= most.saturating_add(rest))
    };
    body.links.iter().filter(|link| link.from < link.to).all(fits)
}

/// The same of a circuit and what follows of it, among those who compute. Where in a unit each of them was is not known: what was sent
/// of it is bounded by the largest, and what came over the links as they stood at the end by what is behind the last.
fn repeated(
    compilation: &Compilation,
    body: &ReceiptBody,
    (stretches, last): (&[Stretch], &Stretch),
    carried: u64,
) -> bool {
    let (plan, quote) = (&compilation.compiled.plan, &compilation.quote);
    let computes =
        |link: &&LinkEntry| [&link.from, &link.to].iter().all(|end| plan.compute.contains(end));
    let anew = |link: &LinkEntry| link.sent.map_or(0, |flow| u64::from(flow.renewed));
    let all: u64 = body.links.iter().map(anew).sum();
    let theirs: u64 = body.links.iter().filter(computes).map(anew).sum();
    // Both directions of a link say it.
    let times = theirs / 2;
    let bytes = |at: usize| quote.ops.get(at).map_or(0, |cost| cost.bytes);
    let unit = stretches.iter().map(|of| of.largest(bytes)).max().unwrap_or(0);
    let end = last.nodes.end;
    let behind = match plan.nodes.iter().skip(end).any(|op| matches!(op, Op::Match(_))) {
        // The owners' link may be lost in what follows as well.
        true => 0,
        false => quote.ops.iter().skip(end).map(|cost| cost.bytes).sum(),
    };
    let most = quote.total.bytes + times * again_bytes(unit);
    all == theirs && (behind..=most).contains(&carried)
}

/// Whether no link was made anew but that between the owners of two inputs.
fn between(plan: &Plan, inputs: [u32; 2], body: &ReceiptBody) -> bool {
    let owner = |input: u32| plan.inputs.get(input as usize).map(|input: &LocalInput| &input.party);
    let owners = inputs.map(owner);
    body.links.iter().all(|link| {
        let ends = [Some(&link.from), Some(&link.to)];
        link.sent.is_none_or(|flow| flow.renewed == 0) || owners.iter().all(|o| ends.contains(o))
    })
}

/// The lookup of a plan, if it has one, and where.
fn looks_up(plan: &Plan) -> Option<(usize, &Lookup)> {
    plan.nodes.iter().enumerate().find_map(|(at, op)| match op {
        Op::Lookup(of) => Some((at, of)),
        _ => None,
    })
}

/// How many publications there may be for a lookup: a whole one, and its changes.
fn publications(of: &Lookup) -> RangeInclusive<usize> {
    1..=1 + of.changes.map_or(0, |_| MOST_CHANGES)
}

/// Whether what one party lacked of the tables comes on top, and what their changes take.
fn more(plan: &Plan, of: &Lookup, (quoted, carried): (u64, u64)) -> bool {
    publications(of)
        .any(|count| begins(|pieces| Some(quoted + tables_left(plan, of, count, pieces)?), carried))
}

/// Whether a lookup's last connections carried what is left of it from a piece of its tables on, or from a batch of its queries on, of
/// which the answering side may be up to two ahead.
fn asked(plan: &Plan, of: &Lookup, (rest, carried): (u64, u64)) -> bool {
    publications(of).any(|count| {
        let bytes = |far: Far| Some(rest + lookup_cost_from(plan, of, count, far)?);
        let ahead = |ahead: usize| {
            begins(|heard: usize| bytes(Far::Asking([heard, heard + ahead])), carried)
        };
        begins(|pieces| bytes(Far::Fetching(pieces)), carried) || (0..=2).any(ahead)
    })
}

/// Whether it costs so many bytes from some bucket on: the later it begins, the fewer, and nothing from beyond the last.
fn begins(from: impl Fn(usize) -> Option<u64>, carried: u64) -> bool {
    let (mut first, mut beyond) = (0_usize, 1_usize);
    while from(beyond).is_some_and(|bytes| bytes > carried) {
        (first, beyond) = (beyond, 2 * beyond);
    }
    while first < beyond {
        let middle = first.midpoint(beyond);
        match from(middle) {
            Some(bytes) if bytes > carried => first = middle + 1,
            _ => beyond = middle,
        }
    }
    from(first) == Some(carried)
}

#[cfg(test)]
mod tests {
    use super::begins;

    #[test]
    fn a_run_that_went_on_costs_what_is_left_from_one_of_its_buckets_and_nothing_between() {
        for buckets in [1, 2, 3, 64, 1000] {
            let from = |first: usize| (first <= buckets).then(|| 7 + 10 * (buckets - first) as u64);
            for first in 0..=buckets {
                let bytes = 7 + 10 * (buckets - first) as u64;
                assert!(begins(from, bytes), "{first} of {buckets}");
                assert!(
                    !begins(from, bytes + 1) && !begins(from, bytes - 1),
                    "{first} of {buckets}"
                );
            }
        }
    }
}
