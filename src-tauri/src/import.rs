//! Bringing results in: measurement tables, and what generated benchmarks printed.

use crate::{desk::Desk, place::Place, python::imported, quiet::Held};
use contract::{Event, Failure, ImportProgress, ImportReport, Refusal, Run};
use jiff::Timestamp;
use serde_json::{Deserializer, Value};
use std::{
    collections::BTreeMap,
    fs,
    ops::ControlFlow,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use store::{LeftOut, Progress, RowOutcome, Store};

/// Of what benchmarks printed, which is read as a whole.
const LARGEST_BYTES: u64 = 256 << 20;
/// Often enough to be seen moving.
const TOLD_EVERY: Duration = Duration::from_millis(120);

/// The import that the window or a command asked for: one at a time.
#[derive(Default)]
pub struct Importing {
    state: Mutex<State>,
    /// How many there were since the start.
    begun: AtomicU64,
}

#[derive(Default)]
struct State {
    /// Set to have the one under way end; with its place.
    going: Option<(Arc<AtomicBool>, Held)>,
    progress: Option<ImportProgress>,
    /// The one whose list of rows that were not taken is kept.
    listed: Option<u64>,
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

    /// The one under way is over; where it has a list, answers the one whose list is of no more use.
    fn end(&self, listed: Option<u64>) -> Option<u64> {
        let mut state = self.state();
        (state.going, state.progress) = (None, None);
        state.listed.replace(listed?)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no holder of this lock panics")
    }
}

/// Brings a file into the open store, in this place. Blocks until its end; progress comes as events.
pub fn run(desk: &Desk, store: &Store, path: &Path, place: Held) -> Result<ImportReport, Failure> {
    let (file, cancelled) = (name_of(path), Arc::new(AtomicBool::new(false)));
    let number = desk.importing.begun.fetch_add(1, Ordering::Relaxed) + 1;
    desk.importing.state().going = Some((cancelled.clone(), place));
    let tell = |rows, share| {
        let progress = Some(ImportProgress { file: file.clone(), rows, share });
        desk.importing.state().progress = progress.clone();
        desk.tell(Event::Import(progress));
    };
    tell(0, None);
    let mut told = Instant::now();
    let mut hear = |rows, share| {
        if told.elapsed() >= TOLD_EVERY {
            told = Instant::now();
            tell(rows, share);
        }
        if cancelled.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let done = list_of(&desk.place, number).and_then(|list| import(store, path, Some(&list), &mut hear));
    if let Some(before) = desk.importing.end(done.is_ok().then_some(number)) {
        // One that cannot be removed is gone with the first import of the next start.
        let _ = fs::remove_file(desk.place.import_list(before));
    }
    desk.tell(Event::Import(None));
    // A list that could not be kept fails an import whose results are there.
    if !matches!(done, Err(Failure::Cancelled)) {
        desk.tell(Event::ResultsChanged);
    }
    done.map(|report| ImportReport { number: Some(number), ..report })
}

/// Where the list of the rows that an import does not take is kept. Those that earlier starts left are removed; another
/// Assay, which has another store open, keeps its own here.
fn list_of(place: &Place, number: u64) -> Result<PathBuf, Failure> {
    const OLD: Duration = Duration::from_secs(24 * 3600);
    let folder = place.imports();
    for list in fs::read_dir(&folder).into_iter().flatten().flatten() {
        let age = list.metadata().and_then(|about| about.modified()).ok().and_then(|at| at.elapsed().ok());
        if age.is_some_and(|age| age > OLD) {
            // What cannot be removed is tried again by the next import.
            let _ = fs::remove_file(list.path());
        }
    }
    let made = fs::create_dir_all(&folder).map(|()| place.import_list(number));
    made.map_err(|e| Failure::broken("making a folder for the rows that are not taken", e))
}

/// Writes the list that is kept of an import as a file of the person's; answers its path.
///
/// # Errors
/// Where it is no longer kept, or the file cannot be written.
pub fn save_list(place: &Place, number: u64, path: &Path) -> Result<String, Failure> {
    let (kept, shown) = (place.import_list(number), path.display().to_string());
    if !kept.is_file() {
        return Err(Failure::Missing {
            what: "The report of this import".into(),
            reason: "another import has ended since".into(),
            remedy: "Import the file again".into(),
        });
    }
    match fs::copy(&kept, path) {
        Ok(_) => Ok(shown),
        Err(e) => Err(Failure::bad_input(shown, format!("it could not be written: {e}"))
            .remedy("Choose a folder you may write to, with enough space")),
    }
}

/// Brings in a file, all its good results or, on an error, none; the rows that are not taken are listed at a path.
///
/// # Errors
/// Where the file cannot be read, the store or the list cannot be written, or `progress` ended it.
pub fn import(
    store: &Store,
    path: &Path,
    list: Option<&Path>,
    progress: Progress<'_>,
) -> Result<ImportReport, Failure> {
    match path.extension() {
        Some(ending) if ending.eq_ignore_ascii_case("json") => import_printed(store, path, list, progress),
        _ => Ok(store.import_listing(path, list, progress)?),
    }
}

/// Without its folder.
fn name_of(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// One result after the other, as several runs of benchmarks leave them in one file.
fn import_printed(
    store: &Store,
    path: &Path,
    list: Option<&Path>,
    progress: Progress<'_>,
) -> Result<ImportReport, Failure> {
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
    let mut left_out = list.map(LeftOut::create).transpose()?;
    let (runs, lines) = read(&text, at, &mut report, left_out.as_mut(), progress)?;
    if report.rows == 0 {
        return Err(unreadable("it is empty".to_owned()));
    }
    let settle = |known: &[usize]| match &mut left_out {
        Some(left_out) => left_out.finish(&known.iter().map(|run| lines[*run]).collect::<Vec<_>>()),
        None => Ok(()),
    };
    report.taken = store.import_runs(&runs, &mut || progress(report.rows, Some(1.0)), settle)?;
    left_out.map_or(Ok(()), LeftOut::keep)?;
    report.duplicates = runs.len() as u64 - report.taken;
    if report.taken > 0 {
        report.notes.push(("a result without a date has that of its file".to_owned(), report.taken));
    }
    Ok(report)
}

/// What can be taken of it, and its lines; the rest is refused in the report and the list, each with its line.
fn read(
    text: &[u8],
    at: Timestamp,
    report: &mut ImportReport,
    mut left_out: Option<&mut LeftOut>,
    progress: Progress<'_>,
) -> Result<(Vec<Run>, Vec<u64>), Failure> {
    let (mut runs, mut lines, mut causes) = (Vec::new(), Vec::new(), BTreeMap::new());
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
            Ok(run) => {
                runs.push(run);
                lines.push(line);
            }
            Err((line, cause)) => {
                *causes.entry(cause.clone()).or_insert(0) += 1;
                if let Some(left_out) = &mut left_out {
                    left_out.add(line, RowOutcome::Refused, None, &cause)?;
                }
                report.refuse(Refusal { line, column: None, cause });
            }
        }
    }
    report.causes = causes.into_iter().collect();
    Ok((runs, lines))
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
        let (text, at) = (text.as_bytes(), Timestamp::UNIX_EPOCH);
        let runs = read(text, at, &mut report, None, &mut |_, _| ControlFlow::Continue(()));
        assert_eq!(runs, Ok((Vec::new(), Vec::new())));
        assert_eq!((report.rows, report.refused, report.refusals.len()), (1500, 1500, 1000));
        assert!(report.refusals.iter().map(|refusal| refusal.line).eq((1..=1000).map(|result: u64| 2 * result)));
    }
}
