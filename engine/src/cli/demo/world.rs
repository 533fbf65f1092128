//! The demo's world: a folder for each role with keys, certificate, pins, tables, signed policies and configuration.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use super::{
    super::{
        exit::{CliError, chain},
        keygen,
    },
    tables::{DemoTable, tables},
};
use crate::{
    catalog::{ColumnSpec, ColumnType, DatasetDescriptor},
    identity::{IdentityKey, PartyName, Pins, Signed},
    job::JobKind,
    policy::POLICY_DOMAIN,
};

/// Role and organisation: the three compute parties in order, then the coordinator, the buyer, and a provider that does not
/// compute.
const CAST: [(&str, &str); 6] = [
    ("census", "Census Bureau (demo)"),
    ("employers", "Association of Employers (demo)"),
    ("neutral", "Neutral Computing (demo)"),
    ("exchange", "Data Exchange (demo)"),
    ("insurer", "Mutual Insurance (demo)"),
    ("tax", "Tax Office (demo)"),
];

/// Everything on disk that the demo's processes read.
#[derive(Debug)]
pub(super) struct World {
    folder: PathBuf,
    /// P0, P1, P2.
    pub(super) compute: [PartyName; 3],
    /// The coordinator.
    pub(super) exchange: PartyName,
    /// The buyer.
    pub(super) insurer: PartyName,
    /// A provider that does not compute.
    tax: PartyName,
    pins: Pins,
}

impl World {
    /// Makes keys, certificates, tables, policies and the configurations of all that need no other's address.
    ///
    /// # Errors
    /// Failed: something cannot be written.
    pub(super) fn make(folder: &Path, now_ms: i64) -> Result<Self, CliError> {
        let authority = keygen::authority_in(&folder.join("authority"))?;
        let mut pins = Pins::default();
        let mut names = Vec::new();
        for (role, organisation) in CAST {
            let name: PartyName = role.parse().map_err(CliError::failed)?;
            let pin =
                keygen::make_party(&name, organisation, &folder.join(role), Some(&authority))?;
            pins.insert(name.clone(), pin);
            names.push(name);
        }
        let cast: Result<[PartyName; 6], _> = names.try_into();
        let [a, b, c, exchange, insurer, tax] =
            cast.map_err(|_| CliError::failed("demo: no cast"))?;
        let folder = folder.to_path_buf();
        let world = Self { folder, compute: [a, b, c], exchange, insurer, tax, pins };
        for party in world.compute.iter().chain([&world.tax]) {
            world.make_party(party, now_ms)?;
        }
        Ok(world)
    }

    /// Who has a daemon for this question: the compute parties, and the provider that does not compute if it has a set in it.
    pub(super) fn providers(&self, question: &JobKind) -> Vec<PartyName> {
        let asked = match question {
            JobKind::Psi(psi) => psi.owners().any(|owner| owner == self.tax.as_str()),
            JobKind::Train(train) => train.owners().any(|owner| owner == self.tax.as_str()),
            JobKind::Score(score) => {
                score.model.dataset.split('.').next() == Some(self.tax.as_str())
            }
            JobKind::Sql { .. } | JobKind::TrainVertical(_) => false,
        };
        self.compute.iter().chain(asked.then_some(&self.tax)).cloned().collect()
    }

    /// A role's folder.
    pub(super) fn folder_of(&self, party: &PartyName) -> PathBuf {
        self.folder.join(party.as_str())
    }

    /// Writes the coordinator's configuration, once the addresses of the parties are known.
    ///
    /// # Errors
    /// Failed: it cannot be written.
    pub(super) fn make_coordinator(
        &self,
        addresses: &[(PartyName, String)],
    ) -> Result<(), CliError> {
        let mut text = self.common(&self.exchange);
        text += "\n[coordinator]\n";
        for (party, address) in addresses {
            let _ = write!(
                text,
                "\n[[coordinator.parties]]\nparty = \"{party}\"\naddress = \"{address}\"\n"
            );
        }
        self.write(&self.exchange, "unseen.toml", &(text + &self.pins_text()))
    }

    /// Writes the buyer's configuration, once the coordinator's address is known.
    ///
    /// # Errors
    /// Failed: it cannot be written.
    pub(super) fn make_buyer(&self, coordinator: &str) -> Result<(), CliError> {
        let mut text = self.common(&self.insurer);
        let _ = write!(
            text,
            "\n[buyer]\nsealing_key = \"sealing.key\"\ncoordinator = \"{}\"\naddress = \"{coordinator}\"\n",
            self.exchange
        );
        self.write(&self.insurer, "unseen.toml", &(text + &self.pins_text()))
    }

    fn make_party(&self, party: &PartyName, now_ms: i64) -> Result<(), CliError> {
        let mut text = self.common(party);
        let _ =
            write!(text, "\n[provider]\ncoordinator = \"{}\"\nconsent = \"auto\"\n", self.exchange);
        for table in tables().filter(|table| table.party == party.as_str()) {
            self.make_table(party, table, now_ms)?;
            text += &dataset_text(table, &table.descriptor(party.clone()));
        }
        self.write(party, "unseen.toml", &(text + &self.pins_text()))
    }

