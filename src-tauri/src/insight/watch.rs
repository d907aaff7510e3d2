//! Watching the store: every setting that was measured again and again is a series.

use super::{Insight, Known};
use contract::*;
use insight::watch::{Point, Series, SeriesTable, is_regression, watch};
use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};
use store::{KnownRun, Store};

/// The report over all series, with the results their points are.
pub struct Watched {
    table: SeriesTable,
    report: WatchReport,
    /// For each series, the result of each point.
    runs: Vec<Vec<usize>>,
    known: Arc<Known>,
    undated: u64,
}

/// A series of fewer points has no level to leave.
const FEWEST_POINTS: usize = 2;

/// What may change from point to point, as people call it. What ran stands before what may have changed it.
const COLUMNS: [&str; 10] = [
    "precision that ran",
    "placement",
    "engine",
    "hardware",
    "engine version",
    "driver",
    "operating system",
    "power",
    "frequency governor",
    "Assay",
];

impl Insight {
    /// The report over everything known; a change smaller than this share does not matter.
    pub fn watched(&self, store: &Store, smallest_change: f64) -> Result<Arc<Watched>, Failure> {
        let known = self.known(store)?;
        Ok(self.watched.of(&known, smallest_change, || Watched::of(known.clone(), smallest_change)))
    }
}

impl Watched {
    fn of(known: Arc<Known>, smallest_change: f64) -> Self {
        let mut dated: Vec<usize> = (0..known.runs.len()).filter(|at| known.runs[*at].started_at.is_some()).collect();
        dated.sort_by_key(|at| known.runs[*at].started_at);
        let undated = (known.runs.len() - dated.len()) as u64;
        let mut places = by_series(&known.runs, &dated);
        places.retain(|_, runs| runs.len() >= FEWEST_POINTS);
        let series = places.iter().map(|(name, runs)| Series {
            name: name.clone(),
            points: runs.iter().map(|at| point(&known.runs[*at])).collect(),
        });
        let table = SeriesTable {
            columns: COLUMNS.map(str::to_owned).to_vec(),
            series: series.collect(),
            ..SeriesTable::default()
        };
        let report = watch(&table, &WatchRules { smallest_change, ..WatchRules::default() });
        Self { table, report, runs: places.into_values().collect(), known, undated }
    }

    pub fn board(&self, marks: &[(Marked, Mark)]) -> WatchBoard {
        let marks = Marks::of(marks);
        let by_name: HashMap<&str, &WatchedSeries> =
            self.report.series.iter().map(|series| (series.series.as_str(), series)).collect();
        let mut alerts: Vec<BoardAlert> =
            self.report.alerts.iter().map(|alert| board_alert(alert, &by_name, &marks)).collect();
        // Stable: within each half the worse and the larger come first, as the report has them.
        alerts.sort_by_key(|alert| alert.mark.is_some());
        let mut series: Vec<SeriesRow> = self.report.series.iter().map(|series| row(series, &marks)).collect();
        series.sort_by_key(|row| (row.muted, row.open == 0, matches!(row.newest, Newest::Usual | Newest::Unknown)));
        WatchBoard {
            alerts,
            series,
            points: self.runs.iter().map(|runs| runs.len() as u64).sum(),
            undated: self.undated,
        }
    }

    pub fn history(&self, name: &str, marks: &[(Marked, Mark)], machine: &Machine) -> Option<SeriesHistory> {
        let at = self.table.series.iter().position(|series| series.name == name)?;
        let runs = self.runs[at].iter().map(|run| &self.known.runs[*run]);
        let newest = runs.clone().next_back()?;
        let measurable = newest.evidence == Evidence::Measured
            && !newest.model_id.is_generated()
            && machine.target(&newest.engine, &newest.device).is_some_and(|target| target.availability.is_ready());
        let points = runs.zip(&self.table.series[at].points).filter_map(|(run, point)| {
            Some(HistoryPoint {
                run: run.id.clone(),
                at: run.started_at?,
                ms: point.value,
                environment: point.environment.clone(),
            })
        });
        Some(SeriesHistory {
            watched: self.report.series[at].clone(),
            points: points.collect(),
            columns: self.table.columns.clone(),
            marks: marks.iter().filter(|(marked, _)| marked.series == name).cloned().collect(),
            again: measurable.then(|| newest.id.clone()),
        })
    }

    /// The results on levels that are worse, for as long as nobody has acknowledged the change.
    pub fn concerns(&self, marks: &[(Marked, Mark)]) -> Vec<Concern> {
        let marks = Marks::of(marks);
        let mut concerns = Vec::new();
        for (watched, runs) in self.report.series.iter().zip(&self.runs) {
            let Some(change) = watched.changes.last().filter(|change| marks.is_open(&watched.series, change)) else {
                continue;
            };
            for run in &runs[change.index..] {
                concerns.push(Concern {
                    run: self.known.runs[*run].id.clone(),
                    series: watched.series.clone(),
                    change: change.change,
                    at: change.at.clone(),
                });
            }
        }
        concerns
    }
}

