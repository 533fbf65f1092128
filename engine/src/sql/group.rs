//! Grouping: keys, sums, counts and extremes of the joined rows, and their values on the groups.

use std::collections::BTreeMap;

use datafusion::{
    arrow::datatypes::{DataType, Field},
    common::tree_node::{TreeNode, TreeNodeRecursion},
    logical_expr::{
        Cast, Expr,
        expr::{AggregateFunction, AggregateFunctionParams},
    },
};

use super::{
    bounds::{Bounds, bounds, scale_of, type_of, wider},
    compiler::{Compiler, Level, overflow},
    error::CompileError,
    flatten::Grouping,
    text,
    value::{Data, Meaning, Number, Place, Ratio, Text, Value},
};
use crate::plan::{Decode, Extreme, Kind, Op, Ref, Shape, UseForm};

/// What a `GroupBy` is made of, gathered before it is emitted.
#[derive(Debug, Default)]
struct Parts {
    keys: Vec<Ref>,
    sums: Vec<Ref>,
    extremes: Vec<Extreme>,
    /// How many different keys there can be.
    cardinality: u128,
}

/// One column of the grouping, waiting for the operation's outputs.
#[derive(Debug)]
enum Pending {
    Key { value: Value, key: usize, present: Option<usize> },
    Count { sum: usize },
    Sum { sum: usize, count: Option<usize>, number: Number },
    Average { sum: usize, count: usize, nullable: bool, number: Number, decode: Decode },
    Extreme { at: usize, count: Option<usize>, value: Value },
}

/// The groups after [`Compiler::group`].
#[derive(Debug)]
pub(super) struct Groups {
    /// Rows of each group.
    pub(super) count: Number,
    /// Whether there is a GROUP BY; without one there is one group.
    pub(super) keyed: bool,
}

