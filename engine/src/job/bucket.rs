//! How many rows of a set go together where owners' sets meet bucket by bucket.

use std::fmt;

use protocols::psi::BUCKET_ITEMS;
use serde::{Deserialize, Serialize};

/// Rows of the larger set in a bucket, on average: a power of two from 2^12 to 2^22, 2^18 where nothing is said.
///
/// Buckets are what an owner reads, sends and repeats at a time: fewer rows take less memory and more bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct BucketRows(u32);

/// A number of rows that a bucket cannot have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "psi.bucket_rows is a power of two from {} to {}, and not {rows}",
    BucketRows::LEAST,
    BucketRows::MOST
)]
pub struct BucketRowsError {
    rows: u32,
}

impl BucketRows {
    /// Fewer would be sent mostly as padding.
    pub const LEAST: u32 = 1 << 12;
    /// More would take a gigabyte at an owner.
    pub const MOST: u32 = 1 << 22;

    /// How many.
    #[must_use]
    pub const fn rows(self) -> usize {
        self.0 as usize
    }

    /// Whether it is what is meant where nothing is said.
    #[must_use]
    pub fn is_usual(&self) -> bool {
        *self == Self::default()
    }
}

impl Default for BucketRows {
    fn default() -> Self {
        Self(u32::try_from(BUCKET_ITEMS).unwrap_or(Self::MOST))
    }
}

impl TryFrom<u32> for BucketRows {
    type Error = BucketRowsError;

    fn try_from(rows: u32) -> Result<Self, BucketRowsError> {
        let fits = rows.is_power_of_two() && (Self::LEAST..=Self::MOST).contains(&rows);
        if fits { Ok(Self(rows)) } else { Err(BucketRowsError { rows }) }
    }
}

impl From<BucketRows> for u32 {
    fn from(rows: BucketRows) -> Self {
        rows.0
    }
}

impl fmt::Display for BucketRows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powers_of_two_within_the_bounds_are_taken_and_nothing_else() {
        for rows in [1 << 12, 1 << 18, 1 << 22] {
            assert_eq!(BucketRows::try_from(rows).map(u32::from), Ok(rows));
        }
        for rows in [0, 1, 1 << 11, 5000, (1 << 18) + 1, 1 << 23, u32::MAX] {
            let error = serde_json::from_str::<BucketRows>(&rows.to_string()).unwrap_err();
            assert!(error.to_string().contains("power of two from 4096 to 4194304"), "{error}");
        }
        assert!(BucketRows::default().is_usual() && BucketRows::default().rows() == 1 << 18);
    }
}
