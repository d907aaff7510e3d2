//! "Measure this machine": the ceilings of its devices, which draw the roofline and tell implausible results.
//!
//! A ceiling must lie above whatever an engine reaches, or true results would be called implausible. So each rate is
//! measured with every kernel at hand, the engines' own among them, and the best one counts, with its method in words.

mod adapter;
mod company;
mod cuda;
mod envelope;
mod inside;
mod matrices;
mod plan;
mod processor;
mod sampler;
mod subject;
mod through_engine;

use crate::{
    Control, Program,
    worker::{self, Order, WorkerError},
};
use contract::{Machine, Peak, PeakProgress};
use inside::Told;
pub(crate) use inside::{PeakOrder, answer};
use plan::Task;
use std::{
    io,
    time::{Duration, Instant},
};

/// Everything together, waiting for drivers included.
const LONGEST: Duration = Duration::from_secs(60);

/// A device that cannot be begun with this much left is not begun.
const SHORTEST: Duration = Duration::from_secs(3);

#[derive(Debug, thiserror::Error)]
pub enum PeaksError {
    #[error("cancelled")]
    Cancelled,
    #[error("no ceiling of this machine could be measured: {}", reasons.join("; "))]
    NothingMeasured { reasons: Vec<String> },
    #[error("could not make a folder for the matrices that engines read")]
    NoFolder(#[source] io::Error),
}

/// What measuring a machine gave.
#[derive(Clone, Debug, PartialEq)]
pub struct Ceilings {
    /// The best figure of each device, kind, precision and number of threads.
    pub peaks: Vec<Peak>,
    /// What could not be measured, a sentence each with its reason.
    pub left_out: Vec<String>,
}

/// Measures every device in a worker of its own; a driver that crashes costs the rest of that device only.
///
/// What is left out is told as progress too. Where other programs were busy, each method says so: the ceilings are then
/// too low.
pub fn measure_peaks(
    program: &Program,
    machine: &Machine,
    control: &Control,
    on: &mut dyn FnMut(PeakProgress),
) -> Result<Ceilings, PeaksError> {
    let folder = tempfile::tempdir().map_err(PeaksError::NoFolder)?;
    let tasks = plan::tasks(machine, folder.path());
    let mut course = Course::of(&tasks);
    let company = company::busy_share().map(company::words);
    let mut peaks: Vec<Peak> = Vec::new();
    let mut left_out = Vec::new();
    for task in &tasks {
        let left = LONGEST.saturating_sub(course.begun.elapsed());
        if left < SHORTEST {
            let sentence = format!("there was no time left for {}", task.device_name);
            on(course.left_out(task, &sentence));
            left_out.push(sentence);
            continue;
        }
        let before = course.steps_done;
        let order = Order::Peaks(task.order.clone());
        let ended = worker::follow(program, &order, left, control, &mut |told| match told {
            Told::Doing(doing) => on(course.step(task, doing)),
            Told::Peak(peak) => peaks.push(peak),
            Told::LeftOut { what, why } => {
                let sentence = format!("{what} of {} is left out: {why}", task.device_name);
                on(course.left_out(task, &sentence));
                left_out.push(sentence);
            }
        });
        course.steps_done = before + task.steps;
        match ended {
            Ok(()) => {}
            Err(WorkerError::Cancelled) => return Err(PeaksError::Cancelled),
            Err(error) => {
                let sentence = format!("{}: {error}", task.device_name);
                on(course.left_out(task, &sentence));
                left_out.push(sentence);
            }
        }
    }
    if peaks.is_empty() {
        return Err(PeaksError::NothingMeasured { reasons: left_out });
    }
    if let Some(company) = company {
        peaks.iter_mut().for_each(|peak| peak.method = format!("{}; {company}", peak.method));
    }
    Ok(Ceilings { peaks: envelope::best_of(peaks), left_out })
}

/// How far the whole has come.
struct Course {
    begun: Instant,
    steps: u32,
    steps_done: u32,
    /// Expected seconds of a step, until the pace is known.
    step_secs: f64,
}

impl Course {
    fn of(tasks: &[Task]) -> Self {
        let steps = tasks.iter().map(|task| task.steps).sum();
        Self { begun: Instant::now(), steps, steps_done: 0, step_secs: plan::step_secs(steps) }
    }

    fn step(&mut self, task: &Task, doing: String) -> PeakProgress {
        let progress = self.at(task, doing);
        self.steps_done = (self.steps_done + 1).min(self.steps);
        progress
    }

    fn left_out(&self, task: &Task, sentence: &str) -> PeakProgress {
        self.at(task, sentence.to_owned())
    }

    fn at(&self, task: &Task, doing: String) -> PeakProgress {
        let spent = self.begun.elapsed().as_secs_f64();
        let pace = if self.steps_done >= 3 { spent / f64::from(self.steps_done) } else { self.step_secs * 1.5 };
        let left = f64::from(self.steps.saturating_sub(self.steps_done)) * pace;
        PeakProgress {
            doing,
            device: Some(task.device.clone()),
            done: f64::from(self.steps_done) / f64::from(self.steps.max(1)),
            remaining_secs: left.min((LONGEST.as_secs_f64() - spent).max(0.0)),
        }
    }
}
