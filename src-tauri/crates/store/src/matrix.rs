//! The best figure of every model on every device, from all results in one pass.
//!
//! Results are folded by subject first (small whole numbers), names are joined to the few that remain:
//! a million results take tens of milliseconds, so nothing needs to be kept beside them and go stale.

use crate::columns::Cells;
use crate::filter::Condition;
use crate::found::{BestCell, BestFigure, FailedCell, MatrixBest};
use crate::tables::runs::{self, OTHERWISE};
use crate::{Result, StoreError};
use contract::*;
use duckdb::{Connection, params_from_iter};

pub fn matrix(conn: &Connection, metric: Metric, filter: &Filter) -> Result<MatrixBest> {
    let condition = Condition::of(filter);
    let sql = statement(metric, &condition.sql);
    let mut statement = conn.prepare(&sql)?;
    // What a throughput is told in is asked of the same results.
    let times = if metric == Metric::Throughput { 2 } else { 1 };
    let mut rows = statement.query(params_from_iter(std::iter::repeat_n(condition.values, times).flatten()))?;
    let mut cells = Vec::new();
    while let Some(row) = rows.next()? {
        cells.push(cell(&Cells(row), metric)?);
    }
    cells.sort_by(|a: &BestCell, b| {
        (&a.model, a.platform, &a.device, &a.machine).cmp(&(&b.model, b.platform, &b.device, &b.machine))
    });
    Ok(MatrixBest { metric, cells })
}

/// `score` is the figure, turned so that smaller is better. Generated text is another piece of work than one pass: it
/// has metrics of its own, and in the others it stands only where a cell has nothing else, before a prediction; the
/// last `rank` is what may not be ranked. Results are grouped by it: filters on the figures and a second pass for
/// predictions take longer. So does folding in one go with the join of the CPU's times, hence `MATERIALIZED`.
fn statement(metric: Metric, condition: &str) -> String {
    const OF_TEXTS: &str = "LEFT JOIN generations g ON g.run = r.key";
    let (score, joined) = match metric {
        Metric::Latency => ("r.median_ms", ""),
        Metric::Throughput => ("-r.throughput_per_s * coalesce(CASE WHEN u.one THEN r.per_sample END, 1)", TASK_JOIN),
        Metric::Memory => ("r.peak_memory_bytes::DOUBLE", ""),
        Metric::FirstResult => ("r.first_result_ms", ""),
        Metric::Speedup => ("-b.ms / r.median_ms", CPU_BASE_JOIN),
        Metric::TokenRate => ("-g.tokens_per_s", OF_TEXTS),
        Metric::FirstToken => ("g.first_token_ms", OF_TEXTS),
        Metric::TokenTime => ("g.token_ms", OF_TEXTS),
    };
    let modes = match metric {
        metric if metric.is_of_generation() => "r.mode = 'generation'",
        // Texts of other lengths than the CPU's are no comparison.
        Metric::Speedup => "r.mode <> 'generation'",
        _ => "true",
    };
    let base = match metric {
        Metric::Speedup => CPU_BASE.to_owned(),
        Metric::Throughput => tasks(condition),
        _ => String::new(),
    };
    let (told_in, task_join) = match metric {
        Metric::Throughput => (TOLD_IN, TASK_JOIN),
        _ => ("NULL AS task_unit, NULL AS per_sample", ""),
    };
    format!(
        "WITH {base} scored AS MATERIALIZED (
            SELECT r.subject, r.key, {score} AS score,
                CASE WHEN r.withheld IS NOT NULL OR score IS NULL THEN 3 WHEN r.evidence = 'predicted' THEN 2
                    WHEN r.mode = 'generation' THEN 1 ELSE 0 END AS rank
            FROM runs r {joined} WHERE {modes} AND {condition}),
        folded AS (
            SELECT subject, rank, count(*) AS runs, max(key) AS newest, min(score) AS score, arg_min(key, score) AS best
            FROM scored GROUP BY subject, rank),
        cells AS (
            SELECT m.name AS model, d.platform, d.machine, d.id AS device, max(m.family) AS family,
                coalesce(arg_max(d.name, f.newest) FILTER (d.name <> ''), '') AS device_name,
                sum(f.runs)::UBIGINT AS runs, max(f.newest) AS newest,
                arg_min(f.score, (f.rank, f.score)) FILTER (f.rank < 3) AS score,
                arg_min(f.best, (f.rank, f.score)) FILTER (f.rank < 3) AS best
            FROM folded f JOIN subjects j ON j.key = f.subject
            JOIN models m ON m.key = j.model JOIN devices d ON d.key = j.device
            GROUP BY m.name, d.platform, d.machine, d.id)
        SELECT c.model, c.platform, c.machine, c.device, c.family, c.device_name, c.runs, c.best IS NOT NULL AS ranked,
            c.score, r.id::VARCHAR AS run, r.evidence, r.precision, r.effective_precision,
            {OTHERWISE}, r.mode, r.batch, r.size, r.size_unit, w.text AS dims, r.noise, r.median_ms, r.low_ms, r.high_ms,
            t.first_token_low_ms, t.first_token_high_ms, t.token_ms, t.token_low_ms, t.token_high_ms, e.id AS engine,
            r.withheld, {told_in}
        FROM cells c JOIN runs r ON r.key = coalesce(c.best, c.newest)
        JOIN subjects j ON j.key = r.subject JOIN engines e ON e.key = j.engine
        LEFT JOIN generations t ON t.run = r.key LEFT JOIN placements p ON p.run = r.key
        LEFT JOIN details x ON x.run = r.key LEFT JOIN dims w ON w.key = r.dims {task_join}"
    )
}

