//! The variables of the open template: what they are for, and the values that the preview takes.

use super::work::Work;
use crate::parts::*;
use contract::*;
use leptos::prelude::*;

#[component]
pub fn Values(work: Work) -> impl IntoView {
    let variables = Memo::new(move |before: Option<&Vec<InheritedVariable>>| {
        work.reading.value.with(|reading| match reading.ready() {
            Some(reading) if !reading.kind.is_empty() => reading.variables.clone(),
            // A head that cannot be read for a moment does not take the form away.
            _ => before.cloned().unwrap_or_default(),
        })
    });
    view! {
        <div class="values" data-testid="values">
            <p class="small quiet">"These values hold for the preview alone. What is generated takes the values that the templates give."</p>
            <Show
                when=move || variables.with(|variables| !variables.is_empty())
                fallback=|| view! { <p class="quiet">"Neither this template nor one that it extends has variables."</p> }
            >
                {move || variables.get().into_iter().map(|inherited| view! { <Value inherited work /> }).collect_view()}
            </Show>
        </div>
    }
}

#[component]
fn Value(inherited: InheritedVariable, work: Work) -> impl IntoView {
    let InheritedVariable { variable, declared_in } = inherited;
    let TemplateVariable { name, kind, default, allowed, help } = variable;
    let default = shown(&default);
    let hint = format!("{help}. From {declared_in}.");
    let typed = {
        let name = name.clone();
        Signal::derive(move || work.choice.with(|choice| choice.variables.get(&name).cloned()))
    };
    let set = {
        let (name, default) = (name.clone(), default.clone());
        move |value: String| {
            work.choice.update(|choice| {
                // An empty field means the usual value, and so does that value itself.
                if value.is_empty() || value == default {
                    choice.variables.remove(&name);
                } else {
                    choice.variables.insert(name.clone(), value);
                }
            });
        }
    };
    let now = {
        let default = default.clone();
        Signal::derive(move || typed.get().unwrap_or_else(|| default.clone()))
    };
    let testid = format!("value-{name}");
    let allowed: Vec<String> =
        if kind == "flag" { vec!["true".into(), "false".into()] } else { allowed.iter().map(shown).collect() };
    if allowed.is_empty() {
        return view! {
            <Field label=name hint>
                <input
                    class="input"
                    type="text"
                    placeholder=if default.is_empty() { "empty".to_owned() } else { default }
                    data-testid=testid
                    prop:value=move || typed.get().unwrap_or_default()
                    on:change:target=move |event| set(event.target().value())
                />
            </Field>
        }
        .into_any();
    }
    let options =
        allowed.into_iter().map(|value| (value.clone(), value.clone(), format!("{testid}-{value}"))).collect();
    view! {
        <div class="field">
            <span class="label">{name.clone()}</span>
            <div><Segmented options chosen=now label=name on_choose=set /></div>
            <span class="hint">{hint}</span>
        </div>
    }
    .into_any()
}

/// A value as a person would type it.
fn shown(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::String(text) => text.clone(),
        serde_json::Value::Array(items) => items.iter().map(shown).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}
