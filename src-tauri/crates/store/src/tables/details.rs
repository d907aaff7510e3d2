//! What only the page of a single result shows; of a table's results only those have a row that bear a flag.

use super::Migration;
use crate::Result;
use crate::columns::{Cells, doubles, insert, json, maybe, maybe_text, text, word};
use contract::{Flag, Noise, OutputCheck, Percentile, Run, StopReason};
use duckdb::types::Value;
use duckdb::{Connection, params};
use std::collections::BTreeMap;

pub const MIGRATIONS: &[Migration] = &[Migration {
    version: 1,
    sql: "CREATE TABLE details (
        run BIGINT PRIMARY KEY REFERENCES runs (key),
        asked_model VARCHAR,           -- NULL: the id of the model that ran
        dims VARCHAR NOT NULL,         -- JSON: further dimensions by symbol
        seed UBIGINT NOT NULL,
        budget_secs DOUBLE NOT NULL,
        remedy VARCHAR,
        stop VARCHAR,                  -- NULL: no timing
        percentiles VARCHAR NOT NULL,  -- JSON: a list of contract::Percentile
        mild_outliers UINTEGER,
        severe_outliers UINTEGER,
        harness_ms DOUBLE,
        output_check VARCHAR NOT NULL, -- JSON of contract::OutputCheck
        library VARCHAR,
        driver VARCHAR,
        precision_source VARCHAR NOT NULL,
        effective_threads UINTEGER,
        baseline_bytes UBIGINT,
        device_peak_bytes UBIGINT,
        noise_spread DOUBLE,           -- NULL: no sentinel ran
        sentinel_ms DOUBLE[],
        flags VARCHAR NOT NULL,        -- JSON: a list of contract::Flag
        log VARCHAR NOT NULL           -- JSON: a list of lines
    );",
}];

/// The parts of a run that are kept here.
pub struct Details {
    pub asked_model: Option<String>,
    pub dims: BTreeMap<String, u32>,
    pub seed: u64,
    pub budget_secs: f64,
    pub remedy: Option<String>,
    pub timing: Option<TimingDetails>,
    pub check: OutputCheck,
    pub library: Option<String>,
    pub driver: Option<String>,
    pub precision_source: String,
    pub effective_threads: Option<u32>,
    pub baseline_bytes: Option<u64>,
    pub device_peak_bytes: Option<u64>,
    pub noise: Option<NoiseDetails>,
    pub flags: Vec<Flag>,
    pub log: Vec<String>,
}

pub struct TimingDetails {
    pub stop: StopReason,
    pub percentiles: Vec<Percentile>,
    pub mild_outliers: u32,
    pub severe_outliers: u32,
    pub harness_ms: Option<f64>,
}

pub struct NoiseDetails {
    pub spread: f64,
    pub sentinel_ms: Vec<f64>,
}

pub fn save(conn: &Connection, key: i64, run: &Run, remedy: Option<&str>) -> Result<()> {
    let timing = run.timing.as_ref();
    let noise = run.noise.as_ref();
    let asked_model = Some(run.setting.model.0.as_str()).filter(|id| *id != run.model.id.0);
    let row = vec![
        ("run", key.into()),
        ("asked_model", maybe_text(asked_model)),
        ("dims", json(&run.setting.dims)),
        ("seed", run.setting.seed.into()),
        ("budget_secs", run.setting.budget_secs.into()),
        ("remedy", maybe_text(remedy)),
        ("stop", timing.map_or(Value::Null, |timing| word(timing.stop))),
        ("percentiles", timing.map_or_else(|| text("[]"), |timing| json(&timing.percentiles))),
        ("mild_outliers", maybe(timing.map(|timing| timing.mild_outliers))),
        ("severe_outliers", maybe(timing.map(|timing| timing.severe_outliers))),
        ("harness_ms", maybe(timing.and_then(|timing| timing.harness_ms))),
        ("output_check", json(&run.check)),
        ("library", maybe_text(run.effective.library.as_deref())),
        ("driver", maybe_text(run.effective.driver.as_deref())),
        ("precision_source", text(&run.effective.precision_source)),
        ("effective_threads", maybe(run.effective.threads)),
        ("baseline_bytes", maybe(run.memory.baseline_bytes)),
        ("device_peak_bytes", maybe(run.memory.device_peak_bytes)),
        ("noise_spread", maybe(noise.map(|noise| noise.spread))),
        ("sentinel_ms", noise.map_or(Value::Null, |noise: &Noise| doubles(&noise.sentinel_ms))),
        ("flags", json(&run.flags)),
        ("log", json(&run.log)),
    ];
    insert(conn, "details", row)
}

pub fn of(conn: &Connection, key: i64) -> Result<Option<Details>> {
    let mut statement = conn.prepare("SELECT * FROM details WHERE run = ?")?;
    let mut rows = statement.query(params![key])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let cells = Cells(row);
    let timing = match cells.maybe_word("stop")? {
        Some(stop) => Some(TimingDetails {
            stop,
            percentiles: cells.json("percentiles")?,
            mild_outliers: cells.get("mild_outliers")?,
            severe_outliers: cells.get("severe_outliers")?,
            harness_ms: cells.get("harness_ms")?,
        }),
        None => None,
    };
    let noise = match cells.get::<Option<f64>>("noise_spread")? {
        Some(spread) => Some(NoiseDetails { spread, sentinel_ms: cells.doubles("sentinel_ms")? }),
        None => None,
    };
    Ok(Some(Details {
        asked_model: cells.get("asked_model")?,
        dims: cells.json("dims")?,
        seed: cells.get("seed")?,
        budget_secs: cells.get("budget_secs")?,
        remedy: cells.get("remedy")?,
        timing,
        check: cells.json("output_check")?,
        library: cells.get("library")?,
        driver: cells.get("driver")?,
        precision_source: cells.get("precision_source")?,
        effective_threads: cells.get("effective_threads")?,
        baseline_bytes: cells.get("baseline_bytes")?,
        device_peak_bytes: cells.get("device_peak_bytes")?,
        noise,
        flags: cells.json("flags")?,
        log: cells.json("log")?,
    }))
}
