//! Rounds with differential privacy: what is clipped, who adds noise to what, and what is opened then.
//!
//! | unit | a provider sends | noise |
//! |---|---|---|
//! | client | its update, scaled down to a norm, with a weight of 1 | each compute party adds all of it to its sum |
//! | record | the sum of its rows' gradients, each scaled down to a norm | each provider adds its part before it shares |
//!
//! # Security
//! Nothing that depends on rows leaves but the sum with its noise, divided by what is public: there is no trailer (but for a count with
//! noise of its own, where the norm follows the updates: [`AdaptiveClip`]), and a provider
//! whose trainer gives nothing fit to send gives zeros, since who declines would tell of its rows. Whether a provider took part is
//! not hidden, nor how long it took. A provider that does not clip gives up its own privacy, and can spoil the model.

use protocols::{prg::Prg, session::Session};
use zeroize::Zeroizing;

use super::{
    course::Course,
    landing::Landed,
    trainer::{TrainError, Trainer},
};
use crate::{
    account::Unit,
    average::{Bounds, BoundsError, Encoding, Seeds, Share, Sum, explicit_party, split},
    noise::{
        AdaptiveClip, ClipError, ClipTerms, Gaussian, NoiseError, NoisedSum, Round, Secret,
        Sensitivity,
    },
};

/// Standard deviations of the noise that a sum has room for: beyond is less than 10^-30.
const ROOM: f64 = 12.0;
/// The norm that is clipped to has about so many bits: what rounding adds to it is nothing then.
const CLIP_BITS: i32 = 30;

/// What a training with differential privacy is asked to be.
#[derive(Clone, Debug, PartialEq)]
pub struct Terms {
    /// Whom the noise hides.
    pub unit: Unit,
    /// The norm that a unit's part is scaled down to; of the first round, where it follows the updates.
    pub clip: f64,
    /// How it follows them, if it does.
    pub adaptive: Option<ClipTerms>,
    /// The noise over the sensitivity, in millionths.
    pub multiplier_micro: u64,
    /// The job, which noise is derived for.
    pub job: [u8; 32],
    /// The most rows that each provider may have: known to all.
    pub rows: Vec<u64>,
    /// Parameters of the model.
    pub parameters: usize,
    /// No sum is opened of fewer providers.
    pub least: usize,
    /// Of whom so many may put together what they know, each of its own noise.
    pub colluding: usize,
    /// What the mean gradient is multiplied with, where rows are hidden.
    pub rate: f32,
}

