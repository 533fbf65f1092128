//! Rows of one provider scored by the model of another, over TLS: the buyer alone has the scores, to the last digit.

use std::fmt::Write as _;

use serde_json::json;

use crate::{
    cast::{Cast, Column, Table},
    world::{World, ended_with, succeeded},
};

const WEIGHTS: [i64; 4] = [-1_500, 250, 4_000, 125];

fn scored(forms: &[&str]) -> serde_json::Value {
    json!({ "release": forms })
}

/// People with an age and a sector, and a model of four weights in thousandths at the third party.
fn cast() -> Cast {
    let mut people = "person_id,age,sector\n".to_owned();
    for i in 0..40 {
        writeln!(people, "{i},{},{}", 20 + i, ["care", "trade"][i % 2]).unwrap();
    }
    let key = "type = \"int64\"\nunique = true\nmin = 0\nmax = 5000";
    let shown = Column::new("person_id", key, scored(&["list"]));
    let age = Column::new("age", "type = \"int32\"\nmin = 20\nmax = 84", scored(&["score"]));
    let listed = "type = \"string\"\ndomain = [\"care\", \"trade\"]";
    let sector = Column::new("sector", listed, scored(&["score"]));
    let mut people = Table::new("people", people, vec![shown, age, sector]);
    // The order of the file is not that of the weights.
    let mut model = "person_id,weight\n".to_owned();
    for at in [2, 0, 3, 1] {
        let weight = WEIGHTS[at];
        let sign = if weight < 0 { "-" } else { "" };
        let (whole, part) = (weight.abs() / 1000, weight.abs() % 1000);
        writeln!(model, "{at},{sign}{whole}.{part:03}").unwrap();
    }
    let weight = "type = { decimal = { precision = 9, scale = 3 } }\nmin = \"-5\"\nmax = \"5\"";
    let position = Column::new("person_id", key, scored(&["score"]));
    let weight = Column::new("weight", weight, scored(&["score"]));
    let mut model = Table::new("model", model, vec![position, weight]);
    for table in [&mut people, &mut model] {
        (table.least, table.kinds) = (0, vec!["score"]);
    }
    model.rows_max = 4;
    Cast { people, third: Some(model), ..Cast::small() }
}

const SCORE: &str = "[score]\nfrom = \"census.people p\"\ncolumns = [\"p.person_id\"]\nfeatures = [\"p.age\", \"p.sector\"]\n\
     filter = \"p.age < 40\"\nmodel = { dataset = \"neutral.model\", weight = \"weight\", position = \"person_id\" }\n";

#[test]
fn rows_are_scored_by_a_model_that_their_owner_does_not_see() {
    let mut open = cast();
    open.people.columns[1] =
        Column::new("age", "type = \"int32\"\nmin = 20\nmax = 84", scored(&["score", "filter"]));
    let world = World::start(&open);
    let text = succeeded(&world.ask_psi(SCORE));
    let mut rows: Vec<(u32, f64)> = text
        .lines()
        .skip(1)
        .map(|line| line.split_once(',').unwrap())
        .map(|(person, score)| (person.parse().unwrap(), score.parse().unwrap()))
        .collect();
    rows.sort_by_key(|row| row.0);
    assert_eq!((rows.len(), text.lines().next()), (20, Some("p.person_id,score")));
    let weight = WEIGHTS.map(|weight| f64::from(i32::try_from(weight).unwrap()) / 1000.0);
    for (person, score) in rows {
        let age = 2.0 * f64::from(person) / 64.0 - 1.0;
        let want = age * weight[0] + weight[1 + person as usize % 2] + weight[3];
        assert!((score - want).abs() < 1e-12, "{person}: {score} and {want}");
    }
}

#[test]
fn columns_are_scored_only_where_policies_say_so() {
    let world = World::start(&cast());
    let words = ended_with(&world.ask_psi(SCORE), 3);
    assert!(words.contains("columns.age.release") && words.contains("filter"), "{words}");
    let listed = SCORE.replace("\"p.person_id\"]", "\"p.person_id\", \"p.sector\"]");
    let words = ended_with(&world.ask_psi(&listed), 3);
    assert!(words.contains("columns.sector.release"), "{words}");
}
