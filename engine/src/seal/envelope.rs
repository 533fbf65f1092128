//! The envelope: HPKE in chunks of 1 MiB, and a signed manifest of the ciphertext.

use hpke::{
    Deserializable, Kem, OpModeR, OpModeS, Serializable,
    aead::{AeadTag, ChaCha20Poly1305},
    kdf::HkdfSha256,
    kem::X25519HkdfSha256,
};
use protocols::party::Role;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::{
    binding::{Binding, Expected, SEALED_DOMAIN, SealedManifest, layout_hash},
    payload::{Malformed, ResultShare, encoded_len},
};
use crate::{
    identity::{Hash32, IdentityKey, PartyName, SealingKey, SealingPublicKey, Signed},
    policy::Release,
};

const INFO: &[u8] = b"unseen/v1 result-share";
const CHUNK_BYTES: usize = 1 << 20;

/// A sealed share: a signed manifest, and a ciphertext that only the recipient opens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// Who sealed what, and the ciphertext's hash.
    pub manifest: Signed<SealedManifest>,
    /// Chunks of at most 1 MiB, each with its tag behind it.
    pub ciphertext: Vec<u8>,
}

/// A compute party about to seal.
#[derive(Clone, Copy, Debug)]
pub struct Sealer<'a> {
    /// The proof that the plan may run; says to whom the result is sealed.
    pub release: &'a Release,
    /// Which attempt at running it.
    pub attempt: u32,
    /// This party.
    pub party: &'a PartyName,
    /// Its identity key.
    pub key: &'a IdentityKey,
}

/// A share that could not be sealed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SealError {
    /// The share is none.
    #[error("the result share cannot be sealed: {0}")]
    Share(#[from] Malformed),
    /// The recipient's key is none.
    #[error("{0} is no usable sealing key; the buyer makes one with `unseen keygen`")]
    Recipient(SealingPublicKey),
    /// The operating system has no randomness.
    #[error("the operating system gave no randomness")]
    Randomness,
    /// The cipher failed.
    #[error("sealing failed")]
    Cipher,
}

/// A sealed share that the buyer must not use.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The party is not pinned here.
    #[error("{0} is not pinned here: add its key under [pins] in the configuration")]
    NotPinned(PartyName),
    /// Somebody else signed.
    #[error("the share of {role} is signed by {found}, {due} is due")]
    Signer {
        /// Whose share.
        role: Role,
        /// Who signed.
        found: PartyName,
        /// Who should have.
        due: PartyName,
    },
    /// The signature does not hold.
    #[error("the signature of {0} over its sealed share does not hold: do not use this result")]
    Signature(PartyName),
    /// It belongs to another job, plan, attempt, party or recipient.
    #[error(
        "the sealed share of {party} has another `{field}` than is due: do not use this result"
    )]
    Differs {
        /// Whose share.
        party: PartyName,
        /// Which field.
        field: &'static str,
    },
    /// The ciphertext is not the one that was signed.
    #[error("the ciphertext of {0} is not the one it signed; fetch it again")]
    Ciphertext(PartyName),
    /// The ciphertext has another length than the result's shape asks for.
    #[error("the ciphertext of {party} has {got} bytes, {want} are due")]
    Length {
        /// Whose share.
        party: PartyName,
        /// How many came.
        got: usize,
        /// How many are due.
        want: usize,
    },
    /// It does not open with this key.
    #[error("the share of {0} does not open with this sealing key")]
    Cipher(PartyName),
    /// What was inside is no share of this result.
    #[error("the share of {party}: {fault}")]
    Share {
        /// Whose share.
        party: PartyName,
        /// What is wrong.
        fault: Malformed,
    },
}

type Tag = AeadTag<ChaCha20Poly1305>;

/// Seals a share to the recipient of the release and signs the manifest.
///
/// # Errors
/// [`SealError`].
///
/// # Security
/// Call after READY was exchanged: two sealed shares are enough to reconstruct.
pub fn seal(share: &ResultShare, by: &Sealer<'_>) -> Result<Sealed, SealError> {
    let role = share.role();
    let recipient = by.release.recipient();
    let binding = Binding {
        job: by.release.job(),
        plan: by.release.plan(),
        attempt: by.attempt,
        role: role as u8,
        summands: [role as u8, role.next() as u8],
        party: by.party.clone(),
        recipient,
        consents_root: by.release.consents_root(),
        layout: layout_hash(&share.shapes()),
    };
    let (enc, ciphertext) = encrypt(&share.encode()?, recipient, (INFO, &binding.aad()))?;
    let manifest = SealedManifest {
        binding,
        enc,
        ciphertext_sha256: Hash32(Sha256::digest(&ciphertext).into()),
        length: ciphertext.len() as u64,
    };
    let manifest = Signed::new(SEALED_DOMAIN, manifest, by.party.clone(), by.key);
    Ok(Sealed { manifest, ciphertext })
}

