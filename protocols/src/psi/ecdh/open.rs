//! Buckets under way at one side: from where the first points are sent to where the outcome is known.

use std::{collections::VecDeque, ops::Range};

use super::order::random_order;
use crate::{
    prg::Prg,
    psi::{buckets::Buckets, progress::REPLY},
    ring::Z128,
    session::{Pair, SessionError},
};

/// One of them.
pub(super) struct Open {
    bucket: usize,
    /// This side's items, and random ones up to the capacity: they are in no other set.
    items: Vec<u128>,
    own: usize,
    order: Vec<u32>,
    /// The first bytes of the answers, which both sides see.
    pub(super) reply: Vec<u8>,
}

impl Open {
    /// The places of these points in this side's own order of the bucket, ascending; nothing if one of them is not its own.
    pub(super) fn positions(&self, places: impl Iterator<Item = usize>) -> Option<Vec<u32>> {
        let position = |place: usize| {
            let position = *self.order.get(place)?;
            ((position as usize) < self.own).then_some(position)
        };
        let mut positions = places.map(position).collect::<Option<Vec<u32>>>()?;
        positions.sort_unstable();
        Some(positions)
    }

    /// The ids at these positions, ascending.
    pub(super) fn ids(&self, positions: &[u32]) -> Vec<u128> {
        let ids = positions.iter().map(|position| self.items[*position as usize]);
        let mut ids: Vec<u128> = ids.collect();
        ids.sort_unstable();
        ids
    }

    /// What both sides see of the answers.
    pub(super) fn see(&mut self, answers: &[u8]) {
        let room = REPLY.saturating_sub(self.reply.len());
        self.reply.extend_from_slice(&answers[..answers.len().min(room)]);
    }
}

/// All of them, of a set that is read bucket by bucket.
pub(super) struct Opens<'a> {
    pub(super) set: &'a mut dyn Buckets,
    rng: &'a mut Prg,
    buckets: usize,
    capacity: usize,
    open: VecDeque<Open>,
}

impl<'a> Opens<'a> {
    /// None yet, of so many buckets that are padded to a capacity.
    pub(super) fn new(
        set: &'a mut dyn Buckets,
        rng: &'a mut Prg,
        (buckets, capacity): (usize, usize),
    ) -> Self {
        Self { set, rng, buckets, capacity, open: VecDeque::new() }
    }

    /// Reads a bucket, fills it up and draws its order.
    ///
    /// # Errors
    /// [`SessionError::Unlucky`] for a bucket that holds more than it may; what the set says.
    ///
    /// # Security
    /// What is shown of a random item looks like that of an item the peer does not have.
    pub(super) fn read(&mut self, pair: &Pair<'_>, bucket: usize) -> Result<(), SessionError> {
        let mut items = Vec::with_capacity(self.capacity);
        items.extend_from_slice(&self.set.bucket(bucket, self.buckets)?);
        let own = items.len();
        if own > self.capacity {
            return Err(pair.unlucky("more items fall into one bucket than it holds"));
        }
        items.extend_from_slice(&self.rng.elements::<Z128>(self.capacity - own));
        let order = random_order(self.capacity, self.rng);
        self.open.push_back(Open { bucket, items, own, order, reply: Vec::new() });
        Ok(())
    }

    /// The items of a part of a bucket, in its order.
    pub(super) fn items(&self, bucket: usize, part: Range<usize>) -> impl Iterator<Item = u128> {
        let open = self.open.iter().find(|open| open.bucket == bucket);
        open.into_iter()
            .flat_map(move |open| open.order[part.clone()].iter().map(|i| open.items[*i as usize]))
    }

    /// One that is open.
    pub(super) fn of(&mut self, bucket: usize) -> Option<&mut Open> {
        self.open.iter_mut().find(|open| open.bucket == bucket)
    }

    /// The oldest one, which is done with.
    pub(super) fn close(&mut self, pair: &Pair<'_>) -> Result<Open, SessionError> {
        self.open.pop_front().ok_or_else(|| pair.misuse("a bucket that is not open"))
    }
}
