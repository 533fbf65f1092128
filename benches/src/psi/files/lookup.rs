//! Private lookup from files: the provider publishes a CSV file of string ids and labels, the buyer looks the ids of its own one up and
//! has what was found as a Parquet file.

use std::{
    fs::File,
    io::{BufWriter, Write as _},
    path::Path,
    sync::Arc,
};

use arrow_array::{ArrayRef, RecordBatch, StringArray, cast::AsArray as _};
use protocols::{
    psi::{
        Salt,
        lookup::{
            Answer, Asking, Epoch, HEADER_BYTES, Header, Landing, Ledger, Publisher, Questions,
            Stored, Terms, fetch_table, look_up_from, send_table, serve,
        },
    },
    session::{Pair, SessionError, Side},
};
use tables::{Batches, KeyColumn, KeyEncoder, Keys, Normal, TableError, TableFile, TableWriter};

use super::{
    super::{
        lookup::{BUDGET, LABEL_BYTES, queries},
        seat::{Protocol, Seat},
    },
    ids::{ID, Unfit, write_ids},
};
use crate::Failure;

const LABEL: &str = "label";

pub(in crate::psi) const PROTOCOLS: [Protocol; 1] = [Protocol {
    name: "lookup/files",
    parties: 2,
    party,
    quote: |_, _| None,
    note: "private lookup with proofs, malicious: a CSV of string ids and labels of 8 bytes is published and fetched, those of 4096 ids come out as Parquet",
}];

/// A repetition: every second question is of a row that there is.
fn party(seat: &mut Seat<'_>) -> Result<bool, Failure> {
    if seat.role == 0 { provider(seat) } else { buyer(seat) }
}

fn provider(seat: &mut Seat<'_>) -> Result<bool, Failure> {
    let folder = tempfile::tempdir()?;
    let input = folder.path().join("in.csv");
    let (rows, asked) = (seat.sizes.sender, queries(seat.sizes));
    let mut out = BufWriter::new(File::create(&input)?);
    writeln!(out, "{ID},{LABEL}")?;
    (0..rows).try_for_each(|row| writeln!(out, "person-{row:012},{}", label(row)))?;
    out.flush()?;
    drop(out);
    let (mut rng, unfit) = (seat.prg(0), Unfit::default());
    let ended = seat.timed_pair(|pair| {
        let salt = Salt::agree(pair, Side::Sender, &mut rng)?;
        let made = published(&input, rows, &salt, &mut rng);
        let (header, body, key) = made.map_err(|error| unfit.at(pair.step(), error))?;
        pair.send(&header.to_bytes())?;
        if let Err(error) = send_table(pair, &body, 0) {
            return Ok(Err(error));
        }
        Ok(serve(pair, &key, asked, "buyer", &mut Ledger::new(BUDGET), &mut rng))
    });
    unfit.first()?;
    ended??;
    Ok(true)
}

/// The table, on disk.
fn published(
    input: &Path,
    rows: usize,
    salt: &Salt,
    rng: &mut protocols::prg::Prg,
) -> Result<(Header, Stored, protocols::psi::lookup::EpochKey), Failure> {
    let (file, label_bytes) = (TableFile::open(input)?, u32::try_from(LABEL_BYTES)?);
    let epoch = Epoch { number: 1, base: None };
    let terms = Terms { epoch, queries: BUDGET, rows: rows as u64, label_bytes };
    let (mut scratch, mut body) = (tempfile::tempfile()?, tempfile::tempfile()?);
    let mut publisher = Publisher::new(terms, &mut scratch, rng)?;
    let (encoder, mut keys) = (encoder(&file)?, Keys::default());
    for batch in file.batches(&[ID, LABEL])? {
        let batch = batch?;
        keys.clear();
        encoder.push(&batch, 0, &mut keys)?;
        let labels = batch.column_by_name(LABEL).ok_or("a file without labels")?.as_string::<i32>();
        let labels: Vec<u8> = labels.iter().flatten().flat_map(str::bytes).collect();
        publisher.push(&salt.ids(keys.iter()), &labels)?;
    }
    let (header, key) = publisher.finish(&mut body)?;
    Ok((header, Stored::behind(body, 0)?, key))
}

fn buyer(seat: &mut Seat<'_>) -> Result<bool, Failure> {
    let folder = tempfile::tempdir()?;
    let (input, output) = (folder.path().join("in.csv"), folder.path().join("out.parquet"));
    let (rows, asked) = (seat.sizes.sender, queries(seat.sizes));
    // From so many rows before the end of the provider's.
    let first = rows - (asked / 2).min(rows);
    write_ids(&input, first, asked)?;
    let (mut rng, unfit) = (seat.prg(0), Unfit::default());
    let found = seat.timed_pair(|pair| {
        let salt = Salt::agree(pair, Side::Receiver, &mut rng)?;
        let looked = looked_up(pair, (&input, &output), (&salt, asked), &mut rng)?;
        looked.map_err(|error| unfit.at(pair.step(), error))
    });
    unfit.first()?;
    Ok(found? == (rows - first) as u64 && is_right(&output, first)?)
}

