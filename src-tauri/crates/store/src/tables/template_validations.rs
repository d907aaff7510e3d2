//! What was found wrong with each version of a template when it was kept.

use super::Migration;
use crate::Result;
use crate::columns::{insert, maybe, text, time};
use contract::TemplateProblem;
use duckdb::Connection;
use jiff::Timestamp;

pub const MIGRATIONS: &[Migration] = &[Migration {
    version: 2,
    sql: "CREATE TABLE template_validations (
        version INTEGER NOT NULL REFERENCES template_versions (key),
        position UINTEGER NOT NULL,
        line UINTEGER,
        column_number UINTEGER,
        reason VARCHAR NOT NULL,
        remedy VARCHAR NOT NULL,
        checked_at TIMESTAMP_NS NOT NULL,
        PRIMARY KEY (version, position)
    );",
}];

pub fn add(conn: &Connection, version: i64, problems: &[TemplateProblem], now: Timestamp) -> Result<()> {
    for (position, problem) in problems.iter().enumerate() {
        let row = vec![
            ("version", version.into()),
            ("position", duckdb::types::Value::UBigInt(position as u64)),
            ("line", maybe(problem.line)),
            ("column_number", maybe(problem.column)),
            ("reason", text(&problem.reason)),
            ("remedy", text(&problem.remedy)),
            ("checked_at", time(now)),
        ];
        insert(conn, "template_validations", row)?;
    }
    Ok(())
}
