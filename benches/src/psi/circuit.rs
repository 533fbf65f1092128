//! Circuit PSI among three compute parties, two of which have the sets, and numbers over it.

use std::borrow::Cow;

use protocols::{
    mpc::{Column, Shape, reveal},
    party::Role,
    prg::Prg,
    psi::{
        BUCKET_ITEMS, Buckets, Scattered, Sizes,
        aggregate::{Aggregates, Ask, Cell, Rule, Tally},
        circuit::{Bucketed, Matches, Provider, Set, intersect_bucket, intersect_bucket_cost},
    },
    ring::{B64, Buf, Ring, Z64},
    session::{Meter, OpeningKind, Profile, Recipient, Session, SessionError},
    share::{Bits, Shared},
};

use super::{
    seat::{Protocol, Quote, Seat},
    sets::Sets,
};
use crate::Failure;

pub(super) const PROTOCOLS: [Protocol; 3] = [
    Protocol {
        name: "circuit",
        parties: 3,
        party: |seat| party(seat, Goal::Shares),
        quote: |sizes, profile| quote(sizes, profile, Goal::Shares),
        note: "circuit PSI into shares, a 64-bit column from each side, semi-honest",
    },
    Protocol {
        name: "card",
        parties: 3,
        party: |seat| party(seat, Goal::Cardinality),
        quote: |sizes, profile| quote(sizes, profile, Goal::Cardinality),
        note: "size of the intersection if it is 10 or more, semi-honest",
    },
    Protocol {
        name: "sum",
        parties: 3,
        party: |seat| party(seat, Goal::Sum),
        quote: |sizes, profile| quote(sizes, profile, Goal::Sum),
        note: "size and sum of the sender's values if there are 10 matches or more, semi-honest",
    },
];

/// The sender, the receiver, and the third.
pub(super) const ROLES: [Role; 2] = [Role::P0, Role::P1];
/// Who learns the numbers.
const TO: Recipient = Recipient::One(Role::P1);
pub(super) const RULE: Rule = Rule { minimum: 10, noise: None };

/// What is done with the matches.
#[derive(Clone, Copy)]
pub(super) enum Goal {
    Shares,
    Cardinality,
    Sum,
}

impl Goal {
    /// Columns of the sender and of the receiver.
    pub(super) fn columns(self) -> [Vec<Shape>; 2] {
        match self {
            Self::Shares => [vec![Shape::Z64], vec![Shape::Z64]],
            Self::Cardinality => [vec![], vec![]],
            Self::Sum => [vec![Shape::Z64], vec![]],
        }
    }

    pub(super) fn sums(self) -> usize {
        usize::from(matches!(self, Self::Sum))
    }
}

/// What came out: shares of each bucket's rows, or numbers at the one that learns them.
pub(super) enum Outcome {
    Shares(Vec<Matches>),
    Numbers(Option<Vec<Option<Cell>>>),
}

/// What is kept of a bucket.
enum Part {
    Rows(Matches),
    Counted(Tally),
}

pub(super) fn bucketed(sizes: Sizes, goal: Goal) -> Result<Bucketed, Failure> {
    let [sender, receiver] = goal.columns();
    let receiver = Provider { role: ROLES[1], items: sizes.receiver, columns: receiver };
    let sender = Provider { role: ROLES[0], items: sizes.sender, columns: sender };
    Ok(Bucketed::with_buckets_of(BUCKET_ITEMS, receiver, sender)?)
}

fn quote(sizes: Sizes, profile: Profile, goal: Goal) -> Option<Quote> {
    let of = bucketed(sizes, goal).ok()?;
    let mut m = Meter::on(profile);
    m.enter(1);
    let bucket = |m: &mut Meter| {
        intersect_bucket_cost(m, &of);
        if !matches!(goal, Goal::Shares) {
            Tally::of_cost(m, of.task().bins(), 0, goal.sums());
        }
        Ok::<_, SessionError>(())
    };
    m.in_units(of.buckets() as u64, bucket).ok()?;
    if !matches!(goal, Goal::Shares) {
        Tally::release_cost(&mut m, 0, goal.sums(), &RULE);
        Aggregates::open_cost(&mut m, 0, goal.sums(), TO);
    }
    Some(Quote { bytes: m.total().bytes, rounds: m.total().rounds })
}

fn party(seat: &mut Seat<'_>, goal: Goal) -> Result<bool, Failure> {
    let of = bucketed(seat.sizes, goal)?;
    let mut rng = seat.prg(0);
    // The receiver's set, whoever this is, says what must come out.
    let receivers = Sets::of(seat, 1);
    let wanted = receivers.common.iter().map(|at| value(receivers.own[*at as usize]));
    let wanted: Vec<u64> = wanted.collect();
    let own = match seat.role {
        1 => receivers.own,
        role => {
            drop(receivers);
            if role == 0 { Sets::of(seat, 0).own } else { Vec::new() }
        }
    };
    let columns = goal.columns().get(usize::from(seat.role)).map_or(0, Vec::len);
    let (provides, buckets) = (seat.role < 2, of.buckets());
    seat.timed_session(
        |s| {
            let own = provides.then(|| Scattered::new(own, buckets));
            let mut own = own.map(|items| Drawn { items, columns });
            let own = own.as_mut().map(|own| own as &mut dyn Portions);
            run(s, (&of, goal), own, &mut rng)
        },
        |s, outcome| match outcome {
            Outcome::Shares(rows) => right(s, &rows, &wanted),
            Outcome::Numbers(None) => Ok(true),
            Outcome::Numbers(Some(cells)) => Ok(cells == [plain(&wanted, goal)]),
        },
    )
}