impl Compiler<'_> {
    /// Groups the joined rows; from here on expressions are about groups. A released cell rests on at least `least` entities.
    pub(super) fn group(
        &mut self,
        grouping: &Grouping,
        least: u32,
    ) -> Result<Groups, CompileError> {
        let keyed = !grouping.keys.is_empty();
        let mut parts = Parts { cardinality: 1, ..Parts::default() };
        let mut pending = Vec::new();
        self.clause = "GROUP BY";
        for key in &grouping.keys {
            self.uses.record(key, &UseForm::GroupKey, &self.tables);
            pending.push(self.key(key, &mut parts)?);
        }
        self.clause = "SELECT (aggregates)";
        for (i, aggregate) in grouping.aggregates.iter().enumerate() {
            let field = grouping.schema.field(grouping.keys.len() + i);
            pending.push(self.aggregate(aggregate, field, &mut parts)?);
        }
        let live = self.live;
        let everyone = self.count_of(live, &mut parts);
        let rows = self.rows;
        let bound = u64::try_from(parts.cardinality).unwrap_or(u64::MAX);
        let groups = if keyed { rows.min(bound) } else { 1 };
        let sums_at = 1 + parts.keys.len();
        let extremes_at = sums_at + parts.sums.len();
        let node = self.emit(parts, groups);
        let outputs =
            Outputs { node, sums_at, extremes_at, rows, certain: keyed || least > 0, least };
        self.rows = groups;
        self.live = Ref(node, 0);
        let mut values = BTreeMap::new();
        for (i, column) in pending.into_iter().enumerate() {
            values.insert(i.to_string(), self.grouped(column, &outputs)?);
        }
        let count = outputs.count(everyone);
        self.level = Level::Groups(values);
        Ok(Groups { count, keyed })
    }

    fn emit(&mut self, parts: Parts, groups: u64) -> u32 {
        let shape = |kind| Shape { kind, rows: groups };
        let mut outputs = vec![shape(Kind::Bits(1))];
        outputs.extend(parts.keys.iter().map(|k| shape(self.b.shape(*k).kind)));
        outputs.extend(parts.sums.iter().map(|s| shape(self.b.shape(*s).kind)));
        outputs.extend(parts.extremes.iter().map(|e| shape(self.b.shape(e.of).kind)));
        let Parts { keys, sums, extremes, .. } = parts;
        let op = Op::GroupBy { keys, live: self.live, sums, extremes, groups };
        self.b.many(op, outputs).0
    }

    fn key(&mut self, expr: &Expr, parts: &mut Parts) -> Result<Pending, CompileError> {
        let value = self.lower(expr)?;
        let (at, cardinality) = match &value.data {
            Data::Flag(at) => (*at, 2),
            Data::Number(number) => {
                let at = self.bits(number, number.bounds);
                (self.beneath(at, &value), 1 + number.bounds.max.abs_diff(number.bounds.min))
            }
            Data::Text(text) => {
                let Some(domain) = text.domain() else { return Err(self.no_domain(expr)) };
                let at = self.text_code(text, &domain).ok_or_else(|| self.no_domain(expr))?;
                (self.beneath(at, &value), domain.len().max(1) as u128)
            }
            Data::Ratio(_) => return Err(self.unsupported("grouping by AVG", "group by columns")),
        };
        let nullable = u128::from(value.present.is_some());
        parts.cardinality = parts.cardinality.saturating_mul(cardinality.saturating_add(nullable));
        let key = push(&mut parts.keys, at);
        let present = value.present.map(|p| push(&mut parts.keys, p));
        Ok(Pending::Key { value, key, present })
    }

    /// The column with 0 beneath absent values: owners share it so, computed columns are masked.
    pub(super) fn beneath(&mut self, at: Ref, value: &Value) -> Ref {
        let owned = match &value.data {
            Data::Number(n) => matches!(n.at, Place::Owner { .. }),
            Data::Text(t) => matches!(t, Text::Owner { .. }),
            Data::Flag(_) => true,
            Data::Ratio(_) => false,
        };
        match value.present {
            Some(present) if !owned => self.b.mask(at, present),
            _ => at,
        }
    }

    /// The refusal of a string that only its owner can read.
    pub(super) fn no_domain(&self, expr: &Expr) -> CompileError {
        self.unsupported(
            format!("string `{expr}` without a public list of values"),
            "declare its `domain` in the dataset or in the policy",
        )
    }

    fn aggregate(
        &mut self,
        expr: &Expr,
        field: &Field,
        parts: &mut Parts,
    ) -> Result<Pending, CompileError> {
        let Expr::AggregateFunction(AggregateFunction { func, params }) = expr else {
            return Err(self.unsupported(format!("`{expr}`"), "use COUNT, SUM, AVG, MIN or MAX"));
        };
        let name = func.name().to_uppercase();
        self.plain_aggregate(&name, params)?;
        let [argument] = &params.args[..] else {
            return Err(self.unsupported(format!("`{expr}`"), "give it one argument"));
        };
        let selected = match &params.filter {
            Some(filter) => {
                self.uses.record(filter, &UseForm::Filter, &self.tables);
                self.uses.record(filter, &UseForm::Aggregate(name.clone()), &self.tables);
                let yes = self.truth(filter)?.0;
                self.b.and(self.live, yes)
            }
            None => self.live,
        };
        let extremum = matches!(name.as_str(), "MIN" | "MAX");
        let form = if extremum { UseForm::Extrema } else { UseForm::Aggregate };
        self.uses.record(argument, &form(name.clone()), &self.tables);
        self.record_conditions(argument);
        let filtered = params.filter.is_some();
        match name.as_str() {
            "COUNT" => {
                let by = self.counted(argument, selected)?;
                Ok(Pending::Count { sum: self.count_of(by, parts) })
            }
            "SUM" if field.data_type().is_floating() => Err(self.unsupported(
                format!("SUM of DOUBLE or FLOAT (`{expr}`)"),
                "CAST to DECIMAL: sums are exact here",
            )),
            "SUM" => self.sum(argument, selected, filtered, parts),
            "AVG" => self.average(field, argument, (selected, filtered), parts),
            _ if filtered => Err(self.unsupported(format!("{name} with FILTER"), "use CASE in it")),
            "MIN" | "MAX" => self.extreme(argument, name == "MAX", selected, parts),
            _ => {
                Err(self
                    .unsupported(format!("aggregate {name}"), "use COUNT, SUM, AVG, MIN or MAX"))
            }
        }
    }

    fn plain_aggregate(
        &self,
        name: &str,
        params: &AggregateFunctionParams,
    ) -> Result<(), CompileError> {
        if params.distinct && !matches!(name, "MIN" | "MAX") {
            return Err(self.unsupported(
                format!("{name}(DISTINCT …)"),
                "aggregate all rows, or put the column into GROUP BY",
            ));
        }
        if !params.order_by.is_empty() || params.null_treatment.is_some() {
            return Err(self.unsupported(format!("{name} with ORDER BY or NULLS"), "leave it out"));
        }
        Ok(())
    }

    /// Columns in CASE conditions filter rows as well.
    fn record_conditions(&mut self, expr: &Expr) {
        let mut conditions = Vec::new();
        let visited = expr.apply(|e| {
            if let Expr::Case(case) = e {
                conditions.extend(case.expr.iter().map(|c| c.as_ref().clone()));
                conditions
                    .extend(case.when_then_expr.iter().map(|(when, _)| when.as_ref().clone()));
            }
            Ok(TreeNodeRecursion::Continue)
        });
        debug_assert!(visited.is_ok(), "the visitor returns no error");
        for condition in conditions {
            self.uses.record(&condition, &UseForm::Filter, &self.tables);
        }
    }

    /// The rows that COUNT counts.
    fn counted(&mut self, argument: &Expr, selected: Ref) -> Result<Ref, CompileError> {
        if matches!(argument, Expr::Literal(value, _) if !value.is_null()) {
            return Ok(selected);
        }
        let present = match self.tables.reads(argument).single() {
            Some(table) if self.tables.nullable(argument) => {
                Some(self.share(table, argument, crate::plan::Encoding::Present))
            }
            Some(_) => None,
            None => self.lower(argument)?.present,
        };
        Ok(present.map_or(selected, |p| self.b.and(selected, p)))
    }

    fn count_of(&mut self, by: Ref, parts: &mut Parts) -> usize {
        let ones = self.b.inject(by);
        push(&mut parts.sums, ones)
    }

    /// The argument as a number, and which rows take part.
    fn measure(
        &mut self,
        argument: &Expr,
        selected: Ref,
    ) -> Result<(Number, bool, Ref), CompileError> {
        let argument = self.same_number(argument);
        let each = bounds(argument, &self.tables)?;
        self.ring = each.map_or(Kind::Z64, |b| self.total(b).ring());
        let value = self.lower(argument);
        self.ring = Kind::Z64;
        let value = value?;
        let Data::Number(number) = value.data else {
            return Err(self.unsupported(format!("`{argument}` under SUM or AVG"), "use a number"));
        };
        if matches!(number.meaning, Meaning::Date | Meaning::Timestamp) {
            return Err(
                self.unsupported(format!("a sum of dates (`{argument}`)"), "use MIN or MAX")
            );
        }
        let by = value.present.map_or(selected, |p| self.b.and(selected, p));
        Ok((number, value.present.is_some(), by))
    }

    /// The expression beneath casts that leave its digits as they are.
    fn same_number<'e>(&self, expr: &'e Expr) -> &'e Expr {
        let Expr::Cast(Cast { expr: inner, field }) = expr else { return expr };
        let Ok(from) = type_of(inner, self.tables.schema()) else { return expr };
        let to = field.data_type();
        let number = from.is_integer() || from.is_decimal();
        let same = (number && *to == DataType::Float64)
            || (from.is_integer() && *to == DataType::Int64)
            || (from.is_decimal() && to.is_decimal() && scale_of(&from) == scale_of(to));
        if same { self.same_number(inner) } else { expr }
    }

    /// What values of these bounds can add up to over all rows.
    fn total(&self, each: Bounds) -> Bounds {
        each.union(Bounds::of(0)).mul(Bounds::new(0, self.rows.into()))
    }

    fn summed(
        &mut self,
        argument: &Expr,
        number: &Number,
        by: Ref,
        parts: &mut Parts,
    ) -> Result<(usize, Number), CompileError> {
        let bounds = self.total(number.bounds);
        if !bounds.fits(Bounds::DECIMAL) {
            return Err(overflow(
                &format!("SUM({})", self.tables.shown(argument)),
                bounds,
                "38 digits",
            ));
        }
        let word = self.word_in(number, wider(self.ring_of(number), bounds.ring()));
        let masked = self.b.mask(word, by);
        let number = Number::word(masked, bounds, number.scale, number.meaning);
        Ok((push(&mut parts.sums, masked), number))
    }

    fn sum(
        &mut self,
        argument: &Expr,
        selected: Ref,
        filtered: bool,
        parts: &mut Parts,
    ) -> Result<Pending, CompileError> {
        let (number, nullable, by) = self.measure(argument, selected)?;
        let (sum, number) = self.summed(argument, &number, by, parts)?;
        let count = (nullable || filtered).then(|| self.count_of(by, parts));
        Ok(Pending::Sum { sum, count, number })
    }

    fn average(
        &mut self,
        field: &Field,
        argument: &Expr,
        (selected, filtered): (Ref, bool),
        parts: &mut Parts,
    ) -> Result<Pending, CompileError> {
        let (number, nullable, by) = self.measure(argument, selected)?;
        let from = number.scale;
        let decode = match field.data_type() {
            DataType::Float64 => Decode::Quotient { scale: from },
            other => Decode::DecimalQuotient { from, scale: scale_of(other) },
        };
        if let Decode::DecimalQuotient { scale, .. } = decode {
            let quotient = number.bounds.shift(u32::from(scale.saturating_sub(from)));
            if !quotient.fits(Bounds::DECIMAL) {
                return Err(overflow(
                    &format!("AVG({})", self.tables.shown(argument)),
                    quotient,
                    "38 digits",
                ));
            }
        }
        self.notes.insert(format!(
            "{} is sealed as its SUM and its COUNT; the buyer divides",
            field.name()
        ));
        let (sum, number) = self.summed(argument, &number, by, parts)?;
        let count = self.count_of(by, parts);
        Ok(Pending::Average { sum, count, nullable: nullable || filtered, number, decode })
    }

    fn extreme(
        &mut self,
        argument: &Expr,
        largest: bool,
        selected: Ref,
        parts: &mut Parts,
    ) -> Result<Pending, CompileError> {
        let value = self.lower(argument)?;
        let bits = match &value.data {
            Data::Flag(at) => *at,
            Data::Number(number) => self.bits(number, number.bounds),
            Data::Text(text) => {
                let Some(domain) = text.domain() else { return Err(self.no_domain(argument)) };
                self.text_code(text, &domain).ok_or_else(|| self.no_domain(argument))?
            }
            Data::Ratio(_) => return Err(self.unsupported("MIN or MAX of AVG", "use a column")),
        };
        let bits = self.beneath(bits, &value);
        // The top bit puts absent values last: below all others for MAX, above them for MIN.
        let of = match value.present {
            Some(present) => {
                let top = if largest { present } else { self.b.not(present) };
                self.b.concat(vec![bits, top])
            }
            None => bits,
        };
        let at = push(&mut parts.extremes, Extreme { of, largest });
        let count = value.present.map(|present| {
            let by = self.b.and(selected, present);
            self.count_of(by, parts)
        });
        Ok(Pending::Extreme { at, count, value })
    }

    /// The value of a column of the grouping.
    fn grouped(&mut self, column: Pending, outputs: &Outputs) -> Result<Value, CompileError> {
        Ok(match column {
            Pending::Key { value, key, present } => {
                let present = present.map(|p| outputs.key(p));
                Value { data: moved(&value.data, outputs.key(key)), present }
            }
            Pending::Count { sum } => Value::number(outputs.count(sum), None),
            Pending::Sum { sum, count, number } => {
                let present = self.group_present(count, outputs)?;
                let at = Place::Word(outputs.sum(sum));
                Value::number(Number { at, ..number }, present)
            }
            Pending::Average { sum, count, nullable, number, decode } => {
                let present = self.group_present(nullable.then_some(count), outputs)?;
                let sum = Number { at: Place::Word(outputs.sum(sum)), ..number };
                let count = outputs.count(count);
                Value { data: Data::Ratio(Box::new(Ratio { sum, count, decode })), present }
            }
            Pending::Extreme { at, count, value } => {
                let at = outputs.extreme(at);
                if count.is_some() {
                    let width = self.b.width(at) - 1;
                    let bits = self.b.slice(at, 0, width);
                    let present = self.group_present(count, outputs)?;
                    Value { data: moved(&value.data, bits), present }
                } else {
                    let present = (!outputs.certain).then_some(self.live);
                    Value { data: moved(&value.data, at), present }
                }
            }
        })
    }

    /// Whether a cell has a value: over columns that may be NULL, and under FILTER, only where enough entities have one,
    /// so that the cell rests on them and not just the group.
    fn group_present(
        &mut self,
        count: Option<usize>,
        outputs: &Outputs,
    ) -> Result<Option<Ref>, CompileError> {
        match count {
            Some(count) => self.at_least(&outputs.count(count), outputs.least.max(1)).map(Some),
            None => Ok((!outputs.certain).then_some(self.live)),
        }
    }
}

