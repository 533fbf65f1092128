//! The configuration file (TOML): who this is, what it pins, and what it runs. Paths are relative to the file.

use std::{
    collections::BTreeMap,
    fs, io,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
};

use figment::{
    Figment,
    providers::{Format as _, Toml},
};
use protocols::net::tls::LinkConfig;
use serde::Deserialize;

use super::{
    exit::{CliError, chain, in_words},
    timeouts::{PatienceConfig, Seconds, TimeoutsConfig},
    trainers::{TrainerConfig, places},
};
use crate::{
    catalog::{self, Catalog, ColumnConfig, Limits, Source},
    executor::{Intersections, Scratch, Trainings},
    identity::{IdentityKey, PartyName, Pins, PublicKey, SealingKey, Signed},
    link::Credentials,
    plan::Place,
    policy::{PolicyDocument, parse_signed},
    provider::ConsentMode,
};

/// A configuration as it stands in the file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Config {
    /// Who this is.
    pub(super) party: PartyName,
    /// Where the daemon listens; port 0 lets the system choose.
    pub(super) listen: Option<SocketAddr>,
    /// The key file of `unseen keygen`.
    pub(super) identity_key: PathBuf,
    /// The certificate of the identity key.
    pub(super) certificate: PathBuf,
    /// The authority's certificate.
    pub(super) authority: PathBuf,
    /// The folder of the daemon's journal, made where there is none.
    pub(super) state: Option<PathBuf>,
    /// How long connections may take.
    #[serde(default)]
    pub(super) timeouts: TimeoutsConfig,
    /// Who everybody is.
    pub(super) pins: Pins,
    /// Present: runs a coordinator.
    pub(super) coordinator: Option<CoordinatorConfig>,
    /// Present: runs a participant's daemon, with or without datasets.
    pub(super) provider: Option<ProviderConfig>,
    /// The provider's tables.
    #[serde(default)]
    pub(super) datasets: Vec<DatasetConfig>,
    /// Present: asks for jobs.
    pub(super) buyer: Option<BuyerConfig>,
    /// Where the file is.
    #[serde(skip)]
    folder: PathBuf,
}

/// `[coordinator]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CoordinatorConfig {
    /// Where the participants listen.
    #[serde(default)]
    pub(super) parties: Vec<Address>,
    /// How long it waits for them.
    #[serde(default)]
    pub(super) patience: PatienceConfig,
}

/// Where a party listens.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Address {
    /// Which party.
    pub(super) party: PartyName,
    /// host:port.
    pub(super) address: String,
}

/// `[provider]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ProviderConfig {
    /// Who may ask it for work.
    pub(super) coordinator: PartyName,
    /// Whether a person agrees to each job.
    #[serde(default)]
    pub(super) consent: ConsentMode,
    /// A peer that makes no progress in a run for so many seconds is given up; 60 where it is left out.
    pub(super) stall_seconds: Option<Seconds>,
    /// The folder of what it learns of its own sets; `results` in the state's where it is left out.
    pub(super) results: Option<PathBuf>,
    /// The folder of sets while a job runs, of this daemon alone; `scratch` in the state's where it is left out.
    pub(super) scratch: Option<PathBuf>,
    /// Megabytes of a set's ids that are kept in memory while a job runs, the rest in `scratch`; 256 where it is left out.
    pub(super) set_memory_mb: Option<u32>,
    /// Tables of more megabytes are not kept in memory: each job reads them again from their file; 64 where it is left out.
    pub(super) table_memory_mb: Option<u32>,
    /// Programs that train where a job names one.
    #[serde(default)]
    pub(super) trainers: BTreeMap<String, TrainerConfig>,
}

/// `[[datasets]]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DatasetConfig {
    pub(super) name: String,
    /// The table: .csv or .parquet.
    pub(super) path: PathBuf,
    /// The signed policy.
    pub(super) policy: PathBuf,
    /// The column that identifies the entity a row is about.
    pub(super) entity_key: Option<String>,
    /// Public bound on the number of rows; rounded up to a multiple of 1,024 where it is left out.
    pub(super) rows_max: Option<u64>,
    /// The columns to publish; all of them, without promises, where it is left out.
    #[serde(default)]
    pub(super) columns: Vec<ColumnConfig>,
}

/// `[buyer]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BuyerConfig {
    /// Opens results.
    pub(super) sealing_key: PathBuf,
    /// Who takes jobs.
    pub(super) coordinator: PartyName,
    /// Where it listens.
    pub(super) address: String,
}

