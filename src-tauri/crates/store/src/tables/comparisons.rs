//! Two results that were measured in turn, with the rounds and what they told.

use super::{Migration, runs};
use crate::columns::{Cells, insert, json, maybe, maybe_word, text, time};
use crate::{Result, StoreError};
use contract::{
    CompareRules, Comparison, ComparisonId, ComparisonRow, PairedRatio, Percentile, RatioInterval, RunId, RunRow,
};
use duckdb::{Connection, params};

pub const MIGRATIONS: &[Migration] = &[Migration {
    version: 3,
    sql: "CREATE TABLE comparisons (
        id UUID PRIMARY KEY,
        a BIGINT NOT NULL REFERENCES runs (key),
        b BIGINT NOT NULL REFERENCES runs (key),
        threshold DOUBLE NOT NULL,
        confidence DOUBLE NOT NULL,
        tail_p DOUBLE,           -- NULL: no percentile is limited
        tail_ms DOUBLE,
        verdict VARCHAR,         -- NULL: a side failed before there was a round
        ratio DOUBLE,            -- of B's time to A's
        low DOUBLE,              -- NULL: the rounds are too few to bound it
        high DOUBLE,
        needed_secs DOUBLE,
        round_count UINTEGER NOT NULL,
        rounds VARCHAR NOT NULL, -- JSON: a list of contract::Round
        started_at TIMESTAMP_NS NOT NULL,
        finished_at TIMESTAMP_NS NOT NULL
    );",
}];

/// Both results with it, in one transaction.
pub fn save(conn: &Connection, comparison: &Comparison) -> Result<()> {
    check_finite(comparison)?;
    runs::save(conn, &comparison.a)?;
    runs::save(conn, &comparison.b)?;
    let key = |id: &RunId| Ok::<_, StoreError>(runs::key_of(conn, id)?.expect("it was stored a moment ago"));
    let result = comparison.result.as_ref();
    let interval = result.and_then(|result| result.interval);
    let row = vec![
        ("id", text(&comparison.id.0)),
        ("a", key(&comparison.a.id)?.into()),
        ("b", key(&comparison.b.id)?.into()),
        ("threshold", comparison.rules.threshold.into()),
        ("confidence", comparison.rules.confidence.into()),
        ("tail_p", maybe(comparison.rules.tail.map(|tail| tail.p))),
        ("tail_ms", maybe(comparison.rules.tail.map(|tail| tail.ms))),
        ("verdict", maybe_word(result.map(|result| result.verdict))),
        ("ratio", maybe(result.map(|result| result.ratio))),
        ("low", maybe(interval.map(|interval| interval.low))),
        ("high", maybe(interval.map(|interval| interval.high))),
        ("needed_secs", maybe(result.and_then(|result| result.needed_secs))),
        ("round_count", (comparison.rounds.len() as u32).into()),
        ("rounds", json(&comparison.rounds)),
        ("started_at", time(comparison.started_at)),
        ("finished_at", time(comparison.finished_at)),
    ];
    insert(conn, "comparisons", row)
}

/// The whole comparison, with both results.
pub fn whole(conn: &Connection, id: &ComparisonId) -> Result<Option<Comparison>> {
    let mut statement = conn.prepare(
        "SELECT c.* EXCLUDE (a, b, started_at, finished_at), a.id::VARCHAR AS a, b.id::VARCHAR AS b,
            epoch_ns(c.started_at) AS started_at, epoch_ns(c.finished_at) AS finished_at
         FROM comparisons c JOIN runs a ON a.key = c.a JOIN runs b ON b.key = c.b WHERE c.id::VARCHAR = ?",
    )?;
    let mut rows = statement.query(params![id.0])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let cells = Cells(row);
    let rounds: Vec<contract::Round> = cells.json("rounds")?;
    let run = |side: &str| {
        let id = RunId(cells.get(side)?);
        Ok::<_, StoreError>(runs::whole(conn, &id)?.expect("a comparison refers to stored results"))
    };
    let result = result(&cells, rounds.len() as u32)?;
    Ok(Some(Comparison {
        id: id.clone(),
        rules: rules(&cells)?,
        result,
        rounds,
        started_at: cells.time("started_at")?,
        finished_at: cells.time("finished_at")?,
        a: run("a")?,
        b: run("b")?,
    }))
}

