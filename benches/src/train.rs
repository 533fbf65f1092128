//! Pieces of federated training, each by itself: what one provider or party works out, and what all three work out on shares.

mod adult;
mod averaged;
mod cases;
mod census;
mod command;
mod digits;
mod exact;
mod gate;
mod gbdt;
mod many;
mod masks;
mod mnist;
mod party;
mod people;
mod pictures;
mod round;
mod shared;
mod vertical;

pub(crate) use command::{Train, run};
pub(crate) use party::serve;
pub(crate) use shared::cases as shared_cases;
