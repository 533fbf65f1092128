//! Pieces of federated training, each by itself: no case talks yet, so there is no network to choose.

mod cases;
mod command;

pub(crate) use command::{Train, run};
