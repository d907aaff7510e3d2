//! What may go on at once: whatever is timed has the machine to itself.
//!
//! Each piece of work asks here before it begins, and has a place until it has ended. To ask and to take the place are
//! one step, so that of two that begin at the same moment one is refused. Reading and previewing templates is not asked
//! about: it is short, and what a measurement felt of it shows in its noise grade.

use crate::desk::Desk;
use contract::Failure;
use std::{
    sync::{Condvar, Mutex, MutexGuard},
    time::Duration,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// Looking at this machine.
    Scan,
    /// Measuring the peaks of this machine.
    Peaks,
    /// A measurement of the queue.
    Measurement,
    Comparison,
    /// Fetching a model of Hugging Face.
    Fetch,
    /// Bringing results in from a file.
    Import,
    /// Rendering and reading generated files.
    Checks,
    /// Running generated files.
    Trials,
    /// Asking what a Python environment would take.
    Plan,
    /// Making or removing the Python environment.
    Environment,
    /// Removing generated weights.
    Clearing,
    /// Opening another store.
    Store,
}

impl Work {
    fn is_timed(self) -> bool {
        matches!(self, Self::Peaks | Self::Measurement | Self::Comparison | Self::Trials)
    }

    /// Whether it takes so long that leaving asks about it, and that others tell what they wait for.
    fn is_long(self) -> bool {
        self.is_timed() || matches!(self, Self::Fetch | Self::Import | Self::Environment)
    }

    /// Whether what comes of it belongs to the store that is open.
    fn keeps_results(self) -> bool {
        self.is_timed() || matches!(self, Self::Fetch | Self::Import | Self::Checks)
    }

    /// Whether one has to wait for the other.
    fn bars(self, other: Self) -> bool {
        match (self, other) {
            // A new question takes the place of the one before.
            (Self::Plan, Self::Plan) => false,
            (one, same) if one == same => true,
            (Self::Store, other) | (other, Self::Store) => other.keeps_results(),
            (Self::Checks, other) | (other, Self::Checks) => other == Self::Trials,
            (one, other) => one.is_timed() || other.is_timed(),
        }
    }

    /// What a person asked for.
    fn name(self) -> &'static str {
        match self {
            Self::Scan => "Scan again",
            Self::Peaks => "Measure this machine",
            Self::Measurement => "Measure",
            Self::Comparison => "Compare",
            Self::Fetch => "Fetch",
            Self::Import => "Import",
            Self::Checks => "Check",
            Self::Trials => "Run",
            Self::Plan | Self::Environment => "Python",
            Self::Clearing => "Generated weights",
            Self::Store => "Open another store",
        }
    }

    /// What goes on.
    fn doing(self) -> &'static str {
        match self {
            Self::Scan => "this machine is being looked at",
            Self::Peaks => "this machine is being measured",
            Self::Measurement => "a model is being measured",
            Self::Comparison => "two settings are being compared",
            Self::Fetch => "a model of Hugging Face is being fetched",
            Self::Import => "results are being imported",
            Self::Checks => "generated files are being checked",
            Self::Trials => "generated files are being run",
            Self::Plan => "a package index is being asked",
            Self::Environment => "the Python environment is being made or removed",
            Self::Clearing => "generated weights are being removed",
            Self::Store => "another store is being opened",
        }
    }

    fn remedy(self) -> &'static str {
        match self {
            Self::Measurement => "Pause the queue, or wait until it is empty",
            Self::Scan | Self::Clearing | Self::Store => "Wait until it has ended",
            _ => "Wait until it has ended, or cancel it",
        }
    }

    fn refusal(self, other: Self) -> Failure {
        let doing = other.doing();
        let reason = match (self, other) {
            (one, same) if one == same => format!("{doing} already"),
            (Self::Store, _) => format!("{doing}, and what comes of it belongs to this store"),
            (_, Self::Store) => doing.to_owned(),
            _ => format!("{doing}, and each would disturb the other"),
        };
        Failure::bad_input(self.name(), reason).remedy(other.remedy())
    }
}

/// What is going on.
#[derive(Default)]
pub struct Quiet {
    going: Mutex<Vec<Work>>,
    ended: Condvar,
}

