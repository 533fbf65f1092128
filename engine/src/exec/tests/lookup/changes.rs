//! Tables and the changes of them: what was said last counts, at the price that is quoted for as many as there are, and a provider
//! whose changes are none is refused.

use protocols::{psi::lookup, session::OpeningKind, testkit::Duo};

use super::*;
use crate::{
    exec::{
        lookup::{Shape as Lookups, ask},
        tables_left,
    },
    plan::{MOST_CHANGES, STATEMENT_BYTES},
};

const CHANGE: u64 = 1024;

/// A plan whose provider publishes changes.
fn changing() -> Plan {
    let mut plan = compiled();
    plan.inputs[1].rows = 4 * CHANGE;
    let of = plan.nodes.iter_mut().find_map(|op| match op {
        Op::Lookup(of) => Some(of),
        _ => None,
    });
    of.unwrap().changes = Some(CHANGE);
    check(&plan).unwrap();
    plan
}

fn said(mark: u8) -> Vec<u8> {
    vec![1, mark, 0, 0, 0]
}

/// What goes into a publication: these ids with this mark, and those that are gone.
type Goes<'r> = (&'r [u128], u8, &'r [u128]);

fn layer(plan: &Plan, epoch: Epoch, salt: u8, (ids, mark, gone): Goes<'_>) -> Layer {
    let of = lookup_of(plan);
    let place = usize::from(epoch.base.is_some());
    let bound = usize::try_from(of.rows_of(plan, place).unwrap()).unwrap() - gone.len();
    let invented = (0..).map(|i| u128::MAX - i);
    let items: Vec<u128> = ids.iter().copied().chain(invented).take(bound).collect();
    let (label_bytes, labels) = (of.label_bytes(), said(mark).repeat(items.len()));
    let rows = Rows { items: &items, labels: &labels, label_bytes, withdrawn: gone };
    let seed = [u8::try_from(epoch.number % 251).unwrap() ^ salt; 16];
    let (made, key) = publish(epoch, of.queries, rows, &mut Prg::new(&seed)).unwrap();
    let statement = Statement::sign(of.terms(plan), Hash32([salt; 32]), made.header, &provider());
    Layer { statement, key, body: Box::new(made.body) }
}

/// A whole table of ids from 1000 on, and so many changes of it: each has another label for two ids, takes one away, and brings a new one.
fn chain(plan: &Plan, changes: u64, first: u64, salt: u8) -> Vec<Layer> {
    let ids: Vec<u128> = (1000..1040).collect();
    let whole = Epoch { number: first, base: None };
    let mut layers = vec![layer(plan, whole, salt, (&ids, 9, &[]))];
    for at in 1..=changes {
        let epoch = Epoch { number: first + at, base: Some(first + at - 1) };
        let id = 1000 + 2 * u128::from(at);
        let mark = u8::try_from(at).unwrap();
        layers.push(layer(plan, epoch, salt, (&[id, id + 1, 2000 + id], mark, &[id + 2])));
    }
    layers
}

/// What a chain of so many changes says of the keys from 1000 on.
fn want(changes: u64, key: u128) -> Option<Vec<u8>> {
    let mut says = (1000..1040).contains(&key).then(|| said(9));
    for at in 1..=changes {
        let id = 1000 + 2 * u128::from(at);
        if [id, id + 1, 2000 + id].contains(&key) {
            says = Some(said(u8::try_from(at).unwrap()));
        } else if key == id + 2 {
            says = None;
        }
    }
    says
}

#[test]
fn what_was_said_last_counts_and_only_what_is_new_is_fetched() {
    let plan = changing();
    let of = lookup_of(&plan);
    let price = quote(&plan, &check(&plan).unwrap(), Profile::LAN).unwrap();
    let most = tables_left(&plan, of, 1 + MOST_CHANGES, 0).unwrap();
    assert_eq!(price.tables.bytes, most);
    let keys: Vec<Option<u128>> = (1000..1030).chain(3000..3030).chain([77]).map(Some).collect();
    let mut pieces = 0;
    let kept = Kept::default();
    for changes in 0..=MOST_CHANGES as u64 {
        let answers = Answers { layers: chain(&plan, changes, 7, 3) };
        let ended = run_ends(&plan, &ends(&keys, &kept, answers)).0.map(Result::unwrap);
        let bytes: u64 = ended.iter().map(|party| party.total.bytes).sum();
        let rounds = ended.iter().map(|party| party.depth).max();
        let count = usize::try_from(changes).unwrap() + 1;
        let more = tables_left(&plan, of, count, pieces).unwrap();
        assert_eq!((bytes, rounds), (price.total.bytes + more, Some(price.total.rounds)));
        // One query a key, however many tables there are.
        let opened: u64 = ended[1]
            .opened
            .iter()
            .filter(|opening| opening.kind == OpeningKind::Membership)
            .map(|opening| opening.count)
            .sum();
        assert_eq!(opened, ASKS);
        let labels = &ended[0].result.looked_up[0].labels;
        let all = labels.read(0, keys.len()).unwrap();
        for ((row, key), label) in (0..).zip(&keys).zip(all.chunks_exact(5)) {
            let found = labels.has(row).then(|| label.to_vec());
            assert_eq!(found, want(changes, key.unwrap()), "{key:?} after {changes} changes");
        }
        pieces +=
            if changes == 0 { of.table_bytes(&plan).unwrap().div_ceil(PIECE_BYTES) } else { 1 };
        assert_eq!(kept.copies().len(), count);
    }
    assert!(tables_left(&plan, of, 1, pieces).is_none(), "fewer tables have fewer pieces");
}

