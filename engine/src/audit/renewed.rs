//! Links that were lost and made anew: what a receipt may say of them.

use protocols::session::RENEWALS;

use super::receipt::{Fault, LinkEntry, OpenedKind, ReceiptBody};
use crate::{
    identity::PartyName,
    plan::{Between, Many, Training},
};

impl ReceiptBody {
    /// How many times the link between two parties was made anew, as both directions have it; 0 for all others.
    #[must_use]
    pub fn renewed(&self, one: &PartyName, other: &PartyName) -> u32 {
        let ends = [(one, other), (other, one)];
        let of = |link: &&LinkEntry| ends.contains(&(&link.from, &link.to));
        let flows = self.links.iter().filter(of).filter_map(|link| link.sent);
        flows.map(|flow| flow.renewed).max().unwrap_or_default()
    }

    /// How many times a link of such a run may be made anew: of a training, which opens averages, or of another.
    #[must_use]
    pub fn renewals(&self) -> u32 {
        let trains = self.opened.iter().any(|opened| opened.kind == OpenedKind::Average);
        if trains {
            Training::RENEWALS
        } else {
            Between::RENEWALS.max(Many::RENEWALS).max(RENEWALS)
        }
    }

    /// The bytes that a party sent over its links as they stood at the end.
    fn sent_by(&self, party: &PartyName) -> u64 {
        let own = self.links.iter().filter(|link| link.from == *party);
        own.filter_map(|link| link.sent).map(|flow| flow.bytes).sum()
    }
}

/// Of a job that is done: both directions of a link were made anew equally often, no more often than a run does that, and what a
/// party says it sent is what its links carried; more than that only where a link was made anew.
pub(super) fn check(body: &ReceiptBody) -> Result<(), Fault> {
    for LinkEntry { from, to, sent, .. } in &body.links {
        let (field, times) = (format!("links.{from}->{to}"), body.renewed(from, to));
        if sent.is_some_and(|flow| flow.renewed != times) {
            return Err(Fault::of(
                from,
                field,
                "was not made anew as often as the other direction",
            ));
        }
        if times > body.renewals() {
            return Err(Fault::of(from, field, "was made anew more often than a run may do that"));
        }
    }
    for (party, meter) in &body.meter {
        let (sent, spent) = (body.sent_by(party), meter.bytes_sent);
        let again = body
            .links
            .iter()
            .any(|link| link.from == *party && link.sent.is_some_and(|flow| flow.renewed > 0));
        if spent < sent || (spent > sent && !again) {
            return Err(Fault::of(party, "meter", "is not what its links carried"));
        }
    }
    Ok(())
}
