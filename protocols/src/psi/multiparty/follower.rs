//! Every party but the leader: programs its shares of zero at its items, turn by turn as the leader calls them.

use super::{
    intersect::size,
    links::Links,
    outcome::Outcome,
    setting::{Audience, Setting},
    turn::Turn,
};
use crate::{
    prg::Prg,
    psi::{
        buckets::Buckets,
        opprf::{self, Points},
    },
    ring::Buf,
    session::{SessionError, Wire},
};

struct Follower<'a> {
    setting: &'a Setting,
    links: Links,
    /// The turn that was heard last.
    turn: Turn,
    /// Whether it is still to be taken.
    due: bool,
    /// What this party has found.
    outcome: Outcome,
    rng: &'a mut Prg,
}

/// The side of a party that does not lead.
pub(super) fn follow(
    wire: &mut Wire,
    setting: &Setting,
    set: &mut dyn Buckets,
    rng: &mut Prg,
) -> Result<(), SessionError> {
    let leader = setting.leader();
    let (links, late) = Links::meet(wire, setting, rng)?;
    // The first turn needs no call, but where the leader may not know that it was met.
    let due = !late.contains(&leader);
    let (turn, outcome) = (Turn::default(), Outcome::new());
    let mut follower = Follower { setting, links, turn, due, outcome, rng };
    for bucket in 0..setting.buckets() {
        let items = set.bucket(bucket, setting.buckets())?;
        let common = follower.bucket(wire, &items)?;
        if let Some(common) = common {
            follower.outcome.bucket(common.iter().map(|at| items[*at as usize]));
            drop(items);
            set.found(bucket, &common)?;
        }
        set.finished(&mut wire.pair(leader), bucket)?;
    }
    follower.part(wire)
}

impl Follower<'_> {
    /// Takes turns of a bucket until the next one is called; which of its items are common, if this party is to learn it.
    fn bucket(
        &mut self,
        wire: &mut Wire,
        items: &[u128],
    ) -> Result<Option<Vec<u32>>, SessionError> {
        if items.len() > self.setting.capacity(wire.me()) {
            let what = "more items fall into one bucket than it holds";
            return Err(SessionError::Unlucky { step: wire.step(), what });
        }
        loop {
            let done = if self.due {
                self.due = false;
                self.program(wire, items).map(|()| None)
            } else {
                self.hear(wire, items)
            };
            match done {
                Ok(Some(common)) => return Ok(common),
                Ok(None) => {}
                Err(error) => self.lost(wire, error)?,
            }
        }
    }

    /// The link with the leader failed so: it is made anew, and the leader calls a turn.
    fn lost(&mut self, wire: &mut Wire, error: SessionError) -> Result<(), SessionError> {
        let leader = self.setting.leader();
        self.due = false;
        self.links.renew(wire, leader, error, (self.turn, self.rng)).map(drop)
    }

    /// This party's part of a turn.
    fn program(&mut self, wire: &mut Wire, items: &[u128]) -> Result<(), SessionError> {
        let shares = self.links.shares(self.turn, items);
        let points = Points { keys: Buf::copy_of(items), columns: vec![shares] };
        let size = size(self.setting, wire.me());
        opprf::send(&mut wire.pair(self.setting.leader()), &size, points, self.rng)
    }

    /// Hears the next turn. If it is of another bucket, this one is done with: gives its common items, as far as they are for this
    /// party.
    #[expect(
        clippy::option_option,
        reason = "whether it is done with, and whether one learns of it"
    )]
    fn hear(
        &mut self,
        wire: &mut Wire,
        items: &[u128],
    ) -> Result<Option<Option<Vec<u32>>>, SessionError> {
        let leader = self.setting.leader();
        let mut words = [0; 2];
        wire.recv(leader, &mut words)?;
        let turn = Turn::of(words);
        if !turn.may_follow(self.turn, self.setting) {
            return Err(wire.pair(leader).invalid("a turn out of order"));
        }
        let done = turn.bucket > self.turn.bucket;
        let common = if done { self.report(wire, items)? } else { None };
        (self.turn, self.due) = (turn, true);
        Ok(done.then_some(common))
    }

    fn report(&self, wire: &mut Wire, items: &[u128]) -> Result<Option<Vec<u32>>, SessionError> {
        if self.setting.audience() == Audience::Leader {
            return Ok(None);
        }
        let leader = self.setting.leader();
        let list = wire.recv_words::<u128>(leader, self.setting.most_common_in_bucket())?;
        if !list.is_sorted_by(|one, next| one < next) {
            return Err(wire.pair(leader).invalid("a report that is no list of items"));
        }
        let common = (0..).zip(items).filter(|(_, item)| list.binary_search(item).is_ok());
        Ok(Some(common.map(|(at, _)| at).collect()))
    }

    /// Parts with the leader and then with the others.
    fn part(&mut self, wire: &mut Wire) -> Result<(), SessionError> {
        let (me, leader) = (wire.me(), self.setting.leader());
        let others = self.setting.others(me).filter(|other| *other != leader);
        let peers: Vec<_> = std::iter::once(leader).chain(others).collect();
        let Self { links, outcome, .. } = self;
        let said: Vec<_> = peers.iter().map(|peer| Links::say_done(wire, *peer, outcome)).collect();
        for (peer, said) in peers.into_iter().zip(said) {
            let mut parted = said.and_then(|()| Links::hear_done(wire, peer, outcome));
            while let Err(error) = parted {
                links.renew(wire, peer, error, (self.turn, self.rng))?;
                parted = Links::say_done(wire, peer, outcome)
                    .and_then(|()| Links::hear_done(wire, peer, outcome));
            }
        }
        Ok(())
    }
}
