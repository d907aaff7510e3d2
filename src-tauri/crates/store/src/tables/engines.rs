//! The engines (for imported results: the runtimes) that results name.

use super::Migration;
use crate::Result;
use crate::columns::{intern, text};
use contract::EngineId;
use duckdb::Connection;

pub const MIGRATIONS: &[Migration] = &[Migration {
    version: 1,
    sql: "CREATE TABLE engines (
        key INTEGER PRIMARY KEY,
        id VARCHAR NOT NULL UNIQUE
    );",
}];

pub fn key(conn: &Connection, id: &EngineId) -> Result<i64> {
    intern(conn, "engines", vec![("id", text(&id.0))])
}
