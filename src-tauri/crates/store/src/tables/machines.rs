//! The machines results come from, with the last inventory of each.

use super::{Migration, peaks, peaks_left_out};
use crate::Result;
use crate::columns::{Cells, insert, json, text, time};
use contract::{Environment, Machine};
use duckdb::types::Value;
use duckdb::{Connection, params, params_from_iter};

pub const MIGRATIONS: &[Migration] = &[Migration {
    version: 1,
    sql: "CREATE TABLE machines (
        id VARCHAR PRIMARY KEY,
        name VARCHAR NOT NULL,
        os VARCHAR NOT NULL,
        cpu VARCHAR NOT NULL,
        physical_cores UINTEGER,
        logical_cores UINTEGER NOT NULL,
        memory_bytes UBIGINT NOT NULL,
        scanned_at TIMESTAMP_NS,  -- NULL: known only from its results
        inventory VARCHAR         -- JSON of contract::Machine, without its peaks
    );",
}];

/// Keeps the inventory; the peaks and what was left out of them lie in their own tables and are written by measuring them.
pub fn save(conn: &Connection, machine: &Machine) -> Result<()> {
    let inventory = json(&Machine { peaks: Vec::new(), peaks_left_out: Vec::new(), ..machine.clone() });
    let row = vec![
        ("name", text(&machine.name)),
        ("os", text(&machine.os)),
        ("cpu", text(&machine.cpu)),
        ("physical_cores", Value::UInt(machine.physical_cores)),
        ("logical_cores", Value::UInt(machine.logical_cores)),
        ("memory_bytes", Value::UBigInt(machine.memory_bytes)),
        ("scanned_at", time(machine.scanned_at)),
        ("inventory", inventory),
    ];
    if !exists(conn, &machine.id.0)? {
        let mut row = row;
        row.push(("id", text(&machine.id.0)));
        return insert(conn, "machines", row);
    }
    let set: Vec<String> = row.iter().map(|(name, _)| format!("{name} = ?")).collect();
    let values = row.into_iter().map(|(_, value)| value).chain([text(&machine.id.0)]);
    conn.prepare(&format!("UPDATE machines SET {} WHERE id = ?", set.join(", ")))?.execute(params_from_iter(values))?;
    Ok(())
}

/// The inventory scanned last, with the peaks measured on that machine.
pub fn last(conn: &Connection) -> Result<Option<Machine>> {
    let mut statement = conn
        .prepare("SELECT inventory FROM machines WHERE inventory IS NOT NULL ORDER BY scanned_at DESC, id LIMIT 1")?;
    let mut rows = statement.query([])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let mut machine: Machine = Cells(row).json("inventory")?;
    machine.peaks = peaks::of(conn, &machine.id)?;
    machine.peaks_left_out = peaks_left_out::of(conn, &machine.id)?;
    Ok(Some(machine))
}

/// Makes sure that there is a row for the machine of a result, which may not have been scanned.
pub fn know(conn: &Connection, environment: &Environment) -> Result<()> {
    let id = &environment.machine.0;
    if id.is_empty() || exists(conn, id)? {
        return Ok(());
    }
    let row = vec![
        ("id", text(id)),
        ("name", text("")),
        ("os", text(&environment.os)),
        ("cpu", text(&environment.cpu)),
        ("logical_cores", Value::UInt(environment.logical_cores)),
        ("memory_bytes", Value::UBigInt(environment.memory_bytes)),
    ];
    insert(conn, "machines", row)
}

/// For a machine that was never scanned.
pub fn know_id(conn: &Connection, id: &str) -> Result<()> {
    let unknown = Environment { machine: id.into(), ..Environment::default() };
    know(conn, &unknown)
}

fn exists(conn: &Connection, id: &str) -> Result<bool> {
    Ok(conn.prepare("SELECT 1 FROM machines WHERE id = ?")?.exists(params![id])?)
}
