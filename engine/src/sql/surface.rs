//! What can be refused by looking at the text's syntax tree, where line and column are still known.

use datafusion::sql::sqlparser::ast::{Query, SelectItem, SetExpr, Spanned, Statement};
use datafusion::sql::sqlparser::tokenizer::Span;

use super::error::CompileError;

/// Refuses statements other than one plain SELECT, and `SELECT *`.
pub(super) fn check(statement: &Statement) -> Result<(), CompileError> {
    let Statement::Query(query) = statement else {
        let text = statement.to_string();
        let word = text.split_whitespace().next().unwrap_or_default().to_uppercase();
        return Err(CompileError::unsupported(word, "start of the text", "a job is one SELECT"));
    };
    check_query(query)
}

fn check_query(query: &Query) -> Result<(), CompileError> {
    if let SetExpr::Select(select) = query.body.as_ref() {
        for item in &select.projection {
            if matches!(item, SelectItem::Wildcard(_) | SelectItem::QualifiedWildcard(..)) {
                return Err(CompileError::unsupported(
                    "SELECT *",
                    place(item.span(), "SELECT"),
                    "name the columns: a policy grants them one by one",
                ));
            }
        }
    }
    Ok(())
}

/// `line 2, column 8, SELECT`, or the clause alone where the parser kept no position.
pub(super) fn place(span: Span, clause: &str) -> String {
    if span.start.line == 0 {
        return clause.to_owned();
    }
    format!("line {}, column {}, {clause}", span.start.line, span.start.column)
}
