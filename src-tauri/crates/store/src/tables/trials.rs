//! Every run of a generated file: when, with which versions, and how it ended.

use super::{Migration, trial_steps};
use crate::columns::{Cells, insert, json, maybe_text, text, time, word};
use crate::{Result, StoreError};
use contract::{GeneratedFile, Trial, TrialOutcome, TrialRow};
use duckdb::{Connection, params};

pub const MIGRATIONS: &[Migration] = &[Migration {
    version: 3,
    sql: "CREATE TABLE trials (
        id VARCHAR PRIMARY KEY,
        model_type VARCHAR NOT NULL,
        platform VARCHAR NOT NULL,
        kind VARCHAR NOT NULL,
        template VARCHAR NOT NULL,
        text_hash VARCHAR NOT NULL,
        started_at TIMESTAMP_NS NOT NULL,
        secs DOUBLE NOT NULL,
        outcome VARCHAR NOT NULL,
        reason VARCHAR,
        environment JSON NOT NULL,  -- versions by name
        result JSON,                -- what a benchmark printed
        log JSON NOT NULL           -- the last lines on standard error
    );",
}];

pub fn save(conn: &Connection, trial: &Trial) -> Result<()> {
    let row = vec![
        ("id", text(&trial.id)),
        ("model_type", text(&trial.file.model_type)),
        ("platform", word(trial.file.platform)),
        ("kind", text(&trial.file.kind)),
        ("template", text(&trial.template)),
        ("text_hash", text(&trial.text_hash)),
        ("started_at", time(trial.started_at)),
        ("secs", trial.secs.into()),
        ("outcome", text(trial.outcome.key())),
        ("reason", maybe_text(trial.outcome.reason())),
        ("environment", json(&trial.environment)),
        ("result", trial.result.as_ref().map_or(duckdb::types::Value::Null, json)),
        ("log", json(&trial.log)),
    ];
    insert(conn, "trials", row)?;
    trial_steps::save(conn, &trial.id, &trial.steps)
}

/// One with its steps.
pub fn load(conn: &Connection, id: &str) -> Result<Option<Trial>> {
    let mut statement =
        conn.prepare("SELECT * EXCLUDE (started_at), epoch_ns(started_at) AS started_at FROM trials WHERE id = ?")?;
    let mut rows = statement.query(params![id])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let cells = Cells(row);
    let result: Option<String> = cells.get("result")?;
    Ok(Some(Trial {
        id: cells.get("id")?,
        file: file(&cells)?,
        template: cells.get("template")?,
        text_hash: cells.get("text_hash")?,
        started_at: cells.time("started_at")?,
        secs: cells.get("secs")?,
        outcome: outcome(&cells)?,
        steps: trial_steps::of(conn, id)?,
        environment: cells.json("environment")?,
        result: if result.is_some() { Some(cells.json("result")?) } else { None },
        log: cells.json("log")?,
    }))
}

/// The newest of each file of one kind.
pub fn newest(conn: &Connection, kind: &str) -> Result<Vec<(GeneratedFile, TrialRow)>> {
    let mut statement = conn.prepare(
        "SELECT * EXCLUDE (started_at), epoch_ns(started_at) AS started_at FROM trials WHERE kind = ?
         QUALIFY row_number() OVER (PARTITION BY model_type, platform ORDER BY trials.started_at DESC, id DESC) = 1",
    )?;
    let mut rows = statement.query(params![kind])?;
    let mut newest = Vec::new();
    while let Some(row) = rows.next()? {
        let cells = Cells(row);
        let trial = TrialRow {
            id: cells.get("id")?,
            started_at: cells.time("started_at")?,
            secs: cells.get("secs")?,
            outcome: outcome(&cells)?,
            text_hash: cells.get("text_hash")?,
            environment: cells.json("environment")?,
        };
        newest.push((file(&cells)?, trial));
    }
    Ok(newest)
}

/// Of a row with the columns `model_type`, `platform` and `kind`.
pub fn file(cells: &Cells) -> Result<GeneratedFile> {
    Ok(GeneratedFile {
        model_type: cells.get("model_type")?,
        platform: cells.word("platform")?,
        kind: cells.get("kind")?,
    })
}

/// Of a row with the columns `outcome` and `reason`.
pub fn outcome(cells: &Cells) -> Result<TrialOutcome> {
    let word: String = cells.get("outcome")?;
    TrialOutcome::of(&word, cells.get("reason")?).ok_or_else(|| StoreError::Refused {
        subject: "stored column outcome".into(),
        reason: format!("this Assay cannot read: {word}"),
    })
}
