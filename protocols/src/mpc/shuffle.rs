//! Shuffling: rows in a uniformly random order that no single party knows, and back again.
//!
//! The order is a product of three permutations, each known to two parties:
//!
//! ```text
//!           A (x_A + x_B)                B (the third summand)        C
//!  first    known to A and B: both apply it to their part, masks cancel; A hands its part to C
//!  second   known to B and C: both apply it to their part, masks cancel; B hands its part to A
//!  third    known to C and A: both apply it to their part; fresh replicated shares come out
//! ```
//!
//! Forward, (A, B, C) is (P0, P1, P2); backward, with the inverses in the opposite order, it is (P0, P2, P1). So one routine
//! serves both. Chida et al. <https://eprint.iacr.org/2019/695> Algorithm 9 and \[AFO+21\] Araki et al., CCS 2021 ("Secure
//! graph analysis at scale"): 2 rounds, 4 messages of the data's size.

use std::fmt;

use super::column::{Column, Shape, gather_wire};
use crate::{
    kernels::Backend,
    party::Role,
    prg::Prg,
    ring::{Buf, Z64, Z128},
    session::{Meter, Session, SessionError},
};

/// A random order of `n` rows: of its three permutations, the two this party knows.
pub struct Shuffle {
    rows: usize,
    /// By the summand whose key they come from; `None` for the one this party does not know.
    forward: [Option<Vec<u32>>; 3],
}

/// The three parties' parts in one pass.
struct Cast {
    a: Role,
    b: Role,
    c: Role,
}

impl Shuffle {
    /// Draws a random order of `rows` rows. Local.
    ///
    /// # Panics
    /// If there are 2^32 rows or more.
    pub fn draw(s: &mut Session, rows: usize) -> Self {
        let forward = Role::ALL.map(|index| {
            // 32 bytes of the pair's keystream; a permutation of its own stream, so that the session's counter
            // does not depend on how many words the permutation takes.
            let seed = s.prss().summand::<Z128>(index, 1)?;
            Some(random_permutation(Prg::new(&seed[0].to_le_bytes()), rows))
        });
        Self { rows, forward }
    }

    /// The columns with their rows in this order.
    ///
    /// # Shape
    /// Every column has the shuffle's rows.
    ///
    /// # Cost
    /// 2 rounds; 4 messages of the column's size for each column, all parties together.
    ///
    /// # Errors
    /// [`SessionError::Shape`] if a column has other rows; channel errors pass through.
    ///
    /// # Security
    /// Semi-honest, one corrupted party. A's part goes to C under a mask of A and B, B's part to A under a mask of B
    /// and C, and B receives two summands masked by two keystreams of A and C.
    pub fn apply(&self, s: &mut Session, columns: &[Column]) -> Result<Vec<Column>, SessionError> {
        let cast = Cast { a: Role::P0, b: Role::P1, c: Role::P2 };
        let known = self.forward.each_ref().map(Option::as_deref);
        self.pass(s, &cast, known, columns)
    }

    /// The inverse of [`Shuffle::apply`]: columns in this order go back to where they came from.
    ///
    /// # Errors
    /// As [`Shuffle::apply`].
    pub fn undo(&self, s: &mut Session, columns: &[Column]) -> Result<Vec<Column>, SessionError> {
        let cast = Cast { a: Role::P0, b: Role::P2, c: Role::P1 };
        let inverse = self.forward.each_ref().map(|known| known.as_deref().map(invert));
        self.pass(s, &cast, inverse.each_ref().map(Option::as_deref), columns)
    }

    fn pass(
        &self,
        s: &mut Session,
        cast: &Cast,
        known: [Option<&[u32]>; 3],
        columns: &[Column],
    ) -> Result<Vec<Column>, SessionError> {
        for column in columns {
            s.same_len(column.rows(), self.rows)?;
        }
        let order = |pair: Role| known[pair.index()].unwrap_or(&[]);
        let lanes: Vec<Lane<'_>> =
            columns.iter().map(|column| Lane::new(s, cast, column, self.rows)).collect();
        let orders = [order(cast.first()), order(cast.second()), order(cast.third())];
        let parts = if s.role() == cast.a {
            play_a(s, cast, &lanes, orders)?
        } else if s.role() == cast.b {
            play_b(s, cast, &lanes, orders)?
        } else {
            play_c(s, cast, &lanes, orders)?
        };
        let rows = self.rows;
        let pairs = columns.iter().zip(parts);
        Ok(pairs
            .map(|(column, (own, next))| Column::from_wire(column.shape(), rows, own, next))
            .collect())
    }
}

