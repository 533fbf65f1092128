//! A whole growth over links: providers share their sums, the compute parties decide, and all hear what was decided. What passes, and
//! a provider's part.

use protocols::{
    net::at_work,
    party::{PartyId, Role},
    prg::Prg,
    ring::{Ring as _, Z64},
    session::{Meter, Session, SessionError, Wire},
    share::Shared,
};
use zeroize::{Zeroize as _, Zeroizing};

use super::{
    bins::{Bins, Codes, Grid},
    committee::{decide_cost, leaves_cost},
    edges::edges_cost,
    error::{GrowError, GrowthError},
    grower::{Grower, Turn},
    model::Cut,
    resume::together_cost,
    setting::Setting,
    sharing::{replicate, replicate_cost},
};
use crate::{
    average::{Seeds, Share, explicit_party, split},
    model::Rows,
};

/// Words of a share that travel in one message.
const PIECE_WORDS: usize = 32 << 10;
/// Words of a seed.
const SEED_WORDS: usize = 2;

/// A growth as all who take part in it know it.
#[derive(Clone, Debug, PartialEq)]
pub struct Growth {
    /// Precisions and bounds.
    pub setting: Setting,
    /// The grid of each feature, all of them of the same number of buckets, a multiple of 64.
    pub grids: Vec<Grid>,
    /// Who has rows, by number.
    pub providers: Vec<PartyId>,
    /// Whether it goes on from where an earlier run was interrupted.
    pub resumed: bool,
}

/// Plays the part of a provider that does not compute, to the end.
///
/// # Errors
/// [`GrowthError`]: its links, or parties that contradict each other.
///
/// # Security
/// As [`super::grow`]; learns edges, cuts and leaves.
pub fn help(
    wire: &mut Wire,
    of: &Growth,
    (number, rows): (usize, &Rows),
    rng: &mut Prg,
) -> Result<(), GrowthError> {
    // Steps that the compute parties have of an earlier run.
    let known = if of.resumed { hear(wire, 1)?[0] } else { 0 };
    let known = usize::try_from(known).unwrap_or(usize::MAX);
    if known == 0 {
        send_all(wire, number, Bins::counts(&of.grids, rows), rng)?;
    }
    let edges = hear(wire, of.setting.candidates())?;
    let mut grower = of.grower(&edges, rows)?;
    loop {
        match grower.turn() {
            Turn::Level { tree, level } => {
                if !of.is_whole(1 + tree * of.steps_of_tree(), known) {
                    let sums = at_work(|| wire.working(), || grower.histograms())?;
                    send_all(wire, number, sums, rng)?;
                }
                let words = hear(wire, of.setting.nodes(level))?;
                grower.split(&of.cuts(&words))?;
            }
            Turn::Leaves { .. } => {
                let leaves = hear(wire, of.setting.leaves())?;
                let leaves: Vec<i64> = leaves.iter().map(|word| word.cast_signed()).collect();
                grower.finish(&leaves)?;
            }
            Turn::Done => return Ok(()),
        }
    }
}

/// Twin of [`super::grow`] and [`help`].
pub fn grow_cost(m: &mut Meter, of: &Growth) {
    let setting = &of.setting;
    if of.resumed {
        together_cost(m);
        tell_cost(m, of, 1);
    }
    gather_cost(m, of, of.count_words());
    edges_cost(m, setting, of.buckets());
    tell_cost(m, of, setting.candidates());
    for _ in 0..setting.plan().trees {
        for level in 0..setting.plan().depth {
            gather_cost(m, of, setting.words(level));
            decide_cost(m, setting, level);
            tell_cost(m, of, setting.nodes(level));
        }
        leaves_cost(m, setting);
        tell_cost(m, of, setting.leaves());
    }
}

impl Growth {
    pub(super) fn buckets(&self) -> usize {
        self.grids.first().map_or(0, |grid| grid.buckets)
    }

