//! The results: every column that lists, charts and the matrix filter, sort or draw.

use super::{
    Migration, details, dims, environments, generations, machines, output_errors, phases, placements, samples, sources,
    subjects,
};
use crate::columns::{Cells, doubles, insert, maybe, maybe_text, maybe_word, next_key, text, time, word};
use crate::sheet::Measurement;
use crate::{Result, StoreError};
use contract::*;
use duckdb::types::Value;
use duckdb::{Connection, params, params_from_iter};

pub const MIGRATIONS: &[Migration] = &[FIRST, TASK, WORK, FRAMES];

const FIRST: Migration = Migration {
    version: 1,
    sql: "CREATE TABLE runs (
        key BIGINT PRIMARY KEY,
        id UUID NOT NULL,  -- unique: each insertion looks, an index on a million of them would cost more
        subject INTEGER NOT NULL REFERENCES subjects (key),
        evidence VARCHAR NOT NULL,
        source INTEGER REFERENCES sources (key),
        precision VARCHAR NOT NULL,
        effective_precision VARCHAR,
        mode VARCHAR NOT NULL,
        batch UINTEGER,    -- NULL: an imported table did not say
        size UINTEGER,
        threads UINTEGER,
        engine_version VARCHAR NOT NULL,
        started_at TIMESTAMP_NS,
        finished_at TIMESTAMP_NS,
        graph_hash VARCHAR NOT NULL,
        parameters UBIGINT,
        macs UBIGINT,
        activations UBIGINT,
        weight_bytes UBIGINT,
        failure VARCHAR,
        failed_phase VARCHAR,
        message VARCHAR,
        withheld VARCHAR,  -- why it is not ranked; NULL where it is
        median_ms DOUBLE,
        low_ms DOUBLE,
        high_ms DOUBLE,
        min_ms DOUBLE,
        samples UINTEGER,
        throughput_per_s DOUBLE,
        peak_memory_bytes UBIGINT,
        load_ms DOUBLE,
        compile_ms DOUBLE,
        first_ms DOUBLE,
        first_result_ms DOUBLE,
        noise VARCHAR,
        note VARCHAR NOT NULL,
        deleted_at TIMESTAMP_NS,
        -- The words of an imported table where ours differ, so that an export gives them back.
        stated_evidence VARCHAR,
        stated_precision VARCHAR,
        stated_measured_at VARCHAR,
        fingerprint HUGEINT  -- tells a row of a table that is here already; NULL: nothing to export
    );",
};

/// What a sample is; of earlier results it is not known. It stands before [`WORK`], since DuckDB alters no table of which
/// the same transaction changed rows.
const TASK: Migration = Migration {
    version: 6,
    sql: "ALTER TABLE runs ADD COLUMN task_unit VARCHAR;  -- a key of contract::TaskUnit; NULL: not known
        ALTER TABLE runs ADD COLUMN per_sample DOUBLE;  -- so many of them; NULL where the unit is",
};

