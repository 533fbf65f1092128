//! Numbers as bins.

use crate::model::Rows;

/// Equal buckets between the ends that are declared for a feature; what lies beyond is in the first or the last.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Grid {
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
    /// How many buckets.
    pub buckets: usize,
}

impl Grid {
    /// The bucket of a value; the first for what is no number, or if the ends are the same.
    #[must_use]
    pub fn bucket(&self, value: f64) -> usize {
        let part = (value - self.low) / (self.high - self.low);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "saturates, and what is no number becomes 0"
        )]
        let bucket = (part * self.buckets as f64).floor() as usize;
        bucket.min(self.buckets.saturating_sub(1))
    }
}

/// Bins of each feature: runs of buckets of its grid.
#[derive(Clone, Debug, PartialEq)]
pub struct Bins {
    /// A grid and the last bucket of each bin but the last, in order.
    features: Vec<(Grid, Vec<usize>)>,
}

impl Bins {
    /// Bins as wide as each other: nothing needs to be known of the data.
    #[must_use]
    pub fn even(grids: &[Grid], bins: usize) -> Self {
        let cut = |grid: &Grid| -> Vec<usize> {
            (1..bins).map(|bin| (grid.buckets * bin / bins).max(1) - 1).collect()
        };
        Self { features: grids.iter().map(|grid| (*grid, cut(grid))).collect() }
    }

    /// Bins of the buckets that [`edges`](super::edges) found, feature by feature; `None` if there are not as many for each.
    #[must_use]
    pub fn of_edges(grids: &[Grid], edges: &[u64]) -> Option<Self> {
        if grids.is_empty() || !edges.len().is_multiple_of(grids.len()) {
            return None;
        }
        let each = edges.len() / grids.len();
        let last = |edge: &u64| usize::try_from(*edge).unwrap_or(usize::MAX);
        let features = grids.iter().enumerate().map(|(at, grid)| {
            (*grid, edges[at * each..(at + 1) * each].iter().map(last).collect())
        });
        Some(Self { features: features.collect() })
    }

    /// Rows of each bucket of each feature's grid, feature by feature: what a provider shares for [`edges`](super::edges).
    ///
    /// # Panics
    /// If rows have another number of features, or grids have not all the same number of buckets.
    #[must_use]
    pub fn counts(grids: &[Grid], rows: &Rows) -> Vec<u64> {
        assert_eq!(grids.len(), rows.features(), "a grid for each feature");
        let buckets = grids.first().map_or(0, |grid| grid.buckets);
        assert!(grids.iter().all(|grid| grid.buckets == buckets), "grids of equal size");
        let mut counts = vec![0; grids.len() * buckets];
        for row in 0..rows.len() {
            for (at, (grid, x)) in grids.iter().zip(rows.row(row)).enumerate() {
                counts[at * buckets + grid.bucket(f64::from(*x))] += 1;
            }
        }
        counts
    }

    /// The bins of rows.
    ///
    /// # Panics
    /// If rows have another number of features, or there are more than 256 bins.
    #[must_use]
    pub fn codes(&self, rows: &Rows) -> Codes {
        assert_eq!(self.features.len(), rows.features(), "bins for each feature");
        let code = |((grid, edges), x): (&(Grid, Vec<usize>), &f32)| {
            let bucket = grid.bucket(f64::from(*x));
            let bin = edges.iter().filter(|edge| **edge < bucket).count();
            u8::try_from(bin).unwrap_or_else(|_| panic!("at most 256 bins"))
        };
        let codes = (0..rows.len())
            .flat_map(|row| self.features.iter().zip(rows.row(row)).map(code))
            .collect();
        Codes { features: self.features.len(), codes }
    }
}

/// Rows of bins.
#[derive(Clone, PartialEq, Eq)]
pub struct Codes {
    features: usize,
    codes: Vec<u8>,
}

impl Codes {
    /// Bins row by row; `None` if they are no whole rows.
    #[must_use]
    pub fn new(features: usize, codes: Vec<u8>) -> Option<Self> {
        (features > 0 && codes.len().is_multiple_of(features)).then_some(Self { features, codes })
    }

    /// Rows, one after the other.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        self.codes.chunks_exact(self.features)
    }

    /// How many rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.codes.len() / self.features
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.codes.is_empty()
    }

    /// Features of each.
    #[must_use]
    pub fn features(&self) -> usize {
        self.features
    }
}

/// Rows are a provider's own.
impl std::fmt::Debug for Codes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Codes({} of {} features)", self.len(), self.features)
    }
}
