//! From arguments to an exit code.

use std::process::ExitCode;

use clap::Parser;

use super::{
    args::{Cli, Command, DatasetCommand, DemoArgs, KeygenArgs, PolicyCommand, ReceiptCommand},
    config::Config,
    consent, dataset, demo, doctor,
    exit::{CliError, chain},
    job, keygen, lookup, policy, receipt, up,
};
use crate::{identity::PartyName, job::plain, plan::PLAN_FORMAT};

/// Runs the command that the process was started with.
#[must_use]
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(cli.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&error);
            error.ending.into()
        }
    }
}

fn run(command: Command) -> Result<(), CliError> {
    match command {
        Command::Demo(args) => demo(&args)?,
        Command::Doctor(args) => say(&doctor::examine(&args.config)?)?,
        Command::Dataset(command) => say(&datasets(&command)?)?,
        Command::Keygen(args) => say(&keys(&args)?)?,
        Command::Lookup(command) => say(&lookup::run(&command)?)?,
        Command::Policy(command) => say(&policies(&command)?)?,
        Command::Receipt(ReceiptCommand::Verify { file, pins }) => {
            say(&receipt::verify_file(&file, pins.as_deref())?)?;
        }
        Command::Version => say(&version())?,
        Command::Up(args) => {
            log();
            let runtime = runtime()?;
            let done = runtime.block_on(up::run(&args));
            // A training goes on without this party: its own part in it ends with the process.
            runtime.shutdown_background();
            done?;
        }
        Command::Job(command) => say(&runtime()?.block_on(job::run(&command))?)?,
        Command::Consent(command) => say(&runtime()?.block_on(consent::run(&command))?)?,
    }
    Ok(())
}

fn version() -> String {
    let kernels = protocols::kernels::Backend::active().name;
    let version = env!("CARGO_PKG_VERSION");
    format!("unseen {version}, plan format {PLAN_FORMAT}, kernels {kernels}\n")
}

fn demo(args: &DemoArgs) -> Result<(), CliError> {
    if args.list {
        return say(&demo::list());
    }
    runtime()?.block_on(demo::run(args))
}

fn datasets(command: &DatasetCommand) -> Result<String, CliError> {
    match command {
        DatasetCommand::Add(args) => runtime()?.block_on(dataset::describe(args)),
        DatasetCommand::List(args) => {
            let config = Config::load(&args.config)?;
            Ok(config.catalog()?.descriptors().map(dataset::listing).collect())
        }
    }
}

/// The asynchronous world of one command.
fn runtime() -> Result<tokio::runtime::Runtime, CliError> {
    tokio::runtime::Runtime::new().map_err(CliError::failed)
}

fn policies(command: &PolicyCommand) -> Result<String, CliError> {
    match command {
        PolicyCommand::Lint { file } => policy::lint_file(file),
        PolicyCommand::Sign { file, key, out } => policy::sign_file(file, key, out),
        PolicyCommand::Show { file } => policy::show_file(file),
    }
}

fn keys(args: &KeygenArgs) -> Result<String, CliError> {
    if let (Some(pin), Some(ca)) = (&args.certify, &args.ca) {
        let name = keygen::certify(pin, &keygen::authority_in(ca)?, &args.out)?;
        let (out, ca) = (args.out.display(), ca.display());
        return Ok(format!("# certificate of {name} in {out}; it goes with {ca}/ca.pem\n"));
    }
    if let Some(key) = &args.pem {
        keygen::export(key, &args.out)?;
        let out = args.out.display();
        return Ok(format!(
            "# the key is in {out}, readable by its owner alone; the certificate beside it serves as it is\n"
        ));
    }
    let name = args.party.as_deref().unwrap_or_default();
    let name: PartyName = name.parse().map_err(|error| CliError::usage(chain(&error)))?;
    let authority = args.ca.as_deref().map(keygen::authority_in).transpose()?;
    let organisation = args.organisation.as_deref().unwrap_or_default();
    let pin = keygen::make_party(&name, organisation, &args.out, authority.as_ref())?;
    let certified = match authority {
        Some(_) => "certified",
        None => "not certified yet: `unseen keygen --certify`",
    };
    let folder = args.out.display();
    Ok(format!(
        "# keys of {name} in {folder} ({certified}); every other party pins it in its configuration:\n{}",
        keygen::pin_text(&name, &pin)
    ))
}

/// A daemon's log goes to standard error; `RUST_LOG` says how much (`info` by default).
fn log() {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env();
    let filter = filter.unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info"));
    let colours = std::io::IsTerminal::is_terminal(&std::io::stderr());
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(colours);
    log.with_writer(std::io::stderr).init();
}

/// Writes a command's answer, with nothing in it that steers a terminal: parts of it others wrote. A reader that has seen enough (`| head`) is no fault.
fn say(text: &str) -> Result<(), CliError> {
    use std::io::{ErrorKind, Write as _, stdout};
    let mut out = stdout().lock();
    match out.write_all(plain(text).as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(CliError::failed(format!("cannot write to standard output: {error}")))
        }
        _ => Ok(()),
    }
}

#[expect(clippy::print_stderr, reason = "a command's complaint")]
fn complain(error: &CliError) {
    eprintln!("{}", plain(&error.to_string()));
}
