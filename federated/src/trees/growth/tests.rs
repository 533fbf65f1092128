//! Growths over links against all rows in one place.

use std::{sync::Arc, time::Duration};

use protocols::{
    net::{Channel, memory},
    session::{Counters, Gate},
    testkit::test_prss,
};

use super::{super::*, *};
use crate::disk::DiskError;

const FEATURES: usize = 3;

/// Provider `k`'s rows: two classes that a box divides.
fn rows(seed: u64, k: usize, rows: usize) -> Rows {
    let mut key = [5; 16];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    key[8] = u8::try_from(k).unwrap();
    let words = Prg::new(&key).elements::<Z64>(rows * FEATURES);
    let values: Vec<f32> = words.iter().map(|w| (w >> 40) as f32 / 8_388_608.0 - 1.0).collect();
    let label = |row: &[f32]| f32::from(u8::from(row[0] > 0.2 && row[1] < 0.4));
    let labels = values.chunks(FEATURES).map(label).collect();
    Rows::new(FEATURES, values, labels).unwrap()
}

fn growth(providers: &[u16]) -> Growth {
    let plan = Plan {
        features: FEATURES,
        bins: 4,
        depth: 2,
        trees: 2,
        least: 2,
        rows: 4096,
        ..Plan::default()
    };
    Growth {
        setting: Setting::new(plan).unwrap(),
        grids: vec![Grid { low: -1.0, high: 1.0, buckets: 64 }; FEATURES],
        providers: providers.iter().map(|id| PartyId(*id)).collect(),
        resumed: false,
    }
}

/// How many rows a provider has: one of them none.
fn count(k: usize) -> usize {
    if k == 1 { 0 } else { 60 + 9 * k }
}

/// What the parties have at the end, and what everybody sent, in bytes and rounds.
fn over_links(seed: u64, of: &Growth) -> (Vec<Grown>, Counters, Vec<usize>) {
    let kept = |_| (Vec::new(), Box::new(NotKept) as Box<dyn Keep>);
    let (all, total, opened) = kept_over_links(seed, of, &kept);
    (all.into_iter().map(Result::unwrap).collect(), total, opened)
}

/// What a compute party has of an earlier run, and what keeps it.
type Kept<'a> = &'a (dyn Fn(Role) -> (Vec<Vec<u64>>, Box<dyn Keep>) + Sync);

/// The same, with what is kept on the way.
fn kept_over_links(
    seed: u64,
    of: &Growth,
    kept: Kept<'_>,
) -> (Vec<Result<Grown, GrowthError>>, Counters, Vec<usize>) {
    let parties = of.providers.iter().map(|id| usize::from(id.0) + 1).max().unwrap().max(3);
    let ends = memory::mesh(parties, Duration::from_secs(20)).into_iter();
    let number = |id: PartyId| of.providers.iter().position(|provider| *provider == id);
    let (mut all, mut total, mut opened) = (Vec::new(), Counters::default(), Vec::new());
    std::thread::scope(|scope| {
        let mut running = Vec::new();
        for (id, end) in (0_u16..).map(PartyId).zip(ends) {
            let mine = number(id).map(|k| (k, rows(seed, k, count(k))));
            running.push(scope.spawn(move || {
                let channel: Arc<dyn Channel> = Arc::new(end);
                let mut rng = Prg::new(&[u8::try_from(id.0).unwrap(); 16]);
                if let Some(role) = id.role() {
                    let gate = Gate::recording();
                    let mut s = Session::new(role, channel, test_prss(seed, role), gate);
                    s.enter(1);
                    let own = mine.as_ref().map(|(_, rows)| rows);
                    let (steps, mut keep) = kept(role);
                    let around = Around { steps, keep: &mut *keep, told: &mut |_| () };
                    let grown = grow(&mut s, of, own, &mut rng, around);
                    let opened = s.opened().len();
                    return (Some(grown), s.stats().total(), s.depth(), opened);
                }
                let mut wire = Wire::new(channel, Gate::recording());
                wire.enter(1);
                let (k, rows) = mine.unwrap();
                // It hears of a compute party's end by its links.
                let _ = help(&mut wire, of, (k, &rows), &mut rng);
                (None, wire.stats().total(), wire.depth(), 0)
            }));
        }
        for party in running {
            let (grown, counters, depth, gates) = party.join().unwrap();
            total.bytes += counters.bytes;
            total.messages += counters.messages;
            total.rounds = total.rounds.max(depth);
            if let Some(grown) = grown {
                all.push(grown);
                opened.push(gates);
            }
        }
    });
    (all, total, opened)
}

