//! A model trained by real daemons, over TLS: on the rows of two compute parties and of a provider that only provides, for the
//! buyer alone; what policies refuse; and what a table that breaks its promise does.

use serde_json::{Value, json};

use crate::{
    cast::{Cast, Column, Table},
    psi::opened,
    world::{BUYER, World, ended_with, eventually, succeeded},
};

/// People whose pay is high where they are old and work in trade, in a region of their own.
pub(crate) fn region(name: &'static str, from: usize) -> Table {
    let mut csv = "person_id,age,sector,pay\n".to_owned();
    for i in from..from + 60 {
        let (age, sector) = (20 + i * 7 % 50, ["care", "trade"][i % 2]);
        let pay = if age > 45 { "high" } else { "low" };
        csv += &format!("{i},{age},{sector},{pay}\n");
    }
    let mut table = Table::new(name, csv, columns("train"));
    table.train = json!({"models": ["logistic"], "min_providers": 2, "max_rounds": 20});
    table
}

/// Rows that updates are weighed by.
pub(crate) fn validates() -> Vec<Column> {
    columns("validate")
}

fn columns(form: &str) -> Vec<Column> {
    let trains = || json!({"release": [form]});
    vec![
        Column::key("type = \"int64\"\nunique = true\nmin = 0\nmax = 1000", "nobody.else"),
        Column::new("age", "type = \"int32\"\nmin = 20\nmax = 70", trains()),
        Column::new("sector", "type = \"string\"\ndomain = [\"care\", \"trade\"]", trains()),
        Column::new("pay", "type = \"string\"\ndomain = [\"high\", \"low\"]", trains()),
    ]
}

/// People of one kind at three providers, one of whom does not compute.
pub(crate) fn cast() -> Cast {
    Cast {
        people: region("people", 0),
        jobs: region("jobs", 100),
        third: Some(region("patients", 200)),
        outside: true,
        ..Cast::small()
    }
}

pub(crate) fn train(more: &str) -> String {
    format!(
        "[train]\ndatasets = [\"census.people\", \"employers.jobs\", \"neutral.patients\"]\n\
         features = [\"age\", \"sector\"]\nlabel = \"pay = 'high'\"\nrate = 0.5\nepochs = 5\n{more}\n\
         model = {{ kind = \"logistic\" }}\n"
    )
}

/// The figures of a round: all of its line but the names of the absent, which come last.
pub(crate) fn figures(line: &str) -> Vec<f64> {
    let (figures, _) = line.rsplit_once(',').unwrap();
    figures.split(',').map(|cell| cell.parse().unwrap()).collect()
}

/// How many were in a round, and the names of the absent.
pub(crate) fn there(line: &str) -> (&str, &str) {
    (line.split(',').nth(1).unwrap(), line.rsplit(',').next().unwrap())
}

/// The model of the last job, as the buyer saves it: its header and its numbers.
pub(crate) fn model_of(world: &World) -> (Value, Vec<f32>) {
    let jobs = succeeded(&world.by(BUYER, &["job", "list"]));
    let job = jobs.split_whitespace().next().unwrap();
    let path = world.of(BUYER).join("model.safetensors");
    let out = path.to_str().unwrap();
    let args = ["job", "result", job, "--format", "safetensors", "--out", out];
    succeeded(&world.by(BUYER, &args));
    let file = std::fs::read(path).unwrap();
    let (length, rest) = file.split_first_chunk().unwrap();
    let (header, tensors) = rest.split_at(usize::try_from(u64::from_le_bytes(*length)).unwrap());
    let (numbers, _) = tensors.as_chunks();
    let header = serde_json::from_slice(header).unwrap();
    (header, numbers.iter().map(|number| f32::from_le_bytes(*number)).collect())
}