/// Whether all results of a model that may be ranked have the same unit of a task: then its throughputs are ranked and
/// told in that, else in samples. Texts are other pieces of work, and always samples. Few tables tell a unit, so that
/// only the models of which some result has one are looked at: of a million results most are imported.
fn tasks(condition: &str) -> String {
    format!(
        "told AS MATERIALIZED (
            SELECT DISTINCT m.name FROM (SELECT DISTINCT subject FROM runs WHERE per_sample IS NOT NULL) r
            JOIN subjects j ON j.key = r.subject JOIN models m ON m.key = j.model),
        known AS (
            SELECT r.subject, count(*) = count(r.per_sample) AS whole, min(r.task_unit) AS low, max(r.task_unit) AS high
            FROM runs r
            WHERE r.mode <> 'generation' AND r.withheld IS NULL AND r.throughput_per_s IS NOT NULL AND {condition}
                AND r.subject IN (SELECT j.key FROM subjects j JOIN models m ON m.key = j.model
                    WHERE m.name IN (SELECT name FROM told))
            GROUP BY r.subject),
        tasks AS MATERIALIZED (
            SELECT k.subject, bool_and(k.whole) OVER of_model
                AND min(k.low) OVER of_model = max(k.high) OVER of_model AS one
            FROM known k JOIN subjects j ON j.key = k.subject JOIN models m ON m.key = j.model
            WINDOW of_model AS (PARTITION BY m.name)),"
    )
}

const TASK_JOIN: &str = "LEFT JOIN tasks u ON u.subject = r.subject";

const TOLD_IN: &str =
    "CASE WHEN u.one THEN r.task_unit END AS task_unit, CASE WHEN u.one THEN r.per_sample END AS per_sample";

/// The CPU's best time for the same piece of work on the same machine, whatever engine and precision.
/// Imported results have no machine and compare among themselves. One number for model and machine in place of both takes
/// longer.
const CPU_BASE: &str = "base AS (
        SELECT m.name AS model, d.machine, r.batch, r.size, r.dims, r.mode, min(r.median_ms) AS ms
        FROM runs r JOIN subjects j ON j.key = r.subject JOIN models m ON m.key = j.model
        JOIN devices d ON d.key = j.device
        WHERE d.platform = 'cpu' AND r.deleted_at IS NULL AND r.withheld IS NULL AND r.median_ms IS NOT NULL
            AND r.evidence <> 'predicted'
        GROUP BY ALL),
    machines_of AS (
        SELECT j.key, m.name AS model, d.machine FROM subjects j JOIN models m ON m.key = j.model
        JOIN devices d ON d.key = j.device),";

const CPU_BASE_JOIN: &str = "JOIN machines_of o ON o.key = r.subject
    LEFT JOIN base b ON b.model = o.model AND b.mode = r.mode AND b.batch = r.batch
        AND b.size IS NOT DISTINCT FROM r.size AND b.dims IS NOT DISTINCT FROM r.dims
        AND b.machine IS NOT DISTINCT FROM o.machine";

fn cell(cells: &Cells, metric: Metric) -> Result<BestCell> {
    let run = RunId(cells.get("run")?);
    let ranked: bool = cells.get("ranked")?;
    let (best, failed) = if ranked {
        (Some(figure(cells, metric, run)?), None)
    } else {
        let withheld: Option<String> = cells.get("withheld")?;
        (None, Some(FailedCell { run, reason: withheld.unwrap_or_else(|| lacking(metric)) }))
    };
    Ok(BestCell {
        model: cells.get("model")?,
        family: cells.get("family")?,
        platform: cells.word("platform")?,
        device: DeviceId(cells.get("device")?),
        device_name: cells.get("device_name")?,
        machine: cells.get::<Option<String>>("machine")?.map(MachineId),
        runs: u32::try_from(cells.get::<u64>("runs")?).unwrap_or(u32::MAX),
        best,
        failed,
    })
}

