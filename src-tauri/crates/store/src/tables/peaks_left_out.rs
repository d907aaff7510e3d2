//! What was left out when a machine's ceilings were measured, a sentence each with its reason.

use super::{Migration, machines};
use crate::Result;
use crate::columns::{Cells, insert, text};
use contract::MachineId;
use duckdb::types::Value;
use duckdb::{Connection, params};

pub const MIGRATIONS: &[Migration] = &[Migration {
    version: 6,
    sql: "CREATE TABLE peaks_left_out (
        machine VARCHAR NOT NULL REFERENCES machines (id),
        position UINTEGER NOT NULL,
        sentence VARCHAR NOT NULL
    );",
}];

/// Puts these in the place of all earlier ones of the machine.
pub fn replace(conn: &Connection, machine: &MachineId, sentences: &[String]) -> Result<()> {
    machines::know_id(conn, &machine.0)?;
    conn.execute("DELETE FROM peaks_left_out WHERE machine = ?", params![machine.0])?;
    for (position, sentence) in sentences.iter().enumerate() {
        let row = vec![
            ("machine", text(&machine.0)),
            ("position", Value::UBigInt(position as u64)),
            ("sentence", text(sentence)),
        ];
        insert(conn, "peaks_left_out", row)?;
    }
    Ok(())
}

/// In the order they were told.
pub fn of(conn: &Connection, machine: &MachineId) -> Result<Vec<String>> {
    let mut statement = conn.prepare("SELECT sentence FROM peaks_left_out WHERE machine = ? ORDER BY position")?;
    let mut rows = statement.query(params![machine.0])?;
    let mut sentences = Vec::new();
    while let Some(row) = rows.next()? {
        sentences.push(Cells(row).get("sentence")?);
    }
    Ok(sentences)
}
