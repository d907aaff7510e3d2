//! The data of a chart as a table, for screen readers and for export.

use crate::format::significant;

#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    Text(String),
    Number(f64),
    Nothing,
}

impl Cell {
    /// As a person reads it.
    pub fn shown(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Number(value) => significant(*value),
            Self::Nothing => "–".into(),
        }
    }

    pub fn is_number(&self) -> bool {
        matches!(self, Self::Number(_))
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<f64> for Cell {
    fn from(value: f64) -> Self {
        Self::Number(value)
    }
}

impl<T: Into<Cell>> From<Option<T>> for Cell {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Nothing, Into::into)
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    pub columns: Vec<String>,
    pub rows: Vec<Vec<Cell>>,
}

impl Table {
    pub fn new(columns: &[&str]) -> Self {
        Self { columns: columns.iter().map(|column| (*column).to_owned()).collect(), rows: Vec::new() }
    }

    /// Comma-separated values with every digit; text that a spreadsheet would take for a formula is defused.
    pub fn to_csv(&self) -> String {
        let header = self.columns.iter().map(|column| quoted(column)).collect::<Vec<_>>().join(",");
        let rows = self.rows.iter().map(|row| row.iter().map(csv_cell).collect::<Vec<_>>().join(","));
        std::iter::once(header).chain(rows).map(|line| line + "\r\n").collect()
    }
}

fn csv_cell(cell: &Cell) -> String {
    match cell {
        Cell::Text(text) => quoted(text),
        Cell::Number(value) if value.is_finite() => value.to_string(),
        Cell::Number(_) | Cell::Nothing => String::new(),
    }
}

fn quoted(text: &str) -> String {
    let defused = if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text.to_owned() };
    if defused.contains([',', '"', '\n', '\r']) { format!("\"{}\"", defused.replace('"', "\"\"")) } else { defused }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn csv_keeps_every_digit_and_quotes_what_needs_it() {
        let mut table = Table::new(&["model", "latency, ms"]);
        table.rows.push(vec!["a \"b\"".into(), 12.345678.into()]);
        table.rows.push(vec!["c".into(), Cell::Nothing]);
        assert_eq!(table.to_csv(), "model,\"latency, ms\"\r\n\"a \"\"b\"\"\",12.345678\r\nc,\r\n");
    }

    #[test]
    fn a_spreadsheet_runs_nothing_from_a_model_name() {
        let mut table = Table::new(&["model"]);
        table.rows.push(vec!["=HYPERLINK(1)".into()]);
        table.rows.push(vec!["@cmd".into()]);
        assert_eq!(table.to_csv(), "model\r\n'=HYPERLINK(1)\r\n'@cmd\r\n");
    }
}
