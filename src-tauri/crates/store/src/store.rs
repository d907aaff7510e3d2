//! The open store: one connection that writes, a few that read, and every question the shell asks.

use crate::claim::Claim;
use crate::file::{self, Found};
use crate::filter::{self, Condition};
use crate::opening::{back_up, classify, connect, is_stopped, make_folder, version_of};
use crate::tables::{
    Migration, added_models, comparisons, file_checks, forecasts, machines, peaks, peaks_left_out, queue, runs,
    settings, template_versions, templates, trials, unsaved_templates, watch_marks,
};
use crate::{
    GraphRun, Interrupted, KnownRun, LeftOut, MatrixBest, Progress, StoreError, compatibility, deleted, known, matrix,
    migrate, query, records, sheet, tables,
};
use contract::*;
use duckdb::{AccessMode, Connection, params_from_iter};
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

pub type Result<T> = std::result::Result<T, StoreError>;

/// Cheap to clone; the file is closed when the last clone is dropped. Calls block: keep them off async threads.
#[derive(Clone)]
pub struct Store(Arc<Inner>);

struct Inner {
    path: PathBuf,
    read_only: bool,
    notices: Vec<Notice>,
    /// Shared by every question, and held alone to open the file again. None where that has failed so far.
    connections: RwLock<Option<Connections>>,
    /// Tells this opening from others.
    opening: u64,
    /// Goes up before results come or go, and again after: it is odd meanwhile.
    changes: AtomicU64,
    // Last, so that the connections above are closed before another opening of the file is let in.
    _claim: Claim,
}

struct Connections {
    /// Held by whoever writes; the connection inside is the writer's.
    writer: Mutex<Connection>,
    /// Only cloned from, so that a reader never waits for a writer.
    root: Mutex<Connection>,
    readers: Mutex<Vec<Connection>>,
}

/// Of the results in a store: two are the same only where none came or went between.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResultsVersion {
    opening: u64,
    changes: u64,
}

impl Store {
    /// Creates the file where there is none, and brings an older one up to date after a backup.
    /// A damaged, foreign, newer or locked file is refused and left as it is.
    pub fn open(path: &Path) -> Result<Self> {
        Self::open_with(path, tables::ALL)
    }

    pub(crate) fn open_with(path: &Path, tables: &[&[Migration]]) -> Result<Self> {
        let claim = Claim::take(path)?;
        let mut notices = Vec::new();
        let known = migrate::latest(tables);
        let found = match file::look(path)? {
            Found::Nothing => {
                make_folder(path)?;
                0
            }
            Found::Database => version_of(path, known)?,
        };
        let is_new = !path.exists();
        if found > 0 && found < known {
            let backup = back_up(path, found)?;
            notices.push(Notice {
                kind: NoticeKind::Info,
                text: format!(
                    "The results file was brought up to date. A copy of it as it was is {}",
                    backup.display()
                ),
            });
        }
        let opened = connect(path, AccessMode::ReadWrite).and_then(|writer| {
            if found < known {
                migrate::migrate(&writer, tables, found)?;
            }
            Ok(writer)
        });
        match opened {
            Ok(writer) => Self::with(path, writer, false, notices, claim),
            Err(error) => {
                if is_new {
                    // Made a moment ago by this call and of no use: a full disk must not leave a file that looks damaged.
                    let _ = fs::remove_file(path);
                    let _ = fs::remove_file(file::log_path(path));
                }
                Err(classify(path, error))
            }
        }
    }

    /// For looking only: nothing is created, migrated or written.
    pub fn open_read_only(path: &Path) -> Result<Self> {
        let claim = Claim::take(path)?;
        let known = migrate::latest(tables::ALL);
        if file::look(path)? == Found::Nothing {
            return Err(StoreError::unusable(path, "there is no such file", "Check the path"));
        }
        if version_of(path, known)? < known {
            let remedy = "Open it once for writing; a backup is made first";
            return Err(StoreError::unusable(path, "it was written by an older Assay", remedy));
        }
        let conn = connect(path, AccessMode::ReadOnly).map_err(|error| classify(path, error))?;
        Self::with(path, conn, true, Vec::new(), claim)
    }

