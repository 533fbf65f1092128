//! Entries of tables at secret indices.

use super::demux::{one_hot, one_hot_cost, one_hots, one_hots_cost};
use crate::{
    mpc::compose::{from_bits, from_bits_cost, weighted_bits, weighted_bits_cost},
    ring::{Arithmetic, B64, Buf, Ring},
    session::{Meter, Session, SessionError},
    share::{Bits, Shared},
};

/// Words of a plane that are worked on at a time: 16 planes fit a first-level cache, 256 a second-level one.
const BLOCK: usize = 256;

/// A public table of numbers of at most 128 bits, one for each value of the index.
struct Table {
    entries: Vec<u128>,
    width: usize,
}

impl Table {
    fn new(entries: impl Iterator<Item = u128>, index: usize, width: usize) -> Self {
        let mut entries: Vec<u128> = entries.collect();
        assert!(entries.len() <= 1 << index, "an index of {index} bits reaches every entry");
        entries.resize(1 << index, 0);
        Self { entries, width }
    }

    /// Numbers of entries `from..to` that have bit `bit`.
    fn with_bit(&self, from: usize, to: usize, bit: usize) -> impl Iterator<Item = usize> {
        let entries = self.entries[from..to].iter().enumerate();
        entries.filter(move |(_, entry)| **entry >> bit & 1 == 1).map(|(number, _)| number)
    }
}

/// How many of k index bits make the rows of a table with entries of `width` bits: none, for one-hot bits of the whole index,
/// or as many as make the fewest products. Depends on public sizes only.
fn high_bits(index: usize, width: usize) -> usize {
    let products = |bits: usize| (1_usize << bits) - bits - 1;
    let cost = |high: usize| {
        let rows = if high == 0 { 0 } else { width };
        products(high) + products(index - high) + rows
    };
    (0..=index / 2).min_by_key(|high| cost(*high)).unwrap_or(0)
}

/// The entry of a public table at a secret index, as bits.
///
/// # Shape
/// `index`: n rows × k, k at most 20; `table`: at most 2^k entries of `width` bits, at
/// most 64; an index beyond the last entry gives 0. Returns n rows × `width`.
///
/// # Cost
/// With one-hot bits of the whole index: that of [`one_hot`], all else local. With a split k = h + l: ⌈log2 max(h, l)⌉ + 1 rounds;
/// each party sends 2^h − h − 1 + 2^l − l − 1 + `width` planes. Whichever sends less. (k = 8, 8 bits: 30 bits a row.) Local work
/// grows with 2^k · `width` either way.
///
/// # Errors
/// Channel errors pass through.
///
/// # Panics
/// If the table has more than 2^k entries.
///
/// # Security
/// Semi-honest: multiplications only. The table is public; the index and the entry stay shared.
///
/// # Source
/// \[MAESTRO\], see the module.
pub fn lookup_bits(
    s: &mut Session,
    index: &Bits,
    table: &[u64],
    width: usize,
) -> Result<Bits, SessionError> {
    let entries = table.iter().map(|entry| u128::from(*entry));
    look_up(s, index, &Table::new(entries, index.width(), width))
}

/// Twin of [`lookup_bits`]: `index` and `width` in bits.
pub fn lookup_bits_cost(m: &mut Meter, rows: usize, index: usize, width: usize) {
    match high_bits(index, width) {
        0 => one_hot_cost(m, rows, index),
        high => {
            one_hots_cost(m, rows, &[index - high, high]);
            m.exchange::<B64>(width * rows.div_ceil(64));
        }
    }
}

