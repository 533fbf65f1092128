//! What opens, what does not, and why.

use proptest::prelude::*;
use protocols::party::Role;
use sha2::{Digest, Sha256};

use super::{payload::encoded_len, *};
use crate::{
    identity::{Hash32, Pins, SealingKey, Signed},
    plan::{Kind, Shape},
    policy::{Release, fixtures::*, verify},
};

fn release() -> Release {
    verify(&consents(), &terms(&plan(), &pins())).unwrap()
}

fn shapes() -> Vec<Shape> {
    vec![Shape { kind: Kind::Bits(3), rows: 70 }, Shape { kind: Kind::Z64, rows: 5 }]
}

/// Summand `s` of word `i` of a column: anything that differs everywhere.
fn word(column: usize, summand: usize, i: usize) -> u64 {
    let seed = [column as u64, summand as u64, i as u64].map(u64::to_le_bytes).concat();
    u64::from_le_bytes(*Sha256::digest(seed).first_chunk().unwrap())
}

fn share_of(role: Role, shapes: &[Shape]) -> ResultShare {
    let column = |(at, shape): (usize, &Shape)| {
        let words = column_words(*shape).unwrap();
        let of = |r: Role| (0..words).map(|i| word(at, r.index(), i)).collect();
        ShareColumn::new(*shape, of(role), of(role.next())).unwrap()
    };
    ResultShare::new(role, shapes.iter().enumerate().map(column).collect())
}

fn sealed_as(role: Role, attempt: u32, share: &ResultShare) -> Sealed {
    let party = &plan().compute[role.index()];
    let sealer = Sealer { release: &release(), attempt, party, key: &key(party.as_str()) };
    seal(share, &sealer).unwrap()
}

struct Buyer {
    pins: Pins,
    compute: crate::job::Compute,
    shapes: Vec<Shape>,
}

impl Buyer {
    fn new() -> Self {
        Self { pins: pins(), compute: plan().compute, shapes: shapes() }
    }

    fn open_with(
        &self,
        sealed: &Sealed,
        role: Role,
        key: &SealingKey,
    ) -> Result<ResultShare, OpenError> {
        let expected = Expected {
            job: plan().job,
            plan: plan_hash(),
            attempt: 1,
            compute: &self.compute,
            consents_root: release().consents_root(),
            shapes: &self.shapes,
            pins: &self.pins,
        };
        open(sealed, role, key, &expected)
    }

    fn open(&self, sealed: &Sealed, role: Role) -> Result<ResultShare, OpenError> {
        self.open_with(sealed, role, &buyer_key())
    }
}

fn honest(role: Role) -> Sealed {
    sealed_as(role, 1, &share_of(role, &shapes()))
}

#[test]
fn the_buyer_opens_three_shares_and_adds_them() {
    let buyer = Buyer::new();
    let shares = Role::ALL.map(|role| buyer.open(&honest(role), role).unwrap());
    let result = reconstruct(&shares).unwrap();
    let summands = |c: usize, i: usize| [0, 1, 2].map(|s| word(c, s, i));
    for (i, &got) in result[1].iter().enumerate() {
        assert_eq!(got, summands(1, i).into_iter().fold(0, u64::wrapping_add));
    }
    for (i, &got) in result[0].iter().enumerate() {
        let tail = if i % 2 == 1 { (1 << 6) - 1 } else { u64::MAX };
        assert_eq!(got, summands(0, i).into_iter().fold(0, |a, b| a ^ b) & tail);
    }
}

#[test]
fn one_party_that_computes_alone_seals_the_whole_result() {
    let shapes = [Kind::Bits(1), Kind::Z64].map(|kind| Shape { kind, rows: 70 }).to_vec();
    let words: Vec<u64> = (0..70).map(|i| word(1, 0, i)).collect();
    let buyer = Buyer { shapes, ..Buyer::new() };
    let share = ResultShare::whole(&buyer.shapes, &words).unwrap();
    let opened = buyer.open(&sealed_as(Role::P0, 1, &share), Role::P0).unwrap();
    assert_eq!(alone(&opened).unwrap(), [vec![u64::MAX, (1 << 6) - 1], words.clone()]);
    assert!(ResultShare::whole(&buyer.shapes, &words[1..]).is_err());
    // A share of three says nothing by itself, and is not taken for a whole one.
    for role in Role::ALL {
        let refused = alone(&share_of(role, &self::shapes())).unwrap_err();
        assert_eq!(refused, Inconsistent::Role { due: Role::P0, found: role });
    }
}

