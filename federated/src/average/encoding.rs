//! Real updates as integers whose sum cannot overflow.

use protocols::{
    kernels::Backend,
    party::Role,
    ring::{halves, halves_mut},
};

use super::{
    layout::Layout,
    narrow::{self, Weights, joined},
    shares::{Seeds, Share},
    trailer::Trailer,
};

/// Fractional bits at most: more than single precision has for any value that is not tiny.
const MOST_BITS: u32 = 40;
/// Fractional bits at least: below, an average is no good.
const LEAST_BITS: u32 = 16;
/// Bits of one encoded coordinate, as the rounding kernel takes them.
const COORDINATE_BITS: u32 = 50;
/// What a clipped update may be longer than its bound by the rounding of single precision, relatively.
const SLACK: f64 = 1.0 / (1 << 20) as f64;
/// Coordinates that are looked at, encoded and masked while they are in the first-level cache, a whole number of cipher blocks.
const TILE: usize = 2048;

/// What is promised of all updates of a job, when it is made.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bounds {
    /// The weights of all providers together, at most: rows, usually.
    pub total_weight: u64,
    /// No coordinate of an update is larger in magnitude.
    pub coordinate: f32,
}

/// Why there is no encoding within bounds.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum BoundsError {
    /// No weight at all, or more than can be counted.
    #[error("the weights of all providers add up to {0}; 1 to 2^40 are possible")]
    Weight(u64),
    /// A bound that is none.
    #[error("coordinates are bounded by {0}; that must be a positive number below 2^30")]
    Coordinate(f32),
    /// Sums would overflow, or leave too few fractional bits.
    #[error(
        "weights of {total_weight} in all and coordinates up to {coordinate} leave {bits} fractional bits, and {LEAST_BITS} are \
         the least; lower the bound on coordinates, or weigh by thousands of rows"
    )]
    Bits {
        /// The weights of all.
        total_weight: u64,
        /// The bound on coordinates.
        coordinate: f32,
        /// What is left.
        bits: i32,
    },
    /// Too many providers for words of 32 bits, or none.
    #[error("{0} providers in words of 32 bits; 1 to 1024 are possible")]
    Providers(usize),
    /// Sums of 32 bits would overflow, or leave too few fractional bits.
    #[error(
        "{providers} providers and coordinates up to {coordinate} leave fewer than {least} fractional bits of words of 32; lower the bound on coordinates, or take words of 64 bits"
    )]
    Narrow {
        /// How many.
        providers: u64,
        /// The bound on coordinates.
        coordinate: f32,
        /// The fewest bits.
        least: u32,
    },
}

/// Why an update cannot be encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// A coordinate that is no number, or beyond the bound. Which one says nothing of its value.
    #[error(
        "coordinate {at} of the update is not finite or beyond the job's bound; train with a smaller `rate`, or let `largest_update` be larger"
    )]
    Coordinate {
        /// Which coordinate.
        at: usize,
    },
    /// A weight of nothing, or of more than all providers have together.
    #[error("an update weighs at least 1 and no more than all updates of the job together may")]
    Weight,
    /// No integers of 64 bits.
    #[error(
        "updates in 32 bits are rounded at random while they are shared, and not encoded otherwise"
    )]
    Narrow,
    /// Another model.
    #[error("the update has {got} coordinates and the model {want}")]
    Length {
        /// Of the update.
        got: usize,
        /// Of the model.
        want: usize,
    },
}

/// How updates become integers modulo 2^64, or 2^32, and their sum an average again.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Encoding {
    bounds: Bounds,
    bits: u32,
    /// What weights become, in 32 bits.
    weights: Option<Weights>,
}

impl Encoding {
    /// The finest encoding in which no sum within the bounds overflows: `total · coordinate · 2^f < 2^63`.
    ///
    /// # Errors
    /// [`BoundsError`]: a job is refused when it is made, not when a sum has wrapped.
    pub fn new(bounds: Bounds) -> Result<Self, BoundsError> {
        let Bounds { total_weight, coordinate } = bounds;
        if !(1..=1 << 40).contains(&total_weight) {
            return Err(BoundsError::Weight(total_weight));
        }
        if !(coordinate > 0.0 && coordinate < (1_u32 << 30) as f32) {
            return Err(BoundsError::Coordinate(coordinate));
        }
        let weight_bits = total_weight.next_power_of_two().trailing_zeros();
        #[expect(clippy::cast_possible_truncation, reason = "between -149 and 30")]
        let coordinate_bits = coordinate.log2().ceil() as i32;
        let of = |bits: u32| i32::try_from(bits).unwrap_or(i32::MAX);
        let bits = of(62 - weight_bits) - coordinate_bits;
        let bits = bits.min(of(MOST_BITS)).min(of(COORDINATE_BITS) - coordinate_bits);
        match u32::try_from(bits) {
            Ok(bits) if bits >= LEAST_BITS => Ok(Self { bounds, bits, weights: None }),
            _ => Err(BoundsError::Bits { total_weight, coordinate, bits }),
        }
    }

