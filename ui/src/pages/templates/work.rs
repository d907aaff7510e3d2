//! The template that a person has open, and what is known of its text as they type.

use crate::{
    actions, bridge,
    load::{Load, load},
    state::App,
};
use contract::*;
use leptos::{prelude::*, task::spawn_local};
use std::{collections::BTreeMap, time::Duration};

/// What was typed is kept this long after the last key.
const KEPT_AFTER: Duration = Duration::from_millis(400);

/// A template as it was opened: what is in use, and what was typed since.
#[derive(Clone, Debug, PartialEq)]
pub struct Opened {
    pub stored: StoredTemplate,
    /// What the editor begins with.
    pub text: String,
}

/// Copied freely; its signals live as long as the page.
#[derive(Clone, Copy)]
pub struct Work {
    app: App,
    /// Grows when a template was saved, so that lists are asked for anew.
    pub saved: RwSignal<u64>,
    /// Grows when the list's marks of what is not saved are to be asked for anew.
    pub marks: RwSignal<u64>,
    pub opened: RwSignal<Option<Opened>>,
    pub failure: RwSignal<Option<Failure>>,
    pub text: RwSignal<String>,
    /// The line of the cursor, from 1.
    pub line: RwSignal<u32>,
    /// A line that the editor must show.
    pub wanted: RwSignal<Option<u32>>,
    /// A text that the editor must take.
    pub replaced: RwSignal<Option<String>>,
    /// The text came from a merge with an update, and saving it settles that.
    pub merging: RwSignal<bool>,
    /// The question before a version is saved is open, and whether it is to be released.
    pub saving: RwSignal<bool>,
    pub releasing: RwSignal<bool>,
    pub choice: RwSignal<PreviewChoice>,
    pub reading: Load<TemplateReading>,
    pub preview: Load<TemplatePreview>,
    /// What is wrong in the open template, and in what it makes for the choice, in the order of lines.
    pub problems: Memo<Vec<TemplateProblem>>,
    timer: StoredValue<Option<TimeoutHandle>>,
    /// Whether the list marks the open template as not saved; none where that is not known.
    marked: StoredValue<Option<bool>>,
}

impl Work {
    /// Begins with what is made for this model type, llama where none is asked for.
    pub fn new(model_type: Option<String>) -> Self {
        let app = App::get();
        let opened = RwSignal::new(None::<Opened>);
        let text = RwSignal::new(String::new());
        let choice = RwSignal::new(PreviewChoice {
            model_type: model_type.unwrap_or_else(|| "llama".into()),
            platform: Platform::Cpu,
            kind: "test".into(),
            variables: BTreeMap::new(),
        });
        let name = Memo::new(move |_| opened.with(|opened| opened.as_ref().map(|opened| opened.stored.name.clone())));
        let reading = load(move || Some(ReadTemplate { name: name.get()?, text: text.get() }));
        let preview = load(move || Some(PreviewTemplate { name: name.get()?, text: text.get(), choice: choice.get() }));
        let problems = Memo::new(move |_| {
            let mut problems = reading
                .value
                .with(|reading| reading.ready().map(|reading| reading.problems.clone()).unwrap_or_default());
            let made =
                preview.value.with(|preview| preview.ready().map(|made| made.problems.clone()).unwrap_or_default());
            problems.extend(made.into_iter().filter(|problem| name.get().as_ref() == Some(&problem.template)));
            problems.sort_by_key(|problem| (problem.line, problem.column));
            problems
        });
        Self {
            app,
            saved: RwSignal::new(0),
            marks: RwSignal::new(0),
            opened,
            failure: RwSignal::new(None),
            text,
            line: RwSignal::new(1),
            wanted: RwSignal::new(None),
            replaced: RwSignal::new(None),
            merging: RwSignal::new(false),
            saving: RwSignal::new(false),
            releasing: RwSignal::new(false),
            choice,
            reading,
            preview,
            problems,
            timer: StoredValue::new(None),
            marked: StoredValue::new(None),
        }
    }

    pub fn name(self) -> Option<String> {
        self.opened.with(|opened| opened.as_ref().map(|opened| opened.stored.name.clone()))
    }

    /// The text differs from the one in use.
    pub fn is_changed(self) -> bool {
        self.opened
            .with(|opened| opened.as_ref().is_some_and(|opened| self.text.with(|text| *text != opened.stored.text)))
    }