/// Results say what they are of. Sound has a size, which was a dimension of its own before; an edge as long as the size
/// is not told twice; and nothing is ranked that ran elsewhere. Fingerprints of rows that are exported otherwise from now
/// on are found anew by the next import; the earlier ones tell the rows of tables that were exported before.
const WORK: Migration = Migration {
    version: 6,
    sql: "ALTER TABLE runs ADD COLUMN dims INTEGER;  -- a key of dims; NULL: nothing beyond batch and size
        ALTER TABLE runs ADD COLUMN size_unit VARCHAR;  -- a key of contract::SizeUnit; NULL: not known
        ALTER TABLE runs ADD COLUMN earlier_fingerprint HUGEINT;  -- of the row that an older Assay exported; NULL: the same
        CREATE TEMP TABLE heard AS SELECT x.run, r.size AS text, s.name, s.unit, (x.dims ->> s.name)::UINTEGER AS size
            FROM details x JOIN runs r ON r.key = x.run JOIN subjects j ON j.key = r.subject
            JOIN models m ON m.key = j.model
            JOIN (VALUES ('wav2vec2', 'samples', 'sound/16000'), ('hubert', 'samples', 'sound/16000'),
                ('unispeech', 'samples', 'sound/16000'), ('unispeech-sat', 'samples', 'sound/16000'),
                ('data2vec-audio', 'samples', 'sound/16000'), ('clap', 'frames', 'sound/100')) s (family, name, unit)
                ON s.family = m.family
            WHERE x.dims ->> s.name IS NOT NULL AND (m.family = 'clap' OR r.size IS NULL);
        UPDATE runs SET size = h.size, size_unit = h.unit, earlier_fingerprint = fingerprint, fingerprint = NULL
            FROM heard h WHERE h.run = runs.key;
        UPDATE details SET dims = json_merge_patch(json_merge_patch(dims, json_object(h.name, NULL)),
                CASE WHEN h.text IS NULL THEN '{}' ELSE json_object('sequence', h.text) END)
            FROM heard h WHERE h.run = details.run;
        CREATE TEMP TABLE told AS SELECT run, to_json(map_from_entries(kept))::VARCHAR AS dims,
                array_to_string([replace(e.key, ',', ' ') || '=' || e.value FOR e IN kept], ',') AS text
            FROM (SELECT x.run, [e FOR e IN list_sort(map_entries(x.dims::JSON::MAP(VARCHAR, UINTEGER)))
                IF NOT (lower(e.key) IN ('height', 'width', 'h', 'w') AND r.size IS NOT NULL AND e.value = r.size)] AS kept
                FROM details x JOIN runs r ON r.key = x.run WHERE x.dims <> '{}');
        UPDATE details SET dims = t.dims FROM told t WHERE t.run = details.run AND t.dims <> details.dims;
        INSERT INTO dims SELECT row_number() OVER (ORDER BY text), text
            FROM (SELECT DISTINCT text FROM told WHERE text <> '');
        UPDATE runs SET dims = d.key, earlier_fingerprint = coalesce(fingerprint, earlier_fingerprint), fingerprint = NULL
            FROM told t JOIN dims d ON d.text = t.text WHERE t.run = runs.key;
        UPDATE runs SET earlier_fingerprint = coalesce(fingerprint, earlier_fingerprint), fingerprint = NULL
            WHERE effective_precision <> precision;
        UPDATE runs SET withheld = 'it ran elsewhere: nothing of its work was done on ' || d.hardware
            FROM placements p, subjects j, devices d
            WHERE p.run = runs.key AND j.key = runs.subject AND d.key = j.device AND runs.withheld IS NULL
                AND coalesce(p.mac_share, p.node_share) <= 0;
        DROP TABLE heard;
        DROP TABLE told;",
};

/// CLAP's frames, the only pieces of sound of which 100 make a second, are one more than steps.
const FRAMES: Migration = Migration {
    version: 7,
    sql: "UPDATE runs SET size_unit = 'frames/100',
            per_sample = CASE WHEN task_unit = 'sound-seconds' THEN (size - 1) / 100.0 ELSE per_sample END
        WHERE size_unit = 'sound/100' AND size > 1;",
};

