//! Hostile bytes in every file that an operator or a buyer hands to the program: a complaint and an exit code, no panic, and
//! memory within a limit that the system holds.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use crate::{
    cast::{BY_SECTOR, Cast},
    mutant::{Chance, mutant},
    world::{UNSEEN, World, succeeded},
};

/// Address space that one command may have, in KiB: what the program and its libraries take, and 1 GiB.
const SPACE: u32 = 3 << 20;

/// Mutants of each file.
const TIMES: usize = 8;

/// Runs the program where more memory than that is refused, which would end it.
fn within(world: &World, arguments: &[&str]) -> Output {
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("ulimit -v {SPACE}; exec \"$0\" \"$@\""), UNSEEN]).args(arguments);
    shell.current_dir(world.folder()).env_remove("UNSEEN_CONFIG").output().unwrap()
}

/// A file, and the commands that read it.
struct Read<'a> {
    file: PathBuf,
    commands: Vec<Vec<&'a str>>,
}

fn besiege(world: &World, read: &Read<'_>, seed: u64) {
    let valid = fs::read(&read.file).unwrap();
    let mut chance = Chance::new(seed);
    for _ in 0..TIMES {
        // What a Parquet file holds stands at its end.
        let kept = if chance.below(2) == 0 { 0 } else { valid.len().saturating_sub(2048) };
        let bytes = [&valid[..kept], &mutant(&valid[kept..], &mut chance)].concat();
        fs::write(&read.file, bytes).unwrap();
        for command in &read.commands {
            let output = within(world, command);
            let said = String::from_utf8_lossy(&output.stderr);
            let place = format!("{} for {command:?}, seed {seed}", read.file.display());
            assert!(matches!(output.status.code(), Some(0..=3)), "{place}: {output:?}");
            assert!(!said.contains("panicked"), "{place}: {said}");
        }
    }
    fs::write(&read.file, valid).unwrap();
    for command in &read.commands {
        succeeded(&within(world, command));
    }
}

/// Files of the provider whose configuration reads them, of the buyer, and a table in Parquet.
fn all(world: &World) -> Vec<Read<'static>> {
    let doctor = vec!["doctor", "--config", "census/unseen.toml"];
    let mut all = Vec::new();
    let mut read = |file: &str, commands: Vec<Vec<&'static str>>| {
        all.push(Read { file: world.folder().join(file), commands });
    };
    for file in ["unseen.toml", "identity.key", "certificate.pem", "ca.pem"] {
        read(&format!("census/{file}"), vec![doctor.clone()]);
    }
    read("census/people.csv", vec![doctor.clone(), vec!["dataset", "add", "census/people.csv"]]);
    read("census/people.policy.signed.json", vec![doctor]);
    let policy = ["lint", "show"].map(|what| vec!["policy", what, "census/people.policy.json"]);
    read("census/people.policy.json", policy.into());
    let parquet = vec!["doctor", "--config", "census/parquet.toml"];
    read("census/table.parquet", vec![vec!["dataset", "add", "census/table.parquet"], parquet]);
    read("receipt.json", vec![vec!["receipt", "verify", "receipt.json"]]);
    let explain = ["job", "explain", "insurer/job.toml", "--config", "insurer/unseen.toml"];
    read("insurer/job.toml", vec![explain.to_vec()]);
    all
}

/// The configuration with another table in the place of its own.
fn parquet(config: &str) -> String {
    let (before, rest) = config.split_once("[[datasets]]").unwrap();
    let (_, pins) = rest.split_once("[pins.").unwrap();
    let dataset = "[[datasets]]\nname = \"people\"\npath = \"table.parquet\"\npolicy = \"people.policy.signed.json\"\nentity_key = \"person_id\"\n";
    format!("{before}{dataset}\n[pins.{pins}")
}

#[test]
fn hostile_files_are_complained_about() {
    let world = World::start(&Cast::small());
    succeeded(&world.ask(BY_SECTOR));
    let mut folder = fs::read_dir(world.folder()).unwrap().map(|entry| entry.unwrap().path());
    let receipt = folder.find(|path| path.extension().is_some_and(|e| e == "json")).unwrap();
    fs::rename(receipt, world.folder().join("receipt.json")).unwrap();
    let table =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/adult/census_people.parquet");
    fs::copy(table, world.of("census").join("table.parquet")).unwrap();
    // The daemon has its port; what looks a configuration over wants it, too.
    let config = world.of("census").join("unseen.toml");
    let text = fs::read_to_string(&config).unwrap();
    let text = text.replace(&world.listen("census"), "127.0.0.1:0");
    fs::write(&config, &text).unwrap();
    fs::write(config.with_file_name("parquet.toml"), parquet(&text)).unwrap();
    let seed = Chance::seed();
    all(&world).iter().for_each(|read| besiege(&world, read, seed));
}
