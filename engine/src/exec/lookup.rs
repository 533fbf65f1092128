//! Private lookups: the party that asks fetches the published table where it does not hold it, then learns what it says of its
//! keys, while the third party waits.
//!
//! ```text
//! asks                                      answers
//!   digest of the statement it holds  ───▶
//!                                     ◀───  statement; the table, if that is another one
//!   blinded queries, to its bound     ───▶
//!                                     ◀───  evaluated, with proofs
//! ```

use std::{
    fs::File,
    io::{self, Seek as _},
};

use protocols::{
    net::at_work,
    party::Role,
    prg::Prg,
    psi::{
        Distinct,
        lookup::{self, Answer, Budget, BudgetError, LookupError, Stored, Table, TableError},
    },
    session::{Meter, OpeningKind, Pair, Recipient, Session, Side},
};

use super::{error::ExecError, input::role_of, matching::padded};
use crate::plan::{
    Answers, Asks, EncodedInput, Lookup, LookupEnd, Plan, STATEMENT_BYTES, Statement,
};

/// What a party learned of its own keys.
pub struct LookedUp {
    /// Which input of the plan.
    pub input: u32,
    /// For each row of its local sub-plan's result: the label of its key, if the table has it.
    pub labels: Vec<Option<Vec<u8>>>,
    /// What its provider says of the publication, if it was fetched in this run.
    pub fetched: Option<Statement>,
}

/// What a party learned is its own.
impl std::fmt::Debug for LookedUp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "LookedUp in input {}", self.input)
    }
}

/// What is public of a lookup.
struct Shape<'p> {
    plan: &'p Plan,
    of: &'p Lookup,
    asks: Role,
    answers: Role,
    /// Queries.
    queries: usize,
    /// Bytes of the table.
    table: usize,
}

impl<'p> Shape<'p> {
    fn new(plan: &'p Plan, of: &'p Lookup) -> Option<Self> {
        let role = |at: u32| role_of(plan, &plan.inputs.get(at as usize)?.party);
        let [queries, _] = of.rows(plan)?;
        let (asks, answers) = (role(of.asks)?, role(of.answers)?);
        Some(Self { plan, of, asks, answers, queries, table: of.table_bytes(plan)? })
    }

    fn opening(&self) -> (OpeningKind, usize, Recipient) {
        (OpeningKind::Membership, self.queries, Recipient::Party(self.asks.id()))
    }

    /// Whether a statement is of a table as the plan has it.
    fn fits(&self, statement: &Statement) -> bool {
        let header = &statement.header;
        let rows = self.plan.inputs[self.of.answers as usize].rows;
        header.epoch.base.is_none()
            && (header.rows, header.queries) == (rows, self.of.queries)
            && header.label_bytes == self.of.label_bytes()
    }
}

/// Runs it at one party; gives what this party learned, if it asks.
///
/// # Cost
/// [`cost`], and [`table_cost`] if the party that asks does not hold the publication.
///
/// # Errors
/// [`ExecError`].
///
/// # Security
/// Of [`lookup`]: the party that answers may be malicious and learns the bound of the queries, and whether the other holds its
/// table; the party that asks learns what the table says of as many keys as it asked for. That those who run the plan are not
/// malicious is assumed of the rest of it.
pub(super) fn run(
    s: &mut Session,
    plan: &Plan,
    of: &Lookup,
    (at, inputs): (usize, &[Option<EncodedInput>]),
    rng: &mut Prg,
) -> Result<Option<LookedUp>, ExecError> {
    let shape = Shape::new(plan, of).ok_or(ExecError::Malformed(at))?;
    let own = s.role();
    let number = if own == shape.answers { of.answers } else { of.asks };
    let end = inputs.get(number as usize).and_then(|data| data.as_ref()?.lookup.as_ref());
    if own != shape.answers {
        // Whoever does not open it takes it off its list all the same, so that all three lists end alike.
        let (kind, count, to) = shape.opening();
        s.pass_gate(kind, count, to)?;
        if own != shape.asks {
            return Ok(None);
        }
    }
    match end {
        Some(LookupEnd::Answers(end)) if own == shape.answers => {
            answer(&mut s.pair(shape.asks.id()), &shape, end, rng).map(|()| None)
        }
        Some(LookupEnd::Asks(end)) if own == shape.asks => {
            ask(&mut s.pair(shape.answers.id()), &shape, end, rng).map(Some)
        }
        _ => {
            let party = plan.inputs[number as usize].party.clone();
            Err(ExecError::MissingInput { party, input: number })
        }
    }
}

