//! The datasets of one provider: read, checked, and described.

use std::{collections::BTreeMap, fmt, sync::Arc};

use datafusion::arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};

use super::{
    cell, commitment,
    config::{Bound, ColumnConfig, DatasetConfig},
    descriptor::{ColumnSpec, DatasetDescriptor, Range},
    error::CatalogError,
    promises::{column_values, contradiction, first_broken},
    read::RawTable,
};
use crate::identity::{Hash32, PartyName};

/// Rows are published as a bound that is a multiple of this.
const ROWS_UNIT: u64 = 1024;

/// A provider's datasets, in memory and checked against what is declared of them.
pub struct Catalog {
    party: PartyName,
    datasets: BTreeMap<String, (DatasetDescriptor, RecordBatch)>,
}

impl fmt::Debug for Catalog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Catalog of {}: {:?}", self.party, self.datasets.keys())
    }
}

impl Catalog {
    /// Reads and checks all datasets.
    ///
    /// # Errors
    /// The first thing that is wrong, by dataset, file, line or row, and column; never a value.
    pub fn open(party: &PartyName, configs: Vec<DatasetConfig>) -> Result<Self, CatalogError> {
        let mut datasets = BTreeMap::new();
        for config in configs {
            let name = config.name.clone();
            if PartyName::try_from(name.as_str()).is_err() {
                let what = "names are lower case letters, digits and `_`, starting with a letter";
                return Err(CatalogError::Dataset { dataset: name, what: what.into() });
            }
            let opened = open_dataset(party, &config)?;
            if datasets.insert(name.clone(), opened).is_some() {
                let what = "is configured twice".into();
                return Err(CatalogError::Dataset { dataset: name, what });
            }
        }
        Ok(Self { party: party.clone(), datasets })
    }

    /// Whose datasets these are.
    #[must_use]
    pub fn party(&self) -> &PartyName {
        &self.party
    }

    /// What is published of all datasets, by name.
    pub fn descriptors(&self) -> impl Iterator<Item = &DatasetDescriptor> {
        self.datasets.values().map(|(descriptor, _)| descriptor)
    }

    /// What is published of one dataset.
    ///
    /// # Errors
    /// If there is none of this name.
    pub fn descriptor(&self, dataset: &str) -> Result<&DatasetDescriptor, CatalogError> {
        self.dataset(dataset).map(|(descriptor, _)| descriptor)
    }

    /// The clear rows. They never leave the provider.
    ///
    /// # Errors
    /// If there is no dataset of this name.
    pub fn table(&self, dataset: &str) -> Result<&RecordBatch, CatalogError> {
        self.dataset(dataset).map(|(_, rows)| rows)
    }

    /// A commitment to the rows as they are now.
    ///
    /// # Security
    /// Hides the rows as long as the salt is secret and random; a salt serves one run.
    ///
    /// # Errors
    /// If there is no dataset of this name.
    pub fn commit(&self, dataset: &str, salt: &[u8; 32]) -> Result<Hash32, CatalogError> {
        let (descriptor, rows) = self.dataset(dataset)?;
        commitment::commit(rows, &descriptor.table(), salt).ok_or_else(|| CatalogError::Dataset {
            dataset: dataset.to_owned(),
            what: "has a column that cannot be shared".into(),
        })
    }

    fn dataset(&self, name: &str) -> Result<&(DatasetDescriptor, RecordBatch), CatalogError> {
        let unknown = || CatalogError::Unknown { dataset: name.to_owned() };
        self.datasets.get(name).ok_or_else(unknown)
    }
}

fn open_dataset(
    party: &PartyName,
    config: &DatasetConfig,
) -> Result<(DatasetDescriptor, RecordBatch), CatalogError> {
    let raw = RawTable::read(config)?;
    let columns = specs(config, &raw)?;
    let rows = raw.rows() as u64;
    let rows_max = config.rows_max.unwrap_or_else(|| rows.max(1).next_multiple_of(ROWS_UNIT));
    if rows > rows_max || rows_max == 0 {
        return Err(CatalogError::Rows { dataset: config.name.clone(), rows_max });
    }
    let descriptor = DatasetDescriptor {
        party: party.clone(),
        name: config.name.clone(),
        rows_max,
        entity_key: config.entity_key.clone(),
        columns,
    };
    let arrays = descriptor.columns.iter().map(|spec| column(&raw, &descriptor, spec));
    let arrays = arrays.collect::<Result<Vec<_>, _>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(raw.rows()));
    let table = RecordBatch::try_new_with_options(descriptor.arrow_schema(), arrays, &options);
    let table = table.map_err(|_| CatalogError::Dataset {
        dataset: config.name.clone(),
        what: "its columns do not fit together".into(),
    })?;
    Ok((descriptor, table))
}

