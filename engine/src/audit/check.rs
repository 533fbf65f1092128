//! A party's part: before it signs a receipt, it holds the body against what it saw itself.

use super::{
    part::{PartLink, ReceiptPart},
    receipt::{Fault, Opened, ReceiptBody, RunOutcome, inputs_root},
};

/// Whether a body says of this party what the party says of itself, and whether its links' other ends agree.
///
/// # Errors
/// A [`Fault`] naming the first field that differs, and the peer where a link's ends disagree. Do not sign such a body.
pub fn check_own_part(body: &ReceiptBody, part: &ReceiptPart) -> Result<(), Fault> {
    let me = &part.party;
    let entry = body
        .parties
        .iter()
        .find(|entry| entry.party == *me)
        .ok_or_else(|| Fault::of(me, "parties", "is not listed"))?;
    let inputs: Vec<_> = body.inputs.iter().filter(|input| input.party == *me).collect();
    let outputs: Vec<_> = body.outputs.iter().filter(|output| output.party == *me).collect();
    let done = body.outcome == RunOutcome::Done;
    // A party that was stopped early saw fewer openings than the others; so did one that does not compute.
    let computes = part.output.is_some();
    let fields = [
        ("job", body.job == part.job),
        ("plan", body.plan == part.plan),
        ("attempt", body.attempt == part.attempt),
        ("run", body.run == part.run || (!done && part.run.is_none())),
        ("parties.software", entry.software.as_ref() == Some(&part.software)),
        ("consents", body.consents.get(me) == Some(&part.consent)),
        ("inputs", inputs == part.inputs.iter().collect::<Vec<_>>()),
        ("inputs", !done || inputs_root(&body.inputs) == part.inputs_root),
        ("opened", body.opened == part.opened || !(done && computes)),
        ("opened", !done || contains(&body.opened, &part.opened)),
        ("contribution", body.contribution == part.contribution || !(done && computes)),
        ("meter", body.meter.get(me) == part.meter.as_ref() && (!done || part.meter.is_some())),
        ("outputs", outputs == part.output.iter().collect::<Vec<_>>()),
        // Whoever finished signs no failure, and whoever failed no success: one attempt has one end.
        ("outcome", done == part.failure.is_none() && !body.excused().contains(me)),
        ("ends", body.ends.get(me) == part.failure.as_ref()),
    ];
    if let Some((field, _)) = fields.into_iter().find(|(_, same)| !same) {
        return Err(Fault::of(me, field, "differs from what this party saw"));
    }
    body.check_absent()?;
    check_links(body, part, done)
}

/// Whether each of some openings stands on a list, as often as it is named.
fn contains(list: &[Opened], some: &[Opened]) -> bool {
    let times = |of: &Opened, all: &[Opened]| all.iter().filter(|other| *other == of).count();
    some.iter().all(|opened| times(opened, some) <= times(opened, list))
}

fn check_links(body: &ReceiptBody, part: &ReceiptPart, done: bool) -> Result<(), Fault> {
    let me = &part.party;
    let own = body.links.iter().filter(|link| link.from == *me || link.to == *me);
    if own.count() != 2 * part.links.len() {
        return Err(Fault::of(me, "links", "are not the links this party had"));
    }
    for PartLink { peer, sent, received } in &part.links {
        let field = |from, to| format!("links.{from}->{to}");
        let out = body.links.iter().find(|link| link.from == *me && link.to == *peer);
        let back = body.links.iter().find(|link| link.from == *peer && link.to == *me);
        if out.and_then(|link| link.sent) != Some(*sent) {
            return Err(Fault::of(me, field(me, peer), "differs from what this party sent"));
        }
        if back.and_then(|link| link.received) != Some(*received) {
            return Err(Fault::of(me, field(peer, me), "differs from what this party received"));
        }
        let left = out.is_some_and(|link| body.is_left(link));
        if left {
            continue;
        }
        if done && out.and_then(|link| link.received) != Some(*sent) {
            return Err(Fault::of(peer, field(me, peer), "its two ends saw different traffic"));
        }
        if done && back.and_then(|link| link.sent) != Some(*received) {
            return Err(Fault::of(peer, field(peer, me), "its two ends saw different traffic"));
        }
    }
    Ok(())
}