/// One transaction's worth: the result with all that belongs to it.
pub fn save(conn: &Connection, run: &Run) -> Result<()> {
    let id = check_id(&run.id)?;
    check_finite(run)?;
    if key_of(conn, &run.id)?.is_some() {
        return Err(StoreError::Refused { subject: format!("result {id}"), reason: "it is stored already".into() });
    }
    machines::know(conn, &run.environment)?;
    let subject = subjects::key(conn, run)?;
    let source = run.source.as_deref().map(|name| sources::key(conn, name)).transpose()?;
    let dims = dims::key(conn, &run.setting.dims)?;
    let key = next_key(conn, "runs")?;
    let (failure, failed_phase, message, remedy) = match &run.outcome {
        Outcome::Done => (None, None, None, None),
        Outcome::Failed { phase, kind, message, remedy } => {
            (Some(*kind), Some(*phase), Some(message), remedy.as_deref())
        }
    };
    let timing = run.timing.as_ref();
    let row = vec![
        ("key", key.into()),
        ("id", text(id)),
        ("subject", subject.into()),
        ("evidence", word(run.evidence)),
        ("source", maybe(source)),
        ("precision", word(run.setting.precision)),
        ("effective_precision", maybe_word(run.effective.precision)),
        ("mode", word(run.setting.mode)),
        ("batch", run.setting.batch.into()),
        ("size", maybe(run.setting.size)),
        ("size_unit", maybe_text(run.model.size_unit.map(SizeUnit::key).as_deref())),
        ("dims", maybe(dims)),
        ("threads", maybe(run.setting.threads)),
        ("engine_version", text(&run.effective.engine_version)),
        ("started_at", time(run.started_at)),
        ("finished_at", time(run.finished_at)),
        ("graph_hash", text(&run.model.graph_hash)),
        ("parameters", maybe(run.model.parameters)),
        ("macs", maybe(run.model.macs)),
        ("activations", maybe(run.model.activations)),
        ("weight_bytes", maybe(run.model.weight_bytes)),
        ("failure", maybe_word(failure)),
        ("failed_phase", maybe_word(failed_phase)),
        ("message", maybe_text(message.map(String::as_str))),
        ("withheld", maybe_text(run.withheld().as_deref())),
        ("median_ms", maybe(timing.map(|timing| timing.median_ms))),
        ("low_ms", maybe(timing.map(|timing| timing.low_ms))),
        ("high_ms", maybe(timing.map(|timing| timing.high_ms))),
        ("min_ms", maybe(timing.map(|timing| timing.min_ms))),
        ("samples", maybe(timing.map(|timing| timing.samples))),
        ("throughput_per_s", maybe(timing.map(|timing| timing.throughput_per_s))),
        ("task_unit", maybe_word(run.model.per_sample.map(|sample| sample.unit))),
        ("per_sample", maybe(run.model.per_sample.map(|sample| sample.count))),
        ("peak_memory_bytes", maybe(run.memory.peak_bytes)),
        ("load_ms", maybe(run.phase_ms(PhaseName::Load))),
        ("compile_ms", maybe(run.phase_ms(PhaseName::Compile))),
        ("first_ms", maybe(run.phase_ms(PhaseName::First))),
        ("first_result_ms", maybe(run.first_result_ms())),
        ("noise", maybe_word(run.noise.as_ref().map(|noise| noise.grade))),
        ("note", text("")),
        ("fingerprint", maybe(Measurement::of_run(run).map(|measurement| measurement.fingerprint()))),
    ];
    insert(conn, "runs", row)?;
    details::save(conn, key, run, remedy)?;
    samples::save(conn, key, &run.samples_ms)?;
    phases::save(conn, key, &run.phases)?;
    placements::save(conn, key, run.placement.as_ref())?;
    output_errors::save(conn, key, run.error.as_ref())?;
    generations::save(conn, key, run.generated.as_ref())?;
    environments::save(conn, key, &run.environment)
}

