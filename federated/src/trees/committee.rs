//! The committee's side: what three compute parties decide on shares.

use protocols::{
    kernels::Backend,
    mpc::{reveal, reveal_cost},
    ring::{B64, Z64},
    session::{Meter, OpeningKind, Session, SessionError},
    share::{Bits, Shared},
};

use super::{
    cuts::{best_cuts, best_cuts_cost},
    layout::{KINDS, both_children, left_of_cuts, settle, totals},
    leaves::{quotients, quotients_cost},
    model::{Cut, Tree},
    setting::{LEAF_BITS, LEAF_REACH, Setting},
};

/// One compute party's end of the tree that grows. A step that fails leaves it as it was, and a copy of it is a state to go on from.
#[derive(Clone, Debug)]
pub struct Committee {
    setting: Setting,
    tree: Tree,
    /// Sums of the level before.
    sums: Shared<Z64>,
    /// Rows of each leaf so far, then ΣG, then ΣH.
    leaves: Shared<Z64>,
}

impl Committee {
    /// Before the first tree.
    #[must_use]
    pub fn new(setting: &Setting) -> Self {
        Self {
            setting: *setting,
            tree: Tree::default(),
            sums: Shared::zeros(0),
            leaves: Shared::zeros(KINDS * setting.leaves()),
        }
    }

    /// The best cut of each node of the next level, from the shared sums of all providers' histograms; none for a node where no cut
    /// gains anything and leaves enough rows on both sides.
    ///
    /// # Shape
    /// [`Setting::words`] sums; returns [`Setting::nodes`] cuts, the same at all parties.
    ///
    /// # Cost
    /// With c candidates: 14 + ⌈log2 c⌉ · 12 rounds or so, and about 1,100 bytes a candidate and node for all parties together; [`decide_cost`]
    /// has them exactly.
    ///
    /// # Errors
    /// [`SessionError::Shape`] if there are other sums, [`SessionError::Misuse`] if leaves are due; [`SessionError::Invalid`] if what is
    /// opened is no cut: some provider's sums are none. Channel errors pass through.
    ///
    /// # Security
    /// Semi-honest, one corrupted party. Opened to all: whether each node is split and where, nothing else of a node that is not.
    ///
    /// # Source
    /// See the module; the knock-out is [`protocols::mpc::arg_extremes`].
    pub fn decide(
        &mut self,
        s: &mut Session,
        sent: &Shared<Z64>,
    ) -> Result<Vec<Option<Cut>>, SessionError> {
        let setting = self.setting;
        let sums = self.whole_sums(s, sent)?;
        let Sides { left, whole } = Sides::of(&setting, self.level(), &sums);
        let best = best_cuts(s, &setting, &left, &whole)?;
        let cuts = open(s, &setting, best)?;
        self.settle(&cuts, &left, &whole);
        self.sums = sums;
        self.tree.cuts.push(cuts.clone());
        Ok(cuts)
    }

    /// Goes along with cuts of the next level that were opened before: nothing is sent.
    ///
    /// # Errors
    /// [`SessionError::Shape`] and [`SessionError::Misuse`], as [`Self::decide`].
    pub fn follow(
        &mut self,
        s: &Session,
        sent: &Shared<Z64>,
        cuts: &[Option<Cut>],
    ) -> Result<(), SessionError> {
        let sums = self.whole_sums(s, sent)?;
        let nodes = self.setting.nodes(self.level());
        if cuts.len() != nodes {
            return Err(SessionError::Shape { step: s.step(), left: cuts.len(), right: nodes });
        }
        let Sides { left, whole } = Sides::of(&self.setting, self.level(), &sums);
        self.settle(cuts, &left, &whole);
        self.sums = sums;
        self.tree.cuts.push(cuts.to_vec());
        Ok(())
    }

    /// The sums of all nodes of the next level.
    fn whole_sums(&self, s: &Session, sent: &Shared<Z64>) -> Result<Shared<Z64>, SessionError> {
        let (setting, level) = (self.setting, self.level());
        if level == setting.plan().depth {
            let what = "another level's sums where the values of leaves are due";
            return Err(SessionError::Misuse { step: s.step(), what });
        }
        if sent.len() != setting.words(level) {
            let (left, right) = (sent.len(), setting.words(level));
            return Err(SessionError::Shape { step: s.step(), left, right });
        }
        Ok(match self.tree.cuts.last() {
            None => sent.clone(),
            Some(cuts) => {
                let is_split: Vec<bool> = cuts.iter().map(Option::is_some).collect();
                let both = |parents, left| both_children(parents, left, &is_split);
                Shared::from_parts(
                    both(self.sums.own(), sent.own()),
                    both(self.sums.next(), sent.next()),
                )
            }
        })
    }

