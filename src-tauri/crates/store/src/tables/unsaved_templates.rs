//! What was typed into a template and not saved: it outlives a crash.

use super::{Migration, templates};
use crate::Result;
use crate::columns::{text, time};
use duckdb::{Connection, OptionalExt, params, params_from_iter};
use jiff::Timestamp;

pub const MIGRATIONS: &[Migration] = &[Migration {
    version: 3,
    sql: "CREATE TABLE unsaved_templates (
        template INTEGER PRIMARY KEY REFERENCES templates (key),
        text VARCHAR NOT NULL,
        typed_at TIMESTAMP_NS NOT NULL
    );",
}];

pub fn keep(conn: &Connection, name: &str, typed: &str, now: Timestamp) -> Result<()> {
    let template = templates::key_of(conn, name)?;
    let sql = "INSERT OR REPLACE INTO unsaved_templates VALUES (?, ?, ?)";
    conn.execute(sql, params_from_iter([template.into(), text(typed), time(now)]))?;
    Ok(())
}

pub fn forget(conn: &Connection, name: &str) -> Result<()> {
    conn.execute(
        "DELETE FROM unsaved_templates WHERE template = (SELECT key FROM templates WHERE name = ?)",
        params![name],
    )?;
    Ok(())
}

pub fn of(conn: &Connection, name: &str) -> Result<Option<String>> {
    let sql = "SELECT u.text FROM unsaved_templates u JOIN templates t ON t.key = u.template WHERE t.name = ?";
    Ok(conn.query_row(sql, params![name], |row| row.get(0)).optional()?)
}

pub fn names(conn: &Connection) -> Result<Vec<String>> {
    let sql = "SELECT t.name FROM unsaved_templates u JOIN templates t ON t.key = u.template ORDER BY t.name";
    let mut statement = conn.prepare(sql)?;
    let rows = statement.query_map([], |row| row.get(0))?;
    Ok(rows.collect::<std::result::Result<_, _>>()?)
}