/// The whole result, deleted or not.
pub fn whole(conn: &Connection, id: &RunId) -> Result<Option<Run>> {
    let Some(key) = key_of(conn, id)? else { return Ok(None) };
    let mut statement = conn.prepare(
        "SELECT r.* EXCLUDE (id, started_at, finished_at, dims), r.id::VARCHAR AS id,
            epoch_ns(r.started_at) AS started_at, epoch_ns(r.finished_at) AS finished_at, w.text AS dims,
            m.id AS model_id, m.name AS model, m.family, e.id AS engine, d.id AS device, d.name AS device_name, d.platform,
            s.name AS source_name, epoch_ns(i.imported_at) AS imported_at
         FROM runs r JOIN subjects j ON j.key = r.subject JOIN models m ON m.key = j.model
         JOIN engines e ON e.key = j.engine JOIN devices d ON d.key = j.device
         LEFT JOIN sources s ON s.key = r.source LEFT JOIN imports i ON i.key = s.import
         LEFT JOIN dims w ON w.key = r.dims WHERE r.key = ?",
    )?;
    let mut rows = statement.query(params![key])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let cells = Cells(row);
    let details = details::of(conn, key)?;
    let model_id = ModelId(cells.get("model_id")?);
    let details = details.as_ref();
    let started_at = match cells.maybe_time("started_at")? {
        Some(at) => at,
        None => cells.time("imported_at")?,
    };
    let timing = match details.and_then(|details| details.timing.as_ref()) {
        None => None,
        Some(timing) => Some(Timing {
            median_ms: cells.get("median_ms")?,
            low_ms: cells.get("low_ms")?,
            high_ms: cells.get("high_ms")?,
            min_ms: cells.get("min_ms")?,
            samples: cells.get("samples")?,
            percentiles: timing.percentiles.clone(),
            mild_outliers: timing.mild_outliers,
            severe_outliers: timing.severe_outliers,
            stop: timing.stop,
            throughput_per_s: cells.get("throughput_per_s")?,
            harness_ms: timing.harness_ms,
        }),
    };
    let outcome = match cells.maybe_word("failure")? {
        None => Outcome::Done,
        Some(kind) => Outcome::Failed {
            phase: cells.word("failed_phase")?,
            kind,
            message: cells.get("message")?,
            remedy: details.and_then(|details| details.remedy.clone()),
        },
    };
    let noise = match (cells.maybe_word("noise")?, details.and_then(|details| details.noise.as_ref())) {
        (Some(grade), Some(noise)) => {
            Some(Noise { grade, sentinel_ms: noise.sentinel_ms.clone(), spread: noise.spread })
        }
        _ => None,
    };
    Ok(Some(Run {
        id: RunId(cells.get("id")?),
        evidence: cells.word("evidence")?,
        source: cells.get("source_name")?,
        setting: Setting {
            model: details.and_then(|details| details.asked_model.clone()).map_or_else(|| model_id.clone(), ModelId),
            engine: EngineId(cells.get("engine")?),
            device: DeviceId(cells.get("device")?),
            precision: cells.word("precision")?,
            mode: cells.word("mode")?,
            batch: cells.get::<Option<u32>>("batch")?.unwrap_or(UNSTATED_BATCH),
            size: cells.get("size")?,
            dims: match details {
                Some(details) => details.dims.clone(),
                None => cells.get::<Option<String>>("dims")?.and_then(|dims| dims_of_key(&dims)).unwrap_or_default(),
            },
            threads: cells.get("threads")?,
            seed: details.map_or(0, |details| details.seed),
            budget_secs: details.map_or(0.0, |details| details.budget_secs),
        },
        platform: cells.word("platform")?,
        model: RunModel {
            id: model_id,
            name: cells.get("model")?,
            family: cells.get("family")?,
            graph_hash: cells.get("graph_hash")?,
            parameters: cells.get("parameters")?,
            macs: cells.get("macs")?,
            activations: cells.get("activations")?,
            weight_bytes: cells.get("weight_bytes")?,
            per_sample: per_sample(&cells)?,
            size_unit: size_unit(&cells)?,
        },
        started_at,
        finished_at: cells.maybe_time("finished_at")?.unwrap_or(started_at),
        outcome,
        phases: phases::of(conn, key)?,
        timing,
        samples_ms: samples::of(conn, key)?,
        generated: generations::of(conn, key)?,
        check: details.map_or_else(unchecked, |details| details.check.clone()),
        error: output_errors::of(conn, key)?,
        placement: placements::of(conn, key)?,
        effective: Effective {
            engine_version: cells.get("engine_version")?,
            library: details.and_then(|details| details.library.clone()),
            device_name: cells.get("device_name")?,
            driver: details.and_then(|details| details.driver.clone()),
            precision: cells.maybe_word("effective_precision")?,
            precision_source: match details {
                Some(details) => details.precision_source.clone(),
                None => stated_precision(cells.get::<Option<String>>("stated_precision")?.as_deref()),
            },
            threads: details.and_then(|details| details.effective_threads),
        },
        memory: Memory {
            baseline_bytes: details.and_then(|details| details.baseline_bytes),
            peak_bytes: cells.get("peak_memory_bytes")?,
            device_peak_bytes: details.and_then(|details| details.device_peak_bytes),
        },
        noise,
        flags: details.map(|details| details.flags.clone()).unwrap_or_default(),
        environment: environments::of(conn, key)?,
        log: details.map(|details| details.log.clone()).unwrap_or_default(),
    }))
}

