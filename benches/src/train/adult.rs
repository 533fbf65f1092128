//! The original UCI Adult, `adult.data` to train on and `adult.test` to test on: what goldens are taken on.
//!
//! `testdata/adult/README.md` says where the two files are from; `UNSEEN_ADULT` names the folder that has them.

use std::{collections::BTreeSet, env, fs, path::Path, sync::OnceLock};

use federated::model::{Rows, Scaling};

use crate::Failure;

/// Rows to train on.
pub(super) const TRAIN: usize = 32_561;
/// Where numbers stand, and the ends that are declared for them.
const NUMBERS: [(usize, f64, f64); 6] = [
    (0, 17.0, 90.0),
    (2, 12_285.0, 1_490_400.0),
    (4, 1.0, 16.0),
    (10, 0.0, 99_999.0),
    (11, 0.0, 4356.0),
    (12, 1.0, 99.0),
];
const FEATURES: usize = 14;
/// Numbers are cut so many deviations from their mean.
pub(super) const REACH: f32 = 4.0;

/// Rows of both files.
pub(super) struct Adult {
    /// Numbers as they stand, and of every other feature the place of its class in alphabetical order.
    pub(super) plain: [Rows; 2],
    /// Numbers to mean 0 and deviation 1, and a 0 or 1 for each class.
    pub(super) one_hot: [Rows; 2],
    /// Ends of each feature.
    pub(super) ends: Vec<(f64, f64)>,
}

/// The table, read once.
pub(super) fn adult() -> Option<&'static Adult> {
    static READ: OnceLock<Option<Adult>> = OnceLock::new();
    READ.get_or_init(|| Adult::read().ok()).as_ref()
}

/// Whether the table is there to be read.
pub(super) fn look() -> Result<(), Failure> {
    Adult::read().map(drop)
}

impl Adult {
    fn read() -> Result<Self, Failure> {
        let folder = env::var("UNSEEN_ADULT").map_err(
            |_| "set UNSEEN_ADULT to a folder with UCI Adult's adult.data and adult.test",
        )?;
        let files = ["adult.data", "adult.test"].map(|name| {
            let path = Path::new(&folder).join(name);
            fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))
        });
        let [train, test] = files;
        let (train, test) = (train?, test?);
        let halves = [cells(&train), cells(&test)];
        let classes: Vec<Vec<&str>> = (0..FEATURES)
            .map(|at| {
                let all: BTreeSet<&str> = halves.iter().flatten().map(|row| row[at]).collect();
                if is_number(at) { Vec::new() } else { all.into_iter().collect() }
            })
            .collect();
        let ends = classes.iter().enumerate().map(|(at, classes)| {
            let number = NUMBERS.iter().find(|(number, ..)| *number == at);
            number.map_or((0.0, classes.len() as f64), |(_, low, high)| (*low, *high))
        });
        let [train, test] = halves.map(|rows| plain(&rows, &classes));
        let plain = [train?, test?];
        let scaling = Scaling::of(&plain[0]);
        let hot = plain.each_ref().map(|rows| one_hot(rows, &scaling, &classes));
        let [train, test] = hot;
        Ok(Self { one_hot: [train?, test?], plain, ends: ends.collect() })
    }
}

fn is_number(feature: usize) -> bool {
    NUMBERS.iter().any(|(number, ..)| *number == feature)
}

/// The cells of rows; other lines are none.
fn cells(text: &str) -> Vec<Vec<&str>> {
    let lines = text.lines().map(|line| line.trim().trim_end_matches('.'));
    let rows = lines.map(|line| line.split(',').map(str::trim).collect::<Vec<_>>());
    rows.filter(|row| row.len() == FEATURES + 1).collect()
}

fn plain(rows: &[Vec<&str>], classes: &[Vec<&str>]) -> Result<Rows, Failure> {
    let mut values = Vec::with_capacity(rows.len() * FEATURES);
    for row in rows {
        for (cell, classes) in row.iter().zip(classes) {
            values.push(match classes.binary_search(cell) {
                Ok(place) => place as f32,
                Err(_) => cell.parse()?,
            });
        }
    }
    let labels = rows.iter().map(|row| f32::from(u8::from(row[FEATURES] == ">50K"))).collect();
    Ok(Rows::new(FEATURES, values, labels)?)
}

fn one_hot(plain: &Rows, scaling: &Scaling, classes: &[Vec<&str>]) -> Result<Rows, Failure> {
    let mut scaled = plain.clone();
    scaled.scale(scaling);
    let (mut values, mut labels) = (Vec::new(), Vec::new());
    for row in 0..plain.len() {
        for (at, classes) in classes.iter().enumerate() {
            if classes.is_empty() {
                values.push(scaled.row(row)[at].clamp(-REACH, REACH));
            }
            let place = plain.row(row)[at];
            values
                .extend((0..classes.len()).map(|class| f32::from(u8::from(class as f32 == place))));
        }
        labels.push(plain.label(row));
    }
    let width = values.len() / labels.len().max(1);
    Ok(Rows::new(width, values, labels)?)
}
