//! A coin that three parties toss: uniform, and decided by none of them.
//!
//! Each draws a part, commits to it, and opens it once it has both others' commitments; the coin is a hash of all parts. With its
//! opening each sends a digest of the commitments it saw, so that a party cannot tell its two neighbours different things.
//!
//! # Source
//! Blum, *Coin Flipping by Telephone*, CRYPTO 1981: commit, then open. Commitments are BLAKE3 of 256 random bits under a domain
//! and the place in the run, binding and hiding with the hash as a random oracle.

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::{
    party::Role,
    prg::Prg,
    ring::Z64,
    session::{Meter, Session, SessionError},
};

/// What commitments, digests of them and coins are derived for.
const COMMITMENT: &str = "unseen coin commitment v1";
const SEEN: &str = "unseen coin commitments seen v1";
const COIN: &str = "unseen coin v1";
/// Words of a part, a commitment, and a digest.
const WORDS: usize = 4;

/// A word of four.
type Words = [u64; WORDS];

/// Tosses a coin of 128 bits that all three parties know; what is made of it is public.
///
/// # Cost
/// 2 rounds; each party sends 32 and then 64 bytes to both others.
///
/// # Errors
/// [`SessionError::Inconsistent`] if a party opens something else than it committed to, or committed to two things; channel
/// errors pass through.
///
/// # Security
/// Uniform if one party is honest. A party that deviates can end the run once it knows the coin, and no more. `rng` must be
/// this party's own secret. Nothing shared is opened, so nothing passes the gate.
///
/// # Source
/// See the module.
pub fn toss(s: &mut Session, rng: &mut Prg) -> Result<[u8; 16], SessionError> {
    let (me, prev, next) = (s.role(), s.role().prev(), s.role().next());
    let place = s.step();
    let drawn = rng.elements::<Z64>(WORDS);
    let mut mine: Zeroizing<Words> = Zeroizing::new([0; WORDS]);
    mine.copy_from_slice(&drawn);
    let mut seen = [[0; WORDS]; 3];
    seen[me.index()] = commitment(place, me, &mine);
    for to in [prev, next] {
        s.send(to.id(), &seen[me.index()])?;
    }
    for from in [prev, next] {
        s.recv(from.id(), &mut seen[from.index()])?;
    }
    let digest = digest(&seen);
    let mut parts = [[0; WORDS]; 3];
    parts[me.index()] = *mine;
    for to in [prev, next] {
        s.send(to.id(), &[*mine, digest].concat())?;
    }
    for from in [prev, next] {
        let mut opened = [[0; WORDS]; 2];
        s.recv(from.id(), opened.as_flattened_mut())?;
        let [part, theirs] = opened;
        let kept = commitment(place, from, &part).ct_eq(&seen[from.index()]);
        if !bool::from(kept & theirs.ct_eq(&digest)) {
            let (step, peer) = (s.step(), from.id());
            return Err(SessionError::Inconsistent { step, peer, what: "commitments to a coin" });
        }
        parts[from.index()] = part;
    }
    Ok(coin(place, &parts))
}

/// Twin of [`toss`].
pub fn toss_cost(m: &mut Meter) {
    let to_all = |words: usize| {
        Role::ALL.map(|role| [role.prev(), role.next()].map(|to| (role, to, words * 8)))
    };
    m.messages(to_all(WORDS).as_flattened());
    m.messages(to_all(2 * WORDS).as_flattened());
}

fn commitment(place: u64, role: Role, part: &Words) -> Words {
    let mut hasher = blake3::Hasher::new_derive_key(COMMITMENT);
    hasher.update(&place.to_le_bytes()).update(&role.id().0.to_le_bytes());
    hasher.update(bytemuck::cast_slice(part));
    bytemuck::cast(*hasher.finalize().as_bytes())
}

fn digest(seen: &[Words; 3]) -> Words {
    let mut hasher = blake3::Hasher::new_derive_key(SEEN);
    hasher.update(bytemuck::cast_slice(seen.as_flattened()));
    bytemuck::cast(*hasher.finalize().as_bytes())
}

