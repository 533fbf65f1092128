//! Exact samplers of noise on integers: no floating point decides what is drawn.
//!
//! # Security
//! The time that drawing takes varies with what is drawn, as rejection samplers do; a party draws its own noise by itself.
//!
//! # Source
//! Canonne, Kamath, Steinke, *The Discrete Gaussian for Differential Privacy*, NeurIPS 2020, <https://arxiv.org/abs/2004.00010>,
//! algorithms 1 to 3.

mod draws;
mod gaussian;
mod laplace;

pub use draws::Draws;
pub use gaussian::{MOST_SIGMA, add_discrete_gaussian, discrete_gaussian};
pub use laplace::discrete_laplace;