impl Config {
    /// Reads a configuration.
    ///
    /// # Errors
    /// Usage: it cannot be read, or a field is missing, unknown or wrong; the message names file and field.
    pub(super) fn load(path: &Path) -> Result<Self, CliError> {
        if !path.is_file() {
            let message = format!("configuration {}: there is no such file", path.display());
            return Err(CliError::usage(message).next(
                "name one with --config or UNSEEN_CONFIG; engine/examples has some to start from",
            ));
        }
        let mut config: Self = Figment::from(Toml::file(path)).extract().map_err(|error| {
            CliError::usage(format!("configuration {}: {}", path.display(), in_words(&error)))
                .next("engine/examples has configurations to compare with")
        })?;
        if let Some(wrong) = config.timeouts.contradiction() {
            return Err(CliError::usage(format!("configuration {}: {wrong}", path.display())));
        }
        config.resolve(path.parent().unwrap_or_else(|| Path::new("")));
        let whole =
            std::path::absolute(path).map_err(|error| CliError::usage(error.to_string()))?;
        config.folder = whole.parent().unwrap_or(&whole).to_owned();
        Ok(config)
    }

    fn resolve(&mut self, folder: &Path) {
        let mut paths = vec![&mut self.identity_key, &mut self.certificate, &mut self.authority];
        paths.extend(self.state.as_mut());
        if let Some(provider) = &mut self.provider {
            paths.extend([&mut provider.results, &mut provider.scratch].into_iter().flatten());
        }
        paths.extend(self.buyer.as_mut().map(|buyer| &mut buyer.sealing_key));
        paths.extend(self.datasets.iter_mut().flat_map(|d| [&mut d.path, &mut d.policy]));
        for path in paths {
            *path = folder.join(&*path);
        }
    }

    /// The folder of what this party learns of its own sets.
    pub(super) fn results(&self) -> Option<PathBuf> {
        let named = self.provider.as_ref().and_then(|provider| provider.results.clone());
        named.or_else(|| self.state.as_ref().map(|state| state.join("results")))
    }

    /// Where this party keeps sets while a job runs. A daemon removes what a crash left there.
    ///
    /// # Errors
    /// Usage: the folder cannot be made, or what a crash left there not removed.
    pub(super) fn scratch(&self, whose: ScratchOf) -> Result<Scratch, CliError> {
        let provider = self.provider.as_ref();
        let Some(folder) = self.scratch_folder() else { return Ok(Scratch::default()) };
        let scratch = match whose {
            ScratchOf::Daemon => Scratch::open(folder.clone()),
            ScratchOf::Command => Scratch::beside(folder.clone()),
        };
        let scratch = scratch.map_err(|error| {
            CliError::usage(format!("the folder {} cannot be used: {error}", folder.display()))
                .next("name one with room, of this daemon alone, as `state` or `provider.scratch`")
        })?;
        Ok(match provider.and_then(|provider| provider.set_memory_mb) {
            Some(mb) => scratch.with_memory((mb as usize) << 20),
            None => scratch,
        })
    }

    /// Where this party keeps trainings that it computes, if it has a folder for what it knows.
    ///
    /// # Errors
    /// Usage: the folder cannot be made, or what is old there not removed.
    pub(super) fn trainings(&self) -> Result<Option<Trainings>, CliError> {
        self.kept("trainings", Trainings::open)
    }

    /// Where this party keeps how far intersections of its sets are, if it has a folder for what it knows.
    ///
    /// # Errors
    /// As [`Self::trainings`].
    pub(super) fn intersections(&self) -> Result<Option<Intersections>, CliError> {
        self.kept("intersections", Intersections::open)
    }

    /// What is kept in this part of the folder, if there is one.
    fn kept<T>(
        &self,
        part: &str,
        open: impl Fn(PathBuf) -> io::Result<T>,
    ) -> Result<Option<T>, CliError> {
        let folder = self.state.as_ref().map(|state| state.join(part));
        let open = |folder: PathBuf| {
            let failed = |error| CliError::usage(format!("{part} {}: {error}", folder.display()));
            open(folder.clone()).map_err(failed)
        };
        folder.map(open).transpose()
    }

    fn scratch_folder(&self) -> Option<PathBuf> {
        let named = self.provider.as_ref().and_then(|provider| provider.scratch.clone());
        named.or_else(|| self.state.as_ref().map(|state| state.join("scratch")))
    }

    /// The programs that train for this party.
    ///
    /// # Errors
    /// Usage: one that is none.
    pub(super) fn trainers(&self) -> Result<BTreeMap<String, Place>, CliError> {
        let configured = self.provider.as_ref().map(|provider| &provider.trainers);
        configured.map_or_else(|| Ok(BTreeMap::new()), |trainers| places(trainers, &self.folder))
    }

    /// The folder of what this party publishes for lookups, and of what it fetches for them.
    pub(super) fn lookups(&self) -> Option<PathBuf> {
        self.state.as_ref().map(|state| state.join("lookups"))
    }

