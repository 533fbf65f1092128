//! Holding values to the ranges declared for them.

use super::format::Fixed;
use crate::{
    mpc::{
        compare::{lt_zero, lt_zero_cost},
        reveal::{reveal, reveal_cost},
    },
    party::Role,
    ring::{B64, Buf, Ring, Z64},
    session::{Meter, OpeningKind, Session, SessionError},
    share::{Bits, Shared},
};

/// Values are told apart from −2^63 on.
const SIGN: usize = 63;
/// Parities that stand for one bit: all are even by chance once in 2^64.
const PARITIES: usize = 64;
/// Words of a plane taken at a time.
const BLOCK: usize = 2048;

/// Holds that every value lies within the range declared for it, the ends included; a value may be any word of the ring. Whoever
/// takes in values calls it once for all columns together, before anything is computed from them.
///
/// # Shape
/// Columns of any lengths; nothing is sent or opened if there is no value at all.
///
/// # Cost
/// That of [`lt_zero`](crate::mpc::lt_zero) on two values of 63 bits for each value, and 2 rounds of one word a party.
///
/// # Errors
/// [`SessionError::OutOfRange`] at all parties alike if a value is outside, which is missed with probability 2^−64;
/// [`SessionError::Gate`] before anything is opened if the plan does not list it; channel errors pass through.
///
/// # Security
/// Semi-honest, one corrupted party; the values may come from anybody. One bit is opened to all three: whether any value of any
/// column is outside. With the bits `v` that say which bound of which value is broken, the opened word is `M · v` for a secret
/// uniform matrix `M` of 64 rows over GF(2): 0 if `v` is 0, else a uniform word, whatever `v` is. `M` is a pseudo-random sharing, so
/// each party lacks one summand of it; the product's message is masked by a fresh zero share.
///
/// # Source
/// A value `x` is within `low` and `high` if neither `x − low` nor `high − x` is negative, modulo 2^64 and with ends less than 2^63
/// apart. Random binary matrices are the hash functions H_3 of Carter and Wegman, "Universal Classes of Hash Functions", JCSS
/// 1979; the product is an inner product for each row, \[AFLNO16\] <https://eprint.iacr.org/2016/768> §2.2.
pub fn check_ranges(
    s: &mut Session,
    columns: &[(&Shared<Z64>, Fixed)],
) -> Result<(), SessionError> {
    let distances = distances(s.role(), columns);
    if distances.is_empty() {
        return Ok(());
    }
    let broken = lt_zero(s, &distances, SIGN)?;
    drop(distances);
    let parities = parities(s, broken)?;
    let opened = reveal(s, &parities, OpeningKind::RangeCheck)?;
    if opened.iter().all(|word| *word == 0) {
        Ok(())
    } else {
        Err(SessionError::OutOfRange { step: s.step() })
    }
}

/// Twin of [`check_ranges`], for so many values in all columns together.
pub fn check_ranges_cost(m: &mut Meter, values: usize) {
    if values == 0 {
        return;
    }
    lt_zero_cost(m, 2 * values, SIGN);
    m.exchange::<B64>(1);
    reveal_cost::<B64>(m, 1, OpeningKind::RangeCheck);
}

/// How far each value is above the lower end of its range, and below these how far it is beneath the upper end.
fn distances(role: Role, columns: &[(&Shared<Z64>, Fixed)]) -> Shared<Z64> {
    let above = columns.iter().map(|(x, range)| {
        let mut above = (*x).clone();
        above.add_constant(role, range.words().0.wrapping_neg().cast_unsigned());
        above
    });
    let beneath = columns.iter().map(|(x, range)| {
        let mut beneath = (*x).clone();
        beneath.negate();
        beneath.add_constant(role, range.words().1.cast_unsigned());
        beneath
    });
    let parts: Vec<Shared<Z64>> = above.chain(beneath).collect();
    Shared::concat(&parts.iter().collect::<Vec<_>>())
}

/// Parities of secret random choices among the rows of one plane, as the bits of one word.
fn parities(s: &mut Session, mut plane: Bits) -> Result<Shared<B64>, SessionError> {
    plane.clear_beyond_rows();
    let (role, (own, next)) = (s.role(), plane.plane(0));
    let mut parity = [0_u64];
    s.prss().zero_share::<B64>(&mut parity);
    let block = BLOCK.min(own.len());
    let [mut chosen, mut chosen_next] = [Buf::<u64>::scratch(block), Buf::scratch(block)];
    let mut terms = Buf::<u64>::scratch(block);
    for bit in 0..PARITIES {
        let choices = s.prss().stretch::<B64>(own.len());
        let mut sum = 0;
        for from in (0..own.len()).step_by(BLOCK) {
            let to = (from + BLOCK).min(own.len());
            let (mine, theirs) = (&mut chosen[..to - from], &mut chosen_next[..to - from]);
            s.prss().fill::<B64>(role, choices, from, mine);
            s.prss().fill::<B64>(role.next(), choices, from, theirs);
            let terms = &mut terms[..to - from];
            terms.fill(0);
            B64::cross(terms, (mine, theirs), (&own[from..to], &next[from..to]));
            sum = terms.iter().fold(sum, |sum, term| sum ^ term);
        }
        parity[0] ^= u64::from(sum.count_ones() & 1) << bit;
    }
    let from_next = s.exchange::<B64>(&parity)?;
    Ok(Shared::from_parts(Buf::copy_of(&parity), from_next))
}
