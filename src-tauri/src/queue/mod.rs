//! The queue of measurements: one at a time, in an order the person may change, kept in the store after each change.

mod resume;
mod runner;

pub use resume::resume;
pub use runner::{changed, run};

use contract::{Job, JobId, JobState, Live, RunId, Setting, SizeUnit};
use engine::Control;
use std::{
    collections::VecDeque,
    sync::{Condvar, Mutex, MutexGuard},
    time::Instant,
};

#[derive(Default)]
pub struct Queue {
    state: Mutex<State>,
    changed: Condvar,
    ending: Mutex<()>,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Job>,
    running: Option<Running>,
    paused: bool,
    done: u32,
    failed: u32,
    /// Which runner may start jobs: the one that was given this number.
    shift: u64,
}

struct Running {
    job: Job,
    began: Instant,
    control: Control,
    live: Option<Live>,
    /// Given up to leave the app: it waits again rather than being forgotten.
    put_back: bool,
}

/// The result of a job bears the job's id, so that a crash between storing and forgetting it cannot measure it twice.
pub fn run_of(job: &JobId) -> RunId {
    RunId(job.0.clone())
}

pub fn new_job(
    setting: Setting,
    (model_name, size_unit): (String, Option<SizeUnit>),
    device_name: String,
    estimate_secs: f64,
) -> Job {
    let id = JobId(uuid::Uuid::now_v7().to_string());
    Job { id, setting, model_name, size_unit, device_name, state: JobState::Waiting, estimate_secs }
}

impl Queue {
    /// As the window shows it.
    pub fn view(&self) -> contract::Queue {
        let state = self.state();
        let running = state.running.as_ref();
        let running_secs = running.map_or(0.0, |r| (r.job.estimate_secs - r.began.elapsed().as_secs_f64()).max(0.0));
        let waiting_secs: f64 = state.waiting.iter().map(|job| job.estimate_secs).sum();
        contract::Queue {
            jobs: running.map(|r| &r.job).into_iter().chain(&state.waiting).cloned().collect(),
            paused: state.paused,
            remaining_secs: running_secs + waiting_secs,
            done: state.done,
            failed: state.failed,
        }
    }

    pub fn live(&self) -> Option<Live> {
        self.state().running.as_ref().and_then(|running| running.live.clone())
    }

    /// Whether closing the window would stop something.
    pub fn is_busy(&self) -> bool {
        let state = self.state();
        state.running.is_some() || (!state.paused && !state.waiting.is_empty())
    }

    pub fn add(&self, jobs: Vec<Job>) {
        let mut state = self.state();
        if state.waiting.is_empty() && state.running.is_none() {
            (state.done, state.failed) = (0, 0);
        }
        state.waiting.extend(jobs);
    }

    pub fn pause(&self, paused: bool) {
        self.state().paused = paused;
    }

    /// Moves a waiting job; false where there is none of this id.
    pub fn move_to(&self, id: &JobId, to: usize) -> bool {
        let mut state = self.state();
        let Some(job) = state.waiting.iter().position(|job| &job.id == id).and_then(|at| state.waiting.remove(at))
        else {
            return false;
        };
        let to = to.min(state.waiting.len());
        state.waiting.insert(to, job);
        true
    }

    /// Ends or forgets a job; false where there is none of this id.
    pub fn cancel(&self, id: &JobId) -> bool {
        let mut state = self.state();
        if let Some(running) = state.running.as_ref().filter(|running| &running.job.id == id) {
            running.control.cancel();
            return true;
        }
        let at = state.waiting.iter().position(|job| &job.id == id);
        at.and_then(|at| state.waiting.remove(at)).is_some()
    }

    /// Returns how many were ended or forgotten.
    pub fn cancel_all(&self) -> u32 {
        let mut state = self.state();
        let waiting = std::mem::take(&mut state.waiting).len();
        if let Some(running) = &state.running {
            running.control.cancel();
        }
        u32::try_from(waiting).unwrap_or(u32::MAX).saturating_add(state.running.is_some().into())
    }

