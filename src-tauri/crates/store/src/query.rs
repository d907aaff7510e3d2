//! A statement of the person's own, which can read the tables and nothing else.
//!
//! Four walls: the database has no access to files and a locked configuration from the moment it is opened; the
//! statement must parse to one SELECT; the table functions it calls must be on a short list (some of the others
//! change logging or profiling for the whole process); and what it does is rolled back.

use crate::{Result, StoreError};
use duckdb::types::{TimeUnit, Value};
use duckdb::{Connection, params};
use jiff::{SignedDuration, Timestamp, civil};
use serde_json::{Map, Number, Value as Json};
use std::sync::mpsc;
use std::time::Duration;

pub struct Limits {
    pub time: Duration,
    pub rows: usize,
    /// Of the answer as text, roughly.
    pub bytes: usize,
}

pub const LIMITS: Limits = Limits { time: Duration::from_secs(20), rows: 100_000, bytes: 64 << 20 };

/// Table functions that only compute or describe.
const TABLE_FUNCTIONS: [&str; 13] = [
    "range",
    "generate_series",
    "unnest",
    "repeat",
    "json_each",
    "json_tree",
    "duckdb_tables",
    "duckdb_columns",
    "duckdb_views",
    "duckdb_constraints",
    "duckdb_indexes",
    "duckdb_types",
    "pragma_table_info",
];

/// Rows as objects, in order.
pub fn query(conn: &Connection, sql: &str, limits: &Limits) -> Result<Json> {
    let checked = check(conn, sql)?;
    conn.execute_batch("BEGIN TRANSACTION READ ONLY")?;
    let (done, ended) = mpsc::channel::<()>();
    let interrupt = conn.interrupt_handle();
    let time = limits.time;
    let clock = std::thread::spawn(move || {
        let late = ended.recv_timeout(time) == Err(mpsc::RecvTimeoutError::Timeout);
        if late {
            interrupt.interrupt();
        }
        late
    });
    let answer = run(conn, &checked, limits);
    drop(done);
    let late = clock.join().unwrap_or(false);
    conn.execute_batch("ROLLBACK")?;
    match answer {
        Err(_) if late => Err(refused(format!("it took longer than {} s and was stopped", time.as_secs_f64()))),
        answer => answer,
    }
}

fn refused(reason: impl Into<String>) -> StoreError {
    StoreError::Query { reason: reason.into() }
}

/// The statement as DuckDB's own parser understands it, once it is known to be harmless.
fn check(conn: &Connection, sql: &str) -> Result<String> {
    let (explain, select) = split_explain(sql);
    let parsed: String = conn.query_row("SELECT json_serialize_sql(?::VARCHAR)", params![select], |row| row.get(0))?;
    let parsed: Json = serde_json::from_str(&parsed).map_err(|_| refused("it could not be parsed"))?;
    if parsed["error"] == true {
        let message = parsed["error_message"].as_str().unwrap_or("it could not be parsed");
        return Err(refused(match parsed["error_type"].as_str() {
            Some("not implemented") => {
                "only statements that read are allowed: SELECT, WITH, FROM, VALUES, DESCRIBE, SUMMARIZE, SHOW, EXPLAIN"
                    .to_owned()
            }
            _ => message.to_owned(),
        }));
    }
    match parsed["statements"].as_array().map_or(0, Vec::len) {
        1 => {}
        0 => return Err(refused("it is empty")),
        several => return Err(refused(format!("it has {several} statements; ask one at a time"))),
    }
    check_functions(&parsed)?;
    // Written out again, it has no comment or semicolon that could end it early.
    let plain: String =
        conn.query_row("SELECT json_deserialize_sql(?::VARCHAR::JSON)", params![parsed.to_string()], |row| row.get(0))?;
    Ok(format!("{explain}{plain}"))
}

/// EXPLAIN is no SELECT, what it explains must be one.
fn split_explain(sql: &str) -> (&'static str, &str) {
    let strip = |text: &'_ str, word: &str| {
        let rest = text.trim_start();
        let head = rest.get(..word.len())?;
        let after = rest.get(word.len()..)?;
        (head.eq_ignore_ascii_case(word) && after.starts_with(char::is_whitespace)).then_some(rest.len() - after.len())
    };
    let text = sql.trim_start();
    match strip(text, "explain") {
        None => ("", sql),
        Some(at) => {
            let rest = text[at..].trim_start();
            match strip(rest, "analyze") {
                None => ("EXPLAIN ", rest),
                Some(at) => ("EXPLAIN ANALYZE ", &rest[at..]),
            }
        }
    }
}

fn check_functions(node: &Json) -> Result<()> {
    match node {
        Json::Array(items) => items.iter().try_for_each(check_functions),
        Json::Object(fields) => {
            let name = fields.get("function_name").and_then(Json::as_str);
            if name.is_some_and(|name| name.eq_ignore_ascii_case("write_log")) {
                return Err(refused("write_log is not allowed here: it changes more than the answer"));
            }
            if fields.get("type").and_then(Json::as_str) == Some("TABLE_FUNCTION") {
                let name = fields["function"]["function_name"].as_str().unwrap_or("this table function");
                if !TABLE_FUNCTIONS.contains(&name.to_ascii_lowercase().as_str()) {
                    return Err(refused(format!(
                        "{name} is not allowed here: only the store's own tables can be read"
                    )));
                }
            }
            fields.values().try_for_each(check_functions)
        }
        _ => Ok(()),
    }
}

