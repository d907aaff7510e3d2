//! The editor with its bar above and what is wrong below.

use super::work::Work;
use crate::{
    editor::{CodeView, Followed, Heard},
    load::{Loaded, load},
    parts::*,
    state::App,
};
use contract::*;
use leptos::{html, prelude::*, task::spawn_local};

#[component]
pub fn Editor(
    /// What the editor begins with.
    text: String,
    work: Work,
    list_open: RwSignal<bool>,
) -> impl IntoView {
    let app = App::get();
    let place = NodeRef::<html::Div>::new();
    let code = RwSignal::new_local(None::<CodeView>);
    let failure = RwSignal::new(None::<Failure>);
    let hear = move |heard| match heard {
        Heard::Text(text) => work.typed(text),
        Heard::Line(line) => work.line.maybe_update(|known| std::mem::replace(known, line) != line),
        Heard::Follow(followed) => follow(app, work, followed),
        Heard::Save => {
            if untrack(|| work.is_changed()) {
                work.saving.set(true);
            }
        }
    };
    Effect::new(move |_| {
        let Some(place) = place.get() else { return };
        let text = text.clone();
        spawn_local(async move {
            match CodeView::edit(&place, &text, hear).await {
                // The page may be gone by now, and its signals with it.
                Ok(view) => drop(code.try_set(Some(view))),
                Err(reason) => drop(failure.try_set(Some(reason))),
            }
        });
    });
    Effect::new(move |_| {
        if let Some(code) = code.get() {
            work.problems.with(|problems| code.set_problems(problems));
        }
    });
    // Words of a head that cannot be read would be fewer.
    let words = Memo::new(move |before: Option<&Vec<TemplateWord>>| {
        work.reading.value.with(|reading| match reading.ready() {
            Some(reading) if !reading.kind.is_empty() => reading.words.clone(),
            _ => before.cloned().unwrap_or_default(),
        })
    });
    let usual = load(|| Some(ListTemplateWords {}));
    Effect::new(move |_| {
        if let Some(code) = code.get() {
            let usual = usual.value.with(|usual| usual.ready().cloned().unwrap_or_default());
            code.set_words(&[words.get(), usual].concat());
        }
    });
    Effect::new(move |_| {
        let (Some(code), Some(line)) = (code.get(), work.wanted.get()) else { return };
        code.reveal(line);
        work.wanted.set(None);
    });
    Effect::new(move |_| {
        let (Some(code), Some(text)) = (code.get(), work.replaced.get()) else { return };
        code.set_text(&text);
        work.replaced.set(None);
    });
    view! {
        <Bar work list_open />
        {move || failure.get().map(|failure| view! { <InlineFailure failure /> })}
        <div class="code" data-testid="editor" node_ref=place></div>
        <Problems work />
        <SaveDialog work />
    }
}

/// Goes where the word under the cursor is declared; for a block, to the template that this one extends.
fn follow(app: App, work: Work, followed: Followed) {
    let reading = work.reading.value.get_untracked();
    let (Some(reading), Some(name)) = (reading.ready(), untrack(|| work.name())) else { return };
    let place = match followed {
        Followed::File(template) => Some(TemplateLine { template, line: 1 }),
        Followed::Block(block) => {
            let block = reading.blocks.iter().find(|known| known.name == block);
            block.and_then(|block| block.places.iter().find(|place| place.template != name).cloned())
        }
        Followed::Word(word) => {
            let (of, word) = word.split_once('.').map_or((None, word.as_str()), |(of, word)| (Some(of), word));
            let known = |known: &&TemplateWord| known.word == word && known.of.as_deref() == of;
            reading.words.iter().find(known).and_then(|known| known.at.clone())
        }
    };
    match place {
        Some(place) => work.open(place.template, Some(place.line)),
        None => app.tell(NoticeKind::Info, "Nothing else is known of what stands at the cursor."),
    }
}

