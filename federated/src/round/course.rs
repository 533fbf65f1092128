//! What all who take part know beforehand, and where a training stands.

use std::{borrow::Cow, time::Duration};

use protocols::party::{PartyId, Role};

use super::{counting::Counting, error::RoundError, privacy::Privacy, total::Opened, worth::Worth};
use crate::{
    average::{Encoding, Layout, TRAILER_WORDS, Trailer, explicit_party},
    gate::Gates,
    noise::AdaptiveClip,
    strategy::{Optimizer, Rule},
};

/// Words that a round tells of a clip that follows updates: the clip, and the part of the updates that was within it, with its
/// noise; the bits of each in double precision.
pub const CLIP_WORDS: usize = 2;

/// How long a round may take, and how many must be in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// No average is opened of fewer updates.
    pub least: usize,
    /// A round waits no longer than this for updates.
    pub deadline: Duration,
}

/// A training as all parties know it.
#[derive(Clone, Debug, PartialEq)]
pub struct Course {
    /// Parameters of the model.
    pub parameters: usize,
    /// How updates become integers.
    pub encoding: Encoding,
    /// How many rounds.
    pub rounds: u32,
    /// Who trains, by number.
    pub providers: Vec<PartyId>,
    /// Knobs.
    pub pace: Pace,
    /// What becomes of an average.
    pub rule: Rule,
    /// What updates are held to before they are added up; none where whatever comes is.
    pub gates: Option<Gates>,
    /// How rows or providers are hidden, if they are.
    pub privacy: Option<Privacy>,
    /// What is counted of rows besides; nothing where nobody asks, and where there are gates or noise.
    pub tally: Option<Counting>,
    /// How what updates were worth is worked out; none where nobody asks.
    pub worth: Option<Worth>,
    /// Whether it goes on from where an earlier run was interrupted.
    pub resumed: bool,
}

impl Course {
    /// Words of an update with its trailer.
    #[must_use]
    pub fn words(&self) -> usize {
        self.layout().words()
    }

    /// What goes together.
    pub(super) fn check(&self) -> Result<(), RoundError> {
        let hidden = self.gates.is_some() || self.privacy.is_some() || self.worth.is_some();
        if self.encoding.is_narrow() && hidden {
            return Err(RoundError::Narrow);
        }
        if self.tally.is_some() && hidden { Err(RoundError::Counting) } else { Ok(()) }
    }

    /// How they lie.
    #[must_use]
    pub const fn layout(&self) -> Layout {
        let layout = self.encoding.layout(self.coordinates());
        match &self.tally {
            Some(counting) => layout.counting(counting.words()),
            None => layout,
        }
    }

    /// Words of a party's sum as it is opened: with noise there is no trailer, but for what is counted for the clip.
    pub(super) fn summed(&self) -> usize {
        if self.privacy.is_some() { self.opened() } else { self.words() }
    }

    /// How the norm that updates are scaled down to follows them, if it does.
    pub(super) fn adaptive(&self) -> Option<&AdaptiveClip> {
        self.privacy.as_ref().and_then(Privacy::adaptive)
    }

    /// Numbers of an update: the model's, and what else the rule takes.
    #[must_use]
    pub const fn coordinates(&self) -> usize {
        self.rule.coordinates(self.parameters)
    }

    /// What part of all providers so many are.
    pub(super) fn part(&self, providers: usize) -> f32 {
        providers as f32 / self.providers.len().max(1) as f32
    }

    /// Numbers that a provider is handed.
    pub(super) fn handed(&self) -> usize {
        self.rule.handed(self.parameters) + usize::from(self.adaptive().is_some())
    }

