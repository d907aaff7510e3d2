//! What the text in the editor does to everything that is made: what it breaks and mends, before it is released.

use super::{
    making::{Running, reached},
    work::Work,
};
use crate::{bridge, parts::*};
use chart::format::count;
use contract::*;
use leptos::{prelude::*, task::spawn_local};

/// Rows of a list that are shown; the count tells of all.
const SHOWN: usize = 60;

/// Where the work stands.
#[derive(Clone, Debug, PartialEq)]
enum State {
    Idle,
    Running,
    Done { text: String, impact: TemplateImpact },
    Failed(Failure),
}

#[component]
pub fn Impact(work: Work) -> impl IntoView {
    let state = RwSignal::new(State::Idle);
    // Nobody waits for the result any more.
    on_cleanup(move || {
        if matches!(state.try_get_untracked(), Some(State::Running)) {
            spawn_local(async { drop(bridge::ask(StopMaking {}).await) });
        }
    });
    let begin = move |_| {
        let Some(name) = untrack(|| work.name()) else { return };
        let text = work.text.get_untracked();
        state.set(State::Running);
        spawn_local(async move {
            let answer = bridge::ask(GetImpact { name, text: text.clone() }).await;
            state.try_set(match answer {
                Ok(impact) => State::Done { text, impact },
                Err(Failure::Cancelled) => State::Idle,
                Err(failure) => State::Failed(failure),
            });
        });
    };
    let changed = Memo::new(move |_| work.is_changed());
    view! {
        <div class="side-scroll" data-testid="impact">
            <p class="small quiet">
                "Every file that is made from this template is made twice, with the text in use and with the text in the editor, and both are checked."
            </p>
            {move || match state.get() {
                State::Running => view! { <Running /> }.into_any(),
                _ => view! {
                    <div class="row">
                        <Button
                            icon="spark"
                            testid="impact-begin"
                            disabled=Signal::derive(move || !changed.get())
                            on_press=begin
                        >
                            "See what this change does"
                        </Button>
                    </div>
                    <Show when=move || !changed.get()>
                        <p class="small quiet">"The text in the editor is the one in use. Change it to see what that does."</p>
                    </Show>
                }.into_any(),
            }}
            {move || match state.get() {
                State::Idle | State::Running => ().into_any(),
                State::Failed(failure) => view! { <InlineFailure failure /> }.into_any(),
                State::Done { text, impact } => view! { <Found text impact work /> }.into_any(),
            }}
        </div>
    }
}

#[component]
fn Found(text: String, impact: TemplateImpact, work: Work) -> impl IntoView {
    let TemplateImpact { reached, changed, breaks, mends, still_broken } = impact;
    let is_old = Memo::new(move |_| work.text.with(|now| *now != text));
    let sound = breaks.is_empty();
    let told = match (reached, changed) {
        (0, _) => "Nothing is made from this template.".to_owned(),
        (1, 0) if breaks.is_empty() && mends.is_empty() => "One file is made from it, and it does not change.".into(),
        (reached, 0) if breaks.is_empty() && mends.is_empty() => {
            format!("{} files are made from it, and none of them changes.", count(reached as u64))
        }
        (reached, changed) => {
            let are = if changed == 1 { "is sound and differs" } else { "are sound and differ" };
            format!("Of {} made from it, {} {are}.", counted(reached as u64, "file"), count(changed as u64))
        }
    };
    let still = match still_broken {
        0 => None,
        1 => Some("One was not sound before and is not now.".to_owned()),
        many => Some(format!("{} were not sound before and are not now.", count(many as u64))),
    };
    view! {
        <div class="stack" class:faded=is_old data-testid="impact-found">
            <Show when=move || is_old.get()>
                <p class="caution small">"The text has changed since."</p>
            </Show>
            <p>{told}" "{still}</p>
            <Files title="Newly broken" files=breaks testid="impact-breaks" />
            <Files title="Mended" files=mends testid="impact-mends" />
            {sound.then(|| view! {
                <div class="row">
                    <Button
                        kind=ButtonKind::Primary
                        icon="check"
                        testid="impact-release"
                        disabled=is_old
                        on_press=move |_| {
                            work.releasing.set(true);
                            work.saving.set(true);
                        }
                    >
                        "Save and release…"
                    </Button>
                </div>
            })}
        </div>
    }
}

#[component]
fn Files(title: &'static str, files: Vec<ReachedFile>, testid: &'static str) -> impl IntoView {
    let many = files.len();
    view! {
        <section data-testid=testid>
            <h3>{title}": "{count(many as u64)}</h3>
            <ul class="reached">{files.into_iter().take(SHOWN).map(reached).collect_view()}</ul>
            {(many > SHOWN).then(|| view! { <p class="small quiet">"The first "{SHOWN}" are shown."</p> })}
        </section>
    }
}