fn run(conn: &Connection, sql: &str, limits: &Limits) -> Result<Json> {
    // DuckDB stops as soon as the limit is passed, instead of keeping everything first.
    let bounded = if sql.starts_with("EXPLAIN") {
        sql.to_owned()
    } else {
        format!("SELECT * FROM ({sql}) LIMIT {}", limits.rows + 1)
    };
    let failed = |error: duckdb::Error| refused(first_sentence(&error.to_string()));
    let mut statement = conn.prepare(&bounded).map_err(failed)?;
    let mut rows = statement.query([]).map_err(failed)?;
    let names: Vec<String> = match rows.as_ref() {
        Some(statement) => statement.column_names(),
        None => Vec::new(),
    };
    let mut answer = Vec::new();
    let mut bytes = 0;
    while let Some(row) = rows.next().map_err(failed)? {
        if answer.len() == limits.rows {
            return Err(refused(format!("it has more than {} rows; add a LIMIT", limits.rows)));
        }
        let mut object = Map::new();
        for (at, name) in names.iter().enumerate() {
            let value = json(row.get::<_, Value>(at).map_err(failed)?);
            bytes += name.len() + size(&value);
            object.insert(name.clone(), value);
        }
        if bytes > limits.bytes {
            return Err(refused(format!(
                "its answer is larger than {} MB; ask for fewer columns or rows",
                limits.bytes >> 20
            )));
        }
        answer.push(Json::Object(object));
    }
    Ok(Json::Array(answer))
}

fn first_sentence(message: &str) -> String {
    message.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ")
}

fn size(value: &Json) -> usize {
    match value {
        Json::String(text) => text.len() + 2,
        Json::Array(items) => items.iter().map(size).sum(),
        Json::Object(fields) => fields.iter().map(|(name, value)| name.len() + size(value)).sum(),
        _ => 8,
    }
}

/// JSON has no NaN and no infinity (null stands for them), and JavaScript no whole number above 2^53 (text does).
fn json(value: Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Boolean(truth) => Json::Bool(truth),
        Value::TinyInt(number) => number.into(),
        Value::SmallInt(number) => number.into(),
        Value::Int(number) => number.into(),
        Value::UTinyInt(number) => number.into(),
        Value::USmallInt(number) => number.into(),
        Value::UInt(number) => number.into(),
        Value::BigInt(number) => whole(number.into()),
        Value::UBigInt(number) => whole(number.into()),
        Value::HugeInt(number) => whole(number),
        Value::UHugeInt(number) => i128::try_from(number).map_or_else(|_| Json::String(number.to_string()), whole),
        Value::Float(number) => real(number.into()),
        Value::Double(number) => real(number),
        Value::Decimal(number) => number.to_string().parse().map_or(Json::Null, real),
        Value::Text(text) | Value::Enum(text) => Json::String(text),
        Value::Blob(bytes) | Value::Geometry(bytes) => {
            Json::String(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
        }
        Value::Timestamp(unit, count) => {
            Timestamp::from_nanosecond(nanoseconds(unit, count)).map_or(Json::Null, |at| Json::String(at.to_string()))
        }
        Value::Date32(days) => {
            let date = civil::date(1970, 1, 1).checked_add(SignedDuration::from_hours(24 * i64::from(days)));
            date.map_or(Json::Null, |date| Json::String(date.to_string()))
        }
        Value::Time64(unit, count) => {
            let since = i64::try_from(nanoseconds(unit, count)).map(SignedDuration::from_nanos);
            let time = since.ok().and_then(|since| civil::Time::midnight().checked_add(since).ok());
            time.map_or(Json::Null, |time| Json::String(time.to_string()))
        }
        Value::Interval { months, days, nanos } => {
            Json::String(format!("{months} months {days} days {} s", nanos as f64 / 1e9))
        }
        Value::List(items) | Value::Array(items) => items.into_iter().map(json).collect(),
        Value::Struct(fields) => fields.iter().map(|(name, value)| (name.clone(), json(value.clone()))).collect(),
        Value::Map(entries) => entries
            .iter()
            .map(|(key, value)| {
                let key = match json(key.clone()) {
                    Json::String(text) => text,
                    other => other.to_string(),
                };
                (key, json(value.clone()))
            })
            .collect(),
        Value::Union(value) => json(*value),
        other => Json::String(format!("{other:?}")),
    }
}

fn real(number: f64) -> Json {
    Number::from_f64(number).map_or(Json::Null, Json::Number)
}

fn whole(number: i128) -> Json {
    const SAFE: i128 = 1 << 53;
    match i64::try_from(number) {
        Ok(small) if (-SAFE..=SAFE).contains(&number) => small.into(),
        _ => Json::String(number.to_string()),
    }
}

fn nanoseconds(unit: TimeUnit, count: i64) -> i128 {
    let count = i128::from(count);
    match unit {
        TimeUnit::Second => count * 1_000_000_000,
        TimeUnit::Millisecond => count * 1_000_000,
        TimeUnit::Microsecond => count * 1_000,
        TimeUnit::Nanosecond => count,
    }
}
