//! SQL text to a typed, simplified logical plan: DataFusion's parser and planner over tables that have a schema and no rows,
//! then type coercion and constant folding, and nothing else — no rule that looks at statistics, so that every party gets
//! the same plan.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use datafusion::{
    arrow::{array::temporal_conversions::as_datetime, datatypes::TimestampMillisecondType},
    common::{DataFusionError, SchemaError, TableReference},
    config::ConfigOptions,
    execution::SessionStateDefaults,
    logical_expr::{
        AggregateUDF, HigherOrderUDF, LogicalPlan, ScalarUDF, TableSource, WindowUDF,
        logical_plan::builder::LogicalTableSource, planner::ContextProvider, planner::ExprPlanner,
    },
    optimizer::{
        Analyzer, Optimizer, OptimizerContext, analyzer::type_coercion::TypeCoercion,
        simplify_expressions::SimplifyExpressions,
    },
    sql::{
        parser::{DFParser, Statement as ParsedStatement},
        planner::{ParserOptions, SqlToRel},
        sqlparser::ast::Statement,
    },
};

use super::{
    error::{CompileError, in_sql, near_names},
    surface,
};
use crate::catalog::DatasetDescriptor;

/// Longest statement, in bytes.
const MAX_TEXT: usize = 16 * 1024;

/// Stack of the thread that compiles: expressions nest as deep as a statement is long, and DataFusion recurses over them.
const STACK: usize = 512 << 20;

/// Runs a compilation of this statement where its nesting cannot exhaust the stack.
pub(super) fn with_room<T: Send>(
    sql: &str,
    compile: impl FnOnce() -> Result<T, CompileError> + Send,
) -> Result<T, CompileError> {
    if sql.len() > MAX_TEXT {
        let message = format!("the text has {} bytes, at most {MAX_TEXT} are read", sql.len());
        return Err(CompileError::Syntax { message });
    }
    let failed =
        || CompileError::Inconsistent { what: "the statement could not be planned".into() };
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name("compile".into()).stack_size(STACK);
        let running = thread.spawn_scoped(scope, compile).map_err(|_| failed())?;
        running.join().map_err(|_| failed())?
    })
}

/// Parses and plans one SELECT; `now()` is `now_ms`.
pub(super) fn logical_plan(
    sql: &str,
    tables: &[DatasetDescriptor],
    now_ms: i64,
) -> Result<LogicalPlan, CompileError> {
    let statement = parse(sql)?;
    surface::check(&statement)?;
    let names = Names::new(tables);
    let planned = SqlToRel::new_with_options(&names, options())
        .sql_statement_to_plan(statement)
        .map_err(|e| names.explain(&e))?;
    let plan = Analyzer::with_rules(vec![Arc::new(TypeCoercion::new())])
        .execute_and_check(planned, &names.config, |_, _| {})
        .map_err(|e| names.explain(&e))?;
    let now = as_datetime::<TimestampMillisecondType>(now_ms)
        .ok_or_else(|| CompileError::Inconsistent {
            what: "the job's issue time is no date".into(),
        })?
        .and_utc();
    let context = OptimizerContext::new_with_config_options(Arc::new(names.config.clone()))
        .with_query_execution_start_time(now)
        .with_max_passes(3);
    Optimizer::with_rules(vec![Arc::new(SimplifyExpressions::new())])
        .optimize(plan, &context, |_, _| {})
        .map_err(|e| names.explain(&e))
}

/// The one place that says how our SQL differs from DataFusion's defaults: literals with a point are decimals.
fn options() -> ParserOptions {
    ParserOptions::new()
        .with_parse_float_as_decimal(true)
        .with_map_string_types_to_utf8view(false)
        .with_collect_spans(true)
}

fn parse(sql: &str) -> Result<Statement, CompileError> {
    let syntax = |message: String| CompileError::Syntax { message };
    let mut statements = DFParser::parse_sql(sql).map_err(|e| syntax(plain(&e)))?;
    match (statements.pop_front(), statements.len()) {
        (Some(ParsedStatement::Statement(statement)), 0) => Ok(*statement),
        (Some(other), 0) => Err(CompileError::unsupported(
            first_word(&other.to_string()),
            "start of the text",
            "a job is one SELECT",
        )),
        (None, _) => Err(syntax("the text holds no statement".into())),
        (Some(_), more) => Err(syntax(format!("{} statements, one is due", more + 1))),
    }
}

/// The error of a statement that is put together from a job's fields: that of the first field that cannot be read by itself, if there
/// is one, since nobody wrote the text that a line and a column are of.
pub(super) fn blamed<'a>(
    error: CompileError,
    mut fields: impl Iterator<Item = (&'static str, &'a str)>,
) -> CompileError {
    if !matches!(error, CompileError::Syntax { .. }) {
        return error;
    }
    let fault = |(field, text): (&'static str, &str)| {
        let alone = format!("SELECT ({text}\n)");
        let parse = || DFParser::parse_sql(&alone).map(|_| ()).map_err(|e| plain(&e));
        let words = with_room(&alone, || Ok(parse().err())).ok().flatten()?;
        let words = words.split(" at Line:").next().unwrap_or_default();
        Some(CompileError::Syntax { message: format!("{field}, `{text}`: {words}") })
    };
    fields.find_map(fault).unwrap_or(error)
}

fn first_word(text: &str) -> String {
    text.split_whitespace().next().unwrap_or_default().to_uppercase()
}

