//! Noise on what is released: how much, and what it is good for.

use serde::{Deserialize, Serialize};

use super::refs::Ref;

/// Most of what one key may add to a number that is blurred: below this, all noise fits a word.
pub const MAX_SENSITIVITY: u64 = 1 << 40;

/// Columns of counts and sums with noise added: exact ones never leave their shares.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Blur {
    /// The columns (Z64), of equal length.
    pub columns: Vec<Ref>,
    /// For each column, by how much one key more or less changes a value of it at most; below [`MAX_SENSITIVITY`].
    pub sensitivities: Vec<u64>,
    /// ε of one number, in thousandths.
    pub epsilon_milli: u32,
}

impl Blur {
    /// What does not fit.
    pub(super) fn check(&self) -> Result<(), String> {
        if self.columns.is_empty() || self.columns.len() != self.sensitivities.len() {
            return Err("has not one sensitivity for each column".into());
        }
        if self.epsilon_milli == 0 || self.sensitivities.iter().any(|by| *by >= MAX_SENSITIVITY) {
            return Err("asks for more noise than a word holds".into());
        }
        Ok(())
    }
}

/// ε in thousandths as people write it.
pub(super) fn epsilon(milli: u64) -> String {
    format!("{}.{:03}", milli / 1000, milli % 1000)
}
