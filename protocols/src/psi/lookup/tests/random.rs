//! Tables and queries drawn at random, against a map in the clear.

use std::collections::BTreeMap;

use super::{look, *};
use crate::testkit::Duo;

/// A publication drawn from a seed, and what it says of every item that it has.
struct Drawn {
    publication: Publication,
    key: EpochKey,
    rows: BTreeMap<u128, Answer>,
}

impl Drawn {
    /// A whole table, or a change that withdraws some items; up to 40 rows with labels of up to 20 bytes.
    fn new(duo: &Duo, mut below: impl FnMut(usize) -> usize) -> Self {
        let (rows, label_bytes, change) = (below(41), below(21), below(3) == 0);
        let withdrawn = if change { below(rows + 1) } else { 0 };
        let items = duo.words(1, rows);
        let (gone, items) = items.split_at(withdrawn);
        let random = duo.words(2, 50);
        let labels = &bytemuck::cast_slice::<_, u8>(&random)[..items.len() * label_bytes];
        let epoch = Epoch { number: 5, base: change.then_some(4) };
        let label = |at: usize| labels[at * label_bytes..(at + 1) * label_bytes].to_vec();
        let there = items.iter().zip(0..).map(|(item, at)| (*item, Answer::Present(label(at))));
        let rows = there.chain(gone.iter().map(|item| (*item, Answer::Withdrawn))).collect();
        let label_bytes = u32::try_from(label_bytes).unwrap();
        let published = Rows { items, labels, label_bytes, withdrawn: gone };
        let queries = 1 + below(1 << 20) as u64;
        let (publication, key) = publish(epoch, queries, published, &mut duo.prg(3)).unwrap();
        Self { publication, key, rows }
    }
}

#[test]
fn two_hundred_random_instances_give_the_plain_lookup() {
    for seed in 5000..5200 {
        let duo = Duo::new(seed);
        let mut words = duo.words(0, 100).into_iter();
        let mut below = |n: usize| usize::try_from(words.next().unwrap() % n as u128).unwrap();
        let drawn = Drawn::new(&duo, &mut below);
        // Of the table, of none, and some asked twice.
        let known: Vec<u128> = drawn.rows.keys().copied().chain(duo.words(4, 5)).collect();
        let queries: Vec<u128> = (0..below(25)).map(|_| known[below(known.len())]).collect();
        let table = drawn.publication.header.open(&drawn.publication.body).unwrap();
        let (answers, budget) = look(&duo, &table, &drawn.key, &queries);
        let plain = |item| drawn.rows.get(item).cloned().unwrap_or(Answer::Absent);
        let want: Vec<Answer> = queries.iter().map(plain).collect();
        // Not `assert_eq`: labels do not print.
        assert!(answers.unwrap() == want, "seed {seed}");
        assert_eq!(budget.spent().get("buyer").copied(), Some(queries.len() as u64), "seed {seed}");
    }
}
