//! Generated files as they were last rendered and read: whether each is sound, and which text that was.

use super::{Migration, trials};
use crate::Result;
use crate::columns::{Cells, insert, maybe_text, text, time, word};
use contract::{FileCheck, GeneratedFile};
use duckdb::{Connection, params};

pub const MIGRATIONS: &[Migration] = &[Migration {
    version: 3,
    sql: "CREATE TABLE file_checks (
        model_type VARCHAR NOT NULL,
        platform VARCHAR NOT NULL,
        kind VARCHAR NOT NULL,
        text_hash VARCHAR NOT NULL,
        checked_at TIMESTAMP_NS NOT NULL,
        problem VARCHAR,
        PRIMARY KEY (model_type, platform, kind)
    );",
}];

/// Each in the place of what was known of its file.
pub fn save(conn: &Connection, checks: &[FileCheck]) -> Result<()> {
    let mut forget = conn.prepare("DELETE FROM file_checks WHERE model_type = ? AND platform = ? AND kind = ?")?;
    for check in checks {
        let GeneratedFile { model_type, platform, kind } = &check.file;
        forget.execute(params![model_type, platform.key(), kind])?;
        let row = vec![
            ("model_type", text(model_type)),
            ("platform", word(*platform)),
            ("kind", text(kind)),
            ("text_hash", text(&check.text_hash)),
            ("checked_at", time(check.checked_at)),
            ("problem", maybe_text(check.problem.as_deref())),
        ];
        insert(conn, "file_checks", row)?;
    }
    Ok(())
}

/// All files of one kind.
pub fn of(conn: &Connection, kind: &str) -> Result<Vec<FileCheck>> {
    let mut statement = conn
        .prepare("SELECT * EXCLUDE (checked_at), epoch_ns(checked_at) AS checked_at FROM file_checks WHERE kind = ?")?;
    let mut rows = statement.query(params![kind])?;
    let mut checks = Vec::new();
    while let Some(row) = rows.next()? {
        let cells = Cells(row);
        checks.push(FileCheck {
            file: trials::file(&cells)?,
            text_hash: cells.get("text_hash")?,
            checked_at: cells.time("checked_at")?,
            problem: cells.get("problem")?,
        });
    }
    Ok(checks)
}
