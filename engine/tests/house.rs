//! The rules that keep this workspace a house: imports point down, facades define nothing, wire types stay at the door.
//!
//! Sources are read as text, comments and test modules stripped; that is coarse, but a rule broken by hand shows.

#![expect(clippy::unwrap_used, reason = "what helps a test panics like one")]

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Which workspace crates a crate may depend on.
const CRATES: [(&str, &[&str]); 6] = [
    ("proto", &[]),
    ("protocols", &[]),
    ("federated", &["protocols"]),
    ("tables", &[]),
    ("engine", &["proto", "protocols", "federated", "tables"]),
    ("benches", &["protocols", "federated", "tables", "engine"]),
];

/// The rooms of `protocols`, top floor first: a room imports rooms below it only.
const PROTOCOLS: &[&str] = &[
    "testkit",
    "psi",
    "relational",
    "mpc",
    "vole",
    "ot",
    "okvs",
    "session",
    "prss",
    "sample",
    "share",
    "prg",
    "codec",
    "ring",
    "net",
    "kernels",
    "party",
];

/// The rooms of `engine`, top floor first.
const ENGINE: &[&str] = &[
    "cli",
    "executor",
    "daemon",
    "provider",
    "coordinator",
    "client",
    "exec",
    "trainer",
    "seal",
    "audit",
    "wire",
    "link",
    "store",
    "sql",
    "policy",
    "plan",
    "job",
    "catalog",
    "clock",
    "identity",
];

/// Files of constants that may be longer than 500 lines.
const TABLES: &[&str] = &[];

/// Names that say nothing about what is inside.
const REFUSED_NAMES: &[&str] = &["utils", "util", "common", "helpers", "misc", "mod"];

struct Source {
    /// `engine/src/plan/ir.rs`.
    path: String,
    /// `engine`.
    krate: &'static str,
    /// `plan`; for `lib.rs` and binaries their own name.
    room: String,
    /// The whole text.
    text: String,
    /// The text without comments and without the test module at its end.
    code: String,
    /// Whether a folder of the same name stands beside it, or it is `lib.rs`.
    facade: bool,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<_> = fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
}

fn sources() -> Vec<Source> {
    let mut all = Vec::new();
    for (krate, _) in CRATES {
        let src = root().join(krate).join("src");
        let mut files = Vec::new();
        rust_files(&src, &mut files);
        all.extend(files.iter().map(|file| source(krate, &src, file)));
    }
    all
}

fn source(krate: &'static str, src: &Path, file: &Path) -> Source {
    let inside = file.strip_prefix(src).unwrap();
    let first = inside.components().next().unwrap().as_os_str().to_str().unwrap();
    let text = fs::read_to_string(file).unwrap();
    let stem = file.file_stem().unwrap().to_str().unwrap();
    let in_tests = stem == "tests" || inside.components().any(|c| c.as_os_str() == "tests");
    Source {
        path: file.strip_prefix(root()).unwrap().display().to_string(),
        krate,
        room: first.trim_end_matches(".rs").to_owned(),
        code: if in_tests { String::new() } else { code_of(&text) },
        facade: stem == "lib" || has_children(file),
        text,
    }
}

/// Drops line comments and everything from the first `#[cfg(test)]` on a module (tests stand at the bottom).
fn code_of(text: &str) -> String {
    let mut code = String::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let next_is_inline_module = || {
            lines
                .clone()
                .find(|l| !l.trim_start().starts_with("#["))
                .is_some_and(|l| l.trim_start().starts_with("mod ") && l.trim_end().ends_with('{'))
        };
        if line.trim() == "#[cfg(test)]" && next_is_inline_module() {
            break;
        }
        code.push_str(line.split("//").next().unwrap_or_default());
        code.push('\n');
    }
    code
}

/// The first path segments after every `crate::`, groups taken apart.
fn crate_imports(code: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = code[at + "crate::".len()..].trim_start();
        match rest.strip_prefix('{') {
            Some(group) => found.extend(group_heads(group)),
            None => found.push(head(rest)),
        }
    }
    found
}

/// The heads of `a::b, c::{d, e}, f}`.
fn group_heads(group: &str) -> Vec<String> {
    let (mut depth, mut start, mut heads) = (0, 0, Vec::new());
    for (at, letter) in group.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' if depth > 0 => depth -= 1,
            '}' | ',' if depth == 0 => {
                heads.push(head(group[start..at].trim()));
                start = at + 1;
                if letter == '}' {
                    break;
                }
            }
            _ => {}
        }
    }
    heads.retain(|h| !h.is_empty());
    heads
}

