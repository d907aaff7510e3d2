//! Results as what is learned from and watched: every ranked one with a time, in one pass.

use crate::Result;
use crate::columns::Cells;
use crate::found::{KnownRun, Surroundings};
use crate::tables::runs::{self, OTHERWISE};
use contract::{DeviceId, EngineId, MachineId, ModelId, Percentile, Precision, RunId};
use duckdb::Connection;

const ROWS: &str =
    "r.id::VARCHAR AS id, m.name AS model, m.id AS model_id, m.family, d.hardware, d.platform, d.machine,
    d.id AS device, d.count, e.id AS engine, r.precision, r.stated_precision, r.effective_precision,
    r.mode, r.batch, r.size, r.size_unit, w.text AS dims,
    coalesce(x.effective_threads, r.threads) AS threads, r.engine_version, epoch_ns(r.started_at) AS started_at,
    r.parameters, r.macs, r.activations, r.median_ms, r.low_ms, r.high_ms, x.percentiles, r.peak_memory_bytes,
    r.evidence, g.output_tokens, v.os, v.governor, v.power, v.assay_version, x.driver
    FROM runs r JOIN subjects j ON j.key = r.subject JOIN models m ON m.key = j.model
    JOIN engines e ON e.key = j.engine JOIN devices d ON d.key = j.device
    LEFT JOIN details x ON x.run = r.key LEFT JOIN environments v ON v.run = r.key
    LEFT JOIN generations g ON g.run = r.key LEFT JOIN dims w ON w.key = r.dims LEFT JOIN placements p ON p.run = r.key
    WHERE r.deleted_at IS NULL AND r.median_ms IS NOT NULL AND r.withheld IS NULL AND r.evidence <> 'predicted'
    ORDER BY r.started_at NULLS FIRST, r.key";

/// Oldest first. Predicted results are none: nothing learns from a prediction.
pub fn all(conn: &Connection) -> Result<Vec<KnownRun>> {
    let mut statement = conn.prepare(&format!("SELECT {OTHERWISE}, {ROWS}"))?;
    let mut rows = statement.query([])?;
    let mut known = Vec::new();
    while let Some(row) = rows.next()? {
        known.push(run(&Cells(row))?);
    }
    Ok(known)
}

fn run(cells: &Cells) -> Result<KnownRun> {
    let asked: Precision = cells.word("precision")?;
    let effective_precision: Option<Precision> = cells.maybe_word("effective_precision")?;
    // Where another one was asked for, a table's own word is that of what ran.
    let stated: Option<String> = cells.get("stated_precision")?;
    let stated = stated.filter(|_| effective_precision.is_none());
    let percentiles: Vec<Percentile> = match cells.get::<Option<String>>("percentiles")? {
        Some(_) => cells.json("percentiles")?,
        None => Vec::new(),
    };
    Ok(KnownRun {
        id: RunId(cells.get("id")?),
        model: cells.get("model")?,
        model_id: ModelId(cells.get("model_id")?),
        family: cells.get("family")?,
        hardware: cells.get("hardware")?,
        platform: cells.word("platform")?,
        machine: cells.get::<Option<String>>("machine")?.map(MachineId),
        device: DeviceId(cells.get("device")?),
        devices: cells.get("count")?,
        engine: EngineId(cells.get("engine")?),
        engine_version: cells.get("engine_version")?,
        precision: stated.unwrap_or_else(|| asked.key().to_owned()),
        effective_precision,
        device_share: cells.get("device_share")?,
        all_experts: cells.get("all_experts")?,
        mode: cells.word("mode")?,
        batch: cells.get("batch")?,
        size: cells.get("size")?,
        size_unit: runs::size_unit(cells)?,
        dims: cells.get("dims")?,
        output_tokens: cells.get("output_tokens")?,
        threads: cells.get("threads")?,
        started_at: cells.maybe_time("started_at")?,
        parameters: cells.get("parameters")?,
        macs: cells.get("macs")?,
        activations: cells.get("activations")?,
        median_ms: cells.get("median_ms")?,
        low_ms: cells.get("low_ms")?,
        high_ms: cells.get("high_ms")?,
        p95_ms: percentiles
            .iter()
            .find(|percentile| (percentile.p - 0.95).abs() < 1e-9)
            .map(|percentile| percentile.ms),
        peak_memory_bytes: cells.get("peak_memory_bytes")?,
        evidence: cells.word("evidence")?,
        surroundings: Surroundings {
            os: cells.get("os")?,
            driver: cells.get("driver")?,
            governor: cells.get("governor")?,
            power: cells.get("power")?,
            assay_version: cells.get("assay_version")?,
        },
    })
}
