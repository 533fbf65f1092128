//! Tables that are not kept in memory: read in batches, read again, and found out when they are no longer the same.

use std::fs;

use datafusion::arrow::array::{Int64Array, StringArray};

use super::*;
use crate::catalog::{Limits, Table};

/// Rows of a batch.
const BATCH: usize = 16 << 10;

/// Nothing of a table stays in memory.
fn none_held() -> Limits {
    Limits { table_bytes: 0, check_bytes: 0, ..Limits::default() }
}

fn streamed(config: DatasetConfig) -> Result<Catalog, CatalogError> {
    Catalog::open_within(&none_held(), &census(), vec![config])
}

fn promised() -> Vec<ColumnConfig> {
    let range = (Some(Bound::Integer(-5)), Some(Bound::Integer(1_000_000)));
    vec![
        ColumnConfig { unique: true, ..column("id", Some(ColumnType::Int64)) },
        ColumnConfig { min: range.0, max: range.1, ..column("n", Some(ColumnType::Int64)) },
        ColumnConfig {
            nullable: true,
            domain: Some(vec!["a".into(), "b".into()]),
            ..column("t", Some(ColumnType::String))
        },
    ]
}

fn cells_of(row: usize) -> [String; 3] {
    [(row * 3).to_string(), (row % 1000).to_string(), ["a", "b", ""][row % 3].to_owned()]
}

fn lines(rows: usize) -> Vec<String> {
    (0..rows).map(|row| cells_of(row).join(",")).collect()
}

fn text(lines: &[String]) -> String {
    let mut text = String::from("id,n,t\n");
    lines.iter().for_each(|line| text.extend([line.as_str(), "\n"]));
    text
}

/// The same rows as Parquet, its columns in another order.
fn same_as_parquet(rows: usize) -> Vec<u8> {
    let number = |row: usize| i64::try_from(row).unwrap();
    let t = (0..rows).map(|row| Some(["a", "b"].get(row % 3)?.to_owned()));
    parquet(vec![
        ("t", Arc::new(t.collect::<StringArray>())),
        ("id", Arc::new(Int64Array::from_iter_values((0..rows).map(|row| number(row * 3))))),
        ("n", Arc::new(Int64Array::from_iter_values((0..rows).map(|row| number(row % 1000))))),
    ])
}

/// The commitment, written down once more without batches.
fn committed(rows: usize, salt: u8) -> Hash32 {
    let integer = |value: usize| {
        let value = (value as u64).to_le_bytes();
        [&[1][..], &value].concat()
    };
    let word = |t: &str| {
        let length = (t.len() as u64).to_le_bytes();
        [&[u8::from(!t.is_empty())][..], &length, t.as_bytes()].concat()
    };
    let hashed = |values: Vec<Vec<u8>>| {
        let bytes = [&b"unseen.column/v1\0"[..], &values.concat()].concat();
        *blake3::hash(&bytes).as_bytes()
    };
    let named = |name: &str| [&(name.len() as u64).to_le_bytes()[..], name.as_bytes()].concat();
    let columns = [
        ("id", "Int64", hashed((0..rows).map(|row| integer(row * 3)).collect())),
        ("n", "Int64", hashed((0..rows).map(|row| integer(row % 1000)).collect())),
        ("t", "Utf8", hashed((0..rows).map(|row| word(["a", "b", ""][row % 3])).collect())),
    ];
    let mut bytes = [&b"unseen.input/v2\0"[..], &[salt; 32], &named("census.people")].concat();
    bytes.extend(3_u64.to_le_bytes());
    bytes.extend((rows as u64).to_le_bytes());
    for (name, ty, hash) in columns {
        bytes.extend([named(name), named(ty), hash.to_vec()].concat());
    }
    Hash32(*blake3::hash(&bytes).as_bytes())
}

