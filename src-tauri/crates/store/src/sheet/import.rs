//! Brings a table in: every row is taken, a duplicate, or refused with its cause.
//!
//! Rows are read into temporary tables first, which takes no one's turn; then one transaction moves them over.

use super::export::missing_fingerprints;
use super::format::Format;
use super::left_out::{LeftOut, RowOutcome};
use super::measurement::Measurement;
use super::parquet;
use super::row::{Fault, Header};
use crate::columns::{json, maybe, maybe_text, maybe_word, next_key, text, word};
use crate::tables::imports;
use crate::tables::runs::{self, STATED};
use crate::{Result, StoreError};
use contract::csv::{self, Reader};
use contract::{Evidence, Flag, ImportReport, Refusal, SizeUnit, dims_of_key};
use duckdb::types::Value;
use duckdb::{Appender, Connection, appender_params_from_iter, params};
use flate2::read::MultiGzDecoder;
use jiff::Timestamp;
use std::cell::Cell;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::ops::ControlFlow;
use std::path::Path;
use std::rc::Rc;

/// Progress is told every so many rows.
const PROGRESS_ROWS: u64 = 5000;

/// Hears the rows read so far, and the share of the file that they are where that is known; `Break` ends the import.
pub type Progress<'a> = &'a mut dyn FnMut(u64, Option<f64>) -> ControlFlow<()>;

/// A table that was read and waits to be taken.
pub struct Staged {
    report: ImportReport,
}

/// Reads the whole table into temporary tables of this connection; what cannot be taken goes into the list.
pub fn stage(conn: &Connection, path: &Path, left_out: Option<&mut LeftOut>, progress: Progress<'_>) -> Result<Staged> {
    let format = Format::of(path)?;
    conn.execute_batch(TEMPORARY)?;
    let mut staging = Staging::new(conn, path, left_out, progress)?;
    match format {
        Format::Csv => read_csv(BufReader::with_capacity(1 << 16, staging.open(path)?), path, &mut staging)?,
        Format::CsvGz => {
            let unpacked = MultiGzDecoder::new(BufReader::new(staging.open(path)?));
            read_csv(BufReader::with_capacity(1 << 16, unpacked), path, &mut staging)?;
        }
        Format::Parquet => {
            parquet::read(path, &mut |rows| staging.header_or_row(path, rows))?;
        }
    }
    staging.finish()
}

/// Moves what was staged over and finishes the list; to be called inside a transaction, with the writer's turn.
pub fn take(conn: &Connection, staged: Staged, left_out: Option<&mut LeftOut>) -> Result<ImportReport> {
    let mut report = staged.report;
    find_fingerprints(conn)?;
    if let Some(left_out) = left_out {
        left_out.finish(&lines_in_store(conn)?)?;
    }
    let known = conn.execute(&format!("DELETE FROM temp.staged WHERE {IN_STORE}"), [])? as u64;
    report.duplicates += known;
    report.taken -= known;
    let import = imports::add(conn, &report, Timestamp::now())?;
    let base = next_key(conn, "runs")?;
    for step in MOVES {
        conn.execute_batch(step)?;
    }
    conn.execute(MOVE_SOURCES, params![import])?;
    conn.execute(MOVE_RUNS, params![base, import])?;
    conn.execute(MOVE_PLACEMENTS, params![base, format!("{STATED} so")])?;
    let flag = Flag::AllExperts { reason: format!("Every expert is computed for each token: {STATED} so") };
    conn.execute(MOVE_DETAILS, params![base, json(&runs::unchecked()), STATED, json(&[flag])])?;
    Ok(report)
}

/// Results of an older file get the fingerprints of the rows that they are exported as now.
fn find_fingerprints(conn: &Connection) -> Result<()> {
    for some in missing_fingerprints(conn)?.chunks(1000) {
        let rows: Vec<String> = some.iter().map(|(key, print)| format!("({key}, '{print}'::HUGEINT)")).collect();
        conn.execute_batch(&format!(
            "UPDATE main.runs SET fingerprint = f.print FROM (VALUES {}) f (key, print) WHERE f.key = runs.key",
            rows.join(", ")
        ))?;
    }
    Ok(())
}

