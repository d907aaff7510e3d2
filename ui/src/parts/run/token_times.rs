//! How long each token of a generated text took, by what stands before it.

use crate::{
    parts::{DataTable, PlotView},
    state::App,
};
use chart::{ChartKind, Figure, Options, Source};
use contract::Run;
use leptos::prelude::*;

/// As low as a picture may be; a drawer is narrow.
const HEIGHT: u32 = 320;

/// Nothing for a result without such times.
#[component]
pub fn TokenTimes(run: Run) -> impl IntoView {
    let app = App::get();
    let runs = [run];
    let figure = Memo::new(move |_| {
        let options = Options { theme: app.theme(), ..Options::default() };
        let source = Source { runs: &runs, ..Source::default() };
        let mut figure = chart::figure(ChartKind::Context, source, options).ok()?;
        figure.layout["height"] = HEIGHT.into();
        Some(figure)
    });
    let drawn: Signal<Option<Figure>> = figure.into();
    let caption = move || drawn.with(|figure| figure.as_ref().map(|figure| figure.caption.clone()));
    // The result of the marks is the one that is open.
    let stay = |_: String| {};
    view! {
        <Show when=move || drawn.with(Option::is_some)>
            <section class="drawer-section" data-testid="token-times">
                <h3>"Time per token over the text"</h3>
                <figure>
                    <PlotView figure=drawn on_press=stay id="token-times-plot" />
                    <figcaption class="small quiet">{caption}</figcaption>
                </figure>
                <DataTable figure=drawn />
            </section>
        </Show>
    }
}
