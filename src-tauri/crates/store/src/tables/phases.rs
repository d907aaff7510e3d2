//! How long each phase of a result took.

use super::Migration;
use crate::Result;
use crate::columns::{Cells, insert, maybe, word};
use contract::Phase;
use duckdb::types::Value;
use duckdb::{Connection, params};

pub const MIGRATIONS: &[Migration] = &[Migration {
    version: 1,
    sql: "CREATE TABLE phases (
        run BIGINT NOT NULL REFERENCES runs (key),
        position UINTEGER NOT NULL,
        name VARCHAR NOT NULL,
        ms DOUBLE NOT NULL,
        peak_bytes UBIGINT
    );",
}];

pub fn save(conn: &Connection, run: i64, phases: &[Phase]) -> Result<()> {
    for (position, phase) in phases.iter().enumerate() {
        let row = vec![
            ("run", run.into()),
            ("position", Value::UBigInt(position as u64)),
            ("name", word(phase.name)),
            ("ms", phase.ms.into()),
            ("peak_bytes", maybe(phase.peak_bytes)),
        ];
        insert(conn, "phases", row)?;
    }
    Ok(())
}

pub fn of(conn: &Connection, run: i64) -> Result<Vec<Phase>> {
    let mut statement = conn.prepare("SELECT name, ms, peak_bytes FROM phases WHERE run = ? ORDER BY position")?;
    let mut rows = statement.query(params![run])?;
    let mut phases = Vec::new();
    while let Some(row) = rows.next()? {
        let cells = Cells(row);
        phases.push(Phase { name: cells.word("name")?, ms: cells.get("ms")?, peak_bytes: cells.get("peak_bytes")? });
    }
    Ok(phases)
}
