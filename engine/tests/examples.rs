//! The worked set in `engine/examples`, exactly as its README says: `setup.sh`, four daemons on three loopback addresses,
//! one job, and the answer against DataFusion on the CSV files in the clear.

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

fn set_up(folder: &Path) {
    let mut command = Command::new(examples().join("setup.sh"));
    command.arg(folder).args(HOSTS).env("UNSEEN", UNSEEN);
    command.env("BASE_PORT", free_ports().to_string());
    succeeded(&command.output().unwrap());
}

fn succeeded(output: &Output) -> String {
    let (out, err) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{out}\n{err}");
    out.into_owned()
}

fn start(folder: &Path, party: &str) -> Daemon {
    let ready = folder.join(party).join("ready");
    let child = Command::new(UNSEEN)
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

#[test]
fn three_machines_answer_a_job_over_csv_files() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("own");
    set_up(&folder);
    let _daemons: Vec<_> =
        ["hospital", "insurance", "neutral", "exchange"].map(|party| start(&folder, party)).into();
    let (job, config) = (folder.join("university/job.toml"), folder.join("university/unseen.toml"));
    let out = dir.path().join("result.csv");
    let output = Command::new(UNSEEN)
        .args(["job", "submit", "--wait", "--format", "csv", "--config"])
        .arg(&config)
        .arg("--out")
        .arg(&out)
        .arg(&job)
        .current_dir(dir.path())
        .output()
        .unwrap();
    succeeded(&output);
    let csv = std::fs::read_to_string(out).unwrap();
    let (header, rows) = csv.split_once('\n').unwrap();
    assert_eq!(header, "department,patients,paid,days");
    assert_eq!(rows, oracle());
}

#[test]
fn the_example_suppresses_a_small_group() {
    let rows = oracle();
    assert!(rows.lines().count() >= 3 && !rows.contains("psychiatry"), "{rows}");
}