#[test]
fn words_of_128_bits_are_added_with_their_carries() {
    let shape = Shape { kind: Kind::Z128, rows: 3 };
    let value = |row: usize, summand: usize| -> u128 {
        let word = |half| word(2 * row + half, summand, 0);
        // The lower words of the first row carry twice.
        let low = if row == 0 { u64::MAX } else { word(0) };
        u128::from(word(1)) << 64 | u128::from(low)
    };
    let words = |summand: usize| -> Vec<u64> {
        let rows = (0..3).map(|row| value(row, summand).to_le_bytes());
        let bytes: Vec<u8> = rows.flatten().collect();
        bytes.as_chunks().0.iter().map(|word| u64::from_le_bytes(*word)).collect()
    };
    let shares = Role::ALL.map(|role| {
        let (own, next) = (words(role.index()), words(role.next().index()));
        let share = ResultShare::new(role, vec![ShareColumn::new(shape, own, next).unwrap()]);
        ResultShare::decode(&share.encode().unwrap(), role, &[shape]).unwrap()
    });
    let sum = |row| (0..3).fold(0_u128, |sum, s| sum.wrapping_add(value(row, s)));
    let want: Vec<u8> = (0..3).flat_map(|row| sum(row).to_le_bytes()).collect();
    let got = reconstruct(&shares).unwrap().remove(0);
    assert_eq!(got.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<_>>(), want);
    let as_words = Shape { kind: Kind::Z64, rows: 6 };
    let encoded = shares[0].encode().unwrap();
    assert!(ResultShare::decode(&encoded, Role::P0, &[as_words]).is_err());
}

#[test]
fn bits_beyond_the_last_row_are_never_sealed() {
    let share = share_of(Role::P0, &shapes());
    let column = &share.columns()[0];
    for last in [1, 3, 5] {
        assert_eq!((column.own()[last] >> 6, column.next()[last] >> 6), (0, 0));
    }
}

#[test]
fn the_length_depends_on_the_shapes_only_and_chunks_are_whole() {
    // Two chunks and a bit; 16 bytes a word in the clear, 16 bytes a chunk for its tag.
    let large = vec![Shape { kind: Kind::Z64, rows: 140_000 }];
    let mut zeros = share_of(Role::P1, &large);
    let random = sealed_as(Role::P1, 1, &zeros);
    let column = ShareColumn::new(large[0], vec![0; 140_000], vec![0; 140_000]).unwrap();
    zeros = ResultShare::new(Role::P1, vec![column]);
    let plain = encoded_len(&large).unwrap();
    assert_eq!(random.ciphertext.len(), plain + 3 * 16);
    assert_eq!(sealed_as(Role::P1, 1, &zeros).ciphertext.len(), random.ciphertext.len());
    let buyer = Buyer { shapes: large, ..Buyer::new() };
    assert!(buyer.open(&random, Role::P1).is_ok());
}

#[test]
fn another_attempts_share_does_not_open() {
    let old = sealed_as(Role::P1, 0, &share_of(Role::P1, &shapes()));
    let error = Buyer::new().open(&old, Role::P1).unwrap_err();
    let party = plan().compute[1].clone();
    assert_eq!(error, OpenError::Differs { party, field: "attempt" });
}

/// Base mode lets anyone seal: the coordinator could make up all three shares, so signatures decide.
#[test]
fn a_triple_forged_by_the_coordinator_does_not_open() {
    let buyer = Buyer::new();
    for role in Role::ALL {
        let party = plan().compute[role.index()].clone();
        let forger = key("exchange");
        let sealer = Sealer { release: &release(), attempt: 1, party: &party, key: &forger };
        let forged = seal(&share_of(role, &shapes()), &sealer).unwrap();
        assert_eq!(buyer.open(&forged, role).unwrap_err(), OpenError::Signature(party.clone()));
        let own_name = Signed { party: name("exchange"), ..forged.manifest.clone() };
        let error = buyer.open(&Sealed { manifest: own_name, ..forged }, role).unwrap_err();
        assert!(matches!(error, OpenError::Signer { due, .. } if due == party));
    }
}

#[test]
fn swapped_roles_do_not_open() {
    let buyer = Buyer::new();
    let error = buyer.open(&honest(Role::P0), Role::P1).unwrap_err();
    assert!(matches!(error, OpenError::Signer { role: Role::P1, .. }), "{error}");
    // A party that seals another role's share under its own name.
    let sealer_role = sealed_as_role(Role::P1, Role::P0);
    let error = buyer.open(&sealer_role, Role::P1).unwrap_err();
    assert!(matches!(error, OpenError::Differs { field: "role", .. }), "{error}");
}

fn sealed_as_role(signer: Role, role: Role) -> Sealed {
    let party = &plan().compute[signer.index()];
    let sealer = Sealer { release: &release(), attempt: 1, party, key: &key(party.as_str()) };
    seal(&share_of(role, &shapes()), &sealer).unwrap()
}

#[test]
fn a_flipped_summand_is_noticed_whoever_flips_it() {
    for liar in Role::ALL {
        for own in [true, false] {
            let shares = Role::ALL.map(|role| {
                let mut words = [role, role.next()]
                    .map(|r| (0..5).map(|i| word(1, r.index(), i)).collect::<Vec<_>>());
                if role == liar {
                    words[usize::from(!own)][4] ^= 1;
                }
                let [own, next] = words;
                let shape = Shape { kind: Kind::Z64, rows: 5 };
                ResultShare::new(role, vec![ShareColumn::new(shape, own, next).unwrap()])
            });
            let pair = if own { (liar.prev(), liar) } else { (liar, liar.next()) };
            let error = reconstruct(&shares).unwrap_err();
            assert_eq!(error, Inconsistent::Replicas(pair.0, pair.1, 0));
        }
    }
}

