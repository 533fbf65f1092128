//! Stable radix sort by secret keys: work out where each row goes, shuffle, open the shuffled positions, move the rows.
//!
//! Digit by digit, lowest first:
//!
//! ```text
//!  digit t, sorted so far ─▶ places by this digit (a counting sort, three additive parts)
//!    ─▶ relay: back to the keys' order, on to a freshly shuffled one, opened there
//!  digit t + 1 ─▶ shuffled alike meanwhile ─▶ put in the opened order, locally
//! ```
//!
//! \[AHI+22\] Asharov, Hamada, Ikarashi, Kikuchi, Nof, Pinkas, Takahashi, Tomida, CCS 2022, <https://eprint.iacr.org/2022/1595> §4–5,
//! over Chida et al. <https://eprint.iacr.org/2019/695>. Three departures, each argued where it is made: places come from one
//! unit vector a digit that one party knows up to a permutation the two others know (`places`), the steps between two
//! openings are one pass (`relay`), and words of positions travel in the bytes that number the rows (`low_bytes`).

use std::fmt;

use super::{
    column::{Column, Shape},
    digit_width::digit_width,
    digits::{self, Digits},
    low_bytes::Narrow,
    permutation::{invert, is_permutation},
    places::{places, places_cost},
    relay::{Relay, open_cost, settle_cost, start_message},
    reveal::{reveal, reveal_cost},
    shuffle::{Shuffle, shuffle_cost, shuffle_messages},
};
use crate::{
    party::Role,
    ring::{Buf, Z32},
    session::{Chosen, Meter, OpeningKind, Session, SessionError},
    share::{Bits, Shared},
};

/// An order worked out by a sort: rows can be put into it, and back.
pub struct Ordering {
    pub(super) shuffle: Shuffle,
    /// Where each row of the shuffled table goes. Opened: uniformly random, independent of the keys.
    pub(super) positions: Buf<u32>,
}

/// Where each row goes in ascending order of its key, equal keys keeping their order; the digit's width is
/// [`digit_width`]'s choice for the session's profile.
///
/// # Shape
/// `keys`: n rows × w bits, unsigned. Returns n positions, a permutation of 0..n.
///
/// # Cost
/// That of [`sort_positions_by`].
///
/// # Errors
/// As [`sort_positions_by`].
///
/// # Security
/// As [`sort_positions_by`].
pub fn sort_positions(s: &mut Session, keys: &Bits) -> Result<Shared<Z32>, SessionError> {
    let digit = digit_width(s.profile(), keys.rows(), keys.width());
    sort_positions_by(s, keys, digit)
}

/// Twin of [`sort_positions`].
pub fn sort_positions_cost(m: &mut Meter, rows: usize, width: usize) {
    let digit = digit_width(m.profile(), rows, width);
    m.choose(Chosen::SortDigit(digit));
    sort_positions_by_cost(m, rows, width, digit);
}

/// [`sort_positions`] with digits of a given width.
///
/// # Shape
/// `digit`: 1 to 4 bits.
///
/// # Cost
/// With words of b bytes (2 up to 2^16 rows, 3 up to 2^24, else 4), l = 2^digit − 1 and d = ⌈w/digit⌉ digits: for each digit 3·l·b
/// bytes a row for its places; for each but the last 8·b for the relay and 4 times the next digit's bits for its shuffle; 20 in the
/// end, of which positions modulo 2^32 need the last digit in 4 bytes too. 5 rounds a digit. Nothing for w = 0.
///
/// # Errors
/// [`SessionError::Gate`] if an opening is not listed, [`SessionError::NotAPermutation`] if what is opened is none; channel errors
/// pass through.
///
/// # Panics
/// If `digit` is 0 or above 4.
///
/// # Security
/// Semi-honest, one corrupted party. What is opened are positions after a shuffle that no single party knows: a
/// uniformly random permutation whatever the keys are.
///
/// # Source
/// \[AHI+22\], see the module.
pub fn sort_positions_by(
    s: &mut Session,
    keys: &Bits,
    digit: usize,
) -> Result<Shared<Z32>, SessionError> {
    let Some((from, sorted)) = steps(s, keys, digit)? else {
        return Ok(identity(s.role(), keys.rows()));
    };
    let part = places(s, &sorted, Narrow::WHOLE)?;
    Relay::start(s, Narrow::WHOLE, part, from.as_ref())?.settle(s)
}

/// Twin of [`sort_positions_by`].
pub fn sort_positions_by_cost(m: &mut Meter, rows: usize, width: usize, digit: usize) {
    if let Some((bits, back)) = steps_cost(m, rows, width, digit) {
        step_cost(m, rows, (bits, Narrow::WHOLE, back), [Vec::new(), Vec::new()]);
        settle_cost(m, rows, Narrow::WHOLE, back);
    }
}

fn identity(role: Role, rows: usize) -> Shared<Z32> {
    Shared::public(role, &(0..).take(rows).collect::<Vec<u32>>())
}

