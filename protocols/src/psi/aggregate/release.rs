//! Counts and sums, the minimum, and what is let out.

use super::{noise::Noise, tally::Tally};
use crate::{
    mpc::{reveal, reveal_cost, reveal_to, reveal_to_cost},
    party::Role,
    prg::Prg,
    ring::Z64,
    session::{Meter, OpeningKind, Recipient, Session, SessionError},
    share::{Bits, Shared},
};

/// What is asked of a shared table of matches.
#[derive(Clone, Copy, Debug)]
pub struct Ask<'a> {
    /// Which rows match.
    pub live: &'a Bits,
    /// A group of each row: k bits, for 2^k groups; 0 bits wide for one group of all. What dead rows hold does not count.
    pub group: &'a Bits,
    /// Columns to add up, integers modulo 2^64. What dead rows hold does not count.
    pub sums: &'a [&'a Shared<Z64>],
}

/// What may be said of a group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rule {
    /// The least number of matches of a group of which anything is said but that there are fewer. 0 for no such rule.
    pub minimum: u32,
    /// Noise on what is said.
    pub noise: Option<Noise>,
}

/// Shares of what may be said, ready to be opened or sealed: for each group whether it is shown, its count, and its sums. All
/// numbers of a group that is not shown are 0.
#[derive(Clone, Debug)]
pub struct Aggregates {
    pub(super) sums: usize,
    pub(super) cells: Shared<Z64>,
}

/// What is said of a group that is shown. With noise, a count can be negative.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cell {
    /// How many match.
    pub count: i64,
    /// The sums of their values.
    pub sums: Vec<i64>,
}

/// Counts the matches of each group and adds up their values, and suppresses and blurs what the rule says.
///
/// # Shape
/// n rows; 2^k groups, k at most 20; returns 2 + v numbers a group for v sums.
///
/// # Cost
/// That of [`Tally::of`] and [`Tally::release`].
///
/// # Errors
/// Theirs.
///
/// # Security
/// Theirs. Nothing is opened here.
pub fn aggregate(
    s: &mut Session,
    ask: &Ask<'_>,
    rule: &Rule,
    rng: &mut Prg,
) -> Result<Aggregates, SessionError> {
    Tally::of(s, ask)?.release(s, rule, rng)
}

/// Twin of [`aggregate`], for a key of `group` bits.
pub fn aggregate_cost(m: &mut Meter, rows: usize, group: usize, sums: usize, rule: &Rule) {
    Tally::of_cost(m, rows, group, sums);
    Tally::release_cost(m, group, sums, rule);
}

impl Aggregates {
    /// The numbers, group by group: 1 if the group is shown, its count, its sums. For sealing to a buyer.
    #[must_use]
    pub fn cells(&self) -> &Shared<Z64> {
        &self.cells
    }

    /// Opens the numbers to one party, or to all three; the others get none.
    ///
    /// # Shape
    /// A cell for each group, `None` where too few match.
    ///
    /// # Cost
    /// 1 round; one party sends all numbers, or each does.
    ///
    /// # Errors
    /// [`SessionError::Gate`] before anything is sent, if the plan does not list it; channel errors pass through.
    ///
    /// # Security
    /// The recipient learns what the [`Rule`] lets it learn, and no other party anything.
    ///
    /// # Panics
    /// If the recipient is no compute party.
    pub fn open(
        &self,
        s: &mut Session,
        to: Recipient,
    ) -> Result<Option<Vec<Option<Cell>>>, SessionError> {
        let opened = match recipient(to) {
            None => Some(reveal(s, &self.cells, OpeningKind::Aggregate)?),
            Some(role) => reveal_to(s, &self.cells, role, OpeningKind::Aggregate)?,
        };
        let cells = opened.map(|words| {
            let groups = words.chunks_exact(2 + self.sums);
            groups.map(cell).collect()
        });
        Ok(cells)
    }

    /// Twin of [`Aggregates::open`], for a key of `group` bits.
    ///
    /// # Panics
    /// If the recipient is no compute party.
    pub fn open_cost(m: &mut Meter, group: usize, sums: usize, to: Recipient) {
        let numbers = (2 + sums) << group;
        match recipient(to) {
            None => reveal_cost::<Z64>(m, numbers, OpeningKind::Aggregate),
            Some(role) => reveal_to_cost::<Z64>(m, numbers, role, OpeningKind::Aggregate),
        }
    }
}

fn recipient(to: Recipient) -> Option<Role> {
    match to {
        Recipient::All => None,
        Recipient::One(role) => Some(role),
        Recipient::Party(_) | Recipient::Buyer => {
            panic!("numbers are opened to compute parties, and sealed to others")
        }
    }
}

fn cell(words: &[u64]) -> Option<Cell> {
    let (shown, numbers) = words.split_first()?;
    let (count, sums) = numbers.split_first()?;
    let sums = sums.iter().map(|sum| sum.cast_signed()).collect();
    (*shown == 1).then_some(Cell { count: count.cast_signed(), sums })
}
