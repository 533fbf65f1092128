//! A clip that follows the updates: adaptive clipping.
//!
//! ```text
//! provider ── update, scaled down to C ─▶ shares ─▶ Σ + noise of σ_Δ·C ─▶ the model moves
//!          ── +1 within C, −1 beyond ───▶ shares ─▶ Σ + noise of 2σ_b ──▶ b, the part that was within
//!                                                     C ← C · exp(−η (b − γ)), told with the next model
//! ```
//!
//! Both sums together cost what the update's cost alone with noise of σ, where σ_Δ = (σ^-2 − (2σ_b)^-2)^-1/2: the bit moves its sum by 1 in
//! ±1, which is the paper's ±1/2 twice, so its noise is twice σ_b. Like the paper's, a provider that is not there adds 0 to both.
//!
//! # Units
//! A bit is 2^20 units, so that noise of less than one provider is still of many units: the sampler's is discrete. A clip is a number
//! of single precision, worked out in double precision, with an exponential of its own ([`libm::exp`]): every party has the same bits.
//!
//! # Security
//! The clip follows from what was opened with noise, and from nothing else. What a provider sends for its bit is not proven to be one:
//! one that deviates moves the clip as far as noise may, and no further than its bounds. That costs others' accuracy, not their
//! privacy: the noise goes with the clip.
//!
//! # Source
//! Andrew, Thakkar, McMahan, Ramaswamy, *Differentially Private Learning with Adaptive Clipping*, NeurIPS 2021,
//! <https://arxiv.org/abs/1905.03871>, algorithm 1 and theorem 1.

use super::gaussian::Gaussian;

/// What a bit counts in its sum.
const UNIT: u64 = 1 << 20;
/// The smallest clip is the largest over this: below, rounding would be more than what is rounded.
const SPAN: f64 = 65_536.0;
/// Standard deviations of noise beyond which a sum of bits is taken for one there: noise gets so far with less than 10^-30.
const ROOM: f64 = 12.0;
/// The most noise on an update over its clip, in millionths.
const MOST_MICRO: f64 = 1e12;

/// How a clip is asked to follow updates.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ClipTerms {
    /// The part of the updates that are to be within it: γ.
    pub quantile: f64,
    /// How fast it moves: η.
    pub rate: f64,
    /// The standard deviation of the noise on the number of updates within it, in millionths of one: σ_b.
    pub count_noise_micro: u64,
    /// It never gets beyond this.
    pub largest: f64,
}

/// Why there is no such clip.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ClipError {
    /// No quantile.
    #[error("a clip follows a quantile of more than 0 and less than 1")]
    Quantile,
    /// No step.
    #[error("a clip moves at a rate of more than 0, and 1 at most")]
    Rate,
    /// Noise on the count that leaves nothing for the update.
    #[error(
        "the noise on the count of clipped updates must be more than half of `noise`, and not by a hair: the two share what `noise` gives \
         away. Raise `count_noise`, or lower `noise`"
    )]
    CountNoise,
    /// A clip that cannot begin where it is.
    #[error(
        "a clip begins at `largest` at most, and at a 65536th of it at least; raise `largest` or lower it"
    )]
    Range,
    /// Rows, which are not counted.
    #[error("a clip follows the updates of providers; that of rows stays")]
    Unit,
}

/// A clip that follows the updates: the same at all who take part.
#[derive(Clone, Debug, PartialEq)]
pub struct AdaptiveClip {
    quantile: f64,
    rate: f64,
    start: f32,
    smallest: f32,
    largest: f32,
    /// What each compute party adds to its sum of bits.
    count: Gaussian,
    /// What each adds to its sum of updates, over the clip, in millionths: σ_Δ.
    multiplier_micro: u64,
}

impl AdaptiveClip {
    /// One that begins at `start`; it and the updates together cost what noise of so many millionths does.
    ///
    /// # Errors
    /// [`ClipError`].
    pub fn new(terms: &ClipTerms, start: f64, multiplier_micro: u64) -> Result<Self, ClipError> {
        let ClipTerms { quantile, rate, count_noise_micro, largest } = *terms;
        if !(quantile > 0.0 && quantile < 1.0) {
            return Err(ClipError::Quantile);
        }
        if !(rate > 0.0 && rate <= 1.0) {
            return Err(ClipError::Rate);
        }
        if !(start > 0.0 && largest.is_finite() && (largest / SPAN..=largest).contains(&start)) {
            return Err(ClipError::Range);
        }
        let twice = u128::from(count_noise_micro) * 2;
        let sigma = u64::try_from((twice * u128::from(UNIT)).div_ceil(1_000_000));
        let count = sigma.ok().and_then(|sigma| Gaussian::new(sigma).ok());
        let multiplier = update_noise(multiplier_micro, count_noise_micro);
        let (count, multiplier_micro) = count.zip(multiplier).ok_or(ClipError::CountNoise)?;
        #[expect(clippy::cast_possible_truncation, reason = "clips are single precision")]
        let [start, smallest, largest] = [start, largest / SPAN, largest].map(|x| x as f32);
        Ok(Self { quantile, rate, start, smallest, largest, count, multiplier_micro })
    }