/// Shown where an imported table left the batch blank; such results have no throughput.
const UNSTATED_BATCH: u32 = 1;

/// How what a table tells is known.
pub const STATED: &str = "the imported table says";

fn stated_precision(word: Option<&str>) -> String {
    format!("{STATED} {}", word.unwrap_or("so"))
}

/// The check of a table's result.
pub fn unchecked() -> OutputCheck {
    OutputCheck::Unchecked { reason: "the figure was imported; its output is not here".into() }
}

/// What a stored size counts.
pub fn size_unit(cells: &Cells) -> Result<Option<SizeUnit>> {
    Ok(cells.get::<Option<String>>("size_unit")?.and_then(|key| SizeUnit::from_key(&key)))
}

/// What a sample of a stored result is.
pub fn per_sample(cells: &Cells) -> Result<Option<PerSample>> {
    let (unit, count) = (cells.maybe_word("task_unit")?, cells.get::<Option<f64>>("per_sample")?);
    Ok(unit.zip(count).map(|(unit, count)| PerSample { unit, count }))
}

/// What ran otherwise than was asked for, beside the precision: `placements` are `p`, `details` `x`.
pub const OTHERWISE: &str = "coalesce(p.mac_share, p.node_share) AS device_share,
    coalesce(contains(x.flags, '\"all_experts\"'), FALSE) AS all_experts";

/// What every list of results selects, [`OTHERWISE`] apart; `runs` is `r`.
const ROW: &str =
    "r.key, r.id::VARCHAR AS id, r.evidence, s.name AS source, epoch_ns(r.started_at) AS started_at,
    m.name AS model, m.id AS model_id, m.family, e.id AS engine, r.engine_version, d.id AS device,
    d.name AS device_name, d.platform, r.precision, r.effective_precision, o.cosine,
    r.mode, r.batch, r.size, r.size_unit, w.text AS dims,
    coalesce(x.effective_threads, r.threads) AS threads, r.median_ms, r.low_ms, r.high_ms, r.min_ms, r.samples,
    r.throughput_per_s, r.task_unit, r.per_sample, g.output_tokens, g.first_token_ms, g.token_ms, g.tokens_per_s, r.peak_memory_bytes, r.load_ms, r.compile_ms, r.first_ms, r.first_result_ms, r.macs,
    r.weight_bytes, r.activations, r.noise, r.failure, r.failed_phase, r.message, r.withheld, r.note
    FROM runs r JOIN subjects j ON j.key = r.subject JOIN models m ON m.key = j.model
    JOIN engines e ON e.key = j.engine JOIN devices d ON d.key = j.device
    LEFT JOIN sources s ON s.key = r.source LEFT JOIN details x ON x.run = r.key
    LEFT JOIN output_errors o ON o.run = r.key LEFT JOIN generations g ON g.run = r.key
    LEFT JOIN placements p ON p.run = r.key LEFT JOIN dims w ON w.key = r.dims";

/// These results as rows, in the order of `keys`.
pub fn rows(conn: &Connection, keys: &[i64]) -> Result<Vec<RunRow>> {
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let list: Vec<String> = keys.iter().map(i64::to_string).collect();
    let mut statement = conn.prepare(&format!("SELECT {OTHERWISE}, {ROW} WHERE r.key IN ({})", list.join(", ")))?;
    let mut found = statement.query([])?;
    let mut rows = std::collections::HashMap::with_capacity(keys.len());
    while let Some(row) = found.next()? {
        rows.insert(row.get::<_, i64>("key")?, row_of(&Cells(row))?);
    }
    Ok(keys.iter().filter_map(|key| rows.remove(key)).collect())
}

