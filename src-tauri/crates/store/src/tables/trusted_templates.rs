//! Versions of templates of which a person has said that what they make may run.

use super::Migration;
use crate::columns::{Cells, time};
use crate::{Result, StoreError};
use contract::TemplateAt;
use duckdb::{Connection, OptionalExt, params, params_from_iter};
use jiff::Timestamp;

pub const MIGRATIONS: &[Migration] = &[Migration {
    version: 4,
    sql: "CREATE TABLE trusted_templates (
        version INTEGER PRIMARY KEY REFERENCES template_versions (key),
        trusted_at TIMESTAMP_NS NOT NULL
    );",
}];

/// One that is trusted already stays so.
pub fn add(conn: &Connection, TemplateAt { name, version }: &TemplateAt, now: Timestamp) -> Result<()> {
    let sql = "SELECT v.key FROM template_versions v JOIN templates t ON t.key = v.template
               WHERE t.name = ? AND v.number = ?";
    let key: Option<i64> = conn.query_row(sql, params![name, version], |row| row.get(0)).optional()?;
    let key = key.ok_or_else(|| StoreError::NoTemplate(format!("{name}, version {version}")))?;
    conn.execute("INSERT OR IGNORE INTO trusted_templates VALUES (?, ?)", params_from_iter([key.into(), time(now)]))?;
    Ok(())
}

pub fn all(conn: &Connection) -> Result<Vec<TemplateAt>> {
    let mut statement = conn.prepare(
        "SELECT t.name, v.number FROM trusted_templates s JOIN template_versions v ON v.key = s.version
         JOIN templates t ON t.key = v.template ORDER BY t.name, v.number",
    )?;
    let mut rows = statement.query([])?;
    let mut trusted = Vec::new();
    while let Some(row) = rows.next()? {
        let cells = Cells(row);
        trusted.push(TemplateAt { name: cells.get("name")?, version: cells.get("number")? });
    }
    Ok(trusted)
}
