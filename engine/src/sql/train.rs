//! A federated training as a plan: each provider's rows are described by the same expressions, which it works out alone.

use std::collections::BTreeMap;

use datafusion::{
    arrow::datatypes::DataType,
    logical_expr::{Expr, LogicalPlan},
};

use super::{
    bounds::{Bounds, bounds, check_arithmetic, domain, is_text, scale_of, type_bounds, type_of},
    builder::Sharing,
    compile::{Compiled, local},
    error::CompileError,
    flatten::Block,
    parse::{blamed, logical_plan, with_room},
    sets::{dataset, refused},
    tables::Tables,
    total::check_total,
    uses::Uses,
};
use crate::{
    catalog::DatasetDescriptor,
    identity::canonical_hash,
    job::{CommonRows, ContributionSpec, JobId, JobSpec, TrainSpec},
    plan::{
        Decode, Feature, LocalInput, Op, Output, OutputColumn, Overlap, PLAN_FORMAT, Plan,
        PolicyRef, PolicyTerms, Ref, Training, UseForm, Valuation,
    },
};

/// What the result's one column is called.
pub(super) const TRAINED_COLUMN: &str = "word";

/// Compiles a training.
pub(super) fn compile_train(
    spec: &JobSpec,
    train: &TrainSpec,
    descriptors: &[DatasetDescriptor],
    policies: &[PolicyTerms],
) -> Result<Compiled, CompileError> {
    let given = (spec, train, descriptors, policies);
    let mut read = Read::default();
    for name in &train.datasets {
        read.input(given, name, &UseForm::Train)?;
    }
    if let Some(asked) = &train.contribution {
        read.input(given, &asked.validation, &UseForm::Validate)?;
    }
    let mut features = read.described.take().unwrap_or_default();
    let label = features.pop().ok_or_else(|| refused("train.label", "no label", "name one"))?;
    let training = training(train, features, label);
    let at = Ref(u32::try_from(read.nodes.len()).unwrap_or(u32::MAX), 0);
    read.nodes.push(Op::Train(Box::new(training.clone())));
    let word = OutputColumn {
        name: TRAINED_COLUMN.to_owned(),
        value: Ref(at.0, 1),
        present: None,
        divisor: None,
        decode: Decode::Integer { offset: 0 },
    };
    let notes = vec![
        "rows with a NULL among the features that are numbers or conditions, or as the label, are left out; a NULL among \
         texts is none of the values"
            .to_owned(),
    ];
    let plan = Plan {
        format: PLAN_FORMAT,
        job: canonical_hash("unseen.job/v1", spec),
        compute: spec.compute.clone(),
        buyer: spec.buyer.clone(),
        inputs: read.inputs,
        nodes: read.nodes,
        output: Output { live: at, columns: vec![word] },
        min_group_entities: 0,
        uses: read.uses.into_vec(),
        policies: read.known.into_values().collect(),
        notes,
        psi: None,
    };
    let unfit = |why: String| {
        let hint =
            "README says under \"Federated training\" what a model learns, and what goes together";
        CompileError::unsupported(format!("a training that {why}"), "train", hint)
    };
    training.fault(&plan).map_err(unfit)?;
    Ok(Compiled { plan, locals: read.locals })
}

/// What a job is compiled from.
type Given<'a> = (&'a JobSpec, &'a TrainSpec, &'a [DatasetDescriptor], &'a [PolicyTerms]);

/// What has been read of a training's datasets.
#[derive(Default)]
struct Read {
    inputs: Vec<LocalInput>,
    locals: Vec<LogicalPlan>,
    nodes: Vec<Op>,
    uses: Uses,
    known: BTreeMap<String, PolicyRef>,
    /// The features and the label, as they are at all of them.
    described: Option<Vec<Feature>>,
}

impl Read {
    /// One more dataset, whose rows are described as the others' are.
    fn input(
        &mut self,
        (spec, train, descriptors, policies): Given<'_>,
        name: &str,
        form: &UseForm,
    ) -> Result<(), CompileError> {
        let dataset = dataset(name, descriptors)?;
        let own = Own::read(spec, train, dataset, policies)?;
        own.record(&mut self.uses, form);
        let features = own.features()?;
        self.described = Some(match self.described.take() {
            None => features,
            Some(before) => together(before, features, name)?,
        });
        let terms =
            own.tables.get(0).terms.ok_or_else(|| CompileError::Inconsistent {
                what: format!("{name} has no policy"),
            })?;
        self.known.insert(name.to_owned(), terms.policy.clone());
        let sharing = Sharing {
            rows: dataset.rows_max,
            expressions: own.expressions.clone(),
            columns: Vec::new(),
            sorted_by: Vec::new(),
            key: None,
        };
        let (mut input, local) = local(dataset, sharing, own.filters.clone())?;
        input.trains = true;
        let number = u32::try_from(self.inputs.len()).unwrap_or(u32::MAX);
        self.inputs.push(input);
        self.locals.push(local);
        self.nodes.push(Op::Input { input: number });
        Ok(())
    }
}

/// By whose rows updates are weighed: the input after all others.
fn valuation(train: &TrainSpec, asked: &ContributionSpec) -> Valuation {
    let place = |name: &String| {
        let at = train.datasets.iter().position(|other| other == name);
        at.and_then(|at| u32::try_from(at).ok()).unwrap_or(u32::MAX)
    };
    let overlap = |CommonRows { datasets: [a, b], rows }: &CommonRows| Overlap {
        of: [place(a), place(b)],
        rows: *rows,
    };
    Valuation {
        validation: u32::try_from(train.datasets.len()).unwrap_or(u32::MAX),
        price: asked.price,
        for_rows: asked.for_rows,
        common: asked.common.iter().map(overlap).collect(),
    }
}

