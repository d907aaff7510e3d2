//! The thread that measures: takes the next job, has it measured, stores the result, tells the window.

use super::{Running, run_of};
use crate::{
    bench::{Kept, Order},
    catalogue::Listed,
    desk::Desk,
    keep,
    quiet::{Held, Work},
};
use contract::*;
use engine::Control;
use std::time::Instant;
use store::Store;

/// Runs until another shift begins. The store stays the one it was started with.
pub fn run(desk: &Desk, store: &Store, shift: u64) {
    while let Some((job, control, held)) = next(desk, shift) {
        changed(desk, store);
        let end = measure(desk, store, &job, &control);
        let ending = desk.queue.end_job();
        // The worker is gone, so that others may begin as soon as the queue shows it.
        drop(held);
        finish(desk, store, end);
        drop(ending);
        desk.work_ended();
    }
}

/// Keeps the queue in the store and shows it.
pub fn changed(desk: &Desk, store: &Store) {
    let (jobs, paused) = desk.queue.to_keep();
    if let Err(e) = store.save_queue(&jobs, paused) {
        desk.warn(format!("The queue could not be stored, and would be lost if Assay ended now: {e}."));
    }
    desk.queue.wake();
    desk.tell(Event::Queue(desk.queue.view()));
}

/// Waits for a job that may start. None when the shift is over.
fn next(desk: &Desk, shift: u64) -> Option<(Job, Control, Held)> {
    let queue = &desk.queue;
    let mut state = queue.state();
    loop {
        if state.shift != shift {
            return None;
        }
        if !state.paused
            && !state.waiting.is_empty()
            && let Some(held) = desk.begin_now(Work::Measurement)
        {
            let mut job = state.waiting.pop_front().expect("one was waiting a moment ago");
            job.state = JobState::Running;
            let control = Control::default();
            state.running = Some(Running {
                job: job.clone(),
                began: Instant::now(),
                control: control.clone(),
                live: None,
                put_back: false,
            });
            return Some((job, control, held));
        }
        state = queue.changed.wait(state).expect("no holder of this lock panics");
    }
}

enum End {
    Stored {
        id: RunId,
        failed: bool,
    },
    /// The person gave it up, or the model is gone: there is nothing to store.
    Dropped,
}

fn measure(desk: &Desk, store: &Store, job: &Job, control: &Control) -> End {
    let id = run_of(&job.id);
    let kept = store.set_running(Some((&job.id, &id, &job.setting)));
    if let Err(e) = kept {
        desk.warn(format!("That a measurement has begun could not be stored: {e}."));
    }
    let model = match desk.catalogue.model(store, &job.setting.model) {
        Ok(model) => model,
        Err(failure) => {
            desk.warn(format!("{} was not measured: {failure}.", job.model_name));
            return End::Dropped;
        }
    };
    let run = bench(desk, store, job, &model, control);
    if let Outcome::Failed { kind: FailureKind::Cancelled, .. } = run.outcome {
        return End::Dropped;
    }
    let failed = matches!(run.outcome, Outcome::Failed { .. });
    let save = || store.insert_run(&run);
    let kept = keep::surely(desk, "A result", control, save, || Ok(store.run(&id)?.is_some()));
    if kept { End::Stored { id, failed } } else { End::Dropped }
}

fn bench(desk: &Desk, store: &Store, job: &Job, model: &Listed, control: &Control) -> Run {
    let settings = store.settings().unwrap_or_else(|e| {
        desk.warn(format!("The settings could not be read, so that the usual ones hold: {e}."));
        Settings::default()
    });
    make_room(desk, store, &settings);
    let machine = desk.inventory.machine_blocking();
    // A queue that an older Assay left tells some sizes otherwise.
    let setting = model.spelt_out(job.setting.clone());
    let order = Order { run: run_of(&job.id), setting: &setting, model, machine: &machine, settings: &settings };
    desk.bench.measure(&order, control, &mut |mut live| {
        live.job = job.id.clone();
        if let Some(running) = &mut desk.queue.state().running {
            running.live = Some(live.clone());
        }
        desk.tell(Event::Live(live));
    })
}

fn finish(desk: &Desk, store: &Store, end: End) {
    {
        let mut state = desk.queue.state();
        let running = state.running.take();
        match &end {
            End::Stored { failed: true, .. } => state.failed += 1,
            End::Stored { failed: false, .. } => state.done += 1,
            End::Dropped => {
                if let Some(running) = running.filter(|running| running.put_back) {
                    state.waiting.push_front(Job { state: JobState::Waiting, ..running.job });
                }
            }
        }
    }
    if let Err(e) = store.set_running(None) {
        desk.warn(format!("The end of a measurement could not be stored: {e}."));
    }
    changed(desk, store);
    if let End::Stored { id, .. } = end {
        desk.tell(Event::Stored(id));
    }
}

/// Old weights go before new ones are written, but for those that the queue reads.
fn make_room(desk: &Desk, store: &Store, settings: &Settings) {
    let weights = &desk.bench.weights;
    let needed = || {
        let jobs = desk.queue.view().jobs;
        Kept::of(weights).needed_by(jobs.iter().map(|job| &job.setting), &desk.catalogue, store)
    };
    if let Err(e) = weights.shrink_to(settings.weights_budget_bytes, needed) {
        desk.warn(format!("Old generated weights could not be removed: {e}."));
    }
}
