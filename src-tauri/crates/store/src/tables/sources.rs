//! Where results that were not measured here come from.

use super::Migration;
use crate::Result;
use crate::columns::{intern, text};
use duckdb::Connection;
use duckdb::types::Value;

pub const MIGRATIONS: &[Migration] = &[Migration {
    version: 1,
    sql: "CREATE TABLE sources (
        key INTEGER PRIMARY KEY,
        import INTEGER REFERENCES imports (key),  -- NULL: stored by another way than a table
        name VARCHAR NOT NULL,                    -- what is shown
        stated VARCHAR                            -- the table's own word, NULL where it said none
    );",
}];

pub fn key(conn: &Connection, name: &str) -> Result<i64> {
    let row = vec![("import", Value::Null), ("name", text(name)), ("stated", text(name))];
    intern(conn, "sources", row)
}
