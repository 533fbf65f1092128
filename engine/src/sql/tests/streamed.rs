//! Sub-plans on tables that are read while they run, and on files that are not what they were.

use std::{fs, path::PathBuf};

use datafusion::{
    arrow::array::RecordBatch,
    logical_expr::{LogicalPlan, LogicalPlanBuilder},
};

use super::{
    spec,
    world::{World, declared, listed, unique},
};
use crate::{
    catalog::{Catalog, CatalogError, ColumnType, DatasetConfig, Limits, Source},
    plan::LocalInput,
    sql::{LocalError, compile, local_batches, local_rows},
};

const ROWS: usize = 40_000;

/// A table of people in a file, in memory or not, and the sub-plan of a statement about it.
struct Setting {
    _dir: tempfile::TempDir,
    path: PathBuf,
    catalog: Catalog,
    local: LogicalPlan,
    input: LocalInput,
}

fn lines() -> Vec<String> {
    (0..ROWS).map(|i| format!("{i},{},{}\n", i % 90, ["a", "b"][i % 2])).collect()
}

fn text(lines: &[String]) -> String {
    "id,age,town\n".to_owned() + &lines.concat()
}

fn setting(sql: &str, table_bytes: usize) -> Setting {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("people.csv");
    fs::write(&path, text(&lines())).unwrap();
    let config = DatasetConfig {
        name: "people".into(),
        source: Source::Path(path.clone()),
        entity_key: None,
        rows_max: None,
        columns: vec![
            unique(declared("id", ColumnType::Int64)),
            declared("age", ColumnType::Int32),
            listed("town", &["a", "b"]),
        ],
    };
    let world = World::of(vec![("census", vec![config.clone()])]);
    let compiled = compile(&spec(sql), &world.descriptors, &[]).unwrap();
    let (local, input) = (compiled.locals[0].clone(), compiled.plan.inputs[0].clone());
    let limits = Limits { table_bytes, ..Limits::default() };
    let catalog = Catalog::open_within(&limits, &input.party, vec![config]).unwrap();
    Setting { _dir: dir, path, catalog, local, input }
}

impl Setting {
    async fn rows(&self) -> Result<RecordBatch, LocalError> {
        local_rows(&self.catalog, &self.local, &self.input).await
    }

    fn write(&self, at: usize, line: &str) {
        let mut lines = lines();
        lines[at] = line.to_owned();
        fs::write(&self.path, text(&lines)).unwrap();
    }
}

fn is_changed(error: &LocalError) -> bool {
    matches!(error, LocalError::Catalog(CatalogError::Changed { dataset }) if dataset == "people")
}

const STATEMENTS: [&str; 4] = [
    "SELECT SUM(p.age) AS s FROM census.people p",
    "SELECT COUNT(*) AS n FROM census.people p",
    "SELECT COUNT(*) AS n FROM census.people p WHERE p.age > 30 AND p.town LIKE 'a%'",
    "SELECT p.town, SUM(p.age + 1) AS s FROM census.people p WHERE p.id % 7 < 3 GROUP BY p.town",
];

#[tokio::test]
async fn a_table_that_is_read_for_a_sub_plan_gives_what_one_in_memory_gives() {
    for sql in STATEMENTS {
        let (held, streamed) = (setting(sql, usize::MAX), setting(sql, 0));
        assert!(streamed.catalog.table("people").unwrap().held().is_none());
        let rows = streamed.rows().await.unwrap();
        assert_eq!(rows, held.rows().await.unwrap(), "{sql}");
        assert!(rows.num_rows() > 0);
    }
}

#[tokio::test]
async fn a_file_that_is_not_what_jobs_are_committed_to_gives_no_rows() {
    for sql in STATEMENTS {
        let setting = setting(sql, 0);
        // The sum of ages is the same, but the rows are others.
        let mut swapped = lines();
        swapped.swap(1, ROWS - 1);
        fs::write(&setting.path, text(&swapped)).unwrap();
        let counts = sql.contains("COUNT(*)") && !sql.contains("WHERE");
        match setting.rows().await {
            // Nothing but the number of rows is read.
            Ok(_) => assert!(counts, "{sql}"),
            Err(error) => assert!(is_changed(&error) && !counts, "{sql}: {error}"),
        }
        setting.write(ROWS - 1, "");
        assert!(is_changed(&setting.rows().await.unwrap_err()), "{sql}");
        setting.write(ROWS - 1, "x,y,z\n");
        assert!(counts || is_changed(&setting.rows().await.unwrap_err()), "{sql}");
        fs::remove_file(&setting.path).unwrap();
        assert!(is_changed(&setting.rows().await.unwrap_err()), "{sql}");
    }
}

#[tokio::test]
async fn what_a_sub_plan_does_not_read_is_read_all_the_same() {
    let mut setting = setting(STATEMENTS[0], 0);
    setting.local =
        LogicalPlanBuilder::from(setting.local).limit(0, Some(1)).unwrap().build().unwrap();
    assert_eq!(setting.rows().await.unwrap().num_rows(), 1);
    setting.write(ROWS - 1, "39999,91,b\n");
    let mut batches =
        local_batches(&setting.catalog, &setting.local, &setting.input).await.unwrap();
    assert_eq!(batches.next().await.unwrap().unwrap().num_rows(), 1);
    assert!(is_changed(&batches.next().await.unwrap().unwrap_err()));
}
