//! Products of matrices.

use protocols::{
    kernels::{Matrix, PORTABLE},
    mpc::{self, Column},
    ring::Z64,
    session::{Session, SessionError},
};

use crate::case::{Case, Clear, Verdict, misfit};

pub(super) const CASES: &[Case] = &[Case {
    name: "matmul/z64/1000",
    note: "1000 × 1000 by 1000 × 1000",
    rows: |_| SIDE,
    clear: |random, n| {
        let mut matrix = || Clear::Words((0..n * n).map(|_| random()).collect());
        vec![matrix(), matrix()]
    },
    run: matmul,
    quote: |m, n| mpc::matmul_cost::<Z64>(m, n, n),
    judge: is_product,
}];

const SIDE: usize = 1000;

fn matmul(s: &mut Session, inputs: &[Column]) -> Result<Vec<Column>, SessionError> {
    let [Column::Z64(x), Column::Z64(y)] = inputs else { return Err(misfit(s, inputs)) };
    Ok(vec![Column::Z64(mpc::matmul(s, x, (SIDE, SIDE), y, (SIDE, SIDE))?)])
}

fn is_product(clear: &[Clear], opened: &[Vec<u64>]) -> Verdict {
    let (x, y) = (clear[0].words(), clear[1].words());
    let mut want = vec![0; SIDE * SIDE];
    let matrix = |words| Matrix::new(words, SIDE, SIDE);
    PORTABLE.gemm_u64(&mut want, matrix(&x), matrix(&y));
    Verdict::Exact(want == opened[0])
}
