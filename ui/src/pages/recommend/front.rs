//! The settings that keep the limits, drawn: time against memory or cost.

use crate::{pages::ExportButtons, parts::*, state::App};
use chart::{Against, Options};
use contract::{Candidate, RunId};
use leptos::prelude::*;

#[component]
pub fn Front(candidates: Vec<Candidate>, open: RwSignal<Option<(RunId, f64)>>) -> impl IntoView {
    let app = App::get();
    let priced = candidates.iter().any(|candidate| candidate.cost_per_hour.is_some());
    let against = RwSignal::new(Against::Memory);
    let pressable = candidates.clone();
    let figure = Memo::new(move |_| {
        chart::front(&candidates, against.get(), Options { theme: app.theme(), ..Options::default() })
    });
    let drawn = Signal::derive(move || figure.with(|figure| figure.as_ref().ok().cloned()));
    let name = Signal::derive(move || match against.get() {
        Against::Memory => "time-against-memory",
        Against::Cost => "time-against-cost",
    });
    let lack = Memo::new(move |_| figure.with(|figure| figure.as_ref().err().map(|lack| lack.0.clone())));
    let caption = move || drawn.with(|figure| figure.as_ref().map(|figure| figure.caption.clone()));
    let press = move |id: String| {
        let found = pressable.iter().find(|candidate| candidate.runs.first().is_some_and(|run| run.0 == id));
        open.set(found.map(|candidate| (RunId(id), candidate.latency_ms.value)));
    };
    view! {
        <section class="panel" aria-labelledby="front-title">
            <header class="panel-head">
                <h3 id="front-title">"What it costs to be fast"</h3>
                <div class="row wrap">
                    {priced.then(|| view! {
                        <Segmented
                            options=vec![
                                (Against::Memory, "Memory".into(), "front-memory".into()),
                                (Against::Cost, "Cost".into(), "front-cost".into()),
                            ]
                            chosen=against
                            label="What time is weighed against"
                            on_choose=move |chosen| against.set(chosen)
                        />
                    })}
                    <ExportButtons name figure=drawn />
                </div>
            </header>
            <Show
                when=move || lack.with(Option::is_none)
                fallback=move || view! { <p class="quiet">{lack.get()}</p> }
            >
                <figure>
                    <PlotView figure=drawn on_press=press.clone() />
                    <figcaption class="small quiet">{caption}</figcaption>
                </figure>
                <DataTable figure=drawn />
            </Show>
        </section>
    }
}
