//! Bringing results in: measurement tables, and what generated benchmarks printed.

use crate::python::imported;
use contract::{Failure, ImportReport, Refusal, Run};
use jiff::Timestamp;
use serde_json::{Deserializer, Value};
use std::{collections::BTreeMap, fs, path::Path};
use store::Store;

/// Of what benchmarks printed, which is read as a whole.
const LARGEST_BYTES: u64 = 256 << 20;

/// Brings in a file, all its good results or, on an error, none. `progress` hears the rows of a table read so far.
///
/// # Errors
/// Where the file cannot be read, or the store cannot be written.
pub fn import(store: &Store, path: &Path, progress: &mut dyn FnMut(u64)) -> Result<ImportReport, Failure> {
    match path.extension() {
        Some(ending) if ending.eq_ignore_ascii_case("json") => import_printed(store, path),
        _ => Ok(store.import(path, progress)?),
    }
}

/// One result after the other, as several runs of benchmarks leave them in one file.
fn import_printed(store: &Store, path: &Path) -> Result<ImportReport, Failure> {
    let unreadable = |reason: String| {
        Failure::bad_input(path.display().to_string(), reason)
            .remedy("Nothing was imported. Check that the file is whole")
    };
    let about = fs::metadata(path).map_err(|e| unreadable(format!("it cannot be read: {e}")))?;
    if about.len() > LARGEST_BYTES {
        return Err(unreadable(format!("it is larger than {} MB", LARGEST_BYTES >> 20)));
    }
    let text = fs::read(path).map_err(|e| unreadable(format!("it cannot be read: {e}")))?;
    // What a benchmark prints says not when.
    let at = about.modified().ok().and_then(|time| Timestamp::try_from(time).ok()).unwrap_or_else(Timestamp::now);
    let mut report = ImportReport {
        file: path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default(),
        ..ImportReport::default()
    };
    let runs = read(&text, at, &mut report);
    if report.rows == 0 {
        return Err(unreadable("it is empty".to_owned()));
    }
    report.taken = store.import_runs(&runs)?;
    report.duplicates = runs.len() as u64 - report.taken;
    if report.taken > 0 {
        report.notes.push(("a result without a date has that of its file".to_owned(), report.taken));
    }
    Ok(report)
}

/// What can be taken of it; the rest is refused in the report, each with its line.
fn read(text: &[u8], at: Timestamp, report: &mut ImportReport) -> Vec<Run> {
    let (mut runs, mut causes) = (Vec::new(), BTreeMap::new());
    let mut printed = Deserializer::from_slice(text).into_iter::<Value>();
    // The line of the next result, from 1, and where that result begins.
    let (mut line, mut begin) = (1, 0);
    loop {
        let next = next_begin(text, printed.byte_offset());
        line += text[begin..next].iter().filter(|byte| **byte == b'\n').count() as u64;
        begin = next;
        let run = match printed.next() {
            None => break,
            Some(Ok(printed)) => imported(&printed, &report.file, at).map_err(|reason| (line, reason)),
            Some(Err(e)) => Err((e.line() as u64, format!("it is not JSON: {e}"))),
        };
        report.rows += 1;
        match run {
            Ok(run) => runs.push(run),
            Err((line, cause)) => {
                *causes.entry(cause.clone()).or_insert(0) += 1;
                report.refuse(Refusal { line, column: None, cause });
            }
        }
    }
    report.causes = causes.into_iter().collect();
    runs
}

/// Where what comes after so many bytes begins.
fn next_begin(text: &[u8], offset: usize) -> usize {
    offset + text[offset..].iter().take_while(|byte| byte.is_ascii_whitespace()).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_refused_result_has_its_line_and_a_thousand_are_listed() {
        let text = "\n7\n".repeat(1500);
        let mut report = ImportReport::default();
        assert!(read(text.as_bytes(), Timestamp::UNIX_EPOCH, &mut report).is_empty());
        assert_eq!((report.rows, report.refused, report.refusals.len()), (1500, 1500, 1000));
        assert!(report.refusals.iter().map(|refusal| refusal.line).eq((1..=1000).map(|result: u64| 2 * result)));
    }
}
