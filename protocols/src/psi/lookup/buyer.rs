//! The side that asks.

use std::{collections::VecDeque, fmt};

use super::{
    asked::Asked,
    composite::MOST,
    error::LookupError,
    questions::{Listed, Questions},
    suite::OUTPUT_BYTES,
    table::{Table, TableError},
};
use crate::{
    prg::Prg,
    session::{Pair, SessionError},
};

/// What a table says of an item.
#[derive(Clone, PartialEq, Eq)]
pub enum Answer {
    /// Nothing.
    Absent,
    /// Its label.
    Present(Vec<u8>),
    /// In a change: that it is there no more.
    Withdrawn,
}

/// Labels do not print.
impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Absent => "Absent",
            Self::Present(_) => "Present(..)",
            Self::Withdrawn => "Withdrawn",
        })
    }
}

/// Batches that are sent before the first of them is answered: the provider has the next one's time for each.
pub(super) const AHEAD: usize = 2;

/// Learns what the table says of each of `items`, all of which are in memory, with their answers: see [`look_up_from`].
///
/// # Shape
/// One answer an item, in their order.
///
/// # Cost
/// [`cost`](super::cost): 32 bytes a query each way, and 64 for each batch of 4096.
///
/// # Errors
/// As [`look_up_from`].
///
/// # Security
/// That of [`look_up_from`].
pub fn look_up(
    pair: &mut Pair<'_>,
    table: &Table,
    items: &[u128],
    rng: &mut Prg,
) -> Result<Vec<Answer>, LookupError> {
    let mut listed = Listed { items, answers: Vec::with_capacity(items.len()) };
    look_up_from(pair, &[table], &mut Asking::new(items.len()), &mut listed, rng)?;
    Ok(listed.answers)
}

/// Learns what a table and the changes of it say of items that come a batch of 4096 at a time, behind those that were answered in
/// attempts before: of each item what the last of `tables` says that says anything of it.
///
/// # Shape
/// As many items as were agreed on. The tables were opened with headers whose signatures were checked, the first is a whole one, and each
/// behind it changes those before; in each attempt they are the same.
/// Three batches are in memory at most, whatever their number.
///
/// # Cost
/// [`cost`](super::cost) in one attempt; a later one is that of what was not answered, with 16 bytes of how far both are.
///
/// # Errors
/// [`LookupError::Table`] if the table cannot be read any more, [`LookupError::Own`] if the items cannot, or the answers not be kept.
/// The session's: [`Invalid`](crate::session::SessionError::Invalid) for an answer that is no point, or without a proof that it was
/// made with the key of the epoch, and for a provider that is farther than it was asked.
///
/// # Security
/// Which places of the table are read follows from the items: it is this party's own copy.
///
/// The items are secret: the queries are uniform points whatever they are, so that the provider learns their number alone, be
/// it malicious. It can refuse to answer, and cannot see which items made it. What is sent again in another attempt is to the byte what
/// was sent before.
pub fn look_up_from(
    pair: &mut Pair<'_>,
    tables: &[&Table],
    asking: &mut Asking,
    questions: &mut dyn Questions,
    rng: &mut Prg,
) -> Result<(), LookupError> {
    if asking.queries == 0 {
        return Ok(());
    }
    let epochs: Vec<_> = tables.iter().map(|table| table.header().epoch.number).collect();
    pair.send(&epochs)?;
    if asking.lost {
        asking.go_on(pair)?;
    }
    while asking.heard < asking.batches() {
        asking.ask(pair, questions, rng)?;
        asking.hear(pair, tables, questions)?;
    }
    Ok(())
}

/// What the last table says that says anything. All are asked, whatever they say.
fn newest(tables: &[&Table], outputs: &[&[u8; OUTPUT_BYTES]]) -> Result<Answer, TableError> {
    let found = tables.iter().zip(outputs).map(|(table, output)| table.find(output));
    found
        .reduce(|older, newer| match newer {
            Ok(Answer::Absent) => older,
            // What is damaged is told, wherever it stands.
            newer => older.and(newer),
        })
        .unwrap_or(Ok(Answer::Absent))
}

