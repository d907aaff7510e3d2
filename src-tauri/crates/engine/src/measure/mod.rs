//! One measurement from the app's side: inputs and reference first, then the worker, then the result with its gates.
//! Two in turn are two of these, asked for their blocks by one hand.

pub(crate) mod compare;
pub(crate) mod deviation;
mod generated;
mod live;
mod record;
mod reference;
mod turns;

pub use live::TELL_EVERY;
pub use turns::{Told, Turns, measure_in_turn};

use crate::{
    Control, Job, Limits, Program, environment, gates,
    worker::{self, Heard, Order, Pace, RunOrder, WorkerError, WriteOrder},
};
use contract::{Availability, FailureKind, Live, Mode, Outcome, PhaseName, Run};
use live::Feed;
use record::Record;
use reference::Reference;
use std::{
    fs,
    time::{Duration, Instant},
};

/// Longest budget a person may choose: a day.
const LONGEST_BUDGET_SECS: f64 = 86_400.0;

/// Measures one setting and blocks until it is done. What goes wrong is a result too: `Outcome::Failed` with the phase
/// and the reason, and with every figure known by then.
///
/// `on` hears of the progress a few times a second; the shell fills in `Live::job`.
pub fn measure(program: &Program, job: &Job, control: &Control, on: &mut dyn FnMut(Live)) -> Run {
    let pace = Pace::Alone { budget_secs: job.setting.budget_secs };
    measure_at(pace, program, job, control, on, &mut |_| {})
}

/// `hear` hears what the worker that is measured says, besides the record and the feed.
fn measure_at(
    pace: Pace,
    program: &Program,
    job: &Job,
    control: &Control,
    on: &mut dyn FnMut(Live),
    hear: &mut dyn FnMut(&Heard),
) -> Run {
    let mut record = Record::new(job);
    let mut feed = Feed::new(job, on);
    let ended = check_files(job).and_then(|()| attempt(pace, program, job, control, &mut record, &mut feed, hear));
    // What is kept there may be another engine's output of either file.
    let unchanged = check_files(job).inspect_err(|_| drop(fs::remove_dir_all(&job.scratch)));
    // What goes wrong with a file that is being written is told as that; what is given up stays given up.
    let ended = match ended {
        Err(Failure { kind: FailureKind::Cancelled, .. }) => ended,
        ended => unchanged.and(ended),
    };
    let outcome = match ended {
        Ok(()) => Outcome::Done,
        Err(Failure { kind, message, remedy }) => {
            let remedy = remedy.or_else(|| other_sizes(job, kind));
            Outcome::Failed { phase: record.phase(), kind, message, remedy }
        }
    };
    let mut run = record.finish(outcome);
    run.flags = gates::flags(&run, &job.target, &job.peaks, environment::installed_memory_bytes());
    run
}

/// Why there is no result, for the phase the record is in.
struct Failure {
    kind: FailureKind,
    message: String,
    remedy: Option<String>,
}

/// Refuses a result of files that are others than when the model was opened: it would bear that model's name.
fn check_files(job: &Job) -> Result<(), Failure> {
    let Some(file) = job.files.iter().find(|file| !file.is_current()) else { return Ok(()) };
    Err(Failure {
        kind: FailureKind::ModelChanged,
        message: format!("{} was rewritten while it was in use, so that it is not known what ran", file.path.display()),
        remedy: Some("Measure again once it is completely written".to_owned()),
    })
}

/// A person's file may leave sizes open and yet run at some of them only.
fn other_sizes(job: &Job, kind: FailureKind) -> Option<String> {
    if job.model.family != models::UNKNOWN_FAMILY || kind != FailureKind::EngineError || job.dims.is_empty() {
        return None;
    }
    let sizes: Vec<String> = job.dims.iter().map(|(name, size)| format!("{name} {size}")).collect();
    Some(format!("The file leaves sizes open, and was given {}; give the sizes that it was made for", sizes.join(", ")))
}

