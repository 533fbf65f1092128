//! From a dataset's configuration and its file to the columns that are published.

use std::collections::BTreeMap;

use super::{
    cell,
    config::{Bound, ColumnConfig, DatasetConfig},
    descriptor::{ColumnSpec, ColumnType, Range},
    error::CatalogError,
    found::found_types,
    promises::contradiction,
    source::RawFile,
};

/// What is published of each column.
pub(super) fn specs(
    config: &DatasetConfig,
    raw: &RawFile,
) -> Result<Vec<ColumnSpec>, CatalogError> {
    let listed: Vec<ColumnConfig> = if config.columns.is_empty() {
        raw.column_names().into_iter().map(undeclared).collect()
    } else {
        config.columns.clone()
    };
    let mut found = found(&listed, raw)?;
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
        let ty = match (column.ty, found.remove(&column.name)) {
            (Some(ty), _) => ty,
            (None, Some(ty)) => ty?,
            (None, None) => return Err(wrong("has no type".into())),
        };
        let spec = spec(config, &column, ty)?;
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

type Found = BTreeMap<String, Result<ColumnType, CatalogError>>;

/// The types of the columns that none is declared of.
fn found(listed: &[ColumnConfig], raw: &RawFile) -> Result<Found, CatalogError> {
    let open: Vec<&ColumnConfig> = listed.iter().filter(|column| column.ty.is_none()).collect();
    let indices = open.iter().map(|column| raw.index(&column.name));
    let indices = indices.collect::<Result<Vec<_>, _>>()?;
    let types = found_types(raw, &indices)?;
    Ok(open.into_iter().map(|column| column.name.clone()).zip(types).collect())
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
    ty: ColumnType,
) -> Result<ColumnSpec, CatalogError> {
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