#[test]
fn trees_over_links_are_those_of_all_rows_in_one_place_at_the_quoted_price() {
    for (seed, cast) in (0..).zip([&[0_u16, 1, 2][..], &[0, 1], &[3, 4, 5, 6], &[5, 0, 4, 3, 2]]) {
        let of = growth(cast);
        let (parties, total, opened) = over_links(seed, &of);
        assert!(parties.iter().all(|grown| *grown == parties[0]), "seed {seed}");
        let each: Vec<Rows> = (0..cast.len()).map(|k| rows(seed, k, count(k))).collect();
        let bins = Bins::of_edges(&of.grids, &parties[0].edges).unwrap();
        let codes: Vec<u8> = each
            .iter()
            .flat_map(|rows| bins.codes(rows).rows().map(<[u8]>::to_vec).collect::<Vec<_>>())
            .flatten()
            .collect();
        let labels: Vec<f32> =
            each.iter().flat_map(|rows| (0..rows.len()).map(|at| rows.label(at))).collect();
        let codes = Codes::new(FEATURES, codes).unwrap();
        let want = central(&of.setting, codes, &labels).unwrap();
        assert_eq!(parties[0].forest, want, "seed {seed}, {cast:?}");
        assert!(want.trees[0].cuts[0][0].is_some(), "seed {seed}: it learned something");
        let mut m = Meter::new();
        m.enter(1);
        grow_cost(&mut m, &of);
        assert_eq!(total, m.total(), "measured against quoted, {cast:?}");
        assert!(opened.iter().all(|count| *count == m.openings().len()));
        // The edges, and of each tree its levels and its leaves.
        assert_eq!(m.openings().len(), 1 + 2 * 3);
    }
}

#[test]
fn a_party_that_contradicts_the_others_is_named() {
    let of = growth(&[0, 3]);
    for odd in Role::ALL {
        let ends = memory::mesh(4, Duration::from_secs(5));
        let mut ends: Vec<Arc<dyn Channel>> =
            ends.into_iter().map(|end| Arc::new(end) as Arc<dyn Channel>).collect();
        let mut guest = Wire::new(ends.pop().unwrap(), Gate::recording());
        guest.enter(1);
        let mut parties = Vec::new();
        for (role, channel) in Role::ALL.into_iter().zip(ends) {
            let mut wire = Wire::new(channel, Gate::recording());
            wire.enter(1);
            let mut edges = vec![1_u64; of.setting.candidates()];
            edges[0] = u64::from(role == odd);
            wire.send(PartyId(3), &edges).unwrap();
            // A link lasts as long as its end.
            parties.push(wire);
        }
        let mine = rows(1, 1, 10);
        let error = help(&mut guest, &of, (1, &mine), &mut Prg::new(&[1; 16])).unwrap_err();
        let GrowthError::Session(SessionError::Invalid { peer, what, .. }) = error else {
            panic!("{odd:?}: {error}")
        };
        assert_eq!((peer, what), (odd.id(), "other trees than the other parties say"));
    }
}

#[test]
fn nobody_is_blamed_where_all_three_differ() {
    let of = growth(&[0, 3]);
    let mut ends: Vec<Arc<dyn Channel>> =
        memory::mesh(4, Duration::from_secs(5)).into_iter().map(|end| Arc::new(end) as _).collect();
    let mut guest = Wire::new(ends.pop().unwrap(), Gate::recording());
    guest.enter(1);
    let mut parties = Vec::new();
    for (role, channel) in Role::ALL.into_iter().zip(ends) {
        let mut wire = Wire::new(channel, Gate::recording());
        wire.enter(1);
        wire.send(PartyId(3), &vec![role.index() as u64; of.setting.candidates()]).unwrap();
        parties.push(wire);
    }
    let error = help(&mut guest, &of, (1, &rows(1, 1, 10)), &mut Prg::new(&[1; 16])).unwrap_err();
    assert!(matches!(error, GrowthError::Contradiction), "{error}");
}

/// A record, and a crash: at so many steps, before or after the disk has it.
struct Crashing {
    record: Record,
    left: usize,
    after: bool,
}

impl Keep for Crashing {
    fn opened(&mut self, words: &[u64]) -> Result<(), DiskError> {
        self.left -= 1;
        if self.left == 0 && !self.after {
            return Err("crashed before".to_owned().into());
        }
        self.record.opened(words)?;
        if self.left == 0 { Err("crashed after".to_owned().into()) } else { Ok(()) }
    }
}

/// Runs until `who` crashes at its `call`-th step.
fn run_until(
    path: &std::path::Path,
    of: &Growth,
    (who, call, after): (Role, usize, bool),
) -> (Vec<Result<Grown, GrowthError>>, Counters, Vec<usize>) {
    let kept = |role: Role| {
        let path = path.join(role.index().to_string());
        let (record, steps) = Record::open((&path, [8; 32]), of).unwrap();
        let left = if role == who { call } else { usize::MAX };
        (steps, Box::new(Crashing { record, left, after }) as Box<dyn Keep>)
    };
    kept_over_links(2, of, &kept)
}

