//! One party's links with all others: how it meets them, and how it goes on where one was lost.

use super::{
    outcome::{self, Outcome},
    setting::Setting,
    turn::Turn,
    zero::ZeroSeed,
};
use crate::{
    party::PartyId,
    prg::Prg,
    ring::{Buf, Z128},
    session::{SessionError, Wire},
};

/// What the digest of a setting is derived for.
const SETTING: &str = "unseen psi multiparty setting v3";
/// Words of a greeting: a part of the seed, the setting, the turn that was heard last.
pub(super) const GREETING: usize = 3;
/// The last word, and how many words it is with what came of all.
const DONE: u64 = u64::MAX;
pub(super) const LAST: usize = 1 + outcome::WORDS;

/// One party's links.
pub(super) struct Links {
    setting: u128,
    links: Vec<Link>,
}

struct Link {
    peer: PartyId,
    renewed: u32,
    seed: ZeroSeed,
}

impl Links {
    /// Meets all others at once. A link that is lost meanwhile is made anew; gives those with whom it was.
    ///
    /// # Errors
    /// [`SessionError::Inconsistent`] if settings differ; errors of the links.
    pub(super) fn meet(
        wire: &mut Wire,
        setting: &Setting,
        rng: &mut Prg,
    ) -> Result<(Self, Vec<PartyId>), SessionError> {
        let me = wire.me();
        let digest = digest(setting);
        let said: Vec<_> = setting
            .others(me)
            .map(|peer| {
                let part = rng.elements::<Z128>(1)[0];
                (peer, part, say(wire, peer, (part, digest), Turn::default()))
            })
            .collect();
        let (mut all, mut late) = (Self { setting: digest, links: Vec::new() }, Vec::new());
        for (peer, part, said) in said {
            let heard = said.and_then(|()| hear(wire, peer, (part, digest)));
            let (seed, lost) = match heard {
                Ok((seed, _)) => (seed, None),
                // Stands for the one that both agree on when the link stands again.
                Err(error) => (ZeroSeed::of((me, part), (peer, part)), Some(error)),
            };
            all.links.push(Link { peer, renewed: 0, seed });
            if let Some(error) = lost {
                all.renew(wire, peer, error, (Turn::default(), rng))?;
                late.push(peer);
            }
        }
        Ok((all, late))
    }

    /// Makes a link anew because of this error and meets its peer, which does the same, as often as it is lost meanwhile; tells it
    /// the turn that was heard last here, and gives the one that was there.
    ///
    /// # Errors
    /// The error, if it is not that the link was lost, or if that was so too often; what [`Links::meet`] says.
    pub(super) fn renew(
        &mut self,
        wire: &mut Wire,
        peer: PartyId,
        mut error: SessionError,
        (turn, rng): (Turn, &mut Prg),
    ) -> Result<Turn, SessionError> {
        let step = wire.step();
        let link = self.links.iter_mut().find(|link| link.peer == peer);
        let link = link.ok_or(SessionError::Misuse { step, what: "a party that takes no part" })?;
        while error.is_lost(peer) && link.renewed < Setting::RENEWALS {
            link.renewed += 1;
            // Who waits for this party waits while it calls.
            wire.working();
            wire.renew(peer)?;
            let part = rng.elements::<Z128>(1)[0];
            let said = say(wire, peer, (part, self.setting), turn);
            match said.and_then(|()| hear(wire, peer, (part, self.setting))) {
                Ok((seed, heard)) => {
                    link.seed = seed;
                    return Ok(heard);
                }
                Err(again) => error = again,
            }
        }
        Err(error)
    }

    /// This party's shares of zero for items of this turn.
    pub(super) fn shares(&self, turn: Turn, items: &[u128]) -> Buf<u128> {
        let mut shares = Buf::zeroed(items.len());
        self.links.iter().for_each(|link| link.seed.add(turn.again, items, &mut shares));
        shares
    }

    /// What each link by itself gives, for tests of what a party can tell.
    #[cfg(test)]
    pub(super) fn each(&self, turn: Turn, items: &[u128]) -> Vec<Vec<u128>> {
        let one = |link: &Link| {
            let mut shares = vec![0; items.len()];
            link.seed.add(turn.again, items, &mut shares);
            shares
        };
        self.links.iter().map(one).collect()
    }

    /// Says to a peer that this party is done with all, and what came of it.
    pub(super) fn say_done(
        wire: &mut Wire,
        peer: PartyId,
        outcome: &Outcome,
    ) -> Result<(), SessionError> {
        let [low, high] = outcome.words();
        wire.send(peer, &[DONE, low, high])
    }

    /// Hears the same.
    pub(super) fn hear_done(
        wire: &mut Wire,
        peer: PartyId,
        outcome: &Outcome,
    ) -> Result<(), SessionError> {
        let mut words = [0_u64; LAST];
        wire.recv(peer, &mut words)?;
        if words[0] != DONE {
            return Err(wire.pair(peer).invalid("another last word than the one due"));
        }
        if words[1..] != outcome.words() {
            return Err(wire.pair(peer).inconsistent("intersections"));
        }
        Ok(())
    }
}

fn say(
    wire: &mut Wire,
    peer: PartyId,
    (part, setting): (u128, u128),
    turn: Turn,
) -> Result<(), SessionError> {
    let [bucket, again] = turn.words();
    wire.send(peer, &[part, setting, u128::from(bucket) << 64 | u128::from(again)])
}

fn hear(
    wire: &mut Wire,
    peer: PartyId,
    (part, setting): (u128, u128),
) -> Result<(ZeroSeed, Turn), SessionError> {
    let me = wire.me();
    let mut words = [0_u128; GREETING];
    wire.recv(peer, &mut words)?;
    let [peers, theirs, turn] = words;
    if theirs != setting {
        return Err(wire.pair(peer).inconsistent("salts, sizes, buckets, leaders or audiences"));
    }
    let half = |word: u128| u64::try_from(word & u128::from(u64::MAX)).unwrap_or(u64::MAX);
    let turn = Turn::of([half(turn >> 64), half(turn)]);
    Ok((ZeroSeed::of((me, part), (peer, peers)), turn))
}

/// What all parties must hold alike.
fn digest(setting: &Setting) -> u128 {
    let mut hasher = blake3::Hasher::new_derive_key(SETTING);
    hasher.update(&setting.leader().0.to_le_bytes());
    hasher.update(&[u8::from(setting.audience() == super::Audience::Everyone)]);
    hasher.update(&(setting.buckets() as u64).to_le_bytes());
    hasher.update(setting.context());
    for (party, size) in setting.parties().zip(setting.sizes()) {
        hasher.update(&party.0.to_le_bytes());
        hasher.update(&(*size as u64).to_le_bytes());
    }
    let mut half = [0; 16];
    half.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
    u128::from_le_bytes(half)
}
