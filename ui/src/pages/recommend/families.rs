//! Families of models × platforms, from results alone.

use crate::{load::load, parts::*, state::App};
use chart::format::count;
use contract::{Compatibility, Evidence, FamilySupport, GetCompatibility, Platform, SupportCell, counted};
use leptos::prelude::*;

#[component]
pub fn Families() -> impl IntoView {
    let app = App::get();
    let compatibility = load(move || {
        app.results.track();
        Some(GetCompatibility {})
    });
    view! {
        <div class="page-scroll">
            <WhenLoaded load=compatibility rows=8 ready=move |compatibility| view! { <Table compatibility /> } />
        </div>
    }
}

#[component]
fn Table(compatibility: Compatibility) -> impl IntoView {
    let Compatibility { platforms, families } = compatibility;
    let heads = platforms.iter().map(|platform| view! { <th scope="col">{platform.label()}</th> }).collect_view();
    view! {
        <div class="table-frame">
            <table class="table families" data-testid="families">
                <thead><tr><th scope="col">"Family"</th>{heads}</tr></thead>
                <tbody>
                    {families
                        .into_iter()
                        .map(|FamilySupport { family, cells }| view! {
                            <tr>
                                <th scope="row">{family}</th>
                                {platforms.iter().zip(cells).map(|(platform, cell)| cell_view(*platform, cell)).collect_view()}
                            </tr>
                        })
                        .collect_view()}
                </tbody>
            </table>
        </div>
        <p class="small quiet families-key">
            <EvidenceMark evidence=Evidence::Measured />" ran on this or another machine with Assay  "
            <EvidenceMark evidence=Evidence::Imported />" ran according to an imported table  "
            <i class="mark failed" aria-hidden="true"></i>" was tried in vain"
        </p>
    }
}

fn cell_view(platform: Platform, cell: Option<SupportCell>) -> AnyView {
    let Some(cell) = cell else {
        let said = format!("not tried on {platform}");
        return view! { <td><span class="dash" title=said.clone() role="img" aria-label=said>"–"</span></td> }
            .into_any();
    };
    let title = told(&cell);
    let mark = match () {
        () if cell.measured > 0 => view! { <EvidenceMark evidence=Evidence::Measured /> }.into_any(),
        () if cell.imported > 0 => view! { <EvidenceMark evidence=Evidence::Imported /> }.into_any(),
        () => view! { <i class="mark failed" role="img" aria-label="failed"></i> }.into_any(),
    };
    let failed = (cell.models_failed > 0).then(|| format!("{} failed", count(cell.models_failed.into())));
    view! {
        <td title=title>
            <span class="results-two">
                <span class="row time-cell">{mark}{models(cell.models_run)}</span>
                <span class="small families-failed">{failed}</span>
            </span>
        </td>
    }
    .into_any()
}

fn models(many: u32) -> String {
    match many {
        0 => "none ran".into(),
        n => counted(n.into(), "model"),
    }
}

fn told(cell: &SupportCell) -> String {
    let mut words = Vec::new();
    for (many, what) in [(cell.measured, "measured with Assay"), (cell.imported, "imported")] {
        if many > 0 {
            words.push(format!("{} {what}", counted(many.into(), "result")));
        }
    }
    if cell.failed > 0 {
        let reason = cell.reason.as_deref().unwrap_or_default();
        words.push(format!("{} without a usable time, the latest because {reason}", count(cell.failed.into())));
    }
    words.join("; ")
}