/// Lines of the staged rows that the store has already, in order.
fn lines_in_store(conn: &Connection) -> Result<Vec<u64>> {
    let mut statement = conn.prepare(&format!("SELECT line FROM temp.staged WHERE {IN_STORE} ORDER BY line"))?;
    let lines = statement.query_map([], |row| row.get(0))?;
    lines.collect::<std::result::Result<_, _>>().map_err(StoreError::from)
}

/// A file that counts what was read of it.
struct Counted {
    file: File,
    read_bytes: Rc<Cell<u64>>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let bytes = self.file.read(buffer)?;
        self.read_bytes.set(self.read_bytes.get() + bytes as u64);
        Ok(bytes)
    }
}

fn unreadable(path: &Path, line: Option<u64>, error: &io::Error) -> StoreError {
    StoreError::Table {
        path: path.to_owned(),
        place: line.map(|line| format!("after line {line}")),
        reason: format!("the table cannot be read: {error}"),
        remedy: Some("Nothing was imported. Check that the file is whole".into()),
    }
}

fn read_csv(input: impl BufRead, path: &Path, staging: &mut Staging) -> Result<()> {
    let mut reader = Reader::new(input);
    let mut last = 0;
    let mut header = None;
    loop {
        let record = match reader.next_record() {
            Ok(Some(record)) => record,
            Ok(None) => break,
            Err(error) => return Err(unreadable(path, Some(last), &error)),
        };
        last = record.line;
        staging.pass_over(record)?;
        let Some(header) = &header else {
            header = Some(staging.read_header(path, record)?);
            continue;
        };
        staging.csv_record(header, record)?;
    }
    if header.is_none() { Err(bad_header(path, "it is empty")) } else { Ok(()) }
}

fn bad_header(path: &Path, reason: impl Into<String>) -> StoreError {
    StoreError::Table {
        path: path.to_owned(),
        place: Some("line 1".into()),
        reason: reason.into(),
        remedy: Some(
            "A table begins with the columns' names, separated by commas; model, hardware, precision, mode and \
             latency_ms are needed"
                .into(),
        ),
    }
}

/// Reads rows into the temporary tables, counts what becomes of them, and lists those that are not taken.
struct Staging<'a> {
    conn: &'a Connection,
    rows: Appender<'a>,
    left_out: Option<&'a mut LeftOut>,
    progress: Progress<'a>,
    /// Of the file; zero where its reader does not count them.
    total_bytes: u64,
    read_bytes: Rc<Cell<u64>>,
    file: String,
    report: ImportReport,
    causes: BTreeMap<String, u64>,
    notes: BTreeMap<String, u64>,
    seen: HashSet<i128>,
    seen_figures: HashSet<i128>,
    subjects: HashMap<Subject, i32>,
    sources: HashMap<Option<String>, i32>,
    parquet_header: Option<Header>,
}

/// What a row tells of model, engine and device together.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Subject {
    model: String,
    family: String,
    runtime: String,
    hardware: String,
    platform: contract::Platform,
    devices: Option<u32>,
}

impl<'a> Staging<'a> {
    fn new(
        conn: &'a Connection,
        path: &Path,
        left_out: Option<&'a mut LeftOut>,
        progress: Progress<'a>,
    ) -> Result<Self> {
        let file = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        Ok(Self {
            conn,
            rows: conn.appender_to_catalog_and_db("staged", "temp", "main")?,
            left_out,
            progress,
            total_bytes: 0,
            read_bytes: Rc::default(),
            report: ImportReport { file: file.clone(), ..ImportReport::default() },
            file,
            causes: BTreeMap::new(),
            notes: BTreeMap::new(),
            seen: HashSet::new(),
            seen_figures: HashSet::new(),
            subjects: HashMap::new(),
            sources: HashMap::new(),
            parquet_header: None,
        })
    }