fn look_up(s: &mut Session, index: &Bits, table: &Table) -> Result<Bits, SessionError> {
    let high = high_bits(index.width(), table.width);
    let low = index.width() - high;
    if high == 0 {
        let hot = one_hot(s, index)?;
        let planes = hot.planes().map(|words| {
            let mut out = Buf::zeroed(table.width * hot.stride());
            for (bit, plane) in out.chunks_mut(hot.stride().max(1)).enumerate() {
                for j in table.with_bit(0, table.entries.len(), bit) {
                    B64::add_assign(plane, &words[j * hot.stride()..(j + 1) * hot.stride()]);
                }
            }
            out
        });
        return Ok(Bits::from_planes(index.rows(), table.width, planes));
    }
    let hot = one_hots(s, &[index.bit_range(0, low), index.bit_range(low, high)])?;
    dot(s, &hot[1], table.width, |i, bit, range, own, next| {
        let stride = index.stride();
        for j in table.with_bit(i << low, (i + 1) << low, bit) {
            let range = j * stride + range.start..j * stride + range.end;
            B64::add_assign(own, &hot[0].planes().own()[range.clone()]);
            B64::add_assign(next, &hot[0].planes().next()[range]);
        }
    })
}

/// `Σ_i hot_i · row_i`, a sum of products in one message. `row(i, bit, words, own, next)` adds to zeros the named words of plane
/// `bit` of row `i`.
fn dot(
    s: &mut Session,
    hot: &Bits,
    width: usize,
    row: impl Fn(usize, usize, std::ops::Range<usize>, &mut [u64], &mut [u64]),
) -> Result<Bits, SessionError> {
    let stride = hot.stride();
    let mut own = Buf::scratch(width * stride);
    s.prss().zero_share::<B64>(&mut own);
    let mut rows = [Buf::<u64>::scratch(BLOCK), Buf::scratch(BLOCK)];
    for from in (0..stride).step_by(BLOCK) {
        let to = (from + BLOCK).min(stride);
        let [y_own, y_next] = rows.each_mut().map(|row| &mut row[..to - from]);
        for i in 0..hot.width() {
            let (x_own, x_next) = hot.plane(i);
            for bit in 0..width {
                y_own.fill(0);
                y_next.fill(0);
                row(i, bit, from..to, y_own, y_next);
                let target = &mut own[bit * stride + from..bit * stride + to];
                B64::cross(target, (&x_own[from..to], &x_next[from..to]), (y_own, y_next));
            }
        }
    }
    let next = s.exchange::<B64>(&own)?;
    Ok(Bits::from_planes(hot.rows(), width, Shared::from_parts(own, next)))
}

/// The entry of a public table at a secret index, as a word of a ring.
///
/// # Shape
/// As [`lookup_bits`]; returns n words.
///
/// # Cost
/// With w the bits that tell the largest entry from the smallest (as signed numbers): if 2^k − 1 ≤ w, that of [`one_hot`] and of
/// [`from_bits`] at width 2^k − 1; else that of [`lookup_bits`] and of [`from_bits`] at width w.
///
/// # Errors
/// Channel errors pass through.
///
/// # Panics
/// If the table has more than 2^k entries.
///
/// # Security
/// That of [`lookup_bits`] and [`from_bits`].
///
/// # Source
/// \[MAESTRO\], \[ABY3\]; see the modules.
pub fn lookup_words<R: Arithmetic>(
    s: &mut Session,
    index: &Bits,
    table: &[R::Word],
) -> Result<Shared<R>, SessionError> {
    let (table, base) = above_base::<R>(table, index.width());
    let role = s.role();
    let mut found = if is_short(index.width(), table.width) {
        let hot = one_hot(s, index)?;
        let entry = |entry: &u128| R::from_u128(*entry);
        let (first, rest) = (entry(&table.entries[0]), &table.entries[1..]);
        let weights: Vec<_> = rest.iter().map(|x| R::add(entry(x), R::neg(first))).collect();
        let mut found = weighted_bits::<R>(s, &hot.bit_range(1, rest.len()), &weights)?;
        found.add_constant(role, first);
        found
    } else {
        let bits = look_up(s, index, &table)?;
        from_bits::<R>(s, &bits)?
    };
    found.add_constant(role, base);
    Ok(found)
}

