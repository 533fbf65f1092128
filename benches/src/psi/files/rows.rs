//! Rows to a receiver: a CSV or Parquet file of string ids in at each party, the matched rows as Parquet out.

use std::path::{Path, PathBuf};

use protocols::{
    psi::{
        Output, Ranged, Salt, Setting, Sizes, ecdh, exchange_sizes,
        vole_psi::{receive, send},
    },
    session::{Pair, SessionError, Side},
};
use tables::{Keep, Kept, Spill, TableError, TableFile, keep_rows};

use super::{
    super::{
        ecdh::points,
        seat::{Protocol, Seat},
        vole::{FULL, LOW, MALICIOUS, Variant},
    },
    ids::{ID, Unfit, check, read_ids, write_ids},
};
use crate::Failure;

pub(in crate::psi) const PROTOCOLS: [Protocol; 8] = [
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

fn unsound(pair: &Pair<'_>) -> SessionError {
    pair.invalid("a number of items that no parameters are sound for")
}
