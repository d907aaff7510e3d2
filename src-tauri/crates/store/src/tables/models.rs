//! The models that results name.

use super::Migration;
use crate::Result;
use crate::columns::{intern, text};
use contract::RunModel;
use duckdb::Connection;

pub const MIGRATIONS: &[Migration] = &[Migration {
    version: 1,
    sql: "CREATE TABLE models (
        key INTEGER PRIMARY KEY,
        id VARCHAR NOT NULL,
        name VARCHAR NOT NULL,
        family VARCHAR NOT NULL,
        UNIQUE (id, name, family)
    );",
}];

pub fn key(conn: &Connection, model: &RunModel) -> Result<i64> {
    intern(
        conn,
        "models",
        vec![("id", text(&model.id.0)), ("name", text(&model.name)), ("family", text(&model.family))],
    )
}