fn column(
    raw: &RawTable,
    dataset: &DatasetDescriptor,
    spec: &ColumnSpec,
) -> Result<ArrayRef, CatalogError> {
    let array = raw.typed(spec)?;
    let wrong = |what: &str| CatalogError::Column {
        dataset: dataset.name.clone(),
        column: spec.name.clone(),
        what: what.to_owned(),
    };
    let found = column_values(&array).ok_or_else(|| wrong("has values beyond 128 bits"))?;
    match first_broken(&found, spec, dataset.is_unique(spec)) {
        None => Ok(Arc::clone(&array)),
        Some((row, what)) => Err(CatalogError::Value {
            dataset: dataset.name.clone(),
            row: row as u64 + 1,
            column: spec.name.clone(),
            what,
        }),
    }
}

fn specs(config: &DatasetConfig, raw: &RawTable) -> Result<Vec<ColumnSpec>, CatalogError> {
    let listed: Vec<ColumnConfig> = if config.columns.is_empty() {
        raw.column_names().into_iter().map(undeclared).collect()
    } else {
        config.columns.clone()
    };
    let mut specs: Vec<ColumnSpec> = Vec::new();
    for column in listed {
        let wrong = |what: String| CatalogError::Column {
            dataset: config.name.clone(),
            column: column.name.clone(),
            what,
        };
        if specs.iter().any(|s| s.name == column.name) {
            return Err(wrong("is listed twice".into()));
        }
        let spec = spec(config, &column, raw)?;
        if let Some(what) = contradiction(&spec) {
            return Err(wrong(what));
        }
        specs.push(spec);
    }
    if let Some(key) = &config.entity_key
        && !specs.iter().any(|s| s.name == *key)
    {
        let what = format!("the entity key `{key}` is none of its columns");
        return Err(CatalogError::Dataset { dataset: config.name.clone(), what });
    }
    Ok(specs)
}

/// A column without promises: its values may be NULL.
fn undeclared(name: String) -> ColumnConfig {
    ColumnConfig {
        name,
        ty: None,
        nullable: true,
        unique: false,
        min: None,
        max: None,
        domain: None,
        max_bytes: None,
    }
}

fn spec(
    config: &DatasetConfig,
    column: &ColumnConfig,
    raw: &RawTable,
) -> Result<ColumnSpec, CatalogError> {
    let ty = match column.ty {
        Some(ty) => ty,
        None => raw.found_type(&column.name)?,
    };
    let wrong = |end: &str| CatalogError::Column {
        dataset: config.name.clone(),
        column: column.name.clone(),
        what: format!("`{end}` is no {}", cell::due(ty)),
    };
    let end = |bound: &Option<Bound>, name: &str, default: Option<i128>| match bound {
        None => Ok(default),
        Some(Bound::Integer(value)) => Ok(Some((*value).into())),
        Some(Bound::Text(text)) => cell::integer(text, ty).map(Some).ok_or_else(|| wrong(name)),
    };
    let limits = ty.bounds();
    let min = end(&column.min, "min", limits.map(|l| l.0))?;
    let max = end(&column.max, "max", limits.map(|l| l.1))?;
    let declared = column.min.is_some() || column.max.is_some();
    let range = min.zip(max).filter(|_| declared).map(|(min, max)| Range { min, max });
    if declared && range.is_none() {
        return Err(wrong(if column.min.is_some() { "min" } else { "max" }));
    }
    let domain = column.domain.clone().map(|mut domain| {
        domain.sort_unstable();
        domain.dedup();
        domain
    });
    Ok(ColumnSpec {
        name: column.name.clone(),
        ty,
        nullable: column.nullable,
        unique: column.unique,
        range,
        domain,
        max_bytes: column.max_bytes,
    })
}
