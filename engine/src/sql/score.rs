//! A scoring as a joint plan: rows as a statement selects them, and beside them the table of weights, which is joined with nothing.

use datafusion::logical_expr::Expr;

use super::{
    bounds::{Bounds, bounds, scale_of, type_bounds, type_of},
    compile::Compiled,
    compiler::Compiler,
    error::CompileError,
    flatten::Block,
    joins::Joins,
    parse::{logical_plan, with_room},
    sets,
    tables::Tables,
    train::described,
    value::{Meaning, Number},
};
use crate::{
    catalog::DatasetDescriptor,
    job::{JobSpec, ScoreSpec},
    plan::{
        Decode, Encoding, Feature, Kind, Op, Output, OutputColumn, PolicyTerms, Ref, Score, Shape,
        UNIT_BITS, UseForm,
    },
};

const COLUMNS: &str = "score.columns";
const FEATURES: &str = "score.features";
const MODEL: &str = "score.model";
/// What the table of weights is called in the statement, and the scores in the result.
const WEIGHTS: &str = "unseen_weights";
const SCORE: &str = "score";

/// Compiles a scoring.
pub(super) fn compile_score(
    joins: Joins,
    (spec, asked): (&JobSpec, &ScoreSpec),
    descriptors: &[DatasetDescriptor],
    policies: &[PolicyTerms],
) -> Result<Compiled, CompileError> {
    let weights = sets::dataset(&asked.model.dataset, descriptors)?;
    let text = statement(asked, weights);
    with_room(&text, || {
        let block = Block::of(&logical_plan(&text, descriptors, spec.issued_at_ms)?)?;
        expected(&block, asked, weights)?;
        let mut compiler =
            Compiler::new(Tables::new(&block, descriptors, policies)?).joining(joins);
        let output = compiler.scored(block, asked)?;
        compiler.finish(spec, output, 0)
    })
}

/// Rows and weights as a statement selects them: what is shown, the features, the weight and its position.
fn statement(asked: &ScoreSpec, weights: &DatasetDescriptor) -> String {
    let expr = |at: usize, expr: &String| format!("({expr}) AS f{at}");
    let all = asked.columns.iter().chain(&asked.features).enumerate();
    let mut listed: Vec<String> = all.map(|(at, text)| expr(at, text)).collect();
    for column in [&asked.model.weight, &asked.model.position] {
        let column = column.replace('"', "\"\"");
        listed.push(format!("{WEIGHTS}.\"{column}\" AS f{}", listed.len()));
    }
    let filter = asked.filter.as_ref().map(|filter| format!(" WHERE ({filter})"));
    format!(
        "SELECT {} FROM {} CROSS JOIN {} AS {WEIGHTS}{}",
        listed.join(", "),
        asked.from,
        weights.table(),
        filter.unwrap_or_default()
    )
}

/// An expression could close its parenthesis and go on: what came out must be what was meant.
fn expected(
    block: &Block,
    asked: &ScoreSpec,
    weights: &DatasetDescriptor,
) -> Result<(), CompileError> {
    let named = block.columns.iter().enumerate().all(|(at, (name, _))| *name == format!("f{at}"));
    let last = block
        .scans
        .last()
        .is_some_and(|scan| scan.party == weights.party.as_str() && scan.dataset == weights.name);
    let plain = block.grouping.is_none()
        && block.having.is_empty()
        && block.order.is_empty()
        && block.limit.is_none()
        && block.columns.len() == asked.columns.len() + asked.features.len() + 2;
    if named && last && plain && block.scans.len() > 1 {
        return Ok(());
    }
    let hint = "write tables and their keys, and each column, feature and the filter as an expression on one row";
    Err(CompileError::unsupported("something else than expressions on rows", SCORE, hint))
}

