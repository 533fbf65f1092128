//! The figures of one round of a training, sealed to the buyer while it goes on.
//!
//! As a result share is: HPKE of RFC 9180, and a signed manifest. There is one of a round, by the first compute party, which knows the
//! figures as all three do; what the buyer goes by is the result.
//!
//! # Security
//! The length depends on the plan alone. It is bound to job, plan, run, attempt, round and recipient, and opens for nothing else.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::envelope::{SealError, Sealer, decrypt, encrypt, sealed_len};
use crate::identity::{
    Hash32, PartyName, Pins, SealingKey, SealingPublicKey, Signed, canonical_message,
};

/// The domain tag under which manifests of sealed rounds are signed.
pub const ROUND_DOMAIN: &str = "unseen.sealed-round/v1";
const INFO: &[u8] = b"unseen/v1 round";

/// What the ciphertext is bound to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoundBinding {
    /// Hash of the job specification.
    pub job: Hash32,
    /// Hash of the plan.
    pub plan: Hash32,
    /// The run's name.
    pub run: Hash32,
    /// Which attempt at running the job.
    pub attempt: u32,
    /// Which round, from 1.
    pub round: u32,
    /// The compute party that seals.
    pub party: PartyName,
    /// The key it is sealed to.
    pub recipient: SealingPublicKey,
}

/// What a compute party signs about a sealed round.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoundManifest {
    /// What the round is bound to.
    pub binding: RoundBinding,
    /// The encapsulated HPKE key, 64 hexadecimal digits.
    pub enc: Hash32,
    /// SHA-256 of the ciphertext.
    pub ciphertext_sha256: Hash32,
}

/// A sealed round: a signed manifest, and a ciphertext that only the recipient opens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedFigures {
    /// Who sealed what, and the ciphertext's hash.
    pub manifest: Signed<RoundManifest>,
    /// The words with a tag behind them.
    pub ciphertext: Vec<u8>,
}

/// What the buyer expects of a sealed round; from its own job and the plan.
#[derive(Clone, Copy, Debug)]
pub struct ExpectedRound<'a> {
    /// Hash of the job specification.
    pub job: Hash32,
    /// Hash of the plan.
    pub plan: Hash32,
    /// The run and the attempt, once the buyer has opened a round of them.
    pub run: Option<(Hash32, u32)>,
    /// Which round it is said to be.
    pub round: u32,
    /// The first compute party.
    pub party: &'a PartyName,
    /// Words that a round has.
    pub words: usize,
    /// The buyer's own pins.
    pub pins: &'a Pins,
}

/// A sealed round that the buyer must not believe.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RoundOpenError {
    /// The party is not pinned here.
    #[error("{0} is not pinned here: add its key under [pins] in the configuration")]
    NotPinned(PartyName),
    /// Somebody else signed.
    #[error("the figures of a round are signed by {found}, {due} is due")]
    Signer {
        /// Who signed.
        found: PartyName,
        /// Who should have.
        due: PartyName,
    },
    /// The signature does not hold.
    #[error("the signature of {0} over the figures of a round does not hold: do not believe them")]
    Signature(PartyName),
    /// They belong to another job, plan, run, round or recipient.
    #[error(
        "the figures of a round by {party} have another `{field}` than is due: do not believe them"
    )]
    Differs {
        /// Who sealed.
        party: PartyName,
        /// Which field.
        field: &'static str,
    },
    /// The ciphertext is not the one that was signed, or has another length than the plan asks for.
    #[error("the ciphertext of a round's figures is not the one that {0} signed")]
    Ciphertext(PartyName),
    /// It does not open with this key.
    #[error("the figures of a round by {0} do not open with this sealing key")]
    Cipher(PartyName),
}

