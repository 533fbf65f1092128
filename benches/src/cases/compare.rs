//! Comparisons of words, each answered by one bit.

use protocols::{
    mpc::{self, Column},
    session::{Session, SessionError},
};

use crate::case::{Case, Clear, Random, Verdict, all_rows, misfit};

pub(super) const CASES: &[Case] = &[
    Case {
        name: "lt/64",
        note: "a < b, |a - b| < 2^63",
        rows: all_rows,
        clear: signed::<63>,
        run: lt::<63>,
        quote: |m, n| mpc::lt_cost(m, n, 63),
        judge: less,
    },
    Case {
        name: "lt/32",
        note: "a < b, |a - b| < 2^32",
        rows: all_rows,
        clear: signed::<32>,
        run: lt::<32>,
        quote: |m, n| mpc::lt_cost(m, n, 32),
        judge: less,
    },
    Case {
        name: "eq/64",
        note: "a = b, all 64 bits",
        rows: all_rows,
        clear: half_equal::<64>,
        run: eq::<64>,
        quote: |m, n| mpc::eq_cost(m, n, 64),
        judge: equal,
    },
    Case {
        name: "eq/32",
        note: "a = b, |a - b| < 2^32",
        rows: all_rows,
        clear: half_equal::<32>,
        run: eq::<32>,
        quote: |m, n| mpc::eq_cost(m, n, 32),
        judge: equal,
    },
];

/// Two columns of signed numbers of `BITS` bits.
fn signed<const BITS: u32>(random: &mut Random<'_>, n: usize) -> Vec<Clear> {
    let mut column = || {
        let values = (0..n).map(|_| (random().cast_signed() >> (64 - BITS)).cast_unsigned());
        Clear::Words(values.collect())
    };
    vec![column(), column()]
}

/// Two columns of `BITS` bits; about half the pairs are equal.
fn half_equal<const BITS: u32>(random: &mut Random<'_>, n: usize) -> Vec<Clear> {
    let a: Vec<u64> = (0..n).map(|_| random() >> (64 - BITS)).collect();
    let mut other = |a: &u64| if random() & 1 == 0 { *a } else { random() >> (64 - BITS) };
    let b = a.iter().map(&mut other).collect();
    vec![Clear::Words(a), Clear::Words(b)]
}

fn lt<const WIDTH: usize>(s: &mut Session, inputs: &[Column]) -> Result<Vec<Column>, SessionError> {
    let [Column::Z64(a), Column::Z64(b)] = inputs else { return Err(misfit(s, inputs)) };
    Ok(vec![Column::Bits(mpc::lt(s, a, b, WIDTH)?)])
}

fn eq<const WIDTH: usize>(s: &mut Session, inputs: &[Column]) -> Result<Vec<Column>, SessionError> {
    let [Column::Z64(a), Column::Z64(b)] = inputs else { return Err(misfit(s, inputs)) };
    Ok(vec![Column::Bits(mpc::eq(s, a, b, WIDTH)?)])
}

fn less(clear: &[Clear], opened: &[Vec<u64>]) -> Verdict {
    Verdict::pairwise(clear, opened, |a, b| u64::from(a.cast_signed() < b.cast_signed()))
}

fn equal(clear: &[Clear], opened: &[Vec<u64>]) -> Verdict {
    Verdict::pairwise(clear, opened, |a, b| u64::from(a == b))
}
