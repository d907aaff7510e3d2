//! Brings a file to this Assay's schema: every step of a version in one transaction.

use crate::tables::Migration;
use crate::{Result, StoreError};
use duckdb::{Connection, params};
use std::path::Path;

/// The schema a set of tables leads to.
pub fn latest(tables: &[&[Migration]]) -> u32 {
    tables.iter().flat_map(|steps| steps.iter()).map(|step| step.version).max().unwrap_or(0)
}

/// The schema the file has: 0 for a file without any table. Fails for a file that is DuckDB's and not Assay's.
pub fn version(conn: &Connection, path: &Path) -> Result<u32> {
    let tables: u64 =
        conn.query_row("SELECT count(*) FROM duckdb_tables() WHERE NOT internal", [], |row| row.get(0))?;
    if tables == 0 {
        return Ok(0);
    }
    let ours: u64 = conn.query_row(
        "SELECT count(*) FROM duckdb_columns() WHERE table_name = 'assay' AND column_name = 'schema_version'",
        [],
        |row| row.get(0),
    )?;
    if ours == 0 {
        let reason = "it is a DuckDB file of another program";
        return Err(StoreError::unusable(path, reason, "Nothing was changed. Choose another file"));
    }
    Ok(conn.query_row("SELECT schema_version FROM assay", [], |row| row.get(0))?)
}

/// Runs what is newer than `from`. DuckDB cannot alter a constrained table freely: a step copies it, drops those
/// that refer to it and itself, and makes them anew, all in this transaction.
pub fn migrate(conn: &Connection, tables: &[&[Migration]], from: u32) -> Result<()> {
    conn.execute_batch("BEGIN")?;
    let done = steps(conn, tables, from);
    match done {
        Ok(()) => Ok(conn.execute_batch("COMMIT")?),
        Err(error) => {
            // The first error tells what went wrong; a rollback after it changes nothing in the file.
            let _ = conn.execute_batch("ROLLBACK");
            Err(error)
        }
    }
}