    /// What providers are handed: the model, what else they train by, and the norm that they clip to where it follows updates.
    pub(super) fn hand_out<'s>(&self, state: &'s State) -> Cow<'s, [f32]> {
        let handed = state.optimizer.handed(&state.model);
        match state.clip(self) {
            Some(clip) => Cow::Owned([&handed, &[clip][..]].concat()),
            None => handed,
        }
    }

    /// Numbers that a round opens: the exact figures beside the update are opened only where nothing is hidden.
    #[must_use]
    pub fn opened(&self) -> usize {
        self.coordinates() + self.figures()
    }

    /// Words beside the update that all open: the trailer, and of how many providers the rows are counted. With noise what is counted
    /// for the clip, if anything is.
    pub(super) fn figures(&self) -> usize {
        match self.privacy {
            Some(_) => usize::from(self.adaptive().is_some()),
            None => TRAILER_WORDS + usize::from(self.tally.is_some()),
        }
    }

    /// Words that a round tells besides.
    pub(super) fn told(&self) -> usize {
        let clip = if self.adaptive().is_some() { CLIP_WORDS } else { 0 };
        clip + self.tally.as_ref().map_or(0, Counting::told)
    }

    /// Who hands the model to a provider in a round: the parties in turn, and not the one that gets its words.
    #[must_use]
    pub fn server(&self, provider: usize, round: u32) -> Role {
        let words = explicit_party(provider);
        if (round as usize + provider / 3).is_multiple_of(2) { words.next() } else { words.prev() }
    }

    /// The shares of an update that a party gets: the one that it adds up, and with gates the next party's too.
    pub(super) fn parts(&self, role: Role) -> &'static [Role] {
        const BOTH: [[Role; 2]; 3] =
            [[Role::P0, Role::P1], [Role::P1, Role::P2], [Role::P2, Role::P0]];
        &BOTH[role.index()][..1 + usize::from(self.gates.is_some())]
    }

    /// The least number of updates of which anything is worked out.
    pub(super) fn least(&self) -> usize {
        let chosen = self.gates.as_ref().and_then(|gates| gates.terms().krum);
        // Who stays away is one of those who may deviate: with more of them multi-Krum promises nothing.
        let krum = chosen.map_or(1, |krum| self.providers.len().saturating_sub(krum.byzantine));
        self.pace.least.max(krum)
    }

    /// Words of a set of providers.
    pub(super) fn set_words(&self) -> usize {
        self.providers.len().div_ceil(64)
    }

    /// Providers that compute, with their roles.
    pub(super) fn seated(&self) -> impl Iterator<Item = (usize, Role)> {
        let seated = self.providers.iter().enumerate();
        seated.filter_map(|(number, id)| Some((number, id.role()?)))
    }

    /// Providers that do not compute.
    pub(super) fn guests(&self) -> impl Iterator<Item = (usize, PartyId)> {
        let all = self.providers.iter().copied().enumerate();
        all.filter(|(_, id)| id.role().is_none())
    }
}

/// Where a training stands after so many rounds: the same at all three compute parties, bit for bit.
#[derive(Clone, Debug, PartialEq)]
pub struct State {
    /// Rounds that are done.
    pub rounds: u32,
    /// The model.
    pub model: Vec<f32>,
    /// What the strategy remembers.
    pub optimizer: Optimizer,
    /// The norm that updates of the next round are scaled down to, where it follows those of rounds that are done.
    pub clip: Option<f32>,
}

impl State {
    /// Before the first round.
    #[must_use]
    pub fn new(model: Vec<f32>, rule: Rule) -> Self {
        Self { rounds: 0, model, optimizer: Optimizer::new(rule), clip: None }
    }

    /// The norm that updates of the next round are scaled down to, where it follows updates.
    pub(super) fn clip(&self, course: &Course) -> Option<f32> {
        course.adaptive().map(|adaptive| self.clip.unwrap_or_else(|| adaptive.start()))
    }

    /// Moves on by what a round opened; its report hears of the loss where that follows from it, and of the clip where that moves.
    pub(super) fn advance(
        &mut self,
        course: &Course,
        opened: &Opened,
        report: &mut RoundReport,
    ) -> Result<(), RoundError> {
        match opened {
            Opened::Average(average) => {
                let part = course.part(report.providers.len());
                self.optimizer.step(&mut self.model, average, part);
            }
            Opened::Total(exact, total) => {
                let solved = exact.solve(&mut self.model, total, report.trailer.weight);
                let loss =
                    solved.map_err(|source| RoundError::Solved { round: report.round, source })?;
                report.trailer.loss = loss.unwrap_or(report.trailer.loss);
            }
        }
        if let Some((adaptive, clip)) = course.adaptive().zip(self.clip(course)) {
            let counted = report.told.first().copied().unwrap_or(0);
            let part = adaptive.part(counted, report.providers.len());
            report.told = vec![f64::from(clip).to_bits(), part.to_bits()];
            self.clip = Some(adaptive.next(clip, part));
        }
        self.rounds += 1;
        Ok(())
    }

    /// A hash of all of it.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&self.rounds.to_le_bytes());
        for part in std::iter::once(&self.model[..]).chain(self.optimizer.memory()) {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(&super::message::model_bytes(part));
        }
        if let Some(clip) = self.clip {
            hasher.update(&clip.to_le_bytes());
        }
        *hasher.finalize().as_bytes()
    }
}

/// What is known of a round when it is over.
#[derive(Clone, Debug, PartialEq)]
pub struct RoundReport {
    /// Which, from 1.
    pub round: u32,
    /// Whose updates are in it.
    pub providers: Vec<usize>,
    /// Whose updates came and were refused by the gates.
    pub refused: Vec<usize>,
    /// Their figures together; nothing where there is noise: they are not opened then.
    pub trailer: Trailer,
    /// What is told of counts besides, where they are asked for: see [`Counting::told`]. Where the clip follows updates, [two
    /// words](CLIP_WORDS).
    pub told: Vec<u64>,
}
