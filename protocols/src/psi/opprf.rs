//! A programmed oblivious function: the sender chooses its values at points of its own, the receiver evaluates it at keys of
//! its own, and neither learns more than that.
//!
//! The function is the oblivious one of [`oprf`], to which the sender adds the difference between what is there and what it wants
//! there, encoded as a key-value store: `G(x) = F(x) ⊕ decode(hints, x)`, which is the programmed value at a point and
//! pseudo-random elsewhere.
//!
//! # Source
//! \[KMPRT17\] Kolesnikov, Matania, Pinkas, Rosulek, Trieu: *Practical Multi-party Private Set Intersection from Symmetric-Key
//! Techniques*, CCS 2017, <https://eprint.iacr.org/2017/799>, with the store of \[RS21\] <https://eprint.iacr.org/2021/266> for hints.

use std::fmt;

use super::oprf::{self, OprfKey};
use crate::{
    kernels::{AesKey, Backend},
    okvs::{EncodeError, Okvs, Params, ParamsError},
    prg::Prg,
    ring::{Buf, Z128},
    session::{Pair, PairCost, SessionError, Side},
};

/// Key of the fixed permutation under which the blocks of one key's value are told apart.
const BLOCKS: &[u8; 16] = b"unseen/opprf/v1\0";
/// Keys at which the oblivious function is evaluated together.
const CHUNK: usize = 1 << 17;

/// What is public of a programmed function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Keys that the receiver evaluates, at most.
    pub queries: usize,
    /// Points that the sender programs, at most.
    pub points: usize,
    /// Blocks of 128 bits of each value.
    pub columns: usize,
    /// Functions of a run that share the failure probability.
    pub instances: u64,
}

impl Size {
    /// The same, if a store of the points can be made.
    ///
    /// # Errors
    /// [`ParamsError`].
    pub fn checked(self) -> Result<Self, ParamsError> {
        self.hints().map(|_| self)
    }

    fn hints(&self) -> Result<Params, ParamsError> {
        Params::new(self.points, self.instances)
    }

    /// What the oblivious function beneath is asked for: its stores are of the same run, and share the probability too.
    fn asked(&self) -> (usize, u64) {
        (self.queries, self.instances)
    }

    fn is_empty(&self) -> bool {
        self.queries == 0 || self.points == 0 || self.columns == 0
    }
}

/// What a sender programs: a value for each key, of as many blocks as there are columns.
///
/// # Security
/// Prints how many there are.
pub struct Points {
    /// The keys, each once.
    pub keys: Buf<u128>,
    /// For each block of the values, a column with a word for each key.
    pub columns: Vec<Buf<u128>>,
}

/// The sender's end: programs `columns[c][i]` into block `c` at `keys[i]`.
///
/// # Shape
/// No more keys than `size.points`; `size.columns` columns of as many blocks.
///
/// # Cost
/// See [`cost`].
///
/// # Errors
/// [`SessionError::Misuse`] if shapes do not fit or a key is there twice; [`SessionError::Unlucky`] with the probability that
/// [`Params`] states; channel errors pass through.
///
/// # Security
/// Semi-honest. The sender receives what the sender of [`oprf`] receives. What it sends is a store of the programmed values under
/// `F` at its points, of which the receiver knows `F` at its own keys only: uniform, but for the values at keys that
/// both have. Those must be uniform by themselves where they are to hide that they were programmed, as far as one receiver
/// sees several of them together. Values that the receiver does not look up stay hidden. The store has one length for any number
/// of points up to `size.points`.
///
/// # Source
/// \[KMPRT17\] and \[RS21\], see the module.
pub fn send(
    pair: &mut Pair<'_>,
    size: &Size,
    points: Points,
    rng: &mut Prg,
) -> Result<(), SessionError> {
    let step = pair.step();
    let Points { keys, mut columns } = points;
    let fits = keys.len() <= size.points && columns.len() == size.columns;
    if !fits || columns.iter().any(|column| column.len() != keys.len()) {
        return Err(SessionError::Misuse { step, what: "points do not fit what was agreed on" });
    }
    if size.is_empty() {
        return Ok(());
    }
    let function = oprf::send(pair, size.asked(), rng)?;
    mask(&function, &keys, &mut columns);
    drop(function);
    let seed = rng.elements::<Z128>(1)[0];
    let store = store(size, seed, step)?;
    let encoded = encode(&store, keys, columns, rng).map_err(|error| match error {
        EncodeError::Unlucky => pair.unlucky("the points have no encoding under this seed"),
        EncodeError::Duplicate => {
            SessionError::Misuse { step, what: "a point is programmed twice" }
        }
        _ => SessionError::Misuse { step, what: "points do not fit what was agreed on" },
    })?;
    pair.send(&[seed])?;
    pair.send(&encoded)
}

