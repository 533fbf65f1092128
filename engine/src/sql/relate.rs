//! Joins: which equalities connect which tables, on which side the key is unique, and how a column of a table reaches the
//! joined rows.

use std::collections::BTreeSet;

use datafusion::{
    arrow::datatypes::DataType,
    logical_expr::{Cast, Expr},
};

use super::{
    bounds::{bounds, domain, is_text, scale_of, type_of},
    compiler::{Compiler, Level},
    error::CompileError,
    flatten::equality,
    value::meaning,
};
use crate::plan::{Encoding, Kind, Op, Ref, Shape, UseForm};

/// Rows that are at hand: a table's, or a join's.
#[derive(Debug)]
pub(super) struct Relation {
    pub(super) tables: BTreeSet<usize>,
    pub(super) live: Ref,
    pub(super) rows: u64,
    /// Columns of which no two live rows share a value.
    pub(super) unique: BTreeSet<(usize, String)>,
    pub(super) origin: Origin,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Origin {
    Table,
    Join {
        node: u32,
        left: usize,
        right: usize,
    },
    /// Two sets, intersected into shares: every column is brought.
    Sets {
        node: u32,
    },
}

/// An equality between two tables.
#[derive(Clone, Debug)]
struct Link {
    sides: [(usize, Expr); 2],
    conjunct: usize,
}

/// An equality seen from a relation: its own side first.
pub(super) struct Oriented {
    pub(super) near: (usize, Expr),
    pub(super) far: (usize, Expr),
}

impl Compiler<'_> {
    /// Joins all tables by the equalities among the conjuncts; takes those out and leaves the rest.
    pub(super) fn join_all(&mut self, conjuncts: &mut Vec<Expr>) -> Result<(), CompileError> {
        self.join_tables(conjuncts, self.tables.len())
    }

    /// The same of the first so many tables; the others stand by themselves.
    pub(super) fn join_tables(
        &mut self,
        conjuncts: &mut Vec<Expr>,
        tables: usize,
    ) -> Result<(), CompileError> {
        self.clause = "FROM … ON";
        self.relations = (0..self.tables.len()).map(|t| self.table_relation(t)).collect();
        let links = self.links(conjuncts);
        let mut current = 0;
        let mut waiting: Vec<usize> = (1..tables).collect();
        while !waiting.is_empty() {
            let joined = self.join_next(current, &waiting, &links)?;
            waiting.retain(|t| *t != joined);
            current = self.relations.len() - 1;
        }
        let used: BTreeSet<usize> = links.iter().map(|l| l.conjunct).collect();
        let mut index = 0;
        conjuncts.retain(|_| {
            index += 1;
            !used.contains(&(index - 1))
        });
        self.level = Level::Rows(current);
        self.rows = self.relations[current].rows;
        self.live = self.relations[current].live;
        Ok(())
    }

    /// Whether no two of the joined rows share a value of this column.
    pub(super) fn is_unique(&self, relation: usize, table: usize, column: &str) -> bool {
        self.relations[relation].unique.contains(&(table, column.to_owned()))
    }

    /// A column of a table's input on the rows of a relation.
    pub(super) fn bring(&mut self, relation: usize, table: usize, at: Ref) -> Ref {
        let (node, left, right) = match self.relations[relation].origin {
            Origin::Table => return at,
            Origin::Sets { node } => return self.b.bring(node, at),
            Origin::Join { node, left, right } => (node, left, right),
        };
        if self.relations[left].tables.contains(&table) {
            let at = self.bring(left, table, at);
            self.b.bring(node, at)
        } else {
            self.bring(right, table, at)
        }
    }

    pub(super) fn table_relation(&self, table: usize) -> Relation {
        let dataset = self.tables.get(table).dataset;
        let unique = dataset.columns.iter().filter(|c| dataset.is_unique(c));
        Relation {
            tables: BTreeSet::from([table]),
            live: self.b.input_live(table),
            rows: dataset.rows_max,
            unique: unique.map(|c| (table, c.name.clone())).collect(),
            origin: Origin::Table,
        }
    }

    fn links(&self, conjuncts: &[Expr]) -> Vec<Link> {
        let mut links = Vec::new();
        for (conjunct, expr) in conjuncts.iter().enumerate() {
            let Some((a, b)) = equality(expr) else { continue };
            let sides = (self.tables.reads(a).single(), self.tables.reads(b).single());
            if let (Some(x), Some(y)) = sides
                && x != y
            {
                links.push(Link { sides: [(x, a.clone()), (y, b.clone())], conjunct });
            }
        }
        links
    }

    /// Joins the first waiting table that can be joined with the current relation.
    fn join_next(
        &mut self,
        current: usize,
        waiting: &[usize],
        links: &[Link],
    ) -> Result<usize, CompileError> {
        let mut connected = false;
        for table in waiting {
            let parts = self.oriented(current, *table, links);
            if parts.is_empty() {
                continue;
            }
            connected = true;
            let near = parts.iter().any(|p| self.key_is_unique(current, &p.near));
            let far = parts.iter().any(|p| self.key_is_unique(*table, &p.far));
            if !near && !far {
                continue;
            }
            if near && far && self.meet_tables(current, *table, &parts)? {
                return Ok(*table);
            }
            // The result has as many rows as the right side.
            let sorted = matches!(self.relations[current].origin, Origin::Table);
            let larger = self.relations[current].rows > self.relations[*table].rows;
            if far && !(near && sorted && larger) {
                self.join(*table, current, parts, near)?;
            } else {
                let swap = |p: Oriented| Oriented { near: p.far, far: p.near };
                self.join(current, *table, parts.into_iter().map(swap).collect(), far)?;
            }
            return Ok(*table);
        }
        Err(if connected {
            self.unsupported(
                "a join where neither side's key is unique",
                "declare the key column of one side unique (or the entity key) in its dataset",
            )
        } else {
            self.unsupported(
                "a join without an equality between the tables",
                "connect the tables by … ON a.key = b.key",
            )
        })
    }

