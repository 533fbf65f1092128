//! Files that changed since they were described: noticed from outside, described anew, or refused.

use std::{fs, os::unix::fs::MetadataExt as _};

use super::{
    config::Source,
    error::CatalogError,
    open::{Catalog, Dataset, open_dataset},
    table::Table,
};

/// What a file looks like without being read: where it stands, how long it is, and when it was changed last.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Seen(Option<[i128; 7]>);

impl Seen {
    pub(super) fn of(source: &Source) -> Self {
        let Source::Path(path) = source else { return Self(None) };
        Self(fs::metadata(path).ok().map(|file| {
            [
                file.dev().into(),
                file.ino().into(),
                file.len().into(),
                file.mtime().into(),
                file.mtime_nsec().into(),
                file.ctime().into(),
                file.ctime_nsec().into(),
            ]
        }))
    }
}

impl Dataset {
    fn is_outdated(&self) -> bool {
        self.seen != Seen::of(&self.config.source) || self.table.is_outdated()
    }
}

impl Catalog {
    /// Whether a file is no longer what it was when it was described. Looks at it from outside alone: one that is changed within
    /// a tick of its file system's clock, to another of the same length, shows when a job reads it.
    #[must_use]
    pub fn is_outdated(&self) -> bool {
        self.datasets.values().any(Dataset::is_outdated)
    }

    /// The catalog with those datasets described anew whose files changed: read and checked as when they were opened. One that
    /// breaks what is declared of it is refused until its file changes once more; the log says why.
    #[must_use]
    pub fn renewed(&self) -> Self {
        let renewed = |dataset: &Dataset| match dataset.is_outdated() {
            true => self.anew(dataset),
            false => dataset.clone(),
        };
        let datasets = self.datasets.iter().map(|(name, of)| (name.clone(), renewed(of)));
        let datasets = datasets.collect();
        Self { party: self.party.clone(), limits: self.limits.clone(), datasets }
    }

    fn anew(&self, dataset: &Dataset) -> Dataset {
        let (config, name) = (dataset.config.clone(), &dataset.config.name);
        let seen = Seen::of(&config.source);
        let opened = open_dataset(&self.party, config.clone(), &self.limits);
        let opened = opened.and_then(|table| settled(table, seen, &config.source));
        let (table, refused) = match opened {
            Ok(table) => {
                tracing::info!(dataset = %name, "its file changed and is taken as it is now");
                (table, false)
            }
            Err(error) => {
                tracing::warn!(%error, "a dataset's file changed and is refused");
                dataset.table.look_again();
                (dataset.table.clone(), true)
            }
        };
        Dataset { config, seen, table, refused }
    }
}

/// A table whose file stayed the same while it was read.
fn settled(table: Table, seen: Seen, source: &Source) -> Result<Table, CatalogError> {
    let unsettled = || CatalogError::Unsettled { dataset: table.descriptor().name.clone() };
    if Seen::of(source) == seen { Ok(table) } else { Err(unsettled()) }
}