const NEVER: (Role, usize, bool) = (Role::P0, usize::MAX, false);

#[test]
fn a_crash_at_any_step_leads_to_the_same_trees_and_nothing_is_decided_twice() {
    let of = growth(&[0, 3, 4]);
    let resumed = Growth { resumed: true, ..of.clone() };
    let (whole, price, opened) = over_links(2, &of);
    for who in Role::ALL {
        for call in 1..=of.steps() {
            for after in [false, true] {
                let what = format!("{who:?} {call} {after}");
                let dir = tempfile::tempdir().unwrap();
                let (broken, ..) = run_until(dir.path(), &of, (who, call, after));
                assert!(broken[who.index()].is_err(), "{what}");
                if call < 4 {
                    drop(run_until(dir.path(), &resumed, (Role::P1, 1, false)));
                }
                let (ended, took, lists) = run_until(dir.path(), &resumed, NEVER);
                for grown in ended {
                    assert_eq!(grown.unwrap(), whole[0], "{what}");
                }
                assert_eq!(lists, opened, "what was opened counts as opened: {what}");
                assert!(took.bytes < price.bytes, "{what}");
                if call == of.steps() {
                    // All of it was on somebody's disk.
                    assert!(took.bytes * 50 < price.bytes, "{what}: {took:?}, {price:?}");
                }
            }
        }
    }
}

#[test]
fn going_on_with_nothing_costs_what_was_quoted() {
    let of = Growth { resumed: true, ..growth(&[0, 3, 4]) };
    let (_, total, _) = over_links(5, &of);
    let mut m = Meter::new();
    m.enter(1);
    grow_cost(&mut m, &of);
    assert_eq!(total, m.total());
}

#[test]
fn a_torn_step_is_none_and_other_growths_are_refused() {
    let of = Growth { resumed: true, ..growth(&[0, 3, 4]) };
    let dir = tempfile::tempdir().unwrap();
    let try_open = |name| Record::open((dir.path(), [name; 32]), &of);
    let open = |name| try_open(name).unwrap();
    let steps: Vec<Vec<u64>> =
        (0..3).map(|step| vec![7 + step as u64; of.step_words(step)]).collect();
    let (mut record, none) = open(1);
    assert!(none.is_empty());
    steps.iter().for_each(|words| record.opened(words).unwrap());
    drop(record);
    assert_eq!(open(1).1, steps);
    let path = dir.path().join("grown");
    let file = std::fs::File::options().write(true).open(&path).unwrap();
    file.set_len(file.metadata().unwrap().len() - 1).unwrap();
    let (mut record, kept) = open(1);
    assert_eq!(kept, steps[..2]);
    record.opened(&steps[2]).unwrap();
    drop(record);
    assert_eq!(open(1).1, steps, "and it is written behind what is whole");
    let whole = std::fs::read(&path).unwrap();
    let refused = |name| {
        let error = try_open(name).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::InvalidData, "{error}");
    };
    refused(2);
    assert_eq!(std::fs::read(&path).unwrap(), whole, "what is of another training stays");
    // A step is touched: the last one may be torn, one before it is not; nor is the label.
    for at in [0, 40] {
        let mut touched = whole.clone();
        touched[at] ^= 4;
        std::fs::write(&path, &touched).unwrap();
        refused(1);
        assert_eq!(std::fs::read(&path).unwrap(), touched, "byte {at}");
    }
    let mut torn = whole.clone();
    *torn.last_mut().unwrap() ^= 4;
    std::fs::write(&path, &torn).unwrap();
    assert_eq!(open(1).1, steps[..2]);
    for cut in [20, 40] {
        std::fs::write(&path, &whole[..cut]).unwrap();
        let (mut record, none) = open(1);
        assert!(none.is_empty(), "torn in the first step");
        record.opened(&steps[0]).unwrap();
        drop(record);
        assert_eq!(open(1).1, steps[..1]);
    }
    // The power failed in the very first write: as long as that was, and nothing of it there.
    for zeros in [32, 33, whole.len()] {
        std::fs::write(&path, vec![0; zeros]).unwrap();
        let (mut record, none) = open(1);
        assert!(none.is_empty(), "{zeros} zeros");
        record.opened(&steps[0]).unwrap();
        drop(record);
        assert_eq!(open(1).1, steps[..1]);
    }
    // What averaging keeps is not taken for a growth.
    std::fs::write(dir.path().join("state"), [1]).unwrap();
    refused(1);
    // Parties that have kept different things do not grow on.
    let kept = |role: Role| {
        let edges = vec![u64::from(role == Role::P1); of.step_words(0)];
        (vec![edges], Box::new(NotKept) as Box<dyn Keep>)
    };
    let (ended, _, opened) = kept_over_links(6, &of, &kept);
    assert!(ended.iter().all(Result::is_err), "{ended:?}");
    assert_eq!(opened, [0; 3]);
}