    fn with(path: &Path, conn: Connection, read_only: bool, notices: Vec<Notice>, claim: Claim) -> Result<Self> {
        static OPENINGS: AtomicU64 = AtomicU64::new(0);
        let connections = Connections::of(conn)?;
        Ok(Self(Arc::new(Inner {
            path: path.to_owned(),
            read_only,
            notices,
            connections: RwLock::new(Some(connections)),
            opening: OPENINGS.fetch_add(1, Ordering::Relaxed),
            changes: AtomicU64::new(0),
            _claim: claim,
        })))
    }

    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// Of the file and its log.
    pub fn size_bytes(&self) -> u64 {
        let bytes = |path: &Path| path.metadata().map_or(0, |about| about.len());
        bytes(&self.0.path) + bytes(&file::log_path(&self.0.path))
    }

    /// What opening did that the person should know.
    pub fn notices(&self) -> &[Notice] {
        &self.0.notices
    }

    // This machine

    pub fn save_machine(&self, machine: &Machine) -> Result<()> {
        self.write("storing the inventory", |conn| machines::save(conn, machine))
    }

    pub fn last_machine(&self) -> Result<Option<Machine>> {
        self.read("reading the inventory", machines::last)
    }

    /// Puts these in the place of the machine's earlier peaks, with a sentence for each that was left out.
    pub fn save_peaks(&self, machine: &MachineId, peaks: &[Peak], left_out: &[String]) -> Result<()> {
        self.write("storing the peaks", |conn| {
            peaks::replace(conn, machine, peaks)?;
            peaks_left_out::replace(conn, machine, left_out)
        })
    }

    pub fn peaks(&self, machine: &MachineId) -> Result<Vec<Peak>> {
        self.read("reading the peaks", |conn| peaks::of(conn, machine))
    }

    pub fn peaks_left_out(&self, machine: &MachineId) -> Result<Vec<String>> {
        self.read("reading what was left out of the peaks", |conn| peaks_left_out::of(conn, machine))
    }

    // Results

    /// None while results come or go. What was read between two equal versions is as they were then.
    pub fn results_version(&self) -> Option<ResultsVersion> {
        let changes = self.0.changes.load(Ordering::SeqCst);
        changes.is_multiple_of(2).then_some(ResultsVersion { opening: self.0.opening, changes })
    }

    /// Stores a result whole or not at all.
    pub fn insert_run(&self, run: &Run) -> Result<()> {
        self.write_results("storing the result", |conn| runs::save(conn, run))
    }

    /// Exactly what was inserted, also where it was deleted since. A result of a table has what that said: no phases,
    /// samples, environment or `timing` (whose interval and minimum a table does not give).
    pub fn run(&self, id: &RunId) -> Result<Option<Run>> {
        self.read("reading the result", |conn| runs::whole(conn, id))
    }

    pub fn list_runs(&self, filter: &Filter, order: RunOrder, offset: u64, limit: u32) -> Result<RunPage> {
        self.read("listing results", |conn| {
            let condition = Condition::of(filter);
            let count = format!("SELECT count(*) FROM runs r WHERE {}", condition.sql);
            let total = conn.prepare(&count)?.query_row(params_from_iter(&condition.values), |row| row.get(0))?;
            let by = filter::order(order);
            let page =
                format!("SELECT r.key FROM runs r WHERE {} ORDER BY {by} LIMIT {limit} OFFSET {offset}", condition.sql);
            let keys = keys(conn, &page, condition)?;
            Ok(RunPage { rows: runs::rows(conn, &keys)?, total })
        })
    }

    pub fn filter_choices(&self) -> Result<FilterChoices> {
        self.read("reading the filter's choices", matrix::choices)
    }

