//! Peeling: keys that are alone in a column leave, which leaves others alone.

use bytemuck::{cast_slice, cast_slice_mut};

use crate::ring::Buf;

/// Columns and keys of a bin are numbers of 16 bits.
const ALL: usize = 1 << 16;
/// One key more in a column's count, which stands above the sum of the keys' numbers.
const ONE: u32 = 1 << 16;

/// Three distinct columns, and a word beside them.
pub(super) type Places = [u16; 4];

/// Working memory for one bin after the other; its arrays are as long as 16 bits can name, so that no index is out of bounds.
pub(super) struct Peeler {
    /// Of each column: how many keys are in it, and the sum of their numbers.
    columns: Buf<u32>,
    /// Columns that had one key when they were noted.
    queue: Buf<u32>,
    /// Of each key its columns.
    places: Buf<u64>,
    /// Keys in the order in which they left: the column it was alone in, the two others, its number.
    order: Buf<u64>,
    keys: usize,
    peeled: usize,
}

/// The whole of an array, of a length that the compiler knows.
#[inline(always)]
fn whole<T>(words: &mut [T]) -> &mut [T; ALL] {
    words.try_into().expect("of that length")
}

impl Peeler {
    pub(super) fn new() -> Self {
        let (columns, queue) = (Buf::scratch(ALL), Buf::scratch(ALL));
        let (places, order) = (Buf::scratch(ALL), Buf::scratch(ALL));
        Self { columns, queue, places, order, keys: 0, peeled: 0 }
    }

    /// Room for the columns of a bin's keys, to be filled before [`Peeler::peel`].
    pub(super) fn places_mut(&mut self, keys: usize) -> &mut [Places] {
        self.keys = keys;
        &mut cast_slice_mut(&mut self.places)[..keys]
    }

    /// Peels the keys whose places were filled in; whether all of them left.
    pub(super) fn peel(&mut self, columns: usize) -> bool {
        self.count(columns);
        let mut tail = self.note_columns_of_one(columns);
        let states = whole(&mut self.columns);
        let queue = whole(&mut self.queue);
        let places = whole(cast_slice_mut::<u64, Places>(&mut self.places));
        let order = whole(cast_slice_mut::<u64, Places>(&mut self.order));
        let (mut head, mut peeled) = (0, 0);
        while head < tail {
            let pivot = low(queue[head % ALL]);
            head += 1;
            let state = states[usize::from(pivot)];
            if state >> 16 != 1 {
                continue;
            }
            let key = low(state);
            let [a, b, c, _] = places[usize::from(key)];
            let others = [if a == pivot { b } else { a }, if c == pivot { b } else { c }];
            order[peeled % ALL] = [pivot, others[0], others[1], key];
            peeled += 1;
            states[usize::from(pivot)] = 0;
            for column in others {
                let state = &mut states[usize::from(column)];
                *state = (*state - ONE) ^ u32::from(key);
                queue[tail % ALL] = u32::from(column);
                tail += usize::from(*state >> 16 == 1);
            }
        }
        self.peeled = peeled;
        peeled == self.keys
    }

    fn count(&mut self, columns: usize) {
        let states = whole(&mut self.columns);
        states[..columns].fill(0);
        for (key, [a, b, c, _]) in (0..).zip(&cast_slice::<u64, Places>(&self.places)[..self.keys])
        {
            for column in [a, b, c] {
                let state = &mut states[usize::from(*column)];
                *state = (*state + ONE) ^ key;
            }
        }
    }

    fn note_columns_of_one(&mut self, columns: usize) -> usize {
        let queue = whole(&mut self.queue);
        let mut tail = 0;
        for (column, state) in (0..).zip(&self.columns[..columns]) {
            queue[tail % ALL] = column;
            tail += usize::from(*state >> 16 == 1);
        }
        tail
    }

    /// Who left, in that order: pivot column, two other columns, number of the key.
    pub(super) fn order(&self) -> &[Places] {
        &cast_slice(&self.order)[..self.peeled]
    }

    /// The keys that stayed, with their columns.
    pub(super) fn remainder(&self) -> Vec<(u16, [u16; 3])> {
        let mut left = vec![false; self.keys];
        for [.., key] in self.order() {
            left[usize::from(*key)] = true;
        }
        let all = (0_u16..).zip(&cast_slice::<u64, Places>(&self.places)[..self.keys]).zip(left);
        all.filter(|(_, left)| !left).map(|((key, [a, b, c, _]), _)| (key, [*a, *b, *c])).collect()
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the sum of one number of 16 bits")]
fn low(state: u32) -> u16 {
    state as u16
}
