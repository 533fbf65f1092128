//! A model of joined rows by real daemons, over TLS: what two providers know of the same people, one of whom does not compute;
//! what policies refuse; and what becomes of people whom nobody shares.

use std::fmt::Write as _;

use federated::vertical::{
    ClearRows, Curve, Descent, Setting, Table as Shape, WordRows, tally_clear, train_exactly,
};
use protocols::mpc::fixed::Fixed;
use serde_json::json;

use crate::{
    again::killed_when,
    cast::{Cast, Column, Table},
    train::model_of,
    world::{BUYER, World, ended_with, succeeded},
};

const ROWS_MAX: u64 = 128;

fn age(i: usize) -> usize {
    20 + i * 7 % 50
}

fn hours(i: usize) -> usize {
    i * 13 % 60
}

/// Whether a person's pay is high: by what both tables know.
fn rich(i: usize) -> bool {
    age(i) + hours(i) > 75
}

fn key(with: &str) -> Column {
    Column::key("type = \"int64\"\nunique = true\nmin = 0\nmax = 5000", with)
}

fn table(name: &'static str, csv: String, columns: Vec<Column>) -> Table {
    let mut table = Table::new(name, csv, columns);
    table.rows_max = ROWS_MAX;
    table.train_vertical = json!({"min_rows": 60});
    table
}

/// People 0 to 99 in one table; those from `from` on in the other.
fn cast(from: usize) -> Cast {
    let (mut people, mut jobs) =
        ("person_id,age,pay\n".to_owned(), "person_id,hours,sector\n".to_owned());
    for i in 0..100 {
        writeln!(people, "{i},{},{}", age(i), if rich(i) { "high" } else { "low" }).unwrap();
    }
    for i in from..from + 100 {
        // Now and then nobody knows the hours.
        let hours = if i % 25 == 24 { String::new() } else { hours(i).to_string() };
        writeln!(jobs, "{i},{hours},{}", ["care", "trade"][i % 2]).unwrap();
    }
    let trains = || json!({"release": ["train"]});
    let listed = |values: [&str; 2]| format!("type = \"string\"\ndomain = {values:?}");
    let hours = "type = \"int32\"\nnullable = true\nmin = 0\nmax = 60";
    Cast {
        people: table(
            "people",
            people,
            vec![
                key("employers.jobs"),
                Column::new("age", "type = \"int32\"\nmin = 20\nmax = 70", trains()),
                Column::new("pay", &listed(["high", "low"]), trains()),
            ],
        ),
        jobs: table(
            "jobs",
            jobs,
            vec![
                key("census.people"),
                Column::new("hours", hours, trains()),
                Column::new("sector", &listed(["care", "trade"]), trains()),
            ],
        ),
        outside: true,
        ..Cast::small()
    }
}

fn train(more: &str) -> String {
    format!(
        "[train_vertical]\nfrom = \"census.people p JOIN employers.jobs j ON p.person_id = j.person_id\"\n\
         features = [\"p.age\", \"j.hours\", \"j.sector\"]\nlabel = \"p.pay = 'high'\"\nbatch = {ROWS_MAX}\nrate = 4\n\
         epochs = 40\n{more}\n"
    )
}

/// As the parties plan it.
fn setting(epochs: usize, rate: f64) -> Setting {
    let rows = usize::try_from(ROWS_MAX).unwrap();
    let features = Fixed::new(12, -1.0, 1.0).unwrap();
    let descent = Descent { epochs, batch: rows, rate, penalty: 0.0, curve: Curve::Segments };
    Setting::new(Shape { rows, columns: 4, features }, descent).unwrap()
}

/// The same steps in the clear, to the bit: weights, rows, and those that are right.
fn in_one_place(setting: &Setting) -> (Vec<f64>, [u64; 2]) {
    #[expect(clippy::cast_precision_loss, reason = "small numbers")]
    let unit = |value: usize, low: usize, high: usize| {
        let place = 2.0 * (value - low) as f64 / (high - low) as f64 - 1.0;
        (place * 4096.0).round_ties_even() / 4096.0
    };
    let (mut values, mut labels, mut live) = (Vec::new(), Vec::new(), Vec::new());
    for i in 0..setting.table().rows {
        live.push((20..100).contains(&i) && i % 25 != 24);
        labels.push(rich(i));
        let sector = |which| if i % 2 == which { 1.0 } else { 0.0 };
        values.extend([unit(age(i), 20, 70), unit(hours(i), 0, 60), sector(0), sector(1)]);
    }
    let words = setting.table().features.encode(&values).unwrap();
    let exactly = WordRows { features: &words, labels: &labels, live: &live };
    let weights = setting.weights().decode(&train_exactly(setting, exactly).unwrap());
    let tally =
        tally_clear(ClearRows { features: &values, labels: &labels, live: &live }, &weights);
    (weights, tally)
}

