//! The macros that each version of a template offers to others.

use super::Migration;
use crate::Result;
use crate::columns::{insert, text};
use duckdb::Connection;

pub const MIGRATIONS: &[Migration] = &[Migration {
    version: 2,
    sql: "CREATE TABLE template_helpers (
        version INTEGER NOT NULL REFERENCES template_versions (key),
        name VARCHAR NOT NULL,
        PRIMARY KEY (version, name)
    );",
}];

pub fn add(conn: &Connection, version: i64, names: &[String]) -> Result<()> {
    for name in names {
        insert(conn, "template_helpers", vec![("version", version.into()), ("name", text(name))])?;
    }
    Ok(())
}