    /// The finest encoding in 32 bits in which no sum of so many providers' updates overflows, each of `rows` rows at most; the
    /// bounds are those of all together.
    ///
    /// # Units
    /// Weights have 12 bits and coordinates are rounded at random, without bias: an average is off by [`rounding`](Self::rounding),
    /// and by `coordinate · providers` over the sum of the weights at most, twice that with providers of hardly any rows.
    ///
    /// # Errors
    /// [`BoundsError`].
    pub fn narrow(bounds: Bounds, (rows, providers): (u64, usize)) -> Result<Self, BoundsError> {
        // Whatever is too much for 64 bits has no trailer.
        Self::new(bounds)?;
        let weights = Weights::new(rows, providers)?;
        let bits = weights.bits(bounds.coordinate)?;
        Ok(Self { bounds, bits, weights: Some(weights) })
    }

    /// The same with no more than so many fractional bits: what an update does not take is left for what is multiplied with it.
    #[must_use]
    pub fn at_most(self, bits: u32) -> Self {
        let least = if self.weights.is_some() { narrow::LEAST_BITS } else { LEAST_BITS };
        Self { bits: self.bits.min(bits.max(least)), ..self }
    }

    /// How the words of an update of so many coordinates lie.
    #[must_use]
    pub const fn layout(&self, coordinates: usize) -> Layout {
        if self.weights.is_some() { Layout::narrow(coordinates) } else { Layout::wide(coordinates) }
    }

    /// Whether words have 32 bits.
    #[must_use]
    pub const fn is_narrow(&self) -> bool {
        self.weights.is_some()
    }

    /// By how much rounding moves a coordinate of an average, at most.
    #[must_use]
    pub fn rounding(&self) -> f64 {
        let nearest = if self.weights.is_some() { 1.0 } else { 0.5 };
        nearest / self.scale()
    }

    /// Rows of which two providers can differ and count alike: 1 where weights are rows.
    #[must_use]
    pub fn weight_step(&self) -> u64 {
        self.weights.map_or(1, Weights::step)
    }

    /// What all updates together weigh at most.
    pub(super) fn most_weight(&self) -> u64 {
        self.weights.map_or(self.bounds.total_weight, Weights::most)
    }

    /// Fractional bits.
    #[must_use]
    pub const fn bits(&self) -> u32 {
        self.bits
    }

    /// What was promised.
    #[must_use]
    pub const fn bounds(&self) -> Bounds {
        self.bounds
    }

    /// The update as integers: `weight · round(update[i] · 2^f)`, halves to the even integer.
    ///
    /// # Errors
    /// [`EncodeError`]; what is in `out` is then of no use. That of an encoding in 32 bits, which is for [`share`](Self::share) alone.
    pub fn encode(&self, update: &[f32], weight: u64, out: &mut [u64]) -> Result<(), EncodeError> {
        if self.weights.is_some() {
            return Err(EncodeError::Narrow);
        }
        if update.len() != out.len() {
            return Err(EncodeError::Length { got: update.len(), want: out.len() });
        }
        self.weight(weight)?;
        for (at, (update, out)) in update.chunks(TILE).zip(out.chunks_mut(TILE)).enumerate() {
            self.look(at * TILE, update)?;
            Backend::active().fixed_point(update, self.scale(), weight, out);
        }
        Ok(())
    }

    /// What so many rows weigh.
    fn weight(&self, rows: u64) -> Result<u32, EncodeError> {
        if rows == 0 || rows > self.bounds.total_weight {
            return Err(EncodeError::Weight);
        }
        self.weights.map_or(Ok(0), |weights| weights.of(rows))
    }

    /// The update in three shares, as [`encode`](Self::encode) and [`split`](super::split) make them, in one pass: each piece is
    /// rounded, weighed and masked while it is in the first-level cache. The trailer's weight is the update's.
    ///
    /// `buffer` becomes the words of the one share that has some; one of an earlier round is taken as it is, and a fresh one costs
    /// as much again, for its pages.
    ///
    /// # Cost
    /// Measured on Zen 5: 0.75 ns a coordinate with AVX-512, 2 ns with AVX2.
    ///
    /// # Errors
    /// [`EncodeError`]; the seeds are then used up, and another attempt takes fresh ones.
    ///
    /// # Security
    /// That of [`split`](super::split).
    pub fn share(
        &self,
        update: &[f32],
        trailer: &Trailer,
        seeds: Seeds,
        place: (Role, Vec<u64>),
    ) -> Result<[Share; 3], EncodeError> {
        self.share_counting(update, (trailer, &[]), seeds, place)
    }

