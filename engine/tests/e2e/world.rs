//! Five parties in a folder of their own, four of them with daemons as child processes on a loopback address of their own.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{BufRead, BufReader, Read as _},
    path::{Path, PathBuf},
    process::{Child, ChildStderr, Command, ExitStatus, Output, Stdio},
    time::{Duration, Instant},
};

use serde_json::json;
use tempfile::TempDir;

use crate::{
    cast::{Cast, Table},
    wiretap::Wiretap,
};

pub(crate) const UNSEEN: &str = env!("CARGO_BIN_EXE_unseen");
/// Those with a daemon, in the order in which they are started.
pub(crate) const DAEMONS: [&str; 4] = ["census", "employers", "neutral", "exchange"];
/// A compute party without data that some casts have besides.
pub(crate) const LAB: &str = "lab";
/// A provider that some casts have besides.
const CLINIC: &str = "clinic";
pub(crate) const BUYER: &str = "insurer";
/// How long anything may take before the test gives up.
const PATIENCE: Duration = Duration::from_secs(60);

/// A daemon; killed when it is dropped.
pub(crate) struct Daemon(Child);

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A command of the buyer that is still under way; killed when it is dropped.
pub(crate) struct Waiting {
    child: Child,
    err: BufReader<ChildStderr>,
    said: String,
}

pub(crate) struct World {
    folder: TempDir,
    host: String,
    /// Whether the parties look for each other at a relay.
    tapped: bool,
    compute: [&'static str; 3],
    /// Whether there is a clinic.
    fourth: bool,
    daemons: BTreeMap<&'static str, Daemon>,
}

impl World {
    /// Keys, configurations, signed policies and tables; nothing runs yet.
    pub(crate) fn make(cast: &Cast) -> Self {
        Self::make_so(cast, false)
    }

    fn make_so(cast: &Cast, tapped: bool) -> Self {
        let mut host = [0u8; 3];
        getrandom::fill(&mut host).unwrap();
        // Three digits each, so that addresses are of one length in all worlds.
        let [a, b, c] = host.map(|byte| byte % 150 + 100);
        let (folder, host) = (tempfile::tempdir().unwrap(), format!("127.{a}.{b}.{c}"));
        let compute = match cast.outside {
            true => [LAB, "employers", "neutral"],
            false => ["census", "employers", "neutral"],
        };
        let fourth = cast.fourth.is_some();
        let world = Self { folder, host, tapped, compute, fourth, daemons: BTreeMap::new() };
        for party in world.daemons().chain([BUYER]) {
            let organisation = format!("{party} ltd");
            let arguments = [
                "keygen",
                "--party",
                party,
                "--organisation",
                &organisation,
                "--ca",
                "ca",
                "--out",
                party,
            ];
            succeeded(&world.unseen(&arguments));
        }
        world.configure(cast);
        world.table("census", &cast.people);
        world.table("employers", &cast.jobs);
        for (party, table) in [("neutral", &cast.third), (CLINIC, &cast.fourth)] {
            if let Some(table) = table {
                world.table(party, table);
            }
        }
        world
    }

    /// Everything made and every daemon ready.
    pub(crate) fn start(cast: &Cast) -> Self {
        Self::make(cast).start_all()
    }

    /// Every daemon ready, and a relay between all of them that listens.
    pub(crate) fn start_tapped(cast: &Cast) -> (Self, Wiretap) {
        let world = Self::make_so(cast, true);
        let wiretap = Wiretap::of(&world);
        (world.start_all(), wiretap)
    }

    /// Every daemon ready.
    pub(crate) fn start_all(mut self) -> Self {
        for party in self.daemons().collect::<Vec<_>>() {
            self.up(party);
        }
        self
    }

