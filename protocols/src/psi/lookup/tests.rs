//! The RFC's vectors, and lookups from end to end.

use std::collections::BTreeMap;

use super::{provider::evaluate, *};
use crate::{
    prg::Prg,
    session::{OpeningKind, Pair, PairCost, SessionError},
    testkit::Duo,
};

mod attempts;
mod changes;
mod landing;
mod random;
mod stored;
mod vectors;

/// A result that a test looks into, from a run that may fail with another error than the session's.
type Outcome<T> = Result<Result<T, LookupError>, SessionError>;

const BASE: Epoch = Epoch { number: 7, base: None };

/// `n` rows with labels of 12 bytes that differ.
fn rows(duo: &Duo, n: usize) -> (Vec<u128>, Vec<u8>) {
    let labels = (0..n).flat_map(|i| [&(i as u64).to_le_bytes()[..], b"name"].concat());
    (duo.words(1, n), labels.collect())
}

fn label(i: usize) -> Answer {
    Answer::Present([&(i as u64).to_le_bytes()[..], b"name"].concat())
}

fn published(duo: &Duo, n: usize) -> (Vec<u128>, Publication, EpochKey) {
    let (items, labels) = rows(duo, n);
    let rows = Rows { items: &items, labels: &labels, label_bytes: 12, withdrawn: &[] };
    let (publication, key) = publish(BASE, 1 << 16, rows, &mut duo.prg(9)).unwrap();
    (items, publication, key)
}

/// A lookup of `items` in a table by the holder of `key`.
fn look(
    duo: &Duo,
    table: &Table,
    key: &EpochKey,
    items: &[u128],
) -> (Result<Vec<Answer>, LookupError>, Ledger) {
    let run = duo.run(
        |pair, rng| {
            let mut budget = Ledger::new(1 << 20);
            let served = serve(pair, key, items.len(), "buyer", &mut budget, rng);
            Ok::<_, SessionError>((served, budget))
        },
        |pair, rng| -> Outcome<_> { Ok(look_up(pair, table, items, rng)) },
    );
    let mut quoted = PairCost::new();
    cost(&mut quoted, items.len());
    run.assert_cost(&quoted);
    let (served, budget) = run.sender;
    assert_eq!(served, Ok(()));
    assert_eq!(run.opened[0][0].kind, OpeningKind::Membership);
    assert_eq!(run.opened[0][0].count, items.len() as u64);
    (run.receiver, budget)
}

#[test]
fn present_items_have_their_labels_and_absent_ones_nothing() {
    for (seed, (n, asked)) in (0..).zip([(0, 3), (1, 1), (64, 65), (1000, 63), (5, 0)]) {
        let duo = Duo::new(seed);
        let (items, publication, key) = published(&duo, n);
        let table = publication.header.open(&publication.body).unwrap();
        let mut queries = duo.words(2, asked);
        for (query, item) in queries.iter_mut().step_by(2).zip(items.iter().rev()) {
            *query = *item;
        }
        let (answers, budget) = look(&duo, &table, &key, &queries);
        let place: BTreeMap<u128, usize> = items.iter().copied().zip(0..).collect();
        let want = queries.iter().map(|item| place.get(item).map_or(Answer::Absent, |i| label(*i)));
        assert_eq!(answers.unwrap(), want.collect::<Vec<_>>(), "seed {seed}");
        assert_eq!(budget.spent().get("buyer").copied(), Some(asked as u64));
    }
}

#[test]
fn more_queries_than_one_proof_takes() {
    let duo = Duo::new(20);
    let (items, publication, key) = published(&duo, 3);
    let table = publication.header.open(&publication.body).unwrap();
    let mut queries = duo.words(2, composite::MOST + 2);
    queries[composite::MOST + 1] = items[2];
    let (answers, _) = look(&duo, &table, &key, &queries);
    let answers = answers.unwrap();
    assert_eq!(answers.iter().filter(|answer| **answer != Answer::Absent).count(), 1);
    assert_eq!(answers.last(), Some(&label(2)));
}

