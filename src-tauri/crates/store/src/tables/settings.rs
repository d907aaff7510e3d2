//! What a person chose, a row for each setting.

use super::Migration;
use crate::Result;
use contract::Settings;
use duckdb::{Connection, params};
use serde_json::{Map, Value};

pub const MIGRATIONS: &[Migration] = &[Migration {
    version: 1,
    sql: "CREATE TABLE settings (
        name VARCHAR PRIMARY KEY,
        value VARCHAR NOT NULL  -- JSON
    );",
}];

/// A setting that is absent, or that this Assay cannot read, has its default; the others keep their value.
pub fn load(conn: &Connection) -> Result<Settings> {
    let defaults = to_map(&Settings::default());
    let mut settings = defaults.clone();
    let mut statement = conn.prepare("SELECT name, value FROM settings")?;
    let rows = statement.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))?;
    for row in rows {
        let (name, value) = row?;
        let Ok(value) = serde_json::from_str(&value) else { continue };
        let before = settings.insert(name.clone(), value);
        if from_map(&settings).is_none() {
            match before {
                Some(before) => settings.insert(name, before),
                None => settings.remove(&name),
            };
        }
    }
    Ok(from_map(&settings).expect("each value was tried when it was taken in"))
}

pub fn save(conn: &Connection, settings: &Settings) -> Result<()> {
    let mut statement = conn.prepare("INSERT OR REPLACE INTO settings (name, value) VALUES (?, ?)")?;
    for (name, value) in to_map(settings) {
        statement.execute(params![name, value.to_string()])?;
    }
    Ok(())
}

fn to_map(settings: &Settings) -> Map<String, Value> {
    match serde_json::to_value(settings) {
        Ok(Value::Object(map)) => map,
        _ => unreachable!("Settings is a struct with named fields"),
    }
}

fn from_map(map: &Map<String, Value>) -> Option<Settings> {
    serde_json::from_value(Value::Object(map.clone())).ok()
}
