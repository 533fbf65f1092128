//! All cases, by subject.

mod all;
mod compare;
mod fixed;
mod matrix;
mod order;
mod tables;
mod words;

pub(crate) use all::all;
