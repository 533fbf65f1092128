//! What there is of a table after a fetch that broke off: what has come, of the newest publication, and nothing that is of no use.

use std::time::SystemTime;

use protocols::{
    prg::Prg,
    psi::lookup::{Epoch, PIECE_BYTES, Publication, Rows, publish},
};

use super::*;
use crate::{identity::IdentityKey, plan::Shelf as _};

const TERMS: Hash32 = Hash32([4; 32]);

fn provider() -> IdentityKey {
    IdentityKey::from_seed(&[3; 32])
}

fn of() -> Of {
    let provider_name = PartyName::try_from("employers").unwrap();
    Of { provider: provider_name, key: provider().public(), terms: TERMS }
}

/// A publication of three pieces.
fn published(number: u64) -> (Statement, Vec<u8>) {
    let (items, labels) = ([1, 2], vec![7; 2 * (PIECE_BYTES + 1)]);
    let label_bytes = u32::try_from(PIECE_BYTES).unwrap() + 1;
    let rows = Rows { items: &items, labels: &labels, label_bytes, withdrawn: &[] };
    let seed = [number.to_le_bytes()[0]; 16];
    let (made, _) = publish(Epoch { number, base: None }, 9, rows, &mut Prg::new(&seed)).unwrap();
    let Publication { header, body } = made;
    (Statement::sign(TERMS, Hash32([9; 32]), header, &provider()), body)
}

/// Has so many pieces of a publication come.
fn fetch(shelf: &Shelf, (statement, body): &(Statement, Vec<u8>), pieces: usize) {
    let mut landing = shelf.begin(0, statement).unwrap();
    body.chunks(PIECE_BYTES).take(pieces).for_each(|piece| landing.take(piece).unwrap());
    if pieces == 3 {
        assert!(landing.table().is_ok());
        shelf.keep(0, statement);
    }
}

/// Which epoch there is something of, and how many pieces; all of it where there is no number.
fn there(copies: &[TableCopy]) -> Option<(u64, Option<u64>)> {
    let copy = copies.first()?;
    let number = copy.statement()?.header.epoch.number;
    match copy {
        TableCopy::Part(_, landing) => Some((number, Some(landing.pieces()))),
        _ => Some((number, None)),
    }
}

#[test]
fn what_has_come_outlasts_the_daemon_until_it_is_whole_or_another_is_published() {
    let dir = tempfile::tempdir().unwrap();
    // As by a daemon that was started just now.
    let copy = || Fetched::new(dir.path().join("fetched")).copies(of());
    let names = || {
        let entries = fs::read_dir(dir.path().join("fetched")).unwrap();
        let ending = |path: PathBuf| path.extension().unwrap().to_string_lossy().into_owned();
        let mut names: Vec<_> = entries.map(|entry| ending(entry.unwrap().path())).collect();
        names.sort();
        names
    };
    let (first, second) = (published(5), published(6));
    let (found, shelf) = copy();
    assert_eq!(there(&found), None);
    fetch(&shelf, &first, 2);
    assert_eq!(names(), [PART]);
    let (found, shelf) = copy();
    assert_eq!(there(&found), Some((5, Some(2))));
    let Ok([TableCopy::Part(statement, mut landing)]) = <[TableCopy; 1]>::try_from(found) else {
        unreachable!()
    };
    first.1.chunks(PIECE_BYTES).skip(2).for_each(|piece| landing.take(piece).unwrap());
    assert!(landing.table().is_ok());
    shelf.keep(0, &statement);
    assert_eq!((names(), there(&copy().0)), (vec![WHOLE.to_owned()], Some((5, None))));

    // Of the next one some has come: it is the one to go on with, and the older one stays until it is whole.
    fetch(&copy().1, &second, 1);
    let (found, shelf) = copy();
    assert_eq!(there(&found), Some((6, Some(1))));
    fetch(&shelf, &second, 3);
    assert_eq!((names(), there(&copy().0)), (vec![WHOLE.to_owned()], Some((6, None))));

    // Of an older one: of no use beside it.
    fetch(&copy().1, &first, 2);
    assert_eq!(there(&copy().0), Some((6, None)));
    fetch(&copy().1, &published(7), 2);
    copy().1.discard(0);
    assert_eq!((names(), there(&copy().0)), (vec![WHOLE.to_owned()], Some((6, None))));
}

/// A change of a publication, of two pieces.
fn change(of: &Statement, number: u64) -> (Statement, Vec<u8>) {
    let (items, labels) = ([1], vec![8; PIECE_BYTES + 1]);
    let label_bytes = u32::try_from(PIECE_BYTES).unwrap() + 1;
    let rows = Rows { items: &items, labels: &labels, label_bytes, withdrawn: &[] };
    let epoch = Epoch { number, base: Some(of.header.epoch.number) };
    let seed = [number.to_le_bytes()[0]; 16];
    let (made, _) = publish(epoch, 9, rows, &mut Prg::new(&seed)).unwrap();
    (Statement::sign(TERMS, Hash32([9; 32]), made.header, &provider()), made.body)
}

