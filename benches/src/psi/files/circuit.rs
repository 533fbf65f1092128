//! Circuit PSI from files: CSV files of string ids and amounts in, at two of three compute parties; their number and their sum as a Parquet
//! file at one of them, or shares.

use std::{
    borrow::Cow,
    fs::File,
    io::{BufWriter, Write as _},
    path::Path,
    sync::Arc,
};

use arrow_array::{ArrayRef, Int64Array, RecordBatch, cast::AsArray as _, types::Int64Type};
use protocols::{
    party::Role,
    psi::{Salt, aggregate::Cell, bucket_range},
    session::{Session, SessionError, Side},
};
use tables::{KeyColumn, KeyEncoder, Keys, Normal, Spill, TableError, TableFile, TableWriter};

use super::{
    super::{
        circuit::{Goal, Outcome, Portion, Portions, bucketed, plain, right, run},
        seat::{Protocol, RECEIVER, Seat},
    },
    ids::{BUDGET, ID, Unfit},
};
use crate::Failure;

const AMOUNT: &str = "amount";

pub(in crate::psi) const PROTOCOLS: [Protocol; 3] = [
    Protocol {
        name: "circuit/files",
        parties: 3,
        party: |seat| party(seat, Goal::Shares),
        quote: |_, _| None,
        note: "circuit PSI, semi-honest, CSV of string ids and amounts to shares",
    },
    Protocol {
        name: "card/files",
        parties: 3,
        party: |seat| party(seat, Goal::Cardinality),
        quote: |_, _| None,
        note: "size of the intersection if it is 10 or more, semi-honest, CSV of string ids to a Parquet file",
    },
    Protocol {
        name: "sum/files",
        parties: 3,
        party: |seat| party(seat, Goal::Sum),
        quote: |_, _| None,
        note: "size and sum of the sender's amounts if there are 10 matches or more, semi-honest, CSV of string ids and amounts to a Parquet file",
    },
];

/// A repetition: half of each owner's `n` ids are the other's too.
fn party(seat: &mut Seat<'_>, goal: Goal) -> Result<bool, Failure> {
    let folder = tempfile::tempdir()?;
    let (input, output) = (folder.path().join("in.csv"), folder.path().join("out.parquet"));
    let (n, role) = (seat.sizes.receiver, seat.role);
    let of = bucketed(seat.sizes, goal)?;
    let columns = goal.columns().get(usize::from(role)).map_or(0, Vec::len);
    let provides = role <= RECEIVER;
    if provides {
        write_amounts(&input, usize::from(role) * (n / 2), n)?;
    }
    let wanted: Vec<u64> = (n / 2..n).map(amount).collect();
    let (mut rng, unfit) = (seat.prg(0), Unfit::default());
    let exact = seat.timed_session(
        |s| {
            let mut own = None;
            if provides {
                let (side, peer) = match s.role() {
                    Role::P0 => (Side::Sender, Role::P1),
                    _ => (Side::Receiver, Role::P0),
                };
                let salt = Salt::agree(&mut s.pair(peer.id()), side, &mut rng)?;
                let read = read(&input, folder.path(), &salt, columns);
                let spill = read.map_err(|error| unfit.at(s.step(), error))?;
                own = Some(Filed { spill, columns, unfit: &unfit, step: s.step() });
            }
            let own = own.as_mut().map(|own| own as &mut dyn Portions);
            let outcome = run(s, (&of, goal), own, &mut rng)?;
            if let Outcome::Numbers(Some(cells)) = &outcome {
                write_numbers(&output, cells).map_err(|error| unfit.at(s.step(), error))?;
            }
            Ok(outcome)
        },
        |s, outcome| told(s, outcome, (&wanted, goal)),
    );
    unfit.first()?;
    Ok(exact?
        && (role != RECEIVER
            || matches!(goal, Goal::Shares)
            || is_written(&output, &wanted, goal)?))
}

fn told(
    s: &mut Session,
    outcome: Outcome,
    (wanted, goal): (&[u64], Goal),
) -> Result<bool, SessionError> {
    match outcome {
        Outcome::Shares(rows) => right(s, &rows, wanted),
        Outcome::Numbers(None) => Ok(true),
        Outcome::Numbers(Some(cells)) => Ok(cells == [plain(wanted, goal)]),
    }
}