    pub(super) fn count_words(&self) -> usize {
        self.grids.len() * self.buckets()
    }

    /// Steps of a tree: its levels, and its leaves.
    fn steps_of_tree(&self) -> usize {
        self.setting.plan().depth as usize + 1
    }

    /// All steps: the edges, then those of each tree.
    pub(super) fn steps(&self) -> usize {
        1 + self.setting.plan().trees * self.steps_of_tree()
    }

    /// Words that a step opens.
    pub(super) fn step_words(&self, step: usize) -> usize {
        let Some(after) = step.checked_sub(1) else { return self.setting.candidates() };
        let level = after % self.steps_of_tree();
        match u32::try_from(level) {
            Ok(level) if level < self.setting.plan().depth => self.setting.nodes(level),
            _ => self.setting.leaves(),
        }
    }

    /// Whether the tree that begins with step `first` is all in the first `known` steps.
    pub(super) fn is_whole(&self, first: usize, known: usize) -> bool {
        first + self.steps_of_tree() <= known
    }

    /// Rows on the bins that these edges make.
    pub(super) fn grower(&self, edges: &[u64], rows: &Rows) -> Result<Grower, GrowError> {
        let fault =
            GrowError::Shape { what: "edges", got: edges.len(), want: self.setting.candidates() };
        let codes: Codes = Bins::of_edges(&self.grids, edges).ok_or(fault)?.codes(rows);
        let labels: Vec<f32> = (0..rows.len()).map(|row| rows.label(row)).collect();
        Grower::new(&self.setting, codes, &labels)
    }

    /// A cut as it travels: 0 for none.
    pub(super) fn word(&self, cut: Option<Cut>) -> u64 {
        cut.map_or(0, |cut| 1 + self.setting.candidate(cut) as u64)
    }

    pub(super) fn cuts(&self, words: &[u64]) -> Vec<Option<Cut>> {
        let cut = |word: &u64| {
            let candidate = usize::try_from(*word).ok()?.checked_sub(1)?;
            self.setting.cut(candidate)
        };
        words.iter().map(cut).collect()
    }

    fn seated(&self) -> impl Iterator<Item = (usize, Role)> {
        let all = self.providers.iter().enumerate();
        all.filter_map(|(number, id)| Some((number, id.role()?)))
    }

    fn guests(&self) -> impl Iterator<Item = (usize, PartyId)> {
        let all = self.providers.iter().copied().enumerate();
        all.filter(|(_, id)| id.role().is_none())
    }
}

/// Shares of the sum of what all providers have: so many words of each.
pub(super) fn gather(
    s: &mut Session,
    of: &Growth,
    own: Option<Vec<u64>>,
    (words, rng): (usize, &mut Prg),
) -> Result<Shared<Z64>, SessionError> {
    let me = s.role();
    let mut sum = vec![0_u64; words];
    if let (Some(own), Some((number, _))) = (own, of.seated().find(|(_, role)| *role == me)) {
        let shares = split(own, Seeds::draw(rng), explicit_party(number));
        for role in [me.next(), me.prev()] {
            send(s.wire(), role, &shares[role.index()])?;
        }
        shares[me.index()].add_to(&mut sum);
    }
    let seated = of.seated().filter(|(_, role)| *role != me);
    let seated = seated.map(|(number, role)| (number, role.id()));
    for (number, id) in seated.chain(of.guests()) {
        receive(s.wire(), (number, id), me, &mut sum)?;
    }
    replicate(s, &sum)
}

/// Twin of [`gather`].
fn gather_cost(m: &mut Meter, of: &Growth, words: usize) {
    let sizes = |number: usize, to: Role| {
        let whole = if explicit_party(number) == to { words } else { SEED_WORDS };
        (0..whole).step_by(PIECE_WORDS).map(move |at| 8 * PIECE_WORDS.min(whole - at))
    };
    let seated = of.seated().flat_map(|(number, owner)| {
        let to = [owner.next(), owner.prev()].into_iter();
        to.flat_map(move |to| sizes(number, to).map(move |bytes| (owner, to, bytes)))
    });
    m.messages(&seated.collect::<Vec<_>>());
    for (number, id) in of.guests() {
        for role in Role::ALL {
            sizes(number, role).for_each(|bytes| m.told(id, role.id(), bytes));
        }
    }
    replicate_cost(m, words);
}

