//! What can be refused by looking at the text's syntax tree, where line and column are still known.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::{
    ast::{
        Distinct, Expr, GroupByExpr, Join, JoinConstraint, JoinOperator, LimitClause, Query,
        Select, SelectItem, SetExpr, Spanned, Statement, TableFactor, Value, Visit, Visitor,
    },
    tokenizer::Span,
};

use super::error::CompileError;

/// Refuses statements other than one plain SELECT, and constructs that have no joint plan.
pub(super) fn check(statement: &Statement) -> Result<(), CompileError> {
    if !matches!(statement, Statement::Query(_)) {
        let text = statement.to_string();
        let word = text.split_whitespace().next().unwrap_or_default().to_uppercase();
        return Err(CompileError::unsupported(word, "start of the text", "a job is one SELECT"));
    }
    match statement.visit(&mut Surface) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(error) => Err(error),
    }
}

/// Walks the tree and stops at the first construct that is not supported.
struct Surface;

type Verdict = ControlFlow<CompileError>;

fn refuse(construct: &str, span: Span, clause: &str, hint: &str) -> Verdict {
    ControlFlow::Break(CompileError::unsupported(construct, place(span, clause), hint))
}

impl Visitor for Surface {
    type Break = CompileError;

    fn pre_visit_query(&mut self, query: &Query) -> Verdict {
        let span = query.span();
        if query.with.as_ref().is_some_and(|with| with.recursive) {
            return refuse("WITH RECURSIVE", span, "WITH", "use plain subqueries");
        }
        match query.body.as_ref() {
            SetExpr::SetOperation { op, .. } => {
                return refuse(
                    &op.to_string(),
                    span,
                    "the query",
                    "submit one job for each SELECT",
                );
            }
            SetExpr::Values(_) => {
                return refuse("VALUES", span, "the query", "a job is one SELECT over tables");
            }
            SetExpr::Select(_) | SetExpr::Query(_) => {}
            _ => return refuse("this statement", span, "the query", "a job is one SELECT"),
        }
        let offset = match &query.limit_clause {
            Some(LimitClause::LimitOffset { offset, .. }) => offset.is_some(),
            Some(LimitClause::OffsetCommaLimit { .. }) => true,
            None => false,
        };
        if offset {
            return refuse("OFFSET", span, "LIMIT", "use LIMIT alone");
        }
        if !query.locks.is_empty() || query.for_clause.is_some() {
            return refuse("FOR", span, "the end of the query", "a job only reads");
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &Select) -> Verdict {
        for item in &select.projection {
            if matches!(item, SelectItem::Wildcard(_) | SelectItem::QualifiedWildcard(..)) {
                let hint = "name the columns: a policy grants them one by one";
                return refuse("SELECT *", item.span(), "SELECT", hint);
            }
        }
        let span = select.span();
        if matches!(select.distinct, Some(Distinct::On(_))) {
            return refuse("DISTINCT ON", span, "SELECT", "use DISTINCT or GROUP BY");
        }
        if select.into.is_some() {
            return refuse("INTO", span, "SELECT", "the buyer gets the result");
        }
        if select.qualify.is_some() {
            return refuse("QUALIFY", span, "QUALIFY", "use GROUP BY and HAVING");
        }
        if matches!(&select.group_by, GroupByExpr::Expressions(_, more) if !more.is_empty()) {
            return refuse("WITH ROLLUP or CUBE", span, "GROUP BY", "ask for one grouping");
        }
        for from in &select.from {
            from.joins.iter().try_for_each(join)?;
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, table: &TableFactor) -> Verdict {
        match table {
            TableFactor::Table { args: None, sample: None, .. }
            | TableFactor::Derived { lateral: false, .. }
            | TableFactor::NestedJoin { .. } => ControlFlow::Continue(()),
            TableFactor::Derived { .. } => {
                refuse("LATERAL", table.span(), "FROM", "use a plain subquery or a JOIN")
            }
            TableFactor::Table { .. } => {
                let hint = "name a table as party.dataset";
                refuse("a table function or TABLESAMPLE", table.span(), "FROM", hint)
            }
            _ => refuse("this table", table.span(), "FROM", "name a table as party.dataset"),
        }
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> Verdict {
        let span = expr.span();
        match expr {
            Expr::Subquery(_) | Expr::Exists { .. } | Expr::InSubquery { .. } => {
                refuse("a subquery in an expression", span, "an expression", "write it as a JOIN")
            }
            Expr::AnyOp { .. } | Expr::AllOp { .. } => {
                refuse("ANY or ALL", span, "an expression", "use IN with a list, or a JOIN")
            }
            Expr::Function(function) if function.over.is_some() => {
                refuse("a window function", span, "an expression", "use GROUP BY")
            }
            Expr::Value(value) if matches!(value.value, Value::Placeholder(_)) => {
                refuse("a parameter", span, "an expression", "write the value")
            }
            Expr::GroupingSets(_) | Expr::Cube(_) | Expr::Rollup(_) => {
                let hint = "differences of its totals would show suppressed groups; ask for one \
                            grouping";
                refuse("ROLLUP, CUBE or GROUPING SETS", span, "GROUP BY", hint)
            }
            _ => ControlFlow::Continue(()),
        }
    }
}

fn join(join: &Join) -> Verdict {
    let (word, constraint) = match &join.join_operator {
        JoinOperator::Join(c) | JoinOperator::Inner(c) => (None, Some(c)),
        // Its equality may stand in WHERE; without one it is refused when tables are joined.
        JoinOperator::CrossJoin(c) => (None, Some(c)),
        JoinOperator::Left(_) | JoinOperator::LeftOuter(_) => (Some("LEFT JOIN"), None),
        JoinOperator::Right(_) | JoinOperator::RightOuter(_) => (Some("RIGHT JOIN"), None),
        JoinOperator::FullOuter(_) => (Some("FULL JOIN"), None),
        JoinOperator::Semi(_) | JoinOperator::LeftSemi(_) | JoinOperator::RightSemi(_) => {
            (Some("SEMI JOIN"), None)
        }
        JoinOperator::Anti(_) | JoinOperator::LeftAnti(_) | JoinOperator::RightAnti(_) => {
            (Some("ANTI JOIN"), None)
        }
        _ => (Some("this kind of JOIN"), None),
    };
    let span = join.relation.span();
    if let Some(word) = word {
        return refuse(word, span, "FROM", "only INNER JOIN … ON equality runs jointly");
    }
    if matches!(constraint, Some(JoinConstraint::Natural)) {
        return refuse("NATURAL JOIN", span, "FROM", "name the columns with ON or USING");
    }
    ControlFlow::Continue(())
}

/// `line 2, column 8, SELECT`, or the clause alone where the parser kept no position.
fn place(span: Span, clause: &str) -> String {
    if span.start.line == 0 {
        return clause.to_owned();
    }
    format!("line {}, column {}, {clause}", span.start.line, span.start.column)
}
