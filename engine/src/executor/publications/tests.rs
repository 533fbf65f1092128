//! What is published of sets that are read from the disk: the first row of each key, once, until it changes.

use std::{collections::HashSet, os::unix::fs::PermissionsExt as _};

use super::*;
use crate::{
    catalog::{ColumnType, DatasetConfig, Source, column_values},
    job::{JobKind, PsiForm, PsiProtocol, PsiSpec, TextRule},
    plan::{Op, PolicyTerms},
    sql::{
        compile, key_ids_of, label_rows, local_batches, local_rows,
        tests::{
            party, spec, terms,
            world::{World, declared, nullable},
        },
    },
};

mod changes;

/// A plan that looks keys up in the rows of employers, and those rows on disk.
struct Setting {
    world: World,
    plan: Plan,
    set: PsiSet,
    local: datafusion::logical_expr::LogicalPlan,
    rows: Spool,
    key: IdentityKey,
}

/// Every third row has no key; of each key there are two, not side by side.
fn line(row: u32, rows: u32) -> String {
    let code = match row % 3 {
        2 => "\"\"".to_owned(),
        _ => (row % rows.div_ceil(2)).to_string(),
    };
    format!("{code},{row}\n")
}

async fn setting(rows: u32, rows_max: u64, scratch: &crate::executor::Scratch) -> Setting {
    let lines: String = (0..rows).map(|i| line(i, rows)).collect();
    setting_of(&lines, (rows_max, None), scratch).await
}

/// The same with other lines, and a policy that has changes of so many rows.
async fn setting_of(
    lines: &str,
    (rows_max, lookup_changes): (u64, Option<u64>),
    scratch: &crate::executor::Scratch,
) -> Setting {
    let table = |name: &str, lines: &str, rows_max| {
        let csv = "code,pay\n".to_owned() + lines;
        let source = Source::Bytes(format!("{name}.csv"), csv.into_bytes().into());
        let code = nullable(declared("code", ColumnType::Int64));
        let columns = vec![code, declared("pay", ColumnType::Int32)];
        DatasetConfig { name: name.into(), source, entity_key: None, rows_max, columns }
    };
    let world = World::of(vec![
        ("census", vec![table("people", "1,1\n", None)]),
        ("employers", vec![table("jobs", lines, Some(rows_max))]),
    ]);
    let set = |dataset: &str, columns: &[&str]| PsiSet {
        dataset: dataset.into(),
        key: vec!["code".into()],
        filter: None,
        columns: columns.iter().map(|name| (*name).to_owned()).collect(),
    };
    let sets = vec![set("census.people", &[]), set("employers.jobs", &["pay"])];
    let psi = PsiSpec {
        sets: sets.clone(),
        form: PsiForm::Inner,
        to: vec![party("census")],
        protocol: PsiProtocol::Lookup,
        text: TextRule::default(),
        noise: None,
        bucket_rows: None,
        resumes: None,
    };
    let job = crate::job::JobSpec { kind: JobKind::Psi(psi), ..spec("") };
    let policies = [
        terms("census.people", 0),
        PolicyTerms { lookups: Some(100), lookup_changes, ..terms("employers.jobs", 0) },
    ];
    let compiled = compile(&job, &world.descriptors, &policies).unwrap();
    let (plan, local) = (compiled.plan, compiled.locals[1].clone());
    let batches = local_batches(world.catalog("employers"), &local, &plan.inputs[1]).await;
    let rows = Spool::of(batches.unwrap(), &plan.inputs[1], scratch).await.unwrap();
    let key = IdentityKey::from_seed(&[5; 32]);
    Setting { world, plan, set: sets[1].clone(), local, rows, key }
}

impl Setting {
    fn subject(&self) -> Subject<'_> {
        let of = self.plan.nodes.iter().find_map(|op| match op {
            Op::Lookup(of) => Some(of),
            _ => None,
        });
        Subject { set: &self.set, plan: &self.plan, of: of.unwrap(), rows: &self.rows }
    }

    fn publisher<'a>(&'a self, name: &'a PartyName) -> Publisher<'a> {
        Publisher { name, key: &self.key, now_ms: 7 }
    }
}

