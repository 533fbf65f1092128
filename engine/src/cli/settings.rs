//! The page of settings and the parsers, held together: whatever stands there is read, whatever is read stands there.

use std::collections::{BTreeMap, BTreeSet};

use figment::{
    Figment,
    error::Kind,
    providers::{Format as _, Serialized, Toml},
};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::{config::Config, job_file::JobFile};
use crate::policy::PolicyDocument;

const PAGE: &str = include_str!("../../examples/SETTINGS.md");

/// Where one of several forms is chosen by the only key of a table: the parser takes the first.
const CHOICES: [&str; 2] = ["configuration:datasets.columns.type", "job:psi.form"];

/// A key and a word that nothing has.
const NOTHING: &str = "nothing_of_the_kind";

/// Which keys parsers know, and which the page has, by the table they stand in.
#[derive(Default)]
struct Keys {
    known: BTreeMap<String, BTreeSet<String>>,
    shown: BTreeMap<String, BTreeSet<String>>,
    words: BTreeSet<String>,
    /// Tables whose parser takes a key that it does not know.
    deaf: BTreeSet<String>,
}

/// The blocks of the page that begin with this line (in JSON: with this fence alone), as values.
fn blocks(head: &str) -> Vec<Value> {
    let all = PAGE.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next());
    let of = all.filter(|block| block.lines().next() == Some(head));
    of.map(|block| Figment::from(Toml::string(block)).extract().unwrap()).collect()
}

fn read<T: DeserializeOwned>(value: &Value) -> Result<T, Box<figment::Error>> {
    Figment::from(Serialized::defaults(value)).extract().map_err(Box::new)
}

/// The table or value at a path.
fn at<'a>(value: &'a mut Value, path: &[String]) -> &'a mut Value {
    path.iter().fold(value, |value, key| match value {
        Value::Array(all) => &mut all[key.parse::<usize>().unwrap()],
        other => &mut other[key],
    })
}

/// A path without positions in lists and without names that people choose.
fn table_name(root: &str, path: &[String], table: &Map<String, Value>) -> String {
    let mut parts: Vec<_> =
        path.iter().filter(|key| key.parse::<usize>().is_err()).cloned().collect();
    for at in 1..parts.len() {
        let named = ["pins", "trainers"].contains(&parts[at - 1].as_str());
        if named || (root == "policy" && parts[at - 1] == "columns") {
            parts[at] = "*".to_owned();
        }
    }
    let kind = table.get("kind").and_then(Value::as_str).map(|kind| format!("({kind})"));
    format!("{root}:{}{}", parts.join("."), kind.unwrap_or_default())
}

impl Keys {
    /// Takes in a whole document: asks its parser of every table for the keys that it knows, and of every word for its like.
    fn take<T: DeserializeOwned>(&mut self, root: &str, document: &Value) {
        if let Err(error) = read::<T>(document) {
            panic!("{root}: {error}\n{document:#}");
        }
        let mut open = vec![Vec::new()];
        while let Some(path) = open.pop() {
            match at(&mut document.clone(), &path) {
                Value::Object(table) => {
                    self.table::<T>(root, document, &path, table);
                    open.extend(
                        table.keys().map(|key| [&path[..], std::slice::from_ref(key)].concat()),
                    );
                }
                Value::Array(all) => {
                    open.extend((0..all.len()).map(|i| [&path[..], &[i.to_string()]].concat()));
                }
                Value::String(_) => self.word::<T>(document, &path),
                _ => {}
            }
        }
    }

    fn table<T: DeserializeOwned>(
        &mut self,
        root: &str,
        document: &Value,
        path: &[String],
        table: &Map<String, Value>,
    ) {
        let name = table_name(root, path, table);
        if CHOICES.contains(&name.as_str()) {
            return;
        }
        let mut odd = document.clone();
        at(&mut odd, path)[NOTHING] = Value::from(1);
        let Err(error) = read::<T>(&odd) else {
            self.deaf.insert(name);
            return;
        };
        for one in *error {
            if let Kind::UnknownField(key, expected) = one.kind
                && key == NOTHING
            {
                let known = self.known.entry(name.clone()).or_default();
                known.extend(expected.iter().map(|key| (*key).to_owned()));
                self.shown.entry(name.clone()).or_default().extend(table.keys().cloned());
            }
        }
    }

    fn word<T: DeserializeOwned>(&mut self, document: &Value, path: &[String]) {
        let mut odd = document.clone();
        *at(&mut odd, path) = Value::from(NOTHING);
        for one in read::<T>(&odd).err().into_iter().flat_map(|error| *error) {
            if let Kind::UnknownVariant(_, expected) = one.kind {
                self.words.extend(expected.iter().map(|word| (*word).to_owned()));
            }
        }
    }
}

/// Every job of the page, those of the pieces among them.
fn jobs() -> Vec<Value> {
    let mut jobs = blocks("# job");
    let train = jobs.iter().find(|job| job.get("train").is_some()).unwrap().clone();
    for piece in blocks("# pieces of [train]") {
        for (key, alternatives) in piece.as_object().unwrap() {
            for one in alternatives.as_array().unwrap() {
                let mut job = train.clone();
                job["train"][key] = one.clone();
                jobs.push(job);
            }
        }
    }
    jobs
}

#[test]
fn the_page_of_settings_has_every_setting_and_no_other() {
    let mut keys = Keys::default();
    let configurations = blocks("# configuration");
    assert!(!configurations.is_empty() && jobs().len() > 10);
    for configuration in &configurations {
        keys.take::<Config>("configuration", configuration);
    }
    for job in &jobs() {
        keys.take::<JobFile>("job", job);
    }
    let policy = PAGE.split("```json\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    keys.take::<PolicyDocument>("policy", &serde_json::from_str(policy).unwrap());
    assert!(keys.deaf.is_empty(), "an unknown key is silently ignored in {:?}", keys.deaf);
    for (table, known) in &keys.known {
        // A remark beside another key does for a key that excludes it.
        let missing: Vec<_> = known
            .difference(&keys.shown[table])
            .filter(|key| !PAGE.contains(&format!("# {key} = ")))
            .collect();
        assert!(missing.is_empty(), "{table}: examples/SETTINGS.md does not show {missing:?}");
    }
    for table in ["configuration:", "configuration:provider", "job:psi.sets", "policy:train"] {
        assert!(keys.known.contains_key(table), "{table}: nothing was asked: {:?}", keys.known);
    }
    let told = |word: &String| {
        let ways = [format!("\"{word}\""), format!("`{word}`"), format!("{{ {word} = ")];
        ways.iter().any(|way| PAGE.contains(way))
    };
    let untold: Vec<_> = keys.words.iter().filter(|word| !told(word)).collect();
    assert!(untold.is_empty(), "examples/SETTINGS.md does not tell of {untold:?}");
}
