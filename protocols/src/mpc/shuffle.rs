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

use super::{
    column::{Column, Shape, gather_wire},
    permutation::{invert, random_permutation},
};
use crate::{
    kernels::Backend,
    party::Role,
    prg::Prg,
    prss::Stretch,
    ring::{Buf, Z64, Z128},
    session::{Meter, Session, SessionError},
};

/// A random order of `n` rows: of its three permutations, the two this party knows.
pub struct Shuffle {
    rows: usize,
    /// By the summand whose key they come from; `None` for the one this party does not know.
    forward: [Option<Buf<u32>>; 3],
}

/// The three parties' parts in one pass.
#[derive(Clone, Copy)]
struct Cast {
    a: Role,
    b: Role,
    c: Role,
}

const FORWARD: Cast = Cast { a: Role::P0, b: Role::P1, c: Role::P2 };
const BACKWARD: Cast = Cast { a: Role::P0, b: Role::P2, c: Role::P1 };

/// Columns on their way between the two halves of a pass.
pub(super) struct Moving {
    cast: Cast,
    lanes: Vec<Lane>,
}

impl Shuffle {
    /// Draws a random order of `rows` rows. Local.
    ///
    /// # Panics
    /// If there are 2^32 rows or more.
    pub fn draw(s: &mut Session, rows: usize) -> Self {
        let forward = Role::ALL.map(|index| {
            // 16 bytes of the pair's keystream; a permutation of its own stream, so that the session's counter
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
        let moving = self.start(s, columns)?;
        self.finish(s, moving)
    }

    /// The inverse of [`Shuffle::apply`]: columns in this order go back to where they came from.
    ///
    /// # Cost
    /// That of [`Shuffle::apply`].
    ///
    /// # Errors
    /// As [`Shuffle::apply`].
    pub fn undo(&self, s: &mut Session, columns: &[Column]) -> Result<Vec<Column>, SessionError> {
        let inverse = self.forward.each_ref().map(|known| known.as_deref().map(invert));
        let known = inverse.each_ref().map(Option::as_deref);
        let lanes = lanes(s, BACKWARD, columns, self.rows)?;
        let moving = first_half(s, BACKWARD, known, columns, lanes)?;
        second_half(s, known, moving)
    }

    /// The first half of [`Shuffle::apply`]: this party sends what waits for nothing.
    pub(super) fn start(
        &self,
        s: &mut Session,
        columns: &[Column],
    ) -> Result<Moving, SessionError> {
        let lanes = lanes(s, FORWARD, columns, self.rows)?;
        first_half(s, FORWARD, self.known(), columns, lanes)
    }

    /// The second half of [`Shuffle::apply`].
    pub(super) fn finish(
        &self,
        s: &mut Session,
        moving: Moving,
    ) -> Result<Vec<Column>, SessionError> {
        second_half(s, self.known(), moving)
    }

    /// The permutation of a summand's key: row `i` of its result is row `order[i]` of what it is applied to.
    ///
    /// # Panics
    /// If this party does not know it.
    pub(super) fn order(&self, index: Role) -> &[u32] {
        let known = self.forward[index.index()].as_deref();
        known.unwrap_or_else(|| unreachable!("asked of a party that knows it"))
    }

    fn known(&self) -> [Option<&[u32]>; 3] {
        self.forward.each_ref().map(Option::as_deref)
    }
}

/// Twin of [`Shuffle::apply`]; for [`Shuffle::undo`] with `back`.
pub fn shuffle_cost(m: &mut Meter, rows: usize, shapes: &[Shape], back: bool) {
    let [first, second] = shuffle_messages(rows, shapes, back);
    m.messages(&first);
    m.messages(&second);
}

/// The messages of the two halves.
pub(super) fn shuffle_messages(
    rows: usize,
    shapes: &[Shape],
    back: bool,
) -> [Vec<(Role, Role, usize)>; 2] {
    let Cast { a, b, c } = if back { BACKWARD } else { FORWARD };
    [[(a, c), (b, a)], [(a, b), (c, b)]].map(|hops| {
        let bytes = |shape: &Shape| shape.wire_words(rows) * 8;
        let each = hops.map(|(from, to)| shapes.iter().map(move |shape| (from, to, bytes(shape))));
        each.into_iter().flatten().collect()
    })
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
    /// The three permutations, as far as this party knows them.
    fn orders<'a>(&self, known: [Option<&'a [u32]>; 3]) -> [&'a [u32]; 3] {
        [self.first(), self.second(), self.third()]
            .map(|pair| known[pair.index()].unwrap_or_default())
    }
}

/// The summand that two parties hold: P_i and P_{i−1} hold summand i.
fn held_by(x: Role, y: Role) -> Role {
    if x.next() == y { y } else { x }
}

/// One column on its way: its shape, and where the masks come from.
struct Lane {
    shape: Shape,
    rows: usize,
    /// Cancels between A and B; between B and C; between C and A; and is the summand that C and A share.
    masks: [(Role, Stretch); 4],
}

