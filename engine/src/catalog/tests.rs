//! What a provider's tables may hold, and what is said of those that may not.

mod large;
mod renewed;

use std::{path::PathBuf, sync::Arc};

use datafusion::{
    arrow::{
        array::{ArrayRef, Decimal128Array, Float64Array, Int32Array, RecordBatch, StringArray},
        util::display::array_value_to_string,
    },
    parquet::arrow::ArrowWriter,
};

use super::{
    Bound, Broken, Catalog, CatalogError, ColumnConfig, ColumnType, DatasetConfig, Range, Source,
};
use crate::identity::{Hash32, PartyName};

fn column(name: &str, ty: Option<ColumnType>) -> ColumnConfig {
    ColumnConfig {
        name: name.into(),
        ty,
        nullable: false,
        unique: false,
        min: None,
        max: None,
        domain: None,
        max_bytes: None,
    }
}

fn bytes(file: &str, bytes: &[u8], columns: Vec<ColumnConfig>) -> DatasetConfig {
    DatasetConfig {
        name: "people".into(),
        source: Source::Bytes(file.into(), bytes.into()),
        entity_key: None,
        rows_max: None,
        columns,
    }
}

fn csv(text: &str, columns: Vec<ColumnConfig>) -> DatasetConfig {
    bytes("people.csv", text.as_bytes(), columns)
}

fn census() -> PartyName {
    PartyName::try_from("census").unwrap()
}

fn open(config: DatasetConfig) -> Result<Catalog, CatalogError> {
    Catalog::open(&census(), vec![config])
}

fn cells(catalog: &Catalog) -> Vec<Vec<String>> {
    let table = catalog.table("people").unwrap().collect().unwrap();
    let cell = |c: &ArrayRef, i| array_value_to_string(c, i).unwrap();
    let row = |i| table.columns().iter().map(|c| cell(c, i)).collect();
    (0..table.num_rows()).map(row).collect()
}

#[test]
fn a_csv_file_is_read_in_declared_types_whatever_its_column_order() {
    let money = ColumnType::Decimal { precision: 6, scale: 2 };
    let columns = vec![
        column("id", Some(ColumnType::Int64)),
        ColumnConfig { nullable: true, ..column("pay", Some(money)) },
        column("born", Some(ColumnType::Date)),
        column("note", Some(ColumnType::String)),
    ];
    let text = "note,pay,extra,id,born\n\"a, b\nc\",-12.5,x,7,1970-01-03\nplain,,y,-8,2000-02-29\n";
    let catalog = open(csv(text, columns)).unwrap();
    let want = [["7", "-12.50", "1970-01-03", "a, b\nc"], ["-8", "", "2000-02-29", "plain"]];
    assert_eq!(cells(&catalog), want);
    let descriptor = catalog.descriptor("people").unwrap();
    assert_eq!((descriptor.rows_max, descriptor.columns.len()), (1024, 4));
    assert_eq!(descriptor.columns[0].range, None);
}

#[test]
fn a_bad_cell_is_named_by_file_line_column_and_class_but_never_shown() {
    let secret = "s3cr3t-value";
    let text = format!("id,age\n1,30\n2,\"4\n0\"\n3,{secret}\n");
    let int = |name| column(name, Some(ColumnType::Int32));
    let text_column = csv(&text, vec![int("id"), int("age")]);
    let error = open(text_column).unwrap_err().to_string();
    // The cell with a line break is text too, and comes first.
    let want = "dataset `people`: people.csv, line 3, column `age`: text where an integer of 32 bits is due";
    assert_eq!(error, want);
    let cases = [
        ("3.5", "a number with digits behind the point"),
        ("99999999999", "an integer out of range"),
        (secret, "text"),
    ];
    for (cell, class) in cases {
        let text = format!("id,age\n1,30\n2,{cell}\n");
        let error = open(csv(&text, vec![int("id"), int("age")])).unwrap_err();
        assert!(
            matches!(&error, CatalogError::Cell { line: 3, column, found, .. } if column == "age" && *found == class),
            "{error}"
        );
        assert!(!format!("{error}{error:?}").contains(cell), "{error}");
    }
}

