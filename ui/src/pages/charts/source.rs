//! What the charts are drawn from: rows that pass the filter, whole results where samples are needed, peaks.

use super::left_out_sentence;
use crate::{
    bridge::ask,
    load::{Load, load},
    state::App,
};
use chart::{ChartKind, Figure, Lack, Source};
use contract::*;
use leptos::{prelude::*, task::spawn_local};

/// Results in one picture, unless they are picked by hand: more would hide each other.
pub const DRAWN: usize = 30;
/// Results whose samples are fetched for one picture.
pub const RUNS: usize = 8;

#[derive(Clone, Copy)]
pub struct Picked {
    app: App,
    /// What was measured here and passes the filter.
    measured: Load<RunPage>,
    /// Everything that passes the filter.
    rows: Load<RunPage>,
    machine: Load<Machine>,
    runs: RwSignal<Option<Vec<Run>>>,
    /// Why whole results could not be fetched.
    pub failure: RwSignal<Option<Failure>>,
}

impl Picked {
    /// Asks for rows and peaks at once, and for whole results when the chart needs them.
    pub fn ask(kind: RwSignal<ChartKind>) -> Self {
        let app = App::get();
        let rows = load(move || {
            app.results.track();
            Some(newest(app.filter.get()))
        });
        let measured = load(move || {
            app.results.track();
            let filter = app.filter.get();
            // A filter that names its evidence is taken at its word.
            let evidence = if filter.evidence.is_empty() { vec![Evidence::Measured] } else { filter.evidence.clone() };
            Some(newest(Filter { evidence, ..filter }))
        });
        let machine = load(move || {
            app.machine.track();
            (kind.get() == ChartKind::Roofline).then_some(GetMachine {})
        });
        let picked = Self { app, measured, rows, machine, runs: RwSignal::new(None), failure: RwSignal::new(None) };
        let wanted = Memo::new(move |_| {
            kind.get().needs_runs().then(|| {
                let measured = picked.drawn().into_iter().filter(|row| row.evidence == Evidence::Measured);
                measured.take(RUNS).map(|row| row.id).collect::<Vec<_>>()
            })
        });
        let latest = StoredValue::new(0u64);
        Effect::new(move |_| {
            let Some(ids) = wanted.get() else { return };
            let turn = latest.get_value() + 1;
            latest.set_value(turn);
            spawn_local(async move {
                let fetched = fetch(ids).await;
                if latest.try_get_value() != Some(turn) {
                    return;
                }
                match fetched {
                    Ok(runs) => {
                        picked.failure.set(None);
                        picked.runs.set(Some(runs));
                    }
                    Err(failure) => picked.failure.set(Some(failure)),
                }
            });
        });
        Effect::new(move |_| {
            if let crate::load::Loaded::Failed(failure) = rows.value.get() {
                picked.failure.set(Some(failure));
            }
        });
        picked
    }

    /// Draws from what is there; none while something is on its way.
    pub fn with_source(
        self,
        kind: ChartKind,
        draw: impl Fn(Source<'_>) -> Result<Figure, Lack>,
    ) -> Option<Result<Figure, Lack>> {
        let waiting = |load: Load<RunPage>| load.value.with(|page| page.ready().is_none());
        if waiting(self.rows) || waiting(self.measured) {
            return None;
        }
        let rows = self.drawn();
        if kind.needs_runs() {
            return self.runs.with(|runs| runs.as_ref().map(|runs| draw(Source { rows: &rows, runs, peaks: &[] })));
        }
        if kind != ChartKind::Roofline {
            return Some(draw(Source { rows: &rows, ..Source::default() }));
        }
        self.machine.value.with(|machine| {
            machine.ready().map(|machine| draw(Source { rows: &rows, runs: &[], peaks: &machine.peaks }))
        })
    }

    /// The rows that are drawn: the picked ones, or the newest that pass the filter. What was measured here comes
    /// alone where there is any, so that a large import does not bury it.
    fn drawn(self) -> Vec<RunRow> {
        let picked = self.app.picked.get();
        if !picked.is_empty() {
            return picked;
        }
        let measured = page_rows(self.measured);
        let rows = if measured.is_empty() { page_rows(self.rows) } else { measured };
        rows.into_iter().take(DRAWN).collect()
    }

    /// Everything that can be picked: what passes the filter, and what is picked already.
    pub fn all(self) -> Vec<RunRow> {
        let mut all = self.app.picked.get();
        for row in page_rows(self.measured).into_iter().chain(page_rows(self.rows)) {
            if all.iter().all(|known| known.id != row.id) {
                all.push(row);
            }
        }
        all
    }

    pub fn all_untracked(self) -> Vec<RunRow> {
        untrack(|| self.all())
    }

    pub fn any(self) -> bool {
        untrack(|| !page_rows(self.rows).is_empty())
    }

    pub fn left_out(self, kind: ChartKind) -> String {
        if self.app.picked.with(|picked| !picked.is_empty()) {
            return String::new();
        }
        let drawn = if kind.needs_runs() {
            self.runs.with(|runs| runs.as_ref().map_or(0, Vec::len))
        } else {
            self.drawn().len()
        };
        let all = self.rows.value.with(|page| page.ready().map_or(0, |page| page.total));
        left_out_sentence(kind, drawn, all)
    }
}

fn newest(filter: Filter) -> ListRuns {
    ListRuns { filter, order: RunOrder::Newest, offset: 0, limit: 400 }
}

/// Rows with a figure; failed ones have nothing to draw.
fn page_rows(load: Load<RunPage>) -> Vec<RunRow> {
    let rows = |page: &RunPage| page.rows.iter().filter(|row| row.failure.is_none()).cloned().collect();
    load.value.with(|page| page.ready().map(rows).unwrap_or_default())
}

async fn fetch(ids: Vec<RunId>) -> Result<Vec<Run>, Failure> {
    let mut runs = Vec::new();
    for id in ids {
        runs.push(ask(GetRun { id }).await?);
    }
    Ok(runs)
}
