//! Predictions that were shown or written, to be held against what is measured later.

use super::Migration;
use crate::Result;
use crate::columns::{Cells, insert, maybe, next_key, text, time};
use contract::{ForecastRecord, JudgedForecast, MadeForecast};
use duckdb::Connection;

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
        value_ms DOUBLE NOT NULL,
        low_ms DOUBLE NOT NULL,     -- of the 90 % interval
        high_ms DOUBLE NOT NULL,
        support VARCHAR NOT NULL,
        learned_from UBIGINT NOT NULL
    );",
}];

pub fn add(conn: &Connection, forecasts: &[MadeForecast]) -> Result<()> {
    let first = next_key(conn, "forecasts")?;
    for (key, forecast) in (first..).zip(forecasts) {
        let row = vec![
            ("key", key.into()),
            ("made_at", time(forecast.made_at)),
            ("model", text(&forecast.model)),
            ("hardware", text(&forecast.hardware)),
            ("engine", text(&forecast.engine)),
            ("precision", text(&forecast.precision)),
            ("mode", text(&forecast.mode)),
            ("batch", maybe(forecast.batch)),
            ("size", maybe(forecast.size)),
            ("value_ms", forecast.value_ms.into()),
            ("low_ms", forecast.low_ms.into()),
            ("high_ms", forecast.high_ms.into()),
            ("support", text(&forecast.support)),
            ("learned_from", forecast.learned_from.into()),
        ];
        insert(conn, "forecasts", row)?;
    }
    Ok(())
}

/// A result judges the last prediction that was made of its setting before it, and a prediction is judged once, by the
/// first result after it.
const JUDGED: &str = "WITH later AS (
        SELECT f.*, r.median_ms AS measured_ms, r.started_at AS measured_at,
            row_number() OVER (PARTITION BY r.key ORDER BY f.made_at DESC, f.key DESC) AS of_result,
            row_number() OVER (PARTITION BY f.key ORDER BY r.started_at, r.key) AS of_forecast
        FROM forecasts f
        JOIN models m ON m.name = f.model
        JOIN engines e ON e.id = f.engine
        JOIN devices d ON d.hardware = f.hardware
        JOIN subjects j ON j.model = m.key AND j.engine = e.key AND j.device = d.key
        JOIN runs r ON r.subject = j.key AND coalesce(r.stated_precision, r.precision) = f.precision
            AND r.mode = f.mode AND r.batch IS NOT DISTINCT FROM f.batch AND r.size IS NOT DISTINCT FROM f.size
        WHERE r.started_at > f.made_at AND r.median_ms IS NOT NULL AND r.withheld IS NULL AND r.deleted_at IS NULL
            AND r.evidence <> 'predicted')
    SELECT * EXCLUDE (made_at, measured_at), epoch_ns(made_at) AS made_at, epoch_ns(measured_at) AS measured_at
    FROM later WHERE of_result = 1 AND of_forecast = 1 ORDER BY later.measured_at, key";

pub fn record(conn: &Connection) -> Result<ForecastRecord> {
    let mut statement = conn.prepare(JUDGED)?;
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
                value_ms: cells.get("value_ms")?,
                low_ms: cells.get("low_ms")?,
                high_ms: cells.get("high_ms")?,
                support: cells.get("support")?,
                learned_from: cells.get("learned_from")?,
            },
            measured_ms: cells.get("measured_ms")?,
            measured_at: cells.time("measured_at")?,
        });
    }
    let made: u64 = conn.query_row("SELECT count(*) FROM forecasts", [], |row| row.get(0))?;
    Ok(ForecastRecord { waiting: made - judged.len() as u64, judged })
}
