//! Models trained by programs of the providers' own: NumPy in Python children of two daemons and behind an address of the third, for
//! the model that this program's own trainer gives; and what becomes of a job whose program is missing, dies or is never there.

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use serde_json::{Value, json};

use crate::{
    cast::Cast,
    killed::pair,
    train::{figures, kept, region},
    world::{BUYER, World, ended_with, eventually, succeeded},
};

/// A program that the test runs itself; killed when it is dropped.
struct Attached(Child);

impl Drop for Attached {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn example() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/trainer")
}

/// The interpreter with what the example needs, made where there is none.
fn python() -> String {
    let made = Command::new(example().join("environment")).output().unwrap();
    succeeded(&made).trim().to_owned()
}

fn region_of(name: &'static str, from: usize) -> crate::cast::Table {
    let mut table = region(name, from);
    let models = json!(["logistic", "plugin"]);
    table.train = json!({"models": models, "min_providers": 2, "max_rounds": 20, "metrics": true, "min_class_rows": 10});
    table
}

fn cast() -> Cast {
    Cast {
        people: region_of("people", 0),
        jobs: region_of("jobs", 100),
        third: Some(region_of("patients", 200)),
        outside: true,
        ..Cast::small()
    }
}

/// All rows in a step: the order in which they are seen does not matter.
fn train(model: &str, more: &str) -> String {
    format!(
        "[train]\ndatasets = [\"census.people\", \"employers.jobs\", \"neutral.patients\"]\n\
         features = [\"age\", \"sector\"]\nlabel = \"pay = 'high'\"\nrate = 0.5\nepochs = 5\nbatch = 1000\n{more}\n\
         model = {{ {model} }}\n"
    )
}

const NUMPY: &str = "kind = \"plugin\", name = \"numpy\", tensors = [{ name = \"weight\", shape = [3, 1] }, \
                     { name = \"bias\", shape = [1] }]";

/// Has a provider's daemon know a trainer of this name.
fn configure(world: &World, party: &str, name: &str, how: &str) {
    let path = world.of(party).join("unseen.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(path, format!("{text}\n[provider.trainers.{name}]\n{how}\n")).unwrap();
}

/// The model of the job that was asked for last, and the header of its file.
fn model(world: &World) -> (Vec<f32>, Value) {
    let jobs = succeeded(&world.by(BUYER, &["job", "list"]));
    let job = jobs.split_whitespace().next().unwrap();
    let path = world.of(BUYER).join("model.safetensors");
    let out = path.to_str().unwrap();
    succeeded(&world.by(BUYER, &["job", "result", job, "--format", "safetensors", "--out", out]));
    let file = std::fs::read(&path).unwrap();
    let (length, rest) = file.split_first_chunk().unwrap();
    let (header, tensors) = rest.split_at(usize::try_from(u64::from_le_bytes(*length)).unwrap());
    let numbers = tensors.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
    (numbers, serde_json::from_slice(header).unwrap())
}

#[test]
fn a_model_trained_by_python_programs_is_the_native_one() {
    let (python, program) = (python(), example().join("trainer.py"));
    let world = World::make(&cast());
    let child = format!("command = [{python:?}, {program:?}]");
    configure(&world, "census", "numpy", &child);
    configure(&world, "employers", "numpy", &child);
    let socket = world.of("neutral").join("numpy");
    configure(&world, "neutral", "numpy", &format!("address = \"unix:{}\"", socket.display()));
    let attached = Command::new(&python)
        .arg(&program)
        .env("UNSEEN_TRAINER", format!("unix:{}", socket.display()))
        .stdin(Stdio::piped())
        .spawn();
    let attached = Attached(attached.unwrap());
    let world = world.start_all();
    eventually("the attached program listens", || socket.exists());

    let told = "rounds = 6\nmin_providers = 3\nmetrics = { bins = 40, least_rows = 10 }";
    let native = succeeded(&world.ask_psi(&train("kind = \"logistic\"", told)));
    let (expected, _) = model(&world);
    let text = succeeded(&world.ask_psi(&train(NUMPY, told)));
    let (trained, header) = model(&world);
    assert_eq!(header["weight"]["shape"], json!([3, 1]));
    assert_eq!(header["__metadata__"]["trainer"], "numpy");
    assert_eq!((trained.len(), expected.len()), (4, 4));
    for (got, want) in trained.iter().zip(&expected) {
        assert!((got - want).abs() < 1e-4, "{trained:?}, {expected:?}");
    }
    assert!(trained[0] > 1.0, "it has learned: {trained:?}");
    let cells = |text: &str| -> Vec<f64> {
        let number = |cell: &str| if cell.is_empty() { -1.0 } else { cell.parse().unwrap() };
        text.lines().skip(1).flat_map(|l| l.split(',').map(number)).collect()
    };
    let close = cells(&text).iter().zip(&cells(&native)).all(|(a, b)| (a - b).abs() < 1e-3);
    assert!(close, "the rounds have the same figures:\n{text}\n{native}");
    let last: Vec<&str> = text.lines().last().unwrap().split(',').collect();
    assert_eq!(last[5], "3", "all have counted: {text}");
    assert!(last[8].parse::<f64>().unwrap() > 0.6, "and it ranks rows: {text}");

    // FedNova weighs by the steps that programs say.
    let nova = "rounds = 3\nmin_providers = 3\nstrategy = { kind = \"nova\" }";
    succeeded(&world.ask_psi(&train("kind = \"logistic\"", nova)));
    let (expected, _) = model(&world);
    succeeded(&world.ask_psi(&train(NUMPY, nova)));
    let (trained, _) = model(&world);
    assert_eq!(trained.len(), expected.len());
    for (got, want) in trained.iter().zip(&expected) {
        assert!((got - want).abs() < 1e-4 && want.abs() > 1e-3, "{trained:?}, {expected:?}");
    }

    // One that is gone costs its own provider its rounds, and no more.
    drop(attached);
    let more = "rounds = 2\nmin_providers = 2\nmetrics = { least_rows = 10 }";
    let text = succeeded(&world.ask_psi(&train(NUMPY, more)));
    let two = |line: &str| {
        let cells: Vec<&str> = line.split(',').collect();
        (cells[1], cells[5], &cells[6..]) == ("2", "2", &["", "", "", "neutral"])
    };
    assert!(text.lines().skip(1).all(two), "nothing is told of two alone: {text}");
    let log = world.log("neutral");
    let declined = log.lines().filter(|line| line.contains("declined a round of training"));
    assert_eq!(declined.count(), 2, "{log}");
    assert!(log.contains("numpy: "), "its own operator reads why");
    assert!(!world.log("census").contains("declined a round"));
}

/// The program that a daemon has started.
fn child(world: &World, party: &str) -> Option<String> {
    let pid = world.pid(party);
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).ok()?;
    let children =
        tasks.filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("children")).ok());
    let all: String = children.collect();
    all.split_whitespace().next().map(str::to_owned)
}

