//! The last step: the result's columns as fresh shares, ready to be sealed to the buyer.

use protocols::{
    mpc,
    mpc::{Column, Shape},
    ring::{B64, Z64, Z128},
    session::{Meter, OpeningKind, Recipient, Session},
    share::{Bits, Shared},
};

use super::{error::ExecError, matching::Found};

/// Fresh shares of the result, one column for each of the plan's output layout.
#[derive(Debug)]
pub struct SharedResult {
    /// Bits or words; bits beyond the last row are cleared.
    pub columns: Vec<Column>,
    /// What this party learned of its own sets.
    pub found: Vec<Found>,
}

/// Passes the gate for the buyer and reshares: all bits in one message, all words of 64 bits in another, and those of 128 bits, if
/// there are any, in a third.
pub(super) fn release(s: &mut Session, columns: &[&Column]) -> Result<SharedResult, ExecError> {
    let shapes: Vec<(usize, Shape)> = columns.iter().map(|c| (c.rows(), c.shape())).collect();
    s.pass_gate(OpeningKind::Result, words_of(&shapes), Recipient::Buyer)?;
    let mut planes = Vec::new();
    let (mut words, mut wide) = (Vec::new(), Vec::new());
    for column in columns {
        match column {
            Column::Bits(bits) => {
                let mut bits = bits.clone();
                bits.clear_beyond_rows();
                planes.push(bits.into_planes());
            }
            Column::Z64(column) => words.push(column),
            Column::Z128(column) => wide.push(column),
            Column::Z32(_) => return Err(ExecError::Malformed(usize::MAX)),
        }
    }
    let planes = mpc::reshare::<B64>(s, &Shared::concat(&planes.iter().collect::<Vec<_>>()))?;
    let words = mpc::reshare::<Z64>(s, &Shared::concat(&words))?;
    let wide = match &wide[..] {
        [] => Shared::zeros(0),
        columns => mpc::reshare::<Z128>(s, &Shared::concat(columns))?,
    };
    let mut fresh = Fresh { planes, words, wide, taken: [0; 3] };
    Ok(SharedResult {
        found: Vec::new(),
        columns: shapes.into_iter().map(|shape| fresh.next(shape)).collect(),
    })
}

/// What was reshared, to be cut into columns again.
struct Fresh {
    planes: Shared<B64>,
    words: Shared<Z64>,
    wide: Shared<Z128>,
    taken: [usize; 3],
}

impl Fresh {
    fn next(&mut self, (rows, shape): (usize, Shape)) -> Column {
        let [plane, word, wide] = &mut self.taken;
        let advance = |at: &mut usize, by: usize| {
            *at += by;
            (*at - by, *at)
        };
        match shape {
            Shape::Bits(width) => {
                let (from, to) = advance(plane, shape.wire_words(rows));
                let mut bits = Bits::from_planes(rows, width, self.planes.slice(from, to));
                bits.clear_beyond_rows();
                Column::Bits(bits)
            }
            Shape::Z128 => {
                let (from, to) = advance(wide, rows);
                Column::Z128(self.wide.slice(from, to))
            }
            _ => {
                let (from, to) = advance(word, rows);
                Column::Z64(self.words.slice(from, to))
            }
        }
    }
}

/// Twin of [`release`].
pub(super) fn release_cost(m: &mut Meter, shapes: &[(usize, Shape)]) {
    m.pass_gate(OpeningKind::Result, words_of(shapes), Recipient::Buyer);
    let words = |kind: fn(Shape) -> bool| {
        let chosen = shapes.iter().filter(move |(_, shape)| kind(*shape));
        chosen.map(|(rows, shape)| shape.wire_words(*rows)).sum::<usize>()
    };
    mpc::reshare_cost::<B64>(m, words(|shape| matches!(shape, Shape::Bits(_))));
    mpc::reshare_cost::<Z64>(m, words(|shape| shape == Shape::Z64));
    if shapes.iter().any(|(_, shape)| *shape == Shape::Z128) {
        mpc::reshare_cost::<Z128>(m, words(|shape| shape == Shape::Z128) / 2);
    }
}

fn words_of(shapes: &[(usize, Shape)]) -> usize {
    shapes.iter().map(|(rows, shape)| shape.wire_words(*rows)).sum()
}