    fn open(&mut self, path: &Path) -> Result<Counted> {
        let opened = File::open(path).and_then(|file| Ok((file.metadata()?.len(), file)));
        let (total_bytes, file) = opened.map_err(|error| unreadable(path, None, &error))?;
        self.total_bytes = total_bytes;
        Ok(Counted { file, read_bytes: self.read_bytes.clone() })
    }

    fn read_header(&mut self, path: &Path, record: &csv::Record) -> Result<Header> {
        if record.width() > 0 && record.fault.is_none() && record.field(0).starts_with(&[0xff, 0xfe]) {
            return Err(bad_header(path, "it is written in UTF-16; save it as UTF-8"));
        }
        if let Some(fault) = record.fault {
            return Err(bad_header(path, fault));
        }
        let names: std::result::Result<Vec<String>, _> =
            (0..record.width()).map(|at| String::from_utf8(record.field(at).to_vec())).collect();
        let names = names.map_err(|_| bad_header(path, "its header is not UTF-8 text"))?;
        if let [only] = &names[..]
            && only.contains([';', '\t'])
        {
            return Err(bad_header(path, "its columns are not separated by commas"));
        }
        self.header(path, &names)
    }

    fn header(&mut self, path: &Path, names: &[String]) -> Result<Header> {
        let header = Header::read(names).map_err(|reason| bad_header(path, reason))?;
        for column in &header.unknown {
            self.notes.insert(format!("column {column:?} is not one Assay knows and was left out"), 0);
        }
        Ok(header)
    }

    fn csv_record(&mut self, header: &Header, record: &csv::Record) -> Result<()> {
        let line = record.line;
        if let Some(fault) = record.fault {
            return self.refuse(line, Fault::row(fault, ""));
        }
        if record.width() != header.fields {
            let found = format!("{} fields where the header has {}", record.width(), header.fields);
            return self.refuse(line, Fault::row("wrong number of fields", found));
        }
        let mut fields = Vec::with_capacity(record.width());
        for at in 0..record.width() {
            match std::str::from_utf8(record.field(at)) {
                Ok(text) => fields.push(csv::unguard(text)),
                Err(_) => return self.refuse(line, Fault::row("not UTF-8 text", format!("in field {}", at + 1))),
            }
        }
        self.row(header, line, &fields)
    }

    /// The first call brings the columns' names.
    fn header_or_row(&mut self, path: &Path, fields: &[&str]) -> Result<()> {
        match self.parquet_header.take() {
            None => {
                let names: Vec<String> = fields.iter().map(|name| (*name).to_owned()).collect();
                self.parquet_header = Some(self.header(path, &names)?);
                Ok(())
            }
            Some(header) => {
                let done = self.row(&header, self.report.rows + 2, fields);
                self.parquet_header = Some(header);
                done
            }
        }
    }

    fn row(&mut self, header: &Header, line: u64, fields: &[&str]) -> Result<()> {
        let mut notes = Vec::new();
        let measurement = match header.measurement(fields, &mut notes) {
            Ok(measurement) => measurement,
            Err(fault) => return self.refuse(line, fault),
        };
        self.count_row()?;
        let fingerprint = measurement.fingerprint();
        let copied = measurement.figure().is_some_and(|figure| !self.seen_figures.insert(figure));
        if !self.seen.insert(fingerprint) {
            return self.duplicate(line, "a row further up in this table says the same");
        }
        if copied {
            const COPIED: &str = "the same time to five digits or more stands under another software";
            self.note(format!("{COPIED}: counted as a duplicate"));
            return self.duplicate(line, COPIED);
        }
        self.report.taken += 1;
        notes.into_iter().for_each(|note| self.note(note));
        self.append(line, measurement, fingerprint)
    }

    fn note(&mut self, note: String) {
        // Notes name a column or a word; a hostile table may have any number of words, but only a few are listed.
        *self.notes.entry(note).or_default() += 1;
    }

    fn refuse(&mut self, line: u64, fault: Fault) -> Result<()> {
        self.count_row()?;
        let cause = match fault.column {
            Some(column) => format!("{column} {}", fault.cause),
            None => fault.cause.to_owned(),
        };
        *self.causes.entry(cause).or_default() += 1;
        let cause = fault.sentence();
        self.list(line, RowOutcome::Refused, fault.column, &cause)?;
        self.report.refuse(Refusal { line, column: fault.column.map(str::to_owned), cause });
        Ok(())
    }

