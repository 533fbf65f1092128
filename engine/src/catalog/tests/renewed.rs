//! Files that change while a catalog is in use: taken anew, refused, taken once they are mended; small tables and large ones alike.

use std::{fs, path::Path};

use super::*;
use crate::catalog::{Limits, Table};

/// A table in memory, and one that is read from its file.
fn limits() -> [Limits; 2] {
    [Limits::default(), Limits { table_bytes: 0, check_bytes: 0, ..Limits::default() }]
}

fn text(rows: u32) -> String {
    (0..rows).fold("id,n\n".to_owned(), |text, row| text + &format!("{row},{}\n", row % 9))
}

fn config(path: &Path, rows_max: Option<u64>) -> DatasetConfig {
    let columns = vec![
        ColumnConfig { unique: true, ..column("id", Some(ColumnType::Int64)) },
        ColumnConfig {
            min: Some(Bound::Integer(0)),
            max: Some(Bound::Integer(8)),
            ..column("n", Some(ColumnType::Int64))
        },
    ];
    DatasetConfig { source: Source::Path(path.to_owned()), rows_max, ..csv("", columns) }
}

/// A catalog of a file of so many rows.
fn stored(
    limits: &Limits,
    rows: u32,
    rows_max: Option<u64>,
) -> (tempfile::TempDir, PathBuf, Catalog) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("t.csv");
    fs::write(&path, text(rows)).unwrap();
    let configs = vec![config(&path, rows_max)];
    let catalog = Catalog::open_within(limits, &census(), configs).unwrap();
    (dir, path, catalog)
}

/// Puts another file in a file's place, so that it is another one whatever the clock says.
fn replace(path: &Path, text: &str) {
    let other = path.with_extension("other");
    fs::write(&other, text).unwrap();
    fs::rename(other, path).unwrap();
}

fn rows(table: &Table) -> usize {
    table.collect().unwrap().num_rows()
}

#[test]
fn a_file_that_changed_is_described_and_read_as_it_is_now() {
    for limits in limits() {
        let (_dir, path, catalog) = stored(&limits, 900, None);
        let committed = catalog.commit("people", &[1; 32]).unwrap();
        assert!(!catalog.is_outdated());
        replace(&path, &text(1100));
        assert!(catalog.is_outdated());
        let renewed = catalog.renewed();
        assert!(!renewed.is_outdated());
        assert_eq!(renewed.descriptor("people").unwrap().rows_max, 2048);
        assert_ne!(renewed.commit("people", &[1; 32]).unwrap(), committed);
        assert_eq!(rows(renewed.table("people").unwrap()), 1100);
        // Whoever holds the one before still has what it was committed to, or an error.
        assert_eq!(catalog.commit("people", &[1; 32]).unwrap(), committed);
        let table = catalog.table("people").unwrap();
        match table.held() {
            Some(_) => assert_eq!(rows(table), 900),
            None => assert!(matches!(table.collect(), Err(CatalogError::Changed { .. }))),
        }
        // The first file once more: the commitment is to rows, not to files.
        replace(&path, &text(900));
        assert_eq!(renewed.renewed().commit("people", &[1; 32]).unwrap(), committed);
    }
}

#[test]
fn what_a_reading_comes_upon_is_looked_at_though_the_file_looks_the_same() {
    let [_, large] = limits();
    let (_dir, path, catalog) = stored(&large, 50, None);
    // As if the file were the same from outside: it is seen again after it was changed.
    fs::write(&path, text(50).replace("7,7", "7,8")).unwrap();
    let mut catalog = catalog;
    let dataset = catalog.datasets.get_mut("people").unwrap();
    dataset.seen = super::super::renewed::Seen::of(&dataset.config.source);
    assert!(!catalog.is_outdated());
    let read = catalog.table("people").unwrap().collect();
    assert!(matches!(read, Err(CatalogError::Changed { dataset }) if dataset == "people"));
    assert!(catalog.is_outdated());
    assert_eq!(rows(catalog.renewed().table("people").unwrap()), 50);
}

#[test]
fn a_file_that_breaks_a_promise_is_refused_until_it_is_mended_and_others_are_not() {
    let broken = [
        ("beyond the range", text(20).replace("8,8", "8,9")),
        ("twice", text(20) + "3,3\n"),
        ("not whole", text(20) + "21"),
        ("no column", text(20).replace("id,n", "id,m")),
        ("more than the bound", text(65)),
        ("nothing", String::new()),
    ];
    for limits in limits() {
        let (dir, path, _) = stored(&limits, 20, Some(64));
        let other = dir.path().join("other.csv");
        fs::write(&other, text(3)).unwrap();
        let second = DatasetConfig { name: "more".into(), ..config(&other, None) };
        let configs = vec![config(&path, Some(64)), second];
        let mut catalog = Catalog::open_within(&limits, &census(), configs).unwrap();
        let published = catalog.descriptor("people").unwrap().clone();
        for (what, text) in &broken {
            replace(&path, text);
            catalog = catalog.renewed();
            let error = catalog.table("people").unwrap_err();
            assert!(matches!(&error, CatalogError::Refused { dataset } if dataset == "people"));
            assert!(error.to_string().contains("`people`"), "{error}");
            assert!(catalog.commit("people", &[1; 32]).is_err(), "{what}");
            // It is looked at once, not each time.
            assert!(!catalog.is_outdated(), "{what}");
            assert_eq!(*catalog.descriptor("people").unwrap(), published);
            assert_eq!(rows(catalog.table("more").unwrap()), 3);
        }
        fs::remove_file(&path).unwrap();
        catalog = catalog.renewed();
        assert!(catalog.table("people").is_err() && !catalog.is_outdated());
        fs::write(&path, text(64)).unwrap();
        catalog = catalog.renewed();
        assert_eq!(rows(catalog.table("people").unwrap()), 64);
    }
}