    /// Where it begins.
    #[must_use]
    pub const fn start(&self) -> f32 {
        self.start
    }

    /// The smallest that it can become, and the largest.
    #[must_use]
    pub const fn ends(&self) -> [f32; 2] {
        [self.smallest, self.largest]
    }

    /// The noise on updates over the clip, in millionths.
    #[must_use]
    pub const fn multiplier_micro(&self) -> u64 {
        self.multiplier_micro
    }

    /// The noise on the sum of bits, in its units.
    #[must_use]
    pub const fn count(&self) -> Gaussian {
        self.count
    }

    /// What a provider adds to the sum of bits.
    #[must_use]
    pub const fn bit(within: bool) -> u64 {
        if within { UNIT } else { UNIT.wrapping_neg() }
    }

    /// The part of so many updates that was within the clip, from the sum of their bits with its noise: not always between 0 and 1.
    #[must_use]
    pub fn part(&self, sum: u64, providers: usize) -> f64 {
        let providers = providers.max(1) as f64;
        let noise = self.count.sigma() as f64 / UNIT as f64;
        // Three parties add noise.
        let most = providers + ROOM * 3.0_f64.sqrt() * noise;
        let sum = (sum.cast_signed() as f64 / UNIT as f64).clamp(-most, most);
        0.5 + sum / (2.0 * providers)
    }

    /// The clip after one of whose round this part of the updates was within it.
    #[must_use]
    pub fn next(&self, clip: f32, part: f64) -> f32 {
        let next = f64::from(clip) * libm::exp(-self.rate * (part - self.quantile));
        #[expect(clippy::cast_possible_truncation, reason = "clips are single precision")]
        let next = next as f32;
        next.clamp(self.smallest, self.largest)
    }
}

/// σ_Δ in millionths, rounded up, from σ and σ_b in millionths; nothing where there is none, or too much.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "positive, and what is beyond is refused"
)]
fn update_noise(multiplier_micro: u64, count_noise_micro: u64) -> Option<u64> {
    let (sigma, twice) = (u128::from(multiplier_micro), 2 * u128::from(count_noise_micro));
    // (2σ_b)² − σ², exactly; beyond is more noise than there is.
    let left = twice.checked_sub(sigma)?.checked_mul(twice + sigma).filter(|left| *left > 0)?;
    let noise = sigma as f64 / (left as f64).sqrt() * twice as f64;
    let noise = (noise * (1.0 + 1e-14)).ceil();
    (noise <= MOST_MICRO).then_some(noise as u64)
}

#[cfg(test)]
mod tests {
    use protocols::prg::Prg;

    use super::*;
    use crate::account::{Event, exact};

    const TERMS: ClipTerms =
        ClipTerms { quantile: 0.5, rate: 0.2, count_noise_micro: 1_000_000, largest: 1024.0 };

    /// Theorem 1: both releases together are one with the noise that was asked for, and no more.
    #[test]
    fn an_update_and_a_count_together_cost_what_the_update_would_alone() {
        for (sigma_micro, count_noise_micro) in [
            (1_000_000, 1_000_000),
            (1_000_000, 500_001),
            (4_000_000, 2_500_000),
            (300_000, 5_000_000),
            (8_000_000, 1_000_000_000),
        ] {
            let [sigma, count] = [sigma_micro, count_noise_micro].map(|micro| micro as f64 / 1e6);
            let terms = ClipTerms { count_noise_micro, ..TERMS };
            let clip = AdaptiveClip::new(&terms, 1.0, sigma_micro).unwrap();
            let noise_on_count = clip.count().sigma() as f64 / UNIT as f64;
            assert!((noise_on_count / (2.0 * count) - 1.0).abs() < 1e-6, "{sigma} {count}");
            let of = |noise: f64| Event::new(1.0, noise, 50).unwrap();
            let both = [of(clip.multiplier_micro() as f64 / 1e6), of(noise_on_count)];
            let both = exact::epsilon(&both, 1e-5).unwrap();
            let alone = exact::epsilon(&[of(sigma)], 1e-5).unwrap();
            // Rounded up, so never more, and hardly less.
            assert!(both <= alone + 1e-9 && both > alone * (1.0 - 1e-4), "{both} {alone}");
        }
        // By hand: (1 − 1/4)^-1/2, rounded up.
        assert_eq!(update_noise(1_000_000, 1_000_000), Some(1_154_701));
        assert_eq!(update_noise(0, 1), Some(0));
        for (sigma, count) in [(1_000_000, 500_000), (1_000_000, 1), (u64::MAX, u64::MAX - 1)] {
            assert_eq!(update_noise(sigma, count), None, "{sigma} {count}");
        }
        // What a hair leaves is refused too.
        assert_eq!(update_noise(1_000_000_000_000, 500_000_000_001), None);
    }

