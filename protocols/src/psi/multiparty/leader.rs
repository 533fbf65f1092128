//! The leader: calls the turns, evaluates what the others program, and tells them what came of it if they are to learn.

use super::{
    intersect::size,
    links::Links,
    outcome::Outcome,
    setting::{Audience, Setting},
    turn::Turn,
};
use crate::{
    party::PartyId,
    prg::Prg,
    psi::{buckets::Buckets, opprf},
    ring::{Buf, Z128},
    session::{SessionError, Wire},
};

/// What the leader knows of another party.
struct Follower {
    party: PartyId,
    /// The turn that it was told last, and the one that it surely heard last.
    told: Turn,
    heard: Turn,
    /// It was told of the turn that is on, and its link was not lost since.
    present: bool,
}

struct Leader<'a> {
    setting: &'a Setting,
    links: Links,
    others: Vec<Follower>,
    /// The last bucket's common items among random ones, for those who are to learn them.
    report: Buf<u128>,
    /// What they have been told in all.
    outcome: Outcome,
    rng: &'a mut Prg,
}

/// The leader's side.
pub(super) fn lead(
    wire: &mut Wire,
    setting: &Setting,
    set: &mut dyn Buckets,
    rng: &mut Prg,
) -> Result<(), SessionError> {
    let (links, late) = Links::meet(wire, setting, rng)?;
    let first = Turn::default();
    let follower =
        |party| Follower { party, told: first, heard: first, present: !late.contains(&party) };
    let others: Vec<_> = setting.others(setting.leader()).map(follower).collect();
    let waits = others.first().map_or_else(|| setting.leader(), |other| other.party);
    let (report, outcome) = (Buf::zeroed(0), Outcome::new());
    let mut leader = Leader { setting, links, others, report, outcome, rng };
    let mut turn = first;
    for bucket in 0..setting.buckets() {
        let items = set.bucket(bucket, setting.buckets())?;
        let common = leader.bucket(wire, &items, &mut turn)?;
        leader.reports(&items, &common);
        drop(items);
        set.found(bucket, &common)?;
        turn = turn.next();
        leader.tell(wire, turn)?;
        set.finished(&mut wire.pair(waits), bucket)?;
    }
    leader.part(wire, turn)
}

impl Leader<'_> {
    /// Which of a bucket's items are common, in as many turns as it takes.
    fn bucket(
        &mut self,
        wire: &mut Wire,
        items: &[u128],
        turn: &mut Turn,
    ) -> Result<Vec<u32>, SessionError> {
        if items.len() > self.setting.capacity(self.setting.leader()) {
            let what = "more items fall into one bucket than it holds";
            return Err(SessionError::Unlucky { step: wire.step(), what });
        }
        loop {
            if let Some(sums) = self.sums(wire, items, *turn)? {
                let common = (0..).zip(sums.iter()).filter(|(_, sum)| **sum == 0);
                return Ok(common.map(|(at, _)| at).collect());
            }
            *turn = turn.repeated();
            self.tell(wire, *turn)?;
        }
    }

    /// The sum of all parties' shares of zero at each item; nothing where a link was lost. Those who are there come to the end of the
    /// turn all the same, so that they wait for the next one.
    fn sums(
        &mut self,
        wire: &mut Wire,
        items: &[u128],
        turn: Turn,
    ) -> Result<Option<Buf<u128>>, SessionError> {
        let mut sums = self.links.shares(turn, items);
        for at in 0..self.others.len() {
            if !self.others[at].present {
                continue;
            }
            match evaluate(wire, self.setting, self.others[at].party, items, self.rng) {
                Ok(got) => {
                    self.others[at].heard = turn;
                    sums.iter_mut().zip(got.iter()).for_each(|(sum, got)| *sum ^= *got);
                }
                Err(error) => self.lost(wire, at, error)?,
            }
        }
        Ok(self.others.iter().all(|other| other.present).then_some(sums))
    }

    /// The link with a party failed so: it is made anew, and the party hears of the next turn.
    fn lost(
        &mut self,
        wire: &mut Wire,
        at: usize,
        error: SessionError,
    ) -> Result<(), SessionError> {
        let Follower { party, told, heard, present } = &mut self.others[at];
        *present = false;
        let says = self.links.renew(wire, *party, error, (*told, self.rng))?;
        if says != *told && says != *heard {
            return Err(wire.pair(*party).invalid("a turn that it was not at"));
        }
        *heard = says;
        Ok(())
    }

    /// Tells all others the next turn, and what came of the bucket before.
    fn tell(&mut self, wire: &mut Wire, turn: Turn) -> Result<(), SessionError> {
        for at in 0..self.others.len() {
            match self.tell_one(wire, at, turn) {
                Ok(()) => self.others[at].present = true,
                Err(error) => self.lost(wire, at, error)?,
            }
        }
        Ok(())
    }

    fn tell_one(&mut self, wire: &mut Wire, at: usize, turn: Turn) -> Result<(), SessionError> {
        let Follower { party, told, heard, .. } = &mut self.others[at];
        *told = turn;
        wire.send(*party, &turn.words())?;
        if turn.bucket > heard.bucket { wire.send(*party, &self.report) } else { Ok(()) }
    }

    /// Makes the report of a bucket: its common items, among random ones that stand for those there could have been. It is kept until
    /// the next one is made, so that a party whose link was lost hears the same.
    fn reports(&mut self, items: &[u128], common: &[u32]) {
        if self.setting.audience() == Audience::Leader {
            return;
        }
        self.report = self.rng.elements::<Z128>(self.setting.most_common_in_bucket());
        for (place, at) in self.report.iter_mut().zip(common) {
            *place = items[*at as usize];
        }
        self.report.sort_unstable();
        self.outcome.bucket(common.iter().map(|at| items[*at as usize]));
    }

    /// Parts with all others, when each has heard that all buckets are done with.
    fn part(&mut self, wire: &mut Wire, end: Turn) -> Result<(), SessionError> {
        let said: Vec<_> = self
            .others
            .iter()
            .map(|other| other.present.then(|| Links::say_done(wire, other.party, &self.outcome)))
            .collect();
        for (at, said) in said.into_iter().enumerate() {
            let party = self.others[at].party;
            let mut parted = match said {
                Some(said) => said.and_then(|()| Links::hear_done(wire, party, &self.outcome)),
                None => self.part_again(wire, at, end),
            };
            while let Err(error) = parted {
                self.lost(wire, at, error)?;
                parted = self.part_again(wire, at, end);
            }
        }
        Ok(())
    }

    fn part_again(&mut self, wire: &mut Wire, at: usize, end: Turn) -> Result<(), SessionError> {
        let Follower { party, heard, .. } = self.others[at];
        if heard != end {
            self.tell_one(wire, at, end)?;
        }
        Links::say_done(wire, party, &self.outcome)?;
        Links::hear_done(wire, party, &self.outcome)
    }
}

/// What the leader gets of one other party: its share of zero at items that it has, something random at others.
pub(super) fn evaluate(
    wire: &mut Wire,
    setting: &Setting,
    other: PartyId,
    items: &[u128],
    rng: &mut Prg,
) -> Result<Buf<u128>, SessionError> {
    let mut pair = wire.pair(other);
    let mut columns = opprf::receive(&mut pair, &size(setting, other), items, rng)?;
    columns.pop().ok_or_else(|| SessionError::Misuse { step: wire.step(), what: "no column" })
}