#[test]
fn a_model_is_trained_on_all_and_the_buyer_alone_has_it() {
    let world = World::start(&cast());
    let text = succeeded(&world.ask_psi(&train("rounds = 8\nmin_providers = 3")));
    let lines: Vec<_> = text.lines().collect();
    assert_eq!((lines.len(), lines[0]), (9, "round,providers,rows,loss,accuracy,absent"));
    let (first, last) = (figures(lines[1]), figures(lines[8]));
    assert_eq!((first[1], first[2]), (3.0, 180.0));
    assert!((first[3] - std::f64::consts::LN_2).abs() < 1e-5, "it begins with nothing");
    assert!(last[3] < 0.35 && last[4] > 0.9, "and learns: {text}");

    let (header, numbers) = model_of(&world);
    assert_eq!(header["layers.0.weight"]["shape"], json!([3, 1]));
    let number = |at: usize| numbers[at];
    // Age decides and the sector does not.
    assert!(number(0) > 1.0 && number(1).abs() < number(0) / 2.0, "{:?}", [0, 1, 2].map(number));

    let receipts = opened(&world);
    let averages = |all: &&Value| {
        all.as_array().unwrap().iter().filter(|o| o["kind"] == "average").count() == 8
    };
    assert!(receipts.iter().all(|all| averages(&all)), "{receipts:?}");
    let rows = std::fs::read_to_string(world.of("census").join("people.csv")).unwrap();
    assert!(rows.contains("trade"), "and the rows are where they were");
}

#[test]
fn policies_say_what_may_be_trained() {
    let mut cast = cast();
    cast.jobs.train["min_providers"] = json!(3);
    let world = World::start(&cast);
    for (more, party, rule) in [
        ("rounds = 21\nmin_providers = 3", "census", "train.max_rounds"),
        ("rounds = 2\nmin_providers = 2", "employers", "train.min_providers"),
        ("rounds = 2\ngate = { kind = \"norm\", largest_norm = 5 }", "census", "train.gates"),
        ("rounds = 2\nfilter = \"person_id > 3\"", "census", "columns.person_id.release"),
    ] {
        let words = ended_with(&world.ask_psi(&train(more)), 3);
        assert!(words.contains(party) && words.contains(rule), "{more}: {words}");
    }
    let network = train("rounds = 2").replace("\"logistic\"", "\"network\", hidden = [4]");
    let words = ended_with(&world.ask_psi(&network), 3);
    assert!(words.contains("train.models"), "{words}");
    world.ask_psi(&train("rounds = 2\nmin_providers = 3"));
    let explained = succeeded(&world.by(BUYER, &["job", "explain", "insurer/job.toml"]));
    assert!(explained.contains("train a logistic model in 2 rounds"), "{explained}");
}

#[test]
fn an_update_unlike_the_others_is_refused_and_the_buyer_is_told_whose() {
    let mut cast = cast();
    // At the third one all is the other way round.
    let third = cast.third.as_mut().unwrap();
    let swap = |cell: &str| match cell {
        "high" => "low".to_owned(),
        "low" => "high".to_owned(),
        other => other.to_owned(),
    };
    let line = |line: &str| line.split(',').map(swap).collect::<Vec<_>>().join(",");
    third.csv = third.csv.lines().map(|row| line(row) + "\n").collect();
    for table in [&mut cast.people, &mut cast.jobs, cast.third.as_mut().unwrap()] {
        table.train["gates"] = json!(["norm", "krum"]);
    }
    let world = World::start(&cast);
    let gate = "{ kind = \"krum\", largest_norm = 5, byzantine = 0, keep = 2 }";
    let asked = train(&format!("rounds = 4\nmin_providers = 2\ngate = {gate}"));
    let text = succeeded(&world.ask_psi(&asked));
    let lines: Vec<Vec<_>> = text.lines().map(|line| line.split(',').collect()).collect();
    assert_eq!(lines[0].join(","), "round,providers,rows,loss,accuracy,refused,absent");
    for line in &lines[1..] {
        assert_eq!([line[1], line[2], line[5], line[6]], ["2", "120", "neutral", ""], "{text}");
    }
    assert!(lines[4][4].parse::<f64>().unwrap() > 0.75, "it learns from the others: {text}");
    let receipts = opened(&world);
    let bits = |all: &Value| {
        all.as_array().unwrap().iter().filter(|o| o["kind"] == "acceptance").count() == 4
    };
    assert!(receipts.iter().all(bits), "{receipts:?}");
    assert!(world.log("census").contains("refused") || world.log("neutral").contains("refused"));

    // The norm gate refuses nobody who clips.
    let gate = "{ kind = \"norm\", largest_norm = 0.5 }";
    let asked = train(&format!("rounds = 2\nmin_providers = 3\ngate = {gate}"));
    let text = succeeded(&world.ask_psi(&asked));
    assert!(text.lines().skip(1).all(|line| line.split(',').nth(1) == Some("3")), "{text}");
}

