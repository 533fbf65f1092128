//! From file to file: a CSV file of string ids in, the matched rows as Parquet out, each party a process of its own.
//!
//! Timed from opening the file to the result's last byte: reading, canonical keys, ids, the protocol over TLS, writing.

use std::{
    cell::RefCell,
    fs::{self, File},
    io::{BufWriter, Write as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use arrow_array::{ArrayRef, RecordBatch, StringArray};

use protocols::{
    psi::{
        Output, Ranged, Salt, Setting, Sizes, ecdh, exchange_sizes,
        vole_psi::{receive, send},
    },
    session::{Pair, SessionError, Side},
};
use tables::{
    Keep, Kept, KeyColumn, KeyEncoder, Keys, Normal, Spill, TableError, TableFile, TableWriter,
    keep_rows, spill_ids,
};

use super::{
    ecdh::points,
    seat::{Protocol, Seat},
    vole::{FULL, LOW, MALICIOUS, Variant},
};
use crate::Failure;

mod circuit;
mod lookup;
mod multi;

/// Bytes of ids and rows that a party keeps in memory; the rest goes to disk.
const BUDGET: usize = 256 << 20;
/// Rows that are written together.
const BATCH: usize = 1 << 16;
/// The key column.
const ID: &str = "id";

/// Those of two parties that end with rows, and the others.
pub(super) fn protocols() -> impl Iterator<Item = &'static Protocol> {
    PROTOCOLS.iter().chain(&circuit::PROTOCOLS).chain(&multi::PROTOCOLS).chain(&lookup::PROTOCOLS)
}

const PROTOCOLS: [Protocol; 8] = [
    Protocol {
        name: "vole/files",
        parties: 2,
        party: |seat| party(seat, Way::Vole(FULL), "in.csv"),
        quote: |_, _| None,
        note: "VOLE-PSI, semi-honest, CSV of string ids to Parquet of the common rows at the receiver",
    },
    Protocol {
        name: "vole/files/parquet",
        parties: 2,
        party: |seat| party(seat, Way::Vole(FULL), "in.parquet"),
        quote: |_, _| None,
        note: "VOLE-PSI, semi-honest, Parquet of string ids to Parquet of the common rows at the receiver",
    },
    Protocol {
        name: "vole-malicious/files",
        parties: 2,
        party: |seat| party(seat, Way::Vole(MALICIOUS), "in.csv"),
        quote: |_, _| None,
        note: "VOLE-PSI, malicious, CSV of string ids to Parquet of the common rows at the receiver",
    },
    Protocol {
        name: "vole-malicious/files/parquet",
        parties: 2,
        party: |seat| party(seat, Way::Vole(MALICIOUS), "in.parquet"),
        quote: |_, _| None,
        note: "VOLE-PSI, malicious, Parquet of string ids to Parquet of the common rows at the receiver",
    },
    Protocol {
        name: "vole-low/files",
        parties: 2,
        party: |seat| party(seat, Way::Vole(LOW), "in.csv"),
        quote: |_, _| None,
        note: "VOLE-PSI, semi-honest, low communication, CSV of string ids to Parquet of the common rows at the receiver",
    },
    Protocol {
        name: "vole-low/files/parquet",
        parties: 2,
        party: |seat| party(seat, Way::Vole(LOW), "in.parquet"),
        quote: |_, _| None,
        note: "VOLE-PSI, semi-honest, low communication, Parquet of string ids to Parquet of the common rows at the receiver",
    },
    Protocol {
        name: "ecdh/files",
        parties: 2,
        party: |seat| party(seat, Way::Ecdh, "in.csv"),
        quote: |_, _| None,
        note: "Diffie–Hellman, semi-honest, CSV of string ids to Parquet of the common rows at the receiver",
    },
    Protocol {
        name: "ecdh/files/parquet",
        parties: 2,
        party: |seat| party(seat, Way::Ecdh, "in.parquet"),
        quote: |_, _| None,
        note: "Diffie–Hellman, semi-honest, Parquet of string ids to Parquet of the common rows at the receiver",
    },
];

#[derive(Clone, Copy)]
enum Way {
    Vole(Variant),
    Ecdh,
}

/// A repetition: half of each party's `n` ids are the other's too.
fn party(seat: &mut Seat<'_>, way: Way, input: &str) -> Result<bool, Failure> {
    let folder = tempfile::tempdir()?;
    let (input, output) = (folder.path().join(input), folder.path().join("out.parquet"));
    let n = seat.sizes.receiver;
    let first = usize::from(seat.role) * (n / 2);
    write_ids(&input, first, n)?;
    let (role, mut rng) = (seat.role, seat.prg(0));
    let side = if role == 0 { Side::Sender } else { Side::Receiver };
    let unfit = Unfit::default();
    let rows = seat.timed_pair(|pair| {
        let run = FileRun { input: &input, output: &output, folder: folder.path(), side };
        let salt = Salt::agree(pair, side, &mut rng)?;
        run.intersect(pair, &salt, way, &mut rng).map_err(|failure| match failure {
            Fault::Session(error) => error,
            Fault::Table(error) => unfit.at(pair.step(), error),
        })
    });
    unfit.first()?;
    let rows = rows?;
    let common = n - n / 2;
    Ok(role == 0 || (rows == common as u64 && check(&output, n / 2, common)?))
}

/// Why a file cannot be used: it ends this party's run, and the link with it, and is what is told in the end.
#[derive(Default)]
struct Unfit(RefCell<Option<Failure>>);

impl Unfit {
    fn at(&self, step: u64, error: impl Into<Failure>) -> SessionError {
        *self.0.borrow_mut() = Some(error.into());
        SessionError::Misuse { step, what: "a file that it cannot use" }
    }

    fn first(self) -> Result<(), Failure> {
        self.0.into_inner().map_or(Ok(()), Err)
    }
}

enum Fault {
    Session(SessionError),
    Table(TableError),
}

impl From<SessionError> for Fault {
    fn from(error: SessionError) -> Self {
        Self::Session(error)
    }
}

impl From<TableError> for Fault {
    fn from(error: TableError) -> Self {
        Self::Table(error)
    }
}

struct FileRun<'a> {
    input: &'a Path,
    output: &'a PathBuf,
    folder: &'a Path,
    side: Side,
}

