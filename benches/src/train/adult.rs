//! The rows of `testdata/adult`, both providers' columns together: what goldens are taken on.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::OnceLock,
};

use federated::model::{Rows, Scaling};
use tables::{KeyColumn, KeyEncoder, Keys, Normal, TableError, TableFile};

use crate::Failure;

/// Rows to train on; the others are for the test, as in the original's two files.
pub(super) const TRAIN: usize = 32_561;

const PEOPLE: (&str, [&str; 5]) =
    ("census_people.parquet", ["age", "education", "sex", "marital_status", "income"]);
const JOBS: (&str, [&str; 4]) =
    ("employers_jobs.parquet", ["occupation", "hours_per_week", "capital_gain", "capital_loss"]);
const NUMBERS: [&str; 4] = ["age", "hours_per_week", "capital_gain", "capital_loss"];
/// Ends of those numbers, as they are declared.
pub(super) const ENDS: [(f64, f64); 4] =
    [(17.0, 90.0), (1.0, 99.0), (0.0, 99_999.0), (0.0, 4356.0)];
const CLASSES: [&str; 4] = ["education", "marital_status", "occupation", "sex"];

/// Rows in the order of their ids, which is random.
pub(super) struct Adult {
    /// The four numbers, and the place of each class among its kind.
    pub(super) numbers: Vec<[f32; 4]>,
    pub(super) classes: Vec<[usize; 4]>,
    /// How many classes there are of each kind.
    pub(super) kinds: [usize; 4],
    pub(super) labels: Vec<f32>,
}

/// A cell in canonical form; nothing where it is NULL.
type Cell = Vec<u8>;
/// A column by person.
type Column = BTreeMap<i128, Cell>;

/// The table, read once.
pub(super) fn adult() -> Option<&'static Adult> {
    static READ: OnceLock<Option<Adult>> = OnceLock::new();
    READ.get_or_init(|| Adult::read().ok()).as_ref()
}

impl Adult {
    fn read() -> Result<Self, Failure> {
        let mut columns = BTreeMap::new();
        for (file, names) in [(PEOPLE.0, &PEOPLE.1[..]), (JOBS.0, &JOBS.1[..])] {
            for name in names {
                columns.insert(*name, column(file, name)?);
            }
        }
        let income = columns.get("income").ok_or("no income")?;
        let cell = |name: &str, id: &i128| -> Cell {
            columns.get(name).and_then(|column| column.get(id)).cloned().unwrap_or_default()
        };
        let places = CLASSES.map(|name| -> Vec<Cell> {
            let all: BTreeSet<Cell> = income.keys().map(|id| cell(name, id)).collect();
            all.into_iter().collect()
        });
        let place = |kind: usize, id: &i128| {
            places[kind].binary_search(&cell(CLASSES[kind], id)).unwrap_or(0)
        };
        let real = |name: &str, id: &i128| number(&cell(name, id)) as f32;
        let high = |cell: &Cell| f32::from(u8::from(cell.ends_with(b">50K")));
        Ok(Self {
            numbers: income.keys().map(|id| NUMBERS.map(|name| real(name, id))).collect(),
            classes: income.keys().map(|id| [0, 1, 2, 3].map(|kind| place(kind, id))).collect(),
            kinds: places.map(|places| places.len()),
            labels: income.values().map(high).collect(),
        })
    }

    /// Rows to train on and to test on: numbers to mean 0 and deviation 1, cut at ±`reach`, and a 0 or 1 for each class.
    pub(super) fn one_hot(&self, reach: f32) -> Result<[Rows; 2], Failure> {
        let [mut train, mut test] = self.halves(4, |row| self.numbers[row].to_vec())?;
        let scaling = Scaling::of(&train);
        train.scale(&scaling);
        test.scale(&scaling);
        let width = 4 + self.kinds.iter().sum::<usize>();
        let hot = |numbers: &Rows, first: usize| {
            let row = |at: usize| {
                let mut out = vec![0.0; width];
                let numbers = numbers.row(at).iter().map(|x| x.clamp(-reach, reach));
                out.iter_mut().zip(numbers).for_each(|(out, x)| *out = x);
                let mut from = 4;
                for (class, kinds) in self.classes[first + at].iter().zip(self.kinds) {
                    out[from + class] = 1.0;
                    from += kinds;
                }
                out
            };
            let values = (0..numbers.len()).flat_map(row).collect();
            let labels = (0..numbers.len()).map(|at| numbers.label(at)).collect();
            Rows::new(width, values, labels)
        };
        Ok([hot(&train, 0)?, hot(&test, train.len())?])
    }

    /// The same with numbers as they stand, and places of classes as numbers.
    pub(super) fn plain(&self) -> Result<[Rows; 2], Failure> {
        self.halves(8, |row| {
            let classes = self.classes[row].iter().map(|class| *class as f32);
            self.numbers[row].iter().copied().chain(classes).collect()
        })
    }

    fn halves(&self, width: usize, row: impl Fn(usize) -> Vec<f32>) -> Result<[Rows; 2], Failure> {
        let part = |from: usize, to: usize| {
            Rows::new(width, (from..to).flat_map(&row).collect(), self.labels[from..to].to_vec())
        };
        let train = TRAIN.min(self.labels.len());
        Ok([part(0, train)?, part(train, self.labels.len())?])
    }
}

/// One column by person.
fn column(file: &str, name: &str) -> Result<Column, TableError> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/adult");
    let table = TableFile::open(&folder.join(file))?;
    let encoder = |name: &str| {
        let column = KeyColumn { name: name.to_owned(), normal: Normal::EXACT };
        KeyEncoder::new(vec![column], table.schema())
    };
    let (ids, cells) = (encoder("person_id")?, encoder(name)?);
    let mut column = Column::new();
    for batch in table.batches(&["person_id", name])? {
        let batch = batch?;
        let (mut people, mut values) = (Keys::default(), Keys::default());
        ids.push(&batch, 0, &mut people)?;
        cells.push(&batch, 0, &mut values)?;
        let people: Vec<i128> = people.iter().map(number).collect();
        column.extend(people.iter().map(|id| (*id, Cell::new())));
        for (row, cell) in values.rows().iter().zip(values.iter()) {
            let id = usize::try_from(*row).ok().and_then(|row| people.get(row));
            column.extend(id.map(|id| (*id, cell.to_vec())));
        }
    }
    Ok(column)
}

/// The number in a key of one: behind the number of columns, the kind and the length.
fn number(key: &[u8]) -> i128 {
    let digits = key.get(6..22).and_then(|digits| digits.try_into().ok());
    digits.map_or(0, i128::from_le_bytes)
}
