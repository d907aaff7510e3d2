//! `assay query`: a read-only statement over a store.

use super::{
    output::{Output, Stop},
    reach::{Access, Reach, reach},
};
use clap::Args;
use serde_json::{Map, Value};
use std::path::PathBuf;

/// Run a read-only SQL statement over a store; it can reach no file, network or extension.
#[derive(Args)]
pub struct Query {
    /// One statement, such as "SELECT precision, batch, median_ms FROM runs".
    sql: String,
    #[arg(long, value_name = "FILE")]
    store: PathBuf,
    /// Print the rows as a JSON array of objects.
    #[arg(long)]
    json: bool,
}

impl Query {
    pub fn run(self, output: &mut Output) -> Result<(), Stop> {
        let rows = match reach(&self.store, Access::Read)? {
            Reach::Here(store, _claim) => store.query(&self.sql)?,
            Reach::Running(running) => running.ask(contract::Query { sql: self.sql })?,
        };
        if self.json {
            return output.json(&rows);
        }
        let rows: Vec<&Map<String, Value>> =
            rows.as_array().into_iter().flatten().filter_map(Value::as_object).collect();
        output.lines(table(&rows))
    }
}

/// Columns as wide as their widest cell, in the order of the first row.
fn table(rows: &[&Map<String, Value>]) -> Vec<String> {
    let Some(first) = rows.first() else { return vec!["no rows".into()] };
    let names: Vec<&String> = first.keys().collect();
    let header = names.iter().map(|name| (*name).clone()).collect();
    let body = rows.iter().map(|row| names.iter().map(|name| cell(row.get(*name))).collect());
    let cells: Vec<Vec<String>> = std::iter::once(header).chain(body).collect();
    let widths: Vec<usize> =
        (0..names.len()).map(|at| cells.iter().map(|row| row[at].chars().count()).max().unwrap_or(0)).collect();
    cells
        .iter()
        .map(|row| {
            let padded: Vec<String> = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
            padded.join("  ").trim_end().to_owned()
        })
        .collect()
}

fn cell(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_as_wide_as_its_widest_cells() {
        let rows = [serde_json::json!({"model": "bert", "ms": 1.5}), serde_json::json!({"model": "a", "ms": null})];
        let rows: Vec<_> = rows.iter().map(|row| row.as_object().unwrap()).collect();
        assert_eq!(table(&rows), ["model  ms", "bert   1.5", "a"]);
    }
}
