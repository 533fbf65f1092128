//! A training on joined rows as a joint plan: the tables are joined like those of a statement, and what would be selected is
//! trained on instead.

use std::collections::BTreeSet;

use datafusion::logical_expr::{Expr, lit};

use super::{
    bounds::{Bounds, check_arithmetic},
    compile::Compiled,
    compiler::{Compiler, Level},
    error::CompileError,
    flatten::Block,
    parse::{logical_plan, with_room},
    tables::Tables,
    train::{TRAINED_COLUMN, described},
    value::{Meaning, Number},
};
use crate::{
    catalog::DatasetDescriptor,
    job::{CurveSpec, JobId, JobSpec, VerticalSpec},
    plan::{
        Decode, Encoding, Feature, Kind, Op, Output, OutputColumn, PolicyTerms, Ref, UNIT_BITS,
        UseForm, Vertical,
    },
};

const FEATURES: &str = "train_vertical.features";
const LABEL: &str = "train_vertical.label";

/// Compiles a training on joined rows.
pub(super) fn compile_vertical(
    spec: &JobSpec,
    asked: &VerticalSpec,
    descriptors: &[DatasetDescriptor],
    policies: &[PolicyTerms],
) -> Result<Compiled, CompileError> {
    let text = statement(asked);
    with_room(&text, || {
        let block = Block::of(&logical_plan(&text, descriptors, spec.issued_at_ms)?)?;
        expected(&block, asked)?;
        let mut compiler = Compiler::new(Tables::new(&block, descriptors, policies)?);
        let (output, least) = compiler.vertical(&block, asked)?;
        compiler.finish(spec, output, least)
    })
}

/// The rows as a statement selects them.
fn statement(asked: &VerticalSpec) -> String {
    let all = asked.features.iter().chain([&asked.label]).enumerate();
    let listed: Vec<String> = all.map(|(at, expr)| format!("({expr}) AS f{at}")).collect();
    let filter = asked.filter.as_ref().map(|filter| format!(" WHERE ({filter})"));
    format!("SELECT {} FROM {}{}", listed.join(", "), asked.from, filter.unwrap_or_default())
}

/// An expression could close its parenthesis and go on: what came out must be what was meant.
fn expected(block: &Block, asked: &VerticalSpec) -> Result<(), CompileError> {
    let named = block.columns.iter().enumerate().all(|(at, (name, _))| *name == format!("f{at}"));
    let plain = block.grouping.is_none()
        && block.having.is_empty()
        && block.order.is_empty()
        && block.limit.is_none()
        && block.columns.len() == asked.features.len() + 1;
    if !named || !plain {
        let hint = "write tables and their keys, and each feature, the label and the filter as an expression on one row";
        let what = "something else than expressions on joined rows";
        return Err(CompileError::unsupported(what, "train_vertical", hint));
    }
    let owners: BTreeSet<&str> = block.scans.iter().map(|scan| scan.party.as_str()).collect();
    if owners.len() < 2 {
        let hint = "a provider trains on its own rows by itself; join tables of two providers and more, or use `[train]` where \
                    each has rows of its own";
        return Err(CompileError::unsupported("rows of one provider", "train_vertical.from", hint));
    }
    Ok(())
}

