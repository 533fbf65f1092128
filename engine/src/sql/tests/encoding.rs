//! Encoded rows: padded, sorted, checked; and errors that name the column and never the value.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, Decimal128Array, Int64Array, RecordBatch, StringArray};

use super::party;
use crate::{
    plan::{EncodedColumn, EncodedInput, Encoding, InputColumn, LocalInput},
    sql::{EncodeError, encode},
};

fn input(rows: u64, sorted_by: Vec<u32>, columns: Vec<(u32, Encoding)>) -> LocalInput {
    let column = |(source, encoding)| InputColumn { source, name: format!("c{source}"), encoding };
    LocalInput {
        key: None,
        trains: false,
        party: party("census"),
        datasets: vec!["people".into()],
        text: String::new(),
        rows,
        sorted_by,
        columns: columns.into_iter().map(column).collect(),
    }
}

fn table() -> RecordBatch {
    let numbers: ArrayRef = Arc::new(Int64Array::from(vec![Some(7), None, Some(-2)]));
    let texts: ArrayRef = Arc::new(StringArray::from(vec![Some("b"), Some("secret"), None]));
    RecordBatch::try_from_iter_with_nullable([("n", numbers, true), ("t", texts, true)]).unwrap()
}

fn words(encoded: &EncodedInput, column: usize) -> &[u64] {
    match &encoded.columns[column] {
        EncodedColumn::Bits { rows, .. } | EncodedColumn::Words(rows) => rows,
        other => panic!("{other:?}"),
    }
}

#[test]
fn rows_are_padded_with_dead_zeros_and_sorted_where_asked() {
    let domain = vec!["b".to_owned(), "secret".to_owned()];
    let offset = Encoding::Offset { min: -5, max: 10, width: 4 };
    let all = vec![
        (0, offset),
        (0, Encoding::Word { min: -2, max: 7 }),
        (0, Encoding::Present),
        (1, Encoding::Code { domain, width: 1 }),
    ];
    let plain = encode(&input(5, vec![], all.clone()), &table(), &[0; 32]).unwrap();
    assert_eq!(plain.live, [true, true, true, false, false]);
    assert_eq!(words(&plain, 0), [12, 0, 3, 0, 0]);
    assert_eq!(words(&plain, 1), [7, 0, (-2_i64).cast_unsigned(), 0, 0]);
    assert_eq!(words(&plain, 2), [1, 0, 1, 0, 0]);
    assert_eq!(words(&plain, 3), [0, 1, 0, 0, 0]);
    let sorted = encode(&input(4, vec![0], all), &table(), &[0; 32]).unwrap();
    assert_eq!(words(&sorted, 0), [0, 3, 12, 0]);
    assert_eq!(words(&sorted, 3), [1, 0, 0, 0]);
    assert!(!format!("{sorted:?}").contains("12"), "{sorted:?}");
}

#[test]
fn wide_values_are_shared_whole_and_sorted_as_numbers() {
    let most = 10_i128.pow(38) - 1;
    let values = Decimal128Array::from(vec![Some(1 << 64), None, Some(-most), Some(most)]);
    let values: ArrayRef = Arc::new(values.with_precision_and_scale(38, 0).unwrap());
    let table = RecordBatch::try_from_iter_with_nullable([("n", values, true)]).unwrap();
    let offset = Encoding::Offset { min: -most, max: most, width: 128 };
    let all = vec![(0, offset), (0, Encoding::Wide { min: -most, max: most })];
    let wide = |encoded: &EncodedInput, column: usize| match &encoded.columns[column] {
        EncodedColumn::WideBits { width: 128, rows } | EncodedColumn::Wide(rows) => rows.clone(),
        other => panic!("{other:?}"),
    };
    let plain = encode(&input(5, vec![], all.clone()), &table, &[0; 32]).unwrap();
    let above = |value: i128| value.wrapping_add(most).cast_unsigned();
    assert_eq!(wide(&plain, 0), [above(1 << 64), 0, 0, above(most), 0]);
    assert_eq!(wide(&plain, 1), [1 << 64, 0, (-most).cast_unsigned(), most.cast_unsigned(), 0]);
    let sorted = encode(&input(4, vec![0], all), &table, &[0; 32]).unwrap();
    assert_eq!(wide(&sorted, 1), [0, (-most).cast_unsigned(), 1 << 64, most.cast_unsigned()]);
    assert!(!format!("{sorted:?}").contains("18446744073709551616"), "{sorted:?}");
    let less = Encoding::Wide { min: 1 - most, max: most };
    let outside = encode(&input(4, vec![], vec![(0, less)]), &table, &[0; 32]);
    assert!(matches!(outside, Err(EncodeError::Outside { promise: "range", .. })));
}

#[test]
fn hashes_depend_on_the_run_and_on_the_value_alone() {
    let lanes = vec![
        (1, Encoding::KeyedHash { from: 0, width: 64 }),
        (1, Encoding::KeyedHash { from: 64, width: 16 }),
    ];
    let hash = |key: u8| encode(&input(3, vec![], lanes.clone()), &table(), &[key; 32]).unwrap();
    let (one, again, other) = (hash(1), hash(1), hash(2));
    assert_eq!(words(&one, 0), words(&again, 0));
    assert_ne!(words(&one, 0)[0], words(&other, 0)[0]);
    assert_ne!(words(&one, 0)[0], words(&one, 0)[1]);
    assert!(words(&one, 1).iter().all(|w| *w < 1 << 16));
    // Another lane holds other bits of the same hash.
    assert_ne!(words(&one, 0)[0] & 0xffff, words(&one, 1)[0]);
}

#[test]
fn what_does_not_fit_names_the_column_and_never_the_value() {
    let cases = [
        (0, Encoding::Offset { min: 0, max: 6, width: 3 }, "range"),
        (0, Encoding::Word { min: -1, max: 7 }, "range"),
        (0, Encoding::Flag, "range"),
        (1, Encoding::Code { domain: vec!["b".into()], width: 1 }, "domain"),
    ];
    for (source, encoding, promise) in cases {
        let error = encode(&input(3, vec![], vec![(source, encoding)]), &table(), &[0; 32]);
        let error = error.unwrap_err();
        let column = format!("c{source}");
        assert!(
            matches!(&error, EncodeError::Outside { column: c, promise: p, .. } if *c == column && *p == promise),
            "{error:?}"
        );
        assert!(!format!("{error} {error:?}").contains("secret"), "{error}");
    }
    let few = encode(&input(2, vec![], vec![]), &table(), &[0; 32]);
    assert!(matches!(few, Err(EncodeError::Rows { bound: 2, .. })));
    for (source, encoding) in
        [(0, Encoding::Code { domain: vec![], width: 1 }), (1, Encoding::Flag), (9, Encoding::Flag)]
    {
        let wrong = encode(&input(3, vec![], vec![(source, encoding)]), &table(), &[0; 32]);
        assert!(matches!(wrong, Err(EncodeError::Type { .. })), "{wrong:?}");
    }
}