    fn oriented(&self, current: usize, table: usize, links: &[Link]) -> Vec<Oriented> {
        let here = &self.relations[current].tables;
        let orient = |link: &Link| {
            let [a, b] = link.sides.clone();
            if here.contains(&a.0) && b.0 == table {
                Some(Oriented { near: a, far: b })
            } else if here.contains(&b.0) && a.0 == table {
                Some(Oriented { near: b, far: a })
            } else {
                None
            }
        };
        links.iter().filter_map(orient).collect()
    }

    fn key_is_unique(&self, relation: usize, side: &(usize, Expr)) -> bool {
        let Expr::Column(column) = self.without_widening(&side.1) else { return false };
        self.relations[relation].unique.contains(&(side.0, column.name.clone()))
    }

    /// The expression beneath casts that keep different values different.
    fn without_widening<'e>(&self, expr: &'e Expr) -> &'e Expr {
        let Expr::Cast(Cast { expr: inner, field }) = expr else { return expr };
        let (to, from) = (field.data_type(), type_of(inner, self.tables.schema()));
        let number = |t: &DataType| t.is_integer() || t.is_decimal();
        let keeps = from.is_ok_and(|from| {
            (is_text(&from) && is_text(to))
                || (number(&from) && number(to) && scale_of(to) >= scale_of(&from))
        });
        if keeps { self.without_widening(inner) } else { expr }
    }

    /// Joins `left`, whose key is unique, to `right`; `parts` name the right side as near, the left as far.
    fn join(
        &mut self,
        left: usize,
        right: usize,
        parts: Vec<Oriented>,
        right_unique: bool,
    ) -> Result<(), CompileError> {
        let (mut left_key, mut right_key) = (Vec::new(), Vec::new());
        for part in &parts {
            self.note_join(part);
            for encoding in self.key_encodings(part)? {
                let l = self.b.input(part.far.0, &part.far.1, encoding.clone());
                let r = self.b.input(part.near.0, &part.near.1, encoding);
                left_key.push(self.bring(left, part.far.0, l));
                right_key.push(self.bring(right, part.near.0, r));
            }
        }
        let left_sorted = matches!(self.relations[left].origin, Origin::Table);
        if left_sorted {
            self.b.sharings[left].sorted_by = left_key.iter().map(|r| r.1).collect();
        }
        left_key.reverse();
        right_key.reverse();
        let op = Op::Join {
            left_key: self.b.concat(left_key),
            left_live: self.relations[left].live,
            left_sorted,
            columns: Vec::new(),
            right_key: self.b.concat(right_key),
            right_live: self.relations[right].live,
        };
        let rows = self.relations[right].rows;
        let live = self.b.many(op, vec![Shape { kind: Kind::Bits(1), rows }]);
        let mut unique = self.relations[right].unique.clone();
        if right_unique {
            unique.extend(self.relations[left].unique.iter().cloned());
        }
        let tables = &self.relations[left].tables | &self.relations[right].tables;
        let origin = Origin::Join { node: live.0, left, right };
        self.relations.push(Relation { tables, live, rows, unique, origin });
        Ok(())
    }

    /// Records the use, and has the owners drop NULL keys, which match nothing.
    pub(super) fn note_join(&mut self, part: &Oriented) {
        for (side, other) in [(&part.near, &part.far), (&part.far, &part.near)] {
            let form = UseForm::JoinKey(self.tables.get(other.0).dataset.table());
            self.uses.record(&side.1, &form, &self.tables);
            if self.tables.nullable(&side.1) {
                self.filters[side.0].push(side.1.clone().is_not_null());
            }
        }
    }

    /// How both sides of an equality travel as bits, most significant column first.
    fn key_encodings(&mut self, part: &Oriented) -> Result<Vec<Encoding>, CompileError> {
        let (a, b) = (&part.near.1, &part.far.1);
        let ty = type_of(a, self.tables.schema())?;
        let other = type_of(b, self.tables.schema())?;
        if ty == DataType::Boolean && other == ty {
            return Ok(vec![Encoding::Flag]);
        }
        if is_text(&ty) && is_text(&other) {
            return Ok(self.text_encodings(part));
        }
        let same = meaning(&ty).is_some()
            && meaning(&ty) == meaning(&other)
            && scale_of(&ty) == scale_of(&other);
        let ranges = (bounds(a, &self.tables)?, bounds(b, &self.tables)?);
        let (true, Some(x), Some(y)) = (same, ranges.0, ranges.1) else {
            return Err(self.unsupported(
                format!("a join key of types {ty} and {other}"),
                "join on integers, dates, timestamps, decimals or strings of one type",
            ));
        };
        let range = x.union(y);
        Ok(vec![Encoding::Offset { min: range.min, max: range.max, width: range.width() }])
    }

    fn text_encodings(&mut self, part: &Oriented) -> Vec<Encoding> {
        let (a, b) = (domain(&part.near.1, &self.tables), domain(&part.far.1, &self.tables));
        if let (Some(a), Some(b)) = (a, b) {
            return vec![super::text::code(super::text::merged(&a, &b))];
        }
        let rows = |t: usize| self.tables.get(t).dataset.rows_max;
        let all = rows(part.near.0).saturating_add(rows(part.far.0));
        self.notes.insert(format!(
            "`{}` and `{}` are compared by a hash keyed for this run: two different values \
             agree with probability at most 2^-40",
            part.near.1, part.far.1
        ));
        super::text::hash_lanes(all)
    }
}
