//! From places in one shuffled order to places opened in the next, in one pass along the parties.
//!
//! A sort by several digits opens, for each but the last, where every row of a freshly shuffled table goes so far. Step by step
//! that is: reshare the places by one digit, take them back to the table's own order (an unshuffling), shuffle again, reshare,
//! open. Here the places stay what they are in between, the sum of two parties' parts, since all that happens to them are
//! permutations that both of these parties know:
//!
//! ```text
//!                 P0                          P1                          P2
//!  places        part, + P1's  ◀──masked──── part                        part
//!  back, third   permutes, masks ──────────▶                             permutes, unmasks
//!  back, second                              permutes                    permutes, masks ──▶ P0
//!  back, first and forward, first:  P0 and P1 permute by both;  P0 masks ──▶ P2
//!  forward, second                           permutes, masks ──▶ P0      permutes
//!  forward, third  permutes, unmasks                                     permutes, masks
//!  opening       part ─────────────────────────────────────────────────▶ part
//!                     ◀─────────────────────────── part                  the positions, masked ──▶ P1
//! ```
//!
//! The permutations and their order are those of [`Shuffle::undo`] and [`Shuffle::apply`], so what is opened is distributed as
//! in \[AHI+22\] <https://eprint.iacr.org/2022/1595> §5.2: the positions under a permutation of which every party misses one
//! fresh factor. Messages a row: 8 words in place of 3 (product) + 4 (back) + 4 (shuffle) + 3 (opening).
//!
//! # Security
//! Semi-honest, one corrupted party. Every message but the two of the opening is masked by a stretch of keystream, used
//! once, of the key that the receiver lacks: to P0 by P1's and P2's, to P1 by P0's and P2's, to P2 by P0's and P1's. At the
//! opening P0 and P2 send each other parts that were masked afresh by the key they share, each of which the receiver could
//! work out from its own part and the positions; P1 gets the positions under the key of P1 and P2.

use super::{
    low_bytes::Narrow,
    permutation::{is_permutation, scatter},
    shuffle::Shuffle,
    sort::Ordering,
};
use crate::{
    kernels::Backend,
    party::Role,
    prss::Stretch,
    ring::{Buf, Ring, Z32},
    session::{Meter, OpeningKind, Recipient, Session, SessionError},
    share::Shared,
};

/// Places on their way: additive parts in the order of the table that the digit was taken from.
pub(super) struct Relay<'a> {
    narrow: Narrow,
    rows: usize,
    part: Buf<u32>,
    /// In which order that table stands; `None` for the order of the keys.
    from: Option<&'a Ordering>,
}

impl<'a> Relay<'a> {
    /// Hands the part of the one party that does not take part in the next permutation to P0.
    pub(super) fn start(
        s: &mut Session,
        narrow: Narrow,
        mut part: Buf<u32>,
        from: Option<&'a Ordering>,
    ) -> Result<Self, SessionError> {
        let rows = part.len();
        let hand = s.prss().stretch::<Z32>(rows);
        let giver = giver(from.is_some());
        match s.role() {
            Role::P0 => Z32::add_assign(&mut part, &narrow.recv(s, giver, rows)?),
            Role::P1 => mask(s, (Role::P2, hand), &mut part, Z32::add_assign),
            Role::P2 => mask(s, (Role::P2, hand), &mut part, Z32::sub_assign),
        }
        if s.role() == giver {
            narrow.send(s, Role::P0, &part)?;
        }
        Ok(Self { narrow, rows, part, from })
    }

    /// Opens the positions in a fresh order.
    pub(super) fn open(self, s: &mut Session, shuffle: Shuffle) -> Result<Ordering, SessionError> {
        s.pass_gate(OpeningKind::Permutation, self.rows, Recipient::All)?;
        let (narrow, rows) = (self.narrow, self.rows);
        let part = self.back(s)?;
        let mut positions = forward(s, narrow, rows, part, &shuffle)?;
        positions.iter_mut().for_each(|position| *position &= narrow.mask());
        if !is_permutation(&positions) {
            return Err(SessionError::NotAPermutation { step: s.step() });
        }
        Ok(Ordering::new(shuffle, positions))
    }

    /// Ends in replicated shares, in the order of the keys.
    pub(super) fn settle(self, s: &mut Session) -> Result<Shared<Z32>, SessionError> {
        let (narrow, rows) = (self.narrow, self.rows);
        let mut part = self.back(s)?;
        let [kept, masked] = [(); 2].map(|()| s.prss().stretch::<Z32>(rows));
        let mut third = Buf::<u32>::scratch(if s.role() == Role::P2 { 0 } else { rows });
        match s.role() {
            Role::P0 => {
                mask(s, (Role::P1, masked), &mut part, Z32::add_assign);
                s.prss().fill::<Z32>(Role::P1, kept, 0, &mut third);
                narrow.send(s, Role::P2, &part)?;
                Ok(Shared::from_parts(part, third))
            }
            Role::P1 => {
                mask(s, (Role::P1, masked), &mut part, Z32::sub_assign);
                s.prss().fill::<Z32>(Role::P1, kept, 0, &mut third);
                Z32::sub_assign(&mut part, &third);
                narrow.send(s, Role::P2, &part)?;
                Ok(Shared::from_parts(third, part))
            }
            Role::P2 => {
                let own = narrow.recv(s, Role::P1, rows)?;
                Ok(Shared::from_parts(own, narrow.recv(s, Role::P0, rows)?))
            }
        }
    }

