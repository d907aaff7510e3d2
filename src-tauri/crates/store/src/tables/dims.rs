//! Dimensions beyond batch and size, each combination once: a result refers to it by a small number, by which a million
//! of them are told apart at once.

use super::Migration;
use crate::Result;
use crate::columns::{intern, text};
use contract::dims_key;
use duckdb::Connection;
use std::collections::BTreeMap;

pub const MIGRATIONS: &[Migration] = &[Migration {
    version: 6,
    sql: "CREATE TABLE dims (
        key INTEGER PRIMARY KEY,
        text VARCHAR NOT NULL UNIQUE  -- `frames=8,text=16`, as contract::dims_key writes it
    );",
}];

/// None where there are none.
pub fn key(conn: &Connection, dims: &BTreeMap<String, u32>) -> Result<Option<i64>> {
    dims_key(dims).map(|dims| intern(conn, "dims", vec![("text", text(dims))])).transpose()
}
