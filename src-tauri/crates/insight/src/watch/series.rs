//! The table of series: columns series, at and value, and any others, which describe the environment of a point.

use crate::moment::seconds;
use contract::csv::Reader;
use serde::Serialize;
use std::{
    collections::HashMap,
    io::{self, BufRead, BufReader, Read},
};

/// Series in the order in which they first appear, each with its points from old to new.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SeriesTable {
    /// Names of the environment's columns.
    pub columns: Vec<String>,
    pub series: Vec<Series>,
    /// Rows with a value that no measurement gives.
    pub refused: Vec<RefusedRow>,
    /// Rows that repeat another one of their series in time, value and environment.
    pub repeated: usize,
    /// Whether `at` was neither numbers nor times, so that the order of the rows stands for it.
    pub in_file_order: bool,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Series {
    pub name: String,
    pub points: Vec<Point>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Point {
    pub at: String,
    /// Above zero.
    pub value: f64,
    /// One for each column of the table; blank where it is not known.
    pub environment: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RefusedRow {
    pub line: u64,
    pub column: &'static str,
    pub reason: &'static str,
}

#[derive(Debug, thiserror::Error)]
pub enum SeriesError {
    #[error("the first line names no column `{column}`; a table of series has the columns series, at and value")]
    ColumnMissing { column: &'static str },
    #[error("the first line names the column `{column}` twice; rename or remove one")]
    ColumnTwice { column: String },
    #[error("line {line}, column value: `{text}` is not a number; write it with a point and without a unit")]
    NotANumber { line: u64, text: String },
    #[error("line {line}, column {column}: it is blank; every row needs one")]
    Blank { line: u64, column: &'static str },
    #[error("line {line} has {found} columns, the first line has {expected}; quote a cell that holds a comma")]
    Width { line: u64, found: usize, expected: usize },
    #[error("the table has more than {MOST_ROWS} rows or a gigabyte; split it by series")]
    TooLong,
    #[error("it could not be read: {source}")]
    Unreadable { source: io::Error },
    #[error("line {line}: {reason}")]
    Unsplittable { line: u64, reason: &'static str },
    #[error("line {line}, column {column}: the text is not UTF-8; save the table as UTF-8")]
    NotText { line: u64, column: usize },
}

impl SeriesTable {
    /// Whether a point was taken at `since` or later, by numbers or by times; None where one of them is a label.
    pub fn is_since(at: &str, since: &str) -> Option<bool> {
        let key = if number(since).is_some() { number } else { seconds };
        Some(key(at)? >= key(since)?)
    }
}

const MOST_ROWS: usize = 5_000_000;
const MOST_BYTES: usize = 1 << 30;

/// Reads a table.
///
/// # Errors
/// Where a column is missing or a cell cannot be understood. Values that are not finite, zero or negative are no error:
/// their rows are refused and listed.
pub fn read(source: impl Read) -> Result<SeriesTable, SeriesError> {
    let mut reader = Reader::new(BufReader::new(source));
    let header = cells(&mut reader)?.map(|(_, cells)| cells).unwrap_or_default();
    if let Some((_, column)) = header.iter().enumerate().find(|(at, column)| header[..*at].contains(column)) {
        return Err(SeriesError::ColumnTwice { column: column.clone() });
    }
    let place = |column| {
        let found = header.iter().position(|name| name == column);
        found.ok_or(SeriesError::ColumnMissing { column })
    };
    let (series_at, at_at, value_at) = (place("series")?, place("at")?, place("value")?);
    let environment: Vec<usize> =
        (0..header.len()).filter(|column| ![series_at, at_at, value_at].contains(column)).collect();

    let mut read = SeriesTable {
        columns: environment.iter().map(|column| header[*column].clone()).collect(),
        ..SeriesTable::default()
    };
    let mut places: HashMap<String, usize> = HashMap::new();
    let (mut rows, mut bytes) = (0, 0);
    while let Some((line, cells)) = cells(&mut reader)? {
        rows += 1;
        bytes += cells.iter().map(String::len).sum::<usize>();
        if rows > MOST_ROWS || bytes > MOST_BYTES {
            return Err(SeriesError::TooLong);
        }
        if cells.len() != header.len() {
            return Err(SeriesError::Width { line, found: cells.len(), expected: header.len() });
        }
        for (column, at) in [("series", series_at), ("at", at_at)] {
            if cells[at].is_empty() {
                return Err(SeriesError::Blank { line, column });
            }
        }
        let value = match value(&cells[value_at]) {
            Value::Usable(value) => value,
            Value::Refused(reason) => {
                read.refused.push(RefusedRow { line, column: "value", reason });
                continue;
            }
            Value::Garbled => {
                return Err(SeriesError::NotANumber { line, text: cells[value_at].chars().take(40).collect() });
            }
        };
        let place = places.get(&cells[series_at]).copied().unwrap_or_else(|| {
            places.insert(cells[series_at].clone(), read.series.len());
            read.series.push(Series { name: cells[series_at].clone(), points: Vec::new() });
            read.series.len() - 1
        });
        read.series[place].points.push(Point {
            at: cells[at_at].clone(),
            value,
            environment: environment.iter().map(|column| cells[*column].clone()).collect(),
        });
    }
    put_in_order(&mut read);
    Ok(read)
}

/// The trimmed cells of the next record, with its line.
fn cells(reader: &mut Reader<impl BufRead>) -> Result<Option<(u64, Vec<String>)>, SeriesError> {
    let Some(record) = reader.next_record().map_err(|source| SeriesError::Unreadable { source })? else {
        return Ok(None);
    };
    let line = record.line;
    if let Some(reason) = record.fault {
        return Err(SeriesError::Unsplittable { line, reason });
    }
    let text = |at: usize| {
        let text = std::str::from_utf8(record.field(at)).map_err(|_| SeriesError::NotText { line, column: at + 1 })?;
        Ok(text.trim().to_owned())
    };
    Ok(Some((line, (0..record.width()).map(text).collect::<Result<_, _>>()?)))
}

enum Value {
    Usable(f64),
    Refused(&'static str),
    Garbled,
}

fn value(text: &str) -> Value {
    if text.is_empty() {
        return Value::Refused("blank");
    }
    match text.parse::<f64>() {
        Ok(value) if !value.is_finite() => Value::Refused("not finite"),
        Ok(0.0) => Value::Refused("zero"),
        Ok(value) if value < 0.0 => Value::Refused("negative"),
        Ok(value) => Value::Usable(value),
        Err(_) => Value::Garbled,
    }
}

/// From old to new, without rows that only repeat another.
fn put_in_order(table: &mut SeriesTable) {
    let all = |key: fn(&str) -> Option<f64>| {
        table.series.iter().flat_map(|series| &series.points).all(|point| key(&point.at).is_some())
    };
    let key = [number as fn(&str) -> Option<f64>, seconds].into_iter().find(|key| all(*key));
    table.in_file_order = key.is_none();
    for series in &mut table.series {
        if let Some(key) = key {
            let at = |point: &Point| key(&point.at).expect("every point has one");
            series.points.sort_by(|a, b| at(a).total_cmp(&at(b)));
        }
        let before = series.points.len();
        series.points.dedup();
        table.repeated += before - series.points.len();
    }
}

fn number(text: &str) -> Option<f64> {
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn table(text: &str) -> Result<SeriesTable, SeriesError> {
        read(text.as_bytes())
    }

    #[test]
    fn points_are_put_in_the_order_of_their_time() {
        let table =
            table("series,at,value,driver\na,2025-03-01,3,550\na,2025-01-01T00:00:00Z,1,535\nb,2025-02-01,9,\n")
                .unwrap();
        assert_eq!(table.columns, ["driver"]);
        assert_eq!(table.series[0].points.iter().map(|p| p.value).collect::<Vec<_>>(), [1.0, 3.0]);
        assert_eq!(table.series[0].points[1].environment, ["550"]);
        assert!(!table.in_file_order);
    }

    #[test]
    fn numbers_order_as_numbers_and_labels_as_they_stand() {
        let numbers = table("at,series,value\n10,a,2\n9,a,1\n").unwrap();
        assert_eq!(numbers.series[0].points[0].value, 1.0);
        let labels = table("at,series,value\nv10,a,2\nv9,a,1\n").unwrap();
        assert_eq!(labels.series[0].points[0].value, 2.0);
        assert!(labels.in_file_order);
    }

    #[test]
    fn a_time_is_compared_with_a_date_and_a_label_with_nothing() {
        assert_eq!(SeriesTable::is_since("2025-03-01T10:00:00Z", "2025-03-01"), Some(true));
        assert_eq!(SeriesTable::is_since("9", "10"), Some(false));
        assert_eq!(SeriesTable::is_since("v2", "10"), None);
    }

    #[test]
    fn values_that_cannot_be_are_refused_and_counted() {
        let table = table("series,at,value\na,1,NaN\na,2,inf\na,3,0\na,4,-1\na,5,\na,6,7\n").unwrap();
        assert_eq!(table.refused.len(), 5);
        assert_eq!(table.refused[3], RefusedRow { line: 5, column: "value", reason: "negative" });
        assert_eq!(table.series[0].points.len(), 1);
    }

    #[test]
    fn a_row_listed_again_counts_once() {
        let table = table("series,at,value\na,1,5\na,1,5\na,2,5\n").unwrap();
        assert_eq!((table.series[0].points.len(), table.repeated), (2, 1));
    }

    #[test]
    fn errors_name_the_row_the_column_and_the_remedy() {
        let said = |text: &str| table(text).unwrap_err().to_string();
        assert!(said("series,at,value\na,1,2\na,2,3 ms\n").contains("line 3, column value: `3 ms` is not a number"));
        assert!(said("series,value\na,1\n").contains("no column `at`"));
        assert!(said("series,at,value\na,,1\n").contains("line 2, column at"));
        assert!(said("series,at,value\na,1\n").contains("line 2 has 2 columns, the first line has 3"));
        assert!(said("series,at,value,at\n").contains("`at` twice"));
        assert!(said("").contains("no column `series`"));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..500)) {
            let _ = read(&[b"series,at,value\n", &bytes[..]].concat()[..]);
        }
    }
}
