//! What changed in the environment where a series changed, and how often the same change left other series alone.

use super::{Series, SeriesTable, steps::SHORTEST};
use contract::{Cause, WatchedSeries};
use std::collections::HashMap;

/// How many points a step's place may be off.
const NEAR: usize = 2;
/// More candidates than this explain nothing.
const MOST: usize = 8;

/// A column that goes from one value to another.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Transition<'a> {
    column: usize,
    before: &'a str,
    after: &'a str,
}

/// Where a column of one series takes a new value; cells that are not known are passed over.
fn transitions(series: &Series, column: usize) -> impl Iterator<Item = (usize, Transition<'_>)> {
    let known = series.points.iter().enumerate().map(move |(at, point)| (at, point.environment[column].as_str()));
    let mut last: Option<&str> = None;
    known.filter(|(_, value)| !value.is_empty()).filter_map(move |(at, after)| {
        let before = last.replace(after)?;
        (before != after).then_some((at, Transition { column, before, after }))
    })
}

#[derive(Clone, Copy, Default)]
struct Seen {
    changed: usize,
    unchanged: usize,
}

/// Every transition of a table, with how many series changed at it.
pub struct Transitions<'a> {
    seen: HashMap<Transition<'a>, Seen>,
}

impl<'a> Transitions<'a> {
    pub fn of(table: &'a SeriesTable, watched: &[WatchedSeries]) -> Self {
        let mut seen: HashMap<Transition, Seen> = HashMap::new();
        for (series, watched) in table.series.iter().zip(watched) {
            for (at, transition) in (0..table.columns.len()).flat_map(|column| transitions(series, column)) {
                let changed = watched.changes.iter().any(|change| change.index.abs_diff(at) <= NEAR);
                // Too close to an end, a change could not have been seen.
                let visible = at >= SHORTEST && at + SHORTEST <= series.points.len();
                let seen = seen.entry(transition).or_default();
                seen.changed += usize::from(changed);
                seen.unchanged += usize::from(!changed && visible);
            }
        }
        Self { seen }
    }

    /// The transitions around a point: the nearest first, of these the ones that happen least often in the series, and
    /// of these the ones that changed the largest share of all series.
    pub fn causes(&self, columns: &[String], series: &Series, index: usize) -> Vec<Cause> {
        let mut found: Vec<(usize, Cause)> = Vec::new();
        for (column, name) in columns.iter().enumerate() {
            let all: Vec<_> = transitions(series, column).collect();
            let Some((at, transition)) = all.iter().min_by_key(|(at, _)| at.abs_diff(index)) else { continue };
            let points_away = at.abs_diff(index);
            if points_away > NEAR {
                continue;
            }
            let Seen { changed, unchanged } = self.seen.get(transition).copied().unwrap_or_default();
            found.push((
                all.len(),
                Cause {
                    column: name.clone(),
                    before: transition.before.to_owned(),
                    after: transition.after.to_owned(),
                    points_away,
                    changed,
                    unchanged,
                },
            ));
        }
        let share = |cause: &Cause| cause.changed as f64 / (cause.changed + cause.unchanged).max(1) as f64;
        found.sort_by(|(a_often, a), (b_often, b)| {
            let nearest = a.points_away.cmp(&b.points_away).then(a_often.cmp(b_often));
            nearest.then_with(|| share(b).total_cmp(&share(a)))
        });
        found.into_iter().take(MOST).map(|(_, cause)| cause).collect()
    }
}
