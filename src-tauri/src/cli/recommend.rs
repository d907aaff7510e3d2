//! `assay recommend`: where a model should run, from a table of measurements.

use super::{
    output::{Output, Stop},
    sheet::Table,
};
use clap::Args;
use contract::{Failure, SURE_OF_LIMITS, percent_text};
use insight::{
    recommend::{Candidate, Evidence, Limits, Recommendation, Setting, Survey, Work},
    table::{Measurement, Times},
};
use std::{collections::BTreeSet, path::PathBuf};

/// Recommend where a model should run, from what was measured and what that predicts.
///
/// Every setting of the table is a candidate: measured for this model, predicted with its interval, or rejected with the
/// reason.
#[derive(Args)]
pub struct Recommend {
    /// A neutral measurement table.
    #[arg(long, value_name = "CSV")]
    known: PathBuf,
    #[arg(long)]
    model: String,
    /// `inference` or `training`; the usual one of the model's rows where left out.
    #[arg(long)]
    mode: Option<String>,
    /// Samples at once; the usual batch of the model's rows where left out.
    #[arg(long, value_parser = positive)]
    batch: Option<f64>,
    /// Edge in pixels or length in tokens; the usual one of the model's rows where left out.
    #[arg(long, value_parser = positive)]
    size: Option<f64>,
    /// Only this hardware; may be repeated.
    #[arg(long)]
    hardware: Vec<String>,
    /// Only this precision; may be repeated.
    #[arg(long)]
    precision: Vec<String>,
    #[arg(long, value_name = "MS", value_parser = positive)]
    max_latency_ms: Option<f64>,
    #[arg(long, value_name = "MB", value_parser = positive)]
    max_memory_mb: Option<f64>,
    /// Samples a second.
    #[arg(long, value_name = "RATE", value_parser = positive)]
    min_throughput: Option<f64>,
    /// Print the recommendation as one JSON document.
    #[arg(long)]
    json: bool,
}

fn positive(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if value.is_finite() && value > 0.0 => Ok(value),
        _ => Err("must be a number above 0".into()),
    }
}

impl Recommend {
    pub fn run(self, output: &mut Output) -> Result<(), Stop> {
        let table = Table::open(&self.known, Times::Known)?;
        table.tell_refused(&self.known);
        let rows = table.usable();
        self.check_hardware(&rows)?;
        let work = Work { model: self.model, mode: self.mode, batch: self.batch, size: self.size, ..Work::default() };
        let survey = Survey::of(&rows, &work)
            .map_err(|e| Failure::bad_input(self.known.display().to_string(), e.to_string()))?;
        let limits = Limits {
            max_latency_ms: self.max_latency_ms,
            max_memory_mb: self.max_memory_mb,
            min_throughput: self.min_throughput,
            ..Limits::default()
        };
        let allowed = |list: &[String], name: &String| list.is_empty() || list.contains(name);
        let unwanted = |setting: &Setting| match () {
            () if !allowed(&self.hardware, &setting.hardware) => Some("its hardware is not among those allowed".into()),
            () if !allowed(&self.precision, &setting.precision) => {
                Some("its precision is not among those allowed".into())
            }
            () => None,
        };
        let found = survey.choose(&limits, &unwanted);
        if self.json { output.json(&found) } else { output.lines(lines(&found)) }
    }

    fn check_hardware(&self, rows: &[&Measurement]) -> Result<(), Failure> {
        let known: BTreeSet<&str> = rows.iter().map(|row| row.hardware.as_str()).collect();
        let Some(unknown) = self.hardware.iter().find(|name| !known.contains(name.as_str())) else { return Ok(()) };
        let known = known.into_iter().collect::<Vec<_>>().join(", ");
        let reason = format!("no known row names the hardware `{unknown}`; the table has {known}");
        Err(Failure::bad_input(self.known.display().to_string(), reason))
    }
}

const MOST_LISTED: usize = 8;

fn lines(found: &Recommendation) -> Vec<String> {
    let mut lines = vec![match &found.choice {
        Some(choice) => format!("{}: {}", found.model, candidate(choice)),
        None => format!("{}: nothing keeps the limits", found.model),
    }];
    lines.extend(found.alternatives.iter().take(MOST_LISTED).map(|other| format!("  else {}", candidate(other))));
    let more = found.alternatives.len().saturating_sub(MOST_LISTED);
    if more > 0 {
        lines.push(format!("  … and {more} more; --json lists them"));
    }
    lines.extend(
        found.rejected.iter().take(MOST_LISTED).map(|no| format!("  not  {}: {}", setting(&no.setting), no.why)),
    );
    if let Some(run) = &found.next_run {
        let sure = percent_text(run.keeps_limits);
        let doubt = run.keeps_limits < SURE_OF_LIMITS;
        let limits = if doubt { format!("; so far {sure} sure to keep the limits") } else { String::new() };
        lines.push(format!(
            "  the run that would say most: {}, about {:.0} s (saves {:.2} % of time on average{limits})",
            setting(&run.setting),
            run.seconds,
            100.0 * run.regret_saved
        ));
    }
    lines
}

fn candidate(candidate: &Candidate) -> String {
    let evidence = match candidate.evidence {
        Evidence::Measured => "measured",
        Evidence::Predicted => "predicted",
    };
    let time = candidate.latency_ms;
    format!(
        "{}: {evidence} {:.3} ms ({:.3} to {:.3}); {}",
        setting(&candidate.setting),
        time.value,
        time.low,
        time.high,
        candidate.why
    )
}

fn setting(setting: &Setting) -> String {
    let mut words = vec![setting.hardware.clone()];
    words.extend([&setting.runtime, &setting.precision].into_iter().filter(|word| !word.is_empty()).cloned());
    words.extend(setting.devices.filter(|count| *count > 1.0).map(|count| format!("{count} devices")));
    words.extend(setting.threads.map(|count| format!("{count} threads")));
    words.join(", ")
}
