//! A figure on the page: drawn by plotly, and as a table for those who do not see it.

use super::{Icon, InlineFailure};
use crate::plot;
use chart::{Figure, format::count};
use contract::Failure;
use leptos::{html, prelude::*, task::spawn_local};

/// Rows of the data shown on the page; an export has all.
const SHOWN: usize = 500;

#[component]
pub fn PlotView(
    figure: Signal<Option<Figure>>,
    /// Called with the id of the result whose mark is pressed.
    #[prop(into)]
    on_press: Callback<String>,
    /// Of the element; a picture that may lie beside the page's own has another.
    #[prop(default = "plot")]
    id: &'static str,
) -> impl IntoView {
    let place = NodeRef::<html::Div>::new();
    let failure = RwSignal::new(None::<Failure>);
    let listening = StoredValue::new(false);
    Effect::new(move |_| {
        let (Some(place), Some(figure)) = (place.get(), figure.get()) else { return };
        spawn_local(async move {
            let drawn = plot::draw(&place, &figure).await;
            if drawn.is_ok() && listening.try_get_value() == Some(false) {
                listening.set_value(true);
                plot::on_press(&place, move |id| {
                    on_press.try_run(id);
                });
            }
            // The page may be gone by now, and its signals with it.
            failure.try_set(drawn.err());
        });
    });
    on_cleanup(move || {
        if let Some(Some(place)) = place.try_get_untracked() {
            plot::purge(&place);
        }
    });
    view! {
        {move || failure.get().map(|failure| view! { <InlineFailure failure /> })}
        <div
            class="plot"
            id=id
            data-testid=id
            role="group"
            aria-label="The chart; the table below holds the same data"
            node_ref=place
        ></div>
    }
}

/// The same data in rows and columns.
#[component]
pub fn DataTable(figure: Signal<Option<Figure>>) -> impl IntoView {
    let table = move || figure.with(|figure| figure.as_ref().map(|figure| figure.table.clone()).unwrap_or_default());
    let more = move || {
        let rows = table().rows.len();
        (rows > SHOWN).then(|| format!("The first {SHOWN} of {} rows; the exported data has all.", count(rows as u64)))
    };
    view! {
        <details class="disclosure chart-data" data-testid="chart-data">
            <summary><Icon name="right" size=14 />"The data as a table"</summary>
            <p class="small quiet">{more}</p>
            <div class="table-frame">
                <table class="table">
                    <thead>
                        <tr>{move || table().columns.into_iter().map(|column| view! { <th scope="col">{column}</th> }).collect_view()}</tr>
                    </thead>
                    <tbody>
                        {move || table().rows.into_iter().take(SHOWN).map(|row| view! {
                            <tr>
                                {row.into_iter().map(|cell| view! { <td class:number=cell.is_number()>{cell.shown()}</td> }).collect_view()}
                            </tr>
                        }).collect_view()}
                    </tbody>
                </table>
            </div>
        </details>
    }
}
