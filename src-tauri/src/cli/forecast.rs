//! `assay forecast`: a table of questions, answered from a table of measurements.

use super::{
    output::{Output, Stop},
    reach::{Access, Reach, reach},
    sheet::Table,
};
use clap::Args;
use contract::csv::{guard, write_record};
use contract::{AddForecasts, Failure, GetForecastRecord, MadeForecast};
use insight::{
    forecast::{self, Forecasts, Interval},
    table::{Measurement, Refused, Times},
};
use jiff::Timestamp;
use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

/// Predict times and memory that were not measured, with 90 % intervals.
///
/// Both tables are neutral measurement tables (model, hardware, runtime, precision, mode, batch, size, …, latency_ms);
/// any cell but a known time may be blank. Answers stand in the order asked; a blank latency_ms is an abstention, and
/// its note says why.
#[derive(Args)]
pub struct Forecast {
    /// What was measured.
    #[arg(long, value_name = "CSV")]
    known: PathBuf,
    /// What to predict.
    #[arg(long, value_name = "CSV")]
    ask: PathBuf,
    /// Where the predictions go.
    #[arg(long, value_name = "CSV")]
    out: PathBuf,
    /// Keep the predictions in this store, to be held against what is measured later; it is made where there is none.
    #[arg(long, value_name = "FILE")]
    store: Option<PathBuf>,
}

impl Forecast {
    pub fn run(self, output: &mut Output) -> Result<(), Stop> {
        let known = Table::open(&self.known, Times::Known)?;
        let ask = Table::open(&self.ask, Times::Asked)?;
        known.tell_refused(&self.known);
        ask.tell_refused(&self.ask);
        let usable = known.usable();
        let forecasts = forecast::forecast(&usable, &ask.usable());
        write(&self.out, &ask, &forecasts)
            .map_err(|e| Failure::bad_input(self.out.display().to_string(), e.to_string()))?;
        let mut lines = told(usable.len(), &ask, &forecasts);
        if let Some(store) = &self.store {
            let made = made(&ask.usable(), &forecasts, usable.len());
            let record = match reach(store, Access::Write)? {
                Reach::Here(store, _claim) => {
                    store.add_forecasts(&made)?;
                    store.forecast_record()?
                }
                Reach::Running(running) => {
                    running.ask(AddForecasts { forecasts: made })?;
                    running.ask(GetForecastRecord {})?
                }
            };
            lines.push(record.told());
        }
        lines.extend(forecast::influences(&usable).iter().map(|influence| format!("  {influence}")));
        output.lines(lines)
    }
}

/// The answers as they are kept; an abstention promises nothing.
fn made(asked: &[&Measurement], forecasts: &Forecasts, known: usize) -> Vec<MadeForecast> {
    let made_at = Timestamp::now();
    let count = |value: Option<f64>| value.map(|value| value as u32);
    asked
        .iter()
        .zip(&forecasts.answers)
        .filter_map(|(row, answer)| {
            let Interval { value, low, high } = answer.latency_ms?;
            Some(MadeForecast {
                made_at,
                model: row.model.clone(),
                hardware: row.hardware.clone(),
                engine: row.runtime.clone(),
                precision: row.precision.clone(),
                mode: row.mode.clone(),
                batch: count(row.batch),
                size: count(row.size),
                devices: count(row.devices),
                threads: count(row.threads),
                value_ms: value,
                low_ms: low,
                high_ms: high,
                support: answer.support,
                learned_from: known as u64,
            })
        })
        .collect()
}

fn write(path: &Path, ask: &Table, forecasts: &Forecasts) -> io::Result<()> {
    let mut out = BufWriter::new(File::create(path)?);
    write_record(&mut out, ["latency_ms", "low_ms", "high_ms", "peak_memory_mb", "support", "note"])?;
    let mut answers = forecasts.answers.iter();
    for row in &ask.rows {
        let record = match row {
            Ok(_) => answered(answers.next().expect("each usable question has an answer")),
            Err(refused) => unanswered(refused),
        };
        write_record(&mut out, record.iter().map(String::as_str))?;
    }
    out.flush()
}

fn answered(answer: &forecast::Forecast) -> [String; 6] {
    let time = |of: fn(&Interval) -> f64| answer.latency_ms.as_ref().map_or(String::new(), |time| number(of(time)));
    let memory = answer.peak_memory_mb.map_or(String::new(), |memory| number(memory.value));
    let (value, low, high) = (time(|t| t.value), time(|t| t.low), time(|t| t.high));
    [value, low, high, memory, answer.support.key().into(), guard(&answer.note)]
}

fn unanswered(refused: &Refused) -> [String; 6] {
    let blank = String::new;
    [blank(), blank(), blank(), blank(), "unreadable".into(), guard(&refused.to_string())]
}

/// Six significant digits.
fn number(value: f64) -> String {
    let digits = (5 - value.abs().log10().floor() as i32).clamp(0, 12) as usize;
    format!("{value:.digits$}")
}

fn told(known: usize, ask: &Table, forecasts: &Forecasts) -> Vec<String> {
    let answered = forecasts.answers.iter().filter(|answer| answer.latency_ms.is_some()).count();
    let mut lines = vec![format!(
        "{answered} of {} answered from {} rows{}",
        ask.rows.len(),
        known,
        if forecasts.copies > 0 { format!(", {} of them copies of others", forecasts.copies) } else { String::new() }
    )];
    let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
    for answer in &forecasts.answers {
        *kinds.entry(answer.support.key()).or_default() += 1;
    }
    lines.extend(kinds.iter().map(|(kind, count)| format!("  {count:>8} × {kind}")));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_six_digits_at_any_size() {
        for (value, expected) in [(0.001_234_567, "0.00123457"), (12.345_678_9, "12.3457"), (1_234_567.8, "1234568")] {
            assert_eq!(number(value), expected);
        }
    }
}
