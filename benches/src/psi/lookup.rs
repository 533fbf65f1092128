//! Private lookup: a buyer fetches a table and looks items up in it.

use protocols::{
    prg::Prg,
    psi::{
        Sizes,
        lookup::{
            Answer, Asking, Epoch, EpochKey, HEADER_BYTES, Header, Landing, Ledger, Publisher,
            Questions, Stored, Terms, cost, fetch_table, look_up_from, send_table, serve,
            table_bytes, table_cost,
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
pub(super) const LABEL_BYTES: usize = 8;
/// Queries that the tags of a table are made for.
pub(super) const BUDGET: u64 = 1 << 20;

pub(super) const PROTOCOLS: [Protocol; 2] = [
    Protocol {
        name: "lookup",
        parties: 2,
        party: |seat| party(seat, Table::Fetched),
        quote: |sizes, _| quote(sizes, Table::Fetched),
        note: "private lookup with proofs, malicious: a table with labels of 8 bytes fetched, as many queries as said, or 4096",
    },
    Protocol {
        name: "lookup-queries",
        parties: 2,
        party: |seat| party(seat, Table::AtHand),
        quote: |sizes, _| quote(sizes, Table::AtHand),
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
pub(super) fn queries(sizes: Sizes) -> usize {
    let Sizes { sender, receiver } = sizes;
    if sender == receiver { receiver.min(QUERIES) } else { receiver }
}

fn quote(sizes: Sizes, from: Table) -> Option<Quote> {
    let (mut c, rows) = (PairCost::new(), sizes.sender);
    if from == Table::Fetched {
        let body = table_bytes(rows as u64, BUDGET, u32::try_from(LABEL_BYTES).ok()?)?;
        c.message::<u8>(Side::Sender, HEADER_BYTES);
        table_cost(&mut c, body, 0);
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
    let (mut rng, mut file) = (seat.prg(0), None);
    let mut table = match from {
        Table::Fetched => {
            file = Some(tempfile::tempfile()?);
            None
        }
        Table::AtHand => {
            let (header, body, _) = published(seat.sizes, seat.rep)?;
            Some(header.open_stored(Box::new(body))?)
        }
    };
    let mut known = Known { own: &own, asked: 0, common: &common, answered: 0, right: true };
    let asked = seat.timed_pair(|pair| {
        if let Some(file) = file.take() {
            let header = Header::from_bytes(&pair.recv_array::<HEADER_BYTES>()?);
            let landing = header.and_then(|header| Landing::begin(file, 0, &header));
            let Ok(mut landing) = landing else { return Ok(None) };
            let fetched = fetch_table(pair, &mut landing);
            table = fetched.ok().and_then(|()| landing.table().ok());
        }
        let mut asking = Asking::new(own.len());
        let table = table.as_ref();
        Ok(table.map(|table| look_up_from(pair, &[table], &mut asking, &mut known, &mut rng)))
    })?;
    asked.ok_or("the table is not the one that was published")??;
    Ok(known.right && known.answered == own.len())
}

/// Items that are asked a batch at a time, and what is known of them: those that are common have their labels, and no other has one.
struct Known<'s> {
    own: &'s [u128],
    asked: usize,
    /// Places of those that are common and not answered yet.
    common: &'s [u32],
    answered: usize,
    right: bool,
}

impl Questions for Known<'_> {
    fn next(&mut self, count: usize, out: &mut Vec<u128>) -> Result<(), String> {
        out.extend_from_slice(&self.own[self.asked..self.asked + count]);
        self.asked += count;
        Ok(())
    }

    fn answered(&mut self, answers: Vec<Answer>) -> Result<(), String> {
        for answer in answers {
            let (first, item) = (self.common.split_first(), self.own[self.answered]);
            let there = first.filter(|(place, _)| **place as usize == self.answered);
            self.common = there.map_or(self.common, |(_, rest)| rest);
            let present = || Answer::Present(label(item).to_vec());
            self.right &= answer == there.map_or(Answer::Absent, |_| present());
            self.answered += 1;
        }
        Ok(())
    }
}

fn provider(seat: &mut Seat<'_>, from: Table) -> Result<bool, Failure> {
    let (header, body, key) = published(seat.sizes, seat.rep)?;
    let (queries, mut rng) = (queries(seat.sizes), seat.prg(0));
    seat.timed_pair(|pair| {
        if from == Table::Fetched {
            pair.send(&header.to_bytes())?;
            if let Err(error) = send_table(pair, &body, 0) {
                return Ok(Err(error));
            }
        }
        Ok(serve(pair, &key, queries, "buyer", &mut Ledger::new(BUDGET), &mut rng))
    })??;
    Ok(true)
}
