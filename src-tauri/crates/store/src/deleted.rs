//! Results that were deleted and can be brought back.

use crate::Result;
use crate::columns::Cells;
use crate::filter::Condition;
use crate::tables::runs;
use contract::{DeletedPage, DeletedRow, Filter};
use duckdb::{Connection, params_from_iter};

/// Those that pass the filter, the newest deletion first.
pub fn page(conn: &Connection, filter: &Filter, offset: u64, limit: u32) -> Result<DeletedPage> {
    let condition = Condition::of_deleted(filter);
    let count = format!("SELECT count(*) FROM runs r WHERE {}", condition.sql);
    let total = conn.prepare(&count)?.query_row(params_from_iter(&condition.values), |row| row.get(0))?;
    // The key breaks ties, so that pages do not overlap.
    let sql = format!(
        "SELECT r.key, epoch_ns(r.deleted_at) AS deleted_at FROM runs r WHERE {}
         ORDER BY r.deleted_at DESC, r.key DESC LIMIT {limit} OFFSET {offset}",
        condition.sql
    );
    let mut statement = conn.prepare(&sql)?;
    let mut found = statement.query(params_from_iter(condition.values))?;
    let (mut keys, mut moments) = (Vec::new(), Vec::new());
    while let Some(row) = found.next()? {
        let cells = Cells(row);
        keys.push(cells.get("key")?);
        moments.push(cells.time("deleted_at")?);
    }
    // No result ever leaves the table, so that each key has its row.
    let rows = runs::rows(conn, &keys)?.into_iter().zip(moments);
    Ok(DeletedPage { rows: rows.map(|(run, deleted_at)| DeletedRow { run, deleted_at }).collect(), total })
}