/// The last digit, sorted by all before it, and the order in which it stands.
fn steps(
    s: &mut Session,
    keys: &Bits,
    digit: usize,
) -> Result<Option<(Option<Ordering>, Digits)>, SessionError> {
    let narrow = Narrow::for_rows(keys.rows());
    let mut cuts = digit_cuts(keys.width(), digit);
    let Some((from, bits)) = cuts.next() else { return Ok(None) };
    let mut sorted = Digits::of(keys, from, bits);
    let mut order = None;
    for (from, bits) in cuts {
        // Participants who do not compute may wait for what comes behind it.
        s.wire().working();
        let shuffle = Shuffle::draw(s, keys.rows());
        let moving = Digits::of(keys, from, bits).start(s, &shuffle)?;
        let part = places(s, &sorted, narrow)?;
        let relay = |s: &mut Session| Relay::start(s, narrow, part, order.as_ref());
        let (relay, next) = beside(s, relay, |s| moving.finish(s, &shuffle))?;
        let opened = relay.open(s, shuffle)?;
        sorted = next.sorted(&opened.positions);
        order = Some(opened);
    }
    Ok(Some((order, sorted)))
}

/// Starts a relay and ends a shuffle: P0 receives in the order in which P1 sends, and the others first hand on what P0 waits for.
fn beside<R, T>(
    s: &mut Session,
    relay: impl FnOnce(&mut Session) -> Result<R, SessionError>,
    shuffle: impl FnOnce(&mut Session) -> Result<T, SessionError>,
) -> Result<(R, T), SessionError> {
    if s.role() == Role::P0 {
        let shuffled = shuffle(s)?;
        Ok((relay(s)?, shuffled))
    } else {
        let relay = relay(s)?;
        Ok((relay, shuffle(s)?))
    }
}

/// Twin of [`steps`]; returns the last digit's bits, and whether there is an order to go back from.
fn steps_cost(m: &mut Meter, rows: usize, width: usize, digit: usize) -> Option<(usize, bool)> {
    let narrow = Narrow::for_rows(rows);
    let cuts: Vec<usize> = digit_cuts(width, digit).map(|(_, bits)| bits).collect();
    for (i, pair) in cuts.windows(2).enumerate() {
        let bytes = 8 * digits::wire_words(rows, pair[1]);
        let moving = [
            vec![(Role::P0, Role::P2, bytes), (Role::P1, Role::P0, bytes)],
            vec![(Role::P0, Role::P1, bytes), (Role::P2, Role::P1, bytes)],
        ];
        step_cost(m, rows, (pair[0], narrow, i > 0), moving);
        open_cost(m, rows, narrow, i > 0);
    }
    cuts.last().map(|bits| (*bits, cuts.len() > 1))
}

/// Places by one digit, the relay's start, and both halves of a shuffle around them.
fn step_cost(
    m: &mut Meter,
    rows: usize,
    (bits, narrow, back): (usize, Narrow, bool),
    [first, second]: [Vec<(Role, Role, usize)>; 2],
) {
    places_cost(m, rows, (bits, narrow), &first);
    let start = [start_message(rows, narrow, back)];
    m.messages(&start.into_iter().chain(second).collect::<Vec<_>>());
}

/// The digits of a key: (lowest bit, bits), lowest digit first.
fn digit_cuts(width: usize, digit: usize) -> impl Iterator<Item = (usize, usize)> {
    assert!((1..=4).contains(&digit), "a digit has 1 to 4 bits");
    (0..width).step_by(digit).map(move |from| (from, (width - from).min(digit)))
}

impl Ordering {
    pub(super) fn new(shuffle: Shuffle, positions: Buf<u32>) -> Self {
        Self { shuffle, positions }
    }

    /// Sorts the rows of `columns` by ascending key, equal keys keeping their order, and keeps the order for later.
    ///
    /// # Shape
    /// `keys`: n rows × w bits, unsigned; every column has n rows.
    ///
    /// # Cost
    /// For w > 0 that of [`sort_positions_by`], with every word in b bytes and one relay more in place of what stands at the end, and a
    /// shuffle of the columns beside the last digit: two rounds and 9 words a row less than positions first and then
    /// [`Ordering::apply`]. For w = 0 that of [`Ordering::apply`].
    ///
    /// # Errors
    /// [`SessionError::Shape`] if rows differ; those of [`sort_positions_by`].
    ///
    /// # Security
    /// As [`sort_positions_by`].
    pub fn sort(
        s: &mut Session,
        keys: &Bits,
        columns: &[Column],
    ) -> Result<(Self, Vec<Column>), SessionError> {
        let digit = digit_width(s.profile(), keys.rows(), keys.width());
        Self::sort_by(s, keys, digit, columns)
    }