fn row_of(cells: &Cells) -> Result<RunRow> {
    Ok(RunRow {
        id: RunId(cells.get("id")?),
        evidence: cells.word("evidence")?,
        source: cells.get("source")?,
        started_at: cells.maybe_time("started_at")?,
        model: cells.get("model")?,
        model_id: ModelId(cells.get("model_id")?),
        family: cells.get("family")?,
        engine: EngineId(cells.get("engine")?),
        engine_version: cells.get("engine_version")?,
        device: DeviceId(cells.get("device")?),
        device_name: cells.get("device_name")?,
        platform: cells.word("platform")?,
        precision: cells.word("precision")?,
        effective_precision: cells.maybe_word("effective_precision")?,
        device_share: cells.get("device_share")?,
        all_experts: cells.get("all_experts")?,
        cosine: cells.get("cosine")?,
        mode: cells.word("mode")?,
        batch: cells.get::<Option<u32>>("batch")?.unwrap_or(UNSTATED_BATCH),
        size: cells.get("size")?,
        size_unit: size_unit(cells)?,
        dims: cells.get("dims")?,
        threads: cells.get("threads")?,
        median_ms: cells.get("median_ms")?,
        low_ms: cells.get("low_ms")?,
        high_ms: cells.get("high_ms")?,
        min_ms: cells.get("min_ms")?,
        samples: cells.get("samples")?,
        throughput_per_s: cells.get("throughput_per_s")?,
        per_sample: per_sample(cells)?,
        output_tokens: cells.get("output_tokens")?,
        first_token_ms: cells.get("first_token_ms")?,
        token_ms: cells.get("token_ms")?,
        tokens_per_s: cells.get("tokens_per_s")?,
        peak_memory_bytes: cells.get("peak_memory_bytes")?,
        load_ms: cells.get("load_ms")?,
        compile_ms: cells.get("compile_ms")?,
        first_ms: cells.get("first_ms")?,
        first_result_ms: cells.get("first_result_ms")?,
        macs: cells.get("macs")?,
        weight_bytes: cells.get("weight_bytes")?,
        activations: cells.get("activations")?,
        noise: cells.maybe_word("noise")?,
        failure: cells.maybe_word("failure")?,
        failed_phase: cells.maybe_word("failed_phase")?,
        message: cells.get("message")?,
        withheld: cells.get("withheld")?,
        note: cells.get("note")?,
    })
}

pub fn set_note(conn: &Connection, id: &RunId, note: &str) -> Result<()> {
    let key = key_of(conn, id)?.ok_or_else(|| StoreError::NoRun(id.clone()))?;
    conn.execute("UPDATE runs SET note = ? WHERE key = ?", params![note, key])?;
    Ok(())
}

/// Marks results as deleted, or brings them back; answers how many changed.
pub fn set_deleted(conn: &Connection, ids: &[RunId], at: Option<jiff::Timestamp>) -> Result<u32> {
    let ids: Vec<&str> = ids.iter().filter_map(|id| check_id(id).ok()).collect();
    let mut changed = 0;
    for some in ids.chunks(1000) {
        let marks = vec!["?"; some.len()].join(", ");
        let now = if at.is_some() { "IS NULL" } else { "IS NOT NULL" };
        let sql = format!("UPDATE runs SET deleted_at = ? WHERE deleted_at {now} AND id IN ({marks})");
        let values = std::iter::once(at.map_or(Value::Null, time)).chain(some.iter().map(|id| text(*id)));
        changed += conn.prepare(&sql)?.execute(params_from_iter(values))?;
    }
    Ok(u32::try_from(changed).unwrap_or(u32::MAX))
}

/// Results that are not deleted.
pub fn count(conn: &Connection) -> Result<u64> {
    Ok(conn.query_row("SELECT count(*) FROM runs WHERE deleted_at IS NULL", [], |row| row.get(0))?)
}

