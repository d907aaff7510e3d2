//! One result in full, with its note.

use crate::{
    actions,
    load::load,
    parts::{run::RunDetails, *},
    state::{App, Place},
};
use contract::*;
use leptos::prelude::*;

#[component]
pub fn ResultDrawer(row: RunRow, on_close: impl Fn() + Clone + Send + Sync + 'static) -> impl IntoView {
    let app = App::get();
    let id = row.id.clone();
    let median_ms = row.median_ms;
    let asked = id.clone();
    let whole = load(move || Some(GetRun { id: asked.clone() }));
    let delete = {
        let (id, on_close) = (id.clone(), on_close.clone());
        move |_| {
            on_close();
            actions::delete_runs(app, vec![id.clone()]);
        }
    };
    let in_charts = {
        let row = row.clone();
        move |_| {
            app.picked.set(vec![row.clone()]);
            app.go(Place::Charts);
        }
    };
    view! {
        <Drawer title=row.model.clone() lead="One result, with everything it rests on" on_close>
            <section class="drawer-section">
                <div class="row wrap">
                <Button small=true icon="charts" on_press=in_charts>"Show in charts"</Button>
                <Button small=true kind=ButtonKind::Danger icon="trash" testid="delete-one" on_press=delete>"Delete"</Button>
                </div>
            </section>
            <Note id note=row.note />
            <WhenLoaded load=whole rows=8 ready=move |run| view! { <RunDetails run median_ms /> } />
        </Drawer>
    }
}

/// A person's own words about a result; saved when the field is left.
#[component]
fn Note(id: RunId, note: String) -> impl IntoView {
    let app = App::get();
    let text = RwSignal::new(note.clone());
    let saved = RwSignal::new(note);
    let save = move |_| {
        let note = text.get_untracked();
        if note != saved.get_untracked() {
            let written = note.clone();
            actions::send(app, SetNote { id: id.clone(), note }, move |app, ()| {
                saved.set(written);
                app.results.update(|version| *version += 1);
            });
        }
    };
    view! {
        <section class="drawer-section">
            <Field label="Note">
                <textarea
                    class="input"
                    rows="2"
                    placeholder="What was special about this one?"
                    data-testid="note"
                    prop:value=text
                    on:input:target=move |event| text.set(event.target().value())
                    on:blur=save
                ></textarea>
            </Field>
        </section>
    }
}
