//! Predictions against the results that came after them, of the results that are drawn.

use crate::{Figure, Lack, Options, predicted_against_measured};
use contract::{ForecastRecord, RunId, RunRow};
use std::collections::HashSet;

pub fn figure(record: &ForecastRecord, rows: &[RunRow], options: Options) -> Result<Figure, Lack> {
    let ids: HashSet<&RunId> = rows.iter().map(|row| &row.id).collect();
    let judged: Vec<_> = record.judged.iter().filter(|own| ids.contains(&own.run)).cloned().collect();
    if judged.is_empty() && !record.judged.is_empty() {
        return Err(Lack("None of these results came after a prediction of its setting.".into()));
    }
    predicted_against_measured(&ForecastRecord { judged, ..*record }, options)
}
