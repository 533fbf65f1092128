//! The commands and their options, with help that teaches.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Joint queries over tables that stay at home.
#[derive(Debug, Parser)]
#[command(
    name = "unseen",
    version,
    disable_help_subcommand = true,
    after_help = "\
Start here:   unseen demo
Your tables:  unseen keygen, dataset add, policy lint, policy sign, up      (a provider)
              unseen job explain, job submit --wait                         (a buyer)
Exit codes:   0 done, 1 the job failed, 2 usage or configuration, 3 refused by policy"
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Runs a coordinator, three compute parties and a buyer on loopback, on real data
    Demo(DemoArgs),
    /// Runs the daemon that a configuration describes: a coordinator, a provider, or both
    Up(UpArgs),
    /// Makes a party's keys and certificate, and prints the pin that others put into their configuration
    Keygen(KeygenArgs),
    /// Checks a configuration: keys, certificate, pins, ports, tables and policies
    Doctor(ConfigArgs),
    /// Describes tables
    #[command(subcommand)]
    Dataset(DatasetCommand),
    /// Checks, signs and shows policies
    #[command(subcommand)]
    Policy(PolicyCommand),
    /// A provider's side: publishes tables that others look keys up in, ahead of the first job
    #[command(subcommand)]
    Lookup(LookupCommand),
    /// A buyer's side: asks for a job, follows it, opens its result
    #[command(subcommand)]
    Job(JobCommand),
    /// A provider's side: agrees to jobs or denies them (where its configuration says consent = "manual")
    #[command(subcommand)]
    Consent(ConsentCommand),
    /// Checks receipts
    #[command(subcommand)]
    Receipt(ReceiptCommand),
    /// Prints the version, the plan format and the kernels in use
    Version,
}

/// `unseen demo`.
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// Which job: `--list` names them
    #[arg(long, value_name = "NAME", default_value = "adult")]
    pub job: String,
    /// Names the jobs and ends
    #[arg(long)]
    pub list: bool,
    /// Prints one JSON object instead of a table
    #[arg(long)]
    pub json: bool,
    /// Keeps everything (keys, configurations, policies, journals, logs) in this new folder
    #[arg(long, value_name = "DIR")]
    pub keep: Option<PathBuf>,
}

/// `unseen up`.
#[derive(Debug, Args)]
pub struct UpArgs {
    /// The daemon's configuration (TOML)
    #[arg(long, value_name = "FILE", env = "UNSEEN_CONFIG", default_value = "unseen.toml")]
    pub config: PathBuf,
    /// Writes the address it listens on into this file once it is ready
    #[arg(long, value_name = "FILE")]
    pub ready_file: Option<PathBuf>,
    /// Begins a new audit log in the place of one that is lost or broken and was moved away; for one start only
    #[arg(long)]
    pub new_log: bool,
    /// Ends when standard input does: for a parent that may die
    #[arg(long, hide = true)]
    pub tied: bool,
}

/// Which configuration to use.
#[derive(Clone, Debug, Args)]
pub struct ConfigArgs {
    /// The configuration of the party in whose name this is done (TOML)
    #[arg(long, value_name = "FILE", env = "UNSEEN_CONFIG", default_value = "unseen.toml")]
    pub config: PathBuf,
}

/// `unseen keygen`.
#[derive(Debug, Args)]
#[command(after_help = "\
A party makes its keys where it runs:   unseen keygen --party hospital --organisation \"City Hospital\" --out hospital
The authority certifies the public half: unseen keygen --certify hospital/pin.toml --ca ca --out hospital.pem
On one machine, both at once:            unseen keygen --party hospital --organisation \"City Hospital\" --ca ca --out hospital
For gRPC from other languages:           unseen keygen --pem hospital/identity.key --out hospital/identity.pem
The authority only admits; what a party is stands in every daemon's own [pins].")]
pub struct KeygenArgs {
    /// The party's name: lower case letters, digits and `_`
    #[arg(long, required_unless_present_any = ["certify", "pem"], requires = "organisation")]
    pub party: Option<String>,
    /// The organisation that runs it
    #[arg(long)]
    pub organisation: Option<String>,
    /// A party's `pin.toml`: certifies it instead of making keys
    #[arg(long, value_name = "FILE", requires = "ca", conflicts_with = "party")]
    pub certify: Option<PathBuf>,
    /// A party's `identity.key`: writes it as PKCS #8 (PEM), as TLS in other programs wants it, instead of making keys
    #[arg(long, value_name = "FILE", conflicts_with_all = ["party", "certify", "ca"])]
    pub pem: Option<PathBuf>,
    /// The certificate authority's folder; a new authority is made where there is none
    #[arg(long, value_name = "DIR")]
    pub ca: Option<PathBuf>,
    /// Where the keys go (a new folder), or the certificate (a new file)
    #[arg(long, value_name = "PATH")]
    pub out: PathBuf,
}

/// `unseen dataset`.
#[derive(Debug, Subcommand)]
pub enum DatasetCommand {
    /// Reads a CSV or Parquet file and prints the `[[datasets]]` entry for the configuration
    Add(DatasetAddArgs),
    /// Lists the datasets of a configuration, with their columns
    List(ConfigArgs),
}

/// `unseen dataset add`.
#[derive(Debug, Args)]
pub struct DatasetAddArgs {
    /// The table: .csv (with a header) or .parquet
    pub file: PathBuf,
    /// The dataset's name in SQL, behind the party's; default: the file's
    #[arg(long)]
    pub name: Option<String>,
    /// The column that says whom a row is about
    #[arg(long, value_name = "COLUMN")]
    pub entity_key: Option<String>,
    /// String columns whose values may be published as a list (they travel as codes)
    #[arg(long, value_name = "COLUMN", value_delimiter = ',')]
    pub domain: Vec<String>,
}

