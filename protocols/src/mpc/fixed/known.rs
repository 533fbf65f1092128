//! What is known in the clear of a shared word, and products of what P0 knows with what P1 and P2 know.
//!
//! P0 shares each of its factors as `a = a_0 + a_1`, where `a_0` is the keystream it has with P2, and sends `a_1` to P1. P2 works
//! out `Σ a_0·b`, P1 `Σ a_1·b`; each sends the other its sum under a mask that only P0 shares with it, and the two together are
//! summand 2 of the result. However many products are added up, the exchange is one word.

use std::ops::Range;

use crate::{
    party::Role,
    ring::{Arithmetic, Buf, Ring, Word, Z32, Z64},
    session::{Meter, Session, SessionError},
    share::{Bits, Shared},
};

/// Rows that go through a protocol together: few enough that what they take stays in the second-level cache.
pub(super) const BATCH: usize = 1 << 14;
/// What P0 sends of a batch of products.
const BATCH_BYTES: usize = 1 << 20;

/// Runs of at most [`BATCH`] rows.
pub(super) fn batches(n: usize) -> impl Iterator<Item = Range<usize>> {
    runs(n, BATCH)
}

fn runs(n: usize, rows: usize) -> impl Iterator<Item = Range<usize>> {
    (0..n).step_by(rows).map(move |from| from..(from + rows).min(n))
}

/// Rows of a batch of sums of `terms` products: whole words of a bit plane.
fn rows_of<R: Ring>(terms: usize) -> usize {
    (BATCH_BYTES / (terms * size_of::<R::Word>()) / 64 * 64).clamp(64, BATCH)
}

/// A ring of at most 64 bits, between its words and `u64`.
pub(super) trait Narrow: Arithmetic {
    /// The word modulo the ring's size.
    fn narrow(word: u64) -> Self::Word;
    /// The word as it stands.
    fn wide(word: Self::Word) -> u64;
}

impl Narrow for Z32 {
    #[expect(clippy::cast_possible_truncation, reason = "modulo 2^32 is meant")]
    fn narrow(word: u64) -> u32 {
        word as u32
    }
    fn wide(word: u32) -> u64 {
        u64::from(word)
    }
}

impl Narrow for Z64 {
    fn narrow(word: u64) -> u64 {
        word
    }
    fn wide(word: u64) -> u64 {
        word
    }
}

/// `u = x_0 + x_1` at P0, `v = x_2` at P1 and P2.
pub(super) fn in_clear<R: Ring>(role: Role, x: &Shared<R>) -> Buf<R::Word> {
    match role {
        Role::P0 => {
            let mut u = Buf::copy_of(x.own());
            R::add_assign(&mut u, x.next());
            u
        }
        Role::P1 => Buf::copy_of(x.next()),
        Role::P2 => Buf::copy_of(x.own()),
    }
}

/// The planes of `x_0 ⊕ x_1` at P0, of `x_2` at P1 and P2.
pub(super) fn planes_in_clear(role: Role, x: &Bits) -> Buf<u64> {
    in_clear(role, x.planes())
}

/// Adds what P1 and P2 both know to a shared vector: onto summand 2.
pub(super) fn add_known<R: Ring>(role: Role, shares: Shared<R>, known: &[R::Word]) -> Shared<R> {
    let (mut own, mut next) = shares.into_parts();
    match role {
        Role::P0 => {}
        Role::P1 => R::add_assign(&mut next, known),
        Role::P2 => R::add_assign(&mut own, known),
    }
    Shared::from_parts(own, next)
}

/// A keystream of a summand that the caller's role holds.
pub(super) fn held<W: Word>(mask: Option<Buf<W>>) -> Buf<W> {
    mask.unwrap_or_else(|| unreachable!("the role holds this summand"))
}

