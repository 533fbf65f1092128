//! `unseen receipt verify`: offline, from one file, naming the first thing that is wrong.

use std::{fmt::Write as _, path::Path};

use figment::{
    Figment,
    providers::{Format as _, Toml},
};
use serde::Deserialize;

use super::{config::read, exit::CliError};
use crate::{
    audit::{self, Contribution, ContributionCertificate, Failure, Receipt, Report},
    identity::Pins,
};

/// A file with `[pins.NAME]` tables; a whole configuration will do.
#[derive(Deserialize)]
struct PinFile {
    pins: Pins,
}

/// What a receipt says, if it holds.
///
/// # Errors
/// Usage: a file cannot be read. Failed: the receipt does not hold; the message names the first thing that is wrong.
pub(super) fn verify_file(path: &Path, pins: Option<&Path>) -> Result<String, CliError> {
    let pins = pins.map(load_pins).transpose()?;
    let text = read(path)?;
    let (receipt, report) = check(&text, pins.as_ref()).map_err(|fault| {
        CliError::failed(format!("receipt {} does not hold: {fault}", path.display()))
    })?;
    Ok(in_words(&receipt, &report))
}

fn check(text: &str, pins: Option<&Pins>) -> Result<(Receipt, Report), audit::Fault> {
    let receipt = audit::read(text)?;
    let report = audit::verify(&receipt, pins)?;
    Ok((receipt, report))
}

/// Reads the pins of a file.
///
/// # Errors
/// Usage: it cannot be read or has none.
pub(super) fn load_pins(path: &Path) -> Result<Pins, CliError> {
    if !path.is_file() {
        return Err(CliError::usage(format!("pins {}: there is no such file", path.display())));
    }
    let file: PinFile = Figment::from(Toml::file(path)).extract().map_err(|error| {
        CliError::usage(format!("pins {}: {error}", path.display()))
            .next("it holds a [pins.NAME] table for each party, as `unseen keygen` writes them")
    })?;
    Ok(file.pins)
}

/// What updates were worth, in losses, and what is paid for them.
fn worth(certificate: &ContributionCertificate) -> String {
    let ContributionCertificate { method, validation, price, providers, .. } = certificate;
    let mut text = format!("  what updates were worth, by the loss on {validation} ({method}):\n");
    #[expect(clippy::cast_precision_loss, reason = "for reading")]
    let loss = |micro: i64| micro as f64 / 1e6;
    for Contribution { party, value, low, high, unique, pay, .. } in providers {
        let [value, low, high] = [value, low, high].map(|micro| loss(*micro));
        let _ = writeln!(
            text,
            "    {party}: {value:.6} ({low:.6} to {high:.6} in 95 of 100 cases); {unique} of its rows are its own; paid {pay} of {price}"
        );
    }
    text
}

fn in_words(receipt: &Receipt, report: &Report) -> String {
    let body = &receipt.body;
    let mut text = format!("receipt {} holds: the job ended {}\n", report.id, report.outcome);
    let _ = writeln!(text, "  job       {}", body.job);
    let _ = writeln!(text, "  plan      {}", body.plan);
    for entry in &body.parties {
        let roles: Vec<_> =
            entry.roles.iter().map(|role| format!("{role:?}").to_lowercase()).collect();
        let due = body.signers().any(|signer| signer.party == entry.party);
        let signed = match report.signed.contains(&entry.party) {
            true => "signed",
            false if body.absent.contains(&entry.party) => {
                "was lost, and the training went on without it"
            }
            false if due => "did not sign",
            false => "signs no receipt",
        };
        let (party, organisation) = (&entry.party, &entry.organisation);
        let _ = writeln!(text, "  {party} ({organisation}; {}): {signed}", roles.join(", "));
    }
    for (party, Failure { code, party: at, stage }) in &body.ends {
        let at = at.as_ref().map(|at| format!(" at {at}")).unwrap_or_default();
        let _ = writeln!(text, "  for {party} it ended with {code}{at}, stage {stage}");
    }
    for (party, meter) in &body.meter {
        let _ =
            writeln!(text, "  {party} sent {} bytes in {} rounds", meter.bytes_sent, meter.rounds);
    }
    for link in body.links.iter().filter(|link| link.from < link.to) {
        let (from, to) = (&link.from, &link.to);
        let times = body.renewed(from, to);
        if times > 0 {
            let _ = writeln!(
                text,
                "  the link between {from} and {to} was lost and made anew, {times} of at most {} times; of it only \
                 what its last connections carried is evidence",
                body.renewals()
            );
        }
    }
    if let Some(certificate) = &body.contribution {
        text += &worth(certificate);
    }
    text += if report.pinned {
        "  every key is the one that is pinned\n"
    } else {
        "  keys are those the receipt itself carries; --pins FILE compares them with yours\n"
    };
    text
}
