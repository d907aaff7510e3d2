//! The model that is looked at or written. Lives as long as the window, so that leaving the page loses nothing.

use super::{filter::GalleryFilter, hub::HubDraft};
use crate::{
    bridge,
    state::{App, Place},
};
use contract::*;
use leptos::{prelude::*, task::spawn_local};
use std::collections::BTreeMap;

/// Where an opened model comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    Type(String),
    Listed(ModelId),
    Pasted,
}

/// A model as it was opened, before anything was changed.
#[derive(Clone, Debug, PartialEq)]
pub struct Opened {
    pub source: Source,
    pub name: String,
    /// None for an ONNX file, which has no configuration to change.
    pub text: Option<String>,
}

/// The two ways to change a configuration.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum View {
    Form,
    Text,
}

#[derive(Clone, Copy)]
pub struct ModelDraft {
    /// None shows the gallery.
    pub opened: RwSignal<Option<Opened>>,
    pub name: RwSignal<String>,
    /// The configuration as it is now.
    pub text: RwSignal<String>,
    /// Sizes of the inputs by name; those left out have the model's defaults.
    pub dims: RwSignal<BTreeMap<String, u32>>,
    /// What a few layers are measured at, where the model writes text.
    pub mode: RwSignal<Mode>,
    /// Tokens to write after each prompt, as typed; empty is the default.
    pub output: RwSignal<String>,
    pub view: RwSignal<View>,
    pub filter: RwSignal<GalleryFilter>,
    pub hub: HubDraft,
}

impl ModelDraft {
    pub fn new() -> Self {
        Self {
            opened: RwSignal::new(None),
            name: RwSignal::new(String::new()),
            text: RwSignal::new(String::new()),
            dims: RwSignal::new(BTreeMap::new()),
            mode: RwSignal::new(Mode::Inference),
            output: RwSignal::new(String::new()),
            view: RwSignal::new(View::Form),
            filter: RwSignal::new(GalleryFilter::default()),
            hub: HubDraft::new(),
        }
    }

    pub fn get() -> Self {
        use_context().expect("the window provides ModelDraft before it draws a page")
    }

    /// Opens a type's defaults or a listed model.
    pub fn open(self, app: App, source: Source) {
        self.open_as(app, source, View::Form);
    }

    /// The same with its configuration shown as a form or as text.
    pub fn open_as(self, app: App, source: Source, view: View) {
        let asked = match &source {
            Source::Type(model_type) => ConfigSource::Type { model_type: model_type.clone() },
            Source::Listed(id) => ConfigSource::Listed { id: id.clone() },
            Source::Pasted => return self.open_text(String::new()),
        };
        spawn_local(async move {
            match bridge::ask(GetConfig { source: asked }).await {
                Ok(ConfigText { name, text }) => self.show(Opened { source, name, text }, view),
                Err(failure) => app.tell_failure(&failure),
            }
        });
    }

    /// Opens a configuration that a person pasted or is about to write.
    pub fn open_text(self, text: String) {
        let view = if text.is_empty() { View::Text } else { View::Form };
        self.show(Opened { source: Source::Pasted, name: "My model".into(), text: Some(text) }, view);
    }

    fn show(self, opened: Opened, view: View) {
        self.name.set(opened.name.clone());
        self.text.set(opened.text.clone().unwrap_or_default());
        self.dims.set(BTreeMap::new());
        self.mode.set(Mode::Inference);
        self.output.set(String::new());
        self.view.set(view);
        self.opened.set(Some(opened));
    }

    /// Takes back what was changed.
    pub fn restore(self) {
        if let Some(Opened { text: Some(text), .. }) = self.opened.get_untracked() {
            self.text.set(text);
        }
    }

    pub fn is_changed(self) -> bool {
        self.opened.with(|opened| {
            let written = opened.as_ref().and_then(|opened| opened.text.as_ref());
            written.is_some_and(|written| self.text.with(|text| text != written))
        })
    }

    /// What to ask a description of; nothing while there is no text.
    pub fn described(self) -> Option<Described> {
        let opened = self.opened.get()?;
        if let (Source::Listed(id), false) = (opened.source, self.is_changed()) {
            return Some(Described::Listed { id });
        }
        let text = self.text.get();
        (!text.trim().is_empty()).then_some(Described::Text { text })
    }

    /// Changes one whole number of the configuration, or takes it out; the rest stays as it was written.
    pub fn change(self, key: &str, value: Option<u64>) {
        let value = value.map_or_else(|| "null".to_owned(), |value| value.to_string());
        let changed = self.text.with_untracked(|text| json_text::with_value(text, key, &value));
        if let Some(changed) = changed {
            self.text.set(changed);
        }
    }

    /// The model in the list, put there first where it was changed or comes from elsewhere.
    async fn listed(self) -> Result<ModelId, Failure> {
        let opened = self.opened.get_untracked();
        let name = self.name.get_untracked();
        let changed = untrack(|| self.is_changed());
        match opened {
            Some(Opened { source: Source::Listed(id), .. }) if !changed => Ok(id),
            opened => {
                let same = opened.is_some_and(|opened| opened.name == name && opened.source != Source::Pasted);
                let name = if same && changed { format!("{name}, changed") } else { name };
                Ok(bridge::ask(AddConfigText { name, text: self.text.get_untracked() }).await?.id)
            }
        }
    }

    /// Keeps it among the models that can be measured.
    pub fn save(self, app: App) {
        spawn_local(async move {
            match self.listed().await {
                Ok(id) => {
                    app.tell(NoticeKind::Info, "It is one of your models now.");
                    self.open(app, Source::Listed(id));
                }
                Err(failure) => app.tell_failure(&failure),
            }
        });
    }

    /// Leads into Launch with this model and these sizes of its inputs.
    pub fn measure(self, app: App, launch: crate::pages::Draft, dims: Vec<Dim>) {
        spawn_local(async move {
            match self.listed().await {
                Ok(id) => {
                    launch.take_sizes(&dims, &self.dims.get_untracked());
                    app.go(Place::Launch);
                    app.wanted_models.set(vec![id]);
                }
                Err(failure) => app.tell_failure(&failure),
            }
        });
    }
}
