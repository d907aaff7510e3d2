//! What kind of model a type is and what Assay can do with it: known of every type, also of one that is not built.

use super::{detail::Known, filter::Can};
use crate::{
    parts::*,
    state::{App, Place},
};
use chart::format::{amount, bytes, count};
use contract::{ModelClass, Precision, Support, TypeRow};
use leptos::prelude::*;

#[component]
pub fn Kind(known: Known) -> impl IntoView {
    move || known.row.get().map(|row| view! { <Facts row known /> })
}

#[component]
fn Facts(row: TypeRow, known: Known) -> impl IntoView {
    let built = row.support == Support::Measured;
    let icon = if built { "check" } else { "warning" };
    let row = StoredValue::new(row);
    let fact = move |of: fn(&TypeRow) -> String| row.with_value(of);
    let told = move || {
        let classes = known.reading.with(|reading| reading.as_ref().map(|r| r.classes.clone()).unwrap_or_default());
        row.with_value(|row| ability(row, &classes))
    };
    // A model that is built has its own figures, which need not be those of the default configuration.
    let only_here = Memo::new(move |_| known.description.with(Option::is_none));
    view! {
        <section class="panel" aria-labelledby="model-kind" data-testid="kind">
            <header class="panel-head">
                <h2 id="model-kind">{fact(|row| format!("The type {}", row.model_type))}</h2>
                <Tests model_type=fact(|row| row.model_type.clone()) built />
            </header>
            <p class="fit" class:caution=!built data-testid="kind-ability">
                <Icon name=icon />
                <span>{told}</span>
            </p>
            <dl class="facts">
                <dt>"Family"</dt>
                <dd data-testid="kind-family">{fact(|row| format!("{}, because {}.", row.family, row.family_reason))}</dd>
                <dt>"Reads"</dt>
                <dd>{fact(|row| listed(row.reads.iter().map(|medium| medium.label())))}</dd>
                <dt>"Tasks"</dt>
                <dd data-testid="kind-tasks">{fact(|row| listed(row.tasks.iter().map(String::as_str)))}</dd>
            </dl>
            <Show when=move || only_here.get()>
                <Sizes row />
            </Show>
        </section>
    }
}

/// The way on for a type that is not built, and a further one for those that are.
#[component]
fn Tests(model_type: String, built: bool) -> impl IntoView {
    let app = App::get();
    let press = move |_| {
        app.wanted_type.set(Some(model_type.clone()));
        app.go(Place::Templates);
    };
    let kind = if built { ButtonKind::Plain } else { ButtonKind::Primary };
    view! {
        <Button kind small=true icon="templates" testid="kind-templates" on_press=press>
            "Make tests from templates"
        </Button>
    }
}

/// How large it is at the default configuration, as transformers counts it.
#[component]
fn Sizes(row: StoredValue<TypeRow>) -> impl IntoView {
    let Some(parameters) = row.with_value(|row| row.parameters) else {
        return view! {
            <p class="quiet small" data-testid="kind-parameters">
                "How large it is is not known: transformers cannot count its parameters at the default configuration."
            </p>
        }
        .into_any();
    };
    let precision = |precision: &Precision| {
        let weights = row.with_value(|row| row.weight_bytes(*precision)).map(bytes);
        view! {
            <tr>
                <th scope="row">{precision.label()}</th>
                <td class="number" data-testid=format!("kind-weights-{}", precision.key())>{weights}</td>
            </tr>
        }
    };
    view! {
        <div class="model-figure kind-size">
            <span class="quiet small">"Parameters of its base model at the default configuration"</span>
            <strong data-testid="kind-parameters">{amount(parameters)}</strong>
            <span class="quiet small">{count(parameters)}</span>
        </div>
        <table class="table memory-table">
            <thead>
                <tr>
                    <th scope="col">"Precision"</th>
                    <th scope="col" class="number">"Weights alone"</th>
                </tr>
            </thead>
            <tbody>{Precision::ALL.iter().map(precision).collect_view()}</tbody>
        </table>
        <p class="quiet small">"Weights alone are the parameters times the bits of one. Results between the layers and an engine's buffers come on top, and the scales of int8 and int4."</p>
    }
    .into_any()
}

fn listed<'a>(words: impl Iterator<Item = &'a str>) -> String {
    let words: Vec<&str> = words.collect();
    if words.is_empty() { "Nothing is listed".to_owned() } else { words.join(", ") }
}

/// What Assay can do with a type and why. `classes` are those of transformers that it can be built as.
fn ability(row: &TypeRow, classes: &[ModelClass]) -> String {
    let can = Can::of(&row.support).label();
    match &row.support {
        Support::Measured => {
            let named = match classes {
                [] => String::new(),
                [one] => format!(", as {}", one.name),
                [first, more @ ..] => format!(", as {} and {} more of its classes", first.name, more.len()),
            };
            format!("{can}: Assay builds it from its configuration{named}. {}", evidence(row))
        }
        Support::Templates { reason } => format!("{can}. {}.", reason.trim_end_matches('.')),
        Support::NotYet { reason } => {
            format!("{can}: {reason}. Templates make files for it all the same; running them tells whether they pass.")
        }
    }
}

/// Which engines measured a model of the type here.
fn evidence(row: &TypeRow) -> String {
    let engines = row.evidence.iter().filter(|record| record.measured > 0);
    let engines: Vec<String> = engines.map(|record| record.engine.label()).collect();
    if engines.is_empty() {
        return "None was measured here so far.".to_owned();
    }
    format!("Measured here with {}.", engines.join(", "))
}
