//! Writes results as the neutral table.

use super::format::Format;
use super::measurement::{Measurement, header};
use super::parquet;
use crate::columns::Cells;
use crate::filter::Condition;
use crate::tables::runs::{self, OTHERWISE};
use crate::{Result, StoreError};
use contract::{Evidence, ExportReport, Filter, Precision, csv};
use duckdb::types::Value;
use duckdb::{Connection, params_from_iter};
use std::borrow::Cow;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;

/// Rows are read in portions of this size, so that a million of them need no memory of their own.
const PORTION: usize = 20_000;

/// A row with the machine's name and the library's path, where they were asked for.
type Line = (Measurement, Vec<Option<String>>);

/// Writes beside the target first: what was there before stays whole if this fails.
pub fn export(conn: &Connection, path: &Path, filter: &Filter, with_names: bool) -> Result<ExportReport> {
    let format = Format::of(path)?;
    let half = path.with_added_extension("part");
    let written = match format {
        Format::Csv => write_csv(conn, &half, filter, with_names),
        Format::Parquet => write_parquet(conn, &half, filter, with_names),
        Format::CsvGz => Err(StoreError::Table {
            path: path.to_owned(),
            place: None,
            reason: "compressed CSV is read, not written".into(),
            remedy: Some("Name it .csv or .parquet".into()),
        }),
    };
    let written = written.and_then(|rows| {
        fs::rename(&half, path).map_err(|error| unwritable(path, &error))?;
        Ok(rows)
    });
    let rows = written.inspect_err(|_| {
        let _ = fs::remove_file(&half);
    })?;
    let (left_out, notes) = (left_out(conn, filter)?, notes(conn, filter)?);
    Ok(ExportReport { path: path.display().to_string(), rows, left_out, notes })
}

fn unwritable(path: &Path, error: &io::Error) -> StoreError {
    StoreError::Table {
        path: path.to_owned(),
        place: None,
        reason: format!("it could not be written: {error}"),
        remedy: Some("Choose a folder you may write to, with enough space".into()),
    }
}

fn write_csv(conn: &Connection, path: &Path, filter: &Filter, with_names: bool) -> Result<u64> {
    let failed = |error: io::Error| unwritable(path, &error);
    let mut out = BufWriter::new(File::create(path).map_err(failed)?);
    let names = if with_names { &NAMES[..] } else { &[] };
    csv::write_record(&mut out, header().chain(names.iter().copied())).map_err(failed)?;
    let rows = portions(conn, filter, with_names, &mut |lines| {
        for (measurement, names) in lines {
            let mut fields: Vec<String> = measurement.values().into_iter().map(field).collect();
            fields.extend(names.iter().map(|name| csv::guard(name.as_deref().unwrap_or_default())));
            csv::write_record(&mut out, fields.iter().map(String::as_str)).map_err(failed)?;
        }
        Ok(())
    })?;
    out.flush().and_then(|()| out.get_ref().sync_all()).map_err(failed)?;
    Ok(rows)
}

fn field(value: Value) -> String {
    match value {
        Value::Text(text) => csv::guard(&text),
        Value::UInt(number) => number.to_string(),
        Value::UBigInt(number) => number.to_string(),
        // The shortest text that reads back to the same number.
        Value::Double(number) => number.to_string(),
        Value::Boolean(yes) => yes.to_string(),
        _ => String::new(),
    }
}

fn write_parquet(conn: &Connection, path: &Path, filter: &Filter, with_names: bool) -> Result<u64> {
    let mut writer = parquet::Writer::new(path, with_names)?;
    let rows = portions(conn, filter, with_names, &mut |lines| writer.write(lines))?;
    writer.finish(path)?;
    Ok(rows)
}

/// Columns that tell who measured, only on request.
const NAMES: [&str; 2] = ["machine", "library"];

/// Results with a figure to publish that pass the filter.
fn condition(filter: &Filter) -> Condition {
    let mut condition = Condition::of(filter);
    condition.and("r.median_ms IS NOT NULL AND r.withheld IS NULL", []);
    if !filter.evidence.contains(&Evidence::Predicted) {
        condition.and("r.evidence <> 'predicted'", []);
    }
    condition
}

