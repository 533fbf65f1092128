//! Peeling: keys that are alone in a column leave, which leaves others alone.

/// Columns and keys of a bin are numbers of 16 bits.
const ALL: usize = 1 << 16;
/// One key more in a column's count, which stands above the sum of the keys' numbers.
const ONE: u32 = 1 << 16;

/// Three distinct columns, and a word beside them.
pub(super) type Places = [u16; 4];

/// Working memory for one bin after the other; its arrays are as long as 16 bits can name, so that no index is out of bounds.
pub(super) struct Peeler {
    /// Of each column: how many keys are in it, and the sum of their numbers.
    columns: Box<[u32; ALL]>,
    /// Columns that had one key when they were noted.
    queue: Box<[u16; ALL]>,
    /// Of each key its columns.
    places: Box<[Places; ALL]>,
    /// Keys in the order in which they left: the column it was alone in, the two others, its number.
    order: Box<[Places; ALL]>,
    keys: usize,
    peeled: usize,
}

fn zeroed<T: Clone + Copy>(value: T) -> Box<[T; ALL]> {
    match vec![value; ALL].into_boxed_slice().try_into() {
        Ok(array) => array,
        Err(_) => unreachable!("of that length"),
    }
}

impl Peeler {
    pub(super) fn new() -> Self {
        Self {
            columns: zeroed(0),
            queue: zeroed(0),
            places: zeroed([0; 4]),
            order: zeroed([0; 4]),
            keys: 0,
            peeled: 0,
        }
    }

    /// Room for the columns of a bin's keys, to be filled before [`Peeler::peel`].
    pub(super) fn places_mut(&mut self, keys: usize) -> &mut [Places] {
        self.keys = keys;
        &mut self.places[..keys]
    }

    /// Peels the keys whose places were filled in; whether all of them left.
    pub(super) fn peel(&mut self, columns: usize) -> bool {
        self.count(columns);
        let mut tail = self.note_columns_of_one(columns);
        let (mut head, mut peeled) = (0, 0);
        while head < tail {
            let pivot = self.queue[head % ALL];
            head += 1;
            let state = self.columns[usize::from(pivot)];
            if state >> 16 != 1 {
                continue;
            }
            let key = low(state);
            let [a, b, c, _] = self.places[usize::from(key)];
            let others = [if a == pivot { b } else { a }, if c == pivot { b } else { c }];
            self.order[peeled % ALL] = [pivot, others[0], others[1], key];
            peeled += 1;
            self.columns[usize::from(pivot)] = 0;
            for column in others {
                let state = &mut self.columns[usize::from(column)];
                *state = (*state - ONE) ^ u32::from(key);
                self.queue[tail % ALL] = column;
                tail += usize::from(*state >> 16 == 1);
            }
        }
        self.peeled = peeled;
        peeled == self.keys
    }

    fn count(&mut self, columns: usize) {
        self.columns[..columns].fill(0);
        for (key, [a, b, c, _]) in (0_u32..).zip(&self.places[..self.keys]) {
            for column in [a, b, c] {
                let state = &mut self.columns[usize::from(*column)];
                *state = (*state + ONE) ^ key;
            }
        }
    }

    fn note_columns_of_one(&mut self, columns: usize) -> usize {
        let mut tail = 0;
        for (column, state) in (0_u16..).zip(&self.columns[..columns]) {
            self.queue[tail % ALL] = column;
            tail += usize::from(*state >> 16 == 1);
        }
        tail
    }

    /// Who left, in that order: pivot column, two other columns, number of the key.
    pub(super) fn order(&self) -> &[Places] {
        &self.order[..self.peeled]
    }

    /// The keys that stayed, with their columns.
    pub(super) fn remainder(&self) -> Vec<(u16, [u16; 3])> {
        let mut left = vec![false; self.keys];
        for [.., key] in self.order() {
            left[usize::from(*key)] = true;
        }
        let all = (0_u16..).zip(&self.places[..self.keys]).zip(left);
        all.filter(|(_, left)| !left).map(|((key, [a, b, c, _]), _)| (key, [*a, *b, *c])).collect()
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the sum of one number of 16 bits")]
fn low(state: u32) -> u16 {
    state as u16
}
