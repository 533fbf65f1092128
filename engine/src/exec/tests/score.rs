//! Scores on shares against scores in the clear: the same words.

use super::*;
use crate::sql::tests::score::{FEATURES, asked, weights};

fn words(column: &mut EncodedColumn) -> &mut Vec<u64> {
    match column {
        EncodedColumn::Bits { rows, .. } | EncodedColumn::Words(rows) => rows,
        other => panic!("{other:?}"),
    }
}

fn by_key(keys: &[i128], [scores, divisors]: [&[i128]; 2]) -> Vec<[i128; 3]> {
    let rows = keys.iter().zip(scores).zip(divisors);
    let mut rows: Vec<_> = rows.map(|((key, score), of)| [*key, *score, *of]).collect();
    rows.sort_unstable();
    rows
}

#[test]
fn scores_are_exact_and_none_is_released_by_half_a_model() {
    let plan = compile(&asked(FEATURES), &[people(), jobs(), weights(5)], &[]).unwrap().plan;
    for (seed, (common, held)) in (0..).zip([(0, 5), (1, 5), (700, 5), (700, 4)]) {
        let world = World::new(seed);
        let mut inputs: Vec<EncodedInput> = (100..)
            .zip(&plan.inputs)
            .map(|(label, input)| random_input(world, label, input))
            .collect();
        let mut random = world.random(7);
        for (input, live) in inputs.iter_mut().zip([common, common, held]) {
            input.live = (0..input.live.len()).map(|row| row < live).collect();
            // Keys and positions are the first column; the second is as it was drawn, but for weights, which all are there.
            let keys = words(&mut input.columns[0]);
            keys.iter_mut().enumerate().for_each(|(row, key)| *key = row as u64);
        }
        for weight in words(&mut inputs[2].columns[1]).iter_mut().take(held) {
            *weight = (random() % 100_001).wrapping_sub(50_000);
        }
        let (got, total, price) = run_on_shares(seed, &plan, &inputs);
        let total = OpCost { bytes: total.bytes, messages: total.messages, rounds: total.rounds };
        assert_eq!(total, price.total, "measured against quoted, seed {seed}");
        let want = clear::open(&plan, &inputs).unwrap();
        let live: Vec<bool> = got[0].iter().map(|bit| *bit == 1).collect();
        assert_eq!(live, want.live, "seed {seed}");
        // Each by the key in front of it: rows come in any order.
        let scores = &want.columns[1];
        let divisors = scores.divisor.as_ref().unwrap();
        let ours = by_key(&got[1], [&got[2], &got[3]]);
        assert_eq!(ours, by_key(&want.columns[0].value, [&scores.value, divisors]), "seed {seed}");
        let released = live.iter().filter(|live| **live).count();
        assert_eq!(released > 0, common > 0 && held == 5, "seed {seed}: {released}");
        assert_eq!(got[2].iter().any(|score| *score != 0), released > 0, "seed {seed}");
    }
}