/// Where the outputs of a `GroupBy` are.
struct Outputs {
    node: u32,
    sums_at: usize,
    extremes_at: usize,
    /// Rows that were grouped.
    rows: u64,
    /// Whether a group that is looked at has at least one row.
    certain: bool,
    /// Entities that a released cell rests on.
    least: u32,
}

impl Outputs {
    fn at(&self, index: usize) -> Ref {
        Ref(self.node, u32::try_from(index).unwrap_or(u32::MAX))
    }

    fn key(&self, i: usize) -> Ref {
        self.at(1 + i)
    }

    fn sum(&self, i: usize) -> Ref {
        self.at(self.sums_at + i)
    }

    fn extreme(&self, i: usize) -> Ref {
        self.at(self.extremes_at + i)
    }

    fn count(&self, i: usize) -> Number {
        let bounds = Bounds::new(0, self.rows.into());
        Number::word(self.sum(i), bounds, 0, Meaning::Integer)
    }
}

/// The same kind of value in another column of bits.
fn moved(data: &Data, at: Ref) -> Data {
    match data {
        Data::Flag(_) => Data::Flag(at),
        Data::Number(number) => {
            let at = Place::Bits { at, min: number.bounds.min };
            Data::Number(Number { at, ..number.clone() })
        }
        Data::Text(text) => {
            let domain = text.domain().unwrap_or_default();
            debug_assert!(text::width(domain.len()) <= 64, "a list in memory");
            Data::Text(Text::Code { at, domain })
        }
        Data::Ratio(ratio) => Data::Ratio(ratio.clone()),
    }
}

fn push<T: PartialEq>(all: &mut Vec<T>, one: T) -> usize {
    if let Some(i) = all.iter().position(|x| *x == one) {
        return i;
    }
    all.push(one);
    all.len() - 1
}
