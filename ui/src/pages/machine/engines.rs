//! Engines: what is installed, in which version, and where it runs.

use crate::parts::*;
use contract::{Availability, EngineStatus};
use leptos::prelude::*;

#[component]
pub fn EngineTable(engines: Vec<EngineStatus>) -> impl IntoView {
    view! {
        <section class="panel" aria-labelledby="engines-title">
            <h2 id="engines-title">"Engines"</h2>
            <table class="table engines">
                <thead>
                    <tr><th scope="col">"Engine"</th><th scope="col">"Version"</th><th scope="col">"Runs on"</th></tr>
                </thead>
                <tbody>{engines.into_iter().map(|engine| view! { <EngineRow engine /> }).collect_view()}</tbody>
            </table>
        </section>
    }
}

#[component]
fn EngineRow(engine: EngineStatus) -> impl IntoView {
    let (ready, missing): (Vec<_>, Vec<_>) =
        engine.targets.into_iter().partition(|target| target.availability.is_ready());
    let missing_count = missing.len();
    view! {
        <tr data-testid=format!("engine-{}", engine.id)>
            <td>
                <strong>{engine.name}</strong>
                {engine.library.map(|library| view! { <span class="quiet small engine-library clip" title=library.clone()>{library.clone()}</span> })}
            </td>
            <td class="mono">{engine.version.unwrap_or_else(|| "–".into())}</td>
            <td>
                {match engine.availability {
                    Availability::Ready => ().into_any(),
                    Availability::Missing { reason, remedy } => view! {
                        <p>{reason}</p>
                        <p class="quiet small">{remedy}</p>
                    }
                    .into_any(),
                }}
                <ul class="plain-list">
                    {ready
                        .into_iter()
                        .map(|target| view! {
                            <li>
                                <span>{format!("{} · {}", target.platform, target.device_name)}</span>
                                <span class="quiet small">
                                    {target.precisions.iter().map(|precision| precision.label()).collect::<Vec<_>>().join(", ")}
                                </span>
                                {target.not_ranked.map(|reason| view! { <span class="small caution">{reason}</span> })}
                            </li>
                        })
                        .collect_view()}
                </ul>
                {(missing_count > 0).then(|| view! {
                    <details class="disclosure">
                        <summary class="small"><Icon name="right" size=12 />{format!("Not here ({missing_count})")}</summary>
                        <ul class="missing-list">
                            {missing
                                .into_iter()
                                .filter_map(|target| match target.availability {
                                    Availability::Missing { reason, remedy } => Some(view! {
                                        <li>
                                            <strong>{format!("{} · {}", target.platform, target.device_name)}</strong>
                                            <span class="quiet">{reason}</span>
                                            <span>{remedy}</span>
                                        </li>
                                    }),
                                    Availability::Ready => None,
                                })
                                .collect_view()}
                        </ul>
                    </details>
                })}
            </td>
        </tr>
    }
}
