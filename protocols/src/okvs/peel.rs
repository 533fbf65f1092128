//! Peeling: keys that are alone in a column leave, which leaves others alone.

use bytemuck::{Pod, cast_slice, cast_slice_mut};

use crate::{
    kernels::Backend,
    ring::{Buf, Word},
};

/// Columns and keys of a bin that 16 bits name.
pub(super) const NARROW: usize = 1 << 16;
/// Columns and keys of the largest bin there is.
pub(super) const WIDE: usize = 1 << 19;

/// The number of a column or a key of a bin: of 16 bits where those do, so that more of a bin is in the cache.
pub(super) trait Number: Pod + Eq {
    /// Of a column: how many keys are in it, above the sum of their numbers.
    type State: Word;
    /// Four numbers.
    type Row: Word;

    /// As an index.
    fn at(self) -> usize;
    /// For a caller that has checked that it is one.
    fn new(number: usize) -> Self;
    /// A column's state with one more key.
    fn joined(state: Self::State, key: Self) -> Self::State;
    /// A column's state with one key less.
    fn left(state: Self::State, key: Self) -> Self::State;
    /// Whether one key is in a column.
    fn is_alone(state: Self::State) -> bool;
    /// The sum of the keys' numbers.
    fn sum(state: Self::State) -> Self;
    /// The state of a column without keys.
    fn empty() -> Self::State;
    /// [`Backend::places`].
    fn places(hashes: &[u128], columns: u32, out: &mut [[Self; 4]]);
    /// [`Backend::gather_three`].
    fn gather_three(out: &mut [u128], vector: &[u128], places: &[[Self; 4]]);
    /// [`Backend::substitute`].
    fn substitute(vector: &mut [u128], order: &[[Self; 4]], values: &[u128]);
}

macro_rules! number {
    ($number:ty, $state:ty, $row:ty, $places:ident, $gather:ident, $substitute:ident) => {
        impl Number for $number {
            type State = $state;
            type Row = $row;

            #[inline(always)]
            fn at(self) -> usize {
                self as usize
            }

            #[inline(always)]
            #[expect(clippy::cast_possible_truncation, reason = "the caller has checked it")]
            fn new(number: usize) -> Self {
                number as Self
            }

            #[inline(always)]
            fn joined(state: $state, key: Self) -> $state {
                (state + (1 << Self::BITS)) ^ <$state>::from(key)
            }

            #[inline(always)]
            fn left(state: $state, key: Self) -> $state {
                (state - (1 << Self::BITS)) ^ <$state>::from(key)
            }

            #[inline(always)]
            fn is_alone(state: $state) -> bool {
                state >> Self::BITS == 1
            }

            #[inline(always)]
            #[expect(clippy::cast_possible_truncation, reason = "the lower half")]
            fn sum(state: $state) -> Self {
                state as Self
            }

            #[inline(always)]
            fn empty() -> $state {
                0
            }

            fn places(hashes: &[u128], columns: u32, out: &mut [[Self; 4]]) {
                Backend::active().$places(hashes, columns, out);
            }

            fn gather_three(out: &mut [u128], vector: &[u128], places: &[[Self; 4]]) {
                Backend::active().$gather(out, vector, places);
            }

            fn substitute(vector: &mut [u128], order: &[[Self; 4]], values: &[u128]) {
                Backend::active().$substitute(vector, order, values);
            }
        }
    };
}
number!(u16, u32, u64, places, gather_three, substitute);
number!(u32, u64, u128, places_u32, gather_three_u32, substitute_u32);

/// Working memory for one bin after the other; its arrays have `ALL` entries, a power of two that no number exceeds, so that
/// no index is out of bounds.
pub(super) struct Peeler<N: Number, const ALL: usize> {
    /// Of each column: how many keys are in it, and the sum of their numbers.
    columns: Buf<N::State>,
    /// Columns that had one key when they were noted.
    queue: Buf<u32>,
    /// Of each key its columns.
    places: Buf<N::Row>,
    /// Keys in the order in which they left: the column it was alone in, the two others, its number.
    order: Buf<N::Row>,
    keys: usize,
    peeled: usize,
}