fn figure(cells: &Cells, metric: Metric, run: RunId) -> Result<BestFigure> {
    let score: f64 = cells.get("score")?;
    let ms = |name: &str| cells.get::<Option<f64>>(name);
    let value = match metric {
        Metric::Latency | Metric::FirstResult | Metric::FirstToken | Metric::TokenTime => score,
        Metric::Memory => score / 1e6,
        Metric::Throughput | Metric::Speedup | Metric::TokenRate => -score,
    };
    // A rate follows from a time, so its interval is the time's, turned round.
    let turned = |median: Option<f64>, ms: Option<f64>| ms.zip(median).map(|(ms, median)| value * median / ms);
    let (low, high) = match metric {
        Metric::Latency => (ms("low_ms")?, ms("high_ms")?),
        Metric::Throughput | Metric::Speedup => {
            let median = ms("median_ms")?;
            (turned(median, ms("high_ms")?), turned(median, ms("low_ms")?))
        }
        Metric::TokenRate => {
            let median = ms("token_ms")?;
            (turned(median, ms("token_high_ms")?), turned(median, ms("token_low_ms")?))
        }
        Metric::FirstToken => (ms("first_token_low_ms")?, ms("first_token_high_ms")?),
        Metric::TokenTime => (ms("token_low_ms")?, ms("token_high_ms")?),
        Metric::Memory | Metric::FirstResult => (None, None),
    };
    Ok(BestFigure {
        run,
        value,
        low,
        high,
        per_sample: runs::per_sample(cells)?,
        precision: cells.word("precision")?,
        effective_precision: cells.maybe_word("effective_precision")?,
        device_share: cells.get("device_share")?,
        all_experts: cells.get("all_experts")?,
        engine: EngineId(cells.get("engine")?),
        evidence: cells.word("evidence")?,
        mode: cells.word("mode")?,
        batch: cells.get::<Option<u32>>("batch")?.unwrap_or(1),
        size: cells.get("size")?,
        size_unit: runs::size_unit(cells)?,
        dims: cells.get("dims")?,
        noise: cells.maybe_word("noise")?,
    })
}

fn lacking(metric: Metric) -> String {
    match metric {
        Metric::Latency | Metric::Throughput => "the result has no time".into(),
        Metric::Memory => "its memory was not recorded".into(),
        Metric::FirstResult => "its time to first result was not recorded".into(),
        Metric::TokenRate | Metric::FirstToken | Metric::TokenTime => {
            "the result does not tell the times of its tokens".into()
        }
        Metric::Speedup => "there is no CPU result of the same model, mode, batch and sizes to compare with".into(),
    }
}

/// The choices of the filter bar: only what results have.
pub fn choices(conn: &Connection) -> Result<FilterChoices> {
    let subjects = "SELECT DISTINCT subject FROM runs WHERE deleted_at IS NULL";
    let names = |column: &str| -> Result<Vec<String>> {
        list(
            conn,
            &format!(
                "SELECT DISTINCT {column} FROM subjects j JOIN models m ON m.key = j.model
                 JOIN engines e ON e.key = j.engine WHERE j.key IN ({subjects}) AND {column} <> '' ORDER BY 1"
            ),
        )
    };
    let of_runs = |column: &str| -> Result<Vec<String>> {
        list(conn, &format!("SELECT DISTINCT {column} FROM runs WHERE deleted_at IS NULL ORDER BY 1"))
    };
    let counts = |column: &str| -> Result<Vec<u32>> {
        list(
            conn,
            &format!("SELECT DISTINCT {column} FROM runs WHERE deleted_at IS NULL AND {column} IS NOT NULL ORDER BY 1"),
        )
    };
    Ok(FilterChoices {
        families: names("m.family")?,
        models: names("m.name")?,
        engines: names("e.id")?.into_iter().map(EngineId).collect(),
        precisions: in_order(Precision::ALL, of_runs("precision")?),
        modes: in_order(Mode::ALL, of_runs("mode")?),
        batches: counts("batch")?,
        sizes: counts("size")?,
        evidence: in_order(Evidence::ALL, of_runs("evidence")?),
    })
}

fn list<T: duckdb::types::FromSql>(conn: &Connection, sql: &str) -> Result<Vec<T>> {
    let mut statement = conn.prepare(sql)?;
    let rows = statement.query_map([], |row| row.get(0))?;
    rows.collect::<std::result::Result<_, _>>().map_err(StoreError::from)
}

fn in_order<T: crate::columns::Word + Copy>(all: &[T], found: Vec<String>) -> Vec<T> {
    all.iter().copied().filter(|value| found.iter().any(|word| word == value.word())).collect()
}