#[test]
fn a_provider_whose_table_is_empty_is_in_no_round() {
    let mut cast = cast();
    cast.third.as_mut().unwrap().csv = "person_id,age,sector,pay\n".to_owned();
    let world = World::start(&cast);
    let text = succeeded(&world.ask_psi(&train("rounds = 3\nmin_providers = 2")));
    let rounds: Vec<_> = text.lines().skip(1).collect();
    assert_eq!(rounds.len(), 3, "{text}");
    assert!(rounds.iter().all(|line| there(line) == ("2", "neutral")), "{text}");
    assert_eq!(figures(rounds[2])[2], 120.0, "{text}");
    let told = |text: &str| text.contains("declined a round of training");
    assert!(told(&world.log("neutral")) && !told(&world.log("census")));
    // Where all are needed there is no model.
    let words = ended_with(&world.ask_psi(&train("rounds = 3\nmin_providers = 3")), 1);
    assert!(words.contains("TOO_FEW_PROVIDERS") && words.contains("1 declined"), "{words}");
}

#[test]
fn corrections_and_numbers_of_steps_are_averaged_beside_updates() {
    let world = World::start(&cast());
    for strategy in ["scaffold", "nova"] {
        let more = format!("rounds = 6\nmin_providers = 3\nstrategy = {{ kind = \"{strategy}\" }}");
        let text = succeeded(&world.ask_psi(&train(&more)));
        let of = |line: &str, at: usize| line.split(',').nth(at).unwrap().parse::<f64>().unwrap();
        let rounds: Vec<_> = text.lines().skip(1).collect();
        assert!(rounds.len() == 6 && rounds.iter().all(|line| of(line, 1) == 3.0), "{text}");
        assert!(of(rounds[5], 3) < 0.9 * of(rounds[0], 3), "{strategy} learns: {text}");
    }
}

/// Rounds that a party has kept of a training; nothing before it began.
pub(crate) fn kept(world: &World, party: &str, job: &str) -> u64 {
    let file = world.of(party).join("state/trainings").join(job).join("state");
    let file = std::fs::read(file).unwrap_or_default();
    file.first_chunk().map_or(0, |rounds| u64::from_le_bytes(*rounds))
}

#[test]
fn a_training_goes_on_after_a_compute_party_and_the_coordinator_were_killed() {
    const ROUNDS: u64 = 1500;
    let mut cast = cast();
    for table in [&mut cast.people, &mut cast.jobs, cast.third.as_mut().unwrap()] {
        table.train["max_rounds"] = json!(5000);
    }
    let mut world = World::start(&cast);
    let asked = |more: &str| train(&format!("rounds = {ROUNDS}\nmin_providers = 3\n{more}"));
    let began = world.submit_psi(&asked(""));
    let (mut job, mut before) = (began.clone(), 0);
    for killed in ["employers", "exchange"] {
        eventually("some rounds are kept", || kept(&world, "employers", &began) > before + 3);
        world.kill(killed);
        let waiting = world.follow(&job);
        if killed == "employers" {
            let (code, _, err) = waiting.end();
            assert_ne!(code, Some(0), "{err}");
            assert!(err.contains(&format!("resumes = \"{began}\"")), "it says how to go on: {err}");
        }
        world.up(killed);
        before = kept(&world, "employers", &began);
        assert!(before < ROUNDS, "it was interrupted on the way");
        job = world.submit_psi(&asked(&format!("resumes = {began:?}")));
    }
    let (code, out, err) = world.follow(&job).end();
    assert_eq!(code, Some(0), "{err}");
    let of: Vec<_> = out.lines().skip(1).map(|line| line.split(',').nth(1).unwrap()).collect();
    assert_eq!((of.len() as u64, of.iter().all(|count| *count == "3")), (ROUNDS, true));
    let log = world.log("employers");
    let after = |text: &str| text.split(' ').next().unwrap().parse::<u64>().unwrap();
    let after: Vec<u64> = log.split("goes on after ").skip(1).map(after).collect();
    assert_eq!(after.len(), 2, "each run went on");
    assert!(0 < after[0] && after[0] < before && before <= after[1], "{after:?}, {before}");
    eventually("what was kept is gone", || kept(&world, "employers", &began) == 0);
    // Nothing is left to go on with.
    let again = world.ask_psi(&asked(&format!("resumes = {began:?}")));
    let told = ended_with(&again, 1);
    assert!(told.contains("without `resumes`"), "{}", told.lines().last().unwrap());
}