    /// Ends the running job's worker and puts the job back, for leaving the app. Returns when the worker is gone.
    pub fn close(&self) {
        let mut state = self.state();
        state.shift += 1;
        state.paused = true;
        if let Some(running) = &mut state.running {
            running.put_back = true;
            running.control.cancel();
        }
        let until = |state: &mut State| state.running.is_some();
        let patience = std::time::Duration::from_secs(5);
        // A worker that outlives this is ended by the system together with the app.
        drop(self.changed.wait_timeout_while(state, patience, until));
    }

    /// No other shift begins before this is dropped: the store that a job belongs to hears of its end.
    pub fn end_job(&self) -> MutexGuard<'_, ()> {
        self.ending.lock().expect("no holder of this lock panics")
    }

    /// Empties the desk's copy of the queue for another store and returns the number of its runner; earlier ones end.
    pub fn begin_shift(&self) -> u64 {
        let _no_job_ends = self.end_job();
        let mut state = self.state();
        *state = State { shift: state.shift + 1, ..State::default() };
        self.changed.notify_all();
        state.shift
    }

    /// Has the runner look again.
    pub fn wake(&self) {
        // A runner that has looked and does not wait yet would miss it.
        let _state = self.state();
        self.changed.notify_all();
    }

    /// What is kept in the store: the running job is kept there as well, for a crash must not lose it.
    fn to_keep(&self) -> (Vec<Job>, bool) {
        let state = self.state();
        let running = state.running.as_ref().map(|running| Job { state: JobState::Waiting, ..running.job.clone() });
        (running.into_iter().chain(state.waiting.iter().cloned()).collect(), state.paused)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no holder of this lock panics")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use contract::{Mode, Precision};
    use std::{
        sync::{Arc, mpsc},
        thread,
        time::Duration,
    };

    fn job(name: &str) -> Job {
        let setting = Setting {
            model: name.into(),
            engine: "candle".into(),
            device: "cpu".into(),
            precision: Precision::F32,
            mode: Mode::Inference,
            batch: 1,
            size: None,
            dims: Default::default(),
            threads: None,
            seed: 0,
            budget_secs: 1.0,
        };
        new_job(setting, (name.into(), None), "CPU".into(), 2.0)
    }

    fn names(queue: &Queue) -> Vec<String> {
        queue.view().jobs.into_iter().map(|job| job.model_name).collect()
    }

    #[test]
    fn a_waiting_job_moves_to_the_place_asked_for() {
        let queue = Queue::default();
        let jobs = vec![job("a"), job("b"), job("c")];
        let last = jobs[2].id.clone();
        queue.add(jobs);
        assert!(queue.move_to(&last, 0));
        assert_eq!(names(&queue), ["c", "a", "b"]);
        assert!(queue.move_to(&last, 99));
        assert_eq!(names(&queue), ["a", "b", "c"]);
        assert!(!queue.move_to(&"nobody".into(), 0));
    }

    #[test]
    fn the_queue_of_another_store_waits_until_the_end_of_a_job_was_told() {
        let queue = Arc::new(Queue::default());
        let (ending, other) = (queue.end_job(), queue.clone());
        let (told, begun) = mpsc::channel();
        thread::spawn(move || told.send(other.begin_shift()));
        assert!(begun.recv_timeout(Duration::from_millis(100)).is_err());
        drop(ending);
        assert_eq!(begun.recv().unwrap(), 1);
    }

    #[test]
    fn a_cancelled_waiting_job_is_forgotten_and_the_time_left_shrinks() {
        let queue = Queue::default();
        let jobs = vec![job("a"), job("b")];
        let first = jobs[0].id.clone();
        queue.add(jobs);
        assert_eq!(queue.view().remaining_secs, 4.0);
        assert!(queue.cancel(&first));
        assert!(!queue.cancel(&first));
        assert_eq!((names(&queue), queue.view().remaining_secs), (vec!["b".to_owned()], 2.0));
        assert_eq!(queue.cancel_all(), 1);
        assert!(!queue.is_busy());
    }
}
