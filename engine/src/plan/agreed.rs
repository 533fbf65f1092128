//! What two owners hold alike before their sets meet, by whichever protocol: buckets, price, and the chance of a fault.

use protocols::{
    psi::{Output, Progress, Setting, ecdh, vole_psi},
    session::PairCost,
};

/// All that is public of an intersection between two owners, as its protocol has it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Agreed {
    /// VOLE-PSI.
    Vectors(Setting),
    /// Diffie–Hellman.
    Points(ecdh::Setting),
}

impl Agreed {
    /// Buckets, the unit of reading, sending and repeating.
    #[must_use]
    pub fn buckets(&self) -> usize {
        match self {
            Self::Vectors(setting) => setting.parameters.buckets(),
            Self::Points(setting) => setting.buckets(),
        }
    }

    /// Who learns the outcome.
    #[must_use]
    pub fn output(&self) -> Output {
        match self {
            Self::Vectors(setting) => setting.output,
            Self::Points(setting) => setting.output(),
        }
    }

    /// Whether it can go on over other connections where the link is lost: not where it is over so soon that nothing is said of how
    /// far it is.
    #[must_use]
    pub fn goes_on(&self) -> bool {
        match self {
            Self::Vectors(_) => true,
            Self::Points(setting) => setting.goes_on(),
        }
    }

    /// Nothing is done yet.
    #[must_use]
    pub fn progress(&self) -> Progress {
        match self {
            Self::Vectors(setting) => setting.progress(),
            Self::Points(setting) => setting.progress(),
        }
    }

    /// The twin of the protocol from a bucket on.
    pub fn cost_from(&self, c: &mut PairCost, first: usize) {
        match self {
            Self::Vectors(setting) => vole_psi::cost_from(c, setting, first),
            Self::Points(setting) => ecdh::cost_from(c, setting, first),
        }
    }

    /// −log2 of the bound on the probability that the run fails by chance or shows a false member.
    #[must_use]
    pub fn failure_bits(&self) -> f64 {
        match self {
            Self::Vectors(setting) => setting.parameters.failure_bits(),
            Self::Points(setting) => setting.failure_bits(),
        }
    }
}
