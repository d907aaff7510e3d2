//! Taking the queue up again where the last start left it, a crash included.

use super::run_of;
use crate::{bench::failed_run, desk::Desk};
use contract::*;
use jiff::Timestamp;
use std::collections::VecDeque;
use store::{Interrupted, Store, StoreError};

/// A job that took the app down this often is given up: it would do so for ever.
const PATIENCE: u32 = 2;

/// Puts the stored jobs back, the interrupted one first, and says what happened.
pub fn resume(desk: &Desk, store: &Store) -> Result<(), StoreError> {
    let (jobs, paused) = store.load_queue()?;
    let interrupted = store.take_interrupted()?;
    let mut waiting: VecDeque<Job> = VecDeque::with_capacity(jobs.len());
    for job in jobs {
        // Stored just before the app ended: only the queue had not been told.
        if store.run(&run_of(&job.id))?.is_none() {
            waiting.push_back(job);
        }
    }
    if let Some(interrupted) = &interrupted {
        take_up(desk, store, interrupted, &mut waiting)?;
    }
    let left = waiting.len();
    {
        let mut state = desk.queue.state();
        state.waiting = waiting;
        state.paused = paused;
    }
    let (jobs, _) = desk.queue.to_keep();
    store.save_queue(&jobs, paused)?;
    if paused && left > 0 {
        desk.note(NoticeKind::Info, format!("The queue is paused with {}.", counted(left)));
    } else if left > 0 && interrupted.is_none() {
        desk.note(NoticeKind::Info, format!("The queue goes on with {}.", counted(left)));
    }
    Ok(())
}

fn take_up(
    desk: &Desk,
    store: &Store,
    interrupted: &Interrupted,
    waiting: &mut VecDeque<Job>,
) -> Result<(), StoreError> {
    let Some(at) = waiting.iter().position(|job| job.id == interrupted.job) else { return Ok(()) };
    let Some(job) = waiting.remove(at) else { return Ok(()) };
    if interrupted.times < PATIENCE {
        desk.note(
            NoticeKind::Warning,
            format!("Assay ended while it was measuring {}. That measurement is done again first; every stored result is there.", job.model_name),
        );
        waiting.push_front(job);
        return Ok(());
    }
    let message = format!("Assay itself ended {} times during this measurement, so it was given up", interrupted.times);
    desk.note(NoticeKind::Error, format!("{} on {}: {message}.", job.model_name, job.device_name));
    store.insert_run(&given_up(store, &job, message)?)
}

fn given_up(store: &Store, job: &Job, message: String) -> Result<Run, StoreError> {
    let machine = store.last_machine()?;
    let model = RunModel {
        id: job.setting.model.clone(),
        name: job.model_name.clone(),
        size_unit: job.size_unit,
        ..RunModel::default()
    };
    Ok(failed_run(
        run_of(&job.id),
        &job.setting,
        model,
        machine.as_ref(),
        Timestamp::now(),
        PhaseName::Start,
        FailureKind::Crash,
        message,
    ))
}

fn counted(jobs: usize) -> String {
    match jobs {
        1 => "1 measurement waiting".into(),
        n => format!("{n} measurements waiting"),
    }
}
