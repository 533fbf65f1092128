//! The last step: the result's columns as fresh shares, ready to be sealed to the buyer.

use protocols::{
    mpc,
    mpc::{Column, Shape},
    ring::{B64, Z64},
    session::{Meter, OpeningKind, Recipient, Session},
    share::{Bits, Shared},
};

use super::error::ExecError;

/// Fresh shares of the result, one column for each of the plan's output layout.
#[derive(Debug)]
pub struct SharedResult {
    /// Bits or Z64 columns; bits beyond the last row are cleared.
    pub columns: Vec<Column>,
}

/// Passes the gate for the buyer and reshares: all bits in one message, all words in another.
pub(super) fn release(s: &mut Session, columns: &[&Column]) -> Result<SharedResult, ExecError> {
    let shapes: Vec<(usize, Shape)> = columns.iter().map(|c| (c.rows(), c.shape())).collect();
    s.pass_gate(OpeningKind::Result, words_of(&shapes), Recipient::Buyer)?;
    let mut planes = Vec::new();
    let mut words = Vec::new();
    for column in columns {
        match column {
            Column::Bits(bits) => {
                let mut bits = bits.clone();
                bits.clear_beyond_rows();
                planes.push(bits.into_planes());
            }
            Column::Z64(column) => words.push(column),
            Column::Z32(_) | Column::Z128(_) => return Err(ExecError::Malformed(usize::MAX)),
        }
    }
    let planes = mpc::reshare::<B64>(s, &Shared::concat(&planes.iter().collect::<Vec<_>>()))?;
    let words = mpc::reshare::<Z64>(s, &Shared::concat(&words))?;
    let (mut plane, mut word) = (0, 0);
    let columns = shapes.into_iter().map(|(rows, shape)| {
        let n = shape.wire_words(rows);
        if let Shape::Bits(width) = shape {
            plane += n;
            let mut bits = Bits::from_planes(rows, width, planes.slice(plane - n, plane));
            bits.clear_beyond_rows();
            Column::Bits(bits)
        } else {
            word += n;
            Column::Z64(words.slice(word - n, word))
        }
    });
    Ok(SharedResult { columns: columns.collect() })
}

/// Twin of [`release`].
pub(super) fn release_cost(m: &mut Meter, shapes: &[(usize, Shape)]) {
    m.pass_gate(OpeningKind::Result, words_of(shapes), Recipient::Buyer);
    let words = |bits: bool| {
        let kind = move |shape: Shape| matches!(shape, Shape::Bits(_)) == bits;
        let chosen = shapes.iter().filter(move |(_, shape)| kind(*shape));
        chosen.map(|(rows, shape)| shape.wire_words(*rows)).sum::<usize>()
    };
    mpc::reshare_cost::<B64>(m, words(true));
    mpc::reshare_cost::<Z64>(m, words(false));
}

fn words_of(shapes: &[(usize, Shape)]) -> usize {
    shapes.iter().map(|(rows, shape)| shape.wire_words(*rows)).sum()
}
