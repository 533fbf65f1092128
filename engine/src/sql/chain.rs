//! The sets of an intersection, shared with the ids of their keys and joined one after the other.

use std::{collections::BTreeMap, ops::Range};

use super::{
    compiler::Compiler,
    intersect::Joined,
    relate::{Origin, Relation},
    sets::Sets,
    text,
};
use crate::{
    job::PsiForm,
    plan::{Encoding, Kind, Op, Ref, SetUse, Shape},
};

impl Compiler<'_> {
    /// Joins all other sets to one: the rows are that one's, and match where every set has their key.
    pub(super) fn join_sets(&mut self, sets: &Sets<'_>) -> Joined {
        let keeps_first = matches!(sets.psi.form, PsiForm::Left | PsiForm::Anti);
        self.join_some(sets, 0..sets.len(), keeps_first)
    }

    /// The same of some of them, with all rows of the first one or only what is common.
    pub(super) fn join_some(
        &mut self,
        sets: &Sets<'_>,
        some: Range<usize>,
        keeps_first: bool,
    ) -> Joined {
        let first = some.start;
        let smallest = some.clone().min_by_key(|t| sets.rows(*t)).unwrap_or(first);
        let base = if keeps_first { first } else { smallest };
        // Ids of any two of all the keys, of whatever sets, are to differ.
        let lanes = lanes(some.clone().map(|t| sets.rows(t)).fold(0, u64::saturating_add));
        let key = |t: usize| self.set_key(t, sets, keeps_first && t == base, &lanes);
        let keys: BTreeMap<usize, Vec<Ref>> = some.clone().zip(some.clone().map(key)).collect();
        let all = self.relations[base].live;
        let mut matched = all;
        if keeps_first {
            let present = self.b.key_input(base, Encoding::KeyPresent);
            matched = self.b.and(all, present);
        }
        let mut relation = base;
        for other in some.filter(|t| *t != base) {
            matched = self.join_set((other, &keys[&other]), (relation, &keys[&base]), matched);
            relation = self.relations.len() - 1;
        }
        self.notes.insert(
            "keys are compared by ids of at least 64 bits, hashed under a salt of this run: two different keys of the sets \
             agree with probability at most 2^-40"
                .to_owned(),
        );
        Joined { relation, matched, all }
    }

    /// Joins one more set to rows that have a key of their own; gives which of them have matched so far.
    fn join_set(
        &mut self,
        (left, left_key): (usize, &[Ref]),
        (right, right_key): (usize, &[Ref]),
        right_live: Ref,
    ) -> Ref {
        self.b.sharings[left].sorted_by = left_key.iter().rev().map(|lane| lane.1).collect();
        let [left_key, right_key] = [left_key, right_key].map(|key| self.b.concat(key.to_vec()));
        let left_live = self.relations[left].live;
        let op = Op::Join {
            left_key,
            left_live,
            left_sorted: true,
            columns: Vec::new(),
            right_key,
            right_live,
        };
        let rows = self.relations[right].rows;
        let live = self.b.many(op, vec![Shape { kind: Kind::Bits(1), rows }]);
        let unique = &self.relations[left].unique | &self.relations[right].unique;
        let tables = &self.relations[left].tables | &self.relations[right].tables;
        let origin = Origin::Join { node: live.0, left, right };
        self.relations.push(Relation { tables, live, rows, unique, origin });
        live
    }

    /// Has the owner of a set share its key ids; the lowest lane first.
    fn set_key(
        &mut self,
        t: usize,
        sets: &Sets<'_>,
        keep_absent: bool,
        lanes: &[Encoding],
    ) -> Vec<Ref> {
        self.key_of(t, sets, (keep_absent, SetUse::Shared));
        lanes.iter().map(|lane| self.b.key_input(t, lane.clone())).collect()
    }
}

/// A key id in columns of at most 64 bits, lowest first.
fn lanes(rows: u64) -> Vec<Encoding> {
    let lane = |encoding: Encoding| match encoding {
        Encoding::KeyedHash { from, width } => Encoding::KeyId { from, width },
        other => other,
    };
    text::hash_lanes(rows).into_iter().rev().map(lane).collect()
}
