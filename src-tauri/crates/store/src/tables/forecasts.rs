//! Predictions that were shown or written, to be held against what is measured later.

use super::Migration;
use crate::Result;
use crate::columns::{Cells, maybe, next_key, text, word};
use contract::{ForecastRecord, JudgedForecast, MadeForecast, RunId};
use duckdb::types::Value;
use duckdb::{Connection, appender_params_from_iter, params};

pub const MIGRATIONS: &[Migration] = &[Migration {
    version: 3,
    sql: "CREATE TABLE forecasts (
        key BIGINT PRIMARY KEY,
        made_at TIMESTAMP_NS NOT NULL,
        model VARCHAR NOT NULL,     -- names as the neutral table has them
        hardware VARCHAR NOT NULL,
        engine VARCHAR NOT NULL,
        precision VARCHAR NOT NULL,
        mode VARCHAR NOT NULL,
        batch UINTEGER,
        size UINTEGER,
        devices UINTEGER,           -- NULL: any number
        threads UINTEGER,
        value_ms DOUBLE NOT NULL,
        low_ms DOUBLE NOT NULL,     -- of the 90 % interval
        high_ms DOUBLE NOT NULL,
        support VARCHAR NOT NULL,
        learned_from UBIGINT NOT NULL
    );",
}];

/// Keeps the last prediction of each setting until a result judges it: one that says the same as what is kept changes
/// nothing, another takes its place. So there are never more than settings asked about and results that judged.
pub fn add(conn: &Connection, forecasts: &[MadeForecast]) -> Result<()> {
    conn.execute_batch(STAGE)?;
    let mut rows = conn.appender_to_catalog_and_db("made", "temp", "main")?;
    for (nth, forecast) in (0..).zip(forecasts) {
        rows.append_row(appender_params_from_iter([
            Value::BigInt(nth),
            Value::BigInt(i64::try_from(forecast.made_at.as_nanosecond()).unwrap_or(i64::MAX)),
            text(&forecast.model),
            text(&forecast.hardware),
            text(&forecast.engine),
            text(&forecast.precision),
            text(&forecast.mode),
            maybe(forecast.batch),
            maybe(forecast.size),
            maybe(forecast.devices),
            maybe(forecast.threads),
            forecast.value_ms.into(),
            forecast.low_ms.into(),
            forecast.high_ms.into(),
            word(forecast.support),
            forecast.learned_from.into(),
        ]))?;
    }
    rows.flush()?;
    drop(rows);
    let first = next_key(conn, "forecasts")?;
    conn.execute_batch(&format!(
        "CREATE TEMP TABLE waiting AS FROM forecasts WHERE key NOT IN (SELECT key FROM ({}));
         DELETE FROM temp.made WHERE nth NOT IN (SELECT max(nth) FROM temp.made
            GROUP BY model, hardware, engine, precision, mode, batch, size, devices, threads);
         DELETE FROM temp.made m USING temp.waiting w WHERE {SAME_SETTING} AND m.value_ms = w.value_ms
            AND m.low_ms = w.low_ms AND m.high_ms = w.high_ms AND m.support = w.support;
         DELETE FROM forecasts WHERE key IN (SELECT w.key FROM temp.waiting w JOIN temp.made m ON {SAME_SETTING});",
        judged()
    ))?;
    conn.execute(
        "INSERT INTO forecasts BY NAME
         SELECT ? + nth AS key, make_timestamp_ns(made_ns) AS made_at, * EXCLUDE (nth, made_ns) FROM temp.made",
        params![first],
    )?;
    Ok(conn.execute_batch("DROP TABLE temp.made; DROP TABLE temp.waiting;")?)
}

const STAGE: &str = "CREATE TEMP TABLE made (
    nth BIGINT, made_ns BIGINT, model VARCHAR, hardware VARCHAR, engine VARCHAR, precision VARCHAR, mode VARCHAR,
    batch UINTEGER, size UINTEGER, devices UINTEGER, threads UINTEGER, value_ms DOUBLE, low_ms DOUBLE, high_ms DOUBLE,
    support VARCHAR, learned_from UBIGINT)";