#[test]
fn the_receipt_tells_what_updates_were_worth_and_what_is_paid() {
    let mut cast = cast();
    for table in [&mut cast.jobs, cast.third.as_mut().unwrap()] {
        table.train["gates"] = json!(["norm"]);
    }
    let trains = "datasets = [\"employers.jobs\", \"neutral.patients\"]";
    let asked = train(
        "rounds = 4\ngate = { kind = \"norm\", largest_norm = 5 }\n\
                       contribution = { validation = \"census.people\", price = 1000 }",
    )
    .replace("datasets = [\"census.people\", \"employers.jobs\", \"neutral.patients\"]", trains);
    let refused = ended_with(&World::start(&cast).ask_psi(&asked), 3);
    for rule in ["train.contribution", "columns.age.release", "validate", "train.gates"] {
        assert!(refused.contains(rule), "{rule}: {refused}");
    }

    for table in [&mut cast.people, &mut cast.jobs, cast.third.as_mut().unwrap()] {
        table.train["gates"] = json!(["norm"]);
        table.train["contribution"] = json!(true);
    }
    cast.people.columns = validates();
    let world = World::start(&cast);
    let text = succeeded(&world.ask_psi(&asked));
    assert_eq!(text.lines().count(), 5, "{text}");
    let receipts = std::fs::read_dir(world.folder()).unwrap().map(|entry| entry.unwrap().path());
    let mut receipts = receipts.filter(|path| path.extension().is_some_and(|end| end == "json"));
    let receipt = receipts.next().unwrap();
    let pins = world.of(BUYER).join("unseen.toml");
    let verify = |receipt: &std::path::Path| {
        let args =
            ["receipt", "verify", receipt.to_str().unwrap(), "--pins", pins.to_str().unwrap()];
        world.unseen(&args)
    };
    let told = succeeded(&verify(&receipt));
    assert!(told.contains("what updates were worth, by the loss on census.people"), "{told}");
    let mut body: Value = serde_json::from_slice(&std::fs::read(&receipt).unwrap()).unwrap();
    let providers = body["body"]["contribution"]["providers"].as_array_mut().unwrap();
    let number = |of: &Value| of.as_str().unwrap().parse::<i64>().unwrap();
    assert_eq!(providers.len(), 2);
    assert!(providers.iter().all(|one| number(&one["value"]) > 10_000), "{providers:?}");
    assert_eq!(providers.iter().map(|one| number(&one["pay"])).sum::<i64>(), 1000);
    // Nobody can change it afterwards.
    providers[0]["value"] = json!("900000");
    let forged = world.folder().join("forged.json");
    std::fs::write(&forged, body.to_string()).unwrap();
    let words = ended_with(&verify(&forged), 1);
    assert!(words.contains("contribution ("), "{words}");
}

