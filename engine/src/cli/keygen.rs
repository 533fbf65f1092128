//! `unseen keygen`: a party's keys, its certificate, and the pin that others need.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{
    exit::{CliError, chain},
    receipt::load_pins,
};
use crate::{
    identity::{IdentityKey, PartyName, Pin, SealingKey},
    link::{Authority, key_pem},
};

/// A party's files, as `keygen` lays them out.
#[derive(Clone, Debug)]
pub(super) struct PartyFiles {
    /// `identity.key`: signs, and proves who is at the other end of a connection.
    pub(super) identity: PathBuf,
    /// `sealing.key`: opens results.
    pub(super) sealing: PathBuf,
    /// `certificate.pem`.
    pub(super) certificate: PathBuf,
    /// `ca.pem`: the authority's certificate.
    pub(super) authority: PathBuf,
    /// `pin.toml`: the public half, for the others' configurations.
    pub(super) pin: PathBuf,
}

impl PartyFiles {
    /// The files in a folder.
    #[must_use]
    pub(super) fn of(folder: &Path) -> Self {
        Self {
            identity: folder.join("identity.key"),
            sealing: folder.join("sealing.key"),
            certificate: folder.join("certificate.pem"),
            authority: folder.join("ca.pem"),
            pin: folder.join("pin.toml"),
        }
    }
}

/// Makes a party's keys in `folder` (made if it is not there), certified by `authority` if there is one.
///
/// # Errors
/// Usage: a file exists already or cannot be written.
pub(super) fn make_party(
    name: &PartyName,
    organisation: &str,
    folder: &Path,
    authority: Option<&Authority>,
) -> Result<Pin, CliError> {
    fs::create_dir_all(folder).map_err(|error| unwritable(folder, &error))?;
    let files = PartyFiles::of(folder);
    let identity = IdentityKey::generate().map_err(CliError::failed)?;
    let sealing = SealingKey::generate().map_err(CliError::failed)?;
    identity.save(&files.identity).map_err(|error| taken(&error))?;
    sealing.save(&files.sealing).map_err(|error| taken(&error))?;
    let pin = Pin {
        key: identity.public(),
        organisation: organisation.to_owned(),
        sealing_key: Some(sealing.public()),
    };
    write(&files.pin, &pin_text(name, &pin))?;
    if let Some(authority) = authority {
        let certificate = authority.certify(name, &identity.public()).map_err(|e| failed(&e))?;
        write(&files.certificate, &certificate)?;
        write(&files.authority, &authority.certificate_pem().map_err(|e| failed(&e))?)?;
    }
    Ok(pin)
}

/// Writes a certificate for the party of a `pin.toml` to `out`.
///
/// # Errors
/// Usage: the pin cannot be read, pins none or several, or `out` is there already.
pub(super) fn certify(
    pin: &Path,
    authority: &Authority,
    out: &Path,
) -> Result<PartyName, CliError> {
    let pins = load_pins(pin)?;
    let mut pinned = pins.iter();
    let (Some((name, found)), None) = (pinned.next(), pinned.next()) else {
        let message = format!("{}: a certificate is for one party", pin.display());
        return Err(
            CliError::usage(message).next("name the pin.toml that its `unseen keygen` wrote")
        );
    };
    if out.exists() {
        return Err(CliError::usage(format!("{} is there already", out.display())));
    }
    write(out, &authority.certify(name, &found.key).map_err(|e| failed(&e))?)?;
    Ok(name.clone())
}

/// Writes an identity key to `out` as other programs' TLS reads it.
///
/// # Errors
/// Usage: the key cannot be read, or `out` is there already or cannot be written.
pub(super) fn export(key: &Path, out: &Path) -> Result<(), CliError> {
    use std::{io::Write as _, os::unix::fs::OpenOptionsExt as _};
    let key = IdentityKey::load(key).map_err(|error| CliError::usage(chain(&error)))?;
    let mut options = fs::OpenOptions::new();
    let file = options.write(true).create_new(true).mode(0o600).open(out);
    file.and_then(|mut file| file.write_all(key_pem(&key).as_bytes())).map_err(|error| {
        unwritable(out, &error).next("keys are never overwritten: name a file that is not there")
    })
}

/// The authority in `folder`; a new one is made where there is none.
///
/// # Errors
/// Usage: its key cannot be read or written.
pub(super) fn authority_in(folder: &Path) -> Result<Authority, CliError> {
    let path = folder.join("ca.key");
    if path.exists() {
        let key = IdentityKey::load(&path).map_err(|error| CliError::usage(chain(&error)))?;
        return Ok(Authority::new(key));
    }
    fs::create_dir_all(folder).map_err(|error| unwritable(folder, &error))?;
    let key = IdentityKey::generate().map_err(CliError::failed)?;
    key.save(&path).map_err(|error| taken(&error))?;
    let authority = Authority::new(key);
    write(&folder.join("ca.pem"), &authority.certificate_pem().map_err(|e| failed(&e))?)?;
    Ok(authority)
}

