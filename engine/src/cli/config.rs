//! The configuration file (TOML): who this is, what it pins, and what it runs. Paths are relative to the file.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
};

use figment::{
    Figment,
    providers::{Format as _, Toml},
};
use serde::Deserialize;

use super::exit::{CliError, chain};
use crate::{
    catalog::{ColumnSpec, DatasetDescriptor},
    identity::{IdentityKey, PartyName, Pins, PublicKey, SealingKey},
    link::Credentials,
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
    /// The journal: a SQLite file, made where there is none.
    pub(super) state: Option<PathBuf>,
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
}

/// `[coordinator]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CoordinatorConfig {
    /// Where the participants listen.
    #[serde(default)]
    pub(super) parties: Vec<Address>,
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
    /// Whether a person agrees to each job.
    #[serde(default)]
    pub(super) consent: ConsentMode,
}

/// Who agrees to jobs that the policies allow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum ConsentMode {
    /// A person, with `unseen consent`.
    #[default]
    Manual,
    /// The daemon.
    Auto,
}

/// `[[datasets]]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DatasetConfig {
    pub(super) name: String,
    /// The table: .csv or .parquet.
    pub(super) file: PathBuf,
    /// The signed policy.
    pub(super) policy: PathBuf,
    pub(super) rows_max: u64,
    pub(super) entity_key: Option<String>,
    pub(super) columns: Vec<ColumnSpec>,
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
            CliError::usage(format!("configuration {}: {error}", path.display()))
                .next("engine/examples has configurations to compare with")
        })?;
        config.resolve(path.parent().unwrap_or(Path::new("")));
        Ok(config)
    }

    fn resolve(&mut self, folder: &Path) {
        let mut paths = vec![&mut self.identity_key, &mut self.certificate, &mut self.authority];
        paths.extend(self.state.as_mut());
        paths.extend(self.buyer.as_mut().map(|buyer| &mut buyer.sealing_key));
        paths.extend(self.datasets.iter_mut().flat_map(|d| [&mut d.file, &mut d.policy]));
        for path in paths {
            *path = folder.join(&*path);
        }
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

    /// What this provider publishes.
    pub(super) fn descriptors(&self) -> impl Iterator<Item = DatasetDescriptor> {
        self.datasets.iter().map(|dataset| dataset.descriptor(&self.party))
    }

    /// The key pinned of a party.
    ///
    /// # Errors
    /// Usage: it is not pinned.
    pub(super) fn key_of(&self, party: &PartyName) -> Result<PublicKey, CliError> {
        self.pins.of(party).map(|pin| pin.key).map_err(|error| CliError::usage(chain(&error)))
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
    /// What is published of this dataset.
    pub(super) fn descriptor(&self, party: &PartyName) -> DatasetDescriptor {
        DatasetDescriptor {
            party: party.clone(),
            name: self.name.clone(),
            rows_max: self.rows_max,
            entity_key: self.entity_key.clone(),
            columns: self.columns.clone(),
        }
    }
}

pub(super) fn read(path: &Path) -> Result<String, CliError> {
    fs::read_to_string(path)
        .map_err(|error| CliError::usage(format!("cannot read {}: {error}", path.display())))
}
