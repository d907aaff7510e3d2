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
        return Err(StoreError::Unusable {
            path: path.to_owned(),
            reason: "it is a DuckDB file of another program".into(),
            remedy: "Nothing was changed. Choose another file".into(),
        });
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
    use crate::tables::{Migration, template_versions, templates};
    use crate::{Store, StoreError, file};
    use std::fs;
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

    #[test]
    fn the_latest_version_is_the_highest_of_all_tables() {
        assert_eq!((latest(OLD), latest(NEW), latest(&[])), (1, 2, 0));
    }
}