impl From<WorkerError> for Failure {
    fn from(error: WorkerError) -> Self {
        Self { kind: error.kind(), message: error.to_string(), remedy: error.remedy() }
    }
}

fn attempt(
    pace: Pace,
    program: &Program,
    job: &Job,
    control: &Control,
    record: &mut Record,
    feed: &mut Feed,
    hear: &mut dyn FnMut(&Heard),
) -> Result<(), Failure> {
    refuse(pace, job)?;
    let started = Instant::now();
    let reference = Reference::prepare(program, job, control, record, feed)?;
    if !control.goes_on() {
        return Err(WorkerError::Cancelled.into());
    }
    record.reference_took(started.elapsed(), &reference);
    feed.phase_ended();

    let order = order(pace, job, &reference);
    let limits = remaining(job, started);
    record.worker_starts();
    feed.phase(PhaseName::Start);
    let report = worker::converse(program, &order, &limits, control, &mut |heard| {
        record.hear(&heard);
        feed.hear(&heard);
        hear(&heard);
    });
    record.log(&report.log);
    report.answer?;
    if record.has_samples() { Ok(()) } else { Err(WorkerError::Cancelled.into()) }
}

fn order(pace: Pace, job: &Job, reference: &Reference) -> Order {
    let load = reference::load_request(job);
    let (inputs, references) = (reference.inputs.clone(), reference.outputs.clone());
    let (exact, seed) = (reference.exact.clone(), job.setting.seed);
    match &job.writing {
        Some(writing) => Order::Write(WriteOrder {
            writer: writing.request(load, &writing.decode),
            texts: writing.texts,
            inputs,
            references,
            exact,
            seed,
            budget_secs: job.setting.budget_secs,
        }),
        None => Order::Run(RunOrder { load, inputs, references, exact, scores: job.scores.clone(), seed, pace }),
    }
}

/// What cannot be measured is told before anything starts.
fn refuse(pace: Pace, job: &Job) -> Result<(), Failure> {
    let refused =
        |message: String, remedy: Option<String>| Err(Failure { kind: FailureKind::Refused, message, remedy });
    let (setting, target) = (&job.setting, &job.target);
    if let Availability::Missing { reason, remedy } = &target.availability {
        return refused(reason.clone(), Some(remedy.clone()));
    }
    match (setting.mode, &job.writing, pace) {
        (Mode::Inference, None, _) | (Mode::Generation, Some(_), Pace::Alone { .. }) => {}
        (Mode::Generation, Some(_), Pace::InTurn) => {
            let remedy = "Measure both and compare the stored results".to_owned();
            return refused("generated texts are not compared in turn".to_owned(), Some(remedy));
        }
        (Mode::Generation, None, _) => return refused("this model does not generate text".to_owned(), None),
        (Mode::Inference | Mode::Training, ..) => {
            return refused(format!("{} cannot be measured, only one pass and generation can", setting.mode), None);
        }
    }
    if !target.precisions.contains(&setting.precision) {
        let offered: Vec<&str> = target.precisions.iter().map(|precision| precision.label()).collect();
        let remedy = format!("Choose one of {}", offered.join(", "));
        let (engine, device, precision) = (&target.engine, &target.device_name, setting.precision);
        return refused(format!("{engine} does not run {precision} on {device}"), Some(remedy));
    }
    if !(0.0..=LONGEST_BUDGET_SECS).contains(&setting.budget_secs) {
        let remedy = "Choose a time budget between 0 and 86400 seconds".to_owned();
        return refused(format!("a time budget of {} s cannot be kept", setting.budget_secs), Some(remedy));
    }
    Ok(())
}

/// The limits of a worker that starts now.
fn remaining(job: &Job, started: Instant) -> Limits {
    Limits { timeout: job.limits.timeout.saturating_sub(started.elapsed()).max(Duration::from_millis(1)), ..job.limits }
}

/// A result without any event, for tests of what judges results.
#[cfg(test)]
pub(crate) fn record_of(job: &Job, outcome: Outcome) -> Run {
    Record::new(job).finish(outcome)
}