    /// The results of one matrix cell, newest first, at most a thousand.
    pub fn cell_runs(
        &self,
        model: &str,
        device: Option<&DeviceId>,
        platform: Platform,
        filter: &Filter,
    ) -> Result<Vec<RunRow>> {
        self.read("reading a cell's results", |conn| {
            let mut condition =
                Condition::of(&Filter { models: vec![model.to_owned()], platforms: vec![platform], ..filter.clone() });
            if let Some(device) = device {
                let sql =
                    "r.subject IN (SELECT j.key FROM subjects j JOIN devices d ON d.key = j.device WHERE d.id = ?)";
                condition.and(sql, [crate::columns::text(&device.0)]);
            }
            let by = filter::order(RunOrder::Newest);
            let sql = format!("SELECT r.key FROM runs r WHERE {} ORDER BY {by} LIMIT 1000", condition.sql);
            let keys = keys(conn, &sql, condition)?;
            runs::rows(conn, &keys)
        })
    }

    pub fn matrix(&self, metric: Metric, filter: &Filter) -> Result<MatrixBest> {
        self.read("reading the matrix", |conn| matrix::matrix(conn, metric, filter))
    }

    /// How engines fared with the models of each type.
    pub fn engine_records(&self) -> Result<BTreeMap<String, Vec<EngineRecord>>> {
        self.read("reading how engines fared", records::by_family)
    }

    /// The newest measured result of this work that may be ranked, of each of these graphs in each place and precision.
    pub fn runs_of_graphs(&self, hashes: &[&str], fed: &Fed) -> Result<Vec<GraphRun>> {
        self.read("reading the results of graphs", |conn| records::of_graphs(conn, hashes, fed))
    }

    /// Every ranked result with a time, oldest first; predicted ones are none.
    pub fn known_runs(&self) -> Result<Vec<KnownRun>> {
        self.read("reading what is known", known::all)
    }

    pub fn compatibility(&self) -> Result<Compatibility> {
        self.read("reading what ran where", compatibility::of)
    }

    /// One mark for all of these; none takes theirs away.
    pub fn set_marks(&self, marked: &[Marked], mark: Option<Mark>) -> Result<()> {
        self.write("storing marks", |conn| {
            marked.iter().try_for_each(|marked| watch_marks::set(conn, marked, mark, Timestamp::now()))
        })
    }

    pub fn marks(&self) -> Result<Vec<(Marked, Mark)>> {
        self.read("reading marks", watch_marks::all)
    }

    pub fn set_note(&self, id: &RunId, note: &str) -> Result<()> {
        self.write("storing the note", |conn| runs::set_note(conn, id, note))
    }

    /// Soft: `restore_runs` brings them back. Answers how many were there to delete.
    pub fn delete_runs(&self, ids: &[RunId]) -> Result<u32> {
        self.write_results("deleting results", |conn| runs::set_deleted(conn, ids, Some(Timestamp::now())))
    }

    pub fn restore_runs(&self, ids: &[RunId]) -> Result<u32> {
        self.write_results("bringing results back", |conn| runs::set_deleted(conn, ids, None))
    }

    /// Deleted results that pass the filter, the newest deletion first.
    pub fn list_deleted_runs(&self, filter: &Filter, offset: u64, limit: u32) -> Result<DeletedPage> {
        self.read("listing deleted results", |conn| deleted::page(conn, filter, offset, limit))
    }

    /// Results that are not deleted.
    pub fn count(&self) -> Result<u64> {
        self.read("counting results", runs::count)
    }

    /// The longest wall time in seconds of an earlier finished result of this very setting, for estimates.
    pub fn longest_like(&self, setting: &Setting) -> Result<Option<f64>> {
        self.read("looking for earlier results", |conn| runs::longest_like(conn, setting))
    }

    // Comparisons

