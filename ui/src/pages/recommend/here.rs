//! What runs well on this machine: every known model in its best setting here.

use super::{ask::LimitFields, question::Question, words};
use crate::{
    load::load,
    parts::*,
    state::{App, Place},
};
use chart::format::{bytes, count, significant};
use contract::*;
use leptos::prelude::*;

/// Rows drawn; a table of thousands is searched in the matrix.
const SHOWN: usize = 200;

#[component]
pub fn Here() -> impl IntoView {
    let app = App::get();
    let question = Question::get();
    let advice = load(move || {
        app.results.track();
        app.machine.track();
        Some(AdviseMachine { limits: question.limits.get() })
    });
    let scope = Memo::new(move |before: Option<&Scope>| {
        advice.value.with(|advice| advice.ready().map_or_else(|| before.cloned().unwrap_or_default(), scope_of))
    });
    view! {
        <div class="recommend-body">
            <aside class="panel recommend-ask" aria-label="What must be kept to">
                <LimitFields scope />
            </aside>
            <div class="recommend-answer" aria-busy=move || advice.busy.get().to_string() class:busy=advice.busy>
                <words::Working busy=advice.busy />
                <Updating load=advice rows=8 ready=move |advice| move || view! { <Models advice=advice.get() /> } />
            </div>
        </div>
    }
}

/// Only what is listed can be limited.
fn scope_of(advice: &MachineAdvice) -> Scope {
    let range = |of: &dyn Fn(&Candidate) -> Option<f64>| {
        let values = advice.models.iter().filter_map(|model| of(&model.best));
        values.fold(None, |range: Option<(f64, f64)>, value| {
            Some(range.map_or((value, value), |(low, high)| (low.min(value), high.max(value))))
        })
    };
    Scope {
        latency_ms: range(&|best| Some(best.latency_ms.value)),
        samples_per_s: range(&|best| Some(best.samples_per_s)),
        memory_mb: range(&|best| best.memory_mb.map(|memory| memory.value)),
        ..Scope::default()
    }
}

#[component]
fn Models(advice: MachineAdvice) -> impl IntoView {
    let app = App::get();
    if advice.places == 0 {
        return view! {
            <Empty
                icon="machine"
                title="Nothing is known of this machine yet"
                explain="What runs well here is told from results of this machine, and predicted for other models from there. Measure a few models first."
            >
                <Button kind=ButtonKind::Primary icon="launch" testid="here-measure" on_press=move |_| app.go(Place::Launch)>
                    "Measure"
                </Button>
            </Empty>
        }
        .into_any();
    }
    let left_out = match advice.left_out {
        0 => String::new(),
        1 => " One model keeps no limit here, or too little is known of it.".into(),
        n => format!(" {} models keep no limit here, or too little is known of them.", count(n.into())),
    };
    let listed = advice.models.len();
    let told = match listed {
        n if n > SHOWN => format!("The fastest {SHOWN} of {} models.", count(n as u64)),
        n => format!("{}.", counted(n as u64, "model")),
    };
    view! {
        <p class="quiet">{told}{left_out}" "{advice.learned_from.told()}</p>
        <div class="table-frame">
            <table class="table results" data-testid="models-here">
                <thead>
                    <tr>
                        <th scope="col">"Model"</th>
                        <th scope="col">"Best setting here"</th>
                        <th scope="col" class="number">"Time"</th>
                        <th scope="col" class="number">"Memory"</th>
                        <th scope="col">"Elsewhere"</th>
                    </tr>
                </thead>
                <tbody>{advice.models.into_iter().take(SHOWN).map(|model| view! { <Row model /> }).collect_view()}</tbody>
            </table>
        </div>
    }
    .into_any()
}

#[component]
fn Row(model: ModelHere) -> impl IntoView {
    let ModelHere { work, family, best, elsewhere } = model;
    let fed = fed_text(&work.fed());
    let elsewhere = elsewhere
        .map(|other| format!("{} times faster on {} ({})", significant(other.times_faster), other.hardware, other.ran));
    let memory = best.memory_mb.map(|memory| bytes((memory.value * 1e6) as u64));
    view! {
        <tr>
            <td>
                <span class="results-two">
                    <strong class="clip">{work.model}</strong>
                    <span class="quiet small clip">{family}</span>
                </span>
            </td>
            <td>
                <span class="results-two">
                    <span class="clip">{words::how(&best.setting)}</span>
                    <span class="quiet small">{fed}</span>
                </span>
            </td>
            <td class="number"><words::TimeCell candidate=best /></td>
            <td class="number">{memory.unwrap_or_else(|| "–".into())}</td>
            <td class="why small quiet">{elsewhere}</td>
        </tr>
    }
}