/// Why there is no such training.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PrivacyError {
    /// Sums would overflow.
    #[error(transparent)]
    Bounds(#[from] BoundsError),
    /// No such noise.
    #[error(transparent)]
    Noise(#[from] NoiseError),
    /// No such clip.
    #[error(transparent)]
    Clip(#[from] ClipError),
}

/// How a training hides its units: the same at all who take part.
#[derive(Clone, Debug, PartialEq)]
pub struct Privacy {
    unit: Unit,
    clip: f64,
    /// How it follows the updates, if it does.
    adaptive: Option<AdaptiveClip>,
    /// What each of those who add noise adds; at the largest norm, where it follows the updates.
    noise: Gaussian,
    /// How updates become integers, and how many numbers they have: noise goes by both.
    encoding: Encoding,
    parameters: usize,
    job: [u8; 32],
    /// What each provider counts in the divisor of a sum.
    weights: Vec<u64>,
    /// What becomes of the quotient.
    factor: f32,
}

impl Privacy {
    /// The noise for these terms, and the encoding that has room for it.
    ///
    /// # Errors
    /// [`PrivacyError`].
    pub fn new(terms: &Terms) -> Result<(Self, Encoding), PrivacyError> {
        let Terms { unit, clip, parameters, least, colluding, .. } = *terms;
        let providers = terms.rows.len() as u64;
        let (weights, adding) = match unit {
            Unit::Client => (vec![1; terms.rows.len()], 3),
            Unit::Record => (terms.rows.clone(), providers.max(1)),
        };
        let adaptive = terms.adaptive.as_ref();
        let adaptive = adaptive.map(|of| AdaptiveClip::new(of, clip, terms.multiplier_micro));
        let adaptive = adaptive.transpose()?;
        if adaptive.is_some() && unit == Unit::Record {
            return Err(ClipError::Unit.into());
        }
        let multiplier =
            adaptive.as_ref().map_or(terms.multiplier_micro, AdaptiveClip::multiplier_micro);
        let ends = adaptive.as_ref().map(AdaptiveClip::ends);
        let [smallest, largest] = ends.map_or([clip; 2], |ends| ends.map(f64::from));
        let encoding = encoding(largest, &weights, (multiplier, adding))?;
        // Wherever it comes to between the two, there is such noise.
        noise(&encoding, (smallest, parameters), multiplier)?;
        let whole = noise(&encoding, (largest, parameters), multiplier)?;
        let (noise, factor) = match unit {
            Unit::Client => (whole, 1.0),
            Unit::Record => (whole.split(least, colluding)?, -terms.rate),
        };
        let job = terms.job;
        let all = Self { unit, clip, adaptive, noise, encoding, parameters, job, weights, factor };
        Ok((all, encoding))
    }

    /// Whom the noise hides.
    #[must_use]
    pub const fn unit(&self) -> Unit {
        self.unit
    }

    /// How the norm follows the updates, if it does.
    #[must_use]
    pub const fn adaptive(&self) -> Option<&AdaptiveClip> {
        self.adaptive.as_ref()
    }

    /// What each of those who add noise adds, in units of the encoding; at most, where the norm follows the updates.
    #[must_use]
    pub const fn noise(&self) -> Gaussian {
        self.noise
    }

    /// What a sum over these providers is divided by: known to all.
    pub(super) fn total(&self, providers: &[usize]) -> u64 {
        providers.iter().filter_map(|number| self.weights.get(*number)).sum::<u64>().max(1)
    }

    /// What becomes of the quotient.
    pub(super) const fn factor(&self) -> f32 {
        self.factor
    }

    /// The same at this norm.
    pub(super) fn noise_at(&self, clip: f32) -> Gaussian {
        let Some(adaptive) = &self.adaptive else { return self.noise };
        let at = (clip.into(), self.parameters);
        // There is some between the ends, which were looked at; more would do in its place.
        noise(&self.encoding, at, adaptive.multiplier_micro()).unwrap_or(self.noise)
    }

    /// The model in what a provider is handed, and the norm that it clips to.
    fn handed<'m>(&self, handed: &'m [f32]) -> Result<(&'m [f32], f64), TrainError> {
        let Some(adaptive) = &self.adaptive else { return Ok((handed, self.clip)) };
        let [smallest, largest] = adaptive.ends();
        match handed.split_last() {
            Some((clip, model)) if (smallest..=largest).contains(clip) => {
                Ok((model, (*clip).into()))
            }
            _ => Err(TrainError::Unfit("it was handed a clip beyond the job's".to_owned())),
        }
    }

    /// An update of weight 1 in integers, scaled down where it is longer than the norm; behind it whether it was, if that is counted.
    fn clipped(&self, update: Vec<f32>, clip: f64) -> Result<Vec<u64>, TrainError> {
        let (mut words, within) = clipped(&self.encoding, update, clip, self.parameters)?;
        words.extend(self.adaptive.as_ref().map(|_| AdaptiveClip::bit(within)));
        Ok(words)
    }

    /// What a provider sends in a round; nothing where its budget does not reach.
    pub(super) fn give(
        &self,
        course: &Course,
        (number, trainer): (usize, &mut (dyn Trainer + '_)),
        (round, handed): (u32, &[f32]),
        rng: &mut Prg,
    ) -> (Option<[Share; 3]>, Option<TrainError>) {
        let summed = course.summed();
        let words = self.handed(handed).and_then(|(model, clip)| match self.unit {
            Unit::Client => {
                trainer.train(round, model).and_then(|update| self.clipped(update.delta, clip))
            }
            Unit::Record => trainer.gradients(round, model, (clip, &course.encoding)),
        });
        let words = words.and_then(|words| match words.len() == summed {
            true => Ok(words),
            false => Err(TrainError::Unfit("it is of another model".to_owned())),
        });
        let (mut words, why) = match words {
            Ok(words) => (words, None),
            // What is spent is everybody's to know, what a trainer cannot do is not.
            Err(spent @ (TrainError::Spent(_) | TrainError::Unkept(_))) => {
                return (None, Some(spent));
            }
            Err(why) => (vec![0; summed], Some(why)),
        };
        if self.unit == Unit::Record {
            self.noise.add_to(&mut words, rng);
        }
        words.resize(course.words(), 0);
        (Some(split(words, Seeds::draw(rng), explicit_party(number))), why)
    }
}

/// What hides an update of this norm and so many numbers.
fn noise(
    encoding: &Encoding,
    (clip, parameters): (f64, usize),
    multiplier_micro: u64,
) -> Result<Gaussian, NoiseError> {
    // A row that is rounded by itself moves a sum like an update of weight 1 does.
    Sensitivity::of_update(encoding, clip, 1, parameters)?.noise(multiplier_micro)
}

/// The encoding in which all weights, clipped, and the noise of so many do not overflow.
fn encoding(
    clip: f64,
    weights: &[u64],
    (multiplier_micro, adding): (u64, u64),
) -> Result<Encoding, BoundsError> {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "positive, and what is beyond is refused"
    )]
    let room = (ROOM * multiplier_micro as f64 / 1e6 * (adding as f64).sqrt()).ceil() as u64;
    let weight = weights.iter().try_fold(room.saturating_add(1), |sum, w| sum.checked_add(*w));
    let total_weight = weight.unwrap_or(u64::MAX);
    #[expect(clippy::cast_possible_truncation, reason = "single precision, rounded up")]
    let coordinate = (clip * 1.001) as f32;
    let encoding = Encoding::new(Bounds { total_weight, coordinate })?;
    #[expect(clippy::cast_possible_truncation, reason = "between -149 and 30")]
    let bits = CLIP_BITS - coordinate.log2().ceil() as i32;
    Ok(encoding.at_most(u32::try_from(bits).unwrap_or(0)))
}

/// An update of weight 1 in integers, scaled down to this norm where it is longer, and whether it was not.
fn clipped(
    encoding: &Encoding,
    mut update: Vec<f32>,
    clip: f64,
    parameters: usize,
) -> Result<(Vec<u64>, bool), TrainError> {
    let unfit = |why: &str| TrainError::Unfit(why.to_owned());
    if update.len() != parameters {
        return Err(unfit("it is of another model"));
    }
    let norm = update.iter().map(|x| f64::from(*x) * f64::from(*x)).sum::<f64>().sqrt();
    if !norm.is_finite() {
        return Err(unfit("it is not finite"));
    }
    if norm > clip {
        let factor = clip / norm;
        #[expect(clippy::cast_possible_truncation, reason = "updates are single precision")]
        update.iter_mut().for_each(|x| *x = (f64::from(*x) * factor) as f32);
    }
    let mut words = vec![0; parameters];
    encoding.encode(&update, 1, &mut words).map_err(|error| unfit(&error.to_string()))?;
    Ok((words, norm <= clip))
}

/// One party's sum, and what its noise is derived from: its shares of the updates in it.
pub(super) struct Tally {
    words: Vec<u64>,
    updates: Vec<(u32, [u8; 32])>,
}

impl Tally {
    pub(super) fn new(course: &Course) -> Self {
        Self { words: vec![0; course.words()], updates: Vec::new() }
    }

    /// Adds one provider's share.
    pub(super) fn add(
        &mut self,
        course: &Course,
        number: usize,
        share: &Landed,
    ) -> std::io::Result<()> {
        if course.privacy.is_some() {
            let number = u32::try_from(number).unwrap_or(u32::MAX);
            self.updates.push((number, share.digest()?));
        }
        share.add_to(course.layout().pairs(), &mut self.words)
    }

    /// The sum as it may be opened: with this party's noise, where it adds some, and then without figures.
    ///
    /// # Security
    /// The noise follows from a secret of this party's and from its shares of the updates in the sum: their seeds serve once, so
    /// no two sums have the same noise, whoever asks for them.
    pub(super) fn sum(
        self,
        s: &mut Session,
        course: &Course,
        (round, clip, secret): (u32, Option<f32>, &Secret),
    ) -> Vec<u64> {
        let Some(privacy) = &course.privacy else { return self.words };
        let updates = self.updates.iter().map(|(number, digest)| (*number, digest));
        let this = Round::new(privacy.job, (round, 0), updates);
        let mut words = match privacy.unit {
            Unit::Client => {
                let channel = s.wire().channel();
                let providers = self.updates.iter().map(|(number, _)| *number);
                let sum = Sum::from_parts(self.words, providers.collect());
                let noised = || match privacy.adaptive().zip(clip) {
                    Some((adaptive, clip)) => {
                        let noise = (privacy.noise_at(clip), adaptive.count());
                        NoisedSum::counting(sum, noise, &this, secret)
                    }
                    None => NoisedSum::new(sum, privacy.noise, &this, secret),
                };
                protocols::net::at_work(|| channel.working(), noised).into_words()
            }
            Unit::Record => self.words,
        };
        words.truncate(course.summed());
        words
    }
}

/// A secret for a training, where one is needed.
pub(super) fn secret(course: &Course, rng: &mut Prg) -> Secret {
    match course.privacy {
        Some(_) => Secret::draw(rng),
        None => Secret::new(Zeroizing::new([0; 32])),
    }
}