#[test]
fn broken_promises_are_found() {
    let key = |c: ColumnConfig| ColumnConfig { unique: true, ..c };
    let ranged = ColumnConfig {
        min: Some(Bound::Integer(0)),
        max: Some(Bound::Integer(9)),
        ..column("v", Some(ColumnType::Int64))
    };
    let listed = ColumnConfig {
        domain: Some(vec!["b".into(), "a".into()]),
        ..column("v", Some(ColumnType::String))
    };
    let int = column("v", Some(ColumnType::Int64));
    let cases = [
        ("id,v\n1,3\n2,10\n", ranged.clone(), Some((2, Broken::Range))),
        ("id,v\n1,-1\n2,3\n", ranged.clone(), Some((1, Broken::Range))),
        ("id,v\n1,0\n2,9\n", ranged, None),
        ("id,v\n1,a\n2,c\n", listed.clone(), Some((2, Broken::Domain))),
        ("id,v\n1,a\n2,b\n", listed, None),
        ("id,v\n1,\n2,3\n", int.clone(), Some((1, Broken::Null))),
        ("id,v\n1,\n2,3\n", ColumnConfig { nullable: true, ..int.clone() }, None),
        (
            "id,v\n1,3\n2,\n",
            key(ColumnConfig { nullable: true, ..int.clone() }),
            Some((2, Broken::NullKey)),
        ),
        ("id,v\n1,3\n2,4\n3,3\n", key(int), Some((3, Broken::Duplicate))),
        (
            "id,v\n1,x\n2,x\n",
            key(column("v", Some(ColumnType::String))),
            Some((2, Broken::Duplicate)),
        ),
    ];
    for (text, v, want) in cases {
        match (open(csv(text, vec![column("id", None), v])), want) {
            (Ok(_), None) => {}
            (Err(CatalogError::Value { row, column, what, .. }), Some(want)) => {
                assert_eq!((row, what, column.as_str()), (want.0, want.1, "v"), "{text}");
            }
            (got, want) => panic!("{text}: {got:?}, want {want:?}"),
        }
    }
    // The entity key is unique without being declared so.
    let mut config = csv("id,v\n1,3\n1,4\n", vec![]);
    config.entity_key = Some("id".into());
    let found = open(config);
    assert!(matches!(found, Err(CatalogError::Value { row: 2, what: Broken::Duplicate, .. })));
}

#[test]
fn configurations_that_contradict_themselves_are_refused() {
    let int = column("id", Some(ColumnType::Int8));
    let base = || csv("id\n1\n", vec![int.clone()]);
    let cases: Vec<(DatasetConfig, &str)> = vec![
        (DatasetConfig { entity_key: Some("nope".into()), ..base() }, "entity key `nope`"),
        (DatasetConfig { rows_max: Some(0), ..base() }, "published bound"),
        (DatasetConfig { name: "People".into(), ..base() }, "lower case"),
        (csv("id\n1\n", vec![int.clone(), int.clone()]), "listed twice"),
        (csv("id\n1\n", vec![column("age", None)]), "no such column; it has: id"),
        (
            csv(
                "id\n1\n",
                vec![ColumnConfig {
                    min: Some(Bound::Integer(3)),
                    max: Some(Bound::Integer(2)),
                    ..int.clone()
                }],
            ),
            "empty",
        ),
        (
            csv("id\n1\n", vec![ColumnConfig { max: Some(Bound::Integer(1000)), ..int.clone() }]),
            "beyond the type",
        ),
        (
            csv(
                "id\n1\n",
                vec![ColumnConfig { max: Some(Bound::Text("x".into())), ..int.clone() }],
            ),
            "`max` is no",
        ),
        (
            csv("id\n1\n", vec![ColumnConfig { domain: Some(vec![]), ..int.clone() }]),
            "only string columns",
        ),
        (
            csv(
                "id\n1\n",
                vec![column("id", Some(ColumnType::Decimal { precision: 39, scale: 0 }))],
            ),
            "1 to 38 digits",
        ),
        (csv("id,v\n1,2\n3\n", vec![]), "line 3 has another number of cells"),
        (csv("v\n1.5\n", vec![]), "declare another one, a decimal"),
        (bytes("people.xlsx", b"", vec![]), "neither .csv nor .parquet"),
        (bytes("people.parquet", b"PAR1nonsense", vec![]), "not readable as Parquet"),
        (
            DatasetConfig { source: Source::Path(PathBuf::from("/nowhere/people.csv")), ..base() },
            "/nowhere/people.csv",
        ),
    ];
    for (config, word) in cases {
        let message = open(config.clone()).map(|_| ()).unwrap_err().to_string();
        assert!(
            message.contains(word) && message.contains(&config.name),
            "{message} lacks `{word}`"
        );
    }
    let twice = Catalog::open(&census(), vec![base(), base()]);
    assert!(twice.is_err_and(|e| e.to_string().contains("twice")));
}

