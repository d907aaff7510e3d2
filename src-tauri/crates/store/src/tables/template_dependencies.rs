//! Which templates each version extends, imports and includes, and in which version they were in use then.

use super::Migration;
use crate::Result;
use crate::columns::{insert, maybe, text};
use contract::TemplateNeed;
use duckdb::{Connection, OptionalExt, params};

pub const MIGRATIONS: &[Migration] = &[Migration {
    version: 2,
    sql: "CREATE TABLE template_dependencies (
        version INTEGER NOT NULL REFERENCES template_versions (key),
        how VARCHAR NOT NULL,
        name VARCHAR NOT NULL,
        needed INTEGER REFERENCES template_versions (key),  -- none where there was no such template
        PRIMARY KEY (version, how, name)
    );",
}];

pub fn add(conn: &Connection, version: i64, needs: &[TemplateNeed]) -> Result<()> {
    for need in needs {
        let sql = "SELECT v.key FROM template_versions v JOIN templates t ON t.key = v.template
                   WHERE t.name = ? AND v.origin <> 'offered' ORDER BY v.number DESC LIMIT 1";
        let needed: Option<i64> = conn.query_row(sql, params![need.name], |row| row.get(0)).optional()?;
        let row = vec![
            ("version", version.into()),
            ("how", text(&need.how)),
            ("name", text(&need.name)),
            ("needed", maybe(needed)),
        ];
        insert(conn, "template_dependencies", row)?;
    }
    Ok(())
}
