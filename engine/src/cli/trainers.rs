//! `[provider.trainers.NAME]`: the programs that train for a provider, in its configuration.

use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
    path::Path,
};

use serde::Deserialize;

use super::exit::CliError;
use crate::plan::Place;

/// One of the two.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TrainerConfig {
    /// A program with its arguments, which the daemon starts for each job, in the configuration's folder.
    pub(super) command: Option<Vec<String>>,
    /// Where one listens that runs already: `http://127.0.0.1:…` or `unix:/…`.
    pub(super) address: Option<String>,
}

/// The programs of a configuration in this folder.
///
/// # Errors
/// Usage: one that is neither or both, or an address of another machine.
pub(super) fn places(
    trainers: &BTreeMap<String, TrainerConfig>,
    folder: &Path,
) -> Result<BTreeMap<String, Place>, CliError> {
    let each = trainers.iter().map(|(name, config)| {
        let wrong = |why: &str| CliError::usage(format!("[provider.trainers.{name}]: {why}"));
        let place = match (&config.command, &config.address) {
            (Some(command), None) => child(command, folder).ok_or("`command` names no program"),
            (None, Some(address)) if is_here(address) => Ok(Place::At(address.clone())),
            (None, Some(_)) => Err("`address` is http:// at an address of this machine (127.0.0.1, [::1]) with a port, or unix: \
                                    with a path: rows travel there in the clear"),
            _ => Err("has either `command` or `address`"),
        };
        Ok((name.clone(), place.map_err(wrong)?))
    });
    each.collect()
}

fn child(command: &[String], folder: &Path) -> Option<Place> {
    let (program, arguments) = command.split_first()?;
    if program.is_empty() {
        return None;
    }
    // What has a folder of its own is meant from the configuration on, like all paths; the rest is looked up.
    let program = match program.contains('/') {
        true => folder.join(program).to_str()?.to_owned(),
        false => program.clone(),
    };
    let command = std::iter::once(program).chain(arguments.iter().cloned()).collect();
    Some(Place::Child { command, folder: folder.to_owned() })
}

/// Whether an address is one of this machine.
fn is_here(address: &str) -> bool {
    if let Some(path) = address.strip_prefix("unix:") {
        return path.starts_with('/');
    }
    let place = address.strip_prefix("http://").unwrap_or_default();
    place.trim_end_matches('/').parse::<SocketAddr>().is_ok_and(|place| match place.ip() {
        IpAddr::V4(ip) => ip.is_loopback(),
        IpAddr::V6(ip) => ip.is_loopback(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(config: &str) -> Result<BTreeMap<String, Place>, CliError> {
        let config = serde_json::from_str(config).map_err(CliError::usage)?;
        let trainers = BTreeMap::from([("numpy".to_owned(), config)]);
        places(&trainers, Path::new("/srv/hospital"))
    }

    #[test]
    fn a_program_is_a_command_or_an_address_of_this_machine() {
        let command = |program: &str| Place::Child {
            command: vec![program.to_owned(), "trainer.py".to_owned()],
            folder: "/srv/hospital".into(),
        };
        for (config, place) in [
            (r#"{"command": ["python3", "trainer.py"]}"#, command("python3")),
            (r#"{"command": ["env/python", "trainer.py"]}"#, command("/srv/hospital/env/python")),
            (r#"{"command": ["/bin/python", "trainer.py"]}"#, command("/bin/python")),
            (r#"{"address": "http://127.0.0.1:8765"}"#, Place::At("http://127.0.0.1:8765".into())),
            (r#"{"address": "http://[::1]:8765"}"#, Place::At("http://[::1]:8765".into())),
            (r#"{"address": "unix:/run/numpy"}"#, Place::At("unix:/run/numpy".into())),
        ] {
            assert_eq!(read(config).unwrap()["numpy"], place, "{config}");
        }
        for config in [
            r#"{}"#,
            r#"{"command": []}"#,
            r#"{"command": [""]}"#,
            r#"{"command": ["python3"], "address": "unix:/run/numpy"}"#,
            r#"{"address": "http://10.0.0.7:8765"}"#,
            r#"{"address": "http://trainer.example:8765"}"#,
            r#"{"address": "http://0.0.0.0:8765"}"#,
            r#"{"address": "https://127.0.0.1:8765"}"#,
            r#"{"address": "unix:numpy"}"#,
        ] {
            let words = read(config).unwrap_err().message;
            assert!(words.contains("[provider.trainers.numpy]"), "{config}: {words}");
        }
    }
}