    #[test]
    fn a_clip_moves_by_the_law_and_within_its_ends() {
        let clip = AdaptiveClip::new(&TERMS, 1.0, 1_000_000).unwrap();
        let bits = |within: u64, beyond: u64| {
            let sum = AdaptiveClip::bit(true).wrapping_mul(within);
            sum.wrapping_add(AdaptiveClip::bit(false).wrapping_mul(beyond))
        };
        for (within, beyond, part) in [(4, 0, 1.0), (3, 1, 0.75), (2, 2, 0.5), (0, 4, 0.0)] {
            assert_eq!(clip.part(bits(within, beyond), 4), part);
            let next = 3.0 * (-0.2 * (part - 0.5_f64)).exp();
            assert!((f64::from(clip.next(3.0, part)) / next - 1.0).abs() < 1e-6, "{part}");
        }
        // The same bits everywhere: 3·e^-0.05, rounded to the nearest.
        assert_eq!(clip.next(3.0, 0.75).to_bits(), 0x4036_a2d4);
        assert_eq!(clip.next(2.0, 0.5), 2.0, "where it is to be it stays");
        assert_eq!([clip.next(1020.0, 0.0), clip.next(0.015_625, 1.0)], [1024.0, 0.015_625]);
        // Who makes up a bit moves it no further than noise might.
        let most = 2.5 + 12.0 * 3.0_f64.sqrt() / 2.0;
        assert!(
            (clip.part(i64::MAX.cast_unsigned(), 4) - 1.0 - 12.0 * 3.0_f64.sqrt() / 4.0).abs()
                < 1e-9
        );
        assert!(clip.part(i64::MIN.cast_unsigned(), 4) > -most);
    }

    #[test]
    fn a_clip_comes_to_the_quantile_of_the_norms() {
        for (quantile, start) in [(0.5, 0.05), (0.5, 100.0), (0.8, 0.05)] {
            let terms = ClipTerms { quantile, count_noise_micro: 5_000_000, ..TERMS };
            let clip = AdaptiveClip::new(&terms, start, 1_000_000).unwrap();
            // Norms of 1 to 2: the quantile is at 1 and as much.
            let norms: Vec<f32> = (0..100_u8).map(|k| 1.005 + f32::from(k) / 100.0).collect();
            let (mut at, mut late, mut rng) = (clip.start(), 0.0, Prg::new(&[9; 16]));
            for round in 0..150 {
                let bits = norms.iter().map(|norm| AdaptiveClip::bit(*norm <= at));
                let mut sum = [bits.fold(0, u64::wrapping_add)];
                (0..3).for_each(|_| clip.count().add_to(&mut sum, &mut rng));
                at = clip.next(at, clip.part(sum[0], norms.len()));
                late += if round >= 100 { f64::from(at) / 50.0 } else { 0.0 };
            }
            assert!((late - 1.0 - quantile).abs() < 0.05, "{quantile} from {start}: {late}");
        }
    }

    #[test]
    fn what_cannot_follow_is_refused() {
        let with = |terms: ClipTerms, start| AdaptiveClip::new(&terms, start, 1_000_000).err();
        assert_eq!(with(TERMS, 1.0), None);
        for quantile in [0.0, 1.0, f64::NAN] {
            assert_eq!(with(ClipTerms { quantile, ..TERMS }, 1.0), Some(ClipError::Quantile));
        }
        for rate in [0.0, 1.1, f64::NAN] {
            assert_eq!(with(ClipTerms { rate, ..TERMS }, 1.0), Some(ClipError::Rate));
        }
        for count_noise_micro in [0, 1, 500_000, u64::MAX] {
            let terms = ClipTerms { count_noise_micro, ..TERMS };
            assert_eq!(with(terms, 1.0), Some(ClipError::CountNoise), "{count_noise_micro}");
        }
        for start in [0.0, -1.0, 0.015, 1024.1, f64::NAN, f64::INFINITY] {
            assert_eq!(with(TERMS, start), Some(ClipError::Range), "{start}");
        }
        for largest in [0.5, f64::NAN, f64::INFINITY, 65_537.0] {
            let terms = ClipTerms { largest, ..TERMS };
            assert_eq!(with(terms, 1.0), Some(ClipError::Range), "{largest}");
        }
    }
}
