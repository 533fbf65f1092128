//! A plan under construction: operations and their shapes, and the columns each provider has to share, which are asked for
//! as they are needed.

use std::collections::BTreeMap;

use datafusion::logical_expr::Expr;

use crate::{
    job::TextRule,
    plan::{Encoding, InputColumn, Intersect, Kind, Op, Ref, SetKey, SetUse, Shape},
};

/// Stands for the `live` output of an input until all its columns are known.
const LIVE: u32 = u32::MAX;

/// What one provider will share of one table.
#[derive(Debug)]
pub(super) struct Sharing {
    pub(super) rows: u64,
    /// Expressions of the local projection.
    pub(super) expressions: Vec<Expr>,
    /// Shared columns, each of one of the expressions.
    pub(super) columns: Vec<InputColumn>,
    pub(super) sorted_by: Vec<u32>,
    pub(super) key: Option<SetKey>,
}

/// Nodes and shapes so far. Node `i` is input `i` for the first tables.
#[derive(Debug)]
pub(super) struct Builder {
    pub(super) sharings: Vec<Sharing>,
    nodes: Vec<Op>,
    shapes: BTreeMap<Ref, Shape>,
}

impl Builder {
    /// One input for each table, in order, with these row bounds.
    pub(super) fn new(rows: &[u64]) -> Self {
        let sharing = |rows: &u64| Sharing {
            rows: *rows,
            expressions: Vec::new(),
            columns: Vec::new(),
            sorted_by: Vec::new(),
            key: None,
        };
        let mut builder = Self {
            sharings: rows.iter().map(sharing).collect(),
            nodes: Vec::new(),
            shapes: BTreeMap::new(),
        };
        for (i, rows) in rows.iter().enumerate() {
            let node = number(i);
            builder.nodes.push(Op::Input { input: node });
            builder.shapes.insert(Ref(node, LIVE), bits(1, *rows));
        }
        builder
    }

    /// The live bit of an input.
    pub(super) fn input_live(&self, table: usize) -> Ref {
        Ref(number(table), LIVE)
    }

    /// A shared column of a table's input: this expression of it, encoded so.
    pub(super) fn input(&mut self, table: usize, expr: &Expr, encoding: Encoding) -> Ref {
        let sharing = &mut self.sharings[table];
        let source = position_or_push(&mut sharing.expressions, expr.clone());
        let kind = encoding.kind();
        let name = expr.to_string();
        let column = InputColumn { source: number(source), name, encoding };
        let index = position_or_push(&mut sharing.columns, column);
        let at = Ref(number(table), number(index));
        self.shapes.insert(at, Shape { kind, rows: sharing.rows });
        at
    }

    /// Makes a table's rows a set by these columns.
    pub(super) fn key(
        &mut self,
        table: usize,
        columns: &[Expr],
        (text, keep_absent, enters): (TextRule, bool, SetUse),
    ) {
        let sources = columns.iter().map(|column| self.source(table, column)).collect();
        let as_written = false;
        self.sharings[table].key = Some(SetKey { sources, text, keep_absent, enters, as_written });
    }

    /// Makes a table's rows a set by these columns, which enters a circuit: keys are equal where the values are.
    pub(super) fn written_key(&mut self, table: usize, columns: &[Expr]) {
        self.key(table, columns, (TextRule::default(), false, SetUse::Circuit));
        if let Some(key) = &mut self.sharings[table].key {
            key.as_written = true;
        }
    }

    /// An expression of a table's local projection: its place there.
    pub(super) fn source(&mut self, table: usize, expr: &Expr) -> u32 {
        number(position_or_push(&mut self.sharings[table].expressions, expr.clone()))
    }

    /// A shared column that is made of the table's key.
    pub(super) fn key_input(&mut self, table: usize, encoding: Encoding) -> Ref {
        let sharing = &self.sharings[table];
        let first = sharing.key.as_ref().and_then(|key| key.sources.first());
        let expr = first.map(|first| sharing.expressions[*first as usize].clone());
        self.input(table, &expr.unwrap_or_default(), encoding)
    }

    pub(super) fn shape(&self, of: Ref) -> Shape {
        self.shapes[&of]
    }

    pub(super) fn rows(&self, of: Ref) -> u64 {
        self.shape(of).rows
    }

    /// Bits of a Bits column.
    pub(super) fn width(&self, of: Ref) -> u16 {
        match self.shape(of).kind {
            Kind::Bits(width) => width,
            Kind::Z64 => 64,
            Kind::Z128 => 128,
        }
    }

    /// Appends an operation with one output, or finds the same one.
    pub(super) fn one(&mut self, op: Op, kind: Kind, rows: u64) -> Ref {
        self.many(op, vec![Shape { kind, rows }])
    }

    /// Appends an operation; the reference is to its first output.
    pub(super) fn many(&mut self, op: Op, outputs: Vec<Shape>) -> Ref {
        let node = number(position_or_push(&mut self.nodes, op));
        for (i, shape) in outputs.into_iter().enumerate() {
            self.shapes.insert(Ref(node, number(i)), shape);
        }
        Ref(node, 0)
    }

