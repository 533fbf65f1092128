//! Models that are solved for from sums, by real daemons over TLS: those of all rows in one place, where policies allow the sums.

use federated::{
    model::{Network, Ranking, Rows, Tally, evaluate},
    sums::{Exact, Method, Newton, Ridge},
};
use serde_json::json;

use crate::{
    cast::{Cast, Table},
    psi::opened,
    train::{figures, model_of, region},
    world::{BUYER, World, ended_with, succeeded},
};

const REGIONS: [(&str, usize); 3] = [("people", 0), ("jobs", 100), ("patients", 200)];
/// What the tables declare.
const MOST_ROWS: u64 = 64;

/// Whose pay is high: most of the old, and some others.
fn is_high(i: usize) -> bool {
    (20 + i * 7 % 50 > 45) != i.is_multiple_of(5)
}

fn mixed(name: &'static str, from: usize) -> Table {
    let mut table = region(name, from);
    let mut csv = "person_id,age,sector,pay\n".to_owned();
    for i in from..from + 60 {
        let pay = if is_high(i) { "high" } else { "low" };
        csv += &format!("{i},{},{},{pay}\n", 20 + i * 7 % 50, ["care", "trade"][i % 2]);
    }
    table.csv = csv;
    table.train = json!({"models": ["linear", "logistic"], "min_providers": 2, "max_rounds": 20, "metrics": true, "min_class_rows": 10});
    table
}

fn cast(moments: bool) -> Cast {
    let [people, jobs, third] = REGIONS.map(|(name, from)| {
        let mut table = mixed(name, from);
        table.train["moments"] = json!(moments);
        table
    });
    Cast { people, jobs, third: Some(third), outside: true, ..Cast::small() }
}

fn asked(label: &str, more: &str) -> String {
    format!(
        "[train]\ndatasets = [\"census.people\", \"employers.jobs\", \"neutral.patients\"]\n\
         features = [\"age\", \"sector = 'care'\"]\nlabel = \"{label}\"\nmin_providers = 3\n{more}\n"
    )
}

/// A provider's rows as it adds them up.
#[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "small numbers")]
fn rows(label: impl Fn(usize) -> f32, from: usize) -> Rows {
    let all = from..from + 60;
    let place = |i: usize| (((20 + i * 7 % 50) as f64 - 45.0) * 25_f64.recip()) as f32;
    let values = all.clone().flat_map(|i| [place(i), f32::from(i % 2 == 0)]).collect();
    Rows::new(2, values, all.map(label).collect()).unwrap()
}

/// The model of the same sums, added up in one place.
fn centrally(exact: &Exact, rounds: u32, parts: &[Rows]) -> Vec<f32> {
    let mut model = vec![0.0; 3];
    for _ in 0..rounds {
        let mut total = vec![0_u64; exact.sums(model.len())];
        for rows in parts {
            let words = exact.of_rows(&model, rows).unwrap();
            total.iter_mut().zip(words).for_each(|(sum, word)| *sum = sum.wrapping_add(word));
        }
        exact.solve(&mut model, &total, 180).unwrap();
    }
    model
}

/// All rows in one place.
fn together(parts: &[Rows]) -> Rows {
    let rows = || parts.iter().flat_map(|rows| (0..rows.len()).map(move |at| (rows, at)));
    let values = rows().flat_map(|(rows, at)| rows.row(at).to_vec()).collect();
    Rows::new(2, values, rows().map(|(rows, at)| rows.label(at)).collect()).unwrap()
}

/// Precision, recall and the area under the curve of twenty bins.
fn ranking(model: &[f32], all: &Rows) -> [f64; 3] {
    let (_, outputs) = evaluate(&Network::logistic(2).unwrap(), model, all);
    let Ranking { precision, recall, area } = Ranking::of(&Tally::Bins(20).of_rows(&outputs, all));
    [precision, recall, area].map(Option::unwrap)
}

fn near(model: &[f32], best: &[f64], by: f64) {
    let near = |(x, best): (&f32, &f64)| (f64::from(*x) - best).abs() < by;
    assert!(model.len() == best.len() && model.iter().zip(best).all(near), "{model:?} {best:?}");
}

