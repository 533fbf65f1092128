//! A private set intersection as a statement: what it selects of the two sets, in SQL, so that names, types and conditions mean
//! there what they mean everywhere. Only the join of the sets is not in it.

use std::collections::BTreeSet;

use datafusion::logical_expr::LogicalPlan;

use super::{
    error::{CompileError, near_names},
    flatten::Block,
    parse::{blamed, logical_plan, with_room},
    tables::columns,
};
use crate::{
    catalog::DatasetDescriptor,
    job::{JobSpec, PsiForm, PsiSet, PsiSpec},
};

/// The sets with their descriptors, in the order of the job.
#[derive(Debug)]
pub(super) struct Sets<'a> {
    pub(super) psi: &'a PsiSpec,
    /// Two and more, each of another party; all of them twice in [`Sets::twice`].
    pub(super) all: Vec<(&'a PsiSet, &'a DatasetDescriptor)>,
}

impl<'a> Sets<'a> {
    /// Finds the sets' datasets and columns.
    pub(super) fn find(
        psi: &'a PsiSpec,
        datasets: &'a [DatasetDescriptor],
    ) -> Result<Self, CompileError> {
        if psi.sets.len() < 2 {
            return Err(refused("sets", "an intersection of one set", "name two sets and more"));
        }
        let found = |set: &'a PsiSet| Ok((set, dataset(&set.dataset, datasets)?));
        let all = psi.sets.iter().map(found).collect::<Result<_, CompileError>>()?;
        let sets = Self { psi, all };
        sets.of_several_parties()?;
        sets.fit_the_form()?;
        for (set, dataset) in &sets.all {
            for name in set.key.iter().chain(&set.columns) {
                known(name, dataset)?;
            }
        }
        let (first, others) = (sets.all[0], &sets.all[1..]);
        others.iter().try_for_each(|other| same_kinds(first, *other))?;
        Ok(sets)
    }

    /// The same sets once more behind themselves: those of the first half stay with their owners, and the keys of the others are shared.
    pub(super) fn twice(&self) -> Self {
        Self { psi: self.psi, all: [&self.all[..], &self.all].concat() }
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    /// The bound on the rows of one.
    pub(super) fn rows(&self, t: usize) -> u64 {
        self.all[t].1.rows_max
    }

    /// The tables of all but one.
    pub(super) fn others(&self, t: usize) -> impl Iterator<Item = String> {
        let own = self.all[t].1.table();
        self.all.iter().map(|(_, dataset)| dataset.table()).filter(move |table| *table != own)
    }

    fn of_several_parties(&self) -> Result<(), CompileError> {
        let parties: BTreeSet<_> = self.all.iter().map(|(_, dataset)| &dataset.party).collect();
        if parties.len() == self.len() {
            return Ok(());
        }
        let hint = "a party intersects its own tables by itself; name sets of different parties";
        Err(refused("sets", "two sets of one party", hint))
    }

    /// What there is of more than two sets.
    fn fit_the_form(&self) -> Result<(), CompileError> {
        let form = &self.psi.form;
        if self.len() == 2 || !matches!(form, PsiForm::Left | PsiForm::Anti) {
            return Ok(());
        }
        let construct = format!("form `{}` of {} sets", form.name(), self.len());
        let hint = "name two sets, or ask for `inner`, `cardinality` or `sum`";
        Err(refused("form", &construct, hint))
    }

    /// The statement of this job as one query block over all tables, without the join.
    pub(super) fn block(&self, spec: &JobSpec) -> Result<Block, CompileError> {
        let text = self.text()?;
        let mut descriptors: Vec<DatasetDescriptor> = Vec::new();
        for (_, dataset) in &self.all {
            if !descriptors.iter().any(|known| known.table() == dataset.table()) {
                descriptors.push((*dataset).clone());
            }
        }
        let logical = with_room(&text, || logical_plan(&text, &descriptors, spec.issued_at_ms));
        let filters = self.all.iter().filter_map(|(set, _)| set.filter.as_deref());
        let logical = logical
            .map_err(|error| blamed(error, filters.map(|text| ("psi.sets.filter", text))))?;
        self.expected(&logical)
    }

    /// The condition of a set could close its parenthesis and go on: what came out must be what was meant.
    fn expected(&self, logical: &LogicalPlan) -> Result<Block, CompileError> {
        let block = Block::of(logical)?;
        let same = block.scans.len() == self.len()
            && block.scans.iter().zip(&self.all).all(|(scan, (_, dataset))| {
                scan.party == dataset.party.as_str() && scan.dataset == dataset.name
            });
        let grouped = block.grouping.is_some() == self.psi.form.aggregates();
        let plain = block.having.is_empty() && block.limit.is_none();
        let own = block.conjuncts.iter().all(|condition| {
            let mut tables = columns(condition).into_iter().map(|c| c.relation);
            let first = tables.next();
            tables.all(|table| Some(table) == first)
        });
        if same && grouped && plain && own {
            return Ok(block);
        }
        let hint = "write a condition on the columns of its own set";
        Err(refused("sets.filter", "a filter that is no condition on its own set", hint))
    }

    fn text(&self) -> Result<String, CompileError> {
        let (select, rest) = match &self.psi.form {
            // What owners keep of their own rows is not in the statement.
            _ if !self.psi.to.is_empty() && !self.psi.form.aggregates() => {
                ("1 AS nothing".to_owned(), String::new())
            }
            PsiForm::Inner | PsiForm::Left => (self.listed(&self.all)?, String::new()),
            PsiForm::Anti => {
                if !self.all[1].0.columns.is_empty() {
                    let hint =
                        "its rows have no counterpart; leave out `columns` of the second set";
                    return Err(refused(
                        "sets.columns",
                        "columns of the second set in `anti`",
                        hint,
                    ));
                }
                (self.listed(&self.all[..1])?, String::new())
            }
            PsiForm::Cardinality => ("COUNT(*) AS matched".to_owned(), String::new()),
            PsiForm::Sum { column, by } => self.summed(column, by.as_deref())?,
        };
        let tables: Vec<_> =
            (0..self.len()).map(|i| format!("{} AS s{i}", self.subquery(i))).collect();
        Ok(format!("SELECT {select}\nFROM {}{rest}", tables.join(" CROSS JOIN ")))
    }

    /// The rows of a set, with the columns that anything here names.
    fn subquery(&self, i: usize) -> String {
        let (set, dataset) = self.all[i];
        let filter = set.filter.as_deref();
        let named = |name: &String| {
            let table = dataset.table();
            let of_form = match &self.psi.form {
                PsiForm::Sum { column, by } => {
                    let full = format!("{table}.{name}");
                    *column == full || by.as_deref() == Some(full.as_str())
                }
                _ => false,
            };
            let in_filter = filter.is_some_and(|filter| filter.contains(name.as_str()));
            of_form || in_filter || set.key.contains(name) || set.columns.contains(name)
        };
        let names = dataset.columns.iter().map(|column| &column.name).filter(|name| named(name));
        let names: Vec<_> = names.map(|name| quoted(name)).collect();
        let rows = format!("SELECT {} FROM {}", names.join(", "), dataset.table());
        match filter {
            // A comment in the condition ends with its line.
            Some(filter) => format!("({rows} WHERE ({filter}\n))"),
            None => format!("({rows})"),
        }
    }

    /// The columns of listed rows; those whose name several sets have are told apart by party.
    fn listed(&self, sets: &[(&PsiSet, &DatasetDescriptor)]) -> Result<String, CompileError> {
        let all = || sets.iter().flat_map(|(set, _)| &set.columns);
        let mut select = Vec::new();
        for (i, (set, dataset)) in sets.iter().enumerate() {
            for name in &set.columns {
                let alone = all().filter(|other| *other == name).count() == 1;
                let shown = if alone { name.clone() } else { format!("{}_{name}", dataset.party) };
                select.push(format!("s{i}.{} AS {}", quoted(name), quoted(&shown)));
            }
        }
        if select.is_empty() {
            let hint = "name `columns` of a set, or ask for the `cardinality`";
            return Err(refused("form", "a result of rows without columns", hint));
        }
        Ok(select.join(", "))
    }

    fn summed(&self, column: &str, by: Option<&str>) -> Result<(String, String), CompileError> {
        let (sum, name) = self.named(column)?;
        let sums = format!("COUNT(*) AS matched, SUM({sum}) AS {}", quoted(&format!("sum_{name}")));
        let Some(by) = by else { return Ok((sums, String::new())) };
        let (by, name) = self.named(by)?;
        let select = format!("{by} AS {}, {sums}", quoted(name));
        Ok((select, format!("\nGROUP BY {by} ORDER BY {by}")))
    }

    /// `party.dataset.column`, as the statement names it, and its name alone.
    fn named<'n>(&self, full: &'n str) -> Result<(String, &'n str), CompileError> {
        let unknown = |near| CompileError::UnknownColumn { name: full.to_owned(), near };
        let meant = || {
            let last = full.rsplit('.').next().unwrap_or(full);
            let has = self.all.iter().filter(|(_, dataset)| dataset.column(last).is_some());
            has.map(|(set, _)| format!("{}.{last}", set.dataset)).collect()
        };
        let (table, name) = full.rsplit_once('.').ok_or_else(|| unknown(meant()))?;
        let at = self.all.iter().position(|(set, _)| set.dataset == table);
        let at = at.ok_or_else(|| unknown(meant()))?;
        known(name, self.all[at].1)?;
        Ok((format!("s{at}.{}", quoted(name)), name))
    }
}

