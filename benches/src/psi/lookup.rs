//! Private lookup: a buyer fetches a table and looks items up in it.

use protocols::{
    prg::Prg,
    psi::{
        Sizes,
        lookup::{
            Answer, Epoch, EpochKey, HEADER_BYTES, Header, Ledger, Publisher, Stored, Terms, cost,
            fetch_table, look_up, send_table, serve, table_bytes, table_cost,
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
        table_cost(&mut c, body);
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

/// Items that are brought to a table at a time.
const TOGETHER: usize = 1 << 14;

/// The provider's table, the same wherever it is made: on disk, as a provider has it.
fn published(sizes: Sizes, rep: u32) -> Result<(Header, Stored, EpochKey), Failure> {
    let items = Sets::new(0, sizes.sender, least(sizes), rep).own;
    let mut rng = Prg::new(&(0x7461_626c_u128 << 96 | u128::from(rep)).to_le_bytes());
    let (epoch, label_bytes) = (Epoch { number: 1, base: None }, u32::try_from(LABEL_BYTES)?);
    let terms = Terms { epoch, queries: BUDGET, rows: items.len() as u64, label_bytes };
    let (mut scratch, mut body) = (tempfile::tempfile()?, tempfile::tempfile()?);
    let mut publisher = Publisher::new(terms, &mut scratch, &mut rng)?;
    for items in items.chunks(TOGETHER) {
        let labels: Vec<u8> = items.iter().flat_map(|item| label(*item)).collect();
        publisher.push(items, &labels)?;
    }
    let (header, key) = publisher.finish(&mut body)?;
    Ok((header, Stored::behind(body, 0)?, key))
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
    let (mut rng, mut file) = (seat.prg(0), tempfile::tempfile()?);
    let mut table = match from {
        Table::Fetched => None,
        Table::AtHand => {
            let (header, body, _) = published(seat.sizes, seat.rep)?;
            Some(header.open_stored(Box::new(body))?)
        }
    };
    let answers = seat.timed_pair(|pair| {
        if from == Table::Fetched {
            let header = Header::from_bytes(&pair.recv_array::<HEADER_BYTES>()?);
            let Ok(header) = header else { return Ok(None) };
            let fetched = fetch_table(pair, &header, &mut file);
            let opened = fetched.map(|fetched| {
                let body = Stored::behind(file.try_clone()?, 0)?;
                Ok::<_, Failure>(fetched.open(Box::new(body))?)
            });
            table = opened.ok().and_then(Result::ok);
        }
        Ok(table.as_ref().map(|table| look_up(pair, table, &own, &mut rng)))
    })?;
    let answers = answers.ok_or("the table is not the one that was published")??;
    Ok(right(&own, &common, &answers))
}

fn provider(seat: &mut Seat<'_>, from: Table) -> Result<bool, Failure> {
    let (header, body, key) = published(seat.sizes, seat.rep)?;
    let (queries, mut rng) = (queries(seat.sizes), seat.prg(0));
    seat.timed_pair(|pair| {
        if from == Table::Fetched {
            pair.send(&header.to_bytes())?;
            if let Err(error) = send_table(pair, &body) {
                return Ok(Err(error));
            }
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