#[test]
fn ranges_can_be_written_as_the_values_are() {
    let text = |t: &str| Some(Bound::Text(t.into()));
    let dated = ColumnConfig {
        min: text("1970-01-01"),
        max: text("1970-01-31"),
        ..column("d", Some(ColumnType::Date))
    };
    let money = ColumnType::Decimal { precision: 5, scale: 2 };
    let paid = ColumnConfig { max: text("12.5"), ..column("p", Some(money)) };
    let catalog = open(csv("d,p\n1970-01-31,12.50\n", vec![dated, paid])).unwrap();
    let columns = &catalog.descriptor("people").unwrap().columns;
    assert_eq!(columns[0].range, Some(Range { min: 0, max: 30 }));
    assert_eq!(columns[1].range, Some(Range { min: -99_999, max: 1250 }));
}

fn parquet(columns: Vec<(&str, ArrayRef)>) -> Vec<u8> {
    let rows = RecordBatch::try_from_iter(columns).unwrap();
    let mut file = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut file, rows.schema(), None).unwrap();
    writer.write(&rows).unwrap();
    writer.close().unwrap();
    file
}

#[test]
fn parquet_bytes_are_read_and_their_types_inferred() {
    let file = parquet(vec![
        ("id", Arc::new(Int32Array::from(vec![1, 2]))),
        ("name", Arc::new(StringArray::from(vec![Some("x"), None]))),
        ("weight", Arc::new(Float64Array::from(vec![1.25, 2.5]))),
    ]);
    let undeclared = open(bytes("people.parquet", &file, vec![])).unwrap_err().to_string();
    assert!(undeclared.contains("`weight`") && undeclared.contains("decimal"), "{undeclared}");
    let columns = vec![
        column("id", None),
        ColumnConfig { nullable: true, ..column("name", None) },
        column("weight", Some(ColumnType::Decimal { precision: 5, scale: 2 })),
    ];
    let catalog = open(bytes("people.parquet", &file, columns)).unwrap();
    assert_eq!(cells(&catalog), [["1", "x", "1.25"], ["2", "", "2.50"]]);
    let types: Vec<_> =
        catalog.descriptor("people").unwrap().columns.iter().map(|c| c.ty).collect();
    assert_eq!(types[..2], [ColumnType::Int32, ColumnType::String]);
    let wrong = vec![column("name", Some(ColumnType::Int32))];
    let wrong = open(bytes("people.parquet", &file, wrong)).unwrap_err().to_string();
    assert!(wrong.contains("declared Int32"), "{wrong}");
    for cut in [0, 3, file.len() / 2, file.len() - 1] {
        assert!(open(bytes("people.parquet", &file[..cut], vec![])).is_err());
    }
}

