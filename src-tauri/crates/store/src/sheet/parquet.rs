//! Parquet, through a DuckDB of its own in memory: the store's has no access to files.

use super::measurement::{Measurement, header};
use crate::{Result, StoreError};
use duckdb::arrow::array::{Array, StringArray};
use duckdb::{Config, Connection, appender_params_from_iter, params};
use std::path::Path;

/// Calls `row` with the columns' names, then with every row as text; a NULL is an empty text.
pub fn read(path: &Path, row: &mut dyn FnMut(&[&str]) -> Result<()>) -> Result<()> {
    let broken = |error: duckdb::Error| StoreError::Table {
        path: path.to_owned(),
        place: None,
        reason: format!("the Parquet file cannot be read: {}", error.to_string().lines().next().unwrap_or_default()),
        remedy: Some("Nothing was imported. Check that the file is whole".into()),
    };
    let name = path.to_str().ok_or_else(|| StoreError::Table {
        path: path.to_owned(),
        place: None,
        reason: "its path is not Unicode text".into(),
        remedy: Some("Rename it".into()),
    })?;
    if !path.is_file() {
        return Err(StoreError::Table {
            path: path.to_owned(),
            place: None,
            reason: "there is no such file".into(),
            remedy: None,
        });
    }
    // DuckDB would take these for a pattern of many files.
    if name.contains(['*', '?', '[', '{']) {
        return Err(StoreError::Table {
            path: path.to_owned(),
            place: None,
            reason: "its path holds one of * ? [ {".into(),
            remedy: Some("Rename it".into()),
        });
    }
    let conn = workbench(path)?;
    let mut statement = conn.prepare("SELECT COLUMNS(*)::VARCHAR FROM read_parquet(?)").map_err(broken)?;
    let batches = statement.stream_arrow(params![name]).map_err(broken)?;
    let schema = batches.get_schema();
    let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    row(&names)?;
    for batch in batches {
        let columns: Vec<&StringArray> = batch
            .columns()
            .iter()
            .map(|column| column.as_any().downcast_ref().expect("every column was cast to text"))
            .collect();
        for at in 0..batch.num_rows() {
            let fields: Vec<&str> = columns.iter().map(|c| if c.is_null(at) { "" } else { c.value(at) }).collect();
            row(&fields)?;
        }
    }
    Ok(())
}

/// Collects measurements and writes them as one Parquet file.
pub struct Writer(Connection);

impl Writer {
    pub fn new(path: &Path, with_names: bool) -> Result<Self> {
        let conn = workbench(path)?;
        let mut columns: Vec<String> = header().map(|column| format!("{column} {}", type_of(column))).collect();
        if with_names {
            columns.extend(["machine VARCHAR".into(), "library VARCHAR".into()]);
        }
        conn.execute_batch(&format!("CREATE TABLE measurements ({})", columns.join(", ")))?;
        Ok(Self(conn))
    }

    pub fn write(&mut self, rows: &[(Measurement, Vec<Option<String>>)]) -> Result<()> {
        let mut appender = self.0.appender("measurements")?;
        for (measurement, names) in rows {
            let mut values = measurement.values();
            values.extend(names.iter().map(|name| crate::columns::maybe_text(name.as_deref())));
            appender.append_row(appender_params_from_iter(values))?;
        }
        Ok(appender.flush()?)
    }

    pub fn finish(self, path: &Path) -> Result<()> {
        let name = path.to_string_lossy().replace('\'', "''");
        self.0.execute_batch(&format!("COPY measurements TO '{name}' (FORMAT parquet, COMPRESSION zstd)")).map_err(
            |error| StoreError::Table {
                path: path.to_owned(),
                place: None,
                reason: format!("it could not be written: {error}"),
                remedy: Some("Choose a folder you may write to, with enough space".into()),
            },
        )
    }
}

fn type_of(column: &str) -> &'static str {
    match column {
        "batch" | "size" | "devices" | "threads" | "samples" => "UINTEGER",
        "parameters" | "macs" | "activations" => "UBIGINT",
        "latency_ms" | "peak_memory_mb" | "low_ms" | "high_ms" | "units_per_sample" | "device_share" => "DOUBLE",
        "all_experts" => "BOOLEAN",
        _ => "VARCHAR",
    }
}

/// A small database in memory that spills beside the file it reads or writes.
fn workbench(path: &Path) -> Result<Connection> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let config = Config::default()
        .enable_autoload_extension(false)?
        .max_memory("256MB")?
        .threads(2)?
        .with("autoinstall_known_extensions", "false")?
        .with("temp_directory", folder.join(".assay-export.tmp").to_string_lossy())?;
    Ok(Connection::open_in_memory_with_flags(config)?)
}
