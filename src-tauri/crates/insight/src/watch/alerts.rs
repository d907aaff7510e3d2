//! Changes that belong together: by what changed in the environment, else by a time and a shared device, engine or driver.

use super::{SeriesTable, noise::median};
use contract::{Alert, AlertChange, Cause, Change, Direction, WatchedSeries};
use std::collections::{BTreeSet, HashMap};

/// A change with its place in the table.
#[derive(Clone, Copy)]
struct Placed<'a> {
    series: usize,
    change: &'a Change,
}

type Key<'a> = (Direction, &'a str, &'a str, &'a str);

pub fn alerts(table: &SeriesTable, watched: &[WatchedSeries]) -> Vec<Alert> {
    let changes: Vec<Placed> = watched
        .iter()
        .enumerate()
        .flat_map(|(series, watched)| watched.changes.iter().map(move |change| Placed { series, change }))
        .collect();
    let mut left: BTreeSet<usize> = (0..changes.len()).collect();
    let mut alerts = by_cause(table, &changes, &mut left);
    alerts.extend(by_company(table, &changes, left));
    // What got worse comes first, of this what touches most series.
    alerts.sort_by_key(|alert| (alert.direction == Direction::Better, std::cmp::Reverse(alert.changes.len())));
    alerts
}

/// The cause that explains most of what is left makes an alert, until none is left that has a cause.
fn by_cause<'a>(table: &SeriesTable, changes: &[Placed<'a>], left: &mut BTreeSet<usize>) -> Vec<Alert> {
    let mut explained: HashMap<Key<'a>, Vec<usize>> = HashMap::new();
    for (at, Placed { change, .. }) in changes.iter().enumerate() {
        for cause in &change.causes {
            explained.entry(key(change, cause)).or_default().push(at);
        }
    }
    // Larger groups first; of equal ones the cause that the first change names first, then the order of the words.
    let rank = |key: &Key, members: &[usize]| {
        let Placed { change, .. } = changes[members[0]];
        change.causes.iter().position(|cause| self::key(change, cause) == *key).unwrap_or(usize::MAX)
    };
    let mut keys: Vec<(Key, Vec<usize>)> = explained.into_iter().collect();
    keys.sort_by(|(a, of_a), (b, of_b)| {
        let size = of_b.len().cmp(&of_a.len());
        size.then_with(|| rank(a, of_a).cmp(&rank(b, of_b))).then_with(|| (a.1, a.2, a.3).cmp(&(b.1, b.2, b.3)))
    });
    let mut alerts = Vec::new();
    for (_, members) in keys {
        let members: Vec<usize> = members.into_iter().filter(|at| left.contains(at)).collect();
        if members.is_empty() {
            continue;
        }
        for at in &members {
            left.remove(at);
        }
        alerts.push(alert(table, &members.iter().map(|at| changes[*at]).collect::<Vec<_>>()));
    }
    alerts
}

fn key<'a>(change: &'a Change, cause: &'a Cause) -> Key<'a> {
    (change.direction, &cause.column, &cause.before, &cause.after)
}

/// Changes without a cause belong together where they go the same way at the same time in the same environment.
fn by_company(table: &SeriesTable, changes: &[Placed], left: BTreeSet<usize>) -> Vec<Alert> {
    let mut groups: HashMap<(Direction, &str, &[String]), Vec<Placed>> = HashMap::new();
    let mut alone = Vec::new();
    for placed in left.into_iter().map(|at| changes[at]) {
        let environment = &table.series[placed.series].points[placed.change.index].environment[..];
        if environment.iter().all(String::is_empty) {
            alone.push(alert(table, &[placed]));
        } else {
            groups.entry((placed.change.direction, &placed.change.at, environment)).or_default().push(placed);
        }
    }
    let mut groups: Vec<Vec<Placed>> = groups.into_values().collect();
    groups.sort_by_key(|group| group[0].series);
    groups.iter().map(|group| alert(table, group)).chain(alone).collect()
}

fn alert(table: &SeriesTable, members: &[Placed]) -> Alert {
    let first = members[0].change;
    let causes: Vec<Cause> = first
        .causes
        .iter()
        .filter(|cause| members.iter().all(|m| m.change.causes.iter().any(|c| key(m.change, c) == key(first, cause))))
        .cloned()
        .collect();
    let environment = |placed: &Placed| &table.series[placed.series].points[placed.change.index].environment;
    let shared: Vec<(String, String)> = table
        .columns
        .iter()
        .enumerate()
        .map(|(column, name)| (name.clone(), environment(&members[0])[column].clone()))
        .enumerate()
        .filter(|(column, (_, value))| {
            !value.is_empty() && members.iter().all(|member| environment(member)[*column] == *value)
        })
        .map(|(_, pair)| pair)
        .collect();
    let sizes: Vec<f64> = members.iter().map(|member| member.change.change).collect();
    let typical_change = median(&sizes);
    let largest_change = sizes.iter().copied().max_by(|a, b| a.abs().total_cmp(&b.abs())).unwrap_or(typical_change);
    let mut alert = Alert {
        title: String::new(),
        direction: first.direction,
        causes,
        shared,
        changes: members
            .iter()
            .map(|m| AlertChange { series: table.series[m.series].name.clone(), index: m.change.index })
            .collect(),
        typical_change,
        largest_change,
    };
    alert.title = alert.told(&first.at);
    alert
}
