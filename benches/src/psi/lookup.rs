//! Private lookup: a buyer fetches a table and looks items up in it.

use protocols::{
    prg::Prg,
    psi::{
        Sizes, elias_fano,
        lookup::{
            Answer, Epoch, EpochKey, HEADER_BYTES, Header, Ledger, Publication, Rows, cost,
            look_up, publish, serve, table_bytes,
        },
    },
    session::{PairCost, Side},
};

use super::{
    seat::{Protocol, Quote, Seat},
    sets::Sets,
};
use crate::Failure;

/// Queries of a run against a table of as many rows, at most.
const QUERIES: usize = 1 << 12;
const LABEL_BYTES: usize = 8;
/// Queries that the tags of a table are made for.
const BUDGET: u64 = 1 << 20;

pub(super) const PROTOCOLS: [Protocol; 2] = [
    Protocol {
        name: "lookup",
        parties: 2,
        party: |seat| party(seat, Table::Fetched),
        quote: |sizes| quote(sizes, Table::Fetched),
        note: "private lookup with proofs, malicious: a table with labels of 8 bytes fetched, as many queries as said, or 4096",
    },
    Protocol {
        name: "lookup-queries",
        parties: 2,
        party: |seat| party(seat, Table::AtHand),
        quote: |sizes| quote(sizes, Table::AtHand),
        note: "private lookup with proofs, malicious: the queries alone, from items to labels of 8 bytes, the table being there",
    },
];

/// Where the buyer has the table from.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Table {
    /// Fetched and checked while the clock runs.
    Fetched,
    /// From before.
    AtHand,
}

/// Queries of a run: those of the receiver, but no more than some thousands where nobody said how many.
fn queries(sizes: Sizes) -> usize {
    let Sizes { sender, receiver } = sizes;
    if sender == receiver { receiver.min(QUERIES) } else { receiver }
}

fn quote(sizes: Sizes, from: Table) -> Option<Quote> {
    let (mut c, rows) = (PairCost::new(), sizes.sender);
    if from == Table::Fetched {
        let body = table_bytes(rows as u64, BUDGET, u32::try_from(LABEL_BYTES).ok()?)?;
        c.message::<u8>(Side::Sender, HEADER_BYTES);
        c.message::<u8>(Side::Sender, body);
    }
    cost(&mut c, queries(sizes));
    Some(Quote { bytes: c.total_bytes(), rounds: c.rounds() })
}

/// The label of an item: part of it.
fn label(item: u128) -> [u8; LABEL_BYTES] {
    let mut label = [0; LABEL_BYTES];
    label.copy_from_slice(&item.to_le_bytes()[..LABEL_BYTES]);
    label
}

/// The provider's table, the same wherever it is made.
fn published(sizes: Sizes, rep: u32) -> Result<(Publication, EpochKey), Failure> {
    let items = Sets::new(0, sizes.sender, least(sizes), rep).own;
    let labels: Vec<u8> = items.iter().flat_map(|item| label(*item)).collect();
    let label_bytes = u32::try_from(LABEL_BYTES)?;
    let rows = Rows { items: &items, labels: &labels, label_bytes, withdrawn: &[] };
    let mut rng = Prg::new(&(0x7461_626c_u128 << 96 | u128::from(rep)).to_le_bytes());
    Ok(publish(Epoch { number: 1, base: None }, BUDGET, rows, &mut rng)?)
}

/// Half as many items of the queries are in the table.
fn least(sizes: Sizes) -> usize {
    queries(sizes).min(sizes.sender)
}

fn party(seat: &mut Seat<'_>, from: Table) -> Result<bool, Failure> {
    if seat.role == 0 {
        return provider(seat, from);
    }
    let Sets { own, common } = Sets::new(1, queries(seat.sizes), least(seat.sizes), seat.rep);
    let (rows, mut rng) = (seat.sizes.sender, seat.prg(0));
    let mut table = match from {
        Table::Fetched => None,
        Table::AtHand => {
            let Publication { header, body } = published(seat.sizes, seat.rep)?.0;
            Some(header.open(&body)?)
        }
    };
    let answers = seat.timed_pair(|pair| {
        if from == Table::Fetched {
            let header = Header::from_bytes(&pair.recv_array::<HEADER_BYTES>()?);
            let Ok(header) = header else { return Ok(None) };
            let body = elias_fano::len(rows, header.tag_bits()) + rows * LABEL_BYTES;
            table = header.open(&pair.recv_words::<u8>(body)?).ok();
        }
        Ok(table.as_ref().map(|table| look_up(pair, table, &own, &mut rng)))
    })?;
    let answers = answers.ok_or("the table is not the one that was published")??;
    Ok(right(&own, &common, &answers))
}

fn provider(seat: &mut Seat<'_>, from: Table) -> Result<bool, Failure> {
    let (table, key) = published(seat.sizes, seat.rep)?;
    let (queries, mut rng) = (queries(seat.sizes), seat.prg(0));
    seat.timed_pair(|pair| {
        if from == Table::Fetched {
            pair.send(&table.header.to_bytes())?;
            pair.send(&table.body)?;
        }
        Ok(serve(pair, &key, queries, "buyer", &mut Ledger::new(BUDGET), &mut rng))
    })??;
    Ok(true)
}

/// Whether those that are common have their labels and no other has one.
fn right(own: &[u128], common: &[u32], answers: &[Answer]) -> bool {
    let mut found = common.iter().map(|place| *place as usize).peekable();
    own.iter().zip(answers).enumerate().all(|(place, (item, answer))| {
        let there = found.next_if_eq(&place).is_some();
        let want = if there { Answer::Present(label(*item).to_vec()) } else { Answer::Absent };
        *answer == want
    })
}