    fn duplicate(&mut self, line: u64, cause: &str) -> Result<()> {
        self.report.duplicates += 1;
        self.list(line, RowOutcome::Duplicate, None, cause)
    }

    /// Blank lines are no rows, and are listed for whoever counts lines.
    fn pass_over(&mut self, record: &csv::Record) -> Result<()> {
        if self.left_out.is_none() {
            return Ok(());
        }
        for line in record.line - record.blank_lines..record.line {
            self.list(line, RowOutcome::Skipped, None, "the line is blank")?;
            // A packed table may hold any number of them.
            if line.is_multiple_of(PROGRESS_ROWS) {
                self.tell()?;
            }
        }
        Ok(())
    }

    fn list(&mut self, line: u64, outcome: RowOutcome, column: Option<&str>, cause: &str) -> Result<()> {
        match &mut self.left_out {
            Some(left_out) => left_out.add(line, outcome, column, cause),
            None => Ok(()),
        }
    }

    fn count_row(&mut self) -> Result<()> {
        self.report.rows += 1;
        if self.report.rows.is_multiple_of(PROGRESS_ROWS) { self.tell() } else { Ok(()) }
    }

    fn tell(&mut self) -> Result<()> {
        let share = self.read_bytes.get() as f64 / self.total_bytes as f64;
        match (self.progress)(self.report.rows, (self.total_bytes > 0).then_some(share.min(1.0))) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(StoreError::Cancelled),
        }
    }

    fn append(&mut self, line: u64, row: Measurement, fingerprint: i128) -> Result<()> {
        let next = self.sources.len() as i32;
        let source = *self.sources.entry(row.source).or_insert(next);
        let subject = Subject {
            model: row.model,
            family: row.family,
            runtime: row.runtime,
            hardware: row.hardware,
            platform: row.platform,
            devices: row.devices,
        };
        let next = self.subjects.len() as i32;
        let subject = *self.subjects.entry(subject).or_insert(next);
        // A figure is measured only if this Assay launched it; what the table says of itself is kept beside.
        let evidence = match row.evidence {
            Some(Evidence::Predicted) => Evidence::Predicted,
            Some(Evidence::Measured | Evidence::Imported) | None => Evidence::Imported,
        };
        let plain_moment = row.started_at.map(|at| at.to_string()).unwrap_or_default() == row.measured_at;
        let throughput = row.batch.map(|batch| f64::from(batch) * 1000.0 / row.latency_ms);
        let expert_dims = if row.all_experts {
            json(&row.dims.as_deref().and_then(dims_of_key).unwrap_or_default())
        } else {
            Value::Null
        };
        let nanos = row.started_at.and_then(|at| i64::try_from(at.as_nanosecond()).ok());
        let values = [
            Value::UBigInt(line),
            Value::Int(subject),
            Value::Int(source),
            word(evidence),
            maybe_word(row.evidence),
            word(row.asked_precision.unwrap_or(row.precision)),
            maybe_word(row.asked_precision.and(Some(row.precision))),
            if row.precision_word == row.precision.key() { Value::Null } else { text(row.precision_word) },
            word(row.mode),
            maybe(row.batch),
            maybe(row.size),
            maybe_text(row.size_unit.map(SizeUnit::key).as_deref()),
            maybe_text(row.dims.as_deref()),
            maybe(row.threads),
            text(row.software),
            maybe(nanos),
            if plain_moment { Value::Null } else { text(row.measured_at) },
            maybe(row.parameters),
            maybe(row.macs),
            maybe(row.activations),
            Value::Double(row.latency_ms),
            maybe(row.low_ms),
            maybe(row.high_ms),
            maybe(row.samples),
            maybe(throughput),
            maybe_word(row.per_sample.map(|sample| sample.unit)),
            maybe(row.per_sample.map(|sample| sample.count)),
            maybe(row.device_share),
            expert_dims,
            maybe(row.peak_memory_bytes),
            Value::HugeInt(fingerprint),
        ];
        Ok(self.rows.append_row(appender_params_from_iter(values))?)
    }

    fn finish(mut self) -> Result<Staged> {
        self.tell()?;
        self.rows.flush()?;
        let mut subjects = self.conn.appender_to_catalog_and_db("staged_subjects", "temp", "main")?;
        for (subject, local) in self.subjects {
            let name = match subject.devices {
                Some(count) if count > 1 => format!("{count} × {}", subject.hardware),
                _ => subject.hardware.clone(),
            };
            subjects.append_row(appender_params_from_iter([
                Value::Int(local),
                text(format!("imported:{}", subject.model)),
                text(subject.model),
                text(subject.family),
                text(subject.runtime),
                text(format!("imported:{name}")),
                text(name),
                word(subject.platform),
                text(subject.hardware),
                maybe(subject.devices),
            ]))?;
        }
        subjects.flush()?;
        let mut sources = self.conn.appender_to_catalog_and_db("staged_sources", "temp", "main")?;
        for (stated, local) in self.sources {
            let name = stated.clone().unwrap_or_else(|| self.file.clone());
            let row = [Value::Int(local), text(name), maybe_text(stated.as_deref())];
            sources.append_row(appender_params_from_iter(row))?;
        }
        sources.flush()?;
        self.report.causes = most_first(self.causes);
        self.report.notes = most_first(self.notes);
        Ok(Staged { report: self.report })
    }
}