impl FileRun<'_> {
    /// Rows that the receiver wrote; none at the sender.
    fn intersect(
        &self,
        pair: &mut Pair<'_>,
        salt: &Salt,
        way: Way,
        rng: &mut protocols::prg::Prg,
    ) -> Result<u64, Fault> {
        let file = TableFile::open(self.input)?;
        let (spill, rows) = read_ids(&file, self.folder, salt)?;
        // Every id is distinct here; else the number of rows is an upper bound that both sides pad to.
        let own = usize::try_from(spill.len()).unwrap_or(usize::MAX);
        let peers = exchange_sizes(pair, own)?;
        let sizes = match self.side {
            Side::Sender => Sizes { sender: own, receiver: peers },
            Side::Receiver => Sizes { sender: peers, receiver: own },
        };
        let matched = self.meet((pair, rng), (spill, rows), salt, (sizes, way))?;
        match self.side {
            Side::Sender => Ok(0),
            Side::Receiver => {
                let (columns, matched) = (&[(ID, ID)], &*matched);
                let kept = Kept { columns, numbered: false, matched, keep: Keep::Matched };
                Ok(keep_rows(&file, &kept, self.output)?)
            }
        }
    }

    /// The protocol, bucket by bucket.
    fn meet(
        &self,
        (pair, rng): (&mut Pair<'_>, &mut protocols::prg::Prg),
        (mut spill, rows): (Spill, u64),
        salt: &Salt,
        (sizes, way): (Sizes, Way),
    ) -> Result<Vec<u64>, Fault> {
        let context = salt.commitment();
        let mut set = Ranged::new(rows, |first, last, out: &mut _| spill.visit(first, last, out));
        let done = match way {
            Way::Vole(variant) => {
                let parameters = variant(sizes).map_err(|_| unsound(pair))?;
                let setting = Setting { parameters, output: Output::ToReceiver, context };
                match self.side {
                    Side::Sender => send(pair, &setting, &mut set, rng),
                    Side::Receiver => receive(pair, &setting, &mut set, rng),
                }
            }
            Way::Ecdh => {
                let setting = points(sizes, context).map_err(|_| unsound(pair))?;
                let (set, progress) = (&mut set, &mut setting.progress());
                match self.side {
                    Side::Sender => ecdh::send_from(pair, &setting, set, progress, rng),
                    Side::Receiver => ecdh::receive_from(pair, &setting, set, progress, rng),
                }
            }
        };
        // A file that cannot be read explains why the run ended.
        let matched = set.end()?;
        done?;
        Ok(matched)
    }
}

/// The ids of a file's keys, and how many rows it has.
fn read_ids(file: &TableFile, folder: &Path, salt: &Salt) -> Result<(Spill, u64), TableError> {
    let column = KeyColumn { name: ID.to_owned(), normal: Normal::LOOSE };
    let encoder = KeyEncoder::new(vec![column], file.schema())?;
    let mut spill = Spill::new(folder, BUDGET);
    let rows = spill_ids(file, &encoder, |keys| salt.ids(keys.iter()), &mut spill)?;
    Ok((spill, rows))
}

fn unsound(pair: &Pair<'_>) -> SessionError {
    pair.invalid("a number of items that no parameters are sound for")
}

/// A file of ids from `first` on, of the form that its name says.
fn write_ids(path: &Path, first: usize, count: usize) -> Result<(), Failure> {
    let id = |row: usize| format!("person-{row:012}");
    if path.extension().is_some_and(|end| end == "csv") {
        let mut out = BufWriter::new(File::create(path)?);
        writeln!(out, "{ID}")?;
        (first..first + count).try_for_each(|row| writeln!(out, "{}", id(row)))?;
        return Ok(out.flush()?);
    }
    let batch = |rows: std::ops::Range<usize>| {
        let ids: ArrayRef = Arc::new(StringArray::from_iter_values(rows.map(id)));
        RecordBatch::try_from_iter([(ID, ids)])
    };
    let mut out = TableWriter::create(path, batch(0..0)?.schema())?;
    for from in (first..first + count).step_by(BATCH) {
        out.push(&batch(from..(from + BATCH).min(first + count))?)?;
    }
    out.finish()?;
    Ok(())
}

/// Whether a file holds the ids from `first` on, once each, in order.
fn check(path: &Path, first: usize, count: usize) -> Result<bool, Failure> {
    let wanted = path.with_extension("csv");
    write_ids(&wanted, first, count)?;
    let keys = |path: &Path| -> Result<Keys, Failure> {
        let file = TableFile::open(path)?;
        let column = KeyColumn { name: ID.to_owned(), normal: Normal::EXACT };
        let encoder = KeyEncoder::new(vec![column], file.schema())?;
        let mut keys = Keys::default();
        for batch in file.batches(&[ID])? {
            encoder.push(&batch?, 0, &mut keys)?;
        }
        Ok(keys)
    };
    let (found, wanted_keys) = (keys(path)?, keys(&wanted)?);
    fs::remove_file(&wanted)?;
    Ok(found.len() == count && found.iter().eq(wanted_keys.iter()))
}