fn left_out(conn: &Connection, filter: &Filter) -> Result<Vec<(String, u64)>> {
    let condition = Condition::of(filter);
    let sql = format!(
        "SELECT CASE WHEN r.failure IS NOT NULL THEN 'failed: there is no time'
            WHEN r.withheld IS NOT NULL THEN
                'not ranked: the output is unchecked, the time implausible, or it ran on another device'
            WHEN r.median_ms IS NULL THEN 'there is no time'
            WHEN r.evidence = 'predicted' AND NOT ? THEN 'predicted: not a measurement' END AS reason, count(*)
         FROM runs r WHERE {} GROUP BY reason HAVING reason IS NOT NULL ORDER BY reason",
        condition.sql
    );
    let wanted = Value::Boolean(filter.evidence.contains(&Evidence::Predicted));
    let values = std::iter::once(wanted).chain(condition.values);
    let mut statement = conn.prepare(&sql)?;
    let rows = statement.query_map(params_from_iter(values), |row| Ok((row.get(0)?, row.get(1)?)))?;
    rows.collect::<std::result::Result<_, _>>().map_err(StoreError::from)
}

/// What a reader of the table would not expect of its rows.
fn notes(conn: &Connection, filter: &Filter) -> Result<Vec<(String, u64)>> {
    let condition = condition(filter);
    let sql = format!(
        "SELECT told, count(*) FROM (
            SELECT unnest([{OTHER_PRECISION}, {OTHER_DEVICE}, {ALL_EXPERTS}]) AS told {FROM} WHERE {})
         WHERE told IS NOT NULL GROUP BY told ORDER BY told",
        condition.sql
    );
    let mut statement = conn.prepare(&sql)?;
    let rows = statement.query_map(params_from_iter(condition.values), |row| Ok((row.get(0)?, row.get(1)?)))?;
    rows.collect::<std::result::Result<_, _>>().map_err(StoreError::from)
}

const OTHER_PRECISION: &str = "CASE WHEN r.effective_precision <> r.precision THEN
    'in the precision that ran, ' || r.effective_precision || ', where ' || r.precision || ' was asked for' END";

const OTHER_DEVICE: &str = "CASE WHEN coalesce(p.mac_share, p.node_share) < 1 THEN
    'with a part of the work done on another device' END";

const ALL_EXPERTS: &str = "CASE WHEN contains(x.flags, '\"all_experts\"') THEN
    'with every expert of a mixture computed for each token' END";

/// The fingerprints of results in an older file whose rows are told otherwise now, by their keys.
pub fn missing_fingerprints(conn: &Connection) -> Result<Vec<(i64, i128)>> {
    let missing = "r.fingerprint IS NULL AND r.median_ms IS NOT NULL AND r.failure IS NULL";
    let mut statement = conn.prepare(&format!("SELECT {OTHERWISE}, {ROW} {FROM} WHERE {missing}"))?;
    let mut rows = statement.query([])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let (measurement, _) = line(&Cells(row), true)?;
        found.push((row.get("key")?, measurement.fingerprint()));
    }
    Ok(found)
}

fn portions(
    conn: &Connection,
    filter: &Filter,
    with_names: bool,
    write: &mut dyn FnMut(&[Line]) -> Result<()>,
) -> Result<u64> {
    let condition = condition(filter);
    let sql = format!(
        "SELECT {OTHERWISE}, {ROW} {FROM} WHERE {} AND r.key > ? ORDER BY r.key LIMIT {PORTION}",
        condition.sql
    );
    let (mut last, mut rows) = (0_i64, 0);
    loop {
        let values = condition.values.iter().cloned().chain([Value::BigInt(last)]);
        let mut statement = conn.prepare(&sql)?;
        let mut found = statement.query(params_from_iter(values))?;
        let mut lines = Vec::new();
        while let Some(row) = found.next()? {
            last = row.get("key")?;
            lines.push(line(&Cells(row), with_names)?);
        }
        write(&lines)?;
        rows += lines.len() as u64;
        if lines.len() < PORTION {
            return Ok(rows);
        }
    }
}

const ROW: &str = "r.key, m.name AS model, m.family, d.hardware, e.id AS engine, d.platform, r.precision,
    r.stated_precision, r.effective_precision, r.mode, r.batch, r.size, w.text AS dims, d.count,
    coalesce(x.effective_threads, r.threads) AS threads, r.engine_version, epoch_ns(r.started_at) AS started_at,
    r.stated_measured_at, r.parameters, r.macs, r.activations, r.median_ms, r.peak_memory_bytes, r.evidence,
    r.stated_evidence, s.name AS source, s.stated, r.low_ms, r.high_ms, r.samples, r.size_unit, r.task_unit,
    r.per_sample, h.name AS machine, x.library";

