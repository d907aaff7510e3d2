//! What was run where: one row for each model, engine and device that have results together.
//!
//! A result refers to its subject alone, so a million results keep one small number instead of three names.

use super::{Migration, devices, engines, models};
use crate::Result;
use crate::columns::intern;
use contract::Run;
use duckdb::Connection;

pub const MIGRATIONS: &[Migration] = &[Migration {
    version: 1,
    sql: "CREATE TABLE subjects (
        key INTEGER PRIMARY KEY,
        model INTEGER NOT NULL REFERENCES models (key),
        engine INTEGER NOT NULL REFERENCES engines (key),
        device INTEGER NOT NULL REFERENCES devices (key),
        UNIQUE (model, engine, device)
    );",
}];

pub fn key(conn: &Connection, run: &Run) -> Result<i64> {
    let model = models::key(conn, &run.model)?;
    let engine = engines::key(conn, &run.setting.engine)?;
    let device = devices::key(conn, run)?;
    intern(conn, "subjects", vec![("model", model.into()), ("engine", engine.into()), ("device", device.into())])
}