    /// [`share`](Self::share) with counts behind the trailer, which are not weighed.
    ///
    /// # Errors
    /// As [`share`](Self::share).
    ///
    /// # Security
    /// That of [`split`](super::split).
    pub fn share_counting(
        &self,
        update: &[f32],
        (trailer, counts): (&Trailer, &[u64]),
        seeds: Seeds,
        (words, mut buffer): (Role, Vec<u64>),
    ) -> Result<[Share; 3], EncodeError> {
        let (n, layout) = (update.len(), self.layout(update.len()).counting(counts.len()));
        let weight = self.weight(trailer.weight)?;
        let mut figures = trailer.words().to_vec();
        figures.extend_from_slice(counts);
        if layout.is_narrow() {
            figures[0] = joined(trailer.weight, weight);
        }
        buffer.resize(layout.words(), 0);
        let (masks, rounding) = (seeds.masks(), seeds.rounding());
        for (at, out) in buffer.chunks_mut(TILE).enumerate() {
            let from = at * TILE;
            let body = layout.body().saturating_sub(from).min(out.len());
            let (encoded, rest) = out.split_at_mut(body);
            let [first, last] = [from, from + body].map(|word| n.min(layout.lanes() * word));
            let update = &update[first..last];
            self.look(first, update)?;
            if layout.is_narrow() {
                let (drawn, behind) = halves_mut(encoded).split_at_mut(update.len());
                rounding.fill(first, drawn);
                Backend::active().dithered(update, (1_u64 << self.bits) as f32, weight, drawn);
                behind.fill(0);
            } else {
                Backend::active().fixed_point(update, self.scale(), trailer.weight, encoded);
            }
            let figures = &figures[(from + body).saturating_sub(layout.body())..];
            rest.copy_from_slice(&figures[..rest.len()]);
            masks.apply(layout.pairs(), from, out);
        }
        Ok(seeds.shares(words, buffer))
    }

    /// Looks at coordinates from `from` on before they are encoded.
    fn look(&self, from: usize, update: &[f32]) -> Result<(), EncodeError> {
        let most = self.bounds.coordinate;
        let mut largest = 0;
        Backend::active().largest_magnitude(update, &mut largest);
        // The bits of magnitudes are in their order, and what is no number is above all.
        if largest > most.to_bits() {
            let beyond = |x: &f32| x.abs().to_bits() > most.to_bits();
            let first = update.iter().position(beyond).unwrap_or(0);
            return Err(EncodeError::Coordinate { at: from + first });
        }
        Ok(())
    }

    /// What a sum of encoded updates is on average: `sum[i] / (total · 2^f)`.
    #[must_use]
    pub fn decode(&self, sum: &[u64], total: u64) -> Vec<f32> {
        let unit = 1.0 / (total as f64 * self.scale());
        #[expect(clippy::cast_possible_truncation, reason = "updates are single precision")]
        let value = |word: &u64| (word.cast_signed() as f64 * unit) as f32;
        sum.iter().map(value).collect()
    }

    /// [`decode`](Self::decode) of sums in 32 bits, `total` being that of the weights.
    #[must_use]
    pub fn decode_narrow(&self, sum: &[u32], total: u64) -> Vec<f32> {
        let unit = 1.0 / (total as f64 * self.scale());
        #[expect(clippy::cast_possible_truncation, reason = "updates are single precision")]
        let value = |word: &u32| (f64::from(word.cast_signed()) * unit) as f32;
        sum.iter().map(value).collect()
    }

    /// The average of a sum whose words lie like this.
    pub(super) fn average(&self, layout: Layout, body: &[u64], total: u64) -> Vec<f32> {
        if layout.is_narrow() {
            return self.decode_narrow(&halves(body)[..layout.coordinates()], total);
        }
        self.decode(body, total)
    }

    /// The L2 norm, in integers and rounded up, of an encoded update of weight 1 that was clipped to `clip`: `clip · 2^f`, what single
    /// precision adds to that, and the √d/2 that d roundings add. Nothing for a bound that is none.
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "positive, and what is beyond saturates"
    )]
    pub fn norm(&self, clip: f64, parameters: usize) -> Option<u128> {
        let rounding = (parameters as f64).sqrt() / 2.0;
        let norm = (clip * (1.0 + SLACK) * self.scale() + rounding).ceil();
        (clip > 0.0 && clip.is_finite()).then_some(norm as u128)
    }

    fn scale(&self) -> f64 {
        (1_u64 << self.bits) as f64
    }
}
