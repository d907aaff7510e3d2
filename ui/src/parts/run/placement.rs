//! Where the graph really ran.

use chart::format::{operations, significant};
use contract::counted;
use leptos::prelude::*;

#[component]
pub fn Placement(placement: contract::Placement) -> impl IntoView {
    let nodes: u32 = placement.parts.iter().map(|part| part.nodes).sum();
    let share = |of: f64| format!("{} %", significant(of * 100.0));
    let macs = placement.mac_share.map(|of| format!(" and {} of the multiply-accumulates", share(of)));
    let told = if placement.parts.is_empty() {
        format!("{} of the work", share(placement.share()))
    } else {
        format!("{} of the nodes{}", share(placement.node_share), macs.unwrap_or_default())
    };
    let sentence = format!("{told} ran on the device that was asked for.");
    view! {
        <section class="drawer-section">
            <h3>"Placement"</h3>
            <p class="small">{sentence}</p>
            {(nodes > 0).then(|| view! {
                <div class="placement" aria-hidden="true">
                    {placement.parts.iter().enumerate().map(|(index, part)| {
                        let width = f64::from(part.nodes) / f64::from(nodes) * 100.0;
                        view! { <i class=format!("part-{}", index % 4) style=format!("width:{width:.2}%")></i> }
                    }).collect_view()}
                </div>
            })}
            <dl class="facts">
                {placement.parts.into_iter().map(|part| {
                    let macs = part.macs.map(|macs| format!(", {} multiply-accumulates", operations(macs as f64)));
                    view! {
                        <dt>{part.on}</dt>
                        <dd>{counted(part.nodes.into(), "node")}{macs}</dd>
                    }
                }).collect_view()}
                <dt>"Known from"</dt>
                <dd>{placement.source}</dd>
            </dl>
        </section>
    }
}