/// DataFusion's message without its kind and without backtraces.
pub(super) fn plain(error: &DataFusionError) -> String {
    if let DataFusionError::SQL(error, _) = error.find_root() {
        return error.to_string().trim_start_matches("sql parser error: ").to_owned();
    }
    let text = error.strip_backtrace();
    let text = text.split("\n\nbacktrace").next().unwrap_or_default();
    // Of a function without a fit for its arguments it lists every one that there is, and asks for a report.
    if let Some((_, unfit)) = text.split_once("No function matches") {
        let named = unfit.split_once("'.").map_or(unfit, |(named, _)| named);
        return format!("no function matches{}'", named.trim_end_matches('\''));
    }
    text.trim_start_matches("Error during planning: ")
        .trim_start_matches("SQL error: ")
        .trim_start_matches("Schema error: ")
        .to_owned()
}

/// What DataFusion's planner may look up: our tables' schemas and the built-in functions.
struct Names {
    tables: BTreeMap<(String, String), Arc<dyn TableSource>>,
    config: ConfigOptions,
    planners: Vec<Arc<dyn ExprPlanner>>,
    scalar: BTreeMap<String, Arc<ScalarUDF>>,
    aggregate: BTreeMap<String, Arc<AggregateUDF>>,
    missing: Mutex<Option<CompileError>>,
}

impl Names {
    fn new(tables: &[DatasetDescriptor]) -> Self {
        let source = |d: &DatasetDescriptor| {
            let source: Arc<dyn TableSource> = Arc::new(LogicalTableSource::new(d.arrow_schema()));
            ((d.party.to_string(), d.name.clone()), source)
        };
        let mut scalar = BTreeMap::new();
        for function in SessionStateDefaults::default_scalar_functions() {
            for alias in function.aliases() {
                scalar.insert(alias.clone(), Arc::clone(&function));
            }
            scalar.insert(function.name().to_owned(), function);
        }
        let mut aggregate = BTreeMap::new();
        for function in SessionStateDefaults::default_aggregate_functions() {
            for alias in function.aliases() {
                aggregate.insert(alias.clone(), Arc::clone(&function));
            }
            aggregate.insert(function.name().to_owned(), function);
        }
        let mut config = ConfigOptions::default();
        config.sql_parser.parse_float_as_decimal = true;
        Self {
            tables: tables.iter().map(source).collect(),
            config,
            planners: SessionStateDefaults::default_expr_planners(),
            scalar,
            aggregate,
            missing: Mutex::new(None),
        }
    }

    /// Our error for DataFusion's: the one noted by a lookup, an unknown column with its neighbours, or its words.
    fn explain(&self, error: &DataFusionError) -> CompileError {
        let noted = self.missing.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(noted) = noted {
            return noted;
        }
        let root = root(error);
        if let DataFusionError::SchemaError(schema, _) = root
            && let SchemaError::FieldNotFound { field, valid_fields } = schema.as_ref()
        {
            let near = near_names(&field.name, valid_fields.iter().map(|c| c.name.as_str()));
            let near = near.iter().map(|name| in_sql(name)).collect();
            let name = field.flat_name();
            return CompileError::UnknownColumn { name, near };
        }
        CompileError::Meaning { message: plain(root) }
    }

    fn unknown(&self, name: &TableReference) -> CompileError {
        let known = self.tables.keys().map(|(party, table)| format!("{party}.{table}"));
        let known: Vec<String> = known.collect();
        let full = near_names(&name.to_string(), known.iter().map(String::as_str));
        let same_table = known.iter().filter(|k| k.ends_with(&format!(".{}", name.table())));
        let same_table: Vec<String> = same_table.cloned().collect();
        let near = if same_table.is_empty() { full } else { same_table };
        CompileError::UnknownTable { name: name.to_string(), near }
    }
}

fn root(error: &DataFusionError) -> &DataFusionError {
    match error {
        DataFusionError::Diagnostic(_, inner) | DataFusionError::Context(_, inner) => root(inner),
        DataFusionError::Collection(all) => all.first().map_or(error, root),
        other => other,
    }
}

impl ContextProvider for Names {
    fn get_table_source(
        &self,
        name: TableReference,
    ) -> datafusion::error::Result<Arc<dyn TableSource>> {
        let party = name.schema().unwrap_or_default().to_owned();
        self.tables.get(&(party, name.table().to_owned())).cloned().ok_or_else(|| {
            let error = self.unknown(&name);
            let text = error.to_string();
            *self.missing.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
            DataFusionError::Plan(text)
        })
    }

    fn get_expr_planners(&self) -> &[Arc<dyn ExprPlanner>] {
        &self.planners
    }

    fn get_function_meta(&self, name: &str) -> Option<Arc<ScalarUDF>> {
        self.scalar.get(name).cloned()
    }

    fn get_higher_order_meta(&self, _name: &str) -> Option<Arc<HigherOrderUDF>> {
        None
    }

    fn get_aggregate_meta(&self, name: &str) -> Option<Arc<AggregateUDF>> {
        self.aggregate.get(name).cloned()
    }

    fn get_window_meta(&self, _name: &str) -> Option<Arc<WindowUDF>> {
        None
    }

    fn get_variable_type(
        &self,
        _names: &[String],
    ) -> Option<datafusion::arrow::datatypes::DataType> {
        None
    }

    fn options(&self) -> &ConfigOptions {
        &self.config
    }

    fn udf_names(&self) -> Vec<String> {
        self.scalar.keys().cloned().collect()
    }

    fn higher_order_function_names(&self) -> Vec<String> {
        Vec::new()
    }

    fn udaf_names(&self) -> Vec<String> {
        self.aggregate.keys().cloned().collect()
    }

    fn udwf_names(&self) -> Vec<String> {
        Vec::new()
    }
}