#[test]
fn a_provider_that_is_lost_is_left_out_and_the_receipt_says_so() {
    let mut cast = cast();
    for table in [&mut cast.people, &mut cast.jobs, cast.third.as_mut().unwrap()] {
        table.train["max_rounds"] = json!(5000);
    }
    let mut world = World::start(&cast);
    let job = world.submit_psi(&train("rounds = 600\nmin_providers = 2\nround_seconds = 8"));
    let mut waiting = world.follow(&job);
    waiting.until("of 600: 3 providers, 180 rows, loss 0.");
    world.kill("census");
    waiting.until("of 600: 2 providers, 120 rows, loss 0.");
    let (code, out, err) = waiting.end();
    assert_eq!(code, Some(0), "{err}");
    assert!(err.contains("; absent: census"), "{err}");
    let of: Vec<_> = out.lines().skip(1).map(there).collect();
    assert_eq!(
        (of.len(), of[599]),
        (600, ("2", "census")),
        "the others went on, and say without whom"
    );
    let lost = of.iter().position(|there| *there == ("2", "census")).unwrap();
    assert!(of[..lost].iter().all(|there| *there == ("3", "")), "{out}");
    assert!(of[lost..].iter().all(|there| *there == ("2", "census")), "and it stayed away");
    let receipts = std::fs::read_dir(world.folder()).unwrap().map(|entry| entry.unwrap().path());
    let mut receipts = receipts.filter(|path| path.extension().is_some_and(|end| end == "json"));
    let receipt = receipts.next().unwrap();
    let pins = world.of(BUYER).join("unseen.toml");
    let verify = ["receipt", "verify", receipt.to_str().unwrap(), "--pins", pins.to_str().unwrap()];
    let told = succeeded(&world.unseen(&verify));
    let signed = |party: &str, how: &str| {
        told.lines().any(|line| line.starts_with(&format!("  {party} (")) && line.ends_with(how))
    };
    assert!(signed("census", "went on without it") && signed("employers", ": signed"), "{told}");
    let body: Value = serde_json::from_slice(&std::fs::read(receipt).unwrap()).unwrap();
    assert_eq!(body["body"]["absent"], json!(["census"]));
    assert_eq!(body["body"]["inputs"].as_array().unwrap().len(), 3, "what it committed to stands");
}

/// Noise of 0.5 in 8 rounds, for each provider: ε = 39.4; of 4 it is 2.94, and twice as many rounds come to 4.38.
fn private(noise: &str) -> String {
    train(&format!(
        "rounds = 8\nmin_providers = 3\nprivacy = {{ unit = \"client\", clip = 2, noise = {noise} }}"
    ))
}

#[test]
fn a_model_with_noise_costs_of_a_budget_that_a_restart_does_not_give_back() {
    let mut cast = cast();
    for table in [&mut cast.people, &mut cast.jobs, cast.third.as_mut().unwrap()] {
        table.train["privacy"] = json!({"unit": "client", "max_epsilon": "4", "delta": "0.00001"});
    }
    let mut world = World::start(&cast);
    let words = ended_with(&world.ask_psi(&train("rounds = 8")), 3);
    assert!(words.contains("train.privacy.required"), "{words}");
    let words = ended_with(&world.ask_psi(&private("0.5")), 3);
    assert!(words.contains("train.privacy.max_epsilon"), "{words}");
    assert!(words.contains("all jobs together may"), "{words}");
    let text = succeeded(&world.ask_psi(&private("4")));
    let lines: Vec<_> = text.lines().collect();
    assert_eq!((lines.len(), lines[0]), (9, "round,providers,epsilon"), "{text}");
    assert!(lines[8].starts_with("8,3,2.94"), "{text}");
    let openings = opened(&world);
    let all = openings[0].as_array().unwrap();
    let counts = all.iter().filter(|o| o["kind"] == "average").map(|o| o["count"].as_str());
    assert!(counts.eq([Some("4"); 8]), "the model and nothing beside it: {openings:?}");

    // The second one would come to 4.38 with the first; no restart changes that.
    for _ in 0..2 {
        let words = ended_with(&world.ask_psi(&private("4")), 3);
        assert!(words.contains("train.privacy.max_epsilon"), "{words}");
        assert!(words.contains("would have spent"), "{words}");
        let log = world.of("exchange").join("state/audit.jsonl");
        // The buyer may hear of it a moment before it is written.
        eventually("the log says so", || {
            let told = std::fs::read_to_string(&log).unwrap();
            told.lines().last().unwrap().contains("BUDGET_SPENT")
        });
        for party in ["census", "employers", "neutral"] {
            world.kill(party);
            world.up(party);
        }
    }
    // Something is left, and a person is told beforehand what it takes.
    let one = private("4").replace("rounds = 8", "rounds = 1");
    succeeded(&world.ask_psi(&one));
    let explained = succeeded(&world.by(BUYER, &["job", "explain", "insurer/job.toml"]));
    assert!(explained.contains("for each client"), "{explained}");
}