fn answer(
    pair: &mut Pair<'_>,
    shape: &Shape<'_>,
    end: &Answers,
    rng: &mut Prg,
) -> Result<(), ExecError> {
    if !shape.fits(&end.statement) || end.body.bytes() != shape.table as u64 {
        return Err(pair.misuse("a publication that is not the plan's").into());
    }
    let held: [u8; 32] = pair.recv_array()?;
    pair.send(&end.statement.to_bytes())?;
    if held != end.statement.digest() {
        lookup::send_table(pair, &*end.body).map_err(|error| failed(pair, error))?;
    }
    let mut reserved = Reserved(shape.queries as u64);
    let served = lookup::serve(pair, &end.key, shape.queries, "", &mut reserved, rng);
    served.map_err(|error| failed(pair, error))
}

fn ask(
    pair: &mut Pair<'_>,
    shape: &Shape<'_>,
    end: &Asks,
    rng: &mut Prg,
) -> Result<LookedUp, ExecError> {
    let held = end.held.as_ref();
    pair.send(&held.map_or([0; 32], |(statement, _)| statement.digest()))?;
    let bytes: [u8; STATEMENT_BYTES] = pair.recv_array()?;
    let statement = Statement::check(&bytes, shape.of.terms(shape.plan), &end.provider);
    let statement = statement.ok().filter(|statement| shape.fits(statement)).ok_or_else(|| {
        pair.invalid("a publication that its provider did not sign, or of other columns or rows")
    })?;
    let (opened, fetched);
    let table = match held {
        Some((held, table)) if held.digest() == statement.digest() => {
            fetched = None;
            table
        }
        _ => {
            opened = fetch(pair, &statement, end)?;
            fetched = Some(statement.clone());
            &opened
        }
    };
    let ids = (end.ids)(&statement.salt.0).ok_or_else(|| pair.misuse("rows without a key"))?;
    let set = Distinct::new(ids.iter().copied());
    let items = padded(set.ids(), shape.queries, rng);
    let answers = lookup::look_up(pair, table, &items, rng).map_err(|error| failed(pair, error))?;
    let mut labels = vec![None; ids.len()];
    for (position, answer) in answers.into_iter().enumerate().take(set.len()) {
        if let Answer::Present(label) = answer {
            for row in set.rows_of(position) {
                labels[*row as usize] = Some(label.clone());
            }
        }
    }
    Ok(LookedUp { input: shape.of.asks, labels, fetched })
}

/// Fetches the table of a statement to where this party keeps it.
fn fetch(pair: &mut Pair<'_>, statement: &Statement, end: &Asks) -> Result<Table, ExecError> {
    let kept = |error: io::Error| ExecError::Table(error.to_string());
    let mut file: File = (end.store)(statement).map_err(kept)?;
    let from = file.stream_position().map_err(kept)?;
    let fetched = lookup::fetch_table(pair, &statement.header, &mut file);
    let fetched = fetched.map_err(|error| failed(pair, error))?;
    let body = Box::new(Stored::behind(file, from).map_err(kept)?);
    let wire = pair.wire();
    let opened = at_work(|| wire.working(), || fetched.open(body));
    opened.map_err(|error| failed(pair, error.into()))
}

/// What was counted against the recipient's budget before the run began.
struct Reserved(u64);

impl Budget for Reserved {
    fn spend(&mut self, recipient: &str, queries: u64) -> Result<(), BudgetError> {
        let left = self.0;
        self.0 = left.checked_sub(queries).ok_or_else(|| BudgetError::Exceeded {
            recipient: recipient.to_owned(),
            asked: queries,
            left,
        })?;
        Ok(())
    }
}

fn failed(pair: &Pair<'_>, error: LookupError) -> ExecError {
    match error {
        LookupError::Session(error) => error.into(),
        LookupError::Table(error @ TableError::Storage(_)) => ExecError::Table(error.to_string()),
        LookupError::Table(_) => {
            pair.invalid("another table than the one that its provider signed").into()
        }
        LookupError::OtherEpoch { .. } => {
            pair.invalid("queries about another epoch than the one it was told").into()
        }
        _ => pair.misuse("more queries than were counted").into(),
    }
}

/// Twin of [`run`] where the publication is held.
pub(super) fn cost(m: &mut Meter, plan: &Plan, of: &Lookup, at: usize) -> Result<(), ExecError> {
    let shape = Shape::new(plan, of).ok_or(ExecError::Malformed(at))?;
    let (kind, count, to) = shape.opening();
    m.pass_gate(kind, count, to);
    m.pair(shape.answers, shape.asks, |c| {
        c.bytes_from(Side::Receiver, 32);
        c.bytes_from(Side::Sender, STATEMENT_BYTES);
        lookup::cost(c, shape.queries);
    });
    Ok(())
}

/// What fetching the publication adds: the table, which travels behind its statement and so takes no round of its own.
pub(super) fn table_cost(plan: &Plan, of: &Lookup, at: usize) -> Result<(u64, u64), ExecError> {
    let shape = Shape::new(plan, of).ok_or(ExecError::Malformed(at))?;
    let mut cost = protocols::session::PairCost::new();
    lookup::table_cost(&mut cost, shape.table);
    Ok((cost.total_bytes(), cost.messages))
}