fn lanes(
    s: &mut Session,
    cast: Cast,
    columns: &[Column],
    rows: usize,
) -> Result<Vec<Lane>, SessionError> {
    for column in columns {
        s.same_len(column.rows(), rows)?;
    }
    let keys = [cast.first(), cast.second(), cast.third(), cast.third()];
    let each = columns.iter().map(|column| {
        let shape = column.shape();
        let words = shape.wire_words(rows);
        Lane { shape, rows, masks: keys.map(|key| (key, s.prss().stretch::<Z64>(words))) }
    });
    Ok(each.collect())
}

impl Lane {
    fn gather(&self, wire: &[u64], order: &[u32]) -> Buf<u64> {
        gather_wire(self.shape, wire, self.rows, order)
    }

    fn recv(&self, s: &mut Session, from: Role) -> Result<Buf<u64>, SessionError> {
        let mut part = Buf::scratch(self.shape.wire_words(self.rows));
        s.recv(from.id(), &mut part)?;
        Ok(part)
    }

    /// Adds some masks and subtracts others, a cache-sized piece at a time.
    fn mask(&self, s: &mut Session, wire: &mut [u64], add: &[usize], subtract: &[usize]) {
        const PIECE: usize = 1024;
        let mut stream = [0_u64; PIECE];
        for (at, words) in (0..).step_by(PIECE).zip(wire.chunks_mut(PIECE)) {
            let stream = &mut stream[..words.len()];
            for mask in add {
                self.fill(s, *mask, at, stream);
                self.shape.add(words, stream);
            }
            for mask in subtract {
                self.fill(s, *mask, at, stream);
                self.shape.subtract(words, stream);
            }
        }
    }

    fn fill(&self, s: &mut Session, mask: usize, at: usize, out: &mut [u64]) {
        let (key, stretch) = self.masks[mask];
        s.prss().fill::<Z64>(key, stretch, at, out);
    }

    /// The summand that C and A share.
    fn kept(&self, s: &mut Session) -> Buf<u64> {
        let mut kept = Buf::scratch(self.shape.wire_words(self.rows));
        self.fill(s, 3, 0, &mut kept);
        kept
    }
}

/// A sends C, and B sends A, its part in the first (B: and second) order.
fn first_half(
    s: &mut Session,
    cast: Cast,
    known: [Option<&[u32]>; 3],
    columns: &[Column],
    lanes: Vec<Lane>,
) -> Result<Moving, SessionError> {
    let orders = cast.orders(known);
    for (lane, column) in lanes.iter().zip(columns) {
        if s.role() == cast.a {
            let mut part = column.wire(false);
            column.add_wire(true, &mut part);
            let mut part = lane.gather(&part, orders[0]);
            lane.mask(s, &mut part, &[0], &[]);
            s.send(cast.c.id(), &part)?;
        } else if s.role() == cast.b {
            // The summand that A does not hold is the one B and C share.
            let part = column.wire(cast.second() == s.role().next());
            let mut part = lane.gather(&part, orders[0]);
            lane.mask(s, &mut part, &[], &[0, 1]);
            let part = lane.gather(&part, orders[1]);
            s.send(cast.a.id(), &part)?;
        }
    }
    Ok(Moving { cast, lanes })
}

/// C and A put what they received in the last orders; B receives its two summands of the result.
fn second_half(
    s: &mut Session,
    known: [Option<&[u32]>; 3],
    Moving { cast, lanes }: Moving,
) -> Result<Vec<Column>, SessionError> {
    let orders = cast.orders(known);
    // Both permutations that C knows, as one: row i comes from second[third[i]].
    let third = if s.role() == cast.c { orders[2] } else { &[] };
    let mut both = Buf::<u32>::scratch(third.len());
    Backend::active().gather_u32(&mut both, orders[1], third);
    let mut received = Vec::with_capacity(lanes.len());
    if s.role() != cast.b {
        let from = if s.role() == cast.a { cast.b } else { cast.a };
        for lane in &lanes {
            received.push(lane.recv(s, from)?);
        }
    }
    let mut received = received.into_iter();
    let mut out = Vec::with_capacity(lanes.len());
    for lane in &lanes {
        let (one, other) = if let Some(mut part) = received.next() {
            let (key, part) = if s.role() == cast.a {
                let mut part = lane.gather(&part, orders[2]);
                lane.mask(s, &mut part, &[2], &[3]);
                (cast.first(), part)
            } else {
                lane.mask(s, &mut part, &[1], &[]);
                let mut part = lane.gather(&part, &both);
                lane.mask(s, &mut part, &[], &[2]);
                (cast.second(), part)
            };
            s.send(cast.b.id(), &part)?;
            ((key, part), (cast.third(), lane.kept(s)))
        } else {
            let from_a = lane.recv(s, cast.a)?;
            ((cast.first(), from_a), (cast.second(), lane.recv(s, cast.c)?))
        };
        let (own, next) = in_order(s.role(), one, other);
        out.push(Column::from_wire(lane.shape, lane.rows, own, next));
    }
    Ok(out)
}

/// Puts the two summands of a party in order: `(number, summand)` of each.
fn in_order(role: Role, one: (Role, Buf<u64>), two: (Role, Buf<u64>)) -> (Buf<u64>, Buf<u64>) {
    if one.0 == role { (one.1, two.1) } else { (two.1, one.1) }
}

/// The order is secret: it does not print.
impl fmt::Debug for Shuffle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Shuffle({} rows)", self.rows)
    }
}
