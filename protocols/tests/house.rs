//! Every protocol says what it costs, has a twin that tells a meter so, and a test that holds the two to be equal.
//!
//! Sources are read as text, as rules on text are: that is coarse, but a function without its price shows.
#![expect(clippy::unwrap_used, reason = "a test may stop where something is missing")]

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Functions whose price is not their own name's: of two that cost the same one has the twin, and methods share names.
const PRICED_AS: &[(&str, &str, &str)] = &[
    ("mpc/compose.rs", "from_signed_bits", "from_bits_cost"),
    ("mpc/matmul.rs", "product", "matmul_cost"),
    ("mpc/shuffle.rs", "apply", "shuffle_cost"),
    ("mpc/shuffle.rs", "undo", "shuffle_cost"),
    ("mpc/sort.rs", "apply", "order_cost"),
];

/// Functions that take a session and send nothing.
const LOCAL: &[(&str, &str)] = &[("mpc/shuffle.rs", "draw")];

/// A public function that takes a session.
struct Protocol {
    file: String,
    name: String,
    docs: String,
}

impl Protocol {
    fn twin(&self) -> String {
        let other =
            PRICED_AS.iter().find(|(file, name, _)| *file == self.file && *name == self.name);
        other.map_or_else(|| format!("{}_cost", self.name), |(_, _, twin)| (*twin).to_owned())
    }

    fn is_local(&self) -> bool {
        LOCAL.contains(&(self.file.as_str(), self.name.as_str()))
    }
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut found: Vec<PathBuf> = entries
        .flat_map(|path| if path.is_dir() { rust_files(&path) } else { vec![path] })
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .collect();
    found.sort();
    found
}

/// Sources of the rooms of protocols between three, by their path in `src`, and all text of tests.
fn read() -> (Vec<(String, String)>, String) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (mut sources, mut tests) = (Vec::new(), String::new());
    for room in ["mpc", "relational"] {
        for path in rust_files(&root.join("src").join(room)) {
            let name = path.strip_prefix(root.join("src")).unwrap().display().to_string();
            let text = fs::read_to_string(&path).unwrap();
            if name.contains("/tests") {
                tests.push_str(&text);
            } else {
                let (code, inside) =
                    text.split_once("#[cfg(test)]\nmod tests {").unwrap_or((&text, ""));
                tests.push_str(inside);
                sources.push((name, code.to_owned()));
            }
        }
    }
    for path in rust_files(&root.join("tests")) {
        // What stands here is names, not tests of them.
        if !path.ends_with("tests/house.rs") {
            tests.push_str(&fs::read_to_string(path).unwrap());
        }
    }
    (sources, tests)
}

/// The public functions of a source that take a session.
fn protocols((file, code): &(String, String)) -> Vec<Protocol> {
    let lines: Vec<&str> = code.lines().collect();
    let mut found = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let Some(rest) = line.trim_start().strip_prefix("pub fn ") else { continue };
        let signature: Vec<&str> = lines[at..]
            .iter()
            .copied()
            .take_while(|line| !line.trim_end().ends_with('{'))
            .collect();
        let last = lines[at + signature.len()];
        if !format!("{} {last}", signature.join(" ")).contains("&mut Session") {
            continue;
        }
        let above = lines[..at].iter().rev();
        let docs = above.take_while(|line| line.trim_start().starts_with(['/', '#']));
        let name = rest.split(['(', '<']).next().unwrap().to_owned();
        found.push(Protocol { file: file.clone(), name, docs: docs.copied().collect() });
    }
    found
}

/// Whether a text has this word, not as a part of another one.
fn names(text: &str, word: &str) -> bool {
    let part = |letter: char| letter.is_alphanumeric() || letter == '_';
    text.match_indices(word)
        .any(|(at, _)| !text[..at].ends_with(part) && !text[at + word.len()..].starts_with(part))
}

/// What is missing, function by function.
fn missing(sources: &[(String, String)], tests: &str) -> Vec<String> {
    let mut missing = Vec::new();
    for protocol in sources.iter().flat_map(protocols).filter(|protocol| !protocol.is_local()) {
        let twin = protocol.twin();
        let (at, name) = (&protocol.file, &protocol.name);
        if !protocol.docs.contains("# Cost") {
            missing.push(format!("{at}: {name} does not say what it costs"));
        }
        if !sources.iter().any(|(_, code)| code.contains(&format!("pub fn {twin}"))) {
            missing.push(format!("{at}: {name} has no {twin}"));
        } else if !names(tests, &twin) {
            missing.push(format!("{at}: no test asserts {twin}"));
        }
    }
    missing
}

#[test]
fn every_protocol_documents_and_asserts_its_cost() {
    let (sources, tests) = read();
    let all: Vec<Protocol> = sources.iter().flat_map(protocols).collect();
    assert!(all.len() > 70, "{} protocols found", all.len());
    let missing = missing(&sources, &tests);
    assert!(missing.is_empty(), "{}", missing.join("\n"));
    for (file, name) in PRICED_AS
        .iter()
        .map(|(file, name, _)| (file, name))
        .chain(LOCAL.iter().map(|(file, name)| (file, name)))
    {
        let stands = |protocol: &Protocol| protocol.file == *file && protocol.name == *name;
        assert!(all.iter().any(stands), "{file} has no {name}: take it off the list");
    }
}

#[test]
fn a_protocol_without_its_price_is_seen() {
    let priced = "/// # Cost\npub fn a(s: &mut Session) {\n}\npub fn a_cost(m: &mut Meter) {\n}\n";
    let source = |text: &str| vec![("mpc/x.rs".to_owned(), text.to_owned())];
    assert_eq!(missing(&source(priced), "a_cost(m)"), [""; 0]);
    assert_eq!(missing(&source(priced), "aa_cost(m)"), ["mpc/x.rs: no test asserts a_cost"]);
    let bare = "/// Words.\npub fn b(\n    s: &mut Session,\n) {\n}\n";
    let complaints = ["mpc/x.rs: b does not say what it costs", "mpc/x.rs: b has no b_cost"];
    assert_eq!(missing(&source(bare), "b_cost(m)"), complaints);
}