const SAME_SETTING: &str = "m.model = w.model AND m.hardware = w.hardware AND m.engine = w.engine
    AND m.precision = w.precision AND m.mode = w.mode AND m.batch IS NOT DISTINCT FROM w.batch
    AND m.size IS NOT DISTINCT FROM w.size AND m.devices IS NOT DISTINCT FROM w.devices
    AND m.threads IS NOT DISTINCT FROM w.threads";

/// Results of a predicted setting after each prediction. What was being measured while it was made is after it: nobody
/// knew it yet. Precisions are told as [`contract::precision_text`] does.
const LATER: &str = "FROM forecasts f
        JOIN models m ON m.name = f.model
        JOIN engines e ON e.id = f.engine
        JOIN devices d ON d.hardware = f.hardware
        JOIN subjects j ON j.model = m.key AND j.engine = e.key AND j.device = d.key
        JOIN runs r ON r.subject = j.key AND f.precision = CASE WHEN r.effective_precision <> r.precision
                THEN r.precision || ', ran in ' || r.effective_precision ELSE coalesce(r.stated_precision, r.precision) END
            AND r.mode = f.mode AND r.batch IS NOT DISTINCT FROM f.batch AND r.size IS NOT DISTINCT FROM f.size
        LEFT JOIN details x ON x.run = r.key
        WHERE coalesce(r.finished_at, r.started_at) > f.made_at AND r.median_ms IS NOT NULL AND r.withheld IS NULL
            AND r.deleted_at IS NULL AND r.evidence <> 'predicted'
            AND (f.devices IS NULL OR f.devices = d.count)
            AND (f.threads IS NULL OR f.threads = coalesce(x.effective_threads, r.threads))";

/// A result judges the last prediction that was made of its setting before it, and a prediction is judged once, by the
/// first result after it. A result with further sizes judges none, since a prediction does not tell them.
fn judged() -> String {
    format!(
        "WITH later AS (
            SELECT f.*, r.id::VARCHAR AS run, r.evidence, r.median_ms AS measured_ms,
                coalesce(r.finished_at, r.started_at) AS measured_at,
                row_number() OVER (PARTITION BY r.key ORDER BY f.made_at DESC, f.key DESC) AS of_result,
                row_number() OVER (PARTITION BY f.key ORDER BY coalesce(r.finished_at, r.started_at), r.key) AS of_forecast
            {LATER} AND r.dims IS NULL)
        SELECT * EXCLUDE (made_at, measured_at), epoch_ns(made_at) AS made_at, epoch_ns(measured_at) AS measured_at
        FROM later WHERE of_result = 1 AND of_forecast = 1 ORDER BY later.measured_at, key"
    )
}

pub fn record(conn: &Connection) -> Result<ForecastRecord> {
    let mut statement = conn.prepare(&judged())?;
    let mut rows = statement.query([])?;
    let mut judged = Vec::new();
    while let Some(row) = rows.next()? {
        let cells = Cells(row);
        judged.push(JudgedForecast {
            forecast: MadeForecast {
                made_at: cells.time("made_at")?,
                model: cells.get("model")?,
                hardware: cells.get("hardware")?,
                engine: cells.get("engine")?,
                precision: cells.get("precision")?,
                mode: cells.get("mode")?,
                batch: cells.get("batch")?,
                size: cells.get("size")?,
                devices: cells.get("devices")?,
                threads: cells.get("threads")?,
                value_ms: cells.get("value_ms")?,
                low_ms: cells.get("low_ms")?,
                high_ms: cells.get("high_ms")?,
                support: cells.word("support")?,
                learned_from: cells.get("learned_from")?,
            },
            run: RunId(cells.get("run")?),
            evidence: cells.word("evidence")?,
            measured_ms: cells.get("measured_ms")?,
            measured_at: cells.time("measured_at")?,
        });
    }
    let count = |sql: &str| conn.query_row(sql, [], |row| row.get::<_, u64>(0));
    let made = count("SELECT count(*) FROM forecasts")?;
    let other_sizes = count(&format!("SELECT count(DISTINCT r.key) {LATER} AND r.dims IS NOT NULL"))?;
    Ok(ForecastRecord { waiting: made - judged.len() as u64, judged, other_sizes })
}