/// How far a buyer is with its questions, between attempts.
pub struct Asking {
    queries: usize,
    /// Queries of a batch.
    batch: usize,
    /// Batches that were answered.
    heard: usize,
    /// Those that were sent and not answered yet: the next ones.
    open: VecDeque<Asked>,
    /// There was an attempt before.
    lost: bool,
}

impl Asking {
    /// So many questions, none of them asked.
    #[must_use]
    pub fn new(queries: usize) -> Self {
        Self { queries, batch: MOST, heard: 0, open: VecDeque::new(), lost: false }
    }

    /// In smaller batches, as the provider has them.
    #[cfg(test)]
    pub(super) fn in_batches_of(self, batch: usize) -> Self {
        Self { batch, ..self }
    }

    /// Batches that were answered.
    #[cfg(test)]
    pub(super) fn heard(&self) -> usize {
        self.heard
    }

    /// The link was lost: the next attempt begins with how far both are.
    pub fn lost(&mut self) {
        self.lost = true;
    }

    fn batches(&self) -> usize {
        self.queries.div_ceil(self.batch)
    }

    /// Hears which batches the provider has answered, and sends it the open ones that it has not seen.
    fn go_on(&self, pair: &mut Pair<'_>) -> Result<(), SessionError> {
        pair.send(&(self.heard as u64).to_le_bytes())?;
        let answered = u64::from_le_bytes(pair.recv_array()?);
        let ahead = usize::try_from(answered).ok().and_then(|all| all.checked_sub(self.heard));
        let ahead = ahead.filter(|ahead| *ahead <= self.open.len());
        let ahead = ahead.ok_or_else(|| pair.invalid("answers to what it was not asked"))?;
        self.open.iter().skip(ahead).try_for_each(|asked| asked.send(pair))
    }

    /// Sends the next batches, as far as may be open.
    fn ask(
        &mut self,
        pair: &mut Pair<'_>,
        questions: &mut dyn Questions,
        rng: &mut Prg,
    ) -> Result<(), LookupError> {
        let mut items = Vec::new();
        while self.open.len() < AHEAD && self.heard + self.open.len() < self.batches() {
            let before = self.batch * (self.heard + self.open.len());
            let count = self.batch.min(self.queries - before);
            items.clear();
            questions.next(count, &mut items).map_err(LookupError::Own)?;
            if items.len() != count {
                return Err(pair.misuse("another number of items than it said").into());
            }
            let asked = Asked::new(&items, rng);
            let asked =
                asked.ok_or_else(|| pair.unlucky("a blinded query is the neutral element"))?;
            // It is open before it is sent: a link that is lost under it loses nothing.
            self.open.push_back(asked);
            self.open.back().map_or(Ok(()), |asked| asked.send(pair))?;
        }
        Ok(())
    }

    /// Hears of the batch that has been open longest.
    fn hear(
        &mut self,
        pair: &mut Pair<'_>,
        tables: &[&Table],
        questions: &mut dyn Questions,
    ) -> Result<(), LookupError> {
        let Some(asked) = self.open.front() else { return Ok(()) };
        let answer = asked.receive(pair, tables.len())?;
        let keys = tables.iter().map(|table| &table.header().key);
        let outputs = self.open.pop_front().and_then(|asked| asked.finalize(keys, &answer));
        let outputs = outputs.ok_or_else(|| pair.invalid("an answer that its key did not make"))?;
        let items = outputs.first().map_or(0, Vec::len);
        let of = |item: usize| -> Vec<_> { outputs.iter().map(|each| &each[item]).collect() };
        let answers: Result<Vec<_>, _> = (0..items).map(|item| newest(tables, &of(item))).collect();
        questions.answered(answers?).map_err(LookupError::Own)?;
        self.heard += 1;
        Ok(())
    }
}

/// Questions do not print.
impl fmt::Debug for Asking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Asking({} of {} batches answered)", self.heard, self.batches())
    }
}
