//! Bringing results in: measurement tables, and what generated benchmarks printed.

use crate::{desk::Desk, python::imported, quiet::Held};
use contract::{Event, Failure, ImportProgress, ImportReport, Refusal, Run};
use jiff::Timestamp;
use serde_json::{Deserializer, Value};
use std::{
    collections::BTreeMap,
    fs,
    ops::ControlFlow,
    path::Path,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};
use store::{Progress, Store};

/// Of what benchmarks printed, which is read as a whole.
const LARGEST_BYTES: u64 = 256 << 20;
/// Often enough to be seen moving.
const TOLD_EVERY: Duration = Duration::from_millis(120);

/// The import that the window or a command asked for: one at a time.
#[derive(Default)]
pub struct Importing {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Set to have the one under way end; with its place.
    going: Option<(Arc<AtomicBool>, Held)>,
    progress: Option<ImportProgress>,
}

impl Importing {
    /// The one under way.
    pub fn progress(&self) -> Option<ImportProgress> {
        self.state().progress.clone()
    }

    pub fn cancel(&self) {
        if let Some((cancelled, _)) = &self.state().going {
            cancelled.store(true, Ordering::Relaxed);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no holder of this lock panics")
    }
}

/// Brings a file into the open store, in this place. Blocks until its end; progress comes as events.
pub fn run(desk: &Desk, store: &Store, path: &Path, place: Held) -> Result<ImportReport, Failure> {
    let (file, cancelled) = (name_of(path), Arc::new(AtomicBool::new(false)));
    desk.importing.state().going = Some((cancelled.clone(), place));
    let tell = |rows, share| {
        let progress = Some(ImportProgress { file: file.clone(), rows, share });
        desk.importing.state().progress = progress.clone();
        desk.tell(Event::Import(progress));
    };
    tell(0, None);
    let mut told = Instant::now();
    let done = import(store, path, &mut |rows, share| {
        if told.elapsed() >= TOLD_EVERY {
            told = Instant::now();
            tell(rows, share);
        }
        if cancelled.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    *desk.importing.state() = State::default();
    desk.tell(Event::Import(None));
    if done.is_ok() {
        desk.tell(Event::ResultsChanged);
    }
    done
}

/// Brings in a file, all its good results or, on an error, none.
///
/// # Errors
/// Where the file cannot be read, the store cannot be written, or `progress` ended it.
pub fn import(store: &Store, path: &Path, progress: Progress<'_>) -> Result<ImportReport, Failure> {
    match path.extension() {
        Some(ending) if ending.eq_ignore_ascii_case("json") => import_printed(store, path, progress),
        _ => Ok(store.import(path, progress)?),
    }
}

/// Without its folder.
fn name_of(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// One result after the other, as several runs of benchmarks leave them in one file.
fn import_printed(store: &Store, path: &Path, progress: Progress<'_>) -> Result<ImportReport, Failure> {
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
    let mut report = ImportReport { file: name_of(path), ..ImportReport::default() };
    let runs = read(&text, at, &mut report, progress)?;
    if report.rows == 0 {
        return Err(unreadable("it is empty".to_owned()));
    }
    report.taken = store.import_runs(&runs, &mut || progress(report.rows, Some(1.0)))?;
    report.duplicates = runs.len() as u64 - report.taken;
    if report.taken > 0 {
        report.notes.push(("a result without a date has that of its file".to_owned(), report.taken));
    }
    Ok(report)
}

/// What can be taken of it; the rest is refused in the report, each with its line.
fn read(text: &[u8], at: Timestamp, report: &mut ImportReport, progress: Progress<'_>) -> Result<Vec<Run>, Failure> {
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
        if progress(report.rows, Some(begin as f64 / text.len() as f64)).is_break() {
            return Err(Failure::Cancelled);
        }
        match run {
            Ok(run) => runs.push(run),
            Err((line, cause)) => {
                *causes.entry(cause.clone()).or_insert(0) += 1;
                report.refuse(Refusal { line, column: None, cause });
            }
        }
    }
    report.causes = causes.into_iter().collect();
    Ok(runs)
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
        let runs = read(text.as_bytes(), Timestamp::UNIX_EPOCH, &mut report, &mut |_, _| ControlFlow::Continue(()));
        assert_eq!(runs, Ok(Vec::new()));
        assert_eq!((report.rows, report.refused, report.refusals.len()), (1500, 1500, 1000));
        assert!(report.refusals.iter().map(|refusal| refusal.line).eq((1..=1000).map(|result: u64| 2 * result)));
    }
}
