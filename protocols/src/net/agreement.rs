//! Pairwise keys for shared randomness: X25519 between neighbours, over the notes of an authenticated link.

use std::fmt;

use hkdf::Hkdf;
use sha2::Sha256;
use x25519_dalek::{PublicKey, SharedSecret, StaticSecret};
use zeroize::Zeroizing;

use super::{channel::ChannelError, notes::Notes};
use crate::party::{PartyId, Role};

/// Starts each note and each key derivation.
const DOMAIN: &[u8] = b"unseen.prss/v1";

/// The two keys of one compute party: `own` it shares with the party before it, `next` with the party after it.
///
/// So key `i` is known to `P_i` and `P_{i-1}`, and `P_{i+1}` knows nothing of it.
pub struct PairKeys {
    own: Zeroizing<[u8; 32]>,
    next: Zeroizing<[u8; 32]>,
}

/// Keys that were not agreed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AgreementError {
    /// The link failed.
    #[error("key agreement: {0}")]
    Channel(#[from] ChannelError),
    /// This party is none of the three.
    #[error("{0} is no compute party and has no keys to agree on")]
    NoRole(PartyId),
    /// The peer's note holds no public key.
    #[error("{0} sent no public key; check that it runs the same version")]
    NoKey(PartyId),
    /// A public key that forces the secret.
    #[error("{0} sent a public key that gives no secret; it is faulty or cheats")]
    Forced(PartyId),
}

impl PairKeys {
    /// The key shared with the party before this one.
    #[must_use]
    pub fn own(&self) -> &[u8; 32] {
        &self.own
    }

    /// The key shared with the party after this one.
    #[must_use]
    pub fn next(&self) -> &[u8; 32] {
        &self.next
    }
}

impl fmt::Debug for PairKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PairKeys(…)")
    }
}

/// Agrees with both neighbours on keys for the run `run_id`. Each of the three parties calls it, before the run.
///
/// `seed` is fresh randomness of this party, used for this one agreement and no other.
///
/// Cost: one round, 46 bytes to each neighbour. Security: the links authenticate the peers; an ephemeral key on each side and the
/// run's id in the derivation make the keys of one run useless for another. Source: RFC 7748 for X25519, RFC 5869 for HKDF.
///
/// # Errors
/// If a link fails, or a neighbour's key is missing or forces the secret.
pub fn agree(
    notes: &dyn Notes,
    run_id: &[u8; 32],
    seed: Zeroizing<[u8; 32]>,
) -> Result<PairKeys, AgreementError> {
    let role = notes.me().role().ok_or_else(|| AgreementError::NoRole(notes.me()))?;
    let (prev, next) = (role.prev(), role.next());
    let secret = StaticSecret::from(*seed);
    let public = PublicKey::from(&secret);
    let note = [DOMAIN, public.as_bytes()].concat();
    notes.send_note(prev.id(), note.clone())?;
    notes.send_note(next.id(), note)?;
    let [with_prev, with_next] = [prev, next].map(|peer| {
        let theirs = public_key(peer.id(), &notes.recv_note(peer.id())?)?;
        Ok::<_, AgreementError>((theirs, shared(peer.id(), &secret, &theirs)?))
    });
    let ((prev_key, with_prev), (next_key, with_next)) = (with_prev?, with_next?);
    Ok(PairKeys {
        own: derive(run_id, &with_prev, [(prev, &prev_key), (role, &public)]),
        next: derive(run_id, &with_next, [(role, &public), (next, &next_key)]),
    })
}

fn public_key(peer: PartyId, note: &[u8]) -> Result<PublicKey, AgreementError> {
    let bytes: Option<[u8; 32]> = note.strip_prefix(DOMAIN).and_then(|bytes| bytes.try_into().ok());
    bytes.map(PublicKey::from).ok_or(AgreementError::NoKey(peer))
}

fn shared(
    peer: PartyId,
    secret: &StaticSecret,
    theirs: &PublicKey,
) -> Result<SharedSecret, AgreementError> {
    let shared = secret.diffie_hellman(theirs);
    if shared.was_contributory() { Ok(shared) } else { Err(AgreementError::Forced(peer)) }
}

/// The key of two neighbours, named in the order of the ring so that both derive it alike.
fn derive(
    run_id: &[u8; 32],
    shared: &SharedSecret,
    [first, second]: [(Role, &PublicKey); 2],
) -> Zeroizing<[u8; 32]> {
    let roles = [first.0, second.0].map(|role| role.id().0.to_le_bytes()).concat();
    let info = [DOMAIN, &roles, first.1.as_bytes(), second.1.as_bytes()].concat();
    let mut key = Zeroizing::new([0; 32]);
    Hkdf::<Sha256>::new(Some(run_id), shared.as_bytes())
        .expand(&info, key.as_mut())
        .expect("32 bytes are within what HKDF-SHA256 gives");
    key
}

#[cfg(test)]
mod tests {
    use std::{thread, time::Duration};

    use super::{super::memory, *};

    fn agree_all(run_id: [u8; 32]) -> Vec<PairKeys> {
        let ends = memory::mesh(3, Duration::from_secs(60));
        thread::scope(|scope| {
            let threads: Vec<_> = (1..)
                .zip(&ends)
                .map(|(seed, end)| {
                    scope.spawn(move || agree(end, &run_id, Zeroizing::new([seed; 32])).unwrap())
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        })
    }

    #[test]
    fn each_pair_of_neighbours_has_a_key_of_its_own() {
        let keys = agree_all([7; 32]);
        for role in Role::ALL {
            let (mine, after) = (&keys[role.index()], &keys[role.next().index()]);
            assert_eq!(mine.next(), after.own());
            assert_ne!(mine.own(), mine.next());
            assert_ne!(mine.own(), after.next(), "the third party has another");
        }
    }

    #[test]
    fn another_run_has_other_keys() {
        let (one, other) = (agree_all([7; 32]), agree_all([8; 32]));
        for (one, other) in one.iter().zip(&other) {
            assert_ne!(one.own(), other.own());
            assert_ne!(one.next(), other.next());
        }
    }

    /// What P0 says when P1 sends `note` and P2 behaves.
    fn against(note: Vec<u8>) -> AgreementError {
        let ends = memory::mesh(3, Duration::from_secs(60));
        let me = PartyId(0);
        ends[1].send_note(me, note).unwrap();
        let honest = PublicKey::from(&StaticSecret::from([3; 32]));
        ends[2].send_note(me, [DOMAIN, honest.as_bytes()].concat()).unwrap();
        agree(&ends[0], &[0; 32], Zeroizing::new([1; 32])).unwrap_err()
    }

    #[test]
    fn a_key_that_forces_the_secret_is_refused() {
        let mut low_order = [DOMAIN, &[0; 32]].concat();
        assert!(matches!(against(low_order.clone()), AgreementError::Forced(PartyId(1))));
        low_order[DOMAIN.len()] = 1;
        assert!(matches!(against(low_order), AgreementError::Forced(PartyId(1))));
    }

    #[test]
    fn a_note_of_another_kind_is_no_key() {
        for note in [vec![], vec![9; DOMAIN.len() + 32], [DOMAIN, &[9; 33]].concat()] {
            assert!(matches!(against(note), AgreementError::NoKey(PartyId(1))));
        }
    }
}
