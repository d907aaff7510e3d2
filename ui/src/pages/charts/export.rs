//! The chart as a picture, and its data as a table, in a file of the person's choice.

use crate::{
    bridge::ask,
    parts::*,
    plot::{self, Picture},
    state::App,
};
use chart::Figure;
use contract::{Failure, NoticeKind, SaveFile};
use leptos::{prelude::*, task::spawn_local};
use wasm_bindgen::JsCast;

#[component]
pub fn ExportButtons(
    /// What the file's name says of the chart.
    #[prop(into)]
    name: Signal<&'static str>,
    figure: Signal<Option<Figure>>,
) -> impl IntoView {
    let app = App::get();
    let nothing = Signal::derive(move || figure.with(Option::is_none));
    let picture = move |format: Picture, ending: &'static str| {
        let name = format!("assay-{}.{ending}", name.get_untracked());
        spawn_local(async move {
            let drawn = match plot_element() {
                Some(element) => plot::picture(&element, format).await,
                None => Err(Failure::broken("drawing the picture", "no chart is drawn")),
            };
            save(app, name, drawn).await;
        });
    };
    let data = move |_| {
        let name = format!("assay-{}.csv", name.get_untracked());
        let csv = figure.with_untracked(|figure| figure.as_ref().map(|figure| figure.table.to_csv().into_bytes()));
        spawn_local(save(app, name, Ok(csv.unwrap_or_default())));
    };
    view! {
        <Button icon="picture" disabled=nothing testid="export-png" on_press=move |_| picture(Picture::Png, "png")>
            "PNG…"
        </Button>
        <Button icon="picture" disabled=nothing testid="export-svg" on_press=move |_| picture(Picture::Svg, "svg")>
            "SVG…"
        </Button>
        <Button icon="table" disabled=nothing testid="export-data" on_press=data>"Data…"</Button>
    }
}

fn plot_element() -> Option<web_sys::HtmlElement> {
    document().get_element_by_id("plot")?.dyn_into().ok()
}

async fn save(app: App, suggested_name: String, bytes: Result<Vec<u8>, Failure>) {
    let saved = match bytes {
        Ok(bytes) => ask(SaveFile { suggested_name, base64: plot::base64(&bytes), path: None }).await,
        Err(failure) => Err(failure),
    };
    match saved {
        Ok(Some(path)) => app.tell(NoticeKind::Info, format!("Saved as {path}.")),
        Ok(None) => {}
        Err(failure) => app.tell_failure(&failure),
    }
}