#[test]
fn a_program_that_is_killed_in_a_round_is_started_again_for_it() {
    const ROUNDS: usize = 150;
    let (python, program) = (python(), example().join("trainer.py"));
    let mut cast = Cast {
        people: pair("people", 3),
        jobs: pair("jobs", 100),
        third: Some(pair("patients", 222)),
        ..cast()
    };
    for table in [&mut cast.people, &mut cast.jobs, cast.third.as_mut().unwrap()] {
        table.train["models"] = json!(["plugin"]);
    }
    let world = World::make(&cast);
    for party in ["census", "employers", "neutral"] {
        configure(&world, party, "numpy", &format!("command = [{python:?}, {program:?}]"));
    }
    let world = world.start_all();
    let asked = train(NUMPY, &format!("rounds = {ROUNDS}\nmin_providers = 3"));
    let whole = (succeeded(&world.ask_psi(&asked)), model(&world).0);
    let job = world.submit_psi(&asked);
    let waiting = world.follow(&job);
    for (party, after) in [("census", 5), ("employers", 50)] {
        eventually("some rounds are over", || kept(&world, "employers", &job) > after);
        let pid = child(&world, party).unwrap();
        succeeded(&Command::new("kill").args(["-KILL", &pid]).output().unwrap());
    }
    let (code, table, err) = waiting.end();
    assert_eq!(code, Some(0), "{err}");
    for party in ["census", "employers"] {
        assert!(world.log(party).contains("another one trains this round"), "{party}");
    }
    let of = |table: &str| -> Vec<Vec<f64>> { table.lines().skip(1).map(figures).collect() };
    // In another process, vectors of NumPy lie elsewhere, and what it adds up may differ in the last bit.
    let near = |a: f64, b: f64| (a - b).abs() <= 1e-5;
    let (found, due) = (of(&table), of(&whole.0));
    assert_eq!((found.len(), due.len()), (ROUNDS, ROUNDS));
    for (found, due) in found.iter().zip(&due) {
        assert!(found.iter().zip(due).all(|(a, b)| near(*a, *b)), "{found:?} {due:?}");
    }
    let (found, due) = (model(&world).0, whole.1);
    assert!(found.iter().zip(&due).all(|(a, b)| near((*a).into(), (*b).into())));
}

#[test]
fn a_program_that_a_provider_does_not_have_or_does_not_allow_is_refused_by_name() {
    let mut cast = cast();
    cast.people.train["models"] = json!(["logistic"]);
    let world = World::start(&cast);
    let words = ended_with(&world.ask_psi(&train(NUMPY, "rounds = 2")), 3);
    assert!(words.contains("train.models") && words.contains("`plugin`"), "{words}");
    assert!(words.contains("provider.trainers") && words.contains("`numpy`"), "{words}");
    let two = NUMPY.replace("name = \"numpy\",", "name = \"numpy\", parameters = 4,");
    let words = ended_with(&world.ask_psi(&train(&two, "rounds = 2")), 2);
    assert!(words.contains("train.model.parameters"), "{words}");
}
