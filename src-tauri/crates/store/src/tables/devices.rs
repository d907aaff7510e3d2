//! The devices that results ran on, each with its machine.

use super::Migration;
use crate::Result;
use crate::columns::{intern, maybe_text, text, word};
use contract::Run;
use duckdb::Connection;
use duckdb::types::Value;

pub const MIGRATIONS: &[Migration] = &[Migration {
    version: 1,
    sql: "CREATE TABLE devices (
        key INTEGER PRIMARY KEY,
        machine VARCHAR REFERENCES machines (id),  -- NULL: imported
        id VARCHAR NOT NULL,
        name VARCHAR NOT NULL,
        platform VARCHAR NOT NULL,
        hardware VARCHAR NOT NULL,  -- the word of the neutral table
        count UINTEGER              -- devices used together; NULL: not said
    );",
}];

pub fn key(conn: &Connection, run: &Run) -> Result<i64> {
    let machine = Some(run.environment.machine.0.as_str()).filter(|id| !id.is_empty());
    let row = vec![
        ("machine", maybe_text(machine)),
        ("id", text(&run.setting.device.0)),
        ("name", text(&run.effective.device_name)),
        ("platform", word(run.platform)),
        ("hardware", text(run.device_name())),
        ("count", Value::UInt(1)),
    ];
    intern(conn, "devices", row)
}