    /// Stores a comparison with both its results, whole or not at all.
    pub fn insert_comparison(&self, comparison: &Comparison) -> Result<()> {
        self.write("storing the comparison", |conn| comparisons::save(conn, comparison))
    }

    /// Exactly what was inserted.
    pub fn comparison(&self, id: &ComparisonId) -> Result<Option<Comparison>> {
        self.read("reading the comparison", |conn| comparisons::whole(conn, id))
    }

    /// In one line each, newest first.
    pub fn comparisons(&self) -> Result<Vec<ComparisonRow>> {
        self.read("listing comparisons", comparisons::rows)
    }

    // The queue

    pub fn save_queue(&self, jobs: &[Job], paused: bool) -> Result<()> {
        self.write("storing the queue", |conn| queue::save(conn, jobs, paused))
    }

    /// The waiting jobs in order, and whether the queue is paused.
    pub fn load_queue(&self) -> Result<(Vec<Job>, bool)> {
        self.read("reading the queue", queue::load)
    }

    /// Said before a job starts, and with none after it ended; what is left over tells of a crash.
    pub fn set_running(&self, running: Option<(&JobId, &RunId, &Setting)>) -> Result<()> {
        self.write("storing the running job", |conn| queue::set_running(conn, running))
    }

    /// The job that was running when the app ended without a word; told once.
    pub fn take_interrupted(&self) -> Result<Option<Interrupted>> {
        self.write("looking for an interrupted job", queue::take_interrupted)
    }

    // Models the person added

    pub fn save_model(&self, info: &ModelInfo) -> Result<()> {
        self.write("storing the model", |conn| added_models::save(conn, info, Timestamp::now()))
    }

    pub fn models(&self) -> Result<Vec<ModelInfo>> {
        self.read("reading the models", added_models::all)
    }

    /// True where there was such a model; its results stay.
    pub fn remove_model(&self, id: &ModelId) -> Result<bool> {
        self.write("removing the model", |conn| added_models::remove(conn, id))
    }

    // Settings

    pub fn settings(&self) -> Result<Settings> {
        self.read("reading the settings", settings::load)
    }

    pub fn save_settings(&self, chosen: &Settings) -> Result<()> {
        self.write("storing the settings", |conn| settings::save(conn, chosen))
    }

    // Tables

    /// Brings in a neutral table (.csv, .csv.gz or .parquet), all its good rows or, on an error, none.
    pub fn import(&self, path: &Path, progress: Progress<'_>) -> Result<ImportReport> {
        self.import_listing(path, None, progress)
    }

    /// The same, with a list of the rows that were not taken at this path.
    pub fn import_listing(&self, path: &Path, list: Option<&Path>, progress: Progress<'_>) -> Result<ImportReport> {
        self.check_writable()?;
        let mut left_out = list.map(LeftOut::create).transpose()?;
        let report = self.ask("importing", |connections| {
            let conn = connections.reader()?;
            // Once the store has stopped, all others wait for this to end, and nothing of it can be stored.
            let mut go_on = |rows, share| match connections.are_stopped() {
                true => ControlFlow::Break(()),
                false => progress(rows, share),
            };
            let staged = sheet::stage(&conn, path, left_out.as_mut(), &mut go_on);
            let staged = staged.or_else(|error| connections.check().and(Err(error)))?;
            // Reading took its time without holding up anyone; only what follows needs the writer's turn.
            let _turn = lock(&connections.writer);
            self.change_results(&conn, |conn| sheet::take(conn, staged, left_out.as_mut()))
        })?;
        left_out.map_or(Ok(()), LeftOut::keep)?;
        Ok(report)
    }

