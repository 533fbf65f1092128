//! Three parties in one process, for tests and benches: [`World`] runs a protocol from a seed, over the memory mesh.

mod circle;
mod duo;
mod severed;
mod world;

pub use circle::{Circle, CircleRun};
pub use duo::{Duo, DuoRun};
pub use severed::{Cut, Severed, Watch};
pub use world::{Run, World, clear_bits, share_bits, test_prss};