#[component]
fn Bar(work: Work, list_open: RwSignal<bool>) -> impl IntoView {
    let changed = Memo::new(move |_| work.is_changed());
    let stored = move || work.opened.get().map(|opened| opened.stored);
    let state = move || {
        stored().map(|stored| match (stored.edited, stored.released) {
            (_, Some(released)) if released == stored.version => format!("version {}, released", stored.version),
            (false, _) => format!("version {}, as it came with Assay", stored.version),
            (true, _) => format!("version {}", stored.version),
        })
    };
    view! {
        <div class="bench-bar">
            <span class="list-button">
                <IconButton icon="results" label="Show the list of templates" small=true testid="show-list" on_press=move |_| list_open.update(|open| *open = !*open) />
            </span>
            <h2 class="clip" data-testid="open-template">{move || work.name()}</h2>
            <span class="small quiet clip" data-testid="template-state">{state}</span>
            <span class="grow"></span>
            <Show when=move || changed.get()>
                <Button small=true kind=ButtonKind::Ghost testid="template-discard" on_press=move |_| work.discard()>
                    "Discard changes"
                </Button>
            </Show>
            <Button
                small=true
                kind=ButtonKind::Primary
                testid="template-save"
                title="Keep this text as the next version (Ctrl+S)"
                disabled=Signal::derive(move || !changed.get())
                on_press=move |_| work.saving.set(true)
            >
                "Save version…"
            </Button>
        </div>
    }
}

#[component]
fn Problems(work: Work) -> impl IntoView {
    let problem = move |problem: TemplateProblem| {
        let line = problem.line.unwrap_or(1);
        let place = problem.line.map_or_else(|| "Whole template".to_owned(), |line| format!("Line {line}"));
        view! {
            <li>
                <button type="button" class="problem" data-testid="template-problem" on:click=move |_| work.wanted.set(Some(line))>
                    <Icon name="error" size=14 />
                    <span class="problem-line">{place}</span>
                    <span>{problem.reason}". "{problem.remedy}"."</span>
                </button>
            </li>
        }
    };
    view! {
        <div class="problems" role="status" data-testid="template-problems">
            {move || work.reading.value.with(|reading| match reading {
                Loaded::Waiting => ().into_any(),
                Loaded::Failed(failure) => view! { <InlineFailure failure=failure.clone() /> }.into_any(),
                Loaded::Ready(_) if work.problems.with(Vec::is_empty) => view! { <NoProblem work /> }.into_any(),
                Loaded::Ready(_) => view! {
                    <ul>{work.problems.get().into_iter().map(problem).collect_view()}</ul>
                }.into_any(),
            })}
        </div>
    }
}

/// The text reads well; whether something can be made with it, only the preview knows.
#[component]
fn NoProblem(work: Work) -> impl IntoView {
    let refused = Memo::new(move |_| work.preview.value.with(|preview| preview.failed().is_some()));
    move || {
        let (icon, told) = if refused.get() {
            ("warning", "It reads well, but nothing can be made with it: the preview says why.")
        } else {
            ("check", "Nothing is wrong with this template.")
        };
        view! { <p class="small quiet problems-none" class:caution=refused><Icon name=icon size=14 />{told}</p> }
    }
}

#[component]
fn SaveDialog(work: Work) -> impl IntoView {
    let app = App::get();
    let (open, releasing) = (work.saving, work.releasing);
    let note = RwSignal::new(String::new());
    let save = move |_| {
        let (said, released) = (note.get_untracked(), releasing.get_untracked());
        let origin = if work.merging.get_untracked() { VersionOrigin::Merged } else { VersionOrigin::Saved };
        open.set(false);
        note.set(String::new());
        work.save(work.text.get_untracked(), origin, said, released, move |stored| {
            let released = if released { " and released" } else { "" };
            app.tell(NoticeKind::Info, format!("{} is version {} now{released}.", stored.name, stored.version));
        });
    };
    Effect::new(move |_| {
        if !open.get() {
            releasing.set(false);
        }
    });
    let wrong = move || {
        let many = work.problems.with(Vec::len);
        (many > 0).then(|| {
            let problems = counted(many as u64, "problem");
            format!("The text has {problems}. It can be kept, but what is made from it may be refused.")
        })
    };
    view! {
        <Dialog open title="Save a version">
            <div class="dialog-body stack">
                <Field label="What changed" hint="A sentence for those who look at the history; it may be empty.">
                    <TextInput value=note testid="save-note" first=true />
                </Field>
                <Check checked=releasing testid="save-released" on_change=move |released| releasing.set(released)>
                    "Mark it as released"
                </Check>
                {move || wrong().map(|wrong| view! { <p class="caution small">{wrong}</p> })}
            </div>
            <div class="dialog-foot">
                <Button on_press=move |_| open.set(false)>"Cancel"</Button>
                <Button kind=ButtonKind::Primary testid="save-version" on_press=save>"Save"</Button>
            </div>
        </Dialog>
    }
}
