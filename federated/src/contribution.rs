//! What each provider's update was worth, without seeing any.
//!
//! A round moves the model from `w` by `Δ = Σ_k δ_k`, with `δ_k` a provider's update times its part of all weights. Its worth to
//! the buyer is the loss that a validation set loses. That is shared out by the Aumann–Shapley value: the share of provider k is
//! the integral of `⟨δ_k, −∇L(w + sΔ)⟩` over s from 0 to 1. All shares add up to the whole, equal updates get equal shares, one
//! that does nothing gets nothing. The integral by Gauss and Legendre at 4 points costs **4 gradients a round, however many
//! providers there are**.
//!
//! It is linear in what is private, with a direction `v` that those who open the average can work out: each party takes the product
//! of its shares with `v` by itself, and one number a provider comes out, of which only the sum over all rounds of a
//! job is to be shown.
//!
//! # Security
//! **Not kept by this module, but by whoever calls it:** a direction of somebody's choice would read a coordinate off an update.
//! Parties must take the product with nothing but a direction that they worked out themselves, from a model, an average and
//! validation rows that all of them committed to before ([`direction`]); and they must show totals over rounds only.
//!
//! # Source
//! Aumann and Shapley, *Values of Non-Atomic Games*, 1974; as the value of federated updates: Wang, Rausch, Zhang, Jia and Song,
//! *A Principled Approach to Data Valuation for Federated Learning*, 2020, <https://arxiv.org/abs/2009.06192>, has the Shapley
//! value of rounds that this is the continuous form of.

mod direction;
mod price;
#[cfg(test)]
mod tests;
mod value;

pub use direction::direction;
pub use price::{PriceError, Terms, price, uniqueness};
pub use value::{Values, ValuesError};
