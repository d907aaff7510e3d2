//! The steps of each run of a generated file: its tests, or what was done with a skill.

use super::{Migration, trials};
use crate::Result;
use crate::columns::{Cells, insert, maybe_text, text};
use contract::TrialStep;
use duckdb::types::Value;
use duckdb::{Connection, params};

pub const MIGRATIONS: &[Migration] = &[Migration {
    version: 3,
    sql: "CREATE TABLE trial_steps (
        trial VARCHAR NOT NULL REFERENCES trials (id),
        position UINTEGER NOT NULL,
        name VARCHAR NOT NULL,
        outcome VARCHAR NOT NULL,
        reason VARCHAR,
        place VARCHAR,
        secs DOUBLE NOT NULL,
        PRIMARY KEY (trial, position)
    );",
}];

pub fn save(conn: &Connection, trial: &str, steps: &[TrialStep]) -> Result<()> {
    for (position, step) in steps.iter().enumerate() {
        let row = vec![
            ("trial", text(trial)),
            ("position", Value::UBigInt(position as u64)),
            ("name", text(&step.name)),
            ("outcome", text(step.outcome.key())),
            ("reason", maybe_text(step.outcome.reason())),
            ("place", maybe_text(step.place.as_deref())),
            ("secs", step.secs.into()),
        ];
        insert(conn, "trial_steps", row)?;
    }
    Ok(())
}

pub fn of(conn: &Connection, trial: &str) -> Result<Vec<TrialStep>> {
    let mut statement = conn.prepare("SELECT * FROM trial_steps WHERE trial = ? ORDER BY position")?;
    let mut rows = statement.query(params![trial])?;
    let mut steps = Vec::new();
    while let Some(row) = rows.next()? {
        let cells = Cells(row);
        steps.push(TrialStep {
            name: cells.get("name")?,
            outcome: trials::outcome(&cells)?,
            place: cells.get("place")?,
            secs: cells.get("secs")?,
        });
    }
    Ok(steps)
}
