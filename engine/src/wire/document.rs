//! Documents: signed JSON that travels as the bytes it was written as.

use serde::{Serialize, de::DeserializeOwned};

use crate::job::{Failure, Reason, Stage};

/// Largest document, in bytes; a gRPC message holds at most 4 MiB.
pub const MAX_DOCUMENT_BYTES: usize = 1 << 20;

/// Reads a document.
///
/// # Errors
/// [`Reason::SpecInvalid`] naming what it should have been, and where the JSON breaks off.
pub fn parse<T: DeserializeOwned>(what: &str, stage: Stage, json: &[u8]) -> Result<T, Failure> {
    let bad = |why: String| Failure::new(Reason::SpecInvalid, stage, format!("{what}: {why}"));
    if json.len() > MAX_DOCUMENT_BYTES {
        return Err(bad(format!("has {} bytes, more than {MAX_DOCUMENT_BYTES}", json.len())));
    }
    serde_json::from_slice(json).map_err(|error| bad(error.to_string()))
}

/// Writes a document.
///
/// # Panics
/// If the value cannot be JSON: a programming error.
pub fn write<T: Serialize>(value: &T) -> Vec<u8> {
    serde_json::to_vec(value).expect("a document is an object with string keys")
}