#[test]
fn models_are_those_of_all_rows_in_one_place() {
    let world = World::start(&cast(true));
    let newton = "rounds = 6\nmetrics = { least_rows = 10 }\nstrategy = { kind = \"newton\", penalty = 0.001 }\nmodel = { kind = \"logistic\" }";
    let text = succeeded(&world.ask_psi(&asked("pay = 'high'", newton)));
    let parts = REGIONS.map(|(_, from)| rows(|i| f32::from(is_high(i)), from));
    let exact = Exact::new(Method::Newton, 0.001, (3, MOST_ROWS)).unwrap();
    let (_, model) = model_of(&world);
    assert_eq!(model, centrally(&exact, 6, &parts), "bit for bit");
    let (all, mut best) = (together(&parts), Newton::new(2, 0.001));
    while best.step(&best.of_rows(&all)).unwrap() > 1e-12 {}
    near(&model, best.coefficients(), 1e-6);
    let last = figures(text.lines().last().unwrap());
    assert_eq!(last[..3], [6.0, 3.0, 180.0], "{text}");
    assert!((last[3] - best.loss()).abs() < 1e-5 && last[4] > 0.7, "{text}");
    let header = "round,providers,rows,loss,accuracy,counted,precision,recall,auc,absent";
    assert_eq!(text.lines().next(), Some(header));
    assert_eq!(last[5], 3.0, "{text}");
    assert_eq!(last[6..], ranking(&model, &all), "as the rows have it in the clear: {text}");
    let receipts = opened(&world);
    let sums = |all: &serde_json::Value| {
        let all = all.as_array().unwrap().iter().filter(|o| o["kind"] == "average");
        // Nine sums, five figures and how many counted; bits that say whether enough rows are of a class; five numbers of classes.
        let counts: Vec<_> = all.map(|o| o["count"].as_str().unwrap()).collect();
        counts == ["15", "1", "5"].repeat(6)
    };
    assert!(receipts.iter().all(sums), "{receipts:?}");

    let ridge = "rounds = 1\nmetrics = { least_rows = 10 }\nstrategy = { kind = \"ridge\", penalty = 1.5 }\nmodel = { kind = \"linear\" }";
    let text =
        succeeded(&world.ask_psi(&asked("CASE WHEN pay = 'high' THEN 500 ELSE 100 END", ridge)));
    let parts = REGIONS.map(|(_, from)| rows(|i| if is_high(i) { 500.0 } else { 100.0 }, from));
    let exact = Exact::new(Method::Ridge, 1.5, (3, MOST_ROWS)).unwrap().with_unit(500.0);
    let (_, model) = model_of(&world);
    assert_eq!(model, centrally(&exact, 1, &parts), "bit for bit");
    let (best, error) = {
        let ridge = Ridge::new(2, 1.5);
        ridge.solve(&ridge.of_rows(&together(&parts))).unwrap()
    };
    near(&model, &best, 1e-6 * 500.0);
    let last = figures(text.lines().last().unwrap());
    assert!((last[3] / (0.5 * error) - 1.0).abs() < 1e-6, "{text}: {error}");
    let highs =
        REGIONS.iter().flat_map(|(_, from)| *from..from + 60).filter(|i| is_high(*i)).count();
    #[expect(clippy::cast_precision_loss, reason = "small numbers")]
    let part = highs as f64 / 180.0;
    let variance = 400.0 * 400.0 * part * (1.0 - part);
    assert!((last[6] - (1.0 - error / variance)).abs() < 1e-5, "{text}");
}

#[test]
fn who_allows_a_model_has_not_allowed_its_sums() {
    let world = World::start(&cast(false));
    let newton = asked(
        "pay = 'high'",
        "rounds = 6\nstrategy = { kind = \"newton\" }\nmodel = { kind = \"logistic\" }",
    );
    let words = ended_with(&world.ask_psi(&newton), 3);
    assert!(words.contains("train.moments") && words.contains("census"), "{words}");

    // What is not enough rows for the model is found when they are counted, before their sums are opened.
    let mut cast = cast(true);
    for table in [&mut cast.people, &mut cast.jobs, cast.third.as_mut().unwrap()] {
        table.csv = table.csv.lines().take(1 + 9).map(|line| format!("{line}\n")).collect();
    }
    let world = World::start(&cast);
    let words = ended_with(&world.ask_psi(&newton), 1);
    assert!(words.contains("27 rows in all, and 30 are the least"), "{words}");
    let explained = succeeded(&world.by(BUYER, &["job", "explain", "insurer/job.toml"]));
    assert!(explained.contains("from 6 opened totals of sums"), "{explained}");
}