/// Seals the words of a round to the recipient of the release and signs the manifest.
///
/// # Cost
/// Two scalar multiplications on Curve25519 and a signature.
///
/// # Errors
/// [`SealError`].
///
/// # Security
/// The words are those of an opened round: what the result tells of it, and the leakage report says that the buyer hears of it.
pub fn seal_round(
    words: &[u64],
    (run, round): (Hash32, u32),
    by: &Sealer<'_>,
) -> Result<SealedFigures, SealError> {
    let recipient = by.release.recipient();
    let binding = RoundBinding {
        job: by.release.job(),
        plan: by.release.plan(),
        run,
        attempt: by.attempt,
        round,
        party: by.party.clone(),
        recipient,
    };
    let plain: Zeroizing<Vec<u8>> =
        Zeroizing::new(words.iter().flat_map(|word| word.to_le_bytes()).collect());
    let (enc, ciphertext) = encrypt(&plain, recipient, (INFO, &binding.aad()))?;
    let ciphertext_sha256 = Hash32(Sha256::digest(&ciphertext).into());
    let manifest = RoundManifest { binding, enc, ciphertext_sha256 };
    let manifest = Signed::new(ROUND_DOMAIN, manifest, by.party.clone(), by.key);
    Ok(SealedFigures { manifest, ciphertext })
}

/// Checks a sealed round against what is due, and opens it: its words, and what they are bound to.
///
/// # Errors
/// [`RoundOpenError`]; nothing is decrypted before signer, binding and hash hold.
pub fn open_round<'s>(
    sealed: &'s SealedFigures,
    key: &SealingKey,
    expected: &ExpectedRound<'_>,
) -> Result<(&'s RoundBinding, Vec<u64>), RoundOpenError> {
    let (due, found) = (expected.party, &sealed.manifest.party);
    if found != due {
        return Err(RoundOpenError::Signer { found: found.clone(), due: due.clone() });
    }
    let pin = expected.pins.of(due).map_err(|_| RoundOpenError::NotPinned(due.clone()))?;
    let manifest = sealed.manifest.verify(ROUND_DOMAIN, &pin.key);
    let manifest = manifest.map_err(|_| RoundOpenError::Signature(due.clone()))?;
    let binding = &manifest.binding;
    if let Some(field) = expected.difference(binding, key.public()) {
        return Err(RoundOpenError::Differs { party: due.clone(), field });
    }
    let ciphertext = &sealed.ciphertext;
    let hash = Hash32(Sha256::digest(ciphertext).into());
    if hash != manifest.ciphertext_sha256 || ciphertext.len() != sealed_len(8 * expected.words) {
        return Err(RoundOpenError::Ciphertext(due.clone()));
    }
    let plain = decrypt(ciphertext, key, manifest.enc, (INFO, &binding.aad()))
        .ok_or_else(|| RoundOpenError::Cipher(due.clone()))?;
    let (words, _) = plain.as_chunks();
    Ok((binding, words.iter().map(|word| u64::from_le_bytes(*word)).collect()))
}

impl RoundBinding {
    /// The additional authenticated data.
    fn aad(&self) -> Vec<u8> {
        canonical_message("unseen.round/v1", self)
    }
}

