//! What the person said of changes in watched series.

use super::Migration;
use crate::Result;
use crate::columns::{Cells, text, time, word};
use contract::{Mark, Marked};
use duckdb::{Connection, params, params_from_iter};
use jiff::Timestamp;

pub const MIGRATIONS: &[Migration] = &[Migration {
    version: 3,
    sql: "CREATE TABLE watch_marks (
        series VARCHAR NOT NULL,
        change_at VARCHAR NOT NULL,  -- empty: the whole series
        mark VARCHAR NOT NULL,
        marked_at TIMESTAMP_NS NOT NULL,
        PRIMARY KEY (series, change_at)
    );",
}];

/// Puts the mark in the place of an earlier one; none takes it away.
pub fn set(conn: &Connection, marked: &Marked, mark: Option<Mark>, now: Timestamp) -> Result<()> {
    let at = marked.at.as_deref().unwrap_or_default();
    match mark {
        Some(mark) => conn
            .prepare("INSERT OR REPLACE INTO watch_marks (series, change_at, mark, marked_at) VALUES (?, ?, ?, ?)")?
            .execute(params_from_iter([text(&marked.series), text(at), word(mark), time(now)]))?,
        None => {
            conn.execute("DELETE FROM watch_marks WHERE series = ? AND change_at = ?", params![marked.series, at])?
        }
    };
    Ok(())
}

pub fn all(conn: &Connection) -> Result<Vec<(Marked, Mark)>> {
    let mut statement = conn.prepare("SELECT series, change_at, mark FROM watch_marks ORDER BY series, change_at")?;
    let mut rows = statement.query([])?;
    let mut marks = Vec::new();
    while let Some(row) = rows.next()? {
        let cells = Cells(row);
        let at: String = cells.get("change_at")?;
        let marked = Marked { series: cells.get("series")?, at: Some(at).filter(|at| !at.is_empty()) };
        marks.push((marked, cells.word("mark")?));
    }
    Ok(marks)
}
