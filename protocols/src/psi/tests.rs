//! Every protocol at the edges: no rows, one, one key in all rows, nothing and everything in common, sizes around powers of two,
//! and one row against tens of thousands; columns in, so that duplicates and rows without a key are part of it.

mod instances;
mod runs;

use instances::{Columns, instances, large, random, unbalanced};
use runs::Run;

use crate::kernels::Backend;

/// What a protocol finds out, at the receiver.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Found {
    /// The rows of its column whose key the sender has too.
    Rows(Vec<u32>),
    /// How many keys are common.
    Count(usize),
    /// How many, and the sum of a value that each has at the sender.
    Sum(usize, u64),
}

fn check(run: Run, columns: &Columns) {
    let (sender, receiver) = columns.distinct();
    let got = run(columns.seed, &sender, &receiver);
    let want = columns.plain(&got);
    assert!(got == want, "{}: another result than the plain one", columns.name);
}

/// A test for each protocol: all small instances, and those of its large ones that it goes through in no time.
macro_rules! edges {
    ($($name:ident, $large:expr;)*) => {$(
        #[test]
        fn $name() {
            instances().iter().for_each(|columns| check(runs::$name, columns));
            let n = $large;
            large(n).iter().chain(&unbalanced(n)).for_each(|columns| check(runs::$name, columns));
        }
    )*};
}

edges! {
    vole, 1 << 16;
    vole_malicious, 1 << 16;
    vole_low, 1 << 16;
    ecdh, 1 << 16;
    ecdh_count, 1 << 16;
    lookup, 1 << 16;
    circuit, 1 << 16;
    cardinality, 1 << 16;
    sum, 1 << 16;
    multi, 1 << 16;
}

/// One key against a million, either way.
#[test]
fn one_against_a_million() {
    let mut all: Vec<Run> = vec![runs::vole, runs::vole_malicious, runs::circuit, runs::multi];
    // A minute of points without vectors.
    if Backend::active().name == "avx512" {
        all.push(runs::ecdh);
    }
    for columns in unbalanced(1_000_000) {
        all.iter().for_each(|run| check(*run, &columns));
    }
}

/// A test for each protocol whose own tests have no random runs.
macro_rules! random_runs {
    ($($name:ident: $run:ident;)*) => {$(
        #[test]
        fn $name() {
            (0..200).for_each(|seed| check(runs::$run, &random(seed)));
        }
    )*};
}

random_runs! {
    two_hundred_random_counts_by_points: ecdh_count;
    two_hundred_random_cardinalities: cardinality;
    two_hundred_random_sums: sum;
}
