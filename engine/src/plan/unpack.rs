//! From opened words to one integer a row.

use super::{
    decode::{Opened, OpenedColumn},
    ir::{Kind, Shape},
    output::Output,
};

/// Words in the order of [`Output::layout`], as values by row: bits in planes, values of 128 bits as their lower word and their
/// upper one. Nothing if columns are missing.
#[must_use]
pub fn unpack(output: &Output, columns: impl Iterator<Item = (Vec<u64>, Shape)>) -> Option<Opened> {
    let mut values = columns.map(|(words, shape)| by_row(&words, shape));
    let bits = |values: Vec<i128>| values.into_iter().map(|value| value == 1).collect();
    let live = bits(values.next()?);
    let mut opened = Vec::new();
    for column in &output.columns {
        let value = values.next()?;
        let present = column.present.map(|_| values.next().map(bits));
        let divisor = column.divisor.map(|_| values.next());
        let (present, divisor) = (present.map_or(Some(None), |p| p.map(Some))?, divisor);
        opened.push(OpenedColumn {
            value,
            present,
            divisor: divisor.map_or(Some(None), |d| d.map(Some))?,
        });
    }
    Some(Opened { live, columns: opened })
}

/// One integer a row, words with their sign; for bit columns gathered from the planes.
fn by_row(words: &[u64], shape: Shape) -> Vec<i128> {
    let rows = usize::try_from(shape.rows).unwrap_or(0);
    match shape.kind {
        Kind::Z64 => words.iter().map(|word| word.cast_signed().into()).collect(),
        Kind::Z128 => {
            let join = |[low, high]: &[u64; 2]| u128::from(*high) << 64 | u128::from(*low);
            words.as_chunks().0.iter().map(|pair| join(pair).cast_signed()).collect()
        }
        Kind::Bits(_) => {
            let planes: Vec<_> = words.chunks_exact(rows.div_ceil(64).max(1)).take(128).collect();
            let bit = |row: usize, plane: &[u64]| u128::from((plane[row / 64] >> (row % 64)) & 1);
            let value = |row: usize| {
                let bits = planes.iter().enumerate().map(|(at, plane)| bit(row, plane) << at);
                bits.fold(0, |all, bit| all | bit).cast_signed()
            };
            (0..rows).map(value).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bit_planes_become_one_word_a_row() {
        // Two planes of 70 rows: the value of row r is r mod 4.
        let mut words = vec![0_u64; 4];
        for row in 0..70_usize {
            for bit in 0..2 {
                words[bit * 2 + row / 64] |= ((row as u64 >> bit) & 1) << (row % 64);
            }
        }
        let shape = Shape { kind: Kind::Bits(2), rows: 70 };
        let expected: Vec<i128> = (0..70).map(|row| row % 4).collect();
        assert_eq!(by_row(&words, shape), expected);
        assert!(by_row(&[], Shape { kind: Kind::Bits(2), rows: 0 }).is_empty());
        assert_eq!(by_row(&[5, u64::MAX], Shape { kind: Kind::Z64, rows: 2 }), [5, -1]);
        let wide = Shape { kind: Kind::Z128, rows: 2 };
        assert_eq!(by_row(&[7, 1, u64::MAX - 1, u64::MAX], wide), [(1 << 64) + 7, -2]);
    }
}
