//! A provider's own programs that train: started and ended here, handed a job's rows, and held to what the job says of its model.
//!
//! Such a program sees what the policy's plan reads of the provider's table, as the numbers that the native trainers get, and the
//! model of each round. It never sees the table, a key or a link. What it gives back is a model and figures that are looked at like
//! anything from outside: length, finite numbers, a weight of no more rows than it was handed; bounds and shares come after, as for
//! native trainers.

mod child;
mod hired;
#[cfg(test)]
mod tests;

pub use hired::Hired;
