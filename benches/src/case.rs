//! A case: what is computed on what, what it is quoted at, and what must come out.

use protocols::{
    mpc::Column,
    ring::{Z32, Z64},
    session::{Meter, Session, SessionError},
    testkit::{World, share_bits},
};
use serde::{Deserialize, Serialize};

use crate::{Failure, cases, train};

/// One operation that is timed.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) note: &'static str,
    /// How many rows it takes where `--n` says `n`.
    pub(crate) rows: fn(usize) -> usize,
    /// The clear inputs, from a source of random words.
    pub(crate) clear: fn(&mut Random<'_>, usize) -> Vec<Clear>,
    /// The operation on the shares of the inputs.
    pub(crate) run: Run,
    /// The same told to a meter, for as many rows.
    pub(crate) quote: fn(&mut Meter, usize),
    /// What the opened outputs are worth.
    pub(crate) judge: fn(&[Clear], &[Vec<u64>]) -> Verdict,
}

/// An operation on shared columns.
pub(crate) type Run = fn(&mut Session, &[Column]) -> Result<Vec<Column>, SessionError>;

/// Where random words come from.
pub(crate) type Random<'a> = dyn FnMut() -> u64 + 'a;

/// One input column in the clear.
pub(crate) enum Clear {
    Words(Vec<u64>),
    Halves(Vec<u32>),
    Bits(Vec<u64>, usize),
}

/// How near the outputs are to the clear ones.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) enum Verdict {
    /// Whether they are equal.
    Exact(bool),
    /// The largest error seen, of this bound.
    Within { error: f64, bound: f64 },
}

impl Case {
    /// One case, or several with commas between, or all of them.
    pub(crate) fn named(names: &str) -> Result<Vec<&'static Self>, Failure> {
        if names == "all" {
            return Ok(cases::all().collect());
        }
        names.split(',').map(Self::one).collect()
    }

    fn one(name: &str) -> Result<&'static Self, Failure> {
        let known = || cases::all().map(|case| case.name).collect::<Vec<_>>().join(", ");
        let found = cases::all().chain(train::shared_cases()).find(|case| case.name == name);
        found.ok_or_else(|| format!("no case `{name}`; there are: all, {}", known()).into())
    }

    /// The clear inputs of a world.
    pub(crate) fn inputs(&self, world: &World, n: usize) -> Vec<Clear> {
        (self.clear)(&mut world.random(u64::MAX), n)
    }
}

impl Clear {
    /// Shares of it for all three parties, from the world's seed.
    pub(crate) fn deal(&self, world: &World, label: u64) -> [Column; 3] {
        match self {
            Self::Words(words) => world.deal::<Z64>(label, words).map(Column::Z64),
            Self::Halves(words) => world.deal::<Z32>(label, words).map(Column::Z32),
            Self::Bits(values, width) => {
                share_bits(*world, label, values, *width).map(Column::Bits)
            }
        }
    }

    /// The values, as words.
    pub(crate) fn words(&self) -> Vec<u64> {
        match self {
            Self::Words(words) | Self::Bits(words, _) => words.clone(),
            Self::Halves(words) => words.iter().copied().map(u64::from).collect(),
        }
    }
}

impl Verdict {
    /// Whether the outputs are what was promised.
    pub(crate) fn is_right(self) -> bool {
        match self {
            Self::Exact(right) => right,
            Self::Within { error, bound } => error <= bound,
        }
    }

    /// Of all parties and repetitions together: the worst.
    pub(crate) fn all(verdicts: impl Iterator<Item = Self>) -> Self {
        let worse = |one: Self, two: Self| match (one, two) {
            (Self::Exact(a), Self::Exact(b)) => Self::Exact(a && b),
            (Self::Within { error, bound }, Self::Within { error: other, .. }) => {
                // Not `max`, which would drop an error that is no number.
                Self::Within { error: if error > other { error } else { other }, bound }
            }
            _ => Self::Exact(false),
        };
        verdicts.reduce(worse).unwrap_or(Self::Exact(false))
    }

    /// Equal, element by element, to what `of` makes of the first two inputs.
    pub(crate) fn pairwise(
        clear: &[Clear],
        opened: &[Vec<u64>],
        of: impl Fn(u64, u64) -> u64,
    ) -> Self {
        let (a, b) = (clear[0].words(), clear[1].words());
        let want = a.iter().zip(&b).map(|(a, b)| of(*a, *b));
        Self::Exact(opened[0].iter().copied().eq(want))
    }
}

/// As many rows as `--n` says.
pub(crate) fn all_rows(n: usize) -> usize {
    n
}

/// Inputs that are not the case's: a fault of the case.
pub(crate) fn misfit(s: &Session, inputs: &[Column]) -> SessionError {
    SessionError::Shape { step: s.step(), left: inputs.len(), right: 0 }
}