#[test]
fn an_old_query_says_nothing_of_a_change() {
    let duo = Duo::new(21);
    let (items, publication, key) = published(&duo, 20);
    let epoch = Epoch { number: 8, base: Some(7) };
    let change =
        Rows { items: &items[..3], labels: &[5; 36], label_bytes: 12, withdrawn: &items[3..5] };
    let (delta, delta_key) = publish(epoch, 100, change, &mut duo.prg(10)).unwrap();
    assert_ne!(delta.header.key, publication.header.key);
    let table = delta.header.open(&delta.body).unwrap();
    // What the old key says of these items, asked before: no row of the change is found with it.
    for item in &items {
        let old = publish::function(&key, *item);
        assert_eq!(table.find(&old), Ok(Answer::Absent));
    }
    // The provider does not take a query about the change for one about the base, and the other way round.
    let run = duo.run(
        |pair, rng| Ok(serve(pair, &key, 1, "buyer", &mut Ledger::new(9), rng)),
        |pair, rng| -> Outcome<_> { Ok(look_up(pair, &table, &items[..1], rng)) },
    );
    assert_eq!(run.sender, Err(LookupError::OtherEpoch { ours: 7, theirs: 8 }));
    assert!(run.receiver.is_err());
    let (answers, _) = look(&duo, &table, &delta_key, &items[..6]);
    let mut want = vec![Answer::Present(vec![5; 12]); 3];
    want.extend([Answer::Withdrawn, Answer::Withdrawn, Answer::Absent]);
    assert_eq!(answers.unwrap(), want);
}

/// A provider that answers, with a proof, under another key than the one it published.
#[test]
fn another_key_for_one_buyer_is_noticed() {
    let duo = Duo::new(22);
    let (items, publication, _) = published(&duo, 4);
    let table = publication.header.open(&publication.body).unwrap();
    let other = EpochKey::random(BASE.number, &mut duo.prg(30));
    let run = duo.run(
        |pair, rng| Ok(serve(pair, &other, 2, "buyer", &mut Ledger::new(9), rng)),
        |pair, rng| -> Outcome<_> { Ok(look_up(pair, &table, &items[..2], rng)) },
    );
    assert_eq!(run.sender, Ok(()));
    assert!(matches!(run.receiver, Err(LookupError::Session(SessionError::Invalid { .. }))));
}

/// Each byte of an answer matters: elements and proof.
#[test]
fn a_changed_answer_is_noticed() {
    let duo = Duo::new(23);
    let (items, publication, key) = published(&duo, 4);
    let table = publication.header.open(&publication.body).unwrap();
    for at in [0, 31, 33, 64, 95, 96, 127] {
        let tampering = |pair: &mut Pair<'_>, rng: &mut Prg| {
            pair.recv_words::<u8>(8)?;
            let mut blinded = [[0; 32]; 2];
            pair.recv(blinded.as_flattened_mut())?;
            let mut answer = evaluate(&key.secret, &blinded, rng).unwrap();
            answer[at] ^= 2;
            pair.send(&answer)
        };
        let buyer = |pair: &mut Pair<'_>, rng: &mut Prg| -> Outcome<_> {
            Ok(look_up(pair, &table, &items[..2], rng))
        };
        let run = duo.run(tampering, buyer);
        let noticed =
            matches!(run.receiver, Err(LookupError::Session(SessionError::Invalid { .. })));
        assert!(noticed, "byte {at}");
    }
}

#[test]
fn queries_that_are_no_points_are_refused() {
    let duo = Duo::new(24);
    let (_, _, key) = published(&duo, 1);
    for bad in [[0; 32], [0xff; 32], [3; 32]] {
        let run = duo.run(
            |pair, rng| Ok(serve(pair, &key, 2, "buyer", &mut Ledger::new(9), rng)),
            |pair, _| {
                pair.send(&7_u64.to_le_bytes())?;
                pair.send(&[*key.public().as_bytes(), bad].concat())?;
                Ok(pair.recv_words::<u8>(128).is_err())
            },
        );
        let refused = matches!(run.sender, Err(LookupError::Session(SessionError::Invalid { .. })));
        assert!(refused && run.receiver, "{bad:?}");
    }
}

