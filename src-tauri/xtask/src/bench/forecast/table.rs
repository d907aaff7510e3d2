//! Tables of measurements, gzipped or plain.

use std::{
    fs::File,
    io::{BufReader, Read},
    path::Path,
};

use contract::csv::{Reader, Record, unguard};
use flate2::read::GzDecoder;
use insight::table::{Header, Measurement, Times};

use crate::error::StepError;

/// The rows that have a time, in the order of the file.
pub fn read(path: &Path) -> Result<Vec<Measurement>, StepError> {
    let unusable = |what: String| StepError::missing(format!("{}: {what}", path.display()), "Mend the table.");
    let file = File::open(path).map_err(StepError::file("read", path))?;
    let input: Box<dyn Read> =
        if path.extension().is_some_and(|e| e == "gz") { Box::new(GzDecoder::new(file)) } else { Box::new(file) };
    let mut reader = Reader::new(BufReader::new(input));
    let (mut header, mut rows): (Option<Header>, _) = (None, Vec::new());
    while let Some(record) = reader.next_record().map_err(StepError::file("read", path))? {
        let cells = cells(record);
        match &header {
            None => header = Some(Header::new(&cells, Times::Known).map_err(|e| unusable(e.to_string()))?),
            Some(header) => rows.extend(header.row(record.line, &cells).ok()),
        }
    }
    Ok(rows)
}

fn cells(record: &Record) -> Vec<&str> {
    (0..record.width()).map(|at| unguard(std::str::from_utf8(record.field(at)).unwrap_or_default())).collect()
}
