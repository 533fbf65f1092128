//! The smallest or largest so far, down each segment.

use super::brent_kung::{Operator, scan, scan_cost};
use crate::{
    mpc::{
        compare::{lt_bits, lt_bits_cost},
        extreme::Extremum,
        multiply::{View, products, products_cost},
        select::{mask_bits, mask_bits_cost},
    },
    ring::B64,
    session::{Meter, Session, SessionError},
    share::{Bits, Shared},
};

/// Rows (keep, value of this many bits, unsigned): a run becomes the extreme of itself and the value where `keep` is 1, else the
/// value.
#[derive(Clone, Copy, Debug)]
pub struct RunningExtremes(pub Extremum, pub usize);

impl RunningExtremes {
    /// Whether the run stays: kept, and strictly before the value in the order. One comparison of a bit more: `¬keep` goes on
    /// top of the side that has to be the smaller one.
    fn stays(
        self,
        s: &mut Session,
        run: &Bits,
        keep: &Bits,
        value: &Bits,
    ) -> Result<Bits, SessionError> {
        let (starts, zero) = (keep.not(s.role()), Bits::zeros(keep.rows(), 1));
        let (small, large) = match self.0 {
            Extremum::Min => (run, value),
            Extremum::Max => (value, run),
        };
        lt_bits(s, &Bits::beside(&[small, &starts]), &Bits::beside(&[large, &zero]))
    }
}

impl Operator for RunningExtremes {
    type Row = (Bits, Bits);
    type Run = Bits;

    fn combine(
        &self,
        s: &mut Session,
        earlier: &Self::Row,
        later: &Self::Row,
    ) -> Result<Self::Row, SessionError> {
        let (rows, width) = (later.1.rows(), self.1);
        let stays = self.stays(s, &earlier.1, &later.0, &later.1)?;
        let change = earlier.1.xor(&later.1);
        let mut todo: Vec<_> = (0..width)
            .map(|bit| (View::planes(&stays, 0, 1), View::planes(&change, bit, bit + 1)))
            .collect();
        todo.push((View::all(later.0.planes()), View::all(earlier.0.planes())));
        let both: Shared<B64> = products(s, &todo)?;
        let both = Bits::from_planes(rows, width + 1, both);
        Ok((both.bit_range(width, 1), both.bit_range(0, width).xor(&later.1)))
    }

    fn extend(
        &self,
        s: &mut Session,
        run: &Self::Run,
        later: &Self::Row,
    ) -> Result<Self::Run, SessionError> {
        let stays = self.stays(s, run, &later.0, &later.1)?;
        Ok(mask_bits(s, &run.xor(&later.1), &stays)?.xor(&later.1))
    }

    fn run(&self, row: Self::Row) -> Self::Run {
        row.1
    }

    fn combine_cost(&self, m: &mut Meter, rows: usize) {
        lt_bits_cost(m, rows, self.1 + 1);
        products_cost::<B64>(m, (self.1 + 1) * rows.div_ceil(64));
    }

    fn extend_cost(&self, m: &mut Meter, rows: usize) {
        lt_bits_cost(m, rows, self.1 + 1);
        mask_bits_cost(m, rows, self.1);
    }
}

/// The smallest or largest value from the first row of the segment to this one, of unsigned bit-sliced integers of at least 1 bit.
///
/// # Shape
/// `x`: n rows × w; `starts`: n rows of 1 bit; returns n rows × w.
///
/// # Cost
/// At most (2·⌈log2 n⌉ − 1) · (2 + ⌈log2 (w + 1)⌉) rounds; fewer than 2n comparisons of w + 1 bits and selections of w.
///
/// # Errors
/// [`SessionError::Shape`] if the rows differ; channel errors pass through.
///
/// # Security
/// Semi-honest: multiplications only.
///
/// # Source
/// Brent and Kung, Blelloch, see the module.
pub fn segmented_extremes(
    s: &mut Session,
    x: &Bits,
    starts: &Bits,
    which: Extremum,
) -> Result<Bits, SessionError> {
    s.same_len(x.rows(), starts.rows())?;
    let keep = starts.not(s.role());
    scan(s, &RunningExtremes(which, x.width()), (keep, x.clone()))
}

/// Twin of [`segmented_extremes`].
pub fn segmented_extremes_cost(m: &mut Meter, rows: usize, width: usize) {
    // The two differ in whom they compare with whom, not in what they send.
    scan_cost(m, &RunningExtremes(Extremum::Min, width), rows);
}
