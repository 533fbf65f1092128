//! `unseen doctor`: looks a configuration over before it is relied on.

use std::{collections::BTreeMap, fmt::Write as _, net::TcpListener, path::Path};

use super::{
    config::{Config, DatasetConfig},
    exit::{CliError, chain},
};
use crate::{
    catalog::Catalog,
    policy::{Level, lint},
};

/// What was found, a line each; good ones begin with `ok`.
#[derive(Debug, Default)]
struct Findings {
    lines: String,
    bad: usize,
}

impl Findings {
    fn note(&mut self, what: &str, found: Result<String, CliError>) {
        match found {
            Ok(detail) => {
                let _ = writeln!(self.lines, "ok   {what}: {detail}");
            }
            Err(error) => {
                self.bad += 1;
                let next = error.next.map(|next| format!("\n       next: {next}"));
                let _ = writeln!(
                    self.lines,
                    "BAD  {what}: {}{}",
                    error.message,
                    next.unwrap_or_default()
                );
            }
        }
    }
}

/// Checks keys, certificate, pins, port, tables and policies.
///
/// # Errors
/// Usage: the configuration cannot be read, or something in it is wrong; everything found is in the message.
pub(super) fn examine(path: &Path) -> Result<String, CliError> {
    let config = Config::load(path)?;
    let mut findings = Findings::default();
    findings.note("identity key", config.identity().map(|key| key.public().to_string()));
    findings.note(
        "certificate",
        config.credentials().map(|_| "admitted by the authority's file".to_owned()),
    );
    findings.note("pins", pins(&config));
    if let Some(listen) = config.listen {
        let free = TcpListener::bind(listen).map(|_| listen.to_string());
        findings.note("port", free.map_err(|error| {
            CliError::usage(format!("{listen}: {error}"))
                .next("if its own daemon is up, that is in order: it listens there; else choose another in `listen`")
        }));
    }
    findings.note("timeouts", Ok(config.timeouts.to_string()));
    if let Some(coordinator) = &config.coordinator {
        findings.note("patience", Ok(coordinator.patience.to_string()));
    }
    if let Some(provider) = &config.provider {
        findings.note("stall", Ok(provider.stall().to_string()));
        if !provider.trainers.is_empty() {
            let names =
                |places: BTreeMap<String, _>| places.into_keys().collect::<Vec<_>>().join(", ");
            findings.note("trainers", config.trainers().map(names));
        }
    }
    if let Some(buyer) = &config.buyer {
        findings.note("sealing key", sealing(&config));
        findings.note("coordinator", config.key_of(&buyer.coordinator).map(|key| key.to_string()));
    }
    match config.catalog() {
        Ok(catalog) => {
            for dataset in &config.datasets {
                let table = format!("dataset {}.{}", config.party, dataset.name);
                findings.note(&table, policy(&config, &catalog, dataset));
            }
        }
        Err(error) => findings.note("datasets", Err(error)),
    }
    if findings.bad == 0 {
        return Ok(findings.lines);
    }
    let (party, lines) = (&config.party, findings.lines.trim_end());
    Err(CliError::usage(format!("{party}: {} of these are wrong\n{lines}", findings.bad)))
}

/// Every party of the configuration is pinned, and no key stands for two.
fn pins(config: &Config) -> Result<String, CliError> {
    for (name, pin) in config.pins.iter() {
        if let Some((other, _)) = config.pins.iter().find(|(n, p)| *n != name && p.key == pin.key) {
            return Err(CliError::usage(format!("{name} and {other} have one key"))
                .next("each party makes its own with `unseen keygen`"));
        }
    }
    let parties = config.coordinator.iter().flat_map(|coordinator| &coordinator.parties);
    for place in parties {
        config.key_of(&place.party)?;
    }
    let names: Vec<_> = config.pins.iter().map(|(name, _)| name.to_string()).collect();
    Ok(names.join(", "))
}

fn sealing(config: &Config) -> Result<String, CliError> {
    let public = config.buyer()?.sealing()?.public();
    let pinned = config.pins.of(&config.party).map_err(|error| CliError::usage(chain(&error)))?;
    match pinned.sealing_key {
        Some(key) if key != public => {
            let message = format!("the file is {public}, but [pins.{}] says {key}", config.party);
            Err(CliError::usage(message).next("results would be sealed to a key you cannot open"))
        }
        _ => Ok(public.to_string()),
    }
}

/// The policy is signed by this party and fits what is published.
fn policy(config: &Config, catalog: &Catalog, dataset: &DatasetConfig) -> Result<String, CliError> {
    let policy = config.policy(dataset)?.body;
    let wrong = |text: String| CliError::usage(format!("{}: {text}", dataset.policy.display()));
    let published = catalog.descriptor(&dataset.name).map_err(|error| wrong(chain(&error)))?;
    if policy.dataset != published.table() {
        return Err(wrong(format!("is the policy of {}", policy.dataset)));
    }
    let findings = lint(&policy, Some(published));
    match findings.iter().find(|finding| finding.level == Level::Error) {
        Some(error) => Err(wrong(format!("{}: {}", error.field, error.message))),
        None => Ok(format!("policy {} version {}", policy.id, policy.version)),
    }
}
