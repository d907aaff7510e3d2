//! The configuration as text, with its lines counted and the wrong one marked.

use super::{ModelDraft, detail::Known};
use leptos::prelude::*;

#[component]
pub fn Text(known: Known) -> impl IntoView {
    let draft = ModelDraft::get();
    let lines = Memo::new(move |_| draft.text.with(|text| text.split('\n').count().max(8)));
    let wrong = Memo::new(move |_| {
        known.reading.with(|reading| reading.as_ref().and_then(|reading| reading.problem.as_ref()?.line))
    });
    view! {
        <div class="config-code">
            <div class="code-lines" aria-hidden="true">
                {move || {
                    (1..=lines.get())
                        .map(|line| view! { <span class:wrong=move || wrong.get() == u32::try_from(line).ok()>{line}</span> })
                        .collect_view()
                }}
            </div>
            <textarea
                class="code-text"
                wrap="off"
                spellcheck="false"
                aria-label="config.json"
                data-testid="model-json"
                rows=move || lines.get().to_string()
                placeholder="{ \"model_type\": \"bert\", … }"
                aria-invalid=move || wrong.get().is_some().to_string()
                bind:value=draft.text
            ></textarea>
        </div>
    }
}
