//! The protocol from end to end.

use std::fmt;

use super::{
    matches::Matches,
    providers::{evaluate, program},
    split::{Split, column, on_wire, share_cost, summands, zeros},
    task::{Provider, Task},
};
use crate::{
    mpc::{Column, Shape, eq_bits, eq_bits_cost, input, input_cost},
    prg::Prg,
    psi::{
        cuckoo::{Hashing, PlaceError, Table},
        opprf,
    },
    ring::{B64, Buf, Z64, Z128},
    session::{Meter, Session, SessionError},
    share::Bits,
};

/// A provider's set: its elements, and a value of each for every column.
#[derive(Clone, Copy)]
pub struct Set<'a> {
    /// Ids, each once, no more than the task allows.
    pub items: &'a [u128],
    /// As many columns as the task says, of one value an element; bits beyond a column's width are ignored.
    pub columns: &'a [&'a [u64]],
}

/// Intersects two providers' sets, into shares.
///
/// # Shape
/// `set` is given by the two providers, each its own. As many rows come out as the task has [bins](Task::bins): in each, at
/// most one element of the receiver, in an order that is random and known to the receiver alone.
///
/// # Cost
/// That of [`opprf::cost`] between the providers; then a message from the receiver to the third party of `tag_width` bits and
/// the sender's columns a bin, one to the next party with the receiver's columns, and on all shares an equality test of
/// `tag_width` bits a bin: ⌈log2 `tag_width`⌉ rounds, each party sends `tag_width` − 1 planes.
///
/// # Errors
/// [`SessionError::Misuse`] if a provider's set does not fit the task or has an element twice; [`SessionError::Unlucky`] with the
/// probability that the parameters state; channel errors pass through.
///
/// # Security
/// Semi-honest, one corrupted party. *Receiver:* gets what the programmed function sends: its values are uniform in every bin
/// whether or not an element is the sender's too, since tags and masks are. *Sender:* gets the receiver's message in the
/// programmed function, which is uniform. *Third party:* gets the receiver's halves under the key of the two
/// providers. The comparison is multiplications. Nothing is opened.
///
/// Who knows where in the bins an element stands is the receiver, who knows its elements anyway; the seed of the hash functions
/// comes from the key of the two providers.
///
/// # Source
/// \[PSTY19\] and \[RS21\], see the [module](super).
pub fn intersect(
    s: &mut Session,
    task: &Task,
    set: Option<&Set<'_>>,
    rng: &mut Prg,
) -> Result<Matches, SessionError> {
    let receiver = task.receiver();
    let seed = s.prss().summand::<Z128>(summands(task)[1], 1);
    let hashing = Hashing::new(seed.map_or(0, |seed| seed[0]), task.bins());
    let set = own_set(s, task, set)?;
    let table = match set {
        Some(set) if s.role() == receiver.role => Some(table(s, task, &hashing, set)?),
        _ => None,
    };
    let (live, sender) = if task.is_empty() {
        let columns =
            task.fields()[task.tags()..].iter().map(|field| zeros(field.shape, task.bins()));
        (Bits::zeros(task.bins(), 1), columns.collect())
    } else {
        let splits: Vec<Split> =
            task.fields().iter().map(|field| Split::draw(s, task, field.shape)).collect();
        let mut rows = Vec::new();
        if let Some(table) = &table {
            rows = evaluate(s, task, table, rng)?;
        } else if let Some(set) = set {
            program(s, task, set, (&hashing, &splits), rng)?;
        }
        compare(s, task, splits, rows)?
    };
    let receiver = receiver_columns(s, task, table.as_ref().zip(set))?;
    debug_assert_eq!(task.sender().columns.len(), sender.len());
    Ok(Matches { live, receiver, sender })
}