struct Marks<'a>(HashMap<(&'a str, &'a str), Mark>);

impl<'a> Marks<'a> {
    fn of(marks: &'a [(Marked, Mark)]) -> Self {
        let key = |marked: &'a Marked| (marked.series.as_str(), marked.at.as_deref().unwrap_or_default());
        Self(marks.iter().map(|(marked, mark)| (key(marked), *mark)).collect())
    }

    fn muted(&self, series: &str) -> bool {
        self.0.get(&(series, "")) == Some(&Mark::Muted)
    }

    fn of_change(&self, series: &str, at: &str) -> Option<Mark> {
        if self.muted(series) { Some(Mark::Muted) } else { self.0.get(&(series, at)).copied() }
    }

    fn is_open(&self, series: &str, change: &Change) -> bool {
        is_regression(change, 0.0) && self.of_change(series, &change.at).is_none()
    }
}

fn board_alert(alert: &Alert, by_name: &HashMap<&str, &WatchedSeries>, marks: &Marks) -> BoardAlert {
    let changes: Vec<BoardChange> = alert
        .changes
        .iter()
        .filter_map(|place| {
            let series = by_name.get(place.series.as_str())?;
            let change = series.changes.iter().find(|change| change.index == place.index)?;
            Some(BoardChange {
                series: place.series.clone(),
                at: change.at.clone(),
                before_ms: change.before,
                after_ms: change.after,
                change: change.change,
                change_low: change.change_low,
                change_high: change.change_high,
            })
        })
        .collect();
    let mut own = changes.iter().map(|change| marks.of_change(&change.series, &change.at));
    let first = own.next().flatten();
    // Acknowledged in part and muted in part is settled as well.
    let mark = first.filter(|_| own.all(|mark| mark.is_some()));
    BoardAlert { alert: alert.clone(), mark, changes }
}

fn row(series: &WatchedSeries, marks: &Marks) -> SeriesRow {
    SeriesRow {
        points: series.points as u32,
        level_ms: series.level,
        noise: series.noise,
        last_change: series.changes.last().map(|change| change.change),
        open: series.changes.iter().filter(|change| marks.is_open(&series.series, change)).count() as u32,
        anomalies: series.anomalies.len() as u32,
        newest: series.newest.clone(),
        muted: marks.muted(&series.series),
        series: series.series.clone(),
    }
}

/// The places of each series' results, of those named from old to new. Marks are kept by a series' name, so that what is
/// imported later takes none from what was measured here.
fn by_series(runs: &[KnownRun], dated: &[usize]) -> BTreeMap<String, Vec<usize>> {
    let mut places: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    let mut firsts: HashMap<String, &KnownRun> = HashMap::new();
    let measured = dated.iter().filter(|at| runs[**at].machine.is_some());
    for at in measured.chain(dated) {
        firsts.entry(name(&runs[*at])).or_insert(&runs[*at]);
    }
    for at in dated {
        let run = &runs[*at];
        let name = name(run);
        let apart = apart(firsts[&name], run);
        places.entry(name + &apart).or_default().push(*at);
    }
    places
}

/// What makes two results points of one series: everything that was asked for, on the same hardware.
fn name(run: &KnownRun) -> String {
    let mut words = vec![run.model.clone(), run.engine.label(), run.hardware.clone(), run.precision.clone()];
    words.extend((run.mode != Mode::Inference).then(|| run.mode.label().to_lowercase()));
    words.extend(run.batch.map(|batch| format!("batch {batch}")));
    words.extend(run.size.map(|size| match run.size_unit {
        // Names that people have marked stay.
        None | Some(SizeUnit::Tokens) => format!("size {size}"),
        sound => size_text(size, sound),
    }));
    let tokens = run.output_tokens.or_else(|| dims_of(run).output_tokens());
    words.extend(tokens.map(|tokens| format!("{tokens} tokens generated")));
    words
        .extend(run.threads.map(|threads| if threads == 1 { "1 thread".into() } else { format!("{threads} threads") }));
    words.extend(run.devices.filter(|devices| *devices > 1).map(|devices| format!("{devices} devices")));
    words.retain(|word| !word.is_empty());
    words.join(" · ")
}

/// What went into a call beside batch and size.
fn dims_of(run: &KnownRun) -> Fed {
    Fed { mode: run.mode, batch: 1, size: None, unit: None, dims: run.dims.clone() }
}

/// What tells a run from the first of its name: other dimensions, another machine, or another model, such as a file of
/// the same stem. The first keeps the plain name, and with it the marks that people have made.
fn apart(first: &KnownRun, run: &KnownRun) -> String {
    let mut words = String::new();
    if run.dims != first.dims {
        match &dims_of(run).further()[..] {
            [] => words += " · further sizes not told",
            further => words += &format!(" · {}", further.join(" · ")),
        }
    }
    if run.machine != first.machine {
        words += &match &run.machine {
            Some(machine) => format!(" · machine {:.8}", machine.0),
            None => " · imported".to_owned(),
        };
    }
    // Imported results tell models by their names alone.
    if run.model_id != first.model_id && run.machine.is_some() {
        words += &format!(" · model {}", run.model_id);
    }
    words
}