    /// [`Ordering::sort`] with digits of a given width, 1 to 4 bits.
    ///
    /// # Cost
    /// That of [`Ordering::sort`].
    ///
    /// # Errors
    /// As [`Ordering::sort`].
    pub fn sort_by(
        s: &mut Session,
        keys: &Bits,
        digit: usize,
        columns: &[Column],
    ) -> Result<(Self, Vec<Column>), SessionError> {
        let narrow = Narrow::for_rows(keys.rows());
        for column in columns {
            s.same_len(column.rows(), keys.rows())?;
        }
        let Some((from, sorted)) = steps(s, keys, digit)? else {
            let positions = identity(s.role(), keys.rows());
            return Self::apply(s, &positions, columns);
        };
        let shuffle = Shuffle::draw(s, keys.rows());
        let moving = shuffle.start(s, columns)?;
        let part = places(s, &sorted, narrow)?;
        let relay = |s: &mut Session| Relay::start(s, narrow, part, from.as_ref());
        let (relay, shuffled) = beside(s, relay, |s| shuffle.finish(s, moving))?;
        let order = relay.open(s, shuffle)?;
        let moved = order.arrange(&shuffled);
        Ok((order, moved))
    }

    /// Moves the rows of `columns` to `positions`, and keeps the order for later.
    ///
    /// # Shape
    /// `positions`: a permutation of 0..n, shared; every column has n rows.
    ///
    /// # Cost
    /// 3 rounds: a shuffle of the positions and the columns, and an opening of n 32-bit words.
    ///
    /// # Errors
    /// [`SessionError::Gate`] if the opening is not listed, [`SessionError::NotAPermutation`] if what comes out is none.
    ///
    /// # Security
    /// As [`sort_positions_by`].
    pub fn apply(
        s: &mut Session,
        positions: &Shared<Z32>,
        columns: &[Column],
    ) -> Result<(Self, Vec<Column>), SessionError> {
        let rows = positions.len();
        let shuffle = Shuffle::draw(s, rows);
        let mut travelling = vec![Column::Z32(positions.clone())];
        travelling.extend_from_slice(columns);
        let mut shuffled = shuffle.apply(s, &travelling)?;
        let Column::Z32(positions) = shuffled.remove(0) else { unreachable!("positions lead") };
        let positions = reveal(s, &positions, OpeningKind::Permutation)?;
        if !is_permutation(&positions) {
            return Err(SessionError::NotAPermutation { step: s.step() });
        }
        let order = Self { shuffle, positions };
        let moved = order.arrange(&shuffled);
        Ok((order, moved))
    }

    /// Shuffled rows in this order: row i is the shuffled row that goes to i.
    fn arrange(&self, shuffled: &[Column]) -> Vec<Column> {
        if shuffled.is_empty() {
            return Vec::new();
        }
        let from = invert(&self.positions);
        shuffled.iter().map(|column| column.gather(&from)).collect()
    }

    /// Moves rows that stand in this order back to where they came from.
    ///
    /// # Cost
    /// 2 rounds: an unshuffling of the columns.
    ///
    /// # Errors
    /// As [`Shuffle::undo`].
    pub fn undo(&self, s: &mut Session, columns: &[Column]) -> Result<Vec<Column>, SessionError> {
        for column in columns {
            s.same_len(column.rows(), self.positions.len())?;
        }
        let shuffled: Vec<Column> =
            columns.iter().map(|column| column.gather(&self.positions)).collect();
        self.shuffle.undo(s, &shuffled)
    }
}

/// Twin of [`Ordering::sort`].
pub fn sort_cost(m: &mut Meter, rows: usize, width: usize, shapes: &[Shape]) {
    let digit = digit_width(m.profile(), rows, width);
    m.choose(Chosen::SortDigit(digit));
    sort_by_cost(m, rows, width, digit, shapes);
}

/// Twin of [`Ordering::sort_by`].
pub fn sort_by_cost(m: &mut Meter, rows: usize, width: usize, digit: usize, shapes: &[Shape]) {
    let narrow = Narrow::for_rows(rows);
    let Some((bits, back)) = steps_cost(m, rows, width, digit) else {
        return order_cost(m, rows, shapes);
    };
    step_cost(m, rows, (bits, narrow, back), shuffle_messages(rows, shapes, false));
    open_cost(m, rows, narrow, back);
}

/// Twin of [`Ordering::apply`].
pub fn order_cost(m: &mut Meter, rows: usize, shapes: &[Shape]) {
    let mut travelling = vec![Shape::Z32];
    travelling.extend_from_slice(shapes);
    shuffle_cost(m, rows, &travelling, false);
    reveal_cost::<Z32>(m, rows, OpeningKind::Permutation);
}

/// Twin of [`Ordering::undo`].
pub fn undo_cost(m: &mut Meter, rows: usize, shapes: &[Shape]) {
    shuffle_cost(m, rows, shapes, true);
}

impl fmt::Debug for Ordering {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ordering({} rows)", self.positions.len())
    }
}
