//! Why a statement is not turned into a plan. No message holds a value of a table: there is none at this point.

use crate::identity::PartyName;

/// Why compiling stopped.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CompileError {
    /// The text is not SQL, or not one statement.
    #[error("SQL syntax: {message}")]
    Syntax {
        /// The parser's words, with line and column.
        message: String,
    },
    /// DataFusion finds no meaning in it (types that do not fit, an unknown function, an ambiguous name).
    #[error("SQL: {message}")]
    Meaning {
        /// The planner's words.
        message: String,
    },
    /// No such table.
    #[error("unknown table `{name}`{}", near_words(.near))]
    UnknownTable {
        /// As written.
        name: String,
        /// Tables that look like it.
        near: Vec<String>,
    },
    /// No such column.
    #[error("unknown column `{name}`{}", near_words(.near))]
    UnknownColumn {
        /// As written.
        name: String,
        /// Columns that look like it, as they are to be written there.
        near: Vec<String>,
    },
    /// SQL that this engine does not run jointly.
    #[error("{construct} is not supported ({place}); {hint}")]
    Unsupported {
        /// What it is.
        construct: String,
        /// Where: line and column, or the clause.
        place: String,
        /// What to write instead.
        hint: String,
    },
    /// An expression's value could leave the 64-bit range, so the job is refused rather than wrapped.
    #[error("`{expression}` can reach {low} to {high}, beyond {limit}; {hint}")]
    Overflow {
        /// The expression.
        expression: String,
        /// Its smallest possible value, by declared ranges.
        low: String,
        /// Its largest.
        high: String,
        /// What it would have to fit.
        limit: String,
        /// What to do.
        hint: String,
    },
    /// A policy cannot be kept by any plan for this statement (exit code 3).
    #[error("refused by the policy of {party}.{dataset} ({rule}): {message}")]
    Refused {
        /// Whose policy.
        party: PartyName,
        /// For which dataset.
        dataset: String,
        /// Which rule.
        rule: String,
        /// Why, and what would help.
        message: String,
    },
    /// The adversary model asked for is not implemented.
    #[error(
        "security `{asked}` is not implemented: this release protects against one party that \
             follows the protocol and looks at all it sees; submit the job with `semi_honest`"
    )]
    Security {
        /// As asked.
        asked: &'static str,
    },
    /// The job or a descriptor contradicts itself.
    #[error("{what}")]
    Inconsistent {
        /// What is wrong, and with whom.
        what: String,
    },
}

impl CompileError {
    pub(super) fn unsupported(
        construct: impl Into<String>,
        place: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Self::Unsupported { construct: construct.into(), place: place.into(), hint: hint.into() }
    }
}

fn near_words(near: &[String]) -> String {
    match near {
        [] => String::new(),
        [one] => format!("; did you mean `{one}`?"),
        many => format!("; did you mean one of `{}`?", many.join("`, `")),
    }
}

/// A column's name as SQL has to write it: unquoted ones are taken in small letters.
pub(super) fn in_sql(name: &str) -> String {
    let small = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    let plain = name.chars().all(small) && !name.starts_with(|c: char| c.is_ascii_digit());
    if plain { name.to_owned() } else { format!("\"{}\"", name.replace('"', "\"\"")) }
}

/// The names closest to `name` by edit distance (at most a third of its length away), nearest first; all if there are few.
pub(super) fn near_names<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Vec<String> {
    let wanted = name.to_lowercase();
    let mut ranked: Vec<(usize, &str)> =
        known.map(|k| (distance(&wanted, &k.to_lowercase()), k)).collect();
    ranked.sort_unstable();
    ranked.dedup();
    let limit = (wanted.len() / 3).max(2);
    let close: Vec<String> =
        ranked.iter().filter(|(d, _)| *d <= limit).take(3).map(|(_, k)| (*k).to_owned()).collect();
    if close.is_empty() && ranked.len() <= 4 {
        return ranked.into_iter().map(|(_, k)| k.to_owned()).collect();
    }
    close
}

/// Levenshtein distance.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let substitute = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = substitute.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_sql_would_read_otherwise_is_quoted() {
        for (name, due) in
            [("age", "age"), ("City", "\"City\""), ("a b", "\"a b\""), ("9", "\"9\"")]
        {
            assert_eq!(in_sql(name), due);
        }
    }

    #[test]
    fn near_names_are_those_a_typing_error_away() {
        let known = ["person_id", "age", "education", "income", "sex"];
        assert_eq!(near_names("educaton", known.into_iter()), ["education"]);
        assert_eq!(near_names("PERSON_ID", known.into_iter()), ["person_id"]);
        assert!(near_names("quarterly_revenue", known.into_iter()).is_empty());
        assert_eq!(distance("kitten", "sitting"), 3);
    }
}