    /// A party's folder.
    pub(crate) fn of(&self, party: &str) -> PathBuf {
        self.folder.path().join(party)
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Runs a command to its end.
    pub(crate) fn unseen(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Runs a command as a party, to its end.
    pub(crate) fn by(&self, party: &str, arguments: &[&str]) -> Output {
        let config = self.of(party).join("unseen.toml");
        self.command(arguments).arg("--config").arg(config).output().unwrap()
    }

    /// Submits a statement and waits; the answer is CSV.
    pub(crate) fn ask(&self, sql: &str) -> Output {
        self.job_file(sql);
        self.by(BUYER, &["job", "submit", "--wait", "--format", "csv", "insurer/job.toml"])
    }

    /// Submits a statement and returns the job's id.
    pub(crate) fn submit(&self, sql: &str) -> String {
        self.job_file(sql);
        let output = self.by(BUYER, &["job", "submit", "insurer/job.toml"]);
        succeeded(&output).trim().to_owned()
    }

    /// Follows a job and opens its result, while the test goes on.
    pub(crate) fn follow(&self, job: &str) -> Waiting {
        let mut command = self.command(&["job", "result", job, "--format", "csv", "--config"]);
        command.arg(self.of(BUYER).join("unseen.toml"));
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        let err = BufReader::new(child.stderr.take().unwrap());
        Waiting { child, err, said: String::new() }
    }

    /// Submits an intersection and returns the job's id.
    pub(crate) fn submit_psi(&self, table: &str) -> String {
        self.write_job(table);
        let output = self.by(BUYER, &["job", "submit", "insurer/job.toml"]);
        succeeded(&output).trim().to_owned()
    }

    /// Submits an intersection and waits; the answer is CSV.
    pub(crate) fn ask_psi(&self, table: &str) -> Output {
        self.write_job(table);
        self.by(BUYER, &["job", "submit", "--wait", "--format", "csv", "insurer/job.toml"])
    }

    /// Submits a training in which the lab alone adds up, and returns the job's id.
    pub(crate) fn submit_alone(&self, table: &str) -> String {
        self.write_job_of(&[LAB], table);
        let output = self.by(BUYER, &["job", "submit", "insurer/job.toml"]);
        succeeded(&output).trim().to_owned()
    }

    /// Submits one and waits; the answer is CSV.
    pub(crate) fn ask_alone(&self, table: &str) -> Output {
        self.write_job_of(&[LAB], table);
        self.by(BUYER, &["job", "submit", "--wait", "--format", "csv", "insurer/job.toml"])
    }

    pub(crate) fn job_file(&self, sql: &str) {
        self.write_job(&format!("sql = \"\"\"\n{sql}\n\"\"\"\n"));
    }

    fn write_job(&self, question: &str) {
        self.write_job_of(&self.compute, question);
    }

    fn write_job_of(&self, compute: &[&str], question: &str) {
        let text = format!("purpose = \"pricing\"\ncompute = {compute:?}\n{question}");
        fs::write(self.of(BUYER).join("job.toml"), text).unwrap();
    }

    /// Starts a daemon and waits until it listens.
    pub(crate) fn up(&mut self, party: &'static str) {
        let ready = self.of(party).join("ready");
        let _ = fs::remove_file(&ready);
        let mut daemon = self.spawn(party);
        eventually(&format!("{party} is ready"), || {
            let ended = daemon.0.try_wait().unwrap();
            assert!(ended.is_none(), "{party} ended early:\n{}", self.log(party));
            ready.exists()
        });
        self.daemons.insert(party, daemon);
    }

    /// Starts a daemon that is to complain and end.
    pub(crate) fn up_in_vain(&self, party: &str) -> Output {
        self.by(party, &["up"])
    }

    /// Kills a daemon as the system would: no word to anybody.
    pub(crate) fn kill(&mut self, party: &str) {
        drop(self.daemons.remove(party));
    }

    /// Sends a daemon a signal.
    pub(crate) fn signal(&self, party: &str, signal: &str) {
        let id = self.daemons[party].0.id().to_string();
        succeeded(&Command::new("kill").args([signal, &id]).output().unwrap());
    }

    /// Waits until a daemon has ended by itself.
    pub(crate) fn ended(&mut self, party: &str) -> ExitStatus {
        let mut daemon = self.daemons.remove(party).unwrap();
        let mut status = None;
        eventually(&format!("{party} ends"), || {
            status = daemon.0.try_wait().unwrap();
            status.is_some()
        });
        status.unwrap()
    }

    /// A daemon's process.
    pub(crate) fn pid(&self, party: &str) -> u32 {
        self.daemons[party].0.id()
    }

    /// Whether a daemon's process is still there.
    pub(crate) fn is_up(&mut self, party: &str) -> bool {
        self.daemons.get_mut(party).is_some_and(|daemon| daemon.0.try_wait().unwrap().is_none())
    }

    /// The most memory that a daemon's process had resident so far, in bytes.
    pub(crate) fn peak_memory(&self, party: &str) -> u64 {
        let status = format!("/proc/{}/status", self.daemons[party].0.id());
        let status = fs::read_to_string(status).unwrap();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        peak.trim().trim_end_matches(" kB").parse::<u64>().unwrap() << 10
    }

    /// What a daemon has logged so far.
    pub(crate) fn log(&self, party: &str) -> String {
        let log = fs::read(self.of(party).join("daemon.log")).unwrap_or_default();
        String::from_utf8_lossy(&log).into_owned()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(UNSEEN);
        command
            .args(arguments)
            .current_dir(self.folder())
            .env_remove("UNSEEN_CONFIG")
            .env_remove("RUST_LOG");
        command
    }

    fn spawn(&self, party: &str) -> Daemon {
        let folder = self.of(party);
        let log =
            File::options().create(true).append(true).open(folder.join("daemon.log")).unwrap();
        let child = self
            .command(&["up", "--config"])
            .arg(folder.join("unseen.toml"))
            .arg("--ready-file")
            .arg(folder.join("ready"))
            .env("RUST_LOG", "debug,engine=trace,protocols=trace")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        Daemon(child)
    }

    /// Those with a daemon here.
    pub(crate) fn daemons(&self) -> impl Iterator<Item = &'static str> + use<> {
        let lab = self.compute.contains(&LAB).then_some(LAB);
        DAEMONS.into_iter().chain(lab).chain(self.fourth.then_some(CLINIC))
    }

    /// Where a daemon listens.
    pub(crate) fn listen(&self, party: &str) -> String {
        let place = self.daemons().position(|daemon| daemon == party).unwrap();
        format!("{}:{}", self.host, 7601 + place)
    }

    /// Where the others look for a daemon.
    pub(crate) fn reached(&self, party: &str) -> String {
        let place = self.daemons().position(|daemon| daemon == party).unwrap();
        format!("{}:{}", self.host, if self.tapped { 7701 } else { 7601 } + place)
    }

    /// A public value of a party, from its pin.
    fn public(&self, party: &str, field: &str) -> String {
        let pin = fs::read_to_string(self.of(party).join("pin.toml")).unwrap();
        let line = pin.lines().find_map(|line| line.strip_prefix(&format!("{field} = \"")));
        line.unwrap().trim_end_matches('"').to_owned()
    }

    fn configure(&self, cast: &Cast) {
        let parties = || self.daemons().chain([BUYER]);
        let pins: String = parties()
            .map(|party| fs::read_to_string(self.of(party).join("pin.toml")).unwrap() + "\n")
            .collect();
        for party in parties() {
            let role = match party {
                "exchange" => self.coordinator(),
                BUYER => {
                    let address = self.reached("exchange");
                    format!(
                        "[buyer]\nsealing_key = \"sealing.key\"\ncoordinator = \"exchange\"\naddress = \"{address}\"\n"
                    )
                }
                _ => {
                    let consent =
                        if ["neutral", LAB].contains(&party) { "auto" } else { cast.consent };
                    format!(
                        "[provider]\ncoordinator = \"exchange\"\nconsent = \"{consent}\"\nstall_seconds = {}\n",
                        cast.stall_seconds
                    )
                }
            };
            let daemon = match party {
                BUYER => String::new(),
                _ => format!("listen = \"{}\"\nstate = \"state\"\n", self.listen(party)),
            };
            let table = match party {
                "census" => cast.people.entry(),
                "employers" => cast.jobs.entry(),
                "neutral" => cast.third.as_ref().map(Table::entry).unwrap_or_default(),
                CLINIC => cast.fourth.as_ref().map(Table::entry).unwrap_or_default(),
                _ => String::new(),
            };
            let text = format!(
                "party = \"{party}\"\nidentity_key = \"identity.key\"\ncertificate = \"certificate.pem\"\n\
                 authority = \"ca.pem\"\n{daemon}\n{role}\n{table}\n{pins}"
            );
            fs::write(self.of(party).join("unseen.toml"), text).unwrap();
        }
    }

    fn coordinator(&self) -> String {
        let entry = |party: &'static str| {
            let address = self.reached(party);
            format!("[[coordinator.parties]]\nparty = \"{party}\"\naddress = \"{address}\"\n")
        };
        let participants = self.daemons().filter(|party| *party != "exchange");
        "[coordinator]\n".to_owned() + &participants.map(entry).collect::<String>()
    }

