//! Counts and sums before anything is said of them: those of several parts of a table add up.

use super::{
    noise::add_noise_cost,
    release::{Aggregates, Ask, Rule},
};
use crate::{
    mpc::{
        histogram, histogram_cost, histogram_sums, histogram_sums_cost, inject, inject_cost, lt,
        lt_cost, mul, mul_cost,
    },
    prg::Prg,
    ring::{Buf, Z64},
    session::{Meter, Session, SessionError},
    share::Shared,
};

/// Counts and minima are below 2^32, so their differences are below this many bits.
const COUNT_BITS: usize = 33;

/// Shares of each group's count and sums, exact and of any size: nothing is suppressed or blurred yet.
#[derive(Clone, Debug)]
pub struct Tally {
    sums: usize,
    numbers: Shared<Z64>,
}

impl Tally {
    /// Counts the matches of each group and adds up their values.
    ///
    /// # Shape
    /// n rows; 2^k groups, k at most 20.
    ///
    /// # Cost
    /// That of [`histogram`], or with sums that of [`histogram_sums`] for v + 1 measures.
    ///
    /// # Errors
    /// [`SessionError::Shape`] if rows differ; channel errors pass through.
    ///
    /// # Security
    /// Semi-honest, one corrupted party: multiplications and injections.
    pub fn of(s: &mut Session, ask: &Ask<'_>) -> Result<Self, SessionError> {
        let rows = s.same_len(ask.live.rows(), ask.group.rows())?;
        for sum in ask.sums {
            s.same_len(sum.len(), rows)?;
        }
        let sums = ask.sums.len();
        let numbers = if sums == 0 {
            histogram::<Z64>(s, ask.group, ask.live)?
        } else {
            let ones = Shared::public(s.role(), &vec![1; rows]);
            let measures: Vec<_> = [&ones].into_iter().chain(ask.sums.iter().copied()).collect();
            histogram_sums::<Z64>(s, ask.group, ask.live, &Shared::concat(&measures), sums + 1)?
        };
        Ok(Self { sums, numbers })
    }

    /// Twin of [`Tally::of`], for a key of `group` bits.
    pub fn of_cost(m: &mut Meter, rows: usize, group: usize, sums: usize) {
        if sums == 0 {
            histogram_cost::<Z64>(m, rows, group);
        } else {
            histogram_sums_cost::<Z64>(m, rows, group, sums + 1);
        }
    }

    /// Adds that of other rows, of as many groups and sums. Local.
    ///
    /// # Panics
    /// If they are of other groups or sums.
    pub fn add(&mut self, other: &Self) {
        assert_eq!(self.sums, other.sums, "as many sums");
        assert_eq!(self.numbers.len(), other.numbers.len(), "as many groups");
        self.numbers.add_assign(&other.numbers);
    }

    /// Suppresses and blurs what the rule says.
    ///
    /// # Shape
    /// 2 + v numbers a group for v sums.
    ///
    /// # Cost
    /// With a minimum, a comparison of 33 bits, an injection and a product on 2^k and 2^k · (v + 1) words; with noise, 1 round of
    /// as many.
    ///
    /// # Errors
    /// [`SessionError::Shape`] if bounds and sums differ; channel errors pass through.
    ///
    /// # Security
    /// Semi-honest, one corrupted party. Nothing is opened here. The minimum is compared with the exact count, on shares, and a
    /// group below it holds zeros, the same for no match as for one too few. `rng` is this party's own secret; see
    /// [`Noise`](super::Noise) for what the noise guarantees.
    pub fn release(
        self,
        s: &mut Session,
        rule: &Rule,
        rng: &mut Prg,
    ) -> Result<Aggregates, SessionError> {
        let Self { sums, mut numbers } = self;
        let groups = numbers.len() / (sums + 1);
        if let Some(noise) = &rule.noise {
            s.same_len(noise.bounds.len(), sums)?;
        }
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

    /// Twin of [`Tally::release`], for a key of `group` bits.
    pub fn release_cost(m: &mut Meter, group: usize, sums: usize, rule: &Rule) {
        let groups = 1 << group;
        if rule.noise.is_some() {
            add_noise_cost(m, groups * (sums + 1));
        }
        if rule.minimum > 0 {
            lt_cost(m, groups, COUNT_BITS);
            inject_cost::<Z64>(m, groups, 1);
            mul_cost::<Z64>(m, groups * (sums + 1));
        }
    }
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
