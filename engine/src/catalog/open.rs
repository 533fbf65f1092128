//! The datasets of one provider: checked, and described.

use std::{collections::BTreeMap, fmt};

use super::{
    check::{Limits, check},
    config::DatasetConfig,
    descriptor::DatasetDescriptor,
    error::CatalogError,
    renewed::Seen,
    source::RawFile,
    specs::specs,
    table::Table,
};
use crate::identity::{Hash32, PartyName};

/// Rows are published as a bound that is a multiple of this.
const ROWS_UNIT: u64 = 1024;

/// A provider's datasets, checked against what is declared of them.
///
/// A catalog does not change: [`Catalog::renewed`] makes another one of files that did.
pub struct Catalog {
    pub(super) party: PartyName,
    pub(super) limits: Limits,
    pub(super) datasets: BTreeMap<String, Dataset>,
}

/// One of them.
#[derive(Clone)]
pub(super) struct Dataset {
    pub(super) config: DatasetConfig,
    /// What its file looked like from outside before it was read.
    pub(super) seen: Seen,
    /// As it was read the last time that it kept what is declared of it.
    pub(super) table: Table,
    /// Whether its file changed since, to something that is refused.
    pub(super) refused: bool,
}

impl fmt::Debug for Catalog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Catalog of {}: {:?}", self.party, self.datasets.keys())
    }
}

impl Catalog {
    /// Checks all datasets, within the default limits.
    ///
    /// # Errors
    /// The first thing that is wrong, by dataset, file, line or row, and column; never a value.
    pub fn open(party: &PartyName, configs: Vec<DatasetConfig>) -> Result<Self, CatalogError> {
        Self::open_within(&Limits::default(), party, configs)
    }

    /// Checks all datasets: reads each file once, and once more beforehand if it is CSV with columns whose type is not declared.
    ///
    /// # Errors
    /// As [`Catalog::open`].
    pub fn open_within(
        limits: &Limits,
        party: &PartyName,
        configs: Vec<DatasetConfig>,
    ) -> Result<Self, CatalogError> {
        let mut datasets = BTreeMap::new();
        for config in configs {
            let name = config.name.clone();
            if PartyName::try_from(name.as_str()).is_err() {
                let what = "names are lower case letters, digits and `_`, starting with a letter";
                return Err(CatalogError::Dataset { dataset: name, what: what.into() });
            }
            let seen = Seen::of(&config.source);
            let table = open_dataset(party, config.clone(), limits)?;
            let opened = Dataset { config, seen, table, refused: false };
            if datasets.insert(name.clone(), opened).is_some() {
                let what = "is configured twice".into();
                return Err(CatalogError::Dataset { dataset: name, what });
            }
        }
        Ok(Self { party: party.clone(), limits: limits.clone(), datasets })
    }

    /// Whose datasets these are.
    #[must_use]
    pub fn party(&self) -> &PartyName {
        &self.party
    }

    /// What is published of all datasets, by name; of one whose file is refused now, what it was before.
    pub fn descriptors(&self) -> impl Iterator<Item = &DatasetDescriptor> {
        self.datasets.values().map(|dataset| dataset.table.descriptor())
    }

    /// What is published of one dataset.
    ///
    /// # Errors
    /// If there is none of this name.
    pub fn descriptor(&self, dataset: &str) -> Result<&DatasetDescriptor, CatalogError> {
        self.dataset(dataset).map(|dataset| dataset.table.descriptor())
    }

    /// The clear rows. They never leave the provider.
    ///
    /// # Errors
    /// If there is no dataset of this name, or its file is refused.
    pub fn table(&self, dataset: &str) -> Result<&Table, CatalogError> {
        let found = self.dataset(dataset)?;
        let refused = || CatalogError::Refused { dataset: dataset.to_owned() };
        (!found.refused).then_some(&found.table).ok_or_else(refused)
    }

    fn dataset(&self, dataset: &str) -> Result<&Dataset, CatalogError> {
        let unknown = || CatalogError::Unknown { dataset: dataset.to_owned() };
        self.datasets.get(dataset).ok_or_else(unknown)
    }

    /// A commitment to the rows as they were when the catalog was opened. Whoever reads them later sees these or an error.
    ///
    /// # Security
    /// Hides the rows as long as the salt is secret and random; a salt serves one run.
    ///
    /// # Errors
    /// If there is no dataset of this name, or its file is refused.
    pub fn commit(&self, dataset: &str, salt: &[u8; 32]) -> Result<Hash32, CatalogError> {
        Ok(self.table(dataset)?.commit(salt))
    }
}

pub(super) fn open_dataset(
    party: &PartyName,
    config: DatasetConfig,
    limits: &Limits,
) -> Result<Table, CatalogError> {
    let raw = RawFile::open(&config.name, &config.source)?;
    let columns = specs(&config, &raw)?;
    if config.rows_max == Some(0) {
        return Err(CatalogError::Rows { dataset: config.name, rows_max: 0 });
    }
    let DatasetConfig { name, source, entity_key, rows_max, .. } = config;
    let party = party.clone();
    let bound = rows_max.unwrap_or(u64::MAX);
    let mut descriptor = DatasetDescriptor { party, name, rows_max: bound, entity_key, columns };
    let found = check(raw, &descriptor, limits)?;
    descriptor.rows_max = rows_max.unwrap_or_else(|| found.rows.max(1).next_multiple_of(ROWS_UNIT));
    Ok(Table::new(descriptor, source, found))
}