/// Twin of [`intersect`].
pub fn intersect_cost(m: &mut Meter, task: &Task) {
    let (receiver, sender) = (task.receiver(), task.sender());
    if !task.is_empty() {
        m.pair(sender.role, receiver.role, |c| opprf::cost(c, task.function()));
        for field in task.fields() {
            share_cost(m, task, field.shape);
        }
        eq_bits_cost(m, task.bins(), task.tag_width());
    }
    for shape in &receiver.columns {
        input_cost::<Z64>(m, receiver.role, shape.wire_words(task.bins()));
    }
}

/// Shares all fields, and compares the tags: where they are zero, and the sender's columns.
fn compare(
    s: &mut Session,
    task: &Task,
    splits: Vec<Split>,
    rows: Vec<Buf<u64>>,
) -> Result<(Bits, Vec<Column>), SessionError> {
    let mut fields = Vec::with_capacity(splits.len());
    let mut rows = rows.into_iter();
    for split in splits {
        fields.push(split.share(s, task, rows.next().as_deref())?);
    }
    let columns = fields.split_off(task.tags());
    let tags = fields.iter().map(|tag| match tag {
        Column::Bits(bits) => bits,
        _ => unreachable!("tags are bits"),
    });
    let tags = Bits::beside(&tags.collect::<Vec<_>>());
    drop(fields);
    let live = eq_bits(s, &tags, &Bits::zeros(task.bins(), task.tag_width()))?;
    Ok((live, columns))
}

/// Shares the receiver's columns in the order of its bins.
fn receiver_columns(
    s: &mut Session,
    task: &Task,
    owned: Option<(&Table, &Set<'_>)>,
) -> Result<Vec<Column>, SessionError> {
    let (receiver, bins) = (task.receiver(), task.bins());
    let columns = receiver.columns.iter().enumerate().map(|(number, shape)| {
        let rows = owned.map(|(table, set)| on_wire(*shape, &table.in_bins(set.columns[number])));
        let (rows, words) = (rows.as_deref(), shape.wire_words(bins));
        let (own, next) = match shape {
            Shape::Bits(_) => input::<B64>(s, receiver.role, rows, words)?.into_parts(),
            _ => input::<Z64>(s, receiver.role, rows, words)?.into_parts(),
        };
        Ok(column(*shape, bins, own, next))
    });
    columns.collect()
}

/// The set of this party, if it is a provider, checked against the task.
fn own_set<'a>(
    s: &Session,
    task: &Task,
    set: Option<&'a Set<'a>>,
) -> Result<Option<&'a Set<'a>>, SessionError> {
    let input = |what| Err(SessionError::Misuse { step: s.step(), what });
    let fits = |provider: &Provider, set: &Set<'_>| {
        set.items.len() <= provider.items
            && set.columns.len() == provider.columns.len()
            && set.columns.iter().all(|column| column.len() == set.items.len())
    };
    match [task.receiver(), task.sender()].into_iter().find(|one| one.role == s.role()) {
        None if set.is_some() => input("this party has a set where it is none of the providers"),
        None => Ok(None),
        Some(provider) => match set {
            None => input("a provider has no set"),
            Some(set) if !fits(provider, set) => {
                input("the set has more elements or other columns than were agreed on")
            }
            Some(set) => Ok(Some(set)),
        },
    }
}

/// The receiver's table.
fn table(
    s: &Session,
    task: &Task,
    hashing: &Hashing,
    set: &Set<'_>,
) -> Result<Table, SessionError> {
    let step = s.step();
    Table::new(task.table(), hashing, set.items).map_err(|error| match error {
        PlaceError::Duplicate { .. } => {
            SessionError::Misuse { step, what: "an element is there twice; a set has each once" }
        }
        PlaceError::TooMany => {
            SessionError::Misuse { step, what: "the set has more elements than were agreed on" }
        }
        PlaceError::Unlucky => SessionError::Unlucky {
            step,
            what: "the set does not fit its bins under these hash functions",
        },
    })
}

/// Sets do not print.
impl fmt::Debug for Set<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Set({} columns)", self.columns.len())
    }
}
