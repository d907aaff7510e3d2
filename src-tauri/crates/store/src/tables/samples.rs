//! Every warm sample of a result, in the order taken.

use super::Migration;
use crate::Result;
use crate::columns::{Cells, doubles, insert};
use duckdb::{Connection, params};

pub const MIGRATIONS: &[Migration] = &[Migration {
    version: 1,
    // One list a result: its figures lie together and need no index entry each.
    sql: "CREATE TABLE samples (
        run BIGINT PRIMARY KEY REFERENCES runs (key),
        ms DOUBLE[] NOT NULL
    );",
}];

pub fn save(conn: &Connection, run: i64, samples_ms: &[f64]) -> Result<()> {
    if samples_ms.is_empty() {
        return Ok(());
    }
    insert(conn, "samples", vec![("run", run.into()), ("ms", doubles(samples_ms))])
}

pub fn of(conn: &Connection, run: i64) -> Result<Vec<f64>> {
    let mut statement = conn.prepare("SELECT ms FROM samples WHERE run = ?")?;
    let mut rows = statement.query(params![run])?;
    match rows.next()? {
        Some(row) => Cells(row).doubles("ms"),
        None => Ok(Vec::new()),
    }
}
