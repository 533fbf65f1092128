//! A compute party's part of a growth.

use std::fmt;

use protocols::{
    net::at_work,
    prg::Prg,
    session::{Session, SessionError},
};

use super::{
    bins::Bins,
    committee::{Committee, decide_cost, leaves_cost},
    edges::{edges, edges_cost},
    error::GrowthError,
    grower::Grower,
    growth::{Growth, gather, tell},
    model::{Cut, Forest, Tree},
    record::Keep,
    resume::{before, together},
};
use crate::model::Rows;

/// What was grown.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Grown {
    /// The last bucket of each bin but the last, feature by feature.
    pub edges: Vec<u64>,
    /// The trees, on these bins.
    pub forest: Forest,
}

/// What a compute party brings to a growth besides rows.
pub struct Around<'a> {
    /// What was opened of it, as far as this party kept it: nothing where it begins.
    pub steps: Vec<Vec<u64>>,
    /// Keeps what is opened from now on.
    pub keep: &'a mut dyn Keep,
    /// Hears after each tree how many there are.
    pub told: &'a mut dyn FnMut(usize),
}

impl fmt::Debug for Around<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Around(after {} steps)", self.steps.len())
    }
}

/// Grows trees, at one of the three compute parties; `own` are this party's rows, if it is a provider.
///
/// # Cost
/// That of [`super::grow_cost`], exactly: every provider is there to the end. What an earlier run has opened makes it less.
///
/// # Errors
/// [`GrowthError`]; the caller tells the peers. A provider that is lost ends it: sums of some providers' children do not fit
/// those of all providers' parents.
///
/// # Security
/// See [`crate::trees`]. Shares of sums are two seeds and a vector under both, fresh ones from `rng` each time.
pub fn grow(
    s: &mut Session,
    of: &Growth,
    own: Option<&Rows>,
    rng: &mut Prg,
    around: Around<'_>,
) -> Result<Grown, GrowthError> {
    let Around { mut steps, keep, told } = around;
    if of.resumed {
        together(s, of, (&mut steps, &mut *keep))?;
        tell(s, of, &[steps.len() as u64])?;
    }
    let mut steps = Steps { of, steps, keep, at: 0 };
    let edges = find_edges(s, &mut steps, own, rng)?;
    let grower = own.map(|rows| of.grower(&edges, rows)).transpose()?;
    let committee = Committee::new(&of.setting);
    let mut growing = Growing { of, rng, steps, committee, grower };
    let mut forest = Forest::default();
    while forest.trees.len() < of.setting.plan().trees {
        forest.trees.push(growing.tree(s)?);
        told(forest.trees.len());
    }
    Ok(Grown { edges, forest })
}

/// What is opened, step by step.
struct Steps<'a> {
    of: &'a Growth,
    steps: Vec<Vec<u64>>,
    keep: &'a mut dyn Keep,
    /// The step that is next; those of an earlier run are gone along with.
    at: usize,
}

impl Steps<'_> {
    /// What the next step opens, if an earlier run has opened it.
    fn known(&self) -> Option<Vec<u64>> {
        self.steps.get(self.at).cloned()
    }

    /// The next step has opened this: kept before it is told.
    fn next(&mut self, s: &mut Session, words: &[u64]) -> Result<(), GrowthError> {
        if self.at == self.steps.len() {
            self.keep.opened(words).map_err(GrowthError::Disk)?;
            self.steps.push(words.to_vec());
        }
        self.at += 1;
        Ok(tell(s, self.of, words)?)
    }
}

/// The edges of bins, of all providers' rows.
fn find_edges(
    s: &mut Session,
    steps: &mut Steps<'_>,
    own: Option<&Rows>,
    rng: &mut Prg,
) -> Result<Vec<u64>, GrowthError> {
    let (of, channel) = (steps.of, s.wire().channel());
    let found = match steps.known() {
        Some(words) => {
            before(s, |m| edges_cost(m, &of.setting, of.buckets()))?;
            words
        }
        None => {
            let counts = own.map(|rows| Bins::counts(&of.grids, rows));
            let counts = gather(s, of, counts, (of.count_words(), rng))?;
            let found = || edges(s, &of.setting, &counts, of.buckets());
            at_work(|| channel.working(), found)?.to_vec()
        }
    };
    steps.next(s, &found)?;
    Ok(found)
}

/// Trees that are under way at a compute party.
struct Growing<'a> {
    of: &'a Growth,
    rng: &'a mut Prg,
    steps: Steps<'a>,
    committee: Committee,
    /// Over this party's own rows, if it is a provider.
    grower: Option<Grower>,
}

impl Growing<'_> {
    /// The next tree.
    fn tree(&mut self, s: &mut Session) -> Result<Tree, GrowthError> {
        // Of a tree that was opened to its leaves no sums are needed any more.
        let whole = self.of.is_whole(self.steps.at, self.steps.steps.len());
        let mut tree = Tree::default();
        for level in 0..self.of.setting.plan().depth {
            let cuts = self.level(s, level, whole)?;
            self.grower.as_mut().map_or(Ok(()), |grower| grower.split(&cuts))?;
            tree.cuts.push(cuts);
        }
        let words = match self.steps.known() {
            Some(words) => {
                before(s, |m| leaves_cost(m, &self.of.setting))?;
                words
            }
            None => {
                let channel = s.wire().channel();
                let tree = at_work(|| channel.working(), || self.committee.leaves(s))?;
                tree.leaves.iter().map(|leaf| leaf.cast_unsigned()).collect()
            }
        };
        self.steps.next(s, &words)?;
        tree.leaves = words.iter().map(|word| word.cast_signed()).collect();
        self.grower.as_mut().map_or(Ok(()), |grower| grower.finish(&tree.leaves))?;
        Ok(tree)
    }

    /// The cuts of a level.
    fn level(
        &mut self,
        s: &mut Session,
        level: u32,
        whole: bool,
    ) -> Result<Vec<Option<Cut>>, GrowthError> {
        let (of, channel) = (self.of, s.wire().channel());
        let known = self.steps.known();
        if known.is_some() {
            before(s, |m| decide_cost(m, &of.setting, level))?;
        }
        let words = match (known, whole) {
            (Some(words), true) => words,
            (known, _) => {
                let sums = || self.grower.as_ref().map(Grower::histograms).transpose();
                let sums = at_work(|| channel.working(), sums)?;
                let sums = gather(s, of, sums, (of.setting.words(level), self.rng))?;
                self.cut(s, known, &sums)?
            }
        };
        self.steps.next(s, &words)?;
        Ok(of.cuts(&words))
    }

    /// The cuts of these sums as they are told: those that are known, or the best ones.
    fn cut(
        &mut self,
        s: &mut Session,
        known: Option<Vec<u64>>,
        sums: &protocols::share::Shared<protocols::ring::Z64>,
    ) -> Result<Vec<u64>, SessionError> {
        if let Some(words) = known {
            self.committee.follow(s, sums, &self.of.cuts(&words))?;
            return Ok(words);
        }
        let channel = s.wire().channel();
        let cuts = at_work(|| channel.working(), || self.committee.decide(s, sums))?;
        Ok(cuts.into_iter().map(|cut| self.of.word(cut)).collect())
    }
}