/// Twin of [`Shuffle::apply`]; for [`Shuffle::undo`] with `back`.
pub fn shuffle_cost(m: &mut Meter, rows: usize, shapes: &[Shape], back: bool) {
    let (a, b, c) =
        if back { (Role::P0, Role::P2, Role::P1) } else { (Role::P0, Role::P1, Role::P2) };
    let batch = |hops: [(Role, Role); 2]| {
        let bytes = |shape: &Shape| shape.wire_words(rows) * 8;
        let each = hops.map(|(from, to)| shapes.iter().map(move |shape| (from, to, bytes(shape))));
        each.into_iter().flatten().collect::<Vec<_>>()
    };
    m.messages(&batch([(a, c), (b, a)]));
    m.messages(&batch([(a, b), (c, b)]));
}

impl Cast {
    /// The summand that A and B hold, whose key gives the first permutation and its mask.
    fn first(&self) -> Role {
        held_by(self.a, self.b)
    }
    /// The summand that B and C hold.
    fn second(&self) -> Role {
        held_by(self.b, self.c)
    }
    /// The summand that C and A hold.
    fn third(&self) -> Role {
        held_by(self.c, self.a)
    }
}

/// The summand that two parties hold: P_i and P_{i−1} hold summand i.
fn held_by(x: Role, y: Role) -> Role {
    if x.next() == y { y } else { x }
}

/// One column on its way: its shape, this party's additive part, and the masks this party knows.
struct Lane<'a> {
    shape: Shape,
    rows: usize,
    column: &'a Column,
    /// Cancels between A and B, between B and C, and twice between C and A.
    masks: [Option<Buf<u64>>; 4],
}

impl<'a> Lane<'a> {
    fn new(s: &mut Session, cast: &Cast, column: &'a Column, rows: usize) -> Self {
        let shape = column.shape();
        let words = shape.wire_words(rows);
        let keys = [cast.first(), cast.second(), cast.third(), cast.third()];
        let masks = keys.map(|key| s.prss().summand::<Z64>(key, words));
        Self { shape, rows, column, masks }
    }

    fn gather(&self, wire: &[u64], order: &[u32]) -> Buf<u64> {
        gather_wire(self.shape, wire, self.rows, order)
    }

    fn scratch(&self) -> Buf<u64> {
        Buf::scratch(self.shape.wire_words(self.rows))
    }

    fn add(&self, wire: &mut [u64], mask: usize) {
        if let Some(mask) = &self.masks[mask] {
            self.shape.add(wire, mask);
        }
    }

    fn subtract(&self, wire: &mut [u64], mask: usize) {
        if let Some(mask) = &self.masks[mask] {
            self.shape.subtract(wire, mask);
        }
    }

    fn mask(&self, mask: usize) -> Buf<u64> {
        self.masks[mask].clone().unwrap_or_else(|| self.scratch())
    }
}

type Parts = Vec<(Buf<u64>, Buf<u64>)>;

/// Puts the two summands of a party in order: `(number, summand)` of each.
fn in_order(role: Role, one: (Role, Buf<u64>), two: (Role, Buf<u64>)) -> (Buf<u64>, Buf<u64>) {
    if one.0 == role { (one.1, two.1) } else { (two.1, one.1) }
}

