//! Between Rust values and DuckDB's columns.

use crate::{Result, StoreError};
use contract::*;
use duckdb::types::{FromSql, Value};
use duckdb::{Connection, Row, params_from_iter};
use jiff::Timestamp;
use serde::{Serialize, de::DeserializeOwned};

/// A closed vocabulary kept as its stable word.
pub trait Word: Sized {
    fn word(&self) -> &'static str;
    fn of(word: &str) -> Option<Self>;
}

macro_rules! word {
    ($($type:ty),+) => { $(impl Word for $type {
        fn word(&self) -> &'static str { self.key() }
        fn of(word: &str) -> Option<Self> { Self::from_key(word) }
    })+ };
}
word!(Platform, Precision, Mode, Evidence, PhaseName, FailureKind, VersionOrigin, Mark, ForecastSupport, TaskUnit);

impl Word for NoiseGrade {
    fn word(&self) -> &'static str {
        self.letter()
    }
    fn of(word: &str) -> Option<Self> {
        [Self::A, Self::B, Self::C, Self::D].into_iter().find(|grade| grade.letter() == word)
    }
}

impl Word for StopReason {
    fn word(&self) -> &'static str {
        match self {
            Self::Stable => "stable",
            Self::Budget => "budget",
            Self::Stopped => "stopped",
            Self::Compared => "compared",
        }
    }
    fn of(word: &str) -> Option<Self> {
        [Self::Stable, Self::Budget, Self::Stopped, Self::Compared].into_iter().find(|stop| stop.word() == word)
    }
}

impl Word for Verdict {
    fn word(&self) -> &'static str {
        match self {
            Self::Faster => "faster",
            Self::Slower => "slower",
            Self::Same => "same",
            Self::CannotTell => "cannot_tell",
        }
    }
    fn of(word: &str) -> Option<Self> {
        [Self::Faster, Self::Slower, Self::Same, Self::CannotTell].into_iter().find(|verdict| verdict.word() == word)
    }
}

pub fn word(value: impl Word) -> Value {
    text(value.word())
}

pub fn text(value: impl Into<String>) -> Value {
    Value::Text(value.into())
}

/// NULL for none.
pub fn maybe<T: Into<Value>>(value: Option<T>) -> Value {
    value.map_or(Value::Null, Into::into)
}

pub fn maybe_word(value: Option<impl Word>) -> Value {
    value.map_or(Value::Null, word)
}

pub fn maybe_text(value: Option<&str>) -> Value {
    value.map_or(Value::Null, text)
}

/// For a TIMESTAMP_NS column, which casts from text without losing a nanosecond.
pub fn time(at: Timestamp) -> Value {
    text(at.strftime("%Y-%m-%d %H:%M:%S%.9f").to_string())
}

/// For a DOUBLE[] column; Rust prints the shortest text that reads back to the same bits.
pub fn doubles(values: &[f64]) -> Value {
    let parts: Vec<String> = values.iter().map(|value| format!("{value:?}")).collect();
    text(format!("[{}]", parts.join(", ")))
}

pub fn json(value: &impl Serialize) -> Value {
    text(serde_json::to_string(value).expect("contract types have string keys and serialise without failing"))
}

/// Reads a row by column name; what an older Assay wrote and this one cannot read is said with the column.
pub struct Cells<'a>(pub &'a Row<'a>);

impl Cells<'_> {
    pub fn get<T: FromSql>(&self, name: &str) -> Result<T> {
        Ok(self.0.get(name)?)
    }

    pub fn word<T: Word>(&self, name: &str) -> Result<T> {
        let word: String = self.get(name)?;
        T::of(&word).ok_or_else(|| unreadable(name, &word))
    }

    pub fn maybe_word<T: Word>(&self, name: &str) -> Result<Option<T>> {
        let word: Option<String> = self.get(name)?;
        word.map(|word| T::of(&word).ok_or_else(|| unreadable(name, &word))).transpose()
    }

    /// A column selected as `epoch_ns(…)`.
    pub fn maybe_time(&self, name: &str) -> Result<Option<Timestamp>> {
        let nanos: Option<i64> = self.get(name)?;
        nanos
            .map(|ns| Timestamp::from_nanosecond(i128::from(ns)).map_err(|_| unreadable(name, &ns.to_string())))
            .transpose()
    }

    pub fn time(&self, name: &str) -> Result<Timestamp> {
        self.maybe_time(name)?.ok_or_else(|| unreadable(name, "NULL"))
    }

    pub fn json<T: DeserializeOwned>(&self, name: &str) -> Result<T> {
        let text: String = self.get(name)?;
        serde_json::from_str(&text).map_err(|error| unreadable(name, &error.to_string()))
    }

    /// A time in the columns `{name}_ms`, `{name}_low_ms` and `{name}_high_ms`.
    pub fn median(&self, name: &str) -> Result<MedianTime> {
        let cell = |part: &str| self.get(&format!("{name}_{part}ms"));
        Ok(MedianTime { ms: cell("")?, low_ms: cell("low_")?, high_ms: cell("high_")? })
    }

    pub fn doubles(&self, name: &str) -> Result<Vec<f64>> {
        match self.get::<Value>(name)? {
            Value::Null => Ok(Vec::new()),
            Value::List(items) => items
                .into_iter()
                .map(|item| match item {
                    Value::Double(number) => Ok(number),
                    other => Err(unreadable(name, &format!("{other:?}"))),
                })
                .collect(),
            other => Err(unreadable(name, &format!("{other:?}"))),
        }
    }
}

fn unreadable(column: &str, found: &str) -> StoreError {
    StoreError::Refused {
        subject: format!("stored column {column}"),
        reason: format!("this Assay cannot read: {found}"),
    }
}

/// Inserts one row; the values cast to the columns' types.
pub fn insert(conn: &Connection, table: &str, row: Vec<(&str, Value)>) -> Result<()> {
    let names: Vec<&str> = row.iter().map(|(name, _)| *name).collect();
    let marks = vec!["?"; row.len()].join(", ");
    let sql = format!("INSERT INTO {table} ({}) VALUES ({marks})", names.join(", "));
    conn.prepare(&sql)?.execute(params_from_iter(row.into_iter().map(|(_, value)| value)))?;
    Ok(())
}

/// The key of the row with these values, made where there is none. Keys count up from 1.
pub fn intern(conn: &Connection, table: &str, row: Vec<(&str, Value)>) -> Result<i64> {
    let same: Vec<String> = row.iter().map(|(name, _)| format!("{name} IS NOT DISTINCT FROM ?")).collect();
    let values = || row.iter().map(|(_, value)| value.clone());
    let mut find = conn.prepare(&format!("SELECT key FROM {table} WHERE {}", same.join(" AND ")))?;
    let mut found = find.query_map(params_from_iter(values()), |row| row.get(0))?;
    if let Some(key) = found.next() {
        return Ok(key?);
    }
    let key = next_key(conn, table)?;
    let mut full = vec![("key", Value::BigInt(key))];
    full.extend(row.iter().cloned());
    insert(conn, table, full)?;
    Ok(key)
}

pub fn next_key(conn: &Connection, table: &str) -> Result<i64> {
    Ok(conn.query_row(&format!("SELECT coalesce(max(key), 0) + 1 FROM {table}"), [], |row| row.get(0))?)
}