fn steps(conn: &Connection, tables: &[&[Migration]], from: u32) -> Result<()> {
    if from == 0 {
        conn.execute_batch(
            "CREATE TABLE assay (schema_version UINTEGER NOT NULL, written_by VARCHAR NOT NULL);
             INSERT INTO assay VALUES (0, '');",
        )?;
    }
    let to = latest(tables);
    for version in from + 1..=to {
        for step in tables.iter().flat_map(|steps| steps.iter()).filter(|step| step.version == version) {
            conn.execute_batch(step.sql)?;
        }
    }
    conn.execute("UPDATE assay SET schema_version = ?, written_by = ?", params![to, env!("CARGO_PKG_VERSION")])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::latest;
    use crate::tables::{self, Migration, template_versions, templates};
    use crate::{Store, StoreError, file};
    use contract::{Filter, RunOrder};
    use std::fs;
    use std::ops::ControlFlow;
    use std::path::{Path, PathBuf};
    use tempfile::TempDir;

    const PARENTS: &[Migration] = &[
        Migration { version: 1, sql: "CREATE TABLE parents (key INTEGER PRIMARY KEY, name VARCHAR NOT NULL);" },
        Migration {
            version: 2,
            sql: "CREATE TEMP TABLE old_children AS FROM children; CREATE TEMP TABLE old_parents AS FROM parents;
                DROP TABLE children; DROP TABLE parents;
                CREATE TABLE parents (key INTEGER PRIMARY KEY, name VARCHAR NOT NULL UNIQUE, age UINTEGER NOT NULL);
                INSERT INTO parents SELECT key, name, 7 FROM old_parents;
                CREATE TABLE children (key INTEGER PRIMARY KEY, parent INTEGER NOT NULL REFERENCES parents (key));
                INSERT INTO children FROM old_children;
                DROP TABLE old_children; DROP TABLE old_parents;",
        },
    ];
    const CHILDREN: &[Migration] = &[Migration {
        version: 1,
        sql: "CREATE TABLE children (key INTEGER PRIMARY KEY, parent INTEGER REFERENCES parents (key));",
    }];
    const OLD: &[&[Migration]] = &[&[PARENTS_1], CHILDREN];
    const PARENTS_1: Migration = Migration { version: 1, sql: PARENTS[0].sql };
    const NEW: &[&[Migration]] = &[PARENTS, CHILDREN];
    const BROKEN: &[&[Migration]] = &[
        &[PARENTS_1, Migration { version: 2, sql: "DROP TABLE children; CREATE TABLE parents (nonsense)" }],
        CHILDREN,
    ];

    /// A closed file of the old schema with a few rows, the last of them only in the log.
    fn old() -> (TempDir, PathBuf) {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("assay.duckdb");
        let store = Store::open_with(&path, OLD).unwrap();
        let rows = "INSERT INTO parents VALUES (1, 'a'), (2, 'b'); INSERT INTO children VALUES (10, 1), (11, 2);";
        store.execute(rows).unwrap();
        (folder, path)
    }

    fn backups(folder: &Path) -> Vec<PathBuf> {
        let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        paths.filter(|path| path.to_string_lossy().contains(".before-v")).collect()
    }

    #[test]
    fn an_older_file_is_backed_up_and_brought_up_to_date() {
        let (folder, path) = old();
        let store = Store::open_with(&path, NEW).unwrap();
        let rows =
            store.query("SELECT c.key, p.name, p.age FROM children c JOIN parents p ON p.key = c.parent ORDER BY 1");
        assert_eq!(
            rows.unwrap(),
            serde_json::json!([{"key": 10, "name": "a", "age": 7}, {"key": 11, "name": "b", "age": 7}])
        );
        let orphan = store.execute("INSERT INTO children VALUES (12, 99)").unwrap_err();
        assert!(format!("{orphan:?}").contains("foreign key"), "the rebuilt tables keep their constraints: {orphan:?}");
        let [backup] = &backups(folder.path())[..] else { panic!("there should be one backup") };
        assert!(store.notices()[0].text.contains(&backup.display().to_string()));
        drop(store);
        assert!(Store::open_with(&path, NEW).unwrap().notices().is_empty(), "a second opening migrates nothing");
        let kept = Store::open_with(backup, OLD).unwrap();
        assert_eq!(kept.query("SELECT count(*) AS n FROM parents").unwrap()[0]["n"], 2);
    }

    #[test]
    fn a_migration_that_fails_changes_nothing() {
        let (folder, path) = old();
        let error = Store::open_with(&path, BROKEN).err().unwrap();
        assert!(matches!(error, StoreError::Database { .. }), "{error:?}");
        assert_eq!(backups(folder.path()).len(), 1);
        let store = Store::open_with(&path, OLD).unwrap();
        assert_eq!(store.query("SELECT count(*) AS n FROM children").unwrap()[0]["n"], 2);
    }

    #[test]
    fn a_newer_file_is_refused_and_untouched() {
        let (folder, path) = old();
        drop(Store::open_with(&path, NEW).unwrap());
        let before = (fs::read(&path).unwrap(), file::log_path(&path).exists());
        let error = Store::open_with(&path, OLD).err().unwrap();
        assert!(matches!(error, StoreError::Newer { found: 2, known: 1, .. }), "{error:?}");
        assert_eq!((fs::read(&path).unwrap(), file::log_path(&path).exists()), before);
        assert_eq!(backups(folder.path()).len(), 1);
    }

    #[test]
    fn a_store_brings_no_trust_of_its_own() {
        const VERSIONS: Migration = Migration { version: 2, sql: template_versions::MIGRATIONS[0].sql };
        const TRUST: Migration = Migration {
            version: 4,
            sql: "CREATE TABLE trusted_templates (version INTEGER PRIMARY KEY REFERENCES template_versions (key));",
        };
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("assay.duckdb");
        let store = Store::open_with(&path, &[templates::MIGRATIONS, &[VERSIONS], &[TRUST]]).unwrap();
        let rows = "INSERT INTO templates VALUES (1, 'a.py');
            INSERT INTO template_versions VALUES (1, 1, 1, 'text', 'test', '', '', '2026-01-01', 'saved', false);
            INSERT INTO trusted_templates VALUES (1);";
        store.execute(rows).unwrap();
        drop(store);
        let store = Store::open_with(&path, &[templates::MIGRATIONS, template_versions::MIGRATIONS]).unwrap();
        let trust = "SELECT count(*) AS n FROM duckdb_tables() WHERE table_name = 'trusted_templates'";
        assert_eq!(store.query(trust).unwrap()[0]["n"], 0);
        assert_eq!(store.query("SELECT text FROM template_versions").unwrap()[0]["text"], "text");
    }

    /// A result of each kind that version 6 tells otherwise: sound, sound beside a text, two edges, further dimensions,
    /// another precision, and one that ran elsewhere. All in the columns of version 5.
    const TOLD_OTHERWISE: &str = r#"
        INSERT INTO models (key, id, name, family) VALUES (1, 'a', 'wav2vec2-base', 'wav2vec2'), (2, 'b', 'clap', 'clap'),
            (3, 'c', 'resnet-50', 'resnet'), (4, 'd', 'mine', 'onnx');
        INSERT INTO engines (key, id) VALUES (1, 'candle');
        INSERT INTO devices (key, id, name, platform, hardware) VALUES (1, 'cpu', 'a CPU', 'cpu', 'a CPU');
        INSERT INTO subjects (key, model, engine, device) VALUES (1, 1, 1, 1), (2, 2, 1, 1), (3, 3, 1, 1), (4, 4, 1, 1);
        INSERT INTO runs (key, id, subject, evidence, precision, effective_precision, mode, batch, size, engine_version,
                started_at, graph_hash, median_ms, note, fingerprint)
            SELECT key, uuidv7(), subject, 'measured', precision, 'f32', 'inference', 1, size, '1', '2026-01-01', 'h', 5.5 + key,
                '', key
            FROM (VALUES (1, 1, 'f32', NULL), (2, 2, 'f32', 64), (3, 3, 'f32', 224), (4, 4, 'f32', NULL), (5, 3, 'f16', 224),
                (6, 4, 'f32', 8)) r (key, subject, precision, size);
        INSERT INTO details (run, dims, seed, budget_secs, percentiles, output_check, precision_source, flags, log)
            SELECT key, dims, 1, 10, '[]', '{}', '', '[]', '[]'
            FROM (VALUES (1, '{"samples":16000}'), (2, '{"frames":1001}'), (3, '{"width":224}'), (4, '{"samples":5,"text":16}'),
                (5, '{}'), (6, '{}')) d (key, dims);
        INSERT INTO placements (run, node_share, mac_share, parts, source) VALUES (1, 1, 1, '[]', ''), (6, 0.5, 0, '[]', '');
        UPDATE runs SET fingerprint = NULL WHERE key = 3;"#;

    /// A store with these rows that an Assay of this schema left, opened by the one of today.
    fn left_by(version: u32, rows: &str) -> (TempDir, Store) {
        let up_to = |steps: &&[Migration]| {
            let steps = steps.iter().filter(|step| step.version <= version);
            steps.map(|step| Migration { version: step.version, sql: step.sql }).collect::<Vec<_>>()
        };
        let tables: Vec<Vec<Migration>> = tables::ALL.iter().map(up_to).collect();
        let tables: Vec<&[Migration]> = tables.iter().map(Vec::as_slice).collect();
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("assay.duckdb");
        let store = Store::open_with(&path, &tables).unwrap();
        store.execute(rows).unwrap();
        drop(store);
        (folder, Store::open(&path).unwrap())
    }

    #[test]
    fn frames_of_version_6_are_one_more_than_steps() {
        let heard = "UPDATE runs SET size = 1001, size_unit = 'sound/100', task_unit = 'sound-seconds',
            per_sample = 10.01 WHERE key = 2;";
        let (_folder, store) = left_by(6, &format!("{TOLD_OTHERWISE} {heard}"));
        let rows = store.list_runs(&Filter::default(), RunOrder::Oldest, 0, 10).unwrap().rows;
        let told = rows.iter().filter_map(|row| Some((row.fed().words().join(", "), row.per_sample?.count)));
        assert_eq!(told.collect::<Vec<_>>(), [("batch 1, 10 s of sound".to_owned(), 10.0)]);
    }

    #[test]
    fn results_of_version_5_say_what_they_are_of() {
        let (folder, store) = left_by(5, TOLD_OTHERWISE);
        let rows = store.list_runs(&Filter::default(), RunOrder::Oldest, 0, 10).unwrap().rows;
        let told: Vec<String> = rows.iter().map(|row| row.fed().words().join(", ")).collect();
        let expected = [
            "batch 1, 1 s of sound",
            "batch 1, 10 s of sound, sequence 64",
            "batch 1, size 224",
            "batch 1, samples 5, text 16",
            "batch 1, size 224",
            "batch 1, size 8",
        ];
        assert_eq!(told, expected);
        let withheld: Vec<Option<&str>> = rows.iter().map(|row| row.withheld.as_deref()).collect();
        let elsewhere = Some("it ran elsewhere: nothing of its work was done on a CPU");
        assert_eq!(withheld, [None, None, None, None, None, elsewhere]);
        let dims = store.query("SELECT dims FROM details WHERE run <= 3 ORDER BY run").unwrap();
        assert_eq!(dims, serde_json::json!([{"dims": "{}"}, {"dims": "{\"sequence\":64}"}, {"dims": "{}"}]));

        let table = folder.path().join("out.csv");
        assert_eq!(store.export(&table, &Filter::default(), false).unwrap().rows, 5);
        let report = store.import(&table, &mut |_, _| ControlFlow::Continue(())).unwrap();
        assert_eq!((report.taken, report.duplicates), (0, 5), "its own rows are there already");

        let earlier = "SELECT key FROM runs WHERE earlier_fingerprint = key ORDER BY key";
        let known = serde_json::json!([{"key": 1}, {"key": 2}, {"key": 4}, {"key": 5}]);
        assert_eq!(store.query(earlier).unwrap(), known);
        let older = folder.path().join("older.csv");
        fs::write(&older, "model,hardware,precision,mode,latency_ms\nmine,a CPU,f16,inference,2.5\n").unwrap();
        let import = || store.import(&older, &mut |_, _| ControlFlow::Continue(())).unwrap();
        assert_eq!(import().taken, 1);
        let aged = "UPDATE runs SET earlier_fingerprint = fingerprint, fingerprint = 0 WHERE evidence = 'imported'";
        store.execute(aged).unwrap();
        assert_eq!(import().duplicates, 1, "what an older Assay exported is here already");
    }

    #[test]
    fn the_latest_version_is_the_highest_of_all_tables() {
        assert_eq!((latest(OLD), latest(NEW), latest(&[])), (1, 2, 0));
    }
}