/// Turns programmed values into hints: what is there is taken from what is wanted there. In place, a chunk of keys at a time.
fn mask(function: &OprfKey, keys: &[u128], columns: &mut [Buf<u128>]) {
    let fixed = AesKey::new(BLOCKS);
    let mut values = Buf::scratch(CHUNK.min(keys.len()));
    for (keys, from) in keys.chunks(CHUNK).zip((0..).step_by(CHUNK)) {
        let values = &mut values[..keys.len()];
        function.eval(keys, values);
        for (column, number) in columns.iter_mut().zip(0..) {
            xor(&mut column[from..from + keys.len()], &block(&fixed, values, number));
        }
    }
}

/// The store of hints. What it is made of is freed as soon as it is not needed any more: it is larger than all else.
fn encode(
    store: &Okvs,
    keys: Buf<u128>,
    columns: Vec<Buf<u128>>,
    rng: &mut Prg,
) -> Result<Buf<u128>, EncodeError> {
    let placed = store.place(&keys);
    drop(keys);
    let hints: Vec<_> = columns.into_iter().map(|column| placed.arrange(&column)).collect();
    let hints: Vec<&[u128]> = hints.iter().map(|hints| &hints[..]).collect();
    store.encode_placed(&placed, &hints, rng)
}

/// The receiver's end: each block of the function's value at each of its keys.
///
/// # Shape
/// No more keys than `size.queries`; returns `size.columns` columns of a block for each key.
///
/// # Cost
/// See [`cost`].
///
/// # Errors
/// [`SessionError::Misuse`] if there are too many keys; those of the receiver of [`oprf`]; channel errors pass through.
///
/// # Security
/// Semi-honest. The sender sees what the sender of [`oprf`] sees: nothing of the keys, and not how many there are.
///
/// # Source
/// See [`send`].
pub fn receive(
    pair: &mut Pair<'_>,
    size: &Size,
    keys: &[u128],
    rng: &mut Prg,
) -> Result<Vec<Buf<u128>>, SessionError> {
    let step = pair.step();
    if keys.len() > size.queries {
        return Err(SessionError::Misuse { step, what: "more keys than were agreed on" });
    }
    if size.is_empty() {
        return Ok((0..size.columns).map(|_| rng.elements::<Z128>(keys.len())).collect());
    }
    let values = oprf::receive(pair, keys, size.asked(), rng)?;
    let seed = pair.recv_words::<u128>(1)?[0];
    let store = store(size, seed, step)?;
    let slots = store.params().slots();
    let encoded = pair.recv_words::<u128>(size.columns * slots)?;
    let placed = store.place(keys);
    let mut arranged = Buf::scratch(keys.len());
    let fixed = AesKey::new(BLOCKS);
    let columns = (0..).zip(encoded.chunks_exact(slots)).map(|(number, encoded)| {
        store.decode_placed(encoded, &placed, &mut arranged);
        let mut column = block(&fixed, &values, number);
        for (hint, row) in arranged.iter().zip(placed.rows()) {
            column[*row as usize] ^= *hint;
        }
        column
    });
    Ok(columns.collect())
}

/// Twin of [`send`] and [`receive`]: what [`oprf`] costs for as many keys, a seed, and a store of 16 bytes a block and slot, about
/// 1.3 slots a point.
pub fn cost(c: &mut PairCost, size: &Size) {
    if size.is_empty() {
        return;
    }
    oprf::cost(c, size.asked());
    let slots = size.hints().map_or(0, |params| params.slots());
    c.message::<u128>(Side::Sender, 1);
    c.message::<u128>(Side::Sender, size.columns * slots);
}

fn store(size: &Size, seed: u128, step: u64) -> Result<Okvs, SessionError> {
    let params = size.hints();
    let params = params.map_err(|_| SessionError::Misuse {
        step,
        what: "no store is large enough for so many points; split them into buckets",
    })?;
    Ok(Okvs::new(params, seed))
}

/// One of the blocks that a value of the oblivious function is stretched to: `π(f ⊕ c) ⊕ f ⊕ c` with a fixed permutation, for `f`
/// that nobody can guess (GKWY20, as [`Backend::hash_blocks`] has it).
fn block(fixed: &AesKey, values: &[u128], number: u128) -> Buf<u128> {
    let mut block = Buf::copy_of(values);
    block.iter_mut().for_each(|value| *value ^= number);
    Backend::active().hash_blocks(fixed, &mut block);
    block
}

fn xor(to: &mut [u128], from: &[u128]) {
    to.iter_mut().zip(from).for_each(|(to, from)| *to ^= from);
}

