//! The variables that each version of a template declares.

use super::Migration;
use crate::Result;
use crate::columns::{insert, json, text};
use contract::TemplateVariable;
use duckdb::Connection;

pub const MIGRATIONS: &[Migration] = &[Migration {
    version: 2,
    sql: "CREATE TABLE template_variables (
        version INTEGER NOT NULL REFERENCES template_versions (key),
        name VARCHAR NOT NULL,
        kind VARCHAR NOT NULL,
        default_value VARCHAR NOT NULL,  -- JSON
        allowed VARCHAR NOT NULL,  -- JSON list, empty where any value is
        help VARCHAR NOT NULL,
        PRIMARY KEY (version, name)
    );",
}];

pub fn add(conn: &Connection, version: i64, variables: &[TemplateVariable]) -> Result<()> {
    for variable in variables {
        let row = vec![
            ("version", version.into()),
            ("name", text(&variable.name)),
            ("kind", text(&variable.kind)),
            ("default_value", json(&variable.default)),
            ("allowed", json(&variable.allowed)),
            ("help", text(&variable.help)),
        ];
        insert(conn, "template_variables", row)?;
    }
    Ok(())
}