impl Compiler<'_> {
    fn vertical(
        &mut self,
        block: &Block,
        asked: &VerticalSpec,
    ) -> Result<(Output, u32), CompileError> {
        let mut conjuncts = block.conjuncts.clone();
        self.join_all(&mut conjuncts)?;
        self.filter(conjuncts)?;
        let Level::Rows(relation) = self.level else {
            return Err(CompileError::Inconsistent { what: "rows were grouped".into() });
        };
        let entities = self.entities(relation)?;
        let expressions: Vec<&Expr> = block.columns.iter().map(|(_, expr)| expr).collect();
        for expr in &expressions {
            self.uses.record(expr, &UseForm::Train, &self.tables);
        }
        self.clause = FEATURES;
        let (mut features, mut columns) = (Vec::new(), Vec::new());
        for (name, expr) in asked.features.iter().zip(&expressions) {
            let feature = described(name, expr, &self.tables, FEATURES)?;
            columns.extend(self.numbers(expr, &feature)?);
            features.push(feature);
        }
        self.clause = LABEL;
        let expr = expressions[asked.features.len()];
        let label = described(&asked.label, expr, &self.tables, LABEL)?;
        let class = self.class(expr, &label)?;
        let of = Vertical {
            features,
            columns,
            label,
            class,
            // Last: conditions on several tables that are neither true nor false leave rows out.
            live: self.live,
            rows: self.rows,
            epochs: asked.epochs,
            batch: asked.batch,
            rate: asked.rate,
            penalty: asked.penalty,
            curve: asked.curve,
            resumes: asked.resumes.map(JobId::hash),
        };
        self.model(of, entities)
    }

    /// The columns of a feature on the joined rows.
    pub(super) fn numbers(
        &mut self,
        expr: &Expr,
        feature: &Feature,
    ) -> Result<Vec<Ref>, CompileError> {
        match feature {
            Feature::Flag { .. } => Ok(vec![self.condition(expr)?]),
            Feature::Number { min, max, .. } => {
                let table = self.owner(expr)?;
                self.only_present(table, expr);
                let encoding = Encoding::Unit { min: *min, max: *max, frac: UNIT_BITS };
                Ok(vec![self.share(table, expr, encoding)])
            }
            Feature::OneOf { domain, .. } => {
                let table = self.owner(expr)?;
                // Where it is NULL, it is none of them.
                let one = |value: &String| expr.clone().eq(lit(value.clone()));
                let shared = |value| self.share(table, &one(value), Encoding::Flag);
                Ok(domain.iter().map(shared).collect())
            }
        }
    }

    /// The class of each row: 0 or 1.
    fn class(&mut self, expr: &Expr, label: &Feature) -> Result<Ref, CompileError> {
        match label {
            Feature::Flag { .. } => self.condition(expr),
            Feature::Number { min: 0, max: 1, digits: 0, .. } => {
                let table = self.owner(expr)?;
                self.only_present(table, expr);
                Ok(self.share(table, expr, Encoding::Offset { min: 0, max: 1, width: 1 }))
            }
            Feature::OneOf { domain, .. } if domain.len() == 2 => {
                let table = self.owner(expr)?;
                self.only_present(table, expr);
                let second = expr.clone().eq(lit(domain[1].clone()));
                Ok(self.share(table, &second, Encoding::Flag))
            }
            other => Err(self.unsupported(
                format!("`{}` of more than two values", other.name()),
                "a logistic model tells two classes apart: write a condition",
            )),
        }
    }

    /// A condition as a bit; rows of which it is neither true nor false are left out.
    fn condition(&mut self, expr: &Expr) -> Result<Ref, CompileError> {
        if let Some(table) = self.tables.reads(expr).single() {
            check_arithmetic(expr, &self.tables)?;
            self.only_present(table, expr);
            return Ok(self.share(table, expr, Encoding::Flag));
        }
        let (yes, present) = self.truth(expr)?;
        if let Some(present) = present {
            self.live = self.b.and(self.live, present);
        }
        Ok(yes)
    }

    /// The one table that an expression reads.
    fn owner(&self, expr: &Expr) -> Result<usize, CompileError> {
        let Some(table) = self.tables.reads(expr).single() else {
            return Err(self.unsupported(
                format!("`{}`, a number or text of several providers' columns", self.tables.shown(expr)),
                "take each column by itself, or compare them: a condition may be on several providers' columns",
            ));
        };
        check_arithmetic(expr, &self.tables)?;
        Ok(table)
    }

    /// Has the owner leave rows out of which the expression is NULL.
    fn only_present(&mut self, table: usize, expr: &Expr) {
        if self.tables.nullable(expr) {
            self.filters[table].push(expr.clone().is_not_null());
        }
    }

    /// Trains, and holds the model back where it would rest on too few rows.
    fn model(&mut self, of: Vertical, entities: u32) -> Result<(Output, u32), CompileError> {
        self.clause = "train_vertical";
        let unfit = |c: &Self, why: String| {
            c.unsupported(format!("a training that does not fit ({why})"), "change its figures")
        };
        of.setting().map_err(|why| unfit(self, why))?;
        let demanded = (0..self.tables.len()).filter_map(|t| self.tables.get(t).terms);
        let demanded = demanded.map(|terms| terms.min_rows).max().unwrap_or(0).max(entities);
        let least = of.least_rows().max(demanded.into());
        let (rows, weights) = (of.rows, of.weights());
        let least = u32::try_from(least).ok().filter(|least| u64::from(*least) <= rows);
        let least = least.ok_or_else(|| {
            let hint = "take fewer features: a model rests on ten rows a weight at least, and on what policies ask for";
            self.unsupported(format!("{weights} weights of at most {rows} joined rows"), hint)
        })?;
        if of.curve == CurveSpec::Cubic {
            self.notes.insert(
                "the cubic holds while every row's sum of weighted features stays between −5 and 5; a model that gets beyond is \
                 worth nothing, and looks like any other"
                    .to_owned(),
            );
        }
        let (outputs, words) = (of.outputs(), of.outputs()[0].rows);
        let trained = self.b.many(Op::TrainVertical(Box::new(of)), outputs);
        let count = Ref(trained.0, 1);
        let count = Number::word(count, Bounds::new(0, rows.into()), 0, Meaning::Integer);
        self.rows = 1;
        let enough = self.at_least(&count, least)?;
        self.rows = words;
        self.live = self.b.one(Op::Spread { of: enough, rows: words }, Kind::Bits(1), words);
        let value = self.b.mask(trained, self.live);
        let word = OutputColumn {
            name: TRAINED_COLUMN.to_owned(),
            value,
            present: None,
            divisor: None,
            decode: Decode::Integer { offset: 0 },
        };
        self.notes.insert(
            "rows with a NULL among the features that are numbers or conditions, or as the label, are left out; a NULL among \
             texts is none of the values"
                .to_owned(),
        );
        Ok((Output { live: self.live, columns: vec![word] }, least))
    }
}