    /// The party's key, certificate, authority and pins, ready for connections.
    ///
    /// # Errors
    /// Usage: a file cannot be read, or the key is not the one that is pinned of this party.
    pub(super) fn credentials(&self) -> Result<Credentials, CliError> {
        let key = self.identity()?;
        let (chain_pem, authority) = (read(&self.certificate)?, read(&self.authority)?);
        let pins = Arc::new(self.pins.clone());
        Credentials::from_pem(self.party.clone(), Arc::new(key), &chain_pem, &authority, pins)
            .map_err(|error| CliError::usage(format!("{}: {}", self.party, chain(&error))))
    }

    /// The party's identity key.
    ///
    /// # Errors
    /// Usage: as [`Self::credentials`].
    pub(super) fn identity(&self) -> Result<IdentityKey, CliError> {
        let key = IdentityKey::load(&self.identity_key).map_err(|e| CliError::usage(chain(&e)))?;
        let pinned = self.pins.of(&self.party).map_err(|error| CliError::usage(chain(&error)))?;
        if pinned.key != key.public() {
            let (file, party) = (self.identity_key.display(), &self.party);
            let message =
                format!("{file} is {}, but [pins.{party}] says {}", key.public(), pinned.key);
            return Err(CliError::usage(message).next("pin the key that this party holds"));
        }
        Ok(key)
    }

    /// The buyer's side.
    ///
    /// # Errors
    /// Usage: there is no `[buyer]`.
    pub(super) fn buyer(&self) -> Result<&BuyerConfig, CliError> {
        self.buyer.as_ref().ok_or_else(|| {
            CliError::usage(format!("{} is configured as no buyer", self.party))
                .next("add [buyer] with sealing_key, coordinator and address")
        })
    }

    /// The tables, read and checked against what is promised of them.
    ///
    /// # Errors
    /// Usage: the first thing that is wrong, by dataset, file, row and column; never a value.
    pub(super) fn catalog(&self) -> Result<Catalog, CliError> {
        let configs = self.datasets.iter().map(DatasetConfig::source).collect();
        let mut limits = Limits::default();
        if let Some(mb) = self.provider.as_ref().and_then(|provider| provider.table_memory_mb) {
            limits.table_bytes = (mb as usize) << 20;
        }
        // Commands other than `up` make no folder.
        if let Some(folder) = self.scratch_folder().filter(|folder| folder.is_dir()) {
            limits.scratch = folder;
        }
        Catalog::open_within(&limits, &self.party, configs).map_err(|error| {
            CliError::usage(format!("{}: {}", self.party, chain(&error)))
                .next("correct the table, or what the configuration promises of it")
        })
    }

    /// The signed policy of a dataset, its signature checked.
    ///
    /// # Errors
    /// Usage: it cannot be read or does not hold.
    pub(super) fn policy(
        &self,
        dataset: &DatasetConfig,
    ) -> Result<Signed<PolicyDocument>, CliError> {
        let (key, path) = (self.key_of(&self.party)?, dataset.policy.display());
        parse_signed(&read(&dataset.policy)?, &key).map_err(|error| {
            CliError::usage(format!("policy {path}: {}", chain(&error)))
                .next("sign it with `unseen policy sign`")
        })
    }

    /// The key pinned of a party.
    ///
    /// # Errors
    /// Usage: it is not pinned.
    pub(super) fn key_of(&self, party: &PartyName) -> Result<PublicKey, CliError> {
        self.pins.of(party).map(|pin| pin.key).map_err(|error| CliError::usage(chain(&error)))
    }
}

/// Who asks for the folder of what is passing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ScratchOf {
    /// The one daemon that has it.
    Daemon,
    /// A command, while that daemon may be up.
    Command,
}

impl ProviderConfig {
    /// How long a silent peer is waited for in a run.
    pub(super) fn stall(&self) -> Seconds {
        self.stall_seconds.unwrap_or_else(|| Seconds::of(LinkConfig::default().stall))
    }
}

impl BuyerConfig {
    /// The key that opens results.
    ///
    /// # Errors
    /// Usage: the file cannot be read.
    pub(super) fn sealing(&self) -> Result<SealingKey, CliError> {
        SealingKey::load(&self.sealing_key).map_err(|error| CliError::usage(chain(&error)))
    }
}

impl DatasetConfig {
    fn source(&self) -> catalog::DatasetConfig {
        catalog::DatasetConfig {
            name: self.name.clone(),
            source: Source::Path(self.path.clone()),
            entity_key: self.entity_key.clone(),
            rows_max: self.rows_max,
            columns: self.columns.clone(),
        }
    }
}

pub(super) fn read(path: &Path) -> Result<String, CliError> {
    fs::read_to_string(path)
        .map_err(|error| CliError::usage(format!("cannot read {}: {error}", path.display())))
}
