//! The buyer's side: submit, watch, fetch. Opening what was fetched is `seal`'s.

mod buyer;

pub use buyer::{Buyer, Fetched};