    /// Opens a template, with what was typed into it and not saved.
    pub fn open(self, name: String, line: Option<u32>) {
        if self.opened.with_untracked(|opened| opened.as_ref().is_some_and(|opened| opened.stored.name == name)) {
            return self.wanted.set(line);
        }
        self.keep_now();
        spawn_local(async move {
            let stored = bridge::ask(GetTemplate { name: name.clone() }).await;
            let unsaved = bridge::ask(GetUnsaved { name: name.clone() }).await;
            match (stored, unsaved) {
                (Ok(stored), Ok(unsaved)) => {
                    self.app.template.set(Some(name));
                    self.show(stored, unsaved);
                    self.wanted.try_set(line);
                }
                (Err(failure), _) | (_, Err(failure)) => drop(self.failure.try_set(Some(failure))),
            }
        });
    }

    fn show(self, stored: StoredTemplate, unsaved: Option<String>) {
        let text = unsaved.unwrap_or_else(|| stored.text.clone());
        // The page may be gone by now, and its signals with it.
        let Some(shown) = self.opened.try_get_untracked() else { return };
        if shown.is_some_and(|shown| shown.stored.name == stored.name) {
            self.replaced.set(Some(text.clone()));
        } else {
            self.line.set(1);
        }
        self.failure.set(None);
        self.merging.set(false);
        self.marked.set_value(None);
        self.text.set(text.clone());
        self.opened.set(Some(Opened { stored, text }));
    }

    /// Takes what the editor holds now.
    pub fn typed(self, text: String) {
        self.text.set(text);
        if let Some(earlier) = self.timer.get_value() {
            earlier.clear();
        }
        self.timer.set_value(set_timeout_with_handle(move || self.keep_now(), KEPT_AFTER).ok());
    }

    /// Has the shell keep what was typed, so that a crash does not lose it.
    pub fn keep_now(self) {
        let Some(Some(timer)) = self.timer.try_get_value() else { return };
        timer.clear();
        self.timer.set_value(None);
        let Some(name) = untrack(|| self.name()) else { return };
        let text = untrack(|| self.is_changed()).then(|| self.text.get_untracked());
        let unsaved = Some(text.is_some());
        let is_new = self.marked.get_value() != unsaved;
        self.marked.set_value(unsaved);
        actions::send(self.app, KeepUnsaved { name, text }, move |_, ()| {
            // The list checks every template; while a person goes on typing its marks stay.
            if is_new {
                self.marks.try_update(|marks| *marks += 1);
            }
        });
    }

    /// Keeps a text as the next version, released or not, and goes on with it.
    pub fn save(
        self,
        text: String,
        origin: VersionOrigin,
        note: String,
        released: bool,
        then: impl FnOnce(StoredTemplate) + 'static,
    ) {
        let Some(name) = untrack(|| self.name()) else { return };
        self.timer.set_value(None);
        spawn_local(async move {
            let saved = bridge::ask(SaveTemplate { name: name.clone(), text, origin, note }).await;
            let tagged = match saved {
                Ok(mut stored) if released => {
                    let number = stored.version;
                    stored.released = Some(number);
                    bridge::ask(TagTemplate { name, number, released }).await.map(|()| stored)
                }
                saved => saved,
            };
            match tagged {
                Ok(stored) => {
                    self.show(stored.clone(), None);
                    self.saved.try_update(|saved| *saved += 1);
                    then(stored);
                }
                Err(failure) => self.app.tell_failure(&failure),
            }
        });
    }

    /// Asks anew for the open template, whose tags changed; what was typed stays.
    pub fn reopen(self) {
        let Some(name) = untrack(|| self.name()) else { return };
        actions::send(self.app, GetTemplate { name }, move |_, stored| {
            let text = self.text.try_get_untracked().unwrap_or_default();
            self.opened.try_set(Some(Opened { stored, text }));
            self.saved.try_update(|saved| *saved += 1);
        });
    }

    /// The open template is no more.
    pub fn close(self) {
        self.timer.set_value(None);
        self.app.template.set(None);
        self.opened.set(None);
        self.saved.update(|saved| *saved += 1);
    }

    /// Forgets what was typed.
    pub fn discard(self) {
        let Some(opened) = self.opened.get_untracked() else { return };
        self.timer.set_value(None);
        actions::send(self.app, KeepUnsaved { name: opened.stored.name.clone(), text: None }, move |_, ()| {
            if self.marks.try_update(|marks| *marks += 1).is_some() {
                self.show(opened.stored, None);
            }
        });
    }
}
