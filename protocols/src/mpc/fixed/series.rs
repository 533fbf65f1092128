//! Trigonometric sums of a shared value: `c + Σ_k (p_k cos 2πkt + q_k sin 2πkt)`, where `t` is a shared fraction of a turn.
//!
//! Turns are words: 2^64 is a full one, so a wrap of the sum `u + v` is none of the angle. By the addition theorems every term
//! is a sum of two products, `cos ku · (p cos kv + q sin kv) + sin ku · (q cos kv − p sin kv)`, of factors that P0 and the other
//! two work out for themselves: one exchange for the whole sum. Real functions by Fourier series of a shared value, the sines and
//! cosines of the summands in the clear: Boura, Chillotti, Gama, Jetchev, Peceny, Petric, "High-Precision Privacy-Preserving
//! Real-Valued Function Evaluation", Financial Cryptography 2018; the sigmoid: Zheng, Zhang, Chow, Peng, Tan, Li, Yin, "Secure
//! Softmax/Sigmoid for Machine-learning Computation", ACSAC 2023, <https://doi.org/10.1145/3627106.3627175>.

use super::{
    format::{unit, whole},
    known::{products, products_cost},
};
use crate::{
    party::Role,
    ring::{Buf, Z64},
    session::{Meter, Session, SessionError},
    share::Shared,
};

/// A trigonometric sum: which harmonics, and their factors.
#[derive(Clone, Copy, Debug)]
pub(super) struct Series {
    /// The first harmonic and the step to the next.
    pub(super) harmonics: (u32, u32),
    /// Factors of cosine and sine, harmonic by harmonic.
    pub(super) factors: &'static [(f64, f64)],
    /// What is added.
    pub(super) constant: f64,
}

/// Working precision of a sum, and what it is multiplied by. P0's factors have fewer bits than the others', whose rounding counts
/// once a harmonic.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Precision {
    pub(super) frac: u32,
    pub(super) gain: f64,
}

impl Precision {
    fn scale(self, role: Role) -> f64 {
        if role == Role::P0 { unit(self.left()) } else { unit(self.right()) * self.gain }
    }

    /// Fraction bits of P0's factors.
    fn left(self) -> u32 {
        self.frac / 2 - 1
    }

    /// Fraction bits of the others'.
    fn right(self) -> u32 {
        self.frac - self.left()
    }
}

impl Series {
    /// Products that its terms take.
    pub(super) fn terms(&self) -> usize {
        2 * self.factors.len()
    }

    /// This role's factors for one batch of turns, term by term.
    pub(super) fn fill(&self, role: Role, precision: Precision, turns: &[u64], out: &mut [u64]) {
        let rows = turns.len();
        let scale = precision.scale(role);
        // Blocks short enough for the first-level cache and the registers of the loops below.
        const BLOCK: usize = 64;
        let mut waves = [[0.0; BLOCK]; 4];
        for (block, turns) in turns.chunks(BLOCK).enumerate() {
            let [cos, sin, step_cos, step_sin] = &mut waves;
            wave(turns, self.harmonics.0, cos, sin);
            wave(turns, self.harmonics.1, step_cos, step_sin);
            for (k, (p, q)) in self.factors.iter().enumerate() {
                let at = 2 * k * rows + block * BLOCK;
                let (first, second) = out[at..].split_at_mut(rows);
                let pair = first[..turns.len()].iter_mut().zip(&mut second[..turns.len()]);
                for ((first, second), (cos, sin)) in pair.zip(cos.iter().zip(sin.iter())) {
                    let (x, y) = if role == Role::P0 {
                        (*cos, *sin)
                    } else {
                        (p * cos + q * sin, q * cos - p * sin)
                    };
                    *first = rounded(x * scale);
                    *second = rounded(y * scale);
                }
                for i in 0..BLOCK {
                    let next = cos[i] * step_cos[i] - sin[i] * step_sin[i];
                    sin[i] = sin[i] * step_cos[i] + cos[i] * step_sin[i];
                    cos[i] = next;
                }
            }
        }
    }

    /// How far rounded factors and 32-bit turns may put the sum off.
    pub(super) fn rounding(&self, precision: Precision) -> f64 {
        let half = 0.5 / unit(precision.left());
        let (mut most, mut slope, mut k) = (0.0, 0.0, f64::from(self.harmonics.0));
        for (p, q) in self.factors {
            most += (p.abs() + q.abs()) * precision.gain.abs();
            slope += (p.abs() + q.abs()) * precision.gain.abs() * k;
            k += f64::from(self.harmonics.1);
        }
        let turns = 2.0 * std::f64::consts::TAU / unit(32);
        let count = 2.0 * f64::from(u32::try_from(self.factors.len()).unwrap_or(u32::MAX));
        2.0 * most * half + count * (0.5 / unit(precision.right())) + slope * turns
    }

