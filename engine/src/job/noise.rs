//! Noise on the counts and sums of an intersection, as jobs ask for it and policies demand it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How much noise each released number gets at least: that of differential privacy with this ε, for one key more or less.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PsiNoise {
    /// ε of one number, in thousandths: 1000 is ε = 1. The smaller, the more noise.
    pub epsilon_milli: u32,
}

impl PsiNoise {
    /// The largest ε that is noise at all, in thousandths.
    const MOST: u32 = 1_000_000;

    /// Whether it is one.
    ///
    /// # Errors
    /// Why not.
    pub fn check(self) -> Result<(), &'static str> {
        let fits = (1..=Self::MOST).contains(&self.epsilon_milli);
        fits.then_some(()).ok_or("has an `epsilon_milli` of 1 to 1000000")
    }

    /// Whether it is at least as much noise as another.
    #[must_use]
    pub fn covers(self, other: Self) -> bool {
        self.epsilon_milli <= other.epsilon_milli
    }
}

impl fmt::Display for PsiNoise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ε = {}.{:03}", self.epsilon_milli / 1000, self.epsilon_milli % 1000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn less_epsilon_is_more_noise() {
        let [much, little] = [100, 2500].map(|epsilon_milli| PsiNoise { epsilon_milli });
        assert!(much.covers(little) && much.covers(much) && !little.covers(much));
        assert_eq!(little.to_string(), "ε = 2.500");
        for (milli, fits) in [(0, false), (1, true), (1_000_000, true), (1_000_001, false)] {
            assert_eq!(PsiNoise { epsilon_milli: milli }.check().is_ok(), fits, "{milli}");
        }
    }
}
