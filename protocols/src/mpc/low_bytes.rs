//! Words that travel in as few bytes as their values need.
//!
//! Positions of n rows matter modulo n's next power of 256 only, and taking the low bytes is a homomorphism from Z32 onto that
//! ring. So parties compute modulo 2^32 and send low bytes: a message is an element of the smaller ring under a mask of the
//! smaller ring, and high bytes, which never agree, are dropped where the result is opened.

use crate::{
    kernels::Backend,
    party::Role,
    ring::Buf,
    session::{Session, SessionError},
};

/// How many bytes of a 32-bit word travel: 2, 3 or 4.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Narrow(usize);

impl Narrow {
    /// All of it.
    pub(super) const WHOLE: Self = Self(4);

    /// Enough to number `rows` rows.
    pub(super) fn for_rows(rows: usize) -> Self {
        match rows {
            0..=0x1_0000 => Self(2),
            0x1_0001..=0x100_0000 => Self(3),
            _ => Self::WHOLE,
        }
    }

    pub(super) fn bytes(self) -> usize {
        self.0
    }

    /// The bits that travel.
    pub(super) fn mask(self) -> u32 {
        u32::MAX >> (32 - 8 * self.0)
    }

    /// 32-bit words of a message of `n` values.
    pub(super) fn wire_words(self, n: usize) -> usize {
        (self.0 * n).div_ceil(4)
    }

    /// Bytes of a message of `n` values.
    pub(super) fn wire_bytes(self, n: usize) -> usize {
        4 * self.wire_words(n)
    }

    /// An empty message of `n` values; what fills the last word up is zero.
    pub(super) fn message(self, n: usize) -> Buf<u32> {
        let mut wire = Buf::<u32>::scratch(self.wire_words(n));
        if let Some(last) = wire.last_mut() {
            *last = 0;
        }
        wire
    }

    pub(super) fn send(
        self,
        s: &mut Session,
        to: Role,
        values: &[u32],
    ) -> Result<(), SessionError> {
        if self == Self::WHOLE {
            return s.send(to.id(), values);
        }
        let mut wire = self.message(values.len());
        let bytes = &mut bytemuck::cast_slice_mut(&mut wire)[..self.0 * values.len()];
        Backend::active().pack_u32(bytes, values, self.0);
        s.send(to.id(), &wire)
    }

    pub(super) fn recv(
        self,
        s: &mut Session,
        from: Role,
        n: usize,
    ) -> Result<Buf<u32>, SessionError> {
        let mut values = Buf::<u32>::scratch(n);
        if self == Self::WHOLE {
            s.recv(from.id(), &mut values)?;
            return Ok(values);
        }
        let mut wire = Buf::<u32>::scratch(self.wire_words(n));
        s.recv(from.id(), &mut wire)?;
        let bytes = &bytemuck::cast_slice(&wire)[..self.0 * n];
        Backend::active().unpack_u32(&mut values, bytes, self.0);
        Ok(values)
    }
}
