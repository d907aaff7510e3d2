//! What goes in, in the units that people count in: tokens and words, pixels, seconds of sound.

use super::{ModelDraft, detail::Known};
use crate::parts::*;
use chart::format::significant;
use contract::{Dim, DimRole};
use leptos::prelude::*;

/// English text has about so many words for a token of the usual vocabularies.
const WORDS_PER_TOKEN: f64 = 0.75;

#[component]
pub fn Inputs(known: Known) -> impl IntoView {
    let dims = Memo::new(move |_| known.dims());
    view! {
        <Show when=move || dims.with(|dims| !dims.is_empty())>
            <section class="panel" aria-labelledby="model-inputs">
                <header class="panel-head">
                    <h2 id="model-inputs">"What goes in"</h2>
                </header>
                <div class="config-grid wide">
                    <For each=move || dims.get() key=|dim| dim.clone().name let:dim>
                        <DimField dim known />
                    </For>
                </div>
            </section>
        </Show>
    }
}

#[component]
fn DimField(dim: Dim, known: Known) -> impl IntoView {
    let draft = ModelDraft::get();
    let dim = StoredValue::new(dim);
    let name = dim.with_value(|dim| dim.name.clone());
    let now = {
        let (name, default) = (name.clone(), dim.with_value(|dim| dim.default));
        Memo::new(move |_| draft.dims.with(|dims| dims.get(&name).copied()).unwrap_or(default))
    };
    let wrong = {
        let name = name.clone();
        Signal::derive(move || {
            known.reading.with(|reading| {
                let problem = reading.as_ref()?.problem.as_ref()?;
                (problem.dim.as_ref() == Some(&name)).then(|| problem.reason.clone())
            })
        })
    };
    let hint = move || dim.with_value(|dim| hint(dim, now.get()));
    let testid = format!("input-{name}");
    let typed = move |text: String| {
        if let Some(value) = dim.with_value(|dim| dim_read(dim, &text)) {
            draft.dims.update(|dims| {
                dims.insert(name.clone(), value);
            });
        }
    };
    let label = dim.with_value(dim_question);
    let step = if dim.with_value(|dim| dim.per_second.is_some()) { "0.1" } else { "1" };
    view! {
        <Field label wrong=wrong>
            <input
                class="input"
                type="number"
                min="0"
                step=step
                data-testid=testid
                aria-invalid=move || wrong.get().is_some().to_string()
                prop:value=move || dim.with_value(|dim| dim_typed(dim, now.get()))
                on:input:target=move |event| typed(event.target().value())
            />
            <span class="hint">{hint}</span>
        </Field>
    }
}

fn hint(dim: &Dim, value: u32) -> String {
    let most = dim.max.map(|max| format!("at most {}", dim_typed(dim, max)));
    let unit = match dim.role {
        DimRole::Sequence => Some(format!("about {} words", significant((f64::from(value) * WORDS_PER_TOKEN).round()))),
        DimRole::ImageSize => Some("pixels".to_owned()),
        DimRole::Batch | DimRole::Sound | DimRole::Other => None,
    };
    [unit, most].into_iter().flatten().collect::<Vec<_>>().join(", ")
}
