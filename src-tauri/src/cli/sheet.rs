//! Measurement tables that a command reads, and what it says of the rows it could not use.

use contract::Failure;
use contract::csv::{Reader, unguard};
use flate2::read::MultiGzDecoder;
use insight::table::{Header, Measurement, Refused, Times};
use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, BufRead, BufReader, Read},
    path::Path,
};

/// Learning holds all rows in memory.
const MOST_ROWS: usize = 1_000_000;
/// Unpacked; a packed table may claim to be anything.
const MOST_BYTES: u64 = 1 << 30;

/// A table's rows in the order of the file.
pub struct Table {
    pub rows: Vec<Result<Measurement, Refused>>,
}

impl Table {
    /// Reads a table of comma-separated values, gzipped or plain.
    pub fn open(path: &Path, times: Times) -> Result<Self, Failure> {
        let name = path.display().to_string();
        let unreadable = |e: io::Error| Failure::bad_input(&name, e.to_string()).remedy("Check the path and the file");
        let mut file = BufReader::new(File::open(path).map_err(unreadable)?);
        let packed = file.fill_buf().map_err(unreadable)?.starts_with(&[0x1f, 0x8b]);
        let input: Box<dyn Read> = if packed { Box::new(MultiGzDecoder::new(file)) } else { Box::new(file) };
        let mut reader = Reader::new(BufReader::new(input.take(MOST_BYTES)));
        let Some(first) = reader.next_record().map_err(unreadable)? else {
            return Err(Failure::bad_input(&name, "the file is empty")
                .remedy("Its first line must name the columns, such as model,hardware,latency_ms"));
        };
        let cells = fields(first).map_err(|refused| Failure::bad_input(&name, refused.to_string()))?;
        let header = Header::new(&cells, times).map_err(|e| Failure::bad_input(&name, e.to_string()))?;
        let mut rows = Vec::new();
        while let Some(record) = reader.next_record().map_err(unreadable)? {
            if rows.len() == MOST_ROWS {
                return Err(Failure::bad_input(&name, format!("it has more than {MOST_ROWS} rows")).remedy("Split it"));
            }
            rows.push(fields(record).and_then(|cells| header.row(record.line, &cells)));
        }
        Ok(Self { rows })
    }

    pub fn usable(&self) -> Vec<&Measurement> {
        self.rows.iter().flatten().collect()
    }

    /// One line on stderr for each cause of refusal, with its count and first place, under a line with the total.
    pub fn tell_refused(&self, path: &Path) {
        let mut causes: BTreeMap<(&str, &str), (usize, &Refused)> = BTreeMap::new();
        for refused in self.rows.iter().filter_map(|row| row.as_ref().err()) {
            causes.entry((refused.column, refused.cause)).or_insert((0, refused)).0 += 1;
        }
        let total: usize = causes.values().map(|(count, _)| count).sum();
        if total > 0 {
            eprintln!("assay: {}: {total} of {} rows refused", path.display(), self.rows.len());
        }
        for (count, first) in causes.values() {
            eprintln!("  {count:>8} × {first}{}", if *count > 1 { " and others" } else { "" });
        }
    }
}

fn fields(record: &contract::csv::Record) -> Result<Vec<&str>, Refused> {
    let refused = |cause| Refused { line: record.line, column: "", cause, text: String::new() };
    if let Some(fault) = record.fault {
        return Err(refused(fault));
    }
    (0..record.width())
        .map(|at| std::str::from_utf8(record.field(at)).map(unguard).map_err(|_| refused("the text is not UTF-8")))
        .collect()
}