/// Every comparison in one line, newest first.
pub fn rows(conn: &Connection) -> Result<Vec<ComparisonRow>> {
    let mut statement = conn.prepare(
        "SELECT c.id::VARCHAR AS id, epoch_ns(c.started_at) AS started_at, c.threshold, c.confidence, c.tail_p, c.tail_ms,
            c.verdict, c.ratio, c.low, c.high, c.needed_secs, c.round_count, c.a, c.b
         FROM comparisons c ORDER BY c.started_at DESC, c.id",
    )?;
    let mut found = statement.query([])?;
    let (mut all, mut keys) = (Vec::new(), Vec::<i64>::new());
    while let Some(row) = found.next()? {
        let cells = Cells(row);
        keys.extend([cells.get::<i64>("a")?, cells.get::<i64>("b")?]);
        all.push(ComparisonRow {
            id: ComparisonId(cells.get("id")?),
            started_at: cells.time("started_at")?,
            rules: rules(&cells)?,
            result: result(&cells, cells.get("round_count")?)?,
            a: String::new(),
            b: String::new(),
        });
    }
    // No result ever leaves the table, so that each key has its row.
    let mut sides = runs::rows(conn, &keys)?.into_iter().map(|row| side(&row));
    for row in &mut all {
        (row.a, row.b) = (sides.next().unwrap_or_default(), sides.next().unwrap_or_default());
    }
    Ok(all)
}

/// What a side was, in words.
fn side(row: &RunRow) -> String {
    let engine = format!("{} {}", row.engine, row.engine_version);
    let precision = row.effective_precision.unwrap_or(row.precision);
    let fed = row.fed().words().join(", ");
    format!("{} on {}, {}, {}, {fed}", row.model, engine.trim_end(), row.device, precision.key())
}

fn rules(cells: &Cells) -> Result<CompareRules> {
    let tail = match (cells.get("tail_p")?, cells.get("tail_ms")?) {
        (Some(p), Some(ms)) => Some(Percentile { p, ms }),
        _ => None,
    };
    Ok(CompareRules { threshold: cells.get("threshold")?, confidence: cells.get("confidence")?, tail })
}

/// What was told; none where a side failed before there was a round.
fn result(cells: &Cells, rounds: u32) -> Result<Option<PairedRatio>> {
    let Some(verdict) = cells.maybe_word("verdict")? else { return Ok(None) };
    let interval = match (cells.get("low")?, cells.get("high")?) {
        (Some(low), Some(high)) => Some(RatioInterval { low, high }),
        _ => None,
    };
    Ok(Some(PairedRatio {
        ratio: cells.get("ratio")?,
        interval,
        rounds,
        verdict,
        needed_secs: cells.get("needed_secs")?,
    }))
}

fn check_finite(comparison: &Comparison) -> Result<()> {
    let rounds = comparison.rounds.iter().flat_map(|round| [round.a_ms, round.b_ms]).flatten();
    let result = comparison.result.iter().flat_map(|result| {
        let interval = result.interval.into_iter().flat_map(|interval| [interval.low, interval.high]);
        interval.chain([result.ratio]).chain(result.needed_secs)
    });
    match rounds.chain(result).find(|figure| !figure.is_finite()) {
        None => Ok(()),
        Some(figure) => Err(StoreError::Refused {
            subject: format!("comparison {}", comparison.id),
            reason: format!("one of its figures is {figure}, which is not a number that can be kept"),
        }),
    }
}
