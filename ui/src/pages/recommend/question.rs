//! What the person asks. Lives as long as the window, so that leaving the page loses nothing.

use super::View;
use contract::{Limits, Mode, Work};
use leptos::prelude::*;

#[derive(Clone, Copy)]
pub struct Question {
    pub view: RwSignal<View>,
    /// Empty: none is chosen.
    pub model: RwSignal<String>,
    pub mode: RwSignal<Option<Mode>>,
    pub batch: RwSignal<Option<f64>>,
    pub size: RwSignal<Option<f64>>,
    pub limits: RwSignal<Limits>,
}

impl Question {
    pub fn new() -> Self {
        Self {
            view: RwSignal::new(View::Model),
            model: RwSignal::new(String::new()),
            mode: RwSignal::new(None),
            batch: RwSignal::new(None),
            size: RwSignal::new(None),
            limits: RwSignal::new(Limits::default()),
        }
    }

    pub fn get() -> Self {
        use_context().expect("the window provides Question before it draws a page")
    }

    /// Turns to what is known of the predictions themselves.
    pub fn show_trust(self) {
        self.view.set(View::Trust);
    }

    /// None until a model is chosen.
    pub fn work(self) -> Option<Work> {
        let model = self.model.get();
        (!model.is_empty()).then(|| Work {
            model,
            mode: self.mode.get(),
            batch: self.batch.get().map(|batch| batch.round() as u32),
            size: self.size.get().map(|size| size.round() as u32),
            ..Work::default()
        })
    }
}
