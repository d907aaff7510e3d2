//! Measured ceilings of a machine's devices.

use super::{Migration, machines};
use crate::Result;
use crate::columns::{Cells, insert, json, maybe, maybe_word, text, time, word};
use contract::{MachineId, Peak};
use duckdb::types::Value;
use duckdb::{Connection, params};

pub const MIGRATIONS: &[Migration] = &[Migration {
    version: 1,
    sql: "CREATE TABLE peaks (
        machine VARCHAR NOT NULL REFERENCES machines (id),
        position UINTEGER NOT NULL,
        device VARCHAR NOT NULL,
        device_name VARCHAR NOT NULL,
        platform VARCHAR NOT NULL,
        kind VARCHAR NOT NULL,
        precision VARCHAR,
        threads UINTEGER,
        best DOUBLE NOT NULL,
        median DOUBLE NOT NULL,
        low DOUBLE NOT NULL,
        high DOUBLE NOT NULL,
        samples UINTEGER NOT NULL,
        method VARCHAR NOT NULL,
        measured_at TIMESTAMP_NS NOT NULL
    );",
}];

/// Puts these in the place of all earlier peaks of the machine.
pub fn replace(conn: &Connection, machine: &MachineId, peaks: &[Peak]) -> Result<()> {
    machines::know_id(conn, &machine.0)?;
    conn.execute("DELETE FROM peaks WHERE machine = ?", params![machine.0])?;
    for (position, peak) in peaks.iter().enumerate() {
        let row = vec![
            ("machine", text(&machine.0)),
            ("position", Value::UBigInt(position as u64)),
            ("device", text(&peak.device.0)),
            ("device_name", text(&peak.device_name)),
            ("platform", word(peak.platform)),
            ("kind", json(&peak.kind)),
            ("precision", maybe_word(peak.precision)),
            ("threads", maybe(peak.threads)),
            ("best", peak.best.into()),
            ("median", peak.median.into()),
            ("low", peak.low.into()),
            ("high", peak.high.into()),
            ("samples", peak.samples.into()),
            ("method", text(&peak.method)),
            ("measured_at", time(peak.measured_at)),
        ];
        insert(conn, "peaks", row)?;
    }
    Ok(())
}

/// In the order they were measured.
pub fn of(conn: &Connection, machine: &MachineId) -> Result<Vec<Peak>> {
    let mut statement = conn.prepare(
        "SELECT * EXCLUDE (measured_at), epoch_ns(measured_at) AS measured_at FROM peaks
         WHERE machine = ? ORDER BY position",
    )?;
    let mut rows = statement.query(params![machine.0])?;
    let mut peaks = Vec::new();
    while let Some(row) = rows.next()? {
        let cells = Cells(row);
        peaks.push(Peak {
            device: cells.get::<String>("device")?.into(),
            device_name: cells.get("device_name")?,
            platform: cells.word("platform")?,
            kind: cells.json("kind")?,
            precision: cells.maybe_word("precision")?,
            threads: cells.get("threads")?,
            best: cells.get("best")?,
            median: cells.get("median")?,
            low: cells.get("low")?,
            high: cells.get("high")?,
            samples: cells.get("samples")?,
            method: cells.get("method")?,
            measured_at: cells.time("measured_at")?,
        });
    }
    Ok(peaks)
}
