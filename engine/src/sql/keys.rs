//! Keys of sets: the ids that two parties' rows are compared by.

use std::sync::Arc;

use datafusion::arrow::{
    array::{ArrayRef, RecordBatch, StringArray},
    datatypes::{Field, Schema},
};
use protocols::psi::Salt;
use tables::{KeyColumn, KeyEncoder, Keys, Normal};

use crate::{
    catalog::{ColumnValues, column_values},
    job::TextRule,
};

/// One id for each row: 128 bits of a hash of its canonical key under the salt; none where a column of the key is NULL, or is a
/// text with nothing in it. Nothing where a column has a type that no key can have.
#[must_use]
pub(super) fn key_ids(
    columns: &[&ArrayRef],
    text: TextRule,
    salt: &[u8; 32],
) -> Option<Vec<Option<u128>>> {
    let names: Vec<String> = (0..columns.len()).map(|at| format!("k{at}")).collect();
    let field =
        |(name, column): (&String, &&ArrayRef)| Field::new(name, column.data_type().clone(), true);
    let fields: Vec<_> = names.iter().zip(columns).map(field).collect();
    let own = columns.iter().map(|column| (*column).clone()).collect();
    let batch = RecordBatch::try_new(Schema::new(fields).into(), own).ok()?;
    let normal = normal(text);
    let columns = names.into_iter().map(|name| KeyColumn { name, normal }).collect();
    let mut keys = Keys::default();
    KeyEncoder::new(columns, &batch.schema()).ok()?.push(&batch, 0, &mut keys).ok()?;
    let (salt, mut ids) = (Salt::new(*salt), vec![None; batch.num_rows()]);
    for (row, id) in keys.rows().iter().zip(salt.ids(keys.iter())) {
        *ids.get_mut(usize::try_from(*row).ok()?)? = Some(id);
    }
    Some(ids)
}

/// The column as one whose canonical keys are equal where its values are, none but NULL being absent: a text becomes the digits of its
/// bytes, which no rule changes.
#[must_use]
pub(super) fn as_written(column: &ArrayRef) -> ArrayRef {
    let Some(ColumnValues::Texts(all)) = column_values(column) else { return Arc::clone(column) };
    let digits = |text: String| {
        let mut digits = String::with_capacity(1 + 2 * text.len());
        digits.push('x');
        for byte in text.bytes() {
            digits.extend([byte >> 4, byte & 15].map(|half| char::from(b'a' + half)));
        }
        digits
    };
    let all = all.into_iter().map(|text| text.map(digits));
    Arc::new(StringArray::from_iter(all))
}

/// What is done to texts, in the words of tables.
#[must_use]
pub fn normal(TextRule { trim, fold_case, fold_width }: TextRule) -> Normal {
    Normal { trim, fold_case, fold_width }
}

#[cfg(test)]
mod tests {
    use datafusion::arrow::array::{Float64Array, Int32Array};

    use super::*;

    const LOOSE: TextRule = TextRule { trim: true, fold_case: true, fold_width: true };

    #[test]
    fn what_people_type_for_one_key_has_one_id_under_one_salt() {
        let typed =
            [Some("AC-17"), Some(" ac-17\u{3000}"), Some("ＡＣ－１７"), None, Some("AC-18")];
        let column: ArrayRef = Arc::new(StringArray::from(typed.to_vec()));
        let ids = key_ids(&[&column], LOOSE, &[1; 32]).unwrap();
        assert!(ids[0].is_some() && ids[0] == ids[1] && ids[1] == ids[2]);
        assert_eq!(ids[3], None);
        assert_ne!(ids[4], ids[0]);
        assert_ne!(key_ids(&[&column], LOOSE, &[2; 32]).unwrap()[0], ids[0]);
        let exact = key_ids(&[&column], TextRule::default(), &[1; 32]).unwrap();
        assert_eq!(exact.iter().flatten().collect::<std::collections::HashSet<_>>().len(), 4);
    }

    #[test]
    fn what_is_written_otherwise_is_another_key_where_values_are_compared() {
        let typed = ["a", "A", " a", "", "\u{e9}", "e\u{301}", "\u{ff41}"];
        let column: ArrayRef =
            Arc::new(StringArray::from_iter(typed.into_iter().map(Some).chain([None, Some("a")])));
        let ids = key_ids(&[&as_written(&column)], LOOSE, &[1; 32]).unwrap();
        let all: std::collections::HashSet<_> = ids.iter().flatten().collect();
        assert_eq!((all.len(), ids[7]), (typed.len(), None));
        assert_eq!(ids[0], ids[8]);
        let number: ArrayRef = Arc::new(Int32Array::from(vec![1]));
        assert_eq!(as_written(&number).as_ref(), number.as_ref());
    }

    #[test]
    fn a_key_of_several_columns_is_absent_where_one_of_them_is() {
        let number: ArrayRef = Arc::new(Int32Array::from(vec![Some(7), None, Some(7)]));
        let text: ArrayRef = Arc::new(StringArray::from(vec!["7", "7", ""]));
        let ids = key_ids(&[&number, &text], LOOSE, &[1; 32]).unwrap();
        assert_eq!(ids.iter().map(Option::is_some).collect::<Vec<_>>(), [true, false, false]);
        let float: ArrayRef = Arc::new(Float64Array::from(vec![1.0]));
        assert!(key_ids(&[&float], LOOSE, &[1; 32]).is_none());
        assert!(key_ids(&[], LOOSE, &[1; 32]).is_none());
    }
}
