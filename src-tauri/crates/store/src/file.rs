//! Looks at a file before DuckDB touches it, so that nothing is overwritten or half read.

use crate::{Result, StoreError};
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

#[derive(Debug, PartialEq)]
pub enum Found {
    Nothing,
    /// A DuckDB file with all its headers.
    Database,
}

/// DuckDB's three headers, each of 4096 bytes; the blocks begin after them.
pub const HEADER_BYTES: usize = 3 * 4096;

pub fn look(path: &Path) -> Result<Found> {
    let unusable = |reason: String, remedy: &str| Err(StoreError::unusable(path, reason, remedy));
    let length = match path.metadata() {
        Ok(about) if about.is_dir() => return unusable("it is a folder".into(), "Choose a file in it"),
        Ok(about) => about.len(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return look_at_log(path, false).map(|()| Found::Nothing);
        }
        Err(error) => return unusable(format!("it cannot be read: {error}"), "Check the folder's permissions"),
    };
    let mut start = Vec::new();
    match File::open(path).and_then(|file| file.take(HEADER_BYTES as u64).read_to_end(&mut start)) {
        Ok(_) => judge(&start, length).map_err(|reason| StoreError::Damaged { path: path.to_owned(), reason })?,
        Err(error) => return unusable(format!("it cannot be read: {error}"), "Check the file's permissions"),
    }
    look_at_log(path, true)?;
    Ok(Found::Database)
}

/// Why these first bytes are not those of a whole DuckDB file.
fn judge(start: &[u8], length: u64) -> std::result::Result<(), String> {
    if start.is_empty() {
        return Err("the file is empty; an interrupted copy or a full disk leaves such files".into());
    }
    if start.starts_with(b"SQLite format 3\0") {
        return Err("it is an SQLite file, not one of Assay's".into());
    }
    if start.starts_with(b"PAR1") {
        return Err("it is a Parquet table, which can be imported but not opened".into());
    }
    if start.iter().all(|byte| *byte == 0) {
        return Err("its beginning is all zeros; the file was damaged after it was written".into());
    }
    if start.get(8..12) != Some(b"DUCK") {
        return Err("it is not a DuckDB file, or its beginning was overwritten".into());
    }
    if start.len() < HEADER_BYTES {
        return Err(format!("it was cut short: {length} bytes are less than its headers take"));
    }
    Ok(())
}

/// DuckDB's write-ahead log beside the file: the results since its last checkpoint.
pub fn log_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".wal");
    name.into()
}

/// DuckDB takes a log it cannot make sense of for an empty one; its results would be gone without a word.
fn look_at_log(path: &Path, database: bool) -> Result<()> {
    let log = log_path(path);
    let mut start = Vec::new();
    match File::open(&log).and_then(|file| file.take(3).read_to_end(&mut start)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => {
            let reason = format!("the log beside it, {}, cannot be read: {error}", log.display());
            return Err(StoreError::unusable(path, reason, "Check the file's permissions"));
        }
        Ok(_) => {}
    }
    let damaged = |reason: String| Err(StoreError::Damaged { path: path.to_owned(), reason });
    if !database && !start.is_empty() {
        return damaged(format!(
            "the file is gone, but its log {} is there; put the file back beside it, or move the log away",
            log.display()
        ));
    }
    // Every log begins with field 100 (the entry's kind) of 98 (the log's version).
    if start.len() == 3 && start != [100, 0, 98] {
        return damaged(format!(
            "the log beside it, {}, is not one of DuckDB's; move it away to open the file without it",
            log.display()
        ));
    }
    Ok(())
}