    /// Brings one more left column over a join.
    pub(super) fn bring(&mut self, join: u32, column: Ref) -> Ref {
        let shape = self.shape(column);
        let rows = self.rows(Ref(join, 0));
        let (Op::Join { columns, .. } | Op::Intersect(Intersect { columns, .. })) =
            &mut self.nodes[join as usize]
        else {
            return column;
        };
        let at = Ref(join, 1 + number(position_or_push(columns, column)));
        self.shapes.insert(at, Shape { kind: shape.kind, rows });
        at
    }

    /// A public word in this ring.
    pub(super) fn constant_word(&mut self, value: i128, ring: Kind, rows: u64) -> Ref {
        let shape = Shape { kind: ring, rows };
        self.many(Op::Constant { value, shape }, vec![shape])
    }

    pub(super) fn constant_bits(&mut self, value: i128, width: u16, rows: u64) -> Ref {
        let shape = bits(width, rows);
        self.many(Op::Constant { value, shape }, vec![shape])
    }

    pub(super) fn and(&mut self, a: Ref, b: Ref) -> Ref {
        if a == b {
            return a;
        }
        let shape = self.shape(a);
        self.one(Op::And(a.min(b), a.max(b)), shape.kind, shape.rows)
    }

    pub(super) fn xor(&mut self, a: Ref, b: Ref) -> Ref {
        let shape = self.shape(a);
        self.one(Op::Xor(a.min(b), a.max(b)), shape.kind, shape.rows)
    }

    pub(super) fn not(&mut self, a: Ref) -> Ref {
        if let Op::Not(inner) = &self.nodes[a.0 as usize] {
            return *inner;
        }
        let shape = self.shape(a);
        self.one(Op::Not(a), shape.kind, shape.rows)
    }

    /// `a ∨ b` on bits.
    pub(super) fn or(&mut self, a: Ref, b: Ref) -> Ref {
        let (not_a, not_b) = (self.not(a), self.not(b));
        let neither = self.and(not_a, not_b);
        self.not(neither)
    }

    pub(super) fn mask(&mut self, of: Ref, by: Ref) -> Ref {
        let shape = self.shape(of);
        if shape.kind == Kind::Bits(1) {
            return self.and(of, by);
        }
        self.one(Op::Mask { of, by }, shape.kind, shape.rows)
    }

    pub(super) fn select(&mut self, by: Ref, yes: Ref, no: Ref) -> Ref {
        if yes == no {
            return yes;
        }
        let shape = self.shape(yes);
        self.one(Op::Select { by, yes, no }, shape.kind, shape.rows)
    }

    pub(super) fn concat(&mut self, parts: Vec<Ref>) -> Ref {
        if let [only] = parts[..] {
            return only;
        }
        let width = parts.iter().map(|p| self.width(*p)).sum();
        let rows = parts.first().map_or(0, |p| self.rows(*p));
        self.one(Op::Concat(parts), Kind::Bits(width), rows)
    }

    pub(super) fn slice(&mut self, of: Ref, from: u16, width: u16) -> Ref {
        let rows = self.rows(of);
        self.one(Op::Slice { of, from, width }, Kind::Bits(width), rows)
    }

    pub(super) fn affine(&mut self, of: Ref, by: i128, plus: i128) -> Ref {
        if by == 1 && plus == 0 {
            return of;
        }
        let shape = self.shape(of);
        self.one(Op::Affine { of, by, plus }, shape.kind, shape.rows)
    }

    pub(super) fn inject(&mut self, of: Ref) -> Ref {
        let rows = self.rows(of);
        self.one(Op::Inject(of), Kind::Z64, rows)
    }

    pub(super) fn word_to_bits(&mut self, of: Ref, min: i128, width: u16) -> Ref {
        let rows = self.rows(of);
        self.one(Op::ToBits { of, min, width }, Kind::Bits(width), rows)
    }

    /// Bits as words of this ring.
    pub(super) fn bits_to_word(&mut self, of: Ref, min: i128, ring: Kind) -> Ref {
        let rows = self.rows(of);
        let wide = ring == Kind::Z128;
        let op = if wide { Op::ToWide { of, min } } else { Op::ToWord { of, min } };
        self.one(op, ring, rows)
    }

    /// A comparison: one bit.
    pub(super) fn test(&mut self, op: Op, rows: u64) -> Ref {
        self.one(op, Kind::Bits(1), rows)
    }

    /// The nodes, with every input's live bit at its final place, and that place for another reference.
    pub(super) fn finish(self) -> (Vec<Op>, Vec<Sharing>, impl Fn(Ref) -> Ref) {
        let places: Vec<u32> = self.sharings.iter().map(|s| number(s.columns.len())).collect();
        let settle = move |r: Ref| match places.get(r.0 as usize) {
            Some(place) if r.1 == LIVE => Ref(r.0, *place),
            _ => r,
        };
        let nodes = self.nodes.into_iter().map(|mut op| {
            op.refs_mut().into_iter().for_each(|r| *r = settle(*r));
            op
        });
        (nodes.collect(), self.sharings, settle)
    }
}

fn bits(width: u16, rows: u64) -> Shape {
    Shape { kind: Kind::Bits(width), rows }
}

/// Plans are far from 2^32 nodes or columns: a statement would have to be gigabytes long.
fn number(i: usize) -> u32 {
    u32::try_from(i).unwrap_or(LIVE - 1)
}

fn position_or_push<T: PartialEq>(all: &mut Vec<T>, one: T) -> usize {
    if let Some(i) = all.iter().position(|x| *x == one) {
        return i;
    }
    all.push(one);
    all.len() - 1
}