#[test]
fn a_model_hides_rows_and_its_file_says_how_well() {
    let mut cast = cast();
    for table in [&mut cast.people, &mut cast.jobs, cast.third.as_mut().unwrap()] {
        table.train["privacy"] = json!({"unit": "record", "max_epsilon": "20", "delta": "0.00001"});
    }
    let world = World::start(&cast);
    let other = ended_with(&world.ask_psi(&private("4")), 3);
    assert!(other.contains("train.privacy.unit"), "{other}");
    let asked = train(
        "rounds = 4\nmin_providers = 3\nprivacy = { unit = \"record\", clip = 1, noise = 1 }",
    );
    let text = succeeded(&world.ask_psi(&asked.replace("epochs = 5", "epochs = 1")));
    assert_eq!(text.lines().last().unwrap().split(',').nth(1), Some("3"), "{text}");
    let jobs = succeeded(&world.by(BUYER, &["job", "list"]));
    let job = jobs.lines().find(|line| line.contains("DELIVERED")).unwrap();
    let path = world.of(BUYER).join("model.safetensors");
    let (job, out) = (job.split_whitespace().next().unwrap(), path.to_str().unwrap());
    succeeded(&world.by(BUYER, &["job", "result", job, "--format", "safetensors", "--out", out]));
    let file = std::fs::read(path).unwrap();
    let (length, rest) = file.split_first_chunk().unwrap();
    let (header, _) = rest.split_at(usize::try_from(u64::from_le_bytes(*length)).unwrap());
    let header: Value = serde_json::from_slice(header).unwrap();
    let privacy = header["__metadata__"]["privacy"].as_str().unwrap();
    let privacy: Value = serde_json::from_str(privacy).unwrap();
    assert_eq!((&privacy["unit"], &privacy["rounds"]), (&json!("record"), &json!(4)), "{privacy}");
    let epsilon: f64 = privacy["epsilon"].as_str().unwrap().parse().unwrap();
    assert!(epsilon > 9.0 && epsilon < 11.0, "{privacy}");
}

#[test]
fn updates_that_are_too_large_are_told_with_what_to_change() {
    let mut cast = cast();
    let tables = [&mut cast.people, &mut cast.jobs, cast.third.as_mut().unwrap()];
    for table in tables {
        table.csv = table.csv.replace("high", "90000").replace("low", "80000");
        let number = "type = \"int32\"\nmin = 0\nmax = 100000";
        table.columns[3] = Column::new("pay", number, json!({"release": ["train"]}));
        table.train["models"] = json!(["linear"]);
    }
    let world = World::start(&cast);
    let asked = |label: &str| {
        let text = train("rounds = 2\nmin_providers = 3").replace("\"logistic\"", "\"linear\"");
        text.replace("pay = 'high'", label).replace("rate = 0.5", "rate = 0.1")
    };
    let words = ended_with(&world.ask_psi(&asked("pay")), 1);
    for due in [
        "TOO_FEW_PROVIDERS at stage run",
        "round 1: 0 of 3 providers sent an update and 3 are the least",
        "3 declined",
        "0 came too late, or are not up",
        "a number in an update beyond `largest_update` = 8",
        "the label is not scaled",
    ] {
        assert!(words.contains(due), "{due}: {words}");
    }
    // What it says to do helps.
    let text = succeeded(&world.ask_psi(&asked("pay * 0.0001")));
    assert_eq!(text.lines().count(), 3, "{text}");
}
