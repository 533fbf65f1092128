//! PSI of several parties from files: a CSV file of string ids at each, a Parquet file of the common rows at the leader.

use protocols::{
    party::PartyId,
    psi::{Ranged, Salt, multiparty::intersect_buckets},
    session::{SessionError, Side, Wire},
};
use tables::{Keep, Kept, TableFile, keep_rows};

use super::{
    super::{
        multi::{PARTIES, setting},
        seat::{Protocol, RECEIVER, Seat},
    },
    ids::{ID, Unfit, check, read_ids, write_ids},
};
use crate::Failure;

pub(in crate::psi) const PROTOCOLS: [Protocol; 1] = [Protocol {
    name: "multi/files",
    parties: PARTIES,
    party,
    quote: |_, _| None,
    note: "PSI of three parties, augmented semi-honest, CSV of string ids to Parquet of the common rows at the leader",
}];

/// A repetition: the leader has half of its ids in common with all others, who have each other's first half as well.
fn party(seat: &mut Seat<'_>) -> Result<bool, Failure> {
    let folder = tempfile::tempdir()?;
    let (input, output) = (folder.path().join("in.csv"), folder.path().join("out.parquet"));
    let n = seat.sizes.receiver;
    let leads = seat.role == RECEIVER;
    write_ids(&input, if leads { n / 2 } else { 0 }, n)?;
    let (of, mut rng, unfit) = (setting(PARTIES, seat.sizes)?, seat.prg(0), Unfit::default());
    let rows = seat.timed(|wire| {
        let salt = common(wire, &mut rng)?;
        let bad = |error| unfit.at(1, error);
        let file = TableFile::open(&input).map_err(bad)?;
        let (mut spill, rows) = read_ids(&file, folder.path(), &salt).map_err(bad)?;
        let of = of.clone().about(salt.commitment());
        let mut set = Ranged::new(rows, |first, last, out: &mut _| spill.visit(first, last, out));
        let learns = intersect_buckets(wire, &of, &mut set, &mut rng);
        let matched = set.end().map_err(bad)?;
        if !learns? {
            return Ok(0);
        }
        let kept =
            Kept { columns: &[(ID, ID)], numbered: false, matched: &matched, keep: Keep::Matched };
        keep_rows(&file, &kept, &output).map_err(bad)
    });
    unfit.first()?;
    let (rows, common) = (rows?, n - n / 2);
    Ok(!leads || (rows == common as u64 && check(&output, n / 2, common)?))
}

/// A salt of all: the leader agrees on one with each other, and tells each the sum of all.
fn common(wire: &mut Wire, rng: &mut protocols::prg::Prg) -> Result<Salt, SessionError> {
    let leader = PartyId(RECEIVER);
    if wire.me() != leader {
        let mut pair = wire.pair(leader);
        Salt::agree(&mut pair, Side::Sender, rng)?;
        return Ok(Salt::new(pair.recv_array()?));
    }
    let others = || (0..PARTIES).map(PartyId).filter(|party| *party != leader);
    let mut all = [0; 32];
    for other in others() {
        let salt = Salt::agree(&mut wire.pair(other), Side::Receiver, rng)?;
        all.iter_mut().zip(salt.commitment()).for_each(|(all, part)| *all ^= part);
    }
    others().try_for_each(|other| wire.pair(other).send(&all))?;
    Ok(Salt::new(all))
}
