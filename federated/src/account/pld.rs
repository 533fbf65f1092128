//! The distribution of the privacy loss, step by step and composed.
//!
//! The loss of one step, ln(P(x)/Q(x)) for an x drawn from P, is put on a grid such that at every grid point the curve δ(ε) is
//! the true one and nowhere below it ("connect the dots"). Losses of all steps add up, so their distributions convolve: by one
//! Fourier transform, with what falls out of its range counted as a loss without bound. So the ε that comes out is an upper
//! bound, up to the rounding of doubles (about 10^-12 in δ). P and Q are the outcomes with and without a unit; both ways round
//! are worked out, and the larger ε counts.
//!
//! # Source
//! Sommer, Meiser and Mohammadi, *Privacy Loss Classes*, PoPETs 2019; Koskela, Jälkö and Honkela, *Computing Tight Differential
//! Privacy Guarantees Using FFT*, AISTATS 2020, <https://arxiv.org/abs/1906.03049>; the grid: Doroshenko, Ghazi, Kamath, Kumar and
//! Manurangsi, *Connect the Dots*, PoPETs 2022, <https://arxiv.org/abs/2207.04380>.

mod compose;
mod curve;
mod range;
mod step;

pub use curve::{delta, epsilon};