#[test]
fn decimals_of_38_digits_are_read_from_both_kinds_of_file() {
    let most = 10_i128.pow(38) - 1;
    let ty = ColumnType::Decimal { precision: 38, scale: 10 };
    let values = Decimal128Array::from(vec![most, -most]);
    let values: ArrayRef = Arc::new(values.with_precision_and_scale(38, 10).unwrap());
    let file = parquet(vec![("v", Arc::clone(&values))]);
    let found = open(bytes("people.parquet", &file, vec![column("v", None)])).unwrap();
    let nines = format!("{}.{}", "9".repeat(28), "9".repeat(10));
    let text = format!("v\n{nines}\n-{nines}\n");
    let read = open(csv(&text, vec![column("v", Some(ty))])).unwrap();
    for catalog in [&found, &read] {
        let spec = &catalog.descriptor("people").unwrap().columns[0];
        assert_eq!((spec.ty, spec.bounds()), (ty, Some((-most, most))));
        let rows = catalog.table("people").unwrap().collect().unwrap();
        assert_eq!(rows.column(0).as_ref(), values.as_ref());
    }
    assert_eq!(read.commit("people", &[3; 32]).unwrap(), found.commit("people", &[3; 32]).unwrap());
    // What differs above 64 bits only is another commitment.
    let other = text.replacen('9', "8", 1);
    let other = open(csv(&other, vec![column("v", Some(ty))])).unwrap();
    assert_ne!(read.commit("people", &[3; 32]).unwrap(), other.commit("people", &[3; 32]).unwrap());
    let narrow = ColumnConfig { max: Some(Bound::Text("9.5".into())), ..column("v", Some(ty)) };
    let error = open(csv(&text, vec![narrow])).unwrap_err();
    assert!(matches!(error, CatalogError::Value { row: 1, what: Broken::Range, .. }), "{error}");
}

#[test]
fn a_commitment_depends_on_every_value_and_on_the_salt() {
    let commit = |text: &str, salt: u8| {
        let nullable =
            |name| ColumnConfig { nullable: true, ..column(name, Some(ColumnType::String)) };
        let catalog = open(csv(text, vec![nullable("a"), nullable("b")])).unwrap();
        catalog.commit("people", &[salt; 32]).unwrap()
    };
    let base = "a,b\nx,yz\nu,v\n";
    assert_eq!(commit(base, 1), commit(base, 1));
    let others = [
        ("a,b\nx,yz\nu,w\n", 1),
        ("a,b\nxy,z\nu,v\n", 1),
        ("a,b\nu,v\nx,yz\n", 1),
        ("a,b\nx,yz\nu,\n", 1),
        ("a,b\nx,yz\n", 1),
        (base, 2),
    ];
    for (text, salt) in others {
        assert_ne!(commit(base, 1), commit(text, salt), "{text}");
    }
}

#[test]
fn more_rows_than_published_are_an_error_and_an_empty_table_is_none() {
    let config = |rows_max| DatasetConfig {
        rows_max,
        ..csv("id\n1\n2\n", vec![column("id", Some(ColumnType::Int8))])
    };
    assert!(matches!(open(config(Some(1))), Err(CatalogError::Rows { rows_max: 1, .. })));
    assert_eq!(open(config(Some(2))).unwrap().descriptor("people").unwrap().rows_max, 2);
    let empty = open(csv("id\n", vec![column("id", Some(ColumnType::Int8))])).unwrap();
    assert_eq!((cells(&empty).len(), empty.descriptor("people").unwrap().rows_max), (0, 1024));
}

#[test]
fn a_dataset_is_configured_by_a_few_lines() {
    let config: DatasetConfig = serde_json::from_value(serde_json::json!({
        "name": "people", "path": "people.parquet", "entity_key": "id",
        "columns": [
            {"name": "id", "type": "int64", "min": 1, "max": 99},
            {"name": "pay", "type": {"decimal": {"precision": 9, "scale": 2}}, "max": "100.00", "nullable": true},
            {"name": "sex", "domain": ["Female", "Male"]},
        ],
    })).unwrap();
    assert_eq!(config.source, Source::Path("people.parquet".into()));
    assert_eq!(config.columns[1].max, Some(Bound::Text("100.00".into())));
    assert_eq!(config.columns[2].ty, None);
}