/// Chunks for the holder of a key, under what they are (`info`) and what they are bound to (`aad`); and the encapsulated key.
pub(super) fn encrypt(
    plaintext: &[u8],
    recipient: SealingPublicKey,
    (info, aad): (&[u8], &[u8]),
) -> Result<(Hash32, Vec<u8>), SealError> {
    // The library panics where the operating system has no randomness: ask first.
    getrandom::u64().map_err(|_| SealError::Randomness)?;
    let bad_key = |_| SealError::Recipient(recipient);
    let key = <X25519HkdfSha256 as Kem>::PublicKey::from_bytes(&recipient.0).map_err(bad_key)?;
    let (enc, mut context) = hpke::setup_sender::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
        &OpModeS::Base,
        &key,
        info,
    )
    .map_err(bad_key)?;
    let mut ciphertext = Vec::with_capacity(sealed_len(plaintext.len()));
    // The context numbers the chunks, so they cannot change places; how many are due follows from the layout.
    for chunk in plaintext.chunks(CHUNK_BYTES) {
        ciphertext.extend(context.seal(chunk, aad).map_err(|_| SealError::Cipher)?);
    }
    let mut bytes = [0; 32];
    enc.write_exact(&mut bytes);
    Ok((Hash32(bytes), ciphertext))
}

/// Checks one party's sealed share against what is due, and opens it.
///
/// # Errors
/// [`OpenError`] naming the party and what is wrong; nothing is decrypted before signer, binding and hash hold.
pub fn open(
    sealed: &Sealed,
    role: Role,
    key: &SealingKey,
    expected: &Expected<'_>,
) -> Result<ResultShare, OpenError> {
    let manifest = check(sealed, role, key.public(), expected)?;
    let party = &manifest.binding.party;
    let broken = |fault| OpenError::Share { party: party.clone(), fault };
    let plain_len = encoded_len(expected.shapes).map_err(broken)?;
    let want = sealed_len(plain_len);
    if sealed.ciphertext.len() != want {
        return Err(OpenError::Length { party: party.clone(), got: sealed.ciphertext.len(), want });
    }
    let aad = manifest.binding.aad();
    let plaintext = decrypt(&sealed.ciphertext, key, manifest.enc, (INFO, &aad))
        .ok_or_else(|| OpenError::Cipher(party.clone()))?;
    ResultShare::decode(&plaintext, role, expected.shapes).map_err(broken)
}

fn check<'a>(
    sealed: &'a Sealed,
    role: Role,
    recipient: SealingPublicKey,
    expected: &Expected<'_>,
) -> Result<&'a SealedManifest, OpenError> {
    let due = &expected.compute[role.index()];
    let signer = &sealed.manifest.party;
    if signer != due {
        return Err(OpenError::Signer { role, found: signer.clone(), due: due.clone() });
    }
    let pin = expected.pins.of(due).map_err(|_| OpenError::NotPinned(due.clone()))?;
    let manifest = sealed
        .manifest
        .verify(SEALED_DOMAIN, &pin.key)
        .map_err(|_| OpenError::Signature(due.clone()))?;
    if let Some(field) = expected.binding(role, recipient).difference(&manifest.binding) {
        return Err(OpenError::Differs { party: due.clone(), field });
    }
    if Hash32(Sha256::digest(&sealed.ciphertext).into()) != manifest.ciphertext_sha256 {
        return Err(OpenError::Ciphertext(due.clone()));
    }
    Ok(manifest)
}

/// What [`encrypt`] made of it; nothing where key, `info` or `aad` are others.
pub(super) fn decrypt(
    ciphertext: &[u8],
    key: &SealingKey,
    enc: Hash32,
    (info, aad): (&[u8], &[u8]),
) -> Option<Zeroizing<Vec<u8>>> {
    type Key = <X25519HkdfSha256 as Kem>::PrivateKey;
    type Enc = <X25519HkdfSha256 as Kem>::EncappedKey;
    let secret = Key::from_bytes(key.expose()).ok()?;
    let enc = Enc::from_bytes(&enc.0).ok()?;
    let mut context = hpke::setup_receiver::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
        &OpModeR::Base,
        &secret,
        &enc,
        info,
    )
    .ok()?;
    let mut plaintext = Zeroizing::new(Vec::with_capacity(ciphertext.len()));
    for chunk in ciphertext.chunks(CHUNK_BYTES + Tag::size()) {
        plaintext.extend_from_slice(&Zeroizing::new(context.open(chunk, aad).ok()?));
    }
    Some(plaintext)
}

/// Bytes of the ciphertext of so many bytes of plaintext.
pub(super) fn sealed_len(plain: usize) -> usize {
    plain + plain.div_ceil(CHUNK_BYTES) * Tag::size()
}
