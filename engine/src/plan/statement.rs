//! What a provider says of a table it has published, under its signature: what all queries are checked against.

use std::fmt;

use protocols::psi::lookup::{HEADER_BYTES, Header};
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::identity::{Hash32, IdentityKey, PublicKey, Signature};

/// The domain tag under which publications are signed.
const DOMAIN: &str = "unseen.publication/v1";

/// Bytes of a statement: terms, salt, header, signature.
pub const STATEMENT_BYTES: usize = 32 + 32 + HEADER_BYTES + 64;

/// A signed description of a published table.
#[derive(Clone, PartialEq, Eq)]
pub struct Statement {
    /// What was published: [`super::Lookup::terms`].
    pub terms: Hash32,
    /// The salt of the publication: key ids are hashed under it. Public, and fresh for each.
    pub salt: Hash32,
    /// The table.
    pub header: Header,
    signature: Signature,
}

/// What is signed.
#[derive(Serialize)]
struct Signed {
    terms: Hash32,
    salt: Hash32,
    header: String,
}

/// Why bytes are no statement for a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StatementError {
    /// Cut short, or made by another build.
    #[error("the publication's description cannot be read")]
    Unreadable,
    /// About something else.
    #[error("the publication is of other columns, rows or queries than the job asks about")]
    Terms,
    /// Not signed by the provider.
    #[error("the publication is not signed by the provider that is pinned here")]
    Signature,
}

impl Statement {
    /// Signs a description.
    #[must_use]
    pub fn sign(terms: Hash32, salt: Hash32, header: Header, key: &IdentityKey) -> Self {
        let signature = key.sign(DOMAIN, &signed(terms, salt, &header));
        Self { terms, salt, header, signature }
    }

    /// The bytes that travel.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; STATEMENT_BYTES] {
        let mut bytes = [0; STATEMENT_BYTES];
        let header = self.header.to_bytes();
        let parts = [&self.terms.0[..], &self.salt.0, &header, self.signature.as_bytes()];
        bytes.iter_mut().zip(parts.concat()).for_each(|(to, from)| *to = from);
        bytes
    }

    /// The statement of bytes from anywhere, if this key signed it and it is about these terms.
    ///
    /// # Errors
    /// [`StatementError`].
    pub fn check(bytes: &[u8], terms: Hash32, key: &PublicKey) -> Result<Self, StatementError> {
        let unreadable = StatementError::Unreadable;
        let (named, rest) = bytes.split_first_chunk::<32>().ok_or(unreadable)?;
        let (salt, rest) = rest.split_first_chunk::<32>().ok_or(unreadable)?;
        let (header, signature) = rest.split_last_chunk::<64>().ok_or(unreadable)?;
        let header = Header::from_bytes(header).map_err(|_| unreadable)?;
        let (named, salt) = (Hash32(*named), Hash32(*salt));
        let signature = Signature::from_bytes(*signature);
        key.verify(DOMAIN, &signed(named, salt, &header), &signature)
            .map_err(|_| StatementError::Signature)?;
        let statement = Self { terms: named, salt, header, signature };
        (named == terms).then_some(statement).ok_or(StatementError::Terms)
    }

    /// Whether this is of a change of what another one is of: the next one, under a key and a number of its own.
    #[must_use]
    pub fn changes(&self, other: &Self) -> bool {
        let (epoch, before) = (self.header.epoch, other.header.epoch.number);
        let same = (self.terms, self.salt) == (other.terms, other.salt);
        same && epoch.base == Some(before)
            && epoch.number > before
            && self.header.key != other.header.key
    }

    /// By what a party says which publication it holds.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        Sha256::digest(self.to_bytes()).into()
    }
}

fn signed(terms: Hash32, salt: Hash32, header: &Header) -> Signed {
    Signed { terms, salt, header: hex::encode(header.to_bytes()) }
}

impl fmt::Debug for Statement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Header { epoch, rows, .. } = &self.header;
        write!(f, "Statement(epoch {}, {rows} rows of {})", epoch.number, self.terms)
    }
}