#[test]
fn however_a_table_is_held_it_has_the_same_rows_and_one_commitment() {
    for rows in [0, 1, 2, BATCH - 1, BATCH, BATCH + 1, 2 * BATCH + 1] {
        let csv = || csv(&text(&lines(rows)), promised());
        let parquet = || bytes("people.parquet", &same_as_parquet(rows), promised());
        let held = open(csv()).unwrap();
        let want = held.table("people").unwrap().held().unwrap().clone();
        assert_eq!(want.num_rows(), rows);
        let commitment = committed(rows, 7);
        assert_eq!(held.commit("people", &[7; 32]).unwrap(), commitment, "{rows}");
        for catalog in [streamed(csv()), open(parquet()), streamed(parquet())] {
            let catalog = catalog.unwrap();
            assert_eq!(catalog.descriptor("people").unwrap(), held.descriptor("people").unwrap());
            assert_eq!(catalog.table("people").unwrap().collect().unwrap(), want, "{rows}");
            assert_eq!(catalog.commit("people", &[7; 32]).unwrap(), commitment, "{rows}");
            assert_ne!(catalog.commit("people", &[8; 32]).unwrap(), commitment, "{rows}");
        }
    }
}

#[test]
fn what_jobs_are_committed_to_stays_what_it_is() {
    let catalog = open(csv(&text(&lines(1000)), promised())).unwrap();
    let golden = "24470e6ed44e5627eb2d4ddf00443a4b1853074fc0e22c0943e084163ddd19d4";
    assert_eq!(catalog.commit("people", &[7; 32]).unwrap().to_string(), golden);
}

#[test]
fn only_what_exceeds_the_bound_is_read_again() {
    let open = |table_bytes| {
        let limits = Limits { table_bytes, ..Limits::default() };
        let config = csv(&text(&lines(2 * BATCH)), promised());
        Catalog::open_within(&limits, &census(), vec![config]).unwrap()
    };
    let is_held = |catalog: &Catalog| catalog.table("people").unwrap().held().is_some();
    assert!(is_held(&open(64 << 20)));
    // One batch of three columns fits, the second does not.
    assert!(!is_held(&open(400 << 10)));
    assert!(!is_held(&open(0)));
}

#[test]
fn a_reading_has_the_columns_that_are_asked_for_in_their_order() {
    let catalog = streamed(csv(&text(&lines(BATCH + 7)), promised())).unwrap();
    let table = catalog.table("people").unwrap();
    let all = table.collect().unwrap();
    for columns in [&[2, 0][..], &[1], &[0, 1, 2], &[]] {
        let reading = table.read(columns).unwrap();
        let names: Vec<_> = reading.schema().fields().iter().map(|f| f.name().clone()).collect();
        assert_eq!(names, columns.iter().map(|at| ["id", "n", "t"][*at]).collect::<Vec<_>>());
        let batches: Vec<_> = reading.map(Result::unwrap).collect();
        assert_eq!(batches.iter().map(RecordBatch::num_rows).sum::<usize>(), BATCH + 7);
        let first = batches[0].num_rows();
        assert_eq!(batches[0], all.project(columns).unwrap().slice(0, first));
    }
    assert!(matches!(table.read(&[3]), Err(CatalogError::Dataset { .. })));
}

