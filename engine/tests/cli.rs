//! The command line as a script sees it: exit codes, what goes to which stream, and words that help.

#![expect(clippy::unwrap_used, reason = "what helps a test panics like one")]

use std::{
    path::Path,
    process::{Command, Output},
};

fn unseen(arguments: &[&str], folder: &Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_unseen"));
    command.args(arguments).current_dir(folder).env_remove("UNSEEN_CONFIG").output().unwrap()
}

fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn usage_and_configuration_errors_end_with_2_and_say_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let wrong: &[&[&str]] = &[
        &[],
        &["dance"],
        &["demo", "--job", "nothing"],
        &["up", "--config", "none.toml"],
        &["doctor"],
        &["keygen", "--party", "Bad-Name", "--organisation", "X", "--out", "x"],
        &["keygen", "--party", "p", "--out", "x"],
        &["dataset", "add", "none.csv"],
        &["policy", "lint", "none.json"],
        &["job", "submit", "none.toml"],
        &["receipt", "verify", "none.json"],
    ];
    for arguments in wrong {
        let output = unseen(arguments, dir.path());
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", err(&output));
        assert!(out(&output).is_empty(), "{arguments:?}");
        assert!(!err(&output).is_empty(), "{arguments:?}");
    }
    let error = err(&unseen(&["doctor"], dir.path()));
    assert!(error.contains("unseen.toml") && error.contains("next:"), "{error}");
}

#[test]
fn help_and_version_end_with_0_and_teach() {
    let dir = tempfile::tempdir().unwrap();
    let help = unseen(&["--help"], dir.path());
    assert_eq!(help.status.code(), Some(0));
    for taught in ["unseen demo", "receipt", "3 refused by policy"] {
        assert!(out(&help).contains(taught), "{taught}");
    }
    let commands = [
        "demo", "up", "keygen", "doctor", "dataset", "policy", "job", "consent", "receipt",
        "version",
    ];
    for command in commands {
        assert_eq!(unseen(&[command, "--help"], dir.path()).status.code(), Some(0), "{command}");
    }
    let version = out(&unseen(&["version"], dir.path()));
    assert!(version.contains(env!("CARGO_PKG_VERSION")) && version.contains("plan format"));
}

#[test]
fn keys_are_printed_as_a_pin_and_never_as_secrets() {
    let dir = tempfile::tempdir().unwrap();
    let arguments =
        ["keygen", "--party", "census", "--organisation", "Bureau", "--ca", "ca", "--out", "c"];
    let output = unseen(&arguments, dir.path());
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    assert!(out(&output).contains("[pins.census]\nkey = \"ed25519:"), "{}", out(&output));
    for secret in ["c/identity.key", "c/sealing.key", "ca/ca.key"] {
        let secret = std::fs::read_to_string(dir.path().join(secret)).unwrap();
        assert!(!out(&output).contains(secret.trim()));
    }
    assert_eq!(unseen(&arguments, dir.path()).status.code(), Some(2), "keys are never overwritten");
}

#[test]
fn a_receipt_that_is_none_is_named_and_ends_with_1() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("r.json"), "{\"id\": 7}").unwrap();
    let output = unseen(&["receipt", "verify", "r.json"], dir.path());
    assert_eq!(output.status.code(), Some(1));
    assert!(err(&output).contains("r.json") && err(&output).contains("id"), "{}", err(&output));
}