#[test]
fn a_budget_counts_over_epochs_and_before_anything_is_answered() {
    let duo = Duo::new(25);
    let (items, publication, key) = published(&duo, 4);
    let table = publication.header.open(&publication.body).unwrap();
    let mut budget = Ledger::restored(10, BTreeMap::from([("buyer".to_owned(), 8)]));
    let run = duo.run(
        |pair, rng| {
            Ok((serve(pair, &key, 3, "buyer", &mut budget, rng), pair.wire().stats().total()))
        },
        |pair, rng| -> Outcome<_> { Ok(look_up(pair, &table, &items[..3], rng)) },
    );
    let (served, sent) = run.sender;
    let refused = BudgetError::Exceeded { recipient: "buyer".to_owned(), asked: 3, left: 2 };
    assert_eq!(served, Err(LookupError::Budget(refused)));
    assert_eq!((sent.bytes, run.opened[0].len()), (0, 0), "nothing was sent, nothing opened");
    assert!(run.receiver.is_err());
    assert_eq!(budget.spent()["buyer"], 8);
    assert_eq!(budget.spend("another", 10), Ok(()));
    assert!(budget.spend("another", 1).is_err());
    assert!(budget.spend("another", u64::MAX).is_err());
}

#[test]
fn rows_that_make_no_table_are_refused() {
    let publish = |epoch, queries, rows| {
        publish(epoch, queries, rows, &mut Prg::new(&[1; 16])).map(drop).unwrap_err()
    };
    let rows = Rows { items: &[1, 2], labels: &[0; 6], label_bytes: 3, withdrawn: &[] };
    let got = publish(BASE, 1, Rows { labels: &[0; 5], ..rows });
    assert_eq!(got, PublishError::Labels { items: 2, each: 3, got: 5 });
    assert_eq!(publish(BASE, 1, Rows { items: &[1, 1], ..rows }), PublishError::Duplicate);
    assert_eq!(publish(BASE, 1, Rows { withdrawn: &[5], ..rows }), PublishError::Withdrawn);
    let change = Epoch { number: 9, base: Some(7) };
    assert_eq!(publish(change, 1, Rows { withdrawn: &[2], ..rows }), PublishError::Duplicate);
    assert_eq!(publish(BASE, u64::MAX, rows), PublishError::TooLarge);
}

#[test]
fn a_table_is_the_one_that_was_signed() {
    let duo = Duo::new(26);
    let (_, Publication { header, body }, key) = published(&duo, 100);
    let bytes = header.to_bytes();
    assert_eq!(Header::from_bytes(&bytes), Ok(header));
    assert_eq!(Header::from_bytes(&bytes[1..]), Err(TableError::Header));
    assert_eq!(Header::from_bytes(&[&bytes[..], &[0]].concat()), Err(TableError::Header));
    for at in [0, 16, 31, 39, 45 + 31] {
        let mut altered = bytes;
        altered[at] ^= 0x80;
        assert_eq!(Header::from_bytes(&altered), Err(TableError::Header), "byte {at}");
    }
    assert_eq!(
        header.open(&body[1..]).unwrap_err(),
        TableError::Length { want: body.len(), got: body.len() - 1 }
    );
    let mut altered = body.clone();
    altered[200] ^= 1;
    assert_eq!(header.open(&altered).unwrap_err(), TableError::Digest);
    let hostile = Header { rows: MOST_ROWS, label_bytes: u32::MAX, ..header };
    assert!(hostile.open(&body).is_err());
    let nonsense = vec![0; body.len()];
    let signed = Header { digest: *blake3::hash(&nonsense).as_bytes(), ..header };
    assert_eq!(signed.open(&nonsense).unwrap_err(), TableError::Tags);
    let kept = EpochKey::from_bytes(&key.to_bytes()).unwrap();
    assert_eq!((kept.number(), kept.public()), (key.number(), key.public()));
    assert!(
        EpochKey::from_bytes(&[0xff; 40]).is_none() && EpochKey::from_bytes(&[0; 40]).is_none()
    );
}

const MOST_ROWS: u64 = 1 << 40;

/// Without labels: about 42 bits a row, and as many more as the queries ask for.
#[test]
fn a_row_takes_as_many_bytes_as_is_said() {
    let header = |rows, queries| Header {
        epoch: BASE,
        rows,
        queries,
        label_bytes: 0,
        key: *EpochKey::random(1, &mut Prg::new(&[1; 16])).public(),
        digest: [0; 32],
    };
    let a_row = |header: Header| {
        let [tags, labels] = header.body_parts().unwrap();
        assert_eq!(labels, 0);
        tags as f64 / header.rows as f64
    };
    assert_eq!(header(1 << 20, 64).tag_bits(), 66);
    assert!(a_row(header(1 << 20, 64)) <= 6.0);
    assert!(a_row(header(1 << 20, 1)) <= 5.25);
    assert!(a_row(header(1 << 20, 1 << 16)) <= 7.25);
}
