//! A store's file before any question is asked of it: opened, backed up, and explained where that fails.

use crate::file;
use crate::migrate;
use crate::{Result, StoreError};
use duckdb::{AccessMode, Config, Connection};
use jiff::Timestamp;
use std::fs;
use std::path::{Path, PathBuf};

/// DuckDB with files, extensions and its own settings out of reach of any statement.
pub fn connect(path: &Path, mode: AccessMode) -> Result<Connection> {
    let threads = std::thread::available_parallelism().map_or(2, |count| count.get().min(4));
    let config = Config::default()
        .access_mode(mode)?
        .enable_external_access(false)?
        .enable_autoload_extension(false)?
        .max_memory("512MB")?
        .threads(i64::try_from(threads).unwrap_or(2))?
        .with("autoinstall_known_extensions", "false")?
        .with("allow_community_extensions", "false")?
        // From this version on the log names its database, and one of another file is refused.
        .with("storage_compatibility_version", "v1.5.0")?
        .with("lock_configuration", "true")?;
    Ok(Connection::open_with_flags(path, config)?)
}

pub fn make_folder(path: &Path) -> Result<()> {
    let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) else { return Ok(()) };
    fs::create_dir_all(folder).map_err(|error| {
        let reason = format!("its folder cannot be made: {error}");
        StoreError::unusable(path, reason, "Choose a folder you may write to")
    })
}

/// The schema of a file, read without changing it.
pub fn version_of(path: &Path, known: u32) -> Result<u32> {
    let conn = connect(path, AccessMode::ReadOnly).map_err(|error| classify(path, error))?;
    check_length(&conn, path).map_err(|error| classify(path, error))?;
    let found = migrate::version(&conn, path).map_err(|error| classify(path, error))?;
    if found > known {
        return Err(StoreError::Newer { path: path.to_owned(), found, known });
    }
    Ok(found)
}

/// DuckDB opens a file that was cut short and fails only when it reads what is missing.
/// Blocks that are free need not be in the file, those in use must.
fn check_length(conn: &Connection, path: &Path) -> Result<()> {
    let sql = "SELECT block_size * used_blocks FROM pragma_database_size() WHERE database_name = current_database()";
    let used: u64 = conn.query_row(sql, [], |row| row.get(0))?;
    let needed = used + file::HEADER_BYTES as u64;
    let length = path.metadata().map_or(0, |about| about.len());
    if length < needed {
        let reason = format!("it was cut short: {length} of at least {needed} bytes are there");
        return Err(StoreError::Damaged { path: path.to_owned(), reason });
    }
    Ok(())
}

/// Copies the file beside itself and reads the copy back.
pub fn back_up(path: &Path, version: u32) -> Result<PathBuf> {
    let failed = |reason: String| StoreError::Backup { path: path.to_owned(), reason };
    // The log's results go into the file first, so that one file is the whole backup.
    let conn = connect(path, AccessMode::ReadWrite).map_err(|error| classify(path, error))?;
    conn.execute_batch("CHECKPOINT").map_err(|error| failed(error.to_string()))?;
    // Closed, because copying an open file would let go of its lock.
    drop(conn);
    let stem = path.file_stem().map_or_else(|| "assay".into(), |stem| stem.to_string_lossy());
    let stamp = Timestamp::now().strftime("%Y%m%d-%H%M%S");
    let backup = path.with_file_name(format!("{stem}.before-v{}.{stamp}.duckdb", version + 1));
    let half = backup.with_extension("duckdb.part");
    let copied = fs::copy(path, &half).and_then(|bytes| {
        // Windows lets only whoever may write bring a file to the disk.
        fs::File::options().write(true).open(&half)?.sync_all()?;
        Ok(bytes)
    });
    let verified = copied.map_err(|error| error.to_string()).and_then(|bytes| {
        let expected = path.metadata().map_err(|error| error.to_string())?.len();
        if bytes != expected {
            return Err(format!("{bytes} of {expected} bytes were copied"));
        }
        let copy = connect(&half, AccessMode::ReadOnly).map_err(|error| error.to_string())?;
        match migrate::version(&copy, &half) {
            Ok(found) if found == version => Ok(()),
            Ok(found) => Err(format!("the copy says schema {found} instead of {version}")),
            Err(error) => Err(format!("the copy cannot be read: {error}")),
        }
    });
    match verified.and_then(|()| fs::rename(&half, &backup).map_err(|error| error.to_string())) {
        Ok(()) => Ok(backup),
        Err(reason) => {
            let _ = fs::remove_file(&half);
            Err(failed(reason))
        }
    }
}

/// DuckDB tells its errors apart in words only; these are the ones a person can do something about.
pub fn classify(path: &Path, error: StoreError) -> StoreError {
    let StoreError::Database { source, .. } = &error else { return error };
    let message = source.to_string();
    let says = |words: &str| message.contains(words);
    let path = path.to_owned();
    let detail = || message.lines().next().unwrap_or_default().to_owned();
    if says("Could not set lock on file") || says("being used by another process") {
        StoreError::Locked { path }
    } else if says("No space left on device") || says("File too large") || says("not enough space on the disk") {
        StoreError::DiskFull { path }
    } else if says("newer version") || says("version number") && says("storage") {
        let reason = format!("it was written by a newer DuckDB: {}", detail());
        StoreError::unusable(&path, reason, "Nothing was changed. Update Assay, or choose another file")
    } else if says("Corrupt")
        || says("replaying WAL")
        || says("checksum")
        || says("not a valid DuckDB database")
        || says("Could not read enough bytes")
        || says("Failed to deserialize")
        || says("Serialization Error")
    {
        StoreError::Damaged { path, reason: format!("part of it cannot be read: {}", detail()) }
    } else if says("Permission denied") || says("Read-only file system") || says("Access is denied") {
        StoreError::unusable(&path, "it may not be written here", "Choose a file in a folder you may write to")
    } else if is_stopped(&message) {
        StoreError::stopped(&path)
    } else {
        error
    }
}

/// Whether DuckDB says that it answers nothing more until the file was closed.
pub fn is_stopped(message: &str) -> bool {
    message.contains("has been invalidated")
}
