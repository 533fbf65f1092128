//! The worked set in `engine/examples`, exactly as its README says: `setup.sh`, four daemons on three loopback addresses or on
//! three machines of their own (network namespaces), one job, and the answer against DataFusion on the CSV files in the clear.

#![expect(clippy::unwrap_used, reason = "what helps a test panics like one")]

use std::{
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

use datafusion::{
    arrow::util::pretty::pretty_format_batches,
    prelude::{CsvReadOptions, SessionContext},
};

const UNSEEN: &str = env!("CARGO_BIN_EXE_unseen");
const HOSTS: [&str; 3] = ["127.0.0.1", "127.0.0.2", "127.0.0.3"];

/// A daemon that is killed when the test ends, however it ends.
struct Daemon(Child);

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples")
}

/// Machines with a network of their own, all on one switch; gone when dropped. No address of this machine is reachable there.
struct Machines {
    names: Vec<String>,
}

impl Machines {
    /// Parties and addresses; the last name is the switch.
    const CABLES: [(&str, &str); 4] = [
        ("hospital", "10.91.0.1"),
        ("insurance", "10.91.0.2"),
        ("neutral", "10.91.0.3"),
        ("university", "10.91.0.4"),
    ];

    /// Makes them, or says why that cannot be.
    fn make() -> Result<Self, String> {
        let mut machines = Self { names: Vec::new() };
        let name = |what: &str| format!("unseen-{what}-{}", std::process::id());
        let switch = name("switch");
        machines.add(&switch)?;
        ip(&["-n", &switch, "link", "add", "switch", "up", "type", "bridge"])?;
        for (party, address) in Self::CABLES {
            let machine = name(party);
            machines.add(&machine)?;
            let cable =
                ["type", "veth", "peer", "name", "cable", "netns", &machine].map(str::to_owned);
            let mut add = ["-n", &switch, "link", "add", party].map(str::to_owned).to_vec();
            add.extend(cable);
            ip(&add.iter().map(String::as_str).collect::<Vec<_>>())?;
            ip(&["-n", &switch, "link", "set", party, "master", "switch", "up"])?;
            ip(&["-n", &machine, "address", "add", &format!("{address}/24"), "dev", "cable"])?;
            ip(&["-n", &machine, "link", "set", "cable", "up"])?;
            ip(&["-n", &machine, "link", "set", "lo", "up"])?;
        }
        Ok(machines)
    }

    fn add(&mut self, name: &str) -> Result<(), String> {
        ip(&["netns", "add", name])?;
        self.names.push(name.to_owned());
        Ok(())
    }

    /// The machine that a party's programs run on; the exchange is beside the neutral party.
    fn of(&self, party: &str) -> Option<&str> {
        let party = if party == "exchange" { "neutral" } else { party };
        self.names.iter().find(|name| name.contains(party)).map(String::as_str)
    }
}

impl Drop for Machines {
    fn drop(&mut self) {
        for name in &self.names {
            let _ = ip(&["netns", "delete", name]);
        }
    }
}

