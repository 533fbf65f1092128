//! The values of leaves, on shares: `−G / (H + λ)` by long division.

use protocols::{
    mpc::{inject, inject_cost, lt_zero, lt_zero_cost, mask, mask_cost, mul, mul_cost},
    ring::{Buf, Z64},
    session::{Meter, Session, SessionError},
    share::Shared,
};

use super::{
    layout::KINDS,
    setting::{DIGIT, DIGITS, LEAF_BITS, LEAF_REACH, Setting},
};

/// The value of each leaf as 14 bits above −8, rounded down and held between −8 and 8: that of 0 for a leaf of too few rows.
///
/// # Shape
/// Rows, ΣG and ΣH of all leaves; returns a word a leaf.
///
/// # Source
/// Division digit by digit: all multiples of the divisor at a digit's place are compared with what is left, and their number that
/// fits is the digit. A quotient beyond its range saturates by itself.
pub(super) fn quotients(
    s: &mut Session,
    setting: &Setting,
    sums: &Shared<Z64>,
) -> Result<Shared<Z64>, SessionError> {
    let (role, slots) = (s.role(), sums.len() / KINDS);
    let mut rows = sums.slice(0, slots);
    rows.add_constant(role, setting.plan().least.wrapping_neg());
    let enough = lt_zero(s, &rows, setting.row_width())?.not(role);
    let gradient = mask(s, &sums.slice(slots, 2 * slots), &enough)?;
    let mut below = sums.slice(2 * slots, KINDS * slots);
    below.add_constant(role, setting.lambda);
    // (8·(H + λ) − G)·2^10, of which (H + λ)·2^k is taken off in turn.
    let mut rest = below.clone();
    rest.scale(1 << LEAF_REACH);
    rest.sub_assign(&gradient);
    rest.scale(1 << LEAF_BITS);
    let mut quotient = Shared::zeros(slots);
    for place in (0..DIGITS).rev().map(|digit| digit * DIGIT) {
        let step = below.map::<Z64>(|words| steps(words, place));
        let multiples = rest.map::<Z64>(repeat).minus(&step);
        let fits = lt_zero(s, &multiples, setting.leaf_width())?.not(role);
        let mut digit = inject::<Z64>(s, &fits)?.map::<Z64>(|words| sum_of_runs(words, slots));
        digit.scale(1 << place);
        rest.sub_assign(&mul(s, &digit, &below)?);
        quotient.add_assign(&digit);
    }
    Ok(quotient)
}

/// Twin of [`quotients`].
pub(super) fn quotients_cost(m: &mut Meter, setting: &Setting) {
    let slots = setting.leaves();
    lt_zero_cost(m, slots, setting.row_width());
    mask_cost::<Z64>(m, slots);
    for _ in 0..DIGITS {
        lt_zero_cost(m, MULTIPLES * slots, setting.leaf_width());
        inject_cost::<Z64>(m, MULTIPLES * slots, 1);
        mul_cost::<Z64>(m, slots);
    }
}

/// Multiples of a digit but 0.
const MULTIPLES: usize = (1 << DIGIT) - 1;

fn repeat(words: &[u64]) -> Buf<u64> {
    words.iter().copied().cycle().take(words.len() * MULTIPLES).collect()
}

/// `t · 2^place` times the words, for each t from 1 on.
fn steps(words: &[u64], place: u32) -> Buf<u64> {
    let step = |t: usize| words.iter().map(move |word| word.wrapping_mul((t as u64) << place));
    (1..=MULTIPLES).flat_map(step).collect()
}

fn sum_of_runs(words: &[u64], slots: usize) -> Buf<u64> {
    let mut sums = Buf::zeroed(slots);
    words.chunks(slots).for_each(|run| super::layout::add(&mut sums, run));
    sums
}
