//! Templates by name; the text is in their versions.

use super::Migration;
use crate::columns::{insert, next_key, text};
use crate::{Result, StoreError};
use duckdb::{Connection, OptionalExt, params};

pub const MIGRATIONS: &[Migration] = &[Migration {
    version: 2,
    sql: "CREATE TABLE templates (
        key INTEGER PRIMARY KEY,
        name VARCHAR NOT NULL UNIQUE  -- its path: test/decoder.py
    );",
}];

/// The key of a template, made where there is none.
pub fn know(conn: &Connection, name: &str) -> Result<i64> {
    if let Some(key) = find(conn, name)? {
        return Ok(key);
    }
    let key = next_key(conn, "templates")?;
    insert(conn, "templates", vec![("key", key.into()), ("name", text(name))])?;
    Ok(key)
}

pub fn key_of(conn: &Connection, name: &str) -> Result<i64> {
    find(conn, name)?.ok_or_else(|| StoreError::NoTemplate(name.to_owned()))
}

fn find(conn: &Connection, name: &str) -> Result<Option<i64>> {
    Ok(conn.query_row("SELECT key FROM templates WHERE name = ?", params![name], |row| row.get(0)).optional()?)
}

pub fn names(conn: &Connection) -> Result<Vec<String>> {
    let mut statement = conn.prepare("SELECT name FROM templates ORDER BY name")?;
    let rows = statement.query_map([], |row| row.get(0))?;
    rows.collect::<std::result::Result<_, _>>().map_err(StoreError::from)
}