/// Ids and amounts of a file, by ranges of ids.
struct Filed<'a> {
    spill: Spill,
    columns: usize,
    unfit: &'a Unfit,
    step: u64,
}

impl Portions for Filed<'_> {
    fn portion(&mut self, (bucket, buckets): (usize, usize)) -> Result<Portion<'_>, SessionError> {
        let range = bucket_range(bucket, buckets);
        let lowest = self.spill.lowest(*range.start(), *range.end(), 1);
        let lowest = lowest.map_err(|error| self.unfit.at(self.step, error))?;
        let items: Vec<u128> = lowest.pairs.iter().map(|(id, _)| *id).collect();
        // One word beside each, where there is a column.
        let values = if self.columns == 0 { Vec::new() } else { vec![lowest.values] };
        Ok((Cow::Owned(items), values))
    }
}

/// A batch at a time: the id of each row's key, and its amount beside it where there is a column of them.
fn read(path: &Path, folder: &Path, salt: &Salt, columns: usize) -> Result<Spill, TableError> {
    let file = TableFile::open(path)?;
    let column = KeyColumn { name: ID.to_owned(), normal: Normal::LOOSE };
    let encoder = KeyEncoder::new(vec![column], file.schema())?;
    let mut spill = Spill::with_values(folder, BUDGET, columns);
    let names = if columns == 0 { &[ID][..] } else { &[ID, AMOUNT] };
    let (mut keys, mut rows) = (Keys::default(), 0);
    for batch in file.batches(names)? {
        let batch = batch?;
        keys.clear();
        encoder.push(&batch, rows, &mut keys)?;
        let amounts = batch.column_by_name(AMOUNT).map(|column| column.as_string::<i32>());
        for (id, row) in salt.ids(keys.iter()).into_iter().zip(keys.rows()) {
            let at = usize::try_from(row - rows).unwrap_or(usize::MAX);
            let cell = amounts.map(|amounts| amounts.value(at).parse().unwrap_or(0));
            spill.push_with(id, *row, cell.into_iter())?;
        }
        rows += batch.num_rows() as u64;
    }
    Ok(spill)
}

/// What belongs to an id: below 2^20.
fn amount(row: usize) -> u64 {
    (row as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 44
}

fn write_amounts(path: &Path, first: usize, count: usize) -> Result<(), Failure> {
    let mut out = BufWriter::new(File::create(path)?);
    writeln!(out, "{ID},{AMOUNT}")?;
    for row in first..first + count {
        writeln!(out, "person-{row:012},{}", amount(row))?;
    }
    Ok(out.flush()?)
}

/// Whether the file has the numbers that are due.
fn is_written(path: &Path, wanted: &[u64], goal: Goal) -> Result<bool, Failure> {
    let mut rows = TableFile::open(path)?.batches(&["matched", "sum"])?;
    let row = rows.next().ok_or("a file without rows")??;
    let [matched, sum] = [0, 1].map(|at| row.column(at).as_primitive::<Int64Type>());
    let due = plain(wanted, goal);
    let cell = |count| Cell { count, sums: sum.iter().take(goal.sums()).flatten().collect() };
    Ok(row.num_rows() == 1 && matched.iter().next().flatten().map(cell) == due)
}

/// A row with the number, and the sum if there is one.
fn write_numbers(path: &Path, cells: &[Option<Cell>]) -> Result<(), TableError> {
    let numbers = |of: fn(&Cell) -> Option<i64>| -> ArrayRef {
        let cells = cells.iter().map(|cell| cell.as_ref().and_then(of));
        Arc::new(cells.collect::<Int64Array>())
    };
    let columns = [
        ("matched", numbers(|cell| Some(cell.count))),
        ("sum", numbers(|cell| cell.sums.first().copied())),
    ];
    let row = RecordBatch::try_from_iter_with_nullable(
        columns.map(|(name, column)| (name, column, true)),
    );
    let row = row.map_err(|error| TableError::File {
        file: path.display().to_string(),
        what: error.to_string(),
    })?;
    let mut writer = TableWriter::create(path, row.schema())?;
    writer.push(&row)?;
    writer.finish().map(drop)
}
