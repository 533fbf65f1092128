//! Rows only where enough keys are common, to owners who do not compute and among three and more: all of them hear of the bit, and below
//! the least number not a byte of their exchange is sent.

use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicUsize, Ordering},
};

use protocols::{
    net::{
        Abort, ChannelError, Frame,
        record::{Direction, Recorder},
        wire_bytes,
    },
    party::PartyId,
};

use super::{
    many::{SPREAD, asked, ends, input, plain, sets},
    owners::{Left, tried_over},
    *,
};
use crate::plan::PolicyTerms;

type Ids = Vec<Option<u128>>;

/// Keys that all have, the first ones, and of each owner's own; some rows without one, some twice.
fn keys(rows: &[u64], common: u64) -> Vec<Ids> {
    let id = |key: u64| {
        let half = u128::from((key + 1).wrapping_mul(SPREAD));
        half << 64 | half
    };
    let own = |(owner, rows): (u64, &u64)| {
        let key = |row: u64| match row {
            _ if row < common => Some(id(row)),
            _ if row % 7 == 3 => None,
            _ if row % 7 == 5 => Some(id(1000 * (owner + 1) + row - 1)),
            _ => Some(id(1000 * (owner + 1) + row)),
        };
        (0..*rows).rev().map(key).collect()
    };
    (0..).zip(rows).map(own).collect()
}

/// The keys of a set as its owner shares them: each once, in the order of the ids.
fn shared(of: &LocalInput, ids: &Ids) -> EncodedInput {
    let distinct: BTreeSet<u128> =
        ids.iter().flatten().map(|id| id & u128::from(u64::MAX)).collect();
    let bound = usize::try_from(of.rows).unwrap();
    let [column] = &of.columns[..] else { panic!("so few keys have one lane: {:?}", of.columns) };
    assert_eq!(column.encoding, Encoding::KeyId { from: 0, width: 64 });
    let mut rows: Vec<u64> = distinct.iter().map(|id| u64::try_from(*id).unwrap()).collect();
    let live = (0..bound).map(|row| row < rows.len()).collect();
    rows.resize(bound, 0);
    let columns = vec![EncodedColumn::Bits { width: 64, rows }];
    EncodedInput { live, columns, home: None, own: None, lookup: None, train: None }
}

struct Case {
    plan: Plan,
    price: Quote,
    keys: Vec<Ids>,
    inputs: Vec<EncodedInput>,
}

impl Case {
    fn of(compute: [&str; 3], (rows, common): (&[u64], u64), to: &[&str], least: u32) -> Self {
        let mut spec = asked(rows.len(), to);
        spec.compute = compute.map(|name| name.try_into().unwrap()).into();
        let policy = PolicyTerms { min_intersection: least, ..terms("employers.set", 0) };
        let plan = compile(&spec, &sets(rows), &[policy]).unwrap().plan;
        let price = quote(&plan, &check(&plan).unwrap(), Profile::LAN).unwrap();
        let keys = keys(rows, common);
        let own = keys.iter().map(|ids| input(ids));
        let twins = plan.inputs[rows.len()..].iter().zip(&keys);
        let inputs = own.chain(twins.map(|(of, ids)| shared(of, ids))).collect();
        Self { plan, price, keys, inputs }
    }

    fn run(&self, ends: Vec<Arc<dyn Channel>>) -> Vec<Result<Left, ExecError>> {
        tried_over(&self.plan, &self.inputs, &self.price, ends, 1)
    }

    fn required(&self) -> usize {
        self.plan.nodes.iter().position(|op| matches!(op, Op::Require(_))).unwrap()
    }
}

type Recorded = Arc<Recorder<MemoryChannel>>;

fn recorders(plan: &Plan) -> Vec<Recorded> {
    ends(plan).into_iter().map(|end| Arc::new(Recorder::new(end))).collect()
}

fn over(recorders: &[Recorded]) -> Vec<Arc<dyn Channel>> {
    recorders.iter().map(|end| Arc::clone(end) as Arc<dyn Channel>).collect()
}

/// Its inputs among them.
fn sent(end: &Recorded) -> u64 {
    let to = end.shape().into_iter().filter(|(direction, _)| matches!(direction, Direction::To(_)));
    to.flat_map(|(_, entries)| entries).map(|entry| wire_bytes(entry.len)).sum()
}

fn channels(plan: &Plan) -> Vec<Arc<dyn Channel>> {
    ends(plan).into_iter().map(|end| Arc::new(end) as Arc<dyn Channel>).collect()
}

const INSIDE: [&str; 3] = ["neutral", "census", "employers"];
const HALF: [&str; 3] = ["bank", "employers", "neutral"];
const NONE: [&str; 3] = ["bank", "court", "broker"];