/// Sends the shares of what a provider has that does not compute.
fn send_all(
    wire: &mut Wire,
    number: usize,
    words: Vec<u64>,
    rng: &mut Prg,
) -> Result<(), SessionError> {
    let shares = split(words, Seeds::draw(rng), explicit_party(number));
    Role::ALL.into_iter().try_for_each(|role| send(wire, role, &shares[role.index()]))
}

fn send(wire: &mut Wire, to: Role, share: &Share) -> Result<(), SessionError> {
    match share {
        Share::Words(words) => {
            words.chunks(PIECE_WORDS).try_for_each(|piece| wire.send(to.id(), piece))
        }
        Share::Plus(seed) | Share::Minus(seed) => {
            let (halves, _) = seed.as_chunks();
            let mut words: [u64; SEED_WORDS] = [0; SEED_WORDS];
            words.iter_mut().zip(halves).for_each(|(word, half)| *word = u64::from_le_bytes(*half));
            let sent = wire.send(to.id(), &words);
            words.zeroize();
            sent
        }
    }
}

/// Adds a provider's share to a sum.
fn receive(
    wire: &mut Wire,
    (number, id): (usize, PartyId),
    me: Role,
    sum: &mut [u64],
) -> Result<(), SessionError> {
    let words = explicit_party(number);
    if words == me {
        for piece in sum.chunks_mut(PIECE_WORDS) {
            let mut share = vec![0; piece.len()];
            wire.recv(id, &mut share)?;
            Z64::add_assign(piece, &share);
        }
        return Ok(());
    }
    let mut halves = Zeroizing::new([0_u64; SEED_WORDS]);
    wire.recv(id, &mut halves[..])?;
    let mut seed = Zeroizing::new([0; 16]);
    seed.chunks_mut(8).zip(halves.iter()).for_each(|(at, half)| {
        at.copy_from_slice(&half.to_le_bytes());
    });
    // The words go to one party, the stream that is added to the next, the one that is subtracted to the third.
    let share = if words.next() == me { Share::Plus(seed) } else { Share::Minus(seed) };
    share.add_to(sum);
    Ok(())
}

/// Tells every provider that does not compute what was opened.
pub(super) fn tell(s: &mut Session, of: &Growth, words: &[u64]) -> Result<(), SessionError> {
    of.guests().try_for_each(|(_, id)| s.send(id, words))
}

/// Twin of [`tell`].
fn tell_cost(m: &mut Meter, of: &Growth, words: usize) {
    for (_, id) in of.guests() {
        Role::ALL.into_iter().for_each(|role| m.told(role.id(), id, 8 * words));
    }
}

/// What was opened, as all three parties say.
fn hear(wire: &mut Wire, words: usize) -> Result<Vec<u64>, GrowthError> {
    let mut all = [(); 3].map(|()| vec![0_u64; words]);
    for (role, heard) in Role::ALL.into_iter().zip(&mut all) {
        wire.recv(role.id(), heard)?;
    }
    let [first, second, third] = all;
    if first != second || first != third {
        // Who says something else than two others that agree; of three that differ, any may be meant.
        let odd = match (second == third, first == third, first == second) {
            (true, ..) => Role::P0,
            (_, true, _) => Role::P1,
            (.., true) => Role::P2,
            _ => return Err(GrowthError::Contradiction),
        };
        let (peer, what) = (odd.id(), "other trees than the other parties say");
        return Err(SessionError::Invalid { step: wire.step(), peer, what }.into());
    }
    Ok(first)
}

#[cfg(test)]
mod tests;