impl ExpectedRound<'_> {
    /// The first field in which a binding is not the one that is due.
    fn difference(&self, of: &RoundBinding, own: SealingPublicKey) -> Option<&'static str> {
        let fields = [
            ("job", self.job == of.job),
            ("plan", self.plan == of.plan),
            ("run", self.run.is_none_or(|run| run == (of.run, of.attempt))),
            ("round", self.round == of.round),
            ("party", *self.party == of.party),
            ("recipient", own == of.recipient),
        ];
        fields.into_iter().find(|(_, same)| !same).map(|(field, _)| field)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{Release, fixtures::*, verify};

    const RUN: Hash32 = Hash32([7; 32]);
    const WORDS: [u64; 5] = [3, 812, 0, 707, 0b10];

    fn release() -> Release {
        verify(&consents(), &terms(&plan(), &pins())).unwrap()
    }

    fn sealed_by(signer: &str, words: &[u64], round: u32) -> SealedFigures {
        let party = plan().compute[0].clone();
        let by = Sealer { release: &release(), attempt: 1, party: &party, key: &key(signer) };
        seal_round(words, (RUN, round), &by).unwrap()
    }

    fn sealed(words: &[u64], round: u32) -> SealedFigures {
        sealed_by(plan().compute[0].as_str(), words, round)
    }

    fn opened(
        sealed: &SealedFigures,
        key: &SealingKey,
        change: impl FnOnce(&mut ExpectedRound<'_>),
    ) -> Result<Vec<u64>, RoundOpenError> {
        let (plan, pins) = (plan(), pins());
        let party = &plan.compute[0];
        let (job, run, words) = (plan.job, Some((RUN, 1)), WORDS.len());
        let mut expected =
            ExpectedRound { job, plan: plan_hash(), run, round: 3, party, words, pins: &pins };
        change(&mut expected);
        open_round(sealed, key, &expected).map(|(_, words)| words)
    }

    #[test]
    fn the_buyer_alone_opens_the_figures_of_a_round() {
        let honest = sealed(&WORDS, 3);
        assert_eq!(opened(&honest, &buyer_key(), |_| ()).unwrap(), WORDS);
        let other = SealingKey::from_bytes([9; 32]);
        let error = opened(&honest, &other, |_| ()).unwrap_err();
        assert!(matches!(error, RoundOpenError::Differs { field: "recipient", .. }), "{error}");
        // Nor where nobody looks for whom it is.
        let SealedFigures { manifest, ciphertext } = &honest;
        let body = &manifest.body;
        let aad = (INFO, &body.binding.aad()[..]);
        assert!(decrypt(ciphertext, &other, body.enc, aad).is_none());
        assert!(decrypt(ciphertext, &buyer_key(), body.enc, aad).is_some());
        // A share of the result, and what is bound to something else, are other things.
        let as_share = (&b"unseen/v1 result-share"[..], aad.1);
        assert!(decrypt(ciphertext, &buyer_key(), body.enc, as_share).is_none());
        let again = sealed(&WORDS, 4).manifest.body.binding.aad();
        assert!(decrypt(ciphertext, &buyer_key(), body.enc, (INFO, &again)).is_none());
    }

    #[test]
    fn figures_of_another_round_run_job_or_signer_are_not_believed() {
        let honest = sealed(&WORDS, 3);
        let field = |change: &dyn Fn(&mut ExpectedRound<'_>)| match opened(
            &honest,
            &buyer_key(),
            |expected| change(expected),
        )
        .unwrap_err()
        {
            RoundOpenError::Differs { field, .. } => field,
            other => panic!("{other}"),
        };
        assert_eq!(field(&|of| of.round = 4), "round");
        assert_eq!(field(&|of| of.job = RUN), "job");
        assert_eq!(field(&|of| of.plan = RUN), "plan");
        assert_eq!(field(&|of| of.run = Some((Hash32([8; 32]), 1))), "run");
        assert_eq!(field(&|of| of.run = Some((RUN, 2))), "run");
        let forged = sealed_by("exchange", &WORDS, 3);
        let error = opened(&forged, &buyer_key(), |_| ()).unwrap_err();
        assert!(matches!(error, RoundOpenError::Signature(_)), "{error}");
        let own = Signed { party: name("exchange"), ..forged.manifest.clone() };
        let own = SealedFigures { manifest: own, ..forged };
        let error = opened(&own, &buyer_key(), |_| ()).unwrap_err();
        assert!(matches!(error, RoundOpenError::Signer { .. }), "{error}");
        let mut broken = honest.clone();
        broken.ciphertext[0] ^= 1;
        let error = opened(&broken, &buyer_key(), |_| ()).unwrap_err();
        assert!(matches!(error, RoundOpenError::Ciphertext(_)), "{error}");
    }

    #[test]
    fn the_length_depends_on_the_plan_alone() {
        let [some, none] = [WORDS, [0; 5]].map(|words| sealed(&words, 3));
        assert_eq!(some.ciphertext.len(), none.ciphertext.len());
        assert_eq!(some.ciphertext.len(), 8 * WORDS.len() + 16);
        // Another number of words than the plan's is no round of it.
        let error = opened(&sealed(&WORDS[1..], 3), &buyer_key(), |_| ()).unwrap_err();
        assert!(matches!(error, RoundOpenError::Ciphertext(_)), "{error}");
    }
}
