//! What a plan says of a private lookup: one party's keys, looked up in a table that another has published.

use serde::{Deserialize, Serialize};

use protocols::psi::lookup::table_bytes;

use super::{
    between::Between,
    explain::thousands,
    ir::{LocalInput, Plan},
    psi::{Keeps, SetUse},
};
use crate::{
    catalog::ColumnType,
    identity::{Hash32, canonical_hash},
};

/// The domain tag under which the terms of a publication are hashed.
const TERMS_DOMAIN: &str = "unseen.publication-terms/v1";

/// Most bytes that the labels of a row may have.
const MAX_LABEL_BYTES: u32 = 1 << 16;

/// Most queries that an epoch may answer.
const MAX_QUERIES: u64 = 1 << 40;

/// Fewest rows of a change.
pub const LEAST_CHANGE: u64 = 1 << 10;

/// So many changes are published behind a whole table at most; then it is whole again.
pub const MOST_CHANGES: usize = 4;

/// Whether so many rows are those of a change: few sizes there are, so that a size says little.
#[must_use]
pub fn is_change(rows: u64) -> bool {
    rows.is_power_of_two() && rows >= LEAST_CHANGE
}

/// A lookup between two compute parties that ends with the one who asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lookup {
    /// The input of the party that asks, and learns.
    pub asks: u32,
    /// The input of the party that has published it, and answers.
    pub answers: u32,
    /// How many queries one publication answers in all, whoever asks: the width of its tags follows from it.
    pub queries: u64,
    /// What the table says of a key: columns of the published input.
    pub labels: Vec<Label>,
    /// What the party that asks keeps of its own rows.
    pub keeps: Keeps,
    /// Rows of a change, invented ones among them, that is published in the place of the whole table where no more have changed, up to
    /// [`MOST_CHANGES`] times; where there are none, the table is whole whenever it changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changes: Option<u64>,
}

/// One column of a published table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Label {
    /// Column of the local sub-plan's result.
    pub source: u32,
    /// What it is called in the result.
    pub name: String,
    /// Its type.
    #[serde(rename = "type")]
    pub ty: ColumnType,
    /// Bytes of a value: of all its integers, or of its longest text.
    pub bytes: u32,
}

impl Label {
    /// Bytes in the table: whether there is a value, for a text how long it is, and the value.
    #[must_use]
    pub fn stored_bytes(&self) -> u32 {
        let length = if self.ty == ColumnType::String { 2 } else { 0 };
        self.bytes.saturating_add(1 + length)
    }
}

/// What one publication is about: another table, key, condition, column or number of queries makes another publication.
#[derive(Serialize)]
struct Terms<'a> {
    input: &'a LocalInput,
    /// Sources, types and bytes: what labels are called is the job's affair.
    labels: Vec<(u32, ColumnType, u32)>,
    queries: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    changes: Option<u64>,
}

impl Lookup {
    /// Whether changes of so many rows are worth it beside a whole table: all there may be are no more than it.
    #[must_use]
    pub fn pays(change: u64, rows: u64) -> bool {
        change.checked_mul(MOST_CHANGES as u64).is_some_and(|all| all <= rows)
    }

    /// Bytes of the whole table and of each change that may be published behind it, beside their headers.
    #[must_use]
    pub fn all_bytes(&self, plan: &Plan) -> Option<Vec<usize>> {
        let mut all = vec![self.table_bytes(plan)?];
        if let Some(rows) = self.changes {
            // Beside its label, whether a row is there no more.
            let change = table_bytes(rows, self.queries, self.label_bytes().checked_add(1)?)?;
            all.resize(1 + MOST_CHANGES, change);
        }
        Some(all)
    }

    /// Rows of the whole table, or of the change that stands so many places behind it; nothing if there is none.
    #[must_use]
    pub fn rows_of(&self, plan: &Plan, place: usize) -> Option<u64> {
        match place {
            0 => Some(plan.inputs.get(self.answers as usize)?.rows),
            place => self.changes.filter(|_| place <= MOST_CHANGES),
        }
    }

    /// Bytes of the labels of one row.
    #[must_use]
    pub fn label_bytes(&self) -> u32 {
        self.labels.iter().fold(0, |sum, label| sum.saturating_add(label.stored_bytes()))
    }

    /// The name of what is published: the same at every party, in every job that asks for it.
    #[must_use]
    pub fn terms(&self, plan: &Plan) -> Hash32 {
        let input = &plan.inputs[self.answers as usize];
        let labels = self.labels.iter().map(|label| (label.source, label.ty, label.bytes));
        let (queries, changes) = (self.queries, self.changes);
        let terms = Terms { input, labels: labels.collect(), queries, changes };
        canonical_hash(TERMS_DOMAIN, &terms)
    }

