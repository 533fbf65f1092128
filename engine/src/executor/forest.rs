//! Boosted trees, as the buyer has them: tensors that say where each node is split, and a table of the trees.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, Int32Array, RecordBatch};
use federated::trees::Tree;

use super::trained::{Model, metadata};
use crate::plan::{BUCKETS, Training};

/// Reads the opened words of trees: the model, and a row for each tree.
///
/// Nothing if they are not those of this training.
pub(super) fn forest(training: &Training, words: &[i64]) -> Option<(Model, RecordBatch)> {
    let tensors = training.tensors().ok()?;
    let [nodes, leaves] = [tensors[0].shape[1], tensors[2].shape[1]];
    let trees = training.rounds as usize;
    let (edges, grown) =
        words.split_at_checked(words.len().checked_sub(trees * (nodes + leaves))?)?;
    let each = edges.len().checked_div(training.inputs())?;
    let (mut inputs, mut thresholds, mut values, mut cuts) = (vec![], vec![], vec![], vec![]);
    for tree in grown.chunks_exact(nodes + leaves) {
        let (split, ends) = tree.split_at(nodes);
        for word in split {
            let (input, threshold) = place(*word, edges, each)?;
            inputs.push(input);
            thresholds.push(threshold);
        }
        values.extend(ends.iter().map(|end| value(*end, training.rate.value())));
        cuts.push(i32::try_from(split.iter().filter(|word| **word > 0).count()).ok()?);
    }
    let metadata = metadata(training.model.family(), &training.features, &training.label);
    let parameters = [inputs, thresholds, values].concat();
    let number = Int32Array::from_iter_values((1..).take(cuts.len()));
    let table = RecordBatch::try_from_iter([
        ("tree", Arc::new(number) as ArrayRef),
        ("cuts", Arc::new(Int32Array::from(cuts))),
    ]);
    Some((Model::new(tensors, parameters, metadata), table.ok()?))
}

/// The input of a node, and below which of its values a row goes left; −1 of one that is not split.
#[expect(clippy::cast_precision_loss, reason = "small numbers")]
fn place(word: i64, edges: &[i64], each: usize) -> Option<(f32, f32)> {
    let Some(candidate) = usize::try_from(word).ok()?.checked_sub(1) else {
        return Some((-1.0, 0.0));
    };
    let bucket = *edges.get(candidate)? + 1;
    let threshold = 2.0 * bucket as f32 / BUCKETS as f32 - 1.0;
    Some((candidate.checked_div(each)? as f32, threshold))
}

/// What a leaf adds to the log-odds.
#[expect(clippy::cast_possible_truncation, reason = "models are single precision")]
#[expect(clippy::cast_precision_loss, reason = "fourteen bits")]
fn value(word: i64, rate: f64) -> f32 {
    (rate * word as f64 / Tree::UNITS) as f32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        job::{AveragingSpec, Micro, ModelSpec, RingSpec, StrategySpec},
        plan::Feature,
    };

    fn training() -> Training {
        Training {
            inputs: vec![0, 1],
            features: vec![
                Feature::Flag { name: "old".into() },
                Feature::Number { name: "pay".into(), min: 0, max: 9, digits: 0 },
            ],
            label: Feature::Flag { name: "rich".into() },
            model: serde_json::from_str::<ModelSpec>(r#"{"kind": "trees", "depth": 1, "bins": 3}"#)
                .unwrap(),
            strategy: StrategySpec::default(),
            averaging: AveragingSpec::default(),
            rounds: 2,
            epochs: 1,
            batch: 32,
            rate: Micro(500_000),
            proximal: Micro(0),
            largest_update: Micro(8_000_000),
            ring: RingSpec::Wide,
            least: 2,
            round_seconds: 60,
            gate: None,
            privacy: None,
            metrics: None,
            valuation: None,
            resumes: None,
        }
    }

    #[test]
    fn words_become_inputs_thresholds_and_leaves() {
        // Two edges of each of two inputs, then a tree that is split at the second's first edge, and one that is not.
        let words = [0, 127, 63, 200, 3, -1024, 512, 0, 256, 0];
        let (model, table) = forest(&training(), &words).unwrap();
        let tensors = model.parameters();
        assert_eq!(tensors[..2], [1.0, -1.0]);
        assert_eq!(tensors[2..4], [-0.5, 0.0]);
        assert_eq!(tensors[4..], [-0.5, 0.25, 0.125, 0.0]);
        assert_eq!(table.num_rows(), 2);
        assert!(forest(&training(), &words[..5]).is_none(), "too few");
        let beyond = [0, 127, 63, 200, 5, 0, 0, 0, 0, 0];
        assert!(forest(&training(), &beyond).is_none(), "a cut that there is not");
    }
}
