//! Private set intersection by the protocol: `psi --protocol vole --n 1048576`.
//!
//! One file for each protocol, listed in [`all`]; the rest is common: parties as threads or processes, and the line of figures.

mod all;
mod circuit;
mod command;
mod ecdh;
mod files;
mod line;
mod lookup;
mod memory;
mod multi;
mod processes;
mod seat;
mod sets;
mod vole;

pub(crate) use command::{Psi, run};
pub(crate) use processes::serve;