    /// The bounds of the asking and of the answering input; nothing if a plan has no such inputs.
    #[must_use]
    pub fn rows(&self, plan: &Plan) -> Option<[usize; 2]> {
        let rows = |at: u32| usize::try_from(plan.inputs.get(at as usize)?.rows).ok();
        Some([rows(self.asks)?, rows(self.answers)?])
    }

    /// Bytes of the published table, beside its header.
    #[must_use]
    pub fn table_bytes(&self, plan: &Plan) -> Option<usize> {
        let rows = plan.inputs.get(self.answers as usize)?.rows;
        table_bytes(rows, self.queries, self.label_bytes())
    }

    /// In a line.
    pub(super) fn told(&self, plan: &Plan) -> String {
        let party = |at: u32| plan.inputs.get(at as usize).map(|i| i.party.to_string());
        let (asks, answers) = (party(self.asks), party(self.answers));
        let (asks, answers) = (asks.unwrap_or_default(), answers.unwrap_or_default());
        let rows = self.rows(plan).unwrap_or_default()[0];
        format!("{asks} looks {} keys up at {answers}; the first learns", thousands(rows as u64))
    }

    /// What it shows to each.
    pub(super) fn shows(&self, plan: &Plan) -> Vec<String> {
        let set = |at: u32| plan.inputs.get(at as usize);
        let (Some(asks), Some(answers)) = (set(self.asks), set(self.answers)) else {
            return Vec::new();
        };
        let table = |of: &LocalInput| format!("{}.{}", of.party, of.datasets.join(", "));
        let labels: Vec<_> = self.labels.iter().map(|label| label.name.as_str()).collect();
        let (who, other) = (&asks.party, &answers.party);
        let (from, into) = (table(asks), table(answers));
        let (keys, rows) = (thousands(asks.rows), thousands(answers.rows));
        let of_each = match &labels[..] {
            [] => String::new(),
            labels => format!(", and {} of the first row of each that is", labels.join(", ")),
        };
        let mut shown = vec![
            format!("{who}: which of its at most {keys} keys of {from} are in {into}{of_each}"),
            format!(
                "{who}: a table of {rows} random numbers and unreadable labels of {} bytes, invented ones among them; it \
                 is sent once, and anew when what is published changes{}",
                self.label_bytes(),
                if self.changes.is_some() {
                    " in more rows, or more often, than is said below"
                } else {
                    ""
                }
            ),
            format!(
                "{other}: that {keys} keys are asked for (the bound, however many there are), and how much of the table {who} \
                 holds already; not which keys, and not how many are found"
            ),
            format!(
                "protocol `lookup` between {who} and {other}: {other} may deviate and learns no more; {who} learns of as many \
                 keys as it asks for, whatever it does"
            ),
            format!(
                "if the link between {who} and {other} is lost they go on over another, {} times at most: what is sent again is what \
                 was sent before, and no key is counted or answered twice",
                Between::RENEWALS
            ),
        ];
        if let Some(rows) = self.changes {
            shown.push(format!(
                "{who}: that rows of the table have changed, no more than {} of them, each of up to {MOST_CHANGES} times, and of each key \
                 that it asks for by which of these changes its row was, if by any; not which other rows, nor how many of them",
                thousands(rows)
            ));
            shown.push(format!(
                "all: how many such changes stand behind the table that {other} last published whole, by what the links carried"
            ));
        }
        shown
    }

    /// What keeps this from being an operation of the plan, if anything does.
    pub(super) fn fault(&self, plan: &Plan) -> Result<(), String> {
        let set = |at: u32| {
            let input = plan.inputs.get(at as usize).ok_or_else(|| format!("names input {at}"))?;
            let enters = input.key.as_ref().map(|key| key.enters);
            if enters != Some(SetUse::Lookup) || !plan.compute.contains(&input.party) {
                return Err(format!("input {at} is no set of a lookup that a compute party keeps"));
            }
            Ok(input)
        };
        if set(self.asks)?.party == set(self.answers)?.party {
            return Err("looks up keys in a table of their own party".into());
        }
        if self.keeps.input != self.asks {
            return Err(format!("keeps rows of input {}, which asks nothing", self.keeps.input));
        }
        let small = self.label_bytes() <= MAX_LABEL_BYTES
            && (1..=MAX_QUERIES).contains(&self.queries)
            && self.labels.iter().all(|label| label.bytes <= u16::MAX.into());
        let counted = self.table_bytes(plan).is_some();
        let rows = set(self.answers)?.rows;
        if self.changes.is_some_and(|change| !is_change(change) || !Self::pays(change, rows)) {
            return Err(format!(
                "publishes changes of other than 2^k rows, {LEAST_CHANGE} to {rows}/4"
            ));
        }
        let fits = rows < u32::MAX.into() && small && counted && self.all_bytes(plan).is_some();
        fits.then_some(()).ok_or_else(|| "publishes a table beyond counting".into())
    }
}