impl Quiet {
    /// Why the queue will wait for a while, in a sentence; none where it goes on soon.
    pub fn keeps_queue_waiting(&self) -> Option<String> {
        let going = self.going();
        let other = going.iter().find(|other| other.is_long() && **other != Work::Measurement)?;
        Some(format!("Measuring begins later, because {}: each would disturb the other.", other.doing()))
    }

    /// Whether leaving would stop something.
    pub fn has_long_work(&self) -> bool {
        self.going().iter().any(|work| work.is_long())
    }

    /// Waits until what was cancelled has ended, or gives up.
    pub fn settle(&self, patience: Duration) {
        let until = |going: &mut Vec<Work>| going.iter().any(|work| work.is_long());
        drop(self.ended.wait_timeout_while(self.going(), patience, until));
    }

    fn going(&self) -> MutexGuard<'_, Vec<Work>> {
        self.going.lock().expect("no holder of this lock panics")
    }
}

/// The place of one piece of work; dropping it lets others begin.
pub struct Held {
    desk: Desk,
    work: Work,
}

impl Desk {
    /// Lets a piece of work begin. Looking at the machine takes seconds and is waited for, where it is in the way.
    ///
    /// # Errors
    /// Where something else goes on that it would disturb or be disturbed by; the sentence says what, and what to do.
    pub(crate) fn begin(&self, work: Work) -> Result<Held, Failure> {
        let mut going = self.quiet.going();
        while let Some(other) = going.iter().copied().find(|other| work.bars(*other)) {
            if other != Work::Scan {
                return Err(work.refusal(other));
            }
            going = self.quiet.ended.wait(going).expect("no holder of this lock panics");
        }
        going.push(work);
        Ok(Held { desk: self.clone(), work })
    }

    /// The same for a piece of work that can wait elsewhere; none where something is in its way.
    pub(crate) fn begin_now(&self, work: Work) -> Option<Held> {
        let mut going = self.quiet.going();
        if going.iter().any(|other| work.bars(*other)) {
            return None;
        }
        going.push(work);
        Some(Held { desk: self.clone(), work })
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        {
            let mut going = self.desk.quiet.going();
            if let Some(place) = going.iter().position(|work| *work == self.work) {
                going.swap_remove(place);
            }
        }
        self.desk.quiet.ended.notify_all();
        self.desk.queue.wake();
        self.desk.work_ended();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Work; 12] = [
        Work::Scan,
        Work::Peaks,
        Work::Measurement,
        Work::Comparison,
        Work::Fetch,
        Work::Import,
        Work::Checks,
        Work::Trials,
        Work::Plan,
        Work::Environment,
        Work::Clearing,
        Work::Store,
    ];

    #[test]
    fn whatever_is_timed_is_alone_and_so_is_one_as_seen_from_the_other() {
        for one in ALL {
            for other in ALL {
                assert_eq!(one.bars(other), other.bars(one), "{one:?} and {other:?}");
                let timed = one.is_timed() || other.is_timed();
                let quiet = [one, other].iter().any(|work| matches!(work, Work::Checks | Work::Store));
                assert!(!timed || quiet || one.bars(other), "{one:?} beside {other:?}");
            }
        }
        assert!(!Work::Fetch.bars(Work::Scan) && !Work::Environment.bars(Work::Fetch), "neither is timed");
        assert!(Work::Import.bars(Work::Import) && Work::Import.bars(Work::Store) && !Work::Import.bars(Work::Fetch));
        assert!(!Work::Checks.bars(Work::Measurement) && Work::Checks.bars(Work::Trials));
        assert!(Work::Store.bars(Work::Fetch) && !Work::Store.bars(Work::Scan));
    }

    #[test]
    fn a_refusal_says_what_goes_on_and_what_to_do() {
        let said = Work::Comparison.refusal(Work::Fetch).to_string();
        assert_eq!(
            said,
            "Compare: a model of Hugging Face is being fetched, and each would disturb the other. Wait until it has \
             ended, or cancel it"
        );
        assert!(Work::Fetch.refusal(Work::Fetch).to_string().contains("is being fetched already"));
        assert!(Work::Store.refusal(Work::Trials).to_string().contains("belongs to this store"));
    }
}