/// `unseen policy`.
#[derive(Debug, Subcommand)]
pub enum PolicyCommand {
    /// Checks a policy document and says what is wrong or unwise in it
    Lint {
        /// The document (JSON)
        file: PathBuf,
    },
    /// Signs a policy document with a party's identity key
    Sign {
        /// The document (JSON)
        file: PathBuf,
        /// The party's key file, as `unseen keygen` makes it
        #[arg(long, value_name = "FILE", default_value = "identity.key")]
        key: PathBuf,
        /// Where the signed document goes
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Says in words what a policy (signed or not) allows
    Show {
        /// The document (JSON)
        file: PathBuf,
    },
}

/// `unseen lookup`.
#[derive(Debug, Subcommand)]
pub enum LookupCommand {
    /// Publishes a set for jobs with `protocol = "lookup"`, or a change of it, unless it is; the first such job would do it otherwise
    Publish(PublishArgs),
    /// Lists what is published
    List(ConfigArgs),
}

/// `unseen lookup publish`.
#[derive(Debug, Args)]
pub struct PublishArgs {
    /// The dataset's name, without the party's
    pub dataset: String,
    /// The columns that make up the key, in order
    #[arg(long, value_name = "COLUMN", value_delimiter = ',', required = true)]
    pub key: Vec<String>,
    /// The columns that are told of a key that is there
    #[arg(long, value_name = "COLUMN", value_delimiter = ',')]
    pub columns: Vec<String>,
    /// Which rows are published: a condition in SQL
    #[arg(long, value_name = "SQL")]
    pub filter: Option<String>,
    /// White space at the ends of text matters (`trim = false` in the job)
    #[arg(long)]
    pub no_trim: bool,
    /// Upper and lower case are the same (`fold_case` in the job)
    #[arg(long)]
    pub fold_case: bool,
    /// Full-width and half-width letters are the same (`fold_width` in the job)
    #[arg(long)]
    pub fold_width: bool,
    /// Whose tables, keys and state
    #[command(flatten)]
    pub config: ConfigArgs,
}

/// `unseen job`.
#[derive(Debug, Subcommand)]
pub enum JobCommand {
    /// Signs a job and hands it to the coordinator; prints its id
    Submit(SubmitArgs),
    /// Asks every participant what it would say: plan, price, leakage report, refusals; starts nothing
    Explain {
        /// The job file (TOML)
        file: PathBuf,
        /// Whose name and key to use
        #[command(flatten)]
        config: ConfigArgs,
    },
    /// Follows a job until it ends; tells of each round of a training what it came to
    Watch(JobIdArgs),
    /// Fetches, opens and prints a job's result
    Result {
        /// Which job
        #[command(flatten)]
        job: JobIdArgs,
        /// How to print it
        #[command(flatten)]
        output: OutputArgs,
    },
    /// Ends a job that has not released its result
    Cancel(JobIdArgs),
    /// Lists this buyer's jobs
    List(ConfigArgs),
}

/// `unseen job submit`.
#[derive(Debug, Args)]
pub struct SubmitArgs {
    /// The job file (TOML)
    pub file: PathBuf,
    /// Whose name and key to use
    #[command(flatten)]
    pub config: ConfigArgs,
    /// Submitting twice with one id runs once; default: the job file's, or a fresh one
    #[arg(long, value_name = "ID")]
    pub request_id: Option<String>,
    /// Waits for the result and prints it
    #[arg(long)]
    pub wait: bool,
    /// How to print it
    #[command(flatten)]
    pub output: OutputArgs,
}

/// A job by its id.
#[derive(Debug, Args)]
pub struct JobIdArgs {
    /// The job's id, as `submit` printed it
    pub id: String,
    /// Whose name and key to use
    #[command(flatten)]
    pub config: ConfigArgs,
}

/// How a result is printed, and where.
#[derive(Clone, Debug, Args)]
pub struct OutputArgs {
    /// The format
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,
    /// Writes to this file instead of standard output (Parquet needs one)
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Where the receipt goes; default: `receipt-ID.json` beside the result
    #[arg(long, value_name = "FILE")]
    pub receipt: Option<PathBuf>,
}

/// Result formats.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For reading
    Table,
    /// With a header
    Csv,
    /// An array of objects; decimals and 64-bit integers as strings
    Json,
    /// A Parquet file
    Parquet,
    /// A trained model
    Safetensors,
}

/// `unseen consent`.
#[derive(Debug, Subcommand)]
pub enum ConsentCommand {
    /// Shows the jobs that wait for this provider's answer: what is asked, its price, and all that it shows
    List {
        /// The newest jobs that were answered and are not over, too, a line each
        #[arg(long)]
        all: bool,
        /// Whose daemon to ask
        #[command(flatten)]
        config: ConfigArgs,
    },
    /// Consents to a job: to exactly the plan that `list` showed, once
    Approve(JobIdArgs),
    /// Denies a job
    Deny {
        /// Which job
        #[command(flatten)]
        job: JobIdArgs,
        /// What the buyer is told
        #[arg(long, default_value = "denied by the provider")]
        message: String,
    },
}

/// `unseen receipt`.
#[derive(Debug, Subcommand)]
pub enum ReceiptCommand {
    /// Checks a receipt offline and names the first thing that is wrong
    Verify {
        /// The receipt (JSON)
        file: PathBuf,
        /// Pins to check the signers' keys against (TOML); without them the receipt's own list of keys is used
        #[arg(long, value_name = "FILE")]
        pins: Option<PathBuf>,
    },
}