impl Compiler<'_> {
    fn scored(&mut self, mut block: Block, asked: &ScoreSpec) -> Result<Output, CompileError> {
        let model = self.tables.len() - 1;
        let mut conjuncts = block.conjuncts.clone();
        if conjuncts.iter().any(|of| self.tables.reads(of).tables.contains(&model)) {
            let hint = "conditions are on rows; the model's owner decides which weights there are";
            return Err(self.unsupported("a condition on the weights", hint));
        }
        self.join_tables(&mut conjuncts, model)?;
        self.filter(conjuncts)?;
        self.refuse_single_rows()?;
        let rest = block.columns.split_off(asked.columns.len());
        let mut rest = rest.into_iter().map(|(_, expr)| expr);
        let features: Vec<Expr> = rest.by_ref().take(asked.features.len()).collect();
        let of_model: Vec<Expr> = rest.collect();
        self.clause = COLUMNS;
        self.of_rows(block.columns.iter().map(|(_, expr)| expr), model, "shown column")?;
        for ((name, _), shown) in block.columns.iter_mut().zip(&asked.columns) {
            *name = shown.trim().to_owned();
        }
        self.record_list(&block);
        for expr in features.iter().chain(&of_model) {
            self.uses.record(expr, &UseForm::Score, &self.tables);
        }
        let (described, columns) = self.features_of(asked, &features, model)?;
        let count = columns.len() as u64 + 1;
        let (weights, range, digits) = self.weights(model, &of_model, count)?;
        self.complete(model, count)?;
        let (min, max) = range;
        let of = Score { features: described, columns, rows: self.rows, weights, min, max };
        let scores = self.scores(of)?;
        let unit = self.b.constant_word(1 << UNIT_BITS, Kind::Z64, self.rows);
        let scores = OutputColumn {
            name: SCORE.to_owned(),
            value: scores,
            present: None,
            divisor: Some(unit),
            decode: Decode::Quotient { scale: digits },
        };
        self.notes.insert(
            "rows with a NULL among the features that are numbers or conditions are left out; a NULL among texts is none of the \
             values; nothing is released unless the table of the model has all its weights"
                .to_owned(),
        );
        self.output_with(&block, scores)
    }

    /// Refuses what reads the weights.
    fn of_rows<'e>(
        &self,
        all: impl IntoIterator<Item = &'e Expr>,
        model: usize,
        what: &str,
    ) -> Result<(), CompileError> {
        if all.into_iter().any(|expr| self.tables.reads(expr).tables.contains(&model)) {
            let what = format!("a {what} of the weights");
            return Err(self.unsupported(what, "take it of the rows"));
        }
        Ok(())
    }

    fn features_of(
        &mut self,
        asked: &ScoreSpec,
        expressions: &[Expr],
        model: usize,
    ) -> Result<(Vec<Feature>, Vec<Ref>), CompileError> {
        self.clause = FEATURES;
        self.of_rows(expressions, model, "feature")?;
        let (mut all, mut columns) = (Vec::new(), Vec::new());
        for (name, expr) in asked.features.iter().zip(expressions) {
            let feature = described(name, expr, &self.tables, FEATURES)?;
            columns.extend(self.numbers(expr, &feature)?);
            all.push(feature);
        }
        Ok((all, columns))
    }

    /// The weights in their order, their range and the digits behind their point.
    fn weights(
        &mut self,
        model: usize,
        expressions: &[Expr],
        count: u64,
    ) -> Result<(Ref, (i64, i64), u8), CompileError> {
        self.clause = MODEL;
        let [weight, position] = expressions else {
            return Err(CompileError::Inconsistent { what: "a weight and its position".into() });
        };
        let dataset = self.tables.get(model).dataset;
        let refused = |c: &Self, what: String, hint: &str| Err(c.unsupported(what, hint));
        if dataset.rows_max != count {
            let what = format!("{count} weights of a table of {}", dataset.rows_max);
            let hint = "its owner declares as `rows_max` how many weights there are: one for each number of each feature, in \
                        order, and the intercept's last";
            return refused(self, what, hint);
        }
        let unique = |expr: &Expr| match expr {
            Expr::Column(column) => {
                dataset.column(&column.name).is_some_and(|column| dataset.is_unique(column))
            }
            _ => false,
        };
        if !unique(position) || self.tables.nullable(weight) || self.tables.nullable(position) {
            let hint = "its owner declares the position unique, and neither column nullable";
            return refused(self, "weights without an order of their own".to_owned(), hint);
        }
        let ty = type_of(weight, self.tables.schema())?;
        let range = bounds(weight, &self.tables)?.filter(|range| Some(*range) != type_bounds(&ty));
        let words = range.and_then(|of| Some((of.min.try_into().ok()?, of.max.try_into().ok()?)));
        let (Some(places), Some((min, max))) = (bounds(position, &self.tables)?, words) else {
            let hint =
                "its owner declares `min` and `max` of the weights: what could overflow is refused";
            return refused(self, "weights of no declared range".to_owned(), hint);
        };
        let Bounds { min: first, max: last } = places;
        let place = Encoding::Offset { min: first, max: last, width: places.width() };
        let place = self.b.input(model, position, place);
        self.b.sharings[model].sorted_by = vec![place.1];
        let encoding = Encoding::Word { min: i128::from(min), max: i128::from(max) };
        Ok((self.b.input(model, weight, encoding), (min, max), scale_of(&ty)))
    }

    /// Releases no row unless all weights are there.
    fn complete(&mut self, model: usize, count: u64) -> Result<(), CompileError> {
        let live = self.b.input_live(model);
        let sums = vec![self.b.inject(live)];
        let op = Op::GroupBy { keys: Vec::new(), live, sums, extremes: Vec::new(), groups: 1 };
        let shape = |kind| Shape { kind, rows: 1 };
        let total = self.b.many(op, vec![shape(Kind::Bits(1)), shape(Kind::Z64)]);
        let range = Bounds::new(0, count.into());
        let total = Number::word(Ref(total.0, 1), range, 0, Meaning::Integer);
        let rows = std::mem::replace(&mut self.rows, 1);
        let all = self.at_least(&total, u32::try_from(count).unwrap_or(u32::MAX))?;
        self.rows = rows;
        let all = match rows {
            1 => all,
            rows => self.b.one(Op::Spread { of: all, rows }, Kind::Bits(1), rows),
        };
        self.live = self.b.and(self.live, all);
        Ok(())
    }

    fn scores(&mut self, of: Score) -> Result<Ref, CompileError> {
        let hint = "narrow the declared range of the weights, or take fewer features";
        let unfit = |why: String| format!("a scoring that does not fit ({why})");
        of.setting().map_err(|why| self.unsupported(unfit(why), hint))?;
        let rows = of.rows;
        Ok(self.b.one(Op::Score(Box::new(of)), Kind::Z64, rows))
    }
}
