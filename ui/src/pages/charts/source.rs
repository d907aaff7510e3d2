//! What the charts are drawn from: rows that pass the filter, and what else a chart asks for.

use crate::{
    bridge::ask,
    load::{Load, load, load_by},
    pages::CellAt,
    state::App,
};
use chart::{ChartKind, Figure, Fit, Lack, Source, format::count};
use contract::*;
use leptos::prelude::*;
use std::collections::HashSet;

/// Results that can be picked by hand.
const PICKABLE: usize = 400;

#[derive(Clone, Copy)]
pub struct Picked {
    app: App,
    kind: RwSignal<ChartKind>,
    /// What was measured here and passes the filter.
    measured: Load<RunPage>,
    /// Everything that passes the filter.
    rows: Load<RunPage>,
    /// The rows that are drawn.
    drawn: Memo<Vec<RunRow>>,
    runs: Load<Vec<Run>>,
    fits: Load<Vec<Fit>>,
    machine: Load<Machine>,
    matrix: Load<Matrix>,
    record: Load<ForecastRecord>,
}

impl Picked {
    /// Asks for rows at once, and for more when the chart needs it.
    pub fn ask(kind: RwSignal<ChartKind>) -> Self {
        let app = App::get();
        let limit = Memo::new(move |_| kind.get().most().max(PICKABLE) as u32);
        let filter = Memo::new(move |_| {
            let mut filter = app.filter.get();
            let lets_through = filter.modes.is_empty() || filter.modes.contains(&Mode::Generation);
            if kind.get().is_of_generation() && lets_through {
                // Else the newest results of one pass could leave no place for those that have what is drawn.
                filter.modes = vec![Mode::Generation];
            }
            filter
        });
        let rows = load(move || {
            app.results.track();
            Some(newest(filter.get(), limit.get()))
        });
        let measured = load(move || {
            app.results.track();
            let filter = filter.get();
            // A filter that names its evidence is taken at its word.
            let evidence = if filter.evidence.is_empty() { vec![Evidence::Measured] } else { filter.evidence.clone() };
            Some(newest(Filter { evidence, ..filter }, limit.get()))
        });
        let drawn = Memo::new(move |_| drawn(app, kind.get(), measured, rows));
        let wanted = Memo::new(move |_| {
            let kind = kind.get();
            kind.needs_runs().then(|| {
                let measured = |row: &&RunRow| row.evidence == Evidence::Measured;
                let ids = |rows: &Vec<RunRow>| {
                    rows.iter().filter(measured).take(kind.most()).map(|row| row.id.clone()).collect::<Vec<_>>()
                };
                drawn.with(ids)
            })
        });
        let sweeps = Memo::new(move |_| drawn.with(|rows| chart::sweeps(kind.get(), rows)));
        Self {
            app,
            kind,
            measured,
            rows,
            drawn,
            runs: load_by(move || wanted.get(), whole),
            fits: load_by(move || Some(sweeps.get()).filter(|sweeps| !sweeps.is_empty()), fits),
            machine: load(move || {
                app.machine.track();
                (kind.get() == ChartKind::Roofline).then_some(GetMachine {})
            }),
            matrix: load(move || {
                app.results.track();
                app.machine.track();
                let asked = || GetMatrix { metric: app.metric.get(), filter: app.filter.get() };
                (kind.get() == ChartKind::HeatMap).then(asked)
            }),
            record: load(move || {
                app.results.track();
                (kind.get() == ChartKind::Predictions).then_some(GetForecastRecord {})
            }),
        }
    }

    /// Why something that is drawn from could not be had.
    pub fn failure(self) -> Option<Failure> {
        self.rows
            .failure()
            .or_else(|| self.measured.failure())
            .or_else(|| self.runs.failure())
            .or_else(|| self.fits.failure())
            .or_else(|| self.machine.failure())
            .or_else(|| self.matrix.failure())
            .or_else(|| self.record.failure())
    }