/// Points do not print.
impl fmt::Debug for Points {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Points({} keys, {} columns)", self.keys.len(), self.columns.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testkit::Duo;

    fn points_of(keys: &[u128], columns: &[&[u128]]) -> Points {
        let columns = columns.iter().map(|column| Buf::copy_of(column)).collect();
        Points { keys: Buf::copy_of(keys), columns }
    }

    /// A run in which the first `common` of the queries are points; returns what was programmed and what was got.
    fn run(
        seed: u64,
        size: Size,
        points: usize,
        queries: usize,
        common: usize,
    ) -> [Vec<Vec<u128>>; 2] {
        let duo = Duo::new(seed);
        let keys = duo.words(0, points);
        let asked = [&keys[..common], &duo.words(1, queries - common)].concat();
        let values: Vec<Vec<u128>> =
            (0..size.columns as u64).map(|column| duo.words(2 + column, points)).collect();
        let run = duo.run(
            |pair, rng| {
                let columns: Vec<&[u128]> = values.iter().map(|column| &column[..]).collect();
                send(pair, &size, points_of(&keys, &columns), rng)
            },
            |pair, rng| receive(pair, &size, &asked, rng),
        );
        let mut quoted = PairCost::new();
        cost(&mut quoted, &size);
        run.assert_cost(&quoted);
        assert!(run.opened.iter().all(Vec::is_empty), "nothing is opened");
        let got = run.receiver.iter().map(|column| column.to_vec()).collect();
        [values, got]
    }

    #[test]
    fn a_point_gives_its_value_and_any_other_key_does_not() {
        for (points, queries) in [(1, 1), (63, 65), (1000, 64), (64, 1000)] {
            let size = Size { queries, points, columns: 2, instances: 1 };
            let common = points.min(queries) / 2 + 1;
            let [programmed, got] = run(points as u64, size, points, queries, common);
            for (programmed, got) in programmed.iter().zip(&got) {
                assert_eq!(got[..common], programmed[..common]);
                assert!(got[common..].iter().all(|value| !programmed.contains(value)));
            }
            assert_ne!(got[0], got[1], "blocks differ elsewhere too");
        }
    }

    #[test]
    fn fewer_points_and_keys_than_agreed_cost_the_same() {
        let size = Size { queries: 100, points: 300, columns: 1, instances: 1 };
        for (points, queries, common) in [(300, 100, 100), (0, 0, 0), (1, 100, 0), (300, 1, 1)] {
            let [programmed, got] = run(3, size, points, queries, common);
            assert_eq!(got[0][..common], programmed[0][..common]);
        }
    }

    #[test]
    fn the_more_functions_a_run_has_the_surer_is_each_of_their_stores() {
        let quoted = |instances| {
            let (size, mut quoted) =
                (Size { queries: 1000, points: 1, columns: 1, instances }, PairCost::new());
            cost(&mut quoted, &size);
            quoted.total_bytes()
        };
        let slots = |instances| Params::new(1000, instances).unwrap().slots() as u64;
        assert!(slots(1 << 20) > slots(1));
        assert!(quoted(1 << 20) >= quoted(1) + 16 * (slots(1 << 20) - slots(1)), "both stores");
    }

    #[test]
    fn without_points_or_keys_nothing_is_sent() {
        let none = Size { queries: 5, points: 0, columns: 2, instances: 1 };
        let [_, got] = run(4, none, 0, 5, 0);
        assert!(got.iter().all(|column| column.len() == 5));
        let none = Size { queries: 0, points: 5, columns: 2, instances: 1 };
        run(5, none, 5, 0, 0);
    }

    #[test]
    fn points_that_do_not_fit_are_refused() {
        let words = Duo::new(6).words(0, 10);
        let twice = [&words[..], &words[..1]].concat();
        let misuse =
            |error| assert!(matches!(error, Err(SessionError::Misuse { .. })), "{error:?}");
        let size = |points| Size { queries: 5, points, columns: 1, instances: 1 };
        let run = Duo::new(7).run(
            |pair, rng| Ok(send(pair, &size(9), points_of(&words, &[&words]), rng)),
            |pair, rng| Ok(receive(pair, &size(9), &words[..6], rng).map(drop)),
        );
        misuse(run.sender);
        misuse(run.receiver);
        let run = Duo::new(8).run(
            |pair, rng| {
                let error = send(pair, &size(11), points_of(&twice, &[&twice]), rng);
                // What the receiver still waits for.
                pair.send(&[0_u128])?;
                pair.send(&vec![0_u128; Params::new(11, 1).unwrap().slots()])?;
                Ok(error)
            },
            |pair, rng| receive(pair, &size(11), &words[..5], rng),
        );
        misuse(run.sender);
    }
}
