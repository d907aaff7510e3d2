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
    let Dim { name, question, default, max, role, per_second } = dim;
    let now = {
        let name = name.clone();
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
    let hint = move || hint(role, now.get(), max);
    let testid = format!("input-{name}");
    let scale = per_second.map_or(1.0, f64::from);
    let typed = move |text: String| {
        if let Ok(value) = text.trim().parse::<f64>()
            && (0.0..=f64::from(u32::MAX)).contains(&(value * scale))
        {
            draft.dims.update(|dims| {
                dims.insert(name.clone(), (value * scale).round() as u32);
            });
        }
    };
    let label = if per_second.is_some() { "How many seconds of sound?".to_owned() } else { question };
    view! {
        <Field label wrong=wrong>
            <input
                class="input"
                type="number"
                min="0"
                step=if per_second.is_some() { "0.1" } else { "1" }
                data-testid=testid
                aria-invalid=move || wrong.get().is_some().to_string()
                prop:value=move || (f64::from(now.get()) / scale).to_string()
                on:input:target=move |event| typed(event.target().value())
            />
            <span class="hint">{hint}</span>
        </Field>
    }
}

fn hint(role: DimRole, value: u32, max: Option<u32>) -> String {
    let most = max.map(|max| format!("at most {max}"));
    let unit = match role {
        DimRole::Sequence => Some(format!("about {} words", significant((f64::from(value) * WORDS_PER_TOKEN).round()))),
        DimRole::ImageSize => Some("pixels".to_owned()),
        DimRole::Batch | DimRole::Other => None,
    };
    [unit, most].into_iter().flatten().collect::<Vec<_>>().join(", ")
}