    /// Stores results with samples that were measured elsewhere, all or none; answers how many were not here already.
    /// `go_on` is asked before each. `settle` hears which were here, by their places; its error keeps none.
    pub fn import_runs(
        &self,
        results: &[Run],
        go_on: &mut dyn FnMut() -> ControlFlow<()>,
        settle: impl FnOnce(&[usize]) -> Result<()>,
    ) -> Result<u64> {
        self.write_results("importing", |conn| {
            let mut known = Vec::new();
            for (at, run) in results.iter().enumerate() {
                if go_on().is_break() {
                    return Err(StoreError::Cancelled);
                }
                if runs::has_samples(conn, &run.samples_ms)? {
                    known.push(at);
                } else {
                    runs::save(conn, run)?;
                }
            }
            settle(&known)?;
            Ok((results.len() - known.len()) as u64)
        })
    }

    // Predictions

    /// Keeps predictions, to be held against what is measured later. Of each setting the last one waits.
    pub fn add_forecasts(&self, forecasts: &[MadeForecast]) -> Result<()> {
        self.write("storing predictions", |conn| forecasts::add(conn, forecasts))
    }

    pub fn forecast_record(&self) -> Result<ForecastRecord> {
        self.read("reading the record of predictions", forecasts::record)
    }

    // Templates

    /// What is known of each generated file now, in the place of what was known before, runs of them, and what their
    /// benchmarks measured: all of it or nothing.
    pub fn keep_trials(&self, checks: &[FileCheck], trials: &[Trial], results: &[Run]) -> Result<()> {
        let doing = "storing generated files";
        let save = |conn: &Connection| {
            file_checks::save(conn, checks)?;
            trials.iter().try_for_each(|trial| trials::save(conn, trial))?;
            results.iter().try_for_each(|run| runs::save(conn, run))
        };
        // Most files measure nothing, and what was learned of the results stays as it is.
        if results.is_empty() { self.write(doing, save) } else { self.write_results(doing, save) }
    }

    pub fn trial(&self, id: &str) -> Result<Option<Trial>> {
        self.read("reading the run of a generated file", |conn| trials::load(conn, id))
    }

    /// What is known of the generated files of a kind; a file that was neither checked nor run is left out.
    pub fn coverage(&self, kind: &str) -> Result<Vec<Coverage>> {
        self.read("reading what was proven", |conn| {
            let mut known: BTreeMap<GeneratedFile, (Option<FileCheck>, Option<TrialRow>)> = BTreeMap::new();
            for check in file_checks::of(conn, kind)? {
                let file = check.file.clone();
                known.entry(file).or_default().0 = Some(check);
            }
            for (file, trial) in trials::newest(conn, kind)? {
                known.entry(file).or_default().1 = Some(trial);
            }
            Ok(known.into_iter().map(|(file, (check, trial))| Coverage { file, check, trial }).collect())
        })
    }

    /// Takes in the templates of this Assay by name and text; an edited one stays in use, and what is new is offered
    /// beside it. Only what is new is read.
    pub fn take_shipped_templates(
        &self,
        shipped: &[(String, &str)],
        read: impl Fn(&str, &str) -> TemplateDraft,
        note: &str,
    ) -> Result<()> {
        self.write("storing the templates that ship", |conn| {
            template_versions::take_shipped(conn, shipped, read, note, Timestamp::now())
        })
    }

    /// Every template in use, by name.
    pub fn templates(&self) -> Result<Vec<StoredTemplate>> {
        self.read("reading the templates", |conn| {
            let mut stored = Vec::new();
            for name in templates::names(conn)? {
                stored.extend(template_versions::stored(conn, &name)?);
            }
            Ok(stored)
        })
    }

    /// One template in use, by its name.
    pub fn template(&self, name: &str) -> Result<StoredTemplate> {
        self.read("reading a template", |conn| {
            template_versions::stored(conn, name)?.ok_or_else(|| StoreError::NoTemplate(name.to_owned()))
        })
    }

    /// Newest first.
    pub fn template_history(&self, name: &str) -> Result<Vec<TemplateVersion>> {
        self.read("reading the versions of a template", |conn| template_versions::history(conn, name))
    }

