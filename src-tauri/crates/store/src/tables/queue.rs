//! The waiting jobs and the running one, so that a crash loses neither.

use super::Migration;
use crate::Result;
use crate::columns::{Cells, insert, json, maybe_text, text};
use crate::found::Interrupted;
use contract::{Job, JobId, RunId, Setting};
use duckdb::types::Value;
use duckdb::{Connection, params};

pub const MIGRATIONS: &[Migration] = &[Migration {
    version: 1,
    sql: "CREATE TABLE queue (
        position UINTEGER NOT NULL,
        job VARCHAR NOT NULL,
        content VARCHAR NOT NULL  -- JSON of contract::Job
    );
    CREATE TABLE queue_state (
        paused BOOLEAN NOT NULL,
        running_job VARCHAR,
        running_run VARCHAR,
        running_setting VARCHAR  -- JSON of contract::Setting
    );
    INSERT INTO queue_state VALUES (false, NULL, NULL, NULL);
    CREATE TABLE interruptions (
        job VARCHAR PRIMARY KEY,
        times UINTEGER NOT NULL
    );",
}];

pub fn save(conn: &Connection, jobs: &[Job], paused: bool) -> Result<()> {
    conn.execute("DELETE FROM queue", [])?;
    for (position, job) in jobs.iter().enumerate() {
        let row = vec![("position", Value::UBigInt(position as u64)), ("job", text(&job.id.0)), ("content", json(job))];
        insert(conn, "queue", row)?;
    }
    conn.execute("UPDATE queue_state SET paused = ?", params![paused])?;
    Ok(())
}

/// The jobs in the order they will run, and whether the queue is paused.
pub fn load(conn: &Connection) -> Result<(Vec<Job>, bool)> {
    let mut statement = conn.prepare("SELECT content FROM queue ORDER BY position")?;
    let mut rows = statement.query([])?;
    let mut jobs = Vec::new();
    while let Some(row) = rows.next()? {
        jobs.push(Cells(row).json("content")?);
    }
    let paused = conn.query_row("SELECT paused FROM queue_state", [], |row| row.get(0))?;
    Ok((jobs, paused))
}

/// None says that nothing runs: the last job ended in order, and its interruptions are forgotten.
pub fn set_running(conn: &Connection, running: Option<(&JobId, &RunId, &Setting)>) -> Result<()> {
    if running.is_none() {
        conn.execute("DELETE FROM interruptions WHERE job IN (SELECT running_job FROM queue_state)", [])?;
    }
    let setting = running.map(|(_, _, setting)| json(setting));
    conn.prepare("UPDATE queue_state SET running_job = ?, running_run = ?, running_setting = ?")?.execute(
        duckdb::params_from_iter([
            maybe_text(running.map(|(job, _, _)| job.0.as_str())),
            maybe_text(running.map(|(_, run, _)| run.0.as_str())),
            setting.unwrap_or(Value::Null),
        ]),
    )?;
    Ok(())
}

/// The job that was running when the app ended without `set_running(None)`, told once and counted.
pub fn take_interrupted(conn: &Connection) -> Result<Option<Interrupted>> {
    let mut statement = conn
        .prepare("SELECT running_job, running_run, running_setting FROM queue_state WHERE running_job IS NOT NULL")?;
    let mut rows = statement.query([])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let cells = Cells(row);
    let (job, run): (String, String) = (cells.get("running_job")?, cells.get("running_run")?);
    let setting: Setting = cells.json("running_setting")?;
    conn.execute(
        "INSERT INTO interruptions VALUES (?, 1) ON CONFLICT (job) DO UPDATE SET times = times + 1",
        params![job],
    )?;
    let times = conn.query_row("SELECT times FROM interruptions WHERE job = ?", params![job], |row| row.get(0))?;
    conn.execute("UPDATE queue_state SET running_job = NULL, running_run = NULL, running_setting = NULL", [])?;
    Ok(Some(Interrupted { job: JobId(job), run: RunId(run), setting, times }))
}
