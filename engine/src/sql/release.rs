//! The output rules, in their order: HAVING, suppression of what rests on too few entities, zeroing of what is not released,
//! compaction and ORDER BY, LIMIT.

use datafusion::{arrow::datatypes::DataType, logical_expr::Expr};

use super::{
    bounds::type_of,
    compiler::{Compiler, Level},
    error::CompileError,
    flatten::Block,
    group::Groups,
    lower::describe,
    value::{Data, Meaning, Number, Place, Text, Value},
};
use crate::plan::{Decode, Kind, Op, Output, OutputColumn, Ref, SortKey, UseForm};

/// Columns that are NULL where a bit is 0.
#[derive(Clone, Copy)]
pub(super) struct Partial<'p> {
    pub(super) there: Ref,
    /// Which expressions' columns.
    pub(super) of: &'p dyn Fn(&Expr) -> bool,
}

impl Compiler<'_> {
    /// The smallest number of entities a released row must rest on, once it is proved that a row count is an entity count.
    pub(super) fn entities(&self, relation: usize) -> Result<u32, CompileError> {
        let mut least = 0;
        for t in 0..self.tables.len() {
            let table = self.tables.get(t);
            let k = table.terms.map_or(0, |terms| terms.min_group_entities);
            least = least.max(k);
            let key = table.dataset.entity_key.as_deref();
            if k <= 1 || key.is_some_and(|key| self.is_unique(relation, t, key)) {
                continue;
            }
            let message = match key {
                Some(key) => format!(
                    "the statement may count one `{key}` several times, so {k} rows need not be {k} \
                     entities; join on a key that is unique on the other side too"
                ),
                None => {
                    format!("the dataset names no entity key, so {k} entities cannot be counted")
                }
            };
            return Err(self.refused(t, message));
        }
        Ok(least)
    }

    fn refused(&self, table: usize, message: String) -> CompileError {
        self.refused_by(table, "output.min_group_entities", message)
    }

    /// What a rule of a table's policy keeps every plan from.
    pub(super) fn refused_by(
        &self,
        table: usize,
        rule: &str,
        message: impl Into<String>,
    ) -> CompileError {
        let dataset = self.tables.get(table).dataset;
        CompileError::Refused {
            party: dataset.party.clone(),
            dataset: dataset.name.clone(),
            rule: rule.to_owned(),
            message: message.into(),
        }
    }

    /// Refuses rows of single entities where a policy wants more in a row.
    pub(super) fn refuse_single_rows(&self) -> Result<(), CompileError> {
        for t in 0..self.tables.len() {
            let k = self.tables.get(t).terms.map_or(0, |terms| terms.min_group_entities);
            if k > 1 {
                let message = format!(
                    "a result row would show one entity, at least {k} are due; ask for aggregates, or have \
                     `output.min_group_entities` set to 0 to allow rows of single entities"
                );
                return Err(self.refused(t, message));
            }
        }
        Ok(())
    }

    /// Decides which rows are released: HAVING, then at least `least` entities.
    pub(super) fn released(
        &mut self,
        having: &[Expr],
        groups: &Groups,
        least: u32,
    ) -> Result<(), CompileError> {
        if !groups.keyed && least == 0 {
            self.live = self.b.constant_bits(1, 1, self.rows);
        }
        self.clause = "HAVING";
        for condition in having {
            let yes = self.truth(condition)?.0;
            self.live = self.b.and(self.live, yes);
        }
        if least > 1 {
            let enough = self.at_least(&groups.count, least)?;
            self.live = self.b.and(self.live, enough);
        }
        Ok(())
    }

    /// The masked, sorted, limited output; `single` if there is one row at most.
    pub(super) fn output(&mut self, block: &Block, single: bool) -> Result<Output, CompileError> {
        self.output_where(block, single, None)
    }

    /// The same, with columns that are NULL where a bit is 0: those whose expression is one of these.
    pub(super) fn output_where(
        &mut self,
        block: &Block,
        single: bool,
        partial: Option<Partial<'_>>,
    ) -> Result<Output, CompileError> {
        self.clause = "SELECT";
        let mut columns = Vec::new();
        for (name, expr) in &block.columns {
            let mut column = self.column(name, expr)?;
            if let Some(Partial { there, .. }) = partial.filter(|partial| (partial.of)(expr)) {
                column.value = self.b.mask(column.value, there);
                let present = column.present.map(|present| self.b.and(present, there));
                column.present = Some(present.unwrap_or(there));
            }
            columns.push(column);
        }
        self.held(block, single, columns)
    }

    /// Rows of a list, and beside what is selected of each a column that was worked out otherwise.
    pub(super) fn output_with(
        &mut self,
        block: &Block,
        more: OutputColumn,
    ) -> Result<Output, CompileError> {
        self.clause = "SELECT";
        let mut columns = Vec::new();
        for (name, expr) in &block.columns {
            columns.push(self.column(name, expr)?);
        }
        columns.push(more);
        self.held(block, false, columns)
    }

    /// Columns of which what is not released is 0, in order, and cut off at the limit.
    fn held(
        &mut self,
        block: &Block,
        single: bool,
        mut columns: Vec<OutputColumn>,
    ) -> Result<Output, CompileError> {
        let r = self.live;
        for column in &mut columns {
            let OutputColumn { value, present, divisor, .. } = column;
            for at in [value].into_iter().chain(present).chain(divisor) {
                *at = self.b.mask(*at, r);
            }
        }
        let mut output = Output { live: r, columns };
        if !single {
            self.sort(block, &mut output)?;
        }
        if let Some(limit) = block.limit.filter(|l| *l < self.rows) {
            each(&mut output, |at| {
                let kind = self.b.shape(*at).kind;
                *at = self.b.one(Op::Head { of: *at, rows: limit }, kind, limit);
            });
        }
        Ok(output)
    }

    /// Brings released rows to the front, in the order asked for. Rows that are not groups are shuffled before: else the place of
    /// one among its equals would say where it stood in its table.
    fn sort(&mut self, block: &Block, output: &mut Output) -> Result<(), CompileError> {
        self.clause = "ORDER BY";
        let mut keys = Vec::new();
        for sort in &block.order {
            let value = self.lower(&sort.expr)?;
            let of = self.sort_bits(&sort.expr, &value)?;
            if let Some(present) = value.present {
                // NULLS FIRST: absent (0) before present (1).
                keys.push(SortKey { of: present, descending: !sort.nulls_first });
            }
            keys.push(SortKey { of: self.beneath(of, &value), descending: !sort.asc });
        }
        if matches!(self.level, Level::Rows(_)) {
            self.shuffle(output, &mut keys);
        }
        let live = output.live;
        let mut columns: Vec<Ref> = Vec::new();
        each(output, |at| {
            if *at != live && !columns.contains(at) {
                columns.push(*at);
            }
        });
        let shapes = [live].iter().chain(&columns).map(|c| self.b.shape(*c)).collect();
        let node = self.b.many(Op::Sort { live, keys, columns: columns.clone() }, shapes);
        each(output, |at| {
            let index = columns.iter().position(|c| c == at).map_or(0, |i| i + 1);
            *at = Ref(node.0, u32::try_from(index).unwrap_or(u32::MAX));
        });
        Ok(())
    }

    fn shuffle(&mut self, output: &mut Output, keys: &mut [SortKey]) {
        let mut columns: Vec<Ref> = Vec::new();
        let mut all = output.layout_mut();
        all.extend(keys.iter_mut().map(|key| &mut key.of));
        for at in &all {
            if !columns.contains(at) {
                columns.push(**at);
            }
        }
        let shapes = columns.iter().map(|c| self.b.shape(*c)).collect();
        let node = self.b.many(Op::Shuffle { columns: columns.clone() }, shapes);
        for at in all {
            let index = columns.iter().position(|c| c == at).unwrap_or(columns.len());
            *at = Ref(node.0, u32::try_from(index).unwrap_or(u32::MAX));
        }
    }

    fn sort_bits(&mut self, expr: &Expr, value: &Value) -> Result<Ref, CompileError> {
        match &value.data {
            Data::Flag(at) => Ok(*at),
            Data::Number(number) => Ok(self.bits(number, number.bounds)),
            Data::Text(text) => {
                let Some(domain) = text.domain() else { return Err(self.no_domain(expr)) };
                self.text_code(text, &domain).ok_or_else(|| self.no_domain(expr))
            }
            Data::Ratio(_) => Err(self.unsupported(
                format!("ORDER BY {expr}"),
                "AVG is divided by the buyer; order by SUM, COUNT or a key",
            )),
        }
    }

    fn column(&mut self, name: &str, expr: &Expr) -> Result<OutputColumn, CompileError> {
        let value = self.lower(expr)?;
        let (at, divisor, decode) = match &value.data {
            Data::Flag(at) => (*at, None, Decode::Bool),
            Data::Number(number) => {
                if type_of(expr, self.tables.schema())? == DataType::Float64 {
                    return Err(self.unsupported(
                        describe(expr),
                        "floats come from AVG only; CAST to DECIMAL",
                    ));
                }
                let (at, offset) = self.placed(number);
                (at, None, decode(number, offset))
            }
            Data::Text(text) => {
                let Some(domain) = text.domain() else { return Err(self.no_domain(expr)) };
                let at = self.text_code(text, &domain).ok_or_else(|| self.no_domain(expr))?;
                (at, None, Decode::Code { domain })
            }
            Data::Ratio(_) if !matches!(expr, Expr::Column(_)) => {
                return Err(self.unsupported(
                    format!("an expression over AVG (`{expr}`)"),
                    "select AVG by itself: the buyer divides",
                ));
            }
            Data::Ratio(ratio) => {
                let (sum, count) = (self.word(&ratio.sum), self.word(&ratio.count));
                let shown = |c: &mut Self, at| value.present.map_or(at, |p| c.b.mask(at, p));
                (shown(self, sum), Some(shown(self, count)), ratio.decode.clone())
            }
        };
        // A constant NULL is no text: its code names nothing.
        let null = matches!(value.data, Data::Text(Text::Null));
        let decode = if null { Decode::Bool } else { decode };
        let at = if value.present.is_some() { self.zeroed(at, &value) } else { at };
        Ok(OutputColumn {
            name: name.to_owned(),
            value: at,
            present: value.present,
            divisor,
            decode,
        })
    }

    /// What lies beneath an absent value is not shown either.
    fn zeroed(&mut self, at: Ref, value: &Value) -> Ref {
        match (&value.data, value.present) {
            (Data::Ratio(_), _) | (_, None) => at,
            _ => self.beneath(at, value),
        }
    }

    /// A number in the form it already has, and what is to be added after opening.
    fn placed(&mut self, number: &Number) -> (Ref, i128) {
        match &number.at {
            Place::Owner { .. } => (self.bits(number, number.bounds), number.bounds.min),
            Place::Bits { at, min } => (*at, *min),
            _ => (self.word(number), 0),
        }
    }

    /// Records row-by-row output.
    pub(super) fn record_list(&mut self, block: &Block) {
        let columns = block.columns.iter().map(|(_, e)| e);
        for expr in columns.chain(block.order.iter().map(|s| &s.expr)) {
            self.uses.record(expr, &UseForm::List, &self.tables);
        }
    }
}

fn decode(number: &Number, offset: i128) -> Decode {
    match number.meaning {
        // SQL calls a sum of integers BIGINT, whatever it adds up to.
        Meaning::Integer if number.bounds.ring() == Kind::Z128 => {
            Decode::Decimal { offset, scale: 0 }
        }
        Meaning::Integer => Decode::Integer { offset },
        Meaning::Decimal => Decode::Decimal { offset, scale: number.scale },
        Meaning::Date => Decode::Date { offset },
        Meaning::Timestamp => Decode::Timestamp { offset },
    }
}

fn each(output: &mut Output, mut change: impl FnMut(&mut Ref)) {
    for column in &mut output.columns {
        let OutputColumn { value, present, divisor, .. } = column;
        [value].into_iter().chain(present).chain(divisor).for_each(&mut change);
    }
    change(&mut output.live);
}