#[test]
fn what_is_asked_and_found_shows_in_no_message_however_many_changes_there_are() {
    let plan = changing();
    let view = |keys: &[Option<u128>]| {
        let answers = Answers { layers: chain(&plan, 2, 7, 3) };
        let (ended, views) = run_ends(&plan, &ends(keys, &Kept::default(), answers));
        assert!(ended.iter().all(Result::is_ok));
        views
    };
    let changed: Vec<_> = (1000..1070).map(Some).collect();
    assert_eq!(view(&[]), view(&changed));
}

/// What a hostile provider says: that so many publications there are, which of its own they are, and the tables.
fn hears(plan: &Plan, kept: &Kept, count: u64, said: &[Layer]) -> ExecError {
    let shape = Lookups::new(plan, lookup_of(plan)).unwrap();
    let asks = ends(&[Some(1002)], kept, Answers { layers: Vec::new() }).into_iter().next();
    let Some(LookupEnd::Asks(end)) = asks.unwrap().lookup else { unreachable!() };
    let run = Duo::new(5).run(
        |pair, rng| Ok(ask(pair, &shape, &end, rng).err()),
        |pair, _| {
            pair.recv_words::<u8>(40 * (1 + MOST_CHANGES))?;
            pair.send(&[count])?;
            let statements: Vec<_> =
                said.iter().flat_map(|layer| layer.statement.to_bytes()).collect();
            // Who refuses hears no more, be it of the tables or of what is said of them.
            let mut tables = said.iter();
            let heard = pair.send(&statements).is_ok()
                && tables.all(|layer| lookup::send_table(pair, &*layer.body, 0).is_ok());
            Ok(heard)
        },
    );
    run.sender.unwrap()
}

fn refused(error: &ExecError, words: &str) {
    assert!(matches!(error, ExecError::Session(SessionError::Invalid { .. })), "{error}");
    assert!(error.to_string().contains(words), "{words}: {error}");
}

#[test]
fn changes_that_are_none_are_refused() {
    let plan = changing();
    let none = Kept::default();
    assert_eq!(chain(&plan, 1, 7, 3)[1].statement.to_bytes().len(), STATEMENT_BYTES);
    let hears = |count: u64, said: &[Layer]| hears(&plan, &none, count, said);
    for count in [0, 6, u64::MAX] {
        refused(&hears(count, &chain(&plan, 0, 7, 3)), "more changes of its table than");
    }
    let other = "a change of another publication than the one it stands behind";
    // Of another table; of this table under another salt; left out; twice; the other way round.
    let mixed = |whole: u64, salt: u8, from: usize| {
        let mut layers = chain(&plan, 0, whole, salt);
        layers.extend(chain(&plan, 2, 7, 3).into_iter().skip(from));
        layers
    };
    refused(&hears(3, &mixed(6, 3, 1)), other);
    refused(&hears(3, &mixed(7, 4, 1)), other);
    refused(&hears(2, &mixed(7, 3, 2)), other);
    let mut layers = chain(&plan, 2, 7, 3);
    layers.swap(1, 2);
    refused(&hears(3, &layers), other);
    layers.swap(0, 1);
    refused(&hears(3, &layers), "a publication of other columns, rows or queries");
    // A whole table behind a whole one.
    let twice = vec![chain(&plan, 0, 7, 3).remove(0), chain(&plan, 0, 8, 3).remove(0)];
    refused(&hears(2, &twice), "a publication of other columns, rows or queries");
    // Signed by somebody else.
    let mut signed = chain(&plan, 1, 7, 3);
    let Statement { terms, salt, header, .. } = signed[1].statement.clone();
    signed[1].statement = Statement::sign(terms, salt, header, &IdentityKey::from_seed(&[8; 32]));
    refused(&hears(2, &signed), "not signed with the key");
}

#[test]
fn a_chain_that_is_older_than_what_was_heard_of_is_refused() {
    let plan = changing();
    let (kept, keys) = (Kept::default(), [Some(1002)]);
    let looks = |layers: Vec<Layer>| {
        let [asks, ..] = run_ends(&plan, &ends(&keys, &kept, Answers { layers })).0;
        asks.map(|ended| ended.result.looked_up[0].labels.has(0))
    };
    assert!(looks(chain(&plan, 2, 7, 3)).unwrap());
    let older = "an older publication than one that it has told of before";
    for changes in [0, 1] {
        refused(&looks(chain(&plan, changes, 7, 3)).unwrap_err(), older);
    }
    assert!(looks(chain(&plan, 2, 7, 3)).unwrap(), "what it had of the newer one is there");
    assert_eq!(kept.copies().len(), 3);
    // A newer whole one takes the place of all.
    assert!(looks(chain(&plan, 0, 10, 4)).unwrap());
    assert_eq!(kept.copies().len(), 1);
    refused(&looks(chain(&plan, 2, 7, 3)).unwrap_err(), older);
}