/// The whole of an array, of a length that the compiler knows.
#[inline(always)]
fn whole<T, const ALL: usize>(words: &mut [T]) -> &mut [T; ALL] {
    words.try_into().expect("of that length")
}

impl<N: Number, const ALL: usize> Peeler<N, ALL> {
    pub(super) fn new() -> Self {
        let (columns, queue) = (Buf::scratch(ALL), Buf::scratch(ALL));
        let (places, order) = (Buf::scratch(ALL), Buf::scratch(ALL));
        Self { columns, queue, places, order, keys: 0, peeled: 0 }
    }

    /// Room for the columns of a bin's keys, to be filled before [`Peeler::peel`].
    pub(super) fn places_mut(&mut self, keys: usize) -> &mut [[N; 4]] {
        self.keys = keys;
        &mut cast_slice_mut(&mut self.places)[..keys]
    }

    /// Peels the keys whose places were filled in; whether all of them left.
    pub(super) fn peel(&mut self, columns: usize) -> bool {
        self.count(columns);
        let mut tail = self.note_columns_of_one(columns);
        let states = whole::<_, ALL>(&mut self.columns);
        let queue = whole::<_, ALL>(&mut self.queue);
        let places = whole::<_, ALL>(cast_slice_mut::<N::Row, [N; 4]>(&mut self.places));
        let order = whole::<_, ALL>(cast_slice_mut::<N::Row, [N; 4]>(&mut self.order));
        let (mut head, mut peeled) = (0, 0);
        while head < tail {
            let pivot = N::new(queue[head % ALL] as usize);
            head += 1;
            let state = states[pivot.at() % ALL];
            if !N::is_alone(state) {
                continue;
            }
            let key = N::sum(state);
            let [a, b, c, _] = places[key.at() % ALL];
            let others = [if a == pivot { b } else { a }, if c == pivot { b } else { c }];
            order[peeled % ALL] = [pivot, others[0], others[1], key];
            peeled += 1;
            states[pivot.at() % ALL] = N::empty();
            for column in others {
                let state = &mut states[column.at() % ALL];
                *state = N::left(*state, key);
                queue[tail % ALL] = short(column.at());
                tail += usize::from(N::is_alone(*state));
            }
        }
        self.peeled = peeled;
        peeled == self.keys
    }

    fn count(&mut self, columns: usize) {
        let states = whole::<_, ALL>(&mut self.columns);
        states[..columns].fill(N::empty());
        let places = &cast_slice::<N::Row, [N; 4]>(&self.places)[..self.keys];
        for (key, [a, b, c, _]) in places.iter().enumerate() {
            for column in [a, b, c] {
                let state = &mut states[column.at() % ALL];
                *state = N::joined(*state, N::new(key));
            }
        }
    }

    fn note_columns_of_one(&mut self, columns: usize) -> usize {
        let queue = whole::<_, ALL>(&mut self.queue);
        let mut tail = 0;
        for (column, state) in (0..).zip(&self.columns[..columns]) {
            queue[tail % ALL] = column;
            tail += usize::from(N::is_alone(*state));
        }
        tail
    }

    /// Who left, in that order: pivot column, two other columns, number of the key.
    pub(super) fn order(&self) -> &[[N; 4]] {
        &cast_slice(&self.order)[..self.peeled]
    }

    /// The keys that stayed, with their columns.
    pub(super) fn remainder(&self) -> Vec<(u32, [u32; 3])> {
        let mut left = vec![false; self.keys];
        for [.., key] in self.order() {
            left[key.at()] = true;
        }
        let places = &cast_slice::<N::Row, [N; 4]>(&self.places)[..self.keys];
        let stayed = (0..).zip(places).zip(left).filter(|(_, left)| !left);
        stayed.map(|((key, [a, b, c, _]), _)| (key, [a, b, c].map(|at| short(at.at())))).collect()
    }
}

/// A number of a column or a key: fewer than 2^32.
#[inline(always)]
#[expect(clippy::cast_possible_truncation, reason = "below 2^19")]
fn short(number: usize) -> u32 {
    number as u32
}