/// Whether two keys can be compared.
fn same_kinds(
    (one, a): (&PsiSet, &DatasetDescriptor),
    (other, b): (&PsiSet, &DatasetDescriptor),
) -> Result<(), CompileError> {
    if one.key.len() != other.key.len() {
        let hint = "name as many columns in all sets, in the same order";
        return Err(refused("sets.key", "keys of different lengths", hint));
    }
    for (x, y) in one.key.iter().zip(&other.key) {
        let types = (a.column(x).map(|c| c.ty), b.column(y).map(|c| c.ty));
        if !matches!(types, (Some(x), Some(y)) if x.same_keys(y)) {
            let hint = "numbers match numbers, text matches text, dates match dates";
            let construct = format!("a key of `{x}` and `{y}`, which are of different kinds");
            return Err(refused("sets.key", &construct, hint));
        }
    }
    Ok(())
}

pub(super) fn dataset<'a>(
    name: &str,
    all: &'a [DatasetDescriptor],
) -> Result<&'a DatasetDescriptor, CompileError> {
    all.iter().find(|dataset| dataset.table() == name).ok_or_else(|| {
        let known: Vec<String> = all.iter().map(DatasetDescriptor::table).collect();
        let near = near_names(name, known.iter().map(String::as_str));
        CompileError::UnknownTable { name: name.to_owned(), near }
    })
}

fn known(name: &str, dataset: &DatasetDescriptor) -> Result<(), CompileError> {
    if dataset.column(name).is_some() {
        return Ok(());
    }
    let near = near_names(name, dataset.columns.iter().map(|column| column.name.as_str()));
    Err(CompileError::UnknownColumn { name: format!("{}.{name}", dataset.table()), near })
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// What a `[psi]` table may not say.
pub(super) fn refused(field: &str, construct: &str, hint: &str) -> CompileError {
    CompileError::unsupported(construct, format!("psi.{field}"), hint)
}