    /// Parts of P0 and P1 in the order of the keys, but for P0's and P1's own permutation done.
    fn back(self, s: &mut Session) -> Result<Buf<u32>, SessionError> {
        let (narrow, rows, mut part) = (self.narrow, self.rows, self.part);
        let Some(Ordering { shuffle, positions }) = self.from else { return Ok(part) };
        let [first, second] = [(); 2].map(|()| s.prss().stretch::<Z32>(rows));
        if s.role() != Role::P1 {
            let mut shuffled = Buf::<u32>::scratch(rows);
            Backend::active().gather_u32(&mut shuffled, &part, positions);
            part = scatter(&shuffled, shuffle.order(Role::P0));
        }
        match s.role() {
            Role::P0 => {
                mask(s, (Role::P0, first), &mut part, Z32::add_assign);
                narrow.send(s, Role::P1, &part)?;
                part = narrow.recv(s, Role::P2, rows)?;
            }
            Role::P1 => {
                part = scatter(&narrow.recv(s, Role::P0, rows)?, shuffle.order(Role::P2));
                mask(s, (Role::P2, second), &mut part, Z32::sub_assign);
            }
            Role::P2 => {
                mask(s, (Role::P0, first), &mut part, Z32::sub_assign);
                part = scatter(&part, shuffle.order(Role::P2));
                mask(s, (Role::P2, second), &mut part, Z32::add_assign);
                narrow.send(s, Role::P0, &part)?;
                return Ok(part);
            }
        }
        Ok(scatter(&part, shuffle.order(Role::P1)))
    }
}

/// Shuffles the parts of P0 and P1 and opens their sum.
fn forward(
    s: &mut Session,
    narrow: Narrow,
    rows: usize,
    mut part: Buf<u32>,
    shuffle: &Shuffle,
) -> Result<Buf<u32>, SessionError> {
    let [first, second, third, last] = [(); 4].map(|()| s.prss().stretch::<Z32>(rows));
    let gather = |part: &Buf<u32>, by: Role| {
        let mut out = Buf::<u32>::scratch(rows);
        Backend::active().gather_u32(&mut out, part, shuffle.order(by));
        out
    };
    match s.role() {
        Role::P0 => {
            part = gather(&part, Role::P1);
            mask(s, (Role::P1, first), &mut part, Z32::add_assign);
            narrow.send(s, Role::P2, &part)?;
            part = gather(&narrow.recv(s, Role::P1, rows)?, Role::P0);
            mask(s, (Role::P0, third), &mut part, Z32::sub_assign);
            narrow.send(s, Role::P2, &part)?;
            Z32::add_assign(&mut part, &narrow.recv(s, Role::P2, rows)?);
        }
        Role::P1 => {
            part = gather(&part, Role::P1);
            mask(s, (Role::P1, first), &mut part, Z32::sub_assign);
            part = gather(&part, Role::P2);
            mask(s, (Role::P2, second), &mut part, Z32::add_assign);
            narrow.send(s, Role::P0, &part)?;
            part = narrow.recv(s, Role::P2, rows)?;
            mask(s, (Role::P2, last), &mut part, Z32::add_assign);
        }
        Role::P2 => {
            part = gather(&narrow.recv(s, Role::P0, rows)?, Role::P2);
            mask(s, (Role::P2, second), &mut part, Z32::sub_assign);
            part = gather(&part, Role::P0);
            mask(s, (Role::P0, third), &mut part, Z32::add_assign);
            narrow.send(s, Role::P0, &part)?;
            Z32::add_assign(&mut part, &narrow.recv(s, Role::P0, rows)?);
            let mut masked = part.clone();
            mask(s, (Role::P2, last), &mut masked, Z32::sub_assign);
            narrow.send(s, Role::P1, &masked)?;
        }
    }
    Ok(part)
}

/// Adds or subtracts a key's stretch.
fn mask(
    s: &mut Session,
    (key, stretch): (Role, Stretch),
    words: &mut [u32],
    put: fn(&mut [u32], &[u32]),
) {
    let mut piece = [0; 1024];
    for (at, words) in (0..).step_by(piece.len()).zip(words.chunks_mut(1024)) {
        let piece = &mut piece[..words.len()];
        s.prss().fill::<Z32>(key, stretch, at, piece);
        put(words, piece);
    }
}

/// Who takes no part in the first permutation: with an order to go back from, that is P2's and P0's, else P0's and P1's.
fn giver(back: bool) -> Role {
    if back { Role::P1 } else { Role::P2 }
}

/// The message of [`Relay::start`].
pub(super) fn start_message(rows: usize, narrow: Narrow, back: bool) -> (Role, Role, usize) {
    (giver(back), Role::P0, narrow.wire_bytes(rows))
}

/// Twin of [`Relay::open`].
pub(super) fn open_cost(m: &mut Meter, rows: usize, narrow: Narrow, back: bool) {
    m.pass_gate(OpeningKind::Permutation, rows, Recipient::All);
    let bytes = narrow.wire_bytes(rows);
    back_cost(m, bytes, back);
    m.messages(&[(Role::P0, Role::P2, bytes), (Role::P1, Role::P0, bytes)]);
    m.messages(&[(Role::P0, Role::P2, bytes), (Role::P2, Role::P0, bytes)]);
    m.messages(&[(Role::P2, Role::P1, bytes)]);
}

/// Twin of [`Relay::settle`].
pub(super) fn settle_cost(m: &mut Meter, rows: usize, narrow: Narrow, back: bool) {
    let bytes = narrow.wire_bytes(rows);
    back_cost(m, bytes, back);
    m.messages(&[(Role::P0, Role::P2, bytes), (Role::P1, Role::P2, bytes)]);
}

fn back_cost(m: &mut Meter, bytes: usize, back: bool) {
    if back {
        m.messages(&[(Role::P0, Role::P1, bytes), (Role::P2, Role::P0, bytes)]);
    }
}