/// A set by buckets.
pub(super) trait Portions {
    /// Items of a bucket, and their columns. Where one is repeated, it is asked for again.
    fn portion(&mut self, of: (usize, usize)) -> Result<Portion<'_>, SessionError>;
}

/// Items, and their columns.
pub(super) type Portion<'p> = (Cow<'p, [u128]>, Vec<Vec<u64>>);

/// Random items, with as many columns of values that belong to them.
struct Drawn {
    items: Scattered<'static>,
    columns: usize,
}

impl Portions for Drawn {
    fn portion(&mut self, (bucket, buckets): (usize, usize)) -> Result<Portion<'_>, SessionError> {
        let items = self.items.bucket(bucket, buckets)?;
        let values: Vec<u64> = items.iter().copied().map(value).collect();
        Ok((items, vec![values; self.columns]))
    }
}

/// All buckets, and what they are for.
pub(super) fn run(
    s: &mut Session,
    (of, goal): (&Bucketed, Goal),
    mut own: Option<&mut dyn Portions>,
    rng: &mut Prg,
) -> Result<Outcome, SessionError> {
    let (mut rows, mut tally) = (Vec::new(), None::<Tally>);
    let one = |s: &mut Session, bucket| {
        let bucket = (usize::try_from(bucket).unwrap_or(usize::MAX), of.buckets());
        let own = own.as_mut().map(|own| own.portion(bucket)).transpose()?;
        let columns: Vec<&[u64]> =
            own.iter().flat_map(|(_, columns)| columns).map(Vec::as_slice).collect();
        let set = own.as_ref().map(|(items, _)| Set { items, columns: &columns });
        let matches = intersect_bucket(s, of, set.as_ref(), rng)?;
        match goal {
            Goal::Shares => Ok(Part::Rows(matches)),
            _ => counted(s, &matches).map(Part::Counted),
        }
    };
    let keep = |part| match (part, &mut tally) {
        (Part::Rows(of), _) => rows.push(of),
        (Part::Counted(of), Some(tally)) => tally.add(&of),
        (Part::Counted(of), none) => *none = Some(of),
    };
    s.in_units(of.buckets() as u64, itself, one, keep)?;
    let Some(tally) = tally else { return Ok(Outcome::Shares(rows)) };
    Ok(Outcome::Numbers(tally.release(s, &RULE, rng)?.open(s, TO)?))
}

/// What broke off a bucket, as the session has it.
fn itself(error: &SessionError) -> Option<&SessionError> {
    Some(error)
}

/// How many match of a bucket, and the sums of what the sender has of them.
fn counted(s: &mut Session, matches: &Matches) -> Result<Tally, SessionError> {
    let sums: Vec<&Shared<Z64>> = matches.sender.iter().filter_map(words).collect();
    let group = Bits::zeros(matches.live.rows(), 0);
    Tally::of(s, &Ask { live: &matches.live, group: &group, sums: &sums })
}

/// A value that belongs to an element: 40 bits of it.
fn value(item: u128) -> u64 {
    (item >> 88) as u64
}

pub(super) fn plain(wanted: &[u64], goal: Goal) -> Option<Cell> {
    let count = i64::try_from(wanted.len()).unwrap_or(i64::MAX);
    let sum = wanted.iter().sum::<u64>().cast_signed();
    (count >= i64::from(RULE.minimum)).then(|| Cell { count, sums: vec![sum; goal.sums()] })
}

/// Opens everything: in live rows both columns hold the value of one of the common elements, each once.
pub(super) fn right(
    s: &mut Session,
    rows: &[Matches],
    wanted: &[u64],
) -> Result<bool, SessionError> {
    let mut found = [Vec::new(), Vec::new()];
    for matches in rows {
        let mut live = matches.live.clone();
        live.clear_beyond_rows();
        let live = reveal::<B64>(s, live.planes(), OpeningKind::Result)?;
        let mut is_live = Buf::<u64>::zeroed(matches.live.rows());
        <Z64 as protocols::ring::Arithmetic>::expand(&live, &mut is_live);
        let columns = matches.receiver.iter().chain(&matches.sender).filter_map(words);
        for (column, found) in columns.zip(&mut found) {
            let column = reveal::<Z64>(s, column, OpeningKind::Result)?;
            let of = is_live.iter().zip(&column[..]).filter(|(live, _)| **live == Z64::ONE);
            found.extend(of.map(|(_, value)| *value));
        }
    }
    let mut wanted = wanted.to_vec();
    wanted.sort_unstable();
    found.iter_mut().for_each(|found| found.sort_unstable());
    Ok(found.iter().all(|found| *found == wanted))
}

fn words(column: &Column) -> Option<&Shared<Z64>> {
    match column {
        Column::Z64(words) => Some(words),
        _ => None,
    }
}
