//! Where the nodes of a result's graph really ran; of a table's result, the share of its work alone.

use super::Migration;
use crate::Result;
use crate::columns::{Cells, insert, json, maybe, text};
use contract::Placement;
use duckdb::{Connection, params};

pub const MIGRATIONS: &[Migration] = &[Migration {
    version: 1,
    sql: "CREATE TABLE placements (
        run BIGINT PRIMARY KEY REFERENCES runs (key),
        node_share DOUBLE NOT NULL,
        mac_share DOUBLE,
        parts VARCHAR NOT NULL,  -- JSON: a list of contract::PlacementPart
        source VARCHAR NOT NULL
    );",
}];

pub fn save(conn: &Connection, run: i64, placement: Option<&Placement>) -> Result<()> {
    let Some(placement) = placement else { return Ok(()) };
    let row = vec![
        ("run", run.into()),
        ("node_share", placement.node_share.into()),
        ("mac_share", maybe(placement.mac_share)),
        ("parts", json(&placement.parts)),
        ("source", text(&placement.source)),
    ];
    insert(conn, "placements", row)
}

pub fn of(conn: &Connection, run: i64) -> Result<Option<Placement>> {
    let mut statement = conn.prepare("SELECT * FROM placements WHERE run = ?")?;
    let mut rows = statement.query(params![run])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let cells = Cells(row);
    Ok(Some(Placement {
        node_share: cells.get("node_share")?,
        mac_share: cells.get("mac_share")?,
        parts: cells.json("parts")?,
        source: cells.get("source")?,
    }))
}