fn point(run: &KnownRun) -> Point {
    let around = &run.surroundings;
    let known = |value: &Option<String>| value.clone().unwrap_or_default();
    // What was measured on one day for one table belongs together, whichever minute each row tells.
    let moment = if run.evidence == Evidence::Measured { "%Y-%m-%d %H:%M" } else { "%Y-%m-%d" };
    Point {
        at: run.started_at.map(|at| at.strftime(moment).to_string()).unwrap_or_default(),
        value: run.median_ms,
        environment: vec![
            run.effective_precision.map(|ran| ran.key().to_owned()).unwrap_or_default(),
            run.device_share.map(|share| format!("{} on this device", percent_text(share))).unwrap_or_default(),
            run.engine.label(),
            run.hardware.clone(),
            run.engine_version.clone(),
            known(&around.driver),
            known(&around.os),
            known(&around.power),
            known(&around.governor),
            known(&around.assay_version),
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::insight::known::result;

    #[test]
    fn models_of_one_name_machines_and_imported_tables_are_series_of_their_own() {
        let twice =
            |model: &str, machine: Option<&str>, day: i64| [0, 1].map(|on| result(model, machine, day + on, 5.0));
        let runs = [
            twice("first", Some("here"), 1),
            twice("second", Some("here"), 10),
            twice("imported:net", None, 20),
            twice("first", Some("there"), 30),
        ];
        let watched = Watched::of(Arc::new(Known::of(runs.concat())), 0.02);
        let names: Vec<&str> = watched.table.series.iter().map(|series| series.name.as_str()).collect();
        let plain = name(&runs[0][0]);
        let of = |words: &str| format!("{plain}{words}");
        assert_eq!(names, [of(""), of(" · imported"), of(" · machine there"), of(" · model second")]);
        assert!(watched.runs.iter().all(|runs| runs.len() == 2));
    }

    #[test]
    fn other_dimensions_are_a_series_of_their_own_and_sound_is_told_in_seconds() {
        let fed = |dims: Option<&str>, size: u32, day: i64| {
            let sound = Some(SizeUnit::Sound { per_second: 16_000 });
            let run = result("net", Some("here"), day, 5.0);
            KnownRun { dims: dims.map(str::to_owned), size: Some(size), size_unit: sound, ..run }
        };
        let twice = |dims: Option<&str>, size: u32, day: i64| [fed(dims, size, day), fed(dims, size, day + 1)];
        let runs = [twice(None, 16_000, 1), twice(Some("frames=8,text=16"), 16_000, 3), twice(None, 480_000, 5)];
        let watched = Watched::of(Arc::new(Known::of(runs.concat())), 0.02);
        let plain = name(&runs[0][0]);
        assert!(plain.ends_with(" · 1 s of sound"), "{plain}");
        let names: Vec<&str> = watched.table.series.iter().map(|series| series.name.as_str()).collect();
        let (other, longer) = (format!("{plain} · frames 8 · text 16"), plain.replace("1 s", "30 s"));
        assert_eq!(names, [&plain, &other, &longer]);
        assert!(watched.runs.iter().all(|runs| runs.len() == 2));
    }

    #[test]
    fn a_step_is_told_with_the_precision_that_ran_and_where() {
        let upgraded = |precision: Precision, share: f64| {
            let runs = (0..12_i32).map(|day| {
                let after = day >= 6;
                let level = if after { 8.0 } else { 5.0 };
                let run = result("net", Some("here"), day.into(), level + 0.001 * f64::from(day * day % 5));
                KnownRun {
                    precision: "f16".into(),
                    effective_precision: Some(if after { precision } else { Precision::F16 }),
                    device_share: Some(if after { share } else { 1.0 }),
                    engine_version: if after { "2" } else { "1" }.into(),
                    ..run
                }
            });
            let watched = Watched::of(Arc::new(Known::of(runs.collect())), 0.02);
            let [series] = &watched.report.series[..] else { panic!("one setting is one series") };
            let told = |cause: &Cause| format!("{}: {} → {}", cause.column, cause.before, cause.after);
            let causes: Vec<String> = series.changes[0].causes.iter().map(told).collect();
            (causes, watched.report.alerts[0].title.clone())
        };
        let version = "engine version: 1 → 2".to_owned();
        let (causes, title) = upgraded(Precision::F32, 1.0);
        assert_eq!(causes, ["precision that ran: f16 → f32".to_owned(), version.clone()]);
        assert!(title.ends_with("since precision that ran went from f16 to f32"), "{title}");
        let (causes, _) = upgraded(Precision::F16, 0.5);
        assert_eq!(causes, ["placement: 100 % on this device → 50 % on this device".to_owned(), version]);
    }
}