    /// Answers the number of the new version. What was typed is settled by it.
    pub fn save_template(&self, draft: &TemplateDraft, origin: VersionOrigin, note: &str, author: &str) -> Result<u32> {
        self.write("storing a template", |conn| {
            unsaved_templates::forget(conn, &draft.name)?;
            template_versions::add(conn, draft, origin, (note, author), Timestamp::now())
        })
    }

    pub fn tag_template(&self, name: &str, number: u32, released: bool) -> Result<()> {
        self.write("tagging a template", |conn| template_versions::tag(conn, name, number, released))
    }

    /// What was typed into a template and not saved.
    pub fn unsaved_template(&self, name: &str) -> Result<Option<String>> {
        self.read("reading what was typed", |conn| unsaved_templates::of(conn, name))
    }

    /// Names of the templates with something typed and not saved.
    pub fn unsaved_templates(&self) -> Result<Vec<String>> {
        self.read("reading what was typed", unsaved_templates::names)
    }

    /// Keeps what was typed into a template; none forgets it.
    pub fn keep_unsaved_template(&self, name: &str, typed: Option<&str>) -> Result<()> {
        self.write("storing what was typed", |conn| match typed {
            Some(typed) => unsaved_templates::keep(conn, name, typed, Timestamp::now()),
            None => unsaved_templates::forget(conn, name),
        })
    }

    /// The sides of the merge that an update calls for; none where nothing is offered.
    pub fn template_offer(&self, name: &str) -> Result<Option<TemplateOffer>> {
        self.read("reading what an update offers", |conn| template_versions::offer(conn, name))
    }

    /// Writes the results that pass the filter as a neutral table (.csv or .parquet). Failed and withheld results
    /// have no figure to publish, and predicted ones are left out unless the filter names them; the report says so.
    pub fn export(&self, path: &Path, filter: &Filter, with_names: bool) -> Result<ExportReport> {
        self.read("exporting", |conn| sheet::export(conn, path, filter, with_names))
    }

    /// Answers a reading statement with its rows as JSON objects; bounded in time and size.
    pub fn query(&self, sql: &str) -> Result<serde_json::Value> {
        self.read("answering the query", |conn| query::query(conn, sql, &query::LIMITS))
    }

    #[cfg(test)]
    pub(crate) fn execute(&self, sql: &str) -> Result<()> {
        self.write("testing", |conn| Ok(conn.execute_batch(sql)?))
    }

    fn check_writable(&self) -> Result<()> {
        if self.0.read_only {
            return Err(StoreError::Refused {
                subject: self.0.path.display().to_string(),
                reason: "it was opened for reading only".into(),
            });
        }
        Ok(())
    }

    fn write<T>(&self, doing: &'static str, act: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        self.check_writable()?;
        self.ask(doing, |connections| transaction(&lock(&connections.writer), act))
    }

    /// The same where results come or go.
    fn write_results<T>(&self, doing: &'static str, act: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        self.check_writable()?;
        self.ask(doing, |connections| self.change_results(&lock(&connections.writer), act))
    }

    /// A transaction in which results come or go, in the writer's turn.
    fn change_results<T>(&self, conn: &Connection, act: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        let _changing = Changing::begin(&self.0.changes);
        transaction(conn, act)
    }

    fn read<T>(&self, doing: &'static str, ask: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        self.ask(doing, |connections| {
            let conn = connections.reader()?;
            let answer = ask(&conn)?;
            connections.take_back(conn);
            Ok(answer)
        })
    }

    /// After an error such as a full disk DuckDB answers nothing more until the file was closed; it is opened again, so
    /// that the next question has its answer. What was committed is in the file or its log.
    fn ask<T>(&self, doing: &'static str, act: impl FnOnce(&Connections) -> Result<T>) -> Result<T> {
        self.0.connect_again_if(Option::is_none)?;
        let answer = match &*self.0.connections.read().unwrap_or_else(PoisonError::into_inner) {
            Some(connections) => act(connections),
            // Closed by another question meanwhile, and not to be opened again.
            None => Err(StoreError::stopped(&self.0.path)),
        };
        if let Err(StoreError::Database { .. }) = &answer {
            // Where this fails, the error before it is the one to tell, and the next question tries again.
            let _ = self.0.connect_again_if(|held| held.as_ref().is_some_and(Connections::are_stopped));
        }
        answer.map_err(|error| classify(&self.0.path, error.during(doing)))
    }
}

