//! How text was generated; results of another mode, and imported ones, have no row.

use super::Migration;
use crate::Result;
use crate::columns::{Cells, doubles, insert, maybe};
use contract::Generated;
use duckdb::{Connection, params};

pub const MIGRATIONS: &[Migration] = &[Migration {
    version: 3,
    sql: "CREATE TABLE generations (
        run BIGINT PRIMARY KEY REFERENCES runs (key),
        output_tokens UINTEGER NOT NULL,   -- after each prompt; the prompt's length is the run's size
        first_token_ms DOUBLE NOT NULL,    -- from the prompt to the first token
        first_token_low_ms DOUBLE NOT NULL,
        first_token_high_ms DOUBLE NOT NULL,
        token_ms DOUBLE NOT NULL,          -- from one token to the next
        token_low_ms DOUBLE NOT NULL,
        token_high_ms DOUBLE NOT NULL,
        tokens_per_s DOUBLE NOT NULL,
        full_pass_difference DOUBLE,       -- of the last scores from those of one pass without a cache
        tokens_ms DOUBLE[] NOT NULL        -- text after text, output_tokens of each in the order written
    );",
}];

pub fn save(conn: &Connection, run: i64, generated: Option<&Generated>) -> Result<()> {
    let Some(generated) = generated else { return Ok(()) };
    let Generated { first_token, token, .. } = generated;
    let row = vec![
        ("run", run.into()),
        ("output_tokens", generated.output_tokens.into()),
        ("first_token_ms", first_token.ms.into()),
        ("first_token_low_ms", first_token.low_ms.into()),
        ("first_token_high_ms", first_token.high_ms.into()),
        ("token_ms", token.ms.into()),
        ("token_low_ms", token.low_ms.into()),
        ("token_high_ms", token.high_ms.into()),
        ("tokens_per_s", generated.tokens_per_s.into()),
        ("full_pass_difference", maybe(generated.full_pass_difference)),
        ("tokens_ms", doubles(&generated.texts_ms.concat())),
    ];
    insert(conn, "generations", row)
}

pub fn of(conn: &Connection, run: i64) -> Result<Option<Generated>> {
    let mut statement = conn.prepare("SELECT * FROM generations WHERE run = ?")?;
    let mut rows = statement.query(params![run])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let cells = Cells(row);
    let output_tokens: u32 = cells.get("output_tokens")?;
    Ok(Some(Generated {
        output_tokens,
        first_token: cells.median("first_token")?,
        token: cells.median("token")?,
        tokens_per_s: cells.get("tokens_per_s")?,
        full_pass_difference: cells.get("full_pass_difference")?,
        texts_ms: cells.doubles("tokens_ms")?.chunks(output_tokens.max(1) as usize).map(<[f64]>::to_vec).collect(),
    }))
}