fn play_a(
    s: &mut Session,
    cast: &Cast,
    lanes: &[Lane<'_>],
    orders: [&[u32]; 3],
) -> Result<Parts, SessionError> {
    for lane in lanes {
        let mut part = lane.column.wire(false);
        lane.shape.add(&mut part, &lane.column.wire(true));
        lane.add(&mut part, 0);
        let part = lane.gather(&part, orders[0]);
        s.send(cast.c.id(), &part)?;
    }
    let mut received = Vec::with_capacity(lanes.len());
    for lane in lanes {
        let mut part = lane.scratch();
        s.recv(cast.b.id(), &mut part)?;
        received.push(part);
    }
    let mut out = Vec::with_capacity(lanes.len());
    for (lane, part) in lanes.iter().zip(received) {
        let mut shared_with_b = lane.gather(&part, orders[2]);
        let shared_with_c = lane.mask(3);
        lane.add(&mut shared_with_b, 2);
        lane.shape.subtract(&mut shared_with_b, &shared_with_c);
        s.send(cast.b.id(), &shared_with_b)?;
        out.push(in_order(s.role(), (cast.first(), shared_with_b), (cast.third(), shared_with_c)));
    }
    Ok(out)
}

fn play_b(
    s: &mut Session,
    cast: &Cast,
    lanes: &[Lane<'_>],
    orders: [&[u32]; 3],
) -> Result<Parts, SessionError> {
    for lane in lanes {
        // The summand that A does not hold is the one B and C share.
        let mut part = lane.column.wire(cast.second() == s.role().next());
        lane.subtract(&mut part, 0);
        let mut part = lane.gather(&part, orders[0]);
        lane.subtract(&mut part, 1);
        let part = lane.gather(&part, orders[1]);
        s.send(cast.a.id(), &part)?;
    }
    let mut out = Vec::with_capacity(lanes.len());
    for lane in lanes {
        let (mut from_a, mut from_c) = (lane.scratch(), lane.scratch());
        s.recv(cast.a.id(), &mut from_a)?;
        s.recv(cast.c.id(), &mut from_c)?;
        out.push(in_order(s.role(), (cast.first(), from_a), (cast.second(), from_c)));
    }
    Ok(out)
}

fn play_c(
    s: &mut Session,
    cast: &Cast,
    lanes: &[Lane<'_>],
    orders: [&[u32]; 3],
) -> Result<Parts, SessionError> {
    // Both permutations that C knows, as one: row i comes from second[third[i]].
    let mut both = vec![0; orders[2].len()];
    Backend::active().gather_u32(&mut both, orders[1], orders[2]);
    let mut received = Vec::with_capacity(lanes.len());
    for lane in lanes {
        let mut part = lane.scratch();
        s.recv(cast.a.id(), &mut part)?;
        received.push(part);
    }
    let mut out = Vec::with_capacity(lanes.len());
    for (lane, mut part) in lanes.iter().zip(received) {
        lane.add(&mut part, 1);
        let mut shared_with_b = lane.gather(&part, &both);
        lane.subtract(&mut shared_with_b, 2);
        s.send(cast.b.id(), &shared_with_b)?;
        out.push(in_order(s.role(), (cast.second(), shared_with_b), (cast.third(), lane.mask(3))));
    }
    Ok(out)
}

/// A uniformly random permutation from a key's stream: Fisher–Yates, each index drawn without bias (Lemire,
/// "Fast random integer generation in an interval", TOMACS 2019, Algorithm 5).
fn random_permutation(mut prg: Prg, rows: usize) -> Vec<u32> {
    assert!(u32::try_from(rows).is_ok(), "rows are numbered in 32 bits");
    let mut order: Vec<u32> = (0..).take(rows).collect();
    let mut words = [0_u64; 512];
    let mut at = words.len();
    let mut word = || {
        if at == words.len() {
            prg.fill::<Z64>(&mut words);
            at = 0;
        }
        at += 1;
        words[at - 1]
    };
    for last in (1..rows).rev() {
        let bound = last as u64 + 1;
        let mut product = u128::from(word()) * u128::from(bound);
        while low(product) < bound && low(product) < bound.wrapping_neg() % bound {
            product = u128::from(word()) * u128::from(bound);
        }
        #[expect(clippy::cast_possible_truncation, reason = "the high half is below the bound")]
        order.swap(last, (product >> 64) as usize);
    }
    order
}

#[expect(clippy::cast_possible_truncation, reason = "the low half is asked for")]
fn low(product: u128) -> u64 {
    product as u64
}

/// The inverse of a permutation.
pub(super) fn invert(order: &[u32]) -> Vec<u32> {
    let mut inverse = vec![0; order.len()];
    for (i, to) in (0_u32..).zip(order) {
        inverse[*to as usize] = i;
    }
    inverse
}

/// The order is secret: it does not print.
impl fmt::Debug for Shuffle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Shuffle({} rows)", self.rows)
    }
}