impl Inner {
    /// Closes the file and opens it again where that is so, once nobody asks anything.
    fn connect_again_if(&self, so: impl Fn(&Option<Connections>) -> bool) -> Result<()> {
        if !so(&self.connections.read().unwrap_or_else(PoisonError::into_inner)) {
            return Ok(());
        }
        let mut held = self.connections.write().unwrap_or_else(PoisonError::into_inner);
        if so(&held) {
            // Closed first: locks on a file do not hold between two openings of one process.
            *held = None;
            *held = Some(self.connect_again()?);
        }
        Ok(())
    }

    fn connect_again(&self) -> Result<Connections> {
        if file::look(&self.path)? == Found::Nothing {
            let remedy = "Put it back, or choose another file in the settings";
            return Err(StoreError::unusable(&self.path, "it is no longer there", remedy));
        }
        let mode = if self.read_only { AccessMode::ReadOnly } else { AccessMode::ReadWrite };
        connect(&self.path, mode).and_then(Connections::of).map_err(|error| classify(&self.path, error))
    }
}

/// Readers kept for the next question; more are made while they are needed.
const KEPT_READERS: usize = 4;

impl Connections {
    fn of(conn: Connection) -> Result<Self> {
        let root = conn.try_clone()?;
        Ok(Self { writer: Mutex::new(conn), root: Mutex::new(root), readers: Mutex::default() })
    }

    /// A connection to read with.
    fn reader(&self) -> Result<Connection> {
        if let Some(conn) = lock(&self.readers).pop() {
            return Ok(conn);
        }
        Ok(lock(&self.root).try_clone()?)
    }

    fn take_back(&self, conn: Connection) {
        let mut readers = lock(&self.readers);
        if readers.len() < KEPT_READERS {
            readers.push(conn);
        }
    }

    /// Fails where DuckDB answers nothing any more.
    fn check(&self) -> Result<()> {
        lock(&self.root).query_row("SELECT 1", [], |row| row.get::<_, i32>(0))?;
        Ok(())
    }

    /// True after an error that DuckDB does not go on from.
    fn are_stopped(&self) -> bool {
        matches!(self.check(), Err(StoreError::Database { source, .. }) if is_stopped(&source.to_string()))
    }
}

/// Results come or go; begun and dropped in the writer's turn.
struct Changing<'a>(&'a AtomicU64);

impl<'a> Changing<'a> {
    fn begin(changes: &'a AtomicU64) -> Self {
        changes.fetch_add(1, Ordering::SeqCst);
        Self(changes)
    }
}

impl Drop for Changing<'_> {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// A panic while a lock was held left no half-made change: every change is a transaction.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn transaction<T>(conn: &Connection, act: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
    conn.execute_batch("BEGIN")?;
    match act(conn) {
        Ok(value) => {
            conn.execute_batch("COMMIT")?;
            Ok(value)
        }
        Err(error) => {
            // The first error is the one to tell; a transaction that failed by itself is rolled back already.
            let _ = conn.execute_batch("ROLLBACK");
            Err(error)
        }
    }
}

fn keys(conn: &Connection, sql: &str, condition: Condition) -> Result<Vec<i64>> {
    let mut statement = conn.prepare(sql)?;
    let rows = statement.query_map(params_from_iter(condition.values), |row| row.get(0))?;
    rows.collect::<std::result::Result<_, _>>().map_err(StoreError::from)
}