/// How many were found.
fn looked_up(
    pair: &mut Pair<'_>,
    (input, output): (&Path, &Path),
    (salt, asked): (&Salt, usize),
    rng: &mut protocols::prg::Prg,
) -> Result<Result<u64, Failure>, SessionError> {
    let header = Header::from_bytes(&pair.recv_array::<HEADER_BYTES>()?);
    let landing = header
        .map_err(Failure::from)
        .and_then(|header| Ok(Landing::begin(tempfile::tempfile()?, 0, &header)?));
    let mut landing = match landing {
        Ok(landing) => landing,
        Err(error) => return Ok(Err(error)),
    };
    let looked = fetch_table(pair, &mut landing).map_err(Failure::from).and_then(|()| {
        let table = landing.table()?;
        let mut filed = Filed::new(input, output, salt)?;
        look_up_from(pair, &[&table], &mut Asking::new(asked), &mut filed, rng)?;
        Ok(filed.found.finish()?)
    });
    Ok(looked)
}

/// Questions from one file, and answers into another.
struct Filed<'a> {
    salt: &'a Salt,
    encoder: KeyEncoder,
    batches: Batches,
    /// Names that were read: those in front have been asked, of which some are answered.
    names: std::collections::VecDeque<String>,
    ids: std::collections::VecDeque<u128>,
    found: TableWriter,
}

impl<'a> Filed<'a> {
    fn new(input: &Path, output: &Path, salt: &'a Salt) -> Result<Self, TableError> {
        let file = TableFile::open(input)?;
        let (encoder, batches) = (encoder(&file)?, file.batches(&[ID])?);
        let found = TableWriter::create(output, rows(&[], &[]).schema())?;
        let (names, ids) = Default::default();
        Ok(Self { salt, encoder, batches, names, ids, found })
    }

    fn read(&mut self) -> Result<bool, TableError> {
        let Some(batch) = self.batches.next() else { return Ok(false) };
        let (batch, mut keys) = (batch?, Keys::default());
        self.encoder.push(&batch, 0, &mut keys)?;
        self.ids.extend(self.salt.ids(keys.iter()));
        self.names.extend(batch.column(0).as_string::<i32>().iter().flatten().map(str::to_owned));
        Ok(true)
    }
}

impl Questions for Filed<'_> {
    fn next(&mut self, count: usize, out: &mut Vec<u128>) -> Result<(), String> {
        while self.ids.len() < count && self.read().map_err(|error| error.to_string())? {}
        out.extend(self.ids.drain(..count.min(self.ids.len())));
        Ok(())
    }

    fn answered(&mut self, answers: Vec<Answer>) -> Result<(), String> {
        let (mut names, mut labels) = (Vec::new(), Vec::new());
        for (name, answer) in self.names.drain(..answers.len()).zip(answers) {
            if let Answer::Present(label) = answer {
                names.push(name);
                labels.push(String::from_utf8(label).map_err(|error| error.to_string())?);
            }
        }
        self.found.push(&rows(&names, &labels)).map_err(|error| error.to_string())
    }
}

#[expect(clippy::expect_used, reason = "two columns of one length")]
fn rows(names: &[String], labels: &[String]) -> RecordBatch {
    let column = |of: &[String]| -> ArrayRef { Arc::new(StringArray::from_iter_values(of)) };
    RecordBatch::try_from_iter([(ID, column(names)), (LABEL, column(labels))]).expect("two columns")
}

fn encoder(file: &TableFile) -> Result<KeyEncoder, TableError> {
    KeyEncoder::new(vec![KeyColumn { name: ID.to_owned(), normal: Normal::LOOSE }], file.schema())
}

/// Eight digits that belong to a row.
fn label(row: usize) -> String {
    format!("{:08}", (row as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) % 100_000_000)
}

/// Whether a file has the rows from `first` on, in order, each with its label.
fn is_right(path: &Path, first: usize) -> Result<bool, Failure> {
    let mut row = first;
    for batch in TableFile::open(path)?.batches(&[ID, LABEL])? {
        let batch = batch?;
        let [names, labels] = [0, 1].map(|at| batch.column(at).as_string::<i32>());
        for (name, found) in names.iter().zip(labels) {
            if name != Some(&*format!("person-{row:012}")) || found != Some(&*label(row)) {
                return Ok(false);
            }
            row += 1;
        }
    }
    Ok(true)
}