/// Twin of [`lookup_words`]; the table is public, and its range decides.
pub fn lookup_words_cost<R: Arithmetic>(
    m: &mut Meter,
    rows: usize,
    index: usize,
    table: &[R::Word],
) {
    let (table, _) = above_base::<R>(table, index);
    if is_short(index, table.width) {
        one_hot_cost(m, rows, index);
        weighted_bits_cost::<R>(m, rows, table.entries.len() - 1);
    } else {
        lookup_bits_cost(m, rows, index, table.width);
        from_bits_cost::<R>(m, rows, table.width);
    }
}

/// Whether one-hot bits are no more than those of the entries.
fn is_short(index: usize, width: usize) -> bool {
    (1 << index) - 1 <= width
}

/// What of each entry lies above the smallest one, and that.
fn above_base<R: Arithmetic>(table: &[R::Word], index: usize) -> (Table, R::Word) {
    let absent = (table.len() < 1 << index).then_some(R::ZERO);
    let numbers = || table.iter().copied().chain(absent).map(R::to_i128);
    let base = numbers().min().unwrap_or(0);
    let over = |number: i128| number.wrapping_sub(base).cast_unsigned();
    let widest = numbers().map(over).max().unwrap_or(0);
    let width = (u128::BITS - widest.leading_zeros()) as usize;
    let padded = table.iter().copied().chain(std::iter::repeat(R::ZERO));
    let entries = padded.take(table.len().max(1 << index)).map(R::to_i128).map(over);
    (Table::new(entries, index, width), R::from_i128(base))
}

/// For each row the column that its one-hot bits name.
///
/// # Shape
/// `hot`: n rows × N; N columns of n rows and one width w; returns n rows × w. A row whose bits are all 0 gives 0.
///
/// # Cost
/// 1 round; each party sends w planes, however many columns there are.
///
/// # Errors
/// [`SessionError::Shape`] if numbers, rows or widths differ; channel errors pass through.
///
/// # Security
/// Semi-honest: a sum of products.
pub fn select_column(s: &mut Session, hot: &Bits, columns: &[Bits]) -> Result<Bits, SessionError> {
    s.same_len(hot.width(), columns.len())?;
    let width = columns.first().map_or(0, Bits::width);
    for column in columns {
        s.same_len(column.rows(), hot.rows())?;
        s.same_len(column.width(), width)?;
    }
    dot(s, hot, width, |i, bit, range, own, next| {
        let plane = columns[i].plane(bit);
        own.copy_from_slice(&plane.0[range.clone()]);
        next.copy_from_slice(&plane.1[range]);
    })
}

/// Twin of [`select_column`].
pub fn select_column_cost(m: &mut Meter, rows: usize, width: usize) {
    m.exchange::<B64>(width * rows.div_ceil(64));
}

/// For each row the entry of one shared table that its one-hot bits name.
///
/// # Shape
/// `hot`: n rows × N; `table`: N rows × w; returns n rows × w. A row whose bits are all 0 gives 0.
///
/// # Cost
/// 1 round; each party sends w planes of n rows, whatever N is.
///
/// # Errors
/// [`SessionError::Shape`] if the table has another number of entries; channel errors pass through.
///
/// # Security
/// Semi-honest: a sum of products.
pub fn select_entry(s: &mut Session, hot: &Bits, table: &Bits) -> Result<Bits, SessionError> {
    s.same_len(hot.width(), table.rows())?;
    let lanes = |plane: &[u64], row: usize| (plane[row / 64] >> (row % 64) & 1).wrapping_neg();
    dot(s, hot, table.width(), |i, bit, _, own, next| {
        let plane = table.plane(bit);
        own.fill(lanes(plane.0, i));
        next.fill(lanes(plane.1, i));
    })
}

/// Twin of [`select_entry`].
pub fn select_entry_cost(m: &mut Meter, rows: usize, width: usize) {
    m.exchange::<B64>(width * rows.div_ceil(64));
}