fn training(train: &TrainSpec, features: Vec<Feature>, label: Feature) -> Training {
    Training {
        inputs: (0..u32::try_from(train.datasets.len()).unwrap_or(u32::MAX)).collect(),
        features,
        label,
        model: train.model.clone(),
        strategy: train.strategy.clone(),
        averaging: train.averaging.clone(),
        rounds: train.rounds,
        epochs: train.epochs,
        batch: train.batch,
        rate: train.rate,
        proximal: train.proximal,
        largest_update: train.largest_update,
        ring: train.ring,
        least: train.least(),
        round_seconds: train.round_seconds,
        gate: train.gate.clone(),
        privacy: train.privacy.clone(),
        metrics: train.metrics,
        valuation: train.contribution.as_ref().map(|asked| valuation(train, asked)),
        resumes: train.resumes.map(JobId::hash),
    }
}

/// One provider's expressions: the features, then the label.
struct Own<'a> {
    tables: Tables<'a>,
    names: Vec<&'a str>,
    expressions: Vec<Expr>,
    filters: Vec<Expr>,
}

impl<'a> Own<'a> {
    fn read(
        spec: &JobSpec,
        train: &'a TrainSpec,
        dataset: &'a DatasetDescriptor,
        policies: &'a [PolicyTerms],
    ) -> Result<Self, CompileError> {
        let all: Vec<&str> =
            train.features.iter().chain([&train.label]).map(String::as_str).collect();
        let listed: Vec<String> =
            all.iter().enumerate().map(|(at, expr)| format!("({expr}) AS f{at}")).collect();
        let filter = train.filter.as_ref().map(|filter| format!(" WHERE ({filter})"));
        let text = format!(
            "SELECT {} FROM {}{}",
            listed.join(", "),
            dataset.table(),
            filter.unwrap_or_default()
        );
        let descriptors = std::slice::from_ref(dataset);
        let logical = with_room(&text, || logical_plan(&text, descriptors, spec.issued_at_ms));
        let fields = all.iter().map(|text| ("train.features or train.label", *text));
        let fields = fields.chain(train.filter.iter().map(|text| ("train.filter", text.as_str())));
        let logical = logical.map_err(|error| blamed(error, fields))?;
        let block = Block::of(&logical)?;
        // An expression could close its parenthesis and go on: what came out must be what was meant.
        let plain = block.scans.len() == 1
            && block.grouping.is_none()
            && block.having.is_empty()
            && block.order.is_empty()
            && block.limit.is_none()
            && block.columns.len() == all.len();
        if !plain {
            let hint = "write each feature, the label and the filter as an expression on one row";
            return Err(refused(
                "train.features",
                "something else than expressions on a row",
                hint,
            ));
        }
        let tables = Tables::new(&block, descriptors, policies)?;
        let own = Self {
            tables,
            names: all,
            expressions: block.columns.into_iter().map(|(_, expr)| expr).collect(),
            filters: block.conjuncts,
        };
        for expr in own.expressions.iter().chain(&own.filters) {
            check_arithmetic(expr, &own.tables)?;
            check_total(expr, &own.tables)?;
        }
        Ok(own)
    }

    fn record(&self, uses: &mut Uses, form: &UseForm) {
        for expr in &self.expressions {
            uses.record(expr, form, &self.tables);
        }
        for expr in &self.filters {
            uses.record(expr, &UseForm::Filter, &self.tables);
        }
    }

    fn features(&self) -> Result<Vec<Feature>, CompileError> {
        let all = self.names.iter().zip(&self.expressions);
        all.map(|(name, expr)| described(name, expr, &self.tables, "train.features")).collect()
    }
}

/// What an expression is, as a feature or a label.
pub(super) fn described(
    name: &str,
    expr: &Expr,
    tables: &Tables<'_>,
    place: &str,
) -> Result<Feature, CompileError> {
    let refused = |what: &str, hint| CompileError::unsupported(what, place, hint);
    let ty = type_of(expr, tables.schema())?;
    let name = name.trim().to_owned();
    if ty == DataType::Boolean {
        return Ok(Feature::Flag { name });
    }
    if is_text(&ty) {
        let domain = domain(expr, tables).ok_or_else(|| {
            let hint = "its owner declares a `domain` of the column, or compare it with a value: a condition is a feature";
            refused(&format!("text `{name}` without a public list"), hint)
        })?;
        return Ok(Feature::OneOf { name, domain });
    }
    let range = bounds(expr, tables)?.filter(|range| Some(*range) != type_bounds(&ty));
    let Some(Bounds { min, max }) = range else {
        let hint = "its owner declares `min` and `max` of the column: features are scaled by public bounds";
        return Err(refused(&format!("`{name}` of no declared range"), hint));
    };
    Ok(Feature::Number { name, min, max, digits: scale_of(&ty) })
}

/// The same expressions at another provider: ranges that hold at both, and lists that must agree.
fn together(
    before: Vec<Feature>,
    other: Vec<Feature>,
    dataset: &str,
) -> Result<Vec<Feature>, CompileError> {
    let both = before.into_iter().zip(other);
    let one = |(a, b): (Feature, Feature)| match (a, b) {
        (
            Feature::Number { name, min, max, digits },
            Feature::Number { min: low, max: high, digits: theirs, .. },
        ) if digits == theirs => {
            Ok(Feature::Number { name, min: min.min(low), max: max.max(high), digits })
        }
        (a, b) if a == b => Ok(a),
        (a, _) => {
            let construct = format!("`{}` that is something else in `{dataset}`", a.name());
            let hint = "its owners declare the same type and the same list of values";
            Err(refused("train.features", &construct, hint))
        }
    };
    both.map(one).collect()
}