    /// The tree, with the values of its leaves; the next sums are those of another one.
    ///
    /// # Cost
    /// 29 rounds or so, and two times 127 comparisons a leaf; [`leaves_cost`] has them exactly.
    ///
    /// # Errors
    /// [`SessionError::Misuse`] if a level is due; channel errors pass through.
    ///
    /// # Security
    /// Semi-honest, one corrupted party. Opened to all: a value of 14 bits for each leaf of the full tree, that of 0 for one that no
    /// row reaches.
    ///
    /// # Source
    /// See the module.
    pub fn leaves(&mut self, s: &mut Session) -> Result<Tree, SessionError> {
        if self.level() != self.setting.plan().depth {
            let what = "the values of leaves where a level's sums are due";
            return Err(SessionError::Misuse { step: s.step(), what });
        }
        let quotients = quotients(s, &self.setting, &self.leaves)?;
        let opened = reveal::<Z64>(s, &quotients, OpeningKind::Result)?;
        let zero = 1_i64 << (LEAF_REACH + LEAF_BITS);
        let leaves = opened.iter().map(|word| word.cast_signed().wrapping_sub(zero)).collect();
        self.leaves = Shared::zeros(self.leaves.len());
        Ok(Tree { leaves, ..std::mem::take(&mut self.tree) })
    }

    /// The level that is to be decided.
    fn level(&self) -> u32 {
        u32::try_from(self.tree.cuts.len()).unwrap_or(u32::MAX)
    }

    fn settle(&mut self, cuts: &[Option<Cut>], left: &Shared<Z64>, whole: &Shared<Z64>) {
        let empty = Shared::zeros(0);
        let (mut own, mut next) = std::mem::replace(&mut self.leaves, empty).into_parts();
        settle(&self.setting, cuts, &mut own, (left.own(), whole.own()));
        settle(&self.setting, cuts, &mut next, (left.next(), whole.next()));
        self.leaves = Shared::from_parts(own, next);
    }
}

/// Sums left of each cut of each node of a level, and of the nodes.
struct Sides {
    left: Shared<Z64>,
    whole: Shared<Z64>,
}

impl Sides {
    fn of(setting: &Setting, level: u32, sums: &Shared<Z64>) -> Self {
        let nodes = setting.nodes(level);
        let left = sums.map::<Z64>(|words| left_of_cuts(setting, nodes, words));
        let whole = sums.map::<Z64>(|words| totals(setting, nodes, words));
        Self { left, whole }
    }
}

/// Twin of [`Committee::decide`] for a level.
pub fn decide_cost(m: &mut Meter, setting: &Setting, level: u32) {
    let nodes = setting.nodes(level);
    best_cuts_cost(m, setting, nodes);
    let words = (setting.place_bits() + 1) * nodes.div_ceil(64);
    reveal_cost::<B64>(m, words, OpeningKind::Result);
}

/// Twin of [`Committee::leaves`].
pub fn leaves_cost(m: &mut Meter, setting: &Setting) {
    quotients_cost(m, setting);
    reveal_cost::<Z64>(m, setting.leaves(), OpeningKind::Result);
}

/// Opens the numbers of cuts, and above each the bit that says whether there is one.
fn open(
    s: &mut Session,
    setting: &Setting,
    mut best: Bits,
) -> Result<Vec<Option<Cut>>, SessionError> {
    best.clear_beyond_rows();
    let planes = reveal::<B64>(s, best.planes(), OpeningKind::Result)?;
    let mut rows = vec![0_u64; best.rows()];
    Backend::active().from_planes(&planes, best.width(), &mut rows);
    let split = 1_u64 << setting.place_bits();
    let cut = |row: u64| {
        if row & split == 0 {
            return Ok(None);
        }
        let place = usize::try_from(row & (split - 1)).ok().and_then(|place| setting.cut(place));
        let (peer, what) = (s.role().next().id(), "shares of a cut that there is not");
        place.map(Some).ok_or_else(|| SessionError::Invalid { step: s.step(), peer, what })
    };
    rows.into_iter().map(cut).collect()
}