    /// The sum in the clear.
    #[cfg(test)]
    pub(super) fn at(&self, turn: f64) -> f64 {
        let (first, step) = (f64::from(self.harmonics.0), f64::from(self.harmonics.1));
        let term = |(k, (p, q)): (u32, &(f64, f64))| {
            let angle = std::f64::consts::TAU * turn * (first + step * f64::from(k));
            p * angle.cos() + q * angle.sin()
        };
        self.constant + (0..).zip(self.factors).map(term).sum::<f64>()
    }
}

/// A trigonometric sum of shared turns, with as many fraction bits as `precision` says.
pub(super) fn series(
    s: &mut Session,
    turns: &Buf<u64>,
    sum: &Series,
    precision: Precision,
) -> Result<Shared<Z64>, SessionError> {
    let fill = |role, rows: std::ops::Range<usize>, out: &mut [u64]| {
        sum.fill(role, precision, &turns[rows], out);
    };
    let mut out = products::<Z64>(s, turns.len(), sum.terms(), fill)?;
    out.add_constant(s.role(), constant(sum, precision));
    Ok(out)
}

pub(super) fn series_cost(m: &mut Meter, n: usize, sum: &Series) {
    products_cost::<Z64>(m, n, sum.terms());
}

/// The sum's constant as a word.
pub(super) fn constant(sum: &Series, precision: Precision) -> u64 {
    whole((sum.constant * precision.gain * unit(precision.frac)).round()).cast_unsigned()
}

/// Adding it to a number below 2^51 leaves the number, rounded to the nearest integer, in the lower bits.
const ROUND: f64 = 6_755_399_441_055_744.0;

/// The nearest integer of a number below 2^51, as a word. The same on every machine: one IEEE addition.
pub(super) fn rounded(x: f64) -> u64 {
    (x + ROUND).to_bits().wrapping_sub(ROUND.to_bits())
}

/// Cosine and sine of `k` times a turn, of the top 32 bits of it.
///
/// Additions and multiplications of IEEE numbers in a fixed order, so that P1 and P2 get the same bits: the polynomials serve a
/// quarter of the angle, and the angle is doubled twice.
fn wave(turns: &[u64], k: u32, cos: &mut [f64], sin: &mut [f64]) {
    for ((turn, cos), sin) in turns.iter().zip(cos).zip(sin) {
        let high = turn.wrapping_mul(u64::from(k)) >> 32;
        let x = f64::from((high as u32).cast_signed()) * QUARTER;
        let y = x * x;
        let mut s =
            x * (1.0 + y * (SIN[0] + y * (SIN[1] + y * (SIN[2] + y * (SIN[3] + y * SIN[4])))));
        let mut c = 1.0
            + y * (COS[0] + y * (COS[1] + y * (COS[2] + y * (COS[3] + y * (COS[4] + y * COS[5])))));
        for _ in 0..2 {
            (s, c) = (2.0 * s * c, (c - s) * (c + s));
        }
        (*cos, *sin) = (c, s);
    }
}

/// A quarter of 2π over 2^32.
const QUARTER: f64 = std::f64::consts::FRAC_PI_2 / 4_294_967_296.0;
/// Taylor, from x^3: the first term left out is below 10^-11 at π/4.
const SIN: [f64; 5] =
    [-1.0 / 6.0, 1.0 / 120.0, -1.0 / 5040.0, 1.0 / 362_880.0, -1.0 / 39_916_800.0];
/// Taylor, from x^2.
const COS: [f64; 6] =
    [-1.0 / 2.0, 1.0 / 24.0, -1.0 / 720.0, 1.0 / 40_320.0, -1.0 / 3_628_800.0, 1.0 / 479_001_600.0];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waves_are_cosines_and_sines_of_32_bits_of_a_turn() {
        let turns: Vec<u64> = (0..1000_u64)
            .map(|i| i.wrapping_mul(0x9e37_79b9_7f4a_7c15))
            .chain([0, 1 << 62, 1 << 63, 3 << 62, u64::MAX])
            .collect();
        for k in [1, 2, 3] {
            let (mut cos, mut sin) = (vec![0.0; turns.len()], vec![0.0; turns.len()]);
            wave(&turns, k, &mut cos, &mut sin);
            for (turn, (cos, sin)) in turns.iter().zip(cos.iter().zip(&sin)) {
                let turn = turn.wrapping_mul(u64::from(k)) >> 32;
                let angle = std::f64::consts::TAU * turn as f64 / unit(32);
                assert!((cos - angle.cos()).abs() < 1e-9, "cosine of turn {turn}");
                assert!((sin - angle.sin()).abs() < 1e-9, "sine of turn {turn}");
            }
        }
    }

    #[test]
    fn rounding_is_to_the_nearest_integer() {
        for (x, want) in
            [(0.0, 0), (2.4, 2), (2.6, 3), (-2.6, -3), (-0.4, 0), (1e15, 1_000_000_000_000_000)]
        {
            assert_eq!(rounded(x).cast_signed(), want, "{x}");
        }
    }
}
