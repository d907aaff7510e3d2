//! The configuration as a form: every whole number that the model is made from.

use super::{ModelDraft, detail::Known, words};
use crate::parts::*;
use contract::{ConfigSize, ModelClass, json_text};
use leptos::prelude::*;

#[component]
pub fn Form(known: Known) -> impl IntoView {
    let draft = ModelDraft::get();
    // A configuration that breaks off early keeps the fields it had.
    let sizes = Memo::new(move |last: Option<&Vec<ConfigSize>>| {
        let now =
            known.reading.with(|reading| reading.as_ref().map(|reading| reading.sizes.clone()).unwrap_or_default());
        match last {
            Some(last) if last.len() > now.len() && known.reading.with(is_broken) => last.clone(),
            _ => now,
        }
    });
    let parts = Memo::new(move |_| {
        let mut parts: Vec<String> = sizes.with(|sizes| sizes.iter().map(|size| words::part(&size.key)).collect());
        let mut seen = Vec::new();
        parts.retain(|part| {
            !seen.contains(part) && {
                seen.push(part.clone());
                true
            }
        });
        parts
    });
    let has_text = Memo::new(move |_| draft.text.with(|text| !text.trim().is_empty()));
    let of_part = move |part: &str| -> Vec<ConfigSize> {
        sizes.with(|sizes| sizes.iter().filter(|size| words::part(&size.key) == part).cloned().collect())
    };
    view! {
        <Show when=move || !has_text.get()>
            <p class="quiet">"There is no configuration yet. Choose “config.json” above and paste one."</p>
        </Show>
        <Show when=move || has_text.get() && known.reading.with(is_broken) && sizes.with(Vec::is_empty)>
            <p class="quiet">"Assay finds no sizes in this configuration to make a form of. Choose “config.json” above to see it as it is written."</p>
        </Show>
        <Classes known />
        <For each=move || parts.get() key=String::clone let:part>
            {
                let heading = part.clone();
                view! {
                    {(!heading.is_empty()).then(|| view! { <h3 class="form-part">{heading}</h3> })}
                    <div class="config-grid">
                        <For each=move || of_part(&part) key=|size| size.key.clone() let:size>
                            <SizeField size known />
                        </For>
                    </div>
                }
            }
        </For>
    }
}

fn is_broken(reading: &Option<contract::ConfigReading>) -> bool {
    reading.as_ref().is_some_and(|reading| reading.description.is_none())
}

/// One whole number. What cannot be is said below it.
#[component]
fn SizeField(size: ConfigSize, known: Known) -> impl IntoView {
    let draft = ModelDraft::get();
    let ConfigSize { key, optional, least, most, value: default, .. } = size;
    let shown = {
        let key = key.clone();
        Memo::new(move |_| {
            let value = draft.text.with(|text| written(text, &key)).unwrap_or_else(|| default.to_string());
            // 0 stands for a size that is not there, which a width of 0 would not say.
            if optional && value == "0" { String::new() } else { value }
        })
    };
    let wrong = {
        let key = key.clone();
        Signal::derive(move || {
            known.reading.with(|reading| {
                let problem = reading.as_ref()?.problem.as_ref()?;
                (problem.key.as_ref() == Some(&key)).then(|| problem.reason.clone())
            })
        })
    };
    let (testid, label) = (format!("size-{key}"), words::label(&key));
    let title = format!("{key}: a whole number from {least} to {most}");
    let change = move |input: web_sys::HtmlInputElement| {
        let text = input.value();
        match text.trim().parse() {
            Ok(value) => draft.change(&key, Some(value)),
            // What is no number yet, such as a minus, is empty as well.
            Err(_) if optional && text.is_empty() && input.check_validity() => draft.change(&key, None),
            Err(_) => {}
        }
    };
    view! {
        <Field label wrong=wrong>
            <input
                class="input"
                type="number"
                min=least.to_string()
                max=most.to_string()
                title=title
                placeholder=optional.then_some("not set")
                data-testid=testid
                aria-invalid=move || wrong.get().is_some().to_string()
                prop:value=shown
                on:input:target=move |event| change(event.target())
            />
        </Field>
    }
}

fn written(text: &str, key: &str) -> Option<String> {
    let value = &text[json_text::value_at(text, key)?];
    (value != "null").then(|| value.to_owned())
}

/// What the model does, where its type can be built for several tasks.
#[component]
fn Classes(known: Known) -> impl IntoView {
    let draft = ModelDraft::get();
    let classes = Memo::new(move |_| {
        known.reading.with(|reading| reading.as_ref().map(|reading| reading.classes.clone()).unwrap_or_default())
    });
    let chosen =
        Memo::new(move |_| known.description.with(|known| known.as_ref().and_then(|known| known.class.clone())));
    let choose = move |class: String| {
        let changed =
            draft.text.with_untracked(|text| json_text::with_value(text, "architectures", &format!("[\"{class}\"]")));
        if let Some(changed) = changed {
            draft.text.set(changed);
        }
    };
    view! {
        <Show when=move || classes.with(|classes| classes.len() > 1)>
            <label class="field class-field">
                <span class="label">"What it does"</span>
                <select
                    class="input"
                    data-testid="model-class"
                    prop:value=move || chosen.get().unwrap_or_default()
                    on:change:target=move |event| choose(event.target().value())
                >
                    <For each=move || classes.get() key=|class| class.name.clone() let:class>
                        <ClassOption class chosen />
                    </For>
                </select>
            </label>
        </Show>
    }
}

#[component]
fn ClassOption(class: ModelClass, chosen: Memo<Option<String>>) -> impl IntoView {
    let ModelClass { name, about } = class;
    let own = name.clone();
    view! {
        <option value=name.clone() selected=move || chosen.with(|chosen| chosen.as_ref() == Some(&own))>
            {format!("{about} ({name})")}
        </option>
    }
}