fn coin(place: u64, parts: &[Words; 3]) -> [u8; 16] {
    let mut hasher = blake3::Hasher::new_derive_key(COIN);
    hasher.update(&place.to_le_bytes()).update(bytemuck::cast_slice(parts.as_flattened()));
    let mut out = [0; 16];
    hasher.finalize_xof().fill(&mut out);
    out
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, sync::Arc, time::Duration};

    use super::*;
    use crate::{
        net::{Channel, memory},
        testkit::World,
    };

    fn rng(role: Role, seed: u8) -> Prg {
        Prg::new(&[[1, 2, 3][role.index()] ^ seed << 2; 16])
    }

    #[test]
    fn all_three_know_one_coin_and_another_seed_tosses_another() {
        let mut seen = BTreeSet::new();
        for seed in 0..8 {
            let run = World::new(u64::from(seed)).run(|s| {
                let mut rng = rng(s.role(), seed);
                Ok([toss(s, &mut rng)?, toss(s, &mut rng)?])
            });
            let [a, b, c] = &run.results;
            assert!(a == b && b == c, "seed {seed}");
            assert!(a.iter().all(|coin| seen.insert(*coin)), "seed {seed}: a coin came twice");
            run.assert_cost("two coins", |m| {
                toss_cost(m);
                toss_cost(m);
            });
        }
    }

    #[test]
    fn each_party_alone_changes_the_coin() {
        let coin = |other: Option<Role>| {
            let run = World::new(3).run(|s| {
                let seed = u8::from(other == Some(s.role()));
                toss(s, &mut rng(s.role(), seed))
            });
            run.results[0]
        };
        let coins: BTreeSet<_> =
            [None, Some(Role::P0), Some(Role::P1), Some(Role::P2)].into_iter().map(coin).collect();
        assert_eq!(coins.len(), 4);
    }

    /// Whether an honest party says that P1 opens, or commits, otherwise than it should; none of them may have a coin.
    fn caught(cheat: impl Fn(&mut Session) -> Result<(), SessionError> + Sync) -> bool {
        let channels = memory::mesh(3, Duration::from_secs(20)).into_iter();
        let channels = channels.map(|channel| Arc::new(channel) as Arc<dyn Channel>).collect();
        let run = World::new(4).run_over(channels, |s| {
            if s.role() != Role::P1 {
                return toss(s, &mut rng(s.role(), 0)).map(|_| ());
            }
            cheat(s)?;
            // Stays until both others have opened.
            let mut opened = [0_u64; 2 * WORDS];
            s.recv(Role::P0.id(), &mut opened)?;
            s.recv(Role::P2.id(), &mut opened)
        });
        let honest = [&run.results[0], &run.results[2]];
        assert!(honest.iter().all(|result| result.is_err()), "a coin in spite of it");
        honest.iter().any(|result| matches!(result, Err(SessionError::Inconsistent { .. })))
    }

    #[test]
    fn a_party_that_opens_another_part_or_commits_to_two_is_caught() {
        let (me, others) = (Role::P1, [Role::P0, Role::P2]);
        let another_part = caught(|s| {
            let mut seen = [[0; WORDS]; 3];
            seen[1] = commitment(s.step(), me, &[7; WORDS]);
            others.iter().try_for_each(|to| s.send(to.id(), &seen[1]))?;
            others.iter().try_for_each(|from| s.recv(from.id(), &mut seen[from.index()]))?;
            let opening = [[8; WORDS], digest(&seen)].concat();
            others.iter().try_for_each(|to| s.send(to.id(), &opening))
        });
        assert!(another_part, "another part");
        let two_commitments = caught(|s| {
            let parts = [[7; WORDS], [8; WORDS]];
            let mut seen = [[0; WORDS]; 3];
            for (to, part) in others.iter().zip(&parts) {
                s.send(to.id(), &commitment(s.step(), me, part))?;
            }
            others.iter().try_for_each(|from| s.recv(from.id(), &mut seen[from.index()]))?;
            for (to, part) in others.iter().zip(&parts) {
                seen[1] = commitment(s.step(), me, part);
                s.send(to.id(), &[*part, digest(&seen)].concat())?;
            }
            Ok(())
        });
        // Each hears from the other honest one that it saw something else.
        assert!(two_commitments, "two commitments");
    }
}
