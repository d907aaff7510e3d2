//! What results say of kinds of models: how engines fared with each family, and the newest run of each graph.

use crate::Result;
use crate::columns::{Cells, maybe, maybe_text, text, word};
use crate::found::GraphRun;
use contract::{DeviceId, EngineId, EngineRecord, Evidence, Fed, LayerTimes, TokenTimes};
use duckdb::types::Value;
use duckdb::{Connection, params_from_iter};
use std::collections::BTreeMap;

/// By model type, over all results that were measured and not deleted; engines in the order of most measured.
pub fn by_family(conn: &Connection) -> Result<BTreeMap<String, Vec<EngineRecord>>> {
    let mut statement = conn.prepare(
        "SELECT m.family, e.id AS engine, count(*) FILTER (r.failure IS NULL)::UBIGINT AS measured,
            count(*) FILTER (r.failure IS NOT NULL)::UBIGINT AS failed
        FROM runs r JOIN subjects j ON j.key = r.subject JOIN models m ON m.key = j.model
        JOIN engines e ON e.key = j.engine
        WHERE r.evidence = 'measured' AND r.deleted_at IS NULL
        GROUP BY m.family, e.id ORDER BY measured DESC, e.id",
    )?;
    let mut rows = statement.query([])?;
    let mut records: BTreeMap<String, Vec<EngineRecord>> = BTreeMap::new();
    while let Some(row) = rows.next()? {
        let cells = Cells(row);
        let engine = EngineId(cells.get("engine")?);
        let record = EngineRecord { engine, measured: cells.get("measured")?, failed: cells.get("failed")? };
        records.entry(cells.get("family")?).or_default().push(record);
    }
    Ok(records)
}

/// The newest measured result of this work that may be ranked, of each of these graphs in each place and precision.
pub fn of_graphs(conn: &Connection, hashes: &[&str], fed: &Fed) -> Result<Vec<GraphRun>> {
    if hashes.is_empty() {
        return Ok(Vec::new());
    }
    let marks = vec!["?"; hashes.len()].join(", ");
    let mut statement = conn.prepare(&format!(
        "SELECT r.graph_hash, e.id AS engine, d.id AS device, d.name AS device_name, r.precision, r.effective_precision,
            r.median_ms AS call_ms, r.low_ms AS call_low_ms, r.high_ms AS call_high_ms,
            g.first_token_ms, g.first_token_low_ms, g.first_token_high_ms, g.token_ms, g.token_low_ms, g.token_high_ms
        FROM runs r JOIN subjects j ON j.key = r.subject JOIN engines e ON e.key = j.engine
        JOIN devices d ON d.key = j.device LEFT JOIN dims w ON w.key = r.dims LEFT JOIN generations g ON g.run = r.key
        WHERE r.evidence = ? AND r.mode = ? AND r.deleted_at IS NULL AND r.withheld IS NULL AND r.low_ms IS NOT NULL
            AND r.batch = ? AND r.size IS NOT DISTINCT FROM ? AND w.text IS NOT DISTINCT FROM ?
            AND r.graph_hash IN ({marks})
        QUALIFY row_number() OVER (PARTITION BY r.graph_hash, e.id, d.id, r.precision ORDER BY r.key DESC) = 1
        ORDER BY ALL"
    ))?;
    let mut values = vec![word(Evidence::Measured), word(fed.mode), Value::UInt(fed.batch), maybe(fed.size)];
    values.push(maybe_text(fed.dims.as_deref()));
    values.extend(hashes.iter().map(|hash| text(*hash)));
    let mut rows = statement.query(params_from_iter(values))?;
    let mut runs = Vec::new();
    while let Some(row) = rows.next()? {
        let cells = Cells(row);
        runs.push(GraphRun {
            graph_hash: cells.get("graph_hash")?,
            engine: EngineId(cells.get("engine")?),
            device: DeviceId(cells.get("device")?),
            device_name: cells.get("device_name")?,
            precision: cells.word("precision")?,
            effective_precision: cells.maybe_word("effective_precision")?,
            times: times(&cells)?,
        });
    }
    Ok(runs)
}

fn times(cells: &Cells) -> Result<LayerTimes> {
    let writes = cells.get::<Option<f64>>("token_ms")?.is_some();
    let tokens = || -> Result<TokenTimes> {
        Ok(TokenTimes { first: cells.median("first_token")?, further: cells.median("token")? })
    };
    Ok(LayerTimes { call: cells.median("call")?, tokens: writes.then(tokens).transpose()? })
}
