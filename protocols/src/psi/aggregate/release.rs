//! Counts and sums, the minimum, and what is let out.

use super::noise::{Noise, add_noise_cost};
use crate::{
    mpc::{
        histogram, histogram_cost, histogram_sums, histogram_sums_cost, inject, inject_cost, lt,
        lt_cost, mul, mul_cost, reveal, reveal_cost, reveal_to, reveal_to_cost,
    },
    party::Role,
    prg::Prg,
    ring::{Buf, Z64},
    session::{Meter, OpeningKind, Recipient, Session, SessionError},
    share::{Bits, Shared},
};

/// Counts and minima are below 2^32, so their differences are below this many bits.
const COUNT_BITS: usize = 33;

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
    sums: usize,
    cells: Shared<Z64>,
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
/// That of [`histogram`], or with sums that of [`histogram_sums`] for v + 1 measures; with a minimum, a comparison of 33 bits, an
/// injection and a product on 2^k and 2^k · (v + 1) words; with noise, 1 round of as many.
///
/// # Errors
/// [`SessionError::Shape`] if rows, or bounds and sums, differ; channel errors pass through.
///
/// # Security
/// Semi-honest, one corrupted party: multiplications, injections and a comparison. Nothing is opened here. The minimum is
/// compared with the exact count, on shares, and a group below it holds zeros, the same for no match as for one too few.
/// `rng` is this party's own secret; see [`Noise`] for what the noise guarantees.
pub fn aggregate(
    s: &mut Session,
    ask: &Ask<'_>,
    rule: &Rule,
    rng: &mut Prg,
) -> Result<Aggregates, SessionError> {
    let rows = s.same_len(ask.live.rows(), ask.group.rows())?;
    for sum in ask.sums {
        s.same_len(sum.len(), rows)?;
    }
    let (sums, groups) = (ask.sums.len(), 1 << ask.group.width());
    if let Some(noise) = &rule.noise {
        s.same_len(noise.bounds.len(), sums)?;
    }
    let mut numbers = if sums == 0 {
        histogram::<Z64>(s, ask.group, ask.live)?
    } else {
        let ones = Shared::public(s.role(), &vec![1; rows]);
        let measures: Vec<_> = [&ones].into_iter().chain(ask.sums.iter().copied()).collect();
        histogram_sums::<Z64>(s, ask.group, ask.live, &Shared::concat(&measures), sums + 1)?
    };
    let counts: Shared<Z64> = numbers.map(|words| every(words, sums + 1));
    if let Some(noise) = &rule.noise {
        noise.add(s, &mut numbers, rng)?;
    }
    let shown = if rule.minimum == 0 {
        Shared::public(s.role(), &vec![1; groups])
    } else {
        let minimum = Shared::public(s.role(), &vec![u64::from(rule.minimum); groups]);
        let shown = lt(s, &counts, &minimum, COUNT_BITS)?.not(s.role());
        let shown = inject::<Z64>(s, &shown)?;
        numbers = mul(s, &numbers, &shown.map::<Z64>(|words| each_times(words, sums + 1)))?;
        shown
    };
    let cells = Shared::from_parts(
        before(shown.own(), numbers.own(), sums + 1),
        before(shown.next(), numbers.next(), sums + 1),
    );
    Ok(Aggregates { sums, cells })
}

/// Twin of [`aggregate`], for a key of `group` bits.
pub fn aggregate_cost(m: &mut Meter, rows: usize, group: usize, sums: usize, rule: &Rule) {
    let groups = 1 << group;
    if sums == 0 {
        histogram_cost::<Z64>(m, rows, group);
    } else {
        histogram_sums_cost::<Z64>(m, rows, group, sums + 1);
    }
    if rule.noise.is_some() {
        add_noise_cost(m, groups * (sums + 1));
    }
    if rule.minimum > 0 {
        lt_cost(m, groups, COUNT_BITS);
        inject_cost::<Z64>(m, groups, 1);
        mul_cost::<Z64>(m, groups * (sums + 1));
    }
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

/// The first of every `of` words.
fn every(words: &[u64], of: usize) -> Buf<u64> {
    let firsts: Vec<u64> = words.iter().step_by(of).copied().collect();
    Buf::copy_of(&firsts)
}

/// Each word, `times` times.
fn each_times(words: &[u64], times: usize) -> Buf<u64> {
    let all: Vec<u64> = words.iter().flat_map(|word| std::iter::repeat_n(*word, times)).collect();
    Buf::copy_of(&all)
}

/// Each first word before its `of` others.
fn before(first: &[u64], others: &[u64], of: usize) -> Buf<u64> {
    let pairs = first.iter().zip(others.chunks_exact(of));
    let all: Vec<u64> = pairs
        .flat_map(|(first, others)| std::iter::once(*first).chain(others.iter().copied()))
        .collect();
    Buf::copy_of(&all)
}