    /// Writes a table and its signed policy.
    fn make_table(
        &self,
        party: &PartyName,
        table: &DemoTable,
        now_ms: i64,
    ) -> Result<(), CliError> {
        let folder = self.folder_of(party);
        let key = IdentityKey::load(&keygen::PartyFiles::of(&folder).identity);
        let key = key.map_err(|error| CliError::failed(chain(&error)))?;
        let policy = table
            .policy(&self.pins, party, &self.insurer, &self.compute, now_ms)
            .map_err(|error| CliError::failed(chain(&error)))?;
        let signed = Signed::new(POLICY_DOMAIN, policy, party.clone(), &key);
        let json = serde_json::to_string_pretty(&signed).map_err(CliError::failed)?;
        self.write(party, &policy_file(table), &json)?;
        let path = folder.join(table.file);
        fs::write(&path, table.content()?).map_err(|error| unwritable(&path, &error))
    }

    fn common(&self, party: &PartyName) -> String {
        format!(
            "party = \"{party}\"\nlisten = \"127.0.0.1:0\"\nidentity_key = \"identity.key\"\n\
             certificate = \"certificate.pem\"\nauthority = \"ca.pem\"\nstate = \"state\"\n"
        )
    }

    fn pins_text(&self) -> String {
        self.pins.iter().map(|(name, pin)| format!("\n{}", keygen::pin_text(name, pin))).collect()
    }

    fn write(&self, party: &PartyName, file: &str, content: &str) -> Result<(), CliError> {
        let path = self.folder_of(party).join(file);
        fs::write(&path, content).map_err(|error| unwritable(&path, &error))
    }
}

fn policy_file(table: &DemoTable) -> String {
    format!("{}.policy.json", table.name)
}

/// A dataset's entry in its provider's configuration.
fn dataset_text(table: &DemoTable, published: &DatasetDescriptor) -> String {
    let mut text = format!(
        "\n[[datasets]]\nname = \"{}\"\npath = \"{}\"\npolicy = \"{}\"\nrows_max = {}\n",
        published.name,
        table.file,
        policy_file(table),
        published.rows_max
    );
    if let Some(key) = &published.entity_key {
        let _ = writeln!(text, "entity_key = \"{key}\"");
    }
    text + &published.columns.iter().map(column_text).collect::<String>()
}

fn column_text(column: &ColumnSpec) -> String {
    let ty = match column.ty {
        ColumnType::Int64 => "\"int64\"".to_owned(),
        ColumnType::Int32 => "\"int32\"".to_owned(),
        ColumnType::Decimal { precision, scale } => {
            format!("{{ decimal = {{ precision = {precision}, scale = {scale} }} }}")
        }
        _ => "\"string\"".to_owned(),
    };
    let mut text = format!("\n[[datasets.columns]]\nname = \"{}\"\ntype = {ty}\n", column.name);
    if column.nullable {
        text += "nullable = true\n";
    }
    if column.unique {
        text += "unique = true\n";
    }
    if let Some(range) = column.range {
        let _ = write!(text, "min = {}\nmax = {}\n", range.min, range.max);
    }
    if let Some(domain) = &column.domain {
        let list: Vec<_> = domain.iter().map(|value| format!("\"{value}\"")).collect();
        let _ = writeln!(text, "domain = [{}]", list.join(", "));
    }
    text
}

fn unwritable(path: &Path, error: &std::io::Error) -> CliError {
    CliError::failed(format!("demo: cannot write {}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::{
        super::super::{config::Config, doctor},
        *,
    };

    #[test]
    fn every_configuration_of_the_demo_reads_back_and_is_sound() {
        let dir = tempfile::tempdir().unwrap();
        let world = World::make(dir.path(), 1_790_000_000_000).unwrap();
        let addresses = world.compute.clone().map(|party| (party, "127.0.0.1:4000".to_owned()));
        world.make_coordinator(&addresses).unwrap();
        world.make_buyer("127.0.0.1:4001").unwrap();
        for (role, _) in CAST {
            let path = dir.path().join(role).join("unseen.toml");
            let found = doctor::examine(&path).unwrap();
            assert!(found.lines().all(|line| line.starts_with("ok")), "{found}");
        }
        let census = Config::load(&dir.path().join("census/unseen.toml")).unwrap();
        let catalog = census.catalog().unwrap();
        let published: Vec<_> = catalog.descriptors().cloned().collect();
        let census = || "census".parse().unwrap();
        let own = tables().filter(|table| table.party == "census");
        let mut told: Vec<_> = own.map(|table| table.descriptor(census())).collect();
        told.sort_by(|a, b| a.name.cmp(&b.name));
        assert_eq!(published, told);
    }

    #[test]
    fn a_key_that_is_not_the_pinned_one_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let world = World::make(dir.path(), 1_790_000_000_000).unwrap();
        let folder = world.folder_of(&world.compute[0]);
        fs::remove_file(folder.join("identity.key")).unwrap();
        IdentityKey::from_seed(&[9; 32]).save(&folder.join("identity.key")).unwrap();
        let error = doctor::examine(&folder.join("unseen.toml")).unwrap_err();
        assert!(error.message.contains("[pins.census]"), "{}", error.message);
    }
}