fn ip(arguments: &[&str]) -> Result<(), String> {
    let output = Command::new("ip").args(arguments).output().map_err(|e| format!("ip: {e}"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("ip {}: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr).trim()))
}

/// The program, on that machine where one is named.
fn on(machine: Option<&str>, program: &str) -> Command {
    let Some(machine) = machine else { return Command::new(program) };
    let mut command = Command::new("ip");
    command.args(["netns", "exec", machine, program]);
    command
}

/// Four ports in a row that nobody listens on.
fn free_ports() -> u16 {
    let free = |port: u16| HOSTS.iter().all(|host| TcpListener::bind((*host, port)).is_ok());
    for _ in 0..100 {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        if port < 65_000 && (port..port + 4).all(free) {
            return port;
        }
    }
    panic!("no four free ports in a row")
}

fn set_up(folder: &Path, hosts: [&str; 3], port: u16) {
    let mut command = Command::new(examples().join("setup.sh"));
    command.arg(folder).args(hosts).env("UNSEEN", UNSEEN);
    command.env("BASE_PORT", port.to_string());
    succeeded(&command.output().unwrap());
}

fn succeeded(output: &Output) -> String {
    let (out, err) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{out}\n{err}");
    out.into_owned()
}

fn start(folder: &Path, party: &str, machine: Option<&str>) -> Daemon {
    let ready = folder.join(party).join("ready");
    let child = on(machine, UNSEEN)
        .args(["up", "--config"])
        .arg(folder.join(party).join("unseen.toml"))
        .arg("--ready-file")
        .arg(&ready)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let daemon = Daemon(child);
    let patience = Instant::now() + Duration::from_secs(60);
    while !ready.exists() {
        assert!(Instant::now() < patience, "{party} is not ready in time");
        std::thread::yield_now();
    }
    daemon
}

/// The job's statement on both tables in the clear, with the policies' smallest group of 5 as a HAVING; as CSV lines.
fn oracle() -> String {
    let context = SessionContext::new();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        for (table, file) in [("visits", "hospital/visits.csv"), ("claims", "insurance/claims.csv")] {
            let path = examples().join(file);
            context.register_csv(table, path.to_str().unwrap(), CsvReadOptions::new()).await.unwrap();
        }
        let sql = "SELECT v.department, COUNT(*) AS patients, SUM(CAST(c.paid AS DECIMAL(9, 2))) AS paid, AVG(v.days) AS days
                   FROM visits v JOIN claims c ON v.patient_id = c.patient_id
                   WHERE v.age >= 18 AND c.plan IN ('basic', 'plus')
                   GROUP BY v.department HAVING COUNT(*) >= 5 ORDER BY v.department";
        let batches = context.sql(sql).await.unwrap().collect().await.unwrap();
        let text = pretty_format_batches(&batches).unwrap().to_string();
        let lines = text.lines().skip(3).filter(|line| line.starts_with('|'));
        let cells = |line: &str| {
            let cells: Vec<_> = line.trim_matches('|').split('|').map(str::trim).collect();
            cells.join(",") + "\n"
        };
        lines.map(cells).collect()
    })
}

/// Four daemons, one job; the answer must be the oracle's.
fn answers(dir: &Path, hosts: [&str; 3], port: u16, machines: Option<&Machines>) {
    let machine = |party: &str| machines.and_then(|machines| machines.of(party));
    let folder = dir.join("own");
    set_up(&folder, hosts, port);
    let _daemons: Vec<_> = ["hospital", "insurance", "neutral", "exchange"]
        .map(|party| start(&folder, party, machine(party)))
        .into();
    let (job, config) = (folder.join("university/job.toml"), folder.join("university/unseen.toml"));
    let out = dir.join("result.csv");
    let output = on(machine("university"), "timeout")
        .args(["120", UNSEEN, "job", "submit", "--wait", "--format", "csv", "--config"])
        .arg(&config)
        .arg("--out")
        .arg(&out)
        .arg(&job)
        .current_dir(dir)
        .output()
        .unwrap();
    succeeded(&output);
    let csv = std::fs::read_to_string(out).unwrap();
    let (header, rows) = csv.split_once('\n').unwrap();
    assert_eq!(header, "department,patients,paid,days");
    assert_eq!(rows, oracle());
}

#[test]
fn three_addresses_answer_a_job_over_csv_files() {
    let dir = tempfile::tempdir().unwrap();
    answers(dir.path(), HOSTS, free_ports(), None);
}

#[test]
fn three_machines_answer_a_job_over_csv_files() {
    let machines = match Machines::make() {
        Ok(machines) => machines,
        Err(why) => return skipped(&why),
    };
    let dir = tempfile::tempdir().unwrap();
    let [hospital, insurance, neutral, _] = Machines::CABLES.map(|(_, address)| address);
    answers(dir.path(), [hospital, insurance, neutral], 7601, Some(&machines));
}

#[expect(clippy::print_stderr, reason = "a test that did not test says so")]
fn skipped(why: &str) {
    eprintln!("skipped, since this system makes no network namespaces for us: {why}");
}

#[test]
fn the_example_suppresses_a_small_group() {
    let rows = oracle();
    assert!(rows.lines().count() >= 3 && !rows.contains("psychiatry"), "{rows}");
}