fn head(path: &str) -> String {
    path.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

/// What is wrong with the imports of one room, given the floors of its crate.
fn upward(floors: &[&str], room: &str, code: &str) -> Vec<String> {
    let floor = |name: &str| floors.iter().position(|f| *f == name);
    let Some(here) = floor(room) else {
        return vec![format!("room `{room}` stands on no floor: give it one in house.rs")];
    };
    let wrong = |import: &String| match floor(import) {
        Some(there) => there < here,
        None => true, // a name re-exported by the root, or a room without a floor
    };
    let imports = crate_imports(code);
    imports.into_iter().filter(wrong).map(|i| format!("`{room}` imports `{i}`")).collect()
}

fn all_fine(complaints: &[String]) {
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}

fn complain(sources: &[Source], wrong: impl Fn(&Source) -> Option<String>) {
    let complaints: Vec<_> =
        sources.iter().filter_map(|s| wrong(s).map(|what| format!("{}: {what}", s.path))).collect();
    all_fine(&complaints);
}

#[test]
fn imports_point_down() {
    let mut complaints = Vec::new();
    for s in sources() {
        let floors = match s.krate {
            "protocols" => PROTOCOLS,
            "engine" => ENGINE,
            _ => continue,
        };
        if s.room == "lib" || s.room == "bin" || s.room == "main" {
            continue;
        }
        complaints
            .extend(upward(floors, &s.room, &s.code).iter().map(|c| format!("{}: {c}", s.path)));
    }
    all_fine(&complaints);
}

#[test]
fn an_upward_import_is_noticed() {
    let floors = &["top", "middle", "low"];
    assert!(upward(floors, "middle", "use crate::low::X;\nuse crate::middle::Y;").is_empty());
    assert_eq!(upward(floors, "middle", "use crate::top::X;").len(), 1);
    assert_eq!(upward(floors, "low", "use crate::{low::{a, b}, middle::c, top};").len(), 2);
    assert_eq!(upward(floors, "top", "fn f() -> crate::Thing {}").len(), 1);
    assert_eq!(upward(floors, "cellar", "").len(), 1);
    assert!(
        upward(
            floors,
            "low",
            &code_of("// crate::top\n#[cfg(test)]\nmod tests {\nuse crate::top;")
        )
        .is_empty()
    );
}

#[test]
fn crates_depend_downwards() {
    let mut complaints = Vec::new();
    for (krate, allowed) in CRATES {
        let manifest = fs::read_to_string(root().join(krate).join("Cargo.toml")).unwrap();
        let dependencies = manifest.split("[dev-dependencies]").next().unwrap();
        for (other, _) in
            CRATES.iter().filter(|(other, _)| *other != krate && !allowed.contains(other))
        {
            let named = |line: &str| {
                let name = line.split(['.', '=', ' ']).next().unwrap_or_default();
                name == *other
            };
            if dependencies.lines().any(named) {
                complaints.push(format!("{krate} depends on {other}"));
            }
        }
        for outside in ["tokio", "tonic", "datafusion"].iter().filter(|_| krate == "protocols") {
            if dependencies.lines().any(|line| line.starts_with(outside)) {
                complaints.push(format!("protocols depends on {outside}"));
            }
        }
    }
    all_fine(&complaints);
}

/// Whether a file has modules of its own beside it; tests that grew out of their file are none.
fn has_children(file: &Path) -> bool {
    let Ok(folder) = fs::read_dir(file.with_extension("")) else { return false };
    folder
        .map(|entry| entry.unwrap().path())
        .any(|child| child.file_stem() != Some("tests".as_ref()))
}

#[test]
fn facades_define_nothing() {
    let defines = |code: &str| {
        let words =
            ["fn ", "struct ", "enum ", "trait ", "impl", "const ", "static ", "type ", "union "];
        code.lines().find_map(|line| {
            let item = line.strip_prefix("pub(crate) ").unwrap_or(line);
            let item = item.strip_prefix("pub ").unwrap_or(item);
            words
                .iter()
                .any(|word| item.starts_with(word))
                .then(|| format!("a facade defines `{line}`"))
        })
    };
    assert!(defines("pub mod a;\npub use a::B;").is_none() && defines("pub fn f() {}").is_some());
    complain(&sources(), |s| if s.facade { defines(&s.code) } else { None });
}

#[test]
fn wire_types_stay_at_the_door() {
    let at_the_door =
        |s: &Source| s.krate == "proto" || s.room == "wire" || s.path.ends_with("service.rs");
    complain(&sources(), |s| {
        let named = s
            .code
            .match_indices("proto::")
            .any(|(at, _)| !s.code[..at].ends_with(char::is_alphanumeric));
        (named && !at_the_door(s))
            .then(|| "names `proto::` outside wire/ and service headers".to_owned())
    });
}

#[test]
fn statuses_are_built_in_wire_only() {
    complain(&sources(), |s| {
        let builds = s.code.match_indices("Status::").any(|(at, name)| {
            let own_word = !s.code[..at].ends_with(char::is_alphanumeric);
            let maker = s.code[at + name.len()..].chars().next().is_some_and(|c| c.is_lowercase());
            own_word && maker
        });
        (builds && s.code.contains("tonic") && s.room != "wire")
            .then(|| "builds a tonic::Status".to_owned())
    });
}

#[test]
fn the_coordinator_cannot_name_a_share() {
    complain(&sources(), |s| {
        let named = [
            "crate::exec",
            "protocols::share",
            "protocols::mpc",
            "protocols::relational",
            "protocols::session",
        ];
        let found = named.iter().find(|name| s.code.contains(**name));
        found.filter(|_| s.path.contains("src/coordinator")).map(|name| format!("names `{name}`"))
    });
}

#[test]
fn files_are_short_and_well_named() {
    complain(&sources(), |s| {
        let stem = Path::new(&s.path).file_stem().unwrap().to_str().unwrap();
        if REFUSED_NAMES.contains(&stem) {
            return Some("says nothing by its name".to_owned());
        }
        if stem == "error" && s.room == "error" {
            return Some("errors live with their layer".to_owned());
        }
        let lines = s.text.lines().count();
        (lines > 500 && !TABLES.contains(&s.path.as_str()))
            .then(|| format!("{lines} lines; split it at 500"))
    });
}

#[test]
fn unsafe_code_lives_in_the_kernels() {
    complain(&sources(), |s| {
        let uses = ["unsafe {", "unsafe fn", "unsafe impl"].iter().any(|u| s.code.contains(u));
        (uses && !(s.krate == "protocols" && s.room == "kernels"))
            .then(|| "unsafe outside kernels/".to_owned())
    });
}
