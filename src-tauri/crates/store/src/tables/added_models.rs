//! Models the person added, beside the presets.

use super::Migration;
use crate::Result;
use crate::columns::{Cells, insert, json, text, time};
use contract::{DimRole, ModelId, ModelInfo};
use duckdb::{Connection, params};
use jiff::Timestamp;

pub const MIGRATIONS: &[Migration] = &[Migration {
    version: 1,
    sql: "CREATE TABLE added_models (
        id VARCHAR PRIMARY KEY,
        name VARCHAR NOT NULL,
        family VARCHAR NOT NULL,
        added_at TIMESTAMP_NS NOT NULL,
        info VARCHAR NOT NULL  -- JSON of contract::ModelInfo
    );",
}];

/// A model that is already there keeps its place and takes the new description.
pub fn save(conn: &Connection, info: &ModelInfo, now: Timestamp) -> Result<()> {
    let changed = conn
        .prepare("UPDATE added_models SET name = ?, family = ?, info = ? WHERE id = ?")?
        .execute(duckdb::params_from_iter([text(&info.name), text(&info.family), json(info), text(&info.id.0)]))?;
    if changed > 0 {
        return Ok(());
    }
    let row = vec![
        ("id", text(&info.id.0)),
        ("name", text(&info.name)),
        ("family", text(&info.family)),
        ("added_at", time(now)),
        ("info", json(info)),
    ];
    insert(conn, "added_models", row)
}

/// In the order they were added.
pub fn all(conn: &Connection) -> Result<Vec<ModelInfo>> {
    let mut statement = conn.prepare("SELECT info FROM added_models ORDER BY added_at, id")?;
    let mut rows = statement.query([])?;
    let mut models = Vec::new();
    while let Some(row) = rows.next()? {
        let mut info: ModelInfo = Cells(row).json("info")?;
        // Sound had no role of its own before it had a size, and CLAP's frames counted as its steps.
        for dim in info.dims.iter_mut().filter(|dim| dim.per_second.is_some()) {
            dim.role = DimRole::Sound;
            dim.frames |= dim.name == "frames";
        }
        models.push(info);
    }
    Ok(models)
}

/// True where there was such a model. Its results stay.
pub fn remove(conn: &Connection, id: &ModelId) -> Result<bool> {
    Ok(conn.execute("DELETE FROM added_models WHERE id = ?", params![id.0])? > 0)
}
