//! What the updates of a training are held to before they are added up.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::micro::Micro;

/// A gate: updates are looked at on shares, and only those that keep to it are added up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum GateSpec {
    /// Updates whose L2 norm is within a bound, and whose figures can be true.
    Norm {
        /// The bound, to which a provider that keeps to the rules clips its update. What is more than some 1.8 times as long
        /// (2.4 times with 64 projections) is refused.
        largest_norm: Micro,
        /// The largest loss of a row, on average over a provider's rows; a larger one is told as this.
        #[serde(default = "hundred")]
        largest_loss: Micro,
        /// 64 or 128 sums are made of an update to tell its norm: the more, the nearer to the bound.
        #[serde(default = "usual")]
        projections: u32,
    },
    /// Of those the ones that are nearest to their nearest others, whatever their weights: multi-Krum.
    Krum {
        /// As above.
        largest_norm: Micro,
        /// As above.
        #[serde(default = "hundred")]
        largest_loss: Micro,
        /// As above.
        #[serde(default = "usual")]
        projections: u32,
        /// How many providers may deviate or stay away, of at least twice as many and three.
        byzantine: u32,
        /// How many updates are taken; left out, as many as may be: all but those.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        keep: Option<u32>,
    },
}

/// The kinds of gates, as policies name them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GateKind {
    /// [`GateSpec::Norm`].
    Norm,
    /// [`GateSpec::Krum`].
    Krum,
}

impl fmt::Display for GateKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Norm => "norm",
            Self::Krum => "krum",
        })
    }
}

impl GateSpec {
    /// As policies name it.
    #[must_use]
    pub fn kind(&self) -> GateKind {
        match self {
            Self::Norm { .. } => GateKind::Norm,
            Self::Krum { .. } => GateKind::Krum,
        }
    }

    /// The bound on norms, the bound on losses, and how many projections are made.
    #[must_use]
    pub fn bounds(&self) -> (Micro, Micro, u32) {
        match self {
            Self::Norm { largest_norm, largest_loss, projections }
            | Self::Krum { largest_norm, largest_loss, projections, .. } => {
                (*largest_norm, *largest_loss, *projections)
            }
        }
    }

    /// Of multi-Krum among so many providers: how many may deviate, and how many are taken.
    #[must_use]
    pub fn krum(&self, providers: usize) -> Option<(usize, usize)> {
        match self {
            Self::Norm { .. } => None,
            Self::Krum { byzantine, keep, .. } => {
                let byzantine = *byzantine as usize;
                let most = providers.saturating_sub(byzantine);
                Some((byzantine, keep.map_or(most, |keep| keep as usize)))
            }
        }
    }

    /// What can be checked by itself.
    ///
    /// # Errors
    /// The first field that has a value it cannot have, and why.
    pub fn check(&self) -> Result<(), (&'static str, &'static str)> {
        let (norm, _, projections) = self.bounds();
        if norm == Micro(0) {
            return Err(("train.gate.largest_norm", "is more than 0"));
        }
        if ![64, 128].contains(&projections) {
            return Err(("train.gate.projections", "is 64 or 128"));
        }
        if self.krum(usize::MAX).is_some_and(|(_, keep)| keep < 2) {
            return Err(("train.gate.keep", "is 2 at least: an average of one is an update"));
        }
        Ok(())
    }
}

/// In words, for people who approve it.
impl fmt::Display for GateSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (norm, ..) = self.bounds();
        write!(f, "updates of norm {norm} at most")?;
        match self {
            Self::Norm { .. } => Ok(()),
            Self::Krum { byzantine, keep: None, .. } => {
                write!(f, ", all but the {byzantine} farthest from the others")
            }
            Self::Krum { byzantine, keep: Some(keep), .. } => {
                write!(f, ", the {keep} nearest to each other where {byzantine} may deviate")
            }
        }
    }
}

const fn usual() -> u32 {
    128
}

const fn hundred() -> Micro {
    Micro(100_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gate_has_a_bound_and_defaults() {
        let read = |json: &str| serde_json::from_str::<GateSpec>(json);
        let norm = read(r#"{"kind": "norm", "largest_norm": 1.5}"#).unwrap();
        assert_eq!(norm.bounds(), (Micro(1_500_000), Micro(100_000_000), 128));
        assert_eq!((norm.check(), norm.krum(9)), (Ok(()), None));
        let krum = read(r#"{"kind": "krum", "largest_norm": 1, "byzantine": 2}"#).unwrap();
        assert_eq!(krum.krum(9), Some((2, 7)));
        assert!(krum.to_string().contains("all but the 2 farthest"));
        assert!(read(r#"{"kind": "norm"}"#).is_err(), "no bound");
        assert!(read(r#"{"kind": "norm", "largest_norm": 1, "byzantine": 2}"#).is_err());
        for (json, field) in [
            (r#"{"kind": "norm", "largest_norm": 0}"#, "train.gate.largest_norm"),
            (r#"{"kind": "norm", "largest_norm": 1, "projections": 65}"#, "train.gate.projections"),
            (
                r#"{"kind": "krum", "largest_norm": 1, "byzantine": 2, "keep": 1}"#,
                "train.gate.keep",
            ),
        ] {
            assert_eq!(read(json).unwrap().check().unwrap_err().0, field);
        }
    }
}