#[test]
fn promises_are_held_to_in_the_last_batch_and_across_batches() {
    const ROWS: usize = 2 * BATCH + 5;
    let row = ROWS as u64;
    let cases = [
        ("6,x,a", "n", None),
        ("9000000,1000001,a", "n", Some(Broken::Range)),
        ("9000000,1,c", "t", Some(Broken::Domain)),
        ("9000000,,a", "n", Some(Broken::Null)),
        (",1,a", "id", Some(Broken::NullKey)),
        // The first row's, the one's before, and one of the batch between.
        ("0,1,a", "id", Some(Broken::Duplicate)),
        ("98313,1,a", "id", Some(Broken::Duplicate)),
        ("60000,1,a", "id", Some(Broken::Duplicate)),
    ];
    for (line, broken_column, broken) in cases {
        let mut lines = lines(ROWS);
        lines[ROWS - 1] = line.to_owned();
        // A cell of two lines shifts those behind it.
        lines[3] = "9,3,\"a\"".to_owned();
        for open in [open, streamed] {
            let found = open(csv(&text(&lines), promised()));
            match (found, broken) {
                (Err(CatalogError::Value { row: at, column, what, .. }), Some(broken)) => {
                    assert_eq!((at, column.as_str(), what), (row, broken_column, broken), "{line}");
                }
                (Err(CatalogError::Cell { line: at, column, .. }), None) => {
                    assert_eq!((at, column.as_str()), (row + 1, broken_column), "{line}");
                }
                (found, _) => panic!("{line}: {found:?}"),
            }
        }
    }
    // Of many that repeat another the first is told.
    let mut lines = lines(ROWS);
    lines[BATCH + 9] = lines[4].clone();
    lines[ROWS - 1] = lines[5].clone();
    let found = streamed(csv(&text(&lines), promised()));
    assert!(matches!(found, Err(CatalogError::Value { row, .. }) if row == BATCH as u64 + 10));
    let small = DatasetConfig { rows_max: Some(row - 1), ..csv(&text(&lines), promised()) };
    assert!(matches!(streamed(small), Err(CatalogError::Rows { .. })));
}

#[test]
fn lines_are_counted_with_the_breaks_inside_cells_of_all_columns() {
    let mut text = String::from("note,id\n");
    (0..BATCH + 3).for_each(|row| text.push_str(&format!("\"x\ny\",{row}\n")));
    text.push_str("\"x\ny\",z\n");
    let error = streamed(csv(&text, vec![column("id", Some(ColumnType::Int64))])).unwrap_err();
    let line = 2 * (BATCH as u64 + 3) + 2;
    assert!(matches!(error, CatalogError::Cell { line: at, .. } if at == line), "{error}");
}

#[test]
fn types_are_found_over_all_batches() {
    let mut text = String::from("a,b,c\n");
    (0..=BATCH).for_each(|row| text.push_str(&format!("{row},2020-01-01,true\n")));
    let ty = |text: &str| {
        let catalog = streamed(csv(text, vec![])).unwrap();
        let columns = &catalog.descriptor("people").unwrap().columns;
        columns.iter().map(|column| column.ty).collect::<Vec<_>>()
    };
    assert_eq!(ty(&text), [ColumnType::Int64, ColumnType::Date, ColumnType::Bool]);
    let last = format!("{text}x,noon,no\n");
    assert_eq!(ty(&last), [ColumnType::String; 3]);
    let fraction = streamed(csv(&format!("{text}1.5,2020-01-01,true\n"), vec![])).unwrap_err();
    assert!(fraction.to_string().contains("Float64"), "{fraction}");
}

/// A catalog of one file, and its table.
fn stored(name: &str, content: &[u8], limits: &Limits) -> (tempfile::TempDir, PathBuf, Table) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(name);
    fs::write(&path, content).unwrap();
    let source = Source::Path(path.clone());
    let config = DatasetConfig { source, ..csv("", promised()) };
    let catalog = Catalog::open_within(limits, &census(), vec![config]).unwrap();
    (dir, path, catalog.table("people").unwrap().clone())
}

fn is_changed(read: Result<RecordBatch, CatalogError>) {
    let error = read.unwrap_err();
    assert!(matches!(&error, CatalogError::Changed { dataset } if dataset == "people"), "{error}");
}