/// The longest wall time in seconds of an earlier result of this very setting.
pub fn longest_like(conn: &Connection, setting: &Setting) -> Result<Option<f64>> {
    let sql = "SELECT max(epoch_ns(r.finished_at) - epoch_ns(r.started_at)) / 1e9
        FROM runs r JOIN details x ON x.run = r.key JOIN subjects j ON j.key = r.subject
        JOIN models m ON m.key = j.model JOIN engines e ON e.key = j.engine JOIN devices d ON d.key = j.device
        LEFT JOIN dims w ON w.key = r.dims
        WHERE r.evidence = 'measured' AND r.failure IS NULL
          AND m.id = ? AND e.id = ? AND d.id = ? AND r.precision = ? AND r.mode = ? AND r.batch = ?
          AND r.size IS NOT DISTINCT FROM ? AND r.threads IS NOT DISTINCT FROM ?
          AND w.text IS NOT DISTINCT FROM ? AND x.budget_secs = ?";
    let values = [
        text(&setting.model.0),
        text(&setting.engine.0),
        text(&setting.device.0),
        word(setting.precision),
        word(setting.mode),
        setting.batch.into(),
        maybe(setting.size),
        maybe(setting.threads),
        maybe_text(dims_key(&setting.dims).as_deref()),
        setting.budget_secs.into(),
    ];
    Ok(conn.prepare(sql)?.query_row(params_from_iter(values), |row| row.get(0))?)
}

/// Whether a result that is not deleted has these very samples, in this order.
pub fn has_samples(conn: &Connection, samples_ms: &[f64]) -> Result<bool> {
    let sql = "SELECT 1 FROM samples s JOIN runs r ON r.key = s.run WHERE r.deleted_at IS NULL AND s.ms = ?::DOUBLE[]";
    Ok(conn.prepare(sql)?.exists(params_from_iter([doubles(samples_ms)]))?)
}

/// None where there is no such result.
pub fn key_of(conn: &Connection, id: &RunId) -> Result<Option<i64>> {
    let Ok(id) = check_id(id) else { return Ok(None) };
    let mut statement = conn.prepare("SELECT key FROM runs WHERE id = ?::UUID")?;
    let mut rows = statement.query(params![id])?;
    Ok(rows.next()?.map(|row| row.get(0)).transpose()?)
}

/// Ids are UUIDs in their usual form: `019aa0d1-5e3c-7c4a-8f5e-1b2c3d4e5f60`.
fn check_id(id: &RunId) -> Result<&str> {
    let usual = id.0.len() == 36
        && id.0.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
        });
    if usual {
        Ok(&id.0)
    } else {
        Err(StoreError::Refused { subject: format!("result {id}"), reason: "its id is not a UUID".into() })
    }
}

/// A figure that is not a number would come back as another one, or not at all.
fn check_finite(run: &Run) -> Result<()> {
    let timing = run.timing.iter().flat_map(|t| {
        let percentiles = t.percentiles.iter().flat_map(|percentile| [percentile.p, percentile.ms]);
        [t.median_ms, t.low_ms, t.high_ms, t.min_ms, t.throughput_per_s]
            .into_iter()
            .chain(t.harness_ms)
            .chain(percentiles)
    });
    let timing = timing.chain(run.model.per_sample.map(|sample| sample.count));
    let check = match &run.check {
        OutputCheck::Agrees { largest_difference, tolerance, .. }
        | OutputCheck::Disagrees { largest_difference, tolerance, .. } => vec![*largest_difference, *tolerance],
        OutputCheck::Unchecked { .. } => Vec::new(),
    };
    let noise = run.noise.iter().flat_map(|noise| noise.sentinel_ms.iter().copied().chain([noise.spread]));
    let error = run
        .error
        .iter()
        .flat_map(|e| [e.cosine, e.largest_difference, e.relative_difference].into_iter().chain(e.divergence_nats));
    let generated = run.generated.iter().flat_map(|g| {
        let medians = [g.first_token, g.token].into_iter().flat_map(|time| [time.ms, time.low_ms, time.high_ms]);
        let texts = g.texts_ms.iter().flatten().copied();
        medians.chain([g.tokens_per_s]).chain(g.full_pass_difference).chain(texts)
    });
    let figures =
        timing.chain(generated).chain(check).chain(error).chain(noise).chain(run.phases.iter().map(|phase| phase.ms));
    let figures = figures.chain(run.samples_ms.iter().copied()).chain([run.setting.budget_secs]);
    match figures.into_iter().find(|figure| !figure.is_finite()) {
        None => Ok(()),
        Some(figure) => Err(StoreError::Refused {
            subject: format!("result {}", run.id),
            reason: format!("one of its figures is {figure}, which is not a number that can be kept"),
        }),
    }
}
