//! Frames and channels: how bytes travel between parties. No protocol is known here.

pub mod agreement;
mod body;
mod channel;
#[cfg(feature = "testkit")]
pub mod faulty;
mod frame;
mod junction;
#[cfg(feature = "testkit")]
pub mod loopback;
pub mod memory;
mod notes;
#[cfg(feature = "testkit")]
pub mod record;
#[cfg(feature = "testkit")]
pub mod shaped;
pub mod tls;
mod watch;
mod work;

pub use body::Body;
pub use channel::{Abort, AbortCode, Channel, ChannelError};
pub use frame::{
    CHUNK_BYTES, CONTROL_PATH, Frame, HEADER_BYTES, MAX_BODY_BYTES, MAX_NOTE_BYTES, Oversized, Tag,
    Unsendable, decode_header, encode_header, wire_bytes,
};
pub(crate) use junction::Junction;
pub use notes::Notes;
pub use work::{at_work, at_work_here};