#[test]
fn shares_that_do_not_belong_together_are_not_added() {
    let of = |roles: [Role; 3]| roles.map(|role| share_of(role, &shapes()));
    let error = reconstruct(&of([Role::P0, Role::P2, Role::P1])).unwrap_err();
    assert_eq!(error, Inconsistent::Role { due: Role::P1, found: Role::P2 });
    let mut shares = of(Role::ALL);
    shares[1] = share_of(Role::P1, &shapes()[..1]);
    assert_eq!(reconstruct(&shares).unwrap_err(), Inconsistent::Layout(Role::P0, Role::P1));
}

#[test]
fn another_recipient_cannot_open() {
    let other = SealingKey::from_bytes([3; 32]);
    let error = Buyer::new().open_with(&honest(Role::P0), Role::P0, &other).unwrap_err();
    assert!(matches!(error, OpenError::Differs { field: "recipient", .. }), "{error}");
}

/// The party's own signature over whatever it likes: what the ciphertext holds still decides.
fn resigned(role: Role, change: impl FnOnce(&mut Sealed)) -> Sealed {
    let mut sealed = honest(role);
    change(&mut sealed);
    let mut body = sealed.manifest.body;
    body.ciphertext_sha256 = Hash32(Sha256::digest(&sealed.ciphertext).into());
    let party = plan().compute[role.index()].clone();
    let key = key(party.as_str());
    Sealed { manifest: Signed::new(SEALED_DOMAIN, body, party, &key), ..sealed }
}

#[test]
fn a_truncated_or_altered_ciphertext_does_not_open() {
    let buyer = Buyer::new();
    let party = plan().compute[0].clone();
    let mut cut = honest(Role::P0);
    cut.ciphertext.pop();
    assert_eq!(buyer.open(&cut, Role::P0).unwrap_err(), OpenError::Ciphertext(party.clone()));
    let cut = resigned(Role::P0, |sealed| sealed.ciphertext.truncate(20));
    let error = buyer.open(&cut, Role::P0).unwrap_err();
    assert!(matches!(error, OpenError::Length { got: 20, .. }), "{error}");
    let flipped = resigned(Role::P0, |sealed| sealed.ciphertext[0] ^= 1);
    assert_eq!(buyer.open(&flipped, Role::P0).unwrap_err(), OpenError::Cipher(party.clone()));
    let foreign = resigned(Role::P0, |sealed| sealed.manifest.body.enc.0[0] ^= 1);
    assert_eq!(buyer.open(&foreign, Role::P0).unwrap_err(), OpenError::Cipher(party));
}

/// The additional data is checked by the cipher as well, not only by comparing manifests.
#[test]
fn a_ciphertext_under_another_binding_does_not_open() {
    let old = sealed_as(Role::P0, 0, &share_of(Role::P0, &shapes()));
    let moved = resigned(Role::P0, |sealed| {
        sealed.ciphertext = old.ciphertext;
        sealed.manifest.body.enc = old.manifest.body.enc;
    });
    let error = Buyer::new().open(&moved, Role::P0).unwrap_err();
    assert_eq!(error, OpenError::Cipher(plan().compute[0].clone()));
}

#[test]
fn nothing_of_a_share_is_printed() {
    let share = share_of(Role::P0, &shapes());
    let text = format!("{share:?}");
    assert_eq!(text, "ResultShare(P0, [ShareColumn(Bits(3), 70 rows), ShareColumn(Z64, 5 rows)])");
}

#[test]
fn an_impossible_shape_is_refused_before_anything_is_allocated() {
    let huge = [Shape { kind: Kind::Bits(u16::MAX), rows: u64::MAX }];
    assert_eq!(encoded_len(&huge), Err(Malformed::TooLarge));
    let large = [Shape { kind: Kind::Z64, rows: 1 << 60 }];
    assert!(ResultShare::decode(&[0; 64], Role::P0, &large).is_err());
}

proptest! {
    #[test]
    fn hostile_bytes_give_an_error_or_the_share_they_encode(
        bytes in proptest::collection::vec(any::<u8>(), 0..300),
        at in 0_usize..400,
        flip in 1_u8..,
    ) {
        let _ = ResultShare::decode(&bytes, Role::P1, &shapes());
        let share = share_of(Role::P1, &shapes());
        let mut encoded = share.encode().unwrap().to_vec();
        let at = at % encoded.len();
        encoded[at] ^= flip;
        if let Ok(read) = ResultShare::decode(&encoded, Role::P1, &shapes()) {
            let again = read.encode().unwrap();
            prop_assert_eq!(again.len(), encoded.len());
        } else {
            prop_assert!(at < 9 || (9..20).contains(&at) || (116..127).contains(&at), "byte {}", at);
        }
        encoded.truncate(at);
        prop_assert!(ResultShare::decode(&encoded, Role::P1, &shapes()).is_err());
    }

    #[test]
    fn hostile_manifests_are_errors(text in "\\PC{0,200}") {
        prop_assert!(serde_json::from_str::<Signed<SealedManifest>>(&text).is_err());
    }
}