#[test]
fn a_model_of_joined_rows_is_the_buyers_alone_and_that_of_one_place() {
    let world = World::start(&cast(20));
    let text = succeeded(&world.ask_psi(&train("")));
    let (want, [rows, right]) = in_one_place(&setting(40, 4.0));
    let lines: Vec<_> = text.lines().collect();
    assert_eq!((lines.len(), lines[0]), (2, "rows,accuracy"));
    let cells: Vec<f64> = lines[1].split(',').map(|cell| cell.parse().unwrap()).collect();
    #[expect(clippy::cast_precision_loss, reason = "small numbers")]
    let (all, told) = (rows as f64, (cells[0] * cells[1] - right as f64).abs());
    assert!(cells[0] == all && rows == 76, "{text}");
    assert!(told < 0.01 && cells[1] > 0.9, "{text}");
    let explained = succeeded(&world.by(BUYER, &["job", "explain", "insurer/job.toml"]));
    assert!(explained.contains("train a logistic model of 5 weights"), "{explained}");
    let (header, got) = model_of(&world);
    assert_eq!(header["layers.0.weight"]["shape"], json!([4, 1]));
    let inputs = header["__metadata__"]["inputs"].as_str().unwrap();
    assert_eq!(inputs, r#"["p.age","j.hours","j.sector = care","j.sector = trade"]"#);
    #[expect(clippy::cast_possible_truncation, reason = "models are of single precision")]
    let want: Vec<f32> = want.iter().map(|weight| *weight as f32).collect();
    assert_eq!(got, want);
}

/// A party that computes is killed, then the coordinator: the passes that were kept are not made again, and the model is to the bit that
/// of a training that nothing interrupted, of two steps a pass.
#[test]
fn a_training_on_joined_rows_goes_on_after_a_daemon_was_killed() {
    const EPOCHS: usize = 3000;
    let mut world = World::start(&cast(20));
    let asked = |more: &str| {
        let few = train(more).replace("rate = 4", "rate = 0.0625");
        let few = few.replace(&format!("batch = {ROWS_MAX}"), &format!("batch = {}", ROWS_MAX / 2));
        few.replace("epochs = 40", &format!("epochs = {EPOCHS}"))
    };
    let (_, [rows, _]) = in_one_place(&setting(1, 0.0625));
    succeeded(&world.ask_psi(&asked("")));
    let (_, want) = model_of(&world);
    for killed in ["employers", "exchange"] {
        // Two standings are kept: the others have the first of them at least.
        let begun = |world: &World, job: &str| {
            let folder = world.of("employers").join("state/trainings").join(job);
            std::fs::read(folder.join("weights")).is_ok_and(|file| file.first() == Some(&2))
        };
        let text = killed_when(&mut world, &asked, killed, &begun);
        assert!(text.lines().nth(1).unwrap().starts_with(&format!("{rows},")), "{text}");
        let (_, got) = model_of(&world);
        assert_eq!(got, want, "{killed}");
    }
    let log = world.log("employers");
    let passes = log.lines().filter_map(|line| line.split("goes on after ").nth(1));
    let passes: Vec<usize> =
        passes.map(|rest| rest.split(' ').next().unwrap().parse().unwrap()).collect();
    assert!(passes.len() == 2 && passes.iter().all(|passes| *passes > 0), "{passes:?}");
    let again = asked(&format!("resumes = {:?}", "00".repeat(32)));
    let words = ended_with(&world.ask_psi(&again), 1);
    assert!(words.contains("keeps nothing of the training to go on with"), "{words}");
}

#[test]
fn people_whom_nobody_shares_give_no_model() {
    let world = World::start(&cast(1000));
    let words = ended_with(&world.ask_psi(&train("")), 1);
    assert!(words.contains("TOO_FEW_IN_COMMON") && words.contains("fewer than 60 rows"), "{words}");
}

#[test]
fn policies_say_what_may_be_trained_on_joined_rows() {
    let mut cast = cast(20);
    cast.jobs.train_vertical = json!({"min_rows": 60, "max_weights": 4});
    let world = World::start(&cast);
    let words = ended_with(&world.ask_psi(&train("")), 3);
    assert!(words.contains("employers") && words.contains("train_vertical.max_weights"), "{words}");
    let words = ended_with(&world.ask_psi(&train("filter = \"p.person_id > 3\"")), 3);
    assert!(words.contains("columns.person_id.release"), "{words}");
    let sql = "SELECT AVG(p.age) AS age FROM census.people p JOIN employers.jobs j ON p.person_id = j.person_id";
    let words = ended_with(&world.ask(sql), 3);
    assert!(words.contains("columns.age.release"), "to train is not to average: {words}");
}