fn most_first(counts: BTreeMap<String, u64>) -> Vec<(String, u64)> {
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    counts
}

const TEMPORARY: &str = "
    CREATE TEMP TABLE staged (
        line UBIGINT, subject INTEGER, source INTEGER, evidence VARCHAR, stated_evidence VARCHAR, precision VARCHAR,
        effective_precision VARCHAR, stated_precision VARCHAR, mode VARCHAR, batch UINTEGER, size UINTEGER,
        size_unit VARCHAR, dims VARCHAR, threads UINTEGER, software VARCHAR, started_ns BIGINT,
        stated_measured_at VARCHAR, parameters UBIGINT, macs UBIGINT, activations UBIGINT, latency_ms DOUBLE,
        low_ms DOUBLE, high_ms DOUBLE, samples UINTEGER, throughput_per_s DOUBLE, task_unit VARCHAR,
        per_sample DOUBLE, device_share DOUBLE,
        expert_dims VARCHAR,  -- JSON: the dims where all experts of a mixture ran; NULL elsewhere
        peak_memory_bytes UBIGINT, fingerprint HUGEINT);
    CREATE TEMP TABLE staged_subjects (
        local INTEGER, model_id VARCHAR, model VARCHAR, family VARCHAR, engine VARCHAR, device VARCHAR,
        device_name VARCHAR, platform VARCHAR, hardware VARCHAR, count UINTEGER);
    CREATE TEMP TABLE staged_sources (local INTEGER, name VARCHAR, stated VARCHAR);";

/// Of a staged row that the store has already, also as an older Assay exported it.
const IN_STORE: &str =
    "(fingerprint IN (SELECT fingerprint FROM main.runs WHERE deleted_at IS NULL AND fingerprint IS NOT NULL)
        OR fingerprint IN (SELECT earlier_fingerprint FROM main.runs
            WHERE deleted_at IS NULL AND earlier_fingerprint IS NOT NULL))";