#[test]
fn rows_are_shown_to_whoever_owns_sets_from_the_least_number_of_common_keys_on() {
    let cases: [([&str; 3], &[u64], &[&str]); 6] = [
        (HALF, &[60, 65], &["census"]),
        (HALF, &[65, 60], &["census", "employers"]),
        (NONE, &[64, 63], &["employers"]),
        (INSIDE, &[64, 65, 63], &["neutral"]),
        (HALF, &[64, 65, 63], &["census", "employers", "neutral"]),
        (NONE, &[64, 63, 65, 64], &["clinic"]),
    ];
    for (compute, rows, to) in cases {
        for common in [0, 1, 9] {
            let what = format!("{compute:?} compute, {rows:?} rows for {to:?}, {common} common");
            let enough =
                Case::of(compute, (rows, common), to, 1.max(u32::try_from(common).unwrap()));
            if common > 0 {
                let recorders = recorders(&enough.plan);
                let left = enough.run(over(&recorders));
                let left: Vec<_> = left.into_iter().map(Result::unwrap).collect();
                let found: Vec<_> = left.iter().flat_map(|(found, ..)| found).collect();
                assert_eq!(found.len(), to.len(), "{what}");
                for found in found {
                    let own = found.input as usize;
                    assert!(to.contains(&enough.plan.inputs[own].party.as_str()), "{what}");
                    assert_eq!(found.matched, plain(&enough.keys, own), "{what}");
                }
                let computing: u64 = left[..3].iter().map(|(_, _, bytes, _)| bytes).sum();
                let outside: u64 = recorders[3..].iter().map(sent).sum();
                assert_eq!(computing + outside, enough.price.total.bytes, "{what}");
                let depth = left.iter().map(|(.., depth)| *depth).max();
                assert_eq!(depth, Some(enough.price.total.rounds), "{what}");
            }
            let few = Case::of(compute, (rows, common), to, u32::try_from(common).unwrap() + 1);
            let required = few.required();
            let shown = |op: &Op| matches!(op, Op::Match(_) | Op::Many(_));
            assert!(few.plan.nodes.iter().position(shown).unwrap() > required, "{what}");
            let recorders = recorders(&few.plan);
            for ended in few.run(over(&recorders)) {
                assert_eq!(ended.map(drop), Err(ExecError::TooFew), "{what}");
            }
            for entry in recorders.iter().flat_map(|end| end.shape().into_values().flatten()) {
                assert!(entry.tag.path <= step_of(required), "{what}: {entry:?}");
            }
        }
    }
}

/// One that tells owners who do not compute the other bit.
struct Lies(Arc<dyn Channel>, u64);

impl Channel for Lies {
    fn me(&self) -> PartyId {
        self.0.me()
    }

    fn send(&self, to: PartyId, frame: Frame) -> Result<(), ChannelError> {
        let Frame { tag, depth, mut body } = frame;
        if tag.path == self.1 && to.role().is_none() {
            body[0] ^= 1;
        }
        self.0.send(to, Frame { tag, depth, body })
    }

    fn recv(&self, from: PartyId) -> Result<Frame, ChannelError> {
        self.0.recv(from)
    }

    fn abort(&self, abort: Abort) {
        self.0.abort(abort);
    }
}

#[test]
fn an_owner_goes_on_only_where_all_three_say_the_same() {
    for (common, least, liar) in [(1, 3, 0), (3, 3, 1), (1, 3, 2)] {
        let case = Case::of(HALF, (&[9, 9], common), &["census"], least);
        let mut ends = channels(&case.plan);
        ends[liar] = Arc::new(Lies(Arc::clone(&ends[liar]), step_of(case.required())));
        let mut left = case.run(ends);
        let outside = left.pop().unwrap();
        let session = outside.as_ref().unwrap_err().of_session();
        assert!(matches!(session, Some(SessionError::Inconsistent { .. })), "{liar}: {outside:?}");
        assert!(left.into_iter().all(|ended| ended.is_err()), "{liar} lies");
    }
}

/// One that counts how often it says that it is at work.
struct Works(Arc<dyn Channel>, AtomicUsize);

impl Channel for Works {
    fn me(&self) -> PartyId {
        self.0.me()
    }

    fn send(&self, to: PartyId, frame: Frame) -> Result<(), ChannelError> {
        self.0.send(to, frame)
    }

    fn recv(&self, from: PartyId) -> Result<Frame, ChannelError> {
        self.0.recv(from)
    }

    fn working(&self) {
        self.1.fetch_add(1, Ordering::Relaxed);
    }

    fn abort(&self, abort: Abort) {
        self.0.abort(abort);
    }
}

/// A join may take longer than an owner waits for a sign of life.
#[test]
fn owners_who_wait_for_the_bit_hear_that_the_keys_are_being_counted() {
    let case = Case::of(HALF, (&[9, 9], 1), &["census"], 3);
    let works = |end| Arc::new(Works(end, AtomicUsize::new(0)));
    let ends: Vec<_> = channels(&case.plan).into_iter().map(works).collect();
    case.run(ends.iter().map(|end| Arc::clone(end) as Arc<dyn Channel>).collect());
    for end in &ends[..3] {
        // Each operation, and the digits that a join sorts by.
        let signs = end.1.load(Ordering::Relaxed);
        assert!(signs > case.required() + 4, "{}: {signs}", end.me());
    }
}
