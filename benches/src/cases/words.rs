//! Products of words.

use protocols::{
    mpc::{self, Column},
    ring::{Z32, Z64},
    session::{Session, SessionError},
};

use crate::case::{Case, Clear, Random, Verdict, all_rows, misfit};

pub(super) const CASES: &[Case] = &[
    Case {
        name: "mul/z64",
        note: "products of Z64 words",
        rows: all_rows,
        clear: |random, n| vec![words(random, n), words(random, n)],
        run: mul,
        quote: mpc::mul_cost::<Z64>,
        judge: |clear, opened| Verdict::pairwise(clear, opened, u64::wrapping_mul),
    },
    Case {
        name: "mul/z32",
        note: "products of Z32 words",
        rows: all_rows,
        clear: |random, n| vec![halves(random, n), halves(random, n)],
        run: mul,
        quote: mpc::mul_cost::<Z32>,
        judge: |clear, opened| {
            Verdict::pairwise(clear, opened, |a, b| a.wrapping_mul(b) & u64::from(u32::MAX))
        },
    },
    Case {
        name: "and",
        note: "conjunctions of 64 bits",
        rows: all_rows,
        clear: |random, n| vec![bits(random, n), bits(random, n)],
        run: mul,
        quote: |m, n| mpc::and_cost(m, n, 64),
        judge: |clear, opened| Verdict::pairwise(clear, opened, |a, b| a & b),
    },
];

fn words(random: &mut Random<'_>, n: usize) -> Clear {
    Clear::Words((0..n).map(|_| random()).collect())
}

#[expect(clippy::cast_possible_truncation, reason = "any 32 bits will do")]
fn halves(random: &mut Random<'_>, n: usize) -> Clear {
    Clear::Halves((0..n).map(|_| random() as u32).collect())
}

fn bits(random: &mut Random<'_>, n: usize) -> Clear {
    Clear::Bits((0..n).map(|_| random()).collect(), 64)
}

fn mul(s: &mut Session, inputs: &[Column]) -> Result<Vec<Column>, SessionError> {
    Ok(vec![match inputs {
        [Column::Z64(a), Column::Z64(b)] => Column::Z64(mpc::mul(s, a, b)?),
        [Column::Z32(a), Column::Z32(b)] => Column::Z32(mpc::mul(s, a, b)?),
        [Column::Bits(a), Column::Bits(b)] => Column::Bits(mpc::and(s, a, b)?),
        _ => return Err(misfit(s, inputs)),
    }])
}