#[tokio::test]
async fn the_first_row_of_each_key_is_published_wherever_the_rows_stand() {
    let dir = tempfile::tempdir().unwrap();
    let scratch = crate::executor::Scratch::open(dir.path().to_owned()).unwrap().with_memory(0);
    // More than two batches.
    for rows in [0, 1, 2, 40_001] {
        let setting = setting(rows, 50_000, &scratch).await;
        let (name, subject) = (party("employers"), setting.subject());
        let all = local_rows(setting.world.catalog("employers"), &setting.local, subject.input());
        let all = all.await.unwrap();
        let ids = key_ids_of(subject.input(), &all, &[3; 32]).unwrap();
        let mut seen = HashSet::new();
        let first = |row: &u32| ids[*row as usize].is_some_and(|id| seen.insert(id));
        let chosen: Vec<u32> = (0..rows).filter(first).collect();
        let items: Vec<u128> = chosen.iter().map(|row| ids[*row as usize].unwrap()).collect();
        let labels = label_rows(subject.input(), subject.of, &all, &chosen).unwrap();
        assert!(column_values(all.column(0)).is_some());

        let entries = Entries::of(setting.publisher(&name), subject).unwrap();
        assert_eq!(entries.count(), chosen.len() as u64, "{rows}");
        let mut found = (Vec::new(), Vec::new());
        let taken = entries.each(&[3; 32], &mut |items, labels| {
            found.0.extend_from_slice(items);
            found.1.extend_from_slice(labels);
            Ok(())
        });
        taken.unwrap();
        assert!(found == (items, labels), "{rows}");
        assert_eq!(entries.hash(&[3; 32]).unwrap(), entries.hash(&[3; 32]).unwrap());
        if rows > 0 {
            assert_ne!(entries.hash(&[3; 32]).unwrap(), entries.hash(&[4; 32]).unwrap());
        }
    }
}

#[tokio::test]
async fn a_publication_serves_until_its_rows_change_or_its_file_is_damaged() {
    let dir = tempfile::tempdir().unwrap();
    let scratch = crate::executor::Scratch::open(dir.path().join("scratch")).unwrap();
    let folder = dir.path().join("published");
    let publications = Publications::new(folder.clone());
    let name = party("employers");
    let (one, other) = (setting(100, 128, &scratch).await, setting(101, 128, &scratch).await);
    let of = |setting: &Setting| {
        let made = publications.of(setting.publisher(&name), setting.subject());
        let (answers, about) = made.unwrap();
        let [layer] = &answers.layers[..] else { panic!("no changes were asked for") };
        let header = layer.statement.header;
        assert!(header.describes(&*layer.body).unwrap());
        assert_eq!((header.rows, layer.body.bytes()), (128, about.bytes - STATEMENT_BYTES as u64));
        assert_eq!(layer.key.public(), &header.key);
        assert_eq!(about.epoch, header.epoch.number);
        (layer.statement.digest(), about)
    };
    let first = of(&one);
    assert_eq!(of(&one), first);
    let changed = of(&other);
    assert!(changed.1.epoch > first.1.epoch && changed.0 != first.0);
    assert_eq!(of(&other), changed);
    assert_eq!(publications.list(), std::slice::from_ref(&changed.1));
    let entries: Vec<_> =
        fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    let [path] = &entries[..] else { panic!("{entries:?}") };
    assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600, "it holds a key");
    let whole = fs::read(path).unwrap();
    let damaged = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = whole.clone();
        change(&mut bytes);
        fs::write(path, bytes).unwrap();
        assert_ne!(of(&other).0, changed.0);
        fs::write(path, &whole).unwrap();
        assert_eq!(of(&other), changed);
    };
    damaged(&|bytes| *bytes.last_mut().unwrap() ^= 1);
    damaged(&|bytes| bytes.truncate(bytes.len() - 1));
    damaged(&|bytes| bytes.push(0));
    damaged(&|bytes| bytes.truncate(30));
    damaged(&|bytes| bytes[8 + 32 + 20] ^= 1);
    // Somebody else's is none of this party's.
    let stranger = Setting { key: IdentityKey::from_seed(&[6; 32]), ..other };
    assert_ne!(of(&stranger).0, changed.0);
}
