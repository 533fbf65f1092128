//! The last step: the result's columns as fresh shares, ready to be sealed to the buyer.

use federated::round::Value;
use protocols::{
    mpc,
    mpc::{Column, Shape},
    ring::{B64, Z64, Z128},
    session::{Meter, OpeningKind, Recipient, Session},
    share::{Bits, Shared},
};

use super::{error::ExecError, lookup::LookedUp, matching::Found};
use crate::plan::{self, Kind, Opened};

/// Fresh shares of the result, one column for each of the plan's output layout.
#[derive(Debug, Default)]
pub struct SharedResult {
    /// Bits or words; bits beyond the last row are cleared.
    pub columns: Vec<Column>,
    /// What this party learned of its own sets.
    pub found: Vec<Found>,
    /// What was opened to this party of the result.
    pub told: Option<Opened>,
    /// What this party learned of its own keys.
    pub looked_up: Vec<LookedUp>,
    /// What providers' updates were worth, of a training that tells that.
    pub worth: Vec<Value>,
}

/// Passes the gate for the buyer, to whom shares of columns of these shapes go.
pub(super) fn pass(s: &mut Session, columns: &[&Column]) -> Result<(), ExecError> {
    Ok(s.pass_gate(OpeningKind::Result, words_of(&shapes(columns)), Recipient::Buyer)?)
}

fn shapes(columns: &[&Column]) -> Vec<(usize, Shape)> {
    columns.iter().map(|column| (column.rows(), column.shape())).collect()
}

/// Reshares: all bits in one message, all words of 64 bits in another, and those of 128 bits, if there are any, in a third.
///
/// # Security
/// Opens nothing: what comes of it goes to the buyer when it has [passed](pass) the gate.
pub(super) fn reshared(s: &mut Session, columns: &[&Column]) -> Result<Vec<Column>, ExecError> {
    let shapes = shapes(columns);
    let Gathered { planes, words, wide } = Gathered::of(columns)?;
    let planes = mpc::reshare::<B64>(s, &planes)?;
    let words = mpc::reshare::<Z64>(s, &words)?;
    let wide = if wide.is_empty() { wide } else { mpc::reshare::<Z128>(s, &wide)? };
    let mut fresh = Fresh { all: Gathered { planes, words, wide }, taken: [0; 3] };
    Ok(shapes.into_iter().map(|shape| fresh.next(shape)).collect())
}

/// Columns one after the other, by ring; bits beyond the last row are cleared.
pub(super) struct Gathered {
    pub(super) planes: Shared<B64>,
    pub(super) words: Shared<Z64>,
    pub(super) wide: Shared<Z128>,
}

impl Gathered {
    pub(super) fn of(columns: &[&Column]) -> Result<Self, ExecError> {
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
        Ok(Self {
            planes: Shared::concat(&planes.iter().collect::<Vec<_>>()),
            words: Shared::concat(&words),
            wide: Shared::concat(&wide),
        })
    }
}

/// What was reshared, to be cut into columns again.
struct Fresh {
    all: Gathered,
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
                let mut bits = Bits::from_planes(rows, width, self.all.planes.slice(from, to));
                bits.clear_beyond_rows();
                Column::Bits(bits)
            }
            Shape::Z128 => {
                let (from, to) = advance(wide, rows);
                Column::Z128(self.all.wide.slice(from, to))
            }
            _ => {
                let (from, to) = advance(word, rows);
                Column::Z64(self.all.words.slice(from, to))
            }
        }
    }
}

/// Twin of [`pass`] and [`reshared`].
pub(super) fn release_cost(m: &mut Meter, shapes: &[(usize, Shape)]) {
    m.pass_gate(OpeningKind::Result, words_of(shapes), Recipient::Buyer);
    let [planes, words, wide] = words_by_ring(shapes);
    mpc::reshare_cost::<B64>(m, planes);
    mpc::reshare_cost::<Z64>(m, words);
    if wide > 0 {
        mpc::reshare_cost::<Z128>(m, wide);
    }
}

/// Words of a result of these shapes, as the gate counts them.
pub(super) fn result_words(shapes: &[plan::Shape]) -> usize {
    let words = |shape: &plan::Shape| {
        let rows = usize::try_from(shape.rows).unwrap_or(usize::MAX);
        let wire = match shape.kind {
            Kind::Bits(width) => Shape::Bits(usize::from(width)),
            Kind::Z64 => Shape::Z64,
            Kind::Z128 => Shape::Z128,
        };
        wire.wire_words(rows)
    };
    shapes.iter().map(words).sum()
}

/// Twin of a result that one party has whole and seals alone.
pub(super) fn whole_cost(m: &mut Meter, shapes: &[(usize, Shape)]) {
    m.pass_gate(OpeningKind::Result, words_of(shapes), Recipient::Buyer);
}

/// How many elements columns of these shapes have in each ring: B64, Z64, Z128.
pub(super) fn words_by_ring(shapes: &[(usize, Shape)]) -> [usize; 3] {
    let words = |kind: fn(Shape) -> bool| {
        let chosen = shapes.iter().filter(move |(_, shape)| kind(*shape));
        chosen.map(|(rows, shape)| shape.wire_words(*rows)).sum::<usize>()
    };
    [
        words(|shape| matches!(shape, Shape::Bits(_))),
        words(|shape| shape == Shape::Z64),
        words(|shape| shape == Shape::Z128) / 2,
    ]
}

fn words_of(shapes: &[(usize, Shape)]) -> usize {
    shapes.iter().map(|(rows, shape)| shape.wire_words(*rows)).sum()
}
