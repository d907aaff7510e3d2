//! Reading a table's records: what cannot be right is refused with its line and column, what is missing is left blank.

use super::Measurement;
use contract::{ALL_EXPERTS, Precision, dims_of_key, precision_text};

/// Whether a row's time is what the table is for, or what it asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Times {
    /// Every row must have one.
    Known,
    /// They are blank, or ignored.
    Asked,
}

/// Why a row cannot be used.
#[derive(Clone, Debug, PartialEq)]
pub struct Refused {
    /// Line in the file, the header being line 1.
    pub line: u64,
    /// Empty where the line as a whole is at fault.
    pub column: &'static str,
    pub cause: &'static str,
    /// What stands there.
    pub text: String,
}

#[derive(Debug, PartialEq, thiserror::Error)]
pub enum HeaderError {
    #[error("line 1 is empty; it must name the columns, such as model,hardware,latency_ms")]
    Empty,
    #[error("line 1 names no column `{column}`; such a table has at least {needed}")]
    ColumnMissing { column: &'static str, needed: String },
    #[error("line 1 names the column `{column}` twice; rename or remove one")]
    ColumnTwice { column: String },
}

/// Where each column stands.
#[derive(Clone, Debug)]
pub struct Header {
    columns: Vec<String>,
    times: Times,
}

impl Header {
    /// # Errors
    /// Where a table with these columns says nothing.
    pub fn new(cells: &[&str], times: Times) -> Result<Self, HeaderError> {
        let columns: Vec<String> = cells.iter().map(|cell| cell.trim().to_owned()).collect();
        if columns.iter().all(String::is_empty) {
            return Err(HeaderError::Empty);
        }
        for (at, column) in columns.iter().enumerate().filter(|(_, column)| !column.is_empty()) {
            if columns[..at].contains(column) {
                return Err(HeaderError::ColumnTwice { column: column.clone() });
            }
        }
        let needed: &[&'static str] = match times {
            Times::Known => &["model", "hardware", "latency_ms"],
            Times::Asked => &["model", "hardware"],
        };
        match needed.iter().find(|needed| !columns.iter().any(|column| column == *needed)) {
            Some(column) => Err(HeaderError::ColumnMissing { column, needed: needed.join(", ") }),
            None => Ok(Self { columns, times }),
        }
    }

    /// One row, from the cells of a line.
    ///
    /// # Errors
    /// The first cell that cannot be right.
    pub fn row(&self, line: u64, cells: &[&str]) -> Result<Measurement, Refused> {
        if cells.len() != self.columns.len() {
            let text = format!("{} instead of {}", cells.len(), self.columns.len());
            return Err(Refused { line, column: "", cause: "another number of cells than the header has", text });
        }
        let row = Row { header: self, cells, line };
        let known = self.times == Times::Known;
        let latency_ms = if known { row.positive("latency_ms")? } else { None };
        if known && latency_ms.is_none() {
            return Err(row.refused("latency_ms", "there is no time"));
        }
        let further = row.text("dims");
        if !further.is_empty() && dims_of_key(further).is_none_or(|dims| !dims.is_empty()) {
            // Else it would pass for a call without them.
            let cause = "further sizes are not told apart; write them into the model's name";
            return Err(row.refused("dims", cause));
        }
        Ok(Measurement {
            model: row.text("model").into(),
            family: row.text("family").into(),
            hardware: row.text("hardware").into(),
            runtime: row.text("runtime").into(),
            precision: row.precision(),
            mode: row.text("mode").into(),
            software: row.text("software").into(),
            measured_at: row.text("measured_at").into(),
            batch: row.positive("batch")?,
            size: row.positive("size")?,
            devices: row.positive("devices")?,
            threads: row.positive("threads")?,
            parameters: row.amount("parameters")?,
            macs: row.amount("macs")?,
            activations: row.amount("activations")?,
            latency_ms,
            peak_memory_mb: if known { row.amount("peak_memory_mb")? } else { None },
            p95_ms: None,
            low_ms: None,
            high_ms: None,
        })
    }
}

struct Row<'a> {
    header: &'a Header,
    cells: &'a [&'a str],
    line: u64,
}

impl<'a> Row<'a> {
    fn text(&self, column: &str) -> &'a str {
        let at = self.header.columns.iter().position(|known| known == column);
        at.map_or("", |at| self.cells[at].trim())
    }

    /// What ran in another precision than was asked for is neither of the two, and a mixture of which all experts were
    /// computed is not the same without it.
    fn precision(&self) -> String {
        let (asked, ran) = (self.text("asked_precision"), self.text("precision"));
        let precision = match (Precision::from_word(asked), Precision::from_word(ran)) {
            (Some(asked), Some(ran)) if asked != ran => precision_text(asked.key(), ran.key()),
            (None, _) | (_, None) if !asked.is_empty() && !ran.is_empty() => precision_text(asked, ran),
            _ => ran.to_owned(),
        };
        if self.text("all_experts").eq_ignore_ascii_case("true") {
            return format!("{precision}, {ALL_EXPERTS}").trim_start_matches(", ").to_owned();
        }
        precision
    }

    fn number(&self, column: &'static str) -> Result<Option<f64>, Refused> {
        let text = self.text(column);
        if text.is_empty() {
            return Ok(None);
        }
        match text.parse::<f64>() {
            Ok(value) if value.is_finite() => Ok(Some(value)),
            Ok(_) => Err(self.refused(column, "not a finite number")),
            Err(_) => Err(self.refused(column, "not a number")),
        }
    }

    fn positive(&self, column: &'static str) -> Result<Option<f64>, Refused> {
        match self.number(column)? {
            Some(0.0) => Err(self.refused(column, "zero")),
            Some(value) if value < 0.0 => Err(self.refused(column, "negative")),
            value => Ok(value),
        }
    }

    /// A count that some tools write as 0 where they do not know it.
    fn amount(&self, column: &'static str) -> Result<Option<f64>, Refused> {
        match self.number(column)? {
            Some(value) if value < 0.0 => Err(self.refused(column, "negative")),
            value => Ok(value.filter(|value| *value > 0.0)),
        }
    }

    fn refused(&self, column: &'static str, cause: &'static str) -> Refused {
        Refused { line: self.line, column, cause, text: self.text(column).chars().take(40).collect() }
    }
}

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "line {}", self.line)?;
        if !self.column.is_empty() {
            write!(f, ", column {}", self.column)?;
        }
        write!(f, ": {}", self.cause)?;
        if self.text.is_empty() { Ok(()) } else { write!(f, " (`{}`)", self.text) }
    }
}
