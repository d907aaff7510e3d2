//! How far the outputs of a lower precision lie from those in f32; results that were not compared have no row.

use super::Migration;
use crate::Result;
use crate::columns::{Cells, insert, maybe, text};
use contract::{EngineId, OutputError};
use duckdb::{Connection, params};

pub const MIGRATIONS: &[Migration] = &[Migration {
    version: 3,
    sql: "CREATE TABLE output_errors (
        run BIGINT PRIMARY KEY REFERENCES runs (key),
        against VARCHAR NOT NULL,  -- the engine that ran the model in f32
        cosine DOUBLE NOT NULL,
        largest_difference DOUBLE NOT NULL,
        relative_difference DOUBLE NOT NULL,
        divergence_nats DOUBLE     -- NULL: the model does not score the next word
    );",
}];

pub fn save(conn: &Connection, run: i64, error: Option<&OutputError>) -> Result<()> {
    let Some(error) = error else { return Ok(()) };
    let row = vec![
        ("run", run.into()),
        ("against", text(&error.against.0)),
        ("cosine", error.cosine.into()),
        ("largest_difference", error.largest_difference.into()),
        ("relative_difference", error.relative_difference.into()),
        ("divergence_nats", maybe(error.divergence_nats)),
    ];
    insert(conn, "output_errors", row)
}

pub fn of(conn: &Connection, run: i64) -> Result<Option<OutputError>> {
    let mut statement = conn.prepare("SELECT * FROM output_errors WHERE run = ?")?;
    let mut rows = statement.query(params![run])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let cells = Cells(row);
    Ok(Some(OutputError {
        against: EngineId(cells.get("against")?),
        cosine: cells.get("cosine")?,
        largest_difference: cells.get("largest_difference")?,
        relative_difference: cells.get("relative_difference")?,
        divergence_nats: cells.get("divergence_nats")?,
    }))
}