const FROM: &str = "FROM runs r JOIN subjects j ON j.key = r.subject JOIN models m ON m.key = j.model
    JOIN engines e ON e.key = j.engine JOIN devices d ON d.key = j.device
    LEFT JOIN sources s ON s.key = r.source LEFT JOIN details x ON x.run = r.key
    LEFT JOIN machines h ON h.id = d.machine LEFT JOIN dims w ON w.key = r.dims
    LEFT JOIN placements p ON p.run = r.key";

fn line(cells: &Cells, with_names: bool) -> Result<Line> {
    let show = |text: String| if with_names { text } else { without_folder(&text).into_owned() };
    let asked: Precision = cells.word("precision")?;
    // A time is that of what ran.
    let precision = cells.maybe_word("effective_precision")?.unwrap_or(asked);
    let started_at = cells.maybe_time("started_at")?;
    let stated_at: Option<String> = cells.get("stated_measured_at")?;
    let stated_evidence: Option<Evidence> = cells.maybe_word("stated_evidence")?;
    // A table that stated its evidence gets its own source back, also where it left that blank.
    let source: Option<String> = cells.get(if stated_evidence.is_some() { "stated" } else { "source" })?;
    let measurement = Measurement {
        model: show(cells.get("model")?),
        family: show(cells.get("family")?),
        hardware: show(cells.get("hardware")?),
        runtime: show(cells.get("engine")?),
        platform: cells.word("platform")?,
        precision,
        precision_word: cells.get::<Option<String>>("stated_precision")?.unwrap_or_else(|| precision.key().to_owned()),
        mode: cells.word("mode")?,
        batch: cells.get("batch")?,
        size: cells.get("size")?,
        devices: cells.get("count")?,
        threads: cells.get("threads")?,
        software: show(cells.get("engine_version")?),
        measured_at: stated_at.or_else(|| started_at.map(|at| at.to_string())).unwrap_or_default(),
        started_at,
        parameters: cells.get("parameters")?,
        macs: cells.get("macs")?,
        activations: cells.get("activations")?,
        latency_ms: cells.get("median_ms")?,
        peak_memory_bytes: cells.get("peak_memory_bytes")?,
        evidence: Some(stated_evidence.map_or_else(|| cells.word("evidence"), Ok)?),
        source: source.map(show),
        low_ms: cells.get("low_ms")?,
        high_ms: cells.get("high_ms")?,
        samples: cells.get("samples")?,
        dims: cells.get("dims")?,
        size_unit: runs::size_unit(cells)?,
        per_sample: runs::per_sample(cells)?,
        asked_precision: Some(asked).filter(|asked| *asked != precision),
        device_share: cells.get("device_share")?,
        all_experts: cells.get("all_experts")?,
    };
    let names = if with_names { vec![cells.get("machine")?, cells.get("library")?] } else { Vec::new() };
    Ok((measurement, names))
}

/// A path tells who has it and where; without its folders it does not. Anything else stays as it is.
fn without_folder(text: &str) -> Cow<'_, str> {
    let bytes = text.as_bytes();
    let drive =
        bytes.len() > 2 && bytes[0].is_ascii_alphabetic() && bytes[1] == b':' && matches!(bytes[2], b'\\' | b'/');
    let path = drive
        || text.starts_with("\\\\")
        || text.starts_with("~/")
        || text.starts_with("file://")
        || (text.starts_with('/') && text[1..].contains('/'));
    if !path {
        return Cow::Borrowed(text);
    }
    Cow::Borrowed(text.rsplit(['/', '\\']).find(|part| !part.is_empty()).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::without_folder;

    #[test]
    fn paths_lose_their_folders_and_names_stay() {
        for (text, expected) in [
            ("/home/ada/models/bert.onnx", "bert.onnx"),
            ("C:\\Users\\ada\\table.csv", "table.csv"),
            ("\\\\server\\share\\x.csv", "x.csv"),
            ("meta-llama/Llama-3", "meta-llama/Llama-3"),
            (" / 2.17.0", " / 2.17.0"),
            ("/ 2", "/ 2"),
            ("https://example.org/a.csv", "https://example.org/a.csv"),
        ] {
            assert_eq!(without_folder(text), expected);
        }
    }
}
