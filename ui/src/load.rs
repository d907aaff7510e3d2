//! Asking for what a page shows: not there yet, there, or why not.

use crate::bridge;
use contract::{Failure, Request};
use leptos::{prelude::*, task::spawn_local};
use std::time::Duration;

#[derive(Clone, Debug, PartialEq)]
pub enum Loaded<T> {
    Waiting,
    Ready(T),
    Failed(Failure),
}

impl<T> Loaded<T> {
    pub fn ready(&self) -> Option<&T> {
        match self {
            Self::Ready(value) => Some(value),
            _ => None,
        }
    }

    pub fn failed(&self) -> Option<&Failure> {
        match self {
            Self::Failed(failure) => Some(failure),
            _ => None,
        }
    }
}

/// An answer that follows its question.
pub struct Load<T: Send + Sync + 'static> {
    pub value: RwSignal<Loaded<T>>,
    /// A newer answer is on its way; what is shown may be out of date.
    pub busy: RwSignal<bool>,
    again: Trigger,
}

impl<T: Send + Sync + 'static> Clone for Load<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: Send + Sync + 'static> Copy for Load<T> {}

impl<T: Send + Sync + 'static> Load<T> {
    pub fn reload(self) {
        self.again.notify();
    }

    /// Why there is no answer.
    pub fn failure(self) -> Option<Failure> {
        self.value.with(|value| value.failed().cloned())
    }
}

/// Asks now and whenever a signal read by `question` changes; no question, no asking.
/// Keeps the last answer while a new one is on its way, and drops answers that were overtaken.
pub fn load<R>(question: impl Fn() -> Option<R> + 'static) -> Load<R::Answer>
where
    R: Request + 'static,
    R::Answer: Send + Sync + 'static,
{
    load_by(question, bridge::ask)
}

/// The same where the answer takes several requests.
pub fn load_by<Q, T, F>(question: impl Fn() -> Option<Q> + 'static, ask: impl Fn(Q) -> F + 'static) -> Load<T>
where
    T: Send + Sync + 'static,
    F: Future<Output = Result<T, Failure>> + 'static,
{
    let load = Load { value: RwSignal::new(Loaded::Waiting), busy: RwSignal::new(false), again: Trigger::new() };
    let latest = StoredValue::new(0u64);
    Effect::new(move |_| {
        load.again.track();
        let turn = latest.get_value() + 1;
        latest.set_value(turn);
        let Some(asked) = question() else {
            load.busy.set(false);
            load.value.set(Loaded::Waiting);
            return;
        };
        load.busy.set(true);
        let answer = ask(asked);
        spawn_local(async move {
            let answer = answer.await;
            // The page may be gone by now, and its signals with it.
            if latest.try_get_value() != Some(turn) {
                return;
            }
            load.busy.set(false);
            load.value.set(match answer {
                Ok(answer) => Loaded::Ready(answer),
                Err(failure) => Loaded::Failed(failure),
            });
        });
    });
    load
}

/// Follows a value once it has rested for a moment, so that typing asks for few answers.
pub fn settled<T: Clone + PartialEq + Send + Sync + 'static>(
    value: impl Fn() -> T + Send + Sync + 'static,
) -> Signal<T> {
    const REST: Duration = Duration::from_millis(80);
    let settled = RwSignal::new(untrack(&value));
    let pending = StoredValue::new(None::<TimeoutHandle>);
    Effect::new(move |_| {
        let value = value();
        if let Some(earlier) = pending.get_value() {
            earlier.clear();
        }
        if settled.with_untracked(|settled| *settled == value) {
            return;
        }
        let settle = move || drop(settled.try_set(value.clone()));
        pending.set_value(set_timeout_with_handle(settle, REST).ok());
    });
    settled.into()
}