/// A pin as it stands in a configuration.
#[must_use]
pub(super) fn pin_text(name: &PartyName, pin: &Pin) -> String {
    let sealing = pin.sealing_key.map(|key| format!("sealing_key = \"{key}\"\n"));
    // A JSON string is a TOML basic string.
    let organisation = serde_json::Value::from(pin.organisation.as_str());
    format!(
        "[pins.{name}]\nkey = \"{}\"\norganisation = {organisation}\n{}",
        pin.key,
        sealing.unwrap_or_default()
    )
}

fn write(path: &Path, content: &str) -> Result<(), CliError> {
    fs::write(path, content).map_err(|error| unwritable(path, &error))
}

fn unwritable(path: &Path, error: &std::io::Error) -> CliError {
    CliError::usage(format!("cannot write {}: {error}", path.display()))
}

fn taken(error: &crate::identity::KeyFileError) -> CliError {
    let next =
        "keys are never overwritten: choose another folder with --out, or move the old one away";
    CliError::usage(chain(error)).next(next)
}

fn failed(error: &dyn std::error::Error) -> CliError {
    CliError::failed(chain(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_written_for_other_programs_once_and_is_the_same_key() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let (name, out) = ("census".parse().unwrap(), dir.path().join("census"));
        let pin = make_party(&name, "Bureau", &out, None).unwrap();
        let (key, pem) = (PartyFiles::of(&out).identity, dir.path().join("identity.pem"));
        export(&key, &pem).unwrap();
        let read = rcgen::KeyPair::from_pem(&fs::read_to_string(&pem).unwrap()).unwrap();
        assert_eq!(rcgen::PublicKeyData::der_bytes(&read), pin.key.as_bytes());
        assert_eq!(fs::metadata(&pem).unwrap().permissions().mode() & 0o077, 0);
        assert!(export(&key, &pem).unwrap_err().next.unwrap().contains("overwritten"));
    }

    #[test]
    fn keys_are_made_once_and_certified_by_the_authority() {
        let dir = tempfile::tempdir().unwrap();
        let (name, out) = ("census".parse().unwrap(), dir.path().join("census"));
        let authority = authority_in(&dir.path().join("ca")).unwrap();
        let pin = make_party(&name, "Bureau \"C\"", &out, Some(&authority)).unwrap();
        let files = PartyFiles::of(&out);
        assert_eq!(IdentityKey::load(&files.identity).unwrap().public(), pin.key);
        assert!(fs::read_to_string(files.certificate).unwrap().starts_with("-----BEGIN CERT"));
        let again = authority_in(&dir.path().join("ca")).unwrap().certificate_pem().unwrap();
        assert_eq!(fs::read_to_string(files.authority).unwrap(), again);
        let refused = make_party(&name, "C", &out, Some(&authority)).unwrap_err();
        assert!(refused.next.unwrap().contains("never overwritten"));
    }

    #[test]
    fn the_authority_certifies_a_public_half() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        let name = "census".parse().unwrap();
        make_party(&name, "C", &at("apart"), None).unwrap();
        let authority = authority_in(&at("ca")).unwrap();
        let pin = at("apart").join("pin.toml");
        assert_eq!(certify(&pin, &authority, &at("c.pem")).unwrap(), name);
        let key = IdentityKey::load(&at("apart").join("identity.key")).unwrap();
        let due = authority.certify(&name, &key.public()).unwrap();
        let lines = |pem: &str| pem.lines().count();
        assert_eq!(lines(&fs::read_to_string(at("c.pem")).unwrap()), lines(&due));
        assert!(certify(&pin, &authority, &at("c.pem")).is_err(), "nothing is overwritten");
    }

    #[test]
    fn a_pin_reads_back_from_the_configuration() {
        use figment::providers::{Format as _, Toml};
        #[derive(serde::Deserialize)]
        struct Config {
            pins: crate::identity::Pins,
        }
        let dir = tempfile::tempdir().unwrap();
        let name: PartyName = "census".parse().unwrap();
        let pin = make_party(&name, "Bureau \"C\"", dir.path(), None).unwrap();
        let config: Config =
            figment::Figment::from(Toml::file(dir.path().join("pin.toml"))).extract().unwrap();
        assert_eq!(*config.pins.of(&name).unwrap(), pin);
    }
}
