//! The machine as it was when a result was measured.

use super::{Migration, machines};
use crate::Result;
use crate::columns::{Cells, insert, json, maybe, maybe_text, text};
use contract::{Environment, MachineId};
use duckdb::types::Value;
use duckdb::{Connection, params};

pub const MIGRATIONS: &[Migration] = &[Migration {
    version: 1,
    sql: "CREATE TABLE environments (
        run BIGINT PRIMARY KEY REFERENCES runs (key),
        machine VARCHAR REFERENCES machines (id),
        os VARCHAR NOT NULL,
        cpu VARCHAR NOT NULL,
        cpu_features VARCHAR NOT NULL,  -- JSON: a list of words
        logical_cores UINTEGER NOT NULL,
        memory_bytes UBIGINT NOT NULL,
        available_memory_bytes UBIGINT NOT NULL,
        governor VARCHAR,
        frequency_mhz DOUBLE,
        load DOUBLE,
        power VARCHAR,
        assay_version VARCHAR NOT NULL
    );",
}];

pub fn save(conn: &Connection, run: i64, environment: &Environment) -> Result<()> {
    machines::know(conn, environment)?;
    let machine = Some(environment.machine.0.as_str()).filter(|id| !id.is_empty());
    let row = vec![
        ("run", run.into()),
        ("machine", maybe_text(machine)),
        ("os", text(&environment.os)),
        ("cpu", text(&environment.cpu)),
        ("cpu_features", json(&environment.cpu_features)),
        ("logical_cores", Value::UInt(environment.logical_cores)),
        ("memory_bytes", Value::UBigInt(environment.memory_bytes)),
        ("available_memory_bytes", Value::UBigInt(environment.available_memory_bytes)),
        ("governor", maybe_text(environment.governor.as_deref())),
        ("frequency_mhz", maybe(environment.frequency_mhz)),
        ("load", maybe(environment.load)),
        ("power", maybe_text(environment.power.as_deref())),
        ("assay_version", text(&environment.assay_version)),
    ];
    insert(conn, "environments", row)
}

/// The default, which says nothing, for imported results.
pub fn of(conn: &Connection, run: i64) -> Result<Environment> {
    let mut statement = conn.prepare("SELECT * FROM environments WHERE run = ?")?;
    let mut rows = statement.query(params![run])?;
    let Some(row) = rows.next()? else { return Ok(Environment::default()) };
    let cells = Cells(row);
    Ok(Environment {
        machine: MachineId(cells.get::<Option<String>>("machine")?.unwrap_or_default()),
        os: cells.get("os")?,
        cpu: cells.get("cpu")?,
        cpu_features: cells.json("cpu_features")?,
        logical_cores: cells.get("logical_cores")?,
        memory_bytes: cells.get("memory_bytes")?,
        available_memory_bytes: cells.get("available_memory_bytes")?,
        governor: cells.get("governor")?,
        frequency_mhz: cells.get("frequency_mhz")?,
        load: cells.get("load")?,
        power: cells.get("power")?,
        assay_version: cells.get("assay_version")?,
    })
}
