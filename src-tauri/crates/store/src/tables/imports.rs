//! Every table that was brought in, with what became of its rows.

use super::Migration;
use crate::Result;
use crate::columns::{insert, next_key, text, time};
use contract::ImportReport;
use duckdb::Connection;
use jiff::Timestamp;

pub const MIGRATIONS: &[Migration] = &[Migration {
    version: 1,
    sql: "CREATE TABLE imports (
        key INTEGER PRIMARY KEY,
        file VARCHAR NOT NULL,  -- its name, without the folder
        imported_at TIMESTAMP_NS NOT NULL,
        row_count UBIGINT NOT NULL,
        taken UBIGINT NOT NULL,
        duplicates UBIGINT NOT NULL,
        refused UBIGINT NOT NULL
    );",
}];

/// Answers the key of the new row.
pub fn add(conn: &Connection, report: &ImportReport, now: Timestamp) -> Result<i64> {
    let key = next_key(conn, "imports")?;
    let row = vec![
        ("key", key.into()),
        ("file", text(&report.file)),
        ("imported_at", time(now)),
        ("row_count", report.rows.into()),
        ("taken", report.taken.into()),
        ("duplicates", report.duplicates.into()),
        ("refused", report.refused.into()),
    ];
    insert(conn, "imports", row)?;
    Ok(key)
}