    /// Draws from what is there; none while something is on its way.
    pub fn with_source(self, draw: impl Fn(Source<'_>) -> Result<Figure, Lack>) -> Option<Result<Figure, Lack>> {
        let kind = self.kind.get();
        if kind == ChartKind::HeatMap {
            let drawn = |matrix: &Matrix| draw(Source { matrix: Some(matrix), ..Source::default() });
            return self.matrix.value.with(|matrix| matrix.ready().map(drawn));
        }
        let waiting = |load: Load<RunPage>| load.value.with(|page| page.ready().is_none());
        if waiting(self.rows) || waiting(self.measured) {
            return None;
        }
        self.drawn.with(|rows| {
            let of_rows = Source { rows, ..Source::default() };
            match kind {
                ChartKind::Roofline => self
                    .machine
                    .value
                    .with(|machine| machine.ready().map(|machine| draw(Source { peaks: &machine.peaks, ..of_rows }))),
                ChartKind::Predictions => self
                    .record
                    .value
                    .with(|record| record.ready().map(|record| draw(Source { record: Some(record), ..of_rows }))),
                kind if kind.needs_runs() => {
                    self.runs.value.with(|runs| runs.ready().map(|runs| draw(Source { runs, ..of_rows })))
                }
                // Points are drawn at once, and their fits when these are there.
                _ => Some(self.fits.value.with(|fits| {
                    draw(Source { fits: fits.ready().map(Vec::as_slice).unwrap_or_default(), ..of_rows })
                })),
            }
        })
    }

    /// What can be picked: what is picked already, and the newest of what passes the filter.
    pub fn choices(self) -> Vec<RunRow> {
        let mut choices = self.app.picked.get();
        let mut known: HashSet<RunId> = choices.iter().map(|row| row.id.clone()).collect();
        for row in page_rows(self.measured).into_iter().chain(page_rows(self.rows)).take(PICKABLE) {
            if known.insert(row.id.clone()) {
                choices.push(row);
            }
        }
        choices
    }

    /// The median that a result is listed with.
    pub fn median_ms(self, id: &RunId) -> Option<f64> {
        let listed = |rows: &Vec<RunRow>| rows.iter().find(|row| row.id == *id).and_then(|row| row.median_ms);
        self.drawn.with_untracked(listed)
    }

    /// The cell of the heat map whose figure is of this result.
    pub fn cell(self, id: &RunId) -> Option<CellAt> {
        self.matrix.value.with_untracked(|matrix| {
            let matrix = matrix.ready()?;
            matrix.rows.iter().find_map(|row| {
                let is_it = |cell: &MatrixCell| matches!(cell, MatrixCell::Figure { run, .. } if run == id);
                let (column, cell) = matrix.columns.iter().zip(&row.cells).find(|(_, cell)| is_it(cell))?;
                Some(CellAt { model: row.model.clone(), column: column.clone(), cell: cell.clone() })
            })
        })
    }

    pub fn any(self) -> bool {
        untrack(|| !page_rows(self.rows).is_empty())
    }

    /// Told where a picture does not hold everything.
    pub fn left_out(self) -> String {
        let kind = self.kind.get();
        if kind == ChartKind::HeatMap || self.app.picked.with(|picked| !picked.is_empty()) {
            return String::new();
        }
        let drawn = match kind.needs_runs() {
            true => self.runs.value.with(|runs| runs.ready().map_or(0, Vec::len)),
            false => self.drawn.with(Vec::len),
        };
        let all = self.rows.value.with(|page| page.ready().map_or(0, |page| page.total));
        if drawn < kind.most() || drawn as u64 >= all {
            return String::new();
        }
        format!("The newest {} of {} results are drawn; filter or pick to see others.", count(drawn as u64), count(all))
    }
}

/// The picked ones, or the newest that pass the filter.
fn drawn(app: App, kind: ChartKind, measured: Load<RunPage>, rows: Load<RunPage>) -> Vec<RunRow> {
    let picked = app.picked.get();
    if !picked.is_empty() {
        return picked;
    }
    let measured = if kind.prefers_measured() { page_rows(measured) } else { Vec::new() };
    let mut drawn = if measured.is_empty() { page_rows(rows) } else { measured };
    drawn.truncate(kind.most());
    drawn
}

fn newest(filter: Filter, limit: u32) -> ListRuns {
    ListRuns { filter, order: RunOrder::Newest, offset: 0, limit }
}

/// Rows with a figure; failed ones have nothing to draw.
fn page_rows(load: Load<RunPage>) -> Vec<RunRow> {
    let rows = |page: &RunPage| page.rows.iter().filter(|row| row.failure.is_none()).cloned().collect();
    load.value.with(|page| page.ready().map(rows).unwrap_or_default())
}

async fn whole(ids: Vec<RunId>) -> Result<Vec<Run>, Failure> {
    let mut runs = Vec::new();
    for id in ids {
        runs.push(ask(GetRun { id }).await?);
    }
    Ok(runs)
}

/// What the time of each sweep is made of, for those that it can be told of.
async fn fits(sweeps: Vec<Vec<RunId>>) -> Result<Vec<Fit>, Failure> {
    let mut fits = Vec::new();
    for runs in sweeps {
        let beside = ask(CompareStored { runs: runs.clone(), rules: CompareRules::default() }).await?;
        fits.extend(beside.scaling.map(|scaling| Fit { runs, scaling }));
    }
    Ok(fits)
}