    /// Writes a provider's table and its policy, signed.
    pub(crate) fn table(&self, party: &str, table: &Table) {
        let (folder, name) = (self.of(party), table.name);
        fs::write(folder.join(format!("{name}.csv")), &table.csv).unwrap();
        let key = |party: &str| self.public(party, "key");
        let compute: Vec<_> =
            self.compute.iter().map(|party| json!({"party": party, "key": key(party)})).collect();
        let more = [
            ("psi", &table.psi),
            ("train", &table.train),
            ("train_vertical", &table.train_vertical),
        ];
        let more = more.into_iter().filter(|(_, rule)| !rule.is_null());
        let kinds: Vec<&str> =
            table.kinds.iter().copied().chain(more.clone().map(|(kind, _)| kind)).collect();
        let mut policy = json!({
            "schema": "unseen.policy/v1",
            "id": format!("{party}-{name}"),
            "version": 1,
            "assigner": {"party": party, "key": key(party)},
            "dataset": format!("{party}.{name}"),
            "entity_key": "person_id",
            "recipients": [{
                "party": BUYER, "key": key(BUYER), "sealing_keys": [self.public(BUYER, "sealing_key")]
            }],
            "purposes": ["pricing"],
            "validity": {"not_before": "2025-01-01T00:00:00Z", "expires": table.expires},
            "operators": {"kinds": kinds, "compute_parties": compute, "min_security": "semi_honest"},
            "columns": table.rules(),
            "output": {"min_group_entities": table.least, "max_groups": 64},
            "approval": "auto",
        });
        for (kind, rule) in more {
            policy[kind] = rule.clone();
        }
        fs::write(folder.join(format!("{name}.policy.json")), policy.to_string()).unwrap();
        let path = |what: &str| format!("{party}/{what}");
        succeeded(&self.unseen(&[
            "policy",
            "sign",
            &path(&format!("{name}.policy.json")),
            "--key",
            &path("identity.key"),
            "--out",
            &path(&format!("{name}.policy.signed.json")),
        ]));
    }
}

impl Waiting {
    /// Reads what the command says of the job's way until it says this.
    pub(crate) fn until(&mut self, words: &str) {
        let mut line = String::new();
        while self.err.read_line(&mut line).unwrap() > 0 {
            self.said.push_str(&line);
            if line.contains(words) {
                return;
            }
            line.clear();
        }
        panic!("never `{words}`, but:\n{}", self.said);
    }

    /// Waits for the end: exit code, standard output, everything it said.
    pub(crate) fn end(mut self) -> (Option<i32>, String, String) {
        self.err.read_to_string(&mut self.said).unwrap();
        let mut out = String::new();
        self.child.stdout.take().unwrap().read_to_string(&mut out).unwrap();
        (self.child.wait().unwrap().code(), out, std::mem::take(&mut self.said))
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Looks until it is so.
pub(crate) fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let limit = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < limit, "not in time: {what}");
        std::thread::yield_now();
    }
}

/// The standard output of a command that must have succeeded.
pub(crate) fn succeeded(output: &Output) -> String {
    let (out, err) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{:?}\n{out}\n{err}", output.status);
    out.into_owned()
}

/// The standard error of a command that must have ended with this code.
pub(crate) fn ended_with(output: &Output, code: i32) -> String {
    let (out, err) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(code), "{out}\n{err}");
    err.into_owned()
}