/// Has so many pieces of what stands in a place come.
fn fetch_at(shelf: &Shelf, place: usize, (of, body): &(Statement, Vec<u8>), pieces: usize) {
    let mut landing = shelf.begin(place, of).unwrap();
    body.chunks(PIECE_BYTES).take(pieces).for_each(|piece| landing.take(piece).unwrap());
    if pieces == body.len().div_ceil(PIECE_BYTES) {
        assert!(landing.table().is_ok());
        shelf.keep(place, of);
    }
}

#[test]
fn changes_are_kept_behind_the_table_that_they_change_and_go_with_it() {
    let dir = tempfile::tempdir().unwrap();
    let fetched = || Fetched::new(dir.path().to_owned());
    let epochs = || {
        let copies = fetched().copies(of()).0;
        let epoch = |copy: &TableCopy| copy.statement().unwrap().header.epoch.number;
        let part = copies.iter().any(|copy| matches!(copy, TableCopy::Part(..)));
        (copies.iter().map(epoch).collect::<Vec<_>>(), part)
    };
    let whole = published(5);
    let (one, other) = (change(&whole.0, 6), change(&whole.0, 9));
    let two = change(&one.0, 7);
    let shelf = fetched().copies(of()).1;
    fetch(&shelf, &whole, 3);
    fetch_at(&shelf, 1, &one, 2);
    fetch_at(&shelf, 2, &two, 1);
    drop(shelf);
    assert_eq!(epochs(), (vec![5, 6, 7], true));
    fetch_at(&fetched().copies(of()).1, 2, &two, 2);
    assert_eq!(epochs(), (vec![5, 6, 7], false));
    // A damaged one, and those behind it, are fetched again.
    let path = place(dir.path(), &of(), (1, WHOLE));
    let good = fs::read(&path).unwrap();
    fs::write(&path, &good[1..]).unwrap();
    assert_eq!(epochs(), (vec![5], false));
    fs::write(&path, &good).unwrap();
    assert_eq!(epochs().0, [5, 6, 7]);
    // What does not change what stands before it is none.
    fs::copy(place(dir.path(), &of(), (2, WHOLE)), &path).unwrap();
    assert_eq!(epochs(), (vec![5], false));
    fs::write(&path, &good).unwrap();
    // Another change in the place of the first: what changed that one goes.
    fetch_at(&fetched().copies(of()).1, 1, &other, 2);
    assert_eq!(epochs(), (vec![5, 9], false));
    // Of a newer whole table some has come: it is the one to go on with.
    fetch(&fetched().copies(of()).1, &published(10), 1);
    assert_eq!(epochs(), (vec![10], true));
    fetch(&fetched().copies(of()).1, &published(10), 3);
    assert_eq!(epochs(), (vec![10], false));
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[test]
fn two_runs_that_fetch_the_same_do_not_write_one_file() {
    let dir = tempfile::tempdir().unwrap();
    let fetched = Fetched::new(dir.path().to_owned());
    let table = published(5);
    let (one, two) = (fetched.copies(of()).1, fetched.copies(of()).1);
    let mut landing = one.begin(0, &table.0).unwrap();
    landing.take(&table.1[..PIECE_BYTES]).unwrap();
    fetch(&two, &table, 3);
    table.1.chunks(PIECE_BYTES).skip(1).for_each(|piece| landing.take(piece).unwrap());
    assert!(landing.table().is_ok());
    one.keep(0, &table.0);
    drop((one, two));
    assert_eq!(there(&fetched.copies(of()).0), Some((5, None)));
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[test]
fn what_is_no_ones_or_damaged_or_old_is_not_gone_on_with() {
    let dir = tempfile::tempdir().unwrap();
    let fetched = Fetched::new(dir.path().to_owned());
    fetch(&fetched.copies(of()).1, &published(5), 2);
    let part = place(dir.path(), &of(), (0, PART));
    let other = Of { key: IdentityKey::from_seed(&[8; 32]).public(), ..of() };
    assert_eq!(there(&fetched.copies(other).0), None);
    assert_eq!(there(&fetched.copies(Of { terms: Hash32([1; 32]), ..of() }).0), None);
    let good = fs::read(&part).unwrap();
    let damaged = |at: usize| {
        let mut bytes = good.clone();
        bytes[at] ^= 1;
        fs::write(&part, bytes).unwrap();
        there(&fetched.copies(of()).0)
    };
    assert_eq!(damaged(40), None, "its statement");
    assert_eq!(damaged(STATEMENT_BYTES), Some((5, Some(0))));
    assert_eq!(damaged(STATEMENT_BYTES + PIECE_BYTES), Some((5, Some(1))));
    fs::write(&part, &good).unwrap();
    assert_eq!(there(&fetched.copies(of()).0), Some((5, Some(2))));
    let long_ago = SystemTime::now() - 2 * OLD;
    let ages = || File::options().write(true).open(&part).unwrap().set_modified(long_ago).unwrap();
    ages();
    let another = Of { terms: Hash32([1; 32]), ..of() };
    // A run goes on with it, and another one looks.
    let held = fetched.copies(of());
    drop(fetched.copies(another.clone()));
    assert!(part.exists());
    drop(held);
    // Whoever went on with it has written to it.
    ages();
    drop(fetched.copies(another));
    assert!(!part.exists(), "nobody does, and the daemon runs on");
    fs::write(&part, &good).unwrap();
    ages();
    assert_eq!(there(&Fetched::new(dir.path().to_owned()).copies(of()).0), None);
    assert!(!part.exists());
}
