//! Where a training on joined rows stands, and how three parties that were interrupted come to go on from one place.
//!
//! Each party keeps its own shares of the weights after some of the passes, the last two of them ([`Record`]). No party is done with
//! a pass before both others have begun it, and so have kept what came before: of two that were interrupted at any
//! moment, what one kept last is among the two that the other has.
//!
//! ```text
//! each party to both others:   the passes and the mark of each standing that it has, and a random mark
//! all go on from:              the furthest standing that all three have, of one mark; from the beginning where there is none
//! ```
//!
//! What is kept from then on bears the sum of the three random marks: shares of two runs never meet, though both were after as many passes.
//!
//! # Security
//! What a party keeps are its shares, which alone show nothing of the weights; what it says are numbers of passes, which all three
//! have seen, and random marks. Weights that two runs go on from are one sharing, used twice under fresh zero shares. Semi-honest:
//! a party that says what it has not, or goes on from other shares, spoils the model, as it can by any wrong share.

use protocols::{
    prg::Prg,
    ring::Z64,
    session::{Meter, Session, SessionError},
    share::Shared,
};

use super::{record::Record, setting::Setting};
use crate::heard::{heard, heard_cost};

/// Standings that a party keeps.
pub(super) const KEPT: usize = 2;
/// Words that name one: the passes and the mark.
const NAME: usize = 3;

/// A place in a training: after how many passes, and this party's shares of the weights there.
#[derive(Clone, Debug)]
pub struct Standing {
    pub(super) passes: usize,
    /// Of the run that came there, the same at all three; random.
    pub(super) mark: [u64; 2],
    pub(super) weights: Shared<Z64>,
}

impl Standing {
    /// The beginning.
    #[must_use]
    pub fn new(setting: &Setting) -> Self {
        Self { passes: 0, mark: [0; 2], weights: Shared::zeros(setting.len()) }
    }

    /// Passes that are done.
    #[must_use]
    pub fn passes(&self) -> usize {
        self.passes
    }

    fn name(&self) -> [u64; NAME] {
        [self.passes as u64, self.mark[0], self.mark[1]]
    }
}

/// Where all three go on, given what each has kept; a party that keeps nothing goes on from the beginning, and so do all.
///
/// # Cost
/// 1 round, 8 words from each party to each other.
///
/// # Errors
/// The links'.
///
/// # Security
/// See the module; opens nothing.
pub fn stand(
    s: &mut Session,
    setting: &Setting,
    record: Option<&mut Record>,
    rng: &mut Prg,
) -> Result<Standing, SessionError> {
    let mut nothing = Vec::new();
    let kept = record.map_or(&mut nothing, Record::kept);
    let mut own = vec![0; KEPT * NAME];
    own.chunks_mut(NAME).zip(kept.iter()).for_each(|(at, of)| at.copy_from_slice(&of.name()));
    own.extend_from_slice(&rng.elements::<Z64>(2));
    let theirs = heard(s, &own)?;
    let has = |words: &[u64], of: &Standing| {
        words[..KEPT * NAME].chunks(NAME).any(|name| name == of.name())
    };
    let common = kept.iter().rposition(|of| theirs.iter().all(|(_, words)| has(words, of)));
    // What is beyond is of a run that not all of them were in.
    kept.truncate(common.map_or(0, |at| at + 1));
    let mark = [0, 1].map(|at| {
        let of = |words: &[u64]| words[KEPT * NAME + at];
        theirs.iter().fold(of(&own), |mark, (_, words)| mark ^ of(words))
    });
    let last = kept.last().cloned().unwrap_or_else(|| Standing::new(setting));
    Ok(Standing { mark, ..last })
}

/// Twin of [`stand`].
pub fn stand_cost(m: &mut Meter) {
    heard_cost(m, KEPT * NAME + 2);
}