/// Sums of `terms` products of what P0 knows and what P1 and P2 know: `Σ_k a_k · b_k` for each of `n` rows.
///
/// `fill` writes a batch of factors, all rows of term 0 first: of P0's at P0, of the others' at P1 and P2. It must write the same
/// words at P1 and P2.
///
/// # Cost
/// 2 rounds; P0 sends `terms` words a row, P1 and P2 one.
///
/// # Security
/// Semi-honest, one corrupted party. P1 receives P0's factors masked by the key of P0 and P2, and P2's sum masked by the same key
/// further on; P2 receives P1's sum, masked by the key of P0 and P1; P0 receives nothing.
///
/// # Source
/// \[ABY3\] <https://eprint.iacr.org/2018/403> §5.4.1 (product of a value known to one party and one known to two), the exchange
/// as in \[AFLNO16\] <https://eprint.iacr.org/2016/768> between the two parties that hold a part.
pub(super) fn products<R: Ring>(
    s: &mut Session,
    n: usize,
    terms: usize,
    mut fill: impl FnMut(Role, Range<usize>, &mut [R::Word]),
) -> Result<Shared<R>, SessionError> {
    let (mut own, mut next) = (Buf::<R::Word>::scratch(n), Buf::<R::Word>::scratch(n));
    let batch = rows_of::<R>(terms);
    let role = s.role();
    let mut factors = Buf::<R::Word>::scratch(terms * batch.min(n));
    for rows in runs(n, batch) {
        let factors = &mut factors[..terms * rows.len()];
        let split = s.prss().summand::<R>(Role::P0, factors.len());
        let [sum_0, sum_1] = [Role::P0, Role::P1].map(|i| s.prss().summand::<R>(i, rows.len()));
        fill(role, rows.clone(), factors);
        let (own, next) = (&mut own[rows.clone()], &mut next[rows]);
        match role {
            Role::P0 => {
                R::sub_assign(factors, &held(split));
                s.send(Role::P1.id(), factors)?;
                own.copy_from_slice(&held(sum_0));
                next.copy_from_slice(&held(sum_1));
            }
            Role::P1 => {
                let mut other = Buf::scratch(factors.len());
                s.recv(Role::P0.id(), &mut other)?;
                own.copy_from_slice(&held(sum_1));
                inner_product::<R>(next, own, factors, &other);
                s.send(Role::P2.id(), next)?;
            }
            Role::P2 => {
                next.copy_from_slice(&held(sum_0));
                inner_product::<R>(own, next, factors, &held(split));
                s.send(Role::P1.id(), own)?;
            }
        }
    }
    let (peer, summand) = match role {
        Role::P0 => return Ok(Shared::from_parts(own, next)),
        Role::P1 => (Role::P2, &mut next),
        Role::P2 => (Role::P1, &mut own),
    };
    let mut theirs = Buf::scratch(batch.min(n));
    for rows in runs(n, batch) {
        let theirs = &mut theirs[..rows.len()];
        s.recv(peer.id(), theirs)?;
        R::add_assign(&mut summand[rows], theirs);
    }
    Ok(Shared::from_parts(own, next))
}

/// Twin of [`products`].
pub(super) fn products_cost<R: Ring>(m: &mut Meter, n: usize, terms: usize) {
    let batch = rows_of::<R>(terms);
    let word = size_of::<R::Word>();
    for rows in runs(n, batch) {
        m.messages(&[(Role::P0, Role::P1, word * terms * rows.len())]);
    }
    let trades = runs(n, batch).flat_map(|rows| {
        let bytes = word * rows.len();
        [(Role::P1, Role::P2, bytes), (Role::P2, Role::P1, bytes)]
    });
    m.messages(&trades.collect::<Vec<_>>());
}

/// `out = Σ_k x_k · y_k − mask`, the factors term by term.
fn inner_product<R: Ring>(out: &mut [R::Word], mask: &[R::Word], x: &[R::Word], y: &[R::Word]) {
    out.fill(R::ZERO);
    R::sub_assign(out, mask);
    for (x, y) in x.chunks_exact(out.len()).zip(y.chunks_exact(out.len())) {
        R::mul_add(out, x, y);
    }
}

/// Terms of [`products`] that add up shared bits, `c ⊕ b` each, of weights that double from plane to plane: `c` at P0, and at P1
/// and P2 `weight · (1 − 2b)`; what is missing, `weight · b`, is theirs to add ([`weighted`]).
pub(super) fn bit_terms<R: Narrow>(
    role: Role,
    planes: &[u64],
    (stride, unit): (usize, u64),
    rows: Range<usize>,
    out: &mut [R::Word],
) {
    let words = rows.start / 64..rows.end.div_ceil(64);
    let terms = out.chunks_exact_mut(rows.len()).zip(planes.chunks_exact(stride));
    for ((term, plane), bit) in terms.zip(0_u32..) {
        R::expand(&plane[words.clone()], term);
        if role != Role::P0 {
            let weight = unit << bit;
            R::scale_assign(term, R::narrow(weight.wrapping_mul(2).wrapping_neg()));
            let weight = R::narrow(weight);
            term.iter_mut().for_each(|word| *word = R::add(*word, weight));
        }
    }
}

/// `unit · Σ_k 2^k · b_k` of bits in the clear: what [`bit_terms`] lack.
pub(super) fn weighted<R: Narrow>(
    planes: &[u64],
    width: usize,
    unit: u64,
    n: usize,
) -> Buf<R::Word> {
    let mut out = Buf::zeroed(n);
    if width > 0 {
        R::from_planes(planes, width, &mut out);
        R::scale_assign(&mut out, R::narrow(unit));
    }
    out
}