#[test]
fn a_file_that_changed_since_it_was_opened_is_found_out() {
    const ROWS: usize = BATCH + 5;
    let lines = lines(ROWS);
    let (_dir, path, table) = stored("t.csv", text(&lines).as_bytes(), &none_held());
    assert!(table.collect().is_ok());
    let with = |at: usize, line: &str| {
        let mut lines = lines.clone();
        lines[at] = line.to_owned();
        text(&lines)
    };
    let mut more = lines.clone();
    more.push("9000000,1,a".to_owned());
    let mut swapped = lines.clone();
    swapped.swap(7, 8);
    let changed = [
        // Values that keep every promise, and some that keep none.
        with(ROWS - 1, "9000000,1,a"),
        with(0, "0,0,"),
        with(0, "0,0,zzz"),
        with(3, "9,x,a"),
        text(&more),
        text(&lines[..ROWS - 1]),
        text(&lines[..1]),
        text(&swapped),
        text(&lines).replacen("id,n,t", "id,n,u", 1),
        text(&lines)[..text(&lines).len() / 2].to_owned(),
        "id,n\n1,2\n".to_owned(),
        String::new(),
    ];
    for content in &changed {
        fs::write(&path, content).unwrap();
        is_changed(table.collect());
    }
    // The same rows spelled in another way are the same rows.
    let spelled = with(3, "+9,003,\"a\"").replacen("id,n,t", " id ,n,t", 1);
    let before = with(3, "9,3,a");
    let (_other, path, other) = stored("t.csv", before.as_bytes(), &none_held());
    let want = other.collect().unwrap();
    fs::write(&path, spelled).unwrap();
    assert_eq!(other.collect().unwrap(), want);
    fs::remove_file(&path).unwrap();
    is_changed(other.collect());
}

#[test]
fn a_parquet_file_that_is_replaced_is_found_out_and_a_small_table_does_not_care() {
    const ROWS: usize = BATCH + 5;
    let content = same_as_parquet(ROWS);
    let (dir, path, table) = stored("t.parquet", &content, &none_held());
    let replace = |content: &[u8]| {
        let other = dir.path().join("other");
        fs::write(&other, content).unwrap();
        fs::rename(other, &path).unwrap();
    };
    for other in [
        same_as_parquet(ROWS - 1),
        same_as_parquet(ROWS + 1),
        content[..content.len() - 9].to_vec(),
        content[9..].to_vec(),
        Vec::new(),
        parquet(vec![
            ("id", Arc::new(Int64Array::from(vec![1]))),
            ("n", Arc::new(Int64Array::from(vec![1]))),
        ]),
    ] {
        replace(&other);
        is_changed(table.collect());
    }
    replace(&content);
    let want = table.collect().unwrap();
    let (_dir, path, held) = stored("t.parquet", &content, &Limits::default());
    fs::write(path, "").unwrap();
    assert_eq!(held.collect().unwrap(), want);
}

#[test]
fn a_file_replaced_while_it_is_read_gives_no_other_rows() {
    const ROWS: usize = 3 * BATCH;
    let (dir, path, table) = stored("t.csv", text(&lines(ROWS)).as_bytes(), &none_held());
    let mut reading = table.read(&[0]).unwrap();
    let first = reading.next().unwrap().unwrap();
    let other = dir.path().join("other");
    fs::write(&other, "id,n,t\n1,1,a\n").unwrap();
    fs::rename(other, &path).unwrap();
    let rest: usize = reading.map(|batch| batch.unwrap().num_rows()).sum();
    assert_eq!(first.num_rows() + rest, ROWS);
    is_changed(table.collect());
}

#[test]
fn no_place_for_what_a_check_takes_is_told() {
    // The blocks that are being filled hold some 700,000 ids: fewer never reach the disk.
    let mut text = String::from("id\n");
    (0..800_000).for_each(|row| text.push_str(&format!("{row}\n")));
    let id = ColumnConfig { unique: true, ..column("id", Some(ColumnType::Int64)) };
    let limits = Limits { scratch: "/nowhere/at/all".into(), ..none_held() };
    let error = Catalog::open_within(&limits, &census(), vec![csv(&text, vec![id])]).unwrap_err();
    assert!(matches!(error, CatalogError::Scratch { .. }), "{error}");
    assert!(error.to_string().contains("/nowhere/at/all"), "{error}");
}
