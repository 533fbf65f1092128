//! The price of a run: a twin of all parties that makes the same calls, and that of a link whose last connections began later.

use super::{
    intersect::size,
    links::{GREETING, LAST},
    setting::{Audience, Setting},
};
use crate::{
    party::PartyId,
    psi::opprf,
    session::{CircleCost, PairCost, Side},
};

/// Words that call a turn.
const CALL: usize = 2;

/// Twin of [`super::intersect`] and [`super::intersect_buckets`] where no link is lost: greetings of all parties at once; for each
/// bucket the programmed function from one party after the other to the leader, the call of the next one to all, and the report
/// beside it, if there is one; a last word of all parties to all.
///
/// # Shape
/// A price of [`Setting::places`] parties, or more.
pub fn cost(c: &mut CircleCost, setting: &Setting) {
    let leader = setting.leader();
    let all: Vec<_> =
        setting.parties().flat_map(|from| setting.others(from).map(move |to| (from, to))).collect();
    c.at_once::<u128>(&all, GREETING);
    let told: Vec<_> = setting.others(leader).map(|other| (leader, other)).collect();
    for _ in 0..setting.buckets() {
        for other in setting.others(leader) {
            c.pair(other, leader, |c| opprf::cost(c, &size(setting, other)));
        }
        c.at_once::<u64>(&told, CALL);
        if setting.audience() == Audience::Everyone {
            c.at_once::<u128>(&told, setting.most_common_in_bucket());
        }
    }
    c.at_once::<u64>(&all, LAST);
}

/// Whether so many bytes, of both directions, can have passed over the last connections of the link between a party and the leader
/// in a run that came to its end: over the first ones all buckets and those that were repeated; over others, which begin where the
/// link was made anew, what was left.
#[must_use]
pub fn may_carry(setting: &Setting, party: PartyId, renewed: bool, bytes: u64) -> bool {
    let price = LinkPrice::of(setting, party);
    let buckets = setting.buckets() as u64;
    let repeats = 0..=setting.repeats();
    if !renewed {
        return repeats.into_iter().any(|again| price.first(buckets, again) == bytes);
    }
    let mut rests = (0..=buckets).flat_map(|heard| [(heard, heard), (heard, heard + 1)]);
    rests.any(|(heard, next)| {
        let mut repeats = 0..=setting.repeats();
        repeats.any(|again| price.last(buckets, (heard, next), again) == Some(bytes))
    })
}

/// Most bytes that pass over the link between a party and the leader, however often it is lost.
#[must_use]
pub fn most(setting: &Setting, party: PartyId) -> u64 {
    LinkPrice::of(setting, party).first(setting.buckets() as u64, setting.repeats())
}

/// What passes over the link between two parties neither of whom leads.
#[must_use]
pub fn idle_link() -> u64 {
    let mut cost = PairCost::new();
    cost.exchange(GREETING * size_of::<u128>());
    cost.exchange(LAST * size_of::<u64>());
    cost.total_bytes()
}

/// Bytes of what passes over one of the leader's links.
#[derive(Clone, Copy, Debug)]
pub(super) struct LinkPrice {
    /// A turn that the party takes.
    turn: u64,
    /// The call of one.
    call: u64,
    /// What it hears at the end of a bucket.
    report: u64,
}

impl LinkPrice {
    pub(super) fn of(setting: &Setting, party: PartyId) -> Self {
        let bytes = |twin: &dyn Fn(&mut PairCost)| {
            let mut cost = PairCost::new();
            twin(&mut cost);
            cost.total_bytes()
        };
        let report = match setting.audience() {
            Audience::Leader => 0,
            Audience::Everyone => setting.most_common_in_bucket(),
        };
        Self {
            turn: bytes(&|c| opprf::cost(c, &size(setting, party))),
            call: bytes(&|c| c.message::<u64>(Side::Receiver, CALL)),
            report: bytes(&|c| c.message::<u128>(Side::Receiver, report)),
        }
    }

    /// Over the first connections: every turn but the first is called, and so is the end.
    pub(super) fn first(self, buckets: u64, again: u64) -> u64 {
        idle_link() + (buckets + again) * (self.turn + self.call) + buckets * self.report
    }

    /// Over others, where the party had heard of a bucket last and took the next turn of that one or the one behind; nothing where
    /// there is none.
    pub(super) fn last(self, buckets: u64, (heard, next): (u64, u64), again: u64) -> Option<u64> {
        if heard == buckets {
            return (next == heard && again == 0).then(idle_link);
        }
        let turns = buckets - next + again;
        let calls = (turns + 1) * self.call;
        Some(idle_link() + turns * self.turn + calls + (buckets - heard) * self.report)
    }
}