/// What the rows name and is not there yet; only names of rows that are really taken.
const MOVES: [&str; 6] = [
    "DELETE FROM temp.staged_subjects WHERE local NOT IN (SELECT subject FROM temp.staged)",
    "INSERT INTO main.models (key, id, name, family)
     SELECT (SELECT coalesce(max(key), 0) FROM main.models) + row_number() OVER (), n.* FROM (
        SELECT model_id, model, family FROM temp.staged_subjects EXCEPT SELECT id, name, family FROM main.models) n",
    "INSERT INTO main.engines (key, id)
     SELECT (SELECT coalesce(max(key), 0) FROM main.engines) + row_number() OVER (), n.* FROM (
        SELECT engine FROM temp.staged_subjects EXCEPT SELECT id FROM main.engines) n",
    "INSERT INTO main.devices (key, id, name, platform, hardware, count)
     SELECT (SELECT coalesce(max(key), 0) FROM main.devices) + row_number() OVER (), n.* FROM (
        SELECT device, device_name, platform, hardware, count FROM temp.staged_subjects
        EXCEPT SELECT id, name, platform, hardware, count FROM main.devices WHERE machine IS NULL) n",
    "INSERT INTO main.dims (key, text)
     SELECT (SELECT coalesce(max(key), 0) FROM main.dims) + row_number() OVER (), n.* FROM (
        SELECT dims FROM temp.staged WHERE dims IS NOT NULL EXCEPT SELECT text FROM main.dims) n",
    "CREATE TEMP TABLE staged_keys AS
     SELECT t.local, m.key AS model, e.key AS engine, d.key AS device FROM temp.staged_subjects t
        JOIN main.models m ON m.id = t.model_id AND m.name = t.model AND m.family = t.family
        JOIN main.engines e ON e.id = t.engine
        JOIN main.devices d ON d.machine IS NULL AND d.id = t.device AND d.name = t.device_name
            AND d.platform = t.platform AND d.hardware = t.hardware AND d.count IS NOT DISTINCT FROM t.count;
     INSERT INTO main.subjects (key, model, engine, device)
     SELECT (SELECT coalesce(max(key), 0) FROM main.subjects) + row_number() OVER (), n.* FROM (
        SELECT model, engine, device FROM temp.staged_keys EXCEPT SELECT model, engine, device FROM main.subjects) n",
];

const MOVE_SOURCES: &str = "INSERT INTO main.sources (key, import, name, stated)
    SELECT (SELECT coalesce(max(key), 0) FROM main.sources) + row_number() OVER (), ?, name, stated
    FROM temp.staged_sources WHERE local IN (SELECT source FROM temp.staged)";

const MOVE_RUNS: &str =
    "INSERT INTO main.runs (key, id, subject, evidence, source, precision, effective_precision, mode, batch, size,
        size_unit, dims, threads, engine_version, started_at, graph_hash, parameters, macs, activations, median_ms,
        low_ms, high_ms, samples, throughput_per_s, task_unit, per_sample, peak_memory_bytes, note, stated_evidence,
        stated_precision, stated_measured_at, fingerprint)
    SELECT ? + t.line, uuidv7(), j.key, t.evidence, s.key, t.precision, t.effective_precision, t.mode, t.batch, t.size,
        t.size_unit, w.key, t.threads, t.software, make_timestamp_ns(t.started_ns), '', t.parameters, t.macs,
        t.activations, t.latency_ms, t.low_ms, t.high_ms, t.samples, t.throughput_per_s, t.task_unit, t.per_sample,
        t.peak_memory_bytes, '', t.stated_evidence, t.stated_precision, t.stated_measured_at, t.fingerprint
    FROM temp.staged t JOIN temp.staged_keys k ON k.local = t.subject
        JOIN main.subjects j ON j.model = k.model AND j.engine = k.engine AND j.device = k.device
        JOIN temp.staged_sources o ON o.local = t.source
        JOIN main.sources s ON s.import = ? AND s.name = o.name AND s.stated IS NOT DISTINCT FROM o.stated
        LEFT JOIN main.dims w ON w.text = t.dims";

const MOVE_PLACEMENTS: &str = "INSERT INTO main.placements (run, node_share, parts, source)
    SELECT ? + line, device_share, '[]', ?::VARCHAR FROM temp.staged WHERE device_share IS NOT NULL";

/// A flag has its place among the details.
const MOVE_DETAILS: &str = "INSERT INTO main.details (run, dims, seed, budget_secs, percentiles, output_check,
        precision_source, flags, log)
    SELECT ? + line, expert_dims, 0, 0, '[]', ?::VARCHAR, ?::VARCHAR || ' ' || coalesce(stated_precision, 'so'),
        ?::VARCHAR, '[]'
    FROM temp.staged WHERE expert_dims IS NOT NULL";
