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
