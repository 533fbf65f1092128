//! Private lookup: a buyer fetches a table of `n` rows and looks up a few thousand items.

use protocols::{
    psi::{
        elias_fano,
        lookup::{
            Answer, Epoch, HEADER_BYTES, Header, Ledger, Rows, cost, look_up, publish, serve,
        },
    },
    session::{PairCost, Side},
};

use super::{
    seat::{Protocol, Quote, Seat},
    sets::Sets,
};
use crate::Failure;

/// Queries of a run, if the table is not smaller.
const QUERIES: usize = 1 << 12;
const LABEL_BYTES: usize = 8;
/// Queries that the tags of a table are made for.
const BUDGET: u64 = 1 << 20;

pub(super) const PROTOCOL: Protocol = Protocol {
    name: "lookup",
    parties: 2,
    party,
    quote,
    note: "private lookup with proofs, malicious: a table with labels of 8 bytes fetched, 4096 queries",
};

#[expect(clippy::unnecessary_wraps, reason = "the table of protocols asks for it")]
fn quote(n: usize) -> Option<Quote> {
    let mut c = PairCost::new();
    let pairs = n as u64 * BUDGET;
    let tag_bits = 40 + pairs.max(1).next_power_of_two().trailing_zeros();
    c.message::<u8>(Side::Sender, HEADER_BYTES);
    c.message::<u8>(Side::Sender, elias_fano::len(n, tag_bits) + n * LABEL_BYTES);
    cost(&mut c, n.min(QUERIES));
    Some(Quote { bytes: c.total_bytes(), rounds: c.rounds() })
}

/// The label of an item: part of it.
fn label(item: u128) -> [u8; LABEL_BYTES] {
    let mut label = [0; LABEL_BYTES];
    label.copy_from_slice(&item.to_le_bytes()[..LABEL_BYTES]);
    label
}

fn party(seat: &mut Seat<'_>) -> Result<bool, Failure> {
    let queries = seat.n.min(QUERIES);
    let mut rng = seat.prg(0);
    if seat.role == 0 {
        let items = Sets::new(0, seat.n, queries, seat.rep).own;
        let labels: Vec<u8> = items.iter().flat_map(|item| label(*item)).collect();
        let label_bytes = u32::try_from(LABEL_BYTES)?;
        let rows = Rows { items: &items, labels: &labels, label_bytes, withdrawn: &[] };
        let (table, key) = publish(Epoch { number: 1, base: None }, BUDGET, rows, &mut rng)?;
        seat.timed_pair(|pair| {
            pair.send(&table.header.to_bytes())?;
            pair.send(&table.body)?;
            Ok(serve(pair, &key, queries, "buyer", &mut Ledger::new(BUDGET), &mut rng))
        })??;
        return Ok(true);
    }
    let Sets { own, common } = Sets::new(1, queries, queries, seat.rep);
    let (n, mut fetched) = (seat.n, None);
    let answers = seat.timed_pair(|pair| {
        let header = Header::from_bytes(&pair.recv_array::<HEADER_BYTES>()?);
        let Ok(header) = header else { return Ok(None) };
        let body = elias_fano::len(n, header.tag_bits()) + n * LABEL_BYTES;
        let body = pair.recv_words::<u8>(body)?;
        let Ok(table) = header.open(&body) else { return Ok(None) };
        let answers = look_up(pair, &table, &own, &mut rng);
        fetched = Some(table);
        Ok(Some(answers))
    })?;
    let answers = answers.ok_or("the table is not the one that was published")??;
    let mut found = common.iter().map(|place| *place as usize).peekable();
    let mut right = fetched.is_some();
    for (place, (item, answer)) in own.iter().zip(answers).enumerate() {
        let there = found.next_if_eq(&place).is_some();
        let want = if there { Answer::Present(label(*item).to_vec()) } else { Answer::Absent };
        right &= answer == want;
    }
    Ok(right)
}
